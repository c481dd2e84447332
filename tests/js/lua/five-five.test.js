// Compares what is new or different in Lua 5.5 with a native Lua 5.5, and tests it with external tables.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import test from 'node:test';
import { fileURLToPath } from 'node:url';

import { Lua } from '../../../web/lua-persistent.js';
import { failure } from '../support/failure.js';
import { LINE } from '../support/line.js';

const PROGRAM = fileURLToPath(new URL('../../lua/five-five.lua', import.meta.url));
const SOURCE = fs.readFileSync(PROGRAM, 'utf8');
const options = { skip: LINE === '5.4' && 'of Lua 5.5' };

function native() {
  const program = process.env.LUA_NATIVE;
  assert.ok(program, 'LUA_NATIVE must be the path of a native Lua interpreter of the same release; `cargo xtask test` builds one and sets it');
  const run = spawnSync(program, [PROGRAM], { encoding: 'utf8' });
  assert.equal(run.status, 0, run.stderr);
  return run.stdout;
}

/** Returns what this build prints. `run` runs the program in a machine. */
async function printed(run) {
  let text = '';
  const lua = await Lua.create({ onPrint: (piece) => (text += piece), keepOutput: false });
  await run(lua);
  lua.close();
  return text;
}

function assertSame(actual, expected) {
  const [here, there] = [actual, expected].map((text) => text.split('\n'));
  assert.ok(there.length > 200);
  const different = there.flatMap((line, index) => (here[index] === line ? [] : [`native: ${line}\n    here:   ${here[index]}`]));
  assert.equal(different.length, 0, `${different.length} lines differ:\n  ${different.slice(0, 20).join('\n  ')}`);
  assert.equal(here.length, there.length);
}

test('what Lua 5.5 has anew is as in a native Lua 5.5, at once and in steps', options, async () => {
  const expected = native();
  assertSame(await printed((lua) => lua.compute(SOURCE, { name: `@${PROGRAM}` })), expected);
  for (const ticks of [7, 1000]) {
    assertSame(await printed((lua) => {
      lua.start(SOURCE, { name: `@${PROGRAM}` });
      while (!lua.step(ticks).done);
    }), expected);
  }
});

test('a vararg table may become an external one, and hold anything then', options, async () => {
  const lua = await Lua.create();
  const values = (code) => lua.eval(code).values;
  assert.deepEqual(values('local function f(...t) _home.v = t return select("#", ...), ... end return f("a", nil, "c")'), [3, 'a', null, 'c']);
  assert.deepEqual(values('local function f(...t) _home.v = t t[2] = "x" t.n = 4 return ... end return f(1, 2, 3)'), [1, 'x', 3, null]);
  assert.deepEqual(values('local function f(...t) _home.v = t local a, b = ... t[1] = nil return a, b, ... end return f(1, 2)'), [1, 2, null, 2]);
  // A new stack, and a collection, while the values are fetched.
  assert.deepEqual(values('local function f(...t) _home.v = t t.n = 20000 local n = select("#", ...) collectgarbage() return n, (...) end return f("a")'), [20000, 'a']);
  assert.match(failure(() => lua.eval('local function f(...t) _home.v = t t.n = 49990 return ... end f()')).message, /stack overflow/);
  for (const n of ['"x"', '-1', '1 << 40', 'nil']) {
    const error = failure(() => lua.eval(`local function f(...t) _home.v = t t.n = ${n} return ... end f()`));
    assert.match(error.message, /vararg table has no proper 'n'/);
  }
  lua.eval('_home.sum = function(...t) local s = 0 for i = 1, t.n do s = s + t[i] end return s, ... end');
  assert.deepEqual(values('return _home.sum(1, 2, 3)'), [6, 1, 2, 3]);
  lua.close();
});

