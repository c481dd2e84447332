// Tests checkpoints, transactional machines and forks (web/image/checkpoint.js, web/store/undo-log.js).

import assert from 'node:assert/strict';
import test from 'node:test';

import { Lua, LuaError, LuaStateError, MapStore } from '../../../web/lua-persistent.js';
import { random } from '../support/random.js';

/** All that a store holds, with the order of keys; tables without entries do not count. */
function contents(store) {
  const tables = [];
  for (const id of store.tableIds()) {
    const entries = Array.from(store.keys(id), (key) => [key, Buffer.from(store.get(id, key)).toString('hex')]);
    if (entries.length > 0) tables.push([id, entries]);
  }
  return tables.sort(([a], [b]) => a - b);
}

test('rollback restores the machine and its tables', async () => {
  const lua = await Lua.create();
  lua.compute('x = 1 f = function() x = x + 1 return x end co = coroutine.wrap(function() for i = 1, 9 do coroutine.yield(i) end end) co() _home.a = 1 _home.b = {2} _home.c = 3');
  const before = contents(lua.store);
  lua.checkpoint();
  lua.compute('f() f() co() x2 = {} _home.a = nil _home.b[1] = 5 _home.b.new = {6} _home.d = {7, {8}} _home.a = 4 for k in pairs(_home) do end');
  assert.notDeepEqual(contents(lua.store), before);
  lua.rollback();
  assert.deepEqual(contents(lua.store), before);
  assert.deepEqual(lua.compute('return x, f(), co(), x2, _home.a, _home.b[1], _home.c, _home.d').values, [1, 2, 2, null, 1, 2, 3, null]);
  assert.equal(lua.compute('local keys = {} for k in pairs(_home) do keys[#keys + 1] = k end return table.concat(keys)').value, 'abc');
});

test('tables that are new or dropped since are as they were', async () => {
  const lua = await Lua.create();
  lua.compute('_home.old = {1, 2, 3}');
  const before = contents(lua.store);
  const next = lua.nextTableId;
  lua.checkpoint();
  lua.compute('_home.new = {4} _home.old = nil ext.collect()');
  lua.rollback();
  assert.deepEqual(contents(lua.store), before);
  assert.equal(lua.nextTableId, next);
  assert.equal(lua.compute('return #_home.old').value, 3);
});

test('checkpoints nest', async () => {
  const lua = await Lua.create();
  const state = () => lua.compute('return x, _home.x').values.join();
  lua.compute('x = 1 _home.x = 1');
  lua.checkpoint();
  lua.compute('x = 2 _home.x = 2');
  lua.checkpoint();
  lua.compute('x = 3 _home.x = nil');
  lua.rollback();
  assert.equal(state(), '2,2');
  lua.checkpoint();
  lua.compute('x = 4 _home.x = 4');
  lua.commit();
  assert.equal(state(), '4,4');
  lua.rollback();
  assert.equal(state(), '1,1');
  assert.throws(() => lua.rollback(), RangeError);
  assert.throws(() => lua.commit(), RangeError);
});

test('random changes of tables in nested layers are undone to the last byte and place', async () => {
  const lua = await Lua.create();
  const { store } = lua;
  const below = random(11);
  const expected = [];
  for (let round = 0; round < 20000; round++) {
    const table = 5 + below(3);
    const key = `k${below(8)}`;
    const choice = below(40);
    if (choice < 20) store.set(table, key, Uint8Array.of(2, below(256)));
    else if (choice < 34) store.delete(table, key);
    else if (choice < 36 && expected.length < 6) {
      lua.checkpoint();
      expected.push(contents(store));
    } else if (choice < 38 && expected.length > 0) {
      lua.rollback();
      assert.deepEqual(contents(store), expected.pop(), `round ${round}`);
    } else if (expected.length > 0) {
      lua.commit();
      expected.pop();
    }
  }
});

test('a paused program is rolled back with the machine', async () => {
  const lua = await Lua.create();
  lua.start('for i = 1, 10 do n = i coroutine.yield() end return "end"');
  lua.step(100);
  lua.step(100);
  lua.checkpoint();
  lua.step(100);
  lua.step(100);
  assert.equal(lua.compute('return n').value, 4);
  lua.rollback();
  assert.equal(lua.compute('return n').value, 2);
  lua.step(100);
  assert.equal(lua.compute('return n').value, 3);
});

