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
 * Code that browsers run keeps to the syntax of Chrome 74 and Firefox 79.
 */

import { Decoder } from './codec.js';
import { LuaError, LuaStateError } from './errors.js';
import { createHost } from './host.js';
import {
  EXECUTE_CONSOLE,
  instantiate,
  PART_ERROR_VALUE,
  PART_MESSAGE,
  PART_TRACEBACK,
  PART_VALUES,
  STATUS_MEMORY_ERROR,
  STATUS_TOO_LARGE,
  WASM_PAGE_SIZE,
} from './loader.js';
import { Output } from './output.js';
import { Result } from './result.js';
import { MapStore } from './store.js';
import { decodeLossy, encodeInto, encodeUtf8 } from './text.js';
import { compileFrom } from './wasm.js';

export { decodeValue, encodeValue, ExternalTable, LuaFunction, LuaOpaque } from './codec.js';
export { DecodeError, EncodeError, LuaError, LuaStateError } from './errors.js';
export { MapStore } from './store.js';

/**
 * @typedef {object} MachineOptions
 * @property {import('./wasm.js').WasmSource | Promise<import('./wasm.js').WasmSource>} [wasm] the module; by default the
 *   `lua.wasm` beside this file
 * @property {import('./store.js').Store} [store] where external tables live; by default a new `MapStore`
 * @property {number} [homeTableId] which table of the store is `_home`; by default 1
 * @property {number} [nextTableId] lowest id that a new table may get; above all tables of the store in any case
 * @property {boolean} [memoryAlias] whether `Memory` is another name of `_home`; by default true
 * @property {import('./output.js').OnPrint} [onPrint] receives output as it comes
 * @property {boolean} [keepOutput] whether results carry the output; by default true
 */

/** @typedef {MachineOptions & import('./host.js').Environment} LuaOptions */

/**
 * @typedef {object} RunOptions
 * @property {string} [name] name of the code in messages: shown as it is, or in Lua's own notation (`@file`, `=name`)
 */

/**
 * @typedef {object} MemoryStats
 * @property {number} ioBufferSize bytes of the I/O buffer
 * @property {number} luaMemoryUsed bytes of the heap in use, garbage included
 * @property {number} wasmPages pages of the memory
 * @property {number} totalMemory bytes of the memory
 */

/** Longest code that is copied to memory character by character; beyond it `encodeInto` is faster. */
const SHORT = 48;

const NOTHING = new Uint8Array(0);

/** @type {Record<'closed' | 'running' | 'crashed', string>} */
const OBSTACLES = {
  closed: 'this Lua machine is closed; make another with Lua.create()',
  running: 'this Lua machine is running: a function that it calls cannot call it',
  crashed: 'this Lua machine has crashed; make another with Lua.create(): what is in its store is not lost',
};

/** A Lua machine. `Lua.create` makes one. */
export class Lua {
  /**
   * Make a machine and start it.
   *
   * @param {LuaOptions} [options]
   * @returns {Promise<Lua>}
   */
  static async create(options = {}) {
    const module = await compileFrom(options.wasm);
    const store = options.store || new MapStore();
    const output = new Output(options.onPrint, options.keepOutput !== false);
    const host = createHost(store, (piece) => output.take(piece), options);
    const machine = await instantiate(module, host);

    if (options.memoryAlias === false) machine.setMemoryAliasEnabled(0);
    if (machine.init() !== 0) throw new LuaStateError('Lua could not be started: its heap is too small', 'crashed');
    if (options.homeTableId !== undefined) machine.attachMemoryTable(options.homeTableId);
    let next = options.nextTableId || 1;
    for (const id of store.tableIds()) next = Math.max(next, id + 1);
    machine.syncExternalTableCounter(next);
    return new Lua(machine, store, output);
  }

  /**
   * Use `Lua.create` instead.
   *
   * @param {import('./loader.js').LuaInstance} machine
   * @param {import('./store.js').Store} store
   * @param {Output} output
   */
  constructor(machine, store, output) {
    /** Where external tables live. */
    this.store = store;
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
    /** @private */
    this.decoder = new Decoder(machine.bytes);
    /**
     * Why no code can run now, if so.
     * @private
     * @type {'' | 'closed' | 'running' | 'crashed'}
     */
    this.obstacle = '';
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
    return this.run(code, options, true);
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
    return this.run(code, options, false);
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
    const stats = this.machine.getMemoryStats(this.address);
    return Object.assign(stats, { totalMemory: stats.wasmPages * WASM_PAGE_SIZE });
  }

