/**
 * Walks through the entries of a table in their order, while others change it.
 *
 * @import { HashTable } from './hash-table.js'
 * @import { Found } from './items.js'
 * @import { Shape } from './shapes.js'
 * @import { Tables } from './tables.js'
 */

import { newFound } from './items.js';
import { writeIndex } from './integer-key.js';
import { ListTable } from './list-table.js';

/** Bytes of the longest key of a list. */
const KEY_ROOM = 20;

/** A walk through one table. */
export class Walk {
  /**
   * @param {Tables} tables
   * @param {number} tableId
   */
  constructor(tables, tableId) {
    /** @private */
    this.tables = tables;
    this.tableId = tableId;
    /** The key of the entry that the walk is at. */
    this.key = newFound();
    /** @private */
    this.indexBytes = new Uint8Array(KEY_ROOM);
    /** The shape of the row that the walk is in. @private @type {Shape | null} */
    this.shape = null;
    /** The table that the walk is in. @private @type {ListTable | HashTable | null} */
    this.table = null;
    /** Version of that table for which `at` is right. @private */
    this.version = 0;
    /** Where the next entry is. @private */
    this.at = 0;
    /** Where the entry is that the walk is at. @private */
    this.before = 0;
    /** The least number of the next entry in a hash table. @private */
    this.number = 0;
    /** @private */
    this.numberBefore = 0;
    /** Keys that it has been at, when the table was a row of another shape. @private @type {Set<string> | null} */
    this.given = null;
  }

  /** @returns {boolean} whether there is a next entry: then the walk is at it */
  next() {
    const handle = this.tables.handleOf(this.tableId);
    if (handle === 0) return false;
    if (handle > 0) return this.nextInRow(handle);
    const table = this.tables.tableAt(handle);
    if (table !== this.table && !this.turnTo(table)) return false;
    return table instanceof ListTable ? this.nextInList(table) : this.nextInHash(table);
  }

  /** Goes back to where it was before `next`, if nothing has changed since. */
  back() {
    this.at = this.before;
    this.number = this.numberBefore;
  }

  /**
   * @param {Found} found gets the value of the entry that the walk is at
   */
  value(found) {
    const { tables, table } = this;
    if (this.shape !== null) tables.rows.find(tables.handleOf(this.tableId), this.at - 1, found);
    else if (table instanceof ListTable) table.find(tables.values, this.at - 1, found);
    else if (table !== null) table.findValue(tables.values, this.at - 1, found);
  }

  /**
   * @private
   * @param {ListTable | HashTable} table that is there now
   * @returns {boolean} whether the walk can go on in it
   */
  turnTo(table) {
    const { table: old } = this;
    if (old !== null && !(old instanceof ListTable && old.successor === table)) return false;
    if (old === null) this.leaveRow();
    this.table = table;
    this.number = this.at;
    this.version = -1;
    return true;
  }

  /**
   * Notes what it has been at in a row.
   *
   * @private
   */
  leaveRow() {
    const { shape } = this;
    if (shape !== null && this.at > 0) {
      if (this.given === null) this.given = new Set();
      for (let index = 0; index < this.at; index++) this.given.add(shape.keys[index]);
    }
    this.shape = null;
    this.at = 0;
  }

  /**
   * @private
   * @param {number} place
   * @returns {boolean}
   */
  nextInRow(place) {
    if (this.table !== null) return false;
    const shape = this.tables.rows.shapeOf(place);
    if (shape !== this.shape) {
      this.leaveRow();
      this.shape = shape;
    }
    this.before = this.at;
    let { at } = this;
    if (this.given !== null) while (at < shape.size && this.given.has(shape.keys[at])) at++;
    this.at = at;
    if (at >= shape.size) return false;
    this.key.bytes = shape.bytes;
    this.key.start = shape.starts[at];
    this.key.end = shape.starts[at] + shape.lengths[at];
    this.at++;
    return true;
  }

  /**
   * @private
   * @param {ListTable} table
   * @returns {boolean}
   */
  nextInList(table) {
    this.before = this.at;
    while (this.at < table.size) {
      this.at++;
      this.key.bytes = this.indexBytes;
      this.key.start = 0;
      this.key.end = writeIndex(this.at, this.indexBytes, 0);
      if (this.given === null || !this.given.has(this.text())) return true;
    }
    return false;
  }

  /**
   * @private
   * @param {HashTable} table
   * @returns {boolean}
   */
  nextInHash(table) {
    const first = table.version === this.version ? this.at : table.from(this.number);
    this.version = table.version;
    this.before = first;
    this.numberBefore = this.number;
    for (let entry = first; entry < table.count; entry++) {
      this.at = entry + 1;
      this.number = table.numberOf(entry) + 1;
      if (table.places[entry] === 0) continue;
      table.findKey(this.tables.values, entry, this.key);
      if (this.given === null || !this.given.has(this.text())) return true;
    }
    this.at = Math.max(first, table.count);
    return false;
  }

  /** @returns {string} the key of the entry that the walk is at */
  text() {
    return this.tables.texts.text(this.key.bytes, this.key.start, this.key.end);
  }
}
