// Tests encoding and decoding of values (web/values/decoder.js, web/values/encoder.js): every tag in both directions, what a
// table becomes, and the errors for malformed bytes.

import assert from 'node:assert/strict';
import test from 'node:test';

import { Decoder, decodeValue } from '../../../web/values/decoder.js';
import { encodeValue } from '../../../web/values/encoder.js';
import { DecodeError, EncodeError } from '../../../web/errors.js';
import { LuaFunction, LuaLibrary, LuaOpaque, TableReference } from '../../../web/values/values.js';
import { random } from '../support/random.js';

/** All results of a call, from their bytes. */
function decodeResults(results) {
  return new Decoder(results).results(0, results.length);
}

/** Bytes from a mixture of numbers, arrays of numbers, and strings (as Latin-1). */
function bytes(...parts) {
  return Uint8Array.from(parts.flatMap((part) => (typeof part === 'string' ? [...Buffer.from(part, 'latin1')] : part)));
}

const u32 = (value) => [value & 255, (value >>> 8) & 255, (value >>> 16) & 255, value >>> 24];
const i64 = (value) => [...new Uint8Array(BigInt64Array.of(BigInt(value)).buffer)];
const f64 = (value) => [...new Uint8Array(Float64Array.of(value).buffer)];
const string = (text) => [0x04, ...u32(text.length), ...Buffer.from(text, 'latin1')];
const integer = (value) => [0x02, ...i64(value)];
const NIL = 0x00;
const TRUE = [0x01, 1];

const table = (items, pairs = []) => [0x08, ...u32(items.length), ...u32(pairs.length), ...items.flat(), ...pairs.flat(2)];
const decode = (...parts) => decodeValue(bytes(...parts));

test('scalars decode to their JavaScript values', () => {
  assert.equal(decode(NIL), null);
  assert.equal(decode(0x01, 0), false);
  assert.equal(decode(TRUE), true);
  assert.equal(decode(integer(-42)), -42);
  assert.equal(decode(0x03, f64(0.1)), 0.1);
  assert.ok(Object.is(decode(0x03, f64(-0)), -0));
  assert.ok(Number.isNaN(decode(0x03, f64(NaN))));
  assert.equal(decode(string('hello')), 'hello');
  assert.equal(decode(0x04, u32(0)), '');
});

test('integers are numbers as far as numbers are exact, and BigInt beyond', () => {
  const largest = 2n ** 53n - 1n;
  assert.equal(decode(integer(largest)), Number.MAX_SAFE_INTEGER);
  assert.equal(decode(integer(-largest)), Number.MIN_SAFE_INTEGER);
  for (const value of [2n ** 53n, 2n ** 53n + 1n, -(2n ** 53n), 2n ** 63n - 1n, -(2n ** 63n)]) {
    assert.equal(decode(integer(value)), value);
  }
});

test('strings are text if they are UTF-8, and bytes otherwise', () => {
  assert.equal(decode(0x04, u32(6), ...[Buffer.from('h\u00e9\u20ac')].map((part) => [...part])), 'h\u00e9\u20ac');
  const mark = Buffer.from('\ufeffx');
  assert.equal(decode(0x04, u32(mark.length), [...mark]), '\ufeffx', 'a byte order mark is part of the string');
  for (const raw of ['\xff', 'abc\x80', '\xed\xa0\x80', '\xc0\x80', '\xf4\x90\x80\x80', 'x'.repeat(40) + '\xe2\x82']) {
    const value = decode(string(raw));
    assert.ok(value instanceof Uint8Array);
    assert.equal(Buffer.from(value).toString('latin1'), raw);
  }
  const zeros = decode(string('a\0b'));
  assert.equal(zeros, 'a\0b');
});

test('a decoded byte string is a copy that outlives the buffer', () => {
  const buffer = bytes(string('\xff\xfe'));
  const value = decodeValue(buffer);
  buffer.fill(0);
  assert.deepEqual([...value], [0xff, 0xfe]);
});

