// Tests external tables from JavaScript (web/tables/).

import assert from 'node:assert/strict';
import test from 'node:test';

import { EncodeError, ExternalTable, Lua, LuaError, LuaFunction, LuaLibrary, LuaStateError, MapStore } from '../../../web/lua-persistent.js';
import { failure } from '../support/failure.js';
import { random } from '../support/random.js';
import { contents, PlainStore } from '../support/stores.js';

test('JavaScript and Lua see the same tables', async () => {
  const lua = await Lua.create();
  lua.compute('_home.name = "Alice" _home[1] = "one" _home["1"] = "text one" _home[1.5] = "float" _home[true] = "yes"');
  assert.deepEqual(['name', 1, '1', 1.5, true, 1n, 1.0].map((key) => lua.home.get(key)), ['Alice', 'one', 'text one', 'float', 'yes', 'one', 'one']);
  assert.equal(lua.home.size, 5);
  assert.equal(lua.home.get('absent'), undefined);
  lua.home.set('name', 'Bob').set(2, 'two').delete('1');
  assert.deepEqual(lua.compute('return _home.name, _home[2], _home["1"]').values, ['Bob', 'two', null]);
  assert.deepEqual([lua.home.has('name'), lua.home.has('1'), lua.home.delete(1), lua.home.delete(1)], [true, false, true, false]);
  assert.deepEqual([...lua.home.keys()], ['name', 1.5, true, 2]);
  assert.deepEqual([...lua.home.values()], ['Bob', 'float', 'yes', 'two']);
  assert.deepEqual(new Map(lua.home).get(1.5), 'float');
  lua.home.clear();
  assert.equal(lua.compute('return next(_home)').value, null);
  lua.close();
});

test('plain values keep their type both ways', async () => {
  const lua = await Lua.create();
  const values = [
    [true, 'boolean'], [false, 'boolean'], [1, 'integer'], [-0, 'float'], [1.5, 'float'], [2 ** 53, 'float'], [2n ** 53n + 1n, 'integer'], [-(2n ** 63n), 'integer'],
    [NaN, 'float'], [Infinity, 'float'], ['text', 'string'], ['', 'string'], ['h\u00e9\0', 'string'], [Uint8Array.of(0xff, 0), 'string'],
  ];
  for (const [value, type] of values) {
    lua.home.set('x', value);
    assert.equal(lua.compute('return math.type(_home.x) or type(_home.x)').value, type);
    assert.deepEqual(lua.home.get('x'), value);
    lua.compute('_home.y = _home.x');
    assert.deepEqual(lua.home.get('y'), value);
  }
  for (const nothing of [null, undefined]) {
    lua.home.set('x', 1).set('x', nothing);
    assert.equal(lua.home.has('x'), false);
  }
  lua.close();
});

test('objects, arrays and Maps become tables, shared parts and cycles included', async () => {
  const lua = await Lua.create();
  const shared = { n: 1 };
  const list = [shared, shared, [null, 'second', undefined, 4]];
  const root = { list, shared, map: new Map([[1.5, list], [true, 'yes'], ['k', new Map()]]), none: null };
  root.self = root;
  lua.home.set('root', root);
  lua.compute(`
    local r = _home.root
    assert(r.self == r and r.list[1] == r.shared and r.list[2] == r.shared and r.map[1.5] == r.list and r.map[true] == "yes")
    assert(#r.list == 3 and r.list[3][2] == "second" and r.list[3][4] == 4 and r.list[3][1] == nil and r.none == nil)
    r.shared.n = 2
    r.map.k.added = {1, 2, 3}
  `);
  const back = lua.home.get('root').toObject();
  assert.equal(back.self, back);
  assert.equal(back.list[0], back.shared);
  assert.equal(back.shared.n, 2);
  assert.equal(back.map.get(1.5), back.list);
  assert.deepEqual(back.list[2], new Map([[2, 'second'], [4, 4]]));
  assert.deepEqual(back.map.get('k'), { added: [1, 2, 3] });
  lua.close();
});

