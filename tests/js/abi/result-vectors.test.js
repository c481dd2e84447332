// Compares the module, the loader and the decoder with the test vectors of results and services (web/abi/*.json).

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import test from 'node:test';

import * as abi from '../../../web/loader.js';
import { Decoder } from '../../../web/values/decoder.js';
import { compute, instantiate, part, start, write } from '../support/documented-host.js';

const vectors = (name) => JSON.parse(readFileSync(new URL(`../../../web/abi/${name}.json`, import.meta.url), 'utf8'));
const results = vectors('results');
const services = vectors('services');
const hex = (bytes) => Buffer.from(bytes).toString('hex');
const camel = (name) => name.replace(/_(.)/g, (_, letter) => letter.toUpperCase());

/** Runs code in a new machine: what `compute` returns, the I/O buffer, and the machine. */
function run(lua) {
  const machine = start();
  const { pointer, length } = write(machine, lua);
  const returns = machine.exports.compute(pointer, length);
  const end = pointer + (returns < 0 ? -returns - 1 : returns);
  return { machine, returns, bytes: machine.memory.slice(pointer, end), status: machine.exports.get_status() };
}

/** The results of a whole, each as its own bytes would be read. */
function decoded(bytes) {
  return new Decoder(bytes).results(0, bytes.length);
}

for (const { lua, returns, bytes, output, results: values } of results.success) {
  test(`success: ${lua || 'no code'}`, () => {
    const seen = run(lua);
    assert.deepEqual([seen.returns, hex(seen.bytes)], [returns, bytes]);
    if (returns === 0) return;
    const [length] = new Uint32Array(seen.bytes.slice(0, 4).buffer);
    assert.equal(hex(seen.bytes.slice(4, 4 + length)), output);
    const all = seen.bytes.slice(4 + length);
    assert.equal(decoded(all).length, values.length);
    // The last result comes first, then a tag, their number, and the others.
    const [last, ...others] = [values.at(-1), ...values.slice(0, -1)];
    const count = Buffer.alloc(4);
    count.writeUInt32LE(values.length);
    const more = others.length > 0 ? `${abi.TAG_MORE_RESULTS.toString(16).padStart(2, '0')}${hex(count)}${others.join('')}` : '';
    assert.equal(hex(all), last + more);
  });
}

for (const { lua, returns, message, status } of results.failure) {
  test(`failure: ${lua}`, () => {
    const seen = run(lua);
    assert.deepEqual([seen.returns, Buffer.from(seen.bytes).toString(), seen.status], [returns, message, abi[status]]);
    assert.equal(returns, -(Buffer.byteLength(message) + 1));
  });
}

for (const vector of results.cut) {
  test(`output that is cut: ${vector.lua}`, () => {
    const seen = run(vector.lua);
    const [length] = new Uint32Array(seen.bytes.slice(0, 4).buffer);
    const output = Buffer.from(seen.bytes.slice(4, 4 + length)).toString();
    assert.deepEqual([seen.returns, length], [vector.returns, vector.output_length]);
    assert.ok(output.startsWith(vector.output_begins) && output.endsWith(vector.output_ends), output.slice(-100));
    assert.equal(decoded(seen.bytes.slice(4 + length)).length, vector.results.length);
  });
}

for (const vector of results.parts) {
  test(`the part ${vector.part} of ${vector.lua}`, () => {
    const bytes = part(run(vector.lua).machine, abi[vector.part]);
    assert.equal(bytes.length, vector.size);
    assert.equal(hex(bytes).slice(0, vector.begins.length), vector.begins);
  });
}

/** What a vector says of a field, as the loader's handlers give and take it. */
const field = (value, bytes) => {
  if (bytes) return Uint8Array.from(Buffer.from(value, 'hex'));
  return typeof value === 'string' ? BigInt(value) : value;
};
const BYTES = new Set(['piece', 'request', 'name', 'keys', 'ids', 'reason', 'reply', 'ops']);
const given = (fields, style = (name) => name) => Object.fromEntries(Object.entries(fields).map(([name, value]) => [style(name), field(value, BYTES.has(name))]));

/** Asks the loader's imports with the bytes of a request, over a host with one handler: the reply as bytes. */
function ask(request, handlers) {
  const memory = new WebAssembly.Memory({ initial: 1 });
  const none = { set: () => 0, get: () => -1, delete: () => 0, size: () => 0, keys: () => 0 };
  const { imports, takeThrown } = abi.createImports({ ...none, services: handlers }, () => memory);
  const bytes = new Uint8Array(memory.buffer);
  bytes.set(Buffer.from(request, 'hex'), 16);
  const length = imports.env.js_ext_table_get(0, 16, request.length / 2, 1000, 1000);
  assert.equal(takeThrown(), null);
  return length < 0 ? null : hex(bytes.slice(1000, 1000 + length));
}

/** The services whose handlers get ranges of the memory, and write the reply there. */
const RAW = new Set(['call', 'module', 'read_rows', 'read_list', 'write_rows', 'read_entries']);

