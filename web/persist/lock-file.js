/**
 * Holds one writer per state file: `NAME.lock` beside it says which process that is.
 *
 * The lock appears with its contents at once (a hard link), so it is never half written. A lock whose process is gone is stale
 * and taken over: the machine has been started again since (boot id), no process has that id, or the one that has it started
 * at another time. What is left of a lock that was not finished is removed. Of a process on another machine nothing can be
 * known, so its lock holds.
 *
 * @import { NodeModules } from './node.js'
 */

import { systemReason, writeProblem } from './node.js';
import { LOOK_ONLY, StateError } from './state-error.js';

/**
 * @typedef {object} Owner
 * @property {string} token tells this lock from every other
 * @property {number} pid
 * @property {string} host name of the machine
 * @property {string} boot what tells one start of the machine from the next; empty if the system does not say
 * @property {string} started when the process started, in ticks since the boot; empty if the system does not say
 */

/** How often the lock is tried before giving up: others may take and release it meanwhile. */
const ATTEMPTS = 20;

/** Milliseconds after which nobody is still writing a lock that is empty. */
const UNFINISHED = 60000;

/** What tells one lock from another. */
const TOKEN = /^\d+-[a-z0-9]+$/;

/** A lock that this process holds. */
export class FileLock {
  /**
   * Take the lock of a file.
   *
   * @param {NodeModules} node
   * @param {string} file absolute path
   * @param {string} source the file's name in messages
   * @returns {FileLock}
   * @throws {StateError} `locked`, `full` or `unwritable`
   */
  static take(node, file, source) {
    const { fs } = node;
    const path = `${file}.lock`;
    const owner = currentOwner(node);
    const own = `${path}.${owner.token}`;
    try {
      removeLeftovers(node, path);
      try {
        fs.writeFileSync(own, `${JSON.stringify(owner)}\n`, { flag: 'wx' });
        for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
          if (place(fs, own, path)) return new FileLock(fs, path, owner.token, source);
          const other = readOwner(fs, path);
          if (other === undefined) continue;
          if (other === null) {
            if (removeUnfinished(fs, path)) continue;
            throw new StateError('locked', source, `is locked by '${path}', which is no lock of lua-persistent; remove it if nothing uses the state`);
          }
          const holder = isAlive(node, other) ? other : replaceStale(node, own, path, other);
          if (holder === null) return new FileLock(fs, path, owner.token, source);
          if (holder !== undefined) throw new StateError('locked', source, describeOwner(holder, owner, path));
        }
      } finally {
        removeOwn(fs, own);
      }
    } catch (error) {
      if (error instanceof StateError) throw error;
      throw new StateError(writeProblem(error), source, `cannot be written, as it cannot be locked: ${systemReason(error)}`, error);
    }
    throw new StateError('locked', source, `is being locked and unlocked by others all the time ('${path}')`);
  }

  /**
   * @private
   * @param {typeof import('node:fs')} fs
   * @param {string} path
   * @param {string} token
   * @param {string} source
   */
  constructor(fs, path, token, source) {
    this.fs = fs;
    this.path = path;
    this.token = token;
    this.source = source;
  }

  /**
   * Make sure that the lock is still there, and still ours.
   *
   * @throws {StateError} `conflict`
   */
  check() {
    const owner = readOwner(this.fs, this.path);
    if (owner && owner.token === this.token) return;
    throw new StateError('conflict', this.source, `cannot be saved: its lock '${this.path}' was removed or taken over meanwhile`);
  }

  /** Give the lock back. */
  release() {
    const owner = readOwner(this.fs, this.path);
    if (owner && owner.token === this.token) this.fs.rmSync(this.path, { force: true });
  }
}

/**
 * Put the lock in its place, if that is free.
 *
 * @param {typeof import('node:fs')} fs
 * @param {string} own
 * @param {string} path
 * @returns {boolean}
 */
function place(fs, own, path) {
  try {
    fs.linkSync(own, path);
    return true;
  } catch (error) {
    const { code } = /** @type {NodeJS.ErrnoException} */ (error);
    if (code === 'EEXIST') return false;
    if (code !== 'EPERM' && code !== 'ENOTSUP' && code !== 'ENOSYS') throw error;
  }
  // A file system without hard links.
  try {
    fs.copyFileSync(own, path, fs.constants.COPYFILE_EXCL);
    return true;
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code === 'EEXIST') return false;
    // Half a lock would hold for ever.
    fs.rmSync(path, { force: true });
    throw error;
  }
}

/**
 * Remove a file that was needed to take the lock. What cannot be removed does no harm, and is removed by those who come later.
 *
 * @param {typeof import('node:fs')} fs
 * @param {string} file
 */
function removeOwn(fs, file) {
  try {
    fs.rmSync(file, { force: true });
  } catch (_stays) {
    // The lock is taken, or not, all the same.
  }
}

/**
 * Remove what processes have left behind that were killed while they took the lock: files with the name of the lock, a dot
 * and a token.
 *
 * @param {NodeModules} node
 * @param {string} lock
 */
