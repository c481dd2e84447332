// Tests what a call leaves in the I/O buffer: output, values and errors, and their whole forms by result_read.

import assert from 'node:assert/strict';
import test from 'node:test';

import { compute, evaluate, instantiate, part, read, start, write } from '../support/documented-host.js';
import { NO_ERROR_OBJECT } from '../support/line.js';

const BUFFER = 65536;
const STATUS = { ok: 0, runtime: 2, syntax: 3, memory: 4, handler: 5, tooLarge: 16, argument: 17, uninitialized: 18 };
const PART = { values: 1, message: 2, traceback: 3, error: 4 };

const u32 = (value) => [value & 255, (value >>> 8) & 255, (value >>> 16) & 255, value >>> 24];
const integer = (value) => [0x02, ...new Uint8Array(BigInt64Array.of(BigInt(value)).buffer)];
const string = (text) => [0x04, ...u32(Buffer.byteLength(text)), ...Buffer.from(text)];

/** The serialized result of some code, as plain numbers. */
function bytesOf(code) {
  const result = compute(start(), code);
  assert.equal(result.error, undefined);
  return [...result.serialized];
}

test('scalars are encoded with their tags', () => {
  assert.deepEqual(bytesOf('return nil'), [0x00]);
  assert.deepEqual(bytesOf('return false'), [0x01, 0]);
  assert.deepEqual(bytesOf('return true'), [0x01, 1]);
  assert.deepEqual(bytesOf('return 42'), integer(42));
  assert.deepEqual(bytesOf('return math.mininteger'), integer(-(2n ** 63n)));
  assert.deepEqual(bytesOf('return 2^53 | 0'), integer(2n ** 53n));
  assert.deepEqual(bytesOf('return 0.5'), [0x03, 0, 0, 0, 0, 0, 0, 0xe0, 0x3f]);
  assert.deepEqual(bytesOf('return 2.0'), [0x03, 0, 0, 0, 0, 0, 0, 0, 0x40], 'a float stays a float');
  assert.deepEqual(bytesOf('return -0.0'), [0x03, 0, 0, 0, 0, 0, 0, 0, 0x80]);
  assert.deepEqual(bytesOf('return "h\u00e9"'), [0x04, 3, 0, 0, 0, 0x68, 0xc3, 0xa9]);
  assert.deepEqual(bytesOf('return "\\0\\xff\\n"'), [0x04, 3, 0, 0, 0, 0, 0xff, 10]);
  assert.deepEqual(bytesOf('return ""'), [0x04, 0, 0, 0, 0]);
});

test('tables are encoded by value, with nesting, shared parts and cycles', () => {
  assert.deepEqual(bytesOf('return {}'), [0x08, ...u32(0), ...u32(0)]);
  assert.deepEqual(bytesOf('return {1, "b"}'), [0x08, ...u32(2), ...u32(0), ...integer(1), ...string('b')]);
  assert.deepEqual(bytesOf('return {x = 1}'), [0x08, ...u32(0), ...u32(1), ...string('x'), ...integer(1)]);
  assert.deepEqual(bytesOf('return {10, x = {}}'), [
    0x08, ...u32(1), ...u32(1), ...integer(10), ...string('x'), 0x08, ...u32(0), ...u32(0),
  ]);
  assert.deepEqual(bytesOf('local s = {} return {s, s}'), [
    0x08, ...u32(2), ...u32(0), 0x08, ...u32(0), ...u32(0), 0x09, ...u32(1),
  ]);
  assert.deepEqual(bytesOf('local t = {} t[1] = t return t'), [0x08, ...u32(1), ...u32(0), 0x09, ...u32(0)]);
});

test('what has no value form is encoded with its type and text', () => {
  assert.deepEqual(bytesOf('return string.format'), [0x06, ...u32(13), ...Buffer.from('string.format')]);
  assert.deepEqual(bytesOf('return print'), [0x06, ...u32(5), ...Buffer.from('print')]);
  const [tag, type, ...rest] = bytesOf('return function() end');
  assert.deepEqual([tag, type], [0x0a, 6]);
  assert.match(Buffer.from(rest.slice(4)).toString(), /^function: /);
  assert.deepEqual(bytesOf('return coroutine.create(print)').slice(0, 2), [0x0a, 8]);
  assert.deepEqual(bytesOf('return _home'), [0x07, ...u32(1)]);
});

test('of several results the last comes first, and the others follow it', () => {
  assert.deepEqual(bytesOf('return 1, 2, 3'), [...integer(3), 0x0b, ...u32(3), ...integer(1), ...integer(2)]);
  assert.deepEqual(bytesOf('local t = {} return t, t'), [0x08, ...u32(0), ...u32(0), 0x0b, ...u32(2), 0x09, ...u32(0)]);
});

