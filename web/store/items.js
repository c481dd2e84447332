/**
 * Keeps single values in the blocks of an arena: behind a block's size come the length of the value and its bytes, or a mark
 * and the number of bytes that are too long for a block.
 *
 * @import { Arena } from './arena.js'
 */

import { putU16, putU32, readU16, readU32 } from '../bytes/integers.js';
import { copyBytes } from './arena.js';

/** Longest value that lies in a block. */
export const MOST_INLINE = 1000;

/** In place of the length of bytes that lie elsewhere. */
export const ELSEWHERE = 0xffff;

/** Bytes of a block in front of the value. */
const HEAD = 4;

/** Bytes that the number of bytes which lie elsewhere takes. */
export const NUMBER = 4;

/**
 * A range of bytes that is found again and again: the same object, with other contents.
 *
 * @typedef {object} Found
 * @property {Uint8Array} bytes
 * @property {number} start
 * @property {number} end
 * @property {Uint8Array} own where a value is put together that lies nowhere as a whole
 */

/** @returns {Found} */
export function newFound() {
  const own = new Uint8Array(9);
  return { bytes: own, start: 0, end: 0, own };
}

/**
 * Finds the bytes of a field: they lie behind it, or are an array of their own.
 *
 * @param {Arena} arena
 * @param {Uint8Array} chunk
 * @param {number} length what stands for it
 * @param {number} at where its bytes begin, or their number
 * @param {Found} found gets them
 */
export function findField(arena, chunk, length, at, found) {
  if (length !== ELSEWHERE) {
    found.bytes = chunk;
    found.start = at;
    found.end = at + length;
    return;
  }
  found.bytes = arena.longOf(readU32(chunk, at));
  found.start = 0;
  found.end = found.bytes.length;
}

/**
 * @param {number} length of bytes
 * @returns {number} the bytes that they take in a block
 */
export function fieldSize(length) {
  return length > MOST_INLINE ? NUMBER : length;
}

/**
 * Writes a field into a block.
 *
 * @param {Arena} arena
 * @param {Uint8Array} chunk
 * @param {number} lengthAt where what stands for its length goes
 * @param {number} at where the bytes go
 * @param {Uint8Array} bytes
 * @param {number} start
 * @param {number} end
 */
export function putField(arena, chunk, lengthAt, at, bytes, start, end) {
  if (end - start > MOST_INLINE) {
    putU16(chunk, lengthAt, ELSEWHERE);
    putU32(chunk, at, arena.keep(bytes.slice(start, end)));
    return;
  }
  putU16(chunk, lengthAt, end - start);
  copyBytes(bytes, start, end, chunk, at);
}

/**
 * Gives back what a field has elsewhere.
 *
 * @param {Arena} arena
 * @param {Uint8Array} chunk
 * @param {number} lengthAt
 * @param {number} at
 */
export function dropField(arena, chunk, lengthAt, at) {
  if (readU16(chunk, lengthAt) === ELSEWHERE) arena.forget(readU32(chunk, at));
}

/**
 * Stores a value, in place of another if there is one.
 *
 * @param {Arena} arena
 * @param {number} place 0 if there is none
 * @param {Uint8Array} bytes
 * @param {number} start
 * @param {number} end
 * @returns {number} its place
 */
export function putItem(arena, place, bytes, start, end) {
  const size = HEAD + fieldSize(end - start);
  // Memory is taken first, so that nothing has changed if there is none.
  const own = place !== 0 && arena.capacityOf(place) >= size ? place : arena.take(size);
  if (place !== 0) {
    const at = arena.offsetOf(place);
    dropField(arena, arena.chunkOf(place), at + 2, at + HEAD);
    if (own !== place) arena.release(place);
  }
  const at = arena.offsetOf(own);
  putField(arena, arena.chunkOf(own), at + 2, at + HEAD, bytes, start, end);
  return own;
}

/**
 * @param {Arena} arena
 * @param {number} place
 * @param {Found} found gets the value
 */
export function findItem(arena, place, found) {
  const chunk = arena.chunkOf(place);
  const at = arena.offsetOf(place);
  findField(arena, chunk, readU16(chunk, at + 2), at + HEAD, found);
}

/**
 * @param {Arena} arena
 * @param {number} place of a value that is not needed any more
 */
export function releaseItem(arena, place) {
  const at = arena.offsetOf(place);
  dropField(arena, arena.chunkOf(place), at + 2, at + HEAD);
  arena.release(place);
}

/**
 * @param {Arena} arena
 * @param {number} place
 * @param {Arena} target that has inherited what lies elsewhere
 * @returns {number} the place there
 */
export function moveItem(arena, place, target) {
  const length = readU16(arena.chunkOf(place), arena.offsetOf(place) + 2);
  return arena.move(place, HEAD + (length === ELSEWHERE ? NUMBER : length), target);
}
