/**
 * Lua with persistent state: one machine, its code, its results and its external tables.
 *
 * ```js
 * import { Lua } from 'lua-persistent';
 *
 * const lua = await Lua.create();
 * const { value, lines } = lua.eval('print("hello") return 6 * 7');
 * lua.close();
 * ```
 *
 * With `Lua.open` the external tables outlive the page or process:
 *
 * ```js
 * const lua = await Lua.open('counter.state');
 * lua.eval('_home.n = (_home.n or 0) + 1');
 * await lua.close();
 * ```
 *
 * Code that browsers run keeps to the syntax of Chrome 74 and Firefox 79.
 */

import { convert } from './tables/to-plain.js';
import { Decoder } from './values/decoder.js';
import { LuaError, LuaStateError } from './errors.js';
import { ExternalTable } from './tables/external-table.js';
import { Checkpoints } from './image/checkpoint.js';
import { encodeValues, Writer } from './values/encoder.js';
import { createHost, rangesOf } from './machine/host.js';
import { HostFunctions } from './machine/host-functions.js';
import { applyImage, buildOf, STACK_SIZE } from './image/image.js';
import { Journal } from './store/undo-log.js';
import { limitsOf } from './machine/limits.js';
import {
  EXECUTE_ARGUMENTS,
  EXECUTE_CONSOLE,
  instantiate,
  MANIFEST_HASH,
  PART_ERROR_VALUE,
  PART_EXCEPTION,
  PART_MESSAGE,
  PART_TRACEBACK,
  PART_VALUES,
  STATUS_MEMORY_ERROR,
  STATUS_TOO_LARGE,
  TAG_STRING,
  WASM_PAGE_SIZE,
} from './loader.js';
import { MapStore } from './store/map-store.js';
import { Output } from './machine/output.js';
import { exportTables } from './persist/tables-json.js';
import { resumeOf, runInPieces, Step, ticksOf } from './machine/program.js';
import { References } from './machine/held-values.js';
import { Result } from './machine/result.js';
import { checkRevision, copyTables, fillStore, imageOf, readSnapshot, SnapshotError, tablesOf, takeCompressedSnapshot, takeSnapshot } from './image/snapshot.js';
import { ID_LIMIT } from './store/table-ids.js';
import { Tables } from './tables/tables.js';
import { decodeLossy, encodeInto, encodeUtf8 } from './bytes/text.js';
import { compileFrom } from './wasm.js';

export { decodeValue } from './values/decoder.js';
export { encodeValue } from './values/encoder.js';
export { DecodeError, EncodeError, LuaError, LuaStateError } from './errors.js';
export { ExternalTable } from './tables/external-table.js';
export { MultiReturn } from './machine/host-functions.js';
export { MapStore } from './store/map-store.js';
export { MemoryBackend } from './persist/memory.js';
export { StateError } from './persist/state-error.js';
export { Step } from './machine/program.js';
export { Result } from './machine/result.js';
export { ImportError } from './persist/tables-json.js';
export { readSnapshotTables, SnapshotError } from './image/snapshot.js';
export { LuaFunction, LuaLibrary, LuaOpaque, TableReference } from './values/values.js';

/** @typedef {import('./errors.js').LuaStatus} LuaStatus */
/** @typedef {import('./machine/host-functions.js').Functions} Functions */
/** @typedef {import('./machine/host.js').Environment} Environment */
/** @typedef {import('./machine/limits.js').Limits} Limits */
/** @typedef {import('./machine/modules.js').Modules} Modules */
/** @typedef {import('./machine/output.js').OnPrint} OnPrint */
/** @typedef {import('./persist/backend.js').Backend} Backend */
/** @typedef {import('./persist/backend.js').Progress} Progress */
/** @typedef {import('./persist/backend.js').ProgressListener} ProgressListener */
/** @typedef {import('./persist/open.js').OpenOptions} OpenOptions */
/** @typedef {import('./persist/open.js').StateOptions} StateOptions */
/** @typedef {import('./persist/open.js').Storage} Storage */
/** @typedef {import('./persist/operations.js').Meta} Meta */
/** @typedef {import('./persist/operations.js').Sink} Sink */
/** @typedef {import('./persist/session.js').Autosave} Autosave */
/** @typedef {import('./persist/session.js').SessionOptions} SessionOptions */
/** @typedef {import('./persist/state-error.js').StateProblem} StateProblem */
/** @typedef {import('./machine/program.js').PiecesOptions} PiecesOptions */
/** @typedef {import('./machine/program.js').ProgramOptions} ProgramOptions */
/** @typedef {import('./machine/program.js').ResumeOptions} ResumeOptions */
/** @typedef {import('./machine/program.js').StepOptions} StepOptions */
/** @typedef {import('./image/snapshot.js').SnapshotKind} SnapshotKind */
/** @typedef {import('./image/snapshot.js').SnapshotTables} SnapshotTables */
/** @typedef {import('./store/store.js').RangeStore} RangeStore */
/** @typedef {import('./store/store.js').Store} Store */
/** @typedef {import('./store/store.js').StoreObserver} StoreObserver */
/** @typedef {import('./wasm.js').WasmSource} WasmSource */

/**
 * @typedef {object} MachineOptions
 * @property {import('./wasm.js').WasmSource | Promise<import('./wasm.js').WasmSource>} [wasm] the module; by default
 *   `lua.wasm` beside this file, in old engines changed by `lua-host.delta` into the form that they can run
 * @property {import('./store/store.js').Store} [store] where external tables live; by default a new `MapStore`
 * @property {number} [homeTableId] which table of the store is `_home`; by default 1
 * @property {number} [nextTableId] lowest id that a new table may get; above all tables of the store in any case
 * @property {boolean} [memoryAlias] whether `Memory` is another name of `_home`; by default true
 * @property {import('./machine/output.js').OnPrint} [onPrint] receives output as it comes
 * @property {boolean} [keepOutput] whether results carry the output; by default true
 * @property {boolean} [transactional] whether a call that throws is undone, external tables included; by default false
 * @property {import('./machine/host-functions.js').Functions} [functions] JavaScript functions that become globals. In a machine that
 *   goes on from a snapshot they are found again by name
 */

/** @typedef {MachineOptions & import('./machine/host.js').Environment & import('./machine/limits.js').Limits} LuaOptions */

