/**
 * Keeps a small state in `localStorage`, which holds about five million characters per origin: for a few hundred kilobytes.
 *
 * The item `lua-persistent:NAME` is the head (JSON); the items `lua-persistent:NAME:GENERATION:NUMBER` are frames
 * (frames.js) in base64. A save adds its frames, then replaces the head, which is one step; a whole save begins a new
 * generation, and removes the old one when the head names the new. What the head does not name was never acknowledged.
 *
 * @import { ProgressListener } from './backend.js'
 * @import { Sink } from './operations.js'
 * @import { Extent } from './series.js'
 */

import { crc32 } from '../bytes/crc32.js';
import { encodeUtf8 } from '../bytes/text.js';
import { outgrown } from './backend.js';
import { decodeBase64, encodeBase64 } from '../bytes/base64.js';
import { FORMAT_VERSION, isCount } from './frames.js';
import { continueSeries, SeriesReader } from './series.js';
import { StateError } from './state-error.js';
import { takeWebLock } from './web-lock.js';

/**
 * The extent is that of the newest generation; save 0: there has been none.
 *
 * @typedef {{ version: number, generation: number } & Extent} Head
 */

/** @type {(keyof Head)[]} */
const FIELDS = ['version', 'generation', 'frames', 'wholeLength', 'length', 'save', 'check'];

const FORMAT = 'lua-persistent state';

/** @type {Readonly<Head>} */
const EMPTY = Object.freeze({ version: FORMAT_VERSION, generation: 0, frames: 0, wholeLength: 0, length: 0, save: 0, check: 0 });

// `@implements` needs a name that declarations can use, which `@import` does not give.
/** @typedef {import('./backend.js').Backend} Backend */

/**
 * A state in `localStorage`.
 *
 * @implements {Backend}
 */
export class LocalStorageBackend {
  /**
   * @param {string} name
   * @param {Storage} [storage]
   */
  constructor(name, storage) {
    this.source = `localStorage state '${name}'`;
    /** @type {'localStorage'} */
    this.kind = 'localStorage';
    this.given = storage;
    // Without colons, so that no state's items are taken for another's.
    this.prefix = `lua-persistent:${encodeURIComponent(name)}`;
    /**
     * The head as text, as it was when this backend last read or wrote it.
     * @type {string | null}
     */
    this.headText = null;
    /** @type {Head} */
    this.head = EMPTY;
    this.writable = false;
    /** @type {(() => void) | null} */
    this.release = null;
  }

  /**
   * Reading the property can fail, where the user has forbidden it.
   *
   * @private
   * @returns {Storage}
   */
  get storage() {
    return this.given || localStorage;
  }

  /** @param {{ readOnly: boolean }} mode */
  async open({ readOnly }) {
    try {
      this.headText = this.storage.getItem(this.prefix);
    } catch (error) {
      throw new StateError('unreadable', this.source, `cannot be read: ${messageOf(error)}`, error);
    }
    if (readOnly) return;
    this.release = await takeWebLock(`localStorage:${this.prefix}`, this.source);
    this.writable = true;
  }

  wantsWhole() {
    return this.head.save === 0 || outgrown(this.head.wholeLength, this.head.length);
  }

  /**
   * @param {Sink} sink
   * @param {ProgressListener} progress
   * @returns {Promise<boolean>}
   */
  async load(sink, progress) {
    const { storage, prefix } = this;
    this.headText = storage.getItem(prefix);
    if (this.headText === null) {
      if (this.items().length > 0) throw this.damaged('its head is missing');
      return false;
    }
    this.head = this.parseHead(this.headText);
    const { head } = this;
    const reader = new SeriesReader(this.source, sink, progress);
    for (let index = 0; index < head.frames; index++) {
      const text = storage.getItem(this.itemName(head.generation, index));
      if (text === null) throw new StateError('truncated', this.source, `is truncated: frame ${index} of ${head.frames} is missing`);
      reader.take(decodeBase64(text), `frame ${index}`, head.length);
    }
    reader.expectExtent(head, 'its frames do not match its head');
    if (this.writable) this.removeOthers();
    return head.save > 0;
  }

  /**
   * @param {Uint8Array[]} chunks
   * @param {boolean} whole
   * @param {ProgressListener} progress
   */
  async commit(chunks, whole, progress) {
    this.commitSync(chunks, whole, progress);
  }

