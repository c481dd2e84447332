//! The exports, one function each. The shims that `exports.toml` generates call them with arguments
//! whose ranges have been checked.

use crate::abi::{self, MemoryStats, refusals};
use crate::call::limits::{self, Limits};
use crate::call::{buffer, frame, garbage, outcome, refusal};
use crate::ext::{home, host_api, ids, new_ids};
use crate::host::access;
use crate::machine;
use crate::memory;
use crate::ranges::{Bytes, BytesMut, Out};
use crate::run::compile::Mode;
use crate::run::{chunk, program, result};
use crate::values::held;

/// Starts the machine; 0, or -1 when there is not enough memory.
pub fn init() -> i32 {
    if refusal::refuse_within_import() {
        return -1;
    }
    if !machine::start() {
        refusals::NO_MEMORY.note();
        return -1;
    }
    0
}

/// Closes the machine.
pub fn deinit() {
    machine::stop();
}

/// Runs a chunk of at most the I/O buffer's size.
pub fn compute(code: Bytes) -> i32 {
    if code.len() > buffer::SIZE {
        return refusals::TOO_LONG.answer();
    }
    chunk::run(code, None, Mode::Chunk, false)
}

/// Runs the first `code_len` bytes of the I/O buffer as a console does.
pub fn eval(code_len: u32) -> i32 {
    match Bytes::new(buffer::address() as u32, code_len) {
        Some(code) if code.len() <= buffer::SIZE => chunk::run(code, None, Mode::Console, false),
        _ => refusals::TOO_LONG.answer(),
    }
}

/// Runs a chunk of any length, with a name of its own.
pub fn execute(code: Bytes, name: Bytes, flags: u32) -> i32 {
    match read_flags(flags) {
        Some((mode, arguments)) => chunk::run(code, named(name), mode, arguments),
        None => refusals::UNKNOWN_FLAG.answer(),
    }
}

/// A name, unless it is empty.
fn named(name: Bytes) -> Option<Bytes> {
    (!name.is_empty()).then_some(name)
}

/// Reads flags: the mode, and whether the code gets arguments. `None`: a flag is unknown.
fn read_flags(flags: u32) -> Option<(Mode, bool)> {
    let mode = match flags & !abi::EXECUTE_ARGUMENTS {
        0 => Mode::Chunk,
        abi::EXECUTE_CONSOLE => Mode::Console,
        _ => return None,
    };
    Some((mode, flags & abi::EXECUTE_ARGUMENTS != 0))
}

/// Compiles a program that is run in steps.
pub fn program_start(code: Bytes, name: Bytes, flags: u32) -> i32 {
    match read_flags(flags) {
        Some((mode, arguments)) => program::start(code, named(name), mode, arguments),
        None => refusals::UNKNOWN_FLAG.answer(),
    }
}

/// Runs the program for some ticks.
pub fn program_step(ticks: u32) -> i32 {
    program::step(ticks, None)
}

/// Runs the program for some ticks, with values for it.
pub fn program_resume(values: Bytes, ticks: u32) -> i32 {
    program::step(ticks, Some(values))
}

/// Returns whether there is a program, and what it waits for.
pub fn program_state() -> u32 {
    program::state()
}

/// Returns the ticks that the last step has run.
pub fn program_ticks() -> u32 {
    program::spent().try_into().unwrap_or(u32::MAX)
}

/// Returns how the last call that ran Lua ended.
pub fn get_status() -> i32 {
    outcome::status()
}

/// Returns the size of a part of the last result, in bytes.
pub fn result_size(part: u32) -> i32 {
    result::size(part)
}

/// Copies bytes of a part of the last result.
pub fn result_read(part: u32, offset: u32, to: BytesMut) -> i32 {
    result::read_into(part, offset, to)
}

/// Calls a function with arguments.
pub fn call_function(values: Bytes) -> i32 {
    chunk::run_request(access::call, values)
}

/// Reads a global, or what a path from one leads to.
pub fn get_global(path: Bytes) -> i32 {
    chunk::run_request(access::get, path)
}

/// Sets a global, or what a path from one leads to.
pub fn set_global(values: Bytes) -> i32 {
    chunk::run_request(access::set, values)
}

