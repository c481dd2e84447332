/**
 * Checkpoints of a machine: a stack of copies of its memory, each with a layer of the journal of its external tables.
 */

import { STACK_SIZE } from './image.js';

/** Checkpoints of one machine. */
export class Checkpoints {
  /**
   * @param {import('./loader.js').LuaInstance} machine
   * @param {import('./journal.js').Journal} journal of its store
   */
  constructor(machine, journal) {
    this.memory = machine.bytes.subarray(STACK_SIZE);
    this.journal = journal;
    /** @type {Uint8Array[]} the memory at each checkpoint */
    this.copies = [];
    /**
     * A copy that is not needed any more. Taking fresh memory costs ten times what copying costs.
     * @type {Uint8Array | null}
     */
    this.spare = null;
  }

  /** How many checkpoints there are. */
  get depth() {
    return this.copies.length;
  }

  /** Set a checkpoint. */
  push() {
    const copy = this.spare || new Uint8Array(this.memory.length);
    this.spare = null;
    copy.set(this.memory);
    this.copies.push(copy);
    this.journal.begin();
  }

  /** Forget the last checkpoint. */
  commit() {
    this.spare = this.take();
    this.journal.commit();
  }

  /** Go back to the last checkpoint, and forget it. */
  rollback() {
    this.spare = this.take();
    this.memory.set(this.spare);
    this.journal.rollback();
  }

  /**
   * @private
   * @returns {Uint8Array}
   */
  take() {
    const copy = this.copies.pop();
    if (copy === undefined) throw new RangeError('there is no checkpoint');
    return copy;
  }
}
