/**
 * Reads and writes many entries and tables of any store with one request, for the services `read_rows`, `read_list`,
 * `read_entries`, `write_rows` and `free_ids`.
 *
 * @import { KeyPages } from './key-pages.js'
 * @import { Row } from './ops.js'
 * @import { Store } from './store.js'
 */

import { readU32 } from '../bytes/integers.js';
import { encodeUtf8, keyBytes } from '../bytes/text.js';
import { BATCH_VALUE_LIMIT, OP_DELETE, OP_KEY, OP_LARGE, OP_ROW, OP_SET, OP_SHAPE, TAG_NIL, VALUE_ELSEWHERE } from '../loader.js';
import { integerForm } from './integer-key.js';
import { nextOf } from './key-pages.js';
import { isWhole, KEY_HEAD, LARGE_SIZE, LIST_HEAD, MalformedOp, MOST, OpReader, Ops, referenceOf, SET_HEAD } from './ops.js';
import { dropTable } from './store.js';
import { ID_LIMIT } from './table-ids.js';

/** Bytes of the cursor in front of a page of entries. */
export const CURSOR = 4;

/** The batches of one machine, over any store. */
export class Batches {
  /**
   * @param {Store} store
   * @param {KeyPages} pages whose cursors pages of entries share
   */
  constructor(store, pages) {
    this.store = store;
    this.pages = pages;
    /** Why the last op was refused, if nobody has asked yet. */
    this.reason = '';
  }

  /**
   * Reads a table that is to be a row.
   *
   * @param {number} id
   * @param {number} limit bytes of its keys and values
   * @returns {Row | null} null if it has more
   */
  gather(id, limit) {
    const { store } = this;
    if (store.size(id) > Math.min(limit, MOST)) return null;
    const texts = [];
    const keys = [];
    const values = [];
    let bytes = 0;
    let length = 0;
    for (const text of store.keys(id)) {
      const value = store.get(id, text);
      if (value === undefined) continue;
      const key = keyBytes(text);
      bytes += key.length + value.length;
      if (bytes > limit || key.length > MOST || text.includes('\n') || !isWhole(value)) return null;
      length += value.length;
      texts.push(text);
      keys.push(key);
      values.push(value);
    }
    return { id, shape: `${keys.length}\n${texts.join('\n')}`, keys, values, length };
  }

  /**
   * Answers `read_rows`.
   *
   * @param {Uint8Array} memory
   * @param {number} limit
   * @param {number} idsStart
   * @param {number} idsEnd
   * @param {number} start
   * @param {number} end
   * @returns {number}
   */
  readRows(memory, limit, idsStart, idsEnd, start, end) {
    const ops = new Ops(memory, start, end);
    for (let at = idsStart; at + 4 <= idsEnd; at += 4) {
      const id = readU32(memory, at);
      const row = this.gather(id, limit);
      const cost = row === null ? LARGE_SIZE : ops.cost(row);
      if (cost > ops.room || ops.shapes.size > MOST) return at === idsStart ? -cost : ops.at - start;
      if (row === null) {
        ops.u8(OP_LARGE);
        ops.u32(id);
        ops.u32(this.store.size(id));
      } else {
        ops.row(row);
      }
    }
    return ops.at - start;
  }

  /**
   * Answers `read_list`.
   *
   * @param {Uint8Array} memory
   * @param {number} table
   * @param {number} first
   * @param {number} count
   * @param {number} limit
   * @param {number} start
   * @param {number} end
   * @returns {number}
   */
  readList(memory, table, first, count, limit, start, end) {
    const ops = new Ops(memory, start, end);
    const absent = Uint8Array.of(TAG_NIL);
    const elsewhere = Uint8Array.of(VALUE_ELSEWHERE);
    const references = new Set();
    ops.at += LIST_HEAD;
    let done = 0;
    for (; done < count; done++) {
      const stored = this.store.get(table, integerForm(first + done));
      const fits = stored === undefined || (stored.length <= BATCH_VALUE_LIMIT && isWhole(stored));
      const value = stored === undefined ? absent : fits ? stored : elsewhere;
      if (value.length > ops.room) break;
      ops.block(value);
      const id = referenceOf(value);
      if (id !== 0) references.add(id);
    }
    if (ops.room < 0 || (done === 0 && count > 0)) return -(LIST_HEAD + BATCH_VALUE_LIMIT);
    ops.listHead(start, table, first, done);
    ops.rows(this.rowsOf(references, limit));
    return ops.at - start;
  }

  /**
   * @protected
   * @param {Iterable<number>} ids
   * @param {number} limit
   * @returns {Iterable<Row>} those of them that are small enough
   */
  *rowsOf(ids, limit) {
    for (const id of ids) {
      const row = this.gather(id, limit);
      if (row !== null) yield row;
    }
  }

