// Tests collections in steps, between which programs change tables, and those that a machine begins by itself.

import assert from 'node:assert/strict';
import test from 'node:test';

import { Lua, LuaError, MapStore } from '../../../web/lua-persistent.js';
import { compute, instantiate, start } from '../support/documented-host.js';
import { random } from '../support/random.js';

/** How many tables a store has. */
function countTables(store) {
  let count = 0;
  for (const id of store.tableIds()) if (store.size(id) > 0) count++;
  return count;
}

/** Collects in steps that are as short as can be, and does something after each. */
function collectInSteps(lua, between = () => {}) {
  for (let steps = 1; ; steps++) {
    const { done, freed } = lua.collect({ milliseconds: 0 });
    if (done) return { freed, steps };
    between(steps);
  }
}

/** A store of the user's, of which nothing is known but what every store can do. */
class PlainStore {
  tables = new Map();

  get(id, key) {
    const value = this.tables.get(id)?.get(key);
    return value && value.slice();
  }

  set(id, key, value) {
    if (!this.tables.has(id)) this.tables.set(id, new Map());
    this.tables.get(id).set(key, value);
  }

  delete(id, key) {
    return this.tables.get(id)?.delete(key) || false;
  }

  size(id) {
    return this.tables.get(id)?.size || 0;
  }

  *keys(id) {
    yield* this.tables.get(id)?.keys() || [];
  }

  tableIds() {
    return this.tables.keys();
  }
}

const FILL = `_home.list = {} for i = 1, 20000 do _home.list[i] = {id = i, name = "n" .. i} end for i = 1, 20000, 2 do _home.list[i] = nil end
  held = {} pcall(function() for i = 1, 1e9 do held[i] = {i, tostring(i)} end end) room = 0 for i = #held, #held - 60, -1 do held[i] = nil end`;

test('records are collected in a heap that is full, large or small', async () => {
  for (const heapBytes of [131072, undefined]) {
    const lua = await Lua.create({ heapBytes, collect: false });
    lua.compute(FILL);
    assert.equal(lua.collect(), 10_000);
    assert.equal(lua.collect(), 0);
    assert.deepEqual(lua.compute('return _home.list[1], _home.list[20000].id').values, [null, 20_000]);
  }
});

test('a documented host is collected in a heap that is full, large or small', () => {
  for (const limit of [131072, 0]) {
    const raw = instantiate();
    raw.exports.set_heap_limit(limit);
    assert.equal(raw.exports.init(), 0);
    assert.equal(compute(raw, FILL).error, undefined);
    const { error, value } = compute(raw, 'return ext.collect()');
    assert.equal(error, undefined);
    assert.equal(value, 10_000n);
    assert.equal(compute(raw, 'return _home.list[20000].id').value, 20_000n);
    assert.deepEqual([...raw.tables.keys()].filter((id) => raw.tables.get(id).size > 0).length, 10_002);
  }
});

