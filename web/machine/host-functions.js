/**
 * Gives JavaScript functions to Lua: numbers them, and calls them when Lua asks.
 *
 * @import { Live } from '../values/encoder.js'
 */

import { CheckpointLog } from '../values/checkpoint-log.js';
import { encodeOne, encodeValues, Writer } from '../values/encoder.js';
import { EncodeError, LuaError } from '../errors.js';
import { CALL_AGAIN, CALL_ERROR, CALL_RESULTS, CALL_THROWN, TAG_HOST_FUNCTION, TAG_NIL, TAG_STRING } from '../loader.js';
import { decodeLossy, encodeUtf8 } from '../bytes/text.js';

/**
 * Several results of a JavaScript function for Lua: `return MultiReturn.of(true, 42)`.
 *
 * @extends {Array<any>}
 */
export class MultiReturn extends Array {
  /**
   * @param {...any} values of whatever types
   * @returns {MultiReturn}
   */
  static of(...values) {
    return /** @type {MultiReturn} */ (super.of(...values));
  }
}

/**
 * Functions by name, for Lua. A plain object among them becomes a table of functions.
 *
 * @typedef {{ [name: string]: ((...args: any[]) => any) | Functions }} Functions
 */

/**
 * What the functions need of their machine.
 *
 * @typedef {object} Machine
 * @property {(start: number, end: number) => any[]} decode the arguments
 * @property {DataView} view of the memory
 * @property {Live} live what can be sent to it
 * @property {() => void} enter lets the function use the machine
 * @property {() => void} leave
 * @property {() => unknown} lastError what the last call of Lua that failed inside a function threw
 */

/** The functions that one machine has been given. */
export class HostFunctions {
  /** @param {Functions} named */
  constructor(named) {
    /** @type {Machine | null} set when there is one */
    this.machine = null;
    /**
     * @private
     * @type {Map<number, Function>}
     */
    this.byNumber = new Map();
    /**
     * @private
     * @type {Map<Function, number>}
     */
    this.numbers = new Map();
    /**
     * @private
     * @type {Map<Function, string>}
     */
    this.names = new Map();
    /**
     * @private
     * @type {Map<string, Function>}
     */
    this.named = new Map();
    /** The number that the next function gets. Numbers are not used again. */
    this.next = 1;
    /**
     * Numbers that Lua has released since the outermost checkpoint: going back to it brings them to life again.
     *
     * @private
     */
    this.released = new CheckpointLog();
    /**
     * A reply that did not fit.
     *
     * @private
     * @type {Uint8Array | null}
     */
    this.rest = null;
    /** The last exception, and its number. */
    this.exception = { number: 0, error: /** @type {unknown} */ (undefined) };
    /** @private */
    this.writer = new Writer();
    /** Whether the functions of the host before are known under the same numbers. */
    this.continues = false;
    this.collect('', named);
  }

  /**
   * @private
   * @param {string} path
   * @param {Functions} named
   */
  collect(path, named) {
    for (const [name, value] of Object.entries(named)) {
      if (typeof value === 'function') {
        this.named.set(path + name, value);
        if (!this.names.has(value)) this.names.set(value, path + name);
      } else if (typeof value === 'object' && value !== null) {
        this.collect(`${path}${name}.`, value);
      } else {
        throw new TypeError(`functions.${path}${name} has to be a function, or an object with functions, not ${String(value)}`);
      }
    }
  }

  /**
   * Takes over the functions of another host, under the same numbers: its machine has been copied.
   *
   * @param {HostFunctions} other
   */
  inherit(other) {
    other.byNumber.forEach((value, number) => {
      this.byNumber.set(number, value);
      this.numbers.set(value, number);
    });
    this.next = other.next;
    this.continues = true;
  }

  /**
   * Gives a function a name, unless it has one: by it, it is found again in a machine that goes on from a snapshot.
   *
   * @param {Function} value
   * @param {string} name
   */
  name(value, name) {
    if (!this.names.has(value) && !this.numbers.has(value)) this.names.set(value, name);
  }

  /**
   * Writes a function for Lua, which gets a number if it has none.
   *
   * @param {Writer} writer
   * @param {any} value
   * @returns {boolean} false if it is not a function
   */
  encode(writer, value) {
    if (typeof value !== 'function') return false;
    writer.u8(TAG_HOST_FUNCTION);
    writer.u32(this.numberOf(value));
    writer.text(this.names.get(value) || '');
    return true;
  }

  /**
   * @private
   * @param {Function} value
   * @returns {number}
   */
  numberOf(value) {
    const known = this.numbers.get(value);
    if (known !== undefined) return known;
    const number = this.next++;
    this.numbers.set(value, number);
    this.byNumber.set(number, value);
    return number;
  }

  /**
   * Finds the function that Lua knows by a number.
   *
   * @param {number} number
   * @returns {Function | undefined}
   */
  get(number) {
    return this.byNumber.get(number);
  }

  /**
   * Answers the service `find_function`.
   *
   * @param {Uint8Array} name
   * @returns {{ number: number } | null}
   */
  find(name) {
    const value = this.named.get(decodeLossy(name));
    return value === undefined ? null : { number: this.numberOf(value) };
  }

