// Drives the generated loader as a host does. Started by generated_loader.rs, which says where the loader and the
// stub modules are.

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';

const [loaderPath, modules] = process.env.LOADER_TEST.split('|');
const loader = await import(pathToFileURL(loaderPath));
const stub = (name) => readFile(`${modules}/${name}.wasm`);

const TABLE = 5;
const THREW = -2147483648;

function hostWith(changes) {
  const none = { set: () => 0, get: () => -1, delete: () => 0, size: () => 0, keys: () => 0 };
  return Object.assign(none, changes);
}

/** The imports over a memory of one page, and ways to write and read it. */
function bridge(host) {
  const memory = new WebAssembly.Memory({ initial: 1 });
  const { imports, takeThrown } = loader.createImports(host, () => memory);
  const bytes = new Uint8Array(memory.buffer);
  const ask = (request, room = 64) => {
    bytes.set(request, 0);
    const length = imports.env.js_ext_table_get(0, 0, request.length, 256, room);
    return { length, reply: new DataView(memory.buffer, 256, 64) };
  };
  return { env: imports.env, takeThrown, bytes, ask };
}

test('the host gets the memory, and of each range where it starts and ends', () => {
  const seen = [];
  const { env, bytes } = bridge(hostWith({
    set(table, memory, keyStart, keyEnd, valStart, valEnd) {
      seen.push(table, Array.from(memory.subarray(keyStart, keyEnd)), Array.from(memory.subarray(valStart, valEnd)));
      return 0;
    },
    get(table, memory, keyStart, keyEnd, valStart, valEnd) {
      assert.equal(valEnd, 216);
      memory.set([7, 8, 9], valStart);
      return 3;
    },
  }));
  bytes.set([1, 2, 3, 4, 5], 100);
  assert.equal(env.js_ext_table_set(TABLE, 100, 2, 102, 3), 0);
  assert.deepEqual(seen, [TABLE, [1, 2], [3, 4, 5]]);
  assert.equal(env.js_ext_table_get(TABLE, 100, 2, 200, 16), 3);
  assert.deepEqual(Array.from(bytes.subarray(200, 204)), [7, 8, 9, 0]);
});

test('table ids are unsigned', () => {
  const { env } = bridge(hostWith({ size: (table) => (table === 4294967295 ? 1 : 0) }));
  assert.equal(env.js_ext_table_size(-1), 1);
});

test('an exception becomes the value that stands for it, and is kept once', () => {
  const error = new Error('the disk is full');
  const fail = () => {
    throw error;
  };
  const { env, takeThrown } = bridge({ set: fail, get: fail, delete: fail, size: fail, keys: fail });
  assert.equal(env.js_ext_table_set(TABLE, 0, 0, 0, 0), THREW);
  assert.equal(env.js_ext_table_get(TABLE, 0, 0, 0, 0), THREW);
  assert.equal(env.js_ext_table_delete(TABLE, 0, 0), THREW);
  assert.equal(env.js_ext_table_size(TABLE), THREW);
  assert.equal(env.js_ext_table_keys(TABLE, 0, 0), THREW);
  assert.deepEqual(takeThrown(), { error });
  assert.equal(takeThrown(), null);
});

test('a host without services declines all but negotiation', () => {
  const { ask } = bridge(hostWith({ get: () => assert.fail('table 0 is never a table') }));
  assert.equal(ask([loader.SERVICES.clock]).length, loader.REPLY_NONE);
  assert.equal(ask([31]).length, loader.REPLY_NONE);
  assert.equal(ask([]).length, loader.REPLY_NONE);
  const { length, reply } = ask([loader.SERVICES.negotiate, 1, 0, 0, 0]);
  assert.equal(length, 12);
  assert.equal(reply.getUint32(0, true), 1 << loader.SERVICES.negotiate);
  assert.equal(reply.getUint32(4, true), loader.VALUE_LIMIT);
  assert.equal(reply.getUint32(8, true), 0);
});

test('negotiation tells which handlers there are and how large a value may be', () => {
  const services = { clock: () => null, output: () => {} };
  const { ask } = bridge(hostWith({ services, maxValueLength: 1 << 20, continues: true }));
  const { reply } = ask([loader.SERVICES.negotiate, 1, 0, 0, 0]);
  const { negotiate, clock, output } = loader.SERVICES;
  assert.equal(reply.getUint32(0, true), (1 << negotiate) | (1 << clock) | (1 << output));
  assert.equal(reply.getUint32(4, true), 1 << 20);
  assert.equal(reply.getUint32(8, true), 1);
});