for (const { service, arguments: args, bytes } of services.requests) {
  test(`the loader reads the request ${bytes} for ${service}`, () => {
    assert.equal(abi.SERVICES[camel(service)], parseInt(bytes.slice(0, 2), 16));
    let seen = null;
    const isRaw = RAW.has(service);
    const numbers = Object.keys(args).filter((name) => !BYTES.has(name)).length;
    const hasBytes = numbers < Object.keys(args).length;
    const handler = (...all) => {
      if (isRaw) seen = [...all.slice(1, 1 + numbers), ...(hasBytes ? [all[0].slice(all[1 + numbers], all[2 + numbers])] : [])];
      else seen = all.slice(0, Object.keys(args).length).map((value) => (value instanceof Uint8Array ? value.slice() : value));
      return isRaw ? null : undefined;
    };
    ask(bytes, { [camel(service)]: handler });
    assert.deepEqual(seen, Object.values(given(args)));
  });
}

for (const { service, reply, bytes } of services.replies) {
  test(`the loader writes the reply ${bytes || 'without bytes'} of ${service}`, () => {
    const request = services.requests.find((other) => other.service === service);
    const write = (memory, ...ranges) => {
      memory.set(Buffer.from(bytes, 'hex'), ranges[ranges.length - 2]);
      return bytes.length / 2;
    };
    assert.equal(ask(request.bytes, { [camel(service)]: RAW.has(service) ? write : () => given(reply, camel) }), bytes);
  });
}

test('each service has a request and a reply among the vectors', () => {
  const names = Object.keys(abi.SERVICES).sort();
  const named = (list) => [...new Set(list.map(({ service }) => camel(service)))].sort();
  assert.deepEqual(named(services.requests), names);
  // Those of `call` are in a list of their own, that of `module` is the source.
  assert.deepEqual(named(services.replies), names.filter((name) => name !== 'call' && name !== 'module'));
});

/** A machine whose host offers services, answers with these bytes, and keeps the requests. */
function startWith(replies) {
  const requests = [];
  const bits = Object.keys(replies).reduce((all, name) => all | (1 << abi.SERVICES[camel(name)]), 0);
  const negotiated = hex(new Uint8Array(Uint32Array.of(bits, 16_384, 0).buffer));
  const machine = instantiate({
    js_ext_table_get: (id, keyPtr, keyLen, valPtr, maxLen) => {
      const { memory } = machine;
      if (id !== 0) return -1;
      requests.push(hex(memory.slice(keyPtr, keyPtr + keyLen)));
      const [name] = Object.entries(abi.SERVICES).find(([, number]) => number === memory[keyPtr]);
      const reply = { negotiate: negotiated, ...Object.fromEntries(Object.entries(replies).map(([key, value]) => [camel(key), value])) }[name];
      if (reply === undefined || reply === null) return -1;
      memory.set(Buffer.from(reply, 'hex').subarray(0, maxLen), valPtr);
      return reply.length / 2;
    },
  });
  assert.equal(machine.exports.init(), 0);
  return { machine, requests };
}

test('the module sends the requests of the vectors', () => {
  const { machine, requests } = startWith({ clock: null, utc_offset: null, keys: null });
  compute(machine, "os.time() os.date('%H', 0) _home.x = 1 for _ in pairs(_home) do end");
  for (const service of ['negotiate', 'clock', 'utc_offset', 'keys']) {
    const { bytes } = services.requests.find((other) => other.service === service);
    assert.ok(requests.includes(bytes), `${service}: ${requests.join(' ')}`);
  }
});

for (const { service, bytes, reply } of services.unusual) {
  if (service === 'negotiate') continue; // tests/js/abi/negotiate.test.js has these.
  test(`the module takes the reply ${bytes || 'without bytes'} of ${service} for ${reply === null ? 'none' : 'one'}`, () => {
    const { machine } = startWith({ [service]: bytes });
    const code = service === 'clock' ? 'return os.time()' : "return tonumber(os.date('%H', 0))";
    const expected = reply === null ? 0n : BigInt(reply.unix_seconds);
    assert.equal(compute(machine, code).value, expected);
  });
}

for (const { case: name, bytes } of services.calls) {
  test(`the module takes the reply of a host function: ${name}`, () => {
    const { machine } = startWith({ call: bytes });
    const global = Buffer.concat([Buffer.from([4, 1, 0, 0, 0]), Buffer.from('f'), Buffer.from([abi.TAG_HOST_FUNCTION, 1, 0, 0, 0, 0, 0, 0, 0])]);
    const { pointer, length } = write(machine, global);
    assert.ok(machine.exports.set_global(pointer, length) > 0);
    const { error, serialized } = compute(machine, 'return select("#", f()), f()');
    const isError = bytes.slice(0, 2) !== '00';
    assert.equal(error !== undefined, isError, error);
    if (!isError) assert.ok(hex(serialized).includes(bytes.slice(-4)) || bytes === '00');
  });
}
