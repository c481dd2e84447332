/**
 * A layer over any store that tells an observer of each change before it is made.
 */

import { dropTable } from '../store.js';

/** @typedef {import('../store.js').Store} Store */
/** @typedef {import('../store.js').StoreObserver} StoreObserver */

/** @typedef {Store & { observer: StoreObserver | null }} ObservableStore */

/**
 * The store itself if it has a place for an observer, else a layer over it that has. All changes have to go through what
 * this returns.
 *
 * @param {Store} store
 * @returns {ObservableStore}
 */
export function observable(store) {
  return 'observer' in store ? /** @type {ObservableStore} */ (store) : new ObservedStore(store);
}

/** @implements {Store} */
class ObservedStore {
  /** @param {Store} store */
  constructor(store) {
    this.store = store;
    /** @type {StoreObserver | null} */
    this.observer = null;
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
   * @param {string} key
   * @param {Uint8Array} value
   */
  set(tableId, key, value) {
    if (this.observer !== null) this.observer.willSet(tableId, key);
    this.store.set(tableId, key, value);
  }

  /**
   * @param {number} tableId
   * @param {string} key
   * @returns {boolean}
   */
  delete(tableId, key) {
    if (this.observer !== null) this.observer.willDelete(tableId, key);
    return this.store.delete(tableId, key);
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

  /** @param {number} tableId */
  drop(tableId) {
    if (this.observer !== null) this.observer.willDrop(tableId);
    dropTable(this.store, tableId);
  }

  /** @returns {Iterable<number>} */
  tableIds() {
    return this.store.tableIds();
  }
}
