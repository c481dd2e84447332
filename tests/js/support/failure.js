// Returns what a call throws, for tests that check it closely.

import assert from 'node:assert/strict';

/**
 * The error that a call throws.
 *
 * @param {() => unknown} call
 * @returns {any}
 */
export function failure(call) {
  try {
    call();
  } catch (error) {
    return error;
  }
  return assert.fail('nothing was thrown');
}
