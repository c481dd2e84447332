/**
 * Writes the values of tables as JSON text for a database, and reads them.
 *
 * The form is that of exports (web/values/json.js) but for numbers, of which SQLite knows both kinds: a number with a point or
 * an exponent is a float, any other an integer of up to 64 bits. `{"raw": "AA=="}` is nil, so that `null` can mean that there
 * is no value.
 */

import { readU32 } from '../bytes/integers.js';
import { TAG_BOOLEAN, TAG_EXTERNAL_TABLE, TAG_FLOAT, TAG_INTEGER, TAG_NIL, TAG_STRING } from '../loader.js';
import { decodeUtf8, encodeInto, encodeUtf8 } from '../bytes/text.js';
import { referenceIn } from '../store/reference.js';
import { isTableId } from '../store/table-ids.js';
import { valueFromJson, valueToJson } from '../values/json.js';

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;
const MINUS = 0x2d;
const ZERO = 0x30;
const NINE = 0x39;

/** What stands before and behind the number of a table. */
const TABLE = '{"table":';

/** Most digits of an integer that is surely exact as a number. */
const SAFE_DIGITS = 15;

const TWO_32 = 0x100000000;

/** Longest string that is read and written byte by byte; beyond it the platform's codecs are faster. */
const SHORT = 48;

/** Bytes that grow as they are written. */
class Growing {
  constructor() {
    this.bytes = new Uint8Array(8192);
    this.view = new DataView(this.bytes.buffer);
    /** How many are written. */
    this.at = 0;
  }

  /** @param {number} count bytes that are about to be written */
  room(count) {
    if (this.at + count <= this.bytes.length) return;
    const larger = new Uint8Array(Math.max(2 * this.bytes.length, this.at + count));
    larger.set(this.bytes.subarray(0, this.at));
    this.bytes = larger;
    this.view = new DataView(larger.buffer);
  }
}

/** Writes text. */
export class TextWriter extends Growing {
  /** @returns {Uint8Array} what is written, valid until more is */
  get text() {
    return this.bytes.subarray(0, this.at);
  }

  /**
   * Writes text of ASCII.
   *
   * @param {string} text
   */
  ascii(text) {
    const { length } = text;
    this.room(length);
    const { bytes } = this;
    let { at } = this;
    for (let index = 0; index < length; index++) bytes[at++] = text.charCodeAt(index);
    this.at = at;
  }

  /**
   * Writes a value as JSON, a text among them.
   *
   * @param {any} value
   */
  json(value) {
    const text = encodeUtf8(JSON.stringify(value));
    this.room(text.length);
    this.bytes.set(text, this.at);
    this.at += text.length;
  }

  /**
   * Writes a number that is no negative one.
   *
   * @param {number} number below 2^53
   */
  number(number) {
    if (number > 0x7fffffff) {
      this.ascii(String(number));
      return;
    }
    this.room(10);
    let digits = 1;
    for (let power = 10; power <= number && digits < 10; power *= 10) digits++;
    const { bytes } = this;
    let left = number;
    for (let at = this.at + digits - 1; at >= this.at; at--) {
      const next = (left / 10) | 0;
      bytes[at] = ZERO + left - 10 * next;
      left = next;
    }
    this.at += digits;
  }

  /**
   * Writes a value.
   *
   * @param {Uint8Array} bytes
   * @param {number} start
   * @param {number} end
   */
  value(bytes, start, end) {
    const length = end - start;
    switch (bytes[start]) {
      case TAG_INTEGER:
        if (length === 9) {
          this.integer(bytes, start + 1);
          return;
        }
        break;
      case TAG_STRING:
        if (length >= 5 && readU32(bytes, start + 1) === length - 5 && this.string(bytes, start + 5, end)) return;
        break;
      case TAG_EXTERNAL_TABLE:
        if (length === 5 && isTableId(readU32(bytes, start + 1))) {
          this.ascii(TABLE);
          this.number(readU32(bytes, start + 1));
          this.room(1);
          this.bytes[this.at++] = CLOSE_OBJECT;
          return;
        }
        break;
      case TAG_BOOLEAN:
        if (length === 2 && bytes[start + 1] <= 1) {
          this.ascii(bytes[start + 1] === 1 ? 'true' : 'false');
          return;
        }
        break;
      case TAG_FLOAT:
        if (length === 9) {
          const float = new DataView(bytes.buffer, bytes.byteOffset + start + 1, 8).getFloat64(0, true);
          if (Number.isFinite(float)) {
            this.float(float);
            return;
          }
        }
        break;
      default:
    }
    const value = bytes.slice(start, end);
    const json = value[0] === TAG_NIL && length === 1 ? { raw: 'AA==' } : valueToJson(value);
    this.json(json);
  }

