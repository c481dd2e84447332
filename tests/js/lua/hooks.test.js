// Tests that hooks are called as in a native Lua, and that none outlives the limit that it reaches.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import test from 'node:test';
import { fileURLToPath } from 'node:url';

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

test('a hook of a coroutine that never ends fails the call that resumes it, and no other', async () => {
  const lua = await Lua.create();
  const limits = { instructions: 10_000 };
  lua.compute(`local function endless() while true do end end
    a = coroutine.create(function() local x = 1 coroutine.yield() local y = 2 end) debug.sethook(a, endless, "crl", 1)
    b = coroutine.create(function() local x = 1 coroutine.yield() local y = 2 end) coroutine.resume(b) debug.sethook(b, endless, "", 1)
    c = coroutine.create(function() return pcall(function() debug.sethook(endless, "l") local x = 1
      local y = 2 end) end)`);
  for (const name of ['a', 'b', 'c']) {
    assert.throws(() => lua.compute(`return coroutine.resume(${name})`, limits), /limit of 10000 instructions/, name);
    assert.deepEqual(lua.compute(`local x = 1 return coroutine.status(${name}), coroutine.resume(${name})`, limits).values, ['dead', false, 'cannot resume dead coroutine']);
  }
  lua.close();
});

const FOLDER = fileURLToPath(new URL('../../lua/', import.meta.url));

/**
 * What is printed but for count hooks and metamethods: as natively behind a yield, the rest of an instruction counts once more
 * where its iterator or metamethod was paused.
 */
function undivided(text) {
  let divided = false;
  return text.split('\n').filter((line) => {
    if (!line.startsWith('\t')) divided = /^(metamethods|[^\t]+\t\w*\t\d+)\t/.test(line);
    return !divided;
  });
}

for (const [how, ticks] of [['at once', null], ['in steps of 2 ticks', 2], ['in steps of 7 ticks', 7], ['in steps of 14 ticks', 14], ['in long steps', 1000]]) {
  test(`call, return, line and count hooks see the events that they see natively, in their order, ${how}`, async () => {
    const native = process.env.LUA_NATIVE;
    assert.ok(native, 'LUA_NATIVE must be the path of a native Lua interpreter of the same release; `cargo xtask test` builds one and sets it');
    const run = spawnSync(fs.realpathSync(native), ['hooks.lua'], { cwd: FOLDER, encoding: 'utf8' });
    assert.equal(run.status, 0, run.stderr);
    const events = ticks === null ? (text) => text.split('\n') : undivided;
    const expected = events(run.stdout);
    assert.ok(expected.length > 200, `${expected.length}`);

    const pieces = [];
    const lua = await Lua.create({ onPrint: (text) => pieces.push(text), keepOutput: false });
    const source = fs.readFileSync(`${FOLDER}hooks.lua`);
    if (ticks === null) {
      lua.compute(source, { name: '@hooks.lua' });
    } else {
      lua.start(source, { name: '@hooks.lua' });
      while (lua.step(ticks).done === false);
    }
    lua.close();
    const actual = events(pieces.join(''));
    assert.equal(actual.length, expected.length);
    const different = expected.flatMap((line, index) => (actual[index] === line ? [] : [`native: ${line}\n    here:   ${actual[index]}`]));
    assert.equal(different.length, 0, `${different.length} lines differ:\n  ${different.slice(0, 20).join('\n  ')}`);
  });
}
