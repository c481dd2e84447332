/**
 * Writes and reads snapshots: the image of a machine and its external tables in one piece of bytes.
 *
 * Layout, all numbers little-endian, all parts filled up with zeros to a multiple of 4 bytes:
 *
 * | bytes  | what                                                          |
 * | ------ | ------------------------------------------------------------- |
 * | 8      | `\x8bLuaIm\r\n`: neither text nor any other format            |
 * | u32    | format version, 1                                             |
 * | u32    | number of bytes of the whole snapshot                         |
 * | u32 x2 | digest (digest.js) of everything after it                     |
 * | u32    | flags: 1 the image and the tables are compressed, 2 it holds tables |
 * | u32    | id of the `_home` table                                       |
 * | u32    | next free table id                                            |
 * | f64    | revision of the tables, NaN if the store has none             |
 * | u32 x2 | bytes of the image, here and decompressed                     |
 * | u32 x2 | bytes of the tables, here and decompressed                    |
 * | text x3 | u32 length and that many bytes: the build's id, its Lua release, hash of its ABI |
 * | bytes  | the image (image.js)                                          |
 * | bytes  | u32 number of tables, then for each its u32 id, u32 number of entries, and a key block and a value block per entry; a block is a u32 length and that many bytes, not filled up |
 *
 * @import { LuaInstance } from '../loader.js'
 * @import { Store } from '../store/store.js'
 * @import { Build } from './image.js'
 */

import { canCompress, compress, decompress } from '../bytes/compress.js';
import { digest } from '../bytes/digest.js';
import { buildOf, buildOfSync, compare, knownBuild, longestImage, writeImage } from './image.js';
import { dropTable } from '../store/store.js';
import { idProblem, isTableId } from '../store/table-ids.js';
import { decodeLossy, encodeUtf8, keyBytes, keyText } from '../bytes/text.js';

const MAGIC = Uint8Array.of(0x8b, 0x4c, 0x75, 0x61, 0x49, 0x6d, 0x0d, 0x0a);
const VERSION = 1;
const BODY = 24;
const HEADER = 60;
const COMPRESSED = 1;
const HOLDS_TABLES = 2;

/**
 * What is wrong with a snapshot: it is none (`foreign`), not all of it is there (`truncated`), something in it has changed
 * (`damaged`), a later release made it (`newer`), another build of the module made it (`other-build`), its tables are not
 * those of the store (`other-tables`), or this platform cannot decompress it (`unsupported`).
 *
 * @typedef {'foreign' | 'truncated' | 'damaged' | 'newer' | 'other-build' | 'other-tables' | 'unsupported'} SnapshotKind
 */

/** A snapshot cannot be read, or cannot go on here. */
export class SnapshotError extends Error {
  /**
   * @param {SnapshotKind} kind
   * @param {string} detail
   */
  constructor(kind, detail) {
    super(`the snapshot ${detail}`);
    this.name = 'SnapshotError';
    /** What is wrong. */
    this.kind = kind;
  }
}

/**
 * External tables and what a machine has to know of them: a `MapStore` and options for `Lua.create` can be made of it.
 *
 * @typedef {object} SnapshotTables
 * @property {number} homeTableId id of the `_home` table
 * @property {number} nextTableId first id that no table has
 * @property {number | null} revision of the store, if it has one
 * @property {Map<number, Map<string, Uint8Array>> | null} tables contents by table id, keys as in a `Store`; null if the
 *   snapshot was made without tables
 */

/**
 * A snapshot taken apart, its image and tables still as they are stored.
 *
 * @typedef {object} Parts
 * @property {boolean} compressed
 * @property {boolean} holdsTables
 * @property {number} homeTableId
 * @property {number} nextTableId
 * @property {number | null} revision
 * @property {{ id: string, luaRelease: string, abiHash: string }} build what made it
 * @property {Section} image
 * @property {Section} tables
 */

/**
 * @typedef {object} Section
 * @property {Uint8Array} bytes as stored
 * @property {number} size bytes when decompressed
 */

/**
 * Make an uncompressed snapshot of a machine between two calls.
 *
 * @param {LuaInstance} machine
 * @param {WebAssembly.Module} module of the machine
 * @param {Store} store
 * @param {boolean} withTables
 * @returns {Uint8Array}
 */
export function takeSnapshot(machine, module, store, withTables) {
  const build = buildOfSync(module);
  const difference = compare(machine.bytes, machine.getBufferPtr(), build);
  const tables = withTables ? encodeTables(store) : new Uint8Array(0);
  const layout = new Layout(describe(machine, store), build, difference.size, tables.length);
  writeImage(machine.bytes, difference, layout.image);
  layout.tables.set(tables);
  return layout.finish(withTables ? HOLDS_TABLES : 0, difference.size, tables.length);
}

