/**
 * Writes and reads the ops that batches consist of, as docs/WASM_EXPORTS_REFERENCE.md describes them, in ranges of memory.
 *
 * @import { Shape, Shapes } from './shapes.js'
 */

import { readU16, readU32 } from '../bytes/integers.js';
import { keyText } from '../bytes/text.js';
import {
  OP_LIST,
  OP_ROW,
  OP_SHAPE,
  TAG_BOOLEAN,
  TAG_EXTERNAL_TABLE,
  TAG_FLOAT,
  TAG_FUNCTION,
  TAG_INTEGER,
  TAG_LIBRARY,
  TAG_LIBRARY_FUNCTION,
  TAG_STRING,
} from '../loader.js';
import { isTableId } from './table-ids.js';

/** Most bytes of a key, and most keys of a shape. */
export const MOST = 0xffff;

/** Bytes of these ops without keys and values. */
export const SHAPE_HEAD = 3;
export const ROW_HEAD = 11;
export const SET_HEAD = 11;
export const KEY_HEAD = 7;
export const LIST_HEAD = 17;
export const LARGE_SIZE = 9;

/** Bytes of a reference to a table: its tag and id. */
export const REFERENCE = 5;

/**
 * Finds the length of an encoded value by its first bytes.
 *
 * @param {Uint8Array} memory
 * @param {number} at
 * @param {number} end
 * @returns {number} 0 if no value of that kind is stored, or it would end behind `end`
 */
export function valueLength(memory, at, end) {
  const room = end - at;
  if (room < 2) return 0;
  let length = 0;
  switch (memory[at]) {
    case TAG_BOOLEAN:
      return 2;
    case TAG_INTEGER:
    case TAG_FLOAT:
      length = 9;
      break;
    case TAG_EXTERNAL_TABLE:
      length = REFERENCE;
      break;
    case TAG_STRING:
    case TAG_FUNCTION:
    case TAG_LIBRARY_FUNCTION:
    case TAG_LIBRARY:
      if (room < 5) return 0;
      length = 5 + readU32(memory, at + 1);
      break;
    default:
      return 0;
  }
  return length <= room ? length : 0;
}

/**
 * @param {Uint8Array} memory
 * @param {number} start
 * @param {number} end
 * @returns {boolean} whether the length of the value there is the one that its first bytes say
 */
export function isWholeRange(memory, start, end) {
  return end > start && valueLength(memory, start, end) === end - start;
}

/**
 * @param {Uint8Array} value
 * @returns {boolean} whether its length is the one that its first bytes say
 */
export function isWhole(value) {
  return value.length > 0 && valueLength(value, 0, value.length) === value.length;
}

/**
 * @param {Uint8Array} value
 * @returns {number} the id of the table that it refers to, 0 for any other value
 */
export function referenceOf(value) {
  return value.length === REFERENCE && value[0] === TAG_EXTERNAL_TABLE ? readU32(value, 1) : 0;
}

/**
 * A table that is small enough to be a row.
 *
 * @typedef {object} Row
 * @property {number} id
 * @property {string} shape the keys, joined
 * @property {Uint8Array[]} keys
 * @property {Uint8Array[]} values
 * @property {number} length bytes of the values
 */

/** Writes ops into a range of memory. */
export class Ops {
  /**
   * @param {Uint8Array} memory
   * @param {number} start
   * @param {number} end
   */
  constructor(memory, start, end) {
    this.memory = memory;
    this.at = start;
    this.end = end;
    /** @type {Map<string, number>} */
    this.shapes = new Map();
  }

  /** @returns {number} */
  get room() {
    return this.end - this.at;
  }

  /** @param {number} value */
  u8(value) {
    this.memory[this.at++] = value;
  }

  /** @param {number} value */
  u16(value) {
    this.u8(value);
    this.u8(value >>> 8);
  }

  /** @param {number} value */
  u32(value) {
    this.u16(value);
    this.u16(value >>> 16);
  }

  /** @param {Uint8Array} bytes */
  block(bytes) {
    this.memory.set(bytes, this.at);
    this.at += bytes.length;
  }

  /**
   * Writes what stands in front of the values of a list, which have been written behind room for it.
   *
   * @param {number} start of that room
   * @param {number} id
   * @param {number} first key
   * @param {number} count of values
   */
  listHead(start, id, first, count) {
    const behind = this.at;
    this.at = start;
    this.u8(OP_LIST);
    this.u32(id);
    this.u32(first);
    this.u32(count);
    this.u32(behind - start - LIST_HEAD);
    this.at = behind;
  }