test('a service that moves bytes both ways gets the ranges themselves', () => {
  let asked;
  const call = (memory, requestStart, requestEnd, replyStart, replyEnd) => {
    asked = Array.from(memory.subarray(requestStart, requestEnd));
    memory[replyStart] = 7;
    return replyEnd - replyStart >= 1 ? 1 : -2;
  };
  const { ask } = bridge(hostWith({ services: { call, module: () => null } }));
  const { length, reply } = ask([loader.SERVICES.call, 1, 2, 3]);
  assert.deepEqual(asked, [1, 2, 3]);
  assert.equal(length, 1);
  assert.equal(reply.getUint8(0), 7);
  assert.equal(ask([loader.SERVICES.module, 0x78]).length, loader.REPLY_NONE);
});

test('services are answered in their binary form', () => {
  const written = [];
  const { ask } = bridge(hostWith({
    services: {
      clock: () => ({ unixSeconds: 1.5, cpuSeconds: 0.25 }),
      utcOffset: (unixSeconds) => ({ seconds: -unixSeconds }),
      entropy: () => ({ low: 1n, high: 0xffffffffffffffffn }),
      output: (piece) => void written.push(...piece),
    },
  }));
  const clock = ask([loader.SERVICES.clock]);
  assert.equal(clock.length, 16);
  assert.equal(clock.reply.getFloat64(0, true), 1.5);
  assert.equal(clock.reply.getFloat64(8, true), 0.25);

  const instant = new Uint8Array(9);
  instant[0] = loader.SERVICES.utcOffset;
  new DataView(instant.buffer).setFloat64(1, 3600, true);
  const offset = ask(instant);
  assert.equal(offset.length, 4);
  assert.equal(offset.reply.getInt32(0, true), -3600);

  const entropy = ask([loader.SERVICES.entropy]);
  assert.equal(entropy.length, 16);
  assert.equal(entropy.reply.getBigUint64(8, true), 0xffffffffffffffffn);

  assert.equal(ask([loader.SERVICES.output, 104, 105]).length, 0);
  assert.deepEqual(written, [104, 105]);
});

test('a handler may decline, and a reply that does not fit says what it needs', () => {
  const services = { clock: () => null, entropy: () => ({ low: 0n, high: 0n }), output: () => null };
  const { ask } = bridge(hostWith({ services }));
  assert.equal(ask([loader.SERVICES.clock]).length, loader.REPLY_NONE);
  assert.equal(ask([loader.SERVICES.output, 1]).length, loader.REPLY_NONE);
  assert.equal(ask([loader.SERVICES.entropy], 15).length, -16);
});

test('a handler whose reply is of any length is told how much fits', () => {
  const rooms = [];
  const services = {
    keys(table, cursor, room) {
      rooms.push([table, cursor, room]);
      return { cursor: 9, keys: Uint8Array.of(97, 98) };
    },
  };
  const { ask } = bridge(hostWith({ services }));
  const request = [loader.SERVICES.keys, 7, 0, 0, 0, 5, 0, 0, 0];
  const { length, reply } = ask(request, 20);
  assert.deepEqual(rooms, [[7, 5, 16]]);
  assert.equal(length, 6);
  assert.equal(reply.getUint32(0, true), 9);
  assert.equal(reply.getUint16(4, true), 0x6261);
  assert.equal(ask(request, 5).length, -6);
});

test('a malformed request is declined without asking the handler', () => {
  const services = { clock: () => assert.fail('the request is malformed') };
  const { ask } = bridge(hostWith({ services }));
  assert.equal(ask([loader.SERVICES.clock, 0]).length, loader.REPLY_NONE);
  assert.equal(ask([loader.SERVICES.negotiate, 1]).length, loader.REPLY_NONE);
});

test('a host that lacks a method is refused by name', () => {
  const host = hostWith({ keys: undefined, size: undefined });
  assert.throws(() => loader.createImports(host, () => null), /the host has no method size, keys/);
});

