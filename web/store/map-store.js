/**
 * Stores external tables in memory: the store that is used by default.
 *
 * Speed comes from three things. Keys that are integers are numbers here, not texts. A table whose keys are 1 to n, set in
 * that order, is a list, which needs no hashing. And values lie together in an arena, so that no value costs an object.
 *
 * @import { Slot } from './arena.js'
 * @import { StoreObserver } from './store.js'
 */

import { Arena } from './arena.js';
import { BRACKET, integerForm, readInteger, smallIntegerOf } from './integer-key.js';
import { KeyCache } from '../bytes/text.js';

/**
 * A key: a number for a safe integer, else the text.
 *
 * @typedef {number | string} Key
 */

/**
 * @param {string} text
 * @returns {Key}
 */
function keyOf(text) {
  if (text.charCodeAt(0) !== BRACKET) return text;
  const integer = smallIntegerOf(text);
  return integer === null ? text : integer;
}

/**
 * @param {Key} key
 * @returns {string}
 */
function textOf(key) {
  return typeof key === 'number' ? integerForm(key) : key;
}

/** One table: its slots by key. */
class Table {
  constructor() {
    /**
     * The slots of the keys 1 to n, while the table has these and no others and they came in this order.
     *
     * @type {Slot[]}
     */
    this.list = [];
    /**
     * The slots by key, once `list` cannot hold them.
     *
     * @type {Map<Key, Slot> | null}
     */
    this.map = null;
  }

  get size() {
    return this.map === null ? this.list.length : this.map.size;
  }

  /**
   * @param {Key} key
   * @returns {Slot | undefined}
   */
  get(key) {
    if (this.map !== null) return this.map.get(key);
    return typeof key === 'number' && key >= 1 && key <= this.list.length ? this.list[key - 1] : undefined;
  }

  /**
   * @param {Key} key
   * @param {Slot} slot
   */
  set(key, slot) {
    if (this.map === null) {
      const { list } = this;
      if (typeof key === 'number' && key >= 1 && key <= list.length) {
        list[key - 1] = slot;
        return;
      }
      if (key === list.length + 1) {
        list.push(slot);
        return;
      }
    }
    this.toMap().set(key, slot);
  }

  /** @param {Key} key which is there */
  delete(key) {
    if (this.map === null && key === this.list.length) this.list.pop();
    else this.toMap().delete(key);
  }

  /** @returns {Map<Key, Slot>} */
  toMap() {
    if (this.map === null) {
      /** @type {Map<Key, Slot>} */
      const map = new Map();
      this.list.forEach((slot, index) => map.set(index + 1, slot));
      this.map = map;
      this.list = [];
    }
    return this.map;
  }

  /** @returns {Iterable<Key>} in their order, also if the table is changed meanwhile */
  *keys() {
    let last = 0;
    while (this.map === null) {
      if (last >= this.list.length) return;
      last++;
      yield last;
    }
    // What was a list when the walk began starts with the keys that have been given.
    for (const key of this.map.keys()) {
      if (typeof key === 'number' && key >= 1 && key <= last) continue;
      last = 0;
      yield key;
    }
  }

  /** @param {(slot: Slot) => void} visit */
  forEach(visit) {
    if (this.map === null) this.list.forEach(visit);
    else this.map.forEach(visit);
  }

