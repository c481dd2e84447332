/**
 * Lua values as bytes, and as JavaScript values.
 *
 * | tag  | bytes after the tag               | Lua                        | JavaScript                                        |
 * | ---- | --------------------------------- | -------------------------- | ------------------------------------------------- |
 * | 0x00 | none                              | nil                        | `null` (`undefined` is encoded as nil too)        |
 * | 0x01 | u8, 0 or 1                        | boolean                    | `boolean`                                         |
 * | 0x02 | i64                               | integer                    | `number` if safe (within ±(2^53 - 1)), else `BigInt` |
 * | 0x03 | f64                               | float                      | `number`                                          |
 * | 0x04 | u32 length, bytes                 | string                     | `string` if valid UTF-8, else `Uint8Array`        |
 * | 0x06 | u32 length, name                  | library function           | `LuaFunction` with its name                       |
 * | 0x07 | u32 id                            | external table             | `ExternalTable` with its id                       |
 * | 0x08 | u32 n, u32 m, n values, m pairs   | table: keys 1..n, then m others | array, object or `Map`, see below            |
 * | 0x09 | u32 number                        | a table seen before        | the same object again                             |
 * | 0x0A | u8 type, u32 length, text         | what has no value form     | `LuaOpaque` with type and `tostring` text         |
 * | 0x0B | u32 n, n - 1 values               | all results, after the last | only after the first value of a result           |
 *
 * All numbers are little-endian. Tables are numbered from 0 in the order of their 0x08 tags.
 *
 * A table becomes an array if its keys are exactly 1..n with n > 0; a plain object if all its keys are strings of valid
 * UTF-8 (also if it is empty); else a `Map`. In a `Map`, keys convert as values do; a string that is not UTF-8 is a
 * `Uint8Array` there, which `Map` compares by identity.
 *
 * In the other direction a `number` becomes an integer if it is a safe one (-0 is not), else a float; a `BigInt` an integer
 * of 64 bits; arrays, plain objects and `Map`s become tables, where `null` and `undefined` are, as in Lua, absent.
 * What would be lost (a function, a date, a lone surrogate, two keys that are one in Lua) is an `EncodeError`.
 */

import { DecodeError, EncodeError } from './errors.js';
import {
  TAG_BOOLEAN,
  TAG_EXTERNAL_TABLE,
  TAG_FLOAT,
  TAG_INTEGER,
  TAG_LIBRARY_FUNCTION,
  TAG_MORE_RESULTS,
  TAG_NIL,
  TAG_OPAQUE,
  TAG_SAME_TABLE,
  TAG_STRING,
  TAG_TABLE,
} from './loader.js';
import { decodeLossy, decodeUtf8, encodeUtf8, isWellFormed, keyText } from './text.js';

/** What a table turns into. */
const ARRAY = 0;
const OBJECT = 1;
const MAP = 2;

const TWO_32 = 0x100000000;

/** Lua's type names by the numbers of its C API. */
const TYPE_NAMES = ['nil', 'boolean', 'light userdata', 'number', 'string', 'table', 'function', 'userdata', 'thread'];

/** A reference to an external table. */
export class ExternalTable {
  /** @param {number} id */
  constructor(id) {
    /** The table's id in the store. */
    this.id = id;
  }
}

/** A function of Lua's libraries, known by its name, for example `string.format`. */
export class LuaFunction {
  /** @param {string} name */
  constructor(name) {
    /** Lua's type of the value. */
    this.type = 'function';
    /** Where the function is found from the globals. */
    this.name = name;
  }
}

/** A Lua value that exists only inside the Lua state: a Lua function, a coroutine, a userdata. */
export class LuaOpaque {
  /**
   * @param {string} type Lua's name of the value's type
   * @param {string} text what `tostring` gives for it
   */
  constructor(type, text) {
    /** Lua's name of the value's type. */
    this.type = type;
    /** What `tostring` gives for the value. */
    this.text = text;
  }

