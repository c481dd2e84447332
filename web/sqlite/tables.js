/**
 * The tables of a database that are in memory: those that have changed since it was written, and those that were used lately.
 *
 * @import { Database } from './database.js'
 * @import { Driver, Statement } from './driver.js'
 * @import { Shelf } from './shelf.js'
 */

import { DatabaseError } from './database.js';
import { Large } from './large.js';
import { Gone, Row } from './row.js';
import { Shapes } from './shapes.js';
import { LARGE_STATEMENTS } from './shelf.js';
import { referencesInText, TextReader, TextWriter } from './text.js';

const STATEMENTS = {
  table: 'SELECT shape, data FROM tables WHERE id = ?',
  lastId: 'SELECT max(id) FROM tables',
  // A large table has more than its row, which has to go first.
  putRow: `INSERT INTO tables (id, shape, data) VALUES (?, ?, CAST(? AS TEXT))
    ON CONFLICT (id) DO UPDATE SET shape = excluded.shape, data = excluded.data WHERE shape IS NOT NULL`,
  deleteRow: 'DELETE FROM tables WHERE id = ?',
  range: 'SELECT id, shape, data FROM tables WHERE id BETWEEN ? AND ?',
};

/** Ids that are asked for together, and how far apart two of them may lie. */
const TOGETHER = 64;
const NEAR = 4;

/** @typedef {Row | Large | Gone} Table */

/** Tables in memory. */
export class Tables {
  /**
   * @param {Database} database
   * @param {number} position the highest that has been given to an entry
   * @param {number} bound memory for tables that were used lately
   */
  constructor({ driver }, position, bound) {
    /** @private */
    this.bound = bound;
    /** @private @type {Record<keyof typeof STATEMENTS, Statement>} */
    this.statements = prepareAll(driver, STATEMENTS);
    this.shapes = new Shapes(driver);
    /** The highest position that has been given to an entry. */
    this.position = position;
    /** @private */
    this.writer = new TextWriter();
    /** @private */
    this.reader = new TextReader();
    /** @private @type {Shelf} */
    this.shelf = {
      statements: prepareAll(driver, LARGE_STATEMENTS),
      reader: this.reader,
      writer: this.writer,
      nextPosition: () => ++this.position,
      loaded: (weight) => this.loaded(weight),
      damaged: (detail) => new DatabaseError('damaged', `is damaged: ${detail}`),
    };
    /**
     * Tables that have changed since what is in the database.
     * @type {Map<number, Table>}
     */
    this.changed = new Map();
    /** An estimate of the memory that these take. */
    this.changedWeight = 0;
    /**
     * Tables as the database has them that were used lately, and before.
     * @private
     * @type {Map<number, Row | Large>}
     */
    this.young = new Map();
    /** @private @type {Map<number, Row | Large>} */
    this.old = new Map();
    /** An estimate of the memory of the young ones. @private */
    this.youngWeight = 0;
    // Programs work on one table for a while.
    /** @private */
    this.lastId = 0;
    /** @private @type {Table | null} */
    this.last = null;
    /** No table has a higher id. */
    this.highestId = Number(/** @type {any[]} */ (this.statements.lastId.get())[0]) || 0;
  }

  /**
   * Finds a table.
   *
   * @param {number} id
   * @returns {Table | null} null if there is none
   */
  get(id) {
    if (id === this.lastId && this.last !== null) return this.last;
    const table = this.find(id);
    this.lastId = id;
    this.last = table;
    return table;
  }

  /**
   * @private
   * @param {number} id
   * @returns {Table | null}
   */
  find(id) {
    if (id > this.highestId) return null;
    const changed = this.changed.get(id);
    if (changed !== undefined) return changed;
    const young = this.young.get(id);
    if (young !== undefined) return young;
    let table = this.old.get(id);
    if (table === undefined) {
      const row = this.statements.table.get(id);
      if (row === undefined) return null;
      table = row[0] === null ? Large.read(this.shelf, id, row[1]) : this.readRow(id, row[0], row[1]);
      if (table instanceof Row) table.bytes = table.bytes.slice(0, table.length);
    }
    this.loaded(table.weight);
    this.young.set(id, table);
    return table;
  }

