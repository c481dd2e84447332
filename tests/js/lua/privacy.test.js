// Tests that nothing that Lua code can reach is unsafe to touch: neither through `debug`, nor from anywhere that Lua code is
// called.

import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import test from 'node:test';

import { Lua, LuaError } from '../../../web/lua-persistent.js';
import { collector } from '../support/line.js';

const REACH = fs.readFileSync(new URL('../../lua/reach.lua', import.meta.url), 'utf8');

/** Runs a piece of the walk. What Lua makes of it does not matter; a trap of the module does. */
function run(lua, code) {
  try {
    lua.compute(code);
  } catch (error) {
    if (!(error instanceof LuaError)) throw error;
  }
}

/** Attacks, each of which ends well or in an error of Lua. */
const ATTACKS = {
  'tables that only the machine uses': `
    local function all(t, seen, deep)
      if type(t) ~= "table" or seen[t] or deep > 4 then return end
      seen[t] = true
      for k, v in next, t do tostring(k) tostring(v) all(v, seen, deep + 1) end
    end
    local n = 0 function _home.f() n = n + 1 return n end
    all(debug.getregistry(), {}, 0)`,
  'the registry': `
    local r = debug.getregistry()
    assert(r == debug.getregistry())
    r[1] = nil r[2] = nil for i = 1, 100 do r["k" .. i] = i end pcall(rawset, _home, "registry", r)
    while next(r) ~= nil do r[next(r)] = nil end
    assert(load("kept = 1"))() assert(kept == 1 and require("string") == string)
    debug.sethook(function() end, "c") debug.sethook()`,
  'upvalues of C functions': `
    for _, f in next, {math.random, string.gmatch("aa", "a"), coroutine.wrap(print), host, io.lines} do
      for n = 1, 4 do debug.setupvalue(f, n, nil) debug.setupvalue(f, n, "x") local _, v = debug.getupvalue(f, n) assert(type(v) ~= "userdata") end
      pcall(f)
    end
    assert(host(function() return 1 end))`,
  'the state of a numeric for': `
    for i = 1, 3 do for n = 1, 6 do debug.setlocal(1, n, {}) end end
    rounds = 0
    for i = 1.5, 3 do
      rounds = rounds + 1
      if rounds > 9 then break end  -- 5.5 counts with the variable itself
      for n = 1, 6 do debug.setlocal(1, n, "x") end
    end
    collectgarbage()`,
  'a table under construction': `
    local function swap() for n = 1, 20 do debug.setlocal(2, n, 7) end return 1 end
    local t = {swap(), 2, 3} assert(#t == 3)`,
  'the values of a C function': `
    (("x"):rep(100)):gsub("x", function() for n = 1, 9 do debug.setlocal(2, n, nil) end collectgarbage() return "y" end)
    table.sort({3, 1, 2}, function(a, b) for n = 1, 9 do debug.setlocal(2, n, nil) end return a < b end)`,
  'what is compiled': `
    local n = 0
    assert(load(function()
      n = n + 1
      for i = 1, 9 do local _, v = debug.getlocal(2, i) assert(type(v) == "nil") end
      return n < 5 and "x = {'text " .. n .. "'} " or nil
    end))()`,
  'functions that trust their arguments': `
    local seen = {}
    local function look() for level = 1, 12 do local i = debug.getinfo(level, "fS") if not i then break end if i.what == "C" and i.func then seen[i.func] = true end end end
    xpcall(function() _home.x = coroutine.create(print) end, look)
    xpcall(function() _home[{}] = 1 end, look)
    look() host(look)
    for i = 1, 50 do setmetatable({}, {__gc = look}) _home["k" .. i] = {{}} end
    debug.sethook(look, "crl") local _ = _home.k1 _home.k2 = 1 _ = #_home; ("x"):rep(5000):gsub("x", "yy") debug.sethook()
    for f in next, seen do
      for _, v in next, {1, "x", {}, print} do if f ~= coroutine.yield then pcall(f) pcall(f, v) pcall(f, v, v, v) end end
    end`,
  'arguments of an operation, from a hook': `
    debug.sethook(function() for level = 2, 3 do for n = 1, 5 do pcall(debug.setlocal, level, n, 42) end end end, "cr")
    local t = _home.t _home.t = 1 t = #_home t = next(_home)
    debug.sethook()`,
  'results of a console chunk': `
    debug.sethook(function() for n = 1, 20 do debug.setlocal(2, n, 42) end end, "r")
    load("local a, b = 1, 2 return function() return a end")()`,
  'the main thread': `
    local main = main or coroutine.running()
    pcall(coroutine.close, main) pcall(coroutine.resume, main, 1)
    local co = coroutine.create(function() return pcall(coroutine.close, main), pcall(coroutine.resume, main) end)
    coroutine.resume(co)`,
};

for (const [name, code] of Object.entries(ATTACKS)) {
  test(`Lua code cannot damage ${name}`, async () => {
    const lua = await Lua.create();
    lua.set('host', (callback) => callback() ?? true);
    lua.compute('main = coroutine.running()');
    lua.compute(code);
    lua.compute('debug.sethook()');
    lua.eval(`do ${code} end`);
    lua.eval('debug.sethook()');
    lua.gc();
    lua.start(code);
    for (let steps = 0; !lua.step(100).done; steps++) assert.ok(steps < 10_000);
    lua.compute('debug.sethook()');
    lua.gc();
    assert.equal(lua.compute('return 6 * 7').value, 42);
    assert.equal(lua.eval('6 * 7').value, 42);
    lua.close();
  });
}

const SEEDS = 60;

test(`${SEEDS} random walks over all that Lua code can reach leave the machine whole`, async () => {
  for (let seed = 1; seed <= SEEDS; seed++) {
    const lua = await Lua.create();
    try {
      lua.set('seed', seed);
      lua.set('host', (callback, ...rest) => (typeof callback === 'function' ? callback(...rest) : null));
      lua.set('more', lua.compute(REACH).value);
      const more = lua.compute('return more').value;
      lua.compute(collector('pause', 0));
      for (let round = 0; round < 12; round++) {
        try {
          more();
        } catch (error) {
          if (!(error instanceof LuaError)) throw error;
        }
        if (round % 4 === 3) {
          lua.gc();
          run(lua, 'return 1');
        }
      }
      lua.gc();
      lua.close();
    } catch (error) {
      throw new Error(`seed ${seed}: ${error.message}`, { cause: error });
    }
  }
});
