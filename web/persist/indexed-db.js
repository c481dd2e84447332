/**
 * Keeps a state in IndexedDB: the store `frames` holds the frames (frames.js) under the numbers 0, 1, 2, ..., the store `head`
 * one object that says which of them count. Each save is one transaction, which the browser makes atomic.
 *
 * @import { ProgressListener } from './backend.js'
 * @import { Sink } from './operations.js'
 * @import { Extent } from './series.js'
 */

import { outgrown } from './backend.js';
import { FORMAT_VERSION, isCount } from './frames.js';
import { continueSeries, SeriesReader } from './series.js';
import { StateError } from './state-error.js';
import { takeWebLock } from './web-lock.js';

/** Version of the database's layout, which is not that of the format. */
const DATABASE_VERSION = 1;

const FORMAT = 'lua-persistent state';

/** The key of the only object in the store `head`. */
const HEAD = 'head';

/**
 * `version` is that of the format; `id` differs from save to save, whoever made it.
 *
 * @typedef {{ format: string, version: number, id: string } & Extent} Head
 */

// `@implements` needs a name that declarations can use, which `@import` does not give.
/** @typedef {import('./backend.js').Backend} Backend */

/**
 * A state in IndexedDB. It cannot save at once (`commitSync`), but the browser completes a save that was begun when the page
 * is left.
 *
 * @implements {Backend}
 */
export class IndexedDbBackend {
  /** @param {string} name */
  constructor(name) {
    this.name = name;
    this.source = `IndexedDB state '${name}'`;
    /** @type {'indexedDB'} */
    this.kind = 'indexedDB';
    /** @type {IDBDatabase | null} */
    this.database = null;
    /** @type {Head | null} as it was when this backend last read or wrote it; null: there is no state */
    this.head = null;
    this.writable = false;
    /** @type {(() => void) | null} */
    this.release = null;
  }

  /**
   * Finds out whether there is a database of this name, and makes none.
   *
   * @param {string} name
   * @returns {Promise<boolean>}
   */
  static async exists(name) {
    if (typeof indexedDB === 'undefined') return false;
    if (typeof indexedDB.databases !== 'function') return opensOld(addressOf(name));
    return (await indexedDB.databases()).some((each) => each.name === addressOf(name));
  }

  /** @param {{ readOnly: boolean }} mode */
  async open({ readOnly }) {
    if (typeof indexedDB === 'undefined') throw new StateError('unreadable', this.source, 'cannot be read: there is no IndexedDB here');
    if (!readOnly) this.release = await takeWebLock(`indexedDB:${this.name}`, this.source);
    try {
      this.database = await openDatabase(addressOf(this.name));
    } catch (error) {
      await this.close();
      const { name, message } = /** @type {DOMException} */ (error);
      if (name === 'VersionError') throw new StateError('newer', this.source, 'was written by a later release of lua-persistent', error);
      throw new StateError('unreadable', this.source, `cannot be read: ${message}`, error);
    }
    const { objectStoreNames } = /** @type {IDBDatabase} */ (this.database);
    if (!objectStoreNames.contains('head') || !objectStoreNames.contains('frames')) {
      await this.close();
      throw new StateError('foreign', this.source, 'is not a state of lua-persistent');
    }
    this.writable = !readOnly;
  }

  wantsWhole() {
    return this.head === null || outgrown(this.head.wholeLength, this.head.length);
  }

  /**
   * @param {Sink} sink
   * @param {ProgressListener} progress
   * @returns {Promise<boolean>}
   */
  async load(sink, progress) {
    /** @type {StateError | null} */
    let problem = null;
    /** @type {Head | undefined} */
    let head;
    let count = 0;
    const reader = new SeriesReader(this.source, sink, progress);
    const takeFrame = (/** @type {unknown} */ frame, /** @type {number} */ total) => {
      try {
        reader.take(frame instanceof Uint8Array ? frame : null, `frame ${count}`, total);
      } catch (error) {
        if (error instanceof StateError) return error;
        throw error;
      }
      if (head === undefined) return this.damaged('its head is missing');
      count += 1;
      return null;
    };
    try {
      const transaction = this.transaction('readonly');
      await ended(transaction, () => {
        const headRequest = transaction.objectStore('head').get(HEAD);
        headRequest.onsuccess = () => {
          head = headRequest.result;
          problem = head === undefined ? null : this.problemOf(head);
          if (problem !== null) return;
          const total = head === undefined ? 0 : head.length;
          const walk = transaction.objectStore('frames').openCursor();
          walk.onsuccess = () => {
            const cursor = walk.result;
            if (cursor === null) return;
            problem = cursor.key === count ? takeFrame(cursor.value, total) : this.damaged(`frame ${count} is missing`);
            if (problem === null) cursor.continue();
          };
        };
      });
    } catch (error) {
      throw new StateError('unreadable', this.source, `cannot be read: ${/** @type {DOMException} */ (error).message}`, error);
    }
    if (problem !== null) throw problem;
    if (head === undefined) return false;
    if (count < head.frames) {
      throw new StateError('truncated', this.source, `is truncated: ${count} frames, where ${head.frames} belong`);
    }
    reader.expectExtent(head, 'its frames do not match its head');
    this.head = head;
    return true;
  }