  /**
   * @param {Uint8Array[]} chunks
   * @param {boolean} whole
   * @param {ProgressListener} progress
   * @throws {StateError}
   */
  commitSync(chunks, whole, progress) {
    if (!this.writable) throw new StateError('read-only', this.source, 'was opened for reading only');
    const { storage } = this;
    if (storage.getItem(this.prefix) !== this.headText) {
      throw new StateError('conflict', this.source, 'cannot be saved: another tab has saved to it meanwhile');
    }
    const generation = this.head.generation + (whole ? 1 : 0);
    const { frames, first, length, extent } = continueSeries(chunks, whole ? null : this.head);
    try {
      // Frames without any head would be what is left of a damaged state.
      if (this.headText === null) this.writeHead(EMPTY);
      let done = 0;
      frames.forEach((frame, index) => {
        storage.setItem(this.itemName(generation, first + index), encodeBase64(frame));
        done += frame.length;
        progress({ phase: 'save', done, total: length });
      });
      this.writeHead({ version: FORMAT_VERSION, generation, ...extent });
    } catch (error) {
      this.removeOthers();
      if (isQuotaError(error)) {
        const detail = `cannot be saved: ${length} more bytes exceed the browser's quota for localStorage; IndexedDB takes larger states`;
        throw new StateError('full', this.source, detail, error);
      }
      throw new StateError('unwritable', this.source, `cannot be saved: ${messageOf(error)}`, error);
    }
    if (whole) this.removeOthers();
  }

  async close() {
    this.writable = false;
    if (this.release !== null) this.release();
    this.release = null;
  }

  /**
   * @private
   * @param {number} generation
   * @param {number} index
   * @returns {string}
   */
  itemName(generation, index) {
    return `${this.prefix}:${generation}:${index}`;
  }

  /**
   * @private
   * @returns {string[]} names of all frames that there are
   */
  items() {
    const { storage } = this;
    /** @type {string[]} */
    const names = [];
    for (let index = 0; index < storage.length; index++) {
      const name = storage.key(index);
      if (name !== null && name.startsWith(`${this.prefix}:`)) names.push(name);
    }
    return names;
  }

  /**
   * Remove the frames that the head does not name.
   *
   * @private
   */
  removeOthers() {
    const { generation, frames } = this.head;
    const kept = new Set(Array.from({ length: frames }, (_, index) => this.itemName(generation, index)));
    for (const name of this.items()) {
      if (!kept.has(name)) this.storage.removeItem(name);
    }
  }

  /**
   * @private
   * @param {Head} head
   */
  writeHead(head) {
    const text = JSON.stringify({ format: FORMAT, ...head, sum: sumOf(head) });
    this.storage.setItem(this.prefix, text);
    this.headText = text;
    this.head = head;
  }

  /**
   * @private
   * @param {string} text
   * @returns {Head}
   * @throws {StateError}
   */
  parseHead(text) {
    let head;
    try {
      head = JSON.parse(text);
    } catch (_syntax) {
      throw this.damaged('its head is not what was written');
    }
    if (head === null || typeof head !== 'object' || head.format !== FORMAT) {
      throw new StateError('foreign', this.source, 'is not a state of lua-persistent');
    }
    if (head.version > FORMAT_VERSION) {
      const detail = `has format version ${head.version}, newer than ${FORMAT_VERSION}, the newest that this release reads`;
      throw new StateError('newer', this.source, detail);
    }
    if (head.sum !== sumOf(head) || !FIELDS.every((field) => isCount(head[field]))) throw this.damaged('its head is not what was written');
    return /** @type {Head} */ (FIELDS.reduce((all, field) => ({ ...all, [field]: head[field] }), {}));
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
 * @param {Head} head
 * @returns {number}
 */
function sumOf(head) {
  return crc32(encodeUtf8(FIELDS.map((field) => String(head[field])).join()));
}

/**
 * @param {unknown} error what the browser threw: a `DOMException`, which older ones do not make an `Error`
 * @returns {boolean}
 */
function isQuotaError(error) {
  const { name } = /** @type {DOMException} */ (error);
  return name === 'QuotaExceededError' || name === 'NS_ERROR_DOM_QUOTA_REACHED';
}

/**
 * @param {unknown} error
 * @returns {string}
 */
function messageOf(error) {
  return /** @type {DOMException} */ (error).message;
}