  /**
   * Answers the service `release`.
   *
   * @param {number} number
   */
  release(number) {
    if (!this.released.isOpen) {
      this.forget(number);
      return;
    }
    this.released.add(number);
    // Lua may be given it again before the checkpoint ends: under another number, as this one is forgotten then.
    const value = this.byNumber.get(number);
    if (value !== undefined && this.numbers.get(value) === number && !this.isNamed(value)) this.numbers.delete(value);
  }

  /**
   * @private
   * @param {number} number
   */
  forget(number) {
    const value = this.byNumber.get(number);
    if (value === undefined || this.isNamed(value)) return;
    this.byNumber.delete(number);
    const other = this.numbers.get(value);
    if (other !== undefined && other !== number) return;
    this.numbers.delete(value);
    this.names.delete(value);
  }

  /**
   * @private
   * @param {Function} value
   * @returns {boolean} whether it was given by name: Lua may find it at any time
   */
  isNamed(value) {
    const name = this.names.get(value);
    return name !== undefined && this.named.get(name) === value;
  }

  /** Begins a checkpoint. */
  checkpoint() {
    this.released.checkpoint(this.next);
  }

  /** Ends a checkpoint and keeps what has happened. */
  commit() {
    this.released.commit().forEach((number) => this.forget(number));
  }

  /** Ends a checkpoint and goes back to it: Lua has what it released since, and has not what it was given. */
  rollback() {
    const { next, entries } = this.released.rollback();
    for (const number of entries) {
      const value = this.byNumber.get(number);
      if (value !== undefined && number < next) this.numbers.set(value, number);
    }
    for (let number = next; number < this.next; number++) this.forget(number);
  }

  /**
   * Answers the service `call`.
   *
   * @param {Uint8Array} memory
   * @param {number} start of the function's number
   * @param {number} end of the arguments
   * @param {number} replyStart
   * @param {number} replyEnd
   * @returns {number} bytes of the reply; negative if it is kept for `takeRest`
   */
  call(memory, start, end, replyStart, replyEnd) {
    const machine = /** @type {Machine} */ (this.machine);
    const { view } = machine;
    const target = this.byNumber.get(view.getUint32(start, true));
    let failed = true;
    /** @type {any} */
    let outcome;
    if (target === undefined) {
      outcome = new Error('this JavaScript function is not there any more');
    } else {
      const args = machine.decode(start + 4, end);
      machine.enter();
      try {
        outcome = target.apply(undefined, args);
        failed = false;
      } catch (error) {
        outcome = error;
      }
      machine.leave();
    }
    const { writer } = this;
    writer.into(memory, view, replyStart, replyEnd);
    if (!failed) {
      try {
        this.succeed(writer, outcome);
      } catch (error) {
        // Anything else comes from a getter of the result.
        if (error instanceof EncodeError) {
          error.message = `the result of ${this.nameOf(/** @type {Function} */ (target))}: ${error.message}`;
        }
        outcome = error;
        failed = true;
        writer.into(memory, view, replyStart, replyEnd);
      }
    }
    if (failed) this.fail(writer, outcome);
    if (writer.fits) return writer.size;
    this.rest = writer.finish();
    return -this.rest.length;
  }

  /**
   * @private
   * @param {Function} target
   * @returns {string} for messages
   */
  nameOf(target) {
    return this.names.get(target) || target.name || 'a JavaScript function';
  }

  /**
   * @private
   * @param {Writer} writer
   * @param {any} result
   */
  succeed(writer, result) {
    writer.u8(CALL_RESULTS);
    if (result === undefined) return;
    const { live } = /** @type {Machine} */ (this.machine);
    if (result instanceof MultiReturn) encodeValues(writer, result, live);
    else encodeOne(writer, result, live);
  }

  /**
   * @private
   * @param {Writer} writer
   * @param {unknown} error
   */
  fail(writer, error) {
    const machine = /** @type {Machine} */ (this.machine);
    if (error instanceof LuaError && error === machine.lastError()) {
      writer.u8(CALL_AGAIN);
      return;
    }
    const number = this.exception.number + 1;
    this.exception = { number, error };
    const isError = error instanceof Error && !(error instanceof LuaError);
    const thrown = isError ? null : this.encoded(error instanceof LuaError ? error.value : error);
    writer.u8(thrown === null ? CALL_ERROR : CALL_THROWN);
    writer.u32(number);
    if (thrown === null) writeText(writer, messageOf(error));
    else writer.raw(thrown);
    const stack = error instanceof Error ? error.stack : undefined;
    if (typeof stack === 'string') writeText(writer, stack);
    else writer.u8(TAG_NIL);
  }

  /**
   * @private
   * @param {unknown} value
   * @returns {Uint8Array | null} null if it has no Lua form
   */
  encoded(value) {
    const writer = new Writer();
    try {
      encodeOne(writer, value, /** @type {Machine} */ (this.machine).live);
      return writer.finish();
    } catch (_noForm) {
      return null;
    }
  }

  /** Answers the service `rest`. */
  takeRest() {
    const reply = this.rest;
    this.rest = null;
    return reply === null ? null : { reply };
  }
}

/**
 * @param {unknown} error
 * @returns {string} what Lua is told of it
 */
function messageOf(error) {
  if (!(error instanceof Error)) return `a JavaScript ${typeof error} was thrown`;
  return error.message === '' ? error.name : error.message;
}

/**
 * Writes text as a string, whatever it holds.
 *
 * @param {Writer} writer
 * @param {string} text
 */
function writeText(writer, text) {
  writer.u8(TAG_STRING);
  writer.block(encodeUtf8(text));
}
