/**
 * Compiles the module that the package ships: files beside this one, found by addresses that most bundlers see and carry
 * along.
 *
 * Other bundlers leave the addresses as they are, and the files where they were. They are given `artifact-inline.js` in place
 * of this (the conditions of `exports` in package.json), and so is who imports `lua-persistent/inline`.
 */

import { bytesOf, compileAddress, once } from './module/address.js';
import { applyDelta } from './module/delta.js';
import { compile } from './loader.js';
import { PROBE } from './module/probe.js';

/** What addresses are relative to where there is no page. */
export const BASE = import.meta.url;

/**
 * Compile the artifact that this engine can run.
 *
 * @returns {Promise<WebAssembly.Module>}
 */
export async function compileArtifact() {
  try {
    const { href } = new URL('./lua.wasm', import.meta.url);
    if (WebAssembly.validate(PROBE)) return await compileAddress(href);
    const delta = new URL('./lua-host.delta', import.meta.url).href;
    return await once(delta, async () => {
      const [bytes, changes] = await Promise.all([bytesOf(href), bytesOf(delta)]);
      return compile(applyDelta(bytes, changes));
    });
  } catch (error) {
    const message =
      `lua.wasm cannot be loaded (${/** @type {Error} */ (error).message}): if a bundler has moved the script but not the files ` +
      "beside it, import 'lua-persistent/inline' in place of 'lua-persistent', or give the module by the option wasm";
    throw Object.assign(new Error(message), { cause: error });
  }
}
