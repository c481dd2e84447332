/**
 * Imports Node's own modules for code that browsers load too: when they are needed, under names that no bundler follows.
 */

/** Whether this is Node, and not a browser or a worker of one. */
export const isNode = typeof process !== 'undefined' && Boolean(process.versions && process.versions.node);

/**
 * What files need of Node. The modules' default objects are taken, which tests can patch.
 *
 * @typedef {object} NodeModules
 * @property {typeof import('node:fs')} fs
 * @property {typeof import('node:path')} path
 * @property {typeof import('node:os')} os
 * @property {typeof import('node:net')} net
 */

/**
 * @param {string} name
 * @returns {Promise<any>}
 */
export async function builtin(name) {
  const address = `node:${name}`;
  return (await import(/* webpackIgnore: true */ /* @vite-ignore */ address)).default;
}

/** @returns {Promise<NodeModules>} */
export async function nodeModules() {
  const [fs, path, os, net] = await Promise.all(['fs', 'path', 'os', 'net'].map(builtin));
  return { fs, path, os, net };
}

/**
 * Why a system call failed.
 *
 * @param {unknown} error
 * @returns {string} the operating system's code and words, without the path that messages name anyway
 */
export function systemReason(error) {
  const { code, message } = /** @type {NodeJS.ErrnoException} */ (error);
  return code === undefined ? String(message) : message.split(', ')[0];
}

/** What the system answers when there is no room: on the disk, in the quota, under the limit of the process. */
const FULL = ['ENOSPC', 'EDQUOT', 'EFBIG'];

/**
 * @param {unknown} error that writing raised
 * @returns {'full' | 'unwritable'}
 */
export function writeProblem(error) {
  return FULL.includes(String(/** @type {NodeJS.ErrnoException} */ (error).code)) ? 'full' : 'unwritable';
}

/**
 * Make a rename survive a power failure, where the platform can synchronise directories (Windows cannot).
 *
 * @param {typeof import('node:fs')} fs
 * @param {string} folder
 */
export function syncFolder(fs, folder) {
  try {
    const handle = fs.openSync(folder, 'r');
    try {
      fs.fsyncSync(handle);
    } finally {
      fs.closeSync(handle);
    }
  } catch (_unsupported) {
    // The new file is in place all the same.
  }
}
