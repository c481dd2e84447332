/**
 * Puts a layer over any store that tells an observer of each change before it is made.
 *
 * @import { StoreObserver } from '../store/store.js'
 */

import { dropTable, StoreLayer } from '../store/store.js';

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

// `@implements` needs a name that declarations can use, which `@import` does not give.
/** @typedef {import('../store/store.js').Store} Store */

/** @implements {Store} */
class ObservedStore extends StoreLayer {
  /** @param {Store} store */
  constructor(store) {
    super(store);
    /** @type {StoreObserver | null} */
    this.observer = null;
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

  /** @param {number} tableId */
  drop(tableId) {
    if (this.observer !== null) this.observer.willDrop(tableId);
    dropTable(this.store, tableId);
  }
}
