// Tests which exports a host may call while Lua runs: from an import that Lua code has called, from the service `call`, and
// from an import that a finalizer has called, in a run, in a collection and while the machine closes.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

import { compute, instantiate } from '../support/documented-host.js';

const STATUS = { ok: 0, uninitialized: 18, busy: 19 };
const PART_MESSAGE = 2;

const abi = JSON.parse(readFileSync(new URL('../../../web/abi.json', import.meta.url), 'utf8'));
const service = (name) => abi.services.requests.find((each) => each.name === name).number;

/** Address of what exports read and write: behind the buffer's first half, which a call's output may use. */
const scratch = ({ exports }) => exports.get_buffer_ptr() + 32768;

/** Each export, called in a way that is right, and where it is refused: within an import, and within the service `call`. */
const EXPORTS = {
  init: [(e) => e.init(), true, false],
  deinit: [(e) => e.deinit(), true, true],
  compute: [(e, at) => e.compute(at, 8), true, false],
  eval: [(e) => e.eval(0), true, false],
  execute: [(e, at) => e.execute(at, 8, 0, 0, 0), true, false],
  program_start: [(e, at) => e.program_start(at, 8, 0, 0, 0), true, true],
  program_step: [(e) => e.program_step(1), true, true],
  program_resume: [(e, at) => e.program_resume(at + 48, 1, 1), true, true],
  program_state: [(e) => e.program_state(), false, false],
  call_function: [(e, at) => e.call_function(at + 16, 10), true, false],
  get_global: [(e, at) => e.get_global(at, 1), true, false],
  set_global: [(e, at) => e.set_global(at + 32, 7), true, false],
  release_value: [(e) => e.release_value(1), true, false],
  run_gc: [(e) => e.run_gc(), true, false],
  attach_memory_table: [(e) => e.attach_memory_table(1), true, false],
  clear_io_table: [(e) => e.clear_io_table(), true, false],
  ext_table_set: [(e, at) => e.ext_table_set(7, at, 1, at + 48, 1), true, false],
  ext_table_delete: [(e, at) => e.ext_table_delete(7, at, 1), true, false],
  ext_table_size: [(e) => e.ext_table_size(7), true, false],
  ext_table_get: [(e, at) => e.ext_table_get(7, at, 1, at + 64, 64), false, false],
  ext_table_keys: [(e, at) => e.ext_table_keys(7, at + 64, 64), false, false],
  ext_table_new: [(e) => e.ext_table_new(), false, false],
  lua_alloc: [(e) => e.lua_alloc(0, e.lua_alloc(0, 0, 0, 64), 0, 0), false, false],
  get_status: [(e) => e.get_status(), false, false],
  result_size: [(e) => e.result_size(PART_MESSAGE), false, false],
  result_read: [(e, at) => e.result_read(PART_MESSAGE, 0, at + 64, 8), false, false],
  program_ticks: [(e) => e.program_ticks(), false, false],
  set_limits: [(e) => e.set_limits(0, 0, 0), false, false],
  get_buffer_ptr: [(e) => e.get_buffer_ptr(), false, false],
  get_buffer_size: [(e) => e.get_buffer_size(), false, false],
  get_memory_stats: [(e, at) => e.get_memory_stats(at + 64), false, false],
  get_heap_size: [(e) => e.get_heap_size(), false, false],
  set_heap_limit: [(e) => e.set_heap_limit(0), false, false],
  get_memory_table_id: [(e) => e.get_memory_table_id(), false, false],
  get_io_table_id: [(e) => e.get_io_table_id(), false, false],
  sync_external_table_counter: [(e) => e.sync_external_table_counter(1), false, false],
  set_memory_alias_enabled: [(e) => e.set_memory_alias_enabled(1), false, false],
  get_external_table_counter: [(e) => e.get_external_table_counter(), false, false],
};

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
  put(0, new TextEncoder().encode('return 1'));
  // call_function("type", "x"), set_global("a", nil), and the value nil.
  put(16, [4, 4, 0, 0, 0, ...new TextEncoder().encode('type'), 0]);
  put(32, [4, 1, 0, 0, 0, 97, 0]);
  put(48, [0]);
  // A function of the host, as the global f.
  put(80, [4, 1, 0, 0, 0, 102, abi.constants.find((each) => each.name === 'TAG_HOST_FUNCTION').value, 5, 0, 0, 0, 1, 0, 0, 0, 102]);
  assert.ok(instance.exports.set_global(at + 80, 16) >= 0);
  return instance;
}

/** The situations in which an export is called. `column`: which of the columns says whether it is refused. */
const PLACES = {
  'an import': { column: 1, run: (instance) => compute(instance, '_home.x = 1 return 7') },
  'the service call': { column: 2, run: (instance) => compute(instance, 'f() return 7') },
  'an import of a finalizer': { column: 1, run: (instance) => compute(instance, 'setmetatable({}, {__gc = function() _home.x = 1 end}) collectgarbage() return 7') },
  'the service call of a finalizer': { column: 2, run: (instance) => compute(instance, 'setmetatable({}, {__gc = f}) collectgarbage() return 7') },
  'an import of a finalizer in run_gc': {
    column: 1,
    run: (instance) => {
      compute(instance, 'setmetatable({}, {__gc = function() _home.x = 1 end})');
      instance.exports.run_gc();
    },
  },
  'the service call of a finalizer in run_gc': {
    column: 2,
    run: (instance) => {
      compute(instance, 'setmetatable({}, {__gc = f})');
      instance.exports.run_gc();
    },
  },
  'an import of a finalizer in deinit': {
    column: 1,
    closes: true,
    run: (instance) => {
      compute(instance, 'X = setmetatable({}, {__gc = function() _home.x = 1 end})');
      instance.exports.deinit();
    },
  },
  'an import of a __tostring': {
    column: 1,
    run: (instance) => assert.equal(compute(instance, 'error(setmetatable({}, {__tostring = function() _home.x = 1 return "text" end}))').error, 'text'),
  },
};

test('every export is in the table', () => {
  assert.deepEqual(Object.keys(EXPORTS).sort(), abi.exports.map((each) => each.name).sort());
});

for (const [place, { column, closes, run }] of Object.entries(PLACES)) {
  test(`within ${place}, each export works, or is refused with a status and a message`, () => {
    for (const [name, row] of Object.entries(EXPORTS)) {
      // The module catches what an import throws, so what is seen there is looked at behind.
      /** @type {{ status: number, message: number } | null} */
      let seen = null;
      const instance = machine((inside) => {
        row[0](inside.exports, scratch(inside));
        seen = { status: inside.exports.get_status(), message: inside.exports.result_size(PART_MESSAGE) };
      });
      const result = run(instance);
      assert.ok(seen, name);
      if (row[column]) {
        assert.ok(seen.status === STATUS.busy || (closes && seen.status === STATUS.uninitialized), `${name}: status ${seen.status}`);
        assert.ok(seen.message > 0, `${name} has no message`);
      }
      if (result !== undefined && result.error === undefined) assert.equal(result.value, 7n, name);
      if (closes) assert.equal(instance.exports.init(), 0, name);
      assert.equal(compute(instance, 'local t = {} for i = 1, 1000 do t[i] = {i} end collectgarbage() return #t').value, 1000n, name);
      instance.exports.deinit();
    }
  });
}