  /**
   * Finds a table that is in memory.
   *
   * @param {number} id
   * @returns {Table | undefined}
   */
  known(id) {
    return this.changed.get(id) || this.young.get(id) || this.old.get(id);
  }

  /**
   * Counts the entries of a table. A small one is not kept for it: a collection asks this of every table.
   *
   * @param {number} id
   * @returns {number}
   */
  size(id) {
    if (id > this.highestId) return 0;
    const known = this.known(id);
    if (known !== undefined) return known.size;
    const row = this.statements.table.get(id);
    if (row === undefined) return 0;
    const shape = row[0] === null || row[0] === 0 ? null : this.shapes.read(row[0]);
    if (shape !== null) return shape.keys.length;
    const table = this.find(id);
    return table === null ? 0 : table.size;
  }

  /**
   * Visits tables without keeping what is read for it.
   *
   * @param {number[]} ids
   * @param {(id: number, table: Table | null) => boolean} visit whether to go on; what it gets is valid until it returns
   */
  forEach(ids, visit) {
    /** @type {any[][]} */
    let rows = [];
    let row = 0;
    /** The ids up to this place have been asked for. */
    let asked = 0;
    for (let at = 0; at < ids.length; at++) {
      const id = ids[at];
      const known = this.known(id);
      if (known === undefined && at >= asked) {
        asked = at + 1;
        while (asked < ids.length && asked - at < TOGETHER && ids[asked] > ids[asked - 1] && ids[asked] - ids[asked - 1] <= NEAR) asked++;
        rows = id > this.highestId ? [] : this.rowsOf(id, ids[asked - 1]);
        row = 0;
      }
      while (row < rows.length && rows[row][0] < id) row++;
      /** @type {Table | null} */
      let table = null;
      if (known !== undefined) table = known;
      else if (row < rows.length && rows[row][0] === id) {
        const [, shape, data] = rows[row];
        table = shape === null ? Large.read(this.shelf, id, data) : this.readRow(id, shape, data);
      }
      if (!visit(id, table)) return;
    }
  }

  /**
   * @private
   * @param {number} first
   * @param {number} last
   * @returns {any[][]} id, shape and data of the tables from one id to another
   */
  rowsOf(first, last) {
    if (first !== last) return this.statements.range.all(first, last);
    const row = this.statements.table.get(first);
    return row === undefined ? [] : [[first, row[0], row[1]]];
  }

  /**
   * Visits the tables that a table refers to.
   *
   * @param {number} id
   * @param {(id: number) => void} visit
   */
  references(id, visit) {
    const known = this.known(id);
    if (known === undefined) {
      const row = id > this.highestId ? undefined : this.statements.table.get(id);
      if (row === undefined) return;
      if (row[0] !== null) referencesInText(row[1], visit);
      else Large.read(this.shelf, id, row[1]).references(visit);
    } else if (known instanceof Large) known.references(visit);
    else if (known instanceof Row) known.references(visit);
  }

  /**
   * Reads the row of a small table. Its bytes are valid until the next is read.
   *
   * @private
   * @param {number} id
   * @param {number} shapeId
   * @param {string} text
   * @returns {Row}
   */
  readRow(id, shapeId, text) {
    const shape = shapeId === 0 ? null : this.shapes.read(shapeId);
    const row = shapeId !== 0 && shape === null ? null : Row.read(this.reader, this.shapes, shape, text);
    if (row === null) throw new DatabaseError('damaged', `is damaged: table ${id} cannot be read`);
    return row;
  }

