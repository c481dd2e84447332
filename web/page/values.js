/**
 * Describes Lua values as the page shows them. The values themselves stay in the worker: what crosses over are nodes, each
 * with a short text and, for what has entries, a reference by which the page asks for them, a part at a time.
 *
 * @typedef {object} Node
 * @property {string} type what Lua's `type` gives, or `external table`
 * @property {string} text the value, short and in Lua's notation
 * @property {number} [size] how many entries it has
 * @property {Reference} [reference] if it has any, or if the text is not the whole value
 *
 * @typedef {{ table: number } | { handle: number }} Reference an external table by its id, anything else by a number that is
 *   good until the next run
 *
 * @typedef {object} Entry
 * @property {string} name the key in Lua's notation
 * @property {any} key the key itself
 * @property {Node} node the value
 *
 * @typedef {object} Page
 * @property {Entry[]} entries
 * @property {number} size how many entries there are in all
 */

/**
 * @import { Lua } from '../lua-persistent.js'
 */

import { ExternalTable, LuaFunction, LuaLibrary, LuaOpaque } from '../lua-persistent.js';

/** Longest text of a node. */
const SHORT = 160;

/** Longest text to copy. */
const LONG = 1 << 20;

const NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;

/** Longest stretch of bytes shown of a string that is not UTF-8. */
const BYTES = 48;

/** What the page can look into. */
export class Values {
  /** @param {() => Lua} lua the machine that the values are of */
  constructor(lua) {
    this.lua = lua;
    /** @type {Map<number, any>} */
    this.handles = new Map();
    this.last = 0;
  }

  /** Forget the values of the last run. */
  clear() {
    this.handles.clear();
  }

  /**
   * @param {any} value
   * @returns {Node}
   */
  node(value) {
    if (value instanceof ExternalTable) {
      return { type: 'external table', text: `external table ${value.id}`, size: value.size, reference: { table: value.id } };
    }
    const size = sizeOf(value);
    if (size < 0) {
      const whole = literal(value);
      const text = shorten(whole);
      return text === whole ? { type: typeOf(value), text } : { type: typeOf(value), text, reference: this.keep(value) };
    }
    if (size === 0) return { type: 'table', text: '{}', size };
    return { type: 'table', text: Array.isArray(value) ? 'list' : 'table', size, reference: this.keep(value) };
  }

  /**
   * @private
   * @param {any} value
   * @returns {Reference}
   */
  keep(value) {
    this.handles.set(++this.last, value);
    return { handle: this.last };
  }

  /**
   * A part of the entries of what a reference stands for.
   *
   * @param {Reference} reference
   * @param {number} from
   * @param {number} count
   * @returns {Page}
   */
  page(reference, from, count) {
    const value = this.valueOf(reference);
    const entries = part(entriesOf(value), from, count).map(([key, each]) => ({ name: keyText(key), key, node: this.node(each) }));
    return { entries, size: value instanceof ExternalTable ? value.size : sizeOf(value) };
  }

  /**
   * Values as text, to be copied.
   *
   * @param {any[]} values
   * @returns {string}
   */
  text(values) {
    const writer = new Writer();
    values.forEach((value, index) => {
      if (index > 0) writer.write(',\n');
      writer.value(value, '');
    });
    return writer.finish();
  }

  /**
   * @param {Reference} reference
   * @returns {any}
   */
  valueOf(reference) {
    if ('table' in reference) return this.lua().table(reference.table);
    const value = this.handles.get(reference.handle);
    if (value === undefined) throw new RangeError('this value is of an earlier run');
    return value;
  }
}

/** Writes values as Lua would read them, up to a limit. */
class Writer {
  constructor() {
    /** @type {string[]} */
    this.pieces = [];
    this.room = LONG;
    /** @type {Set<object>} the tables that are being written */
    this.open = new Set();
  }

  /** @param {string} piece */
  write(piece) {
    if (this.room < 0) return;
    this.pieces.push(piece);
    this.room -= piece.length;
  }

  /**
   * @param {any} value
   * @param {string} indent
   */
  value(value, indent) {
    const isTable = value instanceof ExternalTable || sizeOf(value) >= 0;
    if (!isTable) return this.write(literal(value));
    if (this.open.has(value)) return this.write('nil --[[ a table that it is in ]]');
    this.open.add(value);
    const inner = `${indent}  `;
    let empty = true;
    for (const [key, each] of entriesOf(value)) {
      if (this.room < 0) break;
      this.write(empty ? '{\n' : '');
      empty = false;
      this.write(inner);
      if (!Array.isArray(value)) this.write(`${keyText(key)} = `);
      this.value(each, inner);
      this.write(',\n');
    }
    this.write(empty ? '{}' : `${indent}}`);
    this.open.delete(value);
  }

