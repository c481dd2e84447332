/**
 * Writes and reads what a save consists of: operations on tables, as bytes.
 *
 * | byte | then                        | operation                                                             |
 * | ---- | --------------------------- | --------------------------------------------------------------------- |
 * | 1    |                             | reset: forget all tables; what follows is the whole state             |
 * | 2    | u32, u32, block             | the id of `_home`, the next free table id, the hash of the writer's ABI |
 * | 3    | u32                         | the operations that follow are on the table with this id              |
 * | 4    | key block, value block      | set: a key that is there keeps its place, a new one comes last        |
 * | 5    | key block, value block      | append: set, and the key comes last                                   |
 * | 6    | key block                   | delete the key                                                        |
 * | 7    |                             | drop the table                                                        |
 *
 * A block is a u32 length and that many bytes. Numbers are little-endian. Keys are the bytes that Lua gave (`keyBytes` in
 * text.js), values are encoded as values.js says. The operations come in chunks that can be read one by one: each begins with
 * operation 1, 2 or 3.
 *
 * @import { RangeStore } from '../store/store.js'
 */

import { copyBytes } from '../store/arena.js';
import { idProblem, isTableId } from '../store/table-ids.js';
import { decodeLossy, encodeInto, encodeUtf8, keyBytes, keyText } from '../bytes/text.js';

const RESET = 1;
const META = 2;
const TABLE = 3;
const SET = 4;
const APPEND = 5;
const DELETE = 6;
const DROP = 7;

/** Bytes after which a chunk ends. A chunk is longer only by its last entry. */
export const CHUNK = 1 << 20;

/** Longest key, in UTF-16 units, that is encoded in place: no unit takes more than three bytes. */
const SHORT_KEY = 256;

/**
 * What a state knows besides its tables.
 *
 * @typedef {object} Meta
 * @property {number} homeTableId id of the `_home` table
 * @property {number} nextTableId first id that no table has had
 * @property {string} abiHash hash of the ABI that wrote the state: for diagnosis, since tables outlive the ABI's version
 */

/**
 * Takes the operations of a state as they are read. `StateSession` loads a store with them.
 *
 * @typedef {object} Sink
 * @property {() => void} reset
 * @property {(meta: Meta) => void} meta
 * @property {(tableId: number, key: string, value: Uint8Array) => void} set
 * @property {RangeStore['setRange']} [setRange] does the same with ranges of bytes
 * @property {(tableId: number, key: string) => unknown} delete
 * @property {(tableId: number) => void} drop
 */

/**
 * A range of bytes.
 *
 * @typedef {object} Bytes
 * @property {Uint8Array} bytes
 * @property {number} start
 * @property {number} end
 */

/** Writes operations into chunks. */
export class OperationWriter {
  constructor() {
    /** @type {Uint8Array[]} finished chunks */
    this.chunks = [];
    this.bytes = new Uint8Array(4096);
    this.view = new DataView(this.bytes.buffer);
    this.at = 0;
    this.tableId = 0;
  }

  reset() {
    this.room(1);
    this.bytes[this.at++] = RESET;
  }

  /** @param {Meta} meta */
  meta(meta) {
    const hash = encodeUtf8(meta.abiHash);
    this.room(13 + hash.length);
    this.bytes[this.at++] = META;
    this.u32(meta.homeTableId);
    this.u32(meta.nextTableId);
    this.block(hash);
  }

  /**
   * @param {number} tableId
   * @param {string} key
   * @param {Uint8Array} value copied
   * @param {boolean} last whether a key that is there moves to the end
   */
  set(tableId, key, value, last) {
    this.begin(tableId);
    this.key(last ? APPEND : SET, key, 4 + value.length);
    this.block(value);
  }

  /**
   * Sets an entry by its bytes.
   *
   * @param {number} tableId
   * @param {Bytes} key
   * @param {Bytes} value
   */
  entry(tableId, key, value) {
    this.begin(tableId);
    this.room(9 + key.end - key.start + value.end - value.start);
    this.bytes[this.at++] = SET;
    this.range(key);
    this.range(value);
  }

  /**
   * @param {number} tableId
   * @param {string} key
   */
  delete(tableId, key) {
    this.begin(tableId);
    this.key(DELETE, key, 0);
  }

  /** @param {number} tableId */
  drop(tableId) {
    this.begin(tableId);
    this.room(1);
    this.bytes[this.at++] = DROP;
  }

