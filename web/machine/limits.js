/**
 * Limits of what a call of Lua may use, from the options of a machine and of a call.
 */

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
export const LIMITS = ['instructions', 'milliseconds', 'outputBytes'];
const LONGEST = 0xffffffff;

/**
 * Read limits as the module takes them.
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
