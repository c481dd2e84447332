/**
 * Drives SQLite's own wasm build, `@sqlite.org/sqlite-wasm`, for states in a browser's workers.
 *
 * Statements are run by the build's raw exports: its wrappers take as long as SQLite does for a small row.
 *
 * @import { Cell } from './driver.js'
 * @import { Sqlite3, SyncFile } from './wasm-files.js'
 */

import { mountFiles } from './wasm-files.js';

/**
 * SQLite's wasm build, or how to get it: the default export of `@sqlite.org/sqlite-wasm`, what it gives, or a promise of either.
 *
 * @typedef {((...args: any[]) => any) | object} SqliteSource
 */

/** SQLite's result codes and types of columns. */
const ROW = 100;
const DONE = 101;
const INTEGER = 1;
const FLOAT = 2;
const TEXT = 3;
const BLOB = 4;

/** Tells SQLite to copy what it is given. */
const COPY = -1;

/** Integers of 32 bits cross without becoming a BigInt. */
const INT32 = 0x7fffffff;

const WANTED = "SQLite's wasm build, the default export of '@sqlite.org/sqlite-wasm'";

/** What was made of each function that makes a build. @type {WeakMap<Function, Promise<Sqlite3>>} */
const builds = new WeakMap();

/**
 * Finds the build that is meant.
 *
 * @param {SqliteSource | PromiseLike<SqliteSource> | undefined} given by default what a script of SQLite's has left as a global
 * @returns {Promise<Sqlite3>}
 * @throws {RangeError}
 */
export async function sqliteBuild(given = /** @type {any} */ (globalThis).sqlite3InitModule) {
  if (given === undefined || given === null) throw new RangeError(`storage: 'sqlite' needs the option sqlite in browsers: ${WANTED}`);
  /** @type {any} */
  let build = await given;
  // An import of the whole module.
  if (typeof build === 'object' && build !== null && typeof build.default === 'function') build = build.default;
  if (typeof build === 'function') {
    let made = builds.get(build);
    if (made === undefined) {
      made = Promise.resolve(build());
      builds.set(build, made);
      // What failed once, as a fetch may, may be tried again.
      made.catch(() => builds.delete(build));
    }
    build = await made;
  }
  if (typeof build !== 'object' || build === null || !build.capi || !build.wasm || !build.oo1) {
    throw new RangeError(`the option sqlite has to be ${WANTED}`);
  }
  return build;
}

/** What SQLite refused. */
export class SqliteError extends Error {
  /**
   * @param {string} message
   * @param {number} code SQLite's primary result code
   * @param {unknown} cause what the browser said, if it did
   */
  constructor(message, code, cause) {
    super(message);
    this.name = 'SqliteError';
    this.resultCode = code;
    if (cause !== undefined) this.cause = cause;
  }
}

// `@implements` needs a name that declarations can use, which `@import` does not give.
/** @typedef {import('./driver.js').Driver} Driver */
/** @typedef {import('./driver.js').Statement} Runnable */

/**
 * A connection to a database.
 *
 * @implements {Driver}
 */
export class WasmDriver {
  /**
   * @param {Sqlite3} sqlite3
   * @param {Map<string, SyncFile>} files the database and what SQLite keeps beside it, by their names
   * @param {string} name of the database
   */
  constructor(sqlite3, files, name) {
    const { folder, mount, unmount, vfs } = mountFiles(sqlite3, files);
    this.sqlite3 = sqlite3;
    /** @private */
    this.mount = mount;
    /** @private */
    this.unmount = unmount;
    this.memory = new WasmMemory(sqlite3);
    /** @type {Set<Statement>} */
    this.statements = new Set();
    try {
      /** @private */
      this.db = new sqlite3.oo1.DB({ filename: folder + name, flags: 'c', vfs });
    } catch (error) {
      unmount();
      throw this.errorOf(error);
    }
    /** The address of SQLite's own object for it. @type {number} */
    this.pointer = this.db.pointer;
  }

  /**
   * Runs one or more statements, and drops what they give.
   *
   * @param {string} sql
   */
  exec(sql) {
    // The method of the same name writes what fails to the console.
    const code = this.sqlite3.capi.sqlite3_exec(this.pointer, sql, 0, 0, 0);
    if (code !== 0) throw this.errorOf(code);
  }

  /**
   * @param {string} sql one statement
   * @returns {Statement}
   */
  prepare(sql) {
    try {
      return new Statement(this, this.db.prepare(sql));
    } catch (error) {
      throw this.errorOf(error);
    }
  }

  close() {
    for (const statement of this.statements) statement.finalize();
    this.db.close();
    this.memory.free();
    this.unmount();
  }

  /**
   * @param {unknown} error that SQLite's build raised, or one of its result codes
   * @returns {unknown}
   */
  errorOf(error) {
    const { capi } = this.sqlite3;
    const { error: cause } = this.mount;
    this.mount.error = undefined;
    if (typeof error === 'number') return new SqliteError(capi.sqlite3_errmsg(this.pointer), error & 0xff, cause);
    const { message, resultCode } = /** @type {{ message: string, resultCode?: number }} */ (error);
    return resultCode === undefined ? error : new SqliteError(message, resultCode & 0xff, cause);
  }
}

