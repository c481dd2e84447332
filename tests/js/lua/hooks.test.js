// Hooks are called as in a native Lua, and none outlives the limit that it reaches.

import assert from 'node:assert/strict';
import test from 'node:test';

import { Lua } from '../../../web/lua-persistent.js';

test('a call hook is called once for a function whose loop begins at its first instruction', async () => {
  const lua = await Lua.create();
  const code = `local n, calls = 0, 0
    local function f() while true do n = n + 1 if n > 1000000 then return end end end
    debug.sethook(function() calls = calls + 1 end, "c") f() debug.sethook() return calls`;
  assert.equal(lua.compute(code).value, 2);
  lua.close();
});

test('a hook that never ends does not fail the calls behind the one that it stopped', async () => {
  const lua = await Lua.create();
  const limits = { instructions: 10_000 };
  assert.throws(() => lua.compute('debug.sethook(function() while true do end end, "", 1) local x = 1', limits), /limit of 10000 instructions/);
  assert.deepEqual(lua.compute('local x = 1 return x, debug.gethook()', limits).values.slice(0, 2), [1, null]);
  lua.close();
});