  /** @returns {string} */
  finish() {
    if (this.room < 0) this.pieces.push('\n-- and more');
    return this.pieces.join('');
  }
}

/**
 * The entries of a table: those of an external one in its own order; those of any other, whose order in Lua is that of its
 * hashes, with numbers first, and names as in a dictionary.
 *
 * @param {any} value
 * @returns {Iterable<[any, any]>}
 */
function entriesOf(value) {
  if (Array.isArray(value)) return value.map((each, index) => [index + 1, each]);
  if (value instanceof ExternalTable) return value.entries();
  const entries = Array.from(value instanceof Map ? value.entries() : Object.entries(value));
  return entries.sort(([a], [b]) => {
    if (typeof a === 'number' && typeof b === 'number') return a - b;
    if (typeof a !== typeof b) return typeof a < typeof b ? -1 : 1;
    return String(a) < String(b) ? -1 : 1;
  });
}

/**
 * @param {any} value
 * @returns {number} how many entries a value in this memory has, -1 if it can have none
 */
function sizeOf(value) {
  if (Array.isArray(value)) return value.length;
  if (value instanceof Map) return value.size;
  const isPlain = typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype;
  return isPlain ? Object.keys(value).length : -1;
}

/**
 * @param {any} value
 * @returns {string}
 */
function typeOf(value) {
  if (value === null || value === undefined) return 'nil';
  if (value instanceof LuaOpaque || value instanceof LuaLibrary || value instanceof LuaFunction) return value.type;
  if (value instanceof Uint8Array) return 'string';
  return typeof value === 'bigint' ? 'number' : typeof value;
}

/**
 * @param {any} value without entries
 * @returns {string} in Lua's notation, where there is one
 */
function literal(value) {
  if (value === null || value === undefined) return 'nil';
  if (typeof value === 'string') return quote(value);
  if (value instanceof Uint8Array) return quoteBytes(value);
  if (typeof value === 'number') return number(value);
  if (value instanceof LuaOpaque) return value.text;
  if (value instanceof LuaLibrary) return value.name;
  if (value instanceof LuaFunction) return value.name !== '' ? value.name : value.id > 0 ? `function ${value.id}` : 'function';
  if (typeof value === 'function') return 'function';
  return String(value);
}

/**
 * @param {any} key
 * @returns {string} as it stands in a table's constructor
 */
function keyText(key) {
  return typeof key === 'string' && NAME.test(key) ? key : `[${shorten(literal(key))}]`;
}

/**
 * @param {number} value
 * @returns {string}
 */
function number(value) {
  if (Object.is(value, -0)) return '-0.0';
  if (Number.isFinite(value)) return String(value);
  return Number.isNaN(value) ? 'nan' : value > 0 ? 'inf' : '-inf';
}

/** @type {Record<string, string>} */
const ESCAPES = { '\n': '\\n', '\r': '\\r', '\t': '\\t', '"': '\\"', '\\': '\\\\' };

/**
 * @param {string} text
 * @returns {string}
 */
function quote(text) {
  // eslint-disable-next-line no-control-regex -- control characters are what has to be escaped
  const escaped = text.replace(/[\u0000-\u001f\u007f"\\]/g, (character) => ESCAPES[character] || decimal(character.charCodeAt(0)));
  return `"${escaped}"`;
}

/**
 * @param {Uint8Array} bytes
 * @returns {string}
 */
function quoteBytes(bytes) {
  let text = '';
  for (const byte of bytes.subarray(0, BYTES)) {
    const character = String.fromCharCode(byte);
    text += byte < 32 || byte > 126 ? decimal(byte) : ESCAPES[character] || character;
  }
  return bytes.length > BYTES ? `"${text}…" (${bytes.length} bytes)` : `"${text}"`;
}

/**
 * @param {number} byte
 * @returns {string} as an escape in Lua
 */
function decimal(byte) {
  return `\\${String(byte).padStart(3, '0')}`;
}

/**
 * @param {string} text
 * @returns {string}
 */
function shorten(text) {
  return text.length > SHORT ? `${text.slice(0, SHORT)}… (${text.length} characters)` : text;
}

/**
 * @template T
 * @param {Iterable<T>} all
 * @param {number} from
 * @param {number} count
 * @returns {T[]}
 */
function part(all, from, count) {
  const found = [];
  let index = 0;
  for (const each of all) {
    if (index++ < from) continue;
    found.push(each);
    if (found.length === count) break;
  }
  return found;
}
