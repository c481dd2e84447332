/**
 * Stores JavaScript values in external tables. A plain object, array or `Map` becomes a table, with all that it holds;
 * what is shared stays shared, and cycles stay.
 *
 * Everything is looked at and encoded before anything is written, so that what cannot be stored changes nothing.
 *
 * @import { Store } from '../store/store.js'
 * @import { Place } from '../values/containers.js'
 */

import { partsOf, pathOf, stepTo } from '../values/containers.js';
import { encodeLeaf, encodeValue, Writer } from '../values/encoder.js';
import { EncodeError } from '../errors.js';
import { MAX_VALUE_LENGTH } from '../store/store.js';
import { keyForm } from '../values/key.js';
import { TableReference } from '../values/values.js';

/** Bytes of the tag and the length of a string. */
const STRING_HEADER = 5;

/**
 * A container that becomes a table.
 *
 * @typedef {object} Container
 * @property {number} number from 0, in the order in which they were found
 * @property {Place} place where it was found first
 */

/**
 * An entry of such a table.
 *
 * @typedef {object} Entry
 * @property {number} table the number of the container
 * @property {string} form of the key
 * @property {Uint8Array | Container} value encoded, unless it is a container
 */

/** What a value is stored as. */
export class Plan {
  /**
   * Look at a value and all that it holds.
   *
   * @param {any} value
   * @param {string} path of the value, for errors
   * @param {(value: any) => boolean} isForeign whether a value refers to another store
   * @throws {EncodeError}
   */
  constructor(value, path, isForeign) {
    /** @private */
    this.isForeign = isForeign;
    /**
     * The ids of the tables that the value refers to.
     *
     * @type {Set<number>}
     */
    this.references = new Set();
    /**
     * @private
     * @type {Map<any, Container>}
     */
    this.containers = new Map();
    /**
     * @private
     * @type {Entry[]}
     */
    this.entries = [];
    /** @private */
    this.root = this.find(value, { parent: null, step: path });
    // What is found on the way is added to the end, and visited as well.
    this.containers.forEach((container, object) => this.findIn(container, object));
  }

  /** How many tables are needed. */
  get tables() {
    return this.containers.size;
  }

  /**
   * The value itself, encoded.
   *
   * @param {number} first id of the first new table
   * @returns {Uint8Array}
   */
  value(first) {
    return encoded(this.root, first);
  }

  /**
   * Write the new tables.
   *
   * @param {Store} store
   * @param {number} first id of the first of them
   */
  write(store, first) {
    for (const { table, form, value } of this.entries) store.set(first + table, form, encoded(value, first));
  }

  /**
   * @private
   * @param {any} value
   * @param {Place} place
   * @returns {Uint8Array | Container}
   */
  find(value, place) {
    const known = this.containers.get(value);
    if (known !== undefined) return known;
    const writer = new Writer();
    if (!encodeLeaf(writer, value, place)) {
      const container = { number: this.containers.size, place };
      this.containers.set(value, container);
      return container;
    }
    const length = writer.length - STRING_HEADER;
    if (length > MAX_VALUE_LENGTH) {
      throw new EncodeError(`a string in an external table has at most ${MAX_VALUE_LENGTH} bytes, this one has ${length}`, pathOf(place));
    }
    if (this.isForeign(value)) throw new EncodeError('it belongs to another store', pathOf(place));
    if (value instanceof TableReference) this.references.add(value.id);
    return writer.finish();
  }

  /**
   * @private
   * @param {Container} container
   * @param {any} object
   */
  findIn(container, object) {
    const { place, number } = container;
    const { items, pairs } = partsOf(object, place);
    items.forEach((item, index) => {
      const value = this.find(item, { parent: place, step: `[${index}]` });
      this.entries.push({ table: number, form: `[${index + 1}]`, value });
    });
    if (pairs.length === 0) return;
    const path = pathOf(place);
    for (const [key, item] of pairs) {
      const form = keyForm(key, path);
      this.entries.push({ table: number, form, value: this.find(item, { parent: place, step: stepTo(key) }) });
    }
  }
}

/**
 * @param {Uint8Array | Container} value
 * @param {number} first
 * @returns {Uint8Array}
 */
function encoded(value, first) {
  return value instanceof Uint8Array ? value : encodeValue(new TableReference(first + value.number));
}
