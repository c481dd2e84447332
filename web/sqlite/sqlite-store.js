/**
 * Stores external tables in a SQLite database, of which only what is in use is in memory.
 *
 * What has changed stays in memory until it is saved, in one transaction. If that takes too much memory, the transaction is
 * begun earlier and what has changed goes into it: SQLite writes it to the disk where nobody sees it before it is committed, and
 * where it is ignored if the process ends before that.
 *
 * @import { Database, DatabaseMeta } from './database.js'
 * @import { PageValue } from './page.js'
 * @import { Place } from './shelf.js'
 * @import { Shape } from './shapes.js'
 */

import { integerForm } from '../store/integer-key.js';
import { MapStore } from '../store/map-store.js';
import { ID_LIMIT } from '../store/table-ids.js';
import { Large } from './large.js';
import { bytesOfValue } from './page.js';
import { Gone, MOST_BYTES, MOST_ENTRIES, Row } from './row.js';
import { FIRST } from './shelf.js';
import { Tables } from './tables.js';
import { referenceInValue } from './text.js';

// `@implements` needs a name that declarations can use, which `@import` does not give.
/** @typedef {import('../store/store.js').Store} Store */
/** @typedef {import('../store/store.js').StoreObserver} StoreObserver */
/** @typedef {import('./tables.js').Table} Table */

/** How many keys a walk takes at a time, and how many ids. */
const KEYS = 1024;
const IDS = 4096;

const NEXT_IDS = `SELECT id FROM tables WHERE id > ? ORDER BY id LIMIT ${IDS}`;

/**
 * External tables in a database.
 *
 * @implements {Store}
 */
export class SqliteStore {
  /**
   * @param {Database} database
   * @param {object} options
   * @param {number} options.cacheBytes memory for tables, changed ones included
   * @param {boolean} options.readOnly whether what is changed is never written, and stays in memory
   * @param {() => void} [options.onChange] called when there is something to save, at least for the first change since a save
   */
  constructor(database, { cacheBytes, readOnly, onChange = () => {} }) {
    const { meta, revision, position } = database.read();
    /** @private */
    this.database = database;
    /** Memory for changes, in bytes. @private */
    this.bound = cacheBytes / 2;
    /** @private */
    this.readOnly = readOnly;
    this.onChange = onChange;
    /** @private */
    this.nextIds = database.driver.prepare(NEXT_IDS);
    /** @private */
    this.tables = new Tables(database, position, cacheBytes / 4);
    /** What the database says besides its tables; null if nothing has been saved. */
    this.meta = meta;
    /**
     * What a walk over a large table gave last, with how many changes had been made: whoever walks asks for its value next.
     *
     * @private
     * @type {{ tableId: number, key: string, value: PageValue, mutations: number }}
     */
    this.walked = { tableId: 0, key: '', value: null, mutations: -1 };
    /** Whether an iterator of ids may be kept while tables come and go. */
    this.keepsIds = true;
    /** How many changes have been made. */
    this.mutations = 0;
    /** Whether something has changed since the last save. */
    this.hasChanges = false;
    /** Whether changes have gone into the transaction that is open. @private */
    this.hasSpilled = false;
    /** The revision of the contents; 0 if they have changed since it was asked for. @private */
    this.lastRevision = revision;
    /** Id of a table that is not kept, 0 if there is none. @private */
    this.skippedId = 0;
    /** What that table has. @private */
    this.skipped = new MapStore();
    /** @type {StoreObserver | null} */
    this.observer = null;
    /** Why the store cannot be used any more, null if it can. @private @type {unknown} */
    this.broken = null;
  }

  /** No table has a higher id. */
  get highestId() {
    return this.tables.highestId;
  }

  /** A number that no other contents have. */
  get revision() {
    if (this.lastRevision === 0) this.lastRevision = 1 + Math.floor(Math.random() * (Number.MAX_SAFE_INTEGER - 1));
    return this.lastRevision;
  }

  /**
   * Keeps a table out of the database.
   *
   * @param {number} tableId
   */
  skip(tableId) {
    if (tableId === this.skippedId) return;
    /** @type {[string, Uint8Array][]} */
    const entries = Array.from(this.keys(tableId), (key) => [key, /** @type {Uint8Array} */ (this.get(tableId, key))]);
    if (entries.length > 0) this.drop(tableId);
    this.skippedId = tableId;
    this.skipped = new MapStore([[tableId, entries]]);
  }

  /**
   * @param {number} tableId
   * @param {string} key
   * @returns {Uint8Array | undefined}
   */
  get(tableId, key) {
    if (tableId === this.skippedId) return this.skipped.get(tableId, key);
    const { walked } = this;
    if (walked.key === key && walked.tableId === tableId && walked.mutations === this.mutations) return bytesOfValue(walked.value);
    const table = this.table(tableId);
    return table instanceof Row || table instanceof Large ? table.get(key) : undefined;
  }

  /**
   * @param {number} tableId
   * @param {string} key
   * @param {Uint8Array} value
   */
  set(tableId, key, value) {
    this.put(tableId, key, value, 0, value.length);
  }