test('tables convert to what is asked for, or say why not', async () => {
  const lua = await Lua.create();
  const table = (code) => lua.compute(`_home.t = ${code} return _home.t`).value;
  assert.deepEqual(table('{1, 2, {x = 1}}').toArray(), [1, 2, { x: 1 }]);
  assert.deepEqual(table('{}').toArray(), []);
  assert.deepEqual(table('{}').toObject(), {});
  assert.deepEqual(table('{10, x = true}').toMap(), new Map([[1, 10], ['x', true]]));
  assert.deepEqual(Object.entries(table('{__proto__ = 1}').toObject()), [['__proto__', 1]]);
  assert.deepEqual(table('(function() local t = ext.table() t[2] = "b" t[1] = "a" return t end)()').toArray(), ['a', 'b']);
  assert.throws(() => table('{[2] = 1}').toArray(), /is no array: its keys are not exactly 1 to 1; use toMap\(\)/);
  assert.throws(() => table('{x = 1, [7] = 2}').toObject(), /is no object: its key 7 is not a string; use toMap\(\)/);
  const deep = table('(function() local t = {} for _ = 1, 5000 do t = {t} end return t end)()').toArray();
  let depth = 0;
  for (let at = deep; at.length > 0; at = at[0]) depth++;
  assert.equal(depth, 5000);
  lua.close();
});

test('a table of any depth can be stored', async () => {
  const lua = await Lua.create();
  let nested = {};
  for (let depth = 0; depth < 20_000; depth++) nested = { inner: nested };
  lua.home.set('nested', nested);
  assert.equal(lua.compute('local n, t = 0, _home.nested while t.inner do n, t = n + 1, t.inner end return n').value, 20_000);
  lua.close();
});

test('what cannot be stored is named with its path, and nothing is changed', async () => {
  const store = new MapStore();
  const lua = await Lua.create({ store });
  const other = await Lua.create();
  lua.home.set('jobs', 'as before');
  const before = contents(store);
  const id = lua.nextTableId;
  const opaque = lua.compute('return coroutine.create(print)').value;
  class Point {}
  const wrong = [
    [new Date(), /^_home\.jobs: a JavaScript Date has no Lua form: give its getTime/],
    [{ a: [1, { b: new Point() }] }, /^_home\.jobs\.a\[1\]\.b: a JavaScript Point has no Lua form: give a plain object with what Lua needs of it$/],
    [[{ 'odd name': () => 1 }], /^_home\.jobs\[0\]\["odd name"\]: a function can be sent to Lua, but not be stored from JavaScript$/],
    [new Map([[1.5, Symbol('s')]]), /^_home\.jobs\[1\.5\]: a JavaScript symbol has no Lua form$/],
    [new Map([[{}, 1]]), /^_home\.jobs\[Object\]: /],
    [new Map([[NaN, 1]]), /^_home\.jobs: NaN cannot be a key/],
    [new Map([[1, 'a'], [1n, 'b']]), /^_home\.jobs: two keys of the Map are the same key in Lua/],
    [{ n: 2n ** 63n }, /^_home\.jobs\.n: 9223372036854775808 does not fit in 64 bits$/],
    [[new Float64Array(2)], /^_home\.jobs\[0\]: a JavaScript Float64Array has no Lua form: give Array.from\(\) of it for a list, or a Uint8Array of its buffer for a string of its bytes$/],
    [{ co: opaque }, /^_home\.jobs\.co: a Lua thread cannot leave the state that it lives in$/],
    [{ text: '\ud800' }, /^_home\.jobs\.text: the string has a lone surrogate/],
    [{ '\udfff': 1 }, /lone surrogate/],
    [{ ['k'.repeat(20_000)]: 1 }, /^_home\.jobs\[\.\.\.\]: a key has at most 16384 bytes, this one has 20000$/],
    [{ long: 'x'.repeat((1 << 20) + 1) }, /^_home\.jobs\.long: a string in an external table has at most 1048576 bytes, this one has 1048577$/],
    [{ there: other.home }, /^_home\.jobs\.there: it belongs to another store$/],
  ];
  for (const [value, message] of wrong) {
    const error = failure(() => lua.home.set('jobs', value));
    assert.ok(error instanceof EncodeError && error instanceof TypeError, String(error));
    assert.match(error.message, message);
  }
  assert.match(failure(() => lua.home.set(null, 1)).message, /^_home\[null\]: /);
  assert.match(failure(() => lua.createTable({ x: new Date() })).message, /^initial\.x: /);
  assert.match(failure(() => lua.createTable(5)).message, /plain object, an array or a Map/);
  assert.deepEqual(contents(store), before);
  assert.equal(lua.nextTableId, id);
  lua.close();
  other.close();
});

test('a store that fails in the middle is left as it was', async () => {
  for (const Base of [MapStore, PlainStore]) {
    let left = Infinity;
    const store = new (class extends Base {
      set(...entry) {
        if (left-- === 0) throw new Error('disk full');
        super.set(...entry);
      }
    })();
    const lua = await Lua.create({ store });
    lua.home.set('x', 'old');
    const before = contents(store);
    for (let count = 0; count < 7; count++) {
      left = count;
      assert.throws(() => lua.home.set('x', { a: 1, b: { c: [1, 2] }, d: 'e' }), /disk full/);
      assert.deepEqual(contents(store), before, `after ${count} entries`);
    }
    left = Infinity;
    lua.home.set('x', { a: 1, b: { c: [1, 2] }, d: 'e' });
    assert.equal(lua.compute('return _home.x.b.c[2]').value, 2);
    lua.close();
  }
});

