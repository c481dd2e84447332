// Tests programs that run in steps (web/machine/program.js).

import assert from 'node:assert/strict';
import test from 'node:test';

import { Lua, LuaError, LuaStateError, MultiReturn } from '../../../web/lua-persistent.js';

/** Step a program to its end; all steps. */
function steps(lua, budget) {
  const all = [];
  do all.push(lua.step(budget));
  while (!all[all.length - 1].done);
  return all;
}

test('a program runs in steps to the end that it has in one piece', async () => {
  const lua = await Lua.create();
  const code = 'local s = 0 for i = 1, 1000 do s = s + i if i % 100 == 0 then print(i) end end return s, "end"';
  const whole = lua.compute(code);
  lua.start(code);
  const all = steps(lua, 50);
  const last = all.pop();
  assert.ok(all.length >= 19 && all.length <= 21, String(all.length));
  for (const step of all) {
    assert.deepEqual(step.values, []);
    assert.equal(step.value, null);
    assert.equal(step.ticks, 50);
    assert.equal(step.overrun, 0);
  }
  assert.deepEqual(last.values, whole.values);
  assert.equal(all.map((step) => step.output).join('') + last.output, whole.output);
});

test('a program advances in steps of one tick, in loops, calls, metamethods and coroutines', async () => {
  const lua = await Lua.create();
  for (const code of [
    'local n = 0 for i = 1, 5 do n = n + i end return n',
    'local function f() return 1 end local n = 0 while n < 3 do n = n + f() end return n',
    'local t = setmetatable({}, { __index = function(_, k) return k .. k end }) return t.a .. t.b',
    'local co = coroutine.wrap(function() for i = 1, 3 do coroutine.yield(i) end end) return co() + co()',
  ]) {
    const whole = lua.compute(code).value;
    lua.start(code);
    let count = 0;
    let step;
    do step = lua.step(1);
    while (!step.done && ++count < 100);
    assert.equal(step.done, true, code);
    assert.equal(step.value, whole);
  }
  lua.close();
});

test('a step without a budget runs to the end', async () => {
  const lua = await Lua.create();
  for (const budget of [undefined, Infinity]) {
    lua.start('for i = 1, 100000 do end return 1');
    const step = lua.step(budget);
    assert.equal(step.done, true);
    assert.equal(step.value, 1);
    assert.ok(step.ticks >= 100000 && step.overrun === 0);
  }
});

test('a budget that is none is refused, and the program stands', async () => {
  const lua = await Lua.create();
  lua.start('return 1');
  for (const budget of [0, -1, 1.5, NaN, 2 ** 32, '10', null]) assert.throws(() => lua.step(budget), RangeError);
  assert.equal(lua.step(10).value, 1);
});

test('a program that cannot pause goes on until it can, and the step says by how much', async () => {
  const lua = await Lua.create();
  lua.start('local t = {} for i = 1, 100 do t[i] = i * 7919 % 101 end table.sort(t, function(a, b) for i = 1, 100 do end return a < b end) return t[1]');
  const all = steps(lua, 150);
  const longest = all.reduce((a, b) => (a.overrun > b.overrun ? a : b));
  assert.ok(longest.overrun > 10000, String(longest.overrun));
  assert.equal(longest.overrun, longest.ticks - 150);
  assert.equal(all[all.length - 1].value, 1);
});

test('a program pauses inside of coroutines that return, and where it yields itself', async () => {
  const lua = await Lua.create();
  lua.start('for i = 1, 3 do print(i) coroutine.yield("yielded", i) end return "end"');
  const all = steps(lua, 1000);
  assert.deepEqual(all.map((step) => [step.done, step.yielded, step.output, step.values]), [
    [false, true, '1\n', ['yielded', 1]],
    [false, true, '2\n', ['yielded', 2]],
    [false, true, '3\n', ['yielded', 3]],
    [true, false, '', ['end']],
  ]);
});

