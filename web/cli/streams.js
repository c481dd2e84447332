/**
 * The standard streams of the thread that runs Lua, written to at once: Node hands a thread's own streams on through the
 * main thread, later.
 */

import { writeSync } from 'node:fs';

/** How long to wait for a pipe that is full and does not block. */
const FULL = 10;

/** Standard output and standard error. */
export class Streams {
  /** @param {import('./interrupt.js').Interrupt} interrupt */
  constructor(interrupt) {
    this.interrupt = interrupt;
    /** Whether what was written last ended with a line. */
    this.atLineStart = true;
    /** Whether nobody reads the output any more. */
    this.closed = false;
  }

  /**
   * Write what the program prints. If its reader is gone the program is asked to stop, as the system does with others.
   *
   * @param {Uint8Array} bytes
   */
  print(bytes) {
    if (bytes.length === 0 || this.closed) return;
    this.atLineStart = bytes[bytes.length - 1] === 0x0a;
    if (this.write(1, bytes)) return;
    this.closed = true;
    this.interrupt.raise('SIGPIPE');
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
   * @returns {boolean} false if it cannot be written
   */
  write(stream, bytes) {
    for (let done = 0; done < bytes.length; ) {
      try {
        done += writeSync(stream, bytes, done);
      } catch (error) {
        if (/** @type {NodeJS.ErrnoException} */ (error).code !== 'EAGAIN') return false;
        if (stream === 1 && this.interrupt.signal !== 0) return true;
        this.interrupt.pause(FULL);
      }
    }
    return true;
  }
}
