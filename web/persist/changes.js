/**
 * Notes what has changed in a store since it was last saved, key by key, so that a save costs what its changes cost.
 *
 * Values are not copied here: a save takes them from the store. The order of keys is part of a table, so it matters whether
 * a key that has a value now had one all the time (it keeps its place) or got a new one (it comes last).
 *
 * @import { Store } from '../store/store.js'
 * @import { OperationWriter } from './operations.js'
 */

import { isPlain, MapStore } from '../store/map-store.js';

/** The key had a value and has another. */
const CHANGED = 1;
/** The key has come anew, behind all others. */
const ADDED = 2;
/** The key is gone. */
const DELETED = 3;

/**
 * The keys of a table that has got other contents as a whole: none is noted by itself.
 *
 * @type {Map<string, number>}
 */
const ALL = new Map();

/** The changes of all tables that have got other contents as a whole. */
const REPLACED = { dropped: true, keys: ALL };

/**
 * Changes of one table. The keys are in the order in which they were added.
 *
 * @typedef {object} TableChanges
 * @property {boolean} dropped whether the table was emptied before the other changes
 * @property {Map<string, number>} keys what happened to each
 */

// `@implements` needs a name that declarations can use, which `@import` does not give.
/** @typedef {import('../store/store.js').StoreObserver} StoreObserver */

/**
 * Changes of a store. It has to be told before each.
 *
 * @implements {StoreObserver}
 */
export class Changes {
  /**
   * @param {Store} store
   * @param {() => void} notice called when there are changes, at least for the first one after `take` and after `putBack`
   */
  constructor(store, notice) {
    this.store = store;
    this.notice = notice;
    /** @type {Map<number, TableChanges>} by table id */
    this.tables = new Map();
    // Programs work on one table for a while.
    this.lastId = 0;
    /** @type {Map<string, number>} */
    this.lastKeys = new Map();
  }

  /**
   * @param {number} tableId
   * @param {string} key that is about to be set
   */
  willSet(tableId, key) {
    const keys = tableId === this.lastId ? this.lastKeys : this.keysOf(tableId);
    if (keys === ALL) return;
    const before = keys.get(key);
    if (before === CHANGED || before === ADDED) return;
    // Taken out first: a Map keeps the place of a key that it has.
    if (before === DELETED) keys.delete(key);
    keys.set(key, before === undefined && this.store.get(tableId, key) !== undefined ? CHANGED : ADDED);
  }

  /**
   * @param {number} tableId
   * @param {string} key that is about to be deleted
   */
  willDelete(tableId, key) {
    const keys = tableId === this.lastId ? this.lastKeys : this.keysOf(tableId);
    if (keys === ALL) return;
    if (keys.has(key) || this.store.get(tableId, key) !== undefined) keys.set(key, DELETED);
  }

  /** @param {number} tableId of the table that is about to lose all its entries */
  willDrop(tableId) {
    this.lastId = 0;
    this.tables.set(tableId, { dropped: true, keys: new Map() });
    this.notice();
  }

  /** @param {number} tableId of the table that is about to get other contents as a whole */
  willReplace(tableId) {
    this.lastId = 0;
    this.tables.set(tableId, REPLACED);
    this.notice();
  }

  /**
   * Take all changes out.
   *
   * @returns {Map<number, TableChanges>}
   */
  take() {
    const { tables } = this;
    this.tables = new Map();
    this.lastId = 0;
    return tables;
  }

  /**
   * Put changes back that could not be saved. Others may have been made since.
   *
   * @param {Map<number, TableChanges>} older
   */
  putBack(older) {
    const newer = this.take();
    for (const [tableId, changes] of newer) {
      const before = older.get(tableId);
      if (before === undefined || changes.dropped) {
        older.set(tableId, changes);
        continue;
      }
      if (before === REPLACED) continue;
      for (const [key, change] of changes.keys) {
        if (change === CHANGED && before.keys.has(key)) continue;
        if (change === ADDED) before.keys.delete(key);
        before.keys.set(key, change);
      }
    }
    this.tables = older;
    this.notice();
  }

  /**
   * @private
   * @param {number} tableId
   * @returns {Map<string, number>}
   */
  keysOf(tableId) {
    let table = this.tables.get(tableId);
    if (table === undefined) {
      table = { dropped: false, keys: new Map() };
      this.tables.set(tableId, table);
      this.notice();
    }
    this.lastId = tableId;
    this.lastKeys = table.keys;
    return table.keys;
  }
}

/**
 * Write what has changed, with the values that the store has now.
 *
 * @param {OperationWriter} writer
 * @param {Map<number, TableChanges>} changes
 * @param {Store} store
 * @param {number} skippedId id of a table that is not kept
 * @returns {boolean} whether there was anything to write
 */
export function writeChanges(writer, changes, store, skippedId) {
  let any = false;
  for (const [tableId, { dropped, keys }] of changes) {
    if (tableId === skippedId) continue;
    if (dropped) writer.drop(tableId);
    if (keys === ALL) writeTable(writer, store, tableId);
    for (const [key, change] of keys) {
      const value = store.get(tableId, key);
      if (value === undefined) writer.delete(tableId, key);
      else writer.set(tableId, key, value, change === ADDED);
    }
    any = any || dropped || keys.size > 0;
  }
  return any;
}

/**
 * Write everything that a store has.
 *
 * @param {OperationWriter} writer
 * @param {Store} store
 * @param {number} skippedId id of a table that is not kept
 */
export function writeWhole(writer, store, skippedId) {
  for (const tableId of store.tableIds()) {
    if (tableId === skippedId) continue;
    writeTable(writer, store, tableId);
  }
}

/**
 * Write all entries of a table.
 *
 * @param {OperationWriter} writer
 * @param {Store} store
 * @param {number} tableId
 */
function writeTable(writer, store, tableId) {
  if (store instanceof MapStore && isPlain(store)) {
    store.forEachEntry(tableId, (key, value) => writer.entry(tableId, key, value));
    return;
  }
  for (const key of store.keys(tableId)) {
    writer.set(tableId, key, /** @type {Uint8Array} */ (store.get(tableId, key)), false);
  }
}
