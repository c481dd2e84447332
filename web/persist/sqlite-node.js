/**
 * Finds a SQLite library in Node, and uses it by the interface of web/sqlite/driver.js: Node's own, `node:sqlite`, where there
 * is one, else the package `better-sqlite3` if it is installed.
 *
 * @import { Driver } from '../sqlite/driver.js'
 */

import { builtin } from './node.js';
import { StateError } from './state-error.js';

/**
 * Opens databases: one of these for each library.
 *
 * @typedef {(path: string, options: { readOnly: boolean }) => Driver} OpenDriver
 */

/** What is said where there is no library. */
const MISSING =
  'cannot be opened: this Node has no node:sqlite, and the package better-sqlite3 is not installed; use Node 22.13 or later, or run: npm install better-sqlite3';

/**
 * Finds a library.
 *
 * @param {string} source what is to be opened, for messages
 * @param {any} [given] what the option `sqlite` says: a library's class of databases, or the module that exports it
 * @returns {Promise<OpenDriver>}
 * @throws {StateError | RangeError}
 */
export async function findSqlite(source, given) {
  if (given !== undefined) return openerOf(given);
  const own = await builtin('sqlite').catch(() => null);
  if (own !== null) return openerOf(own);
  const errors = [];
  for (const find of [fromHere, fromProgram]) {
    try {
      return openerOf(await find('better-sqlite3'));
    } catch (error) {
      errors.push(error);
    }
  }
  const broken = errors.find((error) => !/** @type {any} */ (error).code || !/MODULE_NOT_FOUND/.test(/** @type {any} */ (error).code));
  if (broken === undefined) throw new StateError('unreadable', source, MISSING);
  const detail = `cannot be opened: this Node has no node:sqlite, and the package better-sqlite3 cannot be loaded: ${/** @type {Error} */ (broken).message}`;
  throw new StateError('unreadable', source, detail, broken);
}

/**
 * Imports a package, as this package finds it.
 *
 * @param {string} name which no bundler should follow
 * @returns {Promise<any>}
 */
function fromHere(name) {
  return import(/* webpackIgnore: true */ /* @vite-ignore */ name);
}

/**
 * Imports a package, as the program does that runs: this one may lie elsewhere, linked.
 *
 * @param {string} name
 * @returns {Promise<any>}
 */
async function fromProgram(name) {
  const { createRequire } = await builtin('module');
  return createRequire(`${process.cwd()}/`)(name);
}

/**
 * @param {any} given
 * @returns {OpenDriver}
 * @throws {RangeError}
 */
function openerOf(given) {
  const candidates = [given.DatabaseSync, given, given.default, given.default && given.default.DatabaseSync];
  const Library = candidates.find((each) => typeof each === 'function');
  if (Library === undefined) throw new RangeError("the option sqlite has to be the module 'node:sqlite' or 'better-sqlite3'");
  // A module that offers both has the methods of node:sqlite.
  if (Library.prototype && typeof Library.prototype.pragma === 'function') return (path, { readOnly }) => betterDriver(new Library(path, { readonly: readOnly }));
  return (path, { readOnly }) => nodeDriver(new Library(path, { readOnly }));
}

/**
 * @param {any} database of better-sqlite3
 * @returns {Driver}
 */
function betterDriver(database) {
  return {
    exec: (sql) => {
      database.exec(sql);
    },
    prepare: (sql) => {
      const statement = database.prepare(sql);
      if (statement.reader) statement.raw(true);
      return {
        run: (...parameters) => statement.run(...parameters).changes,
        get: (...parameters) => statement.get(...parameters),
        all: (...parameters) => statement.all(...parameters),
      };
    },
    close: () => database.close(),
  };
}

/**
 * @param {any} database of node:sqlite
 * @returns {Driver}
 */
function nodeDriver(database) {
  return {
    exec: (sql) => database.exec(sql),
    prepare: (sql) => {
      const statement = database.prepare(sql);
      /** @type {(row: any) => any[]} */
      let columns = (row) => row;
      if (typeof statement.setReturnArrays === 'function') statement.setReturnArrays(true);
      else columns = Object.values;
      return {
        run: (...parameters) => Number(statement.run(...parameters).changes),
        get: (...parameters) => {
          const row = statement.get(...parameters);
          return row === undefined ? undefined : columns(row);
        },
        all: (...parameters) => statement.all(...parameters).map(columns),
      };
    },
    close: () => database.close(),
  };
}
