// Tests what a host may answer to the request `negotiate`, and what the module does with the answer.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import test from 'node:test';

import { compute, instantiate } from '../support/documented-host.js';

const SERVICE = { negotiate: 1, clock: 2 };
const HEAD = 5;

/** Encodes a reply of numbers. */
const words = (...numbers) => new Uint8Array(Uint32Array.from(numbers).buffer);

/** A machine whose host answers `negotiate` with some bytes, and has a clock whose reply is longer than today's. */
function startWith(reply, answer = reply.length) {
  const sent = { longest: 0 };
  const instance = instantiate({
    js_ext_table_get: (id, keyPtr, keyLen, valPtr, maxLen) => {
      const { memory, tables } = instance;
      if (id !== 0) {
        const value = tables.get(id)?.get(new TextDecoder().decode(memory.slice(keyPtr, keyPtr + keyLen)));
        if (!value) return -1;
        if (value.length > maxLen) return -value.length;
        memory.set(value, valPtr);
        return value.length;
      }
      if (memory[keyPtr] === SERVICE.negotiate) {
        memory.set(reply.subarray(0, maxLen), valPtr);
        return answer;
      }
      if (memory[keyPtr] !== SERVICE.clock) return -1;
      memory.set(new Uint8Array(Float64Array.of(1e9, 1, 3).buffer), valPtr);
      return 24;
    },
    js_ext_table_set: (id, keyPtr, keyLen, valPtr, valLen) => {
      const { memory, tables } = instance;
      sent.longest = Math.max(sent.longest, valLen);
      if (!tables.has(id)) tables.set(id, new Map());
      tables.get(id).set(new TextDecoder().decode(memory.slice(keyPtr, keyPtr + keyLen)), memory.slice(valPtr, valPtr + valLen));
      return 0;
    },
  });
  assert.equal(instance.exports.init(), 0);
  return { instance, sent };
}

/** Returns whether the clock is asked, and the longest string that is stored. */
function findLimits({ instance, sent }) {
  const clock = compute(instance, 'return os.time()').value === 1_000_000_000n;
  let [low, high] = [0, 300_000];
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (compute(instance, `_home.x = ('x'):rep(${middle})`).error === undefined) low = middle;
    else high = middle;
  }
  assert.equal(sent.longest, low + HEAD, 'the host sees the head, too');
  assert.equal(compute(instance, 'return #_home.x').value, BigInt(low), 'and it comes back');
  return [clock, low];
}

test('a reply is read as far as it goes, and what is not there has its default', () => {
  const whole = words(1 << SERVICE.clock, 20_000, 0, 99, 99);
  const expected = new Map([
    [0, [false, 16_384]], [3, [false, 16_384]], [4, [true, 16_384]], [7, [true, 16_384]], [8, [true, 20_000]], [11, [true, 20_000]],
    [12, [true, 20_000]], [13, [true, 20_000]], [16, [true, 20_000]], [20, [true, 20_000]],
  ]);
  for (const [length, limits] of expected) assert.deepEqual(findLimits(startWith(whole.subarray(0, length))), limits, `${length} bytes`);
});

test('an answer that is no length of a reply is no answer', () => {
  const whole = words(1 << SERVICE.clock, 20_000, 0);
  for (const answer of [-1, -20, 65, 1 << 30, -(2 ** 31)]) assert.deepEqual(findLimits(startWith(whole, answer)), [false, 16_384], String(answer));
});

test('the longest string is what the host says, more or less than the default, from 64 bytes on', () => {
  for (const [said, held] of [[0, 64], [63, 64], [64, 64], [100, 100], [16_383, 16_383], [16_384, 16_384], [100_000, 100_000]]) {
    assert.deepEqual(findLimits(startWith(words(0, said, 0))), [false, held], String(said));
  }
});

test('a value that is longer is refused with the limit, on every way into a table', () => {
  const { instance } = startWith(words(0, 100, 0));
  assert.match(compute(instance, '_home.x = ("x"):rep(101)').error, /at most 100 bytes with this host, this one has 101/);
  assert.match(compute(instance, '_home.x = { y = ("x"):rep(101) }').error, /_home\.x\.y: .*at most 100 bytes with this host, this one has 101/);
  const value = Uint8Array.of(4, 101, 0, 0, 0, ...new Uint8Array(101));
  const at = instance.exports.get_buffer_ptr();
  instance.memory[at] = 0x6b;
  instance.memory.set(value, at + 1);
  assert.equal(instance.exports.ext_table_set(1, at, 1, at + 1, value.length), -1);
  assert.equal(instance.exports.get_status(), 17);
  for (const value of ['1 << 62', '0.5', 'true', 'print', 'string', 'package.searchpath', '_home']) {
    assert.equal(compute(instance, `_home.x = ${value}`).error, undefined, value);
  }
});

