/**
 * Runs the machine of the page, with its state, in the worker.
 *
 * There are two machines at times. The keeper is the one that `Lua.open` made; it saves what is in the store. A snapshot, a
 * file of tables or a reset make another machine over the same store, which then runs the code, while the keeper goes on
 * saving.
 *
 * @import { LuaLine, LuaOptions } from '../lua-persistent.js'
 * @import { Entry, Page, Reference } from './values.js'
 */

import { Lua, LuaError, MapStore, MemoryBackend, StateError } from '../lua-persistent.js';
import { LUA_LINES } from '../loader.js';
import { OutputBuffer } from './output-buffer.js';
import { runInPieces } from './pieces.js';
import { Values } from './values.js';

/** The key form under which a store has the metatable of a table, by the reference. */
const METATABLE = '[meta]';

/** Name of the script in messages. */
const SCRIPT = 'script';

/** Milliseconds between two messages on how far a program has come. */
const REPORT = 100;

/** Milliseconds between two saves of what a long program does. */
const SAVE = 3000;

/**
 * @typedef {'saved' | 'locked' | 'memory'} Keeping what becomes of the state: it is saved; another tab saves it, and this one
 *   shows what was there; nothing saves it
 *
 * @typedef {object} Impatience
 * @property {number} attempts how often to ask for a state that is locked; each takes a second
 * @property {boolean} orphaned whether the worker that had it open was ended by this page: Chromium gives its lock back after
 *   some seconds, WebKit not before its loop ends, so the lock is taken from it
 *
 * @typedef {object} Stats
 * @property {number} heap bytes in use
 * @property {number} capacity bytes
 * @property {number} pages
 * @property {number} tables
 * @property {number} items
 * @property {number} bytes
 * @property {string} release of Lua
 *
 * @typedef {object} Failure
 * @property {string} message
 * @property {string} traceback
 * @property {number} line of the script, 0 if none is known
 *
 * @typedef {object} Outcome
 * @property {boolean} done false if the program was stopped
 * @property {number} ticks
 * @property {number} milliseconds
 * @property {import('./values.js').Node[]} values
 * @property {Failure} [failure]
 * @property {string} [unsaved] why the state could not be saved
 * @property {Stats} [stats] missing if the machine has crashed
 */

/**
 * @param {Lua} lua
 * @returns {LuaLine | undefined} the line of Lua that a machine runs
 */
function lineOf({ luaRelease }) {
  return LUA_LINES.find((line) => luaRelease.startsWith(`${line}.`));
}

export class Playground {
  /** @param {(event: string, detail: object) => void} tell tells the page */
  constructor(tell) {
    this.tell = tell;
    /** @type {Keeping} */
    this.keeping = 'memory';
    this.store = new MapStore();
    /** @type {Lua | null} */
    this.keeper = null;
    /** @type {Lua | null} */
    this.machine = null;
    this.output = new OutputBuffer();
    this.values = new Values(() => this.lua);
    /** @type {any[]} of the last run */
    this.results = [];
    this.stopping = false;
    /** Whether there is a run to undo. */
    this.undoable = false;
    /**
     * Options of all machines.
     *
     * @type {LuaOptions}
     */
    this.options = {
      keepOutput: false,
      onPrint: (/** @type {string} */ text) => this.output.add(text),
    };
  }

  /** The machine that runs the code. */
  get lua() {
    if (this.machine === null) throw new Error('the machine is not open yet');
    return this.machine;
  }

