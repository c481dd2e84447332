// Tests the JavaScript API (web/lua-persistent.js).

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import test from 'node:test';

import { decodeValue, encodeValue, ExternalTable, Lua, LuaError, LuaFunction, LuaOpaque, LuaStateError, MapStore } from '../../../web/lua-persistent.js';
import { failure } from '../support/failure.js';
import { NO_ERROR_OBJECT } from '../support/line.js';
import { WASM } from '../support/documented-host.js';

test('the module is found by itself, or given as bytes, module, response, address or promise', async () => {
  const bytes = readFileSync(WASM);
  const sources = {
    nothing: undefined,
    bytes,
    'an ArrayBuffer': bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength),
    'a module': new WebAssembly.Module(bytes),
    'a response': new Response(bytes, { headers: { 'Content-Type': 'application/wasm' } }),
    'a response of unknown type': new Response(bytes),
    'a URL': WASM,
    'an address': WASM.href,
    'a promise': Promise.resolve(bytes),
  };
  for (const [name, wasm] of Object.entries(sources)) {
    const lua = await Lua.create({ wasm });
    assert.equal(lua.compute('return 1').value, 1, name);
    lua.close();
  }
});

test('a source that is none is refused', async () => {
  await assert.rejects(Lua.create({ wasm: 7 }), TypeError);
  await assert.rejects(Lua.create({ wasm: new URL('./absent.wasm', import.meta.url) }), /absent\.wasm/);
  await assert.rejects(Lua.create({ wasm: new Response('', { status: 404 }) }), /404/);
  await assert.rejects(Lua.create({ wasm: Uint8Array.of(0, 1, 2) }), WebAssembly.CompileError);
  await assert.rejects(Lua.create({ wasm: Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0) }), /does not export/);
});

test('values convert without loss', async () => {
  const lua = await Lua.create();
  const value = (code) => lua.compute(`return ${code}`).value;
  assert.equal(value('nil'), null);
  assert.equal(value('true'), true);
  assert.equal(value('42'), 42);
  assert.equal(value('0.5'), 0.5);
  assert.equal(value('math.maxinteger'), 2n ** 63n - 1n);
  assert.equal(value('(1 << 53) - 1'), Number.MAX_SAFE_INTEGER);
  assert.equal(value('1 << 53'), 2n ** 53n);
  assert.ok(Object.is(value('-0.0'), -0));
  assert.ok(Number.isNaN(value('0/0')));
  assert.equal(value('-math.huge'), -Infinity);
  assert.equal(value('"h\u00e9 \u20ac \u{1f600}"'), 'h\u00e9 \u20ac \u{1f600}');
  assert.deepEqual(value('"\\xff\\0"'), Uint8Array.of(255, 0));
  assert.deepEqual(value('{1, 2, {3}}'), [1, 2, [3]]);
  assert.deepEqual(value('{}'), {});
  assert.deepEqual(value('{a = 1, b = {c = "x"}}'), { a: 1, b: { c: 'x' } });
  assert.deepEqual(value('{10, 20, x = 1}'), new Map([[1, 10], [2, 20], ['x', 1]]));
  assert.deepEqual(value('{[1.5] = true, [true] = 2}').get(1.5), true);
  assert.deepEqual(value('{1, nil, 3}'), new Map([[1, 1], [3, 3]]));
  const cyclic = lua.compute('local t = {name = "t"} t.self = t return t').value;
  assert.equal(cyclic.self, cyclic);
  assert.ok(value('_home') instanceof ExternalTable);
  assert.equal(value('_home').id, lua.homeTableId);
  assert.ok(value('string.rep') instanceof LuaFunction);
  assert.equal(value('string.rep').name, 'string.rep');
  assert.ok(value('coroutine.create(print)') instanceof LuaOpaque);
  assert.equal(value('coroutine.create(print)').type, 'thread');
  assert.match(String(value('function() end')), /^function: /);
  lua.close();
});

test('a result has the last value, all values, output and lines', async () => {
  const lua = await Lua.create();
  const result = lua.compute('print("a") io.write("b", "c") return 1, nil, "three"');
  assert.equal(result.value, 'three');
  assert.deepEqual(result.values, [1, null, 'three']);
  assert.equal(result.output, 'a\nbc');
  assert.deepEqual(result.lines, ['a', 'bc']);
  assert.deepEqual(lua.compute('print("x") print()').lines, ['x', '']);
  assert.deepEqual(lua.compute('return 1').lines, []);
  assert.equal(lua.eval('print("hello") print("world")').lines.join(''), 'helloworld');
  lua.close();
});

