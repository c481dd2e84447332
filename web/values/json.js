/**
 * Writes Lua values as JSON that loses nothing, and reads them, for exports and databases.
 *
 * | in JSON                      | in Lua                                                                   |
 * | ---------------------------- | ------------------------------------------------------------------------ |
 * | `null`, `true`, `false`      | the same                                                                 |
 * | a number that is a safe integer (within ±(2^53 - 1)) | an integer                                       |
 * | any other number             | a float                                                                  |
 * | a string                     | a string                                                                 |
 * | `{"integer": "..."}`         | any other integer                                                        |
 * | `{"float": "..."}`           | a float that is integral (`"3"`), `"inf"`, `"-inf"` or `"-0"`            |
 * | `{"nan": "7ff8000000000000"}` | NaN, with all its bits                                                  |
 * | `{"bytes": "..."}`           | a string that is not UTF-8, in base64                                    |
 * | `{"table": 3}`               | an external table                                                        |
 * | `{"function": 4}`            | a function, described by the table with that id                          |
 * | `{"library": "string"}`      | a table of the standard libraries                                        |
 * | `{"libraryFunction": "math.sin"}` | a function of the standard libraries                                |
 * | `{"raw": "..."}`             | anything else: the value's bytes in base64, as the store has them        |
 */

import { TAG_BOOLEAN, TAG_EXTERNAL_TABLE, TAG_FLOAT, TAG_FUNCTION, TAG_INTEGER, TAG_LIBRARY, TAG_LIBRARY_FUNCTION, TAG_NIL, TAG_STRING } from '../loader.js';
import { decodeBase64, encodeBase64 } from '../bytes/base64.js';
import { decodeUtf8, encodeUtf8, isWellFormed } from '../bytes/text.js';
import { isTableId } from '../store/table-ids.js';

/**
 * @param {Uint8Array} bytes of a value
 * @returns {any} a value as the head of this file tells
 */
export function valueToJson(bytes) {
  const json = readableValue(bytes);
  // Whatever is read must give the same bytes again: what does not stays as it is.
  const back = json === undefined ? null : valueFromJson(json);
  return back !== null && sameBytes(back, bytes) ? json : { raw: encodeBase64(bytes) };
}

/**
 * @param {Uint8Array} bytes
 * @returns {any} undefined if the bytes are no value that this file has a form for
 */
function readableValue(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const { length } = bytes;
  switch (bytes[0]) {
    case TAG_NIL:
      return null;
    case TAG_BOOLEAN:
      return length === 2 ? bytes[1] === 1 : undefined;
    case TAG_INTEGER: {
      if (length !== 9) return undefined;
      const integer = view.getBigInt64(1, true);
      const number = Number(integer);
      return Number.isSafeInteger(number) ? number : { integer: String(integer) };
    }
    case TAG_FLOAT:
      return length === 9 ? floatToJson(view.getFloat64(1, true), view.getBigUint64(1, true)) : undefined;
    case TAG_STRING: {
      if (length < 5) return undefined;
      const text = decodeUtf8(bytes, 5, length);
      return text === null ? { bytes: encodeBase64(bytes.subarray(5)) } : text;
    }
    case TAG_EXTERNAL_TABLE:
      return length === 5 ? { table: view.getUint32(1, true) } : undefined;
    case TAG_FUNCTION:
      return length === 9 ? { function: view.getUint32(5, true) } : undefined;
    case TAG_LIBRARY_FUNCTION:
    case TAG_LIBRARY: {
      const name = length < 5 ? null : decodeUtf8(bytes, 5, length);
      if (name === null) return undefined;
      return bytes[0] === TAG_LIBRARY ? { library: name } : { libraryFunction: name };
    }
    default:
      return undefined;
  }
}

/**
 * @param {number} float
 * @param {bigint} bits
 * @returns {any}
 */
function floatToJson(float, bits) {
  if (Number.isNaN(float)) return { nan: bits.toString(16).padStart(16, '0') };
  if (float === Infinity) return { float: 'inf' };
  if (float === -Infinity) return { float: '-inf' };
  if (Number.isInteger(float)) return { float: Object.is(float, -0) ? '-0' : String(float) };
  return float;
}

/**
 * @param {any} json
 * @returns {Uint8Array | null} bytes of the value; null if this is none
 */
export function valueFromJson(json) {
  if (json === null) return Uint8Array.of(TAG_NIL);
  if (typeof json === 'boolean') return Uint8Array.of(TAG_BOOLEAN, json ? 1 : 0);
  if (typeof json === 'number') return Number.isSafeInteger(json) ? integerValue(BigInt(json)) : floatValue(json);
  if (typeof json === 'string') return isWellFormed(json) ? blockValue(TAG_STRING, encodeUtf8(json)) : null;
  const names = isObject(json) ? Object.keys(json) : [];
  const read = names.length === 1 ? FORMS.get(names[0]) : undefined;
  return read === undefined ? null : read(json[names[0]]);
}

