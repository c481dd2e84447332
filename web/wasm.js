/**
 * Where `lua.wasm` comes from: found beside this file, or given as bytes, module, response or address.
 *
 * Node has no `fetch` for files, so its `fs` is imported there, and only there: nothing built into Node is named in a form
 * that a bundler or a browser would try to resolve.
 */

import { compile } from './loader.js';

/**
 * @typedef {BufferSource | WebAssembly.Module | Response | URL | string} WasmSource bytes, a compiled module, a response, or
 *   the address of the file
 */

/**
 * Modules that were compiled from an address, by that address: the second machine starts at once.
 *
 * @type {Map<string, Promise<WebAssembly.Module>>}
 */
const compiled = new Map();

/**
 * Compile the module.
 *
 * @param {WasmSource | Promise<WasmSource>} [source] the `lua.wasm` beside this file unless given
 * @returns {Promise<WebAssembly.Module>}
 */
export async function compileFrom(source) {
  const given = source === undefined ? new URL('./lua.wasm', import.meta.url) : await source;
  if (typeof given === 'string' || given instanceof URL) return compileAddress(given);
  if (typeof given !== 'object' || given === null) {
    throw new TypeError('the option wasm has to be bytes, a WebAssembly.Module, a Response, a URL, or a promise of one');
  }
  return compile(given);
}

/**
 * @param {string | URL} address
 * @returns {Promise<WebAssembly.Module>}
 */
function compileAddress(address) {
  // As everywhere on the Web, an address is relative to the page; where there is no page, to this file.
  const { href } = new URL(String(address), typeof document === 'undefined' ? import.meta.url : document.baseURI);
  let promise = compiled.get(href);
  if (promise === undefined) {
    promise = compile(isNode() && href.startsWith('file:') ? readFile(href) : fetch(href));
    compiled.set(href, promise);
    // A failure is not remembered: the next attempt may find the file.
    promise.catch(() => compiled.delete(href));
  }
  return promise;
}

/** @returns {boolean} */
function isNode() {
  return typeof process !== 'undefined' && Boolean(process.versions && process.versions.node);
}

/**
 * @param {string} href
 * @returns {Promise<Uint8Array>}
 */
async function readFile(href) {
  const name = 'node:fs/promises';
  /** @type {typeof import('node:fs/promises')} */
  const fs = await import(/* webpackIgnore: true */ /* @vite-ignore */ name);
  return fs.readFile(new URL(href));
}
