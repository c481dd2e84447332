// Runs the random programs of table-programs.js on machines, and compares with the model, after each call, what the store
// holds.

import assert from 'node:assert/strict';

import { Lua, MapStore } from '../../../web/lua-persistent.js';
import { compute, instantiate, part } from './documented-host.js';
import { Counter, encode, reachable } from './table-model.js';
import { Lost, PRELUDE, Programs, World } from './table-programs.js';
import { random } from './random.js';

/** How many seeds a test runs: its own, or `TABLE_TRIALS` times as many, beginning behind `TABLE_SEED`. */
export function seeds(count, first = 1) {
  const from = Number(process.env.TABLE_SEED || 0);
  return Array.from({ length: count * Number(process.env.TABLE_TRIALS || 1) }, (_, index) => from + first + index);
}

/**
 * A machine that runs programs.
 *
 * @typedef {object} Machine
 * @property {(code: string) => string} run gives the first result, or throws an error with Lua's message
 * @property {(id: number) => [string, Uint8Array][]} entriesOf
 * @property {(id: number, form: string, bytes: Uint8Array | null) => void} alter changes the store behind the machine's back
 * @property {() => void} close
 * @property {Lua} [lua]
 * @property {string[]} [without] operations that it cannot do
 */

/** The entries of tables of a store. */
export const reading = (store) => (id) => Array.from(store.keys(id), (key) => [key, store.get(id, key)]);

const altering = (store) => (id, form, bytes) => {
  if (bytes === null) store.delete(id, form);
  else store.set(id, form, bytes);
};

/** A machine around an object of the package. */
export function wrapped(lua) {
  return {
    lua,
    run: (code) => lua.compute(code).value,
    entriesOf: (id) => reading(lua.store)(id),
    alter: (...change) => altering(lua.store)(...change),
    close: () => lua.close(),
  };
}

/** Machines of the package, on one store: `trial` is who is told what the host's function gets. */
export const onStore = (store = new MapStore(), options = {}) => async (trial) => wrapped(await Lua.create({ store, ...options, functions: { host: (text) => trial.inHost(text) } }));

/** Machines on a host with the five imports. */
export const onDocumentedHost = (overrides = () => ({})) => {
  const kept = new Map();
  return async () => {
    const instance = instantiate(overrides(kept));
    for (const [id, table] of kept) instance.tables.set(id, table);
    assert.equal(instance.exports.init(), 0);
    if (kept.size > 0) instance.exports.sync_external_table_counter(Math.max(...kept.keys()) + 1);
    return {
      without: ['host'],
      run(code) {
        const { error, value, resultLen } = compute(instance, code);
        if (resultLen < 0) throw new Error(part(instance, 2)?.toString() ?? error);
        return value;
      },
      entriesOf: (id) => [...(instance.tables.get(id) ?? [])],
      alter(id, form, bytes) {
        if (!instance.tables.has(id)) instance.tables.set(id, new Map());
        if (bytes === null) instance.tables.get(id).delete(form);
        else instance.tables.get(id).set(form, bytes);
      },
      close() {
        instance.exports.deinit();
        for (const [id, table] of instance.tables) kept.set(id, table);
      },
    };
  };
};

/** What an operation says that failed because the host did, or for want of memory. */
const HOST_FAILED = /^E.*(the host failed|cannot walk|out of order|the disk is full|not enough memory|stack overflow|limit of)/s;

/** A run of programs with a model. */
export class Trial {
  /**
   * @param {number} seed
   * @param {(trial: Trial) => Promise<Machine>} create makes a machine
   * @param {object} [options]
   * @param {number} [options.machines] on the same store
   * @param {boolean} [options.alters] whether the store is changed from outside, between calls and inside them
   * @param {string[]} [options.without] kinds of operations to leave out
   * @param {number} [options.large] most entries that an operation adds
   * @param {number} [options.most] operations of a call
   * @param {boolean} [options.writesBack] whether an operation that fails may be one that writes what others have changed
   */
  constructor(seed, create, { machines = 1, alters = false, without = [], large, most = 25, writesBack = false } = {}) {
    this.seed = seed;
    this.create = create;
    this.count = machines;
    this.alters = alters;
    this.without = without;
    this.large = large;
    this.most = most;
    this.writesBack = writesBack;
    this.below = random(seed * 7919 + 17);
    this.world = new World(machines);
    this.calls = 0;
    this.failures = 0;
  }

