/**
 * Collects the external tables of one machine: when it is asked to, and by itself after calls, in steps, once the number of tables
 * may have doubled.
 *
 * @import { LuaInstance } from '../loader.js'
 * @import { Checkpoints } from '../image/checkpoint.js'
 * @import { Collector } from '../store/collector.js'
 * @import { Tables } from '../tables/tables.js'
 * @import { Calls } from './calls.js'
 * @import { Guard } from './guard.js'
 * @import { Heap } from './heap.js'
 * @import { CollectStep, LuaOptions } from './options.js'
 * @import { Output } from './output.js'
 */

import { COLLECT_DONE, COLLECT_ROOTS } from '../loader.js';

/** Fewest new tables after which it is worth to look for garbage. */
const FLOOR = 10000;

/** Most tables that a machine is taken to begin with, as all that is known is how many ids were given. */
const MOST_AT_FIRST = 1 << 24;

/** Milliseconds of a step that the machine does by itself, and the part of the time since the one before. */
const LEAST_STEP = 1;
const MOST_STEP = 10;
const SHARE = 1 / 8;

/** Instructions of a collection beside those for the heap: finding the functions that are alive. */
const COLLECTING = 1 << 16;

/** Most instructions that a limit can be of. */
const MOST_TICKS = 0xffffffff;

/** How many ids there are, one after the other in a circle. */
const ALL_IDS = 2 ** 32;

/**
 * @typedef {object} CollectionParts
 * @property {Collector} collector
 * @property {Calls} calls
 * @property {Guard} guard
 * @property {Heap} heap
 * @property {Output} output
 * @property {Tables} tables
 * @property {Checkpoints} checkpoints
 */

/** The collections of one machine. */
export class Collection {
  /**
   * @param {LuaInstance} instance
   * @param {LuaOptions} options
   * @param {CollectionParts} parts of the same machine
   */
  constructor(instance, options, { collector, calls, guard, heap, output, tables, checkpoints }) {
    /** @private */
    this.instance = instance;
    /** @private */
    this.options = options;
    /** @private */
    this.collector = collector;
    /** @private */
    this.calls = calls;
    /** @private */
    this.guard = guard;
    /** @private */
    this.heap = heap;
    /** @private */
    this.output = output;
    /** @private */
    this.tables = tables;
    /** @private */
    this.checkpoints = checkpoints;
    /**
     * Whether garbage is collected without being asked for. A table of a store may be `_home` of this machine, and others those of
     * other machines.
     *
     * @private
     */
    this.isAutomatic = options.collect !== undefined ? options.collect : options.store === undefined || options.homeTableId === undefined;
    const counter = instance.getExternalTableCounter();
    /**
     * The counter of ids at the end of the collection before.
     *
     * @private
     */
    this.counter = counter;
    /**
     * How many ids may be given from then on before the next one begins by itself.
     *
     * @private
     */
    this.enough = Math.max(FLOOR, Math.min(counter, MOST_AT_FIRST));
    /**
     * When the step before ended.
     *
     * @private
     */
    this.stepped = 0;
    collector.nextId = () => instance.getExternalTableCounter();
    collector.forEachHeld = (visit) => {
      for (const id of tables.objects.numbers()) if (tables.objects.get(id) !== undefined) visit(id);
    };
  }

  /**
   * Frees the tables that nothing reaches.
   *
   * @returns {number} how many tables that were
   */
  whole() {
    const [freed] = this.ask([]);
    this.ended();
    return freed;
  }

  /**
   * Does a part of that.
   *
   * @param {number} milliseconds
   * @returns {CollectStep}
   */
  step(milliseconds) {
    if (typeof milliseconds !== 'number' || !(milliseconds >= 0)) {
      throw new RangeError(`milliseconds has to be a number that is not negative, not ${String(milliseconds)}`);
    }
    const [done, freed] = this.ask(['step', Math.min(Math.ceil(milliseconds), MOST_TICKS)]);
    if (done) this.ended();
    else this.collector.isAsked = true;
    return { done, freed };
  }

  /** Goes on with a collection after a call, or begins one, if it is time. Failures wait for a collection that is asked for. */
  idle() {
    const { collector, guard } = this;
    if (!this.isAutomatic || guard.depth > 0 || guard.obstacle !== '') return;
    // Whoever collects in steps waits for the last one.
    if ((!collector.isActive || collector.isAsked) && this.made() < this.enough) return;
    collector.isAsked = false;
    // What a rollback brings back would be gone.
    if (this.checkpoints.depth > 0) return;
    const now = performance.now();
    const milliseconds = Math.min(MOST_STEP, Math.max(LEAST_STEP, (now - this.stepped) * SHARE));
    try {
      collector.isCharged = false;
      let state = collector.step(false, milliseconds).state;
      if (state === COLLECT_ROOTS) state = this.askQuietly(milliseconds) ? COLLECT_DONE : state;
      if (state === COLLECT_DONE) this.ended();
    } catch (_error) {
      collector.abandon();
      this.ended();
    } finally {
      collector.isCharged = true;
    }
    this.stepped = performance.now();
  }

  /**
   * @private
   * @returns {number} ids that were given since the last collection
   */
  made() {
    const made = this.instance.getExternalTableCounter() - this.counter;
    return made < 0 ? made + ALL_IDS : made;
  }

  /**
   * Notes that a collection has ended.
   *
   * @private
   */
  ended() {
    this.counter = this.instance.getExternalTableCounter();
    this.enough = Math.max(FLOOR, this.collector.alive);
  }

  /**
   * Has Lua hand over what is alive there, and then the collector go on, inside a call of `ext.collect`: nothing runs in between.
   * The limits of calls are for the finalizers that run before.
   *
   * @private
   * @param {any[]} args
   * @returns {any[]}
   */
  ask(args) {
    const { calls, collector, tables } = this;
    const { instructions } = this.options;
    const limits = {};
    if (instructions !== undefined && instructions !== Infinity) {
      limits.instructions = Math.min(instructions + COLLECTING + this.heap.stats().luaMemoryUsed, MOST_TICKS);
    }
    collector.isCharged = false;
    try {
      return calls.invokeNow(tables.libraryFunction('ext.collect'), args, limits).values;
    } finally {
      collector.isCharged = true;
    }
  }

  /**
   * Asks for a step after a call whose results nobody has seen yet.
   *
   * @private
   * @param {number} milliseconds
   * @returns {boolean} whether the collection has come to its end
   */
  askQuietly(milliseconds) {
    const { output } = this;
    const { count } = output;
    try {
      return this.ask(['step', Math.ceil(milliseconds)])[0];
    } finally {
      output.count = count;
    }
  }
}
