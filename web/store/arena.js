/**
 * Keeps many small byte strings in few large arrays: a million values cost no million objects.
 *
 * A block is a place for bytes, counted in units of four bytes from the start of the first chunk; its first two bytes are the
 * units that it may take. What is freed is used for blocks of the same size. Bytes that are too long for a block are arrays
 * of their own, by a number. Whoever owns the blocks moves them to a new arena when `isWasteful` says that it is worth it.
 */

/** Units of a chunk, as a power of two: 256 KiB. */
const CHUNK_BITS = 16;
const CHUNK_UNITS = 1 << CHUNK_BITS;
const UNIT_MASK = CHUNK_UNITS - 1;

/** The fewest units of a block: its size, and the next free one. */
const LEAST_UNITS = 2;

/** The most units of a block. */
const MOST_UNITS = 520;

/** Most bytes of a block. */
export const MOST_BYTES = 4 * MOST_UNITS;

/** Longest bytes that are copied one by one; beyond it the platform's copying is faster. */
const BY_BYTE = 48;

/**
 * Copies bytes.
 *
 * @param {Uint8Array} source
 * @param {number} start
 * @param {number} end
 * @param {Uint8Array} target
 * @param {number} at
 */
export function copyBytes(source, start, end, target, at) {
  if (end - start > BY_BYTE) {
    target.set(source.subarray(start, end), at);
    return;
  }
  let to = at;
  for (let from = start; from < end; from++) target[to++] = source[from];
}

/**
 * @param {Uint8Array} a
 * @param {number} start
 * @param {number} end
 * @param {Uint8Array} b
 * @param {number} at
 * @returns {boolean} whether the bytes are the same
 */
export function sameBytes(a, start, end, b, at) {
  let other = at;
  for (let from = start; from < end; from++) if (a[from] !== b[other++]) return false;
  return true;
}

/** Blocks of bytes. */
export class Arena {
  /** @param {number} [units] to make room for at once */
  constructor(units = 0) {
    /** @type {Uint8Array[]} */
    this.chunks = [];
    /** The same chunks, by unit. @type {Int32Array[]} */
    this.words = [];
    // At the end of each chunk there may be less room than the largest block needs.
    for (let left = units; left > 0; left -= CHUNK_UNITS - MOST_UNITS) this.grow();
    /** First unit that has never been used; no block begins at 0. */
    this.top = 1;
    /** Units below `top` that hold nothing. */
    this.waste = 1;
    /** The first free block of each size, 0 if there is none; its second unit has the next. */
    this.free = new Int32Array(MOST_UNITS + 1);
    /** @type {(Uint8Array | null)[]} */
    this.longs = [];
    /** @type {number[]} numbers of `longs` that can be used again */
    this.freeLongs = [];
  }

  /** Whether more than half of the arena is waste, and enough to care. */
  get isWasteful() {
    return this.waste > CHUNK_UNITS / 4 && this.waste * 2 > this.top;
  }

  /** Units that hold something. */
  get used() {
    return this.top - this.waste;
  }

  /** @private */
  grow() {
    const chunk = new Uint8Array(4 * CHUNK_UNITS);
    this.chunks.push(chunk);
    this.words.push(new Int32Array(chunk.buffer));
  }

  /**
   * Takes a block.
   *
   * @param {number} bytes that it has to hold, with the two of its size
   * @returns {number} its place
   */
  take(bytes) {
    const units = Math.max(LEAST_UNITS, (bytes + 3) >> 2);
    const first = this.free[units];
    if (first !== 0) {
      this.free[units] = this.words[first >>> CHUNK_BITS][(first & UNIT_MASK) + 1];
      this.waste -= units;
      return first;
    }
    const room = -this.top & UNIT_MASK;
    if (units > room) {
      // What is left of this chunk is waste.
      this.waste += room;
      this.top += room;
    }
    const place = this.top;
    if (place >>> CHUNK_BITS === this.chunks.length) this.grow();
    this.top += units;
    const chunk = this.chunks[place >>> CHUNK_BITS];
    const at = (place & UNIT_MASK) << 2;
    chunk[at] = units;
    chunk[at + 1] = units >>> 8;
    return place;
  }

  /** @param {number} place of a block that is not needed any more */
  release(place) {
    const units = this.unitsOf(place);
    this.words[place >>> CHUNK_BITS][(place & UNIT_MASK) + 1] = this.free[units];
    this.free[units] = place;
    this.waste += units;
  }

  /**
   * @private
   * @param {number} place
   * @returns {number} units of a block
   */
  unitsOf(place) {
    return this.words[place >>> CHUNK_BITS][place & UNIT_MASK] & 0xffff;
  }

  /**
   * @param {number} place
   * @returns {number} bytes that a block can hold, with the two of its size
   */
  capacityOf(place) {
    return this.unitsOf(place) << 2;
  }

  /**
   * @param {number} place
   * @returns {Uint8Array} the chunk that a block lies in
   */
  chunkOf(place) {
    return this.chunks[place >>> CHUNK_BITS];
  }

  /**
   * @param {number} place
   * @returns {number} where in its chunk a block begins
   */
  offsetOf(place) {
    return (place & UNIT_MASK) << 2;
  }

  /**
   * Copies a block to another arena.
   *
   * @param {number} place
   * @param {number} bytes that the block uses, with the two of its size
   * @param {Arena} target
   * @returns {number} its place there
   */
  move(place, bytes, target) {
    const moved = target.take(bytes);
    const from = this.offsetOf(place);
    copyBytes(this.chunkOf(place), from + 2, from + bytes, target.chunkOf(moved), target.offsetOf(moved) + 2);
    return moved;
  }

  /**
   * Keeps bytes that are too long for a block.
   *
   * @param {Uint8Array} bytes an array of its own
   * @returns {number} their number
   */
  keep(bytes) {
    const number = this.freeLongs.pop();
    if (number === undefined) return this.longs.push(bytes) - 1;
    this.longs[number] = bytes;
    return number;
  }

  /** @param {number} number of bytes that are not needed any more */
  forget(number) {
    this.longs[number] = null;
    this.freeLongs.push(number);
  }

  /**
   * @param {number} number
   * @returns {Uint8Array}
   */
  longOf(number) {
    return /** @type {Uint8Array} */ (this.longs[number]);
  }

  /**
   * Takes the bytes over that are too long for blocks; their numbers stay.
   *
   * @param {Arena} old
   */
  inherit(old) {
    this.longs = old.longs;
    this.freeLongs = old.freeLongs;
  }
}
