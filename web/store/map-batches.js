/**
 * Reads and writes many entries and tables of a `MapStore` with one request: as `Batches` does with any store, without an array
 * or a text for each entry. Rows cross as they are stored.
 *
 * @import { KeyPages } from './key-pages.js'
 * @import { OpReader } from './ops.js'
 * @import { RangeStore, StoreObserver } from './store.js'
 * @import { Tables } from './tables.js'
 * @import { UndoLog } from './undo-log.js'
 */

import { putU16, putU32, readU32 } from '../bytes/integers.js';
import { BATCH_VALUE_LIMIT, OP_KEY, OP_LARGE, OP_LIST, OP_ROW, OP_SET, OP_SHAPE, TAG_EXTERNAL_TABLE, TAG_NIL, VALUE_ELSEWHERE } from '../loader.js';
import { copyBytes } from './arena.js';
import { Batches, CURSOR } from './batches.js';
import { newFound } from './items.js';
import { writeIndex } from './integer-key.js';
import { ListTable } from './list-table.js';
import { isWholeRange, KEY_HEAD, LARGE_SIZE, LIST_HEAD, MOST, REFERENCE, ROW_HEAD, SET_HEAD, valueLength } from './ops.js';
import { MOST_VALUES } from './rows.js';
import { ID_LIMIT, isTableId } from './table-ids.js';
import { Walk } from './walk.js';

/** Numbers batches, so that each knows the shapes that it has written. */
let lastBatch = 0;

/** The batches of one machine, over a `MapStore`. */
export class MapBatches extends Batches {
  /**
   * @param {RangeStore & { observer: StoreObserver | null }} store a `MapStore`
   * @param {Tables} contents of it
   * @param {UndoLog} layer that changes go through while it is watched
   * @param {KeyPages} pages
   */
  constructor(store, contents, layer, pages) {
    super(layer, pages);
    /** @private */
    this.own = store;
    /** @private */
    this.layer = layer;
    /** @private */
    this.tables = contents;
    /** @private */
    this.value = newFound();
    /** Ids of tables that are to be written, each once. @private */
    this.wanted = new Uint32Array(256);
    /** How many of these there are. @private */
    this.wants = 0;
    /** Where the ops go, where the next one begins, and where they have to end. @private @type {Uint8Array} */
    this.memory = new Uint8Array(0);
    /** @private */
    this.at = 0;
    /** @private */
    this.end = 0;
    /** @private */
    this.batch = 0;
    /** How many shapes have been written. @private */
    this.shapes = 0;
  }

  /**
   * @override
   * @param {Uint8Array} memory
   * @param {number} limit
   * @param {number} idsStart
   * @param {number} idsEnd
   * @param {number} start
   * @param {number} end
   * @returns {number}
   */
  readRows(memory, limit, idsStart, idsEnd, start, end) {
    this.begin(memory, start, end);
    for (let at = idsStart; at + 4 <= idsEnd; at += 4) {
      const needed = this.writeTable(readU32(memory, at), limit, true);
      if (needed > 0) return at === idsStart ? -needed : this.at - start;
    }
    return this.at - start;
  }

  /**
   * @override
   * @param {Uint8Array} memory
   * @param {number} id
   * @param {number} first
   * @param {number} count
   * @param {number} limit
   * @param {number} start
   * @param {number} end
   * @returns {number}
   */
  readList(memory, id, first, count, limit, start, end) {
    this.begin(memory, start, end);
    this.wants = 0;
    this.at += LIST_HEAD;
    const done = this.at > end ? 0 : this.writeValues(id, first, count);
    if (this.at > end || (done === 0 && count > 0)) return -(LIST_HEAD + BATCH_VALUE_LIMIT);
    memory[start] = OP_LIST;
    putU32(memory, start + 1, id);
    putU32(memory, start + 5, first);
    putU32(memory, start + 9, done);
    putU32(memory, start + 13, this.at - start - LIST_HEAD);
    this.writeWanted(limit);
    return this.at - start;
  }