test('values that live elsewhere decode to objects that name them', () => {
  const library = decode(0x06, u32(13), 'string.format');
  assert.ok(library instanceof LuaFunction);
  assert.equal(library.name, 'string.format');
  const external = decode(0x07, u32(0xfffffffe));
  assert.ok(external instanceof TableReference);
  assert.equal(external.id, 0xfffffffe);
  const stored = decode(0x05, u32(4), u32(12));
  assert.ok(stored instanceof LuaFunction);
  assert.deepEqual([stored.name, stored.id], ['', 12]);
  const module = decode(0x0c, u32(2), '_G');
  assert.ok(module instanceof LuaLibrary);
  assert.equal(module.name, '_G');
  const thread = decode(0x0a, 8, u32(10), 'thread: 0x');
  assert.ok(thread instanceof LuaOpaque);
  assert.equal(thread.type, 'thread');
  assert.equal(String(thread), 'thread: 0x');
});

test('a table with keys 1 to n is an array', () => {
  assert.deepEqual(decode(table([integer(1), string('b'), TRUE])), [1, 'b', true]);
});

test('a table with string keys, or none, is a plain object', () => {
  assert.deepEqual(decode(table([])), {});
  assert.deepEqual(decode(table([], [[string('x'), integer(1)], [string(''), TRUE]])), { x: 1, '': true });
});

test('a field named __proto__ is a field', () => {
  const value = decode(table([], [[string('__proto__'), integer(7)]]));
  assert.deepEqual(Object.entries(value), [['__proto__', 7]]);
  assert.equal(Object.getPrototypeOf(value), Object.prototype);
});

test('any other table is a Map', () => {
  const mixed = decode(table([string('one')], [[string('x'), integer(1)]]));
  assert.deepEqual([...mixed], [[1, 'one'], ['x', 1]]);
  const keyed = decode(table([], [[0x03, f64(1.5), TRUE].flat(), [TRUE, integer(2)], [integer(2n ** 53n), 0x03, f64(0.5)].flat()]));
  assert.deepEqual([...keyed], [[1.5, true], [true, 2], [2n ** 53n, 0.5]]);
  const binary = decode(table([], [[string('\xff'), TRUE]]));
  assert.ok(binary instanceof Map);
  assert.ok([...binary.keys()][0] instanceof Uint8Array);
});

test('a hole in the array part makes a Map without that key', () => {
  assert.deepEqual([...decode(table([integer(1), NIL, integer(3)]))], [[1, 1], [3, 3]]);
});

test('a table met twice is one object, also inside itself', () => {
  const shared = decode(table([table([integer(1)]), [0x09, ...u32(1)]]));
  assert.equal(shared[0], shared[1]);
  const cyclic = decode(table([], [[string('self'), 0x09, ...u32(0)]]));
  assert.equal(cyclic.self, cyclic);
  const key = decode(table([], [[table([], []), [0x09, ...u32(1)]]]));
  const [[left, right]] = key;
  assert.equal(left, right);
});

test('several results come in their order, and share tables', () => {
  const last = table([integer(1)]);
  const values = decodeResults(bytes(last, 0x0b, u32(3), integer(10), 0x09, u32(0)));
  assert.deepEqual(values, [10, [1], [1]]);
  assert.equal(values[1], values[2]);
  assert.deepEqual(decodeResults(bytes(integer(5))), [5]);
  assert.deepEqual(decodeResults(bytes(NIL, 0x0b, u32(0))), []);
});

test('one decoder decodes again and again', () => {
  const memory = bytes(table([table([integer(1)])]), 0x09, u32(0));
  const decoder = new Decoder(memory);
  assert.deepEqual(decoder.value(0, memory.length - 5), [[1]]);
  assert.deepEqual(decoder.value(0, memory.length - 5), [[1]]);
  assert.throws(() => decoder.value(memory.length - 5, memory.length), DecodeError, 'numbering starts anew');
});

