// Tests which JavaScript values become which Lua values, and which are refused by name (web/values/containers.js,
// docs/CONVERSIONS.md): nothing is lost silently.

import assert from 'node:assert/strict';
import test from 'node:test';
import vm from 'node:vm';

import { EncodeError, Lua, LuaFunction, TableReference } from '../../../web/lua-persistent.js';
import { decodeValue } from '../../../web/values/decoder.js';
import { encodeValue } from '../../../web/values/encoder.js';

/** The message of what refuses a value, by each of the ways into Lua. */
function refusals(lua, value) {
  const messages = [
    () => lua.set('v', value),
    () => lua.call('type', value),
    () => lua.home.set('v', value),
    () => lua.createTable({ v: value }),
  ].map((attempt) => {
    try {
      attempt();
      return 'taken';
    } catch (error) {
      assert.ok(error instanceof EncodeError, String(error));
      return error.message.slice(error.message.indexOf(': ') + 2);
    }
  });
  assert.equal(new Set(messages).size, 1, messages.join('\n'));
  assert.equal(lua.get('v'), null);
  assert.equal(lua.home.get('v'), undefined);
  return messages[0];
}

/** A value as it comes back through Lua, and through an external table. */
function both(lua, value) {
  lua.set('v', value);
  lua.home.set('v', value);
  const back = lua.get('v');
  const stored = lua.home.get('v');
  lua.set('v', null);
  lua.home.delete('v');
  return [back, stored.toMap()];
}

test('named properties of an array are entries of the table, beside its items', async () => {
  const lua = await Lua.create();
  lua.set('v', Object.assign([1, 2], { x: 1 }));
  assert.deepEqual(lua.eval('return #v, v[1], v[2], v.x').values, [2, 1, 2, 1]);
  const match = /(?<letter>b)(c)?/.exec('abd');
  lua.set('v', { match });
  assert.deepEqual(lua.eval('return v.match[1], v.match[2], v.match.index, v.match.input, v.match.groups.letter').values, ['b', 'b', 1, 'abd', 'b']);
  lua.home.set('v', Object.assign([1, , 3], { x: { y: 2 } })); // eslint-disable-line no-sparse-arrays
  assert.deepEqual(lua.eval('return _home.v[1], _home.v[2], _home.v[3], _home.v.x.y').values, [1, null, 3, 2]);
  // As many properties as holes.
  lua.set('v', Object.assign([1, , 3], { x: 4 })); // eslint-disable-line no-sparse-arrays
  assert.deepEqual(lua.eval('return v[1], v[2], v[3], v.x').values, [1, null, 3, 4]);
  lua.set('v', Object.assign([], { x: 4 }));
  assert.deepEqual(lua.get('v'), { x: 4 });
  lua.close();
});

test('a sparse array costs what it holds, not what its length says', async () => {
  const lua = await Lua.create();
  const sparse = [];
  sparse[4294967290] = 'far';
  sparse[2] = 'near';
  lua.set('v', sparse);
  assert.deepEqual(lua.eval('return v[4294967291], v[3], #v').values, ['far', 'near', 0]);
  lua.home.set('v', sparse);
  assert.deepEqual(lua.home.get('v').toMap(), new Map([[3, 'near'], [4294967291, 'far']]));
  lua.close();
});

test('namespaces of the language are refused by name, with what to give instead', async () => {
  const lua = await Lua.create();
  assert.match(refusals(lua, JSON), /, as \{ parse: JSON\.parse \}$/);
  for (const name of ['Math', 'JSON', 'Reflect', 'Intl', 'Atomics', 'WebAssembly']) {
    const message = `the JavaScript namespace ${name} has no Lua form: give the functions of it that Lua needs, as { `;
    assert.equal(refusals(lua, globalThis[name]).slice(0, message.length), message);
  }
  await assert.rejects(Lua.create({ functions: /** @type {any} */ ({ Math }) }), /the JavaScript namespace Math has no Lua form/);
  lua.set('math2', { floor: Math.floor });
  assert.equal(lua.eval('math2.floor(1.5)').value, 1);
  lua.close();
});

