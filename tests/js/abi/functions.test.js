// Tests the exports and services by which a host and Lua call each other, without the loader, also with hosts that answer
// nonsense.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { ABI_VERSION, createImports, SERVICES } from '../../../web/loader.js';
import { compute, instantiate, part, read, start, UNWINDS_BY_HOST, wasmModule, write } from '../support/documented-host.js';
import { unwindByHost } from '../support/documented-host-unwind.js';

const u32 = (value) => [value & 255, (value >>> 8) & 255, (value >>> 16) & 255, value >>> 24];
const string = (text) => [0x04, ...u32(Buffer.byteLength(text)), ...Buffer.from(text)];
const integer = (value) => [0x02, ...new Uint8Array(BigInt64Array.of(BigInt(value)).buffer)];

/** Sends values to an export through the I/O buffer and reads its result. */
function send(instance, name, bytes) {
  const { pointer, length } = write(instance, Uint8Array.from(bytes));
  return read(instance, instance.exports[name](pointer, length));
}

/** An instance whose host offers services, given as the loader takes them. */
function startWith(services) {
  const none = { set: () => 0, get: () => -1, delete: () => 0, size: () => 0, keys: () => 0, services };
  const { imports } = createImports(none, () => exports.memory);
  const env = /** @type {any} */ (imports.env);
  const whole = { env: UNWINDS_BY_HOST ? unwindByHost(env, () => exports.__indirect_function_table) : env };
  /** @type {any} */
  const { exports } = new WebAssembly.Instance(wasmModule, whole);
  const instance = { exports, memory: new Uint8Array(exports.memory.buffer) };
  assert.equal(exports.init(), 0);
  return instance;
}

test('a documented host can call functions, and read and set globals', () => {
  const instance = start();
  assert.equal(send(instance, 'call_function', [...string('math.max'), ...integer(3), ...integer(7)]).value, 7n);
  assert.equal(send(instance, 'set_global', [...string('x'), ...integer(5)]).value, null);
  assert.equal(send(instance, 'get_global', Buffer.from('x')).value, 5n);
  assert.equal(compute(instance, 'return x').value, 5n);
  assert.match(send(instance, 'call_function', string('nope')).error, /attempt to call a nil value \(global 'nope'\)/);
  assert.equal(instance.exports.get_status(), 2);
});

test('a documented host gets functions as text, and tables by value', () => {
  const instance = start();
  compute(instance, 'function f(t) return t[1], t.x, f end');
  const table = [0x08, ...u32(1), ...u32(1), ...integer(9), ...string('x'), 0x01, 1];
  const { serialized } = send(instance, 'call_function', [...string('f'), ...table]);
  assert.deepEqual([serialized[0], serialized[1]], [0x0a, 6]);
});

test('limits stop code with a status each', () => {
  const instance = start({});
  instance.exports.set_limits(1000, 0, 0);
  assert.match(compute(instance, 'while true do end').error, /the limit of 1000 instructions is reached/);
  assert.equal(instance.exports.get_status(), 6);
  instance.exports.set_limits(0, 0, 10);
  assert.match(compute(instance, 'print("0123456789")').error, /the limit of 10 bytes of output is reached/);
  assert.equal(instance.exports.get_status(), 8);
  // Without a clock there is no limit of time.
  instance.exports.set_limits(0, 1, 0);
  assert.equal(compute(instance, 'for i = 1, 1e6 do end return 1').value, 1n);
  instance.exports.set_limits(0, 0, 0);
  assert.equal(compute(instance, 'for i = 1, 1e6 do end print("0123456789") return 1').value, 1n);
  assert.equal(instance.exports.get_status(), 0);
});

