/** Reads and writes integers without a sign, little-endian, anywhere in bytes. */

/**
 * @param {Uint8Array} bytes
 * @param {number} at
 * @returns {number}
 */
export function readU16(bytes, at) {
  return bytes[at] | (bytes[at + 1] << 8);
}

/**
 * @param {Uint8Array} bytes
 * @param {number} at
 * @returns {number}
 */
export function readU32(bytes, at) {
  return (bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24)) >>> 0;
}

/**
 * @param {Uint8Array} bytes
 * @param {number} at
 * @param {number} value
 */
export function putU16(bytes, at, value) {
  bytes[at] = value;
  bytes[at + 1] = value >>> 8;
}

/**
 * @param {Uint8Array} bytes
 * @param {number} at
 * @param {number} value
 */
export function putU32(bytes, at, value) {
  putU16(bytes, at, value);
  putU16(bytes, at + 2, value >>> 16);
}
