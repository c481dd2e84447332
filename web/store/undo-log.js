/**
 * Undoes changes of a store: a layer over any store that remembers, once `begin` is called, what each change replaces. Layers
 * nest: `rollback` undoes what happened since the last `begin`, `commit` makes it part of the layer below.
 *
 * What is remembered of a table is the first value of each key that changes. That restores the order of its keys, too, as
 * long as none of the old ones is deleted; when the first one is, the order is remembered, which costs a list of all keys of
 * that table.
 */

import { dropTable, StoreLayer } from './store.js';
import { KeyCache } from '../bytes/text.js';

/**
 * What a table was when the layer began, as far as it has changed since.
 *
 * @typedef {object} Past
 * @property {Map<string, Uint8Array | undefined>} values undefined: there was no such key
 * @property {string[] | null} order the keys, perhaps with some that were added since; null if none of the old ones was deleted
 */

// `@implements` needs a name that declarations can use, which `@import` does not give.
/** @typedef {import('./store.js').RangeStore} RangeStore */
/** @typedef {import('./store.js').Store} Store */

/**
 * Checks what is about to be set from outside, and throws if it may not be.
 *
 * @typedef {{ check: (tableId: number, key: string, length: number) => void }} Gate
 */

/**
 * Is told of each value that is about to be written while it is active, and of each rollback.
 *
 * @typedef {object} Barrier
 * @property {boolean} isActive
 * @property {(tableId: number, bytes: Uint8Array, start: number, end: number) => void} wrote
 * @property {() => void} abandon
 */

/**
 * @implements {Store}
 * @implements {RangeStore}
 */
export class UndoLog extends StoreLayer {
  /**
   * @param {Store} store all changes have to go through this layer from now on
   * @param {RangeStore} ranges the same store, for the imports
   * @param {Gate | null} [gate]
   */
  constructor(store, ranges, gate = null) {
    super(store);
    /** @private */
    this.ranges = ranges;
    /** @private */
    this.gate = gate;
    /**
     * What collects tables in steps, between which they change.
     *
     * @type {Barrier | null}
     */
    this.collector = null;
    /** @private */
    this.texts = new KeyCache();
    /**
     * Of each layer, its tables by id.
     * @private
     * @type {Map<number, Past>[]}
     */
    this.layers = [];
    /**
     * The last of the layers.
     * @private
     * @type {Map<number, Past> | null}
     */
    this.top = null;
  }

  /** The revision of the store, if it has one. */
  get revision() {
    return this.store.revision;
  }

  /** Whether a change has to be remembered, checked or told of here, so that none may pass by. */
  get isWatched() {
    return this.top !== null || this.gate !== null || (this.collector !== null && this.collector.isActive);
  }

  /**
   * @param {number} tableId
   * @param {string} key
   * @param {Uint8Array} value
   */
  set(tableId, key, value) {
    if (this.gate !== null) this.gate.check(tableId, key, value.length);
    this.setUnchecked(tableId, key, value);
  }

  /**
   * Sets an entry that the gate is not asked for: one that takes the place of others, or is there for a moment.
   *
   * @param {number} tableId
   * @param {string} key
   * @param {Uint8Array} value
   */
  setUnchecked(tableId, key, value) {
    const { collector } = this;
    if (collector !== null && collector.isActive) collector.wrote(tableId, value, 0, value.length);
    if (this.top !== null) this.remember(this.top, tableId, key);
    this.store.set(tableId, key, value);
  }

  /**
   * @param {number} tableId
   * @param {string} key
   * @returns {boolean}
   */
  delete(tableId, key) {
    if (this.top !== null) this.rememberOrder(this.top, tableId, key);
    return this.store.delete(tableId, key);
  }

  /** @param {number} tableId */
  drop(tableId) {
    if (this.top !== null) for (const key of this.store.keys(tableId)) this.rememberOrder(this.top, tableId, key);
    dropTable(this.store, tableId);
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
    const { collector } = this;
    if (collector !== null && collector.isActive) collector.wrote(tableId, memory, start, end);
    if (this.gate !== null) this.gate.check(tableId, this.texts.text(memory, keyStart, keyEnd), end - start);
    if (this.top !== null) this.remember(this.top, tableId, this.texts.text(memory, keyStart, keyEnd));
    this.ranges.setRange(tableId, memory, keyStart, keyEnd, start, end);
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
    if (this.top !== null) this.rememberOrder(this.top, tableId, this.texts.text(memory, keyStart, keyEnd));
    this.ranges.deleteRange(tableId, memory, keyStart, keyEnd);
  }

  /** How many layers there are. */
  get depth() {
    return this.layers.length;
  }

  /** Begins a layer. */
  begin() {
    this.top = new Map();
    this.layers.push(this.top);
  }

  /** Ends the last layer; its changes stay. */
  commit() {
    const layer = this.end();
    const below = this.top;
    if (below === null) return;
    for (const [id, past] of layer) {
      const older = below.get(id);
      if (older === undefined) {
        below.set(id, past);
        continue;
      }
      for (const [key, value] of past.values) {
        if (!older.values.has(key)) older.values.set(key, value);
      }
      if (older.order === null) older.order = past.order;
    }
  }

  /** Ends the last layer and undoes its changes. */
  rollback() {
    // What was garbage may be none again.
    if (this.collector !== null) this.collector.abandon();
    for (const [id, past] of this.end()) this.restore(id, past);
  }

  /**
   * @private
   * @returns {Map<number, Past>}
   */
  end() {
    const layer = this.layers.pop();
    if (layer === undefined) throw new RangeError('there is no layer to end');
    this.top = this.layers.length === 0 ? null : this.layers[this.layers.length - 1];
    return layer;
  }

  /**
   * @private
   * @param {Map<number, Past>} layer
   * @param {number} id
   * @param {string} key that is about to change
   * @returns {Past}
   */
  remember(layer, id, key) {
    let past = layer.get(id);
    if (past === undefined) {
      past = { values: new Map(), order: null };
      layer.set(id, past);
    }
    if (!past.values.has(key)) past.values.set(key, this.store.get(id, key));
    return past;
  }

  /**
   * @private
   * @param {Map<number, Past>} layer
   * @param {number} id
   * @param {string} key that is about to be deleted
   */
  rememberOrder(layer, id, key) {
    const past = this.remember(layer, id, key);
    const wasThere = past.values.get(key) !== undefined;
    if (wasThere && past.order === null) past.order = Array.from(this.store.keys(id));
  }

  /**
   * @private
   * @param {number} id
   * @param {Past} past
   */
  restore(id, past) {
    const { store } = this;
    if (past.order === null) {
      for (const [key, value] of past.values) {
        if (value === undefined) store.delete(id, key);
        else store.set(id, key, value);
      }
    } else {
      /** @type {[string, Uint8Array][]} */
      const entries = [];
      for (const key of past.order) {
        const value = past.values.has(key) ? past.values.get(key) : store.get(id, key);
        if (value !== undefined) entries.push([key, value]);
      }
      dropTable(store, id);
      for (const [key, value] of entries) store.set(id, key, value);
    }
    if (store.size(id) === 0) dropTable(store, id);
  }
}
