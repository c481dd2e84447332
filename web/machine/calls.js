/**
 * Runs code and calls functions in a module: the steps that every call takes, from its limits to its reply.
 *
 * A call begins (`begin`), puts what it sends into memory (`send` for values, `place` for code), runs guarded, and reads the
 * reply. `attempt` undoes it if it throws, in machines that are transactional.
 *
 * @import { LuaInstance } from '../loader.js'
 * @import { Writer } from '../values/encoder.js'
 * @import { Guard } from './guard.js'
 * @import { Heap } from './heap.js'
 * @import { HeldValues } from './held-values.js'
 * @import { IoBuffer } from './io-buffer.js'
 * @import { Limits, LimitSetter } from './limits.js'
 * @import { RunOptions, Target } from './options.js'
 * @import { Output } from './output.js'
 * @import { Replies } from './replies.js'
 * @import { Requests } from './requests.js'
 * @import { Result } from './result.js'
 */

import { encodeUtf8 } from '../bytes/text.js';
import { Checkpoints } from '../image/checkpoint.js';
import { EXECUTE_ARGUMENTS, EXECUTE_CONSOLE } from '../loader.js';

/** How many new functions of Lua JavaScript may get before Lua's heap is looked at. */
const FEW_HELD = 16;

/**
 * What calls need of their machine.
 *
 * @typedef {object} CallParts
 * @property {IoBuffer} buffer
 * @property {Guard} guard
 * @property {Heap} heap
 * @property {HeldValues} held
 * @property {Output} output
 * @property {LimitSetter} limits
 * @property {Requests} requests
 * @property {Replies} replies
 * @property {Checkpoints} checkpoints
 * @property {boolean} transactional whether a call that throws is undone
 */

/** Calls into one module instance. */
export class Calls {
  /**
   * @param {LuaInstance} instance
   * @param {CallParts} parts
   */
  constructor(instance, { buffer, guard, heap, held, output, limits, requests, replies, checkpoints, transactional }) {
    this.instance = instance;
    this.guard = guard;
    this.requests = requests;
    this.replies = replies;
    /** @private */
    this.buffer = buffer;
    /** @private */
    this.heap = heap;
    /** @private */
    this.held = held;
    /** @private */
    this.output = output;
    /** @private */
    this.limits = limits;
    /** @private */
    this.checkpoints = checkpoints;
    /** @private */
    this.transactional = transactional;
    /**
     * Is told of each call that has ended.
     *
     * @type {{ called: () => void } | null}
     */
    this.observer = null;
    /** Does what waits for the end of a call whose results have been read. */
    this.idle = () => {};
  }

  /**
   * Runs code.
   *
   * @param {string | Uint8Array} code
   * @param {RunOptions | undefined} options
   * @param {boolean} console whether as an interactive console does
   * @returns {Result}
   */
  run(code, options, console) {
    this.prepare();
    checkCode(code);
    const result = this.transactional ? this.attempt(() => this.runNow(code, options, console)) : this.runNow(code, options, console);
    this.idle();
    return result;
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
    const isPlain = options === undefined || (!options.name && options.passArguments !== true);
    const length = isPlain ? this.buffer.writeCode(code) : -1;
    const left = length >= 0 ? this.runBuffer(length, console) : this.runPlaced(code, options, console);
    this.ended();
    return this.replies.read(left);
  }

  /**
   * Calls a Lua function.
   *
   * @param {Target} target
   * @param {any[]} args
   * @returns {Result}
   */
  invoke(target, args) {
    this.prepare();
    const result = this.transactional ? this.attempt(() => this.invokeNow(target, args)) : this.invokeNow(target, args);
    this.idle();
    return result;
  }

  /**
   * Calls a Lua function outside of any transaction of its own.
   *
   * @param {Target} target
   * @param {any[]} args
   * @param {Limits} [limits]
   * @returns {Result}
   */
  invokeNow(target, args, limits) {
    const { instance } = this;
    return this.replies.read(this.send(this.requests.write(target, args), (at, length) => instance.callFunction(at, length), limits));
  }

  /**
   * Sends a path and values to an export.
   *
   * @param {string} path
   * @param {any[]} values
   * @param {(at: number, length: number) => number} call
   * @returns {Result}
   */
  request(path, values, call) {
    this.prepare();
    const result = this.attempt(() => this.replies.read(this.send(this.requests.write(path, values), call)));
    this.idle();
    return result;
  }

  /**
   * Checks that code can run, and makes room if JavaScript has got many functions of Lua.
   *
   * @private
   */
  prepare() {
    if (this.guard.obstacle !== '') this.guard.check();
    if (this.held.fresh >= FEW_HELD) this.relieve();
  }

  /** Releases Lua functions that JavaScript holds no longer, if there are new ones and Lua's heap fills up. */
  relieve() {
    const { held, heap } = this;
    if (held.fresh < FEW_HELD || this.guard.depth > 0) return;
    held.fresh = 0;
    if (!heap.isFull()) return;
    this.begin();
    heap.relieve();
  }

