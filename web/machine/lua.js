/**
 * The API of a machine: `Lua`, whose methods hand on to the parts of the machine.
 *
 * @import { Backend } from '../persist/backend.js'
 * @import { Store } from '../store/store.js'
 * @import { Machine } from './machine.js'
 * @import {
 *   CodeOptions, CollectOptions, DurableOptions, LuaOptions, MachineStats, RunOptions, SnapshotOptions, Target,
 * } from './options.js'
 * @import { ProgramOptions, Step, StepOptions } from './program.js'
 * @import { Result } from './result.js'
 */

import { Checkpoints } from '../image/checkpoint.js';
import { takeCompressedSnapshot, takeSnapshot } from '../image/snapshot.js';
import { identify } from '../loader.js';
import { exportTables } from '../persist/tables-json.js';
import { ExternalTable } from '../tables/external-table.js';
import { toPlain } from '../tables/to-plain.js';
import { lineOf } from '../wasm.js';
import { copyMachine, createMachine, restoreMachine } from './create.js';
import { checkPath, PATH_HEAD } from './requests.js';

/** A Lua machine. `Lua.create` makes one. */
export class Lua {
  /**
   * Make a machine and start it.
   *
   * @param {LuaOptions} [options]
   * @returns {Promise<Lua>}
   */
  static async create(options = {}) {
    const lua = new Lua(await createMachine(options));
    for (const [name, value] of Object.entries(options.functions || {})) lua.set(name, value);
    return lua;
  }

  /**
   * Go on with a snapshot: a machine that is in every respect what the other was when the snapshot was made.
   *
   * The tables of the snapshot replace whatever the store holds. A snapshot without tables goes on with those of the store,
   * which is then required. `_home` and `Memory` are what they were, whatever the options say, and `math.random` goes on with
   * the same numbers unless the program gives it another seed.
   *
   * @param {Uint8Array} bytes from `snapshot`
   * @param {LuaOptions} [options]
   * @returns {Promise<Lua>}
   * @throws {SnapshotError} and the store is as it was
   */
  static async restore(bytes, options = {}) {
    return new Lua(await restoreMachine(bytes, options));
  }

  /**
   * Make a machine whose external tables are kept: load them, or begin a new state. What is in `_io` is not kept.
   *
   * @param {string | Backend} name a file in Node, an IndexedDB database elsewhere; or what the
   *   option `storage` says; or what holds the state
   * @param {DurableOptions} [options] a `store` has to be empty; `homeTableId` and `nextTableId` are those of the state
   * @returns {Promise<Lua>}
   * @throws {StateError} and what is stored is as it was
   */
  static async open(name, options = {}) {
    lineOf(options.lua);
    // Most programs keep nothing: what does is loaded when it is needed.
    const { openState } = await import('../persist/open.js');
    const session = await openState(name, options.store, options);
    try {
      const { homeTableId, nextTableId } = session.meta || options;
      const { collect = true } = options;
      const lua = await Lua.create({ ...options, store: session.store, homeTableId, nextTableId, collect });
      lua.machine.keep(session);
      return lua;
    } catch (error) {
      await session.abandon();
      throw error;
    }
  }

  /**
   * Use `Lua.create` or `Lua.open` instead.
   *
   * @hideconstructor
   * @param {Machine} machine
   */
  constructor(machine) {
    const { calls, instance, store, tables } = machine;
    /** @private */
    this.machine = machine;
    /** @private */
    this.calls = calls;
    /**
     * Where external tables live: change them through this, not through the store given, so that it can be undone.
     *
     * @type {Store}
     */
    this.store = store;
    /** The external table that is `_home` in Lua: where a program keeps its state. @type {ExternalTable} */
    this.home = tables.table(instance.getMemoryTableId());
    /** The external table that is `_io` in Lua: what passes between a program and whoever runs it. @type {ExternalTable} */
    this.io = tables.table(instance.getIoTableId());
  }

