/**
 * Compiles the module: the package's own, or one given as bytes, module, response or address.
 *
 * @import { PlatformURL, Source } from './loader.js'
 */

import { compileAddress } from './module/address.js';
import { BASE, compileArtifact } from './artifact.js';
import { compile } from './loader.js';

/**
 * What the module can be made from: bytes, a compiled module, a response, or the address of the file.
 *
 * @typedef {Source | PlatformURL | string} WasmSource
 */

/**
 * Compiles the module.
 *
 * @param {WasmSource | Promise<WasmSource>} [source] unless given, the package's own
 * @returns {Promise<WebAssembly.Module>}
 */
export async function compileFrom(source) {
  if (source === undefined) return compileArtifact();
  const given = await source;
  if (typeof given === 'string' || given instanceof URL) return compileAddress(absolute(String(given)));
  if (typeof given !== 'object' || given === null) {
    throw new TypeError('the option wasm has to be bytes, a WebAssembly.Module, a Response, a URL, or a promise of one');
  }
  return compile(given);
}

/**
 * @param {string} address relative to the page, as everywhere on the Web
 * @returns {string}
 */
function absolute(address) {
  const base = typeof document === 'undefined' ? BASE : document.baseURI;
  try {
    return new URL(address, base).href;
  } catch (_invalid) {
    throw new TypeError(`the option wasm is '${address}', which is no address: it has to be a URL, as file:///folder/lua.wasm`);
  }
}
