/**
 * Keeps the lists of keys that small tables have: most tables of a program have one of a few.
 *
 * @import { Driver } from './driver.js'
 */

import { integerForm } from '../store/integer-key.js';
import { keyBytes } from '../bytes/text.js';
import { METATABLE } from '../values/key.js';

/** Most shapes that a database has; tables of other shapes have their keys in their rows. */
const MOST = 4096;

/** Longest text of a shape that a database has. */
const LONGEST = 1024;

/** Most shapes that are known by the keys that lead to them. */
const KNOWN = 16384;

/** A list of keys. */
export class Shape {
  /**
   * @param {string[]} keys
   * @param {number} listed n if they are 1 to n, beside that of the metatable; else -1
   */
  constructor(keys, listed) {
    this.keys = keys;
    this.listed = listed;
    /** Its number in the database: 0 if it has none. */
    this.id = 0;
    /** Whether a table of this shape was written before. */
    this.seen = false;
    /**
     * Places by key.
     * @private
     * @type {Map<string, number> | null}
     */
    this.places = null;
    /**
     * The shapes with one key more.
     * @type {Map<string, Shape>}
     */
    this.longer = new Map();
    /**
     * The keys as bytes.
     * @private
     * @type {Uint8Array[] | null}
     */
    this.encoded = null;
    /** @private */
    this.bytes = -1;
  }

  /**
   * @param {string} key
   * @returns {number} its place, -1 if there is none
   */
  placeOf(key) {
    const { keys } = this;
    if (keys.length <= 8) {
      for (let place = 0; place < keys.length; place++) if (keys[place] === key) return place;
      return -1;
    }
    if (this.places === null) this.places = new Map(keys.map((each, place) => [each, place]));
    const place = this.places.get(key);
    return place === undefined ? -1 : place;
  }

  /** How many bytes the keys have together. */
  get keysLength() {
    if (this.bytes < 0) this.bytes = this.keyBytes.reduce((sum, key) => sum + key.length, 0);
    return this.bytes;
  }

  /** @returns {Uint8Array[]} the keys as bytes */
  get keyBytes() {
    if (this.encoded === null) this.encoded = this.keys.map(keyBytes);
    return this.encoded;
  }
}

/** The shapes of one database. */
export class Shapes {
  /** @param {Driver} driver */
  constructor(driver) {
    /** @private */
    this.statements = {
      byId: driver.prepare('SELECT keys FROM shapes WHERE id = ?'),
      byKeys: driver.prepare('SELECT id FROM shapes WHERE keys = ?'),
      count: driver.prepare('SELECT count(*) FROM shapes'),
      add: driver.prepare('INSERT INTO shapes (id, is_list, keys) VALUES (?, ?, ?)'),
    };
    /** The shape without keys. */
    this.none = new Shape([], 0);
    /**
     * @private
     * @type {Map<number, Shape>}
     */
    this.byId = new Map();
    /**
     * Those that were added in the transaction that is open.
     * @private
     * @type {Shape[]}
     */
    this.added = [];
    /** @private */
    this.known = 0;
    /**
     * How many the database has, -1 if that is not known.
     * @private
     */
    this.count = -1;
  }

  /**
   * @param {Shape} shape
   * @param {string} key that it does not have
   * @returns {Shape} the one with that key behind the others
   */
  longer(shape, key) {
    const known = shape.longer.get(key);
    if (known !== undefined) return known;
    const { listed } = shape;
    let next = -1;
    if (key === METATABLE) next = listed;
    else if (listed >= 0 && key === integerForm(listed + 1)) next = listed + 1;
    const longer = new Shape([...shape.keys, key], next);
    // A program may make tables of new keys for ever.
    if (this.known === KNOWN) {
      this.none.longer.clear();
      this.known = 0;
    }
    this.known++;
    shape.longer.set(key, longer);
    return longer;
  }

  /**
   * @param {string[]} keys
   * @returns {Shape}
   */
  of(keys) {
    let shape = this.none;
    for (const key of keys) shape = this.longer(shape, key);
    return shape;
  }

  /**
   * Reads a shape of the database.
   *
   * @param {number} id
   * @returns {Shape | null} null if there is none
   */
  read(id) {
    const known = this.byId.get(id);
    if (known !== undefined) return known;
    const row = this.statements.byId.get(id);
    if (row === undefined) return null;
    const shape = this.of(JSON.parse(row[0]));
    shape.id = id;
    this.byId.set(id, shape);
    return shape;
  }

  /**
   * Finds the number under which a table of a shape is written, and adds the shape where it is worth it.
   *
   * @param {Shape} shape
   * @returns {number} 0 if the keys belong into the row
   */
  idOf(shape) {
    if (shape.id > 0) return shape.id;
    const isList = shape.listed >= 0;
    if (!shape.seen && !isList) {
      shape.seen = true;
      return 0;
    }
    const text = JSON.stringify(shape.keys);
    if (text.length > LONGEST && !isList) return 0;
    const there = this.statements.byKeys.get(text);
    if (there !== undefined) shape.id = there[0];
    else {
      if (this.count < 0) this.count = /** @type {any[]} */ (this.statements.count.get())[0];
      if (this.count >= MOST) return 0;
      this.count++;
      this.statements.add.run(this.count, shape.listed > 0 ? 1 : 0, text);
      shape.id = this.count;
      this.added.push(shape);
    }
    this.byId.set(shape.id, shape);
    return shape.id;
  }

  /** Takes note that what was added is safe. */
  commit() {
    this.added = [];
  }

  /** Takes note that what was added is gone. */
  rollback() {
    for (const shape of this.added) {
      this.byId.delete(shape.id);
      shape.id = 0;
    }
    this.added = [];
    this.count = -1;
  }
}
