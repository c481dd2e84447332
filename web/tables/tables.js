/**
 * Reads and writes entries of the external tables of one machine, and keeps the objects that stand for tables.
 *
 * @import { UndoLog } from '../store/undo-log.js'
 * @import { LuaCallable } from '../values/values.js'
 */

import { Plan } from './from-plain.js';
import { stepTo } from '../values/containers.js';
import { CheckpointLog } from '../values/checkpoint-log.js';
import { Decoder, DETACHED } from '../values/decoder.js';
import { encodeLeaf, encodeValue, Writer } from '../values/encoder.js';
import { DecodeError, LuaStateError } from '../errors.js';
import { ExternalTable } from './external-table.js';
import { IdentityMap } from '../values/identity-map.js';
import { keyForm, keyOfForm, METATABLE } from '../values/key.js';
import { dropTable } from '../store/store.js';
import { ID_LIMIT, isTableId } from '../store/table-ids.js';
import { isWellFormed } from '../bytes/text.js';
import { callable, LuaFunction } from '../values/values.js';

/** The last of the ids that `_home` and `_io` begin with. No new table gets one of them. */
const LAST_FIXED_ID = 2;

/** What stands in place of a metatable where there is none. */
const NO_METATABLE = encodeValue(false);

/**
 * What tables need of their machine.
 *
 * @typedef {object} Machine
 * @property {() => void} check throws if the tables cannot be written now
 * @property {(count: number) => number} reserve takes ids for so many new tables and gives the first
 * @property {() => number} nextId the lowest id that a new table may get
 * @property {(target: LuaCallable, args: any[]) => any} call
 * @property {() => void} changed is told that tables were made
 * @property {number} homeId
 * @property {number} ioId
 */

/** Longest text that need not be measured to know that it fits. */
const SHORT_TEXT = 1000;

/** Longest encoded value that is decoded where the ones before it were. */
const SHORT_VALUE = 256;

/**
 * Tells whether a value surely can be stored, as it is: most are numbers and short texts, for which no plan is needed.
 *
 * @param {any} value
 * @returns {boolean}
 */
function isSimple(value) {
  const type = typeof value;
  return type === 'number' || type === 'boolean' || (type === 'string' && value.length <= SHORT_TEXT && isWellFormed(value));
}

/**
 * Makes an object that stands for a table or function useless: what needs to know which, fails.
 *
 * @param {object} handle
 * @param {number} id
 */
function retire(handle, id) {
  Object.defineProperty(handle, 'id', {
    get() {
      throw new LuaStateError(
        `external table ${id} was made after a checkpoint that was rolled back, so it is not there any more: make it again`,
        'rolled back',
      );
    },
    enumerable: false,
  });
}

export class Tables {
  /**
   * @param {UndoLog} store
   * @param {Machine} machine
   */
  constructor(store, machine) {
    this.store = store;
    this.machine = machine;
    /** Tables and functions that JavaScript has, by id. */
    this.objects = new IdentityMap();
    /**
     * @private
     * @type {Map<string, LuaFunction>}
     */
    this.libraryFunctions = new Map();
    /**
     * Ids of new tables that JavaScript has got objects for since the outermost checkpoint.
     *
     * @private
     */
    this.given = new CheckpointLog();
    // Making these anew for each value would cost more than the value.
    /** @private */
    this.writer = new Writer();
    /** @private */
    this.scratch = new Uint8Array(SHORT_VALUE);
    /** @private */
    this.decoder = new Decoder(
      this.scratch,
      // Nothing that lives in a machine is in a store.
      Object.assign({}, DETACHED, {
        table: (/** @type {number} */ id) => this.table(id),
        storedFunction: (/** @type {number} */ id) => this.storedFunction(id),
        libraryFunction: (/** @type {string} */ name) => this.libraryFunction(name),
      }),
    );
  }

  /**
   * Gives the object for a table; the same one for the same id.
   *
   * @param {number} id
   * @returns {ExternalTable}
   * @throws {RangeError} if no table can have the id
   */
  table(id) {
    if (!isTableId(id)) {
      throw new RangeError(`the id of an external table is an integer from 1 to ${ID_LIMIT - 1}, not ${String(id)}`);
    }
    const known = this.objects.get(id);
    if (known instanceof ExternalTable) return known;
    const table = new ExternalTable(id, this);
    this.hand(id, table);
    return table;
  }

  /**
   * Gives the object for a stored function; the same one for the same id.
   *
   * @param {number} id
   * @returns {LuaFunction}
   */
  storedFunction(id) {
    const known = this.objects.get(id);
    if (known instanceof LuaFunction) return known;
    const stored = callable(this.machine.call, '', id, this.store);
    this.hand(id, stored);
    return stored;
  }

  /**
   * Notes the object for a table or function.
   *
   * @private
   * @param {number} id
   * @param {object} handle
   */
  hand(id, handle) {
    this.objects.set(id, handle);
    if (this.given.isOpen && id >= this.given.first) this.given.add(id);
  }

  /** Begins a checkpoint. */
  checkpoint() {
    this.given.checkpoint(this.machine.nextId());
  }

  /** Ends a checkpoint and keeps what has happened. */
  commit() {
    this.given.commit();
  }