  /**
   * Takes note of what has been read from the database.
   *
   * @private
   * @param {number} weight
   */
  loaded(weight) {
    this.youngWeight += weight;
    if (this.youngWeight < this.bound) return;
    this.old = this.young;
    this.young = new Map();
    this.youngWeight = 0;
    this.last = null;
    for (const table of this.old.values()) if (table instanceof Large) table.age();
    for (const table of this.changed.values()) if (table instanceof Large) table.age();
  }

  /**
   * Takes note that a table is about to change.
   *
   * @param {number} id
   * @param {Table} table
   * @returns {number} its weight until now
   */
  change(id, table) {
    const { weight } = table;
    if (!this.changed.has(id)) {
      this.young.delete(id);
      this.old.delete(id);
      this.changed.set(id, table);
      this.changedWeight += weight;
    }
    return weight;
  }

  /**
   * Puts a table in the place of another that has changed.
   *
   * @param {number} id
   * @param {Table} table
   */
  replace(id, table) {
    this.changed.set(id, table);
    this.changedWeight += table.weight;
    if (id === this.lastId) this.last = table;
  }

  /**
   * Puts a row in the place of whatever a table was.
   *
   * @param {number} id
   * @param {Row} row
   */
  put(id, row) {
    const known = this.known(id);
    if (known !== undefined) {
      row.wipe = known.wipe || known instanceof Large;
      this.young.delete(id);
      this.old.delete(id);
    }
    if (id > this.highestId) this.highestId = id;
    if (id === this.lastId) this.last = null;
    this.changed.set(id, row);
    this.changedWeight += row.weight;
  }

  /**
   * Makes a large table of a small one.
   *
   * @param {number} id
   * @param {Row} row
   * @returns {Large}
   */
  enlarge(id, row) {
    const large = new Large(this.shelf, id);
    // The database has neither pages nor entries that belong to it.
    large.wipe = true;
    row.shape.keys.forEach((key, place) => large.set(key, row.bytes, row.startOf(place), row.ends[place]));
    this.replace(id, large);
    return large;
  }

  /**
   * Writes all changes to the database.
   */
  writeChanges() {
    // Neighbours in the database are written together.
    const ids = Float64Array.from(this.changed.keys()).sort();
    for (const id of ids) {
      const table = this.changed.get(id);
      if (table instanceof Large) table.write();
      else if (table instanceof Row) this.writeRow(id, table);
      else if (table !== undefined) {
        if (table.wipe) this.wipe(id);
        this.statements.deleteRow.run(id);
      }
    }
  }

  /**
   * @private
   * @param {number} id
   * @param {Row} row
   */
  writeRow(id, row) {
    const { writer } = this;
    const shapeId = this.shapes.idOf(row.shape);
    row.write(writer, shapeId === 0);
    if (row.wipe) this.wipe(id);
    if (this.statements.putRow.run(id, shapeId, writer.text) > 0) return;
    this.wipe(id);
    this.statements.putRow.run(id, shapeId, writer.text);
  }

  /**
   * Deletes a table from the database.
   *
   * @private
   * @param {number} id
   */
  wipe(id) {
    const { deletePages, deleteEntries } = this.shelf.statements;
    deletePages.run(id);
    deleteEntries.run(id);
    this.statements.deleteRow.run(id);
  }

  /**
   * Takes note that the database has all changes.
   */
  settle() {
    const { changed } = this;
    this.changed = new Map();
    this.changedWeight = 0;
    this.last = null;
    for (const [id, table] of changed) {
      if (table instanceof Gone) continue;
      if (table instanceof Large) table.settle();
      else {
        // Its bytes may be a part of many that were written together.
        table.wipe = false;
        continue;
      }
      this.young.set(id, table);
    }
  }
}

/**
 * @template {string} Name
 * @param {Driver} driver
 * @param {Record<Name, string>} sql
 * @returns {Record<Name, Statement>}
 */
export function prepareAll(driver, sql) {
  const statements = /** @type {Record<Name, Statement>} */ ({});
  for (const name of /** @type {Name[]} */ (Object.keys(sql))) statements[name] = driver.prepare(sql[name]);
  return statements;
}
