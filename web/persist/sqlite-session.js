/**
 * Keeps a state in a SQLite database, whose tables are read when they are asked for: each save is a transaction.
 *
 * @import { Driver } from '../sqlite/driver.js'
 * @import { KeyPages } from '../store/key-pages.js'
 * @import { UndoLog } from '../store/undo-log.js'
 * @import { SessionOptions } from './session.js'
 */

import { SqliteBatches } from '../sqlite/batches.js';
import { Database, DatabaseError } from '../sqlite/database.js';
import { resultCode } from '../sqlite/driver.js';
import { SqliteStore } from '../sqlite/sqlite-store.js';
import { Session } from './session.js';
import { StateError } from './state-error.js';

/** Memory for tables and pages of a database where nothing is said. */
export const CACHE_BYTES = 1 << 26;

/** Least memory that can be said. */
const LEAST_CACHE = 1 << 16;

/** Milliseconds after a save at which what it has written moves from the log into the database. */
const REST = 500;

/**
 * @typedef {object} SqliteOptions
 * @property {number} [cacheBytes] memory for what has been read from a database and for what has changed, from 65,536; by
 *   default 67,108,864
 */

/**
 * Where a database is.
 *
 * @typedef {object} DatabasePlace
 * @property {string} source what holds the state, for messages: `database 'data.db'`
 * @property {Driver} driver of the open database
 * @property {() => void} check throws if the database is not in its place any more; called before each save
 * @property {() => void | Promise<void>} close closes the database and gives the lock back
 */

/** A state in a database that is open. */
export class SqliteSession extends Session {
  /**
   * Opens a state.
   *
   * @param {DatabasePlace} place
   * @param {SessionOptions & SqliteOptions} options
   * @returns {SqliteSession}
   * @throws {StateError | RangeError} and the place is closed
   */
  static begin(place, options) {
    try {
      const cacheBytes = cacheBytesOf(options);
      const readOnly = Boolean(options.readOnly);
      const database = Database.open(place.driver, { readOnly, cacheBytes: cacheBytes / 2 });
      const store = new SqliteStore(database, { readOnly, cacheBytes: cacheBytes / 2 });
      Object.assign(store, { batches: (/** @type {UndoLog} */ layer, /** @type {KeyPages} */ pages) => new SqliteBatches(store, layer, pages) });
      const session = new SqliteSession(place, database, store, options);
      session.watchEnd();
      return session;
    } catch (error) {
      place.close();
      throw stateError(error, place.source);
    }
  }

  /**
   * Use `SqliteSession.begin` instead.
   *
   * @param {DatabasePlace} place
   * @param {Database} database
   * @param {SqliteStore} store
   * @param {SessionOptions} options
   */
  constructor(place, database, store, options) {
    super({ source: place.source, kind: 'sqlite', close: async () => this.closePlace() }, store, options);
    /** @private */
    this.place = place;
    /** @private */
    this.database = database;
    /** @private */
    this.tables = store;
    /** @private @type {ReturnType<typeof setTimeout> | null} */
    this.restTimer = null;
    this.found = store.meta !== null;
    this.meta = store.meta;
    store.onChange = () => this.changed();
  }

  get savesSync() {
    return true;
  }

  /** @throws {StateError} */
  saveSync() {
    const { source } = this.place;
    if (this.readOnly) throw new StateError('read-only', source, 'was opened for reading only');
    if (this.closed) throw new StateError('unwritable', source, 'cannot be saved: it is closed');
    const { tables } = this;
    const meta = { ...this.currentMeta() };
    tables.skip(this.skippedId);
    if (!tables.hasChanges && this.isStored(meta)) return;
    try {
      this.place.check();
      tables.save(meta);
    } catch (error) {
      throw stateError(error, source);
    }
    this.meta = meta;
    this.rest();
    this.progress({ phase: 'save', done: 1, total: 1 });
  }

  /** @protected */
  async saveNow() {
    this.saveSync();
  }

  /**
   * Has what is in the log move into the database when there is time.
   *
   * @private
   */
  rest() {
    if (this.restTimer !== null) clearTimeout(this.restTimer);
    const timer = setTimeout(() => {
      this.restTimer = null;
      this.database.moveLog();
    }, REST);
    this.restTimer = timer;
    // A timer alone should not keep a process alive.
    if (typeof timer === 'object' && timer.unref) timer.unref();
  }

  /** @private */
  closePlace() {
    if (this.restTimer !== null) clearTimeout(this.restTimer);
    this.restTimer = null;
    this.database.rollback();
    return this.place.close();
  }
}

/**
 * @param {SqliteOptions} options
 * @returns {number}
 * @throws {RangeError}
 */
function cacheBytesOf({ cacheBytes = CACHE_BYTES }) {
  if (Number.isInteger(cacheBytes) && cacheBytes >= LEAST_CACHE) return cacheBytes;
  throw new RangeError(`the option cacheBytes has to be a whole number from ${LEAST_CACHE} on, not ${String(cacheBytes)}`);
}

/** What each result code of SQLite means for a state. */
const PROBLEMS = /** @type {const} */ ({
  SQLITE_BUSY: ['locked', 'is being written by another program'],
  SQLITE_LOCKED: ['locked', 'is being written by another program'],
  SQLITE_FULL: ['full', 'cannot be written'],
  SQLITE_IOERR: ['unwritable', 'cannot be read or written'],
  SQLITE_READONLY: ['unwritable', 'cannot be written'],
  SQLITE_CANTOPEN: ['unreadable', 'cannot be opened'],
  SQLITE_CORRUPT: ['damaged', 'is damaged'],
  SQLITE_NOTADB: ['foreign', 'is not a database of SQLite'],
});

/**
 * Makes an error of a state of one of its database.
 *
 * @param {unknown} error
 * @param {string} source
 * @returns {unknown} the same, if it is none of a database
 */
export function stateError(error, source) {
  if (error instanceof DatabaseError) return new StateError(error.kind, source, error.message);
  const code = resultCode(error);
  if (code === '') return error;
  const [kind, detail] = PROBLEMS[/** @type {keyof typeof PROBLEMS} */ (code)] || ['unwritable', 'cannot be read or written'];
  return new StateError(kind, source, `${detail}: ${/** @type {Error} */ (error).message}`, error);
}
