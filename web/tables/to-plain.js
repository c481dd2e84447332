/**
 * Converts external tables to plain JavaScript values, whole.
 */

import { setField } from '../values/decoder.js';
import { TableReference } from '../values/values.js';

/**
 * An external table, as far as it is read here.
 *
 * @typedef {object} Readable
 * @property {number} id
 * @property {() => Iterable<[any, any]>} entries
 */

/** @typedef {'array' | 'object' | 'map'} Kind */

/**
 * A table that is being filled.
 *
 * @typedef {object} Frame
 * @property {[any, any][]} entries
 * @property {Kind} kind
 * @property {any} container
 */

/**
 * Converts a table and all tables in it. Nesting costs no call stack.
 *
 * @param {Readable} root
 * @param {Kind} [kind] what the table itself becomes; by default what its keys suggest, as for the tables in it
 * @returns {any}
 * @throws {TypeError} if the table cannot become that
 */
export function toPlain(root, kind) {
  /** @type {Map<number, any>} what tables have become, by id */
  const done = new Map();
  /** @type {Frame[]} */
  const pending = [];
  const open = (/** @type {Readable} */ table, /** @type {Kind | undefined} */ wanted) => {
    const entries = Array.from(table.entries());
    const own = wanted === undefined ? kindOf(entries) : check(table, entries, wanted);
    const container = own === 'array' ? new Array(entries.length) : own === 'object' ? {} : new Map();
    done.set(table.id, container);
    pending.push({ entries, kind: own, container });
    return container;
  };
  const whole = open(root, kind);
  for (let frame = pending.pop(); frame !== undefined; frame = pending.pop()) {
    for (const [key, value] of frame.entries) {
      // Whatever refers to a table in a table was made by the same machine as the root.
      const isTable = value instanceof TableReference;
      const part = !isTable ? value : done.has(value.id) ? done.get(value.id) : open(/** @type {any} */ (value), undefined);
      if (frame.kind === 'array') frame.container[key - 1] = part;
      else if (frame.kind === 'map') frame.container.set(key, part);
      else setField(frame.container, key, part);
    }
  }
  return whole;
}

/**
 * @param {[any, any][]} entries
 * @returns {boolean} whether the keys are exactly 1 to n
 */
function isSequence(entries) {
  // Different integers from 1 to n, n of them.
  return entries.every(([key]) => Number.isInteger(key) && key >= 1 && key <= entries.length);
}

/**
 * @param {[any, any][]} entries
 * @returns {Kind}
 */
function kindOf(entries) {
  if (entries.length > 0 && isSequence(entries)) return 'array';
  return entries.every(([key]) => typeof key === 'string') ? 'object' : 'map';
}

/**
 * @param {Readable} table
 * @param {[any, any][]} entries
 * @param {Kind} kind
 * @returns {Kind}
 */
function check(table, entries, kind) {
  if (kind === 'array' && !isSequence(entries)) {
    throw new TypeError(`external table ${table.id} is no array: its keys are not exactly 1 to ${entries.length}; use toMap()`);
  }
  const stranger = kind === 'object' && entries.find(([key]) => typeof key !== 'string');
  if (stranger) {
    throw new TypeError(`external table ${table.id} is no object: its key ${String(stranger[0])} is not a string; use toMap()`);
  }
  return kind;
}