test('a failing call of a transactional machine changes nothing', async () => {
  const lua = await Lua.create({ transactional: true });
  lua.compute('x = 1 t = {1} _home.x = 1 _home.t = {1}');
  const before = contents(lua.store);
  const failing = [
    'x = 2 t[1] = 2 _home.x = 2 _home.t[1] = 2 _home.new = {} print("said") error("sorry")',
    'x = nil _home.t = nil local t = {} t[nil] = 1',
    '_home.x = nil local s = "x" while true do s = s .. s end',
    'x = 3 local function f() return f() + 1 end f()',
    'return +',
  ];
  for (const code of failing) {
    for (const call of [() => lua.compute(code), () => lua.eval(code)]) {
      assert.throws(call, LuaError, code);
      assert.deepEqual(contents(lua.store), before, code);
      assert.deepEqual(lua.compute('return x, t[1], _home.x, _home.t[1], _home.new').values, [1, 1, 1, 1, null], code);
    }
  }
  assert.throws(() => lua.compute(failing[0]), { message: /sorry/, output: 'said\n' });
  lua.compute('x = 5 _home.x = 5');
  assert.deepEqual(lua.compute('return x, _home.x').values, [5, 5]);
});

test('a failing step of a transactional machine leaves the program before the step', async () => {
  const lua = await Lua.create({ transactional: true });
  lua.start('for i = 1, 3 do coroutine.yield() end _home.x = 1 if not fixed then error("x") end return "end"');
  for (let count = 0; count < 3; count++) lua.step();
  assert.throws(() => lua.step(), LuaError);
  assert.equal(lua.compute('fixed = true return _home.x').value, null);
  assert.equal(lua.step().value, 'end');
  assert.equal(lua.compute('return _home.x').value, 1);
});

test('checkpoints around calls of a transactional machine work as elsewhere', async () => {
  const lua = await Lua.create({ transactional: true });
  lua.compute('_home.x = 1');
  lua.checkpoint();
  lua.compute('_home.x = 2');
  assert.throws(() => lua.compute('_home.x = 3 error()'), LuaError);
  assert.equal(lua.compute('return _home.x').value, 2);
  lua.rollback();
  assert.equal(lua.compute('return _home.x').value, 1);
});

test('a fork and its origin are independent', async () => {
  const store = new MapStore();
  const lua = await Lua.create({ store });
  lua.compute('n = 1 co = coroutine.wrap(function() for i = 1, 9 do coroutine.yield(i) end end) co() _home.n = 1 _home.t = {1}');
  lua.start('for i = 1, 3 do coroutine.yield() end return n');
  lua.step(10);
  const forking = lua.fork();
  lua.compute('n = 2 _home.n = 2 co() _home.t[1] = 2');
  const fork = await forking;
  assert.deepEqual(fork.compute('n = 3 _home.n = _home.n + 10 _home.t[2] = 3 return n, _home.n, co(), _home.t[1]').values, [3, 11, 2, 1]);
  assert.deepEqual(lua.compute('return n, _home.n, co(), _home.t[1], _home.t[2]').values, [2, 2, 3, 2, null]);
  assert.equal(fork.step().done, false);
  fork.step();
  assert.equal(fork.step().value, 3);
  lua.close();
  assert.equal(fork.compute('return n').value, 3);
});

test('a fork has the options of its origin, unless it is given others', async () => {
  const heard = [];
  const lua = await Lua.create({ transactional: true, onPrint: (text) => heard.push(`one ${text}`) });
  const fork = await lua.fork({ onPrint: (text) => heard.push(`two ${text}`) });
  fork.compute('print("x")');
  assert.throws(() => fork.compute('y = 1 error()'), LuaError);
  assert.equal(fork.compute('return y').value, null);
  (await fork.fork()).compute('print("y")');
  assert.deepEqual(heard, ['two x\n', 'two y\n']);
});

test('nothing is set, undone or copied while a machine runs or after it is closed', async () => {
  const refused = [];
  const lua = await Lua.create({
    onPrint() {
      for (const call of [() => lua.checkpoint(), () => lua.rollback(), () => lua.start('return 1'), () => lua.step()]) {
        try {
          call();
        } catch (error) {
          refused.push(error.state);
        }
      }
    },
  });
  lua.checkpoint();
  lua.compute('print(1)');
  assert.deepEqual(refused, ['running', 'running', 'running', 'running']);
  lua.close();
  assert.throws(() => lua.rollback(), LuaStateError);
  await assert.rejects(lua.fork(), LuaStateError);
});

