/**
 * Converts UTF-8 between JavaScript strings and byte ranges.
 *
 * Most texts that cross the boundary are short and ASCII (keys, small results). A `TextDecoder` call costs more than such
 * a text is worth, so they are read byte by byte; everything else goes through the platform's codecs.
 *
 * Two readings of bytes are offered:
 * - `decodeUtf8` answers `null` for bytes that are not UTF-8, so that the caller can keep them as bytes;
 * - `keyText` / `keyBytes` map *any* bytes to a string and back. A byte that is no part of valid UTF-8 becomes the lone
 *   surrogate U+DC80 + (byte - 0x80), as in Python's `surrogateescape`: valid UTF-8 never decodes to a lone surrogate, so
 *   two different byte strings never give the same text.
 */

const encoder = new TextEncoder();
// ignoreBOM: a leading U+FEFF is part of the text, and must not be dropped.
const lossyDecoder = new TextDecoder('utf-8', { ignoreBOM: true });
const strictDecoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Longest text that is read byte by byte; beyond it `TextDecoder` is faster. */
const SHORT = 24;

/**
 * Tells whether a value is bytes, that is a string for Lua: a `Uint8Array`, of whatever realm.
 *
 * @param {any} value
 * @returns {value is Uint8Array}
 */
export function isBytes(value) {
  return value instanceof Uint8Array || (ArrayBuffer.isView(value) && /** @type {any} */ (value)[Symbol.toStringTag] === 'Uint8Array');
}

/**
 * Encode a string as UTF-8. Lone surrogates become U+FFFD, as everywhere on the Web.
 *
 * @param {string} text
 * @returns {Uint8Array}
 */
export function encodeUtf8(text) {
  return encoder.encode(text);
}

/**
 * Encode as much of a string as fits at an offset of a byte view.
 *
 * @param {string} text
 * @param {Uint8Array} target where the bytes go; writing starts at its first byte
 * @returns {{ read?: number, written?: number }} UTF-16 units read and bytes written
 */
export function encodeInto(text, target) {
  return encoder.encodeInto(text, target);
}

/**
 * Decode the bytes `start` to `end` (exclusive) if they are valid UTF-8.
 *
 * @param {Uint8Array} bytes
 * @param {number} start
 * @param {number} end
 * @returns {string | null} the text, or null where the bytes are not UTF-8
 */
export function decodeUtf8(bytes, start, end) {
  if (end - start <= SHORT) {
    let text = '';
    let at = start;
    for (; at < end; at++) {
      const byte = bytes[at];
      if (byte > 0x7f) break;
      text += String.fromCharCode(byte);
    }
    if (at === end) return text;
  }
  try {
    return strictDecoder.decode(bytes.subarray(start, end));
  } catch (_invalid) {
    return null;
  }
}

/**
 * Decode bytes for reading by people: what is not UTF-8 shows as U+FFFD.
 *
 * @param {Uint8Array} bytes
 * @returns {string}
 */
export function decodeLossy(bytes) {
  return lossyDecoder.decode(bytes);
}

/**
 * The length of the valid UTF-8 sequence that starts at `at`, or 0 if none does.
 *
 * @param {Uint8Array} bytes
 * @param {number} at
 * @param {number} end
 * @returns {number} 0 to 4
 */
function sequenceLength(bytes, at, end) {
  const lead = bytes[at];
  if (lead < 0x80) return 1;
  if (lead < 0xc2 || lead > 0xf4) return 0;
  const length = lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
  if (at + length > end) return 0;
  // The second byte's range excludes overlong forms, surrogates and what lies beyond U+10FFFF.
  const second = bytes[at + 1];
  const low = lead === 0xe0 ? 0xa0 : lead === 0xf0 ? 0x90 : 0x80;
  const high = lead === 0xed ? 0x9f : lead === 0xf4 ? 0x8f : 0xbf;
  if (second < low || second > high) return 0;
  for (let next = at + 2; next < at + length; next++) {
    if ((bytes[next] & 0xc0) !== 0x80) return 0;
  }
  return length;
}

/**
 * The text of a key given as any bytes; see the head of this file. `keyBytes` is its inverse.
 *
 * @param {Uint8Array} bytes
 * @param {number} start
 * @param {number} end
 * @returns {string}
 */
