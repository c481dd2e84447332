// Tests each usage example of the Exports Reference, step by step on the raw exports, with a documented host.

import assert from 'node:assert/strict';
import test from 'node:test';

import { compute, evaluate, instantiate, read, start, write } from '../support/documented-host.js';

const PAGE = 65536;

test('memory is 32 pages and cannot grow', () => {
  const { exports } = instantiate();
  assert.equal(exports.memory.buffer.byteLength, 32 * PAGE);
  assert.throws(() => exports.memory.grow(1), RangeError);
});

test('init answers 0, and again 0, without starting over', () => {
  const instance = instantiate();
  assert.equal(instance.exports.init(), 0);
  compute(instance, 'kept = 1');
  assert.equal(instance.exports.init(), 0);
  assert.equal(compute(instance, 'return kept').value, 1n);
});

test('deinit ends the state, and init begins a new one', () => {
  const instance = start();
  compute(instance, 'gone = 1; _home.kept = 2');
  instance.exports.deinit();
  assert.equal(instance.exports.get_memory_table_id(), 0);
  instance.exports.deinit();
  assert.equal(instance.exports.init(), 0);
  assert.equal(compute(instance, 'return gone').value, null);
  assert.equal(compute(instance, 'return _home.kept').value, 2n, 'what is in the host stays');
});

test('init and deinit in turn use no memory up', () => {
  const instance = start();
  const used = () => {
    const pointer = instance.exports.get_buffer_ptr();
    instance.exports.get_memory_stats(pointer);
    return new DataView(instance.exports.memory.buffer).getUint32(pointer + 4, true);
  };
  instance.exports.deinit();
  instance.exports.init();
  const before = used();
  for (let round = 0; round < 200; round++) {
    instance.exports.deinit();
    assert.equal(instance.exports.init(), 0, `round ${round}`);
  }
  assert.equal(used(), before);
});

test('compute example: 1 + 1 is written to the buffer, executed and parsed', () => {
  const { exports, memory } = start();
  const codeBytes = new TextEncoder().encode('return 1 + 1');
  const bufPtr = exports.get_buffer_ptr();
  memory.set(codeBytes, bufPtr);
  const resultLen = exports.compute(bufPtr, codeBytes.length);
  assert.equal(resultLen, 4 + 9);
  const resultBytes = memory.slice(bufPtr, bufPtr + resultLen);
  assert.deepEqual([...resultBytes], [0, 0, 0, 0, 0x02, 2, 0, 0, 0, 0, 0, 0, 0]);
});

test('compute takes code from anywhere in memory', () => {
  const instance = start();
  const { exports, memory } = instance;
  const pointer = exports.lua_alloc(0, 0, 0, 32);
  const code = new TextEncoder().encode('return 40 + 2');
  memory.set(code, pointer);
  assert.equal(read(instance, exports.compute(pointer, code.length)).value, 42n);
  assert.deepEqual(memory.slice(pointer, pointer + code.length), code);
  exports.lua_alloc(0, pointer, 32, 0);
});

test('compute clears the output of the call before', () => {
  const instance = start();
  assert.equal(compute(instance, 'print("one")').output, 'one\n');
  assert.equal(compute(instance, 'return 1').output, '');
});

test('get_buffer_ptr example: the buffer is aligned, 64 KiB long, and stays where it is', () => {
  const { exports, memory } = start();
  const bufferPtr = exports.get_buffer_ptr();
  const bufferSize = exports.get_buffer_size();
  assert.equal(bufferSize, 65536);
  assert.equal(bufferPtr % 16, 0);
  assert.ok(bufferPtr > 0 && bufferPtr + bufferSize <= memory.length);
  memory.subarray(bufferPtr, bufferPtr + bufferSize).set(new TextEncoder().encode('Hello'));
  exports.run_gc();
  assert.equal(exports.get_buffer_ptr(), bufferPtr);
});

test('get_memory_stats example: three numbers, all of them true', () => {
  const instance = start();
  const { exports } = instance;
  const stats = () => {
    const statsPtr = exports.get_buffer_ptr();
    exports.get_memory_stats(statsPtr);
    const view = new DataView(exports.memory.buffer, statsPtr, 12);
    return { ioBufferSize: view.getUint32(0, true), luaMemoryUsed: view.getUint32(4, true), wasmPages: view.getUint32(8, true) };
  };
  const before = stats();
  assert.equal(before.ioBufferSize, 65536);
  assert.equal(before.wasmPages, 32);
  assert.ok(before.luaMemoryUsed > 10_000 && before.luaMemoryUsed < 200_000, `${before.luaMemoryUsed} bytes after init`);
  compute(instance, 'big = string.rep("x", 100000)');
  const grown = stats().luaMemoryUsed - before.luaMemoryUsed;
  assert.ok(grown >= 100_000 && grown < 200_000, `${grown} bytes for a string of 100,000`);
});

test('run_gc example: garbage is collected', () => {
  const instance = start();
  const { exports } = instance;
  compute(instance, 'collectgarbage("stop"); for i = 1, 1000 do local t = {i} end');
  const used = () => Number(compute(instance, 'return math.floor(collectgarbage("count") * 1024)').value);
  const before = used();
  exports.run_gc();
  assert.ok(used() < before - 30_000);
});