  /**
   * Calls what changes the machine. If machines are transactional and it throws, it has changed nothing.
   *
   * @template T
   * @param {() => T} call
   * @returns {T}
   */
  attempt(call) {
    // What runs inside a call is undone with it.
    if (!this.transactional || this.guard.depth > 0) return call();
    const { checkpoints } = this;
    Checkpoints.needStack();
    checkpoints.push();
    let done = false;
    try {
      const result = call();
      done = true;
      return result;
    } finally {
      if (done) checkpoints.commit();
      else this.rollback();
    }
  }

  /** Goes back to the last checkpoint. */
  rollback() {
    this.checkpoints.rollback();
    // The module's limits are those of then.
    this.limits.forget();
  }

  /**
   * Forgets what the run before left on this side, and prepares the next.
   *
   * @param {Limits} [options]
   */
  begin(options) {
    const { output } = this;
    this.buffer.uses++;
    // Inside a call, the limits are those of the outermost.
    if (this.guard.depth === 0) {
      this.limits.apply(options);
      this.replies.innerError = null;
      output.count = 0;
    }
    this.held.sweep();
    this.instance.takeThrown();
    output.reset();
  }

  /**
   * Tells the observer that a call has ended, unless it was one inside another.
   *
   * @private
   */
  ended() {
    if (this.observer !== null && this.guard.depth === 0) this.observer.called();
  }

  /**
   * Sends a request to an export that leaves a reply.
   *
   * @param {Writer} writer which holds the request
   * @param {(at: number, length: number) => number} call
   * @param {Limits} [limits]
   * @returns {number} what the export returned
   */
  send(writer, call, limits) {
    const { instance, heap } = this;
    const { size } = writer;
    // Finalizers may run Lua before there is memory, and use the writer.
    const bytes = writer.fits ? null : writer.bytes.subarray(writer.start, writer.length);
    this.begin(limits);
    const own = bytes !== null;
    const at = own ? heap.allocate(size) : this.buffer.address;
    if (own) instance.bytes.set(bytes, at);
    const left = this.guard.run(() => call(at, size));
    if (own) heap.free(at, size);
    this.ended();
    return left;
  }

  /**
   * Runs the code at the start of the I/O buffer.
   *
   * @private
   * @param {number} length bytes of code
   * @param {boolean} console
   * @returns {number} what the export returned
   */
  runBuffer(length, console) {
    const { instance } = this;
    return this.guard.run(() => (console ? instance.eval(length) : instance.compute(this.buffer.address, length)));
  }

  /**
   * Runs code that has a name or arguments, or does not fit the I/O buffer.
   *
   * @private
   * @param {string | Uint8Array} code
   * @param {RunOptions | undefined} options
   * @param {boolean} console
   * @returns {number} what the export returned
   */
  runPlaced(code, options = {}, console) {
    const flags = flagsOf(options.passArguments, console);
    return this.place(code, options.name, (at, length, nameAt, nameLength) => this.instance.execute(at, length, nameAt, nameLength, flags));
  }

  /**
   * Puts code and its name into memory for an export that reads them.
   *
   * @param {string | Uint8Array} code
   * @param {string | undefined} name
   * @param {(at: number, length: number, nameAt: number, nameLength: number) => number} call
   * @returns {number} what the export returned
   */
  place(code, name = '', call) {
    const { instance, buffer, heap } = this;
    const codeBytes = typeof code === 'string' ? encodeUtf8(code) : code;
    const nameBytes = encodeUtf8(name === '' || name[0] === '@' || name[0] === '=' ? name : `=${name}`);
    const size = codeBytes.length + nameBytes.length;
    const own = size > buffer.bytes.length;
    const at = own ? heap.allocate(size) : buffer.address;
    instance.bytes.set(codeBytes, at);
    instance.bytes.set(nameBytes, at + codeBytes.length);
    const left = this.guard.run(() => call(at, codeBytes.length, at + codeBytes.length, nameBytes.length));
    if (own) heap.free(at, size);
    return left;
  }
}

/**
 * Makes the flags of the exports that run code.
 *
 * @param {boolean | undefined} passArguments
 * @param {boolean | undefined} console
 * @returns {number} `EXECUTE_` constants
 */
export function flagsOf(passArguments, console) {
  return (console === true ? EXECUTE_CONSOLE : 0) | (passArguments === true ? EXECUTE_ARGUMENTS : 0);
}

/**
 * Refuses what is no code.
 *
 * @param {unknown} code
 * @throws {TypeError}
 */
export function checkCode(code) {
  if (typeof code === 'string' || code instanceof Uint8Array) return;
  throw new TypeError(`code has to be a string or a Uint8Array, not ${code === null ? 'null' : typeof code}`);
}