/** @typedef {LuaOptions & import('./persist/open.js').OpenOptions} DurableOptions */

/**
 * @typedef {object} CodeOptions
 * @property {string} [name] name of the code in messages: shown as it is, or in Lua's own notation (`@file`, `=name`)
 * @property {boolean} [passArguments] the code gets the elements of the global table `arg` as its `...`, as a program
 *   that the command `lua` runs
 */

/** @typedef {CodeOptions & import('./machine/limits.js').Limits} RunOptions */

/**
 * A function of Lua: the name of a global, or a path of fields from one (`string.format`), or a function that Lua gave.
 *
 * @typedef {string | import('./values/values.js').LuaFunction} Target
 */

/**
 * @typedef {object} MemoryStats
 * @property {number} ioBufferSize bytes of the I/O buffer
 * @property {number} luaMemoryUsed bytes of the heap in use, garbage included
 * @property {number} heapSize bytes of the heap
 * @property {number} wasmPages pages of the memory
 * @property {number} totalMemory bytes of the memory
 */

/**
 * @typedef {object} SnapshotOptions
 * @property {boolean} [compress] by default true; a snapshot that is not compressed is larger, but ready at once
 * @property {boolean} [tables] whether the external tables go into it, by default true; else only the revision of the store,
 *   if it has one
 */

/**
 * What machines of the same kind are made of.
 *
 * @typedef {object} Origin
 * @property {import('./loader.js').WasmModule} module
 * @property {LuaOptions} options
 */

/** Longest code that is copied to memory character by character; beyond it `encodeInto` is faster. */
const SHORT = 48;

/** How many new functions of Lua JavaScript may get before Lua's heap is looked at. */
const FEW_HELD = 16;

/** How many functions of Lua that JavaScript has are worth a look whether it has them still. */
const MANY_HELD = 256;

/** How many of them are surely worth one, however full Lua's heap is. */
const MOST_HELD = 2000;

/** How far ahead of new tables an id may lie that they are kept from. */
const NEAR_IDS = 1 << 16;

/** Names of functions whose bytes are kept. */
const REMEMBERED = 64;

const NOTHING = new Uint8Array(0);

/** @type {Record<'closed' | 'running' | 'crashed', string>} */
const OBSTACLES = {
  closed: 'this Lua machine is closed; make another with Lua.create()',
  running: 'this Lua machine is running: a function that it calls cannot call it',
  crashed: 'this Lua machine has crashed; make another with Lua.create(): what is in its store is not lost',
};

const INSIDE = 'this Lua machine is running: a function that it calls can call it, but not stop, copy or roll back what is running';

/** Bytes in front of a path that was written as a string: its tag and length. */
const PATH_HEAD = 5;

/** A Lua machine. `Lua.create` makes one. */
export class Lua {
  /**
   * Make a machine and start it.
   *
   * @param {LuaOptions} [options]
   * @returns {Promise<Lua>}
   */
  static async create(options = {}) {
    const origin = { module: await compileFrom(options.wasm), options };
    const store = options.store || new MapStore();
    const lua = await Lua.assemble(origin, store, (machine) => {
      if (options.memoryAlias === false) machine.setMemoryAliasEnabled(0);
      if (machine.init() !== 0) throw new LuaStateError('Lua could not be started: its heap is too small', 'crashed');
      if (options.homeTableId !== undefined) machine.attachMemoryTable(options.homeTableId);
      let next = options.nextTableId || 1;
      for (const id of store.tableIds()) next = Math.max(next, id + 1);
      machine.syncExternalTableCounter(next);
    });
    for (const [name, value] of Object.entries(options.functions || {})) lua.set(name, value);
    return lua;
  }

  /**
   * Go on with a snapshot: a machine that is in every respect what the other was when the snapshot was made.
   *
   * The tables of the snapshot replace whatever the store holds. A snapshot without tables goes on with those of the store,
   * which is then required. `_home` and `Memory` are what they were, whatever the options say, and `math.random` goes on with
   * the same numbers unless the program gives it another seed.
   *
   * @param {Uint8Array} bytes from `snapshot`
   * @param {LuaOptions} [options]
   * @returns {Promise<Lua>}
   * @throws {SnapshotError} and the store is as it was
   */
  static async restore(bytes, options = {}) {
    const parts = readSnapshot(bytes);
    const origin = { module: await compileFrom(options.wasm), options };
    const build = await buildOf(origin.module);
    const image = await imageOf(parts, build);
    const tables = await tablesOf(parts);
    const store = options.store || new MapStore();
    if (tables === null) checkRevision(parts, options.store);
    return Lua.assemble(origin, store, (machine) => {
      if (!applyImage(machine.bytes, build, image)) throw new SnapshotError('damaged', 'is damaged: its image is not one');
      if (tables !== null) fillStore(store, tables);
      revive(machine);
    });
  }

  /**
   * Instantiate a machine and bring it to life.
   *
   * @private
   * @param {Origin} origin
   * @param {import('./store/store.js').Store} store
   * @param {(machine: import('./loader.js').LuaInstance) => void} begin
   * @param {Lua | null} [parent] the machine that this one is a copy of, if it is one
   * @returns {Promise<Lua>}
   */
  static async assemble(origin, store, begin, parent = null) {
    const { module, options } = origin;
    // What the options are is looked at before anything is made.
    limitsOf(options, [0, 0, 0]);
    const journal = new Journal(store, rangesOf(store));
    const output = new Output(options.onPrint, options.keepOutput !== false);
    const functions = new HostFunctions(options.functions || {});
    if (parent !== null) functions.inherit(parent.functions);
    const host = createHost(journal, (piece) => output.take(piece), options, functions);
    const machine = await instantiate(module, host);
    begin(machine);
    return new Lua(machine, journal, output, origin, functions);
  }