test('a chunk without results gives nil', () => {
  assert.equal(compute(start(), 'local x = 1').value, null);
  assert.equal(compute(start(), '-- nothing but a comment').value, null);
});

test('print separates with tabs, ends with a newline, and uses __tostring and __name', () => {
  const instance = start();
  assert.equal(compute(instance, 'print(1, 2.0, nil, true, "x")').output, '1\t2.0\tnil\ttrue\tx\n');
  assert.equal(compute(instance, 'print() print("")').output, '\n\n');
  assert.equal(compute(instance, 'print(setmetatable({}, {__tostring = function() return "me" end}))').output, 'me\n');
  assert.match(compute(instance, 'print(setmetatable({}, {__name = "Thing"}))').output, /^Thing: /);
  assert.equal(compute(instance, 'io.write("a", 1, 2.5, "\\n") io.write("b")').output, 'a12.5\nb');
  assert.equal(compute(instance, 'io.write("\\xff\\0")').output, '\xff\0');
});

test('empty code answers 0', () => {
  const { exports } = start();
  assert.equal(exports.compute(exports.get_buffer_ptr(), 0), 0);
  assert.equal(exports.eval(0), 0);
  assert.equal(exports.get_status(), STATUS.ok);
});

test('code longer than the buffer is refused by compute and eval', () => {
  const { exports } = start();
  assert.equal(exports.compute(exports.get_buffer_ptr(), BUFFER + 1) < 0, true);
  assert.equal(exports.get_status(), STATUS.argument);
  assert.equal(exports.eval(BUFFER + 1) < 0, true);
});

test('code that fills the buffer to its last byte runs', () => {
  const instance = start();
  const tail = '\nreturn 7';
  assert.equal(compute(instance, `--${'x'.repeat(BUFFER - 2 - tail.length)}${tail}`).value, 7n);
});

test('bad pointers and lengths are errors, and the module goes on', () => {
  const instance = start();
  const { exports } = instance;
  const end = exports.memory.buffer.byteLength;
  const cases = [[end, 1], [end - 1, 2], [-1, 1], [0x7fffffff, 10], [-16, 32], [exports.get_buffer_ptr(), -1], [0x80000000, 1]];
  for (const [pointer, length] of cases) {
    const result = read(instance, exports.compute(pointer, length));
    assert.ok(result.resultLen < 0, `compute(${pointer}, ${length})`);
    assert.equal(exports.get_status(), STATUS.argument, `compute(${pointer}, ${length})`);
    assert.ok(exports.execute(pointer, length, 0, 0, 0) < 0, `execute(${pointer}, ${length})`);
  }
  assert.ok(exports.execute(exports.get_buffer_ptr(), 1, end - 1, 2, 0) < 0, 'a bad range for the name');
  assert.ok(exports.eval(-1) < 0);
  for (const pointer of [end, end - 11, -4, 0x7ffffffc]) exports.get_memory_stats(pointer);
  assert.equal(compute(instance, 'return 1').value, 1n);
  for (const [pointer, length] of cases) assert.equal(exports.result_read(PART.values, 0, pointer, length), -1);
});

test('before init everything answers and nothing runs', () => {
  const instance = instantiate();
  const { exports } = instance;
  const { pointer, length } = write(instance, 'return 1');
  assert.ok(exports.compute(pointer, length) < -1);
  assert.match(new TextDecoder().decode(instance.memory.subarray(pointer, pointer + 60)), /^[^\0]*\binit\b[^\0]*\0/, 'the message, ended by a zero byte');
  assert.equal(exports.get_status(), STATUS.uninitialized);
  write(instance, 'return 1');
  assert.ok(exports.eval(8) < 0);
  assert.ok(exports.execute(pointer, 8, 0, 0, 0) < 0);
  exports.run_gc();
  exports.deinit();
  exports.sync_external_table_counter(9);
  exports.get_memory_stats(pointer);
  assert.equal(exports.clear_io_table(), -1);
  assert.equal(exports.result_size(PART.values), -1);
});

test('an error is -(length + 1) and its text at the start of the buffer', () => {
  const instance = start();
  const { resultLen, error } = compute(instance, 'error("broken", 0)');
  assert.equal(error, 'broken');
  assert.equal(resultLen, -('broken'.length + 1));
  assert.equal(instance.exports.get_status(), STATUS.runtime);
});

test('an empty error message still is an error', () => {
  const { resultLen, error } = compute(start(), 'error("", 0)');
  assert.equal(resultLen, -1);
  assert.equal(error, '');
});

