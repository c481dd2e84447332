/**
 * The interface of stores, which hold external tables outside the 2 MiB, in JavaScript.
 *
 * `MapStore` is the one that is used by default. Any object with these methods can take its place: a store is
 * synchronous, since Lua waits for each answer, and sees keys as text and values as opaque bytes.
 *
 * - The text of a key is UTF-8 without line feeds: an ordinary string is itself, and any other key is written in brackets,
 *   see docs/WASM_EXPORTS_REFERENCE.md. A byte that belongs to no UTF-8 arrives as a lone surrogate.
 * - The bytes of a value are encoded as docs/WASM_EXPORTS_REFERENCE.md tells. An array given to `set` belongs to the store, and one that `get`
 *   returned belongs to whoever asked.
 * - What a method throws becomes an error in the Lua program, and the cause of the `LuaError` if the program does not
 *   catch it. A `set` or `delete` that throws must have changed nothing.
 *
 * @typedef {object} Store
 * @property {(tableId: number, key: string) => Uint8Array | undefined} get
 * @property {(tableId: number, key: string, value: Uint8Array) => void} set also creates the table; a key that is there
 *   already keeps its place in the order
 * @property {(tableId: number, key: string) => boolean} delete whether there was such a key
 * @property {(tableId: number) => number} size keys of a table; 0 if there is no such table
 * @property {(tableId: number) => Iterable<string>} keys of a table, in the order in which they were first set. Keys may be
 *   deleted and values set while it is iterated: a deleted key may still come, and each other key comes once
 * @property {() => Iterable<number>} tableIds all tables that have keys; it may have others
 * @property {number} [revision] of what it holds, not the same for two different contents: a snapshot without tables says
 *   which it belongs to
 * @property {number} [mutations] how many changes have been made of it, by anybody. With it, a machine keeps what it has read
 *   of tables from one call to the next
 * @property {boolean} [keepsIds] whether an iterator of `tableIds` may be kept while tables come and go: it gives all that are
 *   there all the time
 * @property {number} [highestId] no table has a higher id; a machine that begins asks it, or else goes through all tables
 * @property {(layer: any, pages: any) => StoreBatches} [batches] makes what reads and writes many entries at once. While
 *   the layer, an undo log, is watched (`isWatched`), changes go through it. Without this, a machine reads with the other methods, and writes entry by entry
 * @property {(tableId: number) => void} [drop] deletes a table with all its keys; without it they are deleted one by one
 * @property {(tableId: number, visit: (target: number) => void) => void} [references] calls a function with the id of each table that
 *   the values of a table refer to, in any order; without it, all values are read
 *   to collect tables
 * @property {(tableId: number) => { next: (count: number, visit: (target: number) => void) => boolean }} [referenceWalk] does that for a
 *   large table in pieces of about so many entries, between which it may change; what is written meanwhile need not be found.
 *   `next` returns whether there may be more
 * @property {StoreObserver | null} [observer] is told of each change before it is made; null: nobody is. A store that lacks
 *   this property is put behind a layer where changes have to be observed
 */

/**
 * Is told what is about to change in a store.
 *
 * @typedef {object} StoreObserver
 * @property {(tableId: number, key: string) => void} willSet
 * @property {(tableId: number, key: string) => void} willDelete the key need not be there
 * @property {(tableId: number) => void} willDrop
 * @property {(tableId: number) => void} [willReplace] the table is about to get other contents as a whole; without this, the observer
 *   is told of each key
 */

/**
 * Reads and writes many entries with one request, as the services of the same names do: docs/WASM_EXPORTS_REFERENCE.md describes
 * these. `Batches` does so with any store.
 *
 * @typedef {object} StoreBatches
 * @property {(memory: Uint8Array, limit: number, idsStart: number, idsEnd: number, start: number, end: number) => number} readRows
 * @property {(memory: Uint8Array, table: number, first: number, count: number, limit: number, start: number, end: number) => number} readList
 * @property {(memory: Uint8Array, table: number, cursor: number, limit: number, start: number, end: number) => number | null} readEntries
 * @property {(first: number, count: number) => { first: number, count: number }} freeIds
 * @property {(memory: Uint8Array, start: number, end: number, replyStart: number, replyEnd: number) => number} writeRows a store
 *   that has it refuses nothing
 * @property {() => { reason: Uint8Array } | null} takeReason why the last batch was not applied to its end
 */

/**
 * A store that takes keys and values as ranges of the module's memory, for the imports. It spares a store that can do with it
 * the strings and arrays in between.
 *
 * @typedef {object} RangeStore
 * @property {(tableId: number, memory: Uint8Array, keyStart: number, keyEnd: number, start: number, end: number) => void} setRange
 * @property {(tableId: number, memory: Uint8Array, keyStart: number, keyEnd: number, start: number, end: number) => number} getRange
 *   copies the value into the room between `start` and `end`; its length, negated if it does not fit, or -1 if there is none
 * @property {(tableId: number, memory: Uint8Array, keyStart: number, keyEnd: number) => void} deleteRange
 */

import { KeyCache } from '../bytes/text.js';

/** Longest value that a store may hold. The whole heap of a machine has less than twice that. */
export const MAX_VALUE_LENGTH = 1 << 20;

/**
 * Deletes a table with all its keys; there need not be one.
 *
 * @param {Store} store
 * @param {number} tableId
 */
export function dropTable(store, tableId) {
  if (store.drop !== undefined) store.drop(tableId);
  else for (const key of Array.from(store.keys(tableId))) store.delete(tableId, key);
}

/** What layers over a store have in common: reading passes through. */
export class StoreLayer {
  /** @param {Store} store */
  constructor(store) {
    this.store = store;
  }

  /**
   * @param {number} tableId
   * @param {string} key
   * @returns {Uint8Array | undefined}
   */
  get(tableId, key) {
    return this.store.get(tableId, key);
  }

  /**
   * @param {number} tableId
   * @returns {number}
   */
  size(tableId) {
    return this.store.size(tableId);
  }

  /**
   * @param {number} tableId
   * @returns {Iterable<string>}
   */
  keys(tableId) {
    return this.store.keys(tableId);
  }

  /** @returns {Iterable<number>} */
  tableIds() {
    return this.store.tableIds();
  }
}

/**
 * Any store, for the imports.
 *
 * @implements {RangeStore}
 */
export class StoreRanges {
  /** @param {Store} store */
  constructor(store) {
    this.store = store;
    this.texts = new KeyCache();
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
    this.store.set(tableId, this.texts.text(memory, keyStart, keyEnd), memory.slice(start, end));
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
    const value = this.store.get(tableId, this.texts.text(memory, keyStart, keyEnd));
    if (value === undefined) return -1;
    if (value.length > end - start) return -value.length;
    memory.set(value, start);
    return value.length;
  }

  /**
   * @param {number} tableId
   * @param {Uint8Array} memory
   * @param {number} keyStart
   * @param {number} keyEnd
   */
  deleteRange(tableId, memory, keyStart, keyEnd) {
    this.store.delete(tableId, this.texts.text(memory, keyStart, keyEnd));
  }
}
