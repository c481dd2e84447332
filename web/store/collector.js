/**
 * Frees the tables of a store that nothing reaches any more, in steps between which programs run.
 *
 * Marking goes from the roots (what is alive in Lua, what JavaScript has objects for) along the references that values are,
 * with a bit for each id. Between two steps, tables change. Whoever changes the store therefore tells of each reference that is
 * written (`wrote`): its target, and the table that gets it, count as reached. What was read from a table into Lua and then deleted
 * there is alive in Lua, so the roots are asked for again when everything is marked. If nothing new comes of them, what has no
 * mark is garbage, and nothing can reach it again.
 *
 * Memory: two bits for each id in pages, and a list of tables to look into of a fixed length; when the list is full, the second bit
 * of an id says so.
 *
 * @import { Store } from './store.js'
 */

import { readU32 } from '../bytes/integers.js';
import { COLLECT_DONE, COLLECT_PART, COLLECT_ROOTS, ROOTS_AGAIN, ROOTS_BEGIN } from '../loader.js';
import { isPlain, MapStore } from './map-store.js';
import { referenceIn } from './reference.js';
import { ID_LIMIT } from './table-ids.js';

/** Ids of a page, as a power of two, and 32-bit words of one bit for each of them. */
const PAGE_BITS = 16;
const PAGE_MASK = (1 << PAGE_BITS) - 1;
const PAGE_WORDS = 1 << (PAGE_BITS - 5);

/** Tables that are listed to be looked into. */
const LISTED = 1 << 16;

/** Entries after which a collection looks at the clock. */
const PIECE = 512;

/** Entries of a table that is looked into as a whole in a step that ends. */
const SMALL = 4096;

/** Most work that a step says it has done. */
const MOST_WORK = 0xffffffff;

/**
 * Marks of a range of ids.
 *
 * @typedef {object} Page
 * @property {Uint32Array} reached
 * @property {Uint32Array | null} due reached and yet to be looked into, but not listed
 */

/**
 * What a step has done.
 *
 * @typedef {object} CollectorStep
 * @property {number} state `COLLECT_DONE`, `COLLECT_PART`, or `COLLECT_ROOTS`: the roots have to be handed over for the next one
 * @property {number} freed tables that the collection has freed so far
 * @property {number} work entries and tables that the step has looked at
 */

/**
 * Finds the tables that a large table refers to, in pieces.
 *
 * @typedef {{ next: (count: number, visit: (tableId: number) => void) => boolean }} ReferenceWalk
 */

/**
 * Does that in any store. Keys that come behind meanwhile do not matter: `wrote` tells of them.
 *
 * @implements {ReferenceWalk}
 */
class KeyWalk {
  /**
   * @param {Store} store
   * @param {number} id
   */
  constructor(store, id) {
    /** @private */
    this.store = store;
    /** @private */
    this.id = id;
    /** @private */
    this.keys = store.keys(id)[Symbol.iterator]();
  }

  /**
   * @param {number} count most entries to look at
   * @param {(tableId: number) => void} visit
   * @returns {boolean} whether there may be more
   */
  next(count, visit) {
    for (let left = count; left > 0; left--) {
      const { done, value: key } = this.keys.next();
      if (done === true) return false;
      const bytes = this.store.get(this.id, key);
      const target = bytes === undefined ? 0 : referenceIn(bytes, 0, bytes.length);
      if (target !== 0) visit(target);
    }
    return true;
  }
}