export function keyText(bytes, start, end) {
  const text = decodeUtf8(bytes, start, end);
  if (text !== null) return text;
  let escaped = '';
  let at = start;
  while (at < end) {
    const from = at;
    let length;
    while (at < end && (length = sequenceLength(bytes, at, end)) > 0) at += length;
    if (at > from) escaped += strictDecoder.decode(bytes.subarray(from, at));
    if (at < end) escaped += String.fromCharCode(0xdc00 + bytes[at++]);
  }
  return escaped;
}

/** Any lone surrogate: with the `u` flag a paired one is not matched on its own. */
const LONE_SURROGATE = /[\ud800-\udfff]/u;

/**
 * The bytes of a key's text, exactly those that `keyText` was given.
 *
 * @param {string} text
 * @returns {Uint8Array}
 * @throws {RangeError} when the text has a lone surrogate that stands for no byte
 */
export function keyBytes(text) {
  if (!LONE_SURROGATE.test(text)) return encoder.encode(text);
  /** @type {number[]} */
  const bytes = [];
  for (const character of text) {
    const code = /** @type {number} */ (character.codePointAt(0));
    if (code >= 0xdc80 && code <= 0xdcff) {
      bytes.push(code - 0xdc00);
    } else if (code >= 0xd800 && code <= 0xdfff) {
      throw new RangeError(`key text has the lone surrogate U+${code.toString(16).toUpperCase()}, which stands for no byte`);
    } else {
      for (const byte of encoder.encode(character)) bytes.push(byte);
    }
  }
  return Uint8Array.from(bytes);
}

/**
 * Counts the bytes that `keyBytes` gives for a key's text.
 *
 * @param {string} text
 * @returns {number}
 */
export function keyLength(text) {
  let { length } = text;
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    if (unit < 0x80) continue;
    if (unit < 0x800) length++;
    else if (unit < 0xd800 || unit > 0xdfff) length += 2;
    else if (unit < 0xdc00 && isLowSurrogate(text.charCodeAt(at + 1))) {
      // A pair is four bytes, a lone one stands for a byte.
      length += 2;
      at++;
    }
  }
  return length;
}

/**
 * @param {number} unit NaN behind the end
 * @returns {boolean}
 */
function isLowSurrogate(unit) {
  return unit >= 0xdc00 && unit <= 0xdfff;
}

/**
 * Tells whether a string can be written as UTF-8 without loss.
 *
 * @param {string} text
 * @returns {boolean}
 */
export function isWellFormed(text) {
  return !LONE_SURROGATE.test(text);
}

/** Longest key that the cache holds. */
const CACHED = 64;

/** Entries of the cache, as a power of two. */
const SLOTS = 4096;

/**
 * Remembers the strings of recently seen keys by their bytes.
 *
 * Building a string for every access would cost more than the access: a fresh string has to be hashed again before a Map
 * can look it up. A small direct-mapped table gives back the string made last time, its hash included. A wrong guess costs
 * one comparison; nothing depends on a hit.
 */
export class KeyCache {
  constructor() {
    /** @type {string[]} */
    this.slots = new Array(SLOTS).fill('');
    /**
     * An array of each length, to make strings from: that is the fastest way from a few bytes to a string.
     *
     * @type {number[][]}
     */
    this.codes = [];
    for (let length = 0; length <= CACHED; length++) this.codes.push(new Array(length).fill(0));
  }

  /**
   * The text of the key at `start` to `end`, as `keyText` gives it.
   *
   * @param {Uint8Array} bytes
   * @param {number} start
   * @param {number} end
   * @returns {string}
   */
  text(bytes, start, end) {
    const length = end - start;
    if (length > CACHED) return keyText(bytes, start, end);
    let hash = length;
    for (let at = start; at < end; at++) {
      const byte = bytes[at];
      if (byte > 0x7f) return keyText(bytes, start, end);
      hash = (Math.imul(hash, 31) + byte) | 0;
    }
    const slot = (hash ^ (hash >>> 12)) & (SLOTS - 1);
    const known = this.slots[slot];
    if (known.length === length) {
      let at = 0;
      while (at < length && known.charCodeAt(at) === bytes[start + at]) at++;
      if (at === length) return known;
    }
    const codes = this.codes[length];
    for (let at = 0; at < length; at++) codes[at] = bytes[start + at];
    const text = String.fromCharCode.apply(null, codes);
    this.slots[slot] = text;
    return text;
  }
}