test('the namespace of a module is a table of what it exports', async () => {
  const lua = await Lua.create();
  lua.set('v', await import('data:text/javascript,export const x = 1; export default 2; export const f = () => 3'));
  assert.deepEqual(lua.eval('return v.x, v.default, v.f()').values, [1, 2, 3]);
  lua.close();
});

test('what no entry can stand for is refused by name', async () => {
  const lua = await Lua.create();
  class Stack extends Array {}
  class Config extends Map {}
  class Secret {
    #hidden = 1;
    get hidden() {
      return this.#hidden;
    }
  }
  const args = (function () {
    return arguments;
  })(1, 2);
  const cases = [
    [{ [Symbol('tag')]: 1 }, 'the key Symbol(tag) has no Lua form: Lua has no symbols'],
    [Object.assign([1], { [Symbol.for('x')]: 1 }), 'the key Symbol(x) has no Lua form: Lua has no symbols'],
    [Object.defineProperty({ a: 1 }, 'b', { value: 2 }), "the property 'b' is not enumerable, and would be lost: give { ...it }, which leaves it out"],
    [Object.defineProperty([1], 'b', { value: 2 }), "the property 'b' is not enumerable, and would be lost: give [...it], which leaves it out"],
    [args, /^the key Symbol\(Symbol\.iterator\) has no Lua form/],
    [Object.assign(new Map(), { x: 1 }), "the Map has a property 'x', which is no entry of it: give it as an entry"],
    [Object.assign(new Map(), { [Symbol('y')]: 1 }), 'the key Symbol(y) has no Lua form: Lua has no symbols'],
    [Stack.of(1), 'a JavaScript Stack has no Lua form: give Array.from() of it'],
    [new Config(), 'a JavaScript Config has no Lua form: give new Map() of it'],
    [new Secret(), 'a JavaScript Secret has no Lua form: give a plain object with what Lua needs of it'],
    [Object.create({ inherited: 1 }), 'an object that inherits from another has no Lua form: give { ...it }, which has its own properties'],
    [Object.create(Object.assign(Object.create(null), { inherited: 1 })), 'an object that inherits from another has no Lua form: give { ...it }, which has its own properties'],
    [Object.create(Map.prototype), 'a JavaScript Map has no Lua form: give a plain object with what Lua needs of it'],
    [new (class Pretender { get [Symbol.toStringTag]() { return 'Map'; } })(), 'a JavaScript Pretender has no Lua form: give a plain object with what Lua needs of it'],
    [Object.setPrototypeOf([1], null), /^an object that inherits from another has no Lua form/],
    [Object.prototype, /^the property 'constructor' is not enumerable, and would be lost/],
    [process.env, 'an object that inherits from another has no Lua form: give { ...it }, which has its own properties'],
    [new Date(0), 'a JavaScript Date has no Lua form: give its getTime() or toISOString()'],
    [/x/, 'a JavaScript RegExp has no Lua form: give its source; Lua has patterns of its own'],
    [new Set([1]), 'a JavaScript Set has no Lua form: give Array.from() of it'],
    [new WeakMap(), 'a JavaScript WeakMap has no Lua form: give a plain object with what Lua needs of it'],
    [new ArrayBuffer(1), 'a JavaScript ArrayBuffer has no Lua form: give new Uint8Array() of it, which is a string of its bytes'],
    [new Float64Array(1), 'a JavaScript Float64Array has no Lua form: give Array.from() of it for a list, or a Uint8Array of its buffer for a string of its bytes'],
    [new DataView(new ArrayBuffer(1)), 'a JavaScript DataView has no Lua form: give a Uint8Array of its buffer, which is a string of its bytes'],
    [Object(1), 'a JavaScript Number has no Lua form: give its valueOf()'],
    [Object('x'), 'a JavaScript String has no Lua form: give its valueOf()'],
    [Object(1n), 'a JavaScript BigInt has no Lua form: give its valueOf()'],
    [Promise.resolve(), 'a JavaScript Promise has no Lua form: Lua does not wait for it'],
    [new Error('x'), 'a JavaScript Error has no Lua form: give a plain object with what Lua needs of it'],
    [2n ** 64n, '18446744073709551616 does not fit in 64 bits'],
  ];
  for (const [value, message] of cases) {
    const said = refusals(lua, value);
    if (typeof message === 'string') assert.equal(said, message);
    else assert.match(said, message);
  }
  lua.close();
});

