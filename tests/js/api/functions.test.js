// Tests JavaScript functions in Lua and Lua functions in JavaScript: values, errors, output and nesting.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

import { Lua, LuaError, LuaFunction, LuaStateError, MultiReturn } from '../../../web/lua-persistent.js';
import { failure } from '../support/failure.js';
import { NO_ERROR_OBJECT } from '../support/line.js';

test('functions are globals, and those in objects are fields of tables', async () => {
  const lua = await Lua.create({ functions: { add: (a, b) => a + b, http: { get: (url) => `got ${url}`, deep: { er: () => 1 } } } });
  assert.equal(lua.eval('add(1, 2)').value, 3);
  assert.equal(lua.eval('http.get("x")').value, 'got x');
  assert.equal(lua.eval('http.deep.er()').value, 1);
  assert.equal(lua.eval('type(add)').value, 'function');
  lua.close();
});

test('what is no function is refused where functions are expected', async () => {
  await assert.rejects(Lua.create({ functions: { add: 5 } }), /functions\.add has to be a function/);
});

test('arguments and results are converted as values are everywhere', async () => {
  const lua = await Lua.create({ functions: { id: (x) => x, count: (...args) => args.length } });
  const same = (code) => assert.equal(lua.eval(`local x = ${code} local y = id(x) return x == y and math.type(x) == math.type(y)`).value, true, code);
  for (const code of ['1', '-1', '0', '-0x7fffffff - 1', '1 << 31', '1 << 53', 'math.mininteger', 'math.maxinteger', '1.5', '1e300', '"text"', '"\\xff"', 'true', 'string.rep("x", 70000)', '_home', 'id', 'string.rep']) same(code);
  assert.equal(lua.eval('local z = id(-0.0) return 1 / z').value, -Infinity);
  assert.equal(lua.eval('id(0/0) ~= id(0/0)').value, true);
  assert.deepEqual(lua.eval('id({1, {a = "b"}, [10] = true})').value, new Map(/** @type {any[]} */ ([[1, 1], [2, { a: 'b' }], [10, true]])));
  assert.equal(lua.eval('count()').value, 0);
  assert.equal(lua.eval('count(nil, nil)').value, 2);
  assert.equal(lua.eval('count(table.unpack({}, 1, 200))').value, 200);
  lua.close();
});

test('a table that stands in several places arrives as one object, and cycles stay', async () => {
  const lua = await Lua.create({ functions: { same: (a, b) => a === b, cyclic: (t) => t.self === t, make: () => { const o = {}; o.self = o; return MultiReturn.of(o, o); } } });
  assert.equal(lua.eval('local t = {} return same(t, t)').value, true);
  assert.equal(lua.eval('local t = {} t.self = t return cyclic(t)').value, true);
  assert.equal(lua.eval('local a, b = make() return a == b and a.self == b').value, true);
  lua.close();
});

test('a function returns nothing, one value or several', async () => {
  const lua = await Lua.create({ functions: { none: () => undefined, null: () => null, list: () => [1, 2], several: () => MultiReturn.of(1, null, 'three') } });
  const number = (code) => lua.eval(`return select('#', ${code})`).value;
  assert.deepEqual(['none()', 'null()', 'list()', 'several()'].map(number), [0, 1, 1, 3]);
  assert.deepEqual(lua.eval('return several()').values, [1, null, 'three']);
  assert.deepEqual(lua.eval('list()').value, [1, 2]);
  lua.close();
});

test('long arguments and long results arrive whole', async () => {
  const lua = await Lua.create({ functions: { size: (s) => s.length, make: (n) => 'x'.repeat(n) } });
  for (const n of [0, 1, 200, 240, 241, 242, 243, 250, 256, 300, 20000, 100000]) {
    assert.equal(lua.eval(`size(string.rep("y", ${n}))`).value, n);
    assert.equal(lua.eval(`#make(${n})`).value, n);
  }
  lua.close();
});

