// Runs the blocks of the generated reference of the ABI. They use the reference's own example of a host, and an instance, a
// buffer and tables of the host that are made for them.

import assert from 'node:assert/strict';

import { runJavaScript } from './javascript.js';
import { instantiate as loadMachine } from '../../web/loader.js';
import { instantiate, wasmModule } from '../js/support/documented-host.js';
import { abi } from '../js/support/export-calls.js';

/** The reference, and the example in it that is a whole host. */
export const REFERENCE = 'docs/WASM_EXPORTS_REFERENCE.md';
const WHOLE_HOST = '// 1. Load the module';

/** The values that examples use; what an example declares itself replaces them. */
const FIXTURES = new URL('./reference-fixtures.js', import.meta.url).href;
const FETCH = new URL('./reference-fetch.js', import.meta.url).href;

/** How examples are used that only make something, by words in them. */
const AFTER = [
  ['function restoreState', 'globalThis.instance.exports.deinit(); restoreState(saveState());'],
  ['imports.env.lua_try', `instance.exports.init(); globalThis.check(instance.exports, 'assert(not pcall(error, "x")) return 1');`],
  ["from './loader.js'", `globalThis.check(lua.exports, '_home.a = 1 for k in pairs(_home) do _home[k] = nil end assert(ext.size(_home) == 0) return os.time()');`],
];

/**
 * Run an example that is code of its own.
 *
 * @param {string} code
 * @param {string} folder of a project
 */
export async function runExample(code, folder) {
  const after = AFTER.filter(([words]) => code.includes(words)).map(([, use]) => use).join(' ');
  const before = `import ${JSON.stringify(code.startsWith(WHOLE_HOST) ? FETCH : FIXTURES)};`;
  await runJavaScript(code.replace("'./loader.js'", "'lua-persistent/loader'"), { folder, before, after });
}

