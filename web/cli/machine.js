/**
 * Makes the Lua machine of the command as the options say, runs code under their limits, and keeps the state at the end.
 *
 * @import { LuaOptions, RunOptions } from '../lua-persistent.js'
 * @import { Command } from './arguments.js'
 * @import { Interrupt } from './interrupt.js'
 * @import { Streams } from './streams.js'
 */

import fs from 'node:fs';

import { Lua, LuaError, LuaStateError, SnapshotError } from '../lua-persistent.js';
import { storageOf } from '../persist/migrate.js';
import { CommandError } from './errors.js';
import { HIGHEST } from './limits.js';
import { MODULE_FUNCTIONS, modulePath, offerModules } from './modules.js';
import { SnapshotFile } from './snapshot-file.js';

/** A limit of milliseconds for code that may run as long as it likes, until it is interrupted. */
const LONGEST = HIGHEST;

/** What such code is told. */
const STOPPED = /the limit of \d+ milliseconds is reached$/;

/** A Lua machine, and the file that keeps it. */
export class Machine {
  /**
   * @param {Command} command
   * @param {Interrupt} interrupt
   * @param {Streams} streams
   * @returns {Promise<Machine>}
   * @throws {CommandError | StateError}
   */
  static async open(command, interrupt, streams) {
    const options = {
      onPrint: (/** @type {string} */ _text, /** @type {Uint8Array} */ bytes) => streams.print(bytes),
      keepOutput: false,
      clock: clock(interrupt),
      milliseconds: LONGEST,
      ...(command.lua === undefined ? {} : { lua: command.lua }),
      ...command.limits,
    };
    const kept = command.snapshot === undefined ? await openState(command, options) : await openSnapshot(command, options, interrupt);
    return new Machine(kept, command.readOnly, interrupt, streams);
  }

  /**
   * @private
   * @param {Kept} kept
   * @param {boolean} readOnly
   * @param {Interrupt} interrupt
   * @param {Streams} streams
   */
  constructor({ lua, durable, file }, readOnly, interrupt, streams) {
    this.lua = lua;
    /** @private */
    this.durable = durable;
    /** @private */
    this.file = file;
    /** @private */
    this.readOnly = readOnly;
    this.interrupt = interrupt;
    this.streams = streams;
    this.offerExit();
  }

  /**
   * What the machine speaks, as it says itself: a snapshot may have any `_VERSION`.
   *
   * @returns {string}
   */
  get language() {
    try {
      const version = this.lua.get('_VERSION');
      return typeof version === 'string' ? version : 'Lua';
    } catch (error) {
      if (!(error instanceof LuaError)) throw error;
      return 'Lua';
    }
  }

  /**
   * Run a chunk and report what goes wrong.
   *
   * @param {string | Uint8Array} code
   * @param {RunOptions} [options]
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
   * @throws {CommandError | StateError}
   */
  async save() {
    if (this.readOnly) throw new CommandError('nothing can be saved: the command was started with --read-only');
    if (this.file !== null) this.file.write(await this.snapshot());
    else if (this.durable) await this.lua.save();
    else return false;
    return true;
  }

  /**
   * Save, and free everything.
   *
   * @throws {CommandError | StateError}
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
   * Give programs `os.exit`.
   *
   * @private
   */
  offerExit() {
    try {
      this.lua.set('os.exit', exitFor(this.interrupt));
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
 * A machine, and what keeps it.
 *
 * @typedef {object} Kept
 * @property {Lua} lua
 * @property {boolean} durable whether its external tables are kept
 * @property {SnapshotFile | null} file where it is kept as a whole
 */

/**
 * Begin a machine whose external tables are kept, if the command says so.
 *
 * @param {Command} command
 * @param {LuaOptions} options
 * @returns {Promise<Kept>}
 */
async function openState({ state, file, readOnly }, options) {
  if (readOnly && state !== undefined) mustExist('state file', state);
  const lua = await (state === undefined ? Lua.create(options) : Lua.open(state, { ...options, readOnly, storage: (await storageOf(state)) || 'file' }));
  offerModules(lua, modulePath(file));
  return { lua, durable: state !== undefined && !readOnly, file: null };
}

/**
 * Go on with the machine of a snapshot, or begin one that will be a snapshot.
 *
 * @param {Command} command
 * @param {LuaOptions} options
 * @param {Interrupt} interrupt
 * @returns {Promise<Kept>}
 * @throws {CommandError}
 */
async function openSnapshot(command, options, interrupt) {
  const name = /** @type {string} */ (command.snapshot);
  if (command.readOnly) mustExist('snapshot file', name);
  const file = new SnapshotFile(name, command.readOnly);
  try {
    const bytes = file.read();
    if (bytes === null) {
      const lua = await Lua.create(options);
      offerModules(lua, modulePath(command.file));
      return { lua, durable: false, file };
    }
    const functions = { ...MODULE_FUNCTIONS, os: { exit: exitFor(interrupt) } };
    return { lua: await Lua.restore(bytes, { ...options, functions }), durable: false, file: command.readOnly ? null : file };
  } catch (error) {
    file.close();
    if (error instanceof SnapshotError) throw new CommandError(`cannot go on with '${name}': ${error.message}`);
    throw error;
  }
}

/**
 * Refuse to begin what is only to be looked at.
 *
 * @param {string} what
 * @param {string} name
 * @throws {CommandError}
 */
function mustExist(what, name) {
  if (!fs.existsSync(name)) throw new CommandError(`${what} '${name}' cannot be read: there is no such file, and --read-only begins none`);
}

/**
 * `os.exit` for programs: they are stopped as by a signal, so that what they keep is saved.
 *
 * @param {Interrupt} interrupt
 * @returns {(code: boolean | number | null) => never}
 */
function exitFor(interrupt) {
  return (code) => {
    interrupt.exitCode = typeof code === 'number' ? code & 0xff : Number(code === false);
    throw new Error('os.exit');
  };
}

/**
 * The clock of a machine. When what runs is to stop, it is later by the longest limit each time that it is asked: the limit
 * of milliseconds then ends the code, wherever it is, and Lua's own traceback says where that was.
 *
 * @param {Interrupt} interrupt
 * @returns {() => { unixSeconds: number, cpuSeconds: number }}
 */
function clock(interrupt) {
  let late = 0;
  return () => {
    if (interrupt.pending) late += LONGEST / 1000;
    return { unixSeconds: Date.now() / 1000, cpuSeconds: performance.now() / 1000 + late };
  };
}