  /**
   * @param {Uint8Array[]} chunks
   * @param {boolean} whole
   * @param {ProgressListener} progress
   * @throws {StateError}
   */
  async commit(chunks, whole, progress) {
    if (!this.writable) throw new StateError('read-only', this.source, 'was opened for reading only');
    const { frames, first, length, extent } = continueSeries(chunks, whole ? null : this.head);
    /** @type {Head} */
    const head = {
      format: FORMAT,
      version: FORMAT_VERSION,
      id: `${Date.now().toString(36)}-${Math.random().toString(36).slice(2)}`,
      ...extent,
    };
    let conflict = false;
    try {
      const transaction = this.transaction('readwrite');
      await ended(transaction, () => {
        const heads = transaction.objectStore('head');
        if (this.release === null) {
          const current = heads.get(HEAD);
          current.onsuccess = () => {
            conflict = (current.result ? current.result.id : '') !== (this.head ? this.head.id : '');
            if (conflict) transaction.abort();
          };
        }
        const store = transaction.objectStore('frames');
        if (whole) store.clear();
        let done = 0;
        frames.forEach((frame, index) => {
          store.put(frame, first + index).onsuccess = () => {
            done += frame.length;
            progress({ phase: 'save', done, total: length });
          };
        });
        heads.put(head, HEAD);
        // Said at once, so that the browser completes it also when the page is left now.
        if (this.release !== null && transaction.commit) transaction.commit();
      });
    } catch (error) {
      if (conflict) throw new StateError('conflict', this.source, 'cannot be saved: another tab has saved to it meanwhile');
      const { name, message } = /** @type {DOMException} */ (error);
      if (name === 'QuotaExceededError') {
        throw new StateError('full', this.source, `cannot be saved: ${length} more bytes exceed the browser's quota`, error);
      }
      throw new StateError('unwritable', this.source, `cannot be saved: ${message}`, error);
    }
    this.head = head;
  }

  /** Removes the state, when it is open for writing and read. It has to be closed then. */
  remove() {
    const { database } = this;
    this.database = null;
    if (database !== null) database.close();
    return new Promise((resolve, reject) => {
      const request = indexedDB.deleteDatabase(addressOf(this.name));
      request.onsuccess = () => resolve(undefined);
      request.onerror = () => reject(request.error);
      // Whoever looks at it still has it until then.
      request.onblocked = () => resolve(undefined);
    });
  }

  async close() {
    this.writable = false;
    if (this.database !== null) this.database.close();
    this.database = null;
    if (this.release !== null) this.release();
    this.release = null;
  }

  /**
   * @private
   * @param {'readonly' | 'readwrite'} mode
   * @returns {IDBTransaction}
   */
  transaction(mode) {
    const database = /** @type {IDBDatabase} */ (this.database);
    // Acknowledged means on the disk, not in the system's cache.
    return database.transaction(['head', 'frames'], mode, mode === 'readonly' ? undefined : { durability: 'strict' });
  }

  /**
   * @private
   * @param {Head} head
   * @returns {StateError | null} why the state cannot be read, if so
   */
  problemOf(head) {
    if (head === null || typeof head !== 'object' || head.format !== FORMAT) {
      return new StateError('foreign', this.source, 'is not a state of lua-persistent');
    }
    const { version, frames, wholeLength, length, save, check } = head;
    if (![version, frames, wholeLength, length, save, check].every(isCount)) return this.damaged('its head is not what was written');
    if (version <= FORMAT_VERSION) return null;
    const detail = `has format version ${head.version}, newer than ${FORMAT_VERSION}, the newest that this release reads`;
    return new StateError('newer', this.source, detail);
  }

  /**
   * @private
   * @param {string} detail
   * @returns {StateError}
   */
  damaged(detail) {
    return new StateError('damaged', this.source, `is damaged: ${detail}`);
  }
}

/**
 * @param {string} name of a state
 * @returns {string} name of its database
 */
function addressOf(name) {
  return `lua-persistent:${name}`;
}

/**
 * Finds out whether there is a database, in browsers that list none (Firefox 125 and older): opens it, and gives up where it would
 * be made.
 *
 * @param {string} name
 * @returns {Promise<boolean>}
 */
function opensOld(name) {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open(name);
    let isNew = false;
    request.onupgradeneeded = () => {
      isNew = true;
      /** @type {IDBTransaction} */ (request.transaction).abort();
    };
    request.onsuccess = () => {
      request.result.close();
      resolve(true);
    };
    request.onerror = (event) => {
      event.preventDefault();
      if (isNew) resolve(false);
      else reject(request.error);
    };
  });
}

/**
 * @param {string} name
 * @returns {Promise<IDBDatabase>}
 */
function openDatabase(name) {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open(name, DATABASE_VERSION);
    request.onupgradeneeded = () => {
      request.result.createObjectStore('head');
      request.result.createObjectStore('frames');
    };
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
    request.onblocked = () => reject(new Error('another tab has it open with an older release'));
  });
}

/**
 * Make requests in a transaction and wait for its end.
 *
 * @param {IDBTransaction} transaction
 * @param {() => void} makeRequests
 * @returns {Promise<void>}
 */
function ended(transaction, makeRequests) {
  return new Promise((resolve, reject) => {
    transaction.oncomplete = () => resolve();
    transaction.onabort = () => reject(transaction.error || new Error('the browser has aborted it'));
    makeRequests();
  });
}