test('an Error is a Lua error with its message, and its cause when nobody catches it', async () => {
  const thrown = new RangeError('no such id');
  const lua = await Lua.create({ functions: { fail: () => { throw thrown; } } });
  assert.deepEqual(lua.eval('return pcall(fail)').values, [false, 'no such id']);
  assert.equal(lua.eval('local ok, e = pcall(function() fail() end) return e', { name: 'main' }).value, 'main:1: no such id');
  const error = failure(() => lua.eval('local function f() fail() end\nf()', { name: 'main' }));
  assert.ok(error instanceof LuaError);
  assert.equal(error.message, 'main:1: no such id');
  assert.equal(error.cause, thrown);
  assert.match(error.traceback, /\[C\]: in (function|global) 'fail'\n\tmain:1: in .*\n\tmain:2: in main chunk/);
  assert.match(lua.eval('ext.stack()').value, /^RangeError: no such id\n {4}at /);
  lua.close();
});

test('an exception that was caught is not the cause of a later error', async () => {
  const lua = await Lua.create({ functions: { fail: () => { throw new Error('first'); } } });
  const error = failure(() => lua.eval('pcall(fail) error("second", 0)'));
  assert.equal(error.message, 'second');
  assert.equal('cause' in error, false);
  lua.close();
});

test('what is thrown and no Error is the Lua error value itself', async () => {
  const lua = await Lua.create({ functions: { raise: (x) => { throw x; } } });
  assert.deepEqual(lua.eval('local ok, e = pcall(raise, {code = 5}) return e').value, { code: 5 });
  assert.equal(lua.eval('local ok, e = pcall(raise, 7) return math.type(e)').value, 'integer');
  assert.equal(lua.eval('local ok, e = pcall(raise) return e').value, NO_ERROR_OBJECT);
  const error = failure(() => lua.eval('raise("plain")'));
  assert.deepEqual([error.message, error.value, error.cause], ['plain', 'plain', 'plain']);
  lua.set('symbol', () => {
    throw Symbol('s');
  });
  assert.match(failure(() => lua.eval('symbol()')).message, /a JavaScript symbol was thrown/);
  lua.close();
});

test('a result that has no Lua form is an error that names the function', async () => {
  const lua = await Lua.create({ functions: { later: async () => 1, date: () => new Date(0), nested: () => ({ a: [Symbol('x')] }) } });
  assert.match(failure(() => lua.eval('later()')).message, /the result of later: value 1: a JavaScript Promise has no Lua form: Lua does not wait for it/);
  assert.match(failure(() => lua.eval('date()')).message, /the result of date: value 1: a JavaScript Date has no Lua form/);
  assert.match(failure(() => lua.eval('nested()')).message, /the result of nested: value 1\.a\[0\]: a JavaScript symbol/);
  lua.close();
});

test('call gives the first result, callAll all of them and the output', async () => {
  const lua = await Lua.create();
  lua.eval('function f(...) print("in f", ...) return select("#", ...), ... end function none() end');
  assert.equal(lua.call('f', 'a', null, 3), 3);
  const all = lua.callAll('f', 'a', null, 3);
  assert.deepEqual([all.values, all.value, all.lines], [[3, 'a', null, 3], 3, ['in f\ta\tnil\t3']]);
  assert.equal(lua.call('none'), null);
  assert.deepEqual(lua.callAll('none').value, null);
  assert.equal(lua.call('string.format', '%s-%d', 'x', 5), 'x-5');
  assert.equal(lua.call('math.max', 1, 2n ** 60n), 2n ** 60n);
  lua.close();
});

test('calling what cannot be called names it', async () => {
  const lua = await Lua.create();
  lua.set('t', { x: 5 });
  assert.equal(failure(() => lua.call('nope')).message, "attempt to call a nil value (global 'nope')");
  assert.equal(failure(() => lua.call('t.x')).message, "attempt to call a number value (global 't.x')");
  assert.equal(failure(() => lua.call('nope.f')).message, "'nope' is a nil value: it has no fields");
  assert.equal(failure(() => lua.call('t.x.y.z')).message, "'t.x' is a number value: it has no fields");
  assert.throws(() => lua.call(/** @type {any} */ (5)), LuaError);
  assert.throws(() => lua.call('print', Symbol('x')), /value 1: a JavaScript symbol has no Lua form/);
  lua.eval('callable = setmetatable({}, {__call = function(self, x) return x * 2 end})');
  assert.equal(lua.call('callable', 21), 42);
  lua.close();
});

