/**
 * Encodes JavaScript values as bytes. The comment of values.js tells what has which form.
 *
 * @import { Store } from '../store/store.js'
 * @import { Parts } from './containers.js'
 */

import { partsOf, pathOf, stepTo } from './containers.js';
import { EncodeError } from '../errors.js';
import {
  TAG_BOOLEAN,
  TAG_EXTERNAL_TABLE,
  TAG_FLOAT,
  TAG_FUNCTION,
  TAG_INTEGER,
  TAG_LIBRARY,
  TAG_LIBRARY_FUNCTION,
  TAG_NIL,
  TAG_SAME_TABLE,
  TAG_STRING,
  TAG_TABLE,
} from '../loader.js';
import { encodeUtf8, isBytes, isWellFormed } from '../bytes/text.js';
import { LuaFunction, LuaLibrary, LuaOpaque, TableReference } from './values.js';

const TWO_32 = 0x100000000;

/** Longest text that is written character by character; beyond it `TextEncoder` is faster. */
const SHORT_TEXT = 48;

/** What is written while it fits somewhere: a part of a larger memory. */
const NOWHERE = new Uint8Array(0);

/** Bytes written one after the other: into a buffer of its own, or into a range of a memory for as long as they fit there. */
export class Writer {
  constructor() {
    /** @type {Uint8Array} */
    this.bytes = new Uint8Array(64);
    /** @type {DataView} */
    this.view = new DataView(this.bytes.buffer);
    /** Where the next byte goes. */
    this.length = 0;
    /** Where the first byte is. */
    this.start = 0;
    /** Where the room ends. */
    this.end = 64;
    /**
     * The memory that bytes are written into, if they still fit.
     *
     * @type {Uint8Array}
     */
    this.memory = NOWHERE;
  }

  /**
   * Write into a range of a memory from now on.
   *
   * @param {Uint8Array} memory
   * @param {DataView} view of the memory
   * @param {number} start
   * @param {number} end
   */
  into(memory, view, start, end) {
    this.memory = memory;
    this.bytes = memory;
    this.view = view;
    this.start = start;
    this.length = start;
    this.end = end;
  }

  /** Whether all that was written lies in the memory that it was meant for. */
  get fits() {
    return this.bytes === this.memory;
  }

  /** How many bytes are written. */
  get size() {
    return this.length - this.start;
  }

  /**
   * Make room and return where it begins.
   *
   * @param {number} count
   * @returns {number}
   */
  take(count) {
    if (this.length + count > this.end) this.grow(count);
    const at = this.length;
    this.length += count;
    return at;
  }

  /**
   * Go on in a larger buffer.
   *
   * @private
   * @param {number} count
   */
  grow(count) {
    const { size } = this;
    const grown = new Uint8Array(Math.max(size + count, 2 * (this.end - this.start)));
    grown.set(this.bytes.subarray(this.start, this.length));
    this.bytes = grown;
    this.view = new DataView(grown.buffer);
    this.start = 0;
    this.length = size;
    this.end = grown.length;
  }

  /** @param {number} value */
  u8(value) {
    const at = this.take(1);
    this.bytes[at] = value;
  }

  /** @param {number} value */
  u32(value) {
    const at = this.take(4);
    this.view.setUint32(at, value, true);
  }

  /** @param {number} value */
  f64(value) {
    const at = this.take(8);
    this.view.setFloat64(at, value, true);
  }

  /** @param {number} value an integer of 32 bits, with its tag */
  i32(value) {
    const at = this.take(9);
    this.bytes[at] = TAG_INTEGER;
    this.view.setInt32(at + 1, value, true);
    this.view.setInt32(at + 5, value >> 31, true);
  }

  /** @param {number} value a safe integer */
  safeInteger(value) {
    const at = this.take(8);
    this.view.setUint32(at, value % TWO_32, true);
    this.view.setInt32(at + 4, Math.floor(value / TWO_32), true);
  }

  /** @param {bigint} value */
  i64(value) {
    const at = this.take(8);
    this.view.setBigInt64(at, value, true);
  }

  /** @param {Uint8Array} bytes */
  block(bytes) {
    this.u32(bytes.length);
    const at = this.take(bytes.length);
    this.bytes.set(bytes, at);
  }

  /** @param {Uint8Array} bytes values that are encoded */
  raw(bytes) {
    const at = this.take(bytes.length);
    this.bytes.set(bytes, at);
  }

