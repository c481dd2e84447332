/**
 * Encodes bytes as base64 text and decodes it, with what browsers and Node both have.
 */

/** Bytes that are handed to `fromCharCode` at once; a multiple of three, so that the pieces can be joined. */
const PIECE = 3 * 4096;

/**
 * @param {Uint8Array} bytes
 * @returns {string}
 */
export function encodeBase64(bytes) {
  let text = '';
  for (let at = 0; at < bytes.length; at += PIECE) {
    text += btoa(String.fromCharCode.apply(null, /** @type {any} */ (bytes.subarray(at, at + PIECE))));
  }
  return text;
}

/**
 * @param {string} text
 * @returns {Uint8Array | null} null if this is not base64
 */
export function decodeBase64(text) {
  let binary;
  try {
    binary = atob(text);
  } catch (_invalid) {
    return null;
  }
  const bytes = new Uint8Array(binary.length);
  for (let at = 0; at < binary.length; at++) bytes[at] = binary.charCodeAt(at);
  return bytes;
}