test('an error in a called function has its message, value and traceback', async () => {
  const lua = await Lua.create();
  lua.eval('function f() error({code = 7}) end function g() f() end', { name: 'main' });
  const error = failure(() => lua.call('g'));
  assert.ok(error instanceof LuaError);
  assert.deepEqual(error.value, { code: 7 });
  assert.match(error.traceback, /main:1: in (function|global) 'f'/);
  lua.close();
});

test('globals and fields of them can be read and set', async () => {
  const lua = await Lua.create();
  lua.set('config', { a: 1, list: [1, [2, { x: true }]], when: new Map([[1.5, 'y']]) });
  assert.equal(lua.eval('config.list[2][2].x and config.when[1.5] == "y"').value, true);
  lua.set('config.a', 2);
  assert.equal(lua.get('config.a'), 2);
  assert.deepEqual(lua.get('config.list'), [1, [2, { x: true }]]);
  assert.equal(lua.get('nothing'), null);
  lua.set('config.a', null);
  assert.equal(lua.eval('config.a == nil').value, true);
  lua.set('_home.kept', { n: 1 });
  assert.equal(lua.home.get('kept').get('n'), 1);
  assert.throws(() => lua.set('a.b', 1), /'a' is a nil value: it has no fields/);
  assert.throws(() => lua.get('config.list.x.y'), /'config.list.x' is a nil value/);
  assert.throws(() => lua.set(/** @type {any} */ (5), 1), TypeError);
  assert.throws(() => lua.get(/** @type {any} */ (null)), TypeError);
  const big = 'z'.repeat(300000);
  lua.set('big', big);
  assert.equal(lua.get('big'), big);
  lua.eval('setmetatable(_G, {__newindex = function(t, k, v) rawset(t, k, v .. "!") end})');
  lua.set('hooked', 'x');
  assert.equal(lua.get('hooked'), 'x!');
  lua.close();
});

test('a Lua function is a JavaScript function, the same one each time', async () => {
  const lua = await Lua.create();
  const f = lua.eval('local n = 0 function f(x) n = n + x return n, "second" end return f').value;
  assert.equal(typeof f, 'function');
  assert.ok(f instanceof LuaFunction);
  assert.equal(f(5), 5);
  assert.equal(f.call(null, 5), 10);
  assert.equal([1, 2].map(f)[1], 13);
  assert.equal(lua.get('f'), f);
  lua.set('again', f);
  assert.equal(lua.eval('again == f').value, true);
  assert.deepEqual(lua.callAll(f, 1).values, [14, 'second']);
  assert.equal(lua.get('string.rep')('ab', 2), 'abab');
  assert.match(String(f), /^function: 0x/);
  lua.eval('_home.stored = function(x) return x + 100 end');
  assert.equal(lua.home.get('stored')(1), 101);
  lua.close();
});

test('coroutines and userdata go through JavaScript and come back as they are', async () => {
  const lua = await Lua.create();
  const co = lua.eval('co = coroutine.create(function() coroutine.yield(1) end) return co').value;
  assert.equal(co.type, 'thread');
  lua.set('same', co);
  assert.equal(lua.eval('same == co').value, true);
  assert.equal(lua.call('coroutine.status', co), 'suspended');
  lua.close();
});

test('a released function cannot be called, and one of another machine neither', async () => {
  const lua = await Lua.create();
  const other = await Lua.create();
  const f = lua.eval('return function() return 1 end').value;
  assert.throws(() => other.set('f', f), /belongs to another machine/);
  f.release();
  f.release();
  assert.throws(() => f(), /was released/);
  assert.throws(() => lua.set('f', f), /was released/);
  lua.get('string.rep').release();
  assert.equal(lua.get('string.rep')('x', 2), 'xx');
  const g = lua.eval('return function() return 1 end').value;
  lua.close();
  assert.throws(() => g(), LuaStateError);
  g.release();
  other.close();
});