test('a host that refuses, or throws, has the five imports alone, and init succeeds', () => {
  for (const answer of [-1, -2, -(2 ** 31)]) {
    const machine = startWith(words(1 << SERVICE.clock), answer);
    assert.equal(machine.instance.exports.get_status(), 0);
    assert.deepEqual(findLimits(machine), [false, 16_384], String(answer));
  }
  const instance = instantiate({
    js_ext_table_get: (id) => {
      if (id === 0) throw new Error('this host knows no version');
      return -1;
    },
  });
  assert.equal(instance.exports.init(), 0);
  assert.equal(compute(instance, 'return os.time() + #tostring(_home)').error, undefined);
});

test('the request tells the version of the module', () => {
  const abi = JSON.parse(readFileSync(new URL('../../../web/abi.json', import.meta.url), 'utf8'));
  let request;
  const instance = instantiate({
    js_ext_table_get: (id, keyPtr, keyLen) => {
      if (id === 0 && request === undefined) request = instance.memory.slice(keyPtr, keyPtr + keyLen);
      return -1;
    },
  });
  assert.equal(instance.exports.init(), 0);
  assert.deepEqual([...request], [SERVICE.negotiate, ...words(abi.abi_version)]);
});

test('a newer host names services that the module does not know, and is never asked for them', () => {
  const asked = new Set();
  const instance = instantiate({
    js_ext_table_get: (id, keyPtr, _keyLen, valPtr) => {
      const { memory } = instance;
      if (id !== 0) return -1;
      asked.add(memory[keyPtr]);
      if (memory[keyPtr] !== SERVICE.negotiate) return -1;
      memory.set(words(0xffffffff, 16_384, 0), valPtr);
      return 12;
    },
  });
  assert.equal(instance.exports.init(), 0);
  const { error } = compute(instance, 'os.time() os.date() math.randomseed() print(("x"):rep(70000)) pcall(require, "x") pcall(ext.collect)');
  assert.equal(error, undefined);
  for (const code of ['for _ in pairs(_home) do end', 'ext.collect()']) {
    assert.match(compute(instance, code).error, /the host failed to (?:list|collect)/u, 'what these ask for cannot be had otherwise');
  }
  const abi = JSON.parse(readFileSync(new URL('../../../web/abi.json', import.meta.url), 'utf8'));
  const known = abi.services.requests.map(({ number }) => number);
  assert.deepEqual([...asked].filter((number) => !known.includes(number)), []);
  assert.ok(asked.size > 4, [...asked].join());
});

test('a service that is named and then not answered, or too shortly, is done without, and asked for again', () => {
  for (const [answer, time] of [[-1, 0n], [7, 0n], [15, 0n], [16, 1_000_000_000n], [24, 1_000_000_000n]]) {
    let asked = 0;
    const instance = instantiate({
      js_ext_table_get: (id, keyPtr, _keyLen, valPtr) => {
        const { memory } = instance;
        if (id !== 0) return -1;
        if (memory[keyPtr] === SERVICE.negotiate) {
          memory.set(words(1 << SERVICE.clock), valPtr);
          return 4;
        }
        asked++;
        memory.set(new Uint8Array(Float64Array.of(1e9, 1, 3).buffer), valPtr);
        return answer;
      },
    });
    assert.equal(instance.exports.init(), 0);
    asked = 0;
    assert.equal(compute(instance, 'return os.time()').value, time, String(answer));
    assert.equal(compute(instance, 'return os.time()').value, time, String(answer));
    assert.equal(asked, 2, String(answer));
  }
});

test('entries that an earlier host took are read although they are longer than this host says', () => {
  const { instance } = startWith(words(0, 100, 0));
  instance.tables.set(1, new Map([['long', Uint8Array.of(4, 0x50, 0xc3, 0, 0, ...new Uint8Array(50_000).fill(0x78))]]));
  assert.equal(compute(instance, 'return #_home.long').value, 50_000n);
  assert.match(compute(instance, '_home.copy = _home.long').error, /at most 100 bytes with this host/);
  assert.equal(compute(instance, 'return #_home.long').value, 50_000n);
});

test('init on a running machine asks again, and what the host before offered does not count', () => {
  let reply = words(1 << SERVICE.clock, 20_000, 0);
  const instance = instantiate({
    js_ext_table_get: (id, keyPtr, _keyLen, valPtr) => {
      const { memory } = instance;
      if (id !== 0) return -1;
      if (memory[keyPtr] === SERVICE.negotiate) {
        memory.set(reply, valPtr);
        return reply.length || -1;
      }
      memory.set(new Uint8Array(Float64Array.of(1e9, 1).buffer), valPtr);
      return 16;
    },
  });
  assert.equal(instance.exports.init(), 0);
  const longest = () => compute(instance, `_home.x = ('x'):rep(20000)`).error === undefined;
  assert.deepEqual([compute(instance, 'return os.time()').value, longest()], [1_000_000_000n, true]);
  reply = new Uint8Array(0);
  assert.equal(instance.exports.init(), 0);
  assert.deepEqual([compute(instance, 'return os.time()').value, longest()], [0n, false]);
  reply = words(1 << SERVICE.clock, 20_000, 0);
  assert.equal(instance.exports.init(), 0);
  assert.deepEqual([compute(instance, 'return os.time()').value, longest()], [1_000_000_000n, true]);
});
