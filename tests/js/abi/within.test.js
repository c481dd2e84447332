// Tests which exports a host may call while Lua runs: from an import that Lua code has called, from the service `call`, and
// from an import that a finalizer has called, in a run, in a collection and while the machine closes.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { compute, instantiate } from '../support/documented-host.js';
import { abi, CALLS, prepare, refusedIn, scratch } from '../support/export-calls.js';

const STATUS = { uninitialized: 18 };
const PART_MESSAGE = 2;

const service = (name) => abi.services.requests.find((each) => each.name === name).number;

/** A machine whose host calls an export when Lua sets a key of table 1, or calls its function. */
function machine(visit) {
  let active = true;
  const once = () => {
    if (!active) return;
    active = false;
    visit(instance);
  };
  const view = () => new DataView(instance.exports.memory.buffer);
  const instance = instantiate({
    js_ext_table_set: (tableId) => {
      if (tableId === 1) once();
      return 0;
    },
    js_ext_table_get: (tableId, request, _length, reply) => {
      if (tableId !== 0) return -1;
      const number = view().getUint8(request);
      if (number === service('negotiate')) {
        const answer = abi.services.requests.find((each) => each.name === 'negotiate').reply;
        let at = reply;
        for (const field of answer) {
          const value = { services: 1 << service('call'), max_value_len: 16384 }[field.name] ?? 0;
          view().setUint32(at, value, true);
          at += 4;
        }
        return at - reply;
      }
      if (number !== service('call')) return -1;
      once();
      view().setUint8(reply, 0);
      return 1;
    },
  });
  assert.equal(instance.exports.init(), 0);
  const at = scratch(instance);
  const put = (offset, bytes) => instance.memory.set(bytes, at + offset);
  prepare(instance);
  // A function of the host, as the global f.
  put(80, [4, 1, 0, 0, 0, 102, abi.constants.find((each) => each.name === 'TAG_HOST_FUNCTION').value, 5, 0, 0, 0, 1, 0, 0, 0, 102]);
  assert.ok(instance.exports.set_global(at + 80, 16) >= 0);
  return instance;
}

/** The situations in which an export is called, and the state of the module there, which says whether it is refused. */
const PLACES = {
  'an import': { state: 'importing', run: (instance) => compute(instance, '_home.x = 1 return 7') },
  'the service call': { state: 'calling', run: (instance) => compute(instance, 'f() return 7') },
  'an import of a finalizer': { state: 'importing', run: (instance) => compute(instance, 'setmetatable({}, {__gc = function() _home.x = 1 end}) collectgarbage() return 7') },
  'the service call of a finalizer': { state: 'calling', run: (instance) => compute(instance, 'setmetatable({}, {__gc = f}) collectgarbage() return 7') },
  'an import of a finalizer in run_gc': {
    state: 'importing',
    run: (instance) => {
      compute(instance, 'setmetatable({}, {__gc = function() _home.x = 1 end})');
      instance.exports.run_gc();
    },
  },
  'the service call of a finalizer in run_gc': {
    state: 'calling',
    run: (instance) => {
      compute(instance, 'setmetatable({}, {__gc = f})');
      instance.exports.run_gc();
    },
  },
  'an import of a finalizer in deinit': {
    state: 'importing',
    closes: true,
    run: (instance) => {
      compute(instance, 'X = setmetatable({}, {__gc = function() _home.x = 1 end})');
      instance.exports.deinit();
    },
  },
  'an import of a __tostring': {
    state: 'importing',
    run: (instance) => assert.equal(compute(instance, 'error(setmetatable({}, {__tostring = function() _home.x = 1 return "text" end}))').error, 'text'),
  },
};

test('every export is in the table', () => {
  assert.deepEqual(Object.keys(CALLS).sort(), abi.exports.map((each) => each.name).sort());
});

for (const [place, { state, closes, run }] of Object.entries(PLACES)) {
  test(`within ${place}, each export works, or is refused with a status and a message`, () => {
    for (const [name, call] of Object.entries(CALLS)) {
      // The module catches what an import throws, so what is seen there is looked at behind.
      /** @type {{ status: number, message: number } | null} */
      let seen = null;
      const instance = machine((inside) => {
        call(inside.exports, scratch(inside));
        seen = { status: inside.exports.get_status(), message: inside.exports.result_size(PART_MESSAGE) };
      });
      const result = run(instance);
      assert.ok(seen, name);
      const expected = refusedIn(state, name);
      if (expected !== null) {
        assert.ok(seen.status === expected || (closes && seen.status === STATUS.uninitialized), `${name}: status ${seen.status}`);
        assert.ok(seen.message > 0, `${name} has no message`);
      }
      if (result !== undefined && result.error === undefined) assert.equal(result.value, 7n, name);
      if (closes) assert.equal(instance.exports.init(), 0, name);
      assert.equal(compute(instance, 'local t = {} for i = 1, 1000 do t[i] = {i} end collectgarbage() return #t').value, 1000n, name);
      instance.exports.deinit();
    }
  });
}