  /**
   * Make a machine whose external tables are kept: load them, or begin a new state. What is in `_io` is not kept.
   *
   * @param {string | import('./persist/backend.js').Backend} name a file in Node, an IndexedDB database elsewhere; or what the
   *   option `storage` says; or what holds the state
   * @param {DurableOptions} [options] a `store` has to be empty; `homeTableId` and `nextTableId` are those of the state
   * @returns {Promise<Lua>}
   * @throws {import('./persist/state-error.js').StateError} and what is stored is as it was
   */
  static async open(name, options = {}) {
    // Most programs keep nothing: what does is loaded when it is needed.
    const { openState } = await import('./persist/open.js');
    const session = await openState(name, options.store || new MapStore(), options);
    try {
      const { homeTableId, nextTableId } = session.meta || options;
      const lua = await Lua.create({ ...options, store: session.store, homeTableId, nextTableId });
      session.skippedId = lua.ioTableId;
      session.currentMeta = () => lua.meta();
      lua.session = session;
      return lua;
    } catch (error) {
      await session.abandon();
      throw error;
    }
  }

  /**
   * Use `Lua.create` or `Lua.open` instead.
   *
   * @hideconstructor
   * @param {import('./loader.js').LuaInstance} machine
   * @param {Journal} store
   * @param {Output} output
   * @param {Origin} origin
   * @param {HostFunctions} functions
   */
  constructor(machine, store, output, origin, functions) {
    /**
     * Where external tables live: change them through this, not through the store given, so that it can be undone.
     *
     * @type {Store}
     */
    this.store = store;
    /** @private */
    this.origin = origin;
    const call = (/** @type {Target} */ target, /** @type {any[]} */ args) => this.call(target, ...args);
    /** @private */
    this.references = new References({
      call,
      release: (number) => machine.releaseValue(number),
      isOpen: () => this.obstacle === '',
    });
    /** @private */
    this.functions = functions;
    /**
     * How many calls have begun, each of which overwrites the I/O buffer.
     * @private
     */
    this.calls = 0;
    /**
     * How many programs have been started.
     * @private
     */
    this.programs = 0;
    /** @private */
    this.output = output;
    /** @private */
    this.machine = machine;
    /**
     * Address of the I/O buffer.
     * @private
     */
    this.address = machine.getBufferPtr();
    /**
     * The I/O buffer.
     * @private
     */
    this.buffer = machine.bytes.subarray(this.address, this.address + machine.getBufferSize());
    /**
     * Why no code can run now, if so.
     * @private
     * @type {'' | 'closed' | 'running' | 'crashed'}
     */
    this.obstacle = '';
    /**
     * Whether the machine is closed but its finalizers have not run yet.
     * @private
     */
    this.deinitDue = false;
    /**
     * What keeps the external tables, if anything does.
     * @private
     * @type {import('./persist/session.js').Session | null}
     */
    this.session = null;
    /**
     * What is stored with the external tables, while the machine was not closed yet.
     * @private
     * @type {import('./persist/operations.js').Meta | null}
     */
    this.lastMeta = null;
    /** @private */
    this.tables = new Tables(store, {
      check: () => this.check(),
      reserve: (count) => this.reserve(count),
      nextId: () => machine.getExternalTableCounter(),
      call,
      homeId: machine.getMemoryTableId(),
      ioId: machine.getIoTableId(),
    });
    /** @private */
    this.checkpoints = new Checkpoints(machine, store, [functions, this.references, this.tables]);
    /**
     * How many JavaScript functions run that Lua has called.
     * @private
     */
    this.depth = 0;
    /**
     * What the last call that failed inside such a function threw.
     * @private
     * @type {unknown}
     */
    this.innerError = null;
    /** @private */
    this.decoder = new Decoder(machine.bytes, {
      table: (id) => this.tables.table(id),
      storedFunction: (id) => this.tables.storedFunction(id),
      libraryFunction: (name) => this.tables.libraryFunction(name),
      held: (type, number, text) => this.references.held(type, number, text),
      hostFunction: (number) => functions.get(number) || null,
    });
    /**
     * What can be sent to this machine.
     * @private
     * @type {import('./values/encoder.js').Live}
     */
    this.live = { store, encode: (writer, value) => this.references.encode(writer, value) || functions.encode(writer, value) };
    functions.machine = {
      view: machine.view,
      live: this.live,
      decode: (start, end) => this.decoder.all(start, end),
      enter: () => this.enter(),
      leave: () => this.leave(),
      lastError: () => this.innerError,
    };
    /**
     * Bytes of Lua's heap that may be used before `relieve` does anything.
     * @private
     */
    this.enough = machine.getHeapSize() / 2;
    /**
     * How many functions of Lua JavaScript may have before `relieve` does anything: Lua's list of them doubles in one piece.
     * @private
     */
    this.enoughHeld = MOST_HELD;
    /**
     * How often in a row `relieve` has found little.
     * @private
     */
    this.vain = 0;
    /** @private */
    this.writer = new Writer();
    /**
     * The bytes of names that functions were called by.
     * @private
     * @type {Map<string, Uint8Array>}
     */
    this.names = new Map();
    /**
     * Limits of a call that has none of its own: instructions, milliseconds and bytes of output, 0 for none.
     * @private
     */
    this.defaultLimits = limitsOf(origin.options, [0, 0, 0]);
    /**
     * The limits that the module has been told, if that is known.
     * @private
     * @type {[number, number, number] | null}
     */
    this.limits = null;
    /**
     * The external table that is `_home` in Lua: where a program keeps its state.
     *
     * @type {ExternalTable}
     */
    this.home = this.tables.table(machine.getMemoryTableId());
    /**
     * The external table that is `_io` in Lua: what passes between a program and whoever runs it.
     *
     * @type {ExternalTable}
     */
    this.io = this.tables.table(machine.getIoTableId());
  }

  /**
   * Run code as an interactive console does: an expression gives its value, a chunk that returns nothing gives that of its
   * last local, and top-level locals stay visible to later calls.
   *
   * @param {string | Uint8Array} code
   * @param {RunOptions} [options]
   * @returns {Result}
   * @throws {LuaError}
   */
  eval(code, options) {
    return this.runCode(code, options, true);
  }

  /**
   * Run code as a chunk of its own.
   *
   * @param {string | Uint8Array} code
   * @param {RunOptions} [options]
   * @returns {Result}
   * @throws {LuaError}
   */
  compute(code, options) {
    return this.runCode(code, options, false);
  }

  /**
   * Call a Lua function. Arguments are converted as `set` does.
   *
   * @param {Target} target
   * @param {...any} args
   * @returns {any} the first of its results, null if there are none
   * @throws {LuaError}
   * @throws {import('./errors.js').EncodeError} a `TypeError`, for an argument that has no Lua form
   */
  call(target, ...args) {
    const { values } = this.invoke(target, args);
    return values.length === 0 ? null : values[0];
  }

