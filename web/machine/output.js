/**
 * Gathers what a program prints during one run, and hands it on as it comes.
 */

import { decodeLossy } from '../bytes/text.js';

/**
 * Receives output as it comes: its text and, for output that is not text, its bytes. A character may arrive in two
 * pieces; its text then comes with the second.
 *
 * @typedef {(text: string, bytes: Uint8Array) => void} OnPrint
 */

/** Output of the runs of one machine, one run at a time. */
export class Output {
  /**
   * @param {OnPrint | undefined} onPrint
   * @param {boolean} keep whether the output is kept for the result
   */
  constructor(onPrint, keep) {
    this.onPrint = onPrint;
    this.keep = keep;
    /** @type {Uint8Array[] | null} pieces of the current run */
    this.pieces = null;
    this.decoder = new TextDecoder('utf-8', { ignoreBOM: true });
    /**
     * What the runs have printed, and what `onPrint` threw, that wait for those inside them to end, the innermost last.
     *
     * @type {{ pieces: Uint8Array[] | null, failed: boolean, failure: unknown }[]}
     */
    this.outer = [];
    /** How many bytes were printed since the count was last set to 0. */
    this.count = 0;
    /** What `onPrint` threw, the first time in this run. */
    this.failed = false;
    /** @type {unknown} */
    this.failure = undefined;
  }

  /** Forgets the run before. */
  reset() {
    if (this.pieces !== null) {
      const { outer, pieces } = this;
      if (outer.length > 0) {
        const last = outer[outer.length - 1];
        last.pieces = (last.pieces || []).concat(pieces);
      }
      this.pieces = null;
    }
    this.failed = false;
    this.failure = undefined;
  }

  /** Lets other runs begin inside this one. */
  suspend() {
    const { pieces, failed, failure } = this;
    this.outer.push({ pieces, failed, failure });
    this.pieces = null;
    this.failed = false;
    this.failure = undefined;
  }

  /** Goes on with the run that was suspended; what the runs inside it printed is part of its output. */
  resume() {
    this.reset();
    const outer = this.outer.pop();
    if (outer === undefined) return;
    this.pieces = outer.pieces;
    this.failed = outer.failed;
    this.failure = outer.failure;
  }

  /**
   * Takes a piece of output.
   *
   * @param {Uint8Array} bytes valid only during the call
   */
  take(bytes) {
    this.count += bytes.length;
    const copy = bytes.slice();
    if (this.keep) {
      if (this.pieces === null) this.pieces = [copy];
      else this.pieces.push(copy);
    }
    if (this.onPrint === undefined) return;
    try {
      this.onPrint(this.decoder.decode(copy, { stream: true }), copy);
    } catch (error) {
      // The program is not to blame, and goes on; whoever started it gets the exception.
      if (!this.failed) this.failure = error;
      this.failed = true;
    }
  }

  /**
   * Ends the run and gives its whole output.
   *
   * @returns {string}
   * @throws what `onPrint` threw
   */
  finish() {
    if (this.onPrint !== undefined) {
      // The rest of a character may be what the run around this one prints next.
      const rest = this.outer.length === 0 ? this.decoder.decode() : '';
      if (rest !== '' && !this.failed) this.onPrint(rest, new Uint8Array(0));
    }
    const { pieces } = this;
    if (this.failed) throw this.failure;
    if (pieces === null) return '';
    if (pieces.length === 1) return decodeLossy(pieces[0]);
    const whole = new Uint8Array(pieces.reduce((length, piece) => length + piece.length, 0));
    let at = 0;
    for (const piece of pieces) {
      whole.set(piece, at);
      at += piece.length;
    }
    return decodeLossy(whole);
  }
}