  async begin() {
    this.machines = [];
    for (let at = 0; at < this.count; at++) this.machines.push(await this.make());
    this.programs = new Programs(this.seed, { without: [...this.without, ...(this.machines[0].without ?? [])], large: this.large });
    return this;
  }

  async make() {
    const machine = await this.create(this);
    machine.run(PRELUDE);
    return machine;
  }

  /** Closes a machine and goes on with another on the same store, which knows nothing but that. */
  async reopen(at = 0) {
    this.machines[at].close();
    this.machines[at] = await this.make();
    this.world.forget(at);
    this.check(at, 'after reopening');
  }

  /** What a call does: its operations, and how they end or are wrapped. */
  plan(count) {
    const operations = this.programs.call(count);
    return { operations, kind: this.below(10), middle: this.below(operations.length) };
  }

  /** A call of some operations on one of the machines. `failing`: whether the host may fail. */
  call(at = this.below(this.count), { failing = false, count = 1 + this.below(this.most), plan = this.plan(count) } = {}) {
    const { operations, kind, middle } = plan;
    const machine = this.machines[at];
    const lines = operations.map((operation, n) => `T(${n}, function() ${operation.lua} end)`);
    // Errors in the middle, caught or not, and coroutines.
    if (kind === 0) lines.splice(middle, lines.length - middle, `error('in the middle')`);
    if (kind === 1) lines.splice(0, middle, `pcall(function() ${lines.slice(0, middle).join(' ')} error('in the middle') end)`);
    if (kind === 2) lines.splice(0, middle, `coroutine.wrap(function() ${lines.slice(0, middle).join(' ')} end)()`);
    this.calls++;
    this.now = { at, operations, done: 0, failing, isLost: false, error: null, where: `seed ${this.seed}, call ${this.calls}` };
    this.inCall = true;
    const code = `BEGIN(${this.calls}, {${this.world.lists.join(',')}})\n${lines.join('\n')}\nreturn table.concat(L, '\\n')`;
    if (process.env.TABLE_SHOW === `${this.seed}:${this.calls}`) console.log(code);
    let thrown = null;
    let text;
    try {
      text = machine.run(code);
    } catch (error) {
      thrown = error;
    }
    this.inCall = false;
    if (this.now.error) throw this.now.error;
    return { thrown, text, at, code };
  }

  /** As `call`, and all that it did is compared. Gives what was thrown. */
  step(at, options) {
    const done = this.call(at, options);
    const { thrown } = done;
    const isExpected = thrown === null || /in the middle/.test(thrown.message) || (options?.failing && HOST_FAILED.test(`E${thrown.message}`));
    if (!isExpected) throw new Error(`${this.now.where}: ${thrown.message}\n${done.code}`, { cause: thrown });
    this.apply(done.text ?? this.lines(done.at));
    if (this.now.isLost) this.reset();
    this.check(done.at, `${this.now.where}, at its end`);
    return thrown;
  }

  /** What a call has left that was ended by an error, which may have been its first. */
  lines(at) {
    return this.machines[at].run(`return CALL == ${this.calls} and table.concat(L, '\\n') or ''`);
  }

  /** Lets the model do what lines say was done. */
  apply(text) {
    const { operations, at, failing, where } = this.now;
    const lines = text === '' ? [] : text.split('\n').filter((line) => line !== '?');
    for (; this.now.done < lines.length && !this.now.isLost; this.now.done++) {
      const [, n, line] = /^(\d+):(.*)$/s.exec(lines[this.now.done]);
      const operation = operations[n];
      const { handles, walks } = this.world.machines[at];
      const context = { world: this.world, handles, walks, line, where: `${where}, operation ${n} (${operation.kind}): ${operation.lua}\n` };
      try {
        if (failing && HOST_FAILED.test(line)) {
          this.failures++;
          this.failed(operation, context);
        } else {
          if (line.startsWith('E') && !operation.mayFail) assert.fail(`${context.where}${line}`);
          operation.apply(context);
        }
      } catch (error) {
        if (!(error instanceof Lost)) throw error;
        this.now.isLost = true;
      }
    }
  }

