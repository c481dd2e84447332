/**
 * A table that is too large for a row: what of it is in memory, and what has changed.
 *
 * Keys that are integers from 1 on are in pages as long as they come in ascending order, each block of 64 in one page; so
 * pages are in the order of their entries. All other keys are entries of their own. Positions bring both into one order:
 * whatever is added gets a position behind all others, but a key that is appended to the last page, which shares its position.
 *
 * @import { PageValue } from './page.js'
 * @import { Change, Place, Shelf } from './shelf.js'
 */

import { integerForm } from '../store/integer-key.js';
import { METATABLE } from '../values/key.js';
import { blockOf, bytesOfValue, PAGE, Page, pageValue } from './page.js';
import { cellOf, ENTRIES, integerIn, keyOf, next, PAGES } from './shelf.js';
import { referenceInValue } from './text.js';

/** Memory that an entry takes besides its key and value. */
const ENTRY = 160;

/** A large table. */
export class Large {
  /**
   * @param {Shelf} shelf
   * @param {number} id
   */
  constructor(shelf, id) {
    /** @private */
    this.shelf = shelf;
    this.id = id;
    /** How many entries it has. */
    this.size = 0;
    /** The highest key that is in a page. */
    this.top = 0;
    /** The highest position that is taken. */
    this.last = 0;
    /** How many entries outside of pages have integer keys. */
    this.odd = 0;
    /** 1 if it has a metatable, or what stands in place of one; else 0. */
    this.meta = 0;
    /** Whether the database may have pages and entries of another table of this id. */
    this.wipe = false;
    /**
     * Pages that have changed, those that are new in ascending order.
     * @type {Map<number, Page>}
     */
    this.changedPages = new Map();
    /**
     * Entries that have changed, those that are new in the order of their positions.
     * @type {Map<string, Change>}
     */
    this.changes = new Map();
    /**
     * Pages as the database has them that were used lately, and before.
     * @private
     * @type {Map<number, Page>}
     */
    this.young = new Map();
    /**
     * @private
     * @type {Map<number, Page>}
     */
    this.old = new Map();
    /** An estimate of the memory that changes take. */
    this.weight = 200;
  }

  /**
   * @param {Shelf} shelf
   * @param {number} id
   * @param {string} data of its row
   * @returns {Large}
   */
  static read(shelf, id, data) {
    const large = new Large(shelf, id);
    const { count, top, last, odd, meta } = JSON.parse(data);
    if (![count, top, last, odd, meta].every((number) => Number.isSafeInteger(number) && number >= 0)) {
      throw shelf.damaged(`the figures of table ${id} are '${data}'`);
    }
    large.size = count;
    large.top = top;
    large.last = last;
    large.odd = odd;
    large.meta = meta;
    return large;
  }

  /** @returns {string} what its row says */
  get figures() {
    const { size, top, last, odd, meta } = this;
    return JSON.stringify({ count: size, top, last, odd, meta, list: size - meta === top ? 1 : 0 });
  }

  /** Makes pages that have not been used for a while free to go. */
  age() {
    this.old = this.young;
    this.young = new Map();
  }

  /**
   * @param {number} block
   * @returns {Page | null} null if there is none
   */
  page(block) {
    const changed = this.changedPages.get(block);
    if (changed !== undefined) return changed.values.length === 0 ? null : changed;
    const young = this.young.get(block);
    if (young !== undefined) return young;
    let page = this.old.get(block);
    if (page === undefined) {
      if (this.wipe) return null;
      const row = this.shelf.statements.page.get(this.id, block);
      if (row === undefined) return null;
      page = this.pageOf(block, row[0], row[1], row[2]);
    }
    this.young.set(block, page);
    this.shelf.loaded(page.weight);
    return page;
  }

  /**
   * @private
   * @param {number} block
   * @param {number} position
   * @param {number} kind
   * @param {string} text
   * @returns {Page}
   */
  pageOf(block, position, kind, text) {
    const page = Page.read(this.shelf.reader, block, position, kind, text);
    if (page === null) throw this.shelf.damaged(`page ${block} of table ${this.id} cannot be read`);
    return page;
  }

  /**
   * Finds the value of an integer key in a page.
   *
   * @param {number} integer
   * @returns {PageValue}
   */
  inPage(integer) {
    if (integer < 1 || integer > this.top) return null;
    const page = this.page(blockOf(integer));
    const value = page === null ? null : page.values[(integer - 1) % PAGE];
    return value === undefined ? null : value;
  }

  /**
   * @param {string} key
   * @returns {Uint8Array | undefined} bytes that are the caller's
   */
  get(key) {
    const integer = integerIn(key);
    if (integer !== null) {
      const value = this.inPage(integer);
      if (value !== null) return bytesOfValue(value);
      if (this.odd === 0) return undefined;
    }
    const change = this.changes.get(key);
    if (change !== undefined) return change.value === null ? undefined : change.value.slice();
    if (this.wipe) return undefined;
    const row = this.shelf.statements.entry.get(this.id, cellOf(key));
    return row === undefined ? undefined : this.valueOf(row[0]);
  }