/// Releases a held value.
pub fn release_value(number: u32) {
    let Some(state) = frame::state() else { return refusals::NOT_RUNNING.note() };
    if !refusal::refuse_within_import() {
        // SAFETY: the state is live, with free slots between calls and inside a host function.
        unsafe { held::release(state, number) };
    }
}

/// Limits what each call may use.
pub fn set_limits(instructions: u32, milliseconds: u32, output_bytes: u32) {
    limits::set(Limits { instructions, milliseconds, output_bytes });
}

/// Returns the address of the I/O buffer.
pub fn get_buffer_ptr() -> u32 {
    buffer::address() as u32
}

/// Returns the size of the I/O buffer, in bytes.
pub fn get_buffer_size() -> u32 {
    buffer::SIZE as u32
}

/// Writes the figures of the machine's memory.
pub fn get_memory_stats(stats: Out<MemoryStats>) {
    stats.write(MemoryStats {
        io_buffer_size: buffer::SIZE as u32,
        lua_memory_used: frame::state().map_or(0, |_| memory::used()),
        wasm_pages: abi::MEMORY_PAGES,
    });
}

/// Returns the size of the heap, in bytes.
pub fn get_heap_size() -> u32 {
    frame::state().map_or_else(memory::next_size, |_| memory::size())
}

/// Limits the heap of machines that `init` makes from now on.
pub fn set_heap_limit(bytes: u32) {
    memory::limit(bytes);
}

/// Collects all garbage.
pub fn run_gc() {
    if frame::state().is_none() {
        return refusals::NOT_RUNNING.note();
    }
    garbage::collect_for_host();
}

/// Makes an external table the global `_home`.
pub fn attach_memory_table(table_id: u32) {
    if frame::state().is_none() {
        return refusals::NOT_RUNNING.note();
    }
    if table_id == 0 {
        return refusals::NO_TABLE.note();
    }
    home::attach(table_id);
}

/// Returns the id of the external table that is `_home`.
pub fn get_memory_table_id() -> u32 {
    ids::home()
}

/// Returns the id of the external table that is `_io`.
pub fn get_io_table_id() -> u32 {
    ids::io()
}

/// Deletes every entry of `_io`; 0, or -1 if the host fails.
pub fn clear_io_table() -> i32 {
    if frame::state().is_none() {
        refusals::NOT_RUNNING.note();
        return -1;
    }
    refusal::forget();
    home::clear_io()
}

/// Keeps new external tables from getting an id below `next_id`.
pub fn sync_external_table_counter(next_id: u32) {
    ids::sync_counter(next_id);
}

/// Switches the alias `Memory` of `_home`.
pub fn set_memory_alias_enabled(enabled: i32) {
    home::set_alias(enabled != 0);
}

/// Allocates, resizes or frees memory for the host, as Lua's allocator does: `_old_size` is ignored, as documented.
pub fn lua_alloc(_user_data: u32, block: u32, _old_size: u32, new_size: u32) -> u32 {
    if frame::state().is_none() {
        refusals::NOT_RUNNING.note();
        return 0;
    }
    memory::allocate_for_host(block, new_size)
}

/// Returns the id that the next new external table gets.
pub fn get_external_table_counter() -> u32 {
    ids::next()
}

/// Takes an id for a new external table; 0 if there is none.
pub fn ext_table_new() -> u32 {
    if frame::state().is_none() {
        refusals::NOT_RUNNING.note();
        return 0;
    }
    refusal::forget();
    new_ids::new_id_for_host()
}

/// Stores a serialized value under a key's form.
pub fn ext_table_set(table_id: u32, key: Bytes, value: Bytes) -> i32 {
    host_api::set(table_id, key, value)
}

/// Copies a serialized value.
pub fn ext_table_get(table_id: u32, key: Bytes, value: BytesMut) -> i32 {
    host_api::get(table_id, key, value)
}

/// Deletes a key.
pub fn ext_table_delete(table_id: u32, key: Bytes) -> i32 {
    host_api::delete(table_id, key)
}

/// Counts entries.
pub fn ext_table_size(table_id: u32) -> i32 {
    host_api::size(table_id)
}

/// Lists keys.
pub fn ext_table_keys(table_id: u32, buffer: BytesMut) -> i32 {
    host_api::keys(table_id, buffer)
}
