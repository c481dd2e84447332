/**
 * Puts a machine together: the instance of the module and what serves it in JavaScript.
 *
 * @import { LuaInstance } from '../loader.js'
 * @import { Session } from '../persist/session.js'
 * @import { Collector } from '../store/collector.js'
 * @import { UndoLog } from '../store/undo-log.js'
 * @import { Live } from '../values/encoder.js'
 * @import { HostFunctions } from './host-functions.js'
 * @import { CollectOptions, CollectStep, MachineStats, Origin, Target } from './options.js'
 * @import { Output } from './output.js'
 * @import { Quota } from './quotas.js'
 */

import { LuaError } from '../errors.js';
import { Checkpoints } from '../image/checkpoint.js';
import { ID_LIMIT } from '../store/table-ids.js';
import { Tables } from '../tables/tables.js';
import { Decoder } from '../values/decoder.js';
import { Calls } from './calls.js';
import { Collection } from './collection.js';
import { Guard } from './guard.js';
import { Heap } from './heap.js';
import { HeldValues } from './held-values.js';
import { IoBuffer } from './io-buffer.js';
import { Lifetime } from './lifetime.js';
import { LimitSetter } from './limits.js';
import { Programs } from './program.js';
import { Replies } from './replies.js';
import { Requests } from './requests.js';

/** How far ahead of new tables an id may lie that they are kept from. */
const NEAR_IDS = 1 << 16;

/** A machine. */
export class Machine {
  /**
   * @param {LuaInstance} instance which has been started
   * @param {UndoLog} store
   * @param {Output} output
   * @param {Origin} origin
   * @param {HostFunctions} functions
   * @param {Collector} collector of the store
   * @param {Quota | null} quota
   */
  constructor(instance, store, output, origin, functions, collector, quota) {
    const guard = new Guard(output);
    const buffer = new IoBuffer(instance);
    const call = (/** @type {Target} */ target, /** @type {any[]} */ args) => this.call(target, args);
    const release = (/** @type {number} */ number) => instance.releaseValue(number);
    const held = new HeldValues({ call, release, isOpen: () => guard.obstacle === '' });
    /** @type {Live} */
    const live = { store, encode: (writer, value) => held.encode(writer, value) || functions.encode(writer, value) };
    this.instance = instance;
    this.store = store;
    this.output = output;
    this.origin = origin;
    this.quota = quota;
    this.functions = functions;
    this.guard = guard;
    this.held = held;
    this.heap = new Heap(instance, buffer, guard, held);
    this.tables = new Tables(store, {
      check: () => guard.check(),
      reserve: (count) => this.reserve(count),
      nextId: () => instance.getExternalTableCounter(),
      call,
      changed: () => this.collection.idle(),
      homeId: instance.getMemoryTableId(),
      ioId: instance.getIoTableId(),
    });
    this.checkpoints = new Checkpoints(instance, store, [functions, held, this.tables]);
    const decoder = this.decoder();
    const limits = new LimitSetter(instance, origin.options);
    const requests = new Requests(instance, buffer, live, guard);
    const replies = new Replies(instance, { buffer, guard, output, decoder, held, functions });
    const { heap, checkpoints } = this;
    const transactional = Boolean(origin.options.transactional);
    this.calls = new Calls(instance, { buffer, guard, heap, held, output, limits, requests, replies, checkpoints, transactional });
    this.programs = new Programs(this.calls);
    const { calls, tables } = this;
    this.collection = new Collection(instance, origin.options, { collector, calls, guard, heap, output, tables, checkpoints });
    calls.idle = () => this.collection.idle();
    this.lifetime = new Lifetime(instance, guard, limits);
    functions.machine = {
      view: instance.view,
      live,
      decode: (start, end) => decoder.all(start, end),
      enter: () => guard.enter(),
      leave: () => guard.leave(),
      lastError: () => replies.innerError,
    };
  }

  /**
   * Makes the decoder of what lies in the module's memory.
   *
   * @private
   * @returns {Decoder}
   */
  decoder() {
    const { tables, held, functions } = this;
    return new Decoder(this.instance.bytes, {
      table: (id) => tables.table(id),
      storedFunction: (id) => tables.storedFunction(id),
      libraryFunction: (name) => tables.libraryFunction(name),
      held: (type, number, text) => held.held(type, number, text),
      hostFunction: (number) => functions.get(number) || null,
    });
  }

  /**
   * Calls a Lua function.
   *
   * @param {Target} target
   * @param {any[]} args
   * @returns {any} the first of its results, null if there are none
   */
  call(target, args) {
    const { values } = this.calls.invoke(target, args);
    return values.length === 0 ? null : values[0];
  }

  /**
   * Takes ids for new external tables.
   *
   * @private
   * @param {number} count
   * @returns {number} the first of them
   */
  reserve(count) {
    const { instance, store } = this;
    let first = instance.getExternalTableCounter();
    // Ids that the store has already are passed over, though the counter should be above them.
    for (let id = first; id < first + count; id++) {
      if (id >= ID_LIMIT) throw new RangeError(`${count} new tables are more than there are ids left`);
      if (store.size(id) > 0) first = id + 1;
    }
    instance.syncExternalTableCounter(first + count);
    return first;
  }

  /**
   * Gives the object for a table, and keeps new tables from its id.
   *
   * @param {number} id
   */
  table(id) {
    const { guard, instance } = this;
    if (guard.obstacle === 'running') guard.check();
    const table = this.tables.table(id);
    // An id that is far off would use up all between; when the counter comes there, it passes over what the store has.
    if (guard.obstacle === '' && id - instance.getExternalTableCounter() < NEAR_IDS) instance.syncExternalTableCounter(id + 1);
    return table;
  }

  /** Deletes everything in `_io`. */
  clearIo() {
    const { instance } = this;
    this.guard.check();
    instance.takeThrown();
    if (instance.clearIoTable() === 0) return;
    const thrown = instance.takeThrown();
    throw new LuaError('the store failed to clear _io', { cause: thrown === null ? undefined : thrown.error });
  }

  /** Collects all garbage of Lua, with what JavaScript has released. */
  gc() {
    const { calls, held } = this;
    this.guard.checkOutside();
    calls.begin();
    held.reclaim(held.isMany());
    this.heap.collect();
  }

  /**
   * Frees the external tables that nothing reaches.
   *
   * @param {CollectOptions} [options]
   * @returns {number | CollectStep} how many tables that were
   */
  collect({ milliseconds } = {}) {
    this.guard.check();
    return milliseconds === undefined ? this.collection.whole() : this.collection.step(milliseconds);
  }

  /** @returns {MachineStats} */
  stats() {
    this.guard.check();
    const stats = this.heap.stats();
    return this.quota === null ? stats : Object.assign(stats, this.quota.used());
  }

  /**
   * Has a session keep the external tables.
   *
   * @param {Session} session
   */
  keep(session) {
    session.skippedId = this.tables.machine.ioId;
    session.currentMeta = () => this.lifetime.meta();
    this.lifetime.session = session;
    this.calls.observer = session;
  }
}
