/** Reads which table a stored value refers to. */

import { readU32 } from '../bytes/integers.js';
import { TAG_EXTERNAL_TABLE, TAG_FUNCTION } from '../loader.js';
import { ID_LIMIT } from './table-ids.js';

/** Bytes of a reference to a table, and of one to a function. */
const TABLE_SIZE = 5;
const FUNCTION_SIZE = 9;

/**
 * Reads which table a value refers to.
 *
 * @param {Uint8Array} bytes
 * @param {number} start of the value
 * @param {number} end
 * @returns {number} 0 if it refers to none
 */
export function referenceIn(bytes, start, end) {
  const tag = bytes[start];
  let at = start + 1;
  if (tag === TAG_FUNCTION) {
    if (end - start !== FUNCTION_SIZE || bytes[at] !== 4 || bytes[at + 1] !== 0 || bytes[at + 2] !== 0 || bytes[at + 3] !== 0) return 0;
    at += 4;
  } else if (tag !== TAG_EXTERNAL_TABLE || end - start !== TABLE_SIZE) {
    return 0;
  }
  const id = readU32(bytes, at);
  return id === ID_LIMIT ? 0 : id;
}
