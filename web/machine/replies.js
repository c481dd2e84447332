/**
 * Reads what a call has left: its values and output, or the error that it ended with.
 *
 * @import { LuaInstance } from '../loader.js'
 * @import { Guard } from './guard.js'
 * @import { HeldValues } from './held-values.js'
 * @import { HostFunctions } from './host-functions.js'
 * @import { IoBuffer } from './io-buffer.js'
 * @import { Output } from './output.js'
 */

import { decodeLossy } from '../bytes/text.js';
import { LuaError } from '../errors.js';
import {
  PART_ERROR_VALUE,
  PART_EXCEPTION,
  PART_MESSAGE,
  PART_TRACEBACK,
  PART_VALUES,
  STATUS_MEMORY_ERROR,
  STATUS_TOO_LARGE,
} from '../loader.js';
import { Decoder } from '../values/decoder.js';
import { MANY_HELD } from './held-values.js';
import { Result } from './result.js';

const NOTHING = new Uint8Array(0);

/** Reads the replies of one machine. */
export class Replies {
  /**
   * @param {LuaInstance} instance
   * @param {object} parts of the same machine
   * @param {IoBuffer} parts.buffer
   * @param {Guard} parts.guard
   * @param {Output} parts.output
   * @param {Decoder} parts.decoder
   * @param {HeldValues} parts.held
   * @param {HostFunctions} parts.functions
   */
  constructor(instance, { buffer, guard, output, decoder, held, functions }) {
    /** @private */
    this.instance = instance;
    /** @private */
    this.buffer = buffer;
    /** @private */
    this.guard = guard;
    /** @private */
    this.output = output;
    /** @private */
    this.decoder = decoder;
    /** @private */
    this.held = held;
    /** @private */
    this.functions = functions;
    /**
     * What the last call threw that failed inside a JavaScript function.
     *
     * @type {unknown}
     */
    this.innerError = null;
  }

  /**
   * Reads the reply of a call.
   *
   * @param {number} left what the export returned: bytes of the result in the I/O buffer, or -(bytes of the message + 1)
   * @returns {Result}
   * @throws {LuaError}
   */
  read(left) {
    return left >= 0 ? this.succeed(left) : this.fail(left);
  }

  /**
   * @private
   * @param {number} length bytes of the result in the I/O buffer
   * @returns {Result}
   */
  succeed(length) {
    if (length === 0) return new Result([], '');
    const { instance } = this;
    const { address } = this.buffer;
    const outputLength = instance.view.getUint32(address, true);
    const from = address + 4 + outputLength;
    const values = this.decoder.results(from, address + length);
    return new Result(values, this.finishOutput(instance.bytes.subarray(address + 4, from)));
  }

  /**
   * Takes the rest of the output and gives all of it.
   *
   * @private
   * @param {Uint8Array} rest
   * @returns {string}
   */
  finishOutput(rest) {
    // Wherever a run's output is handed on, the machine counts as running: `onPrint` may not call it.
    const { guard } = this;
    const { obstacle } = guard;
    guard.obstacle = 'running';
    try {
      if (rest.length > 0) this.output.take(rest);
      return this.output.finish();
    } finally {
      guard.obstacle = obstacle;
    }
  }

  /**
   * @private
   * @param {number} length -(bytes of the message in the I/O buffer + 1)
   * @returns {Result} if all that is wrong is that the result did not fit the buffer
   * @throws {LuaError}
   */
  fail(length) {
    const inBuffer = this.buffer.bytes.slice(0, -length - 1);
    const code = this.instance.getStatus();
    if (code === STATUS_TOO_LARGE) {
      const values = this.part(PART_VALUES);
      if (values !== null) return new Result(this.decoderOf(values).results(0, values.length), this.finishOutput(NOTHING));
    }
    const text = decodeLossy(this.part(PART_MESSAGE) || inBuffer);
    const traceback = this.part(PART_TRACEBACK);
    const value = this.part(PART_ERROR_VALUE);
    const cause = this.causeOf(this.part(PART_EXCEPTION));
    const error = new LuaError(text + this.advice(code), {
      code,
      traceback: traceback === null ? '' : decodeLossy(traceback),
      value: value === null ? text : this.decoderOf(value).value(0, value.length),
      output: this.finishOutput(NOTHING),
      cause,
    });
    if (this.guard.depth > 0) this.innerError = error;
    throw error;
  }

  /**
   * @private
   * @param {number} code status of the call
   * @returns {string} what a message says besides, if JavaScript may be what fills the memory
   */
  advice(code) {
    const { size } = this.held;
    if (code !== STATUS_MEMORY_ERROR || size < MANY_HELD) return '';
    return ` (JavaScript holds ${size} Lua functions: release() those that are not needed, or get them in lua.scope())`;
  }

  /**
   * Makes a decoder of bytes outside the module's memory.
   *
   * @private
   * @param {Uint8Array} bytes
   * @returns {Decoder}
   */
  decoderOf(bytes) {
    return new Decoder(bytes, this.decoder.references);
  }

  /**
   * Finds what JavaScript threw behind an error.
   *
   * @private
   * @param {Uint8Array | null} number of the exception of a function, if the error is one
   * @returns {unknown}
   */
  causeOf(number) {
    const thrown = this.instance.takeThrown();
    const { exception } = this.functions;
    if (number !== null && new DataView(number.buffer).getUint32(0, true) === exception.number) return exception.error;
    return thrown === null ? undefined : thrown.error;
  }

  /**
   * Reads a part of the last reply, whole.
   *
   * @private
   * @param {number} number `PART_*`
   * @returns {Uint8Array | null} null if the reply has no such part
   */
  part(number) {
    const { instance, buffer } = this;
    const size = instance.resultSize(number);
    if (size < 0) return null;
    const whole = new Uint8Array(size);
    let at = 0;
    while (at < size) {
      const count = instance.resultRead(number, at, buffer.address, buffer.bytes.length);
      if (count <= 0) return null;
      whole.set(buffer.bytes.subarray(0, count), at);
      at += count;
    }
    return whole;
  }
}
