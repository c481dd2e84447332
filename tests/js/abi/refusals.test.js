// Tests calls that the module refuses: each sets a status and a message, and leaves nothing of an earlier error.

import assert from 'node:assert/strict';
import test from 'node:test';

import { compute, instantiate, part, read, start, write, UNWINDS_BY_HOST } from '../support/documented-host.js';

const PART = { values: 1, message: 2, traceback: 3, error: 4, exception: 5 };
const STATUS = { ok: 0, paused: 1, argument: 17, uninitialized: 18, busy: 19, noProgram: 20 };

/** The exports that answer through the I/O buffer, each called in a way that is right. */
const RUNS = {
  compute: ({ exports }, pointer) => exports.compute(pointer, 8),
  eval: ({ exports }) => exports.eval(8),
  execute: ({ exports }, pointer) => exports.execute(pointer, 8, 0, 0, 0),
  program_start: ({ exports }, pointer) => exports.program_start(pointer, 8, 0, 0, 0),
  program_step: ({ exports }) => exports.program_step(0),
  program_resume: ({ exports }, pointer) => exports.program_resume(pointer, 0, 0),
  call_function: ({ exports }, pointer) => exports.call_function(pointer, 6),
  get_global: ({ exports }, pointer) => exports.get_global(pointer, 1),
  set_global: ({ exports }, pointer) => exports.set_global(pointer, 8),
};

/** The message in memory of the host's own, as the I/O buffer may be in use. */
function message({ exports, memory }) {
  const size = exports.result_size(PART.message);
  if (size < 0) return null;
  const pointer = exports.memory.buffer.byteLength - size;
  const saved = memory.slice(pointer);
  assert.equal(exports.result_read(PART.message, 0, pointer, size), size);
  const text = new TextDecoder().decode(memory.slice(pointer));
  memory.set(saved, pointer);
  return text;
}

/** A function that ends in a trap, which no module can catch, as an exception of a host in another runtime. */
const { trap } = new WebAssembly.Instance(
  new WebAssembly.Module(
    // (module (func (export "trap") unreachable))
    Uint8Array.of(0, 97, 115, 109, 1, 0, 0, 0, 1, 4, 1, 96, 0, 0, 3, 2, 1, 0, 7, 8, 1, 4, 116, 114, 97, 112, 0, 0, 10, 5, 1, 3, 0, 0, 11),
  ),
).exports;

/** Expect that the last call was refused: status and message, in the buffer and as the only part. */
function assertRefused(instance, answer, status, pattern, name) {
  assert.equal(instance.exports.get_status(), status, name);
  const { error } = read(instance, answer);
  assert.match(error, pattern, name);
  assert.equal(message(instance), error, name);
  for (const number of [PART.values, PART.traceback, PART.error, PART.exception]) {
    assert.equal(instance.exports.result_size(number), -1, `${name}: part ${number}`);
    assert.equal(instance.exports.result_read(number, 0, instance.exports.get_buffer_ptr(), 100), -1);
  }
}

test('a machine that does not run says so in the buffer, for every export that answers there', () => {
  for (const [name, call] of Object.entries(RUNS)) {
    const instance = instantiate();
    const { pointer } = write(instance, 'return 1');
    assertRefused(instance, call(instance, pointer), STATUS.uninitialized, /does not run.*init/, name);
  }
});

test('so does one that deinit has closed, and nothing is left of an earlier error', () => {
  for (const [name, call] of Object.entries(RUNS)) {
    const instance = start();
    compute(instance, 'error("an earlier error")');
    instance.exports.deinit();
    const { pointer } = write(instance, 'return 1');
    assertRefused(instance, call(instance, pointer), STATUS.uninitialized, /does not run.*init/, name);
  }
});

test('a call that is refused for its arguments leaves its own message and nothing of an earlier error', () => {
  const end = 32 * 65536;
  const cases = {
    'a range of compute': [({ exports }) => exports.compute(end, 1), /range/],
    'a range of execute': [({ exports }, at) => exports.execute(at, 1, end - 1, 2, 0), /range/],
    'a range of program_start': [({ exports }) => exports.program_start(end, 1, 0, 0, 0), /range/],
    'a range of call_function': [({ exports }) => exports.call_function(end, 1), /range/],
    'a range of get_global': [({ exports }) => exports.get_global(end, 1), /range/],
    'a range of set_global': [({ exports }) => exports.set_global(end, 1), /range/],
    'long code of compute': [({ exports }) => exports.compute(0, 65537) && exports.compute(16, 65537), /65536.*execute/],
    'long code of eval': [({ exports }) => exports.eval(65537), /65536.*execute/],
    'a flag of execute': [({ exports }, at) => exports.execute(at, 8, 0, 0, 4), /flag/],
    'a flag of program_start': [({ exports }, at) => exports.program_start(at, 8, 0, 0, 4), /flag/],
  };
  for (const [name, [call, pattern]] of Object.entries(cases)) {
    const instance = start();
    compute(instance, 'error("an earlier error")');
    assert.match(part(instance, PART.message).toString(), /an earlier error/);
    const { pointer } = write(instance, 'return 1');
    assertRefused(instance, call(instance, pointer), STATUS.argument, pattern, name);
    assert.equal(compute(instance, 'return 1').value, 1n, name);
    assert.equal(instance.exports.get_status(), STATUS.ok);
    assert.equal(message(instance), null, 'the next run forgets it');
  }
});