  /** After an operation of many steps that failed nobody but the store knows how far it came. */
  failed(operation, context) {
    if (this.writesBack || operation.kind === 'stepWalk' || operation.kind.startsWith('new') || (operation.touches?.(context) ?? []).some((table) => table !== null)) throw new Lost();
  }

  /** Begins to know anew what the tables hold. */
  reset() {
    this.world = new World(this.count);
    for (const machine of this.machines) machine.run("H, W, LISTS = {}, {}, setmetatable({}, { __mode = 'k' })");
    this.world.home.isUnknown = true;
  }

  /** Compares the store with the model. */
  check(at, where, options) {
    try {
      return this.world.compare(this.machines[at].entriesOf, options);
    } catch (error) {
      error.message = `${where}: ${error.message}`;
      throw error;
    }
  }

  /** The host's function: what is written so far has to be in the store, and may be changed there. */
  inHost(text) {
    if (!this.inCall) return;
    try {
      this.apply(text);
      if (this.now.isLost) return;
      if (!this.now.failing) this.check(this.now.at, `${this.now.where}, in the host`, { variables: false });
      if (this.alters && this.below(2) === 0) this.alter(this.now.at);
    } catch (error) {
      this.now.error ??= error;
    }
  }

  /** Changes a few entries in the store. */
  alter(at) {
    const { world } = this;
    const tables = [...reachable([world.home])].filter((table) => world.ids.byTable.has(table) && !table.isList && !table.isUnknown);
    for (let n = 1 + this.below(4); n > 0; n--) {
      const table = tables[this.below(tables.length)];
      const id = world.ids.byTable.get(table);
      const forms = [...table.entries.keys()].filter((form) => !(table.entries.get(form)[1] instanceof Counter));
      if (this.below(3) > 0 || forms.length === 0) {
        const form = `k${this.below(14)}`;
        if (table.entries.get(form)?.[1] instanceof Counter) continue;
        const value = this.programs.plain();
        this.machines[at].alter(id, form, encode(value));
        table.set(form, value);
      } else {
        const form = forms[this.below(forms.length)];
        const [key] = table.entries.get(form);
        // As the guest does: a table without entries has a mark.
        if (table.entries.size === 1 && table.meta === null) this.machines[at].alter(id, '[meta]', encode(false));
        this.machines[at].alter(id, form, null);
        table.set(key, null);
      }
    }
  }

  /** Reads all tables in Lua, and compares them with the model. */
  read(at = 0) {
    const { world } = this;
    const machine = this.machines[at];
    for (const table of this.check(at, 'before reading')) {
      const id = world.ids.byTable.get(table);
      const text = machine.run(`local t, lines, n = ext.attach(${id}), {}, 0 for k, v in next, t do n = n + 1 lines[n] = S(k) .. '=' .. S(v) end return JOIN(lines)`);
      world.sameLines(text, [...table.entries.values()], `seed ${this.seed}, after call ${this.calls}: table ${id} as Lua reads it`);
    }
  }

  /** Lets everything go but `_home`: only its tables are left in the store. */
  collect(storeIds) {
    for (const [at, machine] of this.machines.entries()) {
      machine.run('H, W, L, KEPT = {}, {}, {}, {}');
      this.world.forget(at);
    }
    for (const machine of this.machines) machine.run('collectgarbage() collectgarbage()');
    // What a call used lately may stay until the next one.
    for (let round = 0; round < 2; round++) this.machines[0].run('ext.collect() return 1');
    const reached = this.check(0, 'after collecting');
    const functions = [...reached].flatMap((table) => table.values()).filter((value) => value instanceof Counter);
    const cells = new Set(functions.map(({ variable }) => variable));
    const left = [...storeIds()].filter((id) => this.machines[0].entriesOf(id).length > 0);
    const most = reached.size + functions.length + cells.size;
    assert.ok(left.length <= most && left.length >= reached.size - 1, `seed ${this.seed}: ${left.length} tables are left, ${reached.size} of them are reached and ${functions.length} functions`);
  }

  end() {
    for (const machine of this.machines) machine.close();
  }
}
