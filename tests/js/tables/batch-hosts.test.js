// Hosts that offer batches and are wrong: that refuse what is written, lie about tables, counts and cursors, and answer
// nonsense. Lua gets errors at most; what the machine reads afterwards is what the host has.

import assert from 'node:assert/strict';
import test from 'node:test';

import { MapStore } from '../../../web/lua-persistent.js';
import { SERVICES } from '../../../web/loader.js';
import { Batches } from '../../../web/store/batches.js';
import { onBatchHost } from '../support/batch-host.js';
import { random } from '../support/random.js';
import { PlainStore } from '../support/stores.js';
import { seeds, Trial } from '../support/table-trials.js';

const CALLS = 24;

test('random programs on the raw exports, with the services that the package offers', async () => {
  for (const seed of seeds(2)) {
    const store = new MapStore();
    const trial = await new Trial(seed, onBatchHost(store), { alters: true }).begin();
    for (let n = 0; n < CALLS; n++) {
      trial.step();
      if (trial.below(3) === 0) trial.alter(0);
      if (trial.below(12) === 0) await trial.reopen();
    }
    trial.read();
    trial.collect(() => store.tableIds());
    trial.end();
  }
});

/** A store that offers to take batches, and refuses what is written from some change on, once or for good. */
class Refusing extends PlainStore {
  mutations = 0;
  left = Infinity;
  forever = false;
  hasRefused = false;

  risk() {
    this.left--;
    this.mutations++;
    if (this.left > 0 || (this.left < 0 && !this.forever)) return;
    this.hasRefused = true;
    throw new Error('the disk is full');
  }

  batches(store, pages) {
    return new Batches(store, pages);
  }

  set(...all) {
    this.risk();
    super.set(...all);
  }

  delete(...all) {
    this.risk();
    return super.delete(...all);
  }
}

test('a host that refuses a part of a batch: the call fails with its reason, and the machine goes on with what the host has', async () => {
  for (const seed of seeds(4, 100)) {
    const store = new Refusing();
    const trial = await new Trial(seed, onBatchHost(store), { large: 60, without: ['collect'], writesBack: true }).begin();
    for (let n = 0; n < CALLS; n++) {
      const isFailing = trial.below(3) === 0;
      store.left = isFailing ? 1 + trial.below(trial.below(2) ? 8 : 80) : Infinity;
      store.forever = trial.below(2) === 0;
      const { thrown, text } = trial.call(0, { failing: true });
      store.left = Infinity;
      if (thrown !== null) assert.match(thrown.message, /in the middle|the host failed|the disk is full/);
      if (store.hasRefused && thrown === null) assert.match(text, /^\d+:E.*(the host failed|the disk is full)/m, trial.now.where);
      // Only the host knows what it has taken, also of a call that ends with an error of its own.
      if (!store.hasRefused) trial.apply(text ?? trial.lines(0));
      if (store.hasRefused || trial.now.isLost) trial.reset();
      store.hasRefused = false;
      trial.check(0, trial.now.where);
      // What Lua reads is what the host has.
      if (isFailing) trial.read();
    }
    trial.end();
  }
});

const BATCHES = [SERVICES.readRows, SERVICES.readList, SERVICES.readEntries, SERVICES.writeRows, SERVICES.freeIds, SERVICES.revision, SERVICES.keys, SERVICES.tables];

/** Ways to lie: each changes an answer of some bytes, and gives the length that the guest is told. */
const LIES = {
  'changes bytes': (below, { memory, at, length }) => {
    for (let n = 1 + below(4); n > 0 && length > 0; n--) memory[at + below(length)] = below(3) === 0 ? below(256) : below(8);
    return length;
  },
  'changes the heads of ops': (below, { memory, at, length }) => {
    for (let n = 1 + below(3); n > 0 && length > 0; n--) memory[at + below(Math.min(length, 24))] = [0, 1, 2, 3, 4, 5, 6, 7, 0xff, 0x80][below(10)];
    return length;
  },
  'gives ids of other tables': (below, { view, at, length }) => {
    for (let offset = 0; offset + 4 <= length; offset++) {
      const word = view.getUint32(at + offset, true);
      if (word > 0 && word < 500 && below(3) === 0) view.setUint32(at + offset, 1 + below(60), true);
    }
    return length;
  },
  'cuts answers off': (below, { length }) => (length > 0 ? below(length) : length),
  'says more than it wrote': (below, { length, room }) => (length > 0 ? Math.min(room, length + 1 + below(64)) : length),
  'says more than there is room for': (below, { length, room }) => (length > 0 ? room + 1 + below(1 << 20) : length),
  'gives the answer twice': (below, { memory, at, length, room }) => {
    if (length <= 0 || 2 * length > room) return length;
    memory.copyWithin(at + length, at, at + length);
    return 2 * length;
  },
  'has no room': (below, { length, room }) => (length > 0 ? -(1 + below(2 * room)) : length),
  'declines': () => -1,
  'throws': () => {
    throw new Error('out of order');
  },
  'counts wrong': (below, { view, at, length }) => {
    if (length >= 4) view.setUint32(at, [0, 1, 0xffffffff, 0x7fffffff, view.getUint32(at, true) + 1, Math.max(0, view.getUint32(at, true) - 1)][below(6)], true);
    return length;
  },
};

for (const [name, lie] of Object.entries(LIES)) {
  test(`a host that ${name} now and then makes Lua errors at most`, async () => {
    for (const seed of seeds(3, 200)) {
      const below = random(seed * 31 + name.length);
      const store = new MapStore();
      let rate = 0;
      const answer = (service, reply) => (rate > 0 && BATCHES.includes(service) && below(rate) === 0 ? lie(below, reply) : reply.length);
      const trial = await new Trial(seed, onBatchHost(store, { answer }), { large: 100 }).begin();
      const [machine] = trial.machines;
      machine.run('local walk = next function next(t, k) STEPS = (STEPS or 0) + 1 if STEPS > 3000 then error("too long") end return walk(t, k) end');
      for (let n = 0; n < CALLS; n++) {
        rate = [0, 2, 5, 20][below(4)];
        machine.run('STEPS = 0');
        try {
          trial.call(0);
        } catch (error) {
          assert.ok(!(error instanceof WebAssembly.RuntimeError), `seed ${seed}, call ${n + 1}: ${error.stack}`);
        }
        rate = 0;
        assert.equal(machine.run('return 1 + 1'), 2n, `seed ${seed}, call ${n + 1}`);
      }
      // The memory of the machine is whole: it can be filled and used.
      machine.run('H, W, L, KEPT = {}, {}, {}, {} local ok = pcall(function() local t = {} for i = 1, 1e7 do t[i] = { i } end end) assert(not ok) collectgarbage()');
      machine.run('collectgarbage() local t = {} for i = 1, 5000 do t[i] = { i } end for i = 1, 5000 do assert(t[i][1] == i) end');
      trial.end();
    }
  });
}
