/**
 * Keeps a state in the memory of this program: for tests, and for programs that keep the bytes somewhere themselves.
 *
 * @import { ProgressListener } from './backend.js'
 * @import { Sink } from './operations.js'
 * @import { Extent } from './series.js'
 */

import { outgrown } from './backend.js';
import { continueSeries, SeriesReader } from './series.js';
import { LOOK_ONLY, StateError } from './state-error.js';

/** @typedef {{ frames: Uint8Array[], extent: Extent }} Series */

// `@implements` needs a name that declarations can use, which `@import` does not give.
/** @typedef {import('./backend.js').Backend} Backend */

/**
 * A state that lives as long as this object. It can be opened again once the machine that had it open is closed.
 *
 * @implements {Backend}
 */
export class MemoryBackend {
  constructor() {
    this.source = 'state in memory';
    /**
     * Replaced as a whole by every save.
     * @private
     * @type {Series | null}
     */
    this.series = null;
    /** @private */
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
    return this.series === null || outgrown(this.series.extent.wholeLength, this.series.extent.length);
  }

  /**
   * @param {Sink} sink
   * @param {ProgressListener} progress
   * @returns {Promise<boolean>}
   */
  async load(sink, progress) {
    const { series } = this;
    if (series === null) return false;
    const reader = new SeriesReader(this.source, sink, progress);
    series.frames.forEach((frame, index) => reader.take(frame, `frame ${index}`, series.extent.length));
    return true;
  }

  /**
   * @param {Uint8Array[]} chunks
   * @param {boolean} whole
   * @param {ProgressListener} progress
   */
  async commit(chunks, whole, progress) {
    this.commitSync(chunks, whole, progress);
  }

  /**
   * @param {Uint8Array[]} chunks
   * @param {boolean} whole
   * @param {ProgressListener} progress
   */
  commitSync(chunks, whole, progress) {
    const before = whole ? null : this.series;
    const { frames, length, extent } = continueSeries(chunks, before === null ? null : before.extent);
    this.series = { frames: before === null ? frames : before.frames.concat(frames), extent };
    progress({ phase: 'save', done: length, total: length });
  }

  async close() {
    this.locked = false;
  }
}
