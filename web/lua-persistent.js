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
export { Result } from './result.js';
export { MapStore } from './store.js';

/**
 * @typedef {object} MachineOptions
 * @property {import('./wasm.js').WasmSource | Promise<import('./wasm.js').WasmSource>} [wasm] the module; by default the
 *   `lua.wasm` beside this file
 * @property {import('./store.js').Store} [store] where external tables live; by default a new `MapStore`
 * @property {number} [homeTableId] which table of the store is `_home`; by default 1
 * @property {boolean} [memoryAlias] whether `Memory` is another name of `_home`; by default true
 * @property {import('./output.js').OnPrint} [onPrint] receives output as it comes
 * @property {boolean} [keepOutput] whether results carry the output; by default true
 */

/** @typedef {MachineOptions & import('./host.js').Environment} LuaOptions */

/**
 * @typedef {object} RunOptions
 * @property {string} [name] name of the code in messages; shown as it is, or in Lua's own notation: `@file`, `=name`
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
    const lua = new Lua(options);
    await lua.start(module, options);
    return lua;
  }

  /**
   * Use `Lua.create` instead.
   *
   * @param {LuaOptions} options
   */
  constructor(options) {
    /** Where external tables live. */
    this.store = options.store || new MapStore();
    /** @private */
    this.output = new Output(options.onPrint, options.keepOutput !== false);
    /**
     * Why no code can run now, if so.
     * @private
     * @type {'' | 'closed' | 'running' | 'crashed'}
     */
    this.obstacle = 'closed';
    /**
     * @private
     * @type {import('./loader.js').LuaInstance | undefined}
     */
    this.machine = undefined;
    /** @private */
    this.buffer = { address: 0, bytes: new Uint8Array(0) };
    /** @private */
    this.decoder = new Decoder(new Uint8Array(0));
  }

  /**
   * @private
   * @param {WebAssembly.Module} module
   * @param {LuaOptions} options
   */
  async start(module, options) {
    const host = createHost(this.store, (data) => this.output.take(data), options);
    const machine = await instantiate(module, host);
    const address = machine.getBufferPtr();
    this.machine = machine;
    this.exports = machine.raw;
    this.buffer = machine.bytes.subarray(address, address + machine.getBufferSize());
    this.decoder = new Decoder(machine.bytes);

    if (options.memoryAlias === false) machine.setMemoryAliasEnabled(0);
    if (machine.init() !== 0) throw new LuaStateError('Lua could not be started: its heap is too small', 'crashed');
    if (options.homeTableId !== undefined) machine.attachMemoryTable(options.homeTableId);
    let next = 1;
    for (const id of this.store.tableIds()) next = Math.max(next, id + 1);
    machine.syncExternalTableCounter(next);
    this.obstacle = '';
  }

  /** Id of the external table that is `_home`. */
  get homeTableId() {
    this.check();
    return this.exports.get_memory_table_id();
  }

  /** Id of the external table that is `_io`. */
  get ioTableId() {
    this.check();
    return this.exports.get_io_table_id();
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

  /**
   * Figures of the machine's memory.
   *
   * @returns {MemoryStats}
   */
  stats() {
    this.check();
    const at = this.bufferPointer;
    this.exports.get_memory_stats(at);
    const wasmPages = this.view.getUint32(at + 8, true);
    return {
      ioBufferSize: this.view.getUint32(at, true),
      luaMemoryUsed: this.view.getUint32(at + 4, true),
      wasmPages,
      totalMemory: wasmPages * PAGE,
    };
  }

  /** Collect all garbage. */
  gc() {
    this.guarded(() => this.exports.run_gc());
  }

  /** Close the machine: finalizers run, and its memory can be freed. Closing it again does nothing. */
  close() {
    if (this.obstacle === 'closed') return;
    if (this.obstacle === 'running') this.check();
    const { exports, obstacle } = this;
    this.obstacle = 'closed';
    this.exports = undefined;
    this.memory = this.buffer = new Uint8Array(0);
    this.view = new DataView(this.memory.buffer);
    this.decoder = new Decoder(this.memory);
    if (obstacle === '') exports.deinit();
  }

  /**
   * @private
   * @throws {LuaStateError} if no code can run now
   */
  check() {
    if (this.obstacle !== '') throw new LuaStateError(OBSTACLES[this.obstacle], this.obstacle);
  }

  /**
   * Call into the module, which may call back.
   *
   * @private
   * @template T
   * @param {() => T} call
   * @returns {T}
   */
  guarded(call) {
    this.check();
    this.obstacle = 'running';
    this.thrown = undefined;
    this.output.reset();
    let ended = false;
    try {
      const result = call();
      ended = true;
      return result;
    } finally {
      // What unwinds through the module leaves it in an unknown state.
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
    this.obstacle = 'running';
    this.thrown = undefined;
    this.output.reset();
    let length = 0;
    let ended = false;
    try {
      length = this.enter(code, options, console);
      ended = true;
    } finally {
      this.obstacle = ended ? '' : 'crashed';
    }
    return length >= 0 ? this.succeed(length) : this.fail(length);
  }

  /**
   * Hand code to the module and run it.
   *
   * @private
   * @param {string | Uint8Array} code
   * @param {RunOptions | undefined} options
   * @param {boolean} console
   * @returns {number} what the export returned
   */
  enter(code, options, console) {
    if (typeof code !== 'string' && !(code instanceof Uint8Array)) {
      throw new TypeError(`code has to be a string or a Uint8Array, not ${code === null ? 'null' : typeof code}`);
    }
    const { exports } = this;
    const name = options !== undefined && options.name !== undefined ? options.name : '';
    if (name === '') {
      const length = this.write(code);
      if (length >= 0) return console ? exports.eval(length) : exports.compute(this.bufferPointer, length);
    }
    return this.enterNamed(
      typeof code === 'string' ? encodeUtf8(code) : code,
      name === '' || name[0] === '@' || name[0] === '=' ? name : `=${name}`,
      console,
    );
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
   * Run code that has a name or does not fit the I/O buffer.
   *
   * @private
   * @param {Uint8Array} code
   * @param {string} name in Lua's notation, or empty
   * @param {boolean} console
   * @returns {number} what the export returned
   */
  enterNamed(code, name, console) {
    const { exports } = this;
    const nameBytes = encodeUtf8(name);
    const size = code.length + nameBytes.length;
    const own = size > this.buffer.length;
    const at = own ? this.allocate(size) : this.bufferPointer;
    this.memory.set(code, at);
    this.memory.set(nameBytes, at + code.length);
    try {
      return exports.execute(at, code.length, at + code.length, nameBytes.length, console ? EXECUTE_CONSOLE : 0);
    } finally {
      if (own) exports.lua_alloc(0, at, size, 0);
    }
  }

  /**
   * @private
   * @param {number} size
   * @returns {number} address of a block of the heap
   */
  allocate(size) {
    let at = this.exports.lua_alloc(0, 0, 0, size);
    if (at === 0) {
      this.exports.run_gc();
      at = this.exports.lua_alloc(0, 0, 0, size);
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
    const start = this.bufferPointer;
    const outputLength = this.view.getUint32(start, true);
    const from = start + 4 + outputLength;
    const values = this.decoder.results(from, start + length);
    if (outputLength > 0) this.output.take(this.memory.subarray(start + 4, from));
    return new Result(values, this.output.finish());
  }

  /**
   * @private
   * @param {number} length -(bytes of the message in the I/O buffer + 1)
   * @returns {Result} if all that is wrong is that the result did not fit the buffer
   * @throws {LuaError}
   */
  fail(length) {
    const code = this.exports.get_status();
    const inBuffer = this.buffer.slice(0, -length - 1);
    if (code === STATUS_TOO_LARGE) {
      const values = this.part(PART_VALUES);
      if (values !== null) return new Result(new Decoder(values).results(0, values.length), this.output.finish());
    }
    const message = decodeLossy(this.part(PART_MESSAGE) || inBuffer);
    const traceback = this.part(PART_TRACEBACK);
    const value = this.part(PART_ERROR_VALUE);
    const { thrown } = this;
    throw new LuaError(message, {
      code,
      traceback: traceback === null ? '' : decodeLossy(traceback),
      value: value === null ? message : new Decoder(value).value(0, value.length),
      output: this.output.finish(),
      cause: thrown,
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
    const { exports, bufferPointer, buffer } = this;
    const size = exports.result_size(number);
    if (size < 0) return null;
    const whole = new Uint8Array(size);
    let at = 0;
    while (at < size) {
      const count = exports.result_read(number, at, bufferPointer, buffer.length);
      if (count <= 0) return null;
      whole.set(buffer.subarray(0, count), at);
      at += count;
    }
    return whole;
  }
}

/** @type {Record<'closed' | 'running' | 'crashed', string>} */
const OBSTACLES = {
  closed: 'this Lua machine is closed; make another with Lua.create()',
  running: 'this Lua machine is running: it cannot be called from onPrint or another function that it calls',
  crashed: 'this Lua machine has crashed; make another with Lua.create(): what is in its store is not lost',
};

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
