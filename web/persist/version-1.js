/**
 * Reads state files of format version 1, in which one block held everything.
 *
 * | bytes | what                                                                |
 * | ----- | ------------------------------------------------------------------- |
 * | 12    | magic bytes and version, as in later formats                        |
 * | u32   | CRC-32 of everything after the next field                           |
 * | u64   | number of bytes after this field                                    |
 * | block | hash of the ABI that wrote the file                                 |
 * | u32   | id of the `_home` table                                             |
 * | u32   | next free table id                                                  |
 * | u32   | number of tables, then for each its u32 id, u32 number of entries, and a key block and a value block per entry |
 *
 * A block is a u32 length and that many bytes.
 *
 * @import { Sink } from './operations.js'
 */

import { crc32 } from '../bytes/crc32.js';
import { idProblem, isTableId } from '../store/table-ids.js';
import { decodeLossy, keyText } from '../bytes/text.js';

const HEADER = 24;

/** @typedef {{ kind: 'truncated' | 'damaged', detail: string }} Problem */

/**
 * Give the state in the bytes of a file to a sink.
 *
 * @param {Uint8Array} bytes whose magic bytes and version are known to be right
 * @param {Sink} sink
 * @returns {Problem | null} what is wrong, if anything
 */
export function readVersion1(bytes, sink) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const size = bytes.length < HEADER ? HEADER : HEADER + Number(view.getBigUint64(16, true));
  if (bytes.length < size) {
    return { kind: 'truncated', detail: `is truncated: ${bytes.length} bytes, where at least ${size} belong` };
  }
  if (bytes.length > size) return damaged(`${bytes.length} bytes, where its header announces ${size}`);
  if (crc32(bytes.subarray(HEADER)) !== view.getUint32(12, true)) return damaged('its checksum does not match its contents');

  let at = HEADER;
  // The checksum holds, so only a faulty writer could make this throw.
  const u32 = () => {
    at += 4;
    return view.getUint32(at - 4, true);
  };
  const block = () => {
    const length = u32();
    if (length > bytes.length - at) throw new RangeError('a block that is longer than the rest');
    at += length;
    return bytes.subarray(at - length, at);
  };
  try {
    const abiHash = decodeLossy(block());
    const meta = { abiHash, homeTableId: u32(), nextTableId: u32() };
    const problem = idProblem(meta.homeTableId, meta.nextTableId);
    if (problem !== '') return damaged(`byte ${at - 8} ${problem}`);
    sink.meta(meta);
    for (let tables = u32(); tables > 0; tables--) {
      const id = u32();
      if (!isTableId(id)) return damaged(`byte ${at - 4} names table ${id}, which is never one`);
      for (let entries = u32(); entries > 0; entries--) {
        const key = block();
        sink.set(id, keyText(key, 0, key.length), block().slice());
      }
    }
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    return damaged(`byte ${at} points past its end`);
  }
  return at === bytes.length ? null : damaged(`byte ${at} should be its last`);
}

/**
 * @param {string} detail
 * @returns {Problem}
 */
function damaged(detail) {
  return { kind: 'damaged', detail: `is damaged: ${detail}` };
}
