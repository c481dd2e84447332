/**
 * Converts keys of external tables between their JavaScript values and their form as text, which is what stores see.
 *
 * | Lua                     | form                        | JavaScript                                              |
 * | ----------------------- | --------------------------- | ------------------------------------------------------- |
 * | string of ordinary text | itself                      | `string`                                                |
 * | any other string        | `["..."]`                   | `string` if valid UTF-8, else `Uint8Array`              |
 * | integer                 | `[5]`                       | `number` if safe, else `BigInt`                         |
 * | float                   | `[1.5]`, `[1e300]`, `[inf]` | `number`                                                |
 * | boolean                 | `[true]`, `[false]`         | `boolean`                                               |
 *
 * Text is not ordinary if it is empty, starts with `[` or a byte order mark, or holds a line feed, a carriage return or a
 * zero byte; then these, and bytes that are no UTF-8, are written as `\xHH`, and a backslash as `\\`.
 *
 * As in Lua, a number that has an integer's value is that integer: 1.0 is 1, and -0 is 0. The string '1' is another key.
 */

import { DecodeError, EncodeError } from '../errors.js';
import { KEY_LIMIT } from '../loader.js';
import { decodeUtf8, encodeUtf8, isBytes, isWellFormed, keyBytes } from '../bytes/text.js';
import { BRACKET, integerForm, integerOf } from '../store/integer-key.js';

/** The form under which a table keeps its metatable; no key has it. */
export const METATABLE = '[meta]';

/** Exclusive limit of the integers of 64 bits: 2^63. */
const INTEGER_LIMIT = 0x8000000000000000;

const ESCAPED = /[\n\r\0]/;

