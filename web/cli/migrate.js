/**
 * The command `lua-persistent migrate`: moves a state from a state file into a SQLite database, and back.
 */

import { migrateState } from '../persist/migrate.js';
import { StateError } from '../persist/state-error.js';
import { CommandError, UsageError } from './errors.js';

/**
 * @param {string[]} words behind `migrate`
 * @returns {Promise<string>} what to tell
 * @throws {UsageError | CommandError}
 */
export async function migrate(words) {
  const [from, to] = words;
  if (words.length !== 2 || from.startsWith('-') || to.startsWith('-')) throw new UsageError('migrate needs two files: the state, and the new one');
  try {
    const storage = await migrateState(from, to);
    return `'${to}' is ${storage === 'sqlite' ? 'a SQLite database' : 'a state file'} with the state of '${from}', which is as it was\n`;
  } catch (error) {
    if (error instanceof StateError) throw new CommandError(error.message);
    throw error;
  }
}