/**
 * As `takeSnapshot`, compressed where the platform can do that. The machine may go on before the promise is fulfilled: the
 * snapshot is of the moment of the call.
 *
 * @param {LuaInstance} machine
 * @param {WebAssembly.Module} module of the machine
 * @param {Store} store
 * @param {boolean} withTables
 * @returns {Promise<Uint8Array>}
 */
export async function takeCompressedSnapshot(machine, module, store, withTables) {
  const description = describe(machine, store);
  const buffer = machine.getBufferPtr();
  const tables = withTables ? encodeTables(store) : new Uint8Array(0);
  const known = knownBuild(module);
  const memory = known === undefined ? machine.bytes.slice() : machine.bytes;
  const build = known === undefined ? await buildOf(module) : known;
  const difference = compare(memory, buffer, build);
  const image = new Uint8Array(difference.size);
  writeImage(memory, difference, image);
  const packed = canCompress();
  const [smallImage, smallTables] = packed ? await Promise.all([compress(image), compress(tables)]) : [image, tables];
  const layout = new Layout(description, build, smallImage.length, smallTables.length);
  layout.image.set(smallImage);
  layout.tables.set(smallTables);
  return layout.finish((packed ? COMPRESSED : 0) | (withTables ? HOLDS_TABLES : 0), image.length, tables.length);
}

/**
 * @param {LuaInstance} machine
 * @param {Store} store
 */
function describe(machine, store) {
  return {
    homeTableId: machine.getMemoryTableId(),
    nextTableId: machine.getExternalTableCounter(),
    revision: store.revision === undefined ? NaN : store.revision,
  };
}

/** @param {number} length */
function filled(length) {
  return (length + 3) & ~3;
}

/** The bytes of a snapshot that is being made. */
class Layout {
  /**
   * @param {ReturnType<typeof describe>} description
   * @param {Build} build
   * @param {number} imageLength as stored
   * @param {number} tablesLength as stored
   */
  constructor(description, build, imageLength, tablesLength) {
    const texts = [build.id, build.luaRelease, build.abiHash].map(encodeUtf8);
    const textsLength = texts.reduce((length, text) => length + 4 + filled(text.length), 0);
    const imageAt = HEADER + textsLength;
    const tablesAt = imageAt + filled(imageLength);
    this.bytes = new Uint8Array(tablesAt + filled(tablesLength));
    this.view = new DataView(this.bytes.buffer);
    this.image = this.bytes.subarray(imageAt, imageAt + imageLength);
    this.tables = this.bytes.subarray(tablesAt, tablesAt + tablesLength);
    this.bytes.set(MAGIC);
    this.view.setUint32(8, VERSION, true);
    this.view.setUint32(12, this.bytes.length, true);
    this.view.setUint32(28, description.homeTableId, true);
    this.view.setUint32(32, description.nextTableId, true);
    this.view.setFloat64(36, description.revision, true);
    let at = HEADER;
    for (const text of texts) {
      this.view.setUint32(at, text.length, true);
      this.bytes.set(text, at + 4);
      at += 4 + filled(text.length);
    }
  }

  /**
   * @param {number} flags
   * @param {number} imageSize bytes when decompressed
   * @param {number} tablesSize bytes when decompressed
   * @returns {Uint8Array}
   */
  finish(flags, imageSize, tablesSize) {
    this.view.setUint32(24, flags, true);
    this.view.setUint32(44, this.image.length, true);
    this.view.setUint32(48, imageSize, true);
    this.view.setUint32(52, this.tables.length, true);
    this.view.setUint32(56, tablesSize, true);
    const [low, high] = digest(new Int32Array(this.bytes.buffer), BODY / 4);
    this.view.setUint32(16, low, true);
    this.view.setUint32(20, high, true);
    return this.bytes;
  }
}

/**
 * Take a snapshot apart. Nothing is decompressed, and no more memory taken than the snapshot has.
 *
 * @param {Uint8Array} given
 * @returns {Parts}
 * @throws {SnapshotError}
 */