  toString() {
    return this.text;
  }
}

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
  /** @param {Uint8Array} bytes what to read; it may change between calls, but not move */
  constructor(bytes) {
    this.bytes = bytes;
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

  /** The next value, with everything inside it. */
  next() {
    if (this.at >= this.end) this.fail('a value expected');
    if (this.bytes[this.at] !== TAG_TABLE) return this.leaf();
    this.survey();
    return this.tree();
  }

  /** The next value that is no table by value. */
  leaf() {
    const tag = this.bytes[this.at++];
    switch (tag) {
      case TAG_NIL:
        return null;
      case TAG_BOOLEAN: {
        this.need(1);
        const value = this.bytes[this.at];
        if (value > 1) this.fail(`a boolean of ${value}`);
        this.at++;
        return value === 1;
      }
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
      case TAG_LIBRARY_FUNCTION:
        return new LuaFunction(this.text());
      case TAG_EXTERNAL_TABLE:
        return new ExternalTable(this.u32());
      case TAG_SAME_TABLE: {
        const number = this.u32();
        if (number >= this.tables.length) this.fail(`a reference to table ${number} of ${this.tables.length}`);
        return this.tables[number];
      }
      case TAG_OPAQUE: {
        this.need(1);
        const type = this.bytes[this.at++];
        if (type >= TYPE_NAMES.length) this.fail(`Lua has no type ${type}`);
        return new LuaOpaque(TYPE_NAMES[type], this.text());
      }
      default:
        this.at--;
        return this.fail(`unknown tag 0x${tag.toString(16).padStart(2, '0')}`);
    }
  }

  /**
   * Find out what each table in the value at `this.at` turns into, without moving on. A table's object has to exist before
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
      case TAG_LIBRARY_FUNCTION:
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
function setField(object, name, value) {
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

/**
 * Decode the results of a call: the last one, then optionally those before it.
 *
 * @param {Uint8Array} bytes
 * @returns {any[]} all results in their order
 * @throws {DecodeError}
 */
export function decodeResults(bytes) {
  return new Decoder(bytes).results(0, bytes.length);
}

/**
 * Where a value lies in what is being encoded.
 *
 * @typedef {{ parent: Place | null, step: string }} Place
 */

/**
 * @param {Place | null} place
 * @returns {string}
 */
function pathOf(place) {
  let path = '';
  for (let at = place; at !== null; at = at.parent) path = at.step + path;
  return `value${path}`;
}

/**
 * The step from a table to what a key names in it, as JavaScript would write it.
 *
 * @param {any} key
 * @returns {string}
 */
function stepTo(key) {
  if (typeof key === 'string') return /^[A-Za-z_$][\w$]*$/.test(key) ? `.${key}` : `[${JSON.stringify(key)}]`;
  if (typeof key === 'object' && key !== null) return `[${key.constructor ? key.constructor.name : 'object'}]`;
  return `[${String(key)}]`;
}

/** Bytes written one after the other. */
class Writer {
  constructor() {
    this.bytes = new Uint8Array(64);
    this.view = new DataView(this.bytes.buffer);
    this.length = 0;
  }

  /**
   * Make room and return where it begins.
   *
   * @param {number} count
   * @returns {number}
   */
  take(count) {
    const at = this.length;
    this.length += count;
    if (this.length > this.bytes.length) {
      const grown = new Uint8Array(Math.max(this.length, 2 * this.bytes.length));
      grown.set(this.bytes.subarray(0, at));
      this.bytes = grown;
      this.view = new DataView(grown.buffer);
    }
    return at;
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

  finish() {
    return this.bytes.slice(0, this.length);
  }
}

/**
 * Encode one value; see the table at the head of this file.
 *
 * @param {any} value
 * @returns {Uint8Array}
 * @throws {EncodeError} naming the part that has no Lua form
 */
export function encodeValue(value) {
  const writer = new Writer();
  /** @type {Map<object, number>} */
  const numbers = new Map();
  // A stack of what is still to be written, so that nesting costs no call stack.
  /** @type {{ value: any, place: Place | null }[]} */
  const pending = [{ value, place: null }];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    if (encodeLeaf(writer, next.value, next.place)) continue;
    const known = numbers.get(next.value);
    if (known !== undefined) {
      writer.u8(TAG_SAME_TABLE);
      writer.u32(known);
      continue;
    }
    numbers.set(next.value, numbers.size);
    const { items, pairs } = partsOf(next.value, next.place);
    writer.u8(TAG_TABLE);
    writer.u32(items.length);
    writer.u32(pairs.length);
    const parent = next.place;
    for (let index = pairs.length - 1; index >= 0; index--) {
      const place = { parent, step: stepTo(pairs[index][0]) };
      pending.push({ value: pairs[index][1], place }, { value: pairs[index][0], place });
    }
    for (let index = items.length - 1; index >= 0; index--) {
      pending.push({ value: items[index], place: { parent, step: `[${index}]` } });
    }
  }
  return writer.finish();
}

/**
 * Write a value that is no table by value.
 *
 * @param {Writer} writer
 * @param {any} value
 * @param {Place | null} place
 * @returns {boolean} false when the value is a table by value, and nothing was written
 */
function encodeLeaf(writer, value, place) {
  switch (typeof value) {
    case 'undefined':
      writer.u8(TAG_NIL);
      return true;
    case 'boolean':
      writer.u8(TAG_BOOLEAN);
      writer.u8(value ? 1 : 0);
      return true;
    case 'number':
      if (Number.isSafeInteger(value) && !Object.is(value, -0)) {
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
      writer.block(encodeUtf8(value));
      return true;
    case 'object':
      return encodeObjectLeaf(writer, value, place);
    default:
      throw new EncodeError(`a JavaScript ${typeof value} has no Lua form`, pathOf(place));
  }
}

/**
 * @param {Writer} writer
 * @param {any} value
 * @param {Place | null} place
 * @returns {boolean} as `encodeLeaf`
 */
function encodeObjectLeaf(writer, value, place) {
  if (value === null) {
    writer.u8(TAG_NIL);
  } else if (value instanceof Uint8Array) {
    writer.u8(TAG_STRING);
    writer.block(value);
  } else if (value instanceof ExternalTable) {
    writer.u8(TAG_EXTERNAL_TABLE);
    writer.u32(value.id);
  } else if (value instanceof LuaFunction) {
    writer.u8(TAG_LIBRARY_FUNCTION);
    writer.block(encodeUtf8(value.name));
  } else if (value instanceof LuaOpaque) {
    throw new EncodeError(`a Lua ${value.type} cannot leave the state that it lives in`, pathOf(place));
  } else {
    return false;
  }
  return true;
}

/**
 * The array items and the other pairs of a container, without what is nil.
 *
 * @param {any} container
 * @param {Place | null} place
 * @returns {{ items: any[], pairs: [any, any][] }}
 */
function partsOf(container, place) {
  const isPresent = (/** @type {any} */ item) => item !== null && item !== undefined;
  if (Array.isArray(container)) {
    // `from` shows holes as undefined; a table with holes has no array part to speak of.
    const items = Array.from(container);
    if (items.every(isPresent)) return { items, pairs: [] };
    /** @type {[any, any][]} */
    const pairs = [];
    items.forEach((item, index) => {
      if (isPresent(item)) pairs.push([index + 1, item]);
    });
    return { items: [], pairs };
  }
  if (container instanceof Map) {
    checkKeys(container, place);
    return { items: [], pairs: Array.from(container).filter((pair) => isPresent(pair[1])) };
  }
  const prototype = Object.getPrototypeOf(container);
  if (prototype !== null && Object.getPrototypeOf(prototype) !== null) {
    const name = container.constructor ? container.constructor.name : 'object';
    throw new EncodeError(`a JavaScript ${name} has no Lua form`, pathOf(place));
  }
  return { items: [], pairs: Object.entries(container).filter((pair) => isPresent(pair[1])) };
}

/**
 * Refuse keys that Lua does not have, and two keys of a Map that are one in Lua.
 *
 * @param {Map<any, any>} map
 * @param {Place | null} place
 */
function checkKeys(map, place) {
  /** @type {Set<string>} */
  const seen = new Set();
  for (const key of map.keys()) {
    if (key === null || key === undefined || key !== key) {
      throw new EncodeError(`${String(key)} cannot be a key of a Lua table`, pathOf(place));
    }
    let form;
    if (typeof key === 'string') form = `s${key}`;
    else if (key instanceof Uint8Array) form = `s${keyText(key, 0, key.length)}`;
    else if (typeof key === 'bigint' || Number.isInteger(key)) form = `n${BigInt(key)}`;
    else continue;
    if (seen.has(form)) throw new EncodeError(`two keys of the Map are the same key in Lua: ${form.slice(1)}`, pathOf(place));
    seen.add(form);
  }
}
