/**
 * A page of a large table in memory: the values under up to 64 integer keys that follow each other.
 *
 * A value that is a table is its number, any other its bytes, null is none.
 *
 * @import { TextReader, TextWriter } from './text.js'
 */

import { readU32 } from '../bytes/integers.js';
import { TAG_EXTERNAL_TABLE } from '../loader.js';
import { isTableId } from '../store/table-ids.js';

/** Most keys of a page. */
export const PAGE = 64;

/** What a page's kind says: the values are tables. */
const TABLES = 1;

const COMMA = 0x2c;
const OPEN = 0x5b;
const CLOSE = 0x5d;

/** @typedef {Uint8Array | number | null} PageValue */

/**
 * @param {number} key an integer from 1 on
 * @returns {number} the block of its page
 */
export function blockOf(key) {
  return Math.floor((key - 1) / PAGE);
}

/**
 * @param {Uint8Array} bytes
 * @param {number} start
 * @param {number} end
 * @returns {PageValue}
 */
export function pageValue(bytes, start, end) {
  if (end - start === 5 && bytes[start] === TAG_EXTERNAL_TABLE) {
    const id = readU32(bytes, start + 1);
    if (isTableId(id)) return id;
  }
  return bytes.slice(start, end);
}

/**
 * @param {PageValue | undefined} value
 * @returns {Uint8Array | undefined} its bytes, in an array that is the caller's
 */
export function bytesOfValue(value) {
  if (value === null || value === undefined) return undefined;
  if (typeof value !== 'number') return value.slice();
  return Uint8Array.of(TAG_EXTERNAL_TABLE, value, value >>> 8, value >>> 16, value >>> 24);
}

/** A page. */
export class Page {
  /**
   * @param {number} block
   * @param {number} position
   * @param {PageValue[]} values
   */
  constructor(block, position, values) {
    this.block = block;
    this.position = position;
    this.values = values;
  }

  /** The last key that has a value; 0 if none has. */
  get top() {
    return this.values.length === 0 ? 0 : PAGE * this.block + this.values.length;
  }

  /** An estimate of the memory that it takes. */
  get weight() {
    let weight = 160 + 8 * this.values.length;
    for (const value of this.values) if (typeof value === 'object' && value !== null) weight += 96 + value.length;
    return weight;
  }

  /** Forgets places at the end that have no value. */
  trim() {
    const { values } = this;
    while (values.length > 0 && values[values.length - 1] === null) values.pop();
  }

  /**
   * Writes the values as text.
   *
   * @param {TextWriter} writer
   * @returns {number} the kind
   */
  write(writer) {
    const { values } = this;
    const kind = values.every((value) => typeof value !== 'object' || value === null) ? TABLES : 0;
    writer.at = 0;
    values.forEach((value, index) => {
      writer.room(1);
      writer.bytes[writer.at++] = index > 0 ? COMMA : OPEN;
      if (value === null) writer.ascii('null');
      else if (kind === TABLES) writer.number(/** @type {number} */ (value));
      else {
        const bytes = /** @type {Uint8Array} */ (typeof value === 'number' ? bytesOfValue(value) : value);
        writer.value(bytes, 0, bytes.length);
      }
    });
    writer.room(1);
    writer.bytes[writer.at++] = CLOSE;
    return kind;
  }

  /**
   * Reads the text of a page.
   *
   * @param {TextReader} reader
   * @param {number} block
   * @param {number} position
   * @param {number} kind
   * @param {string} text
   * @returns {Page | null} null if the text is not that of a page
   */
  static read(reader, block, position, kind, text) {
    if (kind === TABLES) {
      const ids = JSON.parse(text);
      const right = Array.isArray(ids) && ids.length <= PAGE && ids.every((id) => id === null || isTableId(id));
      return right ? new Page(block, position, ids) : null;
    }
    /** @type {PageValue[]} */
    const values = [];
    reader.begin(text);
    if (!reader.take(OPEN)) return null;
    while (!reader.take(CLOSE)) {
      if (values.length === PAGE || (values.length > 0 && !reader.take(COMMA))) return null;
      const start = reader.at;
      if (text.startsWith('null', reader.from)) {
        reader.from += 4;
        values.push(null);
      } else if (reader.value()) values.push(pageValue(reader.bytes, start, reader.at));
      else return null;
    }
    return new Page(block, position, values);
  }
}
