// Tests limits of calls: instructions, time and output.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Lua, MemoryBackend } from '../../../web/lua-persistent.js';
import { failure } from '../support/failure.js';

/** Programs that never end, whatever they catch. */
const ENDLESS = {
  'a loop': 'while true do end',
  'a for loop': 'for i = 1, math.huge do end',
  'calls': 'local function f() return f() end f()',
  'a generic loop': 'for _ in function() return 1 end do end',
  'a jump': '::again:: goto again',
  'an error that is caught': 'while true do pcall(function() while true do end end) end',
  'errors that are caught in one another': `
    local function f() while true do pcall(function() while true do end end) end end
    while true do xpcall(f, function(e) while true do end end) end`,
  'a coroutine': 'local co = coroutine.wrap(function() while true do coroutine.yield() end end) while true do co() end',
  'coroutines that die': 'while true do local co = coroutine.create(function() while true do end end) coroutine.resume(co) end',
  'a metamethod': 'local t = setmetatable({}, {__index = function(t, k) while true do end end}) local x = t.y',
  'a comparator': 'local t = {} for i = 1, 100 do t[i] = i end table.sort(t, function() while true do end end)',
  'a replacement': '("x"):rep(10):gsub(".", function() while true do end end)',
  'a variable that closes': 'while true do local x <close> = setmetatable({}, {__close = function() while true do end end}) end',
  'external tables': 'local i = 0 while true do i = i + 1 _home.x = i end',
};

for (const [name, code] of Object.entries(ENDLESS)) {
  test(`${name} ends at each limit, and the machine is usable afterwards`, async () => {
    const lua = await Lua.create();
    for (const [limit, value] of Object.entries({ instructions: 5000, milliseconds: 5 })) {
      const error = failure(() => lua.eval(code, { [limit]: value }));
      assert.deepEqual([error.status, error.limit], ['limit', limit]);
      assert.match(error.message, new RegExp(`the limit of ${value} ${limit} is reached`));
      assert.equal(lua.eval('1 + 1').value, 2);
    }
    lua.close();
  });
}

test('output beyond the limit is dropped, and the call fails', async () => {
  const printed = [];
  const lua = await Lua.create({ onPrint: (text) => printed.push(text) });
  const error = failure(() => lua.eval('while true do print("12345") end', { outputBytes: 100 }));
  assert.equal(error.limit, 'outputBytes');
  assert.equal(error.output.length, 100);
  assert.equal(printed.join('').length, 100);
  // The last thing that the code does may reach it.
  assert.equal(failure(() => lua.eval('print("12345")', { outputBytes: 5 })).output, '12345');
  assert.equal(lua.eval('print("12345")', { outputBytes: 6 }).output, '12345\n');
  assert.equal(failure(() => lua.eval('io.write(string.rep("x", 200000))', { outputBytes: 150000 })).output.length, 150000);
  lua.close();
});

test('a limit that was caught is an error all the same', async () => {
  const lua = await Lua.create();
  const error = failure(() => lua.eval('pcall(function() while true do end end) return "escaped"', { instructions: 100 }));
  assert.match(error.message, /the limit of 100 instructions is reached/);
  lua.close();
});

