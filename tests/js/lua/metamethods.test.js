// Metamethods of external tables are called as those of any table, so that they may yield, at once or in steps.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import test from 'node:test';
import { fileURLToPath } from 'node:url';

import { Lua } from '../../../web/lua-persistent.js';
import { collector } from '../support/line.js';

const FOLDER = fileURLToPath(new URL('../../lua/', import.meta.url));
const NAME = 'metamethods.lua';
const SOURCE = fs.readFileSync(FOLDER + NAME);

/** Returns what a native Lua prints, whose tables are plain. */
function expected() {
  const native = process.env.LUA_NATIVE;
  assert.ok(native, 'LUA_NATIVE must be the path of a native Lua interpreter of the same release; `cargo xtask test` builds one and sets it');
  const run = spawnSync(fs.realpathSync(native), [NAME], { cwd: FOLDER, encoding: 'utf8', maxBuffer: 1 << 28 });
  assert.equal(run.status, 0, run.stderr);
  return run.stdout;
}

/** Returns what this build prints. `run` runs the program in a machine. */
async function printed(run) {
  const pieces = [];
  const lua = await Lua.create({ onPrint: (text) => pieces.push(text), keepOutput: false });
  await run(lua);
  lua.close();
  return pieces.join('');
}

function assertSame(actual, native) {
  const [here, there] = [actual, native].map((text) => text.split('\n'));
  assert.ok(there.length > 300);
  const different = there.flatMap((line, index) => (here[index] === line ? [] : [`native: ${line}\n    here:   ${here[index]}`]));
  assert.equal(different.length, 0, `${different.length} lines differ:\n  ${different.slice(0, 20).join('\n  ')}`);
  assert.equal(here.length, there.length);
}

test('metamethods of external tables may yield wherever those of plain tables may, and errors are at their lines', async () => {
  assertSame(await printed((lua) => lua.compute(SOURCE, { name: `@${NAME}` })), expected());
});

test('so they do with plain tables, and with a collection at each step', async () => {
  const native = expected();
  assertSame(await printed((lua) => lua.compute(`local ext <const> = nil ${SOURCE}`, { name: `@${NAME}` })), native);
  assertSame(await printed((lua) => {
    lua.compute(`${collector('pause', 100)} ${collector('stepmul', 1000)}`);
    lua.compute(SOURCE, { name: `@${NAME}` });
  }), native);
});

for (const ticks of [3, 7, 200]) {
  test(`a program pauses within metamethods of external tables, every ${ticks} ticks`, async () => {
    assertSame(await printed((lua) => {
      lua.start(SOURCE, { name: `@${NAME}` });
      let pauses = 0;
      while (lua.step(ticks).done === false) pauses++;
      assert.ok(pauses > 20, `${pauses}`);
    }), expected());
  });
}

test('a program pauses in __index and __newindex, and goes on with what they give', async () => {
  const lua = await Lua.create();
  lua.start(`local function slow(n) local sum = 0 for i = 1, n do sum = sum + i end return sum end
    local t = setmetatable(ext.table(), { __index = function(_, k) return slow(k) end, __newindex = function(t, k, v) rawset(t, k, v + slow(k)) end })
    t[1000] = 1 return t[2000], t[1000], #t`);
  let pauses = 0;
  let step;
  while ((step = lua.step(100)).done === false) pauses++;
  assert.ok(pauses >= 25, `${pauses}`);
  assert.deepEqual(step.values, [2001000, 500501, 0]);
  lua.close();
});

/** A machine that goes on with the tables of another. */
async function restarted(code) {
  const first = await Lua.create();
  first.compute(code);
  const store = first.store;
  first.close();
  return Lua.create({ store });
}

const META = `{ __len = function() return 42 end, __eq = function() return true end, __lt = function() return true end,
  __le = function() return true end, __concat = function() return "joined" end, __call = function(_, x) return x end,
  __unm = function() return "minus" end, __tostring = function() return "home" end, __name = "Home",
  __pairs = function() return function(_, k) return not k and "only" or nil end end, __close = function() _io.closed = true end,
  __index = function(_, k) return "index " .. k end, __newindex = function(t, k, v) rawset(t, k, "new " .. v) end, __add = function() return "sum" end }`;

for (const [what, code, values] of [
  ['the length', 'return #_home', [42]],
  ['a comparison', 'return _home == _io', [true]],
  ['an order', 'return _home < 1, 1 <= _home', [true, true]],
  ['a concatenation', 'return _home .. "x"', ['joined']],
  ['a call', 'return _home(5)', [5]],
  ['a negation', 'return -_home', ['minus']],
  ['a sum', 'return 1 + _home', ['sum']],
  ['tostring', 'return tostring(_home)', ['home']],
  ['pairs', 'for k in pairs(_home) do return k end', ['only']],
  ['getmetatable', 'return getmetatable(_home).__name', ['Home']],
  ['debug.getmetatable', 'return debug.getmetatable(_home).__name', ['Home']],
  ['to be closed', 'do local h <close> = _home end return _io.closed', [true]],
  ['a key', 'return _home.x, _home[1]', ['index x', 'index 1']],
  ['an assignment', '_home.x = "x" return _home.x', ['new x']],
  ['rawget', 'return rawget(_home, "x"), _home.x', [null, 'index x']],
  ['rawlen', 'return rawlen(_home), #_home', [0, 42]],
  ['next', 'return next(_home), _home.x', [null, 'index x']],
  ['an error', 'return (select(2, pcall(function() return _home & 1 end)))', [/a Home value/]],
]) {
  test(`the stored metatable of _home is known to what uses it first: ${what}`, async () => {
    const lua = await restarted(`setmetatable(_home, ${META})`);
    const result = lua.compute(code).values;
    if (values[0] instanceof RegExp) assert.match(result[0], values[0]);
    else assert.deepEqual(result, values);
    lua.close();
  });
}