test('attach_memory_table example: table 5 becomes _home', () => {
  const instance = start();
  const { exports, tables } = instance;
  assert.equal(exports.get_memory_table_id(), 1);
  tables.set(5, new Map([['name', Uint8Array.from([0x04, 3, 0, 0, 0, 0x42, 0x6f, 0x62])]]));
  exports.attach_memory_table(5);
  assert.equal(exports.get_memory_table_id(), 5);
  assert.equal(compute(instance, 'return _home.name').value, 'Bob');
  assert.equal(compute(instance, 'return Memory.name').value, 'Bob');
  compute(instance, '_home.age = 30');
  assert.deepEqual([...tables.get(5).get('age')], [0x02, 30, 0, 0, 0, 0, 0, 0, 0]);
});

test('attaching table 0, or attaching before init, changes nothing', () => {
  const { exports } = instantiate();
  exports.attach_memory_table(7);
  assert.equal(exports.get_memory_table_id(), 0);
  exports.init();
  assert.equal(exports.get_memory_table_id(), 1);
  exports.attach_memory_table(0);
  assert.equal(exports.get_memory_table_id(), 1);
});

test('attaching a table raises the counter above its id', () => {
  const instance = start();
  instance.exports.attach_memory_table(40);
  compute(instance, 'local t = ext.table(); t.x = 1');
  assert.ok(Math.max(...instance.tables.keys()) > 40);
});

test('get_memory_table_id example: 0 before init, 1 after', () => {
  const { exports } = instantiate();
  assert.equal(exports.get_memory_table_id(), 0);
  exports.init();
  assert.equal(exports.get_memory_table_id(), 1);
});

test('sync_external_table_counter example: new tables get ids from the hint on, and it never goes back', () => {
  const instance = start();
  const { exports, tables } = instance;
  const newId = () => {
    const known = new Set(tables.keys());
    compute(instance, 'local t = ext.table(); t.x = 1');
    return [...tables.keys()].find((id) => !known.has(id));
  };
  exports.sync_external_table_counter(100);
  assert.equal(newId(), 100);
  exports.sync_external_table_counter(3);
  assert.equal(newId(), 101);
});

test('set_memory_alias_enabled example: only _home is there once the alias is off', () => {
  const instance = instantiate();
  const { exports } = instance;
  exports.set_memory_alias_enabled(0);
  exports.init();
  assert.equal(compute(instance, "_home.foo = 'bar' return _home.foo").value, 'bar');
  assert.match(compute(instance, "Memory.foo = 'bar'").error, /attempt to index a nil value \(global 'Memory'\)/);
  exports.set_memory_alias_enabled(1);
  exports.attach_memory_table(1);
  assert.equal(compute(instance, 'return Memory.foo').value, 'bar');
});

test('the alias can be switched off by attaching again', () => {
  const instance = start();
  assert.equal(compute(instance, 'return Memory == _home').value, true);
  instance.exports.set_memory_alias_enabled(0);
  instance.exports.attach_memory_table(1);
  assert.equal(compute(instance, 'return Memory').value, null);
});

test('lua_alloc example: allocate, resize, free, whatever the old size says', () => {
  const { exports, memory } = start();
  let mem = exports.lua_alloc(0, 0, 0, 1024);
  assert.ok(mem > 0);
  memory.fill(0xa5, mem, mem + 1024);
  mem = exports.lua_alloc(0, mem, 1024, 2048);
  assert.ok(memory.slice(mem, mem + 1024).every((byte) => byte === 0xa5));
  mem = exports.lua_alloc(0, mem, 7, 4096);
  assert.ok(memory.slice(mem, mem + 1024).every((byte) => byte === 0xa5), 'a wrong old size is ignored');
  mem = exports.lua_alloc(0, mem, 999999, 512);
  assert.ok(memory.slice(mem, mem + 512).every((byte) => byte === 0xa5));
  assert.equal(exports.lua_alloc(0, mem, 0, 0), 0);
  assert.equal(exports.lua_alloc(0, 0, 0, 4 * 1024 * 1024), 0, 'more than there is');
  assert.equal(exports.lua_alloc(0, 0, 0, -1), 0, 'more than there could be');
});

test('lua_alloc gives the same memory again and again', () => {
  const { exports } = start();
  for (let round = 0; round < 2000; round++) {
    const blocks = [10, 100, 1000, 10_000].map((size) => exports.lua_alloc(0, 0, 0, size));
    assert.ok(blocks.every((block) => block > 0), `round ${round}`);
    for (const block of blocks) exports.lua_alloc(0, block, 0, 0);
  }
});