test('a step hands values to the yield that the program waits in', async () => {
  const lua = await Lua.create();
  lua.start('local a, b = ... local n = select("#", coroutine.yield(a, b)) local t, f = coroutine.yield(n) return t.x, f(2)');
  assert.deepEqual(lua.step(1000, { resume: ['first', true] }).values, ['first', true]);
  assert.deepEqual(lua.step(undefined, { resume: [null, 'x', null] }).values, [3]);
  assert.deepEqual(lua.step(1000, { resume: [{ x: 'table' }, (n) => n * 21] }).values, ['table', 42]);
});

test('what a step hands over comes behind the arguments of the program, and may be longer than the buffer', async () => {
  const lua = await Lua.create();
  lua.compute('arg = { "one", "two" }');
  lua.start('return select("#", ...), (...), #select(3, ...)', { passArguments: true });
  assert.deepEqual(lua.step(100, { resume: ['x'.repeat(100000)] }).values, [3, 'one', 100000]);
  lua.start('return coroutine.yield(("y"):rep(100000))');
  const step = lua.step();
  assert.deepEqual([step.done, step.yielded, step.value.length], [false, true, 100000]);
  const list = Array.from({ length: 20000 }, (_, index) => index);
  assert.deepEqual(lua.step(undefined, { resume: [list] }).value, list);
});

test('values for a program that does not wait in a yield are refused, and it stands', async () => {
  const lua = await Lua.create();
  lua.start('local n = 0 while n < 1000 do n = n + 1 end return n');
  lua.step(100);
  assert.throws(() => lua.step(100, { resume: [1] }), { name: 'LuaError', status: 'argument', message: 'the program is paused, but not by a yield: it takes no values' });
  assert.throws(() => lua.step(100, { resume: [new Date()] }), { name: 'EncodeError' });
  assert.throws(() => lua.step(100, { resume: 'x' }), { name: 'TypeError', message: 'the option resume has to be an array of values, not x' });
  assert.equal(lua.step(100, { resume: [] }).done, false);
  assert.equal(lua.step().value, 1000);
  assert.throws(() => lua.step(1, { resume: [1] }), /there is no program/);
});

test('a yield inside of a coroutine of the program is its own', async () => {
  const lua = await Lua.create();
  lua.start('local co = coroutine.wrap(function() coroutine.yield("inner") end) return co(), (coroutine.yield("outer"))');
  assert.deepEqual(lua.step(1000).values, ['outer']);
  assert.deepEqual(lua.step(1000, { resume: ['back'] }).values, ['inner', 'back']);
});

test('a program that waits in a yield does so in a snapshot, too', async () => {
  const lua = await Lua.create();
  lua.start('local n = 0 while true do n = n + coroutine.yield(n) end');
  lua.step();
  lua.step(undefined, { resume: [20] });
  const again = await Lua.restore(await lua.snapshot());
  assert.equal(again.step(undefined, { resume: [22] }).value, 42);
});

test('what a yield passes is held like any result, and errors in it end the program', async () => {
  const lua = await Lua.create();
  lua.start('coroutine.yield(function() return 7 end) error("after")');
  assert.equal(lua.step().value(), 7);
  assert.throws(() => lua.step(), /after/);
  lua.start('local n = coroutine.yield() return n + 1');
  assert.deepEqual([lua.step().yielded], [true]);
  assert.throws(() => lua.step(undefined, { resume: ['x'] }), /attempt to add a 'string' with a 'number'/);
  assert.throws(() => lua.step(), /there is no program/);
});

test('`run` asks what a yield is to give', async () => {
  const lua = await Lua.create();
  const asked = [];
  const onYield = async (...values) => {
    asked.push(values);
    return values[0] === 'two' ? MultiReturn.of(1, 2) : undefined;
  };
  const { values } = await lua.run('local a = coroutine.yield("one", 1) return a, coroutine.yield("two")', { onYield });
  assert.deepEqual(asked, [['one', 1], ['two']]);
  assert.deepEqual(values, [null, 1, 2]);
  await assert.rejects(lua.run('coroutine.yield()', { onYield: () => new Date() }), { name: 'EncodeError' });
});

