/**
 * Keeps a state in SQLite in a worker: does what a page asks for, with the functions of persist-page.js and those here.
 */

import sqlite3InitModule from './node_modules/@sqlite.org/sqlite-wasm/dist/index.mjs';
import * as state from './persist-page.js';

/** Opens a state, or makes one. */
function open(name, options = {}) {
  return state.open('sqlite', name, { sqlite: sqlite3InitModule, ...options });
}

/** @returns {Promise<FileSystemDirectoryHandle>} the folder of all states */
async function root() {
  return (await navigator.storage.getDirectory()).getDirectoryHandle('lua-persistent', { create: true });
}

/** The database of a closed state, as a file that can be read and written at once. */
async function database(name, use) {
  const file = await (await (await root()).getDirectoryHandle(name, { create: true })).getFileHandle('state.db', { create: true });
  const handle = await file.createSyncAccessHandle();
  try {
    return use(handle);
  } finally {
    handle.close();
  }
}

/** A checksum of a closed state's database, behind its first bytes as text. */
async function digest(name) {
  const all = await database(name, (file) => {
    const bytes = new Uint8Array(file.getSize());
    file.read(bytes, { at: 0 });
    return bytes;
  });
  const sum = new Uint8Array(await crypto.subtle.digest('SHA-256', all));
  return `${String.fromCharCode(...all.subarray(0, 15))} ${sum}`;
}

/** Writes bytes into a closed state's database; `size` cuts it off. */
function overwrite(name, at, content, size) {
  return database(name, (file) => {
    file.write(Uint8Array.from(content), { at });
    if (size !== undefined) file.truncate(size);
  });
}

async function remove(name) {
  await (await root()).removeEntry(name, { recursive: true });
}

/** Whether there is a folder of a state. */
function has(name) {
  return root().then((folder) => folder.getDirectoryHandle(name)).then(() => true, () => false);
}

/** Names of the databases of IndexedDB. */
async function indexedNames() {
  return (await indexedDB.databases()).map((each) => each.name);
}

/** From now on the disk is full, or not any more. */
function fillDisk(full) {
  const { prototype } = globalThis.FileSystemSyncAccessHandle;
  fillDisk.write = fillDisk.write || prototype.write;
  prototype.write = full ? () => { throw new DOMException('the quota is exceeded', 'QuotaExceededError'); } : fillDisk.write;
}

/** Changes and saves until the worker ends. */
async function saveForever() {
  void state.saveForever(
    () => {},
    (number) => fetch(`/reached/sqlite/${number}`, { method: 'POST', keepalive: true }),
  );
}

/** Whether workers of this browser have files that can be read and written at once. */
function hasFiles() {
  return typeof globalThis.FileSystemSyncAccessHandle === 'function';
}

const functions = { ...state, open, hasFiles, digest, overwrite, remove, has, indexedNames, fillDisk, saveForever };

globalThis.onmessage = async ({ data: { id, name, args } }) => {
  try {
    globalThis.postMessage({ id, result: await functions[name](...args) });
  } catch (error) {
    const { name: type, kind, message } = error;
    globalThis.postMessage({ id, error: { name: type, kind, message } });
  }
};