  /** @param {string} text well-formed, with its length in front */
  text(text) {
    const { length } = text;
    if (length > SHORT_TEXT) {
      this.block(encodeUtf8(text));
      return;
    }
    const head = this.take(4 + length);
    const { bytes } = this;
    for (let index = 0; index < length; index++) {
      const unit = text.charCodeAt(index);
      if (unit > 0x7f) {
        this.length = head;
        this.block(encodeUtf8(text));
        return;
      }
      bytes[head + 4 + index] = unit;
    }
    this.view.setUint32(head, length, true);
  }

  finish() {
    return this.bytes.slice(this.start, this.length);
  }
}

/**
 * Encodes what can be sent to one machine only: its own values that JavaScript holds, and JavaScript functions.
 *
 * @typedef {object} Live
 * @property {(writer: Writer, value: any) => boolean} encode writes such a value; false if it is none, and nothing was written
 * @property {Store} store the one that the machine's tables are in
 */

/**
 * Encode one value; see the table at the head of this file.
 *
 * @param {any} value
 * @returns {Uint8Array}
 * @throws {EncodeError} naming the part that has no Lua form
 */
export function encodeValue(value) {
  const writer = new Writer();
  encodeTree(writer, value, { parent: null, step: 'value' }, new Map(), null);
  return writer.finish();
}

// `@implements` needs a name that declarations can use, which `@import` does not give.
/** @typedef {import('./containers.js').Place} Place */

/**
 * A table that is being written. It is the place of what is written of it next.
 *
 * @implements {Place}
 */
class OpenTable {
  /**
   * @param {Parts} parts
   * @param {Place} parent
   */
  constructor({ items, pairs }, parent) {
    this.parent = parent;
    this.items = items;
    this.pairs = pairs;
    /** How many items are written, or being written. */
    this.item = 0;
    /** How many keys and values of pairs. */
    this.half = 0;
  }

  get step() {
    if (this.half === 0) return `[${this.item - 1}]`;
    return stepTo(this.pairs[(this.half - 1) >> 1][0]);
  }

  /** Whether there is more to write. */
  get isOpen() {
    return this.item < this.items.length || this.half < 2 * this.pairs.length;
  }

  /** @returns {any} the next item, key or value */
  next() {
    if (this.item < this.items.length) return this.items[this.item++];
    const half = this.half++;
    return this.pairs[half >> 1][half & 1];
  }
}

/**
 * Write a value with all that it holds.
 *
 * @param {Writer} writer
 * @param {any} value
 * @param {Place} place
 * @param {Map<object, number>} numbers of the tables written before
 * @param {Live | null} live
 */
function encodeTree(writer, value, place, numbers, live) {
  // Open tables are a list, so that nesting costs no call stack.
  /** @type {OpenTable[]} */
  const open = [];
  const write = (/** @type {any} */ part, /** @type {Place} */ where) => {
    if (encodeLeaf(writer, part, where, live)) return;
    const known = numbers.get(part);
    if (known === undefined) open.push(openTable(writer, part, where, numbers));
    else {
      writer.u8(TAG_SAME_TABLE);
      writer.u32(known);
    }
  };
  write(value, place);
  while (open.length > 0) {
    const top = open[open.length - 1];
    if (top.isOpen) write(top.next(), top);
    else open.pop();
  }
}

/**
 * Write the beginning of a table.
 *
 * @param {Writer} writer
 * @param {any} container
 * @param {Place} place
 * @param {Map<object, number>} numbers
 * @returns {OpenTable}
 */
function openTable(writer, container, place, numbers) {
  numbers.set(container, numbers.size);
  const parts = partsOf(container, place);
  writer.u8(TAG_TABLE);
  writer.u32(parts.items.length);
  writer.u32(parts.pairs.length);
  return new OpenTable(parts, place);
}

/** @type {Place[]} the places of arguments and results, which are the same each time */
const PLACES = [];

/**
 * @param {number} index
 * @returns {Place}
 */
function placeOf(index) {
  while (PLACES.length <= index) PLACES.push({ parent: null, step: `value ${PLACES.length + 1}` });
  return PLACES[index];
}

/**
 * Write values one after another; tables are numbered over all of them.
 *
 * @param {Writer} writer
 * @param {ArrayLike<any>} values
 * @param {Live} live
 * @throws {EncodeError} naming the value by its number, from 1
 */
export function encodeValues(writer, values, live) {
  /** @type {Map<object, number> | null} */
  let numbers = null;
  for (let index = 0; index < values.length; index++) {
    const place = index < PLACES.length ? PLACES[index] : placeOf(index);
    if (encodeLeaf(writer, values[index], place, live)) continue;
    if (numbers === null) numbers = new Map();
    encodeTree(writer, values[index], place, numbers, live);
  }
}