  /**
   * Open the state of a name.
   *
   * @param {string} name
   * @param {Impatience} impatience what to do while it is locked
   * @param {LuaLine} line of Lua that the machine runs
   * @returns {Promise<{ keeping: Keeping, problem: string, stats: Stats }>} `problem` says why the state is not saved, if so
   */
  async open(name, impatience, line) {
    let problem = '';
    this.options.lua = line;
    /** @type {[Keeping, () => Promise<Lua>][]} */
    const ways = [
      ['saved', () => this.openPatiently(name, impatience)],
      ['locked', () => this.openState(name, true)],
      ['memory', () => Lua.create({ ...this.options, store: this.store })],
    ];
    for (const [keeping, make] of ways) {
      if (keeping === 'locked' && problem === '') continue;
      this.store = new MapStore();
      try {
        this.keeper = await make();
        this.keeping = keeping;
        break;
      } catch (error) {
        if (!(error instanceof StateError)) throw error;
        if (problem === '') problem = error.message;
      }
    }
    this.machine = this.keeper;
    return { keeping: this.keeping, problem, stats: this.stats() };
  }

  /**
   * @private
   * @param {string} name
   * @param {Impatience} impatience
   * @returns {Promise<Lua>}
   */
  openPatiently(name, { attempts, orphaned }) {
    return this.openState(name, false).catch(async (error) => {
      if (!(error instanceof StateError) || error.kind !== 'locked' || attempts === 1) throw error;
      if (orphaned) await navigator.locks.request(`lua-persistent:indexedDB:${name}`, { steal: true }, () => undefined);
      return this.openPatiently(name, { attempts: attempts - 1, orphaned: false });
    });
  }

  /**
   * @private
   * @param {string} name
   * @param {boolean} readOnly
   */
  openState(name, readOnly) {
    return Lua.open(name, {
      ...this.options,
      store: this.store,
      storage: 'indexedDB',
      readOnly,
      onProgress: (progress) => this.tell('transfer', progress),
    });
  }

  /**
   * Run code as a console does. What the run does can be undone by `rollback`.
   *
   * @param {string} code
   * @returns {Promise<Outcome>}
   */
  async run(code) {
    const { lua } = this;
    this.forget();
    this.stopping = false;
    if (this.undoable) lua.commit();
    lua.checkpoint();
    this.undoable = true;
    const begun = performance.now();
    let reported = begun;
    let saved = begun;
    let ticks = 0;
    /** @type {Outcome} */
    let outcome;
    const control = {
      stopped: () => this.stopping,
      pause: (/** @type {number} */ count) => {
        ticks = count;
        const now = performance.now();
        if (now - reported > REPORT) {
          this.flush();
          this.tell('progress', { ticks, milliseconds: now - begun, stats: this.stats() });
          // Counting a million tables takes its time, of which the program is to have most.
          reported = now + 10 * (performance.now() - now);
        }
        // Without waiting for it: what changes meanwhile goes into the next.
        if (now - saved > SAVE) {
          this.save().catch(() => undefined);
          saved = now + 10 * (performance.now() - now);
        }
      },
    };
    try {
      const result = await runInPieces(lua, code, { name: `=${SCRIPT}`, console: true }, control);
      ticks = result.ticks;
      this.results = result.values;
      const values = result.values.map((value) => this.values.node(value));
      outcome = { done: result.done, ticks, milliseconds: performance.now() - begun, values };
    } catch (error) {
      outcome = { done: true, ticks, milliseconds: performance.now() - begun, values: [], failure: failureOf(error) };
    }
    this.flush();
    try {
      outcome.stats = this.stats();
    } catch (_crashed) {
      // Its store is as good as before, and is saved.
    }
    outcome.unsaved = await this.save().then(
      () => '',
      (error) => error.message,
    );
    return outcome;
  }

  /** Leave the program that runs where it stands. */
  stop() {
    this.stopping = true;
  }

  /**
   * Save what has changed.
   *
   * @returns {Promise<void>}
   */
  async save() {
    if (this.keeping !== 'saved' || this.keeper === null) return;
    // Tables that the other machine has made must not be made again after the next start.
    if (this.keeper !== this.machine) this.keeper.table(this.lua.nextTableId - 1);
    await this.keeper.save();
  }

  /** @returns {boolean} whether there is a run that `rollback` can undo */
  reverts() {
    return this.undoable;
  }

  /** Undo the last run. */
  async rollback() {
    if (!this.undoable) throw new RangeError('there is no run to undo');
    this.forget();
    this.lua.rollback();
    this.undoable = false;
    await this.save();
  }

