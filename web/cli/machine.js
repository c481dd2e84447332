/**
 * The Lua machine of the command: begun as the options say, run under their limits, and kept at the end.
 */

import { Lua, LuaError, LuaStateError, SnapshotError } from '../lua-persistent.js';
import { CommandError } from './errors.js';
import { HIGHEST } from './limits.js';
import { moduleFinder } from './modules.js';
import { SnapshotFile } from './snapshot-file.js';

/** A limit of milliseconds for code that may run as long as it likes, until it is interrupted. */
const LONGEST = HIGHEST;

/** What such code is told. */
const STOPPED = /the limit of \d+ milliseconds is reached$/;

/** A Lua machine, and the file that keeps it. */
export class Machine {
  /**
   * @param {import('./arguments.js').Command} command
   * @param {import('./interrupt.js').Interrupt} interrupt
   * @param {import('./streams.js').Streams} streams
   * @returns {Promise<Machine>}
   * @throws {CommandError | import('../lua-persistent.js').StateError}
   */
  static async open(command, interrupt, streams) {
    const options = {
      onPrint: (/** @type {string} */ _text, /** @type {Uint8Array} */ bytes) => streams.print(bytes),
      keepOutput: false,
      clock: clock(interrupt),
      modules: moduleFinder(command.file),
      milliseconds: LONGEST,
      ...command.limits,
    };
    if (command.snapshot === undefined) {
      const lua = await (command.state === undefined ? Lua.create(options) : Lua.open(command.state, options));
      return new Machine(lua, command.state !== undefined, null, interrupt, streams);
    }
    const file = new SnapshotFile(command.snapshot);
    try {
      const bytes = file.read();
      const lua = await (bytes === null ? Lua.create(options) : Lua.restore(bytes, options));
      return new Machine(lua, false, file, interrupt, streams);
    } catch (error) {
      file.close();
      if (error instanceof SnapshotError) throw new CommandError(`cannot go on with '${command.snapshot}': ${error.message}`);
      throw error;
    }
  }

  /**
   * @private
   * @param {Lua} lua
   * @param {boolean} durable whether its external tables are kept
   * @param {SnapshotFile | null} file where it is kept as a whole
   * @param {import('./interrupt.js').Interrupt} interrupt
   * @param {import('./streams.js').Streams} streams
   */
  constructor(lua, durable, file, interrupt, streams) {
    this.lua = lua;
    /** @private */
    this.durable = durable;
    /** @private */
    this.file = file;
    this.interrupt = interrupt;
    this.streams = streams;
    this.offerExit();
  }

  /**
   * Run a chunk and report what goes wrong.
   *
   * @param {string | Uint8Array} code
   * @param {import('../lua-persistent.js').RunOptions} [options]
   * @returns {boolean} whether it ended well
   */
  run(code, options) {
    try {
      if (!this.interrupt.pending) this.lua.compute(code, options);
      return !this.interrupt.pending;
    } catch (error) {
      this.report(error, 'lua-persistent: ');
      return false;
    }
  }

  /**
   * Say what went wrong, as `lua` does.
   *
   * @param {unknown} error
   * @param {string} prefix
   * @throws what is not of the program's making
   */
  report(error, prefix) {
    if (error instanceof LuaError) {
      if (this.streams.closed || this.interrupt.exitCode !== null) return;
      const message = this.interrupt.pending ? error.message.replace(STOPPED, this.interrupt.message) : error.message;
      this.streams.report(`${prefix}${message}${error.traceback === '' ? '' : `\n${error.traceback}`}`);
    } else if (error instanceof LuaStateError || error instanceof WebAssembly.RuntimeError || error instanceof RangeError) {
      this.streams.report(`${prefix}${error.message}`);
    } else {
      throw error;
    }
  }

  /**
   * Save what is kept in a file.
   *
   * @returns {Promise<boolean>} whether anything is
   * @throws {CommandError | import('../lua-persistent.js').StateError}
   */
  async save() {
    if (this.file !== null) this.file.write(await this.snapshot());
    else if (this.durable) await this.lua.save();
    else return false;
    return true;
  }

  /**
   * Save, and free everything.
   *
   * @throws {CommandError | import('../lua-persistent.js').StateError}
   */
  async close() {
    try {
      if (this.file !== null) this.file.write(await this.snapshot());
    } finally {
      if (this.file !== null) this.file.close();
      await this.lua.close();
    }
  }

  /**
   * Give programs `os.exit`: they are stopped as by a signal, so that what they keep is saved.
   *
   * @private
   */
  offerExit() {
    const { interrupt, lua } = this;
    const exit = (/** @type {boolean | number | null} */ code) => {
      interrupt.exitCode = typeof code === 'number' ? code & 0xff : Number(code === false);
      throw new Error('os.exit');
    };
    try {
      lua.set('os.exit', exit);
    } catch (error) {
      // In a machine that goes on with a snapshot there may be no `os` any more.
      if (!(error instanceof LuaError)) throw error;
    }
  }

  /** @private */
  async snapshot() {
    try {
      return await this.lua.snapshot();
    } catch (error) {
      if (!(error instanceof LuaStateError)) throw error;
      throw new CommandError(`no snapshot can be made, and the file is as it was: ${error.message}`);
    }
  }
}

/**
 * The clock of a machine. When what runs is to stop, it is later by the longest limit each time that it is asked: the limit
 * of milliseconds then ends the code, wherever it is, and Lua's own traceback says where that was.
 *
 * @param {import('./interrupt.js').Interrupt} interrupt
 * @returns {() => { unixSeconds: number, cpuSeconds: number }}
 */
function clock(interrupt) {
  let late = 0;
  return () => {
    if (interrupt.pending) late += LONGEST / 1000;
    return { unixSeconds: Date.now() / 1000, cpuSeconds: performance.now() / 1000 + late };
  };
}
