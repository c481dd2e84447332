/**
 * Keeps what was done to numbers since a checkpoint, so that it can be undone, or be finished when nothing can undo it any more.
 */

/** A log of numbers in which each checkpoint, they nest, has its place. */
export class CheckpointLog {
  constructor() {
    /**
     * The numbers that were added since the outermost checkpoint.
     *
     * @private
     * @type {number[]}
     */
    this.entries = [];
    /**
     * What was the next new number at each checkpoint, and how many entries there were.
     *
     * @private
     * @type {{ next: number, length: number }[]}
     */
    this.marks = [];
  }

  /** Whether there is a checkpoint. */
  get isOpen() {
    return this.marks.length > 0;
  }

  /** The next new number at the outermost checkpoint. There has to be one. */
  get first() {
    return this.marks[0].next;
  }

  /** @param {number} number to add, if there is a checkpoint */
  add(number) {
    if (this.isOpen) this.entries.push(number);
  }

  /**
   * Begins a checkpoint.
   *
   * @param {number} next the number that the next new thing gets
   */
  checkpoint(next) {
    this.marks.push({ next, length: this.entries.length });
  }

  /**
   * Ends the last checkpoint and keeps what has happened.
   *
   * @returns {number[]} the entries that nothing can undo any more: all of them at the end of the outermost checkpoint
   */
  commit() {
    this.marks.pop();
    return this.isOpen ? [] : this.entries.splice(0);
  }

  /**
   * Ends the last checkpoint, of which there has to be one, and goes back to it.
   *
   * @returns {{ next: number, entries: number[] }} the next new number then, and the entries since
   */
  rollback() {
    const { next, length } = /** @type {{ next: number, length: number }} */ (this.marks.pop());
    return { next, entries: this.entries.splice(length) };
  }
}