test('nesting of any depth decodes and encodes', () => {
  const depth = 200_000;
  const nested = new Uint8Array(9 * depth + 9);
  for (let level = 0; level < depth; level++) nested.set([0x08, 1, 0, 0, 0, 0, 0, 0, 0], 9 * level);
  nested.set(bytes(table([])), 9 * depth);
  const value = decodeValue(nested);
  let level = 0;
  for (let at = value; Array.isArray(at); at = at[0]) level++;
  assert.equal(level, depth);
  assert.deepEqual(encodeValue(value), nested);
});

test('malformed bytes get a DecodeError that says where', () => {
  const cases = [
    [bytes(), /byte 0: a value expected/],
    [bytes(0x01), /byte 1: 1 bytes needed, 0 left/],
    [bytes(0x01, 2), /byte 1: a boolean of 2/],
    [bytes(0x02, 1, 2), /8 bytes needed/],
    [bytes(0x04, u32(5), 'abc'), /byte 5: 5 bytes needed, 3 left/],
    [bytes(0x0a, 9, u32(0)), /no type 9/],
    [bytes(0x0f), /unknown tag 0x0f/],
    [bytes(0x05, u32(3), 1, 0, 0), /a stored function of 3 bytes/],
    [bytes(0x07, u32(0)), /a reference to table 0/],
    [bytes(0x0c, u32(2), 'x'), /2 bytes needed, 1 left/],
    [bytes(0xff), /unknown tag 0xff/],
    [bytes(0x09, u32(0)), /reference to table 0 of 0/],
    [bytes(table([[0x09, ...u32(1)]])), /reference to table 1 of 1/],
    [bytes(table([], [[NIL, TRUE]])), /nil as a key/],
    [bytes(table([], [[[0x03, ...f64(NaN)], TRUE]])), /NaN as a key/],
    [bytes(0x08, u32(0xffffffff), u32(0xffffffff)), /announced/],
    [bytes(0x08, u32(1), u32(0)), /announced/],
    [bytes(NIL, NIL), /byte 1: bytes left over/],
    [bytes(0x0b, u32(0)), /unknown tag 0x0b/],
  ];
  for (const [input, message] of cases) {
    assert.throws(() => decodeValue(input), (error) => error instanceof DecodeError && message.test(error.message), String(message));
  }
  assert.throws(() => decodeResults(bytes(NIL, 0x0b, u32(0xffffffff))), DecodeError);
  assert.throws(() => decodeResults(bytes(NIL, 0x0b, u32(1), NIL)), DecodeError);
  assert.throws(() => decodeResults(bytes(NIL, 0x07)), DecodeError);
});

test('every prefix of a value is refused, and no random bytes do worse than a DecodeError', () => {
  const whole = encodeValue({ list: [1, 2.5, 'x', null, { deep: new Map([[1, true]]) }], big: 2n ** 60n });
  for (let length = 0; length < whole.length; length++) {
    assert.throws(() => decodeValue(whole.subarray(0, length)), DecodeError, `prefix of ${length} bytes`);
  }
  const next = random(7);
  let refused = 0;
  for (let round = 0; round < 20_000; round++) {
    const damaged = whole.slice();
    for (let hits = 1 + next(3); hits > 0; hits--) damaged[next(damaged.length)] = next(16) < 12 ? next(12) : next(256);
    try {
      decodeValue(damaged);
    } catch (error) {
      assert.ok(error instanceof DecodeError, String(error));
      refused++;
    }
  }
  assert.ok(refused > 1000);
});

