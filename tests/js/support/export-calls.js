// Calls each export in a way that is right, and tells from abi.json in which states of the module it is refused.

import { readFileSync } from 'node:fs';

export const abi = JSON.parse(readFileSync(new URL('../../../web/abi.json', import.meta.url), 'utf8'));

const PART_MESSAGE = 2;

/** Address of what exports read and write: behind the buffer's first half, which a call's output may use. */
export const scratch = ({ exports }) => exports.get_buffer_ptr() + 32768;

/** Each export, called in a way that is right; `at` is `scratch` after `prepare`. */
export const CALLS = {
  init: (e) => e.init(),
  deinit: (e) => e.deinit(),
  compute: (e, at) => e.compute(at, 8),
  eval: (e) => e.eval(0),
  execute: (e, at) => e.execute(at, 8, 0, 0, 0),
  program_start: (e, at) => e.program_start(at, 8, 0, 0, 0),
  program_step: (e) => e.program_step(1),
  program_resume: (e) => e.program_resume(0, 0, 1),
  program_state: (e) => e.program_state(),
  call_function: (e, at) => e.call_function(at + 16, 10),
  get_global: (e, at) => e.get_global(at, 1),
  set_global: (e, at) => e.set_global(at + 32, 7),
  release_value: (e) => e.release_value(1),
  run_gc: (e) => e.run_gc(),
  attach_memory_table: (e) => e.attach_memory_table(1),
  clear_io_table: (e) => e.clear_io_table(),
  ext_table_set: (e, at) => e.ext_table_set(7, at, 1, at + 48, 2),
  ext_table_delete: (e, at) => e.ext_table_delete(7, at, 1),
  ext_table_size: (e) => e.ext_table_size(7),
  ext_table_get: (e, at) => e.ext_table_get(7, at, 1, at + 64, 64),
  ext_table_keys: (e, at) => e.ext_table_keys(7, at + 64, 64),
  ext_table_new: (e) => e.ext_table_new(),
  lua_alloc: (e) => e.lua_alloc(0, e.lua_alloc(0, 0, 0, 64), 0, 0),
  get_status: (e) => e.get_status(),
  result_size: (e) => e.result_size(PART_MESSAGE),
  result_read: (e, at) => e.result_read(PART_MESSAGE, 0, at + 64, 8),
  program_ticks: (e) => e.program_ticks(),
  set_limits: (e) => e.set_limits(0, 0, 0),
  get_buffer_ptr: (e) => e.get_buffer_ptr(),
  get_buffer_size: (e) => e.get_buffer_size(),
  get_memory_stats: (e, at) => e.get_memory_stats(at + 64),
  get_heap_size: (e) => e.get_heap_size(),
  set_heap_limit: (e) => e.set_heap_limit(0),
  get_memory_table_id: (e) => e.get_memory_table_id(),
  get_io_table_id: (e) => e.get_io_table_id(),
  sync_external_table_counter: (e) => e.sync_external_table_counter(1),
  set_memory_alias_enabled: (e) => e.set_memory_alias_enabled(1),
  get_external_table_counter: (e) => e.get_external_table_counter(),
};

/** Write what the calls read. */
export function prepare(instance) {
  const at = scratch(instance);
  const put = (offset, bytes) => instance.memory.set(bytes, at + offset);
  put(0, new TextEncoder().encode('return 1'));
  // call_function("type", "x"), set_global("a", nil), and the value true.
  put(16, [4, 4, 0, 0, 0, ...new TextEncoder().encode('type'), 0]);
  put(32, [4, 1, 0, 0, 0, 97, 0]);
  put(48, [1, 1]);
}

const constant = (name) => abi.constants.find((each) => each.name === name).value;

/** The status with which an export is refused in a state, or null. */
export function refusedIn(state, name) {
  const reasons = abi.states.find((each) => each.name === state).refusals;
  const refusal = abi.refusals.find((each) => reasons.includes(each.name) && each.exports.includes(name));
  return refusal === undefined ? null : constant(refusal.status);
}