  /** @returns {Promise<Uint8Array>} the whole machine with its tables */
  snapshot() {
    return this.lua.snapshot();
  }

  /**
   * Go on with a snapshot.
   *
   * @param {Uint8Array} bytes
   */
  async restore(bytes) {
    // Into a store of its own first: a snapshot that is damaged must not cost what is there.
    const { lua: _line, ...options } = this.options;
    const trial = await Lua.restore(bytes);
    if (trial.homeTableId !== this.lua.homeTableId) throw new RangeError(`its _home is table ${trial.homeTableId}, and here it is ${this.lua.homeTableId}`);
    this.forget();
    if (this.undoable) this.lua.commit();
    this.undoable = false;
    this.machine = await Lua.restore(bytes, { ...options, store: this.store });
    this.options.lua = lineOf(this.machine);
    await this.save();
  }

  /** @returns {string} all tables as readable text */
  exportTables() {
    return this.lua.exportTables();
  }

  /**
   * Begin anew with the tables of an export.
   *
   * @param {string} text from `exportTables`
   * @param {LuaLine} [line]
   */
  async importTables(text, line = this.options.lua) {
    const lua = await Lua.open(new MemoryBackend(), { import: text, lua: line });
    await this.restore(lua.snapshot({ compress: false }));
  }

  /**
   * Begin anew with the same tables and another Lua.
   *
   * @param {LuaLine} line
   */
  async changeLine(line) {
    await this.importTables(this.exportTables(), line);
  }

  /** Begin anew with nothing. */
  async reset() {
    const lua = await Lua.create({ lua: this.options.lua });
    await this.restore(lua.snapshot({ compress: false }));
  }

  /**
   * Delete an entry of an external table.
   *
   * @param {number} id of the table
   * @param {any} key
   */
  async remove(id, key) {
    this.lua.table(id).delete(key);
    await this.save();
  }

  /**
   * The external tables that everything else is reached from.
   *
   * @returns {Entry[]}
   */
  roots() {
    const { home, io } = this.lua;
    return [
      { name: '_home', key: '_home', node: this.values.node(home) },
      { name: '_io', key: '_io', node: this.values.node(io) },
    ];
  }

  /**
   * @param {Reference} reference
   * @param {number} from
   * @param {number} count
   * @returns {Page}
   */
  page(reference, from, count) {
    return this.values.page(reference, from, count);
  }

  /**
   * A value as text; without a reference, all results of the last run.
   *
   * @param {Reference} [reference]
   * @returns {string}
   */
  text(reference) {
    return this.values.text(reference === undefined ? this.results : [this.values.valueOf(reference)]);
  }

  /** @returns {Stats} */
  stats() {
    const { store } = this;
    const { luaMemoryUsed, wasmPages, heapSize } = this.lua.stats();
    let tables = 0;
    let items = 0;
    for (const id of store.tableIds()) {
      // What stands under the key of metatables is no item.
      const size = store.size(id) - (store.get(id, METATABLE) === undefined ? 0 : 1);
      items += size;
      if (size > 0) tables++;
    }
    return { heap: luaMemoryUsed, capacity: heapSize, pages: wasmPages, tables, items, bytes: store.bytes, release: this.lua.luaRelease };
  }

  /** @private */
  forget() {
    this.values.clear();
    this.results = [];
  }

  /** @private */
  flush() {
    const output = this.output.take();
    if (output !== null) this.tell('output', output);
  }
}

/**
 * @param {unknown} error
 * @returns {Failure}
 */
export function failureOf(error) {
  if (!(error instanceof LuaError)) return { message: error instanceof Error ? error.message : String(error), traceback: '', line: 0 };
  const place = new RegExp(`(?:^|\\s)${SCRIPT}:(\\d+):`);
  const match = place.exec(error.message) || place.exec(error.traceback);
  return { message: error.message, traceback: error.traceback, line: match === null ? 0 : Number(match[1]) };
}