test('what refuses a part says where it is', () => {
  const where = (value) => {
    try {
      encodeValue(value);
      return 'taken';
    } catch (error) {
      return error.path;
    }
  };
  assert.equal(where({ a: [1, [2, new Map([['k', { deep: new Date() }]])]] }), 'value.a[1][1].k.deep');
  assert.equal(where([[], { b: 1, c: [[[], [], Symbol('x')]] }]), 'value[1].c[0][2]');
  assert.equal(where(Object.assign([1, 2], { list: [0, new Set()] })), 'value.list[1]');
  assert.equal(where(new Map([[{ a: 1 }, 1], [[new Date()], 2]])), 'value[Array][0]');
});

test('values that can be taken come back as they were', async () => {
  const lua = await Lua.create();
  const bare = Object.assign(Object.create(null), { a: 1, b: 'x' });
  const withGetter = { get a() { return 1; }, b: 'x' };
  for (const value of [bare, withGetter, new Proxy({ a: 1, b: 'x' }, {}), Object.freeze({ a: 1, b: 'x' })]) {
    const [back, stored] = both(lua, value);
    assert.deepEqual(back, { a: 1, b: 'x' });
    assert.deepEqual(stored, new Map([['a', 1], ['b', 'x']]));
  }
  lua.set('v', -0);
  assert.ok(Object.is(lua.get('v'), -0));
  const odd = JSON.parse('{"__proto__": 1, "constructor": 2, "then": 3, "length": 4}');
  lua.set('v', odd);
  assert.deepEqual(lua.get('v'), odd);
  const cyclic = { list: [1] };
  cyclic.list.push(cyclic);
  lua.set('v', cyclic);
  const back = lua.get('v');
  assert.equal(back.list[1], back);
  const called = Object.assign(() => 1, { x: 1 });
  lua.set('v', called);
  assert.equal(lua.get('v'), called);
  lua.close();
});

test('arrays, objects, Maps and bytes of other realms are what they are', async () => {
  const lua = await Lua.create();
  const foreign = vm.runInNewContext('({ list: [1, 2], map: new Map([[1, "one"]]), bytes: new Uint8Array([104, 105]), object: { a: 1 } })');
  lua.set('v', foreign);
  assert.deepEqual(lua.eval('return v.list[2], v.map[1], v.bytes, v.object.a').values, [2, 'one', 'hi', 1]);
  lua.home.set('v', foreign);
  assert.deepEqual(lua.eval('return _home.v.list[2], _home.v.map[1], _home.v.bytes, _home.v.object.a').values, [2, 'one', 'hi', 1]);
  assert.match(refusals(await Lua.create(), vm.runInNewContext('new Date(0)')), /a JavaScript Date has no Lua form/);
  lua.close();
});

test('two keys of a Map that name one table or function of Lua are refused', () => {
  for (const [one, other, message] of [
    [new TableReference(5), new TableReference(5), 'external table 5'],
    [new LuaFunction('', 7), new LuaFunction('', 7), 'function 7'],
    [new LuaFunction('math.sin'), new LuaFunction('math.sin'), 'math.sin'],
    ['a', Uint8Array.of(97), 'a'],
    [2 ** 53, 2n ** 53n, '9007199254740992'],
  ]) {
    assert.throws(() => encodeValue(new Map([[one, 1], [other, 2]])), { message: `value: two keys of the Map are the same key in Lua: ${message}` });
  }
  assert.equal(decodeValue(encodeValue(new Map([[new TableReference(5), 1], [new TableReference(6), 2]]))).size, 2);
});

test('an array that is read while it is encoded is read once', () => {
  let reads = 0;
  const list = [1, 2, 3];
  Object.defineProperty(list, 1, { get: () => ++reads, enumerable: true });
  assert.deepEqual(decodeValue(encodeValue(list)), [1, 1, 3]);
  assert.equal(reads, 1);
});
