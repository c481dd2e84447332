/**
 * Keeps a state in a file (Node).
 *
 * | bytes | what                                                                          |
 * | ----- | ----------------------------------------------------------------------------- |
 * | 8     | `\x8bLuaSt\r\n`: neither text nor any other format                            |
 * | u32   | format version, 2                                                             |
 * | u32   | CRC-32 of the bytes before                                                    |
 * | 20    | mark of the saves with even numbers                                           |
 * | 20    | mark of the saves with odd numbers                                            |
 * | rest  | frames (frames.js); the first save is a whole one                             |
 *
 * A mark says where an acknowledged save ends: u64 length of the file up to there, u32 number of the save, u32 checksum
 * of its last frame, u32 CRC-32 of the mark. The newer of the two counts; in a file with one save both are the same.
 *
 * A save appends its frames, waits until they are on the disk, overwrites the *older* mark, waits for that, and only then
 * is acknowledged. So:
 *
 * - what lies beyond the newer mark was never acknowledged, and is ignored: a save that was cut short leaves the old state;
 * - a file that ends before its newer mark, or whose frames up to there are not what was written, has lost acknowledged
 *   saves: an error, never an older state;
 * - a mark that cannot be read was cut short, or damaged: then the save that it announced is on the disk as a whole, and is
 *   read. If it is not, the file is damaged.
 *
 * A whole save is written to a second file, which then takes the place of the first (rename). Reading never changes a file.
 *
 * All system calls are synchronous, so that a save can be made while the process exits, and none is half done when Lua code
 * runs again.
 *
 * @import { ProgressListener } from './backend.js'
 * @import { Mark } from './file-header.js'
 * @import { NodeModules } from './node.js'
 * @import { Sink } from './operations.js'
 */

import { crc32 } from '../bytes/crc32.js';
import { outgrown } from './backend.js';
import { encodeMark, FRAMES, header, MAGIC, MARK_LENGTH, MARKS, readMark } from './file-header.js';
import { FileIdentity } from './file-identity.js';
import { placeOf } from './file-place.js';
import { FORMAT_VERSION, FRAME_EXTRA, FRAME_HEAD, frameLength, frameSave, START } from './frames.js';
import { FileLock } from './lock-file.js';
import { nodeModules, syncFolder, systemReason, writeProblem } from './node.js';
import { SeriesReader } from './series.js';
import { LOOK_ONLY, StateError } from './state-error.js';
import { readVersion1 } from './version-1.js';

// `@implements` needs a name that declarations can use, which `@import` does not give.
/** @typedef {import('./backend.js').Backend} Backend */

/**
 * A state file.
 *
 * @implements {Backend}
 */
export class FileBackend {
  /**
   * @param {string} name path of the file
   * @returns {Promise<FileBackend>}
   */
  static async at(name) {
    return new FileBackend(name, await nodeModules());
  }

  /**
   * @private
   * @param {string} name
   * @param {NodeModules} node
   */
  constructor(name, node) {
    this.source = `state file '${name}'`;
    /** @type {'file'} */
    this.kind = 'file';
    this.node = node;
    this.name = name;
    /** Where the file is, or will be: a name that is a symbolic link stays one. */
    this.path = name;
    /** @type {FileLock | null} */
    this.lock = null;
    /**
     * What keeps others from the file under its other names.
     * @private
     * @type {FileIdentity | null}
     */
    this.identity = null;
    /**
     * The marks as they are in the file; null if that is not known.
     * @private
     * @type {Uint8Array | null}
     */
    this.marks = null;
    /** The open file, -1 if there is none yet. */
    this.handle = -1;
    /**
     * The end of the last acknowledged save.
     * @type {Mark}
     */
    this.mark = { ...START, end: 0 };
    /** Where the first save ends, which is a whole one. */
    this.wholeEnd = 0;
    /** Whether the next save has to write a new file. */
    this.rewrite = true;
    /** Whether there may be something beyond the last acknowledged save. */
    this.tail = false;
  }