test('the error tells where the program was', async () => {
  const lua = await Lua.create();
  const error = failure(() => lua.eval('local function spin()\nwhile true do end\nend\nspin()', { instructions: 100, name: 'main' }));
  assert.equal(error.message, 'main:2: the limit of 100 instructions is reached');
  assert.match(error.traceback, /main:2: in .*spin'?.*\n\tmain:4: in main chunk/);
  lua.close();
});

test('limits of the machine hold for every call, and each call can have its own', async () => {
  const lua = await Lua.create({ instructions: 1000 });
  lua.eval('function loop(n) for i = 1, n do end return n end');
  assert.equal(lua.call('loop', 900), 900);
  assert.equal(lua.call('loop', 900), 900);
  assert.equal(failure(() => lua.call('loop', 1100)).limit, 'instructions');
  assert.equal(lua.eval('loop(5000)', { instructions: 10000 }).value, 5000);
  assert.equal(lua.eval('loop(500000)', { instructions: Infinity }).value, 500000);
  assert.equal(failure(() => lua.compute('loop(1100)')).limit, 'instructions');
  lua.close();
});

test('wrong limits are refused before anything runs', async () => {
  for (const bad of [0, -1, NaN, '5', null, 2 ** 40]) {
    await assert.rejects(Lua.create({ instructions: /** @type {any} */ (bad) }), RangeError);
  }
  const lua = await Lua.create();
  assert.throws(() => lua.eval('x = 1', { milliseconds: -5 }), /the limit milliseconds has to be a number from 1 to/);
  assert.equal(lua.get('x'), null);
  lua.close();
});

test('what runs inside a function shares the limits of the call', async () => {
  const lua = await Lua.create();
  lua.eval('function spin() while true do end end');
  lua.set('inner', () => lua.call('spin'));
  lua.set('catcher', () => {
    try {
      lua.call('spin');
    } catch (_error) {
      return 'caught';
    }
  });
  assert.equal(failure(() => lua.eval('inner()', { instructions: 1000 })).limit, 'instructions');
  assert.equal(failure(() => lua.eval('while true do catcher() end', { instructions: 1000 })).limit, 'instructions');
  assert.equal(lua.eval('1 + 1').value, 2);
  lua.close();
});

test('time that passes inside a function counts', async () => {
  let now = 0;
  const lua = await Lua.create({ clock: () => ({ unixSeconds: 0, cpuSeconds: now }), functions: { wait: () => void (now += 1) } });
  const error = failure(() => lua.eval('n = 0 while true do wait() n = n + 1 end', { milliseconds: 2500 }));
  assert.equal(error.limit, 'milliseconds');
  assert.equal(lua.get('n'), 3);
  lua.close();
});

test('a program that runs in pieces has one allowance for all of them', async () => {
  const lua = await Lua.create();
  const of = async (code, options) => {
    try {
      await lua.run(code, options);
    } catch (error) {
      return /** @type {LuaError} */ (error);
    }
    return assert.fail('nothing was thrown');
  };
  const instructions = await of('while true do end', { ticks: 1000, instructions: 5500 });
  assert.equal(instructions.limit, 'instructions');
  assert.match(instructions.message, /the limit of 5500 instructions is reached/);
  assert.equal(instructions.value, instructions.message);
  const output = await of('while true do print("12345") end', { ticks: 10, outputBytes: 100 });
  assert.deepEqual([output.limit, output.message.includes('the limit of 100 bytes of output')], ['outputBytes', true]);
  assert.equal((await of('while true do end', { ticks: 100000, milliseconds: 30 })).limit, 'milliseconds');
  assert.throws(() => lua.step(), /there is no program/);
  assert.equal((await lua.run('local n = 0 for i = 1, 4000 do n = n + 1 end return n', { ticks: 1000, instructions: 5500 })).value, 4000);
  assert.equal((await lua.run('1 + 1', { console: true })).value, 2);
  lua.close();
});

test('limits are not part of what goes on elsewhere', async () => {
  const lua = await Lua.create({ instructions: 1000 });
  lua.eval('x = 1');
  const again = await Lua.restore(await lua.snapshot());
  assert.equal(again.eval('for i = 1, 5000 do end return x').value, 1);
  lua.checkpoint();
  lua.eval('x = 2', { instructions: 50 });
  lua.rollback();
  assert.equal(failure(() => lua.eval('for i = 1, 5000 do end')).limit, 'instructions');
  assert.equal(lua.eval('for i = 1, 500 do end return x').value, 1);
  lua.close();
  again.close();
});

test('finalizers that run between calls are limited as a call is', async () => {
  const lua = await Lua.create({ instructions: 3000 });
  lua.eval('setmetatable({}, {__gc = function() for i = 1, 2000 do end finalized = true end})', { instructions: 10 });
  lua.gc();
  assert.equal(lua.get('finalized'), true);
  lua.eval('setmetatable({}, {__gc = function() while true do end end}) setmetatable({}, {__gc = function() other = true end})');
  lua.gc();
  assert.equal(lua.eval('1 + 1').value, 2);
  lua.close();
});

test('closing ends whatever finalizers do, in every kind of machine', async () => {
  const endless = 'for i = 1, 3 do setmetatable({}, {__gc = function() _home.n = (_home.n or 0) + 1 while true do end end}) end';
  for (const limits of [{ instructions: 1000 }, { milliseconds: 5 }]) {
    const lua = await Lua.create(limits);
    lua.eval(endless);
    const fork = await lua.fork();
    const restored = await Lua.restore(await lua.snapshot(), limits);
    lua.start('while true do end');
    lua.step(10);
    for (const machine of [lua, fork, restored]) await machine.close();
    assert.equal(lua.store.get(1, 'n') === undefined, false);
  }
});

test('a state is saved before finalizers run, and what they change is saved as well', async () => {
  const backend = new MemoryBackend();
  /** @type {unknown[]} */
  const seen = [];
  let commits = 0;
  const commit = backend.commit.bind(backend);
  backend.commit = async (...parts) => {
    commits += 1;
    return commit(...parts);
  };
  const lua = await Lua.open(backend, { instructions: 1000, functions: { probe: () => void seen.push(commits) } });
  lua.eval('_home.x = "kept" setmetatable({}, {__gc = function() _home.y = ext.table{1} probe() while true do end end})');
  await lua.close();
  assert.deepEqual(seen, [1]);
  const again = await Lua.open(backend);
  assert.deepEqual(again.eval('return _home.x, #_home.y, ext.id(ext.table()) > ext.id(_home.y)').values, ['kept', 1, true]);
  await again.close();
});

test('the limits of a program hold for all of its steps together', async () => {
  const lua = await Lua.create({ instructions: 5000 });
  lua.start('while true do end');
  let steps = 0;
  const error = failure(() => {
    for (;;) {
      lua.step(1000);
      steps++;
    }
  });
  assert.deepEqual([error.limit, steps], ['instructions', 4]);
  assert.match(error.message, /the limit of 5000 instructions is reached/);
  lua.start('while true do print("12345") end');
  const output = failure(() => {
    for (;;) lua.step(3, { outputBytes: 100 });
  });
  assert.equal(output.limit, 'outputBytes');
  // Another program has its own.
  lua.start('for i = 1, 4000 do end return "end"');
  assert.equal(lua.step().value, 'end');
  lua.close();
});

test('the time of a program is that of its steps', async () => {
  let now = 0;
  const lua = await Lua.create({ clock: () => ({ unixSeconds: 0, cpuSeconds: now }), functions: { wait: () => void (now += 1) } });
  lua.start('while true do wait() coroutine.yield() end');
  let steps = 0;
  const error = failure(() => {
    for (;;) {
      lua.step(undefined, { milliseconds: 3500 });
      steps++;
      now += 1000;
    }
  });
  assert.deepEqual([error.limit, steps], ['milliseconds', 3]);
  lua.close();
});

test('compiling is limited, too', async () => {
  const lua = await Lua.create();
  const names = Array.from({ length: 150 }, (_, i) => `local a${i}=1 `).join('');
  const nested = ' function f() '.concat(names).repeat(100) + ' x()'.repeat(20000);
  assert.equal(failure(() => lua.eval(nested, { instructions: 1e6 })).limit, 'instructions');
  // A limit is nothing that refuses code for its length.
  assert.equal(lua.eval(`local s = "${'x'.repeat(50000)}" return #s`, { instructions: 10 }).value, 50000);
  lua.close();
});