test('the library `debug` cannot make the interpreter take a value for another', options, async () => {
  const lua = await Lua.create();
  for (const value of ['5', '"text"', 'nil', '_home', 'print']) {
    const replaced = `local function f(...t) local g = function() return t end debug.setupvalue(g, 1, ${value}) return ... end return pcall(f, 1)`;
    assert.match(lua.eval(replaced).values[1], /vararg table has no proper 'n'/);
  }
  for (const loop of ['i = 1, 4', 'i = 1.0, 4']) {
    for (const value of ['"text"', '{}', 'print', 'nil', 'true']) {
      for (const set of [`debug.setupvalue(function() return i end, 1, ${value})`, `local n = 1 while debug.getlocal(1, n) ~= "i" do n = n + 1 end debug.setlocal(1, n, ${value})`]) {
        const found = lua.eval(`local types, rounds = {}, 0
          for ${loop} do
            rounds = rounds + 1
            types[math.type(i) or "none"] = true
            if rounds == 2 then ${set} end
            collectgarbage()
            if rounds == 9 then break end
          end
          return types.none == nil and next(types), rounds > 2`).values;
        assert.deepEqual(found, [loop.includes('.') ? 'float' : 'integer', true]);
      }
    }
  }
  lua.close();
});

test('a short string that is no usual one is the same key', options, async () => {
  const lua = await Lua.create();
  // `package.path` is a string whose characters lie outside of the heap.
  const [path, ...values] = lua.eval(`local path = package.path
    local usual = path:sub(1, -2) .. path:sub(-1)
    _home[path] = 1 local first = _home[usual]
    _home[path] = 2 local second = _home[usual]
    _home[usual] = 3 local third = _home[path]
    rawset(_home, path, 4) local fourth = rawget(_home, usual)
    _home[path] = nil
    return path, first, second, third, fourth, _home[usual], next(_home)`).values;
  assert.ok(path.length <= 40);
  assert.deepEqual(values, [1, 2, 3, 4, null, null]);
  lua.close();
});

test('a coroutine does not close itself where that would leave something unfinished', options, async () => {
  const lua = await Lua.create({ functions: { host: (code) => lua.eval(code).values } });
  const [, message, status] = lua.eval('local co = coroutine.create(function() host("coroutine.close()") end) local ok, e = coroutine.resume(co) return ok, e, coroutine.status(co)').values;
  assert.match(message, /cannot close a coroutine that waits for a host function/);
  assert.equal(status, 'dead');
  assert.equal(lua.eval('local co = coroutine.wrap(function() return host("local co = coroutine.create(function() coroutine.close() end) return coroutine.resume(co)") end) return co()').values[0][0], true);
  const inFinalizer = `local message
    coroutine.wrap(function() setmetatable({}, {__gc = function() message = select(2, pcall(coroutine.close)) end}) collectgarbage() end)()
    return message`;
  assert.match(lua.eval(inFinalizer).value, /cannot close a coroutine within a finalizer/);
  lua.start('return pcall(coroutine.close)');
  assert.deepEqual(lua.step().values, [false, 'cannot close main thread']);
  lua.start('local co = coroutine.create(function() pcall(coroutine.close) end) return coroutine.resume(co)');
  assert.deepEqual(lua.step().values, [true]);
  lua.close();
});

test('tables of `table.create` and globals that are declared work with external tables', options, async () => {
  const lua = await Lua.create();
  assert.deepEqual(lua.eval(`local t = table.create(50, 10)
    for i = 1, 20 do t[i] = i end
    _home.t = t
    t[21], t.x = 21, "x" t[#t + 2] = "y"
    table.move(t, 2, 5, 1)
    return #t, t.x, t[1], t[4], rawlen(t), t == _home.t, t[23]`).values, [21, 'x', 2, 5, 21, true, 'y']);
  assert.deepEqual(lua.eval('local _ENV <const> = _home global a, b a = 1 b = a + 1 return a, b').values, [1, 2]);
  assert.match(failure(() => lua.eval('local _ENV <const> = _home global a = 2')).message, /global 'a' already defined/);
  assert.equal(lua.eval('_home.a = nil local _ENV <const> = _home global a = 2 return a').value, 2);
  // A field that is set to nil is gone, whether or not something asks before.
  assert.deepEqual(lua.eval('_home.b = nil setmetatable(_home.t, {}) _home.t.x = nil local t = _home.t t.y = 1 t.y = nil return _home.b, t.x, t.y').values, [null, null, null]);
  lua.close();
});

test('the work of `table.create` and of vararg tables counts', options, async () => {
  const lua = await Lua.create();
  for (const code of ['while true do table.create(20000) end', 'while true do table.create(0, 5000) end', 'local function f(...t) return t.n end while true do f(table.unpack({}, 1, 5000)) end']) {
    lua.start(code);
    assert.equal(failure(() => { while (!lua.step(undefined, { instructions: 100_000 }).done); }).limit, 'instructions');
  }
  lua.close();
});
