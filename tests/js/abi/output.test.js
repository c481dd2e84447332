// Tests where output goes and when: with the service `output`, and without it.

import assert from 'node:assert/strict';
import test from 'node:test';

import { compute, instantiate, write } from '../support/documented-host.js';
import { abi } from '../support/export-calls.js';

const number = (name) => abi.services.requests.find((each) => each.name === name).number;
const SERVICE = { negotiate: number('negotiate'), output: number('output'), call: number('call') };

/** A machine whose host offers functions and, if asked to, takes output; `f` is a function of the host. */
function machine(takes) {
  const sent = [];
  const host = { function: () => {} };
  const instance = instantiate({
    js_ext_table_get: (id, keyPtr, keyLen, valPtr) => {
      const { memory } = instance;
      if (id !== 0) return -1;
      const view = new DataView(memory.buffer);
      switch (memory[keyPtr]) {
        case SERVICE.negotiate:
          view.setUint32(valPtr, (1 << SERVICE.call) | (takes ? 1 << SERVICE.output : 0), true);
          return 4;
        case SERVICE.output:
          sent.push(Buffer.from(memory.slice(keyPtr + 1, keyPtr + keyLen)).toString('latin1'));
          return 0;
        case SERVICE.call:
          host.function(instance);
          memory[valPtr] = 0;
          return 1;
        default:
          return -1;
      }
    },
  });
  assert.equal(instance.exports.init(), 0);
  const name = Uint8Array.of(4, 1, 0, 0, 0, 0x66, 0x0e, 5, 0, 0, 0, 0, 0, 0, 0);
  const { pointer } = write(instance, name);
  assert.ok(instance.exports.set_global(pointer, name.length) > 0);
  return { instance, sent, host };
}

/** What a run sends, and what is in its result. */
function run(takes, code, inside = () => {}) {
  const made = machine(takes);
  made.host.function = inside;
  const { output } = compute(made.instance, code);
  return [made.sent.join(''), output];
}

test('what is left at the end of a run is in its result', () => {
  const code = 'io.write("a") io.stderr:write("b") print("c") warn("@on") warn("d")';
  for (const takes of [true, false]) assert.deepEqual(run(takes, code), ['', 'abc\nLua warning: d\n']);
});

test('when the buffer is full, it is sent, or the rest is cut', () => {
  const [sent, left] = run(true, 'io.write(("x"):rep(70000)) return 1');
  assert.equal(sent.length + left.length, 70_000);
  assert.ok(sent.length > 60_000);
  const [nothing, cut] = run(false, 'io.write(("x"):rep(70000)) return 1');
  assert.equal(nothing, '');
  const [, missing] = /\n\[\.\.\. (\d+) more bytes of output cut\]\n$/.exec(cut);
  assert.equal(cut.indexOf('\n') + Number(missing), 70_000);
});

test('a flush sends what was collected, if the host takes it', () => {
  assert.deepEqual(run(true, 'io.write("a") io.flush() io.write("b") io.stdout:flush() io.write("c")'), ['ab', 'c']);
  assert.deepEqual(run(false, 'io.write("a") io.flush() io.write("b")'), ['', 'ab']);
});

test('a call of a function of the host sends what was collected, or cuts it', () => {
  assert.deepEqual(run(true, 'io.write("before") f() io.write("after")'), ['before', 'after']);
  const [sent, left] = run(false, 'io.write("before") f() io.write("after")');
  assert.equal(sent, '');
  assert.match(left, /^after\n\[\.\.\. 6 more bytes of output cut\]\n$/);
});

test('a call within a function of the host has its output in its own result', () => {
  for (const takes of [true, false]) {
    let inner;
    const [sent, left] = run(takes, 'f() io.write("outer")', (instance) => {
      inner = compute(instance, 'io.write("inner")').output;
    });
    assert.deepEqual([sent, inner, left], ['', 'inner', 'outer']);
  }
});

test('a run that fails, or whose result is too large, sends its output; without the service it is lost', () => {
  for (const code of ['io.write("said") error("x")', 'io.write("said") return ("x"):rep(70000)']) {
    assert.deepEqual(run(true, code), ['said', undefined]);
    assert.deepEqual(run(false, code), ['', undefined]);
  }
});

test('output of finalizers between calls is in no result', () => {
  for (const takes of [true, false]) {
    const { instance, sent } = machine(takes);
    compute(instance, 'setmetatable({}, {__gc = function() io.write("collected") end})');
    instance.exports.run_gc();
    assert.deepEqual([compute(instance, 'io.write("next")').output, sent.join('')], ['next', '']);
    compute(instance, 'X = setmetatable({}, {__gc = function() io.write("closed") io.flush() end})');
    instance.exports.deinit();
    assert.equal(sent.join(''), takes ? 'closed' : '', 'unless it is flushed');
  }
});
