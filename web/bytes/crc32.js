/**
 * Computes the CRC-32 of zip and gzip (polynomial 0xEDB88320, reflected). Node has it built in only since version 20.15.
 */

const TABLE = new Uint32Array(256);
for (let index = 0; index < 256; index++) {
  let value = index;
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
  TABLE[index] = value;
}

/**
 * @param {Uint8Array} bytes
 * @param {number} [before] the checksum of what comes before these bytes, to continue it
 * @returns {number} an unsigned 32-bit number
 */
export function crc32(bytes, before = 0) {
  let crc = ~before;
  for (let at = 0; at < bytes.length; at++) crc = (crc >>> 8) ^ TABLE[(crc ^ bytes[at]) & 0xff];
  return ~crc >>> 0;
}