test('empty code gives nothing', async () => {
  const lua = await Lua.create();
  for (const call of [lua.eval('x = 1'), lua.compute(''), lua.eval(''), lua.compute('', { name: 'empty' })]) {
    assert.equal(call.value, null);
    assert.equal(call.output, '');
  }
  lua.close();
});

test('eval is a console, compute runs chunks', async () => {
  const lua = await Lua.create();
  assert.equal(lua.eval('1 + 1').value, 2);
  assert.equal(lua.eval('local x = 5').value, 5);
  assert.equal(lua.eval('x * 2').value, 10);
  assert.throws(() => lua.compute('1 + 1'), LuaError);
  assert.equal(lua.compute('return x').value, null);
  lua.close();
});

test('code may be bytes', async () => {
  const lua = await Lua.create();
  assert.deepEqual(lua.compute(Buffer.from('return "\xe9"', 'latin1')).value, Uint8Array.of(0xe9));
  assert.throws(() => lua.compute(42), /code has to be a string or a Uint8Array, not number/);
  assert.throws(() => lua.compute(null), /not null/);
  assert.equal(lua.compute('return 1').value, 1);
  lua.close();
});

test('code of any length that fits the heap runs, named or not', async () => {
  const lua = await Lua.create();
  for (const size of [1000, 65_500, 65_536, 65_537, 300_000]) {
    const code = `--${'\u00e9'.repeat(size / 2)}\nreturn ${size}`;
    assert.equal(lua.compute(code).value, size);
    assert.equal(lua.eval(code).value, size);
    assert.equal(lua.compute(code, { name: 'long' }).value, size);
  }
  const { luaMemoryUsed } = lua.stats();
  const error = failure(() => lua.compute('x'.repeat(4_000_000)));
  assert.equal(error.status, 'memory');
  assert.match(error.message, /not enough memory for 4000000 bytes of code/);
  lua.gc();
  assert.ok(lua.stats().luaMemoryUsed <= luaMemoryUsed);
  lua.close();
});

test('a name shows in messages as it is', async () => {
  const lua = await Lua.create();
  for (const [name, shown] of [['main', 'main'], ['@dir/file.lua', 'dir/file.lua'], ['=literal', 'literal'], ['\u00e9t\u00e9', '\u00e9t\u00e9']]) {
    assert.equal(failure(() => lua.compute('\nerror("x")', { name })).message, `${shown}:2: x`);
    assert.equal(failure(() => lua.eval('\nerror("x")', { name })).message, `${shown}:2: x`);
  }
  assert.equal(failure(() => lua.compute('error("x")', { name: '' })).message, '[string "error("x")"]:1: x');
  lua.close();
});

test('values and output of any size come whole', async () => {
  const lua = await Lua.create();
  assert.equal(lua.compute('return ("x"):rep(400000)').value.length, 400_000);
  assert.equal(lua.compute('local t = {} for i = 1, 20000 do t[i] = i end return t').value.length, 20_000);
  const both = lua.compute('for i = 1, 30000 do print(i) end return ("y"):rep(100000), 7, ("z"):rep(100000)');
  assert.equal(both.lines.length, 30_000);
  assert.ok(both.lines.every((line, index) => line === String(index + 1)), 'in its order');
  assert.equal(both.values.length, 3);
  assert.equal(both.values[0].length, 100_000);
  assert.equal(both.value.length, 100_000);
  const long = lua.compute('for i = 1, 20 do io.write(("\u20ac"):rep(10000)) end return 1');
  assert.equal(long.output, '\u20ac'.repeat(200_000));
  assert.equal(long.value, 1);
  lua.close();
});

