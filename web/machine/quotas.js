/**
 * Limits what lies outside a machine: the entries and bytes of its external tables.
 *
 * What is new is checked before it is stored. What undoes changes is not, and neither is what makes less of what there is, so
 * that a rollback never fails, and tables that hold more than a quota can be emptied.
 *
 * @import { Store } from '../store/store.js'
 */

import { LuaError } from '../errors.js';
import { encodeUtf8, keyLength } from '../bytes/text.js';
import { CountedStore } from '../store/counted-store.js';
import { METATABLE } from '../values/key.js';

/**
 * @typedef {object} Quotas
 * @property {number} [tableEntries] entries of all external tables together
 * @property {number} [tableBytes] bytes of these, keys and values as they are stored
 */

/**
 * @typedef {object} TableUse
 * @property {number} tableEntries
 * @property {number} tableBytes
 */

/** Bytes of what stands in place of a metatable. A metatable has more. */
const MARK_LENGTH = 2;

/**
 * Reads a quota from options.
 *
 * @param {Quotas} options
 * @param {keyof Quotas} name
 * @returns {number} Infinity for none
 * @throws {RangeError}
 */
function quotaOf(options, name) {
  const given = options[name];
  if (given === undefined || given === Infinity) return Infinity;
  if (typeof given === 'number' && given >= 1 && given <= Number.MAX_SAFE_INTEGER) return Math.floor(given);
  throw new RangeError(`the limit ${name} has to be a number from 1 to ${Number.MAX_SAFE_INTEGER}, or Infinity, not ${String(given)}`);
}

/** The quotas of one machine. */
export class Quota {
  /**
   * Makes the quotas that options name.
   *
   * @param {Quotas} options
   * @param {Store} store
   * @returns {Quota | null} null if they name none
   * @throws {RangeError}
   */
  static of(options, store) {
    const entries = quotaOf(options, 'tableEntries');
    const bytes = quotaOf(options, 'tableBytes');
    return entries === Infinity && bytes === Infinity ? null : new Quota(entries, bytes, store);
  }

  /**
   * @private
   * @param {number} entries
   * @param {number} bytes
   * @param {Store} store
   */
  constructor(entries, bytes, store) {
    /** @private */
    this.entries = entries;
    /** @private */
    this.bytes = bytes;
    /** The store with the counts. */
    this.counted = new CountedStore(store);
    /**
     * Why the last entry from Lua was refused, if nobody has asked yet.
     *
     * @private
     */
    this.reason = '';
  }

  /** @returns {TableUse} what is used of the quotas */
  used() {
    const { entries, bytes } = this.counted;
    return { tableEntries: entries, tableBytes: bytes };
  }

  /**
   * Checks that an entry may be set.
   *
   * @param {number} tableId
   * @param {string} key
   * @param {number} length bytes of the value
   * @throws {LuaError}
   */
  check(tableId, key, length) {
    const { counted } = this;
    const old = counted.lengthOf(tableId, key);
    const bytes = old < 0 ? keyLength(key) + length : length - old;
    const beyondEntries = old < 0 && counted.entries >= this.entries;
    if (!beyondEntries && (bytes <= 0 || counted.bytes + bytes <= this.bytes)) return;
    // What keeps a table comes before its last entry is deleted, which makes room again.
    if (key === METATABLE && length === MARK_LENGTH && counted.size(tableId) > 0) return;
    throw beyondEntries ? refusal('tableEntries', `${this.entries} entries`) : refusal('tableBytes', `${this.bytes} bytes`);
  }

  /**
   * Keeps the reason why a function refuses to store, for the program that asked for it.
   *
   * @template {any[]} T
   * @template R
   * @param {(...args: T) => R} set
   * @returns {(...args: T) => R}
   */
  explaining(set) {
    return (...args) => {
      this.reason = '';
      try {
        return set(...args);
      } catch (error) {
        if (error instanceof LuaError) this.reason = error.message;
        throw error;
      }
    };
  }

  /**
   * Answers why the last request failed.
   *
   * @returns {{ reason: Uint8Array } | null}
   */
  takeReason() {
    const { reason } = this;
    this.reason = '';
    return reason === '' ? null : { reason: encodeUtf8(reason) };
  }
}

/**
 * @param {keyof Quotas} limit
 * @param {string} amount
 * @returns {LuaError}
 */
function refusal(limit, amount) {
  return new LuaError(`the limit of ${amount} in external tables is reached`, { limit });
}
