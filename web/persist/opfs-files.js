/**
 * Opens the files of a state in a browser's origin private file system, for SQLite.
 *
 * Each state has a folder with an ordinary SQLite database and what SQLite keeps beside it. A file is opened by a
 * synchronous access handle, which only dedicated workers have, and which nobody else can have at the same time.
 *
 * @import { SyncFile } from '../sqlite/wasm-files.js'
 */

import { NoRoom } from '../sqlite/wasm-files.js';
import { StateError } from './state-error.js';

/** The folder of all states. */
const ROOT = 'lua-persistent';

/** The database. */
export const DATABASE = 'state.db';

const WAL = `${DATABASE}-wal`;

/** What a state's folder has: handles cannot be opened synchronously, so all are opened with the state. */
const NAMES = [DATABASE, WAL, `${DATABASE}-journal`];

/** What is said where somebody else has them, even to whoever only wants to look. */
export const ELSEWHERE = 'is open in another tab or worker; a browser lets one at a time have it, also for reading';

/** Milliseconds to wait for files: a worker that was ended just now gives its handles back a moment later than its lock. */
const PATIENCE = 1000;

/** Milliseconds between two attempts. */
const PAUSE = 20;

/** Bytes of a write-ahead log that are written at once. */
const JOINED = 1 << 19;

/** What a browser answers where it gives no site this file system: with cookies blocked, or in private windows. */
const REFUSALS = ['SecurityError', 'NotSupportedError'];

/**
 * The parts of the file system that the types of documents lack.
 *
 * @typedef {FileSystemFileHandle & { createSyncAccessHandle: () => Promise<SyncFile> }} WorkerFileHandle
 */

/** @returns {boolean} whether files can be read and written at once here */
export function hasSyncFiles() {
  const { FileSystemFileHandle: handle } = /** @type {any} */ (globalThis);
  return typeof handle === 'function' && 'createSyncAccessHandle' in handle.prototype && hasFileSystem();
}

/** @returns {boolean} */
function hasFileSystem() {
  return typeof navigator !== 'undefined' && Boolean(navigator.storage) && typeof navigator.storage.getDirectory === 'function';
}

/**
 * The name of a state's folder. A file system refuses some characters, and names of dots alone.
 *
 * @param {string} name of the state
 * @returns {string}
 */
function folderOf(name) {
  return encodeURIComponent(name).replace(/\*/g, '%2A').replace(/^\.+$/, (dots) => dots.replace(/\./g, '%2E'));
}

/**
 * Finds out whether a state has a database here, from any thread.
 *
 * @param {string} name
 * @returns {Promise<boolean>}
 */
export async function hasDatabase(name) {
  if (!hasFileSystem()) return false;
  try {
    const root = await (await navigator.storage.getDirectory()).getDirectoryHandle(ROOT);
    const file = await (await root.getDirectoryHandle(folderOf(name))).getFileHandle(DATABASE);
    return (await file.getFile()).size > 0;
  } catch (error) {
    const { name: problem } = /** @type {DOMException} */ (error);
    if (problem === 'NotFoundError' || REFUSALS.includes(problem)) return false;
    // A worker has it open.
    if (problem === 'NoModificationAllowedError') return true;
    throw error;
  }
}

/** The open files of a state. */
export class StateFiles {
  /**
   * Opens them; makes them if there are none.
   *
   * @param {string} name of the state
   * @param {string} source the state's name in messages
   * @returns {Promise<StateFiles | null>} null if this browser gives this site no such files
   * @throws {StateError} `locked`, if another tab or worker has them
   */
  static async open(name, source) {
    let system;
    try {
      system = await navigator.storage.getDirectory();
    } catch (error) {
      if (REFUSALS.includes(/** @type {DOMException} */ (error).name)) return null;
      throw unreadable(source, error);
    }
    /** @type {Map<string, SyncFile>} */
    const files = new Map();
    try {
      const root = await system.getDirectoryHandle(ROOT, { create: true });
      const state = new StateFiles(root, folderOf(name), files);
      const folder = await root.getDirectoryHandle(state.folder, { create: true });
      for (const each of NAMES) files.set(each, await acquire(folder, each));
      // Until 2023, browsers had handles most of whose methods gave promises.
      if (typeof /** @type {SyncFile} */ (files.get(DATABASE)).getSize() !== 'number') {
        await state.close();
        return null;
      }
      files.set(WAL, new JoinedWrites(/** @type {SyncFile} */ (files.get(WAL))));
      return state;
    } catch (error) {
      for (const file of files.values()) file.close();
      if (/** @type {DOMException} */ (error).name !== 'NoModificationAllowedError') throw unreadable(source, error);
      throw new StateError('locked', source, ELSEWHERE, error);
    }
  }

