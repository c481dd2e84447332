/**
 * Stops a running program: by the main thread, which hears of signals and puts the number of one into shared memory, or by
 * the program itself.
 */

import { constants } from 'node:os';

/** @type {Map<number, string>} */
const NAMES = new Map(Object.entries(constants.signals).map(([name, number]) => [number, name]));

/** The request to stop, as either thread sees it. */
export class Interrupt {
  /** @param {Int32Array} [shared] of the other thread's */
  constructor(shared = new Int32Array(new SharedArrayBuffer(4))) {
    this.shared = shared;
    /**
     * Exit code that the program has asked to end with; only its own thread knows.
     * @type {number | null}
     */
    this.exitCode = null;
  }

  /** Whether what runs is to stop. */
  get pending() {
    return this.signal !== 0 || this.exitCode !== null;
  }

  /** Number of the signal that asked to stop, 0 if none did. */
  get signal() {
    return Atomics.load(this.shared, 0);
  }

  /**
   * Ask to stop. The first signal counts.
   *
   * @param {'SIGINT' | 'SIGTERM' | 'SIGHUP' | 'SIGPIPE'} name
   */
  raise(name) {
    Atomics.compareExchange(this.shared, 0, 0, constants.signals[name]);
    Atomics.notify(this.shared, 0);
  }

  /** Forget the signal: what it should stop has stopped. */
  clear() {
    Atomics.store(this.shared, 0, 0);
  }

  /** What `lua` says of Ctrl-C, and the like of other signals. */
  get message() {
    return this.signal === constants.signals.SIGINT ? 'interrupted!' : `stopped by ${NAMES.get(this.signal)}`;
  }

  /**
   * Let a moment pass, which ends early if a signal comes.
   *
   * @param {number} milliseconds
   */
  pause(milliseconds) {
    Atomics.wait(this.shared, 0, 0, milliseconds);
  }
}
