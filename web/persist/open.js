/**
 * Opens a state: finds the backend that its name stands for, and loads, imports or begins the tables.
 *
 * @import { Store } from '../store/store.js'
 * @import { Backend, Storage } from './backend.js'
 * @import { SessionOptions } from './session.js'
 */

import { isNode } from './node.js';
import { Session } from './session.js';
import { StateError } from './state-error.js';
import { importTables } from './tables-json.js';

/**
 * @typedef {object} StateOptions
 * @property {Storage} [storage] what the name stands for: by default a file in Node, an IndexedDB database elsewhere
 * @property {string} [import] an export of external tables to begin with (`lua.exportTables()`); an error if there is a state
 *   already
 */

/** @typedef {StateOptions & SessionOptions} OpenOptions */

/**
 * Open a state, or begin one.
 *
 * @param {string | Backend} name of the state, or what holds it
 * @param {Store} store empty; the state is read into it
 * @param {OpenOptions} options
 * @returns {Promise<Session>}
 * @throws {StateError | ImportError | RangeError}
 */
export async function openState(name, store, options) {
  for (const id of store.tableIds()) {
    if (store.size(id) > 0) throw new RangeError(`the store has to be empty, and has entries in table ${id}`);
  }
  const backend = typeof name === 'string' ? await backendFor(name, options.storage) : name;
  const session = await Session.open(backend, store, options);
  if (options.import === undefined) return session;
  try {
    if (session.found) throw new StateError('exists', backend.source, 'exists already: tables can be imported only into a new state');
    session.meta = importTables(options.import, session.store);
    return session;
  } catch (error) {
    await session.abandon();
    throw error;
  }
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
      throw new RangeError(`the option storage has to be 'file', 'indexedDB' or 'localStorage', not '${storage}'`);
  }
}