  /** Collect all garbage. What finalizers print is dropped. */
  gc() {
    this.check();
    this.begin();
    this.guarded(() => this.machine.runGc());
  }

  /** Close the machine: finalizers run, and its memory can be freed. Closing it again does nothing. */
  close() {
    if (this.obstacle === 'closed') return;
    if (this.obstacle === 'running') this.check();
    try {
      if (this.obstacle === '') this.guarded(() => this.machine.deinit());
    } finally {
      this.obstacle = 'closed';
    }
  }

  /**
   * @private
   * @throws {LuaStateError} if no code can run now
   */
  check() {
    if (this.obstacle !== '') throw new LuaStateError(OBSTACLES[this.obstacle], this.obstacle);
  }

  /**
   * Forget what the run before left on this side.
   *
   * @private
   */
  begin() {
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
    try {
      const result = call();
      ended = true;
      return result;
    } finally {
      // What unwinds through the module (a trap, an exhausted JavaScript stack) leaves it in an unknown state.
      this.obstacle = ended ? '' : 'crashed';
    }
  }

  /**
   * @private
   * @param {string | Uint8Array} code
   * @param {RunOptions | undefined} options
   * @param {boolean} console
   * @returns {Result}
   */
  run(code, options, console) {
    if (this.obstacle !== '') this.check();
    if (typeof code !== 'string' && !(code instanceof Uint8Array)) {
      throw new TypeError(`code has to be a string or a Uint8Array, not ${code === null ? 'null' : typeof code}`);
    }
    this.begin();
    const name = (options !== undefined && options.name) || '';
    const length = name === '' ? this.write(code) : -1;
    const left = length >= 0 ? this.runBuffer(length, console) : this.runNamed(code, name, console);
    return left >= 0 ? this.succeed(left) : this.fail(left);
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
   * Run code that has a name or does not fit the I/O buffer.
   *
   * @private
   * @param {string | Uint8Array} code
   * @param {string} name
   * @param {boolean} console
   * @returns {number} what the export returned
   */
  runNamed(code, name, console) {
    const { machine } = this;
    const codeBytes = typeof code === 'string' ? encodeUtf8(code) : code;
    const nameBytes = encodeUtf8(name === '' || name[0] === '@' || name[0] === '=' ? name : `=${name}`);
    const size = codeBytes.length + nameBytes.length;
    const own = size > this.buffer.length;
    const at = own ? this.allocate(size) : this.address;
    machine.bytes.set(codeBytes, at);
    machine.bytes.set(nameBytes, at + codeBytes.length);
    const flags = console ? EXECUTE_CONSOLE : 0;
    const left = this.guarded(() => machine.execute(at, codeBytes.length, at + codeBytes.length, nameBytes.length, flags));
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
    if (at === 0) throw new LuaError(`not enough memory for ${size} bytes of code`, { code: STATUS_MEMORY_ERROR });
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
    this.obstacle = 'running';
    try {
      if (rest.length > 0) this.output.take(rest);
      return this.output.finish();
    } finally {
      this.obstacle = '';
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
      if (values !== null) return new Result(new Decoder(values).results(0, values.length), this.finishOutput(NOTHING));
    }
    const message = decodeLossy(this.part(PART_MESSAGE) || inBuffer);
    const traceback = this.part(PART_TRACEBACK);
    const value = this.part(PART_ERROR_VALUE);
    const thrown = machine.takeThrown();
    throw new LuaError(message, {
      code,
      traceback: traceback === null ? '' : decodeLossy(traceback),
      value: value === null ? message : new Decoder(value).value(0, value.length),
      output: this.finishOutput(NOTHING),
      cause: thrown === null ? undefined : thrown.error,
    });
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

// Engines that know `using` close the machine at the end of its scope.
if (typeof Symbol.dispose === 'symbol') {
  Object.defineProperty(Lua.prototype, Symbol.dispose, {
    value() {
      this.close();
    },
    configurable: true,
    writable: true,
  });
}
