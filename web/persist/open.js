/**
 * Opens a state: finds the backend that its name stands for, and loads, imports or begins the tables.
 *
 * @import { Store } from '../store/store.js'
 * @import { Backend, Storage } from './backend.js'
 * @import { SessionOptions } from './session.js'
 * @import { LibraryOption } from './sqlite-file.js'
 * @import { SqliteOptions } from './sqlite-session.js'
 */

import { MapStore } from '../store/map-store.js';
import { isNode } from './node.js';
import { Session } from './session.js';
import { StateError } from './state-error.js';
import { importTables } from './tables-json.js';

/**
 * @typedef {object} StateOptions
 * @property {Storage} [storage] what the name stands for: by default a file in Node, an IndexedDB database elsewhere;
 *   `sqlite` is a file that is a SQLite database, for states that are larger than memory. Browsers have such files in workers;
 *   elsewhere it is IndexedDB, too, and `lua.storage` tells
 * @property {string} [import] an export of external tables to begin with (`lua.exportTables()`); an error if there is a state
 *   already
 */

/** @typedef {StateOptions & SessionOptions & SqliteOptions & LibraryOption} OpenOptions */

/**
 * Open a state, or begin one.
 *
 * @param {string | Backend} name of the state, or what holds it
 * @param {Store | undefined} given an empty store, which the state is read into; by default a `MapStore`
 * @param {OpenOptions} options
 * @returns {Promise<Session>}
 * @throws {StateError | ImportError | RangeError}
 */
export async function openState(name, given, options) {
  const session = await openSession(name, given, options);
  if (options.import === undefined) return session;
  try {
    if (session.found) throw new StateError('exists', session.backend.source, 'exists already: tables can be imported only into a new state');
    session.meta = importTables(options.import, session.store);
    return session;
  } catch (error) {
    await session.abandon();
    throw error;
  }
}

/**
 * @param {string | Backend} name
 * @param {Store | undefined} given
 * @param {OpenOptions} options
 * @returns {Promise<Session>}
 */
async function openSession(name, given, options) {
  if (options.storage === 'sqlite' && typeof name === 'string') {
    if (given !== undefined) throw new RangeError("the option store cannot be given with storage: 'sqlite', which is a store of its own");
    if (name === '') throw new RangeError('a state needs a name');
    if (isNode) return (await import('./sqlite-file.js')).openDatabaseFile(name, options);
    return (await import('./sqlite-browser.js')).openInBrowser(name, options);
  }
  const store = given === undefined ? new MapStore() : given;
  for (const id of store.tableIds()) {
    if (store.size(id) > 0) throw new RangeError(`the store has to be empty, and has entries in table ${id}`);
  }
  const backend = typeof name === 'string' ? await backendFor(name, options.storage) : name;
  return Session.open(backend, store, options);
}

/**
 * @param {string} name
 * @param {Storage} [storage]
 * @returns {Promise<Backend>}
 */
async function backendFor(name, storage = isNode ? 'file' : 'indexedDB') {
  if (name === '') throw new RangeError('a state needs a name');
  // Each is loaded only where it is used.
  switch (storage) {
    case 'file':
      return (await import('./file.js')).FileBackend.at(name);
    case 'indexedDB':
      return new (await import('./indexed-db.js')).IndexedDbBackend(name);
    case 'localStorage':
      return new (await import('./local-storage.js')).LocalStorageBackend(name);
    default:
      throw new RangeError(`the option storage has to be 'file', 'sqlite', 'indexedDB' or 'localStorage', not '${storage}'`);
  }
}