test('Lua functions as callbacks, and errors through JavaScript', async () => {
  const lua = await Lua.create({ functions: { apply: (f, ...args) => f(...args), each: (list, f) => list.forEach((x) => f(x)) } });
  assert.equal(lua.eval('apply(function(a, b) return a .. b end, "x", "y")').value, 'xy');
  assert.equal(lua.eval('local s = 0 each({1, 2, 3}, function(x) s = s + x end) return s').value, 6);
  const same = lua.eval('local e = setmetatable({}, {}) local ok, got = pcall(apply, function() error(e) end) return ok, got == e').values;
  assert.deepEqual(same, [false, true]);
  const error = failure(() => lua.eval('apply(function()\n error("inner") end)', { name: 'main' }));
  assert.equal(error.message, 'main:2: inner');
  assert.match(error.traceback, /main:2: in function <main:1>/);
  assert.match(failure(() => lua.eval('coroutine.wrap(function() apply(coroutine.yield) end)()')).message, /attempt to yield across a C-call boundary/);
  lua.close();
});

test('a function may wrap what Lua threw, and Lua sees what it throws', async () => {
  const lua = await Lua.create({
    functions: {
      wrap: (f) => {
        try {
          return f();
        } catch (error) {
          throw new Error(`wrapped: ${/** @type {Error} */ (error).message}`);
        }
      },
      swallow: (f) => {
        try {
          return f();
        } catch (error) {
          return /** @type {LuaError} */ (error).value;
        }
      },
    },
  });
  assert.deepEqual(lua.eval('return pcall(wrap, function() error("x", 0) end)').values, [false, 'wrapped: x']);
  assert.deepEqual(lua.eval('swallow(function() error({1}) end)').value, [1]);
  lua.close();
});

test('inside a function, Lua can be used in every way that does not stop it', async () => {
  const lua = await Lua.create();
  lua.set('inside', () => {
    lua.eval('local kept = 5 x = kept');
    lua.set('y', lua.get('x') + 1);
    lua.home.set('z', lua.compute('return y + 1').value);
    assert.ok(lua.stats().luaMemoryUsed > 0);
    return lua.createTable({ a: 1 });
  });
  assert.deepEqual(lua.eval('local before = _home.z local t = inside() return x, y, _home.z, t.a').values, [5, 6, 7, 1]);
  for (const what of ['close', 'snapshot', 'fork', 'checkpoint', 'rollback', 'commit', 'step', 'gc', 'start']) {
    /** @type {any} */
    let seen;
    lua.set('stop', () => {
      const result = /** @type {any} */ (lua)[what]('return 1');
      if (result instanceof Promise) result.catch((error) => (seen = error));
    });
    const error = failure(() => {
      lua.eval('stop()');
      throw new Error('it did not fail at once');
    });
    await Promise.resolve();
    const cause = seen || error.cause;
    assert.ok(cause instanceof LuaStateError && cause.state === 'running', what);
  }
  assert.equal(lua.eval('1 + 1').value, 2);
  lua.close();
});

test('what Lua prints in calls inside a function comes in its place', async () => {
  const printed = [];
  for (const onPrint of [undefined, (text) => printed.push(text)]) {
    const lua = await Lua.create({ onPrint });
    lua.set('inner', () => {
      assert.deepEqual(lua.eval('print("1")').lines, ['1']);
      lua.eval('print("2")');
      return lua.call('g');
    });
    lua.eval('function g() print("g") return "G" end');
    const { lines, value } = lua.eval('print("a") local x = inner() print("b") return x');
    assert.deepEqual([lines, value], [['a', '1', '2', 'g', 'b'], 'G']);
    lua.close();
  }
  assert.equal(printed.join(''), 'a\n1\n2\ng\nb\n');
});