  /**
   * Answers `read_entries`.
   *
   * @param {Uint8Array} memory
   * @param {number} table
   * @param {number} cursor
   * @param {number} limit
   * @param {number} start
   * @param {number} end
   * @returns {number | null}
   */
  readEntries(memory, table, cursor, limit, start, end) {
    const { pages, store } = this;
    const walk = pages.at(table, cursor);
    if (walk === null || end - start < CURSOR) return null;
    const ops = new Ops(memory, start + CURSOR, end);
    /** @type {Map<number, Row>} */
    const rows = new Map();
    const shapes = new Set();
    const isKnown = (/** @type {string} */ shape) => shapes.has(shape);
    let reserved = 0;
    let next = 0;
    for (;;) {
      const text = nextOf(walk);
      if (text === null) {
        pages.close(cursor);
        break;
      }
      const value = store.get(table, text);
      if (value === undefined) continue;
      const key = keyBytes(text);
      const isLong = value.length > BATCH_VALUE_LIMIT;
      const isFirst = ops.at === start + CURSOR;
      let cost = key.length + (isLong ? KEY_HEAD : SET_HEAD + value.length);
      const id = referenceOf(value);
      const row = id === 0 || rows.has(id) ? null : this.gather(id, limit);
      const rowCost = row === null ? 0 : ops.cost(row, isKnown);
      const takesRow = row !== null && (!isFirst || cost + rowCost <= ops.room);
      if (takesRow) cost += rowCost;
      if (cost > ops.room - reserved || key.length > MOST) {
        walk.next = text;
        if (isFirst) return key.length > MOST ? null : -(CURSOR + cost);
        next = pages.wait(cursor, walk);
        break;
      }
      ops.u8(isLong ? OP_KEY : OP_SET);
      ops.u32(table);
      ops.u16(key.length);
      if (!isLong) ops.u32(value.length);
      ops.block(key);
      if (!isLong) ops.block(value);
      if (takesRow && row !== null) {
        rows.set(id, row);
        shapes.add(row.shape);
        reserved += rowCost;
      }
    }
    ops.rows(rows.values());
    const { at } = ops;
    ops.at = start;
    ops.u32(next);
    return at - start;
  }

  /**
   * Answers `free_ids`.
   *
   * @param {number} first
   * @param {number} count
   * @returns {{ first: number, count: number }}
   */
  freeIds(first, count) {
    const { store } = this;
    let id = Math.max(first, 1);
    while (id < ID_LIMIT && store.size(id) > 0) id++;
    let free = 0;
    while (free < count && id + free < ID_LIMIT && store.size(id + free) === 0) free++;
    return { first: id, count: free };
  }

  /**
   * Answers `write_rows`.
   *
   * @param {Uint8Array} memory
   * @param {number} start
   * @param {number} end
   * @param {number} replyStart
   * @param {number} replyEnd
   * @returns {number}
   */
  writeRows(memory, start, end, replyStart, replyEnd) {
    if (replyEnd - replyStart < 4) return -4;
    const reader = new OpReader(memory, start, end);
    let done = 0;
    this.reason = '';
    try {
      for (; reader.at < end; done++) this.apply(reader);
    } catch (error) {
      this.reason = error instanceof Error ? error.message : String(error);
    }
    const reply = new Ops(memory, replyStart, replyEnd);
    reply.u32(done);
    return 4;
  }

  /**
   * Applies the next op.
   *
   * @protected
   * @param {OpReader} reader
   */
  apply(reader) {
    const { store } = this;
    const op = reader.u8();
    if (op === OP_SHAPE) {
      reader.shape();
    } else if (op === OP_ROW) {
      const { id, keys, values } = reader.row();
      replaceTable(store, id, keys, values);
    } else if (op === OP_SET) {
      const id = reader.id();
      const keyLength = reader.u16();
      const length = reader.u32();
      store.set(id, reader.key(keyLength), reader.bytes(length));
    } else if (op === OP_DELETE) {
      const id = reader.id();
      store.delete(id, reader.key(reader.u16()));
    } else {
      throw new MalformedOp(`${op} is no op that writes`);
    }
  }

  /**
   * Answers why the last batch was not applied to its end.
   *
   * @returns {{ reason: Uint8Array } | null}
   */
  takeReason() {
    const { reason } = this;
    this.reason = '';
    return reason === '' ? null : { reason: encodeUtf8(reason) };
  }
}

/**
 * Makes entries all that a table has, in their order. If the store refuses one, the table is as it was.
 *
 * @param {Store} store
 * @param {number} id
 * @param {string[]} keys
 * @param {Uint8Array[]} values
 */
function replaceTable(store, id, keys, values) {
  const old = Array.from(store.keys(id));
  const past = old.map((key) => store.get(id, key));
  const fill = (/** @type {string[]} */ texts, /** @type {(Uint8Array | undefined)[]} */ entries) => {
    texts.forEach((key, index) => {
      const value = entries[index];
      if (value !== undefined) store.set(id, key, value);
    });
  };
  try {
    // Keys that are there already keep their places.
    if (!old.every((key, index) => key === keys[index])) dropTable(store, id);
    fill(keys, values);
    if (keys.length === 0) dropTable(store, id);
  } catch (error) {
    dropTable(store, id);
    fill(old, past);
    throw error;
  }
}