  /** @param {(slot: Slot) => Slot} replace */
  replaceAll(replace) {
    const { list, map } = this;
    if (map !== null) map.forEach((slot, key) => map.set(key, replace(slot)));
    for (let index = 0; index < list.length; index++) list[index] = replace(list[index]);
  }
}

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
    /** @private */
    this.values = new Arena();
    /** @private */
    this.texts = new KeyCache();
    /**
     * @private
     * @type {Map<number, Table>}
     */
    this.tables = new Map();
    // Programs work on one table for a while: remembering it saves the outer look-up.
    /** @private */
    this.lastId = 0;
    /**
     * @private
     * @type {Table | undefined}
     */
    this.last = undefined;
    /** How many changes have been made. */
    this.mutations = 0;
    /** @type {StoreObserver | null} */
    this.observer = null;
    for (const [id, entries] of tables) {
      this.open(id);
      for (const [key, value] of entries) this.set(id, key, value);
    }
  }

  /** Bytes that all values take together. */
  get bytes() {
    return 4 * this.values.used + this.values.long;
  }

  /**
   * @param {number} tableId
   * @param {string} key
   * @returns {Uint8Array | undefined}
   */
  get(tableId, key) {
    const table = this.table(tableId);
    const slot = table === undefined ? undefined : table.get(keyOf(key));
    return slot === undefined ? undefined : this.values.bytes(slot);
  }

  /**
   * Measures a value.
   *
   * @param {number} tableId
   * @param {string} key
   * @returns {number} its bytes, -1 if there is none
   */
  lengthOf(tableId, key) {
    const table = this.table(tableId);
    const slot = table === undefined ? undefined : table.get(keyOf(key));
    return slot === undefined ? -1 : this.values.lengthOf(slot);
  }

  /**
   * @param {number} tableId
   * @param {string} key
   * @param {Uint8Array} value
   */
  set(tableId, key, value) {
    this.put(tableId, keyOf(key), value, 0, value.length);
  }

  /**
   * @param {number} tableId
   * @param {string} key
   * @returns {boolean}
   */
  delete(tableId, key) {
    return this.remove(tableId, keyOf(key));
  }

  /**
   * @param {number} tableId
   * @returns {number}
   */
  size(tableId) {
    const table = this.table(tableId);
    return table === undefined ? 0 : table.size;
  }

  /**
   * @param {number} tableId
   * @returns {Iterable<string>}
   */
  *keys(tableId) {
    const table = this.table(tableId);
    if (table !== undefined) for (const key of table.keys()) yield textOf(key);
  }

  /** @param {number} tableId */
  drop(tableId) {
    const table = this.table(tableId);
    if (table === undefined) return;
    if (this.observer !== null) this.observer.willDrop(tableId);
    this.mutations++;
    table.forEach((slot) => this.values.free(slot));
    this.tables.delete(tableId);
    this.last = undefined;
    this.compact();
  }

  /** @returns {Iterable<number>} */
  tableIds() {
    return this.tables.keys();
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
    this.put(tableId, this.key(memory, keyStart, keyEnd), memory, start, end);
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
    const table = this.table(tableId);
    if (table === undefined) return -1;
    const slot = table.get(this.key(memory, keyStart, keyEnd));
    return slot === undefined ? -1 : this.values.read(slot, memory, start, end);
  }

  /**
   * @param {number} tableId
   * @param {Uint8Array} memory
   * @param {number} keyStart
   * @param {number} keyEnd
   */
  deleteRange(tableId, memory, keyStart, keyEnd) {
    this.remove(tableId, this.key(memory, keyStart, keyEnd));
  }

  /**
   * @private
   * @param {number} tableId
   * @returns {Table | undefined}
   */
  table(tableId) {
    if (tableId !== this.lastId || this.last === undefined) {
      this.lastId = tableId;
      this.last = this.tables.get(tableId);
    }
    return this.last;
  }

  /**
   * The table with an id, made if there is none.
   *
   * @private
   * @param {number} tableId
   * @returns {Table}
   */
  open(tableId) {
    const known = this.table(tableId);
    if (known !== undefined) return known;
    const table = new Table();
    this.tables.set(tableId, table);
    this.last = table;
    return table;
  }

  /**
   * @private
   * @param {Uint8Array} memory
   * @param {number} start
   * @param {number} end
   * @returns {Key}
   */
  key(memory, start, end) {
    if (memory[start] === BRACKET && end > start) {
      const integer = readInteger(memory, start, end);
      if (integer !== null) return integer;
    }
    return this.texts.text(memory, start, end);
  }

  /**
   * @private
   * @param {number} tableId
   * @param {Key} key
   * @param {Uint8Array} bytes
   * @param {number} start
   * @param {number} end
   */
  put(tableId, key, bytes, start, end) {
    if (this.observer !== null) this.observer.willSet(tableId, textOf(key));
    this.mutations++;
    const table = this.open(tableId);
    const old = table.get(key);
    const slot = this.values.put(old, bytes, start, end);
    if (slot !== old) {
      table.set(key, slot);
      if (old !== undefined) this.compact();
    }
  }

  /**
   * @private
   * @param {number} tableId
   * @param {Key} key
   * @returns {boolean} whether it was there
   */
  remove(tableId, key) {
    const table = this.table(tableId);
    const slot = table === undefined ? undefined : table.get(key);
    if (table === undefined || slot === undefined) return false;
    if (this.observer !== null) this.observer.willDelete(tableId, textOf(key));
    this.mutations++;
    table.delete(key);
    this.values.free(slot);
    this.compact();
    return true;
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
    this.tables.forEach((table) => table.replaceAll((slot) => old.move(slot, values)));
    this.values = values;
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