/** Bytes in the build's memory, through which parameters go. */
class WasmMemory {
  /** @param {Sqlite3} sqlite3 */
  constructor({ wasm }) {
    this.wasm = wasm;
    this.encoder = new TextEncoder();
    this.decoder = new TextDecoder('utf-8', { ignoreBOM: true });
    this.length = 4096;
    /** @type {number} */
    this.start = wasm.alloc(this.length);
  }

  /** @param {number} length that is needed */
  reserve(length) {
    if (length <= this.length) return;
    const { wasm } = this;
    const start = wasm.alloc(2 * length);
    wasm.dealloc(this.start);
    this.start = start;
    this.length = 2 * length;
  }

  /**
   * @param {string} text
   * @returns {number} its bytes
   */
  writeText(text) {
    this.reserve(3 * text.length);
    return this.encoder.encodeInto(text, this.wasm.heap8u().subarray(this.start, this.start + this.length)).written;
  }

  /** @param {Uint8Array} bytes */
  writeBytes(bytes) {
    this.reserve(bytes.length);
    this.wasm.heap8u().set(bytes, this.start);
  }

  /**
   * @param {number} start
   * @param {number} length
   * @returns {Uint8Array} a copy
   */
  bytes(start, length) {
    return this.wasm.heap8u().slice(start, start + length);
  }

  free() {
    this.wasm.dealloc(this.start);
  }
}

/**
 * A prepared statement.
 *
 * @implements {Runnable}
 */
class Statement {
  /**
   * @param {WasmDriver} connection
   * @param {{ pointer: number, columnCount: number, parameterCount: number, finalize: () => void }} statement
   */
  constructor(connection, statement) {
    /** @private */
    this.connection = connection;
    /** @private */
    this.statement = statement;
    /** @private */
    this.pointer = statement.pointer;
    /** @private */
    this.columns = statement.columnCount;
    /** @private */
    this.raw = connection.sqlite3.wasm.exports;
    connection.statements.add(this);
  }

  /**
   * @param {...Cell} values of its parameters
   * @returns {number} how many rows it has changed
   */
  run(...values) {
    const { connection, pointer, raw } = this;
    this.bind(values);
    try {
      while (this.step());
      return raw.sqlite3_changes(connection.pointer);
    } finally {
      raw.sqlite3_reset(pointer);
    }
  }

  /**
   * @param {...Cell} values of its parameters
   * @returns {Cell[] | undefined} the columns of the first row
   */
  get(...values) {
    this.bind(values);
    try {
      return this.step() ? this.row() : undefined;
    } finally {
      this.raw.sqlite3_reset(this.pointer);
    }
  }

  /**
   * @param {...Cell} values of its parameters
   * @returns {Cell[][]} the columns of each row
   */
  all(...values) {
    const rows = [];
    this.bind(values);
    try {
      while (this.step()) rows.push(this.row());
    } finally {
      this.raw.sqlite3_reset(this.pointer);
    }
    return rows;
  }

  finalize() {
    this.connection.statements.delete(this);
    this.statement.finalize();
  }

  /**
   * @private
   * @returns {boolean} whether there is a row
   */
  step() {
    const code = this.raw.sqlite3_step(this.pointer);
    if (code === ROW) return true;
    if (code === DONE) return false;
    throw this.connection.errorOf(code);
  }

  /**
   * @private
   * @param {Cell[]} values
   */
  bind(values) {
    for (let index = 0; index < values.length; index++) {
      const code = this.bindOne(index + 1, values[index]);
      if (code !== 0) throw this.connection.errorOf(code);
    }
  }

  /**
   * @private
   * @param {number} index from 1
   * @param {Cell} value
   * @returns {number} a result code
   */
  bindOne(index, value) {
    const { connection, pointer, raw } = this;
    const { memory } = connection;
    if (typeof value === 'number') {
      if (!Number.isSafeInteger(value)) return raw.sqlite3_bind_double(pointer, index, value);
      if (value <= INT32 && value >= -INT32) return raw.sqlite3_bind_int(pointer, index, value);
      return raw.sqlite3_bind_int64(pointer, index, BigInt(value));
    }
    if (typeof value === 'string') {
      const length = memory.writeText(value);
      return raw.sqlite3_bind_text(pointer, index, memory.start, length, COPY);
    }
    if (value instanceof Uint8Array) {
      memory.writeBytes(value);
      return raw.sqlite3_bind_blob(pointer, index, memory.start, value.length, COPY);
    }
    return raw.sqlite3_bind_null(pointer, index);
  }

  /**
   * @private
   * @returns {Cell[]}
   */
  row() {
    /** @type {Cell[]} */
    const row = [];
    for (let column = 0; column < this.columns; column++) row.push(this.column(column));
    return row;
  }

  /**
   * @private
   * @param {number} column
   * @returns {Cell}
   */
  column(column) {
    const { pointer, raw } = this;
    const { memory } = this.connection;
    switch (raw.sqlite3_column_type(pointer, column)) {
      case INTEGER:
      case FLOAT:
        return raw.sqlite3_column_double(pointer, column);
      case TEXT: {
        const start = raw.sqlite3_column_text(pointer, column);
        return memory.decoder.decode(memory.bytes(start, raw.sqlite3_column_bytes(pointer, column)));
      }
      case BLOB: {
        const start = raw.sqlite3_column_blob(pointer, column);
        return memory.bytes(start, raw.sqlite3_column_bytes(pointer, column));
      }
      default:
        return null;
    }
  }
}
