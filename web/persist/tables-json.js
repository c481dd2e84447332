/**
 * Exports and imports external tables as one readable file, for backups and for other tools: JSON that loses nothing, one
 * entry a line.
 *
 * ```json
 * {
 *   "format": "lua-persistent tables",
 *   "version": 1,
 *   "abi": "9b3af171d3b2f841",
 *   "home": 1,
 *   "next": 4,
 *   "tables": {
 *     "1": [
 *       ["counter", 41],
 *       ["list", {"table": 3}]
 *     ]
 *   }
 * }
 * ```
 *
 * A table is a list of its entries, in their order. A key is the text by which the store knows it (store.js): an ordinary
 * string is itself, `[5]` is the integer. web/values/json.js says how values are written.
 *
 * In the tables that describe functions, `code` is precompiled and belongs to the release of Lua that wrote it.
 *
 * @import { Store } from '../store/store.js'
 * @import { Meta } from './operations.js'
 */

import { MAX_VALUE_LENGTH } from '../store/store.js';
import { ID_LIMIT, isTableId } from '../store/table-ids.js';
import { isObject, valueFromJson, valueToJson } from '../values/json.js';
import { keyBytes } from '../bytes/text.js';

const FORMAT = 'lua-persistent tables';
const VERSION = 1;

/** Bytes of the longest value that Lua can read: a string, with its tag and length. */
const LONGEST = MAX_VALUE_LENGTH + 5;

/** A text is not an export of external tables. */
export class ImportError extends Error {
  /**
   * @param {string} place where in the text, as `tables.1[4]`; empty for the whole
   * @param {string} problem what is wrong, and what would be right
   */
  constructor(place, problem) {
    super(place === '' ? problem : `${place}: ${problem}`);
    this.name = 'ImportError';
    /** Where in the text. */
    this.place = place;
  }
}

/**
 * All tables of a store as text.
 *
 * @param {Store} store
 * @param {Meta} meta
 * @param {number} [skippedId] id of a table that is left out
 * @returns {string}
 */
export function exportTables(store, meta, skippedId = 0) {
  const tables = [];
  for (const id of Array.from(store.tableIds()).sort((a, b) => a - b)) {
    if (id === skippedId || store.size(id) === 0) continue;
    const entries = [];
    for (const key of store.keys(id)) {
      const value = valueToJson(/** @type {Uint8Array} */ (store.get(id, key)));
      entries.push(`      [${JSON.stringify(key)}, ${JSON.stringify(value)}]`);
    }
    tables.push(`    "${id}": [\n${entries.join(',\n')}\n    ]`);
  }
  return `{
  "format": ${JSON.stringify(FORMAT)},
  "version": ${VERSION},
  "abi": ${JSON.stringify(meta.abiHash)},
  "home": ${meta.homeTableId},
  "next": ${meta.nextTableId},
  "tables": {${tables.length === 0 ? '' : `\n${tables.join(',\n')}\n  `}}
}
`;
}

/**
 * Put the tables of an export into a store. Nothing is put there unless all of the text is right.
 *
 * @param {string} text
 * @param {Store} store empty
 * @returns {Meta}
 * @throws {ImportError}
 */
export function importTables(text, store) {
  let file;
  try {
    file = JSON.parse(text);
  } catch (error) {
    throw new ImportError('', `this is not JSON: ${/** @type {Error} */ (error).message}`);
  }
  if (!isObject(file) || file.format !== FORMAT) throw new ImportError('format', `this is not an export of lua-persistent ("${FORMAT}")`);
  if (file.version !== VERSION) throw new ImportError('version', `this release reads version ${VERSION}, not ${shown(file.version)}`);
  if (typeof file.abi !== 'string') throw new ImportError('abi', 'should be a string');
  const homeTableId = tableId(file.home, 'home');
  let nextTableId = file.next === ID_LIMIT ? ID_LIMIT : tableId(file.next, 'next');
  if (!isObject(file.tables)) throw new ImportError('tables', 'should be an object of tables by their ids');
  /** @type {[number, string, Uint8Array][]} */
  const entries = [];
  for (const name of Object.keys(file.tables)) {
    const id = tableId(/^[1-9][0-9]*$/.test(name) ? Number(name) : null, `tables.${name}`);
    nextTableId = Math.max(nextTableId, id + 1);
    const list = file.tables[name];
    if (!Array.isArray(list)) throw new ImportError(`tables.${name}`, 'should be a list of entries');
    const seen = new Set();
    list.forEach((entry, index) => {
      const place = `tables.${name}[${index}]`;
      if (!Array.isArray(entry) || entry.length !== 2) throw new ImportError(place, 'an entry should be a list of a key and a value');
      const [key, value] = entry;
      if (typeof key !== 'string' || !isKeyText(key)) throw new ImportError(place, 'a key should be a text as a store has it');
      if (seen.has(key)) throw new ImportError(place, `the table has the key ${shown(key)} already`);
      seen.add(key);
      const bytes = valueFromJson(value);
      if (bytes === null) throw new ImportError(place, `${shown(value)} is no value`);
      if (bytes.length > LONGEST) throw new ImportError(place, `a value has at most ${LONGEST} bytes, this one has ${bytes.length}`);
      entries.push([id, key, bytes]);
    });
  }
  for (const [id, key, value] of entries) store.set(id, key, value);
  return { homeTableId, nextTableId, abiHash: file.abi };
}

/**
 * @param {any} value
 * @returns {string} the value as JSON, if that is short
 */
function shown(value) {
  if (typeof value === 'object' && value !== null) return isObject(value) ? `an object with the names ${JSON.stringify(Object.keys(value)).slice(0, 60)}` : 'a list';
  return String(JSON.stringify(value)).slice(0, 60);
}

/**
 * @param {string} text
 * @returns {boolean} whether the text stands for bytes, so that a store can have it as a key
 */
function isKeyText(text) {
  try {
    keyBytes(text);
    return true;
  } catch (error) {
    if (error instanceof RangeError) return false;
    throw error;
  }
}

/**
 * @param {any} value
 * @param {string} place
 * @returns {number}
 * @throws {ImportError}
 */
function tableId(value, place) {
  if (isTableId(value)) return value;
  throw new ImportError(place, `should be the id of a table, a whole number from 1 to ${ID_LIMIT - 1}`);
}
