/**
 * A state in the memory of this program: for tests, and for programs that keep the bytes somewhere themselves.
 */

import { outgrown } from './backend.js';
import { FrameReader, frameSave, START } from './frames.js';
import { readOperations } from './operations.js';
import { LOOK_ONLY, StateError } from './state-error.js';

/** @typedef {import('./backend.js').Backend} Backend */

/**
 * @typedef {object} Series
 * @property {Uint8Array[]} frames
 * @property {import('./frames.js').Position} end
 * @property {number} wholeLength bytes of the first save
 * @property {number} length bytes of all
 */

/**
 * A state that lives as long as this object. It can be opened again once the machine that had it open is closed.
 *
 * @implements {Backend}
 */
export class MemoryBackend {
  constructor() {
    this.source = 'state in memory';
    /** @type {Series | null} replaced as a whole by every save */
    this.series = null;
    this.locked = false;
  }

  /** @param {{ readOnly: boolean }} mode */
  async open({ readOnly }) {
    if (!readOnly) {
      if (this.locked) throw new StateError('locked', this.source, `is open for writing already; ${LOOK_ONLY}`);
      this.locked = true;
    }
  }

  wantsWhole() {
    return this.series === null || outgrown(this.series.wholeLength, this.series.length);
  }

  /**
   * @param {import('./operations.js').Sink} sink
   * @param {import('./backend.js').ProgressListener} progress
   * @returns {Promise<boolean>}
   */
  async load(sink, progress) {
    const { series } = this;
    if (series === null) return false;
    const reader = new FrameReader();
    let done = 0;
    for (const frame of series.frames) {
      const chunk = reader.next(frame);
      const problem = chunk === null ? 'a save is not what was written' : readOperations(chunk, sink);
      if (problem !== '') throw new StateError('damaged', this.source, `is damaged: ${problem}`);
      done += frame.length;
      progress({ phase: 'load', done, total: series.length });
    }
    return true;
  }

  /**
   * @param {Uint8Array[]} chunks
   * @param {boolean} whole
   * @param {import('./backend.js').ProgressListener} progress
   */
  async commit(chunks, whole, progress) {
    this.commitSync(chunks, whole, progress);
  }

  /**
   * @param {Uint8Array[]} chunks
   * @param {boolean} whole
   * @param {import('./backend.js').ProgressListener} progress
   */
  commitSync(chunks, whole, progress) {
    const before = whole ? null : this.series;
    const { frames, after, length } = frameSave(chunks, before === null ? START : before.end);
    if (before === null) this.series = { frames, end: after, wholeLength: length, length };
    else {
      this.series = {
        frames: before.frames.concat(frames),
        end: after,
        wholeLength: before.wholeLength,
        length: before.length + length,
      };
    }
    progress({ phase: 'save', done: length, total: length });
  }

  async close() {
    this.locked = false;
  }
}