test('getters that call the machine cannot make two tables one', async () => {
  const lua = await Lua.create();
  const tricky = { get inner() { return lua.createTable({ mine: true }); }, own: { mine: false } };
  lua.home.set('tricky', tricky);
  assert.deepEqual(lua.home.get('tricky').toObject(), { inner: { mine: true }, own: { mine: false } });
  lua.close();
});

test('a table has one object, and an id', async () => {
  const lua = await Lua.create();
  const made = lua.createTable([1, 2]);
  assert.ok(made instanceof ExternalTable);
  assert.equal(lua.table(made.id), made);
  lua.home.set('made', made);
  assert.equal(lua.home.get('made'), made);
  assert.equal(lua.compute('return _home.made').value, made);
  assert.equal(lua.compute('return ext.id(_home.made)').value, made.id);
  assert.equal(lua.home.id, lua.homeTableId);
  assert.equal(lua.io.id, lua.ioTableId);
  assert.equal(JSON.stringify(made), `{"id":${made.id}}`);
  const far = lua.table(1000);
  assert.equal(far.size, 0);
  assert.ok(lua.createTable().id > 1000, 'new tables keep clear of it');
  for (const id of [0, -1, 1.5, 2 ** 32 - 1, NaN, '3', undefined]) assert.throws(() => lua.table(id), RangeError);
  lua.close();
});

test('stored functions and library parts can be stored again elsewhere', async () => {
  const lua = await Lua.create();
  lua.compute('local n = 0 _home.count = function() n = n + 1 return n end _home.format, _home.lib = string.format, string');
  const count = lua.home.get('count');
  assert.ok(count instanceof LuaFunction);
  assert.equal(count.name, '');
  assert.equal(lua.home.get('format').name, 'string.format');
  assert.ok(lua.home.get('lib') instanceof LuaLibrary);
  lua.home.set('again', { functions: [count, lua.home.get('format'), lua.home.get('lib')] });
  const code = 'local f = _home.again.functions return f[1] == _home.count, _home.count(), f[1](), f[2] == string.format, f[3] == string';
  assert.deepEqual(lua.compute(code).values, [true, 1, 2, true, true]);
  const other = await Lua.create();
  assert.throws(() => other.home.set('f', count), /_home\.f: it belongs to another store/);
  lua.close();
  other.close();
});

test('metatables are neither entries nor lost', async () => {
  const lua = await Lua.create();
  lua.compute('_home.t = setmetatable({x = 1}, {__index = function(_, k) return k .. "!" end})');
  const table = lua.home.get('t');
  assert.equal(table.size, 1);
  assert.deepEqual([...table], [['x', 1]]);
  assert.equal(table.get('y'), undefined);
  assert.equal(table.has('y'), false);
  table.clear();
  assert.equal(table.size, 0);
  assert.deepEqual(lua.compute('return _home.t.x, _home.t.y').values, ['x!', 'y!']);
  lua.close();
});

test('tables can be changed while they are walked', async () => {
  const lua = await Lua.create();
  const table = lua.createTable(Array.from({ length: 100 }, (_, n) => n));
  const seen = [];
  for (const [key, value] of table) {
    seen.push(value);
    if (key % 3 === 0) table.delete(key);
    else table.set(key, 'seen');
    if (key === 50) for (let n = 60; n <= 70; n++) table.delete(n);
  }
  assert.equal(seen.length, 89);
  assert.equal(table.size, 100 - 33 - 11 + [60, 63, 66, 69].length);
  lua.close();
});

test('while code runs, tables can be read but not written', async () => {
  let caught;
  let read;
  const lua = await Lua.create({
    onPrint() {
      read = [lua.home.get('x'), lua.home.size, [...lua.home.keys()]];
      caught = [
        () => lua.home.set('x', 2), () => lua.home.delete('x'), () => lua.home.clear(), () => lua.createTable(), () => lua.collect(), () => lua.setInput(1),
        () => lua.setMetadata({}), () => lua.clearIo(), () => lua.table(5), () => lua.home.set('o', { a: 1 }),
      ].map(failure);
    },
  });
  lua.compute('_home.x = 1 io.write(("y"):rep(70000)) after = _home.x');
  assert.deepEqual(read, [1, 1, ['x']]);
  assert.ok(caught.every((error) => error instanceof LuaStateError && error.state === 'running'), String(caught));
  assert.equal(lua.compute('return after').value, 1);
  lua.close();
});