test('a LuaError has message, traceback, status, value and output', async () => {
  const lua = await Lua.create();
  const error = failure(() => lua.compute('local function inner() print("before") error({code = 7}) end inner()'));
  assert.ok(error instanceof LuaError && error instanceof Error);
  assert.equal(error.name, 'LuaError');
  assert.match(error.message, /table/);
  assert.equal(error.status, 'runtime');
  assert.equal(error.code, 2);
  assert.deepEqual(error.value, { code: 7 });
  assert.equal(error.output, 'before\n');
  assert.match(error.traceback, /inner/);
  assert.equal('cause' in error, false);

  const syntax = failure(() => lua.compute('x = ='));
  assert.equal(syntax.status, 'syntax');
  assert.match(syntax.message, /:1: unexpected symbol near '='/);
  assert.equal(syntax.value, syntax.message);

  const memory = failure(() => lua.compute('local t = {} while true do t = {t} end'));
  assert.equal(memory.status, 'memory');
  assert.equal(memory.code, 4);

  const long = failure(() => lua.compute(`error("${'m'.repeat(1000)}", 0)`));
  assert.equal(long.message, 'm'.repeat(1000));
  const printed = failure(() => lua.compute('for i = 1, 30000 do print(i) end error("end", 0)'));
  assert.equal(printed.output.split('\n').length, 30_001);
  assert.equal(failure(() => lua.compute('error(nil)')).value, NO_ERROR_OBJECT);
  assert.deepEqual(failure(() => lua.compute('error("\\xff", 0)')).value, Uint8Array.of(255));
  lua.close();
});

test('what the store throws is the cause of the error', async () => {
  const thrown = new Error('disk full');
  const store = new (class extends MapStore {
    set() {
      throw thrown;
    }
  })();
  const lua = await Lua.create({ store });
  const error = failure(() => lua.compute('_home.x = 1'));
  assert.ok(error instanceof LuaError);
  assert.equal(error.cause, thrown);
  assert.equal(lua.compute('return (pcall(function() _home.x = 1 end))').value, false);
  assert.equal('cause' in failure(() => lua.compute('error("other")')), false, 'a later error has another cause');
  lua.close();
});

test('onPrint receives output as it comes, text and bytes', async () => {
  const texts = [];
  const raw = [];
  const lua = await Lua.create({
    onPrint(text, bytes) {
      texts.push(text);
      raw.push(...bytes);
    },
  });
  assert.equal(lua.compute('print("one") print("two")').output, 'one\ntwo\n');
  assert.equal(texts.join(''), 'one\ntwo\n');
  texts.length = raw.length = 0;
  lua.compute('io.write(("\u20ac"):rep(50000))');
  assert.ok(texts.length > 1);
  assert.equal(texts.join(''), '\u20ac'.repeat(50_000));
  assert.equal(Buffer.from(raw).toString(), '\u20ac'.repeat(50_000));
  texts.length = raw.length = 0;
  lua.compute('io.write("\\xff\\xfe")');
  assert.deepEqual(raw, [255, 254]);
  assert.throws(() => lua.compute('print("seen") error("x")'), LuaError);
  assert.match(texts.join(''), /seen\n$/);
  lua.close();
});

test('an exception of onPrint reaches the caller, and the machine goes on', async () => {
  let fail = true;
  const lua = await Lua.create({
    onPrint() {
      if (fail) throw new RangeError('no more paper');
    },
  });
  assert.throws(() => lua.compute('print(1)'), new RangeError('no more paper'));
  assert.throws(() => lua.compute('io.write(("x"):rep(200000)) done = true'), new RangeError('no more paper'));
  fail = false;
  assert.equal(lua.compute('return done').value, true);
  lua.close();
});

test('output need not be kept', async () => {
  const pieces = [];
  const lua = await Lua.create({ keepOutput: false, onPrint: (text) => pieces.push(text) });
  assert.equal(lua.compute('print("gone")').output, '');
  assert.deepEqual(pieces, ['gone\n']);
  lua.close();
});

test('a machine that is running cannot be called', async () => {
  let caught;
  const lua = await Lua.create({
    onPrint() {
      caught = [() => lua.eval('1'), () => lua.close(), () => lua.gc(), () => lua.stats()].map(failure);
    },
  });
  lua.compute('io.write(("x"):rep(70000))');
  assert.ok(caught.every((error) => error instanceof LuaStateError && error.state === 'running'), String(caught));
  assert.equal(lua.eval('1').value, 1);
  lua.close();
});

test('a closed machine says so', async () => {
  const lua = await Lua.create();
  lua.close();
  lua.close();
  for (const call of [() => lua.eval('1'), () => lua.compute('return 1'), () => lua.stats(), () => lua.gc(), () => lua.homeTableId]) {
    const error = failure(call);
    assert.ok(error instanceof LuaStateError);
    assert.equal(error.state, 'closed');
    assert.match(error.message, /closed.*Lua\.create/);
  }
});

