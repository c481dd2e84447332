// Quotas of external tables, and a heap that is smaller than the memory.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Lua, LuaError, MapStore, MemoryBackend } from '../../../web/lua-persistent.js';
import { keyBytes, keyLength } from '../../../web/bytes/text.js';
import { failure } from '../support/failure.js';
import { random } from '../support/random.js';
import { contents, PlainStore } from '../support/stores.js';

const ENTRIES = (count) => new RegExp(`the limit of ${count} entries in external tables is reached`);

/** Counts what a store holds, by itself. */
function recount(store) {
  let tableEntries = 0;
  let tableBytes = 0;
  for (const id of store.tableIds()) {
    for (const key of store.keys(id)) {
      tableEntries++;
      tableBytes += keyBytes(key).length + store.get(id, key).length;
    }
  }
  return { tableEntries, tableBytes };
}

function used(lua) {
  const { tableEntries, tableBytes } = lua.stats();
  return { tableEntries, tableBytes };
}

test('the length of a key is that of its bytes', () => {
  for (const text of ['', 'a', '[5]', 'é', '€', '😀', '\udc80', 'a\udcffb', '\udc80😀\udcff', '\udcff€é']) {
    assert.equal(keyLength(text), keyBytes(text).length, JSON.stringify(text));
  }
});

test('a loop that stores without end gets an error, the process stays small, and data and machine are usable', async () => {
  const lua = await Lua.create({ tableBytes: 5e6 });
  const before = process.memoryUsage().rss;
  const error = failure(() => lua.compute('for i = 1, 9e4 do _home[i] = ("x"):rep(10000) end', { name: 'app' }));
  assert.ok(error instanceof LuaError);
  assert.equal(error.message, 'app:1: the limit of 5000000 bytes in external tables is reached');
  assert.equal(error.cause.limit, 'tableBytes');
  assert.ok(process.memoryUsage().rss - before < 100e6);
  assert.equal(lua.compute('return #_home').value, 499);
  assert.equal(lua.compute('return #_home[499]').value, 10000);
  lua.compute('for i = 100, 499 do _home[i] = nil end _home[100] = ("y"):rep(10000)');
  assert.equal(lua.compute('return #_home, _home[100]:sub(1, 1)').values.join(), '100,y');
  assert.deepEqual(used(lua), recount(lua.store));
  lua.close();
});

test('pcall catches the error, and nothing of the assignment is stored', async () => {
  for (const store of [new MapStore(), new PlainStore()]) {
    const lua = await Lua.create({ store, tableEntries: 10 });
    lua.compute('_home.kept = {1, 2, 3} f = function() return t end t = {}');
    const before = contents(lua.store);
    for (const code of [
      '_home.x = {1, 2, 3, 4, 5, 6, 7, 8}',
      '_home.x = {a = {b = {c = {d = {e = {1}}}}}}',
      'local a, b, c, d, e, g, h, i = 1, 2, 3, 4, 5, 6, 7, 8 _home.x = function() return a, b, c, d, e, g, h, i end',
      'setmetatable(_home.kept, {__index = {1, 2, 3, 4, 5, 6}})',
      '_home.kept[4] = {{{{{{{{}}}}}}}}',
      'for i = 1, 3 do _home.kept[1] = {{{{{{{{}}}}}}}} end',
    ]) {
      const [ok, message] = lua.compute(`return pcall(load([==[${code}]==], "=code"))`).values;
      assert.equal(ok, false, code);
      assert.match(message, ENTRIES(10), code);
      assert.deepEqual(contents(lua.store), before, code);
      assert.deepEqual(used(lua), recount(lua.store), code);
    }
    lua.compute('local t = {1, 2} pcall(function() _home.x = {t, {}, {}, {}, {}, {}, {}} end) t[3] = 3 assert(#t == 3) _home.y = t');
    assert.equal(lua.compute('return #_home.y').value, 3);
    lua.close();
  }
});

test('what JavaScript sets is checked, and all or nothing', async () => {
  const lua = await Lua.create({ tableEntries: 5, tableBytes: 1000 });
  lua.home.set('a', 1);
  const before = contents(lua.store);
  for (const set of [
    () => lua.home.set('b', [1, 2, 3, 4, 5]),
    () => lua.createTable([1, 2, 3, 4, 5]),
    () => lua.setInput({ a: [], b: [], c: [] }),
    () => lua.setMetadata({ a: 1, b: 2, c: 3, d: 4 }),
  ]) {
    const error = failure(set);
    assert.ok(error instanceof LuaError);
    assert.equal(error.message, 'the limit of 5 entries in external tables is reached');
    assert.equal(error.limit, 'tableEntries');
    assert.deepEqual(contents(lua.store), before);
  }
  assert.equal(failure(() => lua.home.set('a', 'x'.repeat(2000))).limit, 'tableBytes');
  assert.equal(failure(() => lua.store.set(1, 'a', new Uint8Array(2000))).limit, 'tableBytes');
  assert.equal(lua.home.get('a'), 1);
  lua.home.set('a', 2);
  lua.home.set('b', [1]);
  assert.deepEqual(used(lua), recount(lua.store));
  lua.close();
});

