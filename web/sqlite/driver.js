/**
 * The interface by which a SQLite library is used: whatever can prepare and run statements at once can hold a database.
 *
 * Rows are arrays of their columns. Integers come as numbers, text as strings, blobs as `Uint8Array`. Parameters are numbers,
 * strings, `Uint8Array`s and null.
 *
 * @typedef {object} Driver
 * @property {(sql: string) => void} exec runs statements that have no parameters
 * @property {(sql: string) => Statement} prepare
 * @property {() => void} close
 */

/**
 * @typedef {number | string | Uint8Array | null} Cell
 */

/**
 * A statement that is ready to run. It may be run again, but not while `all` of another statement is under way.
 *
 * @typedef {object} Statement
 * @property {(...parameters: Cell[]) => number} run how many rows it has changed, where it changes rows
 * @property {(...parameters: Cell[]) => any[] | undefined} get the first row
 * @property {(...parameters: Cell[]) => any[][]} all
 */

/** Names of the result codes that lead to an answer of their own, as numbers and as texts. */
const NAMES = new Map([
  [5, 'SQLITE_BUSY'],
  [6, 'SQLITE_LOCKED'],
  [8, 'SQLITE_READONLY'],
  [10, 'SQLITE_IOERR'],
  [11, 'SQLITE_CORRUPT'],
  [13, 'SQLITE_FULL'],
  [14, 'SQLITE_CANTOPEN'],
  [26, 'SQLITE_NOTADB'],
]);

/**
 * Finds the result code of SQLite in an error of any of its libraries.
 *
 * @param {any} error
 * @returns {string} the name without what extends it, as `SQLITE_BUSY`; empty if the error is none of these
 */
export function resultCode(error) {
  if (typeof error !== 'object' || error === null) return '';
  const { code, errcode, resultCode: result } = error;
  if (typeof code === 'string' && code.startsWith('SQLITE_')) {
    for (const name of NAMES.values()) if (code.startsWith(name)) return name;
    return code;
  }
  const number = typeof errcode === 'number' ? errcode : result;
  return (typeof number === 'number' && NAMES.get(number & 0xff)) || '';
}
