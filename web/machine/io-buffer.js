/**
 * The I/O buffer of a module: the place in its memory where short requests and all replies lie.
 *
 * @import { LuaInstance } from '../loader.js'
 */

import { encodeInto } from '../bytes/text.js';

/** Longest code that is copied to memory character by character; beyond it `encodeInto` is faster. */
const SHORT = 48;

/** The I/O buffer of one machine. */
export class IoBuffer {
  /** @param {LuaInstance} instance */
  constructor(instance) {
    /** Where it begins in the module's memory. */
    this.address = instance.getBufferPtr();
    this.bytes = instance.bytes.subarray(this.address, this.address + instance.getBufferSize());
    /** How often the buffer was overwritten: who writes a request finds out by it that another came in between. */
    this.uses = 0;
  }

  /**
   * Writes code to the start of the buffer.
   *
   * @param {string | Uint8Array} code
   * @returns {number} its bytes, or -1 if it does not fit
   */
  writeCode(code) {
    const { bytes } = this;
    const { length } = code;
    if (typeof code !== 'string') {
      if (length > bytes.length) return -1;
      bytes.set(code);
      return length;
    }
    if (length <= SHORT) {
      let at = 0;
      for (; at < length; at++) {
        const unit = code.charCodeAt(at);
        if (unit > 0x7f) break;
        bytes[at] = unit;
      }
      if (at === length) return length;
    }
    const { read, written } = encodeInto(code, bytes);
    return read === length ? /** @type {number} */ (written) : -1;
  }
}