const ORDINARY_START = /^[^[\ufeff]/;

const HEX = '0123456789ABCDEF';

/**
 * Writes the form of a key.
 *
 * @param {any} key
 * @param {string} table what the key belongs to, for the error
 * @returns {string}
 * @throws {EncodeError} for what cannot be a key
 */
export function keyForm(key, table) {
  switch (typeof key) {
    case 'string':
      if (!isWellFormed(key)) return refuse(table, JSON.stringify(key), 'a key with a lone surrogate, which UTF-8 cannot express');
      // No character has more bytes than three for each unit.
      if (key.length * 3 > KEY_LIMIT) checkLength(encodeUtf8(key).length, table);
      return stringForm(key);
    case 'number':
      if (key !== key) return refuse(table, 'NaN', 'this cannot be a key of a Lua table');
      return numberForm(key);
    case 'bigint':
      if (BigInt.asIntN(64, key) !== key) return refuse(table, String(key), 'a key that does not fit in 64 bits');
      return integerForm(key);
    case 'boolean':
      return `[${key}]`;
    default:
      if (isBytes(key)) {
        checkLength(key.length, table);
        const text = decodeUtf8(key, 0, key.length);
        return text === null ? quote(key) : stringForm(text);
      }
      return refuse(table, describe(key), 'this cannot be a key of an external table');
  }
}

/**
 * @param {string} table
 * @param {string} key
 * @param {string} problem
 * @returns {never}
 */
function refuse(table, key, problem) {
  throw new EncodeError(problem, `${table}[${key}]`);
}

/**
 * @param {any} value
 * @returns {string}
 */
function describe(value) {
  if (typeof value !== 'object' || value === null) return typeof value === 'function' ? 'function' : String(value);
  return (value.constructor && value.constructor.name) || 'object';
}

/**
 * @param {number} length
 * @param {string} table
 */
function checkLength(length, table) {
  if (length > KEY_LIMIT) refuse(table, '...', `a key has at most ${KEY_LIMIT} bytes, this one has ${length}`);
}

/**
 * @param {string} text
 * @returns {string}
 */
function stringForm(text) {
  return ORDINARY_START.test(text) && !ESCAPED.test(text) ? text : quote(encodeUtf8(text));
}

/**
 * @param {Uint8Array} bytes
 * @returns {string}
 */
function quote(bytes) {
  let form = '["';
  let from = 0;
  const flush = (/** @type {number} */ to) => {
    const text = decodeUtf8(bytes, from, to);
    if (text !== null) form += text.replace(/\\/g, '\\\\');
    return text !== null;
  };
  for (let at = 0; at < bytes.length; ) {
    const length = characterLength(bytes, at);
    if (length === 0 || bytes[at] === 0x0a || bytes[at] === 0x0d || bytes[at] === 0) {
      flush(at);
      form += `\\x${HEX[bytes[at] >> 4]}${HEX[bytes[at] & 15]}`;
      at++;
      from = at;
    } else {
      at += length;
    }
  }
  flush(bytes.length);
  return `${form}"]`;
}

/**
 * Counts the bytes of the UTF-8 character at a place, 0 if there is none.
 *
 * @param {Uint8Array} bytes
 * @param {number} at
 * @returns {number}
 */
function characterLength(bytes, at) {
  for (let length = 1; length <= 4 && at + length <= bytes.length; length++) {
    if (decodeUtf8(bytes, at, at + length) !== null) return length;
  }
  return 0;
}

/**
 * Writes the form of a number.
 *
 * @param {number} number not NaN
 * @returns {string}
 */
function numberForm(number) {
  if (Number.isSafeInteger(number)) return integerForm(number + 0);
  if (Number.isInteger(number) && number >= -INTEGER_LIMIT && number < INTEGER_LIMIT) return integerForm(BigInt(number));
  const sign = number < 0 ? '-' : '';
  const magnitude = Math.abs(number);
  if (magnitude === Infinity) return `[${sign}inf]`;
  // Fifteen digits always survive, and seventeen always suffice.
  for (let count = 15; ; count++) {
    const form = floatForm(magnitude, count);
    if (count === 17 || Number(form) === magnitude) return `[${sign}${form}]`;
  }
}

/**
 * Writes a number with so many significant digits, written plainly where it is neither large nor small.
 *
 * @param {number} magnitude finite and not 0
 * @param {number} count
 * @returns {string}
 */
function floatForm(magnitude, count) {
  const [mantissa, exponent] = magnitude.toExponential(count - 1).split('e');
  let digits = mantissa.replace('.', '');
  // JavaScript rounds a half up, and Lua's libraries to even.
  const [exact] = magnitude.toExponential(60).split('e');
  const all = exact.replace('.', '');
  if (/^50*$/.test(all.slice(count)) && Number(all[count - 1]) % 2 === 0) digits = all.slice(0, count);
  digits = digits.replace(/0+$/, '');
  const power = Number(exponent);
  if (power < -5 || power > 15) return `${digits[0]}${digits.length > 1 ? `.${digits.slice(1)}` : ''}e${power}`;
  if (power < 0) return `0.${'0'.repeat(-power - 1)}${digits}`;
  return `${digits.slice(0, power + 1).padEnd(power + 1, '0')}.${digits.slice(power + 1) || '0'}`;
}

/**
 * Reads the key that has a form.
 *
 * @param {string} form
 * @returns {any}
 * @throws {DecodeError} if no key has it
 */
export function keyOfForm(form) {
  if (form.charCodeAt(0) !== BRACKET) {
    if (stringForm(form) !== form || (form.length * 3 > KEY_LIMIT && encodeUtf8(form).length > KEY_LIMIT)) noForm(form);
    return form;
  }
  const integer = integerOf(form);
  const key = integer === null ? bracketedKey(form.slice(1, -1)) : integer;
  // What has another form than this was not written here.
  if (key === null || key !== key || !isForm(key, form)) noForm(form);
  return key;
}

/**
 * Reads what stands between the brackets of a key that is no integer.
 *
 * @param {string} inner
 * @returns {any} null or NaN if it is nothing
 */
function bracketedKey(inner) {
  if (inner === 'true' || inner === 'false') return inner === 'true';
  if (inner[0] === '"') return unquote(inner);
  if (inner === 'inf' || inner === '-inf') return inner === 'inf' ? Infinity : -Infinity;
  return Number(inner);
}

/**
 * @param {string} form
 * @returns {never}
 */
function noForm(form) {
  throw new DecodeError(`${JSON.stringify(form)} is the form of no key`, 0);
}

/**
 * @param {any} key
 * @param {string} form
 * @returns {boolean}
 */
function isForm(key, form) {
  try {
    return keyForm(key, '') === form;
  } catch (_refused) {
    return false;
  }
}

/**
 * @param {string} inner with its quotes
 * @returns {string | Uint8Array | null}
 */
function unquote(inner) {
  if (!/^"(?:[^\\]|\\\\|\\x[0-9A-F]{2})*"$/.test(inner) || inner.length < 2) return null;
  /** @type {number[]} */
  const bytes = [];
  for (const [part] of inner.slice(1, -1).matchAll(/\\\\|\\x[0-9A-F]{2}|[^\\]+/g)) {
    if (part === '\\\\') bytes.push(0x5c);
    else if (part[0] === '\\') bytes.push(parseInt(part.slice(2), 16));
    else for (const byte of keyBytes(part)) bytes.push(byte);
  }
  const whole = Uint8Array.from(bytes);
  const text = decodeUtf8(whole, 0, whole.length);
  return text === null ? whole : text;
}
