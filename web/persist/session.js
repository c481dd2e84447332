/**
 * Keeps a store: loads it from a backend, and saves it there as a whole or by its changes, by itself if so wished.
 *
 * @import { Store } from '../store/store.js'
 * @import { Backend, ProgressListener, Storage } from './backend.js'
 * @import { Meta, Sink } from './operations.js'
 */

import { isPlain, MapStore } from '../store/map-store.js';
import { dropTable } from '../store/store.js';
import { Changes, writeChanges, writeWhole } from './changes.js';
import { isNode } from './node.js';
import { observable } from './observed-store.js';
import { OperationWriter } from './operations.js';
import { StateError } from './state-error.js';

/**
 * When a state is saved by itself. A save that fails is reported to `onError`; it is made again with the next.
 *
 * @typedef {object} Autosave
 * @property {number} [calls] after every so many calls of Lua code
 * @property {number} [idle] when something has changed and no Lua code been called for so many milliseconds, or up to twice as
 *   many
 * @property {boolean} [exit] when the process exits (not when a signal kills it), or the page is hidden or left; by default
 *   true. IndexedDB cannot save at once: a browser that closes the tab may drop the save, though not half of it
 */

/**
 * @typedef {object} SessionOptions
 * @property {boolean} [readOnly] look only: nothing is locked, and nothing can be saved
 * @property {boolean | Autosave} [autosave] `true` stands for `{ idle: 1000 }`; by default there is none
 * @property {ProgressListener} [onProgress] is told how far a load or save has come
 * @property {(error: unknown) => void} [onError] gets what went wrong when a state saved itself, and what `onProgress` threw;
 *   by default it is thrown where nothing catches it
 */

/** A state that is open. Changes have to be made through its `store`. */
export class Session {
  /**
   * Open a state and read it into a store.
   *
   * @param {Backend} backend
   * @param {Store} store empty; if the state cannot be read, what is in it afterwards is worth nothing
   * @param {SessionOptions} options
   * @returns {Promise<Session>}
   * @throws {StateError}
   */
  static async open(backend, store, options) {
    const session = new Session(backend, store, options);
    await backend.open({ readOnly: session.readOnly });
    try {
      session.found = await backend.load(session.sink(), session.progress);
    } catch (error) {
      await backend.close();
      throw error;
    }
    if (!session.readOnly) session.store.observer = session.changes;
    session.watchEnd();
    return session;
  }

  /**
   * Use `Session.open` instead.
   *
   * @param {Backend | Pick<Backend, 'source' | 'kind' | 'close'>} backend the latter where a subclass saves in a way of its own
   * @param {Store} store
   * @param {SessionOptions} options
   */
  constructor(backend, store, options) {
    this.backend = /** @type {Backend} */ (backend);
    /**
     * Where the state is kept; `other` if the backend is none of those that have a name.
     * @type {Storage | 'other'}
     */
    this.storage = this.backend.kind || 'other';
    /** The tables. */
    this.store = observable(store);
    this.readOnly = Boolean(options.readOnly);
    this.onError = options.onError;
    this.autosave = this.readOnly ? null : autosaveOf(options.autosave);
    /** What has changed since the last save. */
    this.changes = new Changes(this.store, () => this.changed());
    /** Whether there was a state. */
    this.found = false;
    /**
     * What the stored state says besides its tables.
     * @type {Meta | null}
     */
    this.meta = null;
    /**
     * What the state is to say besides its tables; set by whoever runs Lua over the store.
     * @type {() => Meta}
     */
    this.currentMeta = () => this.meta || { homeTableId: 1, nextTableId: 1, abiHash: '' };
    /** Id of a table that is not kept, 0 if there is none. */
    this.skippedId = 0;
    /** The end of the last save that was asked for: saves come one after another. */
    this.queue = Promise.resolve();
    this.closed = false;
    this.calls = 0;
    /** @type {ReturnType<typeof setTimeout> | null} */
    this.timer = null;
    /** Value of `calls` when the timer was set. */
    this.callsThen = 0;
    const { onProgress } = options;
    /** @type {ProgressListener} */
    this.progress = (progress) => {
      if (onProgress === undefined) return;
      try {
        onProgress(progress);
      } catch (error) {
        // A listener must not turn a good save into half a one.
        if (this.onError === undefined) Promise.reject(error);
        else this.onError(error);
      }
    };
    /** @private */
    this.onEnd = () => this.saveAtEnd();
    /** @private */
    this.onHidden = () => {
      if (document.visibilityState === 'hidden') this.saveAtEnd();
    };
  }

