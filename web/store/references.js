/**
 * Finds the tables that the values of a `MapStore` refer to, in the forms in which it keeps them, for its collector.
 *
 * @import { HashTable } from './hash-table.js'
 * @import { Tables } from './tables.js'
 */

import { readU32 } from '../bytes/integers.js';
import { TAG_EXTERNAL_TABLE } from '../loader.js';
import { newFound } from './items.js';
import { ListTable, WIDTHS } from './list-table.js';
import { referenceIn } from './reference.js';

/** @typedef {(tableId: number) => void} Visit */

/** How often a walk through a table begins again because its entries have moved, before it looks at all at once. */
const PATIENCE = 3;

const found = newFound();

/**
 * @param {Tables} tables
 * @param {number} place
 * @param {Visit} visit
 */
function visitRow(tables, place, visit) {
  tables.rows.findAll(place, found);
  const { bytes, end } = found;
  for (let at = found.start; at < end; ) {
    const width = WIDTHS[bytes[at]];
    const next = at + (width !== 0 ? 1 + width : 5 + readU32(bytes, at + 1));
    if (bytes[at] === TAG_EXTERNAL_TABLE) visit(readU32(bytes, at + 1));
    else if (width === 0) visitValue(bytes, at, next, visit);
    at = next;
  }
}

/**
 * @param {Uint8Array} bytes
 * @param {number} start
 * @param {number} end
 * @param {Visit} visit
 */
function visitValue(bytes, start, end, visit) {
  const target = referenceIn(bytes, start, end);
  if (target !== 0) visit(target);
}

/**
 * @param {Tables} tables
 * @param {ListTable | HashTable} table
 * @param {number} first
 * @param {number} end
 * @param {Visit} visit
 */
function visitEntries(tables, table, first, end, visit) {
  const { values } = tables;
  if (!(table instanceof ListTable)) {
    for (let entry = first; entry < end; entry++) {
      if (table.places[entry] === 0) continue;
      table.findValue(values, entry, found);
      visitValue(found.bytes, found.start, found.end, visit);
    }
  } else if (table.tag === TAG_EXTERNAL_TABLE) {
    for (let index = first; index < end; index++) visit(readU32(table.packed, 4 * index));
  } else if (table.tag === 0) {
    for (let index = first; index < end; index++) {
      table.find(values, index, found);
      visitValue(found.bytes, found.start, found.end, visit);
    }
  }
}

/**
 * @param {ListTable | HashTable} table
 * @returns {number} the index behind its last entry
 */
function endOf(table) {
  return table instanceof ListTable ? table.size : table.count;
}

/**
 * Calls a function with each table that a table refers to.
 *
 * @param {Tables} tables
 * @param {number} id
 * @param {Visit} visit
 */
export function visitReferences(tables, id, visit) {
  const handle = tables.handleOf(id);
  if (handle > 0) visitRow(tables, handle, visit);
  else if (handle < 0) visitEntries(tables, tables.tableAt(handle), 0, endOf(tables.tableAt(handle)), visit);
}

/** Finds the references of a large table in pieces, between which it may change. */
export class ReferenceWalk {
  /**
   * @param {Tables} tables
   * @param {number} id
   */
  constructor(tables, id) {
    /** @private */
    this.tables = tables;
    /** @private */
    this.id = id;
    /** @private @type {ListTable | HashTable | null} */
    this.table = null;
    /** @private */
    this.version = 0;
    /** @private */
    this.at = 0;
    /** @private */
    this.moved = 0;
  }

  /**
   * @param {number} count most entries to look at
   * @param {Visit} visit
   * @returns {boolean} whether there may be more
   */
  next(count, visit) {
    const { tables, id } = this;
    const handle = tables.handleOf(id);
    if (handle >= 0) {
      visitReferences(tables, id, visit);
      return false;
    }
    const table = tables.tableAt(handle);
    const version = table instanceof ListTable ? 0 : table.version;
    if (table !== this.table || version !== this.version) {
      this.table = table;
      this.version = version;
      this.at = 0;
      this.moved++;
    }
    const end = this.moved > PATIENCE ? endOf(table) : Math.min(endOf(table), this.at + count);
    visitEntries(tables, table, this.at, end, visit);
    this.at = end;
    return end < endOf(table);
  }
}
