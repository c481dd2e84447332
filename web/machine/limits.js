/**
 * Reads limits of what a call of Lua may use from the options of a machine and of a call, and tells them to the module.
 *
 * @import { LuaInstance } from '../loader.js'
 */

import { HEAP_LEAST } from '../loader.js';

/**
 * @typedef {object} Limits
 * @property {number} [instructions] rounds of loops and calls of Lua functions
 * @property {number} [milliseconds] time, looked at between instructions
 * @property {number} [outputBytes] bytes of output
 */

/**
 * The names of the limits, in the order in which the module takes them.
 *
 * @type {(keyof Limits)[]}
 */
const LIMITS = ['instructions', 'milliseconds', 'outputBytes'];
const LONGEST = 0xffffffff;

/**
 * Reads limits as the module takes them.
 *
 * @param {Limits} options
 * @param {[number, number, number]} defaults for what the options do not name
 * @returns {[number, number, number]} 0 for no limit
 * @throws {RangeError}
 */
export function limitsOf(options, defaults) {
  const limits = defaults.map((limit, index) => {
    const name = LIMITS[index];
    const given = options[name];
    if (given === undefined) return limit;
    if (given === Infinity) return 0;
    if (typeof given === 'number' && given >= 1 && given <= LONGEST) return Math.floor(given);
    throw new RangeError(`the limit ${name} has to be a number from 1 to ${LONGEST}, or Infinity, not ${String(given)}`);
  });
  return /** @type {[number, number, number]} */ (limits);
}

/**
 * Reads the size of a heap as the module takes it.
 *
 * @param {number | undefined} bytes
 * @returns {number} 0 for all that there is
 * @throws {RangeError}
 */
export function heapLimitOf(bytes) {
  if (bytes === undefined || bytes === Infinity) return 0;
  if (typeof bytes === 'number' && bytes >= HEAP_LEAST && bytes <= LONGEST) return Math.floor(bytes);
  throw new RangeError(`the limit heapBytes has to be a number from ${HEAP_LEAST} to ${LONGEST}, or Infinity, not ${String(bytes)}`);
}

/** Tells a module the limits of its calls. */
export class LimitSetter {
  /**
   * @param {LuaInstance} instance
   * @param {Limits} defaults limits of a call that has none of its own
   */
  constructor(instance, defaults) {
    /** @private */
    this.instance = instance;
    /** @private */
    this.defaults = limitsOf(defaults, [0, 0, 0]);
    /**
     * The limits that the module has been told, if that is known.
     *
     * @private
     * @type {[number, number, number] | null}
     */
    this.told = null;
  }

  /**
   * Tells the module what the next call may use.
   *
   * @param {Limits | undefined} options
   */
  apply(options) {
    const { defaults, told } = this;
    const next = options === undefined ? defaults : limitsOf(options, defaults);
    if (told !== null && next[0] === told[0] && next[1] === told[1] && next[2] === told[2]) return;
    this.instance.setLimits(next[0], next[1], next[2]);
    this.told = next;
  }

  /** Forgets what the module was told, when its memory was replaced. */
  forget() {
    this.told = null;
  }
}
