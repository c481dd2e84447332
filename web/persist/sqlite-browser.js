/**
 * Opens a state in SQLite in a browser: in a dedicated worker, where there are files that can be read at once. Elsewhere, on a
 * page's own thread for one, the state falls back to IndexedDB.
 *
 * A state is in one of the two places. When SQLite is to be had for one that is in IndexedDB, it is moved; when there is a database
 * that cannot be opened here, that is an error, so that nobody goes on with an empty or an older state.
 *
 * @import { SqliteSource } from '../sqlite/wasm-driver.js'
 * @import { SessionOptions } from './session.js'
 * @import { DatabasePlace, SqliteOptions } from './sqlite-session.js'
 */

import { sqliteBuild, WasmDriver } from '../sqlite/wasm-driver.js';
import { MapStore } from '../store/map-store.js';
import { IndexedDbBackend } from './indexed-db.js';
import { DATABASE, ELSEWHERE, hasDatabase, hasSyncFiles, StateFiles } from './opfs-files.js';
import { Session } from './session.js';
import { SqliteSession, stateError } from './sqlite-session.js';
import { StateError } from './state-error.js';
import { takeWebLock } from './web-lock.js';

/** @typedef {SessionOptions & SqliteOptions & { sqlite?: SqliteSource | PromiseLike<SqliteSource> }} BrowserOptions */

/**
 * What the database needs before it is used: nobody else has its files, so that its log needs no shared memory, which this build
 * of SQLite lacks.
 */
const ALONE = 'PRAGMA locking_mode = EXCLUSIVE';

/** Finds out whether a state was ever saved. */
const SAVED = "SELECT 1 FROM meta WHERE name = 'home'";

/**
 * Opens a state.
 *
 * @param {string} name
 * @param {BrowserOptions} options
 * @returns {Promise<Session>}
 * @throws {StateError | RangeError}
 */
export async function openInBrowser(name, options) {
  const place = hasSyncFiles() ? await placeOf(name, options) : null;
  if (place === null) return Session.open(new FallbackBackend(name), new MapStore(), options);
  const session = SqliteSession.begin(place, options);
  if (session.found) return session;
  try {
    if (!(await IndexedDbBackend.exists(name))) return session;
    if (!session.readOnly) {
      await moveHere(name, session);
      return session;
    }
  } catch (error) {
    await session.abandon();
    throw error;
  }
  // What is only looked at stays where it is.
  await session.abandon();
  return Session.open(new IndexedDbBackend(name), new MapStore(), options);
}

/**
 * Moves a state from IndexedDB into a new database. Until the database has it, nothing happens to the other.
 *
 * @param {string} name
 * @param {SqliteSession} session
 */
async function moveHere(name, session) {
  const old = new IndexedDbBackend(name);
  await old.open({ readOnly: false });
  try {
    if (!(await old.load(session.sink(), session.progress))) return;
    const { meta } = session;
    session.meta = null;
    if (meta !== null) session.currentMeta = () => meta;
    await session.save();
    session.found = true;
    await old.remove();
  } finally {
    await old.close();
  }
}

/**
 * Opens the database of a state, with its lock.
 *
 * @param {string} name
 * @param {BrowserOptions} options
 * @returns {Promise<DatabasePlace | null>} null where there are no such files
 * @throws {StateError | RangeError}
 */
async function placeOf(name, { sqlite, readOnly = false }) {
  const source = sourceOf(name);
  const build = await sqliteBuild(sqlite);
  const release = (await takeWebLock(lockOf(name), source, ELSEWHERE)) || (() => undefined);
  /** @type {StateFiles | null} */
  let files = null;
  try {
    files = await StateFiles.open(name, source);
    if (files !== null) return placeIn(files, new WasmDriver(build, files.files, DATABASE), source, readOnly, release);
  } catch (error) {
    if (files !== null) await files.close();
    release();
    throw stateError(error, source);
  }
  release();
  return null;
}

/**
 * @param {StateFiles} files
 * @param {WasmDriver} driver
 * @param {string} source
 * @param {boolean} readOnly
 * @param {() => void} release
 * @returns {DatabasePlace}
 */
function placeIn(files, driver, source, readOnly, release) {
  const isNew = !files.found;
  driver.exec(ALONE);
  const close = async () => {
    if (files.isClosed) return;
    const keeps = !isNew || (!readOnly && wasSaved(driver));
    driver.close();
    await files.close(keeps);
    release();
  };
  return { source, driver, check: () => undefined, close };
}

/**
 * @param {WasmDriver} driver
 * @returns {boolean} whether its database has a state; false if it could not even be set up
 */
function wasSaved(driver) {
  try {
    return driver.prepare(SAVED).get() !== undefined;
  } catch (_empty) {
    return false;
  }
}

/**
 * @param {string} name
 * @returns {string} what the state is called in messages
 */
function sourceOf(name) {
  return `SQLite state '${name}'`;
}

/**
 * @param {string} name
 * @returns {string} the lock of a state, wherever it lies
 */
function lockOf(name) {
  return `sqlite:${name}`;
}

/** A state in IndexedDB that is there in place of a database. */
export class FallbackBackend extends IndexedDbBackend {
  /** @param {string} name */
  constructor(name) {
    super(name);
    /** @type {(() => void) | null} */
    this.releaseDatabase = null;
  }

  /** @param {{ readOnly: boolean }} mode */
  async open(mode) {
    const source = sourceOf(this.name);
    if (!mode.readOnly) this.releaseDatabase = await takeWebLock(lockOf(this.name), source);
    try {
      if (await hasDatabase(this.name)) {
        const detail = 'can be opened only in a worker: it is in the origin private file system, whose files no other thread reads at once';
        throw new StateError('unreadable', source, detail);
      }
      await super.open(mode);
    } catch (error) {
      await this.close();
      throw error;
    }
  }

  async close() {
    await super.close();
    if (this.releaseDatabase !== null) this.releaseDatabase();
    this.releaseDatabase = null;
  }
}
