/**
 * Keeps tables in memory, each in one of three forms. A small one is a row: its keys are a shape that it shares with others, and its
 * values lie one after another. A larger one whose keys are 1 to n, set in that order, is a list, and any other a hash table.
 * All bytes lie together in an arena, so that neither tables nor values cost objects.
 *
 * @import { Shape } from './shapes.js'
 */

import { KeyCache } from '../bytes/text.js';
import { Arena } from './arena.js';
import { Directory } from './directory.js';
import { HashTable } from './hash-table.js';
import { BRACKET, readInteger, writeIndex } from './integer-key.js';
import { newFound } from './items.js';
import { ListTable } from './list-table.js';
import { isWholeRange } from './ops.js';
import { MOST_VALUES, Rows } from './rows.js';
import { Shapes } from './shapes.js';

const NOTHING = new Uint8Array(0);

/**
 * @param {Uint8Array} memory
 * @param {number} start
 * @param {number} end
 * @returns {number} the index in a list that a key stands for, -1 if it stands for none
 */
export function indexOfKey(memory, start, end) {
  if (end - start < 3 || memory[start] !== BRACKET) return -1;
  const integer = readInteger(memory, start, end);
  return integer === null || integer < 1 ? -1 : integer - 1;
}

/** All tables of a store. Keys and values are ranges of bytes. */
export class Tables {
  constructor() {
    this.values = new Arena();
    this.shapes = new Shapes();
    this.rows = new Rows(this.values, this.shapes);
    this.texts = new KeyCache();
    /** Of each table its handle: the place of its row, or `~` of its index in `others`. */
    this.directory = new Directory();
    /** @private @type {(ListTable | HashTable | null)[]} */
    this.others = [];
    /** @private @type {number[]} indexes of `others` that are free */
    this.free = [];
    /** What `find` has found. */
    this.found = newFound();
    /** Bytes that all values take together. */
    this.bytes = 0;
    /** How many changes have been made. */
    this.mutations = 0;
  }

  /**
   * Makes a table without entries, if there is none.
   *
   * @param {number} tableId
   */
  open(tableId) {
    if (this.directory.get(tableId) === 0) this.directory.set(tableId, this.rows.create(this.shapes.root, NOTHING, 0, 0, 0));
  }

  /**
   * @param {number} tableId
   * @returns {number} 0 if there is no such table
   */
  handleOf(tableId) {
    return this.directory.get(tableId);
  }

  /**
   * @param {number} handle that is negative
   * @returns {ListTable | HashTable}
   */
  tableAt(handle) {
    return /** @type {ListTable | HashTable} */ (this.others[~handle]);
  }

  /**
   * @param {number} tableId
   * @returns {number} how many entries it has
   */
  sizeOf(tableId) {
    const handle = this.directory.get(tableId);
    if (handle > 0) return this.rows.shapeOf(handle).size;
    return handle === 0 ? 0 : this.tableAt(handle).size;
  }

  /**
   * Finds a value, for `found`.
   *
   * @param {number} tableId
   * @param {Uint8Array} memory with the key
   * @param {number} start
   * @param {number} end
   * @returns {boolean}
   */
  find(tableId, memory, start, end) {
    const handle = this.directory.get(tableId);
    if (handle > 0) {
      const index = this.rows.shapeOf(handle).find(memory, start, end);
      if (index < 0) return false;
      this.rows.find(handle, index, this.found);
      return true;
    }
    if (handle === 0) return false;
    const table = this.tableAt(handle);
    if (table instanceof ListTable) {
      const index = indexOfKey(memory, start, end);
      if (index < 0 || index >= table.size) return false;
      table.find(this.values, index, this.found);
      return true;
    }
    const entry = table.find(this.values, memory, start, end);
    if (entry < 0) return false;
    table.findValue(this.values, entry, this.found);
    return true;
  }