  /**
   * @param {number} tableId
   * @param {string} key
   * @returns {boolean}
   */
  delete(tableId, key) {
    if (tableId === this.skippedId) return this.skipped.delete(tableId, key);
    const table = this.table(tableId);
    if (table === null || table instanceof Gone) return false;
    this.checkBound();
    if (this.observer !== null) this.observer.willDelete(tableId, key);
    if (table instanceof Large) {
      const weight = this.change(tableId, table);
      const deleted = table.delete(key);
      this.tables.changedWeight += table.weight - weight;
      if (deleted && table.size === 0) this.tables.replace(tableId, new Gone(true));
      return deleted;
    }
    const place = table.shape.placeOf(key);
    if (place < 0) return false;
    this.change(tableId, table);
    if (table.size === 1) this.tables.replace(tableId, new Gone(table.wipe));
    else table.deleteAt(this.tables.shapes, place);
    return true;
  }

  /**
   * @param {number} tableId
   * @returns {number}
   */
  size(tableId) {
    if (tableId === this.skippedId) return this.skipped.size(tableId);
    if (this.broken !== null) this.check();
    return this.tables.size(tableId);
  }

  /**
   * @param {number} tableId
   * @returns {Iterable<string>}
   */
  *keys(tableId) {
    if (tableId === this.skippedId) {
      yield* this.skipped.keys(tableId);
      return;
    }
    /** @type {Set<string>} */
    const given = new Set();
    let table = this.table(tableId);
    while (table instanceof Row) {
      const { keys } = table.shape;
      const key = keys.find((each) => !given.has(each));
      if (key === undefined) return;
      given.add(key);
      yield key;
      table = this.table(tableId);
    }
    /** @type {Place} */
    let from = FIRST;
    for (;;) {
      const current = this.table(tableId);
      if (!(current instanceof Large)) {
        if (current instanceof Row) yield* current.shape.keys.filter((key) => !given.has(key));
        return;
      }
      /** @type {{ key: string, value: PageValue }[]} */
      const batch = [];
      for (const { key, value, place } of current.entriesFrom(from)) {
        from = place;
        if (!given.has(key)) batch.push({ key, value });
        if (batch.length === KEYS) break;
      }
      const { mutations } = this;
      for (const { key, value } of batch) {
        this.walked = { tableId, key, value, mutations };
        yield key;
      }
      if (batch.length === 0) return;
    }
  }

  /** @param {number} tableId */
  drop(tableId) {
    if (tableId === this.skippedId) {
      this.skipped.drop(tableId);
      return;
    }
    const table = this.table(tableId);
    if (table === null || table instanceof Gone) return;
    if (this.observer !== null) this.observer.willDrop(tableId);
    this.change(tableId, table);
    this.tables.replace(tableId, new Gone(table.wipe || table instanceof Large));
  }

  /**
   * Visits the tables that a table refers to.
   *
   * @param {number} tableId
   * @param {(id: number) => void} visit
   */
  references(tableId, visit) {
    if (this.broken !== null) this.check();
    if (tableId !== this.skippedId) {
      this.tables.references(tableId, visit);
      return;
    }
    for (const key of this.skipped.keys(tableId)) {
      const value = this.skipped.get(tableId, key);
      if (value !== undefined) referenceInValue(value, 0, value.length, visit);
    }
  }

  /** @returns {Iterable<number>} */
  *tableIds() {
    if (this.skipped.size(this.skippedId) > 0) yield this.skippedId;
    // Those that the database does not have come first: it may get them meanwhile.
    /** @type {Set<number>} */
    const given = new Set();
    for (const [id, table] of this.tables.changed) if (!(table instanceof Gone)) given.add(id);
    yield* given;
    let last = 0;
    for (;;) {
      const rows = this.nextIds.all(last);
      for (const [id] of rows) {
        last = id;
        if (!given.has(id) && !(this.tables.changed.get(id) instanceof Gone)) yield id;
      }
      if (rows.length < IDS) return;
    }
  }

  /**
   * Makes all changes last, in one transaction. If that fails, the database is as it was and the changes are still there.
   *
   * @param {DatabaseMeta} meta
   */
  save(meta) {
    const { database } = this;
    this.check();
    try {
      database.begin();
      this.tables.writeChanges();
      database.write(meta, this.revision, this.tables.position);
      database.commit();
    } catch (error) {
      database.rollback();
      this.tables.shapes.rollback();
      // What had gone into the transaction is nowhere any more.
      if (this.hasSpilled) this.broken = error;
      throw error;
    }
    this.tables.shapes.commit();
    this.tables.settle();
    this.meta = { ...meta };
    this.hasSpilled = false;
    this.hasChanges = false;
  }

  /**
   * @param {string[]} keys
   * @returns {Shape}
   */
  shapeOf(keys) {
    return this.tables.shapes.of(keys);
  }

