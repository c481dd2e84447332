// Tests that limits hold inside the functions of the library, too: whatever loops in C, for as long as a script chooses.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { after, test } from 'node:test';
import { Worker } from 'node:worker_threads';

import { Lua } from '../../../web/lua-persistent.js';
import { failure } from '../support/failure.js';
import { LINE } from '../support/line.js';

/** So long may a program take that a limit should have ended after a fraction of a second. */
const PATIENCE = 30_000;

/** Programs whose loops are C functions'. */
const ENDLESS = {
  'table.move': 'table.move({}, 1, 10^15 | 0, 2)',
  'table.move backwards': 'table.move(setmetatable({}, {__newindex = rawlen}), 1, 10^15 | 0, 2)',
  'table.insert': 'table.insert(setmetatable({}, {__len = function() return 10^15 | 0 end}), 1, 1)',
  'table.remove': 'table.remove(setmetatable({}, {__len = function() return 10^15 | 0 end}), 1)',
  'table.concat': 'table.concat(setmetatable({}, {__index = setmetatable({}, {__index = function() return "" end})}), "", 1, 10^15 | 0)',
  'table.sort': 'table.sort(setmetatable({}, {__len = function() return 2^31 - 2 | 0 end, __index = function() return 1 end, __newindex = rawlen}))',
  'table.sort with a C function': 'table.sort(setmetatable({}, {__len = function() return 2^31 - 2 | 0 end}), rawequal)',
  'table.unpack': 'while true do pcall(table.unpack, {}, 1, 40000) end',
  'a pattern of many repetitions': '("a"):rep(60):find(("a*"):rep(30) .. "b")',
  'a pattern of shortest repetitions': 'local s = ("a"):rep(3000) while true do s:find(".-b") end',
  'a pattern of options': '("a"):rep(60):find(("a?"):rep(60) .. ("a"):rep(61))',
  'a long pattern': '("a"):rep(1e5):find(("a"):rep(5e4) .. "b$")',
  'a long set': '("x"):rep(1e5):find("[" .. ("a"):rep(1e5) .. "]")',
  'a long set at a frontier': '("b"):rep(1e5):find("%f[" .. ("a"):rep(1e5) .. "]")',
  'a balanced match': '("("):rep(2e5):find("%b()")',
  'a capture that is repeated': 'local s = ("a"):rep(2e5) while true do s:find("^(.*)%1%1%1.-b") end',
  'gmatch': 'while true do for _ in ("a"):rep(1e5):gmatch("a*a*a*b") do end end',
  'gsub with empty captures': '("a"):rep(1e5):gsub("(b-)", ("%1"):rep(1e5))',
  'gsub with a table': 'while true do ("a"):rep(1e5):gsub(".", {}) end',
  'a plain search': 'local s = ("a"):rep(5e5) s:find(("a"):rep(2e5) .. "b", 1, true)',
  'many plain searches': 'local s = ("ab"):rep(2e5) while true do s:find("c", 1, true) end',
  'string.rep': 'while true do ("x"):rep(1e5) end',
  'string.reverse': 'local s = ("x"):rep(4e5) while true do s:reverse() end',
  'string.format': 'local s = ("x"):rep(2e5) while true do local _ = ("%s"):format(s) end',
  'string.packsize': 'local f = ("b"):rep(1e5) while true do string.packsize(f) end',
  'concatenation': 'local s = ("x"):rep(4e5) while true do local _ = s .. "x" end',
  'equality': 'local a, b = ("x"):rep(4e5), ("x"):rep(4e5) while true do local _ = a == b end',
  'order': 'local a, b = ("x"):rep(4e5) .. "a", ("x"):rep(4e5) .. "b" while true do local _ = a < b end',
  'tonumber': 'local s = (" "):rep(4e5) while true do tonumber(s) end',
  'utf8.len': 'local s = ("x"):rep(4e5) while true do utf8.len(s) end',
  'utf8.offset': 'local s = ("x"):rep(4e5) while true do utf8.offset(s, -4e5 | 0) end',
  'utf8.codes': 'local s, f = ("\\x80"):rep(4e5), utf8.codes("") while true do pcall(f, s, 1) end',
  'os.date': 'local f = ("%c"):rep(20000) while true do os.date(f) end',
  'load with an endless reader': 'load(function() return " " end)',
  'load with long pieces': 'local s = (" "):rep(1e5) load(function() return s end)',
  'load of a long chain': 'while true do load("if a then " .. ("elseif a then "):rep(40000) .. " end") end',
  'load of names in nested functions': `
    local names, s = {}, "" for i = 1, 150 do names[i] = "local a" .. i .. "=1 " end
    local all = (" function f() " .. table.concat(names)):rep(100) .. (" x()"):rep(50000) while true do load(all) end`,
  'string.dump': 'local f = load(("x = 1 "):rep(20000)) while true do string.dump(f) end',
  'next in what was emptied': 'local t = {} for i = 1, 30000 do t[i] = i end for i = 1, 30000 do t[i] = nil end while true do next(t) end',
  'many arguments': 'local function f(...) while true do (function(...) end)(...) end end f(table.unpack({}, 1, 20000))',
  'collectgarbage': 'local t = {} for i = 1, 20000 do t[i] = {} end while true do collectgarbage() end',
  'collectgarbage in steps': 'local t = {} for i = 1, 20000 do t[i] = {} end while true do collectgarbage("step", 10^6 | 0) end',
  'memory that is not there': 'local t = {} for i = 1, 20000 do t[i] = {} end while true do pcall(string.rep, "x", 10^9 | 0) end',
  'package.searchpath': 'while true do package.searchpath("x", ("?;"):rep(5000)) end',
  'an error that is caught': 'while true do pcall(table.move, {}, 1, 10^15 | 0, 2) end',
  'long values of external tables': 'local s = ("x"):rep(5e5) while true do _home.x = s end',
  'output': 'local s = ("x"):rep(5e5) while true do io.write(s) end',
  'arguments of host functions': 'local s = ("x"):rep(5e5) while true do host(s) end',
};