test('the complete example: a counter in _home', () => {
  const { exports, memory, tables } = instantiate();
  if (exports.init() !== 0) throw new Error('Lua initialization failed');
  const bufPtr = exports.get_buffer_ptr();
  const code = `
    _home.counter = (_home.counter or 0) + 1
    print('Count:', _home.counter)
    return _home.counter
  `;
  const codeBytes = new TextEncoder().encode(code);
  memory.set(codeBytes, bufPtr);
  const resultLen = exports.compute(bufPtr, codeBytes.length);
  const expected = [9, 0, 0, 0, ...Buffer.from('Count:\t1\n'), 0x02, 1, 0, 0, 0, 0, 0, 0, 0];
  assert.deepEqual([...memory.slice(bufPtr, bufPtr + resultLen)], expected);
  assert.deepEqual([...tables.get(1).get('counter')], [0x02, 1, 0, 0, 0, 0, 0, 0, 0]);
  exports.get_memory_stats(bufPtr);
  const statsView = new DataView(memory.buffer, bufPtr, 12);
  assert.equal(statsView.getUint32(0, true), exports.get_buffer_size());
});

test('the persistence example: another instance goes on with the saved tables', () => {
  const code = '_home.counter = (_home.counter or 0) + 1; return _home.counter';
  const first = start();
  first.exports.attach_memory_table(3);
  assert.equal(compute(first, code).value, 1n);
  const state = {
    homeTableId: first.exports.get_memory_table_id(),
    nextTableId: Math.max(...first.tables.keys()) + 1,
    tables: Array.from(first.tables.entries()).map(([id, table]) => ({ id, entries: Array.from(table.entries()) })),
  };

  const second = instantiate();
  second.tables.clear();
  for (const { id, entries } of state.tables) second.tables.set(id, new Map(entries));
  second.exports.init();
  second.exports.attach_memory_table(state.homeTableId);
  second.exports.sync_external_table_counter(state.nextTableId);
  assert.equal(compute(second, code).value, 2n);
});

test('the _io table has an id of its own and can be cleared', () => {
  const instance = start();
  const { exports, tables } = instance;
  const id = exports.get_io_table_id();
  assert.ok(id > 0 && id !== exports.get_memory_table_id());
  compute(instance, '_io.output = "done"; _io.count = 3');
  assert.equal(tables.get(id).size, 2);
  assert.equal(exports.clear_io_table(), 0);
  assert.equal(tables.get(id).size, 0);
  assert.equal(compute(instance, 'return _io.output').value, null);
});

test('values of every plain type are kept in _home', () => {
  const instance = start();
  const code = `
    _home.s, _home.i, _home.f, _home.t, _home.n = 'text', -7, 0.5, true, 1
    _home.f2, _home.big = false, math.maxinteger
    _home.n = nil
    return _home.s .. tostring(_home.i) .. tostring(_home.f) .. tostring(_home.t) .. tostring(_home.n) .. tostring(_home.f2)
      .. tostring(_home.big)
  `;
  assert.equal(compute(instance, code).value, 'text-70.5truenilfalse9223372036854775807');
  assert.deepEqual([...instance.tables.get(1).keys()].sort(), ['big', 'f', 'f2', 'i', 's', 't']);
  assert.deepEqual([...instance.tables.get(1).get('t')], [0x01, 1]);
});

test('basic code execution prints 8 and gives 8', () => {
  const instance = start();
  const { output, value } = evaluate(instance, 'local x = 5 + 3\nprint("Result: " .. x)\n');
  assert.equal(output, 'Result: 8\n');
  assert.equal(value, 8n);
});

test('an external table keeps Alice', () => {
  const instance = start();
  const code = 'local data = ext.table()\ndata["name"] = "Alice"\ndata["age"] = 30\nreturn data["name"]\n';
  assert.equal(evaluate(instance, code).value, 'Alice');
  const table = [...instance.tables.values()].find((candidate) => candidate.has('name'));
  assert.deepEqual([...table.get('name')], [0x04, 5, 0, 0, 0, ...Buffer.from('Alice')]);
  assert.deepEqual([...table.get('age')], [0x02, 30, 0, 0, 0, 0, 0, 0, 0]);
});

test('locals of the console stay from one eval to the next', () => {
  const instance = start();
  const code = 'local counter = (counter or 0) + 1\nprint("Count: " .. counter)\n';
  assert.equal(evaluate(instance, code).output, 'Count: 1\n');
  assert.equal(evaluate(instance, code).output, 'Count: 2\n');
});

test('a syntax error names its line', () => {
  const instance = start();
  const { resultLen, error } = evaluate(instance, 'invalid syntax here');
  assert.ok(resultLen < 0);
  assert.match(error, /:1: .*'syntax'/);
});

test('a thousand items go to the host', () => {
  const instance = start();
  const code = 'local t = ext.table()\nfor i = 1, 1000 do\n  t["item_" .. i] = "value_" .. i\nend\nreturn "Stored 1000 items"\n';
  assert.equal(evaluate(instance, code).value, 'Stored 1000 items');
  const table = [...instance.tables.values()].find((candidate) => candidate.size === 1000);
  assert.equal(Buffer.from(table.get('item_1000').subarray(5)).toString(), 'value_1000');
});

test('eval reads the code at the start of the buffer', () => {
  const instance = start();
  const { length } = write(instance, '6 * 7');
  assert.equal(read(instance, instance.exports.eval(length)).value, 42n);
});