  /**
   * @private
   * @param {number} float which is finite
   */
  float(float) {
    const text = Object.is(float, -0) ? '-0' : String(float);
    this.ascii(Number.isInteger(float) && !text.includes('e') ? `${text}.0` : text);
  }

  /**
   * @private
   * @param {Uint8Array} bytes
   * @param {number} start of eight bytes
   */
  integer(bytes, start) {
    const low = readU32(bytes, start);
    const high = readU32(bytes, start + 4) | 0;
    if (high >= 0 && high < 0x200000) this.number(high * TWO_32 + low);
    else if (high < 0 && high >= -0x200000) this.ascii(String(high * TWO_32 + low));
    else this.ascii(String(new DataView(bytes.buffer, bytes.byteOffset + start, 8).getBigInt64(0, true)));
  }

  /**
   * Writes a string, if it is UTF-8.
   *
   * @private
   * @param {Uint8Array} bytes
   * @param {number} start
   * @param {number} end
   * @returns {boolean} whether it is
   */
  string(bytes, start, end) {
    this.room(end - start + 2);
    const target = this.bytes;
    let { at } = this;
    target[at++] = QUOTE;
    if (end - start <= SHORT) {
      let from = start;
      for (; from < end; from++) {
        const byte = bytes[from];
        if (byte < 0x20 || byte > 0x7e || byte === QUOTE || byte === BACKSLASH) break;
        target[at++] = byte;
      }
      if (from === end) {
        target[at++] = QUOTE;
        this.at = at;
        return true;
      }
    }
    const text = decodeUtf8(bytes, start, end);
    if (text === null) return false;
    this.json(text);
    return true;
  }
}

/** Reads text, and keeps what is read as the bytes of values. */
export class TextReader extends Growing {
  constructor() {
    super();
    /** The text. */
    this.text = '';
    /** Where in it the next character is. */
    this.from = 0;
    /**
     * Whether there is a backslash in the text.
     * @private
     */
    this.escaped = false;
  }

  /** @param {string} text to be read from its first character on */
  begin(text) {
    this.text = text;
    this.from = 0;
    this.at = 0;
    this.escaped = text.indexOf('\\') >= 0;
  }

  /**
   * Reads a string of JSON as a string.
   *
   * @returns {string | null} null if there is none
   */
  name() {
    const end = this.endOfString();
    if (end < 0) return null;
    const start = this.from;
    this.from = end;
    return this.escaped ? JSON.parse(this.text.slice(start, end)) : this.text.slice(start + 1, end - 1);
  }

  /**
   * Reads a value, and writes its bytes behind those of the others.
   *
   * @returns {boolean} whether there is one
   */
  value() {
    const { text } = this;
    const first = text.charCodeAt(this.from);
    if (first === QUOTE) return this.string();
    if (first === MINUS || (first >= ZERO && first <= NINE)) return this.number();
    if (first === OPEN_OBJECT) return this.object();
    if (text.startsWith('true', this.from)) return this.boolean(1, 4);
    if (text.startsWith('false', this.from)) return this.boolean(0, 5);
    return false;
  }

  /**
   * Passes over a character.
   *
   * @param {number} character
   * @returns {boolean} whether it is there
   */
  take(character) {
    if (this.text.charCodeAt(this.from) !== character) return false;
    this.from++;
    return true;
  }

  /**
   * @private
   * @param {number} value
   * @param {number} length of its text
   */
  boolean(value, length) {
    this.room(2);
    this.bytes[this.at++] = TAG_BOOLEAN;
    this.bytes[this.at++] = value;
    this.from += length;
    return true;
  }

  /**
   * @private
   * @returns {boolean}
   */
  number() {
    const { text } = this;
    const start = this.from;
    const negative = text.charCodeAt(start) === MINUS;
    let at = negative ? start + 1 : start;
    let magnitude = 0;
    let unit = text.charCodeAt(at);
    while (unit >= ZERO && unit <= NINE) {
      magnitude = 10 * magnitude + (unit - ZERO);
      unit = text.charCodeAt(++at);
    }
    this.room(9);
    const { bytes, view } = this;
    const isInteger = unit !== 0x2e && unit !== 0x65 && unit !== 0x45;
    if (isInteger) {
      const digits = at - start - (negative ? 1 : 0);
      if (digits === 0) return false;
      bytes[this.at] = TAG_INTEGER;
      if (digits <= SAFE_DIGITS && !negative) {
        view.setUint32(this.at + 1, magnitude % TWO_32, true);
        view.setUint32(this.at + 5, magnitude / TWO_32, true);
      } else {
        const integer = BigInt(text.slice(start, at));
        if (BigInt.asIntN(64, integer) !== integer) return false;
        view.setBigInt64(this.at + 1, integer, true);
      }
    } else {
      while ((unit >= ZERO && unit <= NINE) || unit === 0x2e || unit === 0x65 || unit === 0x45 || unit === 0x2b || unit === MINUS) unit = text.charCodeAt(++at);
      const float = Number(text.slice(start, at));
      if (Number.isNaN(float)) return false;
      bytes[this.at] = TAG_FLOAT;
      view.setFloat64(this.at + 1, float, true);
    }
    this.at += 9;
    this.from = at;
    return true;
  }

