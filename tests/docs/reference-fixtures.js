// Defines what the examples of the reference use without making it, as globals, so that an example can declare the same name
// itself.

import { readFileSync } from 'node:fs';

import './reference-fetch.js';
import { start, wasmModule } from '../js/support/documented-host.js';

const { exports, memory, tables } = start();
const bufPtr = exports.get_buffer_ptr();

tables.set(exports.get_io_table_id(), new Map());
exports.program_start(bufPtr, 0, bufPtr, 0, 0);

Object.assign(globalThis, {
  instance: { exports },
  memory,
  tables,
  bufPtr,
  statsPtr: bufPtr,
  stats: { luaMemoryUsed: 0 },
  number: 1,
  table: 1,
  key: new TextEncoder().encode('ready'),
  source: 'return 1',
  longProgram: `return 1${' '.repeat(100_000)}`,
  codeLength: new TextEncoder().encodeInto('return', memory.subarray(bufPtr)).written,
  externalTables: tables,
  serializeTables: () => [...tables],
  encodeValue: (string) => Uint8Array.of(4, string.length, 0, 0, 0, ...new TextEncoder().encode(string)),
  module: new WebAssembly.Module(readFileSync(new URL('../../web/lua-host.wasm', import.meta.url))),
  // A host that has nothing says so.
  imports: { env: Object.fromEntries(WebAssembly.Module.imports(wasmModule).map(({ name }) => [name, () => -1])) },
  check(machine, code) {
    const bytes = new Uint8Array(machine.memory.buffer);
    const at = machine.get_buffer_ptr();
    const length = machine.compute(at, new TextEncoder().encodeInto(code, bytes.subarray(at)).written);
    if (length <= 0) throw new Error(new TextDecoder().decode(bytes.slice(at, at - length)));
  },
});
