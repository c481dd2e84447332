/**
 * Stores what the page itself remembers: the script, and whether it is light or dark. A browser that keeps nothing is no
 * reason to stop.
 */

const PREFIX = 'lua-playground:';

/**
 * @param {string} name
 * @returns {string | null}
 */
export function remembered(name) {
  try {
    return localStorage.getItem(PREFIX + name);
  } catch (_refused) {
    return null;
  }
}

/**
 * @param {string} name
 * @param {string} value
 */
export function remember(name, value) {
  try {
    localStorage.setItem(PREFIX + name, value);
  } catch (_refused) {
    // Full, or not allowed.
  }
}