/**
 * How values that are objects are read, by the object's only name; null for what is wrong.
 *
 * @type {Map<string, (content: any) => Uint8Array | null>}
 */
const FORMS = new Map([
  ['integer', (content) => (typeof content === 'string' && isInteger64(content) ? integerValue(BigInt(content)) : null)],
  ['float', (content) => readFloat(content)],
  ['nan', (content) => readNan(content)],
  ['bytes', (content) => mapNull(readBase64(content), (bytes) => blockValue(TAG_STRING, bytes))],
  ['table', (content) => (isTableId(content) ? referenceValue(TAG_EXTERNAL_TABLE, content) : null)],
  ['function', (content) => (isTableId(content) ? blockValue(TAG_FUNCTION, referenceValue(0, content).subarray(1)) : null)],
  ['library', (content) => (isText(content) ? blockValue(TAG_LIBRARY, encodeUtf8(content)) : null)],
  ['libraryFunction', (content) => (isText(content) ? blockValue(TAG_LIBRARY_FUNCTION, encodeUtf8(content)) : null)],
  ['raw', (content) => readBase64(content)],
]);

/**
 * @param {any} content
 * @returns {Uint8Array | null}
 */
function readFloat(content) {
  if (content === 'inf') return floatValue(Infinity);
  if (content === '-inf') return floatValue(-Infinity);
  const isNumber = typeof content === 'string' && /^-?[0-9]+(\.[0-9]+)?(e[+-]?[0-9]+)?$/.test(content);
  return isNumber ? floatValue(Number(content)) : null;
}

/**
 * @param {any} content
 * @returns {Uint8Array | null}
 */
function readNan(content) {
  if (typeof content !== 'string' || !/^[0-9a-f]{16}$/.test(content)) return null;
  const bytes = floatValue(0);
  const view = new DataView(bytes.buffer);
  view.setBigUint64(1, BigInt(`0x${content}`), true);
  return Number.isNaN(view.getFloat64(1, true)) ? bytes : null;
}

/**
 * @param {any} content
 * @returns {Uint8Array | null}
 */
function readBase64(content) {
  return typeof content === 'string' ? decodeBase64(content) : null;
}

/**
 * @param {Uint8Array | null} bytes
 * @param {(bytes: Uint8Array) => Uint8Array} map
 * @returns {Uint8Array | null}
 */
function mapNull(bytes, map) {
  return bytes === null ? null : map(bytes);
}

/**
 * @param {bigint} integer
 * @returns {Uint8Array}
 */
function integerValue(integer) {
  const bytes = new Uint8Array(9);
  bytes[0] = TAG_INTEGER;
  new DataView(bytes.buffer).setBigInt64(1, integer, true);
  return bytes;
}

/**
 * @param {number} float
 * @returns {Uint8Array}
 */
function floatValue(float) {
  const bytes = new Uint8Array(9);
  bytes[0] = TAG_FLOAT;
  new DataView(bytes.buffer).setFloat64(1, float, true);
  return bytes;
}

/**
 * @param {number} tag
 * @param {number} id
 * @returns {Uint8Array}
 */
function referenceValue(tag, id) {
  const bytes = new Uint8Array(5);
  bytes[0] = tag;
  new DataView(bytes.buffer).setUint32(1, id, true);
  return bytes;
}

/**
 * @param {number} tag
 * @param {Uint8Array} content
 * @returns {Uint8Array}
 */
function blockValue(tag, content) {
  const bytes = new Uint8Array(5 + content.length);
  bytes[0] = tag;
  new DataView(bytes.buffer).setUint32(1, content.length, true);
  bytes.set(content, 5);
  return bytes;
}

/**
 * @param {Uint8Array} one
 * @param {Uint8Array} other
 * @returns {boolean}
 */
function sameBytes(one, other) {
  return one.length === other.length && one.every((byte, index) => byte === other[index]);
}

/**
 * @param {any} value
 * @returns {boolean} whether it is an object with names
 */
export function isObject(value) {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/**
 * @param {any} value
 * @returns {boolean} whether it is a string that UTF-8 can express
 */
function isText(value) {
  return typeof value === 'string' && isWellFormed(value);
}

/**
 * @param {string} text
 * @returns {boolean}
 */
function isInteger64(text) {
  return /^-?[0-9]{1,20}$/.test(text) && BigInt.asIntN(64, BigInt(text)) === BigInt(text);
}
