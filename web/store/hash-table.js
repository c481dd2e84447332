/**
 * Keeps entries by any keys, in the order in which they came: a hash table whose entries are blocks of an arena, each with a key
 * and its value.
 *
 * An entry has a number that grows from entry to entry, so that what walks through the table finds its place again after the
 * gaps between entries have been closed.
 *
 * @import { Arena } from './arena.js'
 * @import { Found } from './items.js'
 */

import { readU16 } from '../bytes/integers.js';
import { sameBytes } from './arena.js';
import { dropField, ELSEWHERE, fieldSize, findField, newFound, NUMBER, putField } from './items.js';

/** Bytes of an entry's block in front of its key. */
const HEAD = 6;

/** Entries that a new table has room for. */
const FIRST = 48;

/**
 * @param {Uint8Array} memory
 * @param {number} start
 * @param {number} end
 * @returns {number} 32 bits
 */
function hashOf(memory, start, end) {
  let hash = 0x811c9dc5;
  for (let at = start; at < end; at++) hash = Math.imul(hash ^ memory[at], 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d);
  return (hash ^ (hash >>> 13)) | 0;
}

/** A table of any keys. */
export class HashTable {
  constructor() {
    this.size = 0;
    /** Entries and gaps. */
    this.count = 0;
    /** The hash of each entry's key. */
    this.hashes = new Int32Array(FIRST);
    /** The place of each entry; 0 for a gap. */
    this.places = new Uint32Array(FIRST);
    /** One more than the index of an entry, by hash; 0 for none. */
    this.index = new Int32Array(128);
    /** The number of each entry, once it is not its index. */
    /** @type {Float64Array | null} */
    this.numbers = null;
    this.nextNumber = 0;
    /** Changes when entries get other indexes. */
    this.version = 0;
  }

  /**
   * Finds an entry.
   *
   * @param {Arena} arena
   * @param {Uint8Array} memory with the key
   * @param {number} start
   * @param {number} end
   * @returns {number} its index, -1 if it is not there
   */
  find(arena, memory, start, end) {
    return this.findHashed(arena, memory, start, end, hashOf(memory, start, end));
  }

  /**
   * @private
   * @param {Arena} arena
   * @param {Uint8Array} memory
   * @param {number} start
   * @param {number} end
   * @param {number} hash
   * @returns {number}
   */
  findHashed(arena, memory, start, end, hash) {
    const { index, hashes, places } = this;
    const mask = index.length - 1;
    for (let slot = hash & mask; index[slot] !== 0; slot = (slot + 1) & mask) {
      const entry = index[slot] - 1;
      if (hashes[entry] === hash && places[entry] !== 0 && hasKey(arena, places[entry], memory, start, end)) return entry;
    }
    return -1;
  }

  /**
   * @param {Arena} arena
   * @param {number} entry
   * @param {Found} found gets the key
   */
  findKey(arena, entry, found) {
    const place = this.places[entry];
    const chunk = arena.chunkOf(place);
    const at = arena.offsetOf(place);
    findField(arena, chunk, readU16(chunk, at + 2), at + HEAD, found);
  }

  /**
   * @param {Arena} arena
   * @param {number} entry
   * @param {Found} found gets the value
   */
  findValue(arena, entry, found) {
    const place = this.places[entry];
    const chunk = arena.chunkOf(place);
    const at = arena.offsetOf(place);
    findField(arena, chunk, readU16(chunk, at + 4), at + HEAD + storedSize(readU16(chunk, at + 2)), found);
  }

  /**
   * Gives an entry another value.
   *
   * @param {Arena} arena
   * @param {number} entry
   * @param {Uint8Array} bytes
   * @param {number} start
   * @param {number} end
   */
  replace(arena, entry, bytes, start, end) {
    const place = this.places[entry];
    const chunk = arena.chunkOf(place);
    const at = arena.offsetOf(place);
    const keySize = storedSize(readU16(chunk, at + 2));
    const valueAt = at + HEAD + keySize;
    const size = HEAD + keySize + fieldSize(end - start);
    if (size <= arena.capacityOf(place)) {
      dropField(arena, chunk, at + 4, valueAt);
      putField(arena, chunk, at + 4, valueAt, bytes, start, end);
      return;
    }
    // The key and what stands for its length go along as they are.
    const moved = arena.take(size);
    dropField(arena, chunk, at + 4, valueAt);
    const target = arena.chunkOf(moved);
    const to = arena.offsetOf(moved);
    for (let offset = 2; offset < HEAD + keySize; offset++) target[to + offset] = chunk[at + offset];
    putField(arena, target, to + 4, to + HEAD + keySize, bytes, start, end);
    arena.release(place);
    this.places[entry] = moved;
  }