  /**
   * Makes a row all that a table has.
   *
   * @param {number} tableId
   * @param {Shape} shape
   * @param {Uint8Array} bytes with the values, which are whole and not too long for a row
   * @param {number} start
   * @param {number} end
   */
  putRow(tableId, shape, bytes, start, end) {
    const handle = this.directory.get(tableId);
    this.mutations++;
    if (handle > 0) {
      this.bytes += end - start - this.rows.lengthOf(handle);
      const place = this.rows.replace(handle, shape, bytes, start, end);
      if (place !== handle) this.directory.set(tableId, place);
    } else {
      const place = this.rows.create(shape, bytes, start, end, 0);
      if (handle < 0) this.clear(tableId);
      this.bytes += end - start;
      this.directory.set(tableId, place);
    }
    this.compact();
  }

  /**
   * Stores a value.
   *
   * @param {number} tableId
   * @param {Uint8Array} memory with the key
   * @param {number} keyStart
   * @param {number} keyEnd
   * @param {Uint8Array} bytes with the value
   * @param {number} start
   * @param {number} end
   */
  put(tableId, memory, keyStart, keyEnd, bytes, start, end) {
    this.mutations++;
    const handle = this.directory.get(tableId);
    if (handle < 0) {
      this.putInTable(handle, memory, keyStart, keyEnd, bytes, start, end);
    } else if (!this.putInRow(tableId, handle, memory, keyStart, keyEnd, bytes, start, end)) {
      this.putInTable(this.toTable(tableId, memory, keyStart, keyEnd), memory, keyStart, keyEnd, bytes, start, end);
    }
    this.compact();
  }

  /**
   * @private
   * @param {number} tableId
   * @param {number} place of its row, 0 if there is no table
   * @param {Uint8Array} memory
   * @param {number} keyStart
   * @param {number} keyEnd
   * @param {Uint8Array} bytes
   * @param {number} start
   * @param {number} end
   * @returns {boolean} whether the value can be part of a row
   */
  putInRow(tableId, place, memory, keyStart, keyEnd, bytes, start, end) {
    const { rows, shapes, found } = this;
    const length = end - start;
    if (length > MOST_VALUES || !isWholeRange(bytes, start, end)) return false;
    const shape = place === 0 ? shapes.root : rows.shapeOf(place);
    const index = shape.find(memory, keyStart, keyEnd);
    const later = index < 0 ? shapes.with(shape, this.texts.text(memory, keyStart, keyEnd)) : shape;
    if (later === null) return false;
    if (place === 0) {
      this.directory.set(tableId, rows.create(later, bytes, start, end, length >> 1));
      this.bytes += length;
      return true;
    }
    if (index < 0) {
      rows.findAll(place, found);
      found.start = found.end;
    } else {
      rows.find(place, index, found);
    }
    const more = length - (found.end - found.start);
    if (rows.lengthOf(place) + more > MOST_VALUES) return false;
    const moved = rows.splice(place, later, found, bytes, start, end);
    if (moved !== place) this.directory.set(tableId, moved);
    this.bytes += more;
    return true;
  }

  /**
   * @private
   * @param {number} handle
   * @param {Uint8Array} memory
   * @param {number} keyStart
   * @param {number} keyEnd
   * @param {Uint8Array} bytes
   * @param {number} start
   * @param {number} end
   */
  putInTable(handle, memory, keyStart, keyEnd, bytes, start, end) {
    const { values, found } = this;
    let table = this.tableAt(handle);
    if (table instanceof ListTable) {
      const index = indexOfKey(memory, keyStart, keyEnd);
      if (index >= 0 && index <= table.size) {
        const old = index < table.size ? table.lengthOf(values, index) : 0;
        table.set(values, index, bytes, start, end);
        this.bytes += end - start - old;
        return;
      }
      table = this.toHash(handle, table);
    }
    const entry = table.find(values, memory, keyStart, keyEnd);
    if (entry < 0) {
      table.add(values, memory, keyStart, keyEnd, bytes, start, end);
      this.bytes += end - start;
    } else {
      table.findValue(values, entry, found);
      const old = found.end - found.start;
      table.replace(values, entry, bytes, start, end);
      this.bytes += end - start - old;
    }
  }

