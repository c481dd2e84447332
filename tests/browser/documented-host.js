/**
 * Implements a documented host for the browser: the five functions of the Exports Reference and nothing else.
 */

/**
 * @typedef {object} Machine
 * @property {(code: string) => { value: unknown, output: string } | { error: string }} compute
 * @property {Map<number, Map<string, Uint8Array>>} tables
 * @property {number} pages
 */

/**
 * Fetch, instantiate and initialize the module.
 *
 * @param {URL} address
 * @returns {Promise<Machine>}
 */
export async function instantiate(address) {
  /** @type {Map<number, Map<string, Uint8Array>>} */
  const tables = new Map();
  const text = (pointer, length) => new TextDecoder().decode(memory.slice(pointer, pointer + length));
  const env = {
    js_ext_table_set(tableId, keyPtr, keyLen, valPtr, valLen) {
      if (!tables.has(tableId)) tables.set(tableId, new Map());
      tables.get(tableId).set(text(keyPtr, keyLen), memory.slice(valPtr, valPtr + valLen));
      return 0;
    },
    js_ext_table_get(tableId, keyPtr, keyLen, valPtr, maxLen) {
      const table = tables.get(tableId);
      const value = table && table.get(text(keyPtr, keyLen));
      if (!value || value.length > maxLen) return -1;
      memory.set(value, valPtr);
      return value.length;
    },
    js_ext_table_delete(tableId, keyPtr, keyLen) {
      const table = tables.get(tableId);
      return table && table.delete(text(keyPtr, keyLen)) ? 0 : -1;
    },
    js_ext_table_size: (tableId) => (tables.has(tableId) ? tables.get(tableId).size : 0),
    js_ext_table_keys(tableId, bufPtr, maxLen) {
      const keys = new TextEncoder().encode(Array.from((tables.get(tableId) || new Map()).keys()).join('\n'));
      if (keys.length > maxLen) return -1;
      memory.set(keys, bufPtr);
      return keys.length;
    },
  };
  const { instance } = await WebAssembly.instantiateStreaming(fetch(address), { env });
  const { exports } = instance;
  const memory = new Uint8Array(exports.memory.buffer);
  if (exports.init() !== 0) throw new Error('init failed');

  function compute(code) {
    const bytes = new TextEncoder().encode(code);
    const buffer = exports.get_buffer_ptr();
    memory.set(bytes, buffer);
    const length = exports.compute(buffer, bytes.length);
    if (length < 0) return { error: text(buffer, -length - 1) };
    const outputLength = new DataView(memory.buffer).getUint32(buffer, true);
    return { output: text(buffer + 4, outputLength), value: scalar(buffer + 4 + outputLength) };
  }

  /** The scalar value at an address; integers as text, since they may exceed what a number holds. */
  function scalar(at) {
    const view = new DataView(memory.buffer);
    switch (memory[at]) {
      case 0x00: return null;
      case 0x01: return memory[at + 1] === 1;
      case 0x02: return String(view.getBigInt64(at + 1, true));
      case 0x03: return view.getFloat64(at + 1, true);
      case 0x04: return text(at + 5, view.getUint32(at + 1, true));
      default: throw new Error(`tag ${memory[at]} is no scalar`);
    }
  }

  return { compute, tables, pages: memory.length / 65536 };
}
