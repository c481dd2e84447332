/**
 * External tables in one file (Node only).
 *
 * Layout, all numbers little-endian:
 *
 * | bytes | what                                                         |
 * | ----- | ------------------------------------------------------------ |
 * | 8     | `\x8bLuaSt\r\n`: neither text nor any other format           |
 * | u32   | format version, 1                                            |
 * | u32   | CRC-32 of everything after the next field                    |
 * | u64   | number of bytes after this field                             |
 * | block | hash of the ABI that wrote the file, for diagnosis           |
 * | u32   | id of the `_home` table                                      |
 * | u32   | next free table id                                           |
 * | u32   | number of tables, then for each its u32 id, u32 number of entries, and a key block and a value block per entry |
 *
 * A block is a u32 length and that many bytes. Keys are the bytes that Lua gave; values are encoded as in codec.js.
 *
 * A file is replaced by renaming a finished and synchronised one over it: whatever happens, either the old state or the
 * new one is there. Reading never changes a file, and a file that cannot be read is never written over.
 */

import { randomBytes } from 'node:crypto';
import * as fs from 'node:fs';
import * as path from 'node:path';

import { crc32 } from './crc32.js';
import { MapStore } from './map-store.js';
import { decodeLossy, encodeUtf8, keyBytes, keyText } from './text.js';

const MAGIC = Uint8Array.of(0x8b, 0x4c, 0x75, 0x61, 0x53, 0x74, 0x0d, 0x0a);
const VERSION = 1;
const HEADER = 24;

/**
 * What a state file holds.
 *
 * @typedef {object} State
 * @property {string} abiHash hash of the ABI that wrote it, or empty
 * @property {number} homeTableId id of the `_home` table
 * @property {number} nextTableId first id that no table has
 * @property {import('./store.js').Store} store the tables
 */

/** @typedef {'unreadable' | 'foreign' | 'newer' | 'truncated' | 'damaged' | 'unwritable'} StateFileProblem */

/** A state file cannot be read or written. The file is as it was. */
export class StateFileError extends Error {
  /**
   * @param {string} file
   * @param {StateFileProblem} problem
   * @param {string} detail
   */
  constructor(file, problem, detail) {
    super(`state file '${file}' ${detail}`);
    this.name = 'StateFileError';
    /** Path of the file, as it was given. */
    this.file = file;
    /** What is wrong. */
    this.problem = problem;
  }
}

/**
 * @param {unknown} error
 * @returns {string} the operating system's code and words, without the path that the message repeats
 */
function reason(error) {
  const { code, message } = /** @type {NodeJS.ErrnoException} */ (error);
  return code === undefined ? String(message) : message.split(', ')[0];
}

/**
 * Read a state file.
 *
 * @param {string} file
 * @returns {State | null} null if there is no such file
 * @throws {StateFileError}
 */
export function readStateFile(file) {
  let bytes;
  try {
    bytes = fs.readFileSync(file);
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code === 'ENOENT') return null;
    throw new StateFileError(file, 'unreadable', `cannot be read: ${reason(error)}`);
  }
  return decodeState(bytes, file);
}

/**
 * Replace a state file, or create it.
 *
 * @param {string} file
 * @param {State} state
 * @throws {StateFileError} and the file is as it was
 */
export function writeStateFile(file, state) {
  const bytes = encodeState(state);
  let temporary = '';
  try {
    // A rename would replace a symbolic link itself, so the file that it leads to is the one to replace.
    const target = fs.existsSync(file) ? fs.realpathSync(file) : path.resolve(file);
    temporary = path.join(path.dirname(target), `.${path.basename(target)}.${randomBytes(6).toString('hex')}.tmp`);
    writeSynced(temporary, bytes, target);
    fs.renameSync(temporary, target);
    syncDirectory(path.dirname(target));
  } catch (error) {
    if (temporary !== '') fs.rmSync(temporary, { force: true });
    throw new StateFileError(file, 'unwritable', `cannot be written: ${reason(error)}`);
  }
}

/**
 * @param {string} temporary
 * @param {Uint8Array} bytes
 * @param {string} target whose permissions the new file takes over, if it exists
 */
function writeSynced(temporary, bytes, target) {
  const mode = fs.existsSync(target) ? fs.statSync(target).mode & 0o777 : 0o666;
  const handle = fs.openSync(temporary, 'wx', mode);
  try {
    fs.writeFileSync(handle, bytes);
    fs.fsyncSync(handle);
  } finally {
    fs.closeSync(handle);
  }
}

/**
 * Make a rename survive a power failure, where the platform can synchronise directories (Windows cannot).
 *
 * @param {string} directory
 */