test('a module comes to life from bytes, a buffer, a module, a response or a promise', async () => {
  const bytes = await stub('fits');
  const response = (type) => new Response(bytes, { headers: { 'Content-Type': type } });
  for (const source of [
    bytes,
    new Uint8Array(bytes).buffer,
    new WebAssembly.Module(bytes),
    Promise.resolve(bytes),
    response('application/wasm'),
    response('application/octet-stream'),
    Promise.resolve(response('application/wasm; charset=binary')),
  ]) {
    const lua = await loader.instantiate(source, hostWith({}));
    assert.equal(lua.init(), 0);
    assert.equal(lua.bytes.length, loader.MEMORY_PAGES * loader.WASM_PAGE_SIZE);
    assert.equal(lua.exports.memory.buffer, lua.view.buffer);
  }
});

test('a module gets the imports for protected calls exactly if it asks for them', async () => {
  const { instantiate } = WebAssembly;
  const given = [];
  WebAssembly.instantiate = (module, imports) => {
    given.push(Object.keys(imports.env));
    return instantiate(module, imports);
  };
  try {
    await loader.instantiate(await stub('fits'), hostWith({}));
    await loader.instantiate(await stub('host'), hostWith({}));
  } finally {
    WebAssembly.instantiate = instantiate;
  }
  const five = ['set', 'get', 'delete', 'size', 'keys'].map((name) => `js_ext_table_${name}`);
  assert.deepEqual(given, [five, [...five, 'lua_try', 'lua_throw']]);
});

test('a module comes to life at once', async () => {
  for (const name of ['fits', 'host']) {
    assert.equal(loader.instantiateSync(new WebAssembly.Module(await stub(name)), hostWith({})).init(), 0);
  }
  const small = new WebAssembly.Module(await stub('small'));
  assert.throws(() => loader.instantiateSync(small, hostWith({})), /has 1 pages instead of 32/);
});

/** The imports for protected calls over these functions as the table. */
function unwinding(...functions) {
  return loader.createUnwinding(() => ({ get: (index) => functions[index] }));
}

test('a Lua error ends at the innermost protected call', () => {
  const log = [];
  const { lua_try: tryCall, lua_throw: raise } = unwinding(
    (state, data) => {
      log.push(`outer ${state} ${data}`);
      tryCall(1, 30, 40);
      log.push('outer goes on');
    },
    (state, data) => {
      log.push(`inner ${state} ${data}`);
      raise();
    },
  );
  tryCall(0, 10, 20);
  assert.deepEqual(log, ['outer 10 20', 'inner 30 40', 'outer goes on']);
});

test('what is no Lua error passes every protected call', () => {
  const exhausted = new RangeError('Maximum call stack size exceeded');
  const { lua_try: tryCall } = unwinding(
    () => tryCall(1, 0, 0),
    () => {
      throw exhausted;
    },
  );
  assert.throws(() => tryCall(0, 0, 0), (error) => error === exhausted);
});

test('a Lua error of one machine is not caught by another', () => {
  const one = unwinding();
  const other = unwinding(() => one.lua_throw());
  assert.throws(() => other.lua_try(0, 0, 0), /a Lua error outside of any protected call/);
});

test('structures are read from memory', async () => {
  const lua = await loader.instantiate(await stub('fits'), hostWith({}));
  lua.view.setUint32(64, 65536, true);
  lua.view.setUint32(68, 1234, true);
  lua.view.setUint32(72, 32, true);
  assert.deepEqual(lua.getMemoryStats(64), { ioBufferSize: 65536, luaMemoryUsed: 1234, wasmPages: 32 });
});

test('a module tells what it is', async () => {
  const stamp = loader.identify(await loader.compile(await stub('fits')));
  const expected = { abiVersion: loader.ABI_VERSION, luaRelease: '5.4.9', manifestHash: loader.MANIFEST_HASH, build: '' };
  assert.deepEqual(stamp, expected);
  assert.equal(loader.identify(await loader.compile(await stub('unstamped'))), null);
});

test('a module that does not fit is refused with the reason', async () => {
  const refused = async (name, reason) => {
    await assert.rejects(loader.instantiate(stub(name), hostWith({})), (error) => {
      assert.ok(error instanceof loader.AbiError, String(error));
      assert.match(error.message, reason);
      return true;
    });
  };
  await refused('newer', /the module has version 99 of the boundary and the loader version \d+: take both from one/);
  await refused('damaged', /section lua-persistent is damaged/);
  await refused('lacking', /it does not export compute$/);
  await refused('small', /the memory of the module has 1 pages instead of 32/);
});

test('a response that failed is refused with its status', async () => {
  const response = new Response('', { status: 404, statusText: 'Not Found' });
  await assert.rejects(loader.compile(response), /could not be fetched: 404 Not Found/);
});
