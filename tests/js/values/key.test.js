// Tests key forms (web/values/key.js): JavaScript writes what Lua writes, and each form becomes the same key again.

import assert from 'node:assert/strict';
import test from 'node:test';

import { DecodeError, EncodeError } from '../../../web/errors.js';
import { keyForm, keyOfForm, METATABLE } from '../../../web/values/key.js';
import { Lua } from '../../../web/lua-persistent.js';
import { random } from '../support/random.js';

const form = (key) => keyForm(key, 't');

test('each kind of key has its form', () => {
  const forms = [
    ['name', 'name'], ['1', '1'], [1, '[1]'], [-7, '[-7]'], [1.0, '[1]'], [-0, '[0]'], [1.5, '[1.5]'], [-0.25, '[-0.25]'], [true, '[true]'], [false, '[false]'],
    [2 ** 53, '[9007199254740992]'], [2n ** 53n + 1n, '[9007199254740993]'], [5n, '[5]'], [-(2n ** 63n), '[-9223372036854775808]'],
    [2 ** 63, '[9.223372036854776e18]'], [1e300, '[1e300]'], [1e-7, '[1e-7]'], [0.00001, '[0.00001]'], [1e15 + 0.5, '[1000000000000000.5]'], [5e-324, '[4.94065645841247e-324]'],
    [Infinity, '[inf]'], [-Infinity, '[-inf]'], ['', '[""]'], ['[x', '["[x"]'], ['a\nb\\', '["a\\x0Ab\\\\"]'], ['a\\b', 'a\\b'], ['\ufeffx', '["\ufeffx"]'],
    [Uint8Array.of(0xff, 0x41, 0), '["\\xFFA\\x00"]'], [Buffer.from('plain'), 'plain'],
  ];
  for (const [key, expected] of forms) assert.equal(form(key), expected);
});

test('what is no key is refused by name', () => {
  const wrong = [
    [null, /^t\[null\]: /], [undefined, /^t\[undefined\]: /], [NaN, /^t\[NaN\]: /], [{}, /^t\[Object\]: /], [[], /^t\[Array\]: /], [() => 1, /^t\[function\]: /],
    [2n ** 63n, /^t\[9223372036854775808\]: .*64 bits/], ['\ud800', /lone surrogate/], ['x'.repeat(16_385), /at most 16384 bytes, this one has 16385/],
    [new Uint8Array(20_000), /this one has 20000/], ['\u20ac'.repeat(5462), /this one has 16386/], [Symbol('s'), /^t\[Symbol\(s\)\]: /], [new Date(0), /^t\[Date\]: /],
  ];
  for (const [key, message] of wrong) {
    assert.throws(() => form(key), (error) => error instanceof EncodeError && error instanceof TypeError && message.test(error.message), String(message));
  }
  assert.equal(form('x'.repeat(16_384)).length, 16_384);
});

/** A random key, often one that is hard to write. */
function anyKey(next) {
  const bits = new DataView(new ArrayBuffer(8));
  bits.setUint32(0, next(2 ** 32));
  bits.setUint32(4, next(2 ** 32));
  switch (next(8)) {
    case 0: return next(200) - 100;
    case 1: return bits.getBigInt64(0);
    case 2: return Number.isNaN(bits.getFloat64(0)) ? 0.5 : bits.getFloat64(0);
    case 3: return (next(2 ** 20) - 2 ** 19) / 2 ** next(60);
    case 4: return (2 ** 49 + next(2 ** 30) + next(64) / 32) * (next(2) ? 1 : 2);
    case 5: return Uint8Array.from({ length: next(12) }, () => [0, 10, 13, 34, 65, 91, 92, 93, 0x80, 0xc3, 0xa9, 0xe2, 0x82, 0xac, 0xef, 0xbb, 0xbf, 0xf0, 0xff][next(19)]);
    case 6: return Array.from({ length: next(6) }, () => ['a', '\\', '"', '[', ']', '\n', '\0', '\u00e9', '\ufeff', '\u{1f600}', '\\x41'][next(11)]).join('');
    default: return next(2) === 0;
  }
}

/** Returns a key as it is read back from a table. */
function normal(key) {
  if (key instanceof Uint8Array) {
    const text = Buffer.from(key).toString();
    return Buffer.from(text).equals(key) ? text : Uint8Array.from(key);
  }
  if (typeof key === 'bigint') return Number.isSafeInteger(Number(key)) ? Number(key) : key;
  if (typeof key !== 'number' || Number.isSafeInteger(key)) return typeof key === 'number' ? key + 0 : key;
  return Number.isInteger(key) && key >= -(2 ** 63) && key < 2 ** 63 ? BigInt(key) : key;
}

test('100,000 random keys come back from their forms', () => {
  const next = random(77);
  for (let round = 0; round < 100_000; round++) {
    const key = anyKey(next);
    assert.deepEqual(keyOfForm(form(key)), normal(key));
  }
});

test('Lua reads what JavaScript writes under a random key, and the other way round', async () => {
  const lua = await Lua.create();
  const next = random(78);
  for (let round = 0; round < 20; round++) {
    const there = lua.createTable();
    const keys = new Map();
    for (let n = 1; n <= 500; n++) {
      const key = anyKey(next);
      if (keys.has(form(key))) continue;
      keys.set(form(key), normal(key));
      there.set(key, n);
    }
    lua.home.set('there', there);
    // Lua rebuilds every form from the key itself.
    lua.compute('_home.back = ext.table() for k, v in pairs(_home.there) do assert(_home.there[k] == v) _home.back[k] = v end');
    const back = lua.home.get('back');
    // A table that was empty when it was made is marked by a metatable of false.
    const forms = [...lua.store.keys(back.id)].filter((stored) => stored !== METATABLE);
    assert.deepEqual(forms, [...keys.keys()]);
    assert.deepEqual([...back.keys()], [...keys.values()]);
  }
  lua.close();
});

test('text that is the form of no key is refused', () => {
  const wrong = ['[', '[]', '[5', '[05]', '[-0]', '[1.0]', '[1e5]', '[nan]', '[NaN]', '[Infinity]', '[0x10]', '[ 1]', '[1 ]', '[meta]', '["]', '["a]', '["plain"]', '["\\q["]', '["\\x0a"]', '[TRUE]', '["\\x41\\x00"]', '[99999999999999999999]'];
  for (const text of wrong) assert.throws(() => keyOfForm(text), DecodeError, text);
});

test('random text never gives a key that has another form', () => {
  const next = random(79);
  const pieces = ['[', ']', '"', '\\', 'x', '0', '1', '5', '.', 'e', '-', 'F', 'A', 'inf', 'true', '\u00e9', '\n', ' '];
  for (let round = 0; round < 100_000; round++) {
    const text = `[${Array.from({ length: next(8) }, () => pieces[next(pieces.length)]).join('')}]`;
    let key;
    try {
      key = keyOfForm(text);
    } catch (error) {
      assert.ok(error instanceof DecodeError);
      continue;
    }
    assert.equal(form(key), text);
  }
});