  /**
   * Call a Lua function, and have all its results and its output.
   *
   * @param {Target} target
   * @param {...any} args
   * @returns {Result}
   * @throws as `call`
   */
  callAll(target, ...args) {
    return this.invoke(target, args);
  }

  /**
   * Call a JavaScript function, and release all Lua functions, coroutines and userdata that JavaScript is given for the first
   * time in its course: they cannot be used afterwards. What it returns lives on, if it is one of them. A promise that it
   * returns is waited for; of scopes that overlap, what comes belongs to the one that was opened last.
   *
   * @template T
   * @param {() => T} call
   * @returns {T} what it returned
   */
  scope(call) {
    return this.references.scope(call);
  }

  /**
   * Read a global variable.
   *
   * @param {string} path its name, or a path of fields from one, as `config.colours`
   * @returns {any} null for nil
   * @throws {LuaError} if a part of the path before the last has no fields
   */
  get(path) {
    checkPath(path);
    return this.request(path, [], (at, length) => this.machine.getGlobal(at + PATH_HEAD, length - PATH_HEAD)).value;
  }

  /**
   * Set a global variable. Arrays, plain objects and `Map`s become Lua tables, functions Lua functions; see
   * docs/CONVERSIONS.md.
   *
   * @param {string} path its name, or a path of fields from one
   * @param {any} value
   * @throws {LuaError} if a part of the path before the last has no fields
   * @throws {import('./errors.js').EncodeError} a `TypeError`, for what has no Lua form
   */
  set(path, value) {
    checkPath(path);
    if (typeof value === 'function') this.functions.name(value, path);
    this.request(path, [value], (at, length) => this.machine.setGlobal(at, length));
  }

  /**
   * An external table. There need not be one with that id: it is empty then, and made when something is set.
   *
   * @param {number} id
   * @returns {ExternalTable} the same object for the same id
   * @throws {RangeError} if no table can have the id
   * @throws {LuaStateError} while code runs
   */
  table(id) {
    if (this.obstacle === 'running') this.check();
    const table = this.tables.table(id);
    // New tables must not get this id. One that is far off would use up all between; when the counter comes there, it
    // passes over what the store has.
    if (this.obstacle === '' && id - this.machine.getExternalTableCounter() < NEAR_IDS) this.machine.syncExternalTableCounter(id + 1);
    return table;
  }

  /**
   * Make an external table.
   *
   * @param {Record<string, any> | any[] | Map<any, any>} [initial] its entries; what is a table in them becomes one
   * @returns {ExternalTable}
   * @throws {import('./errors.js').EncodeError} a `TypeError`, for what cannot be stored; nothing is stored then
   * @throws {LuaStateError}
   */
  createTable(initial = {}) {
    return this.tables.create(initial);
  }

  /**
   * Free the external tables that nothing reaches any more: neither `_home` nor `_io`, nor a table or function that is alive
   * in Lua, nor an `ExternalTable` or `LuaFunction` of this machine that JavaScript has.
   *
   * @returns {number} how many tables that were
   * @throws {LuaError} if the store fails
   * @throws {LuaStateError}
   */
  collect() {
    this.check();
    return this.tables.holding(() => this.compute('return require("ext").collect()', { name: '=collect' }).value);
  }

  /**
   * Set `_io.input`, where programs find what they are to work on.
   *
   * @param {any} value as for `ExternalTable.set`; `null` deletes it
   * @throws {TypeError | LuaStateError}
   */
  setInput(value) {
    this.io.set('input', value);
  }

  /**
   * What a program has left in `_io.output`.
   *
   * @returns {any} a table whole, as plain JavaScript values; undefined if there is nothing
   */
  getOutput() {
    const output = this.io.get('output');
    return output instanceof ExternalTable ? convert(output) : output;
  }

  /**
   * Set `_io.metadata`, what there is to know about the input.
   *
   * @param {Record<string, any> | null} metadata `null` deletes it
   * @throws {TypeError | LuaStateError}
   */
  setMetadata(metadata) {
    this.io.set('metadata', metadata);
  }

  /**
   * Delete everything in `_io`.
   *
   * @throws {LuaStateError}
   */
  clearIo() {
    this.check();
    this.machine.takeThrown();
    if (this.machine.clearIoTable() === 0) return;
    const thrown = this.machine.takeThrown();
    throw new LuaError('the store failed to clear _io', { cause: thrown === null ? undefined : thrown.error });
  }

  /**
   * Compile code as a program that `step` runs, in place of the one before. The program belongs to the machine: other code
   * can run between its steps, and a snapshot holds it as it stands.
   *
   * @param {string | Uint8Array} code
   * @param {CodeOptions & { console?: boolean }} [options] `console`: run it as `eval` does
   * @throws {LuaError}
   */
  start(code, options = {}) {
    this.checkOutside();
    checkCode(code);
    this.attempt(() => {
      this.begin();
      const { console, passArguments } = options;
      const flags = (console === true ? EXECUTE_CONSOLE : 0) | (passArguments === true ? EXECUTE_ARGUMENTS : 0);
      const left = this.place(code, nameOf(options), (at, length, name, nameLength) =>
        this.machine.programStart(at, length, name, nameLength, flags),
      );
      if (left < 0) this.fail(left);
    });
    this.programs++;
  }

  /**
   * Go on with the program of `start`.
   *
   * The program pauses when the budget of ticks (rounds of loops and calls of Lua functions) is spent, or when it yields
   * outside of its own coroutines, and then the step has the values that it yields; inside of a C function that calls Lua (a comparator of `table.sort`, a coroutine that it
   * resumed) it first goes on until it can.
   *
   * @param {number} [budget] ticks; without it, or with Infinity, the program runs to its end
   * @param {import('./machine/program.js').StepOptions} [options] limits of the program, all of its steps so far and this one, where
   *   they differ from the machine's, and what the yield returns that the program waits in. A program that reaches a limit has
   *   ended
   * @returns {Step}
   * @throws {LuaError} and there is no program any more; of a transactional machine, it stands where it was before the step
   */
  step(budget, options) {
    this.checkOutside();
    const ticks = ticksOf(budget);
    const handed = resumeOf(options);
    if (this.references.fresh >= FEW_HELD) this.relieve();
    return this.attempt(() => {
      const { machine } = this;
      const left = this.send(this.written(null, handed), (at, length) => machine.programResume(at, length, ticks), options);
      const state = machine.programState();
      const spent = machine.programTicks();
      const { values, output } = left >= 0 ? this.succeed(left) : this.fail(left);
      const overrun = ticks === 0 ? 0 : Math.max(0, spent - ticks);
      return new Step(state, values, output, spent, overrun);
    });
  }

