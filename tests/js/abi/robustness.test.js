// Tests that after any error the next call works, and no memory and no half-done state is left behind.

import assert from 'node:assert/strict';
import test from 'node:test';

import { compute, evaluate, start } from '../support/documented-host.js';

/** Bytes that Lua uses once all garbage is gone. */
function used({ exports }) {
  exports.run_gc();
  exports.run_gc();
  const pointer = exports.get_buffer_ptr();
  exports.get_memory_stats(pointer);
  return new DataView(exports.memory.buffer).getUint32(pointer + 4, true);
}

/** Ways to fail, each with what its message has to say. */
const FAILURES = {
  'a syntax error': ['local = 1', /<name> expected/],
  'a runtime error': ['local t = {} return t.x.y', /attempt to index a nil value/],
  'an error that is a table': ['error({code = 1})', /error object is a table value/],
  'an error that is nil': ['error()', /nil|<no error object>/],
  'memory that runs out': ['local t = {} for i = 1, math.huge do t[i] = {} end', /not enough memory/],
  'one allocation that is too large': ['return ("x"):rep(3000000)', /not enough memory/],
  'a stack overflow': ['local function f() return 1 + f() end return f()', /stack overflow|not enough memory/],
  'an error in a metamethod': ['return setmetatable({}, {__add = function() error("added") end}) + 1', /added/],
  'an error in __tostring': ['print(setmetatable({}, {__tostring = function() error("shown") end}))', /shown/],
  'a __tostring that gives no string': ['print(setmetatable({}, {__tostring = function() return {} end}))', /'__tostring' must return a string/],
  'an error while closing': ['local x <close> = setmetatable({}, {__close = function() error("closing") end})', /closing/],
  'an error while closing after an error': [
    'local x <close> = setmetatable({}, {__close = function() error("second") end}) error("first")', /second/,
  ],
  'an error in a coroutine': ['coroutine.wrap(function() error("inside") end)()', /inside/],
  'an error in a sort': ['table.sort({3, 2, 1}, function() error("compared") end)', /compared/],
  'an error in gsub': ['return ("x"):gsub(".", function() error("replaced") end)', /replaced/],
  'a yield from the main chunk': ['coroutine.yield(1)', /outside a coroutine/],
  'an error in an error handler': ['local ok, m = xpcall(error, function() error("handler") end) error(tostring(m), 0)', /./],
};

for (const [name, [code, message]] of Object.entries(FAILURES)) {
  test(`after ${name} the next call works`, () => {
    const instance = start();
    compute(instance, 'kept = 42');
    for (let round = 0; round < 3; round++) {
      assert.match(compute(instance, code).error ?? 'no error', message);
      assert.equal(compute(instance, 'return kept').value, 42n);
      assert.match(evaluate(instance, code).error ?? 'no error', message);
      assert.equal(evaluate(instance, 'kept + 1').value, 43n);
    }
  });
}

test('an error in a finalizer disturbs neither the call nor the next', () => {
  const instance = start();
  const code = 'setmetatable({}, {__gc = function() error("final") end}) collectgarbage() return 1';
  assert.equal(compute(instance, code).value, 1n);
  compute(instance, 'setmetatable({}, {__gc = function() error("later") end})');
  instance.exports.run_gc();
  assert.equal(compute(instance, 'return 2').value, 2n);
});

test('finalizers run when the machine is closed, errors in them included', () => {
  const instance = start();
  compute(instance, 'kept = setmetatable({}, {__gc = function() _home.closed = true error("late") end})');
  instance.exports.deinit();
  assert.deepEqual([...instance.tables.get(1).get('closed')], [0x01, 1]);
  assert.equal(instance.exports.init(), 0);
});