test('an object for a table that was rolled back is an error, and names no other table', async () => {
  const lua = await Lua.create();
  const before = lua.createTable({ kept: 1 });
  lua.checkpoint();
  const stale = lua.createTable({ x: 1 });
  const fromLua = lua.compute('t = ext.table() t.y = 2 return t').value;
  const stored = lua.compute('_home.f = function() return 1 end return _home.f').value;
  const described = lua.compute('return ext.attach(ext.id(_home))').value;
  const walk = stale.entries();
  lua.rollback();
  const fresh = lua.createTable({ fresh: true });
  const fresher = lua.createTable({ fresher: true });
  const gone = { name: 'LuaStateError', state: 'rolled back', message: /rolled back/u };
  for (const handle of [stale, fromLua]) {
    assert.throws(() => handle.size, gone);
    assert.throws(() => handle.get('x'), gone);
    assert.throws(() => handle.has('x'), gone);
    assert.throws(() => handle.set('x', 2), gone);
    assert.throws(() => handle.delete('x'), gone);
    assert.throws(() => handle.clear(), gone);
    assert.throws(() => [...handle.keys()], gone);
    assert.throws(() => [...handle], gone);
    assert.throws(() => handle.toObject(), gone);
    assert.throws(() => lua.home.set('t', handle), gone);
    assert.throws(() => lua.set('t', handle), gone);
    assert.throws(() => lua.set('t', { inner: [handle] }), gone);
  }
  assert.throws(() => walk.next(), gone);
  assert.throws(() => stored(), /rolled back|released/u);
  assert.equal(described, lua.home);
  assert.equal(before.get('kept'), 1);
  assert.deepEqual(fresh.toObject(), { fresh: true });
  assert.deepEqual(fresher.toObject(), { fresher: true });
  assert.equal(lua.collect(), 0);
});

test('an object made in a call that was undone is an error, in one that was kept it is not', async () => {
  const lua = await Lua.create({ transactional: true });
  let inner;
  lua.set('give', (table) => { inner = table; });
  assert.throws(() => lua.compute('local t = ext.table() t.x = 1 give(t) error("no")'), /no/u);
  lua.compute('_home.t = {other = true}');
  assert.throws(() => inner.get('other'), /rolled back/u);
  lua.compute('local t = ext.table() t.x = 1 give(t)');
  assert.equal(inner.get('x'), 1);
  lua.checkpoint();
  lua.checkpoint();
  const nested = lua.createTable({ n: 1 });
  lua.commit();
  assert.equal(nested.get('n'), 1);
  lua.rollback();
  assert.throws(() => nested.get('n'), /rolled back/u);
  assert.equal(inner.get('x'), 1);
});

test('a table or function of another store does not become one of this machine', async () => {
  const one = await Lua.create();
  const other = await Lua.create();
  one.compute('_home.t = {1} _home.f = function() return 1 end');
  other.compute('function id(v) return v end');
  for (const value of [one.home, one.home.get('t'), one.home.get('f')]) {
    assert.throws(() => other.call('id', value), /another store/u);
    assert.throws(() => other.set('x', { y: [value] }), /another store/u);
    assert.throws(() => other.home.set('x', value), /another store/u);
  }
  assert.equal(one.call('select', '#', one.home), 1);
});

test('wherever the stack ends around a transactional call, it is done or undone', async () => {
  const begin = async () => {
    const lua = await Lua.create({ transactional: true });
    lua.compute('_home.n = 0 _home.list = {1, 2} function up() _home.n = _home.n + 1 _home.list[1] = nil _home.list[1] = _home.n _home.new = {_home.n} end');
    return lua;
  };
  const seen = (lua) => JSON.stringify([lua.home.get('n'), lua.home.get('list').toArray()]);
  const calls = [(lua) => lua.compute('up()'), (lua) => lua.call('up'), (lua) => lua.set('_home.n', -1)];
  /** Call at a depth of the stack, with some words more on it. */
  const at = (depth, call, lua, words) => (depth > 0 ? at(depth - 1, call, lua, words) : call.apply(null, [lua].concat(words)));
  let [done, undone] = [0, 0];
  for (const call of calls) {
    let lua = await begin();
    const attempt = (depth, words) => {
      try {
        at(depth, call, lua, words);
      } catch (error) {
        return error;
      }
      return null;
    };
    let most = 0;
    while (attempt(most, []) === null) most += 100;
    // From where there is room until nothing can be called any more, at each word of the stack.
    for (let depth = most - 110; depth < most + 20; depth += 1) {
      for (let count = 0; count < 20; count += 5) {
        if (lua.machine.guard.obstacle !== '') lua = await begin();
        lua.home.set('n', depth);
        const before = seen(lua);
        const error = attempt(depth, new Array(count).fill(0));
        if (error === null) {
          done++;
          assert.notEqual(seen(lua), before, `depth ${depth}`);
        } else {
          undone++;
          assert.ok(error instanceof RangeError || error instanceof LuaError, `depth ${depth}: ${error}`);
          assert.equal(seen(lua), before, `depth ${depth} and ${count} words: ${error}`);
        }
      }
    }
  }
  assert.ok(done > 50 && undone > 50, `${done} ${undone}`);
});