  /**
   * @override
   * @param {Uint8Array} memory
   * @param {number} id
   * @param {number} cursor
   * @param {number} limit
   * @param {number} start
   * @param {number} end
   * @returns {number | null}
   */
  readEntries(memory, id, cursor, limit, start, end) {
    const page = cursor === 0 ? { tableId: id, keys: NO_KEYS, next: null, walk: new Walk(this.tables, id) } : this.pages.at(id, cursor);
    if (page === null || page.walk === undefined || end - start < CURSOR) return null;
    const { walk } = page;
    this.begin(memory, start + CURSOR, end);
    this.wants = 0;
    let reserved = 0;
    let next = 0;
    while (walk.next()) {
      const isFirst = this.at === start + CURSOR;
      const needed = this.writeEntry(id, walk, limit, reserved, isFirst);
      if (needed > MOST + SET_HEAD + BATCH_VALUE_LIMIT) return null;
      if (needed > 0) {
        walk.back();
        if (isFirst) return -(CURSOR + needed);
        next = this.pages.wait(cursor, page);
        break;
      }
      reserved -= needed;
    }
    if (next === 0) this.pages.close(cursor);
    this.writeWanted(limit);
    putU32(memory, start, next);
    return this.at - start;
  }

  /**
   * @override
   * @param {number} first
   * @param {number} count
   * @returns {{ first: number, count: number }}
   */
  freeIds(first, count) {
    const { tables } = this;
    let id = Math.max(first, 1);
    while (id < ID_LIMIT && tables.sizeOf(id) > 0) id++;
    let free = 0;
    while (free < count && id + free < ID_LIMIT && tables.sizeOf(id + free) === 0) free++;
    return { first: id, count: free };
  }

  /**
   * @private
   * @param {Uint8Array} memory
   * @param {number} start
   * @param {number} end
   */
  begin(memory, start, end) {
    this.memory = memory;
    this.at = start;
    this.end = end;
    this.shapes = 0;
    lastBatch++;
    this.batch = lastBatch;
  }

  /**
   * Writes a table.
   *
   * @private
   * @param {number} id
   * @param {number} limit
   * @param {boolean} saysLarge whether one that is too large is an op, too
   * @returns {number} 0, or how many bytes it needs if there is no room
   */
  writeTable(id, limit, saysLarge) {
    const { tables } = this;
    const handle = tables.handleOf(id);
    if (handle < 0) return this.writeGathered(id, limit, saysLarge);
    const shape = handle === 0 ? tables.shapes.root : tables.rows.shapeOf(handle);
    const length = handle === 0 ? 0 : tables.rows.lengthOf(handle);
    if (shape.bytes.length + length > limit) return saysLarge ? this.writeLarge(id) : 0;
    const isNew = shape.batch !== this.batch;
    const needed = ROW_HEAD + length + (isNew ? shape.op.length : 0);
    if (needed > this.end - this.at) return needed;
    const { memory } = this;
    if (isNew) {
      shape.batch = this.batch;
      shape.place = this.shapes++;
      copyBytes(shape.op, 0, shape.op.length, memory, this.at);
      this.at += shape.op.length;
    }
    const { at } = this;
    memory[at] = OP_ROW;
    putU32(memory, at + 1, id);
    putU16(memory, at + 5, shape.place);
    putU32(memory, at + 7, length);
    if (length > 0) {
      tables.rows.findAll(handle, this.value);
      copyBytes(this.value.bytes, this.value.start, this.value.end, memory, at + ROW_HEAD);
    }
    this.at = at + ROW_HEAD + length;
    return 0;
  }

  /**
   * Writes a table that is no row as one, with a shape of its own.
   *
   * @private
   * @param {number} id
   * @param {number} limit
   * @param {boolean} saysLarge
   * @returns {number}
   */
  writeGathered(id, limit, saysLarge) {
    const row = this.gather(id, limit);
    if (row === null) return saysLarge ? this.writeLarge(id) : 0;
    const needed = row.keys.reduce((sum, key) => sum + 2 + key.length, 3) + ROW_HEAD + row.length;
    if (needed > this.end - this.at || this.shapes > MOST) return needed;
    const { memory } = this;
    memory[this.at] = OP_SHAPE;
    putU16(memory, this.at + 1, row.keys.length);
    this.at += 3;
    for (const key of row.keys) {
      putU16(memory, this.at, key.length);
      memory.set(key, this.at + 2);
      this.at += 2 + key.length;
    }
    memory[this.at] = OP_ROW;
    putU32(memory, this.at + 1, id);
    putU16(memory, this.at + 5, this.shapes++);
    putU32(memory, this.at + 7, row.length);
    this.at += ROW_HEAD;
    for (const value of row.values) {
      memory.set(value, this.at);
      this.at += value.length;
    }
    return 0;
  }

