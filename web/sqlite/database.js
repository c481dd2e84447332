/**
 * Opens a database of external tables: checks that it is one, sets it up, and makes its transactions.
 *
 * @import { Driver } from './driver.js'
 */

import { idProblem } from '../store/table-ids.js';
import { resultCode } from './driver.js';
import { APPLICATION, createSchema, VERSION } from './schema.js';

/**
 * What is wrong with a database: it is one of something else, a later release wrote it, or it is not as it should be.
 *
 * @typedef {'foreign' | 'newer' | 'damaged' | 'conflict'} DatabaseProblem
 */

/** A database does not hold external tables, or not as it should. */
export class DatabaseError extends Error {
  /**
   * @param {DatabaseProblem} kind
   * @param {string} detail the rest of a sentence that begins with the database
   */
  constructor(kind, detail) {
    super(detail);
    this.name = 'DatabaseError';
    this.kind = kind;
  }
}

/**
 * @typedef {object} DatabaseMeta
 * @property {number} homeTableId
 * @property {number} nextTableId
 * @property {string} abiHash
 */

/** What the database says besides its tables. */
const FIGURES = ['revision', 'position'];

/** A database. */
export class Database {
  /**
   * Opens a database.
   *
   * @param {Driver} driver
   * @param {object} options
   * @param {boolean} options.readOnly
   * @param {number} options.cacheBytes
   * @returns {Database}
   */
  static open(driver, { readOnly, cacheBytes }) {
    const kind = kindOf(driver);
    driver.exec(`PRAGMA busy_timeout = 5000; PRAGMA cache_size = ${-Math.max(64, Math.ceil(cacheBytes / 1024))}; PRAGMA temp_store = MEMORY;`);
    if (!readOnly) {
      driver.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 16384; PRAGMA journal_size_limit = 67108864;');
    } else if (kind !== 'empty') {
      // What another process saves meanwhile is not seen.
      driver.exec('BEGIN; SELECT count(*) FROM meta');
    }
    if (kind === 'empty') {
      driver.exec('BEGIN IMMEDIATE');
      createSchema(driver);
      driver.exec('COMMIT');
    }
    return new Database(driver);
  }

  /** @param {Driver} driver of a database that has all tables */
  constructor(driver) {
    this.driver = driver;
    /** @private */
    this.statements = {
      meta: driver.prepare('SELECT name, value FROM meta'),
      setMeta: driver.prepare('INSERT INTO meta (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value'),
      // Some libraries give all numbers as floats.
      setNumber: driver.prepare('INSERT INTO meta (name, value) VALUES (?, CAST(? AS INTEGER)) ON CONFLICT (name) DO UPDATE SET value = excluded.value'),
      version: driver.prepare('PRAGMA data_version'),
      begin: driver.prepare('BEGIN IMMEDIATE'),
      commit: driver.prepare('COMMIT'),
      rollback: driver.prepare('ROLLBACK'),
    };
    /** Whether a transaction is open. */
    this.isOpen = false;
    /**
     * What SQLite counts up when another program changes the database.
     * @private
     */
    this.version = this.currentVersion();
  }

  /**
   * Reads what the state says besides its tables.
   *
   * @returns {{ meta: DatabaseMeta | null, revision: number, position: number }} no meta if nothing has been saved
   */
  read() {
    const values = new Map(this.statements.meta.all().map(([name, value]) => [name, value]));
    const [revision, position] = FIGURES.map((name) => values.get(name) || 0);
    if (!values.has('home')) return { meta: null, revision, position };
    const meta = { homeTableId: values.get('home'), nextTableId: values.get('next'), abiHash: String(values.get('abi')) };
    const problem = idProblem(meta.homeTableId, meta.nextTableId);
    if (problem !== '') throw new DatabaseError('damaged', `is damaged: its table meta ${problem}`);
    return { meta, revision, position };
  }

  /**
   * Writes what the state says besides its tables.
   *
   * @param {DatabaseMeta} meta
   * @param {number} revision
   * @param {number} position
   */
  write(meta, revision, position) {
    const { setMeta, setNumber } = this.statements;
    setNumber.run('home', meta.homeTableId);
    setNumber.run('next', meta.nextTableId);
    setMeta.run('abi', meta.abiHash);
    setNumber.run('revision', revision);
    setNumber.run('position', position);
  }

  /** Begins a transaction, if none is open. */
  begin() {
    if (this.isOpen) return;
    this.statements.begin.run();
    this.isOpen = true;
    if (this.currentVersion() === this.version) return;
    this.rollback();
    throw new DatabaseError('conflict', 'cannot be saved: another program has changed it meanwhile');
  }

  /** Makes what the transaction has changed last. */
  commit() {
    this.statements.commit.run();
    this.isOpen = false;
  }

  /** Undoes the transaction. */
  rollback() {
    if (!this.isOpen) return;
    this.isOpen = false;
    try {
      this.statements.rollback.run();
    } catch (_ended) {
      // SQLite has undone it by itself.
    }
  }

  /** Moves what is in the log into the database, as far as readers let it; it is as safe there. */
  moveLog() {
    if (this.isOpen) return;
    try {
      this.driver.exec('PRAGMA wal_checkpoint(PASSIVE)');
    } catch (_later) {
      // It stays in the log, and the next save will tell if something is wrong.
    }
  }

  /**
   * @private
   * @returns {number}
   */
  currentVersion() {
    return /** @type {any[]} */ (this.statements.version.get())[0];
  }
}

/**
 * @param {Driver} driver
 * @returns {'empty' | 'tables'}
 * @throws {DatabaseError}
 */
function kindOf(driver) {
  try {
    const [[application], [version], [objects]] = ['PRAGMA application_id', 'PRAGMA user_version', 'SELECT count(*) FROM sqlite_master'].map(
      (sql) => /** @type {any[]} */ (driver.prepare(sql).get()),
    );
    if (objects === 0 && application === 0) return 'empty';
    if (application !== APPLICATION) throw new DatabaseError('foreign', 'is not a database of lua-persistent');
    if (version > VERSION) throw new DatabaseError('newer', `has version ${version} of the schema, newer than ${VERSION}, the newest that this release reads`);
    return 'tables';
  } catch (error) {
    if (resultCode(error) === 'SQLITE_NOTADB') throw new DatabaseError('foreign', 'is not a database of SQLite');
    throw error;
  }
}
