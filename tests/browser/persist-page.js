/**
 * Opens, changes and saves durable states in a page. Tests call these functions, which check their own results.
 *
 * ```js
 * // In a page served from the root of the repository:
 * const page = await import('/tests/browser/persist-page.js');
 * await page.open('indexedDB', 'name');       // or 'localStorage'; a third argument has more options of Lua.open
 * await page.begin(10000);                    // a new state: a counter, so many items, a function with an upvalue
 * await page.change();                        // all of it changes; gives the number of the change, 1, 2, ...
 * await page.save();                          // gives the number of the change that is safe now
 * page.check();                               // the number of the change that the state is of; throws if parts disagree
 * await page.close();                         // saves and unlocks
 * await page.saveForever(begun, saved);       // changes and saves until the page ends; tells the number of each change
 * ```
 *
 * After a reload, a closed browser or a killed renderer, `open` and `check` must give at least the last number that `save`
 * gave or `saved` was told, and at most the last one that `change` gave or `begun` was told.
 *
 * What should fail is called through `failure(action)`, which gives `{ name, kind, message }` of the error, or null:
 *
 * - `open` of a state that another tab has open: `StateError`, `locked`; with `{ readOnly: true }` it opens, and `save` then
 *   fails with `read-only`;
 * - after `damage`, `truncate`, `makeNewer` or `makeForeign` of a closed state, `open` fails with the kind `damaged`,
 *   `truncated`, `newer` or `foreign`, and `bytes` shows that nothing was changed by that;
 * - `save` of more than the quota of localStorage (`grow(6e6)`): `full`, and what was saved before is still there.
 */

import { Lua } from '../../web/lua-persistent.js';

/** @type {Lua | null} the state that this page has open */
let lua = null;

/** @returns {Lua} */
function current() {
  if (lua === null) throw new Error('no state is open in this page');
  return lua;
}

/**
 * Open a state, or make one.
 *
 * @param {'indexedDB' | 'localStorage' | 'sqlite'} storage
 * @param {string} name
 * @param {object} [options]
 * @returns {Promise<number>} number of its last change, 0 for a new state
 */
export async function open(storage, name, options = {}) {
  lua = await Lua.open(name, { storage, ...options });
  return check();
}

/** @returns {string | null} where the open state is kept */
export function storage() {
  return current().storage;
}

/**
 * Give a new state its contents, and save it.
 *
 * @param {number} items
 * @returns {Promise<void>}
 */
export async function begin(items) {
  current().compute(`
    _home.counter = 0
    local list = {}
    for i = 1, ${items} do list[i] = i end
    _home.items = list
    _home.size = ${items}
    local calls = 0
    _home.call = function() calls = calls + 1 return calls end
    _home.text = "gr\u00fc\u00dfe 0"
  `);
  await current().save();
}

/**
 * Change every part of the state.
 *
 * @returns {number} number of the change
 */
export function change() {
  return current().compute(`
    local n = _home.counter + 1
    _home.counter = n
    for i = 1, 10 do
      local at = (n * 7919 + i * 104729) % _home.size + 1
      _home.items[at] = -n
    end
    _home.items[1] = n
    _home.text = "gr\u00fc\u00dfe " .. n
    while _home.call() < n do end
    return n
  `).value;
}

/**
 * Check that all parts of the state are of the same change.
 *
 * @returns {number} number of that change, 0 for a new state
 */
export function check() {
  const { value } = current().compute(`
    if _home.counter == nil then
      assert(next(_home) == nil, "a new state has entries")
      return 0
    end
    local n = _home.counter
    assert(#_home.items == _home.size, "items are missing")
    assert(n == 0 or _home.items[1] == n, "the items are of another change")
    assert(_home.text == "gr\u00fc\u00dfe " .. n, "the text is of another change")
    local least = 0
    for i, item in ipairs(_home.items) do
      assert(i == 1 or item == i or item < 0, "an item is wrong")
      if item < least then least = item end
    end
    assert(least >= -n, "an item is of a later change")
    return n
  `);
  return value;
}

/**
 * Call the function that the state has.
 *
 * @returns {number} how often it has been called, ever: as often as there were changes, and once more for each call of this
 */
export function call() {
  return current().compute('return _home.call()').value;
}

/** @returns {Promise<number>} number of the last change that is saved */
export async function save() {
  const { value } = current().compute('return _home.counter or 0');
  await current().save();
  return value;
}

/** @returns {Promise<void>} */
export async function close() {
  await current().close();
  lua = null;
}

/**
 * Change and save without end.
 *
 * @param {(change: number) => void} begun is told each change before it is saved
 * @param {(change: number) => void} saved is told each change when it is safe
 * @returns {Promise<never>}
 */
export async function saveForever(begun, saved) {
  for (;;) {
    const number = change();
    begun(number);
    await current().save();
    saved(number);
  }
}

/**
 * Make the state large.
 *
 * @param {number} bytes
 */
