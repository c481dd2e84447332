// Tests the modules of the pinned Lua releases that no line is at: what the edits do, in a few dozen programs each.
// The variable LUA_RELEASES names the modules, `lua-RELEASE.wasm` each.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import process from 'node:process';
import { test } from 'node:test';

import { Lua } from '../../web/lua-persistent.js';
import { failure } from '../js/support/failure.js';

const modules = (process.env.LUA_RELEASES ?? '').split(path.delimiter).filter(Boolean);

/** Programs, with what they return in any release. */
const PROGRAMS = {
  'the language': [
    ['return 7 // 2, 7 % -3, 2^10, "a" .. 1, #"abc", 1 << 62, 3 | 4', [3, -2, 1024, 'a1', 3, 1n << 62n, 7]],
    ['local t = {} for i = 1, 10 do t[#t + 1] = i * i end return #t, t[10], select("#", table.unpack(t))', [10, 100, 10]],
    ['local n = 0 for i = 10, 1, -3 do n = n + i end for x = 0.5, 2 do n = n + x end return n', [24]],
    ['local s = "" for k, v in pairs({a = 1}) do s = s .. k .. v end for i, v in ipairs({5, 6}) do s = s .. i .. v end return s', ['a11526']],
    ['local function f(n) if n == 0 then return 0 end return f(n - 1) end return f(100000)', [0]],
    ['goto done do return 1 end ::done:: return 2', [2]],
    ['local c <const> = 5 local log = "" do local x <close> = setmetatable({}, {__close = function() log = log .. "closed" end}) end return c, log', [5, 'closed']],
    ['local t = setmetatable({}, {__index = function(_, k) return k .. "!" end, __call = function(_, x) return x + 1 end}) return t.a, t(1)', ['a!', 2]],
    ['return "10" + 5, "0x10" * 2, 10 == "10", 1 < 2, "a" < "b", math.type(3.0)', [15, 32, false, true, true, 'float']],
    ['return load("return ...", "c", "t")(3), (load("x ="))', [3, null]],
  ],
  libraries: [
    ['return ("%5.2f|%d|%q|%s"):format(1.5, 3, "a\\n", nil)', [' 1.50|3|"a\\\n"|nil']],
    ['return ("hello world"):gsub("o", "0"), ("key=value"):match("(%w+)=(%w+)")', ['hell0 w0rld', 'key', 'value']],
    ['local t = {3, 1, 2} table.sort(t, function(a, b) return a > b end) return table.concat(t, ","), #table.pack(1, 2)', ['3,2,1', 2]],
    ['return utf8.char(228, 8364), utf8.len("äé"), (utf8.offset("aäb", 3))', ['ä€', 2, 4]],
    ['return string.unpack("<i4", string.pack("<i4", -2))', [-2, 5]],
    ['return math.floor(2.7), math.max(1, 5, 3), os.time({year = 2020, month = 1, day = 1, hour = 12}) > 0', [2, 5, true]],
    ['return debug.getinfo(1, "l").currentline, (debug.traceback("x", 1):match("^x"))', [1, 'x']],
  ],
  errors: [
    ['return pcall(error, {code = 1}) == false, (select(2, pcall(error, "m", 0)))', [true, 'm']],
    ['return select(2, pcall(function() local t = nil return t.x end))', ["[string \"return select(2, pcall(function() local t = n...\"]:1: attempt to index a nil value (local 't')"]],
    ['return (select(2, pcall(function() local t = {} while true do t = {t, ("x"):rep(1000) .. #t} end end)))', ['not enough memory']],
    ['return xpcall(function() error("e", 0) end, function(m) return m .. "!" end)', [false, 'e!']],
  ],
  coroutines: [
    ['local co = coroutine.wrap(function(a) local b = coroutine.yield(a + 1) return b * 2 end) return co(1), co(5)', [2, 10]],
    ['local co = coroutine.create(function() local x <close> = setmetatable({}, {__close = function() end}) coroutine.yield(1) end) coroutine.resume(co) return coroutine.close(co), coroutine.status(co)', [true, 'dead']],
    ['local co = coroutine.wrap(function() return pcall(function() coroutine.yield(1) error("x", 0) end) end) co() return co()', [false, 'x']],
  ],
  'external tables': [
    ['_home.t = {1, 2, x = {y = "deep"}} return _home.t.x.y, #_home.t, rawlen(_home.t), next(_home.t) ~= nil', ['deep', 2, 2, true]],
    ['local n = 0 for k, v in pairs(_home.t) do n = n + 1 end _home.t[3] = 3 return n, #_home.t, rawget(_home.t, 3), _home.t == _home.t', [3, 3, 3, true]],
    ['local count = 0 function _home.up() count = count + 1 return count end _home.up() return _home.up()', [2]],
    ['_home.m = setmetatable({}, {__index = function(_, k) return "got " .. k end, __len = function() return 42 end}) return _home.m.x, #_home.m', ['got x', 42]],
    ['local t = {1, 2, (function() return 3 end)()} _home.list = t table.insert(t, 4) table.sort(t, function(a, b) return a > b end) return table.concat(_home.list, ",")', ['4,3,2,1']],
    ['return pcall(function() _home.bad = coroutine.create(print) end)', undefined],
    ['_home.gone = {1} _home.gone = nil return ext.collect() >= 0, _home.gone', [true, null]],
    ['local w = setmetatable({}, {__mode = "k"}) w[{}] = 1 collectgarbage() return next(w)', [null]],
  ],
  console: [
    ['local a = 1 local function get() return a end return get()', [1]],
    ['a = a + 1 return a, get()', [2, 2]],
  ],
};

