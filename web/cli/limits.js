/**
 * Reads the values of `--limit`.
 */

import { UsageError } from './errors.js';

/** @typedef {'instructions' | 'milliseconds' | 'outputBytes' | 'tableEntries' | 'tableBytes' | 'heapBytes'} LimitOption */
/** @typedef {Partial<Record<LimitOption, number>>} Limits */

/** Names on the command line, and the options of `Lua.create` that they stand for. */
const OPTIONS = new Map(
  /** @type {[string, LimitOption][]} */ ([
    ['instructions', 'instructions'],
    ['milliseconds', 'milliseconds'],
    ['ms', 'milliseconds'],
    ['output-bytes', 'outputBytes'],
    ['table-entries', 'tableEntries'],
    ['table-bytes', 'tableBytes'],
    ['heap-bytes', 'heapBytes'],
    ['heap', 'heapBytes'],
  ]),
);

/** The least heap that a machine takes, as `HEAP_LEAST` of its module. */
const LEAST_HEAP = 131072;

/** The machine counts in 32 bits. */
export const HIGHEST = 0xffffffff;

/** @type {Record<string, number>} */
const FACTORS = { '': 1, k: 1e3, K: 1e3, M: 1e6, G: 1e9 };

/**
 * Add limits to those that there are.
 *
 * @param {Limits} limits
 * @param {string} text one `NAME=NUMBER`, or several with commas between them
 * @throws {UsageError}
 */
export function addLimits(limits, text) {
  for (const part of text.split(',')) {
    const equals = part.indexOf('=');
    if (equals < 0) throw new UsageError(`--limit needs NAME=NUMBER, not '${part}'`);
    const name = part.slice(0, equals);
    const option = OPTIONS.get(name);
    if (option === undefined) throw new UsageError(`there is no limit '${name}' (there is: ${[...OPTIONS.keys()].join(', ')})`);
    if (limits[option] !== undefined) throw new UsageError(`the limit of ${name} is given twice`);
    limits[option] = numberOf(name, option, part.slice(equals + 1));
  }
}

/**
 * @param {string} name
 * @param {LimitOption} option
 * @param {string} text
 * @returns {number}
 */
function numberOf(name, option, text) {
  const least = option === 'heapBytes' ? LEAST_HEAP : 1;
  const [, digits, unit] = /^(\d+(?:\.\d+)?(?:[eE]\d+)?)([kKMG]?)$/.exec(text) || [];
  // Rounded, as 1.001 * 1000 is not whole.
  const exact = digits === undefined ? NaN : Number(digits) * FACTORS[unit];
  const number = Math.round(exact);
  if (number >= least && number <= HIGHEST && Math.abs(exact - number) < 1e-6) return number;
  throw new UsageError(`the limit of ${name} has to be a whole number from ${least} to ${HIGHEST}, as 250, 1e6, 10k or 5M, not '${text}'`);
}