  /**
   * Run a program as `start` and `step` do, in pieces between which the thread does what else it has to.
   *
   * @param {string | Uint8Array} code
   * @param {import('./machine/program.js').ProgramOptions} [options]
   * @returns {Promise<Step>} the last step, with the ticks and the output of all
   * @throws {LuaError}
   */
  run(code, options = {}) {
    return runInPieces(this, code, options, { limits: this.defaultLimits, started: () => this.programs });
  }

  /**
   * The whole machine (heap, globals, closures, coroutines, the program of `start`) and its external tables as bytes, with
   * which `Lua.restore` goes on. It is of the moment of the call.
   *
   * @overload
   * @param {SnapshotOptions & { compress: false }} options
   * @returns {Uint8Array}
   */
  /**
   * @overload
   * @param {SnapshotOptions} [options]
   * @returns {Promise<Uint8Array>}
   */
  /**
   * @param {SnapshotOptions} [options]
   * @returns {Uint8Array | Promise<Uint8Array>}
   */
  snapshot(options = {}) {
    this.checkOutside();
    const take = options.compress === false ? takeSnapshot : takeCompressedSnapshot;
    return take(this.machine, this.origin.module, this.store, options.tables !== false);
  }

  /**
   * An independent machine that is what this one is at the moment of the call; even the next random numbers are the same. Its
   * tables are copies in a `MapStore`, unless a store is given.
   *
   * @param {LuaOptions} [options] of the new machine where they differ; `wasm` is the same
   * @returns {Promise<Lua>}
   */
  async fork(options = {}) {
    this.checkOutside();
    const memory = this.machine.bytes.slice(STACK_SIZE);
    const tables = copyTables(this.store);
    const store = options.store || new MapStore();
    const { module } = this.origin;
    const origin = { module, options: Object.assign({}, this.origin.options, options) };
    const begin = (/** @type {import('./loader.js').LuaInstance} */ machine) => {
      machine.bytes.set(memory, STACK_SIZE);
      fillStore(store, tables);
      revive(machine);
    };
    return Lua.assemble(origin, store, begin, this);
  }

  /**
   * Set a checkpoint that `rollback` goes back to: of the machine, and of its external tables. Checkpoints nest. Each takes
   * 2 MiB and what changes in tables, so end each by `rollback` or `commit`.
   */
  checkpoint() {
    this.checkOutside();
    Checkpoints.needStack();
    this.checkpoints.push();
  }

  /**
   * Go back to the last checkpoint, which is used up: the machine and its tables are what they were, and what has happened
   * since is forgotten, with checkpoints that were ended meanwhile.
   *
   * @throws {RangeError} if there is no checkpoint
   */
  rollback() {
    this.checkOutside();
    Checkpoints.needStack();
    this.checkpoints.rollback();
    this.forgetMemory();
  }

  /**
   * Forget the last checkpoint and keep what has happened since. It can still be undone by the checkpoint before.
   *
   * @throws {RangeError} if there is no checkpoint
   */
  commit() {
    this.checkOutside();
    Checkpoints.needStack();
    this.checkpoints.commit();
  }

  /** How many bytes the last call has printed. */
  get printed() {
    return this.output.count;
  }

  /** Id of the external table that is `_home`. */
  get homeTableId() {
    this.check();
    return this.machine.getMemoryTableId();
  }

  /** Id that the next new external table will have. Store it with the tables. */
  get nextTableId() {
    this.check();
    return this.machine.getExternalTableCounter();
  }

  /** Id of the external table that is `_io`. */
  get ioTableId() {
    this.check();
    return this.machine.getIoTableId();
  }

  /**
   * Figures of the machine's memory.
   *
   * @returns {MemoryStats}
   */
  stats() {
    this.check();
    this.calls++;
    const { machine } = this;
    const stats = machine.getMemoryStats(this.address);
    return Object.assign(stats, { heapSize: machine.getHeapSize(), totalMemory: stats.wasmPages * WASM_PAGE_SIZE });
  }

  /** Collect all garbage. What finalizers print is dropped. */
  gc() {
    this.checkOutside();
    this.begin();
    this.references.reclaim(this.references.size >= MANY_HELD);
    this.guarded(() => this.machine.runGc());
  }

  /**
   * Release functions that JavaScript holds no longer, if Lua's heap fills up: JavaScript's collector sees that they are small,
   * and not what they hold in Lua.
   *
   * @private
   */
  relieve() {
    const { references, machine } = this;
    if (this.depth > 0) return;
    references.fresh = 0;
    const used = () => machine.getMemoryStats(this.address).luaMemoryUsed;
    if (used() < this.enough && references.size < this.enoughHeld) return;
    this.begin();
    this.guarded(() => machine.runGc());
    const size = machine.getHeapSize();
    const before = references.size;
    if (used() >= size / 4 || before >= this.enoughHeld) {
      references.reclaim(true);
      this.guarded(() => machine.runGc());
    }
    // What the engine has not found this time it often finds in the next turn. Where it finds nothing again and again, a quarter
    // of what is free may be filled before this is done once more.
    this.vain = references.size > before * 0.75 ? this.vain + 1 : 0;
    const left = used();
    this.enoughHeld = Math.max(MOST_HELD, 2 * references.size);
    this.enough = Math.max(size / 2, left + (size - left) / (this.vain > 3 ? 4 : 16));
  }

  /**
   * Save what has changed since the last save: all of it or, if anything goes wrong, nothing. What Lua code changes while
   * this is under way is saved next time.
   *
   * @returns {Promise<void>} settled when it is safe
   * @throws {StateError} and what is stored is as it was; the next save has the same changes
   * @throws {LuaStateError} if the machine was not made by `Lua.open`
   */
  async save() {
    if (this.session === null) throw new LuaStateError('this Lua machine keeps nothing: only one made by Lua.open() can be saved', 'transient');
    await this.session.save();
  }