  /**
   * Deletes an entry.
   *
   * @param {number} tableId
   * @param {Uint8Array} memory with the key
   * @param {number} start
   * @param {number} end
   * @returns {boolean} whether it was there
   */
  remove(tableId, memory, start, end) {
    const { values, found } = this;
    if (!this.find(tableId, memory, start, end)) return false;
    this.mutations++;
    const length = found.end - found.start;
    let handle = this.directory.get(tableId);
    if (handle > 0) {
      const shape = this.rows.shapeOf(handle);
      const later = this.shapes.without(shape, shape.find(memory, start, end));
      if (later === null) handle = this.toTable(tableId, memory, start, end);
      else this.directory.set(tableId, this.rows.splice(handle, later, found, NOTHING, 0, 0));
    }
    if (handle < 0) {
      let table = this.tableAt(handle);
      if (table instanceof ListTable && indexOfKey(memory, start, end) === table.size - 1) {
        table.pop(values);
      } else {
        if (table instanceof ListTable) table = this.toHash(handle, table);
        table.delete(values, table.find(values, memory, start, end));
      }
    }
    this.bytes -= length;
    this.compact();
    return true;
  }

  /**
   * Takes everything out of a table, and forgets it.
   *
   * @param {number} tableId
   */
  drop(tableId) {
    if (this.directory.get(tableId) === 0) return;
    this.mutations++;
    this.clear(tableId);
    this.compact();
  }

  /**
   * @private
   * @param {number} tableId that is there
   */
  clear(tableId) {
    const handle = this.directory.get(tableId);
    this.directory.set(tableId, 0);
    if (handle > 0) {
      this.bytes -= this.rows.lengthOf(handle);
      this.values.release(handle);
      return;
    }
    const table = this.tableAt(handle);
    this.bytes -= table.bytes(this.values);
    table.clear(this.values);
    this.others[~handle] = null;
    this.free.push(~handle);
  }

  /**
   * Makes a list or a hash table of a row.
   *
   * @private
   * @param {number} tableId
   * @param {Uint8Array} memory with the key that is to be set or deleted
   * @param {number} start
   * @param {number} end
   * @returns {number} its handle
   */
  toTable(tableId, memory, start, end) {
    const { values, rows, found } = this;
    const place = this.directory.get(tableId);
    const shape = place === 0 ? this.shapes.root : rows.shapeOf(place);
    const index = indexOfKey(memory, start, end);
    const isList = shape.isList && index >= 0 && index <= shape.size;
    const table = isList ? new ListTable() : new HashTable();
    for (let at = 0; at < shape.size; at++) {
      rows.find(place, at, found);
      const { bytes, start: from, end: to } = found;
      if (table instanceof ListTable) table.set(values, at, bytes, from, to);
      else table.add(values, shape.bytes, shape.starts[at], shape.starts[at] + shape.lengths[at], bytes, from, to);
    }
    if (place !== 0) values.release(place);
    return this.hold(tableId, table);
  }

  /**
   * @private
   * @param {number} tableId
   * @param {ListTable | HashTable} table that it is now
   * @returns {number} its handle
   */
  hold(tableId, table) {
    const free = this.free.pop();
    const index = free === undefined ? this.others.length : free;
    this.others[index] = table;
    this.directory.set(tableId, ~index);
    return ~index;
  }

  /**
   * Makes a hash table of a list.
   *
   * @private
   * @param {number} handle
   * @param {ListTable} list
   * @returns {HashTable}
   */
  toHash(handle, list) {
    const { values, found } = this;
    const table = new HashTable();
    const key = new Uint8Array(20);
    for (let index = 0; index < list.size; index++) {
      list.find(values, index, found);
      table.add(values, key, 0, writeIndex(index + 1, key, 0), found.bytes, found.start, found.end);
    }
    list.clear(values);
    list.successor = table;
    this.others[~handle] = table;
    return table;
  }

  /**
   * Move all values together when too much lies waste between them.
   *
   * @private
   */
  compact() {
    const old = this.values;
    if (!old.isWasteful) return;
    // All memory is taken first: half of the values moved would be worse than none.
    const values = new Arena(old.used);
    values.inherit(old);
    this.directory.replaceAll((handle) => (handle > 0 ? this.rows.move(handle, values) : handle));
    for (const table of this.others) if (table !== null) table.move(old, values);
    this.values = values;
    this.rows.arena = values;
  }
}