test('closing runs finalizers', async () => {
  const store = new MapStore();
  const lua = await Lua.create({ store });
  lua.compute('kept = setmetatable({}, {__gc = function() _home.closed = true end})');
  lua.close();
  assert.equal(decodeValue(store.get(1, 'closed')), true);
});

test('a machine is disposable where the engine knows that', { skip: typeof Symbol.dispose !== 'symbol' }, async () => {
  const lua = await Lua.create();
  lua[Symbol.dispose]();
  assert.throws(() => lua.eval('1'), LuaStateError);
});

test('stats and gc tell and free memory', async () => {
  const lua = await Lua.create();
  const before = lua.stats();
  assert.equal(before.ioBufferSize, 65_536);
  assert.equal(before.wasmPages, 32);
  assert.equal(before.totalMemory, 2_097_152);
  lua.compute('collectgarbage("stop") for i = 1, 1000 do local t = {i, i, i} end');
  const full = lua.stats().luaMemoryUsed;
  assert.ok(full > before.luaMemoryUsed + 30_000);
  lua.gc();
  assert.ok(lua.stats().luaMemoryUsed < full - 30_000);
  lua.close();
});

test('clock, time zone and entropy are asked from the host', async () => {
  const lua = await Lua.create({
    clock: () => ({ unixSeconds: 1_000_000_000.5, cpuSeconds: 12.25 }),
    utcOffset: () => -3600,
    entropy: () => ({ low: 1n, high: 2n }),
  });
  assert.equal(lua.compute('return os.time()').value, 1_000_000_000);
  assert.equal(lua.compute('return os.clock()').value, 12.25);
  assert.equal(lua.compute('return os.date("%Y-%m-%d %H:%M:%S")').value, '2001-09-09 00:46:40');
  assert.equal(lua.compute('return os.date("!%H:%M:%S", 0)').value, '00:00:00');
  assert.equal(lua.compute('return os.time{year = 2001, month = 9, day = 9, hour = 0, min = 46, sec = 40}').value, 1_000_000_000);
  const draw = async (low) => {
    const other = await Lua.create({ entropy: () => ({ low, high: 2n }) });
    return other.compute('return math.random(0)').value;
  };
  assert.equal(await draw(1n), await draw(1n));
  assert.notEqual(await draw(1n), await draw(3n));
  lua.close();
});

test('by default time is the system\'s', async () => {
  const lua = await Lua.create();
  const before = Math.floor(Date.now() / 1000);
  const time = lua.compute('return os.time()').value;
  assert.ok(time >= before && time <= Math.floor(Date.now() / 1000));
  assert.ok(lua.compute('return os.clock()').value >= 0);
  const now = new Date();
  assert.equal(lua.compute('return tonumber(os.date("%Y"))').value, now.getFullYear());
  lua.close();
});

test('two machines with one store share their tables, one after the other', async () => {
  const store = new MapStore();
  for (const expected of [1, 2, 3]) {
    const lua = await Lua.create({ store });
    assert.equal(lua.compute('_home.counter = (_home.counter or 0) + 1 return _home.counter').value, expected);
    lua.close();
  }
  assert.equal(decodeValue(store.get(1, 'counter')), 3);
});

test('a table of the store can be _home, and new tables keep clear of what is there', async () => {
  const store = new MapStore(new Map([[9, new Map([['x', encodeValue('kept')]])]]));
  const lua = await Lua.create({ store, homeTableId: 9 });
  assert.equal(lua.homeTableId, 9);
  assert.equal(lua.compute('return _home.x').value, 'kept');
  lua.compute('local t = ext.table() t.x = "new"');
  assert.equal(decodeValue(store.get(9, 'x')), 'kept');
  assert.deepEqual([...store.tableIds()], [9, 10]);
  lua.close();
});

test('the alias Memory can be left out', async () => {
  const lua = await Lua.create({ memoryAlias: false });
  assert.equal(lua.compute('return Memory').value, null);
  lua.close();
});

test('machines are independent of each other', async () => {
  const one = await Lua.create();
  const two = await Lua.create();
  one.compute('x = 1 _home.x = 1');
  assert.equal(two.compute('return x').value, null);
  assert.equal(two.compute('return _home.x').value, null);
  one.close();
  assert.equal(two.compute('return 2').value, 2);
  two.close();
});

test('a value longer than 16 KiB fits a table of this host', async () => {
  const lua = await Lua.create();
  lua.compute('_home.long = ("x"):rep(100000)');
  assert.equal(lua.compute('return #_home.long').value, 100_000);
  lua.close();
});