  /**
   * Save what has changed since the last save, in one step.
   *
   * @returns {Promise<void>} settled when it is safe
   * @throws {StateError} and what is stored is as it was; the changes are saved with the next save
   */
  save() {
    const { queue } = this;
    const saved = queue.then(() => this.saveNow());
    this.queue = saved.catch(() => undefined);
    return saved;
  }

  /** Whether it can be saved at once. */
  get savesSync() {
    return this.backend.commitSync !== undefined;
  }

  /**
   * The same before this call returns, where the backend can do that.
   *
   * @throws {StateError}
   */
  saveSync() {
    const { backend } = this;
    if (backend.commitSync === undefined) throw new StateError('unwritable', backend.source, 'can only be saved asynchronously');
    const save = this.begin();
    if (save === null) return;
    try {
      backend.commitSync(save.chunks, save.whole, this.progress);
    } catch (error) {
      this.changes.putBack(save.changes);
      throw error;
    }
    this.meta = save.meta;
  }

  /**
   * Save and give the state back. If the save fails the state stays open, so that it can be tried again.
   *
   * @returns {Promise<void>}
   * @throws {StateError}
   */
  async close() {
    if (this.closed) return;
    this.stopTimer();
    if (!this.readOnly) await this.save();
    await this.abandon();
  }

  /** Give the state back without saving. */
  async abandon() {
    if (this.closed) return;
    this.closed = true;
    this.stopTimer();
    this.ignoreEnd();
    await this.queue;
    await this.backend.close();
  }

  /** Take note that Lua code was called. */
  called() {
    const { autosave } = this;
    if (autosave === null || this.closed) return;
    this.calls += 1;
    if (autosave.calls > 0 && this.calls % autosave.calls === 0) this.saveByItself();
  }

  /** @protected */
  changed() {
    const { autosave } = this;
    if (autosave !== null && autosave.idle > 0 && this.timer === null && !this.closed) this.startTimer(autosave.idle);
  }

  /** @protected */
  async saveNow() {
    const save = this.begin();
    if (save === null) return;
    try {
      await this.backend.commit(save.chunks, save.whole, this.progress);
    } catch (error) {
      this.changes.putBack(save.changes);
      throw error;
    }
    this.meta = save.meta;
  }

  /**
   * Take what is to be saved out of the store, as it is at this instant.
   *
   * @private
   * @returns {{ chunks: Uint8Array[], whole: boolean, meta: Meta, changes: ReturnType<Changes['take']> } | null} null if
   *   nothing has changed
   */
  begin() {
    const { backend, store } = this;
    if (this.readOnly) throw new StateError('read-only', backend.source, 'was opened for reading only');
    if (this.closed) throw new StateError('unwritable', backend.source, 'cannot be saved: it is closed');
    const meta = this.currentMeta();
    const whole = backend.wantsWhole();
    const writer = new OperationWriter();
    if (whole) writer.reset();
    writer.meta(meta);
    const changes = this.changes.take();
    try {
      if (whole) writeWhole(writer, store, this.skippedId);
      else if (!writeChanges(writer, changes, store, this.skippedId) && this.isStored(meta)) return null;
    } catch (error) {
      this.changes.putBack(changes);
      throw error;
    }
    return { chunks: writer.finish(), whole, meta, changes };
  }

