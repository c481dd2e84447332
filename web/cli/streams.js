/**
 * Writes to the standard streams at once, from the thread that runs Lua: Node hands a thread's own streams on through the
 * main thread, later.
 *
 * @import { Interrupt } from './interrupt.js'
 */

import { writeSync } from 'node:fs';

import { outputFailure } from './errors.js';

/** How long to wait for a pipe that is full and does not block. */
const FULL = 10;

/** Standard output and standard error. */
export class Streams {
  /** @param {Interrupt} interrupt */
  constructor(interrupt) {
    this.interrupt = interrupt;
    /** Whether what was written last ended with a line. */
    this.atLineStart = true;
    /** Whether the output cannot be written any more. */
    this.closed = false;
  }

  /**
   * Write what the program prints. If its reader is gone the program is asked to stop, as the system does with others; if it
   * cannot be written for another reason, say a full disk, that is said, and the program ends with exit code 1.
   *
   * @param {Uint8Array} bytes
   */
  print(bytes) {
    if (bytes.length === 0 || this.closed) return;
    this.atLineStart = bytes[bytes.length - 1] === 0x0a;
    const failure = this.write(1, bytes);
    if (failure === null) return;
    this.closed = true;
    if (failure.code === 'EPIPE') {
      this.interrupt.raise('SIGPIPE');
    } else {
      this.report(`lua-persistent: ${outputFailure(failure)}`);
      this.interrupt.exitCode = 1;
    }
  }

  /**
   * Write a message to standard error.
   *
   * @param {string} text one or more lines
   */
  report(text) {
    this.write(2, Buffer.from(`${text}\n`));
  }

  /**
   * @private
   * @param {number} stream
   * @param {Uint8Array} bytes
   * @returns {NodeJS.ErrnoException | null} why it cannot be written, if so
   */
  write(stream, bytes) {
    for (let done = 0; done < bytes.length; ) {
      try {
        done += writeSync(stream, bytes, done);
      } catch (error) {
        const failure = /** @type {NodeJS.ErrnoException} */ (error);
        if (failure.code !== 'EAGAIN') return failure;
        if (stream === 1 && this.interrupt.signal !== 0) return null;
        this.interrupt.pause(FULL);
      }
    }
    return null;
  }
}