  /** Ends a checkpoint and goes back to it: the ids of tables made since will be those of others. */
  rollback() {
    const { next, entries } = this.given.rollback();
    for (const id of entries) {
      if (id < next) continue;
      const handle = this.objects.get(id);
      this.objects.delete(id);
      if (handle !== undefined) retire(handle, id);
    }
  }

  /**
   * Gives the object for a function of Lua's libraries; the same one for the same name.
   *
   * @param {string} name
   * @returns {LuaFunction}
   */
  libraryFunction(name) {
    let known = this.libraryFunctions.get(name);
    if (known === undefined) {
      known = callable(this.machine.call, name);
      this.libraryFunctions.set(name, known);
    }
    return known;
  }

  /**
   * @param {number} id
   * @returns {string} what a table is called in messages
   */
  nameOf(id) {
    if (id === this.machine.homeId) return '_home';
    return id === this.machine.ioId ? '_io' : `external table ${id}`;
  }

  /**
   * @param {number} id
   * @param {string} form of the key
   * @returns {any} the value; undefined if there is none
   */
  read(id, form) {
    const bytes = this.store.get(id, form);
    if (bytes === undefined) return undefined;
    try {
      if (bytes.length > SHORT_VALUE) return new Decoder(bytes, this.decoder.references).stored(0, bytes.length);
      this.scratch.set(bytes);
      return this.decoder.stored(0, bytes.length);
    } catch (error) {
      throw this.located(error, id, form);
    }
  }

  /**
   * @param {number} id
   * @param {string} form
   * @returns {any} the key that has the form
   * @throws {DecodeError} if none has
   */
  keyOf(id, form) {
    try {
      return keyOfForm(form);
    } catch (error) {
      throw this.located(error, id, form);
    }
  }

  /**
   * Says where a value or key is that cannot be read.
   *
   * @private
   * @param {unknown} error
   * @param {number} id
   * @param {string} form
   * @returns {unknown}
   */
  located(error, id, form) {
    if (error instanceof DecodeError) error.message = `${this.nameOf(id)}[${JSON.stringify(form)}]: ${error.message}`;
    return error;
  }

  /**
   * Sets an entry, or delete it; all or nothing.
   *
   * @param {number} id
   * @param {any} key
   * @param {any} value
   */
  assign(id, key, value) {
    const name = this.nameOf(id);
    const form = keyForm(key, name);
    this.machine.check();
    if (value === null || value === undefined) {
      // First what keeps the table: if the store fails, nothing has changed.
      if (id > LAST_FIXED_ID && this.store.size(id) === 1 && this.store.get(id, form) !== undefined) this.store.set(id, METATABLE, NO_METATABLE.slice());
      this.store.delete(id, form);
      return;
    }
    if (isSimple(value)) {
      this.writer.length = 0;
      encodeLeaf(this.writer, value, null);
      this.store.set(id, form, this.writer.finish());
      return;
    }
    const plan = this.plan(value, name + stepTo(key));
    this.write(plan, (first) => this.store.set(id, form, plan.value(first)));
    this.machine.changed();
  }

  /**
   * Makes a table of a plain object, array or `Map`.
   *
   * @param {any} initial
   * @returns {ExternalTable}
   */
  create(initial) {
    this.machine.check();
    const plan = this.plan(initial, 'initial');
    if (plan.tables === 0) throw new TypeError('the initial contents of a table have to be a plain object, an array or a Map');
    const table = this.table(this.write(plan));
    this.machine.changed();
    return table;
  }

  /**
   * Deletes all entries of a table but its metatable.
   *
   * @param {number} id
   */
  clear(id) {
    this.machine.check();
    const { store } = this;
    const metatable = store.get(id, METATABLE);
    const isEmpty = store.size(id) === 0;
    dropTable(store, id);
    // What stays takes no more than there was.
    if (metatable !== undefined) store.setUnchecked(id, METATABLE, metatable);
    else if (isEmpty) this.keep(id);
    else if (id > LAST_FIXED_ID) store.setUnchecked(id, METATABLE, NO_METATABLE.slice());
  }

  /**
   * Makes sure that the store has a table, though it be empty: something may refer to it, and its id is not for another.
   *
   * @private
   * @param {number} id
   */
  keep(id) {
    if (id > LAST_FIXED_ID && this.store.size(id) === 0) this.store.set(id, METATABLE, NO_METATABLE.slice());
  }

  /**
   * @private
   * @param {any} value
   * @param {string} path
   * @returns {Plan}
   */
  plan(value, path) {
    return new Plan(value, path, (part) => Boolean(part && part.store) && part.store !== this.store);
  }

  /**
   * Writes the tables of a plan, and what comes last; all or nothing.
   *
   * @private
   * @param {Plan} plan
   * @param {(first: number) => void} [last]
   * @returns {number} id of the first table
   */
  write(plan, last) {
    const count = plan.tables;
    const first = count === 0 ? 0 : this.machine.reserve(count);
    try {
      for (const id of plan.references) this.keep(id);
      plan.write(this.store, first);
      for (let id = first; id < first + count; id++) this.keep(id);
      if (last !== undefined) last(first);
    } catch (error) {
      for (let id = first; id < first + count; id++) dropTable(this.store, id);
      throw error;
    }
    return first;
  }
}
