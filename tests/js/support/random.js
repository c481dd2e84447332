// Generates random numbers from a seed, so that a failure can be repeated.

/**
 * A generator of whole numbers (xorshift32).
 *
 * @param {number} seed not 0
 * @returns {(below: number) => number} the next number from 0 to `below` - 1
 */
export function random(seed) {
  let state = seed | 0;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}