  /**
   * Run code as an interactive console does: an expression gives its value, a chunk that returns nothing gives that of its
   * last local, and top-level locals stay visible to later calls.
   *
   * @param {string | Uint8Array} code
   * @param {RunOptions} [options]
   * @returns {Result}
   * @throws {LuaError}
   */
  eval(code, options) {
    return this.calls.run(code, options, true);
  }

  /**
   * Run code as a chunk of its own.
   *
   * @param {string | Uint8Array} code
   * @param {RunOptions} [options]
   * @returns {Result}
   * @throws {LuaError}
   */
  compute(code, options) {
    return this.calls.run(code, options, false);
  }

  /**
   * Call a Lua function. Arguments are converted as `set` does.
   *
   * @param {Target} target
   * @param {...any} args
   * @returns {any} the first of its results, null if there are none
   * @throws {LuaError}
   * @throws {EncodeError} a `TypeError`, for an argument that has no Lua form
   */
  call(target, ...args) {
    const { values } = this.calls.invoke(target, args);
    return values.length === 0 ? null : values[0];
  }

  /**
   * Call a Lua function, and have all its results and its output.
   *
   * @param {Target} target
   * @param {...any} args
   * @returns {Result}
   * @throws as `call`
   */
  callAll(target, ...args) {
    return this.calls.invoke(target, args);
  }

  /**
   * Call a JavaScript function, and release all Lua functions, coroutines and userdata that JavaScript is given for the first
   * time in its course: they cannot be used afterwards. What it returns lives on, if it is one of them. A promise that it
   * returns is waited for; of scopes that overlap, what comes belongs to the one that was opened last.
   *
   * @template T
   * @param {() => T} call
   * @returns {T} what it returned
   */
  scope(call) {
    return this.machine.held.scope(call);
  }

  /**
   * Read a global variable.
   *
   * @param {string} path its name, or a path of fields from one, as `config.colours`
   * @returns {any} null for nil
   * @throws {LuaError} if a part of the path before the last has no fields
   */
  get(path) {
    const { instance } = this.machine;
    checkPath(path);
    return this.calls.request(path, [], (at, length) => instance.getGlobal(at + PATH_HEAD, length - PATH_HEAD)).value;
  }

  /**
   * Set a global variable. Arrays, plain objects and `Map`s become Lua tables, functions Lua functions; see
   * docs/CONVERSIONS.md.
   *
   * @param {string} path its name, or a path of fields from one
   * @param {any} value
   * @throws {LuaError} if a part of the path before the last has no fields
   * @throws {EncodeError} a `TypeError`, for what has no Lua form
   */
  set(path, value) {
    const { functions, instance } = this.machine;
    checkPath(path);
    if (typeof value === 'function') functions.name(value, path);
    this.calls.request(path, [value], (at, length) => instance.setGlobal(at, length));
  }

  /**
   * An external table. There need not be one with that id: it is empty then, and made when something is set.
   *
   * @param {number} id
   * @returns {ExternalTable} the same object for the same id
   * @throws {RangeError} if no table can have the id
   * @throws {LuaStateError} while code runs
   */
  table(id) {
    return this.machine.table(id);
  }

  /**
   * Make an external table.
   *
   * @param {Record<string, any> | any[] | Map<any, any>} [initial] its entries; what is a table in them becomes one
   * @returns {ExternalTable}
   * @throws {EncodeError} a `TypeError`, for what cannot be stored; nothing is stored then
   * @throws {LuaStateError}
   */
  createTable(initial = {}) {
    return this.machine.tables.create(initial);
  }

  /**
   * Free the external tables that nothing reaches any more: neither `_home` nor `_io`, nor a table or function that is alive
   * in Lua, nor an `ExternalTable` or `LuaFunction` of this machine that JavaScript has.
   *
   * With `milliseconds`, a call does a part of that; programs may run before the next.
   *
   * @template {CollectOptions} O
   * @param {O} [options]
   * @returns {O extends { milliseconds: number } ? import('./options.js').CollectStep : number} how many tables that were
   * @throws {LuaError} if the store fails
   * @throws {LuaStateError}
   */
  collect(options) {
    return /** @type {any} */ (this.machine.collect(options));
  }

