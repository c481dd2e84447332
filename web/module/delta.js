/**
 * Makes the artifacts for other engines from `lua.wasm` and a delta: they differ in little but the numbers of
 * the functions that are called. `codegen/src/delta.rs` makes the file and tells its format.
 */

import { crc32 } from '../bytes/crc32.js';

/**
 * Makes the other file.
 *
 * @param {Uint8Array} from
 * @param {Uint8Array} delta
 * @returns {Uint8Array}
 * @throws {Error} if they do not belong together
 */
export function applyDelta(from, delta) {
  const header = new DataView(delta.buffer, delta.byteOffset, delta.byteLength);
  const to = new Uint8Array(header.getUint32(0, true));
  let step = 8;
  let at = 0;
  let done = 0;
  const number = () => {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = delta[step++];
      value |= (byte & 0x7f) << shift;
      if (!(byte & 0x80)) return value;
    }
  };
  while (done < to.length && step < delta.length) {
    const same = number();
    to.set(from.subarray(at, at + same), done);
    at += same;
    done += same;
    for (let changed = number(); changed > 0; changed--) to[done++] = from[at++] + delta[step++];
    for (let added = number(); added > 0; added--) to[done++] = delta[step++];
    const seek = number();
    at += seek & 1 ? -(seek + 1) / 2 : seek / 2;
  }
  if (crc32(to) !== header.getUint32(4, true)) {
    throw new Error('the .delta file does not belong to the .wasm file: both have to come from one release');
  }
  return to;
}
