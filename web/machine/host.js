/**
 * Makes the host of a module: answers what Lua asks for from a store, JavaScript functions, modules and the system.
 *
 * @import { Host, Services } from '../loader.js'
 * @import { RangeStore, Store } from '../store/store.js'
 * @import { Collector } from '../store/collector.js'
 * @import { UndoLog } from '../store/undo-log.js'
 * @import { HostFunctions } from './host-functions.js'
 * @import { Modules } from './modules.js'
 * @import { Quota } from './quotas.js'
 */

import { batchServices } from './batch-services.js';
import { Changes } from './changes.js';
import { KeyPages } from '../store/key-pages.js';
import { isPlain } from '../store/map-store.js';
import { moduleService } from './modules.js';
import { dropTable, MAX_VALUE_LENGTH, StoreRanges } from '../store/store.js';
import { TablePages } from '../store/table-pages.js';
import { keyBytes } from '../bytes/text.js';

/**
 * What Lua may ask for besides tables.
 *
 * @typedef {object} Environment
 * @property {() => { unixSeconds: number, cpuSeconds: number }} [clock] for `os.time` and `os.clock`
 * @property {(unixSeconds: number) => number} [utcOffset] seconds that local time is ahead of UTC at an instant
 * @property {() => { low: bigint, high: bigint }} [entropy] 128 random bits, for the seed of `math.random`
 * @property {Modules} [modules] what `require` finds
 */

/** Milliseconds of a collection that goes on to its end. */
const UNLIMITED = 0xffffffff;

/** @returns {{ unixSeconds: number, cpuSeconds: number }} */
function systemClock() {
  return { unixSeconds: Date.now() / 1000, cpuSeconds: performance.now() / 1000 };
}

/**
 * @param {number} unixSeconds
 * @returns {number}
 */
function systemUtcOffset(unixSeconds) {
  const minutes = new Date(unixSeconds * 1000).getTimezoneOffset();
  return Number.isNaN(minutes) ? 0 : -60 * minutes;
}

/**
 * A seed for `math.random` need not be a secret, and in Node the first use of `crypto` costs a tenth of a start.
 *
 * @returns {{ low: bigint, high: bigint }}
 */
function systemEntropy() {
  const words = Uint32Array.from({ length: 4 }, () => Math.random() * 0x100000000);
  const [low, high] = new BigUint64Array(words.buffer);
  return { low, high };
}

/**
 * Gives the imports a store that works on ranges: the store itself if it can, else a layer over it.
 *
 * @param {Store} store
 * @returns {RangeStore}
 */
export function rangesOf(store) {
  return isPlain(store) ? store : new StoreRanges(store);
}

/**
 * Makes the loader's host.
 *
 * @param {Store & RangeStore} store
 * @param {(data: Uint8Array) => void} output takes what a program prints; the bytes are valid only during the call
 * @param {Environment} environment what the system answers by default
 * @param {HostFunctions} functions
 * @param {Collector} collector
 * @param {Quota | null} quota
 * @param {Store} [base] the store that all layers lie over
 * @returns {Host}
 */
export function createHost(store, output, environment, functions, collector, quota, base = store) {
  const keyPages = new KeyPages((tableId) => store.keys(tableId));
  const changes = new Changes(base);
  const tables = new TablePages(store);
  const utcOffset = environment.utcOffset || systemUtcOffset;
  /** @type {Host['set']} */
  const set = (tableId, memory, keyStart, keyEnd, start, end) => {
    store.setRange(tableId, memory, keyStart, keyEnd, start, end);
    return 0;
  };
  /** @type {Host['delete']} */
  const remove = (tableId, memory, keyStart, keyEnd) => {
    store.deleteRange(tableId, memory, keyStart, keyEnd);
    return 0;
  };
  const drop = (/** @type {number} */ tableId) => dropTable(store, tableId);
  // What nothing reaches, Lua has nothing of: it need not read anew what it has.
  collector.drop = changes.counting(drop);
  const batches = batchServices(/** @type {UndoLog} */ (store), base, keyPages, changes, quota !== null);
  /** @type {Services} */
  const services = {
    clock: environment.clock || systemClock,
    utcOffset: (unixSeconds) => ({ seconds: utcOffset(unixSeconds) }),
    entropy: environment.entropy || systemEntropy,
    output,
    keys: (tableId, cursor, room) => keyPages.page(tableId, cursor, room),
    closeCursor: (cursor) => keyPages.close(cursor),
    drop: changes.counting(drop),
    call: (memory, start, end, replyStart, replyEnd) => functions.call(memory, start, end, replyStart, replyEnd),
    rest: () => functions.takeRest(),
    release: (number) => functions.release(number),
    findFunction: (name) => functions.find(name),
    roots: (list, ids) => collector.takeRoots(list, ids),
    collect: (complete, milliseconds) => collector.step(complete === 1, milliseconds === UNLIMITED ? Infinity : milliseconds),
    tables: (cursor, room) => tables.page(cursor, room),
    failure: quota === null ? undefined : () => quota.takeReason(),
    module: environment.modules === undefined ? undefined : moduleService(environment.modules),
  };
  return {
    maxValueLength: MAX_VALUE_LENGTH,
    continues: functions.continues,
    set: changes.counting(quota === null ? set : quota.explaining(set)),
    get(tableId, memory, keyStart, keyEnd, start, end) {
      return store.getRange(tableId, memory, keyStart, keyEnd, start, end);
    },
    delete: changes.counting(remove),
    size(tableId) {
      return store.size(tableId);
    },
    keys(tableId, memory, start, end) {
      const list = keyBytes(Array.from(store.keys(tableId)).join('\n'));
      if (list.length > end - start) return -list.length;
      memory.set(list, start);
      return list.length;
    },
    services: Object.assign(services, batches),
  };
}
