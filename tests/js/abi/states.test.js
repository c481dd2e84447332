// Tests which exports are refused in which state of the module, as abi.json and the reference say. The states within an
// import and within a function of the host are in within.test.js.

import assert from 'node:assert/strict';
import test from 'node:test';

import { compute, instantiate, start, UNWINDS_BY_HOST, write } from '../support/documented-host.js';
import { abi, CALLS, prepare, refusedIn, scratch } from '../support/export-calls.js';

const PART_MESSAGE = 2;

/** A function that ends in a trap, which no module can catch. */
const { trap } = new WebAssembly.Instance(
  new WebAssembly.Module(
    // (module (func (export "trap") unreachable))
    Uint8Array.of(0, 97, 115, 109, 1, 0, 0, 0, 1, 4, 1, 96, 0, 0, 3, 2, 1, 0, 7, 8, 1, 4, 116, 114, 97, 112, 0, 0, 10, 5, 1, 3, 0, 0, 11),
  ),
).exports;

/** A machine with a program that waits, which `program_step` and `program_resume` run on. */
function pause() {
  const instance = start();
  const { pointer, length } = write(instance, 'for i = 1, 1000 do end coroutine.yield() return 1');
  assert.equal(instance.exports.program_start(pointer, length, 0, 0, 0), 0);
  return instance;
}

function lose() {
  const instance = start({ js_ext_table_set: () => trap() });
  assert.throws(() => compute(instance, '_home.x = 1'), WebAssembly.RuntimeError);
  return instance;
}

/** How a module comes into each state; within.test.js has those that are left out. */
const STATES = { empty: [instantiate, closed], running: [start], paused: [pause], lost: UNWINDS_BY_HOST ? [] : [lose] };

function closed() {
  const instance = start();
  instance.exports.deinit();
  return instance;
}

test('every state is tested here or in within.test.js', () => {
  assert.deepEqual(abi.states.map(({ name }) => name).sort(), [...Object.keys(STATES), 'importing', 'calling'].sort());
});

for (const [state, ways] of Object.entries(STATES)) {
  for (const enter of ways) {
    test(`a module that is ${state} (${enter.name}) refuses the exports that the reference lists, with that status`, () => {
      for (const [name, call] of Object.entries(CALLS)) {
        const instance = enter();
        prepare(instance);
        call(instance.exports, scratch(instance));
        const expected = refusedIn(state, name);
        const status = instance.exports.get_status();
        if (expected !== null) assert.equal(status, expected, name);
        const refused = abi.refusals.some((refusal) => instance.exports.result_size(PART_MESSAGE) === refusal.message.length);
        assert.equal(refused, expected !== null, name);
      }
    });
  }
}

test('a refused call leaves the state as it is', () => {
  const instance = pause();
  assert.equal(instance.exports.compute(32 * 65536, 1) < 0, true);
  assert.equal(instance.exports.program_state(), 1);
  assert.equal(compute(instance, 'return 1').value, 1n);
  instance.exports.program_step(0);
  assert.equal(instance.exports.program_state(), 2, 'it has gone on to its yield');
});
