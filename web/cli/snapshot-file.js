/**
 * Reads and writes the file of `--snapshot`, which is locked while it is in use and replaced in one step.
 */

import fs from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';

import { FileIdentity } from '../persist/file-identity.js';
import { placeOf } from '../persist/file-place.js';
import { FileLock } from '../persist/lock-file.js';
import { LOOK_ONLY, StateError } from '../persist/state-error.js';
import { CommandError, reasonOf } from './errors.js';

const NODE = { fs, path, os, net };

/** A file that holds a snapshot, or will. */
export class SnapshotFile {
  /**
   * @param {string} name
   * @param {boolean} readOnly it is not locked, and cannot be written
   * @throws {StateError} if it cannot be locked
   * @throws {CommandError}
   */
  constructor(name, readOnly) {
    this.source = `snapshot file '${name}'`;
    try {
      /** Where the file is, or will be: a name that is a symbolic link stays one. */
      this.path = placeOf(NODE, name);
    } catch (error) {
      throw new CommandError(`${this.source} cannot be read: ${reasonOf(error)}`);
    }
    /** @private */
    this.lock = readOnly ? null : FileLock.take(NODE, this.path, this.source);
    /** @private */
    this.identity = this.lock === null ? null : FileIdentity.take(NODE, this.path);
    if (this.lock === null || this.identity !== null) return;
    this.lock.release();
    throw new StateError('locked', this.source, `is open for writing under another name of the file; ${LOOK_ONLY}`);
  }

  /**
   * @returns {Uint8Array | null} null if there is no file
   * @throws {CommandError}
   */
  read() {
    try {
      return fs.readFileSync(this.path);
    } catch (error) {
      if (/** @type {NodeJS.ErrnoException} */ (error).code === 'ENOENT') return null;
      throw new CommandError(`${this.source} cannot be read: ${reasonOf(error)}`);
    }
  }

  /**
   * Put a snapshot in place of the one before.
   *
   * @param {Uint8Array} bytes
   * @throws {CommandError | StateError} and the file is as it was
   */
  write(bytes) {
    if (this.lock === null) throw new CommandError(`${this.source} was opened for reading only`);
    this.lock.check();
    const folder = path.dirname(this.path);
    // One name is enough, as there is one writer; what a crash leaves behind there is removed.
    const temporary = path.join(folder, `.${path.basename(this.path)}.tmp`);
    try {
      const mode = fs.statSync(this.path, { throwIfNoEntry: false })?.mode ?? 0o666;
      fs.rmSync(temporary, { force: true });
      fs.writeFileSync(temporary, bytes, { flag: 'wx', mode: mode & 0o777 });
      sync(temporary, 'r+');
      fs.renameSync(temporary, this.path);
    } catch (error) {
      fs.rmSync(temporary, { force: true });
      throw new CommandError(`${this.source} cannot be written: ${reasonOf(error)}`);
    }
    try {
      sync(folder, 'r');
    } catch (_unsupported) {
      // Windows cannot synchronise a folder. The new file is in place all the same.
    }
  }

  /** Let others use the file. */
  close() {
    if (this.identity !== null) this.identity.release();
    if (this.lock !== null) this.lock.release();
  }
}

/**
 * Wait until a file or folder is on the disk.
 *
 * @param {string} name
 * @param {string} flags
 */
function sync(name, flags) {
  const handle = fs.openSync(name, flags);
  try {
    fs.fsyncSync(handle);
  } finally {
    fs.closeSync(handle);
  }
}
