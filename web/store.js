/**
 * Where external tables live: outside the 2 MiB, in JavaScript.
 *
 * A store is synchronous, since Lua waits for each answer. It sees keys as text (`keyText` in text.js maps any bytes to
 * text and back) and values as opaque bytes, encoded as in codec.js. A byte array given to `set` belongs to the store, and
 * one that `get` returned must not be changed.
 *
 * @typedef {object} Store
 * @property {(tableId: number, key: string) => Uint8Array | undefined} get
 * @property {(tableId: number, key: string, value: Uint8Array) => void} set also creates the table
 * @property {(tableId: number, key: string) => boolean} delete whether there was such a key
 * @property {(tableId: number) => number} size entries of a table; 0 if there is no such table
 * @property {(tableId: number) => Iterable<string>} keys of a table, in the order in which they were first set
 * @property {() => Iterable<number>} tableIds all tables that have entries or had some
 */

/**
 * External tables as Maps.
 *
 * @implements {Store}
 */
export class MapStore {
  /** @param {Map<number, Map<string, Uint8Array>>} [tables] initial contents by table id, taken over */
  constructor(tables) {
    /** @type {Map<number, Map<string, Uint8Array>>} contents by table id; tables are added, never replaced */
    this.tables = tables || new Map();
    // Programs work on one table for a while: remembering it saves the outer look-up.
    this.lastId = 0;
    /** @type {Map<string, Uint8Array> | undefined} */
    this.lastTable = undefined;
  }

  /**
   * @param {number} tableId
   * @returns {Map<string, Uint8Array> | undefined}
   */
  table(tableId) {
    if (tableId !== this.lastId || this.lastTable === undefined) {
      this.lastId = tableId;
      this.lastTable = this.tables.get(tableId);
    }
    return this.lastTable;
  }

  /**
   * @param {number} tableId
   * @param {string} key
   * @returns {Uint8Array | undefined}
   */
  get(tableId, key) {
    const table = this.table(tableId);
    return table === undefined ? undefined : table.get(key);
  }

  /**
   * @param {number} tableId
   * @param {string} key
   * @param {Uint8Array} value
   */
  set(tableId, key, value) {
    const table = this.table(tableId);
    if (table === undefined) this.tables.set(tableId, new Map([[key, value]]));
    else table.set(key, value);
  }

  /**
   * @param {number} tableId
   * @param {string} key
   * @returns {boolean}
   */
  delete(tableId, key) {
    const table = this.table(tableId);
    return table !== undefined && table.delete(key);
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
  keys(tableId) {
    const table = this.table(tableId);
    return table === undefined ? [] : table.keys();
  }

  /** @returns {Iterable<number>} */
  tableIds() {
    return this.tables.keys();
  }
}