function removeLeftovers(node, lock) {
  const { fs, path } = node;
  const folder = path.dirname(lock);
  const prefix = `${path.basename(lock)}.`;
  let names;
  try {
    names = fs.readdirSync(folder);
  } catch (_unreadable) {
    // A folder may be written without being listed.
    return;
  }
  for (const name of names) {
    if (!name.startsWith(prefix) || !TOKEN.test(name.slice(prefix.length))) continue;
    const file = path.join(folder, name);
    try {
      const owner = readOwner(fs, file);
      if (owner === null) removeUnfinished(fs, file);
      else if (owner !== undefined && !isAlive(node, owner)) fs.rmSync(file, { force: true });
    } catch (_gone) {
      // Another has removed it, or will.
    }
  }
}

/**
 * Remove a lock that is empty, or zeros, and has been for a while: its process was killed while it wrote it, or the machine
 * stopped before it was on the disk.
 *
 * @param {typeof import('node:fs')} fs
 * @param {string} file
 * @returns {boolean} whether it was one
 */
function removeUnfinished(fs, file) {
  const { mtimeMs } = fs.statSync(file);
  if (Date.now() - mtimeMs < UNFINISHED || !fs.readFileSync(file).every((byte) => byte === 0)) return false;
  fs.rmSync(file, { force: true });
  return true;
}

/**
 * Replace a stale lock by our own. Of all that have found it stale, the one that makes the guard file named after it may do
 * so, and only while it is still there: a lock that has been replaced since is not touched.
 *
 * @param {NodeModules} node
 * @param {string} own
 * @param {string} path
 * @param {Owner} stale
 * @returns {Owner | null | undefined} null if the lock is ours now; else who is replacing it, if that is known
 */
function replaceStale(node, own, path, stale) {
  const { fs } = node;
  const guard = `${path}.${stale.token}`;
  if (!place(fs, own, guard)) {
    const other = readOwner(fs, guard);
    if (!other || isAlive(node, other)) return other || undefined;
    fs.rmSync(guard, { force: true });
    return undefined;
  }
  try {
    const current = readOwner(fs, path);
    if (!current || current.token !== stale.token) return undefined;
    fs.renameSync(own, path);
    return null;
  } finally {
    removeOwn(fs, guard);
  }
}

/**
 * @param {typeof import('node:fs')} fs
 * @param {string} path
 * @returns {Owner | null | undefined} null if there is no lock in it, undefined if there is no file
 */
function readOwner(fs, path) {
  try {
    const owner = JSON.parse(fs.readFileSync(path, 'utf8'));
    const isOwner = owner !== null && typeof owner === 'object' && Number.isInteger(owner.pid) && /^[\w-]+$/.test(owner.token);
    return isOwner ? owner : null;
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    if (/** @type {NodeJS.ErrnoException} */ (error).code === 'ENOENT') return undefined;
    throw error;
  }
}

/**
 * @param {NodeModules} node
 * @returns {Owner}
 */
function currentOwner({ fs, os }) {
  const random = () => Math.random().toString(36).slice(2, 10);
  return {
    token: `${process.pid}-${random()}${random()}`,
    pid: process.pid,
    host: os.hostname(),
    boot: bootId(fs),
    started: startOf(fs, process.pid),
  };
}

/**
 * @param {NodeModules} node
 * @param {Owner} owner
 * @returns {boolean} whether the process that took a lock may still run
 */
function isAlive({ fs, os }, owner) {
  if (owner.host !== os.hostname()) return true;
  const boot = bootId(fs);
  if (boot !== '' && owner.boot !== '' && boot !== owner.boot) return false;
  try {
    process.kill(owner.pid, 0);
  } catch (error) {
    // Otherwise it runs, under another user.
    if (/** @type {NodeJS.ErrnoException} */ (error).code === 'ESRCH') return false;
  }
  const started = startOf(fs, owner.pid);
  return started === '' || owner.started === '' || started === owner.started;
}

/**
 * @param {typeof import('node:fs')} fs
 * @returns {string}
 */
function bootId(fs) {
  try {
    return fs.readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  } catch (_elsewhere) {
    return '';
  }
}

/**
 * When a process started: field 22 of Linux's `/proc/PID/stat`, counted from behind the name, which may contain anything.
 *
 * @param {typeof import('node:fs')} fs
 * @param {number} pid
 * @returns {string} empty where the system does not say
 */
function startOf(fs, pid) {
  try {
    const stat = fs.readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    // A zombie has ended, though its id is still taken.
    return fields[0] === 'Z' ? 'ended' : fields[19];
  } catch (_elsewhere) {
    return '';
  }
}

/**
 * @param {Owner} other
 * @param {Owner} self
 * @param {string} path
 * @returns {string}
 */
function describeOwner(other, self, path) {
  if (other.host !== self.host) {
    return `is open for writing in process ${other.pid} on '${other.host}'; ${LOOK_ONLY}, or remove '${path}' if that process has ended`;
  }
  return `is open for writing in ${other.pid === self.pid ? 'this process' : `process ${other.pid}`}; ${LOOK_ONLY}`;
}