  /**
   * @private
   * @returns {number} where the string ends that begins here, -1 if none does
   */
  endOfString() {
    const { text } = this;
    if (text.charCodeAt(this.from) !== QUOTE) return -1;
    let at = text.indexOf('"', this.from + 1);
    if (this.escaped) {
      for (;;) {
        if (at < 0) return -1;
        let backslashes = 0;
        while (text.charCodeAt(at - 1 - backslashes) === BACKSLASH) backslashes++;
        if (backslashes % 2 === 0) break;
        at = text.indexOf('"', at + 1);
      }
    }
    return at + 1 || -1;
  }

  /**
   * @private
   * @returns {boolean}
   */
  string() {
    const { text, from } = this;
    const end = this.endOfString();
    if (end < 0) return false;
    this.from = end;
    const length = end - from - 2;
    this.room(5 + 3 * length);
    const { bytes } = this;
    let at = this.at + 5;
    if (!this.escaped && length <= SHORT) {
      let index = from + 1;
      for (; index < end - 1; index++) {
        const unit = text.charCodeAt(index);
        if (unit > 0x7f) break;
        bytes[at++] = unit;
      }
      if (index === end - 1) {
        this.endBlock(at);
        return true;
      }
    }
    const content = this.escaped ? JSON.parse(text.slice(from, end)) : text.slice(from + 1, end - 1);
    at = this.at + 5;
    this.endBlock(at + (encodeInto(content, bytes.subarray(at)).written || 0));
    return true;
  }

  /**
   * @private
   * @param {number} end of a string's bytes
   */
  endBlock(end) {
    this.bytes[this.at] = TAG_STRING;
    this.view.setUint32(this.at + 1, end - this.at - 5, true);
    this.at = end;
  }

  /**
   * @private
   * @returns {boolean}
   */
  object() {
    const { text, from } = this;
    if (text.startsWith(TABLE, from)) {
      let at = from + TABLE.length;
      let id = 0;
      for (let unit = text.charCodeAt(at); unit >= ZERO && unit <= NINE; unit = text.charCodeAt(++at)) id = 10 * id + (unit - ZERO);
      if (!isTableId(id) || text.charCodeAt(at) !== CLOSE_OBJECT) return false;
      this.room(5);
      this.bytes[this.at] = TAG_EXTERNAL_TABLE;
      this.view.setUint32(this.at + 1, id, true);
      this.at += 5;
      this.from = at + 1;
      return true;
    }
    // An object has one name, and a string or number: the next brace outside of a string ends it.
    let end = text.indexOf('}', from);
    /** @type {Uint8Array | null} */
    let bytes = null;
    while (end >= 0 && bytes === null) {
      try {
        bytes = valueFromJson(JSON.parse(text.slice(from, end + 1)));
        if (bytes === null) return false;
      } catch (_unfinished) {
        end = text.indexOf('}', end + 1);
      }
    }
    if (bytes === null) return false;
    this.room(bytes.length);
    this.bytes.set(bytes, this.at);
    this.at += bytes.length;
    this.from = end + 1;
    return true;
  }
}

/** What stands before the number of a table or function. A string of JSON has a backslash before each of its own quotes. */
const REFERENCES = ['{"table":', '{"function":'];

/**
 * Visits the tables that a text refers to, as values or by functions.
 *
 * @param {string} text
 * @param {(id: number) => void} visit
 */
export function referencesInText(text, visit) {
  for (const reference of REFERENCES) {
    for (let at = text.indexOf(reference); at >= 0; at = text.indexOf(reference, at)) {
      at += reference.length;
      let id = 0;
      for (let unit = text.charCodeAt(at); unit >= ZERO && unit <= NINE; unit = text.charCodeAt(++at)) id = 10 * id + (unit - ZERO);
      if (isTableId(id)) visit(id);
    }
  }
}

/**
 * Visits the table that a value refers to, if it does.
 *
 * @param {Uint8Array} bytes
 * @param {number} start
 * @param {number} end
 * @param {(id: number) => void} visit
 */
export function referenceInValue(bytes, start, end, visit) {
  const id = referenceIn(bytes, start, end);
  if (id !== 0) visit(id);
}
