/**
 * Counts the changes of a store that its machine did not ask for, for the service `revision`.
 *
 * @import { Store } from '../store/store.js'
 */

import { isPlain, MapStore } from '../store/map-store.js';

/** A random number of 64 bits, so that no other host goes on with the numbers of this one. */
function randomBase() {
  const words = Uint32Array.from({ length: 2 }, () => Math.random() * 0x100000000);
  return new BigUint64Array(words.buffer)[0];
}

/** The changes of one machine's store. */
export class Changes {
  /** @param {Store} store the one that all layers lie over */
  constructor(store) {
    /** @private */
    this.store = store;
    // A class that extends MapStore may change what it gives in other ways.
    const counts = store instanceof MapStore ? isPlain(store) : typeof store.mutations === 'number';
    /** Whether the store counts its changes. */
    this.areCounted = counts;
    /** @private */
    this.own = 0;
    /** @private */
    this.base = randomBase();
  }

  /**
   * Makes a function's changes the machine's own.
   *
   * @template {any[]} T
   * @template R
   * @param {(...args: T) => R} change
   * @returns {(...args: T) => R}
   */
  counting(change) {
    if (!this.areCounted) return change;
    return (...args) => {
      const before = this.count;
      try {
        return change(...args);
      } finally {
        this.own += this.count - before;
      }
    };
  }

  /** @returns {{ revision: bigint }} another number after any change that `counting` has not seen */
  revision() {
    return { revision: BigInt.asUintN(64, this.base + BigInt(this.count - this.own)) };
  }

  /** @private */
  get count() {
    return this.store.mutations || 0;
  }
}
