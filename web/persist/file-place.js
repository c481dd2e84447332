/**
 * Finds where the file of a name is, or will be.
 *
 * @import { NodeModules } from './node.js'
 */

/** Symbolic links that are followed, as many as Linux follows. */
const LINKS = 40;

/**
 * Follow symbolic links, also those to a file that is not there yet: what is written goes to where they point, and they stay
 * what they are.
 *
 * @param {NodeModules} node
 * @param {string} name
 * @returns {string} absolute path, of which no part that is there is a symbolic link
 * @throws the system's error
 */
export function placeOf({ fs, path }, name) {
  let place = path.resolve(name);
  for (let links = 0; links <= LINKS; links++) {
    try {
      return fs.realpathSync(place);
    } catch (error) {
      if (/** @type {NodeJS.ErrnoException} */ (error).code !== 'ENOENT') throw error;
    }
    const folder = path.dirname(place);
    // A folder that is not there is reported when something is written to it.
    const realFolder = fs.existsSync(folder) ? fs.realpathSync(folder) : folder;
    place = path.join(realFolder, path.basename(place));
    const target = linkAt(fs, place);
    if (target === null) return place;
    place = path.resolve(realFolder, target);
  }
  throw Object.assign(new Error('ELOOP: too many symbolic links'), { code: 'ELOOP' });
}

/**
 * @param {typeof import('node:fs')} fs
 * @param {string} place
 * @returns {string | null} where a symbolic link points; null if there is none
 */
function linkAt(fs, place) {
  try {
    return fs.readlinkSync(place);
  } catch (_none) {
    return null;
  }
}
