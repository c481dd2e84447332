/**
 * Compiles the module that the package ships: files beside this one, found by addresses that most bundlers see and carry
 * along.
 *
 * Other bundlers leave the addresses as they are, and the files where they were. They are given `artifact-inline.js` in place
 * of this (the conditions of `exports` in package.json), and so is who imports `lua-persistent/inline`.
 *
 * @import { LuaLine } from './loader.js'
 */

import { bytesOf, compileAddress, once } from './module/address.js';
import { applyDelta } from './module/delta.js';
import { compile, LUA_LINES } from './loader.js';
import { EXNREF_PROBE, PROBE } from './module/probe.js';

/** What addresses are relative to where there is no page. */
export const BASE = import.meta.url;

/**
 * The addresses of a module and of the changes that other engines need, of each line. Bundlers know addresses in this form alone.
 *
 * @type {Record<LuaLine, { module: () => URL, exnref: () => URL, host: () => URL }>}
 */
const FILES = {
  5.4: {
    module: () => new URL('./lua.wasm', import.meta.url),
    exnref: () => new URL('./lua-exnref.delta', import.meta.url),
    host: () => new URL('./lua-host.delta', import.meta.url),
  },
  5.5: {
    module: () => new URL('./lua-5.5.wasm', import.meta.url),
    exnref: () => new URL('./lua-5.5-exnref.delta', import.meta.url),
    host: () => new URL('./lua-5.5-host.delta', import.meta.url),
  },
};

/**
 * Gets the bytes of the first line's module.
 *
 * @returns {Promise<Uint8Array>}
 */
export function firstModule() {
  return bytesOf(FILES[LUA_LINES[0]].module().href);
}

/**
 * Compile the artifact that this engine can run.
 *
 * @param {LuaLine} line
 * @returns {Promise<WebAssembly.Module>}
 */
export async function compileArtifact(line) {
  const files = FILES[line];
  let name = 'lua.wasm';
  try {
    const { href } = files.module();
    name = href.slice(href.lastIndexOf('/') + 1);
    if (WebAssembly.validate(PROBE)) return await compileAddress(href);
    const delta = (WebAssembly.validate(EXNREF_PROBE) ? files.exnref() : files.host()).href;
    return await once(delta, async () => {
      const [bytes, changes] = await Promise.all([bytesOf(href), bytesOf(delta)]);
      return compile(applyDelta(bytes, changes));
    });
  } catch (error) {
    const message =
      `${name} cannot be loaded (${/** @type {Error} */ (error).message}): if a bundler has moved the script but not the files ` +
      "beside it, import 'lua-persistent/inline' in place of 'lua-persistent', or give the module by the option wasm";
    throw Object.assign(new Error(message), { cause: error });
  }
}
