/**
 * Sets checkpoints of a machine and goes back to them: a stack of copies of its memory, each with a layer of the undo log of
 * its external tables.
 *
 * @import { LuaInstance } from '../loader.js'
 * @import { UndoLog } from '../store/undo-log.js'
 */

import { STACK_SIZE } from './image.js';

/**
 * An object that goes back to a checkpoint along with the memory.
 *
 * @typedef {{ checkpoint: () => void, commit: () => void, rollback: () => void }} Numbered
 */

/** Calls below each other whose frames take more stack than any step of a checkpoint does. */
const STACK_NEEDED = 1000;

/**
 * @param {number} depth
 * @returns {number}
 */
function descend(depth) {
  return depth === 0 ? 0 : descend(depth - 1) + 1;
}

/** Checkpoints of one machine. */
export class Checkpoints {
  /**
   * @param {LuaInstance} machine
   * @param {UndoLog} undoLog of its store
   * @param {Numbered[]} numbered what JavaScript knows by numbers that are in the memory
   */
  constructor(machine, undoLog, numbered) {
    this.numbered = numbered;
    this.memory = machine.bytes.subarray(STACK_SIZE);
    this.undoLog = undoLog;
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

  /**
   * Make sure that there is stack for setting, committing or going back to a checkpoint. What begins at some depth of the
   * stack can then be ended there: half of a rollback would be worse than none.
   *
   * @throws {RangeError} if there is not, and nothing has happened
   */
  static needStack() {
    descend(STACK_NEEDED);
  }

  /** Set a checkpoint. */
  push() {
    const copy = this.spare || new Uint8Array(this.memory.length);
    this.spare = null;
    copy.set(this.memory);
    this.copies.push(copy);
    for (const each of this.numbered) each.checkpoint();
    this.undoLog.begin();
  }

  /** Forget the last checkpoint. */
  commit() {
    this.spare = this.take();
    for (const each of this.numbered) each.commit();
    this.undoLog.commit();
  }

  /** Go back to the last checkpoint, and forget it. */
  rollback() {
    this.spare = this.take();
    this.memory.set(this.spare);
    for (const each of this.numbered) each.rollback();
    this.undoLog.rollback();
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
