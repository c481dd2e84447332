/**
 * Moves a state from a state file into a SQLite database, and back.
 *
 * @import { NodeModules } from './node.js'
 * @import { LibraryOption } from './sqlite-file.js'
 */

import { writeWhole } from './changes.js';
import { FileBackend } from './file.js';
import { nodeModules, syncFolder, systemReason, writeProblem } from './node.js';
import { OperationWriter } from './operations.js';
import { openState } from './open.js';
import { StateError } from './state-error.js';

/** What each database of SQLite begins with. */
const DATABASE = 'SQLite format 3\0';

/** What SQLite may leave beside a database. */
const BESIDE = ['-wal', '-shm', '-journal'];

/**
 * Tells how a file keeps a state.
 *
 * @param {string} name
 * @returns {Promise<'sqlite' | 'file' | null>} null if there is no file
 */
export async function storageOf(name) {
  const { fs } = await nodeModules();
  let handle;
  try {
    handle = fs.openSync(name, 'r');
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code === 'ENOENT') return null;
    throw new StateError('unreadable', `state '${name}'`, `cannot be read: ${systemReason(error)}`, error);
  }
  try {
    const head = new Uint8Array(DATABASE.length);
    const count = fs.readSync(handle, head, 0, head.length, 0);
    return count === head.length && String.fromCharCode(...head) === DATABASE ? 'sqlite' : 'file';
  } catch (error) {
    throw new StateError('unreadable', `state '${name}'`, `cannot be read: ${systemReason(error)}`, error);
  } finally {
    fs.closeSync(handle);
  }
}

/**
 * Copies a state into a new file: that of a state file into a database, that of a database into a state file. The new file is
 * there when all of the state is in it, on the disk; the old one stays.
 *
 * @param {string} from
 * @param {string} to which is not there
 * @param {LibraryOption} [options]
 * @returns {Promise<'sqlite' | 'file'>} what the new file is
 * @throws {StateError} and there is no new file
 */
export async function migrateState(from, to, options = {}) {
  const node = await nodeModules();
  const storage = await storageOf(from);
  if (storage === null) throw new StateError('unreadable', `state '${from}'`, 'cannot be read: there is no such file');
  const target = storage === 'file' ? 'sqlite' : 'file';
  if (node.fs.existsSync(to)) throw new StateError('exists', `state '${to}'`, 'exists already: a state is moved into a new file only');
  // A process that is killed leaves no half of a state under the name.
  const part = node.path.join(node.path.dirname(to), `.${node.path.basename(to)}.part`);
  const source = await openState(from, undefined, { ...options, storage });
  try {
    removeAll(node, part);
    const meta = source.meta || { homeTableId: 1, nextTableId: 1, abiHash: '' };
    if (target === 'sqlite') {
      const session = await openState(part, undefined, { ...options, storage: 'sqlite' });
      try {
        for (const id of source.store.tableIds()) {
          for (const key of source.store.keys(id)) session.store.set(id, key, /** @type {Uint8Array} */ (source.store.get(id, key)));
        }
        session.currentMeta = () => meta;
        await session.save();
      } finally {
        await session.abandon();
      }
    } else {
      const backend = await FileBackend.at(part);
      await backend.open({ readOnly: false });
      try {
        const writer = new OperationWriter();
        writer.reset();
        writer.meta(meta);
        writeWhole(writer, source.store, 0);
        backend.commitSync(writer.finish(), true, () => {});
      } finally {
        await backend.close();
      }
    }
    publish(node, part, to);
    return target;
  } finally {
    removeAll(node, part);
    await source.abandon();
  }
}

/**
 * Gives a finished file its name, unless another has got it meanwhile.
 *
 * @param {NodeModules} node
 * @param {string} part
 * @param {string} to
 */
function publish({ fs, path }, part, to) {
  try {
    const handle = fs.openSync(part, 'r+');
    try {
      fs.fsyncSync(handle);
    } finally {
      fs.closeSync(handle);
    }
    if (fs.existsSync(to)) throw Object.assign(new Error('EEXIST: file already exists'), { code: 'EEXIST' });
    fs.renameSync(part, to);
    syncFolder(fs, path.dirname(to));
  } catch (error) {
    throw new StateError(writeProblem(error), `state '${to}'`, `cannot be written: ${systemReason(error)}`, error);
  }
}

/**
 * @param {NodeModules} node
 * @param {string} part
 */
function removeAll({ fs }, part) {
  for (const suffix of ['', ...BESIDE]) fs.rmSync(part + suffix, { force: true });
}