test('a step without a program is refused, before the first program and after its end', () => {
  const instance = start();
  compute(instance, 'error("an earlier error")');
  assertRefused(instance, instance.exports.program_step(0), STATUS.noProgram, /no program.*start/);
  const { pointer, length } = write(instance, 'return 1');
  assert.equal(instance.exports.program_start(pointer, length, 0, 0, 0), 0);
  assert.ok(instance.exports.program_step(0) > 0);
  assertRefused(instance, instance.exports.program_step(0), STATUS.noProgram, /no program.*start/);
});

test('a run within an import is refused, and the run that goes on ends with its own status and output', () => {
  for (const [name, call] of Object.entries(RUNS)) {
    let refused;
    const instance = start({
      js_ext_table_set: () => {
        const answer = call(instance, instance.exports.get_buffer_ptr());
        refused = [answer, instance.exports.get_status(), message(instance)];
        return 0;
      },
    });
    const result = compute(instance, 'io.write("before ") _home.x = 1 io.write("after") return 7');
    assert.deepEqual([result.output, result.value], ['before after', 7n], name);
    assert.equal(instance.exports.get_status(), STATUS.ok, name);
    assert.equal(message(instance), null, name);
    assert.equal(refused[0], -1, `${name}: the buffer holds what was printed, and keeps it`);
    assert.equal(refused[1], STATUS.busy, name);
    assert.match(refused[2], /another call is under way/, name);
  }
});

const caught = UNWINDS_BY_HOST && 'this host catches what its imports throw, as the reference asks of it';

test('after an exception that went through the module, every run is refused with the way out', { skip: caught }, () => {
  const instance = start({
    js_ext_table_set: () => trap(),
  });
  assert.throws(() => compute(instance, '_home.x = 1'), WebAssembly.RuntimeError);
  for (const [name, call] of Object.entries(RUNS)) {
    const { pointer } = write(instance, 'return 1');
    assert.ok(call(instance, pointer) < 0, name);
    assert.equal(instance.exports.get_status(), STATUS.busy, name);
    assert.match(message(instance), /exception.*new instance/, name);
  }
});

test('exports that run no code are refused with a status and a message, too, and their own answer', () => {
  const tables = ['ext_table_set', 'ext_table_get', 'ext_table_delete', 'ext_table_size', 'ext_table_keys'];
  const answers = { release_value: undefined, run_gc: undefined, lua_alloc: 0, attach_memory_table: undefined, clear_io_table: -1, ext_table_new: 0 };
  for (const name of tables) answers[name] = -1;
  for (const [name, answer] of Object.entries(answers)) {
    const instance = instantiate();
    assert.equal(instance.exports[name](1, 0, 0, 0, 0), answer, name);
    assert.equal(instance.exports.get_status(), STATUS.uninitialized, name);
    assert.match(message(instance), /does not run/, name);
  }
  const instance = start();
  for (const name of ['attach_memory_table', ...tables]) {
    compute(instance, 'error("an earlier error")');
    instance.exports[name](0, 0, 0, 0, 0);
    assert.equal(instance.exports.get_status(), STATUS.argument, name);
    assert.match(message(instance), /0 is the id of no external table/, name);
    assert.equal(instance.exports.result_size(PART.traceback), -1, name);
  }
  for (const name of ['ext_table_set', 'ext_table_get', 'ext_table_delete', 'ext_table_keys']) {
    compute(instance, 'error("an earlier error")');
    assert.equal(instance.exports[name](1, -16, 100, 0, 0), -1);
    assert.equal(instance.exports.get_status(), STATUS.argument, name);
    assert.match(message(instance), /range/, name);
  }
});

test('a call that finds nothing is told from one that is refused by the status', () => {
  const instance = start();
  const { exports } = instance;
  const { pointer } = write(instance, 'absent');
  assert.equal(exports.ext_table_get(1, -16, 100, pointer, 100), -1);
  assert.equal(exports.get_status(), STATUS.argument);
  assert.equal(exports.ext_table_get(1, pointer, 6, pointer + 100, 100), -1);
  assert.equal(exports.get_status(), STATUS.ok);
  assert.equal(message(instance), null);
});

test('reading parts refuses nothing: a bad range leaves the parts as they are', () => {
  const instance = start();
  compute(instance, 'error("this error", 0)');
  assert.equal(instance.exports.result_read(PART.message, 0, -16, 100), -1);
  assert.equal(instance.exports.result_read(99, 0, 16, 100), -1);
  assert.equal(instance.exports.get_status(), 2);
  assert.equal(message(instance), 'this error');
});

test('abi.json lists for each export what it answers to a refused call, and refusals name what is there', async () => {
  const { readFileSync } = await import('node:fs');
  const abi = JSON.parse(readFileSync(new URL('../../../web/abi.json', import.meta.url), 'utf8'));
  const statuses = new Set(abi.constants.map(({ name }) => name));
  const exports = new Map(abi.exports.map((entry) => [entry.name, entry]));
  for (const refusal of abi.refusals) {
    assert.ok(statuses.has(refusal.status), refusal.name);
    for (const name of refusal.exports) assert.ok(exports.get(name).refused !== undefined, `${refusal.name} ${name}`);
  }
  const ranges = abi.refusals.find(({ name }) => name === 'BAD_RANGE').exports;
  const pointers = abi.exports.filter(({ params }) => params.some(({ wasm_names: names }) => names !== undefined)).map(({ name }) => name);
  assert.deepEqual([...ranges, 'result_read'].sort(), pointers.sort());
});