test('values that are malformed are an error that says which byte, and nothing is called', () => {
  const instance = start();
  compute(instance, 'called = 0 function f() called = called + 1 end');
  const cases = [
    [[], /there is no function to call/],
    [[0x04], /at byte 1 of 1: more bytes are needed/],
    [[...string('f'), 0x02, 1, 2], /more bytes are needed/],
    [[...string('f'), 0x0f, 0, 0, 0, 0], /no value/],
    [[...string('f'), 0x01, 2], /no value/],
    [[...string('f'), 0x08, ...u32(0xffffffff), ...u32(0xffffffff)], /a table is longer than what follows/],
    [[...string('f'), 0x08, ...u32(0), ...u32(1), 0x00, 0x00], /nil or NaN as a key/],
    [[...string('f'), 0x08, ...u32(0), ...u32(1), 0x03, 0, 0, 0, 0, 0, 0, 0xf8, 0x7f, 0x00], /nil or NaN as a key/],
    [[...string('f'), 0x09, ...u32(0)], /a reference to a table that has not appeared/],
    [[...string('f'), 0x0d, 6, ...u32(12345), ...u32(0)], /a reference that was released/],
    [[...string('f'), 0x0a, 6, ...u32(0)], /no value|more bytes/],
    [[...string('f'), 0x0b, ...u32(0)], /no value/],
    [[...string('f'), 0x07, ...u32(0)], /no value/],
  ];
  for (const [bytes, message] of cases) assert.match(send(instance, 'call_function', bytes).error, message);
  assert.match(send(instance, 'set_global', string('x')).error, /the path, and one value/);
  assert.match(send(instance, 'set_global', [...integer(1), ...integer(1)]).error, /the path, and one value/);
  assert.equal(compute(instance, 'return called').value, 0n);
});

test('no random bytes do worse than an error', () => {
  const instance = start();
  compute(instance, 'function f(...) return select("#", ...) end');
  let seed = 12345;
  const random = (n) => {
    seed = (Math.imul(seed, 1103515245) + 12345) >>> 0;
    return (seed >>> 8) % n;
  };
  for (let round = 0; round < 20000; round++) {
    const name = ['call_function', 'set_global', 'get_global'][random(3)];
    const bytes = string(name === 'set_global' ? 'g' : 'f');
    for (let n = random(40); n > 0; n--) bytes.push(random(3) === 0 ? random(16) : random(2) * random(256));
    const result = send(instance, name, bytes);
    assert.ok(result.resultLen !== 0);
  }
  assert.equal(compute(instance, 'return f(1, 2)').value, 2n);
});

test('deep and wide tables by value arrive whole', () => {
  const instance = start();
  compute(instance, 'function depth(t) local n = 0 while t do t = t[1] n = n + 1 end return n end function size(t) return #t end');
  const bytes = [...string('depth')];
  for (let i = 0; i < 5000; i++) bytes.push(0x08, ...u32(1), ...u32(0));
  bytes.push(0x08, ...u32(0), ...u32(0));
  assert.equal(send(instance, 'call_function', bytes).value, 5001n);
  const wide = [...string('size'), 0x08, ...u32(6000), ...u32(0)];
  for (let i = 0; i < 6000; i++) wide.push(...integer(i));
  assert.equal(send(instance, 'call_function', wide).value, 6000n);
});

test('ranges outside the memory are refused', () => {
  const { exports } = start();
  for (const name of ['call_function', 'get_global', 'set_global']) {
    assert.ok(exports[name](0xfffffff0, 100) < 0);
    assert.equal(exports.get_status(), 17);
  }
});

test('before init, nothing is called', () => {
  const instance = instantiate();
  for (const name of ['call_function', 'get_global', 'set_global']) assert.ok(send(instance, name, string('x')).resultLen < 0);
  instance.exports.release_value(1);
  assert.equal(instance.exports.get_status(), 18);
});

test('references stand for values until they are released', () => {
  const instance = startWith({ call: () => null });
  const { serialized } = compute(instance, 'f = function(x) return x * 2 end return f');
  assert.deepEqual([serialized[0], serialized[1]], [0x0d, 6]);
  const number = new DataView(serialized.buffer, serialized.byteOffset).getUint32(2, true);
  assert.deepEqual(compute(instance, 'return f').serialized, serialized);
  const reference = [0x0d, 6, ...u32(number), ...u32(0)];
  assert.equal(send(instance, 'call_function', [...reference, ...integer(21)]).value, 42n);
  instance.exports.release_value(number);
  instance.exports.release_value(number);
  instance.exports.release_value(4000000000);
  assert.match(send(instance, 'call_function', [...reference, ...integer(21)]).error, /a reference that was released/);
  assert.notDeepEqual(compute(instance, 'return f').serialized, serialized);
});