/** Collects the tables of one store. */
export class Collector {
  /**
   * @param {Store} store to read from
   * @param {(tableId: number) => void} drop deletes a table, so that whoever observes changes sees it
   */
  constructor(store, drop) {
    /** @private */
    this.store = store;
    /**
     * The store, if it finds references by itself. A class that extends `MapStore` may store other bytes.
     *
     * @private
     */
    this.finder = store.references === undefined || (store instanceof MapStore && !isPlain(store)) ? null : store;
    this.drop = drop;
    /**
     * Tells the ids of tables that the host itself keeps alive.
     *
     * @type {(visit: (tableId: number) => void) => void}
     */
    this.forEachHeld = () => {};
    /** Whether a script asks, and is charged for the work. */
    this.isCharged = true;
    /** Whether somebody has asked for a step of the collection under way, and will ask for the next. */
    this.isAsked = false;
    /** Whether a collection is under way, which has to be told what is written. */
    this.isActive = false;
    /** @private @type {(Page | undefined)[]} */
    this.pages = [];
    /** Pages that have ids that are due. @private @type {number[]} */
    this.duePages = [];
    /** @private */
    this.list = new Uint32Array(0);
    /** @private */
    this.listed = 0;
    /**
     * The large table that is looked into piece by piece.
     *
     * @private
     * @type {ReferenceWalk | null}
     */
    this.walk = null;
    /**
     * The ids of all tables, while those without marks are freed.
     *
     * @private
     * @type {Iterator<number> | null}
     */
    this.sweep = null;
    /** Tells the id of the next new table. @type {() => number} */
    this.nextId = () => ID_LIMIT;
    /** The first id of tables that were made since the collection began. @private */
    this.young = ID_LIMIT;
    /** Tables that the collection has found alive, without those that were made meanwhile. */
    this.alive = 0;
    /** @private */
    this.freed = 0;
    /** @private */
    this.work = 0;
    /** @private */
    this.visit = (/** @type {number} */ id) => this.mark(id);
  }

  /**
   * Takes roots. All that are handed over from `ROOTS_BEGIN` or `ROOTS_AGAIN` on belong together.
   *
   * @param {number} list one of the `ROOTS_` constants
   * @param {Uint8Array} ids each as a u32
   */
  takeRoots(list, ids) {
    if (list === ROOTS_BEGIN || (list === ROOTS_AGAIN && !this.isActive)) this.begin();
    for (let at = 0; at + 4 <= ids.length; at += 4) {
      this.markRoot(readU32(ids, at));
    }
  }

  /**
   * Goes on with the collection.
   *
   * @param {boolean} complete whether the roots that were handed over are those of this moment, and all
   * @param {number} milliseconds after which the step ends, about
   * @returns {CollectorStep}
   */
  step(complete, milliseconds) {
    this.work = 0;
    if (this.isCharged) this.isAsked = true;
    if (!this.isActive) return this.result(COLLECT_ROOTS);
    let done = false;
    try {
      const state = this.advance(complete, milliseconds === Infinity ? Infinity : performance.now() + milliseconds);
      done = true;
      if (state === COLLECT_DONE) this.abandon();
      return this.result(state);
    } finally {
      // A store that has failed may have given half of what it has.
      if (!done) this.abandon();
    }
  }

  /** Ends the collection that is under way, and frees nothing more. */
  abandon() {
    this.isActive = false;
    this.isAsked = false;
    this.pages = [];
    this.duePages = [];
    this.list = new Uint32Array(0);
    this.listed = 0;
    this.walk = null;
    this.sweep = null;
  }

  /**
   * Notes a value that is about to be written, while a collection is under way.
   *
   * @param {number} tableId which gets it
   * @param {Uint8Array} bytes
   * @param {number} start of the value
   * @param {number} end
   */
  wrote(tableId, bytes, start, end) {
    this.mark(tableId);
    const target = referenceIn(bytes, start, end);
    if (target !== 0) this.mark(target);
  }

  /**
   * @private
   * @param {number} state
   * @returns {CollectorStep}
   */
  result(state) {
    return { state, freed: this.freed, work: this.isCharged ? Math.min(this.work, MOST_WORK) : 0 };
  }

  /** @private */
  begin() {
    this.abandon();
    this.list = new Uint32Array(LISTED);
    this.alive = 0;
    this.young = this.nextId();
    this.freed = 0;
    this.isActive = true;
  }

  /**
   * @private
   * @param {boolean} complete
   * @param {number} deadline
   * @returns {number} the state
   */
  advance(complete, deadline) {
    if (complete) this.forEachHeld((id) => this.markRoot(id));
    if (!this.markAll(deadline)) return COLLECT_PART;
    if (this.sweep === null) {
      if (!complete) return COLLECT_ROOTS;
      this.sweep = this.tableIds();
    }
    return this.sweepAll(this.sweep, deadline) ? COLLECT_DONE : COLLECT_PART;
  }

  /**
   * All tables. The iterator of a `Map` may be kept while tables come and go, and that of a store that says so; others may not.
   *
   * @private
   * @returns {Iterator<number>}
   */
  tableIds() {
    const ids = this.store.tableIds();
    return (isPlain(this.store) || this.store.keepsIds === true ? ids : Uint32Array.from(ids))[Symbol.iterator]();
  }