/** A random value of the kinds that come back as they went. */
function randomValue(next, depth) {
  switch (next(depth > 0 ? 9 : 6)) {
    case 0: return next(2) === 0;
    case 1: return next(2 ** 31) - 2 ** 30;
    case 2: return (next(2 ** 31) - 2 ** 30) / 1024 + 1 / 3;
    case 3: return (next(2) === 0 ? -1n : 1n) * (2n ** 62n + BigInt(next(2 ** 31)));
    case 4: return String.fromCodePoint(...Array.from({ length: next(30) }, () => [65 + next(26), 0xe9, 0x20ac, 0x1f600][next(4)]));
    case 5: return Uint8Array.of(0xff, next(256));
    case 6: return Array.from({ length: 1 + next(4) }, () => randomValue(next, depth - 1));
    case 7: return Object.fromEntries(Array.from({ length: next(4) }, (_, index) => [`k${index}`, randomValue(next, depth - 1)]));
    default: return new Map([[next(100) + 0.5, randomValue(next, depth - 1)], [next(2) === 0, randomValue(next, depth - 1)]]);
  }
}

test('values come back from their encoding as they were', () => {
  const next = random(11);
  for (let round = 0; round < 3000; round++) {
    const value = randomValue(next, 4);
    assert.deepEqual(decodeValue(encodeValue(value)), value);
  }
});

test('numbers encode as integers where they are exact ones, and as floats otherwise', () => {
  assert.deepEqual(encodeValue(3), bytes(integer(3)));
  assert.deepEqual(encodeValue(-3), bytes(integer(-3)));
  assert.deepEqual(encodeValue(Number.MIN_SAFE_INTEGER), bytes(integer(Number.MIN_SAFE_INTEGER)));
  assert.deepEqual(encodeValue(-0), bytes(0x03, f64(-0)));
  assert.deepEqual(encodeValue(2 ** 53), bytes(0x03, f64(2 ** 53)));
  assert.deepEqual(encodeValue(5n), bytes(integer(5)));
  assert.deepEqual(encodeValue(-(2n ** 63n)), bytes(integer(-(2n ** 63n))));
});

test('shared and cyclic objects stay so', () => {
  const shared = { n: 1 };
  const value = { a: shared, b: shared };
  value.self = value;
  const back = decodeValue(encodeValue(value));
  assert.equal(back.a, back.b);
  assert.equal(back.self, back);
});

test('null and undefined are absent from a table', () => {
  assert.deepEqual(decodeValue(encodeValue({ a: null, b: undefined, c: 1 })), { c: 1 });
  assert.deepEqual([...decodeValue(encodeValue([1, null, 3]))], [[1, 1], [3, 3]]);
  assert.equal(decodeValue(encodeValue(undefined)), null);
});

test('what Lua cannot hold is an EncodeError that gives the path', () => {
  class Point {}
  const cases = [
    [{ jobs: [1, { run() {} }] }, 'value.jobs[1].run: a function can be sent to Lua, but not be stored from JavaScript'],
    [[Symbol('s')], 'value[0]: a JavaScript symbol has no Lua form'],
    [{ 'a b': new Date() }, 'value["a b"]: a JavaScript Date has no Lua form: give its getTime() or toISOString()'],
    [new Point(), 'value: a JavaScript Point has no Lua form: give a plain object with what Lua needs of it'],
    [2n ** 63n, 'value: 9223372036854775808 does not fit in 64 bits'],
    ['\ud800', 'value: the string has a lone surrogate, which UTF-8 cannot express'],
    [new Map([[NaN, 1]]), 'value: NaN cannot be a key of a Lua table'],
    [new Map([[null, 1]]), 'value: null cannot be a key of a Lua table'],
    [new Map([[1, 'a'], [1n, 'b']]), 'value: two keys of the Map are the same key in Lua: 1'],
    [[new LuaOpaque('thread', 'thread: 0x1')], 'value[0]: a Lua thread cannot leave the state that it lives in'],
  ];
  for (const [value, message] of cases) {
    assert.throws(() => encodeValue(value), (error) => error instanceof EncodeError && error.message === message, message);
  }
});