  /**
   * @protected
   * @param {Meta} meta
   * @returns {boolean}
   */
  isStored(meta) {
    const stored = this.meta;
    return (
      stored !== null &&
      stored.homeTableId === meta.homeTableId &&
      stored.nextTableId === meta.nextTableId &&
      stored.abiHash === meta.abiHash
    );
  }

  /**
   * What takes the state that is read.
   *
   * @returns {Sink}
   */
  sink() {
    const { store } = this;
    const drop = (/** @type {number} */ tableId) => dropTable(store, tableId);
    return {
      reset: () => Array.from(store.tableIds()).forEach(drop),
      meta: (meta) => {
        this.meta = meta;
      },
      set: (tableId, key, value) => store.set(tableId, key, value),
      setRange: store instanceof MapStore && isPlain(store) ? store.setRange.bind(store) : undefined,
      delete: (tableId, key) => store.delete(tableId, key),
      drop,
    };
  }

  /** @private */
  saveByItself() {
    this.save().catch((error) => this.report(error));
  }

  /**
   * @private
   * @param {unknown} error
   */
  report(error) {
    if (this.onError === undefined) throw error;
    this.onError(error);
  }

  /**
   * @private
   * @param {number} milliseconds
   */
  startTimer(milliseconds) {
    this.callsThen = this.calls;
    const timer = setTimeout(() => {
      this.timer = null;
      if (this.calls !== this.callsThen) this.startTimer(milliseconds);
      else this.saveByItself();
    }, milliseconds);
    this.timer = timer;
    // A timer alone should not keep a process alive: what it would save is saved at the exit.
    if (typeof timer === 'object' && timer.unref) timer.unref();
  }

  /** @private */
  stopTimer() {
    if (this.timer !== null) clearTimeout(this.timer);
    this.timer = null;
  }

  /** @protected */
  watchEnd() {
    if (this.readOnly) return;
    if (isNode) saveAtExit(this);
    if (typeof self === 'undefined' || this.autosave === null || !this.autosave.exit) return;
    self.addEventListener('pagehide', this.onEnd);
    // A phone may end a hidden page without a further event.
    if (typeof document !== 'undefined') document.addEventListener('visibilitychange', this.onHidden);
  }

  /** @private */
  ignoreEnd() {
    openSessions.delete(this);
    if (typeof self === 'undefined') return;
    self.removeEventListener('pagehide', this.onEnd);
    if (typeof document !== 'undefined') document.removeEventListener('visibilitychange', this.onHidden);
  }

  /** What is to be done when the process exits, or the page is hidden or left. */
  saveAtEnd() {
    const saves = this.autosave !== null && this.autosave.exit;
    try {
      if (saves && this.savesSync) this.saveSync();
      else if (saves) this.saveByItself();
    } catch (error) {
      this.report(error);
    } finally {
      // A page may come back; a process that exits does not.
      if (isNode) this.backend.close();
    }
  }
}

/**
 * Sessions that can write, in Node.
 *
 * @type {Set<Session>}
 */
const openSessions = new Set();

let watchesExit = false;

/** @param {Session} session */
function saveAtExit(session) {
  openSessions.add(session);
  if (watchesExit) return;
  watchesExit = true;
  // One listener for all: Node warns of many.
  process.on('exit', () => {
    /** @type {unknown[]} */
    const errors = [];
    openSessions.forEach((each) => {
      try {
        each.saveAtEnd();
      } catch (error) {
        errors.push(error);
      }
    });
    if (errors.length > 0) throw errors[0];
  });
}

/**
 * @param {boolean | Autosave | undefined} autosave
 * @returns {{ calls: number, idle: number, exit: boolean } | null}
 */
function autosaveOf(autosave) {
  if (!autosave) return null;
  const { calls = 0, idle = 0, exit = true } = autosave === true ? { idle: 1000 } : autosave;
  for (const [name, value] of Object.entries({ calls, idle })) {
    if (!Number.isInteger(value) || value < 0) throw new RangeError(`autosave.${name} has to be a whole number of at least 0, not ${value}`);
  }
  return { calls, idle, exit };
}
