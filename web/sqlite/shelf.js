/**
 * The statements by which large tables are read and written, and what else such a table needs of its store.
 *
 * @import { Cell, Statement } from './driver.js'
 * @import { TextReader, TextWriter } from './text.js'
 */

import { isWellFormed, keyBytes, keyText } from '../bytes/text.js';
import { BRACKET, smallIntegerOf } from '../store/integer-key.js';

/** How many pages and entries a walk asks for at a time. */
export const PAGES = 16;
export const ENTRIES = 256;

/**
 * What large tables need of their store.
 *
 * @typedef {object} Shelf
 * @property {Record<LargeStatement, Statement>} statements
 * @property {TextReader} reader
 * @property {TextWriter} writer
 * @property {() => number} nextPosition
 * @property {(weight: number) => void} loaded called when a page has been read
 * @property {(detail: string) => Error} damaged
 */

/** @typedef {'page' | 'pagesBehind' | 'lastPage' | 'putPage' | 'deletePage' | 'deletePages' | 'entry' | 'entriesBehind' | 'lastEntry' | 'addEntry' | 'changeEntry' | 'deleteEntry' | 'deleteEntries' | 'putLarge'} LargeStatement */

/** @type {Record<LargeStatement, string>} */
export const LARGE_STATEMENTS = {
  page: 'SELECT position, kind, data FROM pages WHERE table_id = ? AND block = ?',
  pagesBehind: `SELECT block, position, kind, data FROM pages WHERE table_id = ? AND block > ? ORDER BY block LIMIT ${PAGES}`,
  lastPage: 'SELECT block, position, kind, data FROM pages WHERE table_id = ? AND block < ? ORDER BY block DESC LIMIT 1',
  putPage: `INSERT INTO pages (table_id, block, position, kind, data) VALUES (?, ?, ?, ?, CAST(? AS TEXT))
    ON CONFLICT (table_id, block) DO UPDATE SET position = excluded.position, kind = excluded.kind, data = excluded.data`,
  deletePage: 'DELETE FROM pages WHERE table_id = ? AND block = ?',
  deletePages: 'DELETE FROM pages WHERE table_id = ?',
  entry: 'SELECT value FROM entries WHERE table_id = ? AND key = ?',
  entriesBehind: `SELECT position, key, value FROM entries WHERE table_id = ? AND position > ? ORDER BY position LIMIT ${ENTRIES}`,
  lastEntry: 'SELECT max(position) FROM entries WHERE table_id = ?',
  addEntry: 'INSERT INTO entries (table_id, position, key, value) VALUES (?, ?, ?, CAST(? AS TEXT))',
  changeEntry: 'UPDATE entries SET value = CAST(? AS TEXT) WHERE table_id = ? AND key = ?',
  deleteEntry: 'DELETE FROM entries WHERE table_id = ? AND key = ?',
  deleteEntries: 'DELETE FROM entries WHERE table_id = ?',
  putLarge: 'INSERT INTO tables (id, shape, data) VALUES (?, NULL, ?) ON CONFLICT (id) DO UPDATE SET shape = NULL, data = excluded.data',
};

/**
 * Keys as the database has them: text, or bytes where they are no text that every program can read.
 *
 * @param {string} key
 * @returns {Cell}
 */
export function cellOf(key) {
  return isWellFormed(key) && !key.includes('\0') ? key : keyBytes(key);
}

/**
 * @param {any} cell
 * @returns {string}
 */
export function keyOf(cell) {
  return typeof cell === 'string' ? cell : keyText(cell, 0, cell.length);
}

/**
 * @template T
 * @param {Iterator<T>} iterator
 * @returns {T | null}
 */
export function next(iterator) {
  const step = iterator.next();
  return step.done ? null : step.value;
}

/**
 * @param {string} key
 * @returns {number | null}
 */
export function integerIn(key) {
  return key.charCodeAt(0) === BRACKET ? smallIntegerOf(key) : null;
}

/**
 * An entry that has changed.
 *
 * @typedef {object} Change
 * @property {Uint8Array | null} value null: it is gone
 * @property {number} position of one that is new; 0: the database has it, at its place
 * @property {boolean} replaces whether the database has an entry of this key
 */

/**
 * Where a walk over a large table is: behind so many values of a page, and behind a position of entries.
 *
 * @typedef {{ block: number, index: number, position: number }} Place
 */

/** @type {Place} where each walk begins */
export const FIRST = { block: -1, index: 0, position: 0 };
