/**
 * Writes and reads saves as frames: numbered, checked, and chained, so that a series of them proves that nothing is missing or
 * changed.
 *
 * | bytes | what                                                                                |
 * | ----- | ----------------------------------------------------------------------------------- |
 * | u32   | length of the chunk                                                                 |
 * | u32   | number of the save                                                                  |
 * | u8    | 1 if this is the last frame of its save, else 0                                     |
 * | chunk | operations, see operations.js                                                       |
 * | u32   | CRC-32 of all before, continued from that of the frame before (from 0 for the first) |
 *
 * Every kind of storage keeps a state as such frames, plus a *head* that says where the last acknowledged save ends.
 */

import { crc32 } from '../bytes/crc32.js';

/** Version of the format of states: of frames, of operations, and of the heads that storages keep. */
export const FORMAT_VERSION = 2;

/** Bytes of a frame before its chunk. */
export const FRAME_HEAD = 9;

/** Bytes of a frame besides its chunk. */
export const FRAME_EXTRA = FRAME_HEAD + 4;

/**
 * Where a series of frames stands.
 *
 * @typedef {object} Position
 * @property {number} save number of the last save
 * @property {number} check checksum of its last frame
 */

/** @type {Readonly<Position>} before the first save of a series */
export const START = Object.freeze({ save: 0, check: 0 });

/**
 * Frame the chunks of one save.
 *
 * @param {Uint8Array[]} chunks
 * @param {Position} before
 * @returns {{ frames: Uint8Array[], after: Position, length: number }} `length` is that of all frames together
 */
export function frameSave(chunks, before) {
  let { check } = before;
  let length = 0;
  const save = before.save + 1;
  const frames = chunks.map((chunk, index) => {
    const frame = new Uint8Array(chunk.length + FRAME_EXTRA);
    const view = new DataView(frame.buffer);
    view.setUint32(0, chunk.length, true);
    view.setUint32(4, save, true);
    frame[8] = index === chunks.length - 1 ? 1 : 0;
    frame.set(chunk, FRAME_HEAD);
    const end = FRAME_HEAD + chunk.length;
    check = crc32(frame.subarray(0, end), check);
    view.setUint32(end, check, true);
    length += frame.length;
    return frame;
  });
  return { frames, after: { save, check }, length };
}

/**
 * Bytes of the frame whose head is given.
 *
 * @param {Uint8Array} head the first `FRAME_HEAD` bytes
 * @returns {number}
 */
export function frameLength(head) {
  return new DataView(head.buffer, head.byteOffset, FRAME_HEAD).getUint32(0, true) + FRAME_EXTRA;
}

/** Verifies a series of frames. */
export class FrameReader {
  /** @param {Position} [before] */
  constructor(before = START) {
    /** @type {Position} the end of the last frame */
    this.position = { save: before.save, check: before.check };
    /** Whether the last frame was the last of its save. */
    this.atEnd = true;
  }

  /**
   * Verify the next frame.
   *
   * @param {Uint8Array} frame
   * @returns {Uint8Array | null} its chunk, or null if this is not the frame that belongs here, as it was written
   */
  next(frame) {
    if (frame.length < FRAME_EXTRA || frameLength(frame) !== frame.length) return null;
    const view = new DataView(frame.buffer, frame.byteOffset, frame.length);
    const end = frame.length - 4;
    const save = view.getUint32(4, true);
    const check = crc32(frame.subarray(0, end), this.position.check);
    if (check !== view.getUint32(end, true)) return null;
    if (save !== this.position.save + (this.atEnd ? 1 : 0) || frame[8] > 1) return null;
    this.position = { save, check };
    this.atEnd = frame[8] === 1;
    return frame.subarray(FRAME_HEAD, end);
  }
}

/**
 * @param {any} value
 * @returns {boolean} whether it is a number of frames, bytes or saves, or a checksum
 */
export function isCount(value) {
  return Number.isSafeInteger(value) && value >= 0;
}