  /** @returns {Uint8Array[]} all chunks, at least one */
  finish() {
    if (this.at > 0 || this.chunks.length === 0) this.endChunk();
    return this.chunks;
  }

  /**
   * @private
   * @param {number} tableId of the next operation
   */
  begin(tableId) {
    if (this.at >= CHUNK) this.endChunk();
    if (tableId === this.tableId && this.at > 0) return;
    this.room(5);
    this.bytes[this.at++] = TABLE;
    this.u32(tableId);
    this.tableId = tableId;
  }

  /**
   * @private
   * @param {number} operation
   * @param {string} key
   * @param {number} more bytes that follow
   */
  key(operation, key, more) {
    if (key.length <= SHORT_KEY) {
      this.room(5 + 3 * key.length + more);
      const start = this.at + 5;
      const { read, written } = encodeInto(key, this.bytes.subarray(start));
      // Text of ASCII has no lone surrogate, which `encodeInto` would replace.
      if (read === key.length && written === read) {
        this.bytes[this.at++] = operation;
        this.u32(written);
        this.at += written;
        return;
      }
    }
    const bytes = keyBytes(key);
    this.room(5 + bytes.length + more);
    this.bytes[this.at++] = operation;
    this.block(bytes);
  }

  /**
   * @private
   * @param {number} value
   */
  u32(value) {
    this.view.setUint32(this.at, value, true);
    this.at += 4;
  }

  /**
   * @private
   * @param {Uint8Array} bytes
   */
  block(bytes) {
    this.u32(bytes.length);
    this.bytes.set(bytes, this.at);
    this.at += bytes.length;
  }

  /**
   * @private
   * @param {Bytes} bytes
   */
  range({ bytes, start, end }) {
    this.u32(end - start);
    copyBytes(bytes, start, end, this.bytes, this.at);
    this.at += end - start;
  }

  /**
   * @private
   * @param {number} count bytes that are about to be written
   */
  room(count) {
    if (this.at + count <= this.bytes.length) return;
    const larger = new Uint8Array(Math.max(2 * this.bytes.length, this.at + count));
    larger.set(this.bytes.subarray(0, this.at));
    this.bytes = larger;
    this.view = new DataView(larger.buffer);
  }

  /** @private */
  endChunk() {
    this.chunks.push(this.bytes.slice(0, this.at));
    this.at = 0;
    this.tableId = 0;
  }
}

/**
 * Give the operations of one chunk to a sink.
 *
 * @param {Uint8Array} bytes
 * @param {Sink} sink
 * @returns {string} what is wrong with the chunk, or an empty string
 */
export function readOperations(bytes, sink) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = 0;
  let tableId = 0;
  // A checksum has been verified by now, so only a faulty writer could make these fail.
  let short = false;
  const u32 = () => {
    if (at + 4 > bytes.length) {
      short = true;
      return 0;
    }
    at += 4;
    return view.getUint32(at - 4, true);
  };
  /** Goes over a block; where it begins. */
  const pass = () => {
    const length = u32();
    if (length > bytes.length - at) short = true;
    const start = at;
    at += length;
    return start;
  };
  while (at < bytes.length) {
    const start = at;
    const operation = bytes[at++];
    if (operation === TABLE) {
      tableId = u32();
      if (!short && !isTableId(tableId)) return `byte ${start} of a save names table ${tableId}, which is never one`;
    } else if (operation === RESET) {
      sink.reset();
    } else if (operation === META) {
      const meta = { homeTableId: u32(), nextTableId: u32(), abiHash: decodeLossy(bytes.subarray(pass(), at)) };
      const problem = short ? '' : idProblem(meta.homeTableId, meta.nextTableId);
      if (problem !== '') return `byte ${start} of a save ${problem}`;
      if (!short) sink.meta(meta);
    } else if (operation > DROP || tableId === 0) {
      return `byte ${start} of a save is no operation`;
    } else if (operation === DROP) {
      sink.drop(tableId);
    } else {
      const keyStart = pass();
      const keyEnd = at;
      const valueStart = operation === DELETE ? at : pass();
      if (short) {
        // Told below.
      } else if (operation === SET && sink.setRange !== undefined) {
        sink.setRange(tableId, bytes, keyStart, keyEnd, valueStart, at);
      } else {
        const text = keyText(bytes, keyStart, keyEnd);
        if (operation !== SET) sink.delete(tableId, text);
        if (operation !== DELETE) sink.set(tableId, text, bytes.slice(valueStart, at));
      }
    }
    if (short) return `byte ${start} of a save points past its end`;
  }
  return '';
}
