/**
 * Holds one writer per file, under whatever names: by its device and number, where a lock file beside a name cannot see
 * another hard link, or a mount of the file elsewhere.
 *
 * Held is a socket in Linux's abstract namespace, or a named pipe of Windows: the system knows such a name once, in all
 * processes, and forgets it when its process ends, however it ends. Nothing is left behind. Elsewhere this holds within one
 * thread alone. What no lock finds out, as other containers, is found out before each save (file.js).
 *
 * @import { Server } from 'node:net'
 * @import { NodeModules } from './node.js'
 */

/** @type {Set<string>} files that this thread holds */
const held = new Set();

/**
 * The name of a file's identity.
 *
 * @param {NodeModules} node
 * @param {string | number} file path, or an open file
 * @returns {string | null} null if there is no file, or the system numbers no files
 */
export function identityOf({ fs }, file) {
  const options = /** @type {const} */ ({ bigint: true });
  try {
    const { dev, ino } = typeof file === 'number' ? fs.fstatSync(file, options) : fs.statSync(file, options);
    return ino === 0n ? null : `${dev}-${ino}`;
  } catch (_none) {
    return null;
  }
}

/** A file that nobody else holds. */
export class FileIdentity {
  /**
   * Hold a file.
   *
   * @param {NodeModules} node
   * @param {string | number} file path, or an open file
   * @returns {FileIdentity | null} null if it is held already
   */
  static take(node, file) {
    const name = identityOf(node, file);
    if (name === null) return new FileIdentity(null, null);
    if (held.has(name)) return null;
    const server = listen(node, name);
    // Where names do not work at all, none tells anything.
    if (server === null && works(node)) return null;
    held.add(name);
    return new FileIdentity(name, server);
  }

  /**
   * @private
   * @param {string | null} name
   * @param {Server | null} server
   */
  constructor(name, server) {
    this.name = name;
    this.server = server;
  }

  /** Let others hold it. */
  release() {
    if (this.name !== null) held.delete(this.name);
    if (this.server !== null) this.server.close();
    this.name = null;
    this.server = null;
  }
}

/**
 * Listen under the name of a file.
 *
 * @param {NodeModules} node
 * @param {string} name
 * @returns {Server | null} null if another does, or this system does not do that
 */
function listen({ net }, name) {
  const path = process.platform === 'linux' ? `\0lua-persistent-${name}` : process.platform === 'win32' ? `\\\\.\\pipe\\lua-persistent-${name}` : '';
  if (path === '') return null;
  try {
    const server = net.createServer((socket) => socket.destroy());
    // It says that another listens, which is known by then.
    server.on('error', () => {});
    server.listen({ path, exclusive: true });
    server.unref();
    return server.listening ? server : null;
  } catch (_forbidden) {
    return null;
  }
}

/**
 * @param {NodeModules} node
 * @returns {boolean} whether a name that nobody has can be listened under
 */
function works(node) {
  const server = listen(node, `probe-${process.pid}-${Math.random().toString(36).slice(2)}`);
  if (server !== null) server.close();
  return server !== null;
}