test('runtime errors carry chunk and line', () => {
  const instance = start();
  assert.match(compute(instance, 'local x\n\nx.y = 1').error, /:3: attempt to index a nil value \(local 'x'\)/);
  assert.match(compute(instance, 'return 1 + {}').error, /:1: attempt to perform arithmetic on a table value/);
  assert.match(compute(instance, 'return #nil').error, /attempt to get length of a nil value/);
  assert.match(compute(instance, 'return 1 < "2"').error, /attempt to compare number with string/);
  assert.match(compute(instance, 'string.rep()').error, /bad argument #1 to 'rep' \(string expected, got no value\)/);
  assert.match(compute(instance, 'return 1 // 0').error, /attempt to (perform 'n\/\/0'|divide by zero)/);
});

test('syntax errors carry the line and what is near it', () => {
  const instance = start();
  assert.match(compute(instance, 'x = = 1').error, /:1: unexpected symbol near '='/);
  assert.match(compute(instance, 'local a = 1\nlocal b = 2\nfor').error, /:3: <name> expected near <eof>/);
  assert.match(compute(instance, 'if x then\n\n').error, /:3: 'end' expected \(to close 'if' at line 1\) near <eof>/);
  assert.match(compute(instance, 's = "abc\n"').error, /:1: unfinished string near/);
  assert.match(evaluate(instance, '\n\n)').error, /:3: /);
  assert.equal(instance.exports.get_status(), STATUS.syntax);
});

test('the error text stays under 200 bytes and ends at a character', () => {
  const instance = start();
  for (const text of ['a'.repeat(500), '\u20ac'.repeat(300), `x${'\u{1f600}'.repeat(100)}`, 'x'.repeat(199), 'x'.repeat(200)]) {
    const { resultLen, error } = compute(instance, `error("${text}", 0)`);
    assert.ok(-resultLen - 1 < 200 && -resultLen - 1 > 150, `${-resultLen - 1} bytes`);
    assert.ok(text.startsWith(error.replace(/\.\.\.$/, '')), error);
    assert.equal(part(instance, PART.message).toString(), text);
  }
});

test('error text that is not UTF-8 is made so, and its bytes are kept as the error value', () => {
  const instance = start();
  const { error } = compute(instance, 'error("bad \\xff byte", 0)');
  assert.match(error, /^bad .+ byte$/);
  assert.deepEqual([...part(instance, PART.error)], [0x04, ...u32(10), ...Buffer.from('bad \xff byte', 'latin1')]);
});

test('error values that are tables are kept, and their message is what tostring makes of them', () => {
  const instance = start();
  assert.equal(compute(instance, 'error(setmetatable({code = 7}, {__tostring = function(e) return "code " .. e.code end}))').error, 'code 7');
  assert.deepEqual([...part(instance, PART.error)], [0x08, ...u32(0), ...u32(1), ...string('code'), ...integer(7)]);
  assert.match(compute(instance, 'error({1})').error, /error object is a table value/);
  assert.deepEqual([...part(instance, PART.error)], [0x08, ...u32(1), ...u32(0), ...integer(1)]);
  assert.match(compute(instance, 'error()').error, NO_ERROR_OBJECT === null ? /nil/ : /^<no error object>$/);
  assert.deepEqual([...part(instance, PART.error)], NO_ERROR_OBJECT === null ? [0x00] : string(NO_ERROR_OBJECT));
  assert.match(compute(instance, 'error(true)').error, /boolean/);
  assert.equal(compute(instance, 'error(42)').error, '42');
  assert.deepEqual([...part(instance, PART.error)], integer(42));
});

test('an error in __tostring of an error value is still an error', () => {
  const instance = start();
  for (const body of ['error("again")', 'return 1', 'local function f() return f() + 1 end return f()']) {
    const { resultLen } = compute(instance, `error(setmetatable({}, {__tostring = function() ${body} end}))`);
    assert.ok(resultLen < 0, body);
    assert.equal(compute(instance, 'return 1').value, 1n, body);
  }
});

test('the traceback names the functions on the way', () => {
  const instance = start();
  compute(instance, 'local function inner() error("deep") end\nfunction outer() inner() end\nouter()');
  const traceback = part(instance, PART.traceback).toString();
  assert.match(traceback, /stack traceback:/);
  assert.match(traceback, /inner/);
  assert.match(traceback, /outer/);
});

test('parts that the last result does not have answer -1', () => {
  const instance = start();
  compute(instance, 'return 1');
  for (const number of [0, PART.message, PART.traceback, PART.error, 99, -1]) {
    assert.equal(instance.exports.result_size(number), -1, `part ${number}`);
    assert.equal(instance.exports.result_read(number, 0, instance.exports.get_buffer_ptr(), 10), -1, `part ${number}`);
  }
  compute(instance, 'error("x")');
  assert.equal(instance.exports.result_size(PART.values), -1);
});

test('result_read copies any range of a part, and answers 0 at its end', () => {
  const instance = start();
  compute(instance, 'return ("x"):rep(100000) .. "abcdef"');
  const { exports, memory } = instance;
  const size = exports.result_size(PART.values);
  assert.equal(size, 100_011);
  const pointer = exports.lua_alloc(0, 0, 0, 16);
  assert.equal(exports.result_read(PART.values, size - 4, pointer, 3), 3);
  assert.equal(Buffer.from(memory.slice(pointer, pointer + 3)).toString(), 'cde');
  assert.equal(exports.result_read(PART.values, size - 4, pointer, 16), 4);
  assert.equal(exports.result_read(PART.values, size, pointer, 16), 0);
  assert.equal(exports.result_read(PART.values, size + 1, pointer, 16), 0, 'past the end');
  assert.equal(exports.result_read(PART.values, -1, pointer, 16), 0, 'far past the end');
  assert.equal(exports.result_read(PART.values, 0, pointer, 0), 0, 'nowhere to copy to');
  exports.lua_alloc(0, pointer, 16, 0);
});

test('output that does not fit is cut with a mark that counts the rest, and the value is kept', () => {
  const instance = start();
  const { resultLen, output, value } = compute(instance, 'for i = 1, 2000 do io.write(string.rep("x", 50)) end return 7');
  assert.ok(resultLen <= BUFFER);
  assert.equal(value, 7n);
  const mark = /\n\[\.\.\. (\d+) more bytes of output cut\]\n$/.exec(output);
  assert.ok(mark, output.slice(-60));
  const kept = output.slice(0, mark.index);
  assert.match(kept, /^x+$/);
  assert.equal(kept.length + Number(mark[1]), 100_000);
  assert.ok(kept.length > 30_000, `${kept.length} bytes kept`);
});

test('output just as long as the buffer allows is not cut', () => {
  const instance = start();
  const { output, value } = compute(instance, 'io.write(string.rep("y", 30000)) return true');
  assert.equal(output.length, 30_000);
  assert.equal(value, true);
});

test('long output leaves room for a long value', () => {
  const instance = start();
  const { output, value } = compute(instance, 'io.write(string.rep("y", 60000)) return string.rep("v", 40000)');
  assert.equal(value, 'v'.repeat(40_000));
  assert.match(output, /bytes of output cut\]\n$/);
});