  /**
   * All external tables but `_io` as readable text, which `Lua.open` can import.
   *
   * @returns {string}
   */
  exportTables() {
    return exportTables(this.store, this.meta(), this.tables.machine.ioId);
  }

  /**
   * Close the machine: finalizers run within the machine's limits, and its memory can be freed. A state that was opened is
   * saved before and after them, unless it is read-only, and unlocked. Closing again does nothing, except that it tries again
   * to save what could not be saved.
   *
   * @returns {Promise<void>} settled when the state is safe; at once if there is none
   * @throws {StateError} if the state cannot be saved; it is still open then
   */
  close() {
    if (this.obstacle === 'running') this.check();
    if (this.depth > 0) this.checkOutside();
    if (this.obstacle !== 'closed') {
      this.meta();
      this.deinitDue = this.obstacle === '';
      this.obstacle = 'closed';
    }
    if (this.session !== null) return this.closeSession(this.session);
    this.deinit();
    return Promise.resolve();
  }

  /**
   * @private
   * @param {import('./persist/session.js').Session} session
   */
  async closeSession(session) {
    // Finalizers may run as long as the limits allow, or the process be ended meanwhile: what there is is safe before that.
    if (this.deinitDue && !session.readOnly) await session.save();
    try {
      this.deinit();
    } finally {
      await session.close();
    }
  }

  /**
   * Let finalizers run, and the machine go.
   *
   * @private
   */
  deinit() {
    if (!this.deinitDue) return;
    this.deinitDue = false;
    this.limit(undefined);
    try {
      this.guarded(() => this.machine.deinit());
    } finally {
      this.obstacle = 'closed';
    }
    // Finalizers may have made tables.
    if (this.lastMeta !== null) this.lastMeta.nextTableId = this.machine.getExternalTableCounter();
  }

  /**
   * What is stored with the external tables.
   *
   * @private
   * @returns {import('./persist/operations.js').Meta}
   */
  meta() {
    const { machine } = this;
    if (this.lastMeta === null || this.obstacle !== 'closed') {
      this.lastMeta = {
        homeTableId: machine.getMemoryTableId(),
        nextTableId: machine.getExternalTableCounter(),
        abiHash: MANIFEST_HASH,
      };
    }
    return this.lastMeta;
  }

  /**
   * @private
   * @throws {LuaStateError} if no code can run now
   */
  check() {
    if (this.obstacle !== '') throw new LuaStateError(OBSTACLES[this.obstacle], this.obstacle);
  }

  /**
   * @private
   * @throws {LuaStateError} if no code can run now, or what is asked for cannot be done while Lua runs
   */
  checkOutside() {
    this.check();
    if (this.depth > 0) throw new LuaStateError(INSIDE, 'running');
  }

  /**
   * Let a JavaScript function that Lua has called use the machine.
   *
   * @private
   */
  enter() {
    this.output.suspend();
    this.depth++;
    this.obstacle = '';
  }

  /**
   * Go back to Lua.
   *
   * @private
   */
  leave() {
    this.depth--;
    // A machine that crashed inside the function stays so.
    if (this.obstacle === '') this.obstacle = 'running';
    this.output.resume();
  }

  /**
   * Forget what is only true of the memory before it was replaced.
   *
   * @private
   */
  forgetMemory() {
    this.limits = null;
  }

  /**
   * Tell the module what the next call may use.
   *
   * @private
   * @param {import('./machine/limits.js').Limits | undefined} options
   */
  limit(options) {
    const { defaultLimits, limits } = this;
    const next = options === undefined ? defaultLimits : limitsOf(options, defaultLimits);
    if (limits !== null && next[0] === limits[0] && next[1] === limits[1] && next[2] === limits[2]) return;
    this.machine.setLimits(next[0], next[1], next[2]);
    this.limits = next;
  }

  /**
   * Take ids for new external tables.
   *
   * @private
   * @param {number} count
   * @returns {number} the first of them
   */
  reserve(count) {
    const { machine, store } = this;
    let first = machine.getExternalTableCounter();
    // Ids that the store has already are passed over, though the counter should be above them.
    for (let id = first; id < first + count; id++) {
      if (id >= ID_LIMIT) throw new RangeError(`${count} new tables are more than there are ids left`);
      if (store.size(id) > 0) first = id + 1;
    }
    machine.syncExternalTableCounter(first + count);
    return first;
  }

  /**
   * Forget what the run before left on this side, and prepare the next.
   *
   * @private
   * @param {import('./machine/limits.js').Limits} [options]
   */
  begin(options) {
    this.calls++;
    // Inside a call, the limits are those of the outermost.
    if (this.depth === 0) {
      this.limit(options);
      this.innerError = null;
      this.output.count = 0;
    }
    this.references.sweep();
    this.machine.takeThrown();
    this.output.reset();
  }

  /**
   * Call into the module where it may call back.
   *
   * @private
   * @template T
   * @param {() => T} call
   * @returns {T}
   */
  guarded(call) {
    this.obstacle = 'running';
    let ended = false;
    let result;
    try {
      result = call();
      ended = true;
    } finally {
      // What unwinds through the module (a trap, an exhausted JavaScript stack) leaves it in an unknown state.
      const { obstacle } = this;
      this.obstacle = ended && obstacle === 'running' ? '' : 'crashed';
    }
    // It may have crashed inside a function that went on.
    this.check();
    return result;
  }

  /**
   * Call what changes the machine. If machines are transactional and it throws, it has changed nothing.
   *
   * @private
   * @template T
   * @param {() => T} call
   * @returns {T}
   */
  attempt(call) {
    // What runs inside a call is undone with it.
    if (!this.origin.options.transactional || this.depth > 0) return call();
    const { checkpoints } = this;
    Checkpoints.needStack();
    checkpoints.push();
    let done = false;
    try {
      const result = call();
      done = true;
      return result;
    } finally {
      if (done) {
        checkpoints.commit();
      } else {
        checkpoints.rollback();
        this.forgetMemory();
      }
    }
  }