/** @type {Worker | null} */
let worker = null;
after(() => worker?.terminate());

/** Run a program in a thread; `null` if it does not end. */
async function run(code, limits) {
  worker ??= new Worker(new URL('./library-limits-worker.js', import.meta.url));
  const thread = worker;
  const over = new AbortController();
  const timer = setTimeout(() => over.abort(), PATIENCE);
  thread.postMessage({ code, limits });
  try {
    const [answer] = await once(thread, 'message', { signal: over.signal });
    return answer;
  } catch (error) {
    await thread.terminate();
    worker = null;
    if (!over.signal.aborted) throw error;
    return null;
  } finally {
    clearTimeout(timer);
  }
}

for (const [name, code] of Object.entries(ENDLESS)) {
  test(`${name}: ends at each limit, and the machine is usable afterwards`, async () => {
    for (const [limit, value] of Object.entries({ instructions: 1e6, milliseconds: 100 })) {
      const answer = await run(code, { [limit]: value });
      assert.notEqual(answer, null, `${name} did not end at the limit of ${limit}`);
      assert.equal(answer.ended?.limit, limit, answer.ended?.message);
      assert.equal(answer.usable, true);
    }
  });
}

test('a call of a host function is charged for its arguments and results', async () => {
  const results = 'y'.repeat(5e4);
  const lua = await Lua.create({ functions: { take: () => {}, give: () => results } });
  for (const code of ['local s = ("x"):rep(5e4) for _ = 1, 100 do take(s) end', 'for _ = 1, 100 do give() end']) {
    assert.equal(failure(() => lua.compute(code, { instructions: 1e5 })).limit, 'instructions', code);
    lua.compute(code, { instructions: 1e6 });
  }
  lua.close();
});

test('any number of empty copies is one, at once', async () => {
  const lua = await Lua.create();
  assert.equal(lua.eval('string.rep("", math.maxinteger, "")', { instructions: 100 }).value, '');
  lua.close();
});

test('what is charged is in proportion to the work, so that ordinary programs fit their limits', async () => {
  const lua = await Lua.create();
  for (const [code, ticks] of Object.entries({
    'return #("x"):rep(5e5)': 40_000,
    'local s = ("line\\n"):rep(2e4) local n, at = 0, 1 while true do at = s:find("\\n", at, true) if not at then break end at, n = at + 1, n + 1 end return n': 50_000,
    'local t = {} for i = 1, 1e4 do t[i] = "item" .. i end return table.concat(t, ",")': 30_000,
    'local t = {} for i = 1, 1000 do t[i] = -i end table.sort(t) return t[1]': 20_000,
    'local n = 0 for word in ("some words "):rep(1000):gmatch("%a+") do n = n + 1 end return n': 20_000,
  })) {
    lua.start(code);
    const step = lua.step(undefined, { instructions: ticks });
    assert.equal(step.done, true);
    assert.ok(step.ticks > ticks / 20, `${code}: ${step.ticks} of ${ticks}`);
  }
  lua.close();
});

test('a step that ends inside a C function goes on to its end, and the ticks of it count', async () => {
  const lua = await Lua.create();
  lua.start('for i = 1, 4 do table.move({}, 1, 5000, 2) end return "end"');
  for (let round = 0; round < 3; round++) {
    const step = lua.step(1000);
    assert.equal(step.done, false);
    assert.ok(step.ticks >= 5000 && step.ticks < 5500, String(step.ticks));
    assert.equal(step.overrun, step.ticks - 1000);
  }
  assert.equal(lua.step(1000).value, 'end');
  lua.close();
});

test('the error of a limit names the place in the program', async () => {
  const lua = await Lua.create();
  const error = failure(() => lua.eval('local t = {}\ntable.move(t, 1, 10^9 | 0, 2)', { instructions: 1000, name: 'main' }));
  assert.equal(error.message, 'main:2: the limit of 1000 instructions is reached');
  assert.match(error.traceback, LINE === '5.4' ? /in function 'table.move'/ : /in field 'move'/);
  lua.close();
});