  /** @param {{ readOnly: boolean }} mode */
  async open({ readOnly }) {
    try {
      this.path = placeOf(this.node, this.name);
    } catch (error) {
      throw this.unreadable(error);
    }
    if (readOnly) return;
    this.lock = FileLock.take(this.node, this.path, this.source);
    this.identity = FileIdentity.take(this.node, this.path);
    if (this.identity !== null) return;
    await this.close();
    throw new StateError('locked', this.source, `is open for writing under another name of the file; ${LOOK_ONLY}`);
  }

  wantsWhole() {
    // A new file would take the place of one name only.
    return this.rewrite || (outgrown(this.wholeEnd, this.mark.end) && this.names() === 1);
  }

  /**
   * How many names the file has, of which all but one are hard links.
   *
   * @private
   * @returns {number}
   */
  names() {
    return this.handle < 0 ? 1 : Math.max(1, this.node.fs.fstatSync(this.handle).nlink);
  }

  /**
   * @param {Sink} sink
   * @param {ProgressListener} progress
   * @returns {Promise<boolean>}
   */
  async load(sink, progress) {
    const { fs } = this.node;
    let handle;
    try {
      handle = fs.openSync(this.path, this.lock === null ? 'r' : 'r+');
    } catch (error) {
      const { code } = /** @type {NodeJS.ErrnoException} */ (error);
      if (code === 'ENOENT') return false;
      if (code === 'EISDIR' || this.lock === null) throw this.unreadable(error);
      throw new StateError('unwritable', this.source, `cannot be opened for writing: ${systemReason(error)}`, error);
    }
    try {
      this.read(handle, sink, progress);
    } catch (error) {
      fs.closeSync(handle);
      throw error instanceof StateError ? error : this.unreadable(error);
    }
    if (this.lock === null) fs.closeSync(handle);
    else this.handle = handle;
    return true;
  }

  /**
   * @param {Uint8Array[]} chunks
   * @param {boolean} whole
   * @param {ProgressListener} progress
   */
  async commit(chunks, whole, progress) {
    this.commitSync(chunks, whole, progress);
  }

  /**
   * @param {Uint8Array[]} chunks
   * @param {boolean} whole
   * @param {ProgressListener} progress
   * @throws {StateError}
   */
  commitSync(chunks, whole, progress) {
    if (this.lock === null) throw new StateError('read-only', this.source, 'was opened for reading only');
    try {
      this.lock.check();
      this.checkPlace();
      if (whole) this.replace(chunks, progress);
      else this.append(chunks, progress);
    } catch (error) {
      if (error instanceof StateError) throw error;
      throw new StateError(writeProblem(error), this.source, `cannot be written: ${systemReason(error)}`, error);
    }
  }

  async close() {
    const { fs } = this.node;
    if (this.handle >= 0) fs.closeSync(this.handle);
    this.handle = -1;
    const { lock, identity } = this;
    this.lock = null;
    this.identity = null;
    if (identity !== null) identity.release();
    if (lock !== null) lock.release();
  }

  /**
   * @private
   * @param {unknown} error
   * @returns {StateError}
   */
  unreadable(error) {
    return new StateError('unreadable', this.source, `cannot be read: ${systemReason(error)}`, error);
  }

  /**
   * @private
   * @param {string} detail
   * @returns {StateError}
   */
  damaged(detail) {
    return new StateError('damaged', this.source, `is damaged: ${detail}`);
  }

  /**
   * @private
   * @param {number} length
   * @param {number} expected
   * @returns {StateError}
   */
  truncated(length, expected) {
    return new StateError('truncated', this.source, `is truncated: ${length} bytes, where at least ${expected} belong`);
  }

  /**
   * Read bytes of a file.
   *
   * @private
   * @param {number} handle
   * @param {number} from
   * @param {number} count
   * @returns {Uint8Array} fewer at the end of the file
   */
  bytesAt(handle, from, count) {
    const bytes = new Uint8Array(count);
    let done = 0;
    while (done < count) {
      const got = this.node.fs.readSync(handle, bytes, done, count - done, from + done);
      if (got === 0) return bytes.subarray(0, done);
      done += got;
    }
    return bytes;
  }

