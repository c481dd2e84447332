/**
 * Gives a table's keys in pages, for the services `keys` and `close_cursor`: walking a table of any size takes little room.
 *
 * A cursor is an iterator that waits for its next page. Walks that a program gives up need not be closed: of too many
 * cursors, the one that has waited longest is closed.
 */

import { keyBytes } from '../bytes/text.js';

/** KeyPages that may wait at the same time. */
const MOST = 64;

const LINE_FEED = 0x0a;

/**
 * @typedef {object} Walk
 * @property {number} tableId
 * @property {Iterator<string>} keys
 * @property {string | null} next key that did not fit the page before
 * @property {import('./walk.js').Walk} [walk] that gives pages of entries, which need no keys
 */

/** The walks over keys of one machine. */
export class KeyPages {
  /** @param {(tableId: number) => Iterable<string>} keysOf keys of a table, in their order */
  constructor(keysOf) {
    this.keysOf = keysOf;
    /** @type {Map<number, Walk>} by cursor, the one that was used last at the end */
    this.walks = new Map();
    this.last = 0;
    this.buffer = new Uint8Array(4096);
  }

  /**
   * @param {number} tableId
   * @param {number} cursor 0 for the first page
   * @param {number} room bytes that the page may have
   * @returns {{ cursor: number, keys: Uint8Array } | null} the keys, joined by line feeds, and the cursor for the rest, 0 at
   *   the end; a single key that is longer than the room, where the page is still to come; null for an unknown cursor
   */
  page(tableId, cursor, room) {
    const walk = this.at(tableId, cursor);
    if (walk === null) return null;
    if (this.buffer.length < room) this.buffer = new Uint8Array(room);
    let length = 0;
    for (;;) {
      const key = nextOf(walk);
      if (key === null) {
        this.walks.delete(cursor);
        return { cursor: 0, keys: this.buffer.subarray(0, length) };
      }
      const end = this.write(key, length === 0 ? 0 : length + 1, room);
      if (end < 0) {
        walk.next = key;
        if (length === 0) return { cursor, keys: keyBytes(key) };
        return { cursor: this.wait(cursor, walk), keys: this.buffer.subarray(0, length) };
      }
      if (length > 0) this.buffer[length] = LINE_FEED;
      length = end;
    }
  }

  /** @param {number} cursor which is not needed any more; it may be closed already */
  close(cursor) {
    const walk = this.walks.get(cursor);
    if (walk === undefined) return;
    this.walks.delete(cursor);
    if (walk.keys.return !== undefined) walk.keys.return();
  }

  /**
   * Finds the walk that goes on at a cursor, or begins one.
   *
   * @param {number} tableId
   * @param {number} cursor 0 for the first page
   * @returns {Walk | null} null for an unknown cursor
   */
  at(tableId, cursor) {
    if (cursor === 0) return { tableId, keys: this.keysOf(tableId)[Symbol.iterator](), next: null };
    const walk = this.walks.get(cursor);
    return walk === undefined || walk.tableId !== tableId ? null : walk;
  }

  /**
   * Write a key into the page.
   *
   * @private
   * @param {string} key
   * @param {number} at
   * @param {number} room
   * @returns {number} where it ends, or -1 if it does not fit
   */
  write(key, at, room) {
    const { buffer } = this;
    const end = at + key.length;
    if (end > room) return -1;
    for (let index = 0; index < key.length; index++) {
      const unit = key.charCodeAt(index);
      if (unit > 0x7f) {
        const bytes = keyBytes(key);
        if (at + bytes.length > room) return -1;
        buffer.set(bytes, at);
        return at + bytes.length;
      }
      buffer[at + index] = unit;
    }
    return end;
  }

  /**
   * Keeps a walk for its next page.
   *
   * @param {number} cursor of the walk, 0 if it has none yet
   * @param {Walk} walk
   * @returns {number}
   */
  wait(cursor, walk) {
    let own = cursor;
    if (own === 0) {
      if (this.walks.size === MOST) this.close(this.walks.keys().next().value || 0);
      this.last = (this.last + 1) >>> 0 || 1;
      own = this.last;
    }
    this.walks.delete(own);
    this.walks.set(own, walk);
    return own;
  }
}

/**
 * Takes the next key of a walk.
 *
 * @param {Walk} walk
 * @returns {string | null}
 */
export function nextOf(walk) {
  const { next } = walk;
  if (next !== null) {
    walk.next = null;
    return next;
  }
  const step = walk.keys.next();
  return step.done ? null : step.value;
}