/** Checks whether an example is a method of the host: an import, or a service. */
export function isMethod(code) {
  return /^\w+(: \(|\([^)]*\) \{\n)/.test(code);
}

/** Evaluate an example that is a method in a scope of what it names. */
export function methodOf(code, scope) {
  return new Function(...Object.keys(scope), `return { ${code} };`)(...Object.values(scope));
}

/** Let the imports of the reference be a host, and a program use all of them. */
export function checkImports(examples) {
  const tables = new Map();
  const scope = { tables, memory: new Uint8Array(0), readText: (at, length) => new TextDecoder().decode(instance.memory.slice(at, at + length)) };
  const overrides = {};
  let instance = null;
  for (const code of examples) {
    // The memory is there only when the instance is, so that each call is made in a scope of its own.
    const [name] = Object.keys(methodOf(code, scope));
    overrides[name] = (...values) => methodOf(code, { ...scope, memory: instance.memory })[name](...values);
  }
  instance = instantiate(overrides);
  assert.deepEqual(Object.keys(overrides).sort(), WebAssembly.Module.imports(wasmModule).map((entry) => entry.name).sort());
  assert.equal(instance.exports.init(), 0);
  const program = '_home.a, _home.b = 1, "x" _home.b = nil local n = ext.size(_home) for k in pairs(_home) do n = n .. k end return n';
  const at = instance.exports.get_buffer_ptr();
  const { written } = new TextEncoder().encodeInto(program, instance.memory.subarray(at));
  const length = instance.exports.compute(at, written);
  assert.ok(length > 0);
  assert.equal(new TextDecoder().decode(instance.memory.slice(at + 9, at + length)), '1a');
}

/**
 * Compare a signature, as WebAssembly or Rust writes it, with the module's function.
 *
 * @param {string} language `wasm` or `rust`
 * @param {string} code
 */
export function checkSignature(language, code) {
  const { exports } = instantiate();
  const imports = WebAssembly.Module.imports(wasmModule).map((entry) => entry.name);
  const [, name] = (language === 'wasm' ? /\((?:export "|import "env" ")(\w+)"/ : /\b(?:fn|struct) (\w+)/).exec(code) || [];
  assert.ok(name !== undefined, 'a signature without a name');
  if (/\bstruct /.test(code)) return;
  assert.ok(name in exports || imports.includes(name), `the module has no ${name}`);
  if (!(name in exports)) return;
  const count =
    language === 'wasm' ? ((/\(param ([^)]*)\)/.exec(code) || ['', ''])[1].match(/\w+/g) || []).length : (code.match(/\w+: /g) || []).length;
  assert.equal(exports[name].length, count, `parameters of ${name}`);
}

/** A program that asks for what it needs no host functions for. */
const NEEDY = `
  os.time() os.clock() os.date("*t") print(1) io.flush() math.randomseed() pcall(require, "m")
  for i = 1, 20 do local t = ext.table() for j = 1, 20 do t[j] = j end _home[i] = t next(t) end
  pcall(rawset, _home, "refused", 1)
  local t = ext.table({1}) t = nil collectgarbage() ext.collect()`;

/** Services that programs do not ask for by themselves, and what the module asks them with. */
const DIRECT = {
  negotiate: [1],
  call: [new Uint8Array(16), 0, 8, 8, 16],
  rest: [],
  release: [1],
  findFunction: [new TextEncoder().encode('f')],
  revision: [],
  readRows: [new Uint8Array(16), 4096, 0, 4, 4, 16],
  readList: [new Uint8Array(16), 1, 1, 10, 4096, 0, 16],
  writeRows: [new Uint8Array(16), 0, 4, 4, 16],
  freeIds: [1, 1],
  readEntries: [new Uint8Array(16), 1, 0, 4096, 0, 16],
  roots: [0, new Uint8Array(4)],
  collect: [1, 0],
};

/**
 * Let a service of the reference be one of a loader's host, and a program ask for it.
 *
 * @param {string} code
 */
export async function checkService(code) {
  const tables = new Map();
  const host = simpleHost(tables);
  const service = methodOf(code, {
    // The examples pass over tables that are not there.
    tables: { get: (id) => tables.get(id) || new Map(), has: (id) => tables.has(id), delete: (id) => tables.delete(id), keys: () => tables.keys() },
    cursors: new Map(),
    functions: new Map([[0, () => {}]]),
    kept: Uint8Array.of(1),
    numberOf: () => 1,
    apply: () => 0,
    collector: { takeRoots: () => {}, step: () => ({ state: 0, freed: 0, work: 0 }) },
    base: 1n,
    changesOfOthers: 0n,
    sources: new Map([['m', new TextEncoder().encode('return 1\n')]]),
  });
  const [name] = Object.keys(service);
  if (name in DIRECT) {
    service[name](...DIRECT[name]);
    return;
  }
  const asked = [];
  const services = { ...host.services, [name]: (...values) => (asked.push(name), service[name](...values)) };
  const machine = await loadMachine(wasmModule, { ...host, services });
  assert.equal(machine.init(), 0);
  const at = machine.getBufferPtr();
  const { written } = new TextEncoder().encodeInto(NEEDY, machine.bytes.subarray(at));
  const length = machine.compute(at, written);
  assert.ok(length > 0, new TextDecoder().decode(machine.bytes.slice(at, at - length)));
  machine.deinit();
  assert.ok(asked.length > 0, `no program asked for ${name}`);
}

/** A host for the loader over a Map of Maps, as simple as can be; it gives the keys of a table one by one. */
function simpleHost(tables) {
  const text = (memory, start, end) => Buffer.from(memory.subarray(start, end)).toString('latin1');
  const entries = (id) => tables.get(id) || tables.set(id, new Map()).get(id);
  return {
    set(id, memory, key, keyEnd, start, end) {
      const name = text(memory, key, keyEnd);
      if (name === 'refused') return -1;
      entries(id).set(name, memory.slice(start, end));
      return 0;
    },
    get(id, memory, key, keyEnd, start, end) {
      const value = entries(id).get(text(memory, key, keyEnd));
      if (value === undefined) return -1;
      if (value.length > end - start) return -value.length;
      memory.set(value, start);
      return value.length;
    },
    delete: (id, memory, key, keyEnd) => (entries(id).delete(text(memory, key, keyEnd)) ? 0 : -1),
    size: (id) => entries(id).size,
    keys: () => -1,
    services: {
      drop: (id) => void tables.delete(id),
      keys(id, cursor) {
        const keys = [...entries(id).keys()];
        return { cursor: cursor + 1 < keys.length ? cursor + 1 : 0, keys: Buffer.from(keys[cursor] || '', 'latin1') };
      },
    },
  };
}

/**
 * Checks that a diagram leads from states of abi.json to states of abi.json.
 *
 * @param {string} code
 */
export function checkStates(code) {
  const names = abi.states.map(({ name }) => name);
  const [kind, first, ...lines] = code.trim().split('\n');
  assert.equal(kind, 'stateDiagram-v2');
  assert.equal(first, `    [*] --> ${names[0]}`);
  for (const line of lines) {
    const [, from, to] = /^ {4}(\w+) --> (\w+): .+$/.exec(line) ?? assert.fail(line);
    assert.ok(names.includes(from) && names.includes(to), line);
  }
}
