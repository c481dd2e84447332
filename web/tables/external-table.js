/**
 * The class `ExternalTable`: external tables as JavaScript uses them, the same tables that Lua programs use.
 *
 * @import { Store } from '../store/store.js'
 */

import { toPlain } from './to-plain.js';
import { keyForm, METATABLE } from '../values/key.js';
import { hide, TableReference } from '../values/values.js';

/**
 * Reads and writes tables by their ids, as `Tables` does.
 *
 * @typedef {object} TableAccess
 * @property {Store} store
 * @property {(id: number) => string} nameOf what a table is called in messages
 * @property {(id: number, form: string) => any} read
 * @property {(id: number, key: any, value: any) => void} assign
 * @property {(id: number) => void} clear
 * @property {(id: number, form: string) => any} keyOf
 */

/**
 * An external table. It is used like a `Map`, with the keys of Lua: strings, numbers, booleans, `BigInt`s and, for strings
 * that are not UTF-8, `Uint8Array`s. See docs/CONVERSIONS.md for what becomes of values; a table in a table is an
 * `ExternalTable`.
 *
 * Reading works at any time, also when the machine is closed or has crashed; writing works while no code runs. What has a
 * metatable in Lua is read and written here without it.
 *
 * For one table there is one object: `lua.table(5) === lua.table(5)`.
 */
export class ExternalTable extends TableReference {
  /**
   * Use `lua.table` or `lua.createTable` instead.
   *
   * @hideconstructor
   * @param {number} id
   * @param {TableAccess} tables
   */
  constructor(id, tables) {
    super(id, tables.store);
    /** @private */
    this.tables = tables;
    hide(this, 'tables');
  }

  /** How many entries the table has. */
  get size() {
    const { store } = this.tables;
    const size = store.size(this.id);
    return size > 0 && store.get(this.id, METATABLE) !== undefined ? size - 1 : size;
  }

  /**
   * @param {any} key
   * @returns {any} the value; undefined if there is none
   * @throws {EncodeError} a `TypeError`, for what cannot be a key
   */
  get(key) {
    return this.tables.read(this.id, keyForm(key, this.name));
  }

  /**
   * @param {any} key
   * @returns {boolean} whether the table has the key
   */
  has(key) {
    return this.tables.store.get(this.id, keyForm(key, this.name)) !== undefined;
  }

  /**
   * Set an entry. Plain objects, arrays and `Map`s are stored as new external tables, with all that they hold; if any of it
   * cannot be stored, nothing is.
   *
   * @param {any} key
   * @param {any} value `null` and `undefined` delete the entry, as nil does in Lua
   * @returns {this}
   * @throws {EncodeError} a `TypeError`, for what cannot be a key or a value; its path tells where it is
   * @throws {LuaStateError} while code runs, and when the machine is closed or has crashed
   */
  set(key, value) {
    this.tables.assign(this.id, key, value);
    return this;
  }

  /**
   * Delete an entry.
   *
   * @param {any} key
   * @returns {boolean} whether there was one
   * @throws {LuaStateError} as `set`
   */
  delete(key) {
    const had = this.has(key);
    this.tables.assign(this.id, key, null);
    return had;
  }

  /**
   * Delete all entries. A metatable stays.
   *
   * @throws {LuaStateError} as `set`
   */
  clear() {
    this.tables.clear(this.id);
  }

  /** @returns {IterableIterator<any>} the keys in the order in which they were first set */
  *keys() {
    for (const form of this.forms()) if (form !== METATABLE) yield this.tables.keyOf(this.id, form);
  }

  /** @returns {IterableIterator<any>} the values, in the order of the keys */
  *values() {
    for (const entry of this.entries()) yield entry[1];
  }

  /** @returns {IterableIterator<[any, any]>} keys and values, in the order of the keys */
  *entries() {
    for (const form of this.forms()) {
      if (form === METATABLE) continue;
      const value = this.tables.read(this.id, form);
      if (value !== undefined) yield [this.tables.keyOf(this.id, form), value];
    }
  }

  /**
   * The forms of the keys, while the table is there.
   *
   * @private
   * @returns {IterableIterator<string>}
   */
  *forms() {
    const { id } = this;
    for (const form of this.tables.store.keys(id)) {
      if (this.id === id) yield form;
    }
  }

  [Symbol.iterator]() {
    return this.entries();
  }

  /**
   * A plain object with all that the table holds. Tables in it become arrays, objects or `Map`s as docs/CONVERSIONS.md tells;
   * what is the same table is the same object. Metatables are left out.
   *
   * @returns {Record<string, any>}
   * @throws {TypeError} if a key is not a string
   */
  toObject() {
    return toPlain(this, 'object');
  }

  /**
   * As `toObject`, but a `Map`, which can have any key.
   *
   * @returns {Map<any, any>}
   */
  toMap() {
    return toPlain(this, 'map');
  }

  /**
   * As `toObject`, but an array.
   *
   * @returns {any[]}
   * @throws {TypeError} if the keys are not exactly 1 to n
   */
  toArray() {
    return toPlain(this, 'array');
  }

  /**
   * What the table is called in messages.
   *
   * @private
   */
  get name() {
    return this.tables.nameOf(this.id);
  }
}