/**
 * Write one value, as `encodeValues` does.
 *
 * @param {Writer} writer
 * @param {any} value
 * @param {Live} live
 * @throws {EncodeError}
 */
export function encodeOne(writer, value, live) {
  const place = placeOf(0);
  if (!encodeLeaf(writer, value, place, live)) encodeTree(writer, value, place, new Map(), live);
}

/**
 * Write a value that is no table by value.
 *
 * @param {Writer} writer
 * @param {any} value
 * @param {Place | null} place
 * @param {Live | null} [live]
 * @returns {boolean} false when the value is a container, and nothing was written
 */
export function encodeLeaf(writer, value, place, live = null) {
  switch (typeof value) {
    case 'undefined':
      writer.u8(TAG_NIL);
      return true;
    case 'boolean':
      writer.u8(TAG_BOOLEAN);
      writer.u8(value ? 1 : 0);
      return true;
    case 'number':
      if ((value | 0) === value && (value !== 0 || 1 / value > 0)) {
        writer.i32(value);
      } else if (Number.isSafeInteger(value) && value !== 0) {
        writer.u8(TAG_INTEGER);
        writer.safeInteger(value);
      } else {
        writer.u8(TAG_FLOAT);
        writer.f64(value);
      }
      return true;
    case 'bigint':
      if (BigInt.asIntN(64, value) !== value) throw new EncodeError(`${value} does not fit in 64 bits`, pathOf(place));
      writer.u8(TAG_INTEGER);
      writer.i64(value);
      return true;
    case 'string':
      if (!isWellFormed(value)) throw new EncodeError('the string has a lone surrogate, which UTF-8 cannot express', pathOf(place));
      writer.u8(TAG_STRING);
      writer.text(value);
      return true;
    case 'object':
      return encodeObjectLeaf(writer, value, place, live);
    case 'function':
      if (value instanceof LuaFunction) {
        checkStore(value, place, live);
        if (encodeFunction(writer, value)) return true;
      }
      if (live !== null && live.encode(writer, value)) return true;
      throw new EncodeError('a function can be sent to Lua, but not be stored from JavaScript', pathOf(place));
    default:
      throw new EncodeError(`a JavaScript ${typeof value} has no Lua form`, pathOf(place));
  }
}

/**
 * @param {Writer} writer
 * @param {any} value
 * @param {Place | null} place
 * @param {Live | null} live
 * @returns {boolean} as `encodeLeaf`
 */
function encodeObjectLeaf(writer, value, place, live) {
  if (value === null) {
    writer.u8(TAG_NIL);
  } else if (isBytes(value)) {
    writer.u8(TAG_STRING);
    writer.block(value);
  } else if (value instanceof TableReference) {
    checkStore(value, place, live);
    writer.u8(TAG_EXTERNAL_TABLE);
    writer.u32(value.id);
  } else if (value instanceof LuaFunction) {
    checkStore(value, place, live);
    encodeFunction(writer, value);
  } else if (value instanceof LuaLibrary) {
    writer.u8(TAG_LIBRARY);
    writer.block(encodeUtf8(value.name));
  } else if (value instanceof LuaOpaque) {
    if (live !== null && live.encode(writer, value)) return true;
    throw new EncodeError(`a Lua ${value.type} cannot leave the state that it lives in`, pathOf(place));
  } else {
    return false;
  }
  return true;
}

/**
 * Refuse what another store has: its id is that of something else here.
 *
 * @param {TableReference | LuaFunction} value
 * @param {Place | null} place
 * @param {Live | null} live
 * @throws {EncodeError}
 */
function checkStore(value, place, live) {
  if (live !== null && value.store !== null && value.store !== live.store) throw new EncodeError('it belongs to another store', pathOf(place));
}

/**
 * Write a function of Lua that has an id or a name.
 *
 * @param {Writer} writer
 * @param {LuaFunction} value
 * @returns {boolean} false if it lives in a machine, and nothing was written
 */
function encodeFunction(writer, value) {
  if (value.id !== 0) {
    writer.u8(TAG_FUNCTION);
    writer.u32(4);
    writer.u32(value.id);
  } else if (value.name !== '') {
    writer.u8(TAG_LIBRARY_FUNCTION);
    writer.block(encodeUtf8(value.name));
  } else {
    return false;
  }
  return true;
}