for (const [name, makeStore] of Object.entries({ 'the default store': () => new MapStore(), "a store of the user's": () => new PlainStore() })) {
  test(`in ${name}, whatever a program does between the steps of a collection, what is alive stays and garbage goes`, async () => {
    const next = random(name.length);
    const store = makeStore();
    const lua = await Lua.create({ store, collect: false });
    lua.compute(`
      _home.r, held, made = {}, {}, 0
      local function new() made = made + 1 return {n = made} end
      actions = {
        function(a, b) _home.r[a] = new() end,
        function(a, b) if _home.r[a] then _home.r[a].x = _home.r[b] end end,
        function(a, b) if _home.r[a] then _home.r[a].y = new() _home.r[a] = _home.r[a].y end end,
        -- What only a variable leads to, for a while.
        function(a, b) held[a] = _home.r[b] _home.r[b] = nil end,
        function(a, b) _home.r[b], held[a] = held[a], nil end,
        function(a, b) if held[a] and held[a].x then local x = held[a].x held[a].x = nil held[b] = x end end,
        function(a, b) local t = new() for i = 1, 5 do t = {t, n = made} end _home.r[a] = t end,
        function(a, b) _home.r[a] = nil end,
        function(a, b) local n = new() _home.r[a] = function() return n end end,
        function(a, b) if type(_home.r[a]) == "function" then held[b] = _home.r[a]() end end,
        function(a, b) _home.big = _home.big or {} for i = 1, 300 do _home.big[#_home.big + 1] = i end _home.big[#_home.big + 1] = _home.r[a] _home.r[a] = nil end,
        function(a, b) local v = _home.big and b <= #_home.big and table.remove(_home.big, #_home.big + 1 - b) if type(v) == "table" then _home.r[a] = v end end,
        function(a, b) _home.big = nil end,
      }
      function act(n, a, b)
        local r = _home.r
        if type(r[a]) ~= "function" and type(held[a]) ~= "function" or n == 1 or n == 10 then actions[n](a, b) end
      end
      -- All that can be reached, as text; the order of keys does not count.
      function shape()
        local seen, lines = {}, {}
        local function visit(v)
          if type(v) == "function" then v = v() end
          if type(v) ~= "table" or seen[v] then return end
          seen[v] = true
          lines[#lines + 1] = tostring(v.n)
          for _, inner in pairs(v) do visit(inner) end
        end
        visit(_home.r) for _, v in pairs(held) do visit(v) end visit(_home.big)
        table.sort(lines) return table.concat(lines, " ")
      end`);
    const act = lua.get('act');
    const shape = lua.get('shape');
    const change = (count) => {
      for (let n = 0; n < count; n++) act(1 + next(13), 1 + next(40), 1 + next(40));
    };
    let most = 0;
    for (let round = 0; round < 12; round++) {
      change(200);
      const { steps } = collectInSteps(lua, () => change(1 + next(6)));
      most = Math.max(most, steps);
      const before = shape();
      lua.collect();
      assert.equal(shape(), before);
    }
    assert.ok(most > 3, `${most} steps`);
    // What is left then is what can be reached.
    while (lua.collect() > 0);
    const reachable = new Set([lua.homeTableId]);
    for (const id of reachable) {
      for (const key of store.keys(id)) {
        const bytes = store.get(id, key);
        const view = new DataView(bytes.buffer, bytes.byteOffset);
        if (bytes[0] === 7) reachable.add(view.getUint32(1, true));
        if (bytes[0] === 5) reachable.add(view.getUint32(5, true));
      }
    }
    lua.compute('held = nil');
    act.release();
    shape.release();
    while (lua.collect() > 0);
    const left = [...store.tableIds()].filter((id) => store.size(id) > 0);
    assert.deepEqual(left.filter((id) => !reachable.has(id)), []);
    lua.compute('_home.r, _home.big = nil');
    while (lua.collect() > 0);
    assert.equal(countTables(store), 0);
  });
}

test('a step gives how far it has come, to JavaScript and to Lua', async () => {
  const lua = await Lua.create();
  lua.compute('for i = 1, 5000 do _home.x = {i} end _home.x = nil');
  const { freed, steps } = collectInSteps(lua);
  assert.equal(freed, 5000);
  assert.ok(steps > 5, `${steps} steps`);
  const values = lua.compute('for i = 1, 5000 do _home.x = {i} end _home.x = nil local n = 0 repeat n = n + 1 local done, freed = ext.collect("step", 0) until done return n > 5, ext.collect("step")').values;
  assert.deepEqual(values, [true, true, 0]);
  assert.match(lua.compute('return select(2, pcall(ext.collect, "all"))').value, /invalid option 'all'/);
  assert.throws(() => lua.collect({ milliseconds: -1 }), RangeError);
  assert.throws(() => lua.collect({ milliseconds: '5' }), RangeError);
  const raw = start();
  assert.equal(compute(raw, '_home.x = {1} _home.x = nil local done, freed = ext.collect("step", 0) return done and freed').value, 1n);
});

test('large tables are looked into in pieces, while they become tables of other forms', async () => {
  const lua = await Lua.create({ collect: false });
  lua.compute('_home.list, _home.map = {}, {} for i = 1, 6000 do _home.list[i] = {i} _home.map["k" .. i] = i % 2 == 0 and {i} or i end held = {}');
  let most = 0;
  for (let round = 0; round < 3; round++) {
    let next = 1;
    const { steps } = collectInSteps(lua, () => {
      // What was behind moves to the front, what was at the front is gone from there.
      lua.compute(`local l, m, n = _home.list, _home.map, ${next} l[n], l[#l] = l[#l], l[n] local k = "k" .. ${5900 - 1500 * round} - n held[n] = m[k] m[k] = nil m["a" .. k] = held[n] held[n] = nil`);
      if (next === 5) lua.compute('_home.list[3000] = nil _home.list[3000] = {3000}');
      if (next % 9 === 0) lua.compute('for i = 1, 500 do _home.map[i] = i end for i = 1, 500 do _home.map[i] = nil end');
      next++;
    });
    most = Math.max(most, steps);
    const { value } = lua.compute('local n = 0 for _, t in pairs(_home.list) do assert(t[1]) n = n + 1 end for _, t in pairs(_home.map) do assert(type(t) == "number" or t[1]) n = n + 1 end return n');
    assert.equal(value, 12_000);
  }
  assert.ok(most > 20, `${most} steps`);
  lua.collect();
  assert.equal(countTables(lua.store), 9003);
});

