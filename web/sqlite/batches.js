/**
 * Reads and writes many tables of a database with one request: as `Batches` does for any store, without an array or a text for
 * each entry.
 *
 * @import { KeyPages } from '../store/key-pages.js'
 * @import { Row as OpRow } from '../store/ops.js'
 * @import { UndoLog } from '../store/undo-log.js'
 * @import { Shape } from './shapes.js'
 * @import { SqliteStore } from './sqlite-store.js'
 */

import { readU32 } from '../bytes/integers.js';
import { BATCH_VALUE_LIMIT, OP_DELETE, OP_LARGE, OP_ROW, OP_SET, OP_SHAPE, TAG_EXTERNAL_TABLE, TAG_NIL, VALUE_ELSEWHERE } from '../loader.js';
import { Batches } from '../store/batches.js';
import { isWhole, LARGE_SIZE, LIST_HEAD, MalformedOp, MOST, OpReader, Ops, REFERENCE, referenceOf, ROW_HEAD, SHAPE_HEAD, valueLength } from '../store/ops.js';
import { Row } from './row.js';

/** Writes rows as ops. */
class RowOps extends Ops {
  /**
   * @param {Uint8Array} memory
   * @param {number} start
   * @param {number} end
   */
  constructor(memory, start, end) {
    super(memory, start, end);
    /** @type {Map<Shape, number>} */
    this.numbers = new Map();
  }

  /**
   * @param {Row} row
   * @returns {number} bytes that it takes, with its shape if that is new
   */
  costOf(row) {
    return ROW_HEAD + row.length + (this.numbers.has(row.shape) ? 0 : SHAPE_HEAD + 2 * row.size + row.shape.keysLength);
  }

  /**
   * @param {number} id
   * @param {Row} row that there is room for
   */
  put(id, row) {
    const { shape, length, start } = row;
    let number = this.numbers.get(shape);
    if (number === undefined) {
      number = this.numbers.size;
      this.numbers.set(shape, number);
      this.u8(OP_SHAPE);
      this.u16(shape.keys.length);
      for (const key of shape.keyBytes) {
        this.u16(key.length);
        this.block(key);
      }
    }
    this.u8(OP_ROW);
    this.u32(id);
    this.u16(number);
    this.u32(length);
    this.memory.set(row.bytes.subarray(start, start + length), this.at);
    this.at += length;
  }

  /**
   * @param {number} id
   * @param {number} size
   */
  large(id, size) {
    this.u8(OP_LARGE);
    this.u32(id);
    this.u32(size);
  }
}

/** Batches of a machine whose tables are in a database. */
export class SqliteBatches extends Batches {
  /**
   * @param {SqliteStore} tables
   * @param {UndoLog} layer over these, through which changes have to go that may be undone
   * @param {KeyPages} pages
   */
  constructor(tables, layer, pages) {
    super(layer, pages);
    /** @private */
    this.database = tables;
    /** @private */
    this.layer = layer;
  }

  /**
   * @param {number} id
   * @param {number} limit
   * @returns {OpRow | null}
   */
  gather(id, limit) {
    const row = this.database.rowOf(id);
    if (row === null || row.length + row.shape.keysLength > limit || !isWholeRow(row)) return null;
    const { keys, keyBytes } = row.shape;
    const values = keys.map((_key, place) => row.bytes.slice(row.startOf(place), row.ends[place]));
    return { id, shape: `${keys.length}\n${keys.join('\n')}`, keys: keyBytes, values, length: row.length };
  }

  /**
   * @param {Uint8Array} memory
   * @param {number} limit
   * @param {number} idsStart
   * @param {number} idsEnd
   * @param {number} start
   * @param {number} end
   * @returns {number}
   */
  readRows(memory, limit, idsStart, idsEnd, start, end) {
    const ops = new RowOps(memory, start, end);
    /** @type {number[]} */
    const ids = [];
    for (let at = idsStart; at + 4 <= idsEnd; at += 4) ids.push(readU32(memory, at));
    let given = 0;
    let needed = 0;
    this.database.forEachRow(ids, (id, row) => {
      const isSmall = row !== null && row.length + row.shape.keysLength <= limit && isWholeRow(row);
      const cost = isSmall ? ops.costOf(row) : LARGE_SIZE;
      if (cost > ops.room || ops.numbers.size > MOST) {
        needed = cost;
        return false;
      }
      if (isSmall) ops.put(id, row);
      else ops.large(id, this.database.size(id));
      given++;
      return true;
    });
    return given === 0 && ids.length > 0 ? -needed : ops.at - start;
  }