  /**
   * @private
   * @param {string | Uint8Array} code
   * @param {RunOptions | undefined} options
   * @param {boolean} console
   * @returns {Result}
   */
  runCode(code, options, console) {
    if (this.obstacle !== '') this.check();
    if (this.references.fresh >= FEW_HELD) this.relieve();
    checkCode(code);
    if (this.origin.options.transactional) return this.attempt(() => this.runNow(code, options, console));
    return this.runNow(code, options, console);
  }

  /**
   * @private
   * @param {string | Uint8Array} code
   * @param {RunOptions | undefined} options
   * @param {boolean} console
   * @returns {Result}
   */
  runNow(code, options, console) {
    this.begin(options);
    const name = nameOf(options);
    const passArguments = options !== undefined && options.passArguments === true;
    const length = name === '' && !passArguments ? this.write(code) : -1;
    const flags = (console ? EXECUTE_CONSOLE : 0) | (passArguments ? EXECUTE_ARGUMENTS : 0);
    const left = length >= 0 ? this.runBuffer(length, console) : this.runNamed(code, name, flags);
    if (this.session !== null && this.depth === 0) this.session.called();
    return left >= 0 ? this.succeed(left) : this.fail(left);
  }

  /**
   * Call a Lua function.
   *
   * @private
   * @param {Target} target
   * @param {any[]} args
   * @returns {Result}
   */
  invoke(target, args) {
    if (this.obstacle !== '') this.check();
    if (this.references.fresh >= FEW_HELD) this.relieve();
    if (this.origin.options.transactional) return this.attempt(() => this.invokeNow(target, args));
    return this.invokeNow(target, args);
  }

  /**
   * @private
   * @param {Target} target
   * @param {any[]} args
   * @returns {Result}
   */
  invokeNow(target, args) {
    const { machine } = this;
    const left = this.send(this.written(target, args), (at, length) => machine.callFunction(at, length));
    return left >= 0 ? this.succeed(left) : this.fail(left);
  }

  /**
   * @private
   * @param {string} path
   * @param {any[]} values
   * @param {(at: number, length: number) => number} call
   * @returns {Result}
   */
  request(path, values, call) {
    if (this.obstacle !== '') this.check();
    if (this.references.fresh >= FEW_HELD) this.relieve();
    return this.attempt(() => {
      const left = this.send(this.written(path, values), call);
      return left >= 0 ? this.succeed(left) : this.fail(left);
    });
  }

  /**
   * Write what is sent, in the I/O buffer if it fits there.
   *
   * @private
   * @param {Target | null} target or a path; null for values alone
   * @param {any[]} values
   * @returns {Writer}
   */
  written(target, values) {
    const { writer, calls, machine } = this;
    writer.into(machine.bytes, machine.view, this.address, this.address + this.buffer.length);
    this.writeRequest(writer, target, values);
    if (this.calls === calls) return writer;
    // A getter among the values has used the machine, and with it the buffer.
    const own = new Writer();
    this.writeRequest(own, target, values);
    this.check();
    return own;
  }

  /**
   * @private
   * @param {Writer} writer
   * @param {Target | null} target
   * @param {any[]} values
   */
  writeRequest(writer, target, values) {
    if (typeof target === 'string') this.writeName(writer, target);
    else if (target !== null) encodeValues(writer, [target], this.live);
    encodeValues(writer, values, this.live);
  }

  /**
   * Write the name of a global as a string.
   *
   * @private
   * @param {Writer} writer
   * @param {string} name
   */
  writeName(writer, name) {
    const { names } = this;
    let bytes = names.get(name);
    if (bytes === undefined) {
      if (names.size >= REMEMBERED) names.clear();
      bytes = encodeUtf8(name);
      names.set(name, bytes);
    }
    writer.u8(TAG_STRING);
    writer.block(bytes);
  }

  /**
   * Send what is written to an export that leaves a result.
   *
   * @private
   * @param {Writer} writer
   * @param {(at: number, length: number) => number} call
   * @param {import('./machine/limits.js').Limits} [limits]
   * @returns {number} what the export returned
   */
  send(writer, call, limits) {
    const { machine } = this;
    const { size } = writer;
    // Finalizers may run Lua before there is memory, and use the writer.
    const bytes = writer.fits ? null : writer.bytes.subarray(writer.start, writer.length);
    this.begin(limits);
    const own = bytes !== null;
    const at = own ? this.allocate(size) : this.address;
    if (own) machine.bytes.set(bytes, at);
    const left = this.guarded(() => call(at, size));
    if (own) machine.luaAlloc(0, at, size, 0);
    if (this.session !== null && this.depth === 0) this.session.called();
    return left;
  }

  /**
   * Write code to the start of the I/O buffer.
   *
   * @private
   * @param {string | Uint8Array} code
   * @returns {number} its bytes, or -1 if it does not fit
   */
  write(code) {
    const { buffer } = this;
    const { length } = code;
    if (typeof code !== 'string') {
      if (length > buffer.length) return -1;
      buffer.set(code);
      return length;
    }
    if (length <= SHORT) {
      let at = 0;
      for (; at < length; at++) {
        const unit = code.charCodeAt(at);
        if (unit > 0x7f) break;
        buffer[at] = unit;
      }
      if (at === length) return length;
    }
    const { read, written } = encodeInto(code, buffer);
    return read === length ? /** @type {number} */ (written) : -1;
  }

  /**
   * Run the code at the start of the I/O buffer.
   *
   * @private
   * @param {number} length bytes of code
   * @param {boolean} console
   * @returns {number} what the export returned
   */
  runBuffer(length, console) {
    return this.guarded(() => (console ? this.machine.eval(length) : this.machine.compute(this.address, length)));
  }

  /**
   * Run code that has a name or arguments, or does not fit the I/O buffer.
   *
   * @private
   * @param {string | Uint8Array} code
   * @param {string} name
   * @param {number} flags `EXECUTE_` constants
   * @returns {number} what the export returned
   */
  runNamed(code, name, flags) {
    return this.place(code, name, (at, length, nameAt, nameLength) => this.machine.execute(at, length, nameAt, nameLength, flags));
  }

