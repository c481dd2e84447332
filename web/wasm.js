/**
 * Compiles the module: the package's own, or one given as bytes, module, response or address.
 *
 * @import { LuaLine, PlatformURL, Source } from './loader.js'
 * @import { WasmScript } from './module/line.js'
 */

import { compileAddress } from './module/address.js';
import { BASE, compileArtifact, firstModule } from './artifact.js';
import { checkLine, lineOf } from './module/line.js';
import { compile } from './loader.js';

export { checkLine, lineOf, lineOfRelease } from './module/line.js';

/**
 * What the module can be made from: bytes, a compiled module, a response, the address of the file, or what
 * `import('lua-persistent/lua-5.5')` gives.
 *
 * @typedef {Source | PlatformURL | string | WasmScript | { readonly default: WasmScript }} WasmSource
 */

/**
 * Compiles the module.
 *
 * @param {WasmSource | Promise<WasmSource>} [source] unless given, the package's own
 * @param {LuaLine} [line] of Lua releases, by default the first
 * @returns {Promise<WebAssembly.Module>}
 * @throws {TypeError | RangeError} if there is no such line, or the module is not of it
 */
export async function compileFrom(source, line) {
  const wanted = lineOf(line);
  if (source === undefined) return compileArtifact(wanted);
  const module = await compileGiven(await source);
  if (line !== undefined) checkLine(module, wanted);
  return module;
}

/**
 * @param {WasmSource} given
 * @returns {Promise<WebAssembly.Module>}
 */
async function compileGiven(given) {
  if (typeof given === 'string' || given instanceof URL) return compileAddress(absolute(String(given)));
  if (typeof given === 'function') return compile(await given(firstModule));
  if (typeof given !== 'object' || given === null) {
    throw new TypeError('the option wasm has to be bytes, a WebAssembly.Module, a Response, a URL, or a promise of one');
  }
  return compile('default' in given ? await given.default(firstModule) : given);
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