export function grow(bytes) {
  current().compute(`_home.large = {} for i = 1, ${Math.ceil(bytes / 10_000)} do _home.large[i] = ("x"):rep(10000) end`);
}

/**
 * Returns the error of an action; null if it succeeds.
 *
 * @param {() => any} action
 * @returns {Promise<{ name: string, kind: string, message: string } | null>}
 */
export async function failure(action) {
  try {
    await action();
    return null;
  } catch (error) {
    const { name, kind, message } = /** @type {any} */ (error);
    return { name, kind, message };
  }
}

/**
 * Access to the stored head and frames of a closed state: frames are bytes in IndexedDB, text in localStorage. A frame is removed by null.
 *
 * @typedef {{ head: any, frames: any[], writeHead: (head: any) => Promise<void>, writeFrame: (index: number, frame: any) => Promise<void> }} Raw
 */

/**
 * @param {IDBRequest} request
 * @returns {Promise<any>}
 */
function result(request) {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

/**
 * @param {string} name
 * @returns {Promise<Raw>}
 */
async function rawIndexedDb(name) {
  const address = `lua-persistent:${name}`;
  /** @param {(database: IDBDatabase) => Promise<any>} use */
  const using = async (use) => {
    const database = await result(indexedDB.open(address, 1));
    try {
      return await use(database);
    } finally {
      database.close();
    }
  };
  /** @param {IDBDatabase} database @param {string} store */
  const writing = (database, store) => database.transaction(store, 'readwrite').objectStore(store);
  return {
    head: await using((database) => result(database.transaction('head').objectStore('head').get('head'))),
    frames: await using((database) => result(database.transaction('frames').objectStore('frames').getAll())),
    writeHead: (head) => using((database) => result(writing(database, 'head').put(head, 'head'))),
    writeFrame: (index, frame) => using((database) => result(frame === null ? writing(database, 'frames').delete(index) : writing(database, 'frames').put(frame, index))),
  };
}

/**
 * @param {string} name
 * @returns {Promise<Raw>}
 */
async function rawLocalStorage(name) {
  const prefix = `lua-persistent:${encodeURIComponent(name)}`;
  const head = JSON.parse(localStorage.getItem(prefix) || 'null');
  const frameName = (/** @type {number} */ index) => `${prefix}:${head.generation}:${index}`;
  return {
    head,
    frames: head === null ? [] : Array.from({ length: head.frames }, (_, index) => localStorage.getItem(frameName(index))),
    writeHead: async (changed) => localStorage.setItem(prefix, JSON.stringify(changed)),
    writeFrame: async (index, frame) => (frame === null ? localStorage.removeItem(frameName(index)) : localStorage.setItem(frameName(index), frame)),
  };
}

/**
 * @param {string} storage
 * @param {string} name
 * @returns {Promise<Raw>}
 */
function raw(storage, name) {
  return storage === 'indexedDB' ? rawIndexedDb(name) : rawLocalStorage(name);
}

/**
 * All that is stored of a state, as one text.
 *
 * @param {string} storage
 * @param {string} name
 * @returns {Promise<string>}
 */
export async function bytes(storage, name) {
  const { head, frames } = await raw(storage, name);
  return JSON.stringify([head, frames.map((frame) => (frame instanceof Uint8Array ? Array.from(frame) : frame))]);
}

/**
 * Change one byte in the middle of a closed state.
 *
 * @param {string} storage
 * @param {string} name
 */
export async function damage(storage, name) {
  const { frames, writeFrame } = await raw(storage, name);
  const frame = frames[0];
  const at = frame.length >> 1;
  if (typeof frame === 'string') {
    await writeFrame(0, frame.slice(0, at) + (frame[at] === 'A' ? 'B' : 'A') + frame.slice(at + 1));
  } else {
    frame[at] ^= 1;
    await writeFrame(0, frame);
  }
}

/**
 * Remove the last frame of a closed state.
 *
 * @param {string} storage
 * @param {string} name
 */
export async function truncate(storage, name) {
  const { frames, writeFrame } = await raw(storage, name);
  await writeFrame(frames.length - 1, null);
}

/**
 * Make a closed state look as if a later release had written it.
 *
 * @param {string} storage
 * @param {string} name
 */
export async function makeNewer(storage, name) {
  const { head, writeHead } = await raw(storage, name);
  await writeHead({ ...head, version: 99 });
}

/**
 * Put something else in the place of a closed state.
 *
 * @param {string} storage
 * @param {string} name
 */
export async function makeForeign(storage, name) {
  const { writeHead } = await raw(storage, name);
  await writeHead({ mine: true });
}

/**
 * Remove a closed state, if there is one.
 *
 * @param {string} storage
 * @param {string} name
 */
export async function remove(storage, name) {
  if (storage === 'indexedDB') {
    await result(indexedDB.deleteDatabase(`lua-persistent:${name}`));
    return;
  }
  const prefix = `lua-persistent:${encodeURIComponent(name)}`;
  for (const item of Object.keys(localStorage)) if (item === prefix || item.startsWith(`${prefix}:`)) localStorage.removeItem(item);
}
