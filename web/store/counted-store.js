/**
 * Counts the entries and bytes of a store: a layer directly over it, so that no change passes by, whoever makes it.
 *
 * The bytes of an entry are those of its key's form and of its encoded value.
 */

import { KeyCache, keyLength } from '../bytes/text.js';
import { isPlain } from './map-store.js';
import { StoreLayer, StoreRanges } from './store.js';

// `@implements` needs a name that declarations can use, which `@import` does not give.
/** @typedef {import('./store.js').RangeStore} RangeStore */
/** @typedef {import('./store.js').Store} Store */

/**
 * @implements {Store}
 * @implements {RangeStore}
 */
export class CountedStore extends StoreLayer {
  /** @param {Store} store all changes have to go through this from `measure` on */
  constructor(store) {
    super(store);
    /** How many entries all tables have. */
    this.entries = 0;
    /** How many bytes these have. */
    this.bytes = 0;
    /**
     * The bytes of each table.
     *
     * @private
     * @type {Map<number, number>}
     */
    this.tables = new Map();
    /** @private */
    this.texts = new KeyCache();
    /**
     * The store, if it tells how long a value is without copying it. A class that extends `MapStore` may store other bytes.
     *
     * @private
     */
    this.plain = isPlain(store) ? store : null;
    /** @private */
    this.ranges = this.plain || new StoreRanges(store);
  }

  /** The revision of the store, if it has one. */
  get revision() {
    return this.store.revision;
  }

  /** Counts anew what the store holds. */
  measure() {
    this.entries = 0;
    this.bytes = 0;
    this.tables.clear();
    for (const id of this.store.tableIds()) {
      for (const key of this.store.keys(id)) this.count(id, 1, keyLength(key) + Math.max(0, this.lengthOf(id, key)));
    }
  }

  /**
   * Measures a value.
   *
   * @param {number} tableId
   * @param {string} key
   * @returns {number} its bytes, -1 if there is none
   */
  lengthOf(tableId, key) {
    if (this.plain !== null) return this.plain.lengthOf(tableId, key);
    const value = this.store.get(tableId, key);
    return value === undefined ? -1 : value.length;
  }

  /**
   * @param {number} tableId
   * @param {string} key
   * @param {Uint8Array} value
   */
  set(tableId, key, value) {
    const { length } = value;
    const old = this.lengthOf(tableId, key);
    this.store.set(tableId, key, value);
    if (old < 0) this.count(tableId, 1, keyLength(key) + length);
    else this.count(tableId, 0, length - old);
  }

  /**
   * @param {number} tableId
   * @param {string} key
   * @returns {boolean}
   */
  delete(tableId, key) {
    const old = this.lengthOf(tableId, key);
    const deleted = this.store.delete(tableId, key);
    if (old >= 0) this.count(tableId, -1, -keyLength(key) - old);
    return deleted;
  }

  /** @param {number} tableId */
  drop(tableId) {
    const { store } = this;
    if (store.drop === undefined) {
      for (const key of Array.from(store.keys(tableId))) this.delete(tableId, key);
      return;
    }
    const size = store.size(tableId);
    store.drop(tableId);
    this.count(tableId, -size, -(this.tables.get(tableId) || 0));
    this.tables.delete(tableId);
  }

  /**
   * @param {number} tableId
   * @param {Uint8Array} memory
   * @param {number} keyStart
   * @param {number} keyEnd
   * @param {number} start
   * @param {number} end
   */
  setRange(tableId, memory, keyStart, keyEnd, start, end) {
    this.set(tableId, this.texts.text(memory, keyStart, keyEnd), memory.slice(start, end));
  }

  /**
   * @param {number} tableId
   * @param {Uint8Array} memory
   * @param {number} keyStart
   * @param {number} keyEnd
   * @param {number} start
   * @param {number} end
   * @returns {number}
   */
  getRange(tableId, memory, keyStart, keyEnd, start, end) {
    return this.ranges.getRange(tableId, memory, keyStart, keyEnd, start, end);
  }

  /**
   * @param {number} tableId
   * @param {Uint8Array} memory
   * @param {number} keyStart
   * @param {number} keyEnd
   */
  deleteRange(tableId, memory, keyStart, keyEnd) {
    this.delete(tableId, this.texts.text(memory, keyStart, keyEnd));
  }

  /**
   * @private
   * @param {number} tableId
   * @param {number} entries more or fewer
   * @param {number} bytes more or fewer
   */
  count(tableId, entries, bytes) {
    this.entries += entries;
    this.bytes += bytes;
    this.tables.set(tableId, (this.tables.get(tableId) || 0) + bytes);
  }
}
