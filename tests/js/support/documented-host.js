// Implements a documented host from the Exports Reference alone: the five functions, as printed there, and nothing else.
// Tests of the ABI use this instead of the loader, as a consumer in another runtime would.

import { readFileSync } from 'node:fs';

import { artifact } from './line.js';
import { unwindByHost } from './documented-host-unwind.js';

/** The artifact under test: `lua.wasm`, unless old-engine.cjs or other-line.js says otherwise. */
export const WASM = artifact(process.env.LUA_ARTIFACT || 'lua.wasm');

/** Whether the module imports its protected calls from the host. */
export const UNWINDS_BY_HOST = WASM.pathname.endsWith('-host.wasm');

/** The module, compiled once for all instances of a test file. */
export const wasmModule = new WebAssembly.Module(readFileSync(WASM));

/**
 * The five functions, and the tables that they keep.
 *
 * @param {() => Uint8Array} memoryOf the module's memory, once there is one
 */
export function documentedHost(memoryOf) {
  const tables = new Map();
  const getOrCreateTable = (id) => {
    if (!tables.has(id)) tables.set(id, new Map());
    return tables.get(id);
  };
  const readString = (pointer, length) => new TextDecoder().decode(memoryOf().slice(pointer, pointer + length));
  const readBytes = (pointer, length) => memoryOf().slice(pointer, pointer + length);
  const writeBytes = (pointer, bytes) => memoryOf().set(bytes, pointer);

  const functions = {
    js_ext_table_set: (tableId, keyPtr, keyLen, valPtr, valLen) => {
      const table = getOrCreateTable(tableId);
      const key = readString(keyPtr, keyLen);
      const value = readBytes(valPtr, valLen);
      table.set(key, value);
      return 0;
    },
    js_ext_table_get: (tableId, keyPtr, keyLen, valPtr, maxLen) => {
      const table = tables.get(tableId);
      if (!table) return -1;

      const key = readString(keyPtr, keyLen);
      const value = table.get(key);
      if (!value) return -1;

      if (value.length > maxLen) return -1;
      writeBytes(valPtr, value);
      return value.length;
    },
    js_ext_table_delete: (tableId, keyPtr, keyLen) => {
      const table = tables.get(tableId);
      if (table) table.delete(readString(keyPtr, keyLen));
      return 0;
    },
    js_ext_table_size: (tableId) => (tables.has(tableId) ? tables.get(tableId).size : 0),
    js_ext_table_keys: (tableId, bufPtr, maxLen) => {
      const table = tables.get(tableId);
      const keys = new TextEncoder().encode(table ? Array.from(table.keys()).join('\n') : '');
      if (keys.length > maxLen) return -1;
      writeBytes(bufPtr, keys);
      return keys.length;
    },
  };
  return { functions, tables };
}

/**
 * An instance with the documented host, not yet initialized.
 *
 * @param {Partial<Record<string, Function>>} [overrides] host functions to replace
 */
export function instantiate(overrides = {}) {
  const { functions, tables } = documentedHost(() => memory);
  const imports = { env: { ...functions, ...overrides } };
  if (UNWINDS_BY_HOST) imports.env = unwindByHost(imports.env, () => exports.__indirect_function_table);

  const { exports } = new WebAssembly.Instance(wasmModule, imports);
  const memory = new Uint8Array(exports.memory.buffer);
  return { exports, memory, tables };
}

/** An instance whose `init` has answered 0. */
export function start(overrides) {
  const instance = instantiate(overrides);
  const result = instance.exports.init();
  if (result !== 0) throw new Error(`init answered ${result}`);
  return instance;
}

/** Write code to the I/O buffer; gives its pointer and length. */
export function write({ exports, memory }, code) {
  const bytes = typeof code === 'string' ? new TextEncoder().encode(code) : code;
  const pointer = exports.get_buffer_ptr();
  memory.set(bytes, pointer);
  return { pointer, length: bytes.length };
}

/** `compute` the code and read what the reference says is in the buffer. */
export function compute(instance, code) {
  const { pointer, length } = write(instance, code);
  return read(instance, instance.exports.compute(pointer, length));
}

/** `eval` the code and read what the reference says is in the buffer. */
export function evaluate(instance, code) {
  const { length } = write(instance, code);
  return read(instance, instance.exports.eval(length));
}

/** Read the result of a call as the reference lays it out. */
export function read({ exports, memory }, resultLen) {
  const bufPtr = exports.get_buffer_ptr();
  if (resultLen < 0) {
    const errorLen = Math.abs(resultLen) - 1;
    return { resultLen, error: new TextDecoder('utf-8', { fatal: true }).decode(memory.slice(bufPtr, bufPtr + errorLen)) };
  }
  if (resultLen === 0) return { resultLen };
  const bytes = memory.slice(bufPtr, bufPtr + resultLen);
  const outputLen = new DataView(bytes.buffer).getUint32(0, true);
  return {
    resultLen,
    output: Buffer.from(bytes.subarray(4, 4 + outputLen)).toString('latin1'),
    serialized: bytes.subarray(4 + outputLen),
    value: deserialize(bytes.subarray(4 + outputLen)),
  };
}

/** The scalar values of the reference; tables and the rest are left as bytes. */
export function deserialize(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  switch (bytes[0]) {
    case 0x00: return null;
    case 0x01: return bytes[1] === 1;
    case 0x02: return view.getBigInt64(1, true);
    case 0x03: return view.getFloat64(1, true);
    case 0x04: return new TextDecoder().decode(bytes.subarray(5, 5 + view.getUint32(1, true)));
    default: return bytes;
  }
}

/** The whole of a part of the last result (`PART_*`), read in pieces of `piece` bytes through a block from `lua_alloc`. */
export function part({ exports, memory }, number, piece = 1000) {
  const size = exports.result_size(number);
  if (size < 0) return null;
  const pointer = exports.lua_alloc(0, 0, 0, piece);
  const chunks = [];
  let offset = 0;
  for (;;) {
    const count = exports.result_read(number, offset, pointer, piece);
    if (count <= 0) break;
    chunks.push(memory.slice(pointer, pointer + count));
    offset += count;
  }
  exports.lua_alloc(0, pointer, piece, 0);
  if (offset !== size) throw new Error(`part ${number} has ${size} bytes, but ${offset} could be read`);
  return Buffer.concat(chunks);
}
