/**
 * Compresses and decompresses with what the platform has: the zlib format, which every `CompressionStream` knows (browsers
 * since 2023, Node since 18).
 */

/** Whether this platform can compress. */
export function canCompress() {
  return typeof CompressionStream === 'function' && typeof DecompressionStream === 'function';
}

/**
 * @param {Uint8Array} bytes
 * @returns {Promise<Uint8Array>}
 */
export function compress(bytes) {
  // Compressed data is never much longer than the data.
  return /** @type {Promise<Uint8Array>} */ (pass(bytes, new CompressionStream('deflate'), Infinity));
}

/**
 * Undo `compress`.
 *
 * @param {Uint8Array} bytes
 * @param {number} size of what comes out
 * @returns {Promise<Uint8Array | null>} null if that is not what comes out
 */
export async function decompress(bytes, size) {
  try {
    const whole = await pass(bytes, new DecompressionStream('deflate'), size);
    return whole !== null && whole.length === size ? whole : null;
  } catch (_malformed) {
    return null;
  }
}

/**
 * @param {Uint8Array} bytes
 * @param {CompressionStream | DecompressionStream} stream
 * @param {number} limit
 * @returns {Promise<Uint8Array | null>} null if more than the limit comes out
 */
async function pass(bytes, stream, limit) {
  const writer = stream.writable.getWriter();
  // What is wrong with the data, the reader is told as well.
  writer.write(/** @type {BufferSource} */ (bytes)).catch(() => {});
  writer.close().catch(() => {});
  const reader = stream.readable.getReader();
  /** @type {Uint8Array[]} */
  const pieces = [];
  let length = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    length += value.length;
    if (length > limit) {
      reader.cancel().catch(() => {});
      return null;
    }
    pieces.push(value);
  }
  const whole = new Uint8Array(length);
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}