test('a value that does not fit is an error that says its size, and the whole of it can be read', () => {
  const instance = start();
  const { resultLen, error } = compute(instance, 'return string.rep("x", 100000)');
  assert.ok(resultLen < 0);
  assert.equal(instance.exports.get_status(), STATUS.tooLarge);
  assert.match(error, /100005/);
  const whole = part(instance, PART.values);
  assert.equal(whole.length, 100_005);
  assert.deepEqual([...whole.subarray(0, 6)], [0x04, ...u32(100_000), 0x78]);
  compute(instance, 'local t = {} for i = 1, 10000 do t[i] = i end return t');
  assert.equal(part(instance, PART.values).length, 9 + 9 * 10_000);
});

test('a chunk in binary form is refused', () => {
  const instance = start();
  const binary = Uint8Array.from([0x1b, 0x4c, 0x75, 0x61, 0x54, 0x00, 0x19, 0x93]);
  assert.match(compute(instance, binary).error, /attempt to load a binary chunk/);
  assert.equal(instance.exports.get_status(), STATUS.syntax);
  assert.match(evaluate(instance, binary).error, /attempt to load a binary chunk/);
  const dumped = compute(instance, 'return string.dump(function() return 1 end)').serialized;
  assert.match(compute(instance, dumped.slice(5)).error, /attempt to load a binary chunk/);
});

