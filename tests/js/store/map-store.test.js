// Compares the store in memory (web/store/map-store.js, web/store/arena.js) with the simplest one: the same operations give
// the same contents, sizes and order.

import assert from 'node:assert/strict';
import test from 'node:test';

import { Arena } from '../../../web/store/arena.js';
import { MapStore } from '../../../web/store/map-store.js';
import { StoreRanges } from '../../../web/store/store.js';
import { random } from '../support/random.js';
import { contents, PlainStore } from '../support/stores.js';

const encoder = new TextEncoder();

/** Keys that are easy to take for each other, and plain ones. */
const KEYS = [
  '1', '[1]', '[01]', '[-1]', '[-0]', '[0]', '[00]', '[1.0]', '[1]x', '[', '[]', '[-]', '[1', '[+1]', '[ 1]', '[1e3]', '[0x1]', '[true]', '[meta]',
  '[999999999]', '[1000000000]', '[2147483648]', '[-2147483648]', '[999999999999999]', '[1000000000000000]', '[9007199254740993]',
  '[9223372036854775807]', '[-9223372036854775808]', 'name', 'h\u00e9llo', '\u6f22\u5b57', 'x'.repeat(64), 'x'.repeat(65), 'x'.repeat(3000), '["\\xFF"]', '[\u00e9]',
];

/** Random operations on stores, alike; each is called with the operation and its result is compared. */
function operate(seed, count, stores, nextKey) {
  const next = random(seed);
  const memory = new Uint8Array(8192);
  const ranges = stores.map((store) => (store instanceof MapStore ? store : new StoreRanges(store)));
  for (let round = 0; round < count; round++) {
    const id = 1 + next(4);
    const keyLength = encoder.encodeInto(nextKey(next), memory).written;
    const end = keyLength + (next(20) === 0 ? next(4000) : next(40));
    for (let at = keyLength; at < end; at++) memory[at] = next(256);
    const operation = next(10);
    const results = stores.map((store, index) => {
      const key = new TextDecoder().decode(memory.subarray(0, keyLength));
      if (operation < 4) return ranges[index].setRange(id, memory, 0, keyLength, keyLength, end);
      if (operation === 4) return store.set(id, key, memory.slice(keyLength, end));
      if (operation === 5) return ranges[index].deleteRange(id, memory, 0, keyLength);
      if (operation === 6) return store.delete(id, key);
      if (operation === 7) {
        const length = ranges[index].getRange(id, memory, 0, keyLength, 4000, 8192);
        return length < 0 ? length : Buffer.from(memory.subarray(4000, 4000 + length)).toString('hex');
      }
      if (operation === 8) return store.get(id, key) ?? null;
      return store.size(id);
    });
    assert.deepEqual(results[0], results[1], `operation ${operation} of round ${round}`);
  }
}

test('it does what the simplest store does', () => {
  for (const seed of [1, 2, 3]) {
    const stores = [new MapStore(), new PlainStore()];
    operate(seed, 20_000, stores, (next) => (next(3) > 0 ? KEYS[next(KEYS.length)] : `key${next(50)}`));
    assert.deepEqual(contents(stores[0]), contents(stores[1]));
  }
});

test('lists that grow, shrink and get holes keep their order', () => {
  for (let seed = 1; seed < 40; seed++) {
    const stores = [new MapStore(), new PlainStore()];
    const next = random(seed);
    for (let round = 0; round < 300; round++) {
      const size = stores[0].size(1);
      const choice = next(60);
      const key = choice < 40 ? size + 1 : choice < 50 ? size : choice < 58 ? 1 + next(size + 2) : next(2) ? 'x' : 0;
      for (const store of stores) {
        if (choice >= 40 && choice < 52) store.delete(1, `[${key}]`);
        else store.set(1, typeof key === 'string' ? key : `[${key}]`, Uint8Array.of(round & 255, seed));
      }
      if (round % 20 === 0) assert.deepEqual(contents(stores[0]), contents(stores[1]));
    }
    assert.deepEqual(contents(stores[0]), contents(stores[1]));
  }
});

