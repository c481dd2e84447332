// Random programs over external tables do what a model says, whatever store, heap and life the machine has: results, the order
// of keys, what the store holds after each call and while the host's functions run, and what a new machine reads from it.
//
// TABLE_TRIALS=20 runs twenty times as many programs, TABLE_SEED=1000 others; TABLE_SHOW=7:12 prints call 12 of seed 7.

import assert from 'node:assert/strict';
import test from 'node:test';

import { Lua, MapStore, MemoryBackend } from '../../../web/lua-persistent.js';
import { PlainStore } from '../support/stores.js';
import { onDocumentedHost, onStore, seeds, Trial, wrapped } from '../support/table-trials.js';

const CALLS = 24;

/** Runs a trial: calls, with machines that are made anew now and then. */
async function run(trial, { calls = CALLS, between = () => {}, reopens = 15 } = {}) {
  for (let n = 0; n < calls; n++) {
    trial.step();
    await between(trial);
    if (trial.below(reopens) === 0) await trial.reopen(trial.below(trial.count));
  }
  trial.read();
}

/** What every trial ends with: garbage is freed, and a new machine reads the same. */
async function finish(trial, store) {
  trial.collect(() => store.tableIds());
  await trial.reopen();
  trial.read();
  trial.end();
}

const STORES = {
  'the store in memory': [() => new MapStore(), {}],
  'a store with a quota': [() => new MapStore(), { tableBytes: 1e9 }],
  'a store of the embedder': [() => new PlainStore(), {}],
};

for (const [name, [create, options]] of Object.entries(STORES)) {
  test(`random programs on ${name}`, async () => {
    for (const seed of seeds(2)) {
      const store = create();
      const trial = await new Trial(seed, onStore(store, options)).begin();
      await run(trial);
      await finish(trial, store);
    }
  });

  test(`random programs on ${name}, which is changed from outside`, async () => {
    for (const seed of seeds(2, 100)) {
      const store = create();
      const trial = await new Trial(seed, onStore(store, options), { alters: true }).begin();
      await run(trial, { between: () => trial.below(3) === 0 && trial.alter(0) });
      await finish(trial, store);
    }
  });
}

test('random programs with a host of five functions', async () => {
  for (const seed of seeds(2, 200)) {
    const trial = await new Trial(seed, onDocumentedHost(), { alters: true, large: 300 }).begin();
    await run(trial, { between: () => trial.below(4) === 0 && trial.alter(0) });
    trial.end();
  }
});

test('random programs that pause every few ticks', async () => {
  for (const seed of seeds(2, 300)) {
    const store = new MapStore();
    const create = onStore(store);
    const paused = async (trial) => {
      const machine = await create(trial);
      const ticks = 1 + trial.below(40);
      return {
        ...machine,
        run(code) {
          machine.lua.start(code);
          for (;;) {
            const step = machine.lua.step(ticks);
            if (step.done) return step.value;
          }
        },
      };
    };
    const trial = await new Trial(seed, paused, { large: 200 }).begin();
    await run(trial);
    await finish(trial, store);
  }
});

test('random programs in a heap that is hardly large enough', async () => {
  for (const seed of seeds(3, 400)) {
    const store = new MapStore();
    const trial = await new Trial(seed, onStore(store, { heapBytes: 160 * 1024 }), { large: 150, most: 8, without: ['defineCounter', 'callCounter'] }).begin();
    for (let n = 0; n < CALLS; n++) {
      trial.step(0, { failing: true });
      if (trial.below(15) === 0) await trial.reopen();
    }
    trial.read();
    await finish(trial, store);
  }
});

test('random programs of two machines on one store', async () => {
  for (const seed of seeds(2, 500)) {
    const store = new MapStore();
    // An empty table that nothing stored refers to is known to its machine alone, and so is a metatable that it has read.
    const trial = await new Trial(seed, onStore(store), { machines: 2, without: ['newTable', 'defineCounter', 'callCounter', 'collect', 'stepWalk', 'setmetatable'] }).begin();
    await run(trial);
    trial.read(1);
    await trial.reopen();
    trial.read();
    trial.end();
  }
});

test('random programs that are rolled back to checkpoints', async () => {
  for (const seed of seeds(2, 600)) {
    const store = new MapStore();
    const trial = await new Trial(seed, onStore(store)).begin();
    const worlds = [];
    await run(trial, {
      reopens: 1e9,
      between() {
        const { lua } = trial.machines[0];
        const choice = trial.below(5);
        if (choice === 0 && worlds.length < 4) {
          lua.checkpoint();
          worlds.push(trial.world.copy());
        } else if (choice === 1 && worlds.length > 0) {
          lua.rollback();
          trial.world = worlds.pop();
          trial.check(0, 'after a rollback');
        } else if (choice === 2 && worlds.length > 0) {
          lua.commit();
          worlds.pop();
        }
      },
    });
    for (; worlds.length > 0; worlds.pop()) trial.machines[0].lua.commit();
    await finish(trial, store);
  }
});