  /**
   * Set `_io.input`, where programs find what they are to work on.
   *
   * @param {any} value as for `ExternalTable.set`; `null` deletes it
   * @throws {TypeError | LuaStateError}
   */
  setInput(value) {
    this.io.set('input', value);
  }

  /**
   * What a program has left in `_io.output`.
   *
   * @returns {any} a table whole, as plain JavaScript values; undefined if there is nothing
   */
  getOutput() {
    const output = this.io.get('output');
    return output instanceof ExternalTable ? toPlain(output) : output;
  }

  /**
   * Set `_io.metadata`, what there is to know about the input.
   *
   * @param {Record<string, any> | null} metadata `null` deletes it
   * @throws {TypeError | LuaStateError}
   */
  setMetadata(metadata) {
    this.io.set('metadata', metadata);
  }

  /**
   * Delete everything in `_io`.
   *
   * @throws {LuaStateError}
   */
  clearIo() {
    this.machine.clearIo();
  }

  /**
   * Compile code as a program that `step` runs, in place of the one before. The program belongs to the machine: other code
   * can run between its steps, and a snapshot holds it as it stands.
   *
   * @param {string | Uint8Array} code
   * @param {CodeOptions & { console?: boolean }} [options] `console`: run it as `eval` does
   * @throws {LuaError}
   */
  start(code, options = {}) {
    this.machine.programs.start(code, options);
  }

  /**
   * Go on with the program of `start`.
   *
   * The program pauses when the budget of ticks (rounds of loops and calls of Lua functions) is spent, or when it yields
   * outside of its own coroutines, and then the step has the values that it yields; inside of a C function that calls Lua (a
   * comparator of `table.sort`, a coroutine that it resumed) it first goes on until it can.
   *
   * @param {number} [budget] ticks; without it, or with Infinity, the program runs to its end
   * @param {StepOptions} [options] limits of the program, all of its steps so far and this one, where
   *   they differ from the machine's, and what the yield returns that the program waits in. A program that reaches a limit has
   *   ended
   * @returns {Step}
   * @throws {LuaError} and there is no program any more; of a transactional machine, it stands where it was before the step
   */
  step(budget, options) {
    return this.machine.programs.step(budget, options);
  }

  /**
   * Run a program as `start` and `step` do, in pieces between which the thread does what else it has to.
   *
   * @param {string | Uint8Array} code
   * @param {ProgramOptions} [options]
   * @returns {Promise<Step>} the last step, with the ticks and the output of all
   * @throws {LuaError}
   */
  run(code, options = {}) {
    return this.machine.programs.run(code, options);
  }

  /**
   * The whole machine (heap, globals, closures, coroutines, the program of `start`) and its external tables as bytes, with
   * which `Lua.restore` goes on. It is of the moment of the call.
   *
   * @overload
   * @param {SnapshotOptions & { compress: false }} options
   * @returns {Uint8Array}
   */
  /**
   * @overload
   * @param {SnapshotOptions} [options]
   * @returns {Promise<Uint8Array>}
   */
  /**
   * @param {SnapshotOptions} [options]
   * @returns {Uint8Array | Promise<Uint8Array>}
   */
  snapshot(options = {}) {
    const { guard, instance, origin, store } = this.machine;
    guard.checkOutside();
    const take = options.compress === false ? takeSnapshot : takeCompressedSnapshot;
    return take(instance, origin.module, store, options.tables !== false);
  }

  /**
   * An independent machine that is what this one is at the moment of the call; even the next random numbers are the same. Its
   * tables are copies in a `MapStore`, unless a store is given.
   *
   * @param {LuaOptions} [options] of the new machine where they differ; `wasm` is the same
   * @returns {Promise<Lua>}
   */
  async fork(options = {}) {
    this.machine.guard.checkOutside();
    return new Lua(await copyMachine(this.machine, options));
  }