test('values are copies on the way in and out', () => {
  const store = new MapStore();
  for (const length of [0, 1, 9, 250, 251, 5000]) {
    const value = new Uint8Array(length).fill(7);
    store.set(1, 'x', value);
    store.get(1, 'x').fill(9);
    assert.deepEqual(store.get(1, 'x'), new Uint8Array(length).fill(7));
  }
});

test('a value that does not fit the room says how much it needs', () => {
  const store = new MapStore();
  const memory = Uint8Array.of(0x78, 0, 0, 0);
  for (const length of [9, 100, 1000]) {
    store.set(1, 'x', new Uint8Array(length).fill(1));
    assert.equal(store.getRange(1, memory, 0, 1, 1, 4), -length);
    assert.deepEqual([...memory], [0x78, 0, 0, 0], 'and nothing is written');
  }
});

test('initial contents are taken over in their order', () => {
  const store = new MapStore([[7, [['[2]', Uint8Array.of(1)], ['a', Uint8Array.of(2)], ['[1]', Uint8Array.of(3)]]], [9, new Map()]]);
  assert.deepEqual([...store.keys(7)], ['[2]', 'a', '[1]']);
  assert.deepEqual([...store.tableIds()], [7, 9]);
});

test('a dropped table is gone, and its id may be used again', () => {
  const store = new MapStore();
  for (const keys of [['[1]', '[2]'], ['a', '[1]']]) {
    for (const key of keys) store.set(3, key, Uint8Array.of(1));
    store.drop(3);
    store.drop(3);
    assert.equal(store.size(3), 0);
    assert.equal(store.get(3, '[1]'), undefined);
    assert.deepEqual([...store.keys(3)], []);
    assert.deepEqual([...store.tableIds()], []);
  }
});

for (const [form, size, value] of [
  ['row', 30, (n) => Uint8Array.of(1, n & 1)],
  ['list', 60, (n) => Uint8Array.of(7, n, 0, 0, 0)],
  ['list of any bytes', 60, (n) => Uint8Array.of(n)],
  ['large table', 300, (n) => new Uint8Array(n % 30)],
]) {
  test(`a walk through a ${form} gives each key that stays once, whatever happens to it meanwhile`, () => {
    for (let seed = 1; seed < 40; seed++) {
      const next = random(seed);
      const store = new MapStore();
      for (let n = 1; n <= size; n++) store.set(1, form === 'large table' ? `key ${n}` : `[${n}]`, value(n));
      if (seed % 2 === 0) store.set(1, 'name', value(0));
      const deleted = new Set();
      const seen = [];
      for (const key of store.keys(1)) {
        seen.push(key);
        const victim = form === 'large table' ? `key ${1 + next(size)}` : `[${1 + next(size)}]`;
        if (next(seed < 20 ? 4 : 2) === 0) {
          store.delete(1, victim);
          deleted.add(victim);
        } else if (!deleted.has(victim)) {
          store.set(1, victim, next(2) ? value(next(99)) : new Uint8Array(next(30)));
        }
      }
      assert.equal(new Set(seen).size, seen.length, 'twice');
      const missed = [...store.keys(1)].filter((key) => !seen.includes(key));
      assert.deepEqual(missed, []);
    }
  });
}

test('a table has the same entries in the same order in each form, as it grows and as it shrinks', () => {
  for (let seed = 1; seed <= 12; seed++) {
    const next = random(seed);
    const stores = [new MapStore(), new PlainStore()];
    const key = seed % 3 === 0 ? (n) => `[${n}]` : (n) => (n % 7 === 0 ? `h\u00e9llo ${n}` : `key ${n}`);
    const value = (n) => (seed % 2 === 0 ? Uint8Array.of(2, n, 1, 2, 3, 4, 5, 6, 7) : new Uint8Array(next(12)).fill(n));
    for (let n = 1; n <= 500; n++) {
      const bytes = value(n);
      for (const store of stores) store.set(9, key(n), bytes);
      if (n % 25 === 0) assert.deepEqual(contents(stores[0]), contents(stores[1]));
    }
    for (let n = 500; n >= 1; n--) {
      const victim = key(seed % 4 === 0 ? n : 1 + next(500));
      const longer = new Uint8Array(next(1500)).fill(n);
      for (const store of stores) {
        store.delete(9, victim);
        if (n % 10 === 0) store.set(9, key(1 + (n % 500)), longer);
      }
      if (n % 25 === 0) assert.deepEqual(contents(stores[0]), contents(stores[1]));
    }
    assert.equal(stores[0].bytes, [...stores[1].keys(9)].reduce((sum, name) => sum + stores[1].get(9, name).length, 0));
  }
});

