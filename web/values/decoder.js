/**
 * Decodes bytes to JavaScript values. The comment of values.js tells what the bytes are, and what becomes of them.
 */

import { DecodeError } from '../errors.js';
import {
  TAG_BOOLEAN,
  TAG_EXTERNAL_TABLE,
  TAG_FLOAT,
  TAG_FUNCTION,
  TAG_HOST_FUNCTION,
  TAG_INTEGER,
  TAG_LIBRARY,
  TAG_LIBRARY_FUNCTION,
  TAG_MORE_RESULTS,
  TAG_NIL,
  TAG_OPAQUE,
  TAG_REFERENCE,
  TAG_SAME_TABLE,
  TAG_STRING,
  TAG_TABLE,
} from '../loader.js';
import { decodeLossy, decodeUtf8 } from '../bytes/text.js';
import { LuaFunction, LuaLibrary, LuaOpaque, TableReference } from './values.js';

/** What a table turns into. */
const ARRAY = 0;
const OBJECT = 1;
const MAP = 2;

const TWO_32 = 0x100000000;

/** Lua's type names by the numbers of its C API. */
const TYPE_NAMES = ['nil', 'boolean', 'light userdata', 'number', 'string', 'table', 'function', 'userdata', 'thread'];

/**
 * Makes the objects for tables and functions that lie in a store, and for held values.
 *
 * @typedef {object} References
 * @property {(id: number) => any} table
 * @property {(id: number) => any} storedFunction
 * @property {(name: string) => any} libraryFunction
 * @property {(type: string, number: number, text: string) => any} held a value that stays in Lua
 * @property {(number: number, name: string) => any} hostFunction
 */

/**
 * Makes these objects where there is no machine.
 *
 * @type {References}
 */
export const DETACHED = {
  table: (id) => new TableReference(id),
  storedFunction: (id) => new LuaFunction('', id),
  libraryFunction: (name) => new LuaFunction(name),
  held: (type, _number, text) => new LuaOpaque(type, text),
  hostFunction: (number, name) => new LuaOpaque('function', name === '' ? `host function ${number}` : name),
};

/**
 * A table that is being filled.
 *
 * @typedef {object} Frame
 * @property {any} container array, plain object or Map
 * @property {number} kind `ARRAY`, `OBJECT` or `MAP`
 * @property {number} index of the next array item, from 1
 * @property {number} items array items still to come
 * @property {number} pairs pairs still to come
 * @property {boolean} keyed whether `key` waits for its value
 * @property {any} key
 */

/**
 * Decodes values from one byte view, again and again. No input makes it allocate more than a small multiple of the input,
 * and nesting costs no call stack.
 */
export class Decoder {
  /**
   * @param {Uint8Array} bytes what to read; it may change between calls, but not move
   * @param {References} [references] makes what stands for tables and functions of a store
   */
  constructor(bytes, references = DETACHED) {
    this.bytes = bytes;
    this.references = references;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.start = 0;
    this.at = 0;
    this.end = 0;
    /** @type {any[]} the tables decoded so far, by number */
    this.tables = [];
    /** @type {number[]} what each table turns into, by number, as far as the bytes were surveyed */
    this.kinds = [];
  }

  /**
   * Decode exactly one value.
   *
   * @param {number} start
   * @param {number} end
   * @returns {any}
   * @throws {DecodeError}
   */
  value(start, end) {
    this.reset(start, end);
    const value = this.next();
    if (this.at !== this.end) this.fail('bytes left over after the value');
    return value;
  }

  /**
   * Decode exactly one value of an external table, which is never nil and no table by value.
   *
   * @param {number} start
   * @param {number} end
   * @returns {any}
   * @throws {DecodeError}
   */
  stored(start, end) {
    const tag = this.bytes[start];
    if (tag === TAG_NIL || tag === TAG_TABLE || tag === TAG_SAME_TABLE || tag === TAG_OPAQUE || tag === TAG_REFERENCE || tag === TAG_HOST_FUNCTION) {
      this.reset(start, end);
      this.fail(`tag 0x${tag.toString(16).padStart(2, '0')}, which is only in results`);
    }
    return this.value(start, end);
  }

  /**
   * Decode values one after another, up to the end.
   *
   * @param {number} start
   * @param {number} end
   * @returns {any[]}
   * @throws {DecodeError}
   */
  all(start, end) {
    this.reset(start, end);
    /** @type {any[]} */
    const values = [];
    while (this.at < end) values.push(this.next());
    return values;
  }

  /**
   * Decode the results of a call: the last one and, behind tag 0x0B, those before it.
   *
   * @param {number} start
   * @param {number} end
   * @returns {any[]} all results in their order
   * @throws {DecodeError}
   */
  results(start, end) {
    this.reset(start, end);
    const last = this.next();
    if (this.at === this.end) return [last];
    if (this.bytes[this.at] !== TAG_MORE_RESULTS) this.fail('bytes left over after the value');
    this.at++;
    const count = this.u32();
    if (count > this.end - this.at + 1) this.fail(`${count} results announced`);
    /** @type {any[]} */
    const values = [];
    for (let rest = count - 1; rest > 0; rest--) values.push(this.next());
    if (count > 0) values.push(last);
    if (this.at !== this.end) this.fail('bytes left over after the results');
    return values;
  }

