/**
 * Unpacks and compiles the module within the script, in place of `artifact.js`: for bundlers that leave files behind, and for
 * a program in one file.
 */

import { canCompress, decompress } from './bytes/compress.js';
import { INLINED } from './module/inlined.js';
import { compile } from './loader.js';
import { decodeBase64 } from './bytes/base64.js';
import { PROBE } from './module/probe.js';

/** What addresses are relative to where there is no page: the worker's script, or nothing. */
export const BASE = typeof location === 'undefined' ? undefined : location.href;

/**
 * The module, once it was asked for: the second machine starts at once.
 *
 * @type {Promise<WebAssembly.Module> | null}
 */
let compiled = null;

/**
 * Compile the module.
 *
 * @returns {Promise<WebAssembly.Module>}
 */
export function compileArtifact() {
  if (compiled === null) compiled = unpack().then(compile);
  return compiled;
}

/**
 * @returns {Promise<Uint8Array>}
 * @throws {Error} in engines that are too old
 */
async function unpack() {
  if (!canCompress() || !WebAssembly.validate(PROBE)) {
    throw new Error(
      'lua-persistent/inline needs Chrome 95, Firefox 113, Safari 16.4, Node 18 or newer: for older ones import lua-persistent, ' +
        'with its lua.wasm and lua-host.delta beside the script',
    );
  }
  const packed = decodeBase64(INLINED.text);
  return /** @type {Uint8Array} */ (packed && (await decompress(packed, INLINED.length)));
}