  /**
   * @param {Row} row
   * @param {(shape: string) => boolean} [isKnown]
   * @returns {number} bytes that it takes, with its shape if that is new
   */
  cost(row, isKnown = (shape) => this.shapes.has(shape)) {
    let bytes = ROW_HEAD + row.length;
    if (!isKnown(row.shape)) bytes += row.keys.reduce((sum, key) => sum + 2 + key.length, SHAPE_HEAD);
    return bytes;
  }

  /** @param {Row} row that there is room for */
  row(row) {
    let shape = this.shapes.get(row.shape);
    if (shape === undefined) {
      shape = this.shapes.size;
      this.shapes.set(row.shape, shape);
      this.u8(OP_SHAPE);
      this.u16(row.keys.length);
      for (const key of row.keys) {
        this.u16(key.length);
        this.block(key);
      }
    }
    this.u8(OP_ROW);
    this.u32(row.id);
    this.u16(shape);
    this.u32(row.length);
    for (const value of row.values) this.block(value);
  }

  /**
   * Writes rows as long as there is room.
   *
   * @param {Iterable<Row>} rows
   */
  rows(rows) {
    for (const row of rows) {
      if (this.cost(row) > this.room || this.shapes.size > MOST) return;
      this.row(row);
    }
  }
}

/** An op that is not what the reference says. */
export class MalformedOp extends Error {}

/** Reads ops from a range of memory. */
export class OpReader {
  /**
   * @param {Uint8Array} memory
   * @param {number} start
   * @param {number} end
   */
  constructor(memory, start, end) {
    this.memory = memory;
    this.at = start;
    this.end = end;
    /** @type {string[][]} */
    this.shapes = [];
    /** @private @type {Map<string[], Shape | null>} */
    this.known = new Map();
    /** @private @type {string[] | null} */
    this.lastKeys = null;
    /** @private @type {Shape | null} */
    this.lastShape = null;
  }

  /**
   * @param {number} length
   * @returns {number} where the next bytes begin
   */
  take(length) {
    const { at } = this;
    if (length > this.end - at) throw new MalformedOp('the batch ends within an op');
    this.at = at + length;
    return at;
  }

  u8() {
    return this.memory[this.take(1)];
  }

  u16() {
    return readU16(this.memory, this.take(2));
  }

  u32() {
    return readU32(this.memory, this.take(4));
  }

  /** @returns {number} the id of a table */
  id() {
    const id = this.u32();
    if (!isTableId(id)) throw new MalformedOp(`${id} is no table`);
    return id;
  }

  /**
   * @param {number} length
   * @returns {string}
   */
  key(length) {
    const at = this.take(length);
    return keyText(this.memory, at, at + length);
  }

  /**
   * @param {number} length
   * @returns {Uint8Array} a copy
   */
  bytes(length) {
    const at = this.take(length);
    return this.memory.slice(at, at + length);
  }

  /** Reads the rest of a shape. */
  shape() {
    const keys = Array.from({ length: this.u16() }, () => this.key(this.u16()));
    if (new Set(keys).size !== keys.length) throw new MalformedOp('a shape has a key twice');
    this.shapes.push(keys);
  }

  /**
   * @param {string[]} keys one of `shapes`
   * @param {Shapes} shapes
   * @returns {Shape | null} null if a store has no such shape
   */
  shapeOf(keys, shapes) {
    if (keys === this.lastKeys) return this.lastShape;
    let shape = this.known.get(keys);
    if (shape === undefined) {
      shape = shapes.of(keys);
      this.known.set(keys, shape);
    }
    this.lastKeys = keys;
    this.lastShape = shape;
    return shape;
  }

  /** @returns {{ id: number, keys: string[], values: Uint8Array[] }} the rest of a row */
  row() {
    const id = this.id();
    const keys = this.shapes[this.u16()];
    if (keys === undefined) throw new MalformedOp('a row names a shape that is not there');
    const length = this.u32();
    let at = this.take(length);
    const values = [];
    for (let index = 0; index < keys.length; index++) {
      const bytes = valueLength(this.memory, at, this.at);
      if (bytes === 0) throw new MalformedOp('a row has fewer values than keys');
      values.push(this.memory.slice(at, at + bytes));
      at += bytes;
    }
    if (at !== this.at) throw new MalformedOp('a row has more values than keys');
    return { id, keys, values };
  }
}
