/**
 * Stores many small byte strings in few large arrays: a million values cost no million objects.
 *
 * A slot is where a value lies, in units of four bytes from the first chunk's start; a long value is its own slot, an array.
 * A value in a chunk is preceded by two bytes, the units that it may take and its length, so that it can be overwritten in
 * place by another that is not longer. What is freed is only counted: whoever owns the slots moves them to a new arena when
 * `isWasteful` says that it is worth it.
 *
 * @typedef {number | Uint8Array} Slot
 */

/** Units of a chunk, as a power of two: 256 KiB. */
const CHUNK_BITS = 16;
const CHUNK_UNITS = 1 << CHUNK_BITS;
const UNIT_MASK = CHUNK_UNITS - 1;

const HEADER = 2;

/** Longest value that lies in a chunk, and the units that it takes. */
const SHORT = 250;
const MOST_UNITS = unitsOf(SHORT);

/** Longest value that is copied byte by byte; beyond it the platform's copying is faster. */
const BY_BYTE = 40;

/**
 * @param {number} length of a value
 * @returns {number}
 */
function unitsOf(length) {
  return (length + HEADER + 3) >> 2;
}

export class Arena {
  /** @param {number} [units] to make room for at once */
  constructor(units = 0) {
    /** @type {Uint8Array[]} */
    this.chunks = [];
    // At the end of each chunk there may be less room than the longest value needs.
    for (let left = units; left > 0; left -= CHUNK_UNITS - MOST_UNITS) this.chunks.push(new Uint8Array(4 * CHUNK_UNITS));
    /** First unit that is free. */
    this.top = 0;
    /** Units below `top` that hold nothing any more. */
    this.waste = 0;
    /** Bytes of the long values. */
    this.long = 0;
  }

  /** Whether more than half of the arena is waste, and enough to care. */
  get isWasteful() {
    return this.waste > CHUNK_UNITS / 4 && this.waste * 2 > this.top;
  }

  /** Units that hold something. */
  get used() {
    return this.top - this.waste;
  }

  /**
   * Store bytes, in place of what a slot holds if there is one.
   *
   * @param {Slot | undefined} slot
   * @param {Uint8Array} bytes
   * @param {number} start
   * @param {number} end
   * @returns {Slot} where they lie now
   */
  put(slot, bytes, start, end) {
    const length = end - start;
    if (length > SHORT) {
      if (slot !== undefined) this.free(slot);
      this.long += length;
      return bytes.slice(start, end);
    }
    const units = unitsOf(length);
    let place;
    if (typeof slot === 'number' && units <= this.chunks[slot >>> CHUNK_BITS][(slot & UNIT_MASK) << 2]) {
      place = slot;
    } else {
      if (slot !== undefined) this.free(slot);
      place = this.allocate(units);
    }
    const chunk = this.chunks[place >>> CHUNK_BITS];
    let at = ((place & UNIT_MASK) << 2) + 1;
    chunk[at++] = length;
    if (length <= BY_BYTE) for (let from = start; from < end; from++) chunk[at++] = bytes[from];
    else chunk.set(bytes.subarray(start, end), at);
    return place;
  }

  /**
   * @param {number} units
   * @returns {number} a place of so many units, in one chunk
   */
  allocate(units) {
    const room = -this.top & UNIT_MASK;
    if (units > room) {
      const top = this.top + room;
      if (top >>> CHUNK_BITS === this.chunks.length) this.chunks.push(new Uint8Array(4 * CHUNK_UNITS));
      this.waste += room;
      this.top = top;
    }
    const place = this.top;
    this.top += units;
    this.chunks[place >>> CHUNK_BITS][(place & UNIT_MASK) << 2] = units;
    return place;
  }

  /** @param {Slot} slot whose value is not needed any more */
  free(slot) {
    if (typeof slot === 'number') this.waste += this.chunks[slot >>> CHUNK_BITS][(slot & UNIT_MASK) << 2];
    else this.long -= slot.length;
  }

  /**
   * Copy a value, if it fits.
   *
   * @param {Slot} slot
   * @param {Uint8Array} target
   * @param {number} start
   * @param {number} end
   * @returns {number} the value's length, negated if it does not fit
   */
  read(slot, target, start, end) {
    if (typeof slot !== 'number') {
      if (slot.length > end - start) return -slot.length;
      target.set(slot, start);
      return slot.length;
    }
    const chunk = this.chunks[slot >>> CHUNK_BITS];
    let from = ((slot & UNIT_MASK) << 2) + 1;
    const length = chunk[from++];
    if (length > end - start) return -length;
    if (length <= BY_BYTE) for (let at = start; at < start + length; at++) target[at] = chunk[from++];
    else target.set(chunk.subarray(from, from + length), start);
    return length;
  }

  /**
   * @param {Slot} slot
   * @returns {number} bytes of its value
   */
  lengthOf(slot) {
    if (typeof slot !== 'number') return slot.length;
    return this.chunks[slot >>> CHUNK_BITS][((slot & UNIT_MASK) << 2) + 1];
  }

  /**
   * A value, as an array of its own.
   *
   * @param {Slot} slot
   * @returns {Uint8Array}
   */
  bytes(slot) {
    if (typeof slot !== 'number') return slot.slice();
    const chunk = this.chunks[slot >>> CHUNK_BITS];
    const from = ((slot & UNIT_MASK) << 2) + HEADER;
    return chunk.slice(from, from + chunk[from - 1]);
  }

  /**
   * Move a value to another arena.
   *
   * @param {Slot} slot
   * @param {Arena} target
   * @returns {Slot}
   */
  move(slot, target) {
    if (typeof slot !== 'number') {
      target.long += slot.length;
      return slot;
    }
    const chunk = this.chunks[slot >>> CHUNK_BITS];
    const from = ((slot & UNIT_MASK) << 2) + HEADER;
    return target.put(undefined, chunk, from, from + chunk[from - 1]);
  }
}
