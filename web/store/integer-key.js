/**
 * Reads and writes the form of keys that are integers: the digits in brackets, as Lua writes them (`[5]`, `[-12]`).
 */

/** What the form of every key begins with that is no ordinary text. */
export const BRACKET = 0x5b;

const END_BRACKET = 0x5d;
const MINUS = 0x2d;
const ZERO = 0x30;

/** Most digits of a small integer; with more it might not be safe as a number. */
const DIGITS = 15;

/** Most digits of an integer that surely fits 31 bits, where arithmetic is cheapest. */
const FEW_DIGITS = 9;

const SMALL = /^\[(?:0|-?[1-9]\d{0,14})\]$/;

const INTEGER = /^\[(?:0|-?[1-9]\d*)\]$/;

/**
 * Writes the form of an integer.
 *
 * @param {number | bigint} integer a safe one, if a number
 * @returns {string}
 */
export function integerForm(integer) {
  return `[${integer}]`;
}

/**
 * Reads an integer of any size.
 *
 * @param {string} form
 * @returns {number | bigint | null} a number if it is a safe one; null if the form is not an integer's
 */
export function integerOf(form) {
  if (!INTEGER.test(form)) return null;
  const digits = form.slice(1, -1);
  return Number.isSafeInteger(Number(digits)) ? Number(digits) : BigInt(digits);
}

/**
 * Reads a small integer, one of at most 15 digits.
 *
 * @param {string} form
 * @returns {number | null} null if the form is not that of one
 */
export function smallIntegerOf(form) {
  return SMALL.test(form) ? Number(form.slice(1, -1)) : null;
}

/**
 * Reads a small integer key from memory, if the form is one.
 *
 * @param {Uint8Array} memory
 * @param {number} start where the form's bracket is
 * @param {number} end
 * @returns {number | null}
 */
export function readInteger(memory, start, end) {
  const last = end - 1;
  const negative = memory[start + 1] === MINUS;
  let at = negative ? start + 2 : start + 1;
  const count = last - at;
  if (count < 1 || count > DIGITS || memory[last] !== END_BRACKET) return null;
  if (memory[at] === ZERO && (negative || count > 1)) return null;
  let number = 0;
  if (count <= FEW_DIGITS) {
    for (; at < last; at++) {
      const digit = memory[at] - ZERO;
      if (digit < 0 || digit > 9) return null;
      number = (Math.imul(number, 10) + digit) | 0;
    }
  } else {
    for (; at < last; at++) {
      const digit = memory[at] - ZERO;
      if (digit < 0 || digit > 9) return null;
      number = number * 10 + digit;
    }
  }
  return negative ? -number : number;
}

/**
 * Writes the key of a list.
 *
 * @param {number} number from 1 on
 * @param {Uint8Array} target
 * @param {number} at
 * @returns {number} where it ends
 */
export function writeIndex(number, target, at) {
  let digits = 1;
  for (let limit = 10; number >= limit; limit *= 10) digits++;
  target[at] = BRACKET;
  let rest = number;
  for (let place = at + digits; place > at; place--) {
    const tenth = Math.floor(rest / 10);
    target[place] = 0x30 + rest - 10 * tenth;
    rest = tenth;
  }
  target[at + digits + 1] = END_BRACKET;
  return at + digits + 2;
}