/** Where a program pauses each few ticks, it gives the same. */
const LONG = 'local n = 0 for i = 1, 2000 do n = n + i % 7 while n > 100 do n = n - 50 end end ' +
  'local t = {} for k in ("abc"):gmatch(".") do t[#t + 1] = k end return n, table.concat(t)';

test('there are modules to test', () => assert.ok(modules.length > 0, 'LUA_RELEASES names none'));

for (const file of modules) {
  const release = /lua-(\d+\.\d+\.\d+)\.wasm$/.exec(file)?.[1] ?? '';
  const wasm = readFileSync(file);

  for (const [name, programs] of Object.entries(PROGRAMS)) {
    test(`Lua ${release}: ${name}`, async () => {
      const lua = await Lua.create({ wasm });
      assert.equal(lua.luaRelease, release);
      for (const [code, expected] of programs) {
        const { values } = name === 'console' ? lua.eval(code) : lua.compute(code);
        if (expected !== undefined) assert.deepEqual(values, expected, code);
      }
      lua.close();
    });
  }

  test(`Lua ${release}: limits`, async () => {
    const lua = await Lua.create({ wasm });
    for (const code of ['while true do end', 'for i = 1, math.huge do end', 'repeat until false', 'local function f() return f() end f()',
      'string.rep("x", 1e5):find(string.rep("a*", 50) .. "b")', 'while true do pcall(error) end', '::a:: goto a',
      'for _ in function() return 1 end do end']) {
      assert.equal(failure(() => lua.compute(code, { instructions: 10_000 })).limit, 'instructions', code);
    }
    assert.equal(lua.compute('return 1 + 1').value, 2);
    lua.close();
  });

  test(`Lua ${release}: a program in steps gives what it gives at once`, async () => {
    const lua = await Lua.create({ wasm });
    const { values } = lua.compute(LONG);
    for (const budget of [1, 2, 7, 100]) {
      lua.start(LONG);
      let steps = 0;
      let result = lua.step(budget);
      for (; !result.done; steps++) result = lua.step(budget);
      assert.deepEqual(result.values, values, `${budget} ticks`);
      assert.ok(steps > 10, `${steps} steps of ${budget} ticks`);
    }
    lua.close();
  });

  test(`Lua ${release}: snapshots, checkpoints, host functions and hidden values`, async () => {
    const functions = { twice: (/** @type {number} */ value) => value * 2 };
    const lua = await Lua.create({ wasm, functions });
    lua.compute('x = {5} _home.x = x function add(n) x[1] = x[1] + n return x[1] end');
    const copy = await Lua.restore(await lua.snapshot(), { wasm, functions });
    assert.deepEqual([lua.compute('return add(twice(2))').value, copy.compute('return _home.x[1]').value], [9, 5]);
    lua.checkpoint();
    lua.compute('add(1) _home.y = 1');
    lua.rollback();
    assert.deepEqual(lua.compute('return x[1], _home.y').values, [9, null]);
    assert.equal(lua.call('add', 1), 10);
    assert.equal(lua.compute('return debug.getregistry()[4]').value, null);
    copy.close();
    lua.close();
  });
}
