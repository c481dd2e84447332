/**
 * Unpacks the module that a script holds as text.
 */

import { decodeBase64 } from '../bytes/base64.js';
import { canCompress, decompress } from '../bytes/compress.js';
import { INLINED } from './inlined.js';
import { PROBE } from './probe.js';

/**
 * Unpacks the module.
 *
 * @returns {Promise<Uint8Array<ArrayBuffer>>}
 * @throws {Error} in engines that are too old
 */
export async function unpack() {
  if (!canCompress() || !WebAssembly.validate(PROBE)) {
    throw new Error(
      'lua-persistent/inline needs Chrome 95, Firefox 113, Safari 16.4, Node 18 or newer: for older ones import lua-persistent, ' +
        'with its .wasm and .delta files beside the script',
    );
  }
  const packed = decodeBase64(INLINED.text);
  return /** @type {Uint8Array<ArrayBuffer>} */ (packed && (await decompress(packed, INLINED.length)));
}