  /**
   * @private
   * @param {string} text
   * @returns {Uint8Array}
   */
  valueOf(text) {
    const { reader } = this.shelf;
    reader.begin(text);
    if (!reader.value()) throw this.shelf.damaged(`an entry of table ${this.id} cannot be read`);
    return reader.bytes.slice(0, reader.at);
  }

  /**
   * @private
   * @param {string} key
   * @returns {boolean} whether there is an entry of that key outside of pages
   */
  hasEntry(key) {
    const change = this.changes.get(key);
    if (change !== undefined) return change.value !== null;
    return !this.wipe && this.shelf.statements.entry.get(this.id, cellOf(key)) !== undefined;
  }

  /**
   * Sets an entry.
   *
   * @param {string} key
   * @param {Uint8Array} bytes
   * @param {number} start
   * @param {number} end
   */
  set(key, bytes, start, end) {
    const integer = integerIn(key);
    if (integer !== null && this.setInPage(integer, key, bytes, start, end)) return;
    const value = bytes.slice(start, end);
    const change = this.changes.get(key);
    const isThere = this.hasEntry(key);
    this.weight += ENTRY + 2 * key.length + value.length;
    if (isThere) {
      if (change !== undefined) change.value = value;
      else this.changes.set(key, { value, position: 0, replaces: true });
      return;
    }
    const replaces = change !== undefined && change.replaces;
    // Taken out first: a Map keeps the place of a key that it has.
    this.changes.delete(key);
    this.last = this.shelf.nextPosition();
    this.changes.set(key, { value, position: this.last, replaces });
    this.size++;
    if (integer !== null) this.odd++;
    if (key === METATABLE) this.meta = 1;
  }

  /**
   * Sets an entry that is in a page, or belongs there.
   *
   * @private
   * @param {number} integer
   * @param {string} key
   * @param {Uint8Array} bytes
   * @param {number} start
   * @param {number} end
   * @returns {boolean} false if it does not
   */
  setInPage(integer, key, bytes, start, end) {
    if (integer < 1) return false;
    const block = blockOf(integer);
    const index = (integer - 1) % PAGE;
    if (integer <= this.top) {
      if (this.inPage(integer) === null) return false;
      const page = this.changedPage(/** @type {Page} */ (this.page(block)));
      page.values[index] = pageValue(bytes, start, end);
      this.weight += ENTRY + end - start;
      return true;
    }
    if (this.odd > 0 && this.hasEntry(key)) return false;
    let page = this.page(block);
    if (page === null) {
      this.last = this.shelf.nextPosition();
      page = new Page(block, this.last, []);
      this.changedPages.delete(block);
      this.changedPages.set(block, page);
      this.weight += ENTRY;
    } else if (page.position === this.last) page = this.changedPage(page);
    else return false;
    while (page.values.length < index) page.values.push(null);
    page.values.push(pageValue(bytes, start, end));
    this.weight += 16 + (typeof page.values[index] === 'number' ? 0 : 96 + end - start);
    this.top = integer;
    this.size++;
    return true;
  }

  /**
   * @private
   * @param {Page} page
   * @returns {Page} the same, as one that has changed
   */
  changedPage(page) {
    if (this.changedPages.has(page.block)) return page;
    this.young.delete(page.block);
    this.old.delete(page.block);
    this.changedPages.set(page.block, page);
    this.weight += page.weight;
    return page;
  }

  /**
   * Deletes an entry.
   *
   * @param {string} key
   * @returns {boolean} whether there was one
   */
  delete(key) {
    const integer = integerIn(key);
    if (integer !== null && this.inPage(integer) !== null) {
      this.deleteInPage(integer);
      return true;
    }
    if ((integer !== null && this.odd === 0) || !this.hasEntry(key)) return false;
    const change = this.changes.get(key);
    const replaces = change === undefined || change.replaces;
    if (replaces) this.changes.set(key, { value: null, position: 0, replaces });
    else this.changes.delete(key);
    this.weight += ENTRY + 2 * key.length;
    this.size--;
    if (integer !== null) this.odd--;
    if (key === METATABLE) this.meta = 0;
    return true;
  }

  /**
   * @private
   * @param {number} integer which is in a page
   */
  deleteInPage(integer) {
    const page = this.changedPage(/** @type {Page} */ (this.page(blockOf(integer))));
    page.values[(integer - 1) % PAGE] = null;
    this.size--;
    if (integer < this.top) {
      if (page.values.every((value) => value === null)) page.values = [];
      return;
    }
    page.trim();
    if (page.top > 0) {
      this.top = page.top;
      return;
    }
    const last = this.lastPage();
    this.top = last === null ? 0 : last.top;
    this.last = this.lastPosition(last);
  }

  /**
   * @private
   * @returns {Page | null} the page with the highest keys
   */
  lastPage() {
    /** @type {Page | null} */
    let last = null;
    for (const page of this.changedPages.values()) {
      if (page.values.length > 0 && (last === null || page.block > last.block)) last = page;
    }
    for (let before = blockOf(this.top) + 1; !this.wipe; ) {
      const row = this.shelf.statements.lastPage.get(this.id, before);
      if (row === undefined) break;
      const [block] = row;
      if (last !== null && last.block > block) break;
      if (!this.changedPages.has(block)) return this.pageOf(block, row[1], row[2], row[3]);
      before = block;
    }
    return last;
  }

