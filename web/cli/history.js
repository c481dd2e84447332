/**
 * Keeps the lines that were typed at the prompt in a file, from one session to the next.
 */

import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';

/** How many lines are kept. */
export const HISTORY_SIZE = 1000;

/** Lines of the file beyond which it is cut to `HISTORY_SIZE`. */
const CUT = 2 * HISTORY_SIZE;

/**
 * The file of the history: what `LUA_PERSISTENT_HISTORY` names, else one in the user's folder for such.
 *
 * @param {NodeJS.ProcessEnv} environment
 * @returns {string | null} null if there is to be none
 */
export function historyFile(environment) {
  const named = environment.LUA_PERSISTENT_HISTORY;
  if (named !== undefined) return named === '' ? null : named;
  const states = environment.XDG_STATE_HOME || path.join(os.homedir(), '.local', 'state');
  return path.join(states, 'lua-persistent', 'history');
}

/** A history that is kept, as long as its file can be read and written: nobody misses a line at the prompt for it. */
export class History {
  /** @param {string | null} file */
  constructor(file) {
    /** @private */
    this.file = file;
  }

  /** @returns {string[]} the last line first, as `node:readline` wants them */
  load() {
    return this.attempt((file) => {
      fs.mkdirSync(path.dirname(file), { recursive: true, mode: 0o700 });
      const lines = fs.existsSync(file) ? fs.readFileSync(file, 'utf8').split('\n').filter(Boolean) : [];
      const last = lines.slice(-HISTORY_SIZE);
      if (lines.length > CUT) fs.writeFileSync(file, `${last.join('\n')}\n`, { mode: 0o600 });
      return last.reverse();
    }) || [];
  }

  /**
   * Add a line. Several prompts may do so at the same time.
   *
   * @param {string} line
   */
  add(line) {
    if (line.trim() !== '') this.attempt((file) => fs.appendFileSync(file, `${line}\n`, { mode: 0o600 }));
  }

  /**
   * @private
   * @template T
   * @param {(file: string) => T} action
   * @returns {T | null}
   */
  attempt(action) {
    if (this.file === null) return null;
    try {
      return action(this.file);
    } catch (_unusable) {
      this.file = null;
      return null;
    }
  }
}
