// Tests many items and large ones: they are stored outside the module, and the Lua heap stays as it was.

import assert from 'node:assert/strict';
import test from 'node:test';

import { Lua, LuaError } from '../../../web/lua-persistent.js';
import { compute, start } from '../support/documented-host.js';
import { PlainStore } from '../support/stores.js';

const MILLION = 1_000_000;

/** Bytes by which the heap may grow or shrink: buffers of the library, a page of keys, what was printed. */
const FLAT = 24 * 1024;

/** Bytes that Lua uses when all garbage is gone. */
function used(lua) {
  lua.gc();
  return lua.compute('collectgarbage() collectgarbage() return collectgarbage("count") * 1024').value;
}

test('a million items are set, read, counted and walked with the heap flat', async () => {
  const lua = await Lua.create();
  const before = used(lua);
  const { luaMemoryUsed } = lua.stats();
  const steps = [
    `_home.t = ext.table() local t = _home.t for i = 1, ${MILLION} do t[i] = i end`,
    `local t, sum = _home.t, 0 for i = 1, ${MILLION} do sum = sum + t[i] end assert(sum == ${MILLION} * (${MILLION} + 1) // 2)`,
    `assert(ext.size(_home.t) == ${MILLION} and #_home.t == ${MILLION})`,
    'local n = 0 for k, v in pairs(_home.t) do n = n + 1 assert(k == n and v == n) end return n',
    'local n = 0 for i, v in ipairs(_home.t) do n = n + v end return n',
  ];
  for (const step of steps) {
    lua.compute(step);
    const after = used(lua);
    assert.ok(after - before < FLAT, `${before} bytes before, ${after} after: ${step}`);
    assert.ok(lua.stats().luaMemoryUsed - luaMemoryUsed < FLAT);
  }
  // While it runs, too: no more garbage than the collector lets gather.
  const peak = lua.compute(`
    local t, peak = ext.table(), 0
    for i = 1, 200000 do
      t["key" .. i % 1000] = i
      if i % 1000 == 0 then peak = math.max(peak, collectgarbage("count") * 1024) end
    end
    return peak
  `).value;
  assert.ok(peak - before < 200 * 1024, `${peak} bytes at most`);
  assert.equal(lua.home.get('t').size, MILLION);
  assert.equal(lua.home.get('t').get(MILLION), MILLION);
  lua.compute('_home.t = nil');
  assert.ok(lua.collect() >= 1);
  assert.equal(lua.home.size, 0);
  lua.close();
});

test('a hundred thousand items with names, as tables, keep their order', async () => {
  const lua = await Lua.create();
  const before = used(lua);
  lua.compute('_home.people = {} local p = _home.people for i = 1, 100000 do p["person " .. i] = {id = i, name = "n" .. i} end');
  lua.compute('local n = 0 for k, v in pairs(_home.people) do n = n + 1 assert(k == "person " .. n and v.id == n and v.name == "n" .. n) end assert(n == 100000)');
  const after = used(lua);
  assert.ok(after - before < 3 * FLAT, `${before} bytes before, ${after} after`);
  let n = 0;
  for (const [key, person] of lua.home.get('people')) {
    n++;
    if (n % 1000 === 0) assert.deepEqual([key, person.get('id')], [`person ${n}`, n]);
  }
  assert.equal(n, 100_000);
  lua.close();
});

test('ten thousand items on a host that lists keys all at once', () => {
  const instance = start();
  const code = 'local t = ext.table() for i = 1, 10000 do t["item_" .. i] = i end local n, s = 0, 0 for k, v in pairs(t) do n = n + 1 s = s + v assert(k == "item_" .. n) end return n .. " " .. s .. " " .. ext.size(t)';
  assert.equal(compute(instance, code).value, `10000 ${(10_000 * 10_001) / 2} 10000`);
});

test('a million items on such a host are reached, and walking them is refused with the limit', () => {
  const instance = start();
  assert.equal(compute(instance, 'big = ext.table() for i = 1, 300000 do big[i] = i end return #big').value, 300_000n);
  assert.match(compute(instance, 'for k in pairs(big) do end').error, /1 MiB|not enough memory/);
  assert.equal(compute(instance, 'return big[299999]').value, 299_999n);
});

test('a string of a few hundred thousand bytes is kept where the host takes it', async () => {
  for (const store of [undefined, new PlainStore()]) {
    const lua = await Lua.create({ store });
    lua.compute('_home.long = ("x"):rep(300000)');
    assert.equal(lua.compute('return #_home.long').value, 300_000);
    assert.equal(lua.compute('return _home.long == ("x"):rep(300000)').value, true);
    const megabyte = 'y'.repeat(1 << 20);
    lua.home.set('long', megabyte);
    assert.equal(lua.home.get('long'), megabyte, 'JavaScript has room for more than the heap');
    assert.equal(lua.compute('_home.short = "z" return _home.short').value, 'z');
    lua.close();
  }
});

test('a long string is refused by a host that does not take it, with the limit', () => {
  const instance = start();
  assert.equal(compute(instance, '_home.fits = ("x"):rep(16384) return #_home.fits').value, 16_384n);
  assert.match(compute(instance, '_home.long = ("x"):rep(16385)').error, /at most 16384 bytes with this host, this one has 16385/);
  assert.match(compute(instance, '_home.deep = {a = {b = ("x"):rep(20000)}}').error, /_home\.deep\.a\.b: .*16384/);
  assert.equal(compute(instance, 'return _home.long, _home.deep').value, null);
  assert.equal(instance.tables.get(1).size, 1);
});

test('a value that no longer fits the heap is an error, and the next one is read', async () => {
  const lua = await Lua.create();
  lua.home.set('long', 'y'.repeat(1 << 20)).set('short', 'here');
  const error = (() => {
    try {
      return lua.compute('local hoard = {("x"):rep(900000)} return #_home.long');
    } catch (thrown) {
      return thrown;
    }
  })();
  assert.ok(error instanceof LuaError);
  assert.equal(error.status, 'memory');
  assert.equal(lua.compute('return _home.short').value, 'here');
  lua.close();
});