test('a host that declines, lies or loses replies makes errors, never worse', () => {
  /** @type {(memory: Uint8Array, from: number, to: number, at: number, end: number) => number | null} */
  let call = () => null;
  let rest = () => /** @type {any} */ (null);
  const released = [];
  const instance = startWith({
    call: (...args) => call(...args),
    rest: () => rest(),
    release: (number) => void released.push(number),
    findFunction: () => null,
  });
  assert.equal(send(instance, 'set_global', [...string('f'), 0x0e, ...u32(7), ...u32(4), ...Buffer.from('name')]).value, null);
  const answer = (bytes, length = bytes.length) => {
    call = (memory, _from, _to, at) => {
      memory.set(bytes, at);
      return length;
    };
    return compute(instance, 'return f(1, "two")');
  };
  assert.equal(answer([0, ...integer(5)]).value, 5n);
  assert.equal(answer([0]).value, null);
  assert.match(answer([]).error, /malformed/);
  assert.match(answer([9]).error, /malformed/);
  assert.match(answer([0, 0x04, 1]).error, /malformed values/);
  assert.match(answer([1, 0, 0]).error, /malformed/);
  assert.match(answer([1, ...u32(1), ...string('no')]).error, /malformed/);
  assert.match(answer([1, ...u32(1), ...string('no'), 0x00]).error, /^\[string "return f\(1, "two"\)"\]:1: no$/);
  assert.deepEqual(part(instance, 5), Buffer.from(u32(1)));
  assert.equal(answer([2, ...u32(2), ...string('thrown'), 0x00]).error, 'thrown');
  assert.match(answer([3]).error, /error object is a boolean|false/);
  assert.match(answer([0], 100000).error, /failed to call/);
  assert.match(answer([0], -1).error, /failed to call/);
  assert.match(answer([0], -5000).error, /the host lost the reply/);
  rest = () => ({ reply: Uint8Array.from([0, ...string('x'.repeat(4000))]) });
  assert.equal(answer([0], -4006).value.length, 4000);
  call = () => {
    throw new Error('the host is broken');
  };
  assert.match(compute(instance, 'return f()').error, /failed to call/);
  call = (memory, from, to, at) => {
    // The request: the number of the function and its arguments.
    assert.deepEqual([...memory.subarray(from, to)], [...u32(7), ...integer(1), ...string('two')]);
    memory[at] = 0;
    return 1;
  };
  assert.equal(compute(instance, 'return f(1, "two")').value, null);
  assert.deepEqual(send(instance, 'get_global', Buffer.from('f')).serialized, Uint8Array.from([0x0e, ...u32(7), ...u32(4), ...Buffer.from('name')]));
  compute(instance, 'f = nil');
  instance.exports.run_gc();
  assert.deepEqual(released, [7]);
});

test('a function that the host finds no more is an error with its name, one without a name says so', () => {
  const calls = [];
  const names = [];
  const instance = startWith({
    call: (memory, from) => {
      calls.push(memory[from]);
      return null;
    },
    findFunction: (name) => {
      names.push(Buffer.from(name).toString());
      return names.length === 1 ? null : { number: 99 };
    },
  });
  send(instance, 'set_global', [...string('named'), 0x0e, ...u32(7), ...u32(4), ...Buffer.from('name')]);
  send(instance, 'set_global', [...string('nameless'), 0x0e, ...u32(8), ...u32(0)]);
  // Another host takes the machine over.
  assert.equal(instance.exports.init(), 0);
  assert.match(compute(instance, 'named()').error, /the host has no function 'name'/);
  assert.match(compute(instance, 'nameless()').error, /had no name/);
  compute(instance, 'named()');
  compute(instance, 'named()');
  assert.deepEqual([names, calls], [['name', 'name'], [99, 99]]);
});

test('exports that a function of the host cannot use leave what runs alone', () => {
  const seen = [];
  /** @type {any} */
  let instance = null;
  const services = {
    call: (memory, _from, _to, at) => {
      const { exports } = instance;
      exports.deinit();
      seen.push(exports.program_start(exports.get_buffer_ptr(), 0, 0, 0, 0) < 0, exports.program_step(10) < 0, exports.init());
      const { pointer, length } = write(instance, 'return 6 * 7');
      seen.push(exports.compute(pointer, length) > 0);
      memory[at] = 0;
      return 1;
    },
  };
  instance = startWith(services);
  send(instance, 'set_global', [...string('f'), 0x0e, ...u32(1), ...u32(0)]);
  assert.equal(compute(instance, 'local t = {1, 2} f() return #t').value, 2n);
  assert.deepEqual(seen, [true, true, 0, true]);
});

test('the services have the numbers and the version that the reference gives', () => {
  assert.deepEqual([SERVICES.call, SERVICES.rest, SERVICES.release, SERVICES.findFunction, SERVICES.module, ABI_VERSION], [9, 10, 11, 12, 13, 2]);
});