test('a closed machine leaves its tables to be read', async () => {
  const lua = await Lua.create();
  lua.home.set('x', { y: [1, 2] });
  const table = lua.home.get('x');
  lua.close();
  assert.deepEqual(lua.home.toObject(), { x: { y: [1, 2] } });
  assert.deepEqual(table.get('y').toArray(), [1, 2]);
  const error = failure(() => table.set('z', 1));
  assert.ok(error instanceof LuaStateError);
  assert.equal(error.state, 'closed');
});

test('input, output and metadata pass through _io', async () => {
  const lua = await Lua.create();
  lua.setInput({ items: [3, 1, 2] });
  lua.setMetadata({ by: 'test' });
  lua.compute('table.sort(_io.input.items) _io.output = {sorted = _io.input.items, by = _io.metadata.by}');
  assert.deepEqual(lua.getOutput(), { sorted: [1, 2, 3], by: 'test' });
  lua.compute('_io.output = 42');
  assert.equal(lua.getOutput(), 42);
  lua.setInput(null);
  assert.equal(lua.compute('return _io.input').value, null);
  lua.clearIo();
  assert.equal(lua.io.size, 0);
  assert.equal(lua.getOutput(), undefined);
  lua.close();
});

test('a store that cannot clear _io is the cause of the error', async () => {
  const thrown = new Error('no');
  const store = new (class extends MapStore {
    drop() {
      throw thrown;
    }
  })();
  const lua = await Lua.create({ store });
  lua.setInput(1);
  const error = failure(() => lua.clearIo());
  assert.ok(error instanceof LuaError);
  assert.equal(error.cause, thrown);
  assert.equal(lua.io.get('input'), 1);
  lua.close();
});

test('collect frees what nothing reaches, and nothing else', async () => {
  const store = new MapStore();
  const lua = await Lua.create({ store });
  lua.compute(`
    _home.keep = {deep = {deeper = {}}}
    _home.keep.deep.deeper.x = {1}
    _home.f = (function() local up = {n = 1} return function() up.n = up.n + 1 return up end end)()
    _io.pending = {1, 2}
    alive = ext.table({a = ext.table({b = 1})})
    for i = 1, 100 do _home.garbage = {i, {i}} end
    _home.garbage = nil
  `);
  const kept = lua.createTable({ only: { in: 'JavaScript' } });
  const size = () => [...store.tableIds()].filter((id) => store.size(id) > 0).length;
  const before = size();
  assert.equal(lua.collect(), 200);
  assert.equal(size(), before - 200);
  assert.equal(lua.collect(), 0);
  assert.deepEqual(kept.toObject(), { only: { in: 'JavaScript' } });
  assert.deepEqual(lua.compute('return _home.keep.deep.deeper.x[1], _home.f().n, #_io.pending, alive.a.b').values, [1, 2, 2, 1]);
  assert.equal(lua.io.size, 1, 'collecting leaves nothing in _io');
  lua.compute('alive = nil');
  assert.equal(lua.collect(), 2);
  lua.close();
});

test('collect works where the globals have been taken away', async () => {
  const lua = await Lua.create();
  lua.compute('_home.x = {} _home.x = nil ext, next, pairs, collectgarbage, require, package = nil');
  assert.equal(lua.collect(), 1);
  assert.equal(lua.io.size, 0);
  lua.close();
});

test('10,000 random operations from both sides agree with a Map', async () => {
  const lua = await Lua.create();
  const model = new Map();
  const next = random(12);
  const keys = [1, 2, 3, 4, 5, '1', 'a', 'b', 1.5, -1, true, false, '', '[1]', '\u00e9', 2n ** 60n];
  const literal = (key) => (typeof key === 'string' ? `"${key}"` : String(key));
  for (let round = 0; round < 10_000; round++) {
    const key = keys[next(keys.length)];
    const operation = next(6);
    if (operation < 2) {
      model.set(key, round);
      if (operation === 0) lua.home.set(key, round);
      else lua.compute(`_home[${literal(key)}] = ${round}`);
    } else if (operation < 4) {
      model.delete(key);
      if (operation === 2) lua.home.delete(key);
      else lua.compute(`_home[${literal(key)}] = nil`);
    } else if (operation === 4) {
      assert.equal(lua.home.get(key), model.get(key));
    } else {
      assert.equal(lua.compute(`return _home[${literal(key)}]`).value, model.get(key) ?? null);
    }
    if (round % 500 === 0) assert.deepEqual([...lua.home], [...model]);
  }
  assert.deepEqual([...lua.home], [...model]);
  lua.close();
});
