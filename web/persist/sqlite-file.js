/**
 * Keeps a state in a SQLite database in a file (Node).
 *
 * One process may write to it: it has the lock of state files (lock-file.js, file-identity.js). Other programs may read the file
 * all the time, as SQLite sees to that.
 *
 * @import { Driver } from '../sqlite/driver.js'
 * @import { NodeModules } from './node.js'
 * @import { SessionOptions } from './session.js'
 * @import { SqliteOptions } from './sqlite-session.js'
 */

import { FileIdentity, identityOf } from './file-identity.js';
import { placeOf } from './file-place.js';
import { FileLock } from './lock-file.js';
import { nodeModules, systemReason } from './node.js';
import { findSqlite } from './sqlite-node.js';
import { SqliteSession, stateError } from './sqlite-session.js';
import { LOOK_ONLY, StateError } from './state-error.js';

/**
 * @typedef {object} LibraryOption
 * @property {any} [sqlite] the module `node:sqlite` or `better-sqlite3`, where another than that found by itself is to be used;
 *   in a browser, the default export of `@sqlite.org/sqlite-wasm`, or a promise of it
 */

/**
 * Opens a state in a file.
 *
 * @param {string} name path of the file
 * @param {SessionOptions & SqliteOptions & LibraryOption} options
 * @returns {Promise<SqliteSession>}
 * @throws {StateError | RangeError}
 */
export async function openDatabaseFile(name, options) {
  const source = `database '${name}'`;
  const node = await nodeModules();
  const open = await findSqlite(source, options.sqlite);
  const file = new DatabaseFile(node, name, source);
  const { readOnly = false } = options;
  if (!readOnly) file.take();
  /** @type {Driver} */
  let driver;
  try {
    driver = open(readOnly && !node.fs.existsSync(file.path) ? ':memory:' : file.path, { readOnly: readOnly && node.fs.existsSync(file.path) });
  } catch (error) {
    file.release();
    throw stateError(error, source);
  }
  file.opened();
  const close = () => {
    driver.close();
    file.release();
  };
  return SqliteSession.begin({ source, driver, check: () => file.check(), close }, options);
}

/** The file of a database, and what keeps others from writing to it. */
class DatabaseFile {
  /**
   * @param {NodeModules} node
   * @param {string} name
   * @param {string} source
   */
  constructor(node, name, source) {
    this.node = node;
    this.source = source;
    try {
      /** Where the file is, or will be: a name that is a symbolic link stays one. */
      this.path = placeOf(node, name);
    } catch (error) {
      throw new StateError('unreadable', source, `cannot be read: ${systemReason(error)}`, error);
    }
    /** @private @type {FileLock | null} */
    this.lock = null;
    /** @private @type {FileIdentity | null} */
    this.identity = null;
    /** @private @type {string | null} */
    this.number = null;
  }

  /** Keeps others from writing. */
  take() {
    this.lock = FileLock.take(this.node, this.path, this.source);
    this.identity = FileIdentity.take(this.node, this.path);
    if (this.identity !== null) return;
    this.release();
    throw new StateError('locked', this.source, `is open for writing under another name of the file; ${LOOK_ONLY}`);
  }

  /** Takes note of which file is open. */
  opened() {
    this.number = identityOf(this.node, this.path);
  }

  /**
   * Makes sure that what is saved gets to the file that has the name.
   *
   * @throws {StateError}
   */
  check() {
    if (this.lock !== null) this.lock.check();
    if (identityOf(this.node, this.path) === this.number) return;
    throw new StateError('conflict', this.source, 'cannot be saved: something else has replaced or removed it meanwhile');
  }

  /** Lets others write. */
  release() {
    if (this.identity !== null) this.identity.release();
    if (this.lock !== null) this.lock.release();
    this.identity = null;
    this.lock = null;
  }
}
