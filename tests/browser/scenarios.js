/**
 * Implements the scenarios that tests perform in a page or a worker. Arguments and results are plain data, so that they can
 * cross to the test in Node, which checks them.
 */

import { decodeValue, ExternalTable, Lua, LuaError, MapStore } from '../../web/lua-persistent.js';
import { LUA_LINES } from '../../web/loader.js';
import { EXNREF_PROBE } from '../../web/module/probe.js';
import { instantiate } from './documented-host.js';

export { countStreaming } from './streaming.js';

/**
 * Run one piece of code after the other in one machine.
 *
 * @param {string[]} codes
 * @param {'eval' | 'compute'} [method]
 * @param {string} [wasm] address of the module; by default the one that the browser can run
 * @returns {Promise<object>} `results`, one for each piece (`value`, `values`, `output`, `lines`, or `error`); `tables`,
 *   what is then in the store; `printed`, the texts that `onPrint` got; `before` and `after`, figures of the memory
 */
export async function session(codes, method = 'eval', wasm = undefined) {
  const printed = [];
  const store = new MapStore();
  const lua = await Lua.create({ wasm, store, onPrint: (text) => printed.push(text) });
  const before = lua.stats();
  const results = codes.map((code) => attempt(() => lua[method](code)));
  lua.gc();
  const after = lua.stats();
  lua.close();
  return { results, tables: contents(store), printed, before, after };
}

function attempt(run) {
  try {
    const { value, values, output, lines } = run();
    return { value: plain(value), values: values.map(plain), output, lines };
  } catch (error) {
    if (!(error instanceof LuaError)) throw error;
    const { message, status, traceback, output } = error;
    return { error: { message, status, traceback, output, value: plain(error.value) } };
  }
}

/** Tables by id, each a list of entries: the form that JSON has for a `Map` of `Map`s. */
function contents(store) {
  return Array.from(store.tableIds(), (id) => [
    id,
    Array.from(store.keys(id), (key) => [key, plain(decodeValue(store.get(id, key)))]),
  ]);
}

/** A value of the API in a form that JSON keeps. */
function plain(value) {
  if (typeof value === 'bigint') return { integer: String(value) };
  if (value instanceof Uint8Array) return { bytes: Array.from(value) };
  if (value instanceof ExternalTable) return { external: value.id };
  return value;
}

/**
 * Have one machine, by default.
 *
 * @returns {Promise<string[]>} names of the modules that were fetched for it
 */
export async function fetchedModules() {
  (await Lua.create()).close();
  return fetched('.wasm');
}

/**
 * Have a machine of each line of Lua, and let them share a state.
 *
 * @param {string} code
 * @returns {Promise<object[]>} for each line, the value of the code and the modules that were fetched until then
 */
export async function lines(code) {
  const seen = [];
  for (const lua of LUA_LINES) {
    const machine = await Lua.open(`lines ${typeof document}`, { lua });
    const { value } = machine.eval(code);
    await machine.close();
    seen.push({ value, modules: fetched('.wasm') });
  }
  return seen;
}

/**
 * Have a machine in an engine that has forgotten the exceptions of 2021.
 *
 * @param {string} code
 * @returns {Promise<object>} the value of the code, what was fetched beside the module, and whether the engine knows newer exceptions
 */
export async function withoutLegacy(code) {
  const { validate } = WebAssembly;
  let asked = 0;
  WebAssembly.validate = (bytes) => asked++ > 0 && validate.call(WebAssembly, bytes);
  const lua = await Lua.create();
  WebAssembly.validate = validate;
  const { values } = lua.eval(code);
  lua.close();
  return { values, deltas: fetched('.delta'), newer: WebAssembly.validate(EXNREF_PROBE) };
}

/** Names of the files of a kind that were fetched. */
function fetched(ending) {
  const names = performance.getEntriesByType('resource').map(({ name }) => name.slice(name.lastIndexOf('/') + 1));
  return names.filter((name) => name.endsWith(ending));
}

/**
 * Run code through the five functions of the Exports Reference and nothing else.
 *
 * @param {string[]} codes
 * @returns {Promise<object>} `results` (`value` and `output`, or `error`) and `sizes`, the number of entries by table id
 */
export async function raw(codes) {
  const machine = await instantiate(new URL('../../web/lua.wasm', import.meta.url));
  const results = codes.map((code) => machine.compute(code));
  return { results, sizes: Array.from(machine.tables, ([id, table]) => [id, table.size]), pages: machine.pages };
}