  /**
   * Write bytes to a file.
   *
   * @private
   * @param {number} handle
   * @param {Uint8Array} bytes
   * @param {number} from
   */
  writeAt(handle, bytes, from) {
    let done = 0;
    while (done < bytes.length) done += this.node.fs.writeSync(handle, bytes, done, bytes.length - done, from + done);
  }

  /**
   * Read an open file into a sink.
   *
   * @private
   * @param {number} handle
   * @param {Sink} sink
   * @param {ProgressListener} progress
   */
  read(handle, sink, progress) {
    const length = this.node.fs.fstatSync(handle).size;
    const head = this.bytesAt(handle, 0, FRAMES);
    const view = new DataView(head.buffer, head.byteOffset, head.length);
    if (!head.subarray(0, MAGIC.length).every((byte, index) => byte === MAGIC[index])) {
      throw new StateError('foreign', this.source, 'is not a state of lua-persistent');
    }
    if (head.length < MARKS) throw this.truncated(length, FRAMES);
    const version = view.getUint32(8, true);
    if (version === 1) {
      const problem = readVersion1(this.bytesAt(handle, 0, length), sink);
      if (problem !== null) throw new StateError(problem.kind, this.source, problem.detail);
      progress({ phase: 'load', done: length, total: length });
      return;
    }
    if (crc32(head.subarray(0, 12)) !== view.getUint32(12, true)) throw this.damaged('the checksum of its header does not match');
    if (version > FORMAT_VERSION) {
      const detail = `has format version ${version}, newer than ${FORMAT_VERSION}, the newest that this release reads`;
      throw new StateError('newer', this.source, detail);
    }
    if (version < 1) throw this.damaged(`format version ${version}`);
    if (head.length < FRAMES) throw this.truncated(length, FRAMES);
    this.readSaves(handle, length, [readMark(view, 0), readMark(view, 1)], sink, progress);
    this.marks = head.slice(MARKS);
  }

  /**
   * @private
   * @param {number} handle
   * @param {number} length of the file
   * @param {(Mark | null)[]} marks
   * @param {Sink} sink
   * @param {ProgressListener} progress
   */
  readSaves(handle, length, marks, sink, progress) {
    const [even, odd] = marks;
    const mark = odd === null || (even !== null && even.save > odd.save) ? even : odd;
    if (mark === null) throw this.damaged('neither of its two marks can be read');
    if (length < mark.end) throw this.truncated(length, mark.end);

    const reader = new SeriesReader(this.source, sink, progress, FRAMES);
    const readFrame = (/** @type {number} */ limit) => {
      const at = reader.done;
      const head = limit - at < FRAME_EXTRA ? null : this.bytesAt(handle, at, FRAME_HEAD);
      const size = head === null ? Infinity : frameLength(head);
      reader.take(size > limit - at ? null : this.bytesAt(handle, at, size), `the frame at byte ${at}`, limit);
      if (reader.atEnd && reader.position.save === 1) this.wholeEnd = reader.done;
    };
    while (reader.done < mark.end) readFrame(mark.end);
    reader.expectEnd(mark, 'its saves do not match its marks');
    if (even === null || odd === null) {
      do readFrame(length);
      while (!reader.atEnd);
    }
    this.mark = { ...reader.position, end: reader.done };
    this.tail = length > reader.done;
    this.rewrite = even === null || odd === null;
  }

  /**
   * Make sure that the file is still the one that was read, as it was left: a save to one that was removed or replaced would
   * be lost, and one to a file that another has saved to under a name that no lock knows would damage it.
   *
   * @private
   */
  checkPlace() {
    const { fs } = this.node;
    const there = fs.statSync(this.path, { throwIfNoEntry: false });
    if (this.handle < 0) {
      if (there === undefined) return;
    } else if (there !== undefined) {
      const ours = fs.fstatSync(this.handle);
      if (there.ino === ours.ino && there.dev === ours.dev && there.size >= this.mark.end && this.isAsLeft()) return;
    }
    throw new StateError('conflict', this.source, 'cannot be saved: something else has changed, replaced or removed it meanwhile');
  }