  /**
   * @param {number} start
   * @param {number} end
   */
  reset(start, end) {
    this.start = start;
    this.at = start;
    this.end = end;
    if (this.kinds.length > 0) {
      this.tables = [];
      this.kinds = [];
    }
  }

  /**
   * @param {string} problem
   * @returns {never}
   */
  fail(problem) {
    throw new DecodeError(problem, this.at - this.start);
  }

  /** @param {number} count */
  need(count) {
    const left = this.end - this.at;
    if (count > left) this.fail(`${count} bytes needed, ${left} left`);
  }

  u32() {
    this.need(4);
    const value = this.view.getUint32(this.at, true);
    this.at += 4;
    return value;
  }

  /** Read a length and step over that many bytes; they end at `this.at`. */
  skipBlock() {
    const length = this.u32();
    this.need(length);
    this.at += length;
    return length;
  }

  /** Read a block of text that is meant for people. */
  text() {
    const length = this.skipBlock();
    return decodeLossy(this.bytes.subarray(this.at - length, this.at));
  }

  /** The number of a table in the store. */
  id() {
    const id = this.u32();
    if (id === 0 || id === 0xffffffff) this.fail(`a reference to table ${id}, which is never one`);
    return id;
  }

  /** The number of a stored function. */
  functionId() {
    const length = this.u32();
    if (length !== 4) this.fail(`a stored function of ${length} bytes`);
    return this.id();
  }

  /** Reads the next value, with everything inside it. */
  next() {
    if (this.at >= this.end) this.fail('a value expected');
    if (this.bytes[this.at] !== TAG_TABLE) return this.leaf();
    this.survey();
    return this.tree();
  }

  /** Reads a boolean behind its tag. */
  boolean() {
    this.need(1);
    const value = this.bytes[this.at];
    if (value > 1) this.fail(`a boolean of ${value}`);
    this.at++;
    return value === 1;
  }

  /** Reads a type behind a tag: Lua's name of it. */
  typeName() {
    this.need(1);
    const type = this.bytes[this.at++];
    if (type >= TYPE_NAMES.length) this.fail(`Lua has no type ${type}`);
    return TYPE_NAMES[type];
  }

  /** Reads the next value that is no table by value. */
  leaf() {
    const tag = this.bytes[this.at++];
    switch (tag) {
      case TAG_NIL:
        return null;
      case TAG_BOOLEAN:
        return this.boolean();
      case TAG_INTEGER: {
        this.need(8);
        const at = this.at;
        this.at += 8;
        const high = this.view.getInt32(at + 4, true);
        const value = high * TWO_32 + this.view.getUint32(at, true);
        return Number.isSafeInteger(value) ? value : this.view.getBigInt64(at, true);
      }
      case TAG_FLOAT: {
        this.need(8);
        const value = this.view.getFloat64(this.at, true);
        this.at += 8;
        return value;
      }
      case TAG_STRING: {
        const length = this.skipBlock();
        const from = this.at - length;
        const text = decodeUtf8(this.bytes, from, this.at);
        return text === null ? this.bytes.slice(from, this.at) : text;
      }
      case TAG_FUNCTION:
        return this.references.storedFunction(this.functionId());
      case TAG_LIBRARY_FUNCTION:
        return this.references.libraryFunction(this.text());
      case TAG_LIBRARY:
        return new LuaLibrary(this.text());
      case TAG_EXTERNAL_TABLE:
        return this.references.table(this.id());
      case TAG_SAME_TABLE: {
        const number = this.u32();
        if (number >= this.tables.length) this.fail(`a reference to table ${number} of ${this.tables.length}`);
        return this.tables[number];
      }
      case TAG_OPAQUE:
        return new LuaOpaque(this.typeName(), this.text());
      case TAG_REFERENCE: {
        const type = this.typeName();
        const number = this.u32();
        return this.references.held(type, number, this.text());
      }
      case TAG_HOST_FUNCTION: {
        const number = this.u32();
        return this.references.hostFunction(number, this.text());
      }
      default:
        this.at--;
        return this.fail(`unknown tag 0x${tag.toString(16).padStart(2, '0')}`);
    }
  }