test('random programs in a transactional machine: a call that throws has done nothing', async () => {
  for (const seed of seeds(2, 700)) {
    const store = new MapStore();
    const trial = await new Trial(seed, onStore(store, { transactional: true }), { alters: true }).begin();
    for (let n = 0; n < CALLS; n++) {
      const before = trial.world.copy();
      const { thrown, text } = trial.call();
      if (thrown === null) trial.apply(text);
      else {
        assert.match(thrown.message, /in the middle/);
        trial.world = before;
      }
      if (trial.now.isLost) trial.reset();
      trial.check(0, `seed ${seed}, call ${n + 1}`);
    }
    trial.read();
    await finish(trial, store);
  }
});

test('random programs that go on from snapshots, with another store', async () => {
  for (const seed of seeds(2, 800)) {
    const trial = await new Trial(seed, onStore()).begin();
    for (let n = 0; n < CALLS; n++) {
      trial.step();
      if (trial.below(4) > 0) continue;
      const { lua } = trial.machines[0];
      const snapshot = lua.snapshot({ compress: false });
      // The machine that was left does something else meanwhile.
      if (trial.below(2) === 0) lua.compute('_home.k1 = { "elsewhere" } for k, v in next, _home do if type(v) == "table" then rawset(v, "elsewhere", true) end end');
      lua.close();
      const next = await Lua.restore(snapshot, { functions: { host: (text) => trial.inHost(text) } });
      trial.machines[0] = wrapped(next);
      trial.create = onStore(next.store);
      trial.check(0, `seed ${seed}, restored behind call ${n + 1}`);
    }
    trial.read();
    await finish(trial, trial.machines[0].lua.store);
  }
});

test('random programs on a saved state, which is opened again', async () => {
  for (const seed of seeds(2, 900)) {
    const backend = new MemoryBackend();
    const open = async (trial) => wrapped(await Lua.open(backend, { functions: { host: (text) => trial.inHost(text) } }));
    const trial = await new Trial(seed, open).begin();
    for (let n = 0; n < CALLS; n++) {
      trial.step();
      const { lua } = trial.machines[0];
      if (trial.below(3) === 0) await lua.save();
      if (trial.below(10) > 0) continue;
      await lua.close();
      trial.machines[0] = await trial.make();
      trial.world.forget(0);
      trial.check(0, `seed ${seed}, opened behind call ${n + 1}`);
    }
    trial.read();
    await trial.machines[0].lua.close();
  }
});

/** A store whose `at`th call throws, and perhaps each behind it. */
class Failing extends PlainStore {
  at = Infinity;
  forever = false;

  risk() {
    this.at--;
    if (this.at === 0 || (this.at < 0 && this.forever)) throw new Error('the disk is out of order');
  }

  get(...all) {
    this.risk();
    return super.get(...all);
  }

  set(...all) {
    this.risk();
    super.set(...all);
  }

  delete(...all) {
    this.risk();
    return super.delete(...all);
  }

  size(...all) {
    this.risk();
    return super.size(...all);
  }

  keys(...all) {
    this.risk();
    return super.keys(...all);
  }
}

test('random programs on a store that throws: an assignment is done or not, and nothing else changes', async () => {
  let failures = 0;
  for (const seed of seeds(5, 1000)) {
    const store = new Failing();
    const trial = await new Trial(seed, onStore(store), { large: 30, without: ['defineCounter', 'callCounter', 'collect', 'host'] }).begin();
    for (let n = 0; n < 6 * CALLS; n++) {
      const isFailing = trial.below(3) > 0;
      store.at = isFailing ? 1 + trial.below(trial.below(2) ? 10 : 40) : Infinity;
      store.forever = trial.below(4) === 0;
      const done = trial.call(0, { failing: isFailing, count: 1 + trial.below(8) });
      store.at = Infinity;
      if (done.thrown !== null) assert.match(done.thrown.message, /in the middle|out of order/);
      trial.apply(done.text ?? trial.lines(0));
      if (trial.now.isLost) trial.reset();
      trial.check(0, `${trial.now.where}, at its end`);
      if (trial.below(30) === 0) await trial.reopen();
    }
    trial.read();
    failures += trial.failures;
    await finish(trial, store);
  }
  assert.ok(failures > 20, `${failures} operations failed`);
});