  /**
   * @private
   * @returns {boolean} whether the marks are those that were last read or written
   */
  isAsLeft() {
    const { marks } = this;
    return marks === null || this.bytesAt(this.handle, MARKS, marks.length).every((byte, index) => byte === marks[index]);
  }

  /**
   * Write a new file and put it in the place of the old one.
   *
   * @private
   * @param {Uint8Array[]} chunks
   * @param {ProgressListener} progress
   */
  replace(chunks, progress) {
    const { fs, path } = this.node;
    const names = this.names();
    if (names > 1) {
      const detail = `cannot be saved: it has ${names} names (hard links), and would be replaced under one of them only; remove the others`;
      throw new StateError('unwritable', this.source, detail);
    }
    const folder = path.dirname(this.path);
    // One name is enough, as there is one writer; what a crash leaves behind there is removed.
    const temporary = path.join(folder, `.${path.basename(this.path)}.tmp`);
    const { frames, after, length } = frameSave(chunks, START);
    const mark = { ...after, end: FRAMES + length };
    const head = header(mark);
    fs.rmSync(temporary, { force: true });
    let handle = -1;
    try {
      handle = fs.openSync(temporary, 'wx+', this.handle < 0 ? 0o666 : fs.fstatSync(this.handle).mode & 0o777);
      this.writeAt(handle, head, 0);
      this.writeFrames(handle, frames, FRAMES, length, progress);
      fs.fsyncSync(handle);
      fs.renameSync(temporary, this.path);
    } catch (error) {
      if (handle >= 0) fs.closeSync(handle);
      fs.rmSync(temporary, { force: true });
      throw error;
    }
    const old = this.handle;
    this.handle = handle;
    this.marks = head.slice(MARKS);
    if (this.identity !== null) this.identity.release();
    this.identity = FileIdentity.take(this.node, handle);
    this.mark = mark;
    this.wholeEnd = mark.end;
    this.tail = false;
    this.rewrite = false;
    syncFolder(fs, folder);
    if (old >= 0) fs.closeSync(old);
  }

  /**
   * Append a save and mark its end.
   *
   * @private
   * @param {Uint8Array[]} chunks
   * @param {ProgressListener} progress
   */
  append(chunks, progress) {
    const { fs } = this.node;
    const { handle } = this;
    const { frames, after, length } = frameSave(chunks, this.mark);
    const mark = { ...after, end: this.mark.end + length };
    if (this.tail) fs.ftruncateSync(handle, this.mark.end);
    this.tail = true;
    try {
      this.writeFrames(handle, frames, this.mark.end, length, progress);
    } catch (error) {
      // What was written is beyond the mark and does no harm, but might be in the way of a full disk.
      fs.ftruncateSync(handle, this.mark.end);
      throw error;
    }
    // Should one of these fail, nobody knows what is on the disk: the next save then leaves this file alone.
    const { marks } = this;
    this.rewrite = true;
    this.marks = null;
    fs.fdatasyncSync(handle);
    const bytes = encodeMark(mark);
    const slot = (mark.save % 2) * MARK_LENGTH;
    this.writeAt(handle, bytes, MARKS + slot);
    fs.fdatasyncSync(handle);
    if (marks !== null) marks.set(bytes, slot);
    this.marks = marks;
    this.rewrite = false;
    this.tail = false;
    this.mark = mark;
  }

  /**
   * @private
   * @param {number} handle
   * @param {Uint8Array[]} frames
   * @param {number} from
   * @param {number} total bytes of all frames
   * @param {ProgressListener} progress
   */
  writeFrames(handle, frames, from, total, progress) {
    let done = 0;
    for (const frame of frames) {
      this.writeAt(handle, frame, from + done);
      done += frame.length;
      progress({ phase: 'save', done, total });
    }
  }
}