test('results that do not fit the buffer come whole from inside a function, too', async () => {
  const lua = await Lua.create();
  lua.eval('function large(n) return string.rep("y", n), n end function fail(n) error(string.rep("e", n), 0) end');
  lua.set('outer', (n) => {
    assert.equal(lua.callAll('large', n).values[0].length, n);
    assert.equal(failure(() => lua.call('fail', n)).message.length, n);
    return n;
  });
  assert.deepEqual(lua.eval('print("p") local n = outer(200000) print("q") return n').lines, ['p', 'q']);
  lua.close();
});

test('Lua and JavaScript can call each other deeply, and too deeply is an error', async () => {
  const lua = await Lua.create();
  lua.set('down', (n) => (n === 0 ? 'bottom' : lua.call('luaDown', n - 1)));
  lua.eval('function luaDown(n) return down(n) end');
  assert.equal(lua.call('luaDown', 40), 'bottom');
  assert.match(failure(() => lua.call('luaDown', 100000)).message, /stack overflow/);
  assert.equal(lua.eval('1 + 1').value, 2);
  lua.set('forever', () => {
    const f = () => f();
    return f();
  });
  assert.ok(failure(() => lua.eval('forever()')).cause instanceof RangeError);
  assert.equal(lua.eval('1 + 1').value, 2);
  lua.close();
});

test('a function in a coroutine runs Lua on top of that coroutine', async () => {
  const lua = await Lua.create({ functions: { run: (code) => lua.eval(code).value } });
  const code = `
    local co = coroutine.wrap(function() for i = 1, 3 do coroutine.yield(run("return " .. i .. " * 10")) end end)
    return co(), co(), co()`;
  assert.deepEqual(lua.eval(code).values, [10, 20, 30]);
  lua.close();
});

test('a table that a function changes is read anew', async () => {
  const lua = await Lua.create();
  lua.set('bump', () => lua.home.set('n', lua.home.get('n') + 1));
  assert.deepEqual(lua.eval('_home.n = 5 local a = _home.n bump() return a, _home.n').values, [5, 6]);
  lua.eval('_home.f = (function() local n = 0 return function() n = n + 1 return n end end)()');
  lua.set('peek', () => lua.call('_home.f'));
  assert.deepEqual(lua.eval('return _home.f(), peek(), _home.f()').values, [1, 2, 3]);
  lua.close();
});

test('a transactional machine undoes what a failing call has done inside functions, too', async () => {
  const lua = await Lua.create({ transactional: true });
  lua.set('n', 1);
  lua.set('inner', () => void lua.eval('n = n + 10 _home.x = n'));
  assert.throws(() => lua.eval('inner() inner() error("no")'));
  assert.deepEqual([lua.get('n'), lua.home.get('x')], [1, undefined]);
  lua.call('inner');
  assert.deepEqual([lua.get('n'), lua.home.get('x')], [11, 11]);
  lua.close();
});

test('a snapshot finds functions again by name, and says which are missing', async () => {
  const lua = await Lua.create({ functions: { add: (a, b) => a + b, lost: () => 1 } });
  lua.set('named', () => 'old');
  lua.set('list', [() => 1]);
  lua.eval('local f = add function viaLocal(a, b) return f(a, b) end held = function() end');
  const held = lua.get('held');
  const bytes = await lua.snapshot();
  const other = await Lua.restore(bytes, { functions: { add: (a, b) => a + b + 1000, named: () => 'new' } });
  assert.equal(other.eval('viaLocal(1, 2)').value, 1003);
  assert.equal(other.call('named'), 'new');
  assert.match(failure(() => other.eval('lost()')).message, /the host has no function 'lost'/);
  assert.match(failure(() => other.eval('list[1]()')).message, /had no name, so it cannot be found again/);
  other.set('fresh', () => 'fresh');
  assert.deepEqual(other.eval('return fresh(), add(1, 1)').values, ['fresh', 1002]);
  assert.equal(held(), null);
  lua.close();
  other.close();
});

test('a fork has the functions of its parent, named or not', async () => {
  const lua = await Lua.create({ functions: { add: (a, b) => a + b } });
  lua.set('list', [() => 'anonymous']);
  const fork = await lua.fork();
  fork.set('own', () => 'own');
  lua.set('own', () => 'parent');
  assert.deepEqual(fork.eval('return list[1](), add(1, 2), own()').values, ['anonymous', 3, 'own']);
  assert.equal(lua.eval('own()').value, 'parent');
  lua.close();
  fork.close();
});