  /**
   * Visits small tables; of others it gets null.
   *
   * @param {number[]} ids
   * @param {(id: number, row: Row | null) => boolean} visit whether to go on; what it gets is valid until it returns
   */
  forEachRow(ids, visit) {
    if (this.broken !== null) this.check();
    const none = Row.empty(this.tables.shapes);
    this.tables.forEach(ids, (id, table) => {
      if (id === this.skippedId || table instanceof Large) return visit(id, null);
      return visit(id, table instanceof Row ? table : none);
    });
  }

  /**
   * @param {number} id
   * @returns {Row | null} null if it is no small table
   */
  rowOf(id) {
    const table = id === this.skippedId ? null : this.table(id);
    if (table instanceof Large || id === this.skippedId) return null;
    return table instanceof Row ? table : Row.empty(this.tables.shapes);
  }

  /**
   * @param {number} tableId
   * @param {number} integer
   * @returns {PageValue} the value under an integer key
   */
  listValue(tableId, integer) {
    if (tableId !== this.skippedId) {
      const table = this.table(tableId);
      const value = table instanceof Large ? table.inPage(integer) : null;
      if (value !== null) return value;
      if (table instanceof Large && table.odd === 0) return null;
    }
    return this.get(tableId, integerForm(integer)) || null;
  }

  /**
   * Makes a row all that a table has.
   *
   * @param {number} tableId
   * @param {Row} row whose bytes stay as they are
   */
  putRow(tableId, row) {
    if (tableId === this.skippedId || row.size > MOST_ENTRIES || row.length > MOST_BYTES || row.size === 0 || this.observer !== null) {
      this.drop(tableId);
      row.shape.keys.forEach((key, place) => this.put(tableId, key, row.bytes, row.startOf(place), row.ends[place]));
      return;
    }
    this.checkBound();
    this.note();
    this.tables.put(tableId, row);
  }

  /**
   * Finds ids that no table has.
   *
   * @param {number} first
   * @param {number} count at most
   * @returns {{ first: number, count: number }} the first of them at or behind `first`
   */
  freeIds(first, count) {
    const { highestId } = this.tables;
    let id = first;
    while (id <= highestId && id < ID_LIMIT && this.size(id) > 0) id++;
    let free = 0;
    while (free < count && id + free < ID_LIMIT && (id + free > highestId || this.size(id + free) === 0)) {
      free = id + free > highestId ? Math.min(count, ID_LIMIT - id) : free + 1;
    }
    return { first: id, count: free };
  }

  /**
   * @private
   * @throws why the store cannot be used any more
   */
  check() {
    if (this.broken !== null) throw this.broken;
  }

  /**
   * Finds a table.
   *
   * @private
   * @param {number} id
   * @returns {Table | null} null if there is none
   */
  table(id) {
    if (this.broken !== null) this.check();
    return this.tables.get(id);
  }

  /**
   * Takes note that a table is about to change.
   *
   * @private
   * @param {number} id
   * @param {Table} table
   * @returns {number} its weight until now
   */
  change(id, table) {
    this.note();
    return this.tables.change(id, table);
  }

  /**
   * Takes note that something is about to change.
   *
   * @private
   */
  note() {
    this.mutations++;
    this.lastRevision = 0;
    if (this.hasChanges) return;
    this.hasChanges = true;
    this.onChange();
  }

  /**
   * Sets an entry.
   *
   * @param {number} tableId
   * @param {string} key
   * @param {Uint8Array} bytes
   * @param {number} start
   * @param {number} end
   */
  put(tableId, key, bytes, start, end) {
    if (tableId === this.skippedId) {
      this.skipped.set(tableId, key, bytes.slice(start, end));
      return;
    }
    this.checkBound();
    if (this.observer !== null) this.observer.willSet(tableId, key);
    const there = this.table(tableId);
    /** @type {Row | Large} */
    let table;
    if (there === null || there instanceof Gone) {
      table = Row.empty(this.tables.shapes);
      table.wipe = there !== null && there.wipe;
      if (tableId > this.tables.highestId) this.tables.highestId = tableId;
      this.change(tableId, table);
      this.tables.replace(tableId, table);
    } else table = there;
    const weight = this.change(tableId, table);
    if (table instanceof Row) {
      const isNew = table.size >= MOST_ENTRIES && table.shape.placeOf(key) < 0;
      if (!isNew && table.length + end - start <= MOST_BYTES) table.set(this.tables.shapes, key, bytes, start, end);
      else {
        const large = this.tables.enlarge(tableId, table);
        large.set(key, bytes, start, end);
        table = large;
      }
    } else table.set(key, bytes, start, end);
    this.tables.changedWeight += table.weight - weight;
  }

  /**
   * Lets changes go into a transaction when they take too much memory.
   *
   * @private
   */
  checkBound() {
    if (this.tables.changedWeight < this.bound || this.readOnly) return;
    const { database } = this;
    try {
      database.begin();
      this.tables.writeChanges();
    } catch (error) {
      database.rollback();
      this.tables.shapes.rollback();
      if (this.hasSpilled) this.broken = error;
      throw error;
    }
    this.hasSpilled = true;
    this.tables.settle();
  }
}
