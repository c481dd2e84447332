/**
 * Keeps the values of the keys 1 to n. Values of one kind and size (references, integers, floats, booleans) lie one behind the
 * other without their tags; others are items of an arena.
 *
 * @import { Arena } from './arena.js'
 * @import { Found } from './items.js'
 */

import { TAG_BOOLEAN, TAG_EXTERNAL_TABLE, TAG_FLOAT, TAG_INTEGER } from '../loader.js';
import { findItem, moveItem, newFound, putItem, releaseItem } from './items.js';

/** Bytes behind the tag of values of each kind that has a size; 0 for others. */
export const WIDTHS = new Uint8Array(256);
WIDTHS[TAG_BOOLEAN] = 1;
WIDTHS[TAG_INTEGER] = 8;
WIDTHS[TAG_FLOAT] = 8;
WIDTHS[TAG_EXTERNAL_TABLE] = 4;

/** Values that a new list has room for. */
const FIRST = 48;

/** A list. */
export class ListTable {
  constructor() {
    this.size = 0;
    /** The tag of all values; 0: they are items. */
    this.tag = 0;
    /** Bytes of each value without its tag. */
    this.width = 0;
    /** The values without their tags. */
    this.packed = new Uint8Array(0);
    /** The places of items. */
    this.places = new Uint32Array(0);
    /**
     * The table that it has become, as it could not be a list any more.
     *
     * @type {import('./hash-table.js').HashTable | null}
     */
    this.successor = null;
  }

  /**
   * @param {Arena} arena
   * @param {number} index from 0 on, less than the size
   * @param {Found} found gets the value, valid until the next is found
   */
  find(arena, index, found) {
    if (this.tag === 0) {
      findItem(arena, this.places[index], found);
      return;
    }
    const { width, packed } = this;
    const value = found.own;
    value[0] = this.tag;
    for (let at = 1, from = index * width; at <= width; at++, from++) value[at] = packed[from];
    found.bytes = value;
    found.start = 0;
    found.end = 1 + width;
  }

  /**
   * @param {Arena} arena
   * @param {number} index less than the size
   * @returns {number} bytes of the value
   */
  lengthOf(arena, index) {
    if (this.tag !== 0) return 1 + this.width;
    findItem(arena, this.places[index], MEASURED);
    return MEASURED.end - MEASURED.start;
  }

  /**
   * @param {Arena} arena
   * @param {number} index up to the size
   * @param {Uint8Array} bytes
   * @param {number} start
   * @param {number} end
   */
  set(arena, index, bytes, start, end) {
    const tag = bytes[start];
    if (this.size === 0 && WIDTHS[tag] === end - start - 1 && end - start > 1) {
      this.tag = tag;
      this.width = end - start - 1;
    }
    if (this.tag !== 0 && (tag !== this.tag || end - start - 1 !== this.width)) this.unpack(arena);
    if (index === this.size) this.grow();
    if (this.tag === 0) {
      this.places[index] = putItem(arena, this.places[index], bytes, start, end);
    } else {
      const { packed, width } = this;
      for (let at = index * width, from = start + 1; from < end; at++, from++) packed[at] = bytes[from];
    }
    if (index === this.size) this.size++;
  }

  /**
   * Takes the last value away.
   *
   * @param {Arena} arena
   */
  pop(arena) {
    this.size--;
    if (this.tag === 0) {
      releaseItem(arena, this.places[this.size]);
      this.places[this.size] = 0;
    }
    if (this.size === 0) this.reset();
  }

  /**
   * @param {Arena} arena
   * @returns {number} bytes of all values
   */
  bytes(arena) {
    if (this.tag !== 0) return this.size * (1 + this.width);
    let sum = 0;
    for (let index = 0; index < this.size; index++) sum += this.lengthOf(arena, index);
    return sum;
  }

  /** @param {Arena} arena */
  clear(arena) {
    if (this.tag === 0) for (let index = 0; index < this.size; index++) releaseItem(arena, this.places[index]);
    this.size = 0;
    this.reset();
  }

  /**
   * @param {Arena} arena
   * @param {Arena} target
   */
  move(arena, target) {
    if (this.tag !== 0) return;
    for (let index = 0; index < this.size; index++) this.places[index] = moveItem(arena, this.places[index], target);
  }

  /** @private */
  reset() {
    this.tag = 0;
    this.width = 0;
    this.packed = new Uint8Array(0);
    this.places = new Uint32Array(0);
  }

  /**
   * Makes room for a value behind the last one.
   *
   * @private
   */
  grow() {
    const room = this.tag === 0 ? this.places.length : this.packed.length / this.width;
    if (this.size < room) return;
    const more = Math.max(FIRST, Math.ceil(room * 1.4));
    if (this.tag === 0) {
      const places = new Uint32Array(more);
      places.set(this.places);
      this.places = places;
    } else {
      const packed = new Uint8Array(more * this.width);
      packed.set(this.packed);
      this.packed = packed;
    }
  }

  /**
   * Makes items of the values.
   *
   * @private
   * @param {Arena} arena
   */
  unpack(arena) {
    const places = new Uint32Array(Math.max(FIRST, this.packed.length / this.width));
    const found = newFound();
    for (let index = 0; index < this.size; index++) {
      this.find(arena, index, found);
      places[index] = putItem(arena, 0, found.bytes, found.start, found.end);
    }
    this.reset();
    this.places = places;
  }
}

const MEASURED = newFound();
