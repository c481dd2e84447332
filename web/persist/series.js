/**
 * Reads and continues the series of frames that a state is, whatever storage keeps them.
 *
 * @import { ProgressListener } from './backend.js'
 * @import { Position } from './frames.js'
 * @import { Sink } from './operations.js'
 */

import { FrameReader, frameSave, START } from './frames.js';
import { readOperations } from './operations.js';
import { StateError } from './state-error.js';

/**
 * What a storage keeps besides the frames: how many there are, and where the last acknowledged save ends.
 *
 * @typedef {object} Extent
 * @property {number} frames how many there are
 * @property {number} wholeLength bytes of the first save, which is a whole one
 * @property {number} length bytes of all saves
 * @property {number} save number of the last save
 * @property {number} check checksum of its last frame
 */

/** Gives the operations of a state to a sink, frame by frame. */
export class SeriesReader {
  /**
   * @param {string} source what holds the state, for messages
   * @param {Sink} sink
   * @param {ProgressListener} progress
   * @param {number} [done] bytes that were read before the first frame
   */
  constructor(source, sink, progress, done = 0) {
    this.source = source;
    this.sink = sink;
    this.progress = progress;
    /** Bytes that have been read. */
    this.done = done;
    /** Frames that have been read. */
    this.frames = 0;
    this.reader = new FrameReader();
  }

  /**
   * Verify the next frame and give its operations to the sink.
   *
   * @param {Uint8Array | null} frame null if what is there cannot be a frame
   * @param {string} place the frame in messages, as `frame 3`
   * @param {number} total bytes of all that is to be read
   * @throws {StateError}
   */
  take(frame, place, total) {
    const chunk = frame === null ? null : this.reader.next(frame);
    if (frame === null || chunk === null) throw this.damaged(`${place} is not what was written`);
    const problem = readOperations(chunk, this.sink);
    if (problem !== '') throw this.damaged(`${problem}, in ${place}`);
    this.done += frame.length;
    this.frames += 1;
    this.progress({ phase: 'load', done: this.done, total });
  }

  /** Whether the last frame was the last of its save. */
  get atEnd() {
    return this.reader.atEnd;
  }

  /** The end of the last frame. */
  get position() {
    return this.reader.position;
  }

  /**
   * Check that the last frame is the one where the storage says that the last save ends.
   *
   * @param {Position} end
   * @param {string} problem what is wrong if it is not
   * @throws {StateError}
   */
  expectEnd(end, problem) {
    const { save, check } = this.position;
    if (!this.atEnd || save !== end.save || check !== end.check) throw this.damaged(problem);
  }

  /**
   * Check that what has been read is what the storage says that it holds.
   *
   * @param {Extent} extent
   * @param {string} problem what is wrong if it is not
   * @throws {StateError}
   */
  expectExtent(extent, problem) {
    const lengths = this.done === extent.length && extent.wholeLength <= extent.length;
    if (!lengths || this.frames !== extent.frames) throw this.damaged(problem);
    this.expectEnd(extent, problem);
  }

  /**
   * @private
   * @param {string} detail
   * @returns {StateError}
   */
  damaged(detail) {
    return new StateError('damaged', this.source, `is damaged: ${detail}`);
  }
}

/**
 * Frame the save that follows.
 *
 * @param {Uint8Array[]} chunks
 * @param {Extent | null} before null for a whole save, which begins a series
 * @returns {{ frames: Uint8Array[], first: number, length: number, extent: Extent }} the frames, the number of the first of
 *   them, their bytes, and what the storage holds with them
 */
export function continueSeries(chunks, before) {
  const { frames, after, length } = frameSave(chunks, before === null ? START : before);
  const first = before === null ? 0 : before.frames;
  const extent = {
    frames: first + frames.length,
    wholeLength: before === null ? length : before.wholeLength,
    length: before === null ? length : before.length + length,
    ...after,
  };
  return { frames, first, length, extent };
}
