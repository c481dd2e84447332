/**
 * Where the module comes from: found beside this file, as the artifact that the engine can run, or given as bytes, module,
 * response or address.
 *
 * Node has no `fetch` for files, so its `fs` is imported there, and only there: nothing built into Node is named in a form
 * that a bundler or a browser would try to resolve.
 */

import { applyDelta } from './delta.js';
import { compile } from './loader.js';

/**
 * @typedef {BufferSource | WebAssembly.Module | Response | URL | string} WasmSource bytes, a compiled module, a response, or
 *   the address of the file
 */

/**
 * A module that uses each feature that `lua.wasm` needs of an engine, as `exports.toml` names them.
 */
const PROBE = Uint8Array.of(
  ...[0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00], // magic, version
  ...[0x01, 0x04, 0x01, 0x60, 0x00, 0x00], // (type (func))
  ...[0x03, 0x02, 0x01, 0x00], // (func (type 0))
  ...[0x05, 0x03, 0x01, 0x00, 0x00], // (memory 0)
  ...[0x0d, 0x03, 0x01, 0x00, 0x00], // (tag (type 0))
  ...[0x0a, 0x18, 0x01, 0x16, 0x00, 0x06, 0x40], // try
  ...[0x41, 0x00, 0xc0], // i32.const 0, i32.extend8_s
  ...[0x43, 0x00, 0x00, 0x00, 0x00, 0xfc, 0x00], // f32.const 0, i32.trunc_sat_f32_s
  ...[0x41, 0x00, 0xfc, 0x0b, 0x00], // i32.const 0, memory.fill
  ...[0x07, 0x00, 0x0b, 0x0b], // catch 0, end, end
);

/**
 * Modules that were compiled from an address, by that address: the second machine starts at once.
 *
 * @type {Map<string, Promise<WebAssembly.Module>>}
 */
const compiled = new Map();

/**
 * Compile the module.
 *
 * @param {WasmSource | Promise<WasmSource>} [source] unless given, the artifact beside this file that the engine can run
 * @returns {Promise<WebAssembly.Module>}
 */
export async function compileFrom(source) {
  if (source === undefined) return compileArtifact();
  const given = await source;
  if (typeof given === 'string' || given instanceof URL) return compileAddress(given);
  if (typeof given !== 'object' || given === null) {
    throw new TypeError('the option wasm has to be bytes, a WebAssembly.Module, a Response, a URL, or a promise of one');
  }
  return compile(given);
}

/**
 * Compile the artifact for this engine. The addresses are written so that bundlers see them.
 *
 * @returns {Promise<WebAssembly.Module>}
 */
function compileArtifact() {
  const address = new URL('./lua.wasm', import.meta.url);
  if (WebAssembly.validate(PROBE)) return compileAddress(address);
  const { href } = new URL('./lua-host.delta', import.meta.url);
  return once(href, async () => {
    const [bytes, delta] = await Promise.all([bytesOf(address.href), bytesOf(href)]);
    return compile(applyDelta(bytes, delta));
  });
}

/**
 * @param {string | URL} address
 * @returns {Promise<WebAssembly.Module>}
 */
function compileAddress(address) {
  // As everywhere on the Web, an address is relative to the page; where there is no page, to this file.
  const { href } = new URL(String(address), typeof document === 'undefined' ? import.meta.url : document.baseURI);
  return once(href, async () => {
    if (!isFile(href)) return compile(fetch(href));
    // At once: handing so small a module to other threads costs more than it saves, and a start has nothing else to do.
    return new WebAssembly.Module(await readFile(href));
  });
}

/**
 * Compile what has not been compiled before.
 *
 * @param {string} href
 * @param {() => Promise<WebAssembly.Module>} compileIt
 * @returns {Promise<WebAssembly.Module>}
 */
function once(href, compileIt) {
  let promise = compiled.get(href);
  if (promise === undefined) {
    promise = compileIt();
    compiled.set(href, promise);
    // A failure is not remembered: the next attempt may find the file.
    promise.catch(() => compiled.delete(href));
  }
  return promise;
}

/**
 * @param {string} href
 * @returns {Promise<Uint8Array>}
 */
async function bytesOf(href) {
  if (isFile(href)) return readFile(href);
  const response = await fetch(href);
  if (!response.ok) throw new Error(`${href} could not be fetched: ${response.status} ${response.statusText}`);
  return new Uint8Array(await response.arrayBuffer());
}

/**
 * @param {string} href
 * @returns {boolean} whether it is to be read as Node reads files
 */
function isFile(href) {
  return typeof process !== 'undefined' && Boolean(process.versions && process.versions.node) && href.startsWith('file:');
}

/**
 * Read a file in Node. To import `node:fs` loads all of its streams, which is a fifth of a start; newer releases give the
 * module itself.
 *
 * @param {string} href
 * @returns {Promise<Uint8Array<ArrayBuffer>>}
 */
async function readFile(href) {
  const address = new URL(href);
  if (typeof process.getBuiltinModule === 'function') return process.getBuiltinModule('node:fs').readFileSync(address);
  const name = 'node:fs/promises';
  /** @type {typeof import('node:fs/promises')} */
  const { readFile: read } = await import(/* webpackIgnore: true */ /* @vite-ignore */ name);
  return /** @type {Uint8Array<ArrayBuffer>} */ (await read(address));
}