test('a rollback brings back functions that were released since, and takes back those given since', async () => {
  const lua = await Lua.create();
  lua.set('before', () => 'before');
  const f = lua.eval('function kept() return "kept" end return kept').value;
  lua.checkpoint();
  lua.eval('before = nil kept = nil');
  lua.gc();
  f.release();
  const g = lua.eval('return function() return "since" end').value;
  lua.set('since', () => 'since');
  lua.rollback();
  assert.deepEqual(lua.eval('return before(), kept(), since').values, ['before', 'kept', null]);
  assert.throws(() => g(), /was released or rolled back/);
  const h = lua.eval('return function() return "h" end').value;
  assert.equal(h(), 'h');
  lua.set('since', () => 'later');
  assert.equal(lua.eval('since()').value, 'later');
  lua.checkpoint();
  lua.eval('before = nil');
  lua.gc();
  lua.commit();
  assert.equal(lua.machine.functions.byNumber.size, 1);
  lua.close();
});

test('values that are sent back and forth leave both heaps as they were', async () => {
  const lua = await Lua.create({ functions: { add: (a, b) => a + b, take: (t) => t, call: (f) => f(1) } });
  lua.eval(`
    function plain(n) for i = 1, n do add(i, 2) end end
    function tables(n) for i = 1, n do take({i, "text" .. i}) end end
    function callbacks(n) local f = function(x) return x end for i = 1, n do call(f) end end
    function identity(x) return x end`);
  const round = () => {
    lua.call('plain', 20000);
    lua.call('tables', 2000);
    lua.call('callbacks', 2000);
    for (let i = 0; i < 20000; i++) lua.call('identity', i);
    for (let i = 0; i < 2000; i++) lua.call('identity', { i, list: [i] });
    for (let i = 0; i < 500; i++) lua.set('given', () => i);
    for (let i = 0; i < 500; i++) lua.eval('return function() end').value.release();
    lua.gc();
    return lua.stats().luaMemoryUsed;
  };
  // Tables inside of Lua grow with the first rounds, which give them room for what is garbage later.
  for (let i = 0; i < 3; i++) round();
  const before = round();
  for (let i = 0; i < 10; i++) round();
  // A fifth of a byte for each value.
  assert.ok(round() - before < 2000, `${round()} after ${before}`);
  assert.ok(lua.machine.functions.byNumber.size <= 5, String(lua.machine.functions.byNumber.size));
  lua.close();
});

/** JavaScript's own collector, which Node shows only to those who ask. */
function collector() {
  setFlagsFromString('--expose-gc');
  return /** @type {() => void} */ (runInNewContext('gc'));
}

test('a million calls each way leave both heaps as they were', async () => {
  const gc = collector();
  const lua = await Lua.create({ functions: { add: (a, b) => a + b } });
  lua.eval('function luaAdd(a, b) return a + b end function loop(n) local s = 0 for i = 1, n do s = add(s, 1) end return s end');
  const run = (n) => {
    assert.equal(lua.call('loop', n), n);
    let sum = 0;
    for (let i = 0; i < n; i++) sum = lua.call('luaAdd', sum, 1);
    assert.equal(sum, n);
    lua.gc();
    gc();
    return { lua: lua.stats().luaMemoryUsed, javaScript: process.memoryUsage().heapUsed };
  };
  run(10000);
  const before = run(10000);
  const after = run(1000000);
  assert.equal(after.lua, before.lua);
  assert.ok(after.javaScript - before.javaScript < 1000000, `${after.javaScript} after ${before.javaScript}`);
  lua.close();
});