  /**
   * Finds out what each table in the value at `this.at` turns into, without moving on. A table's object has to exist before
   * its contents are decoded, as they may refer back to it, and which object it is depends on all its keys. The survey
   * also proves that all the bytes announced are there.
   */
  survey() {
    const from = this.at;
    /** @type {{ items: number, pairs: number, keyed: boolean, number: number }[]} */
    const open = [];
    do {
      if (this.at >= this.end) this.fail('a value expected');
      const top = open.length > 0 ? open[open.length - 1] : null;
      const tag = this.bytes[this.at];
      const isKey = top !== null && top.items === 0 && !top.keyed;
      if (top !== null) {
        if (isKey) {
          if (tag === TAG_NIL) this.fail('nil as a key');
          top.keyed = true;
        } else if (top.items > 0) {
          top.items--;
          if (tag === TAG_NIL) this.kinds[top.number] = MAP;
        } else {
          top.keyed = false;
          top.pairs--;
        }
      }
      if (tag === TAG_TABLE) {
        this.at++;
        const items = this.u32();
        const pairs = this.u32();
        if (items + 2 * pairs > this.end - this.at) this.fail(`${items} items and ${pairs} pairs announced`);
        const number = this.kinds.length;
        this.kinds.push(items === 0 ? OBJECT : pairs === 0 ? ARRAY : MAP);
        if (top !== null && isKey) this.kinds[top.number] = MAP;
        open.push({ items, pairs, keyed: false, number });
      } else {
        const isText = this.skipLeaf();
        if (top !== null && isKey && !isText) this.kinds[top.number] = MAP;
      }
      while (open.length > 0) {
        const last = open[open.length - 1];
        if (last.items > 0 || last.pairs > 0) break;
        open.pop();
      }
    } while (open.length > 0);
    this.at = from;
  }

  /**
   * Step over a value that is no table by value.
   *
   * @returns {boolean} whether it is a string of valid UTF-8
   */
  skipLeaf() {
    const tag = this.bytes[this.at++];
    switch (tag) {
      case TAG_NIL:
        return false;
      case TAG_BOOLEAN:
        this.need(1);
        this.at++;
        return false;
      case TAG_INTEGER:
      case TAG_FLOAT:
        this.need(8);
        this.at += 8;
        return false;
      case TAG_STRING: {
        const length = this.skipBlock();
        return decodeUtf8(this.bytes, this.at - length, this.at) !== null;
      }
      case TAG_FUNCTION:
      case TAG_LIBRARY_FUNCTION:
      case TAG_LIBRARY:
        this.skipBlock();
        return false;
      case TAG_EXTERNAL_TABLE:
      case TAG_SAME_TABLE:
        this.u32();
        return false;
      case TAG_OPAQUE:
        this.need(1);
        this.at++;
        this.skipBlock();
        return false;
      case TAG_REFERENCE:
        this.need(5);
        this.at += 5;
        this.skipBlock();
        return false;
      case TAG_HOST_FUNCTION:
        this.u32();
        this.skipBlock();
        return false;
      default:
        this.at--;
        return this.fail(`unknown tag 0x${tag.toString(16).padStart(2, '0')}`);
    }
  }

  /** Decode the surveyed table at `this.at`. */
  tree() {
    const root = this.openTable();
    /** @type {Frame[]} */
    const open = [root];
    while (open.length > 0) {
      const top = open[open.length - 1];
      if (top.items === 0 && top.pairs === 0) {
        open.pop();
      } else if (this.bytes[this.at] === TAG_TABLE) {
        const inner = this.openTable();
        this.place(top, inner.container);
        open.push(inner);
      } else {
        this.place(top, this.leaf());
      }
    }
    return root.container;
  }

  /** @returns {Frame} */
  openTable() {
    this.at++;
    const items = this.u32();
    const pairs = this.u32();
    const kind = this.kinds[this.tables.length];
    const container = kind === ARRAY ? [] : kind === OBJECT ? {} : new Map();
    this.tables.push(container);
    return { container, kind, index: 1, items, pairs, keyed: false, key: null };
  }

  /**
   * Put the next value where it belongs in a table.
   *
   * @param {Frame} frame
   * @param {any} value
   */
  place(frame, value) {
    if (frame.items > 0) {
      frame.items--;
      if (frame.kind === ARRAY) frame.container.push(value);
      else if (value !== null) frame.container.set(frame.index, value);
      frame.index++;
    } else if (!frame.keyed) {
      if (value !== value) this.fail('NaN as a key');
      frame.key = value;
      frame.keyed = true;
    } else {
      frame.keyed = false;
      frame.pairs--;
      if (frame.kind === MAP) frame.container.set(frame.key, value);
      else setField(frame.container, frame.key, value);
    }
  }
}

/**
 * Set a field of a plain object; `__proto__` is a name like any other.
 *
 * @param {any} object
 * @param {string} name
 * @param {any} value
 */
export function setField(object, name, value) {
  if (name === '__proto__') {
    Object.defineProperty(object, name, { value, writable: true, enumerable: true, configurable: true });
  } else {
    object[name] = value;
  }
}

/**
 * Decode exactly one value.
 *
 * @param {Uint8Array} bytes
 * @returns {any}
 * @throws {DecodeError}
 */
export function decodeValue(bytes) {
  return new Decoder(bytes).value(0, bytes.length);
}
