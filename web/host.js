/**
 * The loader's host over a store: what Lua asks for on the one side, tables of text keys and byte values on the other.
 */

import { KeyCache, keyBytes } from './text.js';

/** Longest value that Lua may give to a store in one piece. The whole heap has less than twice that. */
const MAX_VALUE_LENGTH = 1 << 20;

/**
 * What Lua may ask for besides tables.
 *
 * @typedef {object} Environment
 * @property {() => { unixSeconds: number, cpuSeconds: number }} [clock] for `os.time` and `os.clock`
 * @property {(unixSeconds: number) => number} [utcOffset] seconds that local time is ahead of UTC at an instant
 * @property {() => { low: bigint, high: bigint }} [entropy] 128 random bits, for the seed of `math.random`
 */

/** @returns {{ unixSeconds: number, cpuSeconds: number }} */
function systemClock() {
  return { unixSeconds: Date.now() / 1000, cpuSeconds: performance.now() / 1000 };
}

/**
 * @param {number} unixSeconds
 * @returns {number}
 */
function systemUtcOffset(unixSeconds) {
  const minutes = new Date(unixSeconds * 1000).getTimezoneOffset();
  return Number.isNaN(minutes) ? 0 : -60 * minutes;
}

/** @returns {{ low: bigint, high: bigint }} */
function systemEntropy() {
  const words = new Uint32Array(4);
  if (typeof crypto !== 'undefined') {
    crypto.getRandomValues(words);
  } else {
    // Node 18 has no global `crypto`. A seed for `math.random` need not be a secret.
    for (let index = 0; index < 4; index++) words[index] = Math.random() * 0x100000000;
  }
  const [low, high] = new BigUint64Array(words.buffer);
  return { low, high };
}

/**
 * Make the loader's host.
 *
 * @param {import('./store.js').Store} store
 * @param {(data: Uint8Array) => void} output takes what a program prints; the bytes are valid only during the call
 * @param {Environment} environment what the system answers by default
 * @returns {import('./loader.js').Host}
 */
export function createHost(store, output, environment) {
  const keys = new KeyCache();
  const utcOffset = environment.utcOffset || systemUtcOffset;
  return {
    maxValueLength: MAX_VALUE_LENGTH,
    set(tableId, key, value) {
      store.set(tableId, keys.text(key, 0, key.length), value.slice());
      return 0;
    },
    get(tableId, key, room) {
      const value = store.get(tableId, keys.text(key, 0, key.length));
      if (value === undefined) return -1;
      if (value.length > room.length) return -value.length;
      room.set(value);
      return value.length;
    },
    delete(tableId, key) {
      store.delete(tableId, keys.text(key, 0, key.length));
      return 0;
    },
    size(tableId) {
      return store.size(tableId);
    },
    keys(tableId, room) {
      const list = keyBytes(Array.from(store.keys(tableId)).join('\n'));
      if (list.length > room.length) return -list.length;
      room.set(list);
      return list.length;
    },
    services: {
      clock: environment.clock || systemClock,
      utcOffset: (unixSeconds) => ({ seconds: utcOffset(unixSeconds) }),
      entropy: environment.entropy || systemEntropy,
      output,
    },
  };
}