test('ids that lie far from each other are found, listed and forgotten', () => {
  const store = new MapStore();
  const ids = [1, 4095, 4096, 65_535, 65_536, 70_000, 1_000_000, 2 ** 31, 2 ** 32 - 2];
  for (const id of ids) store.set(id, 'id', Uint8Array.of(id & 255));
  assert.deepEqual([...store.tableIds()].sort((a, b) => a - b), ids);
  assert.equal(store.highestId, 2 ** 32 - 2);
  for (const id of ids) assert.deepEqual(store.get(id, 'id'), Uint8Array.of(id & 255));
  for (const id of ids.slice(1)) store.drop(id);
  assert.deepEqual([...store.tableIds()], [1]);
  assert.equal(store.highestId, 1);
});

test('the tables that values refer to are found in each form', () => {
  const reference = (id) => Uint8Array.of(7, id, 0, 0, 0);
  for (const [size, key] of [[3, (n) => `k${n}`], [60, (n) => `[${n}]`], [60, (n) => `key ${n}`]]) {
    for (const others of [false, true]) {
      const store = new MapStore();
      for (let n = 1; n <= size; n++) store.set(1, key(n), reference(n));
      if (others) store.set(1, key(2), Uint8Array.of(4, 1, 0, 0, 0, 7));
      const seen = [];
      store.references(1, (id) => seen.push(id));
      assert.deepEqual(seen, Array.from({ length: size }, (_, index) => index + 1).filter((id) => !others || id !== 2));
    }
  }
});

test('memory that changing values leave behind is used again', () => {
  const store = new MapStore();
  const plain = new PlainStore();
  const next = random(4);
  let most = 0;
  for (let round = 0; round < 400_000; round++) {
    const key = next(2) ? `[${1 + next(500)}]` : `k${next(500)}`;
    const value = new Uint8Array(next(200)).fill(round);
    store.set(1 + (round & 1), key, value);
    plain.set(1 + (round & 1), key, value);
    if (next(50) === 0) {
      store.delete(1, key);
      plain.delete(1, key);
    }
    most = Math.max(most, store.contents.values.chunks.length);
  }
  assert.deepEqual(contents(store), contents(plain));
  // Two thousand values of up to 200 bytes need two chunks of 256 KiB; without moving them it would be 160.
  assert.ok(most <= 6, `${most} chunks`);
});

test('an arena keeps blocks apart, also at the ends of its chunks, and uses those again that are free', () => {
  const next = random(8);
  const arena = new Arena();
  const blocks = [];
  const write = (place, bytes) => arena.chunkOf(place).set(bytes, arena.offsetOf(place) + 2);
  const read = (from, place, length) => from.chunkOf(place).slice(from.offsetOf(place) + 2, from.offsetOf(place) + 2 + length);
  for (let round = 0; round < 5000; round++) {
    const bytes = Uint8Array.from({ length: next(300) }, () => next(256));
    const place = arena.take(2 + bytes.length);
    assert.ok(arena.capacityOf(place) >= 2 + bytes.length);
    write(place, bytes);
    blocks.push([place, bytes]);
    if (next(4) === 0) arena.release(blocks.splice(next(blocks.length), 1)[0][0]);
  }
  for (const [place, bytes] of blocks) assert.deepEqual(read(arena, place, bytes.length), bytes);
  const moved = new Arena(arena.used);
  const room = moved.chunks.length;
  for (const pair of blocks) pair[0] = arena.move(pair[0], 2 + pair[1].length, moved);
  for (const [place, bytes] of blocks) assert.deepEqual(read(moved, place, bytes.length), bytes);
  assert.equal(moved.chunks.length, room, 'the room that was made at first sufficed');
  const { top } = moved;
  for (const [place] of blocks) moved.release(place);
  for (const [, bytes] of blocks) moved.take(2 + bytes.length);
  assert.equal(moved.top, top);
});
