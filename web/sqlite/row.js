/**
 * A small table in memory: a list of keys, which other tables share, and the bytes of its values one behind the other.
 *
 * @import { Shape, Shapes } from './shapes.js'
 * @import { TextReader, TextWriter } from './text.js'
 */

import { referenceInValue } from './text.js';

/** Most entries of a small table. */
export const MOST_ENTRIES = 64;

/** Most bytes of its values. */
export const MOST_BYTES = 4096;

const NO_BYTES = new Uint8Array(0);

const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_ARRAY = 0x5b;
const CLOSE_ARRAY = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;

/** A small table. */
export class Row {
  /**
   * @param {Shape} shape
   * @param {Uint8Array} bytes which have the values
   * @param {number} start of the first of them
   * @param {number[]} ends of each
   */
  constructor(shape, bytes, start, ends) {
    this.shape = shape;
    this.bytes = bytes;
    this.start = start;
    this.ends = ends;
    /** Whether the database may have pages and entries of this table, which do not belong to it any more. */
    this.wipe = false;
  }

  /**
   * Makes a table without entries.
   *
   * @param {Shapes} shapes
   * @returns {Row}
   */
  static empty(shapes) {
    return new Row(shapes.none, NO_BYTES, 0, []);
  }

  /** How many entries it has. */
  get size() {
    return this.ends.length;
  }

  /** How many bytes its values have. */
  get length() {
    return this.ends.length === 0 ? 0 : this.ends[this.ends.length - 1] - this.start;
  }

  /** An estimate of the memory that it takes. */
  get weight() {
    return 160 + this.length + 8 * this.ends.length;
  }

  /**
   * @param {number} place of an entry
   * @returns {number} where its value begins
   */
  startOf(place) {
    return place === 0 ? this.start : this.ends[place - 1];
  }

  /**
   * @param {string} key
   * @returns {Uint8Array | undefined} a copy of the value
   */
  get(key) {
    const place = this.shape.placeOf(key);
    return place < 0 ? undefined : this.bytes.slice(this.startOf(place), this.ends[place]);
  }

  /**
   * Visits the tables that it refers to.
   *
   * @param {(id: number) => void} visit
   */
  references(visit) {
    let { start } = this;
    for (const end of this.ends) {
      referenceInValue(this.bytes, start, end, visit);
      start = end;
    }
  }

  /**
   * Sets an entry.
   *
   * @param {Shapes} shapes
   * @param {string} key
   * @param {Uint8Array} bytes which have the value
   * @param {number} start
   * @param {number} end
   */
  set(shapes, key, bytes, start, end) {
    const place = this.shape.placeOf(key);
    if (place < 0) {
      this.splice(this.size, 0, bytes, start, end);
      this.shape = shapes.longer(this.shape, key);
    } else if (this.ends[place] - this.startOf(place) === end - start && this.bytes.length === this.length) {
      this.bytes.set(bytes.subarray(start, end), this.startOf(place));
    } else this.splice(place, 1, bytes, start, end);
  }

  /**
   * Deletes an entry.
   *
   * @param {Shapes} shapes
   * @param {number} place
   */
  deleteAt(shapes, place) {
    const { keys } = this.shape;
    this.splice(place, 1, NO_BYTES, 0, 0);
    this.ends.splice(place, 1);
    this.shape = shapes.of(keys.filter((_key, index) => index !== place));
  }

  /**
   * Puts bytes in the place of a value.
   *
   * @private
   * @param {number} place
   * @param {number} count 1: of the value there; 0: of none, as it is behind the last
   * @param {Uint8Array} bytes
   * @param {number} start
   * @param {number} end
   */
  splice(place, count, bytes, start, end) {
    const from = this.startOf(place);
    const to = count === 0 ? from : this.ends[place];
    const last = this.start + this.length;
    const length = end - start;
    const grown = new Uint8Array(this.length - (to - from) + length);
    grown.set(this.bytes.subarray(this.start, from));
    grown.set(bytes.subarray(start, end), from - this.start);
    grown.set(this.bytes.subarray(to, last), from - this.start + length);
    const shift = length - (to - from);
    const ends = this.ends.map((each, index) => each - this.start + (index >= place ? shift : 0));
    if (count === 0) ends.push(from - this.start + length);
    this.bytes = grown;
    this.start = 0;
    this.ends = ends;
  }

  /**
   * Writes the values as the text of a row.
   *
   * @param {TextWriter} writer
   * @param {boolean} withKeys whether the keys belong into it
   */
  write(writer, withKeys) {
    const { keys } = this.shape;
    let start = this.start;
    writer.at = 0;
    this.ends.forEach((end, place) => {
      writer.room(1);
      writer.bytes[writer.at++] = place > 0 ? COMMA : withKeys ? OPEN_OBJECT : OPEN_ARRAY;
      if (withKeys) {
        writer.json(keys[place]);
        writer.room(1);
        writer.bytes[writer.at++] = COLON;
      }
      writer.value(this.bytes, start, end);
      start = end;
    });
    writer.room(1);
    writer.bytes[writer.at++] = withKeys ? CLOSE_OBJECT : CLOSE_ARRAY;
  }

  /**
   * Reads the text of a row. The bytes stay in the reader.
   *
   * @param {TextReader} reader
   * @param {Shapes} shapes
   * @param {Shape | null} shape null: its keys are in the text
   * @param {string} text
   * @returns {Row | null} null if the text is not that of a row
   */
  static read(reader, shapes, shape, text) {
    const row = new Row(shape === null ? shapes.none : shape, reader.bytes, 0, []);
    /** @type {string[]} */
    const keys = [];
    reader.begin(text);
    if (!reader.take(shape === null ? OPEN_OBJECT : OPEN_ARRAY)) return null;
    const end = shape === null ? CLOSE_OBJECT : CLOSE_ARRAY;
    while (!reader.take(end)) {
      if (row.ends.length > 0 && !reader.take(COMMA)) return null;
      if (shape === null) {
        const key = reader.name();
        if (key === null || !reader.take(COLON)) return null;
        keys.push(key);
      }
      if (!reader.value()) return null;
      row.ends.push(reader.at);
    }
    if (shape === null) row.shape = shapes.of(keys);
    else if (shape.keys.length !== row.ends.length) return null;
    row.bytes = reader.bytes;
    return row;
  }
}

/** A table that is not there any more. */
export class Gone {
  /** @param {boolean} wipe whether the database may have pages and entries of it */
  constructor(wipe) {
    this.wipe = wipe;
  }

  get size() {
    return 0;
  }

  get weight() {
    return 32;
  }
}