test('a hundred thousand failing calls leave memory as it was', () => {
  const instance = start();
  const cheap = [
    'local = 1', 'error("x")', 'error({})', 'return nil + 1', 'return x.y', 'error(setmetatable({}, {__tostring = function() error("t") end}))',
    'local x <close> = setmetatable({}, {__close = function() error("c") end}) error("first")', 'coroutine.wrap(function() error("i") end)()',
    'return ("x"):rep(1e9)', 'string.format("%d", 1.5)',
  ];
  const round = (count) => {
    for (let call = 0; call < count; call++) {
      const { resultLen } = compute(instance, cheap[call % cheap.length]);
      assert.ok(resultLen < 0);
    }
  };
  round(1000);
  const before = used(instance);
  round(100_000);
  const after = used(instance);
  assert.ok(Math.abs(after - before) <= 256, `${before} bytes before, ${after} after`);
});

test('failing evals leave memory as it was', () => {
  const instance = start();
  const round = (count) => {
    for (let call = 0; call < count; call++) assert.ok(evaluate(instance, call % 2 ? 'local a = 1 error("x")' : 'local a = )').resultLen < 0);
  };
  round(100);
  const before = used(instance);
  round(10_000);
  assert.ok(Math.abs(used(instance) - before) <= 256, `${before} bytes before, ${used(instance)} after`);
});

test('a heap filled again and again is whole again each time', () => {
  const instance = start();
  const fillers = [
    'local t = {} while true do t = {t} end',
    'local t = {} for i = 1, math.huge do t[i] = ("x"):rep(i) end',
    'local s = "x" while true do s = s .. s end',
    'local t = {} for i = 1, math.huge do t["k" .. i] = i end',
    'local t = {} for i = 1, math.huge do t[i] = function() return t, i end end',
    'local t = {} for i = 1, math.huge do t[i] = coroutine.create(print) end',
    'local t = {} for i = 1, math.huge do t[i] = setmetatable({}, {__gc = function() end}) end',
    'return table.concat({("x"):rep(600000), ("y"):rep(600000), ("z"):rep(600000)})',
    // `load` returns what goes wrong while it compiles, and raises what goes wrong before.
    'return assert(load(("x = 1 "):rep(100000)))',
  ];
  let before = Infinity;
  for (let round = 0; round < 3; round++) {
    // Lua keeps the string table that the first round made it grow.
    if (round === 1) before = used(instance);
    for (const code of fillers) {
      assert.match(compute(instance, code).error ?? 'no error', /not enough memory/, code);
      assert.equal(compute(instance, 'return ("y"):rep(10)').value, 'y'.repeat(10), code);
    }
  }
  const after = used(instance);
  assert.ok(after - before <= 256, `${before} bytes before, ${after} after`);
});

test('a program can catch that memory ran out and go on', () => {
  const instance = start();
  const code = `
    local ok, message = pcall(function() local t = {} for i = 1, math.huge do t[i] = {i} end end)
    collectgarbage()
    return tostring(ok) .. " " .. tostring(message) .. " " .. #("x"):rep(500000)
  `;
  assert.equal(compute(instance, code).value, 'false not enough memory 500000');
});

test('globals that fill the heap stay, and can be let go', () => {
  const instance = start();
  compute(instance, 'hoard = {} for i = 1, 8000 do hoard[i] = ("x"):rep(100) .. i end');
  assert.match(compute(instance, 'return ("z"):rep(400000)').error, /not enough memory/);
  assert.equal(compute(instance, 'return #hoard').value, 8000n);
  assert.equal(compute(instance, 'hoard = nil collectgarbage() return #("z"):rep(400000)').value, 400_000n);
});

test('a heap that is full answers every call, one way or the other, and a new machine has it all', () => {
  const instance = start();
  compute(instance, 'hoard = {} while true do hoard = {hoard} end');
  for (let call = 0; call < 500; call++) {
    for (const code of ['return {1, 2, {3}}, print("text", 1.5), tostring({})', `local t = {} for i = 1, ${call} do t[i] = i end error(t)`, '_home.x = "value" return _home.x']) {
      const { resultLen, error } = compute(instance, code);
      if (!code.includes('error(t)')) assert.ok(resultLen > 0 || /not enough memory/.test(error), error);
    }
  }
  instance.exports.deinit();
  assert.equal(instance.exports.init(), 0);
  assert.equal(compute(instance, 'return #("z"):rep(500000)').value, 500_000n);
});