  /**
   * Use `StateFiles.open` instead.
   *
   * @param {FileSystemDirectoryHandle} root
   * @param {string} folder
   * @param {Map<string, SyncFile>} files
   */
  constructor(root, folder, files) {
    /** @private */
    this.root = root;
    this.folder = folder;
    /** By their names. */
    this.files = files;
  }

  /** @returns {boolean} whether there is a database */
  get found() {
    return /** @type {SyncFile} */ (this.files.get(DATABASE)).getSize() > 0;
  }

  /** @returns {boolean} whether the files were given back */
  get isClosed() {
    return this.files.size === 0;
  }

  /**
   * Gives the files back.
   *
   * @param {boolean} [keeps] whether they stay; by default, if there is a database
   */
  async close(keeps = this.found) {
    const { files, folder, root } = this;
    for (const file of files.values()) file.close();
    files.clear();
    // Another worker that waits for these files may be faster.
    if (!keeps) await root.removeEntry(folder, { recursive: true }).catch(() => undefined);
  }
}

/**
 * @param {string} source
 * @param {unknown} error
 * @returns {StateError}
 */
function unreadable(source, error) {
  return new StateError('unreadable', source, `cannot be read: ${/** @type {Error} */ (error).message}`, error);
}

/**
 * Opens a file, and waits a moment for it if somebody else has it.
 *
 * @param {FileSystemDirectoryHandle} folder
 * @param {string} name
 * @returns {Promise<SyncFile>}
 */
async function acquire(folder, name) {
  const file = /** @type {WorkerFileHandle} */ (await folder.getFileHandle(name, { create: true }));
  for (let waited = 0; ; waited += PAUSE) {
    try {
      return await file.createSyncAccessHandle();
    } catch (error) {
      if (/** @type {DOMException} */ (error).name !== 'NoModificationAllowedError' || waited >= PATIENCE) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, PAUSE));
  }
}

// `@implements` needs a name that declarations can use, which `@import` does not give.
/** @typedef {import('../sqlite/wasm-files.js').SyncFile} Joinable */

/**
 * Joins writes that follow each other into larger ones: SQLite writes a log in pieces of a page and less, and each write costs a
 * browser as much as one of many pages.
 *
 * @implements {Joinable}
 */
export class JoinedWrites {
  /** @param {SyncFile} file */
  constructor(file) {
    /** @private */
    this.file = file;
    /** @private */
    this.bytes = new Uint8Array(JOINED);
    /** How many of the bytes wait, and where in the file they belong. */
    this.waiting = 0;
    this.start = 0;
  }

  /**
   * Writes what waits.
   *
   * @private
   */
  drain() {
    const { waiting } = this;
    if (waiting === 0) return;
    this.waiting = 0;
    if (this.file.write(this.bytes.subarray(0, waiting), { at: this.start }) !== waiting) throw new NoRoom();
  }

  /**
   * @param {Uint8Array} from
   * @param {{ at: number }} options
   * @returns {number}
   */
  write(from, { at }) {
    const { length } = from;
    if (at !== this.start + this.waiting || this.waiting + length > JOINED) this.drain();
    if (length > JOINED) return this.file.write(from, { at });
    if (this.waiting === 0) this.start = at;
    this.bytes.set(from, this.waiting);
    this.waiting += length;
    return length;
  }

  /**
   * @param {Uint8Array} into
   * @param {{ at: number }} options
   * @returns {number}
   */
  read(into, options) {
    this.drain();
    return this.file.read(into, options);
  }

  /** @param {number} size */
  truncate(size) {
    this.drain();
    this.file.truncate(size);
  }

  /** @returns {number} */
  getSize() {
    const size = this.file.getSize();
    return this.waiting === 0 ? size : Math.max(size, this.start + this.waiting);
  }

  flush() {
    this.drain();
    this.file.flush();
  }

  close() {
    this.file.close();
  }
}
