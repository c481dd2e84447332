/**
 * Checks ids of external tables, and what a state or snapshot says of them: a checksum
 * proves that bytes are those that were written, not that a sound writer wrote them.
 */

/** First id that no table can have. */
export const ID_LIMIT = 0xffffffff;

/**
 * @param {any} id
 * @returns {boolean} whether a table can have it
 */
export function isTableId(id) {
  return Number.isInteger(id) && id >= 1 && id < ID_LIMIT;
}

/**
 * Says what is wrong with the ids that a state names, as the rest of a sentence.
 *
 * @param {number} homeTableId
 * @param {number} nextTableId
 * @returns {string} empty if they can be
 */
export function idProblem(homeTableId, nextTableId) {
  if (!isTableId(homeTableId)) return `says that _home is table ${homeTableId}, which is never one`;
  if (nextTableId !== ID_LIMIT && !isTableId(nextTableId)) return `says that the next table is ${nextTableId}, which is never one`;
  return '';
}