  /**
   * Adds an entry behind all others.
   *
   * @param {Arena} arena
   * @param {Uint8Array} memory with the key, which is not there
   * @param {number} keyStart
   * @param {number} keyEnd
   * @param {Uint8Array} bytes with the value
   * @param {number} start
   * @param {number} end
   */
  add(arena, memory, keyStart, keyEnd, bytes, start, end) {
    if (this.count === this.places.length) this.resize(Math.max(FIRST, Math.ceil(this.size * 1.5)));
    const keySize = fieldSize(keyEnd - keyStart);
    const place = arena.take(HEAD + keySize + fieldSize(end - start));
    const chunk = arena.chunkOf(place);
    const at = arena.offsetOf(place);
    putField(arena, chunk, at + 2, at + HEAD, memory, keyStart, keyEnd);
    putField(arena, chunk, at + 4, at + HEAD + keySize, bytes, start, end);
    const entry = this.count;
    this.count++;
    this.size++;
    this.hashes[entry] = hashOf(memory, keyStart, keyEnd);
    this.places[entry] = place;
    if (this.numbers !== null) this.numbers[entry] = this.nextNumber;
    this.nextNumber++;
    this.link(entry);
  }

  /**
   * @param {Arena} arena
   * @param {number} entry
   */
  delete(arena, entry) {
    this.release(arena, entry);
    this.places[entry] = 0;
    this.size--;
    if (this.count > 4 * FIRST && this.size * 4 < this.count) this.resize(Math.max(FIRST, this.size * 2));
  }

  /**
   * @param {Arena} arena
   * @returns {number} bytes of all values
   */
  bytes(arena) {
    let sum = 0;
    for (let entry = 0; entry < this.count; entry++) {
      if (this.places[entry] === 0) continue;
      this.findValue(arena, entry, LONG);
      sum += LONG.end - LONG.start;
    }
    return sum;
  }

  /** @param {Arena} arena */
  clear(arena) {
    for (let entry = 0; entry < this.count; entry++) if (this.places[entry] !== 0) this.release(arena, entry);
    this.size = 0;
    this.count = 0;
  }

  /**
   * @param {Arena} arena
   * @param {Arena} target
   */
  move(arena, target) {
    for (let entry = 0; entry < this.count; entry++) {
      const place = this.places[entry];
      if (place === 0) continue;
      const chunk = arena.chunkOf(place);
      const at = arena.offsetOf(place);
      const size = HEAD + storedSize(readU16(chunk, at + 2)) + storedSize(readU16(chunk, at + 4));
      this.places[entry] = arena.move(place, size, target);
    }
  }

  /**
   * @param {number} entry
   * @returns {number} the number of an entry
   */
  numberOf(entry) {
    return this.numbers === null ? entry : this.numbers[entry];
  }

  /**
   * Finds the first entry behind those with smaller numbers.
   *
   * @param {number} number
   * @returns {number} its index, or that behind the last one
   */
  from(number) {
    const { numbers } = this;
    if (numbers === null) return Math.min(number, this.count);
    let low = 0;
    let high = this.count;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (numbers[middle] < number) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /**
   * @private
   * @param {Arena} arena
   * @param {number} entry
   */
  release(arena, entry) {
    const place = this.places[entry];
    const chunk = arena.chunkOf(place);
    const at = arena.offsetOf(place);
    dropField(arena, chunk, at + 4, at + HEAD + storedSize(readU16(chunk, at + 2)));
    dropField(arena, chunk, at + 2, at + HEAD);
    arena.release(place);
  }

  /**
   * @private
   * @param {number} entry
   */
  link(entry) {
    const { index } = this;
    const mask = index.length - 1;
    let slot = this.hashes[entry] & mask;
    while (index[slot] !== 0) slot = (slot + 1) & mask;
    index[slot] = entry + 1;
  }

  /**
   * Makes room for so many entries, and closes the gaps between them.
   *
   * @private
   * @param {number} room
   */
  resize(room) {
    const { hashes, places, numbers } = this;
    const hasGaps = this.size < this.count;
    const [newHashes, newPlaces] = [new Int32Array(room), new Uint32Array(room)];
    const newNumbers = numbers === null && !hasGaps ? null : new Float64Array(room);
    let length = 128;
    while (length < room * 1.5) length *= 2;
    let count = 0;
    for (let entry = 0; entry < this.count; entry++) {
      if (places[entry] === 0) continue;
      newHashes[count] = hashes[entry];
      newPlaces[count] = places[entry];
      if (newNumbers !== null) newNumbers[count] = numbers === null ? entry : numbers[entry];
      count++;
    }
    this.hashes = newHashes;
    this.places = newPlaces;
    this.numbers = newNumbers;
    this.index = new Int32Array(length);
    this.count = count;
    if (hasGaps) this.version++;
    for (let entry = 0; entry < count; entry++) this.link(entry);
  }
}

/**
 * @param {number} length what stands for the length of a field
 * @returns {number} bytes that it takes in its block
 */
function storedSize(length) {
  return length === ELSEWHERE ? NUMBER : length;
}

/**
 * @param {Arena} arena
 * @param {number} place of an entry
 * @param {Uint8Array} memory with a key
 * @param {number} start
 * @param {number} end
 * @returns {boolean} whether the entry has this key
 */
function hasKey(arena, place, memory, start, end) {
  const chunk = arena.chunkOf(place);
  const at = arena.offsetOf(place);
  const length = readU16(chunk, at + 2);
  if (length !== ELSEWHERE) return length === end - start && sameBytes(memory, start, end, chunk, at + HEAD);
  findField(arena, chunk, length, at + HEAD, LONG);
  return LONG.bytes.length === end - start && sameBytes(memory, start, end, LONG.bytes, 0);
}

const LONG = newFound();