  /**
   * Set a checkpoint that `rollback` goes back to: of the machine, and of its external tables. Checkpoints nest. Each takes
   * 2 MiB and what changes in tables, so end each by `rollback` or `commit`.
   */
  checkpoint() {
    this.checkpoints().push();
  }

  /**
   * Go back to the last checkpoint, which is used up: the machine and its tables are what they were, and what has happened
   * since is forgotten, with checkpoints that were ended meanwhile.
   *
   * @throws {RangeError} if there is no checkpoint
   */
  rollback() {
    this.checkpoints();
    this.calls.rollback();
  }

  /**
   * Forget the last checkpoint and keep what has happened since. It can still be undone by the checkpoint before.
   *
   * @throws {RangeError} if there is no checkpoint
   */
  commit() {
    this.checkpoints().commit();
  }

  /** Release of Lua that the machine runs, as `5.4.9`. */
  get luaRelease() {
    const stamp = identify(this.machine.origin.module);
    return stamp === null ? '' : stamp.luaRelease;
  }

  /** How many bytes the last call has printed. */
  get printed() {
    return this.machine.output.count;
  }

  /** Id of the external table that is `_home`. */
  get homeTableId() {
    return this.instance().getMemoryTableId();
  }

  /** Id that the next new external table will have. Store it with the tables. */
  get nextTableId() {
    return this.instance().getExternalTableCounter();
  }

  /** Id of the external table that is `_io`. */
  get ioTableId() {
    return this.instance().getIoTableId();
  }

  /** Where external tables are kept: as the option `storage` says, `other` if in a backend that was given; null if they are not. */
  get storage() {
    return this.machine.lifetime.storage;
  }

  /**
   * Figures of the machine's memory, and of its external tables if they have a quota.
   *
   * @returns {MachineStats}
   */
  stats() {
    return this.machine.stats();
  }

  /** Collect all garbage. What finalizers print is dropped. */
  gc() {
    this.machine.gc();
  }

  /**
   * Save what has changed since the last save: all of it or, if anything goes wrong, nothing. What Lua code changes while
   * this is under way is saved next time.
   *
   * @returns {Promise<void>} settled when it is safe
   * @throws {StateError} and what is stored is as it was; the next save has the same changes
   * @throws {LuaStateError} if the machine was not made by `Lua.open`
   */
  async save() {
    await this.machine.lifetime.save();
  }

  /**
   * All external tables but `_io` as readable text, which `Lua.open` can import.
   *
   * @returns {string}
   */
  exportTables() {
    const { lifetime, store, tables } = this.machine;
    return exportTables(store, lifetime.meta(), tables.machine.ioId);
  }

  /**
   * Close the machine: finalizers run within the machine's limits, and its memory can be freed. A state that was opened is
   * saved before and after them, unless it is read-only, and unlocked. Closing again does nothing, except that it tries again
   * to save what could not be saved.
   *
   * @returns {Promise<void>} settled when the state is safe; at once if there is none
   * @throws {StateError} if the state cannot be saved; it is still open then
   */
  close() {
    return this.machine.lifetime.close();
  }

  /**
   * Checks that the machine's checkpoints can be used.
   *
   * @private
   */
  checkpoints() {
    this.machine.guard.checkOutside();
    Checkpoints.needStack();
    return this.machine.checkpoints;
  }

  /**
   * Checks that the module can be asked.
   *
   * @private
   */
  instance() {
    this.machine.guard.check();
    return this.machine.instance;
  }
}

// Engines that know `await using` and `using` close the machine at the end of its scope.
for (const symbol of [Symbol.asyncDispose, Symbol.dispose]) {
  if (typeof symbol !== 'symbol') continue;
  Object.defineProperty(Lua.prototype, symbol, {
    value() {
      return this.close();
    },
    configurable: true,
    writable: true,
  });
}