  /**
   * @private
   * @param {number} id
   * @returns {number}
   */
  writeLarge(id) {
    const { memory, at } = this;
    if (LARGE_SIZE > this.end - at) return LARGE_SIZE;
    memory[at] = OP_LARGE;
    putU32(memory, at + 1, id);
    putU32(memory, at + 5, this.tables.sizeOf(id));
    this.at = at + LARGE_SIZE;
    return 0;
  }

  /**
   * Writes values of a list, and notes the tables that they refer to.
   *
   * @private
   * @param {number} id
   * @param {number} first
   * @param {number} count
   * @returns {number} how many there was room for
   */
  writeValues(id, first, count) {
    const { tables, memory } = this;
    const handle = tables.handleOf(id);
    const table = handle < 0 ? tables.tableAt(handle) : null;
    const isList = table instanceof ListTable;
    const { found } = tables;
    for (let done = isList ? this.writePacked(table, first, count) : 0; done < count; done++) {
      const index = first + done - 1;
      let isThere = isList ? index >= 0 && index < table.size : false;
      if (!isList) isThere = tables.find(id, INDEX, 0, writeIndex(first + done, INDEX, 0));
      else if (isThere) table.find(tables.values, index, found);
      const length = isThere ? found.end - found.start : 1;
      const isPart = isThere && length <= BATCH_VALUE_LIMIT && isWholeRange(found.bytes, found.start, found.end);
      if ((isPart ? length : 1) > this.end - this.at) return done;
      if (!isPart) {
        memory[this.at++] = isThere ? VALUE_ELSEWHERE : TAG_NIL;
        continue;
      }
      if (length === REFERENCE && found.bytes[found.start] === TAG_EXTERNAL_TABLE) this.want(readU32(found.bytes, found.start + 1));
      copyBytes(found.bytes, found.start, found.end, memory, this.at);
      this.at += length;
    }
    return count;
  }

  /**
   * Writes values that lie without their tags.
   *
   * @private
   * @param {ListTable} table
   * @param {number} first
   * @param {number} count
   * @returns {number} how many
   */
  writePacked(table, first, count) {
    const { tag, width, packed } = table;
    if (tag === 0 || first < 1) return 0;
    const { memory } = this;
    const room = Math.floor((this.end - this.at) / (1 + width));
    const most = Math.max(0, Math.min(count, table.size - first + 1, room));
    let { at } = this;
    let from = (first - 1) * width;
    for (let done = 0; done < most; done++) {
      if (tag === TAG_EXTERNAL_TABLE) this.want(readU32(packed, from));
      memory[at++] = tag;
      for (const end = at + width; at < end; at++) memory[at] = packed[from++];
    }
    this.at = at;
    return most;
  }

  /**
   * Writes an entry.
   *
   * @private
   * @param {number} id
   * @param {Walk} walk that is at the entry
   * @param {number} limit
   * @param {number} reserved bytes for tables that are wanted already
   * @param {boolean} isFirst whether it stands at the front, so that it has to do without its table if there is no room
   * @returns {number} how many bytes it needs if there is no room; else negated, how many its table will need
   */
  writeEntry(id, walk, limit, reserved, isFirst) {
    const { memory, at, value } = this;
    const { key } = walk;
    walk.value(value);
    const keyLength = key.end - key.start;
    const length = value.end - value.start;
    const isLong = length > BATCH_VALUE_LIMIT;
    const room = this.end - at - reserved;
    const needed = keyLength + (isLong ? KEY_HEAD : SET_HEAD + length);
    if (keyLength > MOST) return isFirst ? Infinity : needed;
    let more = 0;
    if (length === REFERENCE && value.bytes[value.start] === TAG_EXTERNAL_TABLE) {
      const other = readU32(value.bytes, value.start + 1);
      more = this.isWanted(other) ? 0 : this.rowSize(other, limit);
      if (isFirst && needed + more > room) more = 0;
      if (needed + more <= room && more > 0) this.want(other);
    }
    if (needed + more > room) return needed;
    memory[at] = isLong ? OP_KEY : OP_SET;
    putU32(memory, at + 1, id);
    putU16(memory, at + 5, keyLength);
    if (!isLong) putU32(memory, at + 7, length);
    const keyAt = at + (isLong ? KEY_HEAD : SET_HEAD);
    copyBytes(key.bytes, key.start, key.end, memory, keyAt);
    if (!isLong) copyBytes(value.bytes, value.start, value.end, memory, keyAt + keyLength);
    this.at = at + needed;
    return -more;
  }