test('execute takes longer code, a chunk name, and the console mode', () => {
  const instance = start();
  const { exports, memory } = instance;
  const put = (text) => {
    const bytes = new TextEncoder().encode(text);
    const pointer = exports.lua_alloc(0, 0, 0, bytes.length);
    memory.set(bytes, pointer);
    return [pointer, bytes.length];
  };
  const long = put(`--${'x'.repeat(100_000)}\nreturn 1 + 1`);
  assert.equal(read(instance, exports.execute(...long, 0, 0, 0)).value, 2n);
  exports.lua_alloc(0, long[0], long[1], 0);

  const failing = put('\nerror("here")');
  assert.equal(read(instance, exports.execute(...failing, ...put('@file.lua'), 0)).error, 'file.lua:2: here');
  assert.equal(read(instance, exports.execute(...failing, ...put('=name'), 0)).error, 'name:2: here');
  assert.match(read(instance, exports.execute(...failing, 0, 0, 0)).error, /^\[string "\.\.\."\]:2: here$/);

  assert.equal(read(instance, exports.execute(...put('1 + 2'), 0, 0, 1)).value, 3n);
  assert.match(read(instance, exports.execute(...put('1 + 2'), 0, 0, 0)).error, /syntax error|unexpected symbol/);
});

test('execute takes code and name out of the I/O buffer', () => {
  const instance = start();
  const { pointer, length } = write(instance, 'error("x")=chunk');
  const name = '=chunk'.length;
  assert.equal(read(instance, instance.exports.execute(pointer, length - name, pointer + length - name, name, 0)).error, 'chunk:1: x');
});

test('the console gives the value of an expression, a statement or the last local', () => {
  const instance = start();
  assert.equal(evaluate(instance, '1 + 1').value, 2n);
  assert.equal(evaluate(instance, '"a" .. "b"').value, 'ab');
  assert.equal(evaluate(instance, 'return 5').value, 5n);
  assert.equal(evaluate(instance, 'x = 3').value, null);
  assert.equal(evaluate(instance, 'x').value, 3n);
  assert.equal(evaluate(instance, 'local a, b = 1, 2').value, 2n);
  assert.equal(evaluate(instance, 'a + b').value, 3n);
  assert.equal(evaluate(instance, 'a = a + 10 return a').value, 11n);
  assert.equal(evaluate(instance, 'a').value, 11n);
  assert.equal(evaluate(instance, 'local function f() return a end').serialized[0], 0x0a);
  assert.equal(evaluate(instance, 'f()').value, 11n);
  assert.equal(evaluate(instance, 'do local hidden = 1 end').value, null);
  assert.equal(evaluate(instance, 'hidden').value, null);
  assert.equal(compute(instance, 'return a').value, null, 'compute runs a chunk of its own');
});

test('a Lua error in the console keeps what was there', () => {
  const instance = start();
  evaluate(instance, 'local kept = 1');
  assert.match(evaluate(instance, 'local lost = 2 error("stop")').error, /stop/);
  assert.match(evaluate(instance, 'local = 3').error, /<name> expected/);
  assert.equal(evaluate(instance, 'kept').value, 1n);
});

test('without services the libraries answer what the manual allows', () => {
  const instance = start();
  assert.equal(compute(instance, 'return type(os.time()), math.type(os.clock()) ~= nil').value, true);
  assert.equal(compute(instance, 'return os.date("!%Y-%m-%d %H:%M:%S", 86400)').value, '1970-01-02 00:00:00');
  assert.equal(compute(instance, 'local r = math.random(6) return r >= 1 and r <= 6').value, true);
  assert.equal(compute(instance, 'return os.getenv("HOME")').value, null);
  assert.equal(compute(instance, 'local f, message = io.open("x") return f == nil and type(message) == "string"').value, true);
  assert.equal(compute(instance, 'return select("#", os.remove("x")) >= 2').value, true);
});

test('a host that fails or throws gives Lua errors and nothing else', () => {
  const names = ['set', 'get', 'delete', 'size', 'keys'].map((name) => `js_ext_table_${name}`);
  const hosts = {
    'answers -1': Object.fromEntries(names.map((name) => [name, () => -1])),
    throws: Object.fromEntries(names.map((name) => [name, () => { throw new Error('host'); }])),
  };
  for (const [label, host] of Object.entries(hosts)) {
    const instance = start(host);
    assert.ok(compute(instance, '_home.x = 1').resultLen < 0, `set on a host that ${label}`);
    assert.equal(compute(instance, 'return pcall(function() _home.x = 1 end)').resultLen > 0, true);
    compute(instance, 'return _home.x');
    assert.equal(compute(instance, 'return 1').value, 1n, `compute on a host that ${label}`);
  }
  const thrower = start(hosts.throws);
  assert.ok(compute(thrower, 'return _home.x').resultLen < 0, 'get on a host that throws');
});

test('more results than can be written are an error that says so', () => {
  const instance = start();
  assert.equal(compute(instance, 'return select("#", table.unpack({}, 1, 30000))').value, 30_000n);
  assert.match(compute(instance, 'return table.unpack({}, 1, 30000)').error, /too many results/);
  assert.equal(compute(instance, 'return 1').value, 1n);
});
