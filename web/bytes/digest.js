/**
 * Computes a 64-bit checksum of 32-bit words that keeps up with copying them: a megabyte takes a fifth of a millisecond, a CRC
 * in JavaScript several times that. It tells damage, not forgery.
 *
 * Four lanes take a word each in turn, by steps that lose nothing: whatever changes within one word changes the result.
 */

/**
 * @param {number} hash
 * @returns {number} with each bit depending on all
 */
function mix(hash) {
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

/**
 * The digest of the words from `start` on.
 *
 * @param {Int32Array} words
 * @param {number} [start]
 * @returns {[number, number]} its halves, each an unsigned 32-bit number
 */
export function digest(words, start = 0) {
  const { length } = words;
  const whole = length - ((length - start) & 3);
  let [a, b, c, d] = [0x243f6a88, 0x85a308d3, 0x13198a2e, length - start];
  let at = start;
  for (; at < whole; at += 4) {
    a = Math.imul(a ^ words[at], 0x9e3779b1);
    b = Math.imul(b ^ words[at + 1], 0x85ebca77);
    c = Math.imul(c ^ words[at + 2], 0xc2b2ae3d);
    d = Math.imul(d ^ words[at + 3], 0x27d4eb2f);
    a ^= a >>> 15;
    b ^= b >>> 15;
    c ^= c >>> 15;
    d ^= d >>> 15;
  }
  for (; at < length; at++) {
    [a, b, c, d] = [b, c, d, Math.imul(a ^ words[at], 0x9e3779b1)];
    d ^= d >>> 15;
  }
  return [mix(a + Math.imul(c, 5)), mix(b + Math.imul(d, 5))];
}

/**
 * @param {[number, number]} halves
 * @returns {string} 16 hexadecimal digits
 */
export function hex(halves) {
  return halves.map((half) => half.toString(16).padStart(8, '0')).join('');
}