test('at the limit, entries can be replaced by what is no larger, deleted and cleared, and tables be collected', async () => {
  const lua = await Lua.create({ tableEntries: 6 });
  lua.compute('_home.t = setmetatable({1}, {__len = true}) _home.u = {1} t, u = _home.t, _home.u');
  assert.deepEqual(used(lua), { ...recount(lua.store), tableEntries: 6 });
  assert.match(lua.compute('return select(2, pcall(rawset, _home, "v", 1))').value, ENTRIES(6));
  // The last entry of a table gives its place to the mark that keeps the table.
  lua.compute('u[1] = 2 u[1] = nil');
  assert.equal(used(lua).tableEntries, 6);
  lua.compute('setmetatable(t, nil)');
  lua.home.get('t').delete(1);
  lua.home.get('t').clear();
  lua.home.get('u').clear();
  assert.deepEqual(used(lua), recount(lua.store));
  lua.compute('_home.t, _home.u, t, u = nil');
  assert.ok(lua.collect() > 0);
  // JavaScript has objects for two tables, which are empty.
  assert.deepEqual(used(lua), { ...recount(lua.store), tableEntries: 2 });
  lua.compute('_home.x = {1, 2, 3}');
  // Tables that nothing holds count until they are collected.
  assert.match(failure(() => lua.compute('for i = 1, 10 do _home.x = {} end')).message, ENTRIES(6));
  lua.close();
});

test('a store that holds more than the quota loses nothing, and can be emptied', async () => {
  const store = new MapStore();
  const first = await Lua.create({ store });
  first.compute('for i = 1, 100 do _home[i] = {i} end setmetatable(_home[1], {__name = "x"})');
  first.close();
  const lua = await Lua.create({ store, tableEntries: 50 });
  assert.match(failure(() => lua.compute('_home.x = 1')).message, ENTRIES(50));
  lua.home.get(1).clear();
  assert.equal(lua.compute('_home[2][1] = 5 return getmetatable(_home[1]).__name').value, 'x');
  lua.compute('for i = 1, 100 do _home[i][1] = nil end for i = 1, 100 do _home[i] = nil end');
  lua.collect();
  lua.compute('_home.x = 1');
  assert.deepEqual(used(lua), recount(lua.store));
  lua.close();
});

/** Does one random thing to a machine; what goes beyond a quota is refused. */
function step(lua, next, depth) {
  const key = () => ['"a"', '"é€"', '1', '2', '3.5', 'true', '"\\xff"'][next(7)];
  const value = () => ['1', '"x"', '("y"):rep(300)', '{}', '{1, 2, {3}}', 'nil', 'nil', 'function() return _home end', '_home', 'setmetatable({}, {})'][next(10)];
  const code = () => `local t = _home[${key()}] if type(t) ~= "table" then t = _home end t[${key()}] = ${value()}`;
  switch (next(12)) {
    case 0:
      lua.collect();
      break;
    case 1:
      lua.home.set(['a', 1, 'é€'][next(3)], [null, 5, [1, [2]], { a: 'x'.repeat(200) }][next(4)]);
      break;
    case 2:
      lua.home.delete('a');
      break;
    case 3:
      if (next(4) === 0) lua.home.clear();
      break;
    case 4:
      lua.setInput([1, 2]);
      break;
    case 5:
      lua.clearIo();
      break;
    case 6:
      if (depth > 2) break;
      lua.checkpoint();
      for (let count = next(6); count > 0; count--) attempt(lua, next, depth + 1);
      if (next(2) === 0) lua.rollback();
      else lua.commit();
      break;
    default:
      lua.compute(code());
  }
}

function attempt(lua, next, depth = 0) {
  try {
    step(lua, next, depth);
  } catch (error) {
    if (!/in external tables is reached/.test(error.message)) throw error;
    return 1;
  }
  return 0;
}

for (const [name, make] of [['MapStore', () => new MapStore()], ['the simplest store', () => new PlainStore()]]) {
  for (const transactional of [false, true]) {
    test(`the counts are those of a recount after random changes: ${name}${transactional ? ', transactional' : ''}`, async () => {
      let refused = 0;
      for (let seed = 1; seed <= 12; seed++) {
        const next = random(seed * 7919);
        const limits = { tableEntries: 16, tableBytes: 700 };
        let lua = await Lua.create({ store: make(), transactional, ...limits });
        for (let count = 0; count < 60; count++) {
          refused += attempt(lua, next);
          assert.deepEqual(used(lua), recount(lua.store), `seed ${seed}, step ${count}`);
          assert.ok(used(lua).tableEntries <= 32 && used(lua).tableBytes <= 800, `seed ${seed}, step ${count}`);
          if (count % 20 === 19) {
            const snapshot = lua.snapshot({ compress: false });
            const was = used(lua);
            const fork = await lua.fork();
            assert.deepEqual(used(fork), was);
            fork.close();
            lua.close();
            lua = await Lua.restore(snapshot, { store: make(), transactional, ...limits });
            assert.deepEqual(used(lua), was);
          }
        }
        lua.close();
      }
      assert.ok(refused > 50, String(refused));
    });
  }
}

