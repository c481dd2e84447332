/**
 * Keeps small tables as rows: the number of a shape, and the values of its keys one after another, in a block of an arena.
 *
 * A row has values only whose length their first bytes tell, as the ops of batches have them; they are copied as they are.
 *
 * @import { Arena } from './arena.js'
 * @import { Found } from './items.js'
 * @import { Shape, Shapes } from './shapes.js'
 */

import { putU16, putU32, readU16, readU32 } from '../bytes/integers.js';
import { copyBytes } from './arena.js';
import { WIDTHS } from './list-table.js';

/** Bytes of a row's block in front of its values. */
const HEAD = 8;

/** Most bytes of all values of a row. */
export const MOST_VALUES = 2000;

/**
 * Finds the length of a value that is known to be whole.
 *
 * @param {Uint8Array} chunk
 * @param {number} at
 * @returns {number}
 */
export function wholeLength(chunk, at) {
  const width = WIDTHS[chunk[at]];
  return width !== 0 ? 1 + width : 5 + readU32(chunk, at + 1);
}

/** The rows of one store. */
export class Rows {
  /**
   * @param {Arena} arena
   * @param {Shapes} shapes
   */
  constructor(arena, shapes) {
    this.arena = arena;
    this.shapes = shapes;
  }

  /**
   * @param {number} place
   * @returns {Shape}
   */
  shapeOf(place) {
    return this.shapes.all[readU32(this.arena.chunkOf(place), this.arena.offsetOf(place) + 4)];
  }

  /**
   * @param {number} place
   * @returns {number} bytes of all values
   */
  lengthOf(place) {
    return readU16(this.arena.chunkOf(place), this.arena.offsetOf(place) + 2);
  }

  /**
   * Makes a row.
   *
   * @param {Shape} shape
   * @param {Uint8Array} bytes with all values
   * @param {number} start
   * @param {number} end
   * @param {number} spare bytes to make room for besides
   * @returns {number} its place
   */
  create(shape, bytes, start, end, spare) {
    const { arena } = this;
    const place = arena.take(HEAD + Math.min(end - start + spare, MOST_VALUES));
    this.fill(place, shape, bytes, start, end);
    return place;
  }

  /**
   * Puts other values into a row, if there is room.
   *
   * @param {number} place
   * @param {Shape} shape
   * @param {Uint8Array} bytes with all values
   * @param {number} start
   * @param {number} end
   * @returns {number} the place of the row
   */
  replace(place, shape, bytes, start, end) {
    const { arena } = this;
    if (arena.capacityOf(place) < HEAD + end - start) {
      const moved = this.create(shape, bytes, start, end, 0);
      arena.release(place);
      return moved;
    }
    this.fill(place, shape, bytes, start, end);
    return place;
  }

  /**
   * @private
   * @param {number} place with room for the values
   * @param {Shape} shape
   * @param {Uint8Array} bytes with all values
   * @param {number} start
   * @param {number} end
   */
  fill(place, shape, bytes, start, end) {
    const chunk = this.arena.chunkOf(place);
    const at = this.arena.offsetOf(place);
    putU16(chunk, at + 2, end - start);
    putU32(chunk, at + 4, shape.number);
    copyBytes(bytes, start, end, chunk, at + HEAD);
  }

  /**
   * @param {number} place
   * @param {Found} found gets all values
   */
  findAll(place, found) {
    const start = this.arena.offsetOf(place) + HEAD;
    found.bytes = this.arena.chunkOf(place);
    found.start = start;
    found.end = start + this.lengthOf(place);
  }

  /**
   * @param {number} place
   * @param {number} index of the key in the shape
   * @param {Found} found gets the value
   */
  find(place, index, found) {
    const chunk = this.arena.chunkOf(place);
    let at = this.arena.offsetOf(place) + HEAD;
    for (let before = 0; before < index; before++) at += wholeLength(chunk, at);
    found.bytes = chunk;
    found.start = at;
    found.end = at + wholeLength(chunk, at);
  }

  /**
   * Gives a key another value, or none.
   *
   * @param {number} place
   * @param {Shape} shape that the row has then
   * @param {Found} old where the value is that goes; an empty range behind the last one, if there is none
   * @param {Uint8Array} bytes
   * @param {number} start
   * @param {number} end
   * @returns {number} the place of the row
   */
  splice(place, shape, old, bytes, start, end) {
    const { arena } = this;
    const chunk = arena.chunkOf(place);
    const from = arena.offsetOf(place);
    const valuesEnd = from + HEAD + this.lengthOf(place);
    const length = valuesEnd - from - HEAD - (old.end - old.start) + (end - start);
    const size = HEAD + length;
    let moved = place;
    if (size > arena.capacityOf(place)) moved = arena.take(Math.min(size + (size >> 2), HEAD + MOST_VALUES));
    const target = arena.chunkOf(moved);
    const to = arena.offsetOf(moved);
    const at = old.start - from + to;
    if (moved === place) {
      if (old.end !== valuesEnd) chunk.copyWithin(at + end - start, old.end, valuesEnd);
    } else {
      copyBytes(chunk, from + HEAD, old.start, target, to + HEAD);
      copyBytes(chunk, old.end, valuesEnd, target, at + end - start);
    }
    copyBytes(bytes, start, end, target, at);
    putU16(target, to + 2, length);
    putU32(target, to + 4, shape.number);
    if (moved !== place) arena.release(place);
    return moved;
  }

  /**
   * @param {number} place
   * @param {Arena} target
   * @returns {number} the place there
   */
  move(place, target) {
    return this.arena.move(place, HEAD + this.lengthOf(place), target);
  }
}