  /**
   * Put code and its name into memory for a call that reads them.
   *
   * @private
   * @param {string | Uint8Array} code
   * @param {string} name
   * @param {(at: number, length: number, nameAt: number, nameLength: number) => number} call
   * @returns {number} what the call returned
   */
  place(code, name, call) {
    const { machine } = this;
    const codeBytes = typeof code === 'string' ? encodeUtf8(code) : code;
    const nameBytes = encodeUtf8(name === '' || name[0] === '@' || name[0] === '=' ? name : `=${name}`);
    const size = codeBytes.length + nameBytes.length;
    const own = size > this.buffer.length;
    const at = own ? this.allocate(size) : this.address;
    machine.bytes.set(codeBytes, at);
    machine.bytes.set(nameBytes, at + codeBytes.length);
    const left = this.guarded(() => call(at, codeBytes.length, at + codeBytes.length, nameBytes.length));
    if (own) machine.luaAlloc(0, at, size, 0);
    return left;
  }

  /**
   * @private
   * @param {number} size
   * @returns {number} address of a block of the heap
   */
  allocate(size) {
    const { machine } = this;
    let at = machine.luaAlloc(0, 0, 0, size);
    if (at === 0) {
      this.guarded(() => machine.runGc());
      at = machine.luaAlloc(0, 0, 0, size);
    }
    if (at === 0) throw new LuaError(`not enough memory for ${size} bytes of code or arguments`, { code: STATUS_MEMORY_ERROR });
    return at;
  }

  /**
   * @private
   * @param {number} length bytes of the result in the I/O buffer
   * @returns {Result}
   */
  succeed(length) {
    if (length === 0) return new Result([], '');
    const { machine, address } = this;
    const outputLength = machine.view.getUint32(address, true);
    const from = address + 4 + outputLength;
    const values = this.decoder.results(from, address + length);
    return new Result(values, this.finishOutput(machine.bytes.subarray(address + 4, from)));
  }

  /**
   * Take the rest of the output and give all of it.
   *
   * @private
   * @param {Uint8Array} rest
   * @returns {string}
   */
  finishOutput(rest) {
    // Wherever a run's output is handed on, the machine counts as running: `onPrint` may not call it.
    const { obstacle } = this;
    this.obstacle = 'running';
    try {
      if (rest.length > 0) this.output.take(rest);
      return this.output.finish();
    } finally {
      this.obstacle = obstacle;
    }
  }

  /**
   * @private
   * @param {number} length -(bytes of the message in the I/O buffer + 1)
   * @returns {Result} if all that is wrong is that the result did not fit the buffer
   * @throws {LuaError}
   */
  fail(length) {
    const { machine } = this;
    const inBuffer = this.buffer.slice(0, -length - 1);
    const code = machine.getStatus();
    if (code === STATUS_TOO_LARGE) {
      const values = this.part(PART_VALUES);
      if (values !== null) return new Result(new Decoder(values, this.decoder.references).results(0, values.length), this.finishOutput(NOTHING));
    }
    const held = this.references.size;
    const advice =
      code === STATUS_MEMORY_ERROR && held >= MANY_HELD
        ? ` (JavaScript holds ${held} Lua functions: release() those that are not needed, or get them in lua.scope())`
        : '';
    const text = decodeLossy(this.part(PART_MESSAGE) || inBuffer);
    const message = text + advice;
    const traceback = this.part(PART_TRACEBACK);
    const value = this.part(PART_ERROR_VALUE);
    const cause = this.causeOf(this.part(PART_EXCEPTION));
    const error = new LuaError(message, {
      code,
      traceback: traceback === null ? '' : decodeLossy(traceback),
      value: value === null ? text : new Decoder(value, this.decoder.references).value(0, value.length),
      output: this.finishOutput(NOTHING),
      cause,
    });
    if (this.depth > 0) this.innerError = error;
    throw error;
  }

  /**
   * What JavaScript threw behind an error.
   *
   * @private
   * @param {Uint8Array | null} number of the exception of a function, if the error is one
   * @returns {unknown}
   */
  causeOf(number) {
    const thrown = this.machine.takeThrown();
    const { exception } = this.functions;
    if (number !== null && new DataView(number.buffer).getUint32(0, true) === exception.number) return exception.error;
    return thrown === null ? undefined : thrown.error;
  }

  /**
   * A part of the last result, whole.
   *
   * @private
   * @param {number} number `PART_*`
   * @returns {Uint8Array | null} null if the last result has no such part
   */
  part(number) {
    const { machine, address, buffer } = this;
    const size = machine.resultSize(number);
    if (size < 0) return null;
    const whole = new Uint8Array(size);
    let at = 0;
    while (at < size) {
      const count = machine.resultRead(number, at, address, buffer.length);
      if (count <= 0) return null;
      whole.set(buffer.subarray(0, count), at);
      at += count;
    }
    return whole;
  }
}

/**
 * Let a machine that has the memory of another find out what its own host offers.
 *
 * @param {import('./loader.js').LuaInstance} machine
 * @throws {SnapshotError} if what it has is not the memory of a machine
 */
function revive(machine) {
  let result;
  try {
    result = machine.init();
  } catch (_trap) {
    result = -1;
  }
  if (result !== 0) throw new SnapshotError('damaged', 'is damaged: its image is not that of a machine');
}

/**
 * @param {unknown} path
 * @throws {TypeError}
 */
function checkPath(path) {
  if (typeof path !== 'string') throw new TypeError(`the name of a global has to be a string, not ${path === null ? 'null' : typeof path}`);
}

/**
 * @param {unknown} code
 * @throws {TypeError}
 */
function checkCode(code) {
  if (typeof code === 'string' || code instanceof Uint8Array) return;
  throw new TypeError(`code has to be a string or a Uint8Array, not ${code === null ? 'null' : typeof code}`);
}

/**
 * @param {RunOptions | undefined} options
 * @returns {string}
 */
function nameOf(options) {
  return (options !== undefined && options.name) || '';
}

// Engines that know `await using` and `using` close the machine at the end of its scope.
if (typeof Symbol.asyncDispose === 'symbol') {
  Object.defineProperty(Lua.prototype, Symbol.asyncDispose, {
    value() {
      return this.close();
    },
    configurable: true,
    writable: true,
  });
}
if (typeof Symbol.dispose === 'symbol') {
  Object.defineProperty(Lua.prototype, Symbol.dispose, {
    value() {
      this.close();
    },
    configurable: true,
    writable: true,
  });
}