  /**
   * Marks a table that is alive whoever refers to it. One without entries needs no mark, least of all a page of its own.
   *
   * @private
   * @param {number} id
   */
  markRoot(id) {
    if (id === 0 || id >= ID_LIMIT || (this.pages[id >>> PAGE_BITS] === undefined && this.store.size(id) === 0)) return;
    this.mark(id);
  }

  /**
   * Marks a table as reached, to be looked into if it was not.
   *
   * @private
   * @param {number} id
   */
  mark(id) {
    const number = id >>> PAGE_BITS;
    let page = this.pages[number];
    if (page === undefined) {
      page = { reached: new Uint32Array(PAGE_WORDS), due: null };
      this.pages[number] = page;
    }
    const word = (id & PAGE_MASK) >>> 5;
    const bit = 1 << (id & 31);
    if ((page.reached[word] & bit) !== 0) return;
    page.reached[word] |= bit;
    if (this.listed < LISTED) {
      this.list[this.listed++] = id;
      return;
    }
    if (page.due === null) {
      page.due = new Uint32Array(PAGE_WORDS);
      this.duePages.push(number);
    }
    page.due[word] |= bit;
  }

  /**
   * @private
   * @param {number} id
   * @returns {boolean}
   */
  isMarked(id) {
    const page = this.pages[id >>> PAGE_BITS];
    return page !== undefined && (page.reached[(id & PAGE_MASK) >>> 5] & (1 << (id & 31))) !== 0;
  }

  /**
   * Marks what is reached.
   *
   * @private
   * @param {number} deadline
   * @returns {boolean} whether that is all
   */
  markAll(deadline) {
    let next = this.work + PIECE;
    for (;;) {
      if (this.walk !== null) {
        this.work += PIECE;
        if (!this.walk.next(PIECE, this.visit)) this.walk = null;
      } else if (this.listed > 0 || this.listDue()) this.lookInto(this.list[--this.listed], deadline === Infinity);
      else return true;
      if (this.work >= next) {
        if (performance.now() >= deadline) return false;
        next = this.work + PIECE;
      }
    }
  }

  /**
   * Lists what is due of one page.
   *
   * @private
   * @returns {boolean} whether there is anything
   */
  listDue() {
    const number = this.duePages.pop();
    const page = number === undefined ? undefined : this.pages[number];
    if (number === undefined || page === undefined || page.due === null) return false;
    const { due } = page;
    // The list has room for a whole page.
    for (let word = 0; word < PAGE_WORDS; word++) {
      for (let bits = due[word]; bits !== 0; bits &= bits - 1) {
        this.list[this.listed++] = number * (1 << PAGE_BITS) + word * 32 + (31 - Math.clz32(bits & -bits));
      }
    }
    page.due = null;
    return true;
  }

  /**
   * Marks what a table refers to.
   *
   * @private
   * @param {number} id
   * @param {boolean} whole whether it has to be done at once, however large the table is
   */
  lookInto(id, whole) {
    const { finder, store } = this;
    const size = store.size(id);
    if (id < this.young) this.alive++;
    this.work++;
    if (size === 0) return;
    if (whole || size <= SMALL) {
      this.work += size;
      if (finder !== null && finder.references !== undefined) finder.references(id, this.visit);
      else new KeyWalk(store, id).next(Infinity, this.visit);
    } else {
      this.walk = finder === null || finder.referenceWalk === undefined ? new KeyWalk(store, id) : finder.referenceWalk(id);
    }
  }

  /**
   * Frees tables without marks.
   *
   * @private
   * @param {Iterator<number>} ids
   * @param {number} deadline
   * @returns {boolean} whether all are freed
   */
  sweepAll(ids, deadline) {
    const { store } = this;
    let next = this.work + PIECE;
    for (;;) {
      if (this.work >= next) {
        if (performance.now() >= deadline) return false;
        next = this.work + PIECE;
      }
      const { done, value: id } = ids.next();
      if (done === true) return true;
      this.work++;
      if (this.isMarked(id)) continue;
      const size = store.size(id);
      if (size === 0) continue;
      this.drop(id);
      this.freed++;
      this.work += size;
    }
  }
}
