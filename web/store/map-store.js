/**
 * Stores external tables in memory: the store that is used by default. It gives `Tables` the interface of stores.
 *
 * @import { StoreBatches, StoreObserver } from './store.js'
 */

import { keyBytes } from '../bytes/text.js';
import { copyBytes } from './arena.js';
import { newFound } from './items.js';
import { MapBatches } from './map-batches.js';
import { ReferenceWalk, visitReferences } from './references.js';
import { Tables } from './tables.js';
import { Walk } from './walk.js';

// `@implements` needs a name that declarations can use, which `@import` does not give.
/** @typedef {import('./store.js').RangeStore} RangeStore */
/** @typedef {import('./store.js').Store} Store */

/**
 * External tables in memory.
 *
 * @implements {Store}
 * @implements {RangeStore}
 */
export class MapStore {
  /** @param {Iterable<[number, Iterable<[string, Uint8Array]>]>} [tables] initial contents by table id */
  constructor(tables = []) {
    /** The tables themselves, for what knows their forms. @private */
    this.contents = new Tables();
    /** Where keys that are given as texts are written. @private */
    this.keyRoom = new Uint8Array(256);
    /** @type {StoreObserver | null} */
    this.observer = null;
    for (const [id, entries] of tables) {
      this.contents.open(id);
      for (const [key, value] of entries) this.set(id, key, value);
    }
  }

  /** Bytes that all values take together. */
  get bytes() {
    return this.contents.bytes;
  }

  /** How many changes have been made. */
  get mutations() {
    return this.contents.mutations;
  }

  /**
   * @param {number} tableId
   * @param {string} key
   * @returns {Uint8Array | undefined}
   */
  get(tableId, key) {
    const end = this.writeKey(key);
    if (!this.contents.find(tableId, this.keyRoom, 0, end)) return undefined;
    const { found } = this.contents;
    return found.bytes.slice(found.start, found.end);
  }

  /**
   * Measures a value.
   *
   * @param {number} tableId
   * @param {string} key
   * @returns {number} its bytes, -1 if there is none
   */
  lengthOf(tableId, key) {
    const end = this.writeKey(key);
    const { contents } = this;
    return contents.find(tableId, this.keyRoom, 0, end) ? contents.found.end - contents.found.start : -1;
  }

  /**
   * @param {number} tableId
   * @param {string} key
   * @param {Uint8Array} value
   */
  set(tableId, key, value) {
    if (this.observer !== null) this.observer.willSet(tableId, key);
    const end = this.writeKey(key);
    this.contents.put(tableId, this.keyRoom, 0, end, value, 0, value.length);
  }

  /**
   * @param {number} tableId
   * @param {string} key
   * @returns {boolean}
   */
  delete(tableId, key) {
    let end = this.writeKey(key);
    if (this.observer !== null && this.contents.find(tableId, this.keyRoom, 0, end)) {
      this.observer.willDelete(tableId, key);
      end = this.writeKey(key);
    }
    return this.contents.remove(tableId, this.keyRoom, 0, end);
  }

  /**
   * @param {number} tableId
   * @returns {number}
   */
  size(tableId) {
    return this.contents.sizeOf(tableId);
  }

  /**
   * @param {number} tableId
   * @returns {Iterable<string>}
   */
  *keys(tableId) {
    const walk = new Walk(this.contents, tableId);
    while (walk.next()) yield walk.text();
  }

  /**
   * Visits the entries of a table in their order, without copies.
   *
   * @param {number} tableId
   * @param {(key: { bytes: Uint8Array, start: number, end: number }, value: { bytes: Uint8Array, start: number, end: number }) => void} visit gets ranges that are valid during the call
   */
  forEachEntry(tableId, visit) {
    const walk = new Walk(this.contents, tableId);
    const value = newFound();
    while (walk.next()) {
      walk.value(value);
      visit(walk.key, value);
    }
  }

  /** @param {number} tableId */
  drop(tableId) {
    if (this.contents.handleOf(tableId) === 0) return;
    if (this.observer !== null) this.observer.willDrop(tableId);
    this.contents.drop(tableId);
  }

  /** @returns {Iterable<number>} */
  tableIds() {
    return this.contents.directory.ids();
  }

  /**
   * @param {any} layer an undo log over this store
   * @param {any} pages of keys
   * @returns {StoreBatches}
   */
  batches(layer, pages) {
    return new MapBatches(this, this.contents, layer, pages);
  }

  /** An id that no table is above; 0 if there is none. */
  get highestId() {
    return this.contents.directory.highest;
  }

  /**
   * @param {number} tableId
   * @param {(target: number) => void} visit is called with the id of each table that its values refer to
   */
  references(tableId, visit) {
    visitReferences(this.contents, tableId, visit);
  }

  /**
   * @param {number} tableId
   * @returns {{ next: (count: number, visit: (target: number) => void) => boolean }}
   */
  referenceWalk(tableId) {
    return new ReferenceWalk(this.contents, tableId);
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
    if (this.observer !== null) this.observer.willSet(tableId, this.contents.texts.text(memory, keyStart, keyEnd));
    this.contents.put(tableId, memory, keyStart, keyEnd, memory, start, end);
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
    if (!this.contents.find(tableId, memory, keyStart, keyEnd)) return -1;
    const { found } = this.contents;
    const length = found.end - found.start;
    if (length > end - start) return -length;
    copyBytes(found.bytes, found.start, found.end, memory, start);
    return length;
  }

  /**
   * @param {number} tableId
   * @param {Uint8Array} memory
   * @param {number} keyStart
   * @param {number} keyEnd
   */
  deleteRange(tableId, memory, keyStart, keyEnd) {
    if (this.observer === null) this.contents.remove(tableId, memory, keyStart, keyEnd);
    else this.delete(tableId, this.contents.texts.text(memory, keyStart, keyEnd));
  }

  /**
   * Writes a key where texts are written.
   *
   * @private
   * @param {string} text
   * @returns {number} where it ends
   */
  writeKey(text) {
    const { length } = text;
    if (length > this.keyRoom.length) this.keyRoom = new Uint8Array(2 * length);
    const { keyRoom } = this;
    for (let at = 0; at < length; at++) {
      const unit = text.charCodeAt(at);
      if (unit > 0x7f) {
        const bytes = keyBytes(text);
        if (bytes.length > keyRoom.length) this.keyRoom = new Uint8Array(2 * bytes.length);
        this.keyRoom.set(bytes);
        return bytes.length;
      }
      keyRoom[at] = unit;
    }
    return length;
  }
}

/**
 * Tells whether a store is a `MapStore` and not of a class that extends it, which may have methods of its own that what
 * knows the parts of a `MapStore` would pass by.
 *
 * @param {Store} store
 * @returns {store is MapStore}
 */
export function isPlain(store) {
  return store instanceof MapStore && Object.getPrototypeOf(store) === MapStore.prototype;
}
