/**
 * Reads and writes the header of a state file: its magic number, version and the two marks. The comment of file.js tells what
 * they are for.
 *
 * @import { Position } from './frames.js'
 */

import { crc32 } from '../bytes/crc32.js';
import { FORMAT_VERSION } from './frames.js';

export const MAGIC = Uint8Array.of(0x8b, 0x4c, 0x75, 0x61, 0x53, 0x74, 0x0d, 0x0a);

/** Where the marks begin, and the bytes of each. */
export const MARKS = 16;
export const MARK_LENGTH = 20;

/** Where the frames begin. */
export const FRAMES = MARKS + 2 * MARK_LENGTH;

/** @typedef {Position & { end: number }} Mark where a save ends, `end` in bytes of the file */

/**
 * Writes the header of a file with one save.
 *
 * @param {Mark} mark
 * @returns {Uint8Array}
 */
export function header(mark) {
  const bytes = new Uint8Array(FRAMES);
  const view = new DataView(bytes.buffer);
  bytes.set(MAGIC, 0);
  view.setUint32(8, FORMAT_VERSION, true);
  view.setUint32(12, crc32(bytes.subarray(0, 12)), true);
  bytes.set(encodeMark(mark), MARKS);
  bytes.set(encodeMark(mark), MARKS + MARK_LENGTH);
  return bytes;
}

/**
 * Writes a mark.
 *
 * @param {Mark} mark
 * @returns {Uint8Array}
 */
export function encodeMark(mark) {
  const bytes = new Uint8Array(MARK_LENGTH);
  const view = new DataView(bytes.buffer);
  view.setBigUint64(0, BigInt(mark.end), true);
  view.setUint32(8, mark.save, true);
  view.setUint32(12, mark.check, true);
  view.setUint32(16, crc32(bytes.subarray(0, 16)), true);
  return bytes;
}

/**
 * Reads a mark.
 *
 * @param {DataView} view of the header
 * @param {number} index 0: the mark of even saves; 1: that of odd ones
 * @returns {Mark | null} null if it is not as it was written
 */
export function readMark(view, index) {
  const at = MARKS + index * MARK_LENGTH;
  const bytes = new Uint8Array(view.buffer, view.byteOffset + at, 16);
  if (crc32(bytes) !== view.getUint32(at + 16, true)) return null;
  return { end: Number(view.getBigUint64(at, true)), save: view.getUint32(at + 8, true), check: view.getUint32(at + 12, true) };
}
