/**
 * Makes machines: new ones, from snapshots, and as copies of others.
 *
 * @import { LuaInstance, LuaLine } from '../loader.js'
 * @import { Parts } from '../image/snapshot.js'
 * @import { Store } from '../store/store.js'
 * @import { LuaOptions, Origin } from './options.js'
 */

import { LuaStateError } from '../errors.js';
import { applyImage, buildOf, STACK_SIZE } from '../image/image.js';
import { checkRevision, copyTables, fillStore, imageOf, readSnapshot, SnapshotError, tablesOf } from '../image/snapshot.js';
import { instantiate } from '../loader.js';
import { Collector } from '../store/collector.js';
import { MapStore } from '../store/map-store.js';
import { StoreLayer } from '../store/store.js';
import { UndoLog } from '../store/undo-log.js';
import { checkLine, compileFrom, lineOf, lineOfRelease } from '../wasm.js';
import { HostFunctions } from './host-functions.js';
import { createHost, rangesOf } from './host.js';
import { heapLimitOf, limitsOf } from './limits.js';
import { Machine } from './machine.js';
import { Output } from './output.js';
import { Quota } from './quotas.js';

/**
 * Makes a machine and starts it.
 *
 * @param {LuaOptions} options
 * @returns {Promise<Machine>}
 */
export async function createMachine(options) {
  const origin = { module: await compileFrom(options.wasm, options.lua), options };
  /** @type {Store} */
  const store = options.store || new MapStore();
  return assemble(origin, store, (instance) => {
    instance.setHeapLimit(heapLimitOf(options.heapBytes));
    if (options.memoryAlias === false) instance.setMemoryAliasEnabled(0);
    if (instance.init() !== 0) throw new LuaStateError('Lua could not be started: its heap is too small', 'crashed');
    if (options.homeTableId !== undefined) instance.attachMemoryTable(options.homeTableId);
    let next = options.nextTableId || 1;
    if (store.highestId !== undefined) next = Math.max(next, store.highestId + 1);
    else for (const id of store.tableIds()) next = Math.max(next, id + 1);
    instance.syncExternalTableCounter(next);
  });
}

/**
 * Makes a machine that goes on with a snapshot.
 *
 * @param {Uint8Array} bytes
 * @param {LuaOptions} options
 * @returns {Promise<Machine>}
 * @throws {SnapshotError} and the store is as it was
 */
export async function restoreMachine(bytes, options) {
  const parts = readSnapshot(bytes);
  const origin = { module: await compileFrom(options.wasm, lineFor(parts, options)), options };
  const build = await buildOf(origin.module);
  const image = await imageOf(parts, build);
  const tables = await tablesOf(parts);
  const store = options.store || new MapStore();
  if (tables === null) checkRevision(parts, options.store);
  return assemble(origin, store, (instance) => {
    if (!applyImage(instance.bytes, build, image)) throw new SnapshotError('damaged', 'is damaged: its image is not one');
    if (tables !== null) fillStore(store, tables);
    revive(instance);
  });
}

/**
 * Finds the line of Lua that a snapshot goes on with.
 *
 * @param {Parts} parts
 * @param {LuaOptions} options
 * @returns {LuaLine | undefined} undefined if the module that is given decides, or there is no such line
 * @throws {SnapshotError} if another is asked for
 */
function lineFor(parts, { lua, wasm }) {
  const line = lineOfRelease(parts.build.luaRelease);
  if (lua === undefined) return wasm === undefined ? line : undefined;
  if (lineOf(lua) === line) return line;
  const detail = `was made by Lua ${parts.build.luaRelease}, and the option lua asks for Lua ${lua}: leave the option out; readSnapshotTables reads its external tables`;
  throw new SnapshotError('other-build', detail);
}

/**
 * Makes a copy of a machine as it is now.
 *
 * @param {Machine} machine
 * @param {LuaOptions} options where they differ
 * @returns {Promise<Machine>}
 */
export function copyMachine(machine, options) {
  const memory = machine.instance.bytes.slice(STACK_SIZE);
  const tables = copyTables(machine.store);
  const store = options.store || new MapStore();
  const { module } = machine.origin;
  if (options.lua !== undefined) checkLine(module, lineOf(options.lua));
  const origin = { module, options: Object.assign({}, machine.origin.options, options) };
  const begin = (/** @type {LuaInstance} */ instance) => {
    instance.bytes.set(memory, STACK_SIZE);
    fillStore(store, tables);
    revive(instance);
  };
  return assemble(origin, store, begin, machine);
}

/**
 * Instantiates a module and brings it to life.
 *
 * @param {Origin} origin
 * @param {Store} store
 * @param {(instance: LuaInstance) => void} begin
 * @param {Machine | null} [parent] the machine that this one is a copy of, if it is one
 * @returns {Promise<Machine>}
 */
async function assemble(origin, store, begin, parent = null) {
  const { module, options } = origin;
  // Limits are checked before anything is made.
  limitsOf(options, [0, 0, 0]);
  const quota = Quota.of(options, store);
  const undoLog = quota === null ? new UndoLog(store, rangesOf(store)) : new UndoLog(quota.counted, quota.counted, quota);
  const output = new Output(options.onPrint, options.keepOutput !== false);
  const functions = new HostFunctions(options.functions || {});
  if (parent !== null) functions.inherit(parent.functions);
  const collector = new Collector(storeBehind(store), (id) => undoLog.drop(id));
  undoLog.collector = collector;
  const host = createHost(undoLog, (piece) => output.take(piece), options, functions, collector, quota, store);
  const instance = await instantiate(module, host);
  begin(instance);
  if (quota !== null) quota.counted.measure();
  return new Machine(instance, undoLog, output, origin, functions, collector, quota);
}

/**
 * The store behind all layers, where reading takes the least time.
 *
 * @param {Store} store
 * @returns {Store}
 */
function storeBehind(store) {
  return store instanceof StoreLayer ? storeBehind(store.store) : store;
}

/**
 * Lets a machine that has the memory of another find out what its own host offers.
 *
 * @param {LuaInstance} instance
 * @throws {SnapshotError} if what it has is not the memory of a machine
 */
function revive(instance) {
  let result;
  try {
    result = instance.init();
  } catch (_trap) {
    result = -1;
  }
  if (result !== 0) throw new SnapshotError('damaged', 'is damaged: its image is not that of a machine');
}