test('a durable state keeps what fits, and is measured when it is opened', async () => {
  const backend = new MemoryBackend();
  const lua = await Lua.open(backend, { tableEntries: 20 });
  assert.match(failure(() => lua.compute('for i = 1, 100 do _home[i] = i end')).message, ENTRIES(20));
  const json = lua.exportTables();
  await lua.close();
  const again = await Lua.open(backend, { tableEntries: 20 });
  assert.deepEqual(used(again), { ...recount(again.store), tableEntries: 20 });
  assert.match(failure(() => again.home.set('x', 1)).message, ENTRIES(20));
  again.compute('_home[20] = nil _home.x = "y"');
  await again.close();
  const imported = await Lua.open(new MemoryBackend(), { import: json, tableEntries: 20 });
  assert.equal(used(imported).tableEntries, 20);
  assert.match(failure(() => imported.home.set('x', 1)).message, ENTRIES(20));
  await imported.close();
});

test('a store that fails by itself says so as ever', async () => {
  class Failing extends MapStore {
    set(id, key, value) {
      if (key === 'bad') throw new Error('the disk is full');
      super.set(id, key, value);
    }
  }
  const lua = await Lua.create({ store: new Failing(), tableEntries: 1 });
  assert.match(failure(() => lua.compute('pcall(function() _home.a = 1 _home.b = 2 end) _home.a = nil _home.bad = 1')).message, /the host failed to change an external table/);
  assert.deepEqual(used(lua), recount(lua.store));
  lua.close();
});

test('without a quota there is no count, and a wrong quota is refused', async () => {
  const lua = await Lua.create({ tableEntries: Infinity });
  assert.equal('tableEntries' in lua.stats(), false);
  lua.close();
  for (const name of ['tableEntries', 'tableBytes']) {
    for (const value of [0, -1, NaN, '5', null, 1n]) {
      await assert.rejects(Lua.create({ [name]: value }), {
        name: 'RangeError',
        message: `the limit ${name} has to be a number from 1 to 9007199254740991, or Infinity, not ${value}`,
      });
    }
  }
});

test('a smaller heap fills up sooner, reports its errors, and stays as small in copies and snapshots', async () => {
  for (const heapBytes of [131072, 300000, 1e6]) {
    const lua = await Lua.create({ heapBytes });
    assert.equal(lua.stats().heapSize, heapBytes);
    const fill = 'local t = {} for i = 1, 1e6 do t[i] = "value " .. i end';
    const error = failure(() => lua.compute(fill, { name: 'app' }));
    assert.deepEqual([error.status, error.message], ['memory', 'not enough memory']);
    assert.equal(lua.compute('return 6 * 7').value, 42);
    assert.equal(lua.compute(`return select(2, pcall(load([[${fill}]])))`).value, 'not enough memory');
    assert.match(failure(() => lua.compute('local function f(a) return 1 + f(a) end f()')).message, /stack overflow|not enough memory/);
    lua.compute('_home.list = {1, 2, {3}} function g(x) return x * 2 end');
    for (const copy of [await lua.fork(), await Lua.restore(await lua.snapshot())]) {
      assert.equal(copy.stats().heapSize, heapBytes);
      assert.equal(copy.compute('return g(_home.list[3][1])').value, 6);
      assert.equal(failure(() => copy.compute(fill)).status, 'memory');
      copy.close();
    }
    lua.close();
  }
  for (const value of [0, 131071, -1, NaN, '200000', 2 ** 32]) {
    await assert.rejects(Lua.create({ heapBytes: value }), {
      name: 'RangeError',
      message: `the limit heapBytes has to be a number from 131072 to 4294967295, or Infinity, not ${value}`,
    });
  }
  const whole = await Lua.create({ heapBytes: 1e9 });
  const other = await Lua.create();
  assert.equal(whole.stats().heapSize, other.stats().heapSize);
  other.close();
  whole.close();
});

test('what the host collects is not stopped by a limit of instructions, what a script does meanwhile is', async () => {
  const lua = await Lua.create({ instructions: 1000 });
  for (let n = 0; n < 5; n++) lua.compute(`local t = {} for i = 1, 900 do t[i] = i end _home[${n}] = t`);
  assert.match(failure(() => lua.compute('require("ext").collect()')).message, /the limit of 1000 instructions is reached/);
  assert.equal(lua.collect(), 0);
  lua.compute('_home[1] = nil');
  assert.equal(lua.collect(), 1);
  lua.compute('setmetatable({}, { __gc = function() while true do end end })');
  assert.equal(failure(() => lua.collect()).limit, 'instructions');
  lua.close();
});