function syncDirectory(directory) {
  let handle;
  try {
    handle = fs.openSync(directory, 'r');
    fs.fsyncSync(handle);
  } catch (_unsupported) {
    // The new file is in place all the same.
  } finally {
    if (handle !== undefined) fs.closeSync(handle);
  }
}

/**
 * The bytes of a state file.
 *
 * @param {State} state
 * @returns {Uint8Array}
 */
export function encodeState(state) {
  const hash = encodeUtf8(state.abiHash);
  /** @type {[number, [Uint8Array, Uint8Array][]][]} */
  const tables = [];
  let size = HEADER + 4 + hash.length + 12;
  const { store } = state;
  for (const id of store.tableIds()) {
    /** @type {[Uint8Array, Uint8Array][]} */
    const entries = [];
    size += 8;
    for (const key of store.keys(id)) {
      const value = store.get(id, key);
      if (value === undefined) continue;
      const bytes = keyBytes(key);
      entries.push([bytes, value]);
      size += 8 + bytes.length + value.length;
    }
    tables.push([id, entries]);
  }

  const bytes = new Uint8Array(size);
  const view = new DataView(bytes.buffer);
  let at = HEADER;
  const u32 = (/** @type {number} */ value) => {
    view.setUint32(at, value, true);
    at += 4;
  };
  const block = (/** @type {Uint8Array} */ content) => {
    u32(content.length);
    bytes.set(content, at);
    at += content.length;
  };
  block(hash);
  u32(state.homeTableId);
  u32(state.nextTableId);
  u32(tables.length);
  for (const [id, entries] of tables) {
    u32(id);
    u32(entries.length);
    for (const [key, value] of entries) {
      block(key);
      block(value);
    }
  }

  bytes.set(MAGIC, 0);
  view.setUint32(8, VERSION, true);
  view.setUint32(12, crc32(bytes.subarray(HEADER)), true);
  view.setBigUint64(16, BigInt(size - HEADER), true);
  return bytes;
}

/**
 * The state in the bytes of a state file.
 *
 * @param {Uint8Array} bytes
 * @param {string} file for the errors
 * @returns {State}
 * @throws {StateFileError}
 */
export function decodeState(bytes, file) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const begin = bytes.subarray(0, MAGIC.length);
  if (!begin.every((byte, index) => byte === MAGIC[index])) {
    throw new StateFileError(file, 'foreign', 'is not a state of lua-persistent');
  }
  if (bytes.length < 12) throw truncated(file, bytes.length, HEADER);
  const version = view.getUint32(8, true);
  if (version > VERSION) {
    const detail = `has format version ${version}, newer than ${VERSION}, the newest that this release reads`;
    throw new StateFileError(file, 'newer', detail);
  }
  if (version < 1) throw new StateFileError(file, 'damaged', `is damaged: format version ${version}`);
  if (bytes.length < HEADER) throw truncated(file, bytes.length, HEADER);
  const size = HEADER + Number(view.getBigUint64(16, true));
  if (bytes.length < size) throw truncated(file, bytes.length, size);
  if (bytes.length > size) {
    throw new StateFileError(file, 'damaged', `is damaged: ${bytes.length} bytes, where its header announces ${size}`);
  }
  if (crc32(bytes.subarray(HEADER)) !== view.getUint32(12, true)) {
    throw new StateFileError(file, 'damaged', 'is damaged: its checksum does not match its contents');
  }
  return decodeBody(bytes, view, file);
}

/**
 * @param {string} file
 * @param {number} length
 * @param {number} expected
 */
function truncated(file, length, expected) {
  return new StateFileError(file, 'truncated', `is truncated: ${length} bytes, where at least ${expected} belong`);
}

/**
 * @param {Uint8Array} bytes
 * @param {DataView} view
 * @param {string} file
 * @returns {State}
 */
function decodeBody(bytes, view, file) {
  let at = HEADER;
  // The checksum holds, so only a faulty writer could make these fail; still, nothing is read beyond the end.
  const need = (/** @type {number} */ count) => {
    if (count > bytes.length - at) throw new StateFileError(file, 'damaged', `is damaged: byte ${at} points past its end`);
  };
  const u32 = () => {
    need(4);
    at += 4;
    return view.getUint32(at - 4, true);
  };
  const block = () => {
    const length = u32();
    need(length);
    at += length;
    return bytes.subarray(at - length, at);
  };
  const abiHash = decodeLossy(block());
  const homeTableId = u32();
  const nextTableId = u32();
  const store = new MapStore();
  for (let left = u32(); left > 0; left--) {
    const id = u32();
    for (let entries = u32(); entries > 0; entries--) {
      const key = block();
      store.set(id, keyText(key, 0, key.length), block().slice());
    }
  }
  if (at !== bytes.length) throw new StateFileError(file, 'damaged', `is damaged: byte ${at} should be its last`);
  return { abiHash, homeTableId, nextTableId, store };
}