test('other code runs between two steps', async () => {
  const lua = await Lua.create();
  lua.start('for i = 1, 1000 do n = i end return goal');
  lua.step(100);
  assert.ok(lua.compute('goal = "changed" return n').value < 200);
  assert.throws(() => lua.compute('error("x")'), LuaError);
  assert.equal(steps(lua, 300).pop().value, 'changed');
});

test('an error ends a program, with its name and its output', async () => {
  const lua = await Lua.create();
  assert.throws(() => lua.start('return +'), { name: 'LuaError', status: 'syntax' });
  assert.throws(() => lua.step(10), { name: 'LuaError', status: 'argument' });
  lua.start('print("before") local function f() error("sorry") end f()', { name: 'job.lua' });
  assert.throws(
    () => lua.step(100),
    (error) => {
      assert.equal(error.message, 'job.lua:1: sorry');
      assert.equal(error.output, 'before\n');
      assert.match(error.traceback, /in upvalue 'f'|in local 'f'|in function/);
      return true;
    },
  );
  assert.throws(() => lua.step(100), { name: 'LuaError', status: 'argument' });
});

test('results that are larger than the buffer come whole', async () => {
  const lua = await Lua.create();
  lua.start('return ("x"):rep(100000)');
  assert.equal(lua.step(100).value.length, 100000);
});

test('a program as long as a chapter starts', async () => {
  const lua = await Lua.create();
  lua.start(`local n = 0\n${'n = n + 1\n'.repeat(20000)}return n`);
  assert.equal(lua.step().value, 20000);
});

test('a paused program is in the snapshot, and goes on there and here', async () => {
  const lua = await Lua.create();
  lua.start('local seen = {} for key in ("a b c d"):gmatch("%a") do seen[#seen + 1] = key for i = 1, 50 do end _home.last = key end return table.concat(seen)');
  lua.step(80);
  const snapshot = await lua.snapshot();
  assert.equal(lua.step().value, 'abcd');
  const again = await Lua.restore(snapshot);
  assert.equal(again.compute('return _home.last').value, 'a');
  assert.equal(steps(again, 30).pop().value, 'abcd');
  assert.equal(again.compute('return _home.last').value, 'd');
});

test('`run` leaves the thread free between pieces and gives all output', async () => {
  const lua = await Lua.create();
  let turns = 0;
  const timer = setInterval(() => turns++, 0);
  const seen = [];
  const result = await lua.run('for i = 1, 20 do print(i) for j = 1, 1000 do end end return "end"', { ticks: 1000, onTick: (step) => void seen.push(step.ticks) });
  clearInterval(timer);
  assert.equal(result.value, 'end');
  assert.equal(result.done, true);
  assert.equal(result.lines.length, 20);
  assert.equal(result.ticks, seen.reduce((a, b) => a + b));
  assert.ok(seen.length >= 20 && turns > 0);
});

test('`run` can be stopped, and the program goes on later', async () => {
  const lua = await Lua.create();
  const result = await lua.run('local n = 0 while n < 100000 do n = n + 1 end return n', { ticks: 1000, onTick: () => false });
  assert.equal(result.done, false);
  assert.equal(lua.step().value, 100000);
});

test('`run` says so when another program takes its place', async () => {
  const lua = await Lua.create();
  const first = lua.run('while true do end', { ticks: 1000 });
  const second = lua.run('return 2', { ticks: 1000 });
  await assert.rejects(first, (error) => error instanceof LuaStateError && error.state === 'replaced');
  assert.equal((await second).value, 2);
});

test('a program gets arguments and runs as a console if it is to', async () => {
  const lua = await Lua.create();
  lua.compute('arg = {[0] = "main", "a", "b", false, "d"}');
  lua.start('return select("#", ...), ...', { passArguments: true });
  assert.deepEqual(lua.step().values.slice(0, 3), [4, 'a', 'b']);
  lua.start('return select("#", ...)');
  assert.equal(lua.step().value, 0);
  lua.compute('arg = nil');
  lua.start('return select("#", ...)', { passArguments: true });
  assert.equal(lua.step().value, 0);
  lua.start('local kept = 5', { console: true });
  assert.equal(lua.step().value, 5);
  assert.equal(lua.eval('kept').value, 5);
  lua.close();
});