  /**
   * @private
   * @param {Page | null} page the last
   * @returns {number} the highest position that is taken, or one above
   */
  lastPosition(page) {
    let position = page === null ? 0 : page.position;
    if (!this.wipe) position = Math.max(position, /** @type {any[]} */ (this.shelf.statements.lastEntry.get(this.id))[0] || 0);
    for (const change of this.changes.values()) if (change.value !== null) position = Math.max(position, change.position);
    return position;
  }

  /**
   * Gives the pages behind a block that have values.
   *
   * @private
   * @param {number} behind
   * @returns {Generator<Page>}
   */
  *pages(behind) {
    let last = behind;
    while (!this.wipe) {
      const rows = this.shelf.statements.pagesBehind.all(this.id, last);
      for (const [block, position, kind, text] of rows) {
        last = block;
        const changed = this.changedPages.get(block);
        if (changed === undefined) yield this.pageOf(block, position, kind, text);
        else if (changed.values.length > 0) yield changed;
      }
      if (rows.length < PAGES) break;
    }
    for (const page of this.changedPages.values()) if (page.block > last && page.values.length > 0) yield page;
  }

  /**
   * Gives the entries outside of pages behind a position.
   *
   * @private
   * @param {number} behind
   * @returns {Generator<{ position: number, key: string, value: Uint8Array }>}
   */
  *entriesBehind(behind) {
    let last = behind;
    while (!this.wipe) {
      const rows = this.shelf.statements.entriesBehind.all(this.id, last);
      for (const [position, cell, text] of rows) {
        last = position;
        const key = keyOf(cell);
        const change = this.changes.get(key);
        if (change === undefined) yield { position, key, value: this.valueOf(text) };
        else if (change.position === 0 && change.value !== null) yield { position, key, value: change.value };
      }
      if (rows.length < ENTRIES) break;
    }
    for (const [key, { position, value }] of this.changes) if (position > last && value !== null) yield { position, key, value };
  }

  /**
   * Gives entries in their order, from a place on. It must not be gone on with after the table has changed: a walk that pauses
   * begins anew from where it was.
   *
   * @param {Place} from
   * @returns {Generator<{ key: string, value: PageValue, place: Place }>}
   */
  *entriesFrom(from) {
    const pages = this.pages(from.block);
    const entries = this.entriesBehind(from.position);
    /** @type {Page | null} */
    let page = null;
    if (from.index > 0) {
      const current = this.page(from.block);
      if (current !== null && current.values.length > from.index) page = current;
    }
    let index = page === null ? 0 : from.index;
    if (page === null) page = next(pages);
    let entry = next(entries);
    let { block, position } = from;
    while (page !== null || entry !== null) {
      if (page !== null && (entry === null || page.position < entry.position)) {
        const value = page.values[index++];
        ({ block } = page);
        const isLast = index >= page.values.length;
        if (value !== null) {
          const key = integerForm(PAGE * block + index);
          yield { key, value, place: { block, index, position } };
        }
        if (isLast) {
          page = next(pages);
          index = 0;
        }
      } else if (entry !== null) {
        ({ position } = entry);
        yield { key: entry.key, value: entry.value, place: { block, index: page !== null && page.block === block ? index : PAGE, position } };
        entry = next(entries);
      }
    }
  }

  /**
   * Visits the tables that it refers to.
   *
   * @param {(id: number) => void} visit
   */
  references(visit) {
    for (const { values } of this.pages(-1)) {
      for (const value of values) {
        if (typeof value === 'number') visit(value);
        else if (value !== null) referenceInValue(value, 0, value.length, visit);
      }
    }
    for (const { value } of this.entriesBehind(0)) referenceInValue(value, 0, value.length, visit);
  }

  /** Writes all changes to the database. */
  write() {
    const { statements, writer } = this.shelf;
    if (this.wipe) {
      statements.deletePages.run(this.id);
      statements.deleteEntries.run(this.id);
    }
    statements.putLarge.run(this.id, this.figures);
    for (const page of this.changedPages.values()) {
      if (page.values.length === 0) statements.deletePage.run(this.id, page.block);
      else {
        const kind = page.write(writer);
        statements.putPage.run(this.id, page.block, page.position, kind, writer.text);
      }
    }
    for (const [key, { value, position, replaces }] of this.changes) {
      const cell = cellOf(key);
      if (position === 0 && value !== null) {
        writer.at = 0;
        writer.value(value, 0, value.length);
        statements.changeEntry.run(writer.text, this.id, cell);
        continue;
      }
      if (replaces && !this.wipe) statements.deleteEntry.run(this.id, cell);
      if (value === null) continue;
      writer.at = 0;
      writer.value(value, 0, value.length);
      statements.addEntry.run(this.id, position, cell, writer.text);
    }
  }

  /** Takes note that the database has all changes. */
  settle() {
    this.changedPages = new Map();
    this.changes = new Map();
    this.wipe = false;
    this.weight = 200;
  }
}