test('what a rollback brings back is not freed, though it was garbage', async () => {
  const lua = await Lua.create({ collect: false });
  lua.compute('_home.list = {} for i = 1, 3000 do _home.list[i] = {i} end');
  lua.checkpoint();
  lua.compute('_home.list = nil');
  // As far as the first tables that are freed.
  while (lua.collect({ milliseconds: 0 }).freed === 0);
  lua.rollback();
  collectInSteps(lua);
  assert.equal(lua.compute('local n = 0 for i = 1, 3000 do n = n + _home.list[i][1] end return n').value, 4_501_500);
});

test('a store that fails in any step loses nothing that is reached', async () => {
  const methods = ['get', 'size', 'keys', 'tableIds', 'delete'];
  let failures = 0;
  for (const method of methods) {
    for (let at = 1; at < 40; at += 3) {
      const store = new PlainStore();
      const lua = await Lua.create({ store, collect: false });
      lua.compute('_home.a = {b = {c = {1, 2, 3}}} _home.f = (function() local n = {7} return function() return n[1] end end)() for i = 1, 20 do _home.x = {1} end _home.x = nil');
      let countdown = at;
      const own = PlainStore.prototype[method];
      store[method] = (...args) => {
        if (--countdown === 0) throw new Error('the disk is tired');
        return own.apply(store, args);
      };
      try {
        collectInSteps(lua);
      } catch (error) {
        failures++;
        assert.ok(error instanceof LuaError, String(error));
        assert.match(String(error), /tired|the host failed/);
      }
      delete store[method];
      assert.deepEqual(lua.compute('return #_home.a.b.c, _home.a.b.c[3], _home.f()').values, [3, 3, 7]);
      collectInSteps(lua);
      assert.deepEqual(lua.compute('return #_home.a.b.c, _home.a.b.c[3], _home.f()').values, [3, 3, 7]);
    }
  }
  assert.ok(failures > 20, `${failures}`);
});

const GARBAGE = 'for i = 1, 1000 do _home.last = {i, {i}} end _home.n = (_home.n or 0) + 1';

test('tables that nothing reaches go by themselves, unless the machine is told not to', async () => {
  const lua = await Lua.create();
  const lazy = await Lua.create({ collect: false });
  let most = 0;
  const kept = lua.createTable({ mine: true });
  for (let n = 0; n < 40; n++) {
    lua.compute(GARBAGE);
    lazy.compute(GARBAGE);
    most = Math.max(most, countTables(lua.store));
    assert.equal(lua.printed, 0);
  }
  assert.ok(most < 40_000, `${most} tables`);
  assert.ok(countTables(lazy.store) > 79_000);
  assert.equal(kept.get('mine'), true);
  assert.deepEqual(lua.compute('return _home.n, _home.last[2][1]').values, [40, 1000]);
});

test('calls that fail or are undone, and tables of JavaScript, do not keep garbage from going', async () => {
  const lua = await Lua.create({ transactional: true });
  for (let n = 0; n < 60; n++) {
    lua.home.set('list', Array.from({ length: 500 }, (_, i) => [i]));
    if (n % 3 === 0) assert.throws(() => lua.compute('_home.list = nil error("no")'), LuaError);
  }
  assert.ok(countTables(lua.store) < 25_000, `${countTables(lua.store)} tables`);
  assert.equal(lua.home.get('list').get(500).get(1), 499);
});

test('in a store whose home is a table of its own, other tables are left alone', async () => {
  const store = new MapStore();
  store.set(7, 'of somebody else', Uint8Array.of(1, 1));
  const lua = await Lua.create({ store, homeTableId: 9 });
  for (let n = 0; n < 12; n++) lua.compute(GARBAGE);
  assert.equal(store.size(7), 1);
});

test('ids near the last one are used again only when nothing has them', async () => {
  const store = new MapStore();
  const lua = await Lua.create({ store, nextTableId: 4294967294 - 3000 });
  lua.compute('_home.keep = {} for i = 1, 1000 do _home.keep[i] = {i} end held = ext.table() held.x = 5');
  const mine = lua.createTable({ mine: 1 });
  for (let n = 0; n < 12; n++) lua.compute(GARBAGE);
  assert.ok(lua.nextTableId < 30_000, `${lua.nextTableId}`);
  collectInSteps(lua, () => lua.compute('_home.new = {_home.new} if _home.keep[1] then table.remove(_home.keep) end'));
  const { value } = lua.compute('for i = 1, #_home.keep do if #_home.keep[i] ~= 1 or _home.keep[i][1] ~= i then return "table " .. i .. " is another" end end return held.x + #_home.keep > 5');
  assert.equal(value, true);
  assert.equal(mine.get('mine'), 1);
});
