/**
 * Keeps lists of keys that rows have in common. The shapes form a tree: each is its parent and one key behind it.
 */

import { keyBytes } from '../bytes/text.js';
import { OP_SHAPE } from '../loader.js';
import { copyBytes, sameBytes } from './arena.js';
import { integerForm } from './integer-key.js';

/** Most keys of a shape. */
export const MOST_KEYS = 32;

/** Longest key of a shape, in bytes. */
const MOST_KEY_BYTES = 256;

/** Most shapes of a store: tables with ever other keys should not fill the memory with them. */
const MOST_SHAPES = 1 << 14;

/** Keys in an order. */
export class Shape {
  /**
   * @param {number} number
   * @param {Shape | null} parent
   * @param {string} text of the last key; that of the root does not matter
   */
  constructor(number, parent, text) {
    this.number = number;
    /** @type {string[]} */
    this.keys = parent === null ? [] : parent.keys.concat(text);
    const last = parent === null ? new Uint8Array(0) : keyBytes(text);
    /** @type {Uint8Array} */
    const before = parent === null ? new Uint8Array(0) : parent.bytes;
    /**
     * All keys, one behind the other.
     *
     * @type {Uint8Array}
     */
    this.bytes = new Uint8Array(before.length + last.length);
    this.bytes.set(before);
    this.bytes.set(last, before.length);
    /**
     * Where each key begins.
     *
     * @type {number[]}
     */
    this.starts = parent === null ? [] : parent.starts.concat(before.length);
    /**
     * How many bytes each key has.
     *
     * @type {number[]}
     */
    this.lengths = parent === null ? [] : parent.lengths.concat(last.length);
    /**
     * Whether the keys are the integers from 1 on.
     *
     * @type {boolean}
     */
    this.isList = parent === null || (parent.isList && text === integerForm(this.keys.length));
    /** @type {Map<string, Shape>} by the key that they have more */
    this.children = new Map();
    /** The shape as an op of a batch. */
    this.op = this.encode();
    /** The batch that it was last part of, and its number there. */
    this.batch = 0;
    this.place = 0;
  }

  get size() {
    return this.keys.length;
  }

  /**
   * Finds a key.
   *
   * @param {Uint8Array} memory
   * @param {number} start
   * @param {number} end
   * @returns {number} its index, -1 if it is not there
   */
  find(memory, start, end) {
    const { lengths, starts, bytes } = this;
    const length = end - start;
    for (let index = 0; index < lengths.length; index++) {
      if (lengths[index] === length && sameBytes(memory, start, end, bytes, starts[index])) return index;
    }
    return -1;
  }

  /** @private */
  encode() {
    const op = new Uint8Array(3 + this.bytes.length + 2 * this.size);
    op[0] = OP_SHAPE;
    op[1] = this.size;
    let at = 3;
    this.lengths.forEach((length, index) => {
      op[at] = length;
      op[at + 1] = length >>> 8;
      copyBytes(this.bytes, this.starts[index], this.starts[index] + length, op, at + 2);
      at += 2 + length;
    });
    return op;
  }
}

/** The shapes of one store. */
export class Shapes {
  constructor() {
    /** The shape without keys. */
    this.root = new Shape(0, null, '');
    /** All shapes, by number. */
    this.all = [this.root];
  }

  /**
   * Adds a key to a shape.
   *
   * @param {Shape} shape that does not have it
   * @param {string} text
   * @returns {Shape | null} null if there can be no such shape
   */
  with(shape, text) {
    const known = shape.children.get(text);
    if (known !== undefined) return known;
    if (shape.size >= MOST_KEYS || this.all.length >= MOST_SHAPES || text.length > MOST_KEY_BYTES) return null;
    const child = new Shape(this.all.length, shape, text);
    this.all.push(child);
    shape.children.set(text, child);
    return child;
  }

  /**
   * Finds the shape of some keys.
   *
   * @param {string[]} keys each once
   * @returns {Shape | null} null if there can be no such shape
   */
  of(keys) {
    /** @type {Shape | null} */
    let shape = this.root;
    for (const key of keys) if (shape !== null) shape = this.with(shape, key);
    return shape;
  }

  /**
   * Takes a key out of a shape.
   *
   * @param {Shape} shape
   * @param {number} index of the key
   * @returns {Shape | null} null if there can be no such shape
   */
  without(shape, index) {
    return this.of(shape.keys.filter((_key, at) => at !== index));
  }
}