test('functions that JavaScript has dropped are released when it has collected them', async () => {
  const gc = collector();
  const lua = await Lua.create();
  lua.eval('function make() return function() end end');
  const round = async () => {
    for (let i = 0; i < 1000; i++) lua.call('make');
    const kept = lua.stats().luaMemoryUsed;
    for (let turn = 0; turn < 50 && lua.machine.held.numbers().length > 0; turn++) {
      gc();
      await new Promise((resolve) => setImmediate(resolve));
      lua.compute('return 1');
    }
    lua.gc();
    return kept - lua.stats().luaMemoryUsed;
  };
  for (let i = 0; i < 3; i++) await round();
  const before = lua.stats().luaMemoryUsed;
  for (let i = 0; i < 3; i++) assert.ok((await round()) > 30000);
  assert.ok(lua.stats().luaMemoryUsed - before < 1000, `${lua.stats().luaMemoryUsed} after ${before}`);
  lua.close();
});

test('a function that Lua released and was given again inside a checkpoint stays', async () => {
  const given = () => 'given';
  const lua = await Lua.create();
  lua.set('f', given);
  lua.checkpoint();
  lua.eval('f = nil');
  lua.gc();
  lua.set('f', given);
  lua.commit();
  assert.equal(lua.eval('f()').value, 'given');
  lua.checkpoint();
  lua.eval('f = nil');
  lua.gc();
  lua.set('f', given);
  lua.rollback();
  assert.equal(lua.eval('f()').value, 'given');
  assert.equal(lua.get('f'), given);
  assert.equal(lua.machine.functions.byNumber.size, 1);
  lua.close();
  const transactional = await Lua.create({ transactional: true, functions: { get: () => given } });
  transactional.eval('g = get()');
  transactional.eval('g = nil collectgarbage() collectgarbage() g = get()');
  assert.equal(transactional.eval('g()').value, 'given');
  transactional.close();
});

test('a getter among the values may use the machine, and what it throws is the error', async () => {
  const lua = await Lua.create({
    functions: {
      result: () => ({
        get a() {
          throw new RangeError('from a getter');
        },
      }),
    },
  });
  lua.eval('function five() return 5 end');
  const value = {
    a: 1,
    get b() {
      return lua.call('five');
    },
    c: 'three',
  };
  lua.set('x', value);
  assert.deepEqual(lua.get('x'), { a: 1, b: 5, c: 'three' });
  assert.deepEqual(lua.callAll('select', 1, value, 'end').values, [{ a: 1, b: 5, c: 'three' }, 'end']);
  const error = failure(() => lua.eval('result()', { name: 'main' }));
  assert.deepEqual([error.message, error.cause instanceof RangeError], ['main:1: from a getter', true]);
  lua.close();
});

test('what onPrint throws outlives the functions that are called after it', async () => {
  const broken = new Error('the terminal is gone');
  const lua = await Lua.create({
    onPrint: () => {
      throw broken;
    },
    functions: { f: () => {} },
  });
  assert.throws(() => lua.eval('print("a") f() return 1'), broken);
  assert.equal(lua.eval('1 + 1').value, 2);
  lua.close();
});

test('a character that is printed around a call of Lua inside a function comes whole', async () => {
  let printed = '';
  const lua = await Lua.create({ onPrint: (text) => (printed += text), functions: { f: () => void lua.eval('return 1') } });
  lua.eval('io.write("\\xC3") f() io.write("\\xBC")');
  assert.equal(printed, 'ü');
  lua.close();
});

test('a machine that crashes inside a function has crashed, whatever the function makes of it', async () => {
  const lua = await Lua.create();
  lua.set('deep', () => {
    // Runs Lua where there is less and less of the stack, until there is too little for it.
    const down = () => {
      lua.eval('return 1');
      down();
    };
    try {
      down();
    } catch (_error) {
      return lua.machine.guard.obstacle;
    }
  });
  const error = failure(() => {
    const { value } = lua.eval('return deep()');
    // The stack ended in JavaScript, which does no harm.
    if (value === '') throw new LuaStateError('', 'crashed');
  });
  assert.ok(error instanceof LuaStateError && error.state === 'crashed', String(error));
});

const turn = () => new Promise((resolve) => { setImmediate(resolve); });

