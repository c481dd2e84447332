/**
 * Errors that the command reports in one sentence, without a JavaScript stack.
 */

/** The command line makes no sense. */
export class UsageError extends Error {}

/** The command cannot do its work, for a reason outside the program. */
export class CommandError extends Error {}

/**
 * Why a system call failed, as the rest of a sentence that names the file.
 *
 * @param {unknown} error
 * @returns {string}
 */
export function reasonOf(error) {
  const { code, message } = /** @type {NodeJS.ErrnoException} */ (error);
  if (code === 'ENOENT') return 'there is no such file';
  return String(message).split(', ')[0];
}

/**
 * Makes the message for output that cannot be written.
 *
 * @param {unknown} error of the system
 * @returns {string}
 */
export function outputFailure(error) {
  return `cannot write the output: ${reasonOf(error)}`;
}