export function readSnapshot(given) {
  const bytes = checked(given);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const flags = view.getUint32(24, true);
  if (flags > (COMPRESSED | HOLDS_TABLES)) {
    throw new SnapshotError('newer', `has flags 0x${flags.toString(16)}, of which this release does not know all`);
  }
  let at = HEADER;
  const take = (/** @type {number} */ length) => {
    if (length > bytes.length - at) throw new SnapshotError('damaged', `is damaged: byte ${at} points past its end`);
    at += filled(length);
    return bytes.subarray(at - filled(length), at - filled(length) + length);
  };
  const text = () => {
    const prefix = take(4);
    return decodeLossy(take(new DataView(prefix.buffer, prefix.byteOffset, 4).getUint32(0, true)));
  };
  const revision = view.getFloat64(36, true);
  const parts = {
    compressed: (flags & COMPRESSED) !== 0,
    holdsTables: (flags & HOLDS_TABLES) !== 0,
    homeTableId: view.getUint32(28, true),
    nextTableId: view.getUint32(32, true),
    revision: Number.isNaN(revision) ? null : revision,
    build: { id: text(), luaRelease: text(), abiHash: text() },
    image: { bytes: take(view.getUint32(44, true)), size: view.getUint32(48, true) },
    tables: { bytes: take(view.getUint32(52, true)), size: view.getUint32(56, true) },
  };
  if (at !== bytes.length) throw new SnapshotError('damaged', `is damaged: byte ${at} should be its last`);
  const problem = idProblem(parts.homeTableId, parts.nextTableId);
  if (problem !== '') throw new SnapshotError('damaged', `is damaged: its header ${problem}`);
  return parts;
}

/**
 * Check everything that does not depend on what is inside.
 *
 * @param {Uint8Array} given
 * @returns {Uint8Array} the snapshot, at an address that is a multiple of 4
 * @throws {SnapshotError}
 */
function checked(given) {
  if (!(given instanceof Uint8Array)) throw new TypeError('a snapshot has to be a Uint8Array');
  const begin = given.subarray(0, MAGIC.length);
  if (!begin.every((byte, index) => byte === MAGIC[index])) {
    throw new SnapshotError('foreign', 'is not one of lua-persistent');
  }
  if (given.length < 12) throw truncated(given.length, HEADER);
  const view = new DataView(given.buffer, given.byteOffset, given.length);
  const version = view.getUint32(8, true);
  if (version > VERSION) {
    throw new SnapshotError('newer', `has format version ${version}, newer than ${VERSION}, the newest that this release reads`);
  }
  if (version < VERSION) throw new SnapshotError('damaged', `is damaged: format version ${version}`);
  if (given.length < HEADER) throw truncated(given.length, HEADER);
  const length = view.getUint32(12, true);
  if (given.length < length) throw truncated(given.length, length);
  if (given.length > length || length % 4 !== 0) {
    throw new SnapshotError('damaged', `is damaged: ${given.length} bytes, where its header announces ${length}`);
  }
  const bytes = given.byteOffset % 4 === 0 ? given : given.slice();
  const [low, high] = digest(new Int32Array(bytes.buffer, bytes.byteOffset, length / 4), BODY / 4);
  if (low !== view.getUint32(16, true) || high !== view.getUint32(20, true)) {
    throw new SnapshotError('damaged', 'is damaged: its checksum does not match its contents');
  }
  return bytes;
}

/**
 * @param {number} length
 * @param {number} expected
 */
function truncated(length, expected) {
  return new SnapshotError('truncated', `is truncated: ${length} bytes, where at least ${expected} belong`);
}

/**
 * Takes the image out of a snapshot.
 *
 * @param {Parts} parts
 * @param {Build} build that it should be of
 * @returns {Promise<Uint8Array>}
 * @throws {SnapshotError}
 */
export async function imageOf(parts, build) {
  if (parts.build.id !== build.id) {
    const theirs = `Lua ${parts.build.luaRelease}, ABI ${parts.build.abiHash}, build ${parts.build.id}`;
    const ours = `Lua ${build.luaRelease}, ABI ${build.abiHash}, build ${build.id}`;
    const detail = `was made by another build (${theirs}) than this (${ours}); readSnapshotTables reads the external tables in it`;
    throw new SnapshotError('other-build', detail);
  }
  if (parts.image.size > longestImage(build)) throw new SnapshotError('damaged', 'is damaged: its image is too large');
  return unpack(parts.image, parts.compressed);
}

/**
 * Takes the external tables out of a snapshot.
 *
 * @param {Parts} parts
 * @returns {Promise<Map<number, Map<string, Uint8Array>> | null>} null if it was made without
 * @throws {SnapshotError}
 */
export async function tablesOf(parts) {
  if (!parts.holdsTables) return null;
  const tables = decodeTables(await unpack(parts.tables, parts.compressed));
  if (typeof tables === 'number') throw new SnapshotError('damaged', `is damaged: byte ${tables} of its tables is not what belongs there`);
  return tables;
}

/**
 * Reads the external tables in a snapshot, whatever build made it.
 *
 * @param {Uint8Array} bytes
 * @returns {Promise<SnapshotTables>}
 * @throws {SnapshotError}
 */
