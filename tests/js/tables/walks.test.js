// Walks of external tables go on where they were, whatever happens between two steps of a program.

import assert from 'node:assert/strict';
import test from 'node:test';

import { Lua } from '../../../web/lua-persistent.js';
import { compute, start } from '../support/documented-host.js';

const FILL = (count, width = 0) => `_home.t = {} for i = 1, ${count} do _home.t["key" .. i .. ("_"):rep(${width})] = i end `;

/** Runs the program that was started, and calls `between` after each step. */
function run(lua, ticks, between = () => {}) {
  let step;
  for (let n = 0; n < 100_000; n++) {
    step = lua.step(ticks);
    if (step.done) return step.values;
    between(n);
  }
  assert.fail('the program does not end');
}

const DELETING = `local n, seen = 0, {}
  for k in next, _home.t do
    if seen[k] then error("seen twice: " .. k) end
    seen[k] = true n = n + 1 _home.t[k] = nil
  end
  return n, next(_home.t)`;

for (const [count, width] of [[1, 0], [10, 0], [3000, 0], [300, 100], [40, 900], [6, 5000]]) {
  for (const ticks of [2, 3, 50]) {
    test(`a paused program deletes each of ${count} keys as it comes to it (${width} bytes longer, ${ticks} ticks)`, async () => {
      const lua = await Lua.create();
      lua.compute(FILL(count, width));
      lua.start(DELETING);
      assert.deepEqual(run(lua, ticks), [count, null]);
      lua.close();
    });
  }
}

test('every other key is deleted, set again or replaced', async () => {
  const lua = await Lua.create();
  lua.compute(FILL(2000));
  lua.start(`local n, sum = 0, 0
    for k, v in pairs(_home.t) do
      n = n + 1 sum = sum + v
      if v % 3 == 0 then _home.t[k] = nil elseif v % 3 == 1 then _home.t[k] = v end
    end
    local left = 0 for k in pairs(_home.t) do left = left + 1 end
    return n, sum, left`);
  assert.deepEqual(run(lua, 7), [2000, 2001000, 1334]);
  lua.close();
});

test('walks in walks, each deleting', async () => {
  const lua = await Lua.create();
  lua.compute(`_home.t = {} for i = 1, 40 do _home.t["t" .. i] = {} for j = 1, 40 do _home.t["t" .. i]["k" .. j] = j end end`);
  lua.start(`local n = 0
    for k, inner in pairs(_home.t) do
      for key in pairs(inner) do n = n + 1 inner[key] = nil end
      _home.t[k] = nil
    end
    return n, next(_home.t)`);
  assert.deepEqual(run(lua, 3), [1600, null]);
  lua.close();
});

test('other calls and the host\'s functions may walk between steps', async () => {
  const lua = await Lua.create();
  lua.compute(FILL(500));
  lua.set('host', () => lua.compute('local n = 0 for k in pairs(_home.t) do n = n + 1 if n == 3 then break end end return n').value);
  lua.start(`local n = 0 for k in next, _home.t do n = n + 1 _home.t[k] = nil if n < 490 then host() end end return n`);
  assert.deepEqual(run(lua, 5, (n) => {
    if (n % 3 === 0) lua.compute('for k, v in pairs(_home.t) do if v % 7 == 0 then break end end return next(_home)');
  }), [500]);
  lua.close();
});

test('the host deletes keys between steps, and none of the others is lost or seen twice', async () => {
  const lua = await Lua.create();
  lua.compute(FILL(1000));
  const table = lua.home.get('t');
  lua.start(`local seen = {} for k in next, _home.t do if _home.t[k] then seen[k] = (seen[k] or 0) + 1 end _home.t[k] = nil end
    local n, twice = 0, 0 for k, c in pairs(seen) do n = n + 1 if c > 1 then twice = twice + 1 end end return n, twice`);
  const deleted = new Set();
  const values = run(lua, 9, (n) => {
    const key = `key${((n * 37) % 1000) + 1}`;
    if (table.get(key) !== undefined && table.get(key) !== null) {
      deleted.add(key);
      table.delete(key);
    }
  });
  assert.deepEqual(values, [1000 - deleted.size, 0]);
  lua.close();
});

test('a walk goes on after a rollback as it would have from the checkpoint', async () => {
  const lua = await Lua.create();
  lua.compute(FILL(1500));
  lua.start(DELETING);
  for (let n = 0; n < 20; n++) assert.equal(lua.step(20).done, false);
  lua.checkpoint();
  for (let n = 0; n < 10; n++) assert.equal(lua.step(20).done, false);
  lua.rollback();
  assert.deepEqual(run(lua, 20), [1500, null]);
  lua.close();
});

test('a coroutine goes on with its walk in later calls', async () => {
  const lua = await Lua.create();
  lua.compute(`${FILL(700)} co = coroutine.wrap(function() for k in pairs(_home.t) do _home.t[k] = nil coroutine.yield(k) end end)`);
  const seen = new Set();
  for (let key; (key = lua.compute('return co()').value) !== null;) seen.add(key);
  assert.equal(seen.size, 700);
  lua.close();
});

test('so does a walk with a host that lists all keys at once', () => {
  const instance = start();
  const call = (code) => {
    const result = compute(instance, code);
    assert.equal(result.error, undefined);
    return result.value;
  };
  call(FILL(700));
  call('co = coroutine.wrap(function() for k in pairs(_home.t) do _home.t[k] = nil coroutine.yield(k) end return "end" end)');
  const seen = new Set();
  for (let key; (key = call('return co()')) !== 'end';) seen.add(key);
  assert.equal(seen.size, 700);
});

test('what walks keep between calls is little', async () => {
  const lua = await Lua.create();
  lua.compute(`${FILL(5000)} for i = 1, 30 do _home["u" .. i] = {} for j = 1, 400 do _home["u" .. i][j] = j end end`);
  const used = () => lua.compute('collectgarbage() collectgarbage() return collectgarbage("count")').value;
  const before = used();
  lua.compute('for i = 1, 30 do next(_home["u" .. i]) end next(_home.t)');
  assert.ok(used() - before < 24, `${used() - before} KiB`);
  lua.close();
});