  /**
   * @private
   * @param {number} id
   * @param {number} limit
   * @returns {number} bytes that a table takes as a row with its shape, 0 if it is none
   */
  rowSize(id, limit) {
    const { tables } = this;
    const handle = tables.handleOf(id);
    if (handle > 0) {
      const shape = tables.rows.shapeOf(handle);
      const length = tables.rows.lengthOf(handle);
      return shape.bytes.length + length > limit ? 0 : ROW_HEAD + length + shape.op.length;
    }
    const row = handle === 0 ? null : this.gather(id, limit);
    return row === null ? 0 : row.keys.reduce((sum, key) => sum + 2 + key.length, 3) + ROW_HEAD + row.length;
  }

  /**
   * Notes a table that is to be written, if it has not been noted.
   *
   * @private
   * @param {number} id
   */
  want(id) {
    const { wanted, wants } = this;
    // Records of a list mostly have ids that grow.
    if (wants > 0 && id <= wanted[wants - 1] && this.isWanted(id)) return;
    if (wants === wanted.length) {
      this.wanted = new Uint32Array(2 * wants);
      this.wanted.set(wanted);
    }
    this.wanted[wants] = id;
    this.wants++;
  }

  /**
   * @private
   * @param {number} id
   * @returns {boolean}
   */
  isWanted(id) {
    for (let index = 0; index < this.wants; index++) if (this.wanted[index] === id) return true;
    return false;
  }

  /**
   * Writes the tables that were noted, as long as there is room.
   *
   * @private
   * @param {number} limit
   */
  writeWanted(limit) {
    for (let index = 0; index < this.wants; index++) if (this.writeTable(this.wanted[index], limit, false) > 0) return;
  }

  /**
   * Applies the next op, without copies if nobody watches each key.
   *
   * @override
   * @param {OpReader} reader
   */
  apply(reader) {
    const { memory } = reader;
    const op = memory[reader.at];
    const { observer } = this.own;
    const isTold = observer !== null && observer.willReplace === undefined;
    if (isTold || this.layer.isWatched || (op !== OP_ROW && op !== OP_SET)) {
      super.apply(reader);
      return;
    }
    const { at } = reader;
    if (op === OP_SET) {
      if (reader.end - at < SET_HEAD || !this.setRange(reader, at)) super.apply(reader);
    } else if (reader.end - at < ROW_HEAD || !this.putRow(reader, at)) {
      super.apply(reader);
    }
  }

  /**
   * @private
   * @param {OpReader} reader
   * @param {number} at where the op begins
   * @returns {boolean} false if it is left to others
   */
  setRange(reader, at) {
    const { memory } = reader;
    const id = readU32(memory, at + 1);
    const keyStart = at + SET_HEAD;
    const keyEnd = keyStart + (memory[at + 5] | (memory[at + 6] << 8));
    const length = readU32(memory, at + 7);
    if (!isTableId(id) || keyEnd > reader.end || length > reader.end - keyEnd) return false;
    this.own.setRange(id, memory, keyStart, keyEnd, keyEnd, keyEnd + length);
    reader.at = keyEnd + length;
    return true;
  }

  /**
   * @private
   * @param {OpReader} reader
   * @param {number} at where the op begins
   * @returns {boolean} false if it is left to others
   */
  putRow(reader, at) {
    const { memory } = reader;
    const { tables } = this;
    const id = readU32(memory, at + 1);
    const keys = reader.shapes[memory[at + 5] | (memory[at + 6] << 8)];
    const length = readU32(memory, at + 7);
    const start = at + ROW_HEAD;
    if (!isTableId(id) || keys === undefined || length > MOST_VALUES || length > reader.end - start) return false;
    const shape = reader.shapeOf(keys, tables.shapes);
    if (shape === null || shape.size === 0) return false;
    const end = start + length;
    let next = start;
    for (let index = 0; index < shape.size; index++) {
      const bytes = valueLength(memory, next, end);
      if (bytes === 0) return false;
      next += bytes;
    }
    if (next !== end) return false;
    const { observer } = this.own;
    if (observer !== null && observer.willReplace !== undefined) observer.willReplace(id);
    tables.putRow(id, shape, memory, start, end);
    reader.at = end;
    return true;
  }
}

/** Where the keys of lists are written. */
const INDEX = new Uint8Array(20);

/** @type {Iterator<string>} */
const NO_KEYS = [][Symbol.iterator]();