export async function readSnapshotTables(bytes) {
  const parts = readSnapshot(bytes);
  const { homeTableId, nextTableId, revision } = parts;
  return { homeTableId, nextTableId, revision, tables: await tablesOf(parts) };
}

/**
 * @param {Section} section
 * @param {boolean} compressed
 * @returns {Promise<Uint8Array>}
 */
async function unpack(section, compressed) {
  if (compressed && !canCompress()) {
    throw new SnapshotError('unsupported', 'is compressed, and this platform has no DecompressionStream');
  }
  const bytes = compressed ? await decompress(section.bytes, section.size) : section.bytes;
  if (bytes === null || bytes.length !== section.size) {
    throw new SnapshotError('damaged', 'is damaged: a part of it has another size than its header announces');
  }
  return bytes;
}

/**
 * @param {Store} store
 * @returns {Uint8Array}
 */
function encodeTables(store) {
  let bytes = new Uint8Array(4096);
  let view = new DataView(bytes.buffer);
  let at = 4;
  const reserve = (/** @type {number} */ length) => {
    if (at + length <= bytes.length) return;
    const larger = new Uint8Array(2 * (at + length));
    larger.set(bytes);
    bytes = larger;
    view = new DataView(bytes.buffer);
  };
  const block = (/** @type {Uint8Array} */ content) => {
    reserve(4 + content.length);
    view.setUint32(at, content.length, true);
    bytes.set(content, at + 4);
    at += 4 + content.length;
  };
  let count = 0;
  for (const id of store.tableIds()) {
    count++;
    reserve(8);
    view.setUint32(at, id, true);
    const countAt = at + 4;
    at += 8;
    let entries = 0;
    for (const key of store.keys(id)) {
      block(keyBytes(key));
      block(/** @type {Uint8Array} */ (store.get(id, key)));
      entries++;
    }
    view.setUint32(countAt, entries, true);
  }
  view.setUint32(0, count, true);
  return bytes.subarray(0, at);
}

/**
 * @param {Uint8Array} bytes
 * @returns {Map<number, Map<string, Uint8Array>> | number} or where the bytes are not tables
 */
function decodeTables(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  let at = 0;
  const u32 = () => {
    if (bytes.length - at < 4) return -1;
    at += 4;
    return view.getUint32(at - 4, true);
  };
  const block = () => {
    const length = u32();
    if (length < 0 || length > bytes.length - at) return null;
    at += length;
    return bytes.subarray(at - length, at);
  };
  /** @type {Map<number, Map<string, Uint8Array>>} */
  const tables = new Map();
  const count = u32();
  for (let number = 0; number < count; number++) {
    const id = u32();
    const entries = u32();
    if (!isTableId(id) || entries < 0 || tables.has(id)) return at;
    /** @type {Map<string, Uint8Array>} */
    const table = new Map();
    for (let entry = 0; entry < entries; entry++) {
      const key = block();
      const value = block();
      if (key === null || value === null) return at;
      table.set(keyText(key, 0, key.length), value.slice());
    }
    tables.set(id, table);
  }
  return count >= 0 && at === bytes.length ? tables : at;
}

/**
 * Makes a store hold these tables and nothing else.
 *
 * @param {Store} store
 * @param {Map<number, Map<string, Uint8Array>>} tables
 */
export function fillStore(store, tables) {
  for (const id of Array.from(store.tableIds())) dropTable(store, id);
  for (const [id, table] of tables) {
    for (const [key, value] of table) store.set(id, key, value);
  }
}

/**
 * Copies all that a store holds.
 *
 * @param {Store} store
 * @returns {Map<number, Map<string, Uint8Array>>}
 */
export function copyTables(store) {
  /** @type {Map<number, Map<string, Uint8Array>>} */
  const tables = new Map();
  for (const id of store.tableIds()) {
    /** @type {Map<string, Uint8Array>} */
    const table = new Map();
    for (const key of store.keys(id)) table.set(key, /** @type {Uint8Array} */ (store.get(id, key)));
    tables.set(id, table);
  }
  return tables;
}

/**
 * Checks that a store has the tables of a snapshot that was made without.
 *
 * @param {Parts} parts
 * @param {Store | undefined} store
 * @throws {SnapshotError}
 */
export function checkRevision(parts, store) {
  if (store === undefined) throw new SnapshotError('other-tables', 'was made without tables: it goes on with a store that has them');
  const revision = store.revision === undefined ? null : store.revision;
  if (parts.revision !== null && revision !== null && revision !== parts.revision) {
    throw new SnapshotError('other-tables', `belongs to revision ${parts.revision} of the tables, and the store has revision ${revision}`);
  }
}
