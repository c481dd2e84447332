// Tests which external tables are freed, which are kept, and how much of Lua's memory that takes.

import assert from 'node:assert/strict';
import test from 'node:test';

import { Lua, MapStore } from '../../../web/lua-persistent.js';
import { compute, start } from '../support/documented-host.js';

const RECORDS = 'local list = {} _home.list = list for i = 1, N do list[i] = {id = i, name = "n" .. i, score = i * 2} end';

/** Lua code that makes a list of records. */
function records(count) {
  return RECORDS.replace('N', String(count));
}

test('a state of 100,000 records that are all alive can be collected, in little of the heap', async () => {
  const lua = await Lua.create();
  lua.compute(records(100_000));
  assert.equal(lua.collect(), 0);
  lua.compute('for i = 1, 100000, 2 do _home.list[i] = nil end');
  assert.equal(lua.collect(), 50_000);
  assert.ok(lua.stats().luaMemoryUsed < 300_000);
  assert.deepEqual(lua.compute('local l = _home.list return l[1], l[2].id, l[100000].name').values, [null, 2, 'n100000']);
  assert.equal(lua.collect(), 0);
});

test('numbers that are far apart are marked in pages that lie with the host', async () => {
  const store = new MapStore();
  const lua = await Lua.create({ store });
  // 6,000 pages of marks, which do not fit the heap; each table leads to another page.
  const id = (n) => 100_000 + ((n * 7919) % 6000) * 16384;
  const COUNT = 6000;
  const next = (n) => Uint8Array.from([7, ...new Uint8Array(Uint32Array.of(id(n)).buffer)]);
  for (let n = 0; n < COUNT; n++) {
    store.set(id(n), 'next', next(n + 1));
    store.set(id(n) + 1, 'lost', Uint8Array.of(1, 1));
  }
  store.set(1, 'first', next(0));
  let largest = 0;
  store.observer = { willSet() {}, willDelete() {}, willDrop() { largest = Math.max(largest, store.bytes); } };
  const { bytes } = store;
  assert.equal(lua.collect(), COUNT);
  assert.ok(largest < 2 * bytes, `${largest} bytes, of which ${bytes} are the tables`);
  assert.equal([...store.tableIds()].filter((each) => store.size(each) > 0).length, COUNT + 1);
  for (let n = 0; n < COUNT; n++) assert.equal(store.size(id(n)), 1);
  assert.equal(lua.collect(), 0);
});

test('a store that fails at any of its calls during a collection loses nothing that is reached', async () => {
  /** A store that fails once. */
  class FailsOnce extends MapStore {
    countdown = Infinity;

    step() {
      if (--this.countdown === 0) throw new Error('the disk is tired');
    }

    get(id, key) {
      this.step();
      return super.get(id, key);
    }

    set(id, key, value) {
      this.step();
      super.set(id, key, value);
    }

    size(id) {
      this.step();
      return super.size(id);
    }

    *keys(id) {
      this.step();
      yield* super.keys(id);
    }

    drop(id) {
      this.step();
      super.drop(id);
    }
  }
  let failures = 0;
  for (let at = 1; ; at++) {
    const store = new FailsOnce();
    const lua = await Lua.create({ store });
    lua.compute('_home.a = {b = {c = {1, 2, 3}}} _home.f = (function() local n = {7} return function() return n[1] end end)() _home.x = {1} _home.x = nil');
    store.countdown = at;
    try {
      lua.collect();
    } catch (error) {
      failures++;
      assert.match(String(error), /tired|the host failed/u);
    }
    const done = store.countdown > 0;
    store.countdown = Infinity;
    assert.deepEqual(lua.compute('return #_home.a.b.c, _home.a.b.c[3], _home.f()').values, [3, 3, 7]);
    if (done) break;
  }
  assert.ok(failures > 20, `${failures}`);
});

test('with 60,000 tables that JavaScript has, the others are freed', async () => {
  const lua = await Lua.create();
  lua.compute('_home.t = {} for i = 1, 60000 do _home.t[i] = {i} end _home.u = {} for i = 1, 1000 do _home.u[i] = {i} end');
  const handles = Array.from(lua.home.get('t').values());
  lua.compute('for i = 1, 60000 do _home.t[i] = nil end _home.t = nil _home.u = nil');
  assert.equal(lua.collect(), 1001);
  assert.equal(handles[59_999].get(1), 60_000);
  assert.equal(handles.length, 60_000);
});

test('attaching numbers does not use up those of new tables', async () => {
  const lua = await Lua.create();
  const next = lua.nextTableId;
  lua.compute('for i = 1, 2000 do pcall(ext.attach, i * 60000) end');
  assert.equal(lua.nextTableId, next);
  for (let id = 60_000; id < 4e9; id += 6_000_000) lua.table(id);
  lua.compute('_home.t = {1}');
  assert.equal(lua.collect(), 0);
  assert.equal(lua.home.get('t').get(1), 1);
});

test('a documented host can be collected with a list whose keys do not fit the heap, and with many tables', () => {
  const raw = start();
  const value = (code) => compute(raw, code).value;
  value('local t = {} _home.list = t for i = 1, 200000 do t[i] = i end');
  value('_home.r = {} for i = 1, 2000 do _home.r[i] = {i, {i}} end for i = 1, 2000, 2 do _home.r[i] = nil end');
  assert.equal(value('return ext.collect()'), 2000n);
  assert.equal(value('return ext.collect()'), 0n);
  assert.equal(value('return #_home.list + _home.r[2000][2][1]'), 202000n);
});