test('Lua functions that JavaScript has dropped do not fill the heap', async () => {
  const lua = await Lua.create();
  lua.compute('function fn(n) return function() return n end end');
  let most = 0;
  for (let n = 0; n < 40_000; n++) {
    const f = lua.call('fn', n);
    if (f() !== n) assert.fail(`${n}`);
    await turn();
    if (n % 500 === 0) most = Math.max(most, lua.machine.held.size);
  }
  // 20,000 would not have fitted the heap.
  assert.ok(most < 8000, `${most} held`);
});

test('large Lua functions that JavaScript has dropped do not fill the heap', async () => {
  const lua = await Lua.create();
  lua.compute('function fn(n) local s = ("x"):rep(5000) .. n return function() return #s end end');
  for (let n = 0; n < 3000; n++) {
    assert.ok(lua.call('fn', n)() > 5000);
    await turn();
  }
});

test('functions that JavaScript still has are never let go', async () => {
  const lua = await Lua.create();
  lua.compute('function fn(n) return function() return n end end');
  const kept = [];
  for (let n = 0; n < 12_000; n++) {
    const f = lua.call('fn', n);
    if (n % 10 === 0) kept.push(f);
    await turn();
  }
  lua.gc();
  assert.deepEqual(kept.map((f) => f()), kept.map((_, index) => index * 10));
});

test('an error of memory says how many functions JavaScript holds, and what to do', async () => {
  const lua = await Lua.create();
  lua.compute('function fn(n) return function() return n end end');
  const kept = [];
  const fill = () => {
    for (let n = 0; n < 100_000; n++) kept.push(lua.call('fn', n));
  };
  assert.throws(fill, (error) => error.status === 'memory' && /^not enough memory \(JavaScript holds \d+ Lua functions: release\(\)/u.test(error.message) && error.value === 'not enough memory');
  for (const f of kept.splice(0)) f.release();
  lua.gc();
  assert.equal(lua.call('fn', 7)(), 7);
});

test('what a scope was given is released at its end, but what it returns', async () => {
  const lua = await Lua.create();
  lua.compute('function fn(n) return function() return n end end function all() return fn(1), coroutine.create(print), {fn(2)} end');
  const before = lua.call('fn', 0);
  const { luaMemoryUsed } = (lua.gc(), lua.stats());
  const inside = [];
  for (let n = 0; n < 100_000; n++) {
    const sum = lua.scope(() => {
      const f = lua.call('fn', n);
      if (n === 5) inside.push(f);
      return f() + before();
    });
    if (sum !== n) assert.fail(`${sum}`);
  }
  lua.gc();
  assert.ok(lua.stats().luaMemoryUsed < luaMemoryUsed + 20_000);
  assert.throws(() => inside[0](), /released/u);
  assert.equal(before(), 0);
  const kept = lua.scope(() => lua.call('fn', 9));
  assert.equal(kept(), 9);
  const { values } = lua.scope(() => lua.callAll('all'));
  assert.throws(() => values[0](), /released/u);
  assert.throws(() => lua.call('type', values[1]), /released|cannot leave/u);
  assert.throws(() => values[2][0](), /released/u);
});

test('a scope ends when its promise is settled, and when it throws', async () => {
  const lua = await Lua.create();
  lua.compute('function fn(n) return function() return n end end');
  let f;
  const result = lua.scope(async () => {
    f = lua.call('fn', 1);
    await turn();
    return f();
  });
  assert.equal(f(), 1);
  assert.equal(await result, 1);
  assert.throws(() => f(), /released/u);
  assert.throws(() => lua.scope(() => { f = lua.call('fn', 2); throw new Error('no'); }), /no/u);
  assert.throws(() => f(), /released/u);
  await assert.rejects(lua.scope(async () => { f = lua.call('fn', 3); await turn(); throw new Error('never'); }), /never/u);
  assert.throws(() => f(), /released/u);
  const outer = lua.scope(() => {
    const one = lua.call('fn', 4);
    lua.scope(() => { f = lua.call('fn', 5); });
    assert.throws(() => f(), /released/u);
    return one() + 1;
  });
  assert.equal(outer, 5);
});