  /**
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
    const ops = new RowOps(memory, start, end);
    /** @type {Set<number>} */
    const references = new Set();
    ops.at += LIST_HEAD;
    let done = 0;
    for (; done < count; done++) {
      const value = this.database.listValue(table, first + done);
      if (typeof value === 'number') {
        if (ops.room < REFERENCE) break;
        ops.u8(TAG_EXTERNAL_TABLE);
        ops.u32(value);
        references.add(value);
      } else {
        const isShort = value !== null && value.length <= BATCH_VALUE_LIMIT && isWhole(value);
        const length = isShort ? value.length : 1;
        if (ops.room < length) break;
        if (isShort) {
          ops.block(value);
          const id = referenceOf(value);
          if (id !== 0) references.add(id);
        } else ops.u8(value === null ? TAG_NIL : VALUE_ELSEWHERE);
      }
    }
    if (ops.room < 0 || (done === 0 && count > 0)) return -(LIST_HEAD + BATCH_VALUE_LIMIT);
    ops.listHead(start, table, first, done);
    this.database.forEachRow([...references], (id, row) => {
      if (row === null || row.length + row.shape.keysLength > limit || !isWholeRow(row)) return true;
      if (ops.costOf(row) > ops.room || ops.numbers.size > MOST) return false;
      ops.put(id, row);
      return true;
    });
    return ops.at - start;
  }

  /**
   * @param {number} first
   * @param {number} count
   * @returns {{ first: number, count: number }}
   */
  freeIds(first, count) {
    return this.database.freeIds(Math.max(first, 1), count);
  }

  /**
   * @param {Uint8Array} memory
   * @param {number} start
   * @param {number} end
   * @param {number} replyStart
   * @param {number} replyEnd
   * @returns {number}
   */
  writeRows(memory, start, end, replyStart, replyEnd) {
    // What may have to be undone, and what a collection has to be told of, goes the way of every change.
    if (this.layer.isWatched) return super.writeRows(memory, start, end, replyStart, replyEnd);
    if (replyEnd - replyStart < 4) return -4;
    const bytes = memory.slice(start, end);
    const reader = new OpReader(bytes, 0, bytes.length);
    /** @type {Shape[]} */
    const shapes = [];
    let done = 0;
    this.reason = '';
    try {
      for (; reader.at < bytes.length; done++) this.applyTo(reader, shapes);
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
   * @private
   * @param {OpReader} reader
   * @param {Shape[]} shapes that were sent so far
   */
  applyTo(reader, shapes) {
    const { database: tables } = this;
    const op = reader.u8();
    if (op === OP_ROW) {
      const id = reader.id();
      const shape = shapes[reader.u16()];
      if (shape === undefined) throw new MalformedOp('a row names a shape that is not there');
      const start = reader.take(reader.u32());
      tables.putRow(id, new Row(shape, reader.memory, start, endsOf(reader.memory, start, reader.at, shape.keys.length)));
    } else if (op === OP_SHAPE) {
      reader.shape();
      shapes.push(tables.shapeOf(reader.shapes[shapes.length]));
    } else if (op === OP_SET) {
      const id = reader.id();
      const keyLength = reader.u16();
      const length = reader.u32();
      const key = reader.key(keyLength);
      const start = reader.take(length);
      tables.put(id, key, reader.memory, start, start + length);
    } else if (op === OP_DELETE) {
      const id = reader.id();
      tables.delete(id, reader.key(reader.u16()));
    } else {
      throw new MalformedOp(`${op} is no op that writes`);
    }
  }
}

/**
 * @param {Uint8Array} bytes
 * @param {number} start of the values of a row
 * @param {number} end
 * @param {number} count how many there should be
 * @returns {number[]} where each ends
 */
function endsOf(bytes, start, end, count) {
  const ends = [];
  let at = start;
  for (let index = 0; index < count; index++) {
    const length = valueLength(bytes, at, end);
    if (length === 0) throw new MalformedOp('a row has fewer values than keys');
    at += length;
    ends.push(at);
  }
  if (at !== end) throw new MalformedOp('a row has more values than keys');
  return ends;
}

/**
 * @param {Row} row
 * @returns {boolean} whether all its values tell their lengths
 */
function isWholeRow(row) {
  let start = row.start;
  for (const end of row.ends) {
    if (valueLength(row.bytes, start, end) !== end - start) return false;
    start = end;
  }
  return true;
}

