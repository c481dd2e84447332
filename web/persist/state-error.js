/**
 * The error of durable states, whatever holds them.
 */

/**
 * What is wrong with a state:
 *
 * - `unreadable`: what should hold it cannot be read (permissions, a directory in its place, a disk error);
 * - `foreign`: what is there is not a state of lua-persistent;
 * - `newer`: a later release of lua-persistent wrote it;
 * - `truncated`: its end is missing, with saves that were acknowledged;
 * - `damaged`: its bytes are not those that were written;
 * - `unwritable`: it cannot be written (permissions, a disk error);
 * - `full`: there is no room for it (disk, quota);
 * - `locked`: another process, tab or machine has it open for writing;
 * - `conflict`: something else has changed, replaced or removed it since it was opened;
 * - `read-only`: it was opened for reading only;
 * - `exists`: it should have been new, and is there.
 *
 * @typedef {'unreadable' | 'foreign' | 'newer' | 'truncated' | 'damaged' | 'unwritable' | 'full' | 'locked' | 'conflict' |
 *   'read-only' | 'exists'} StateProblem
 */

/** What is said where a state is locked. */
export const LOOK_ONLY = 'open it with { readOnly: true } to look at it';

/** A durable state cannot be opened, read or saved. What is stored is as it was. */
export class StateError extends Error {
  /**
   * @param {StateProblem} kind
   * @param {string} source what holds the state, as `state file 'jobs.state'`
   * @param {string} detail what is wrong, as the rest of a sentence that begins with the source
   * @param {unknown} [cause] the platform's error behind this one
   */
  constructor(kind, source, detail, cause) {
    super(`${source} ${detail}`);
    this.name = 'StateError';
    /** What is wrong. */
    this.kind = kind;
    /** What holds the state. */
    this.source = source;
    if (cause !== undefined) {
      /** @type {unknown} */
      this.cause = cause;
    }
  }
}
