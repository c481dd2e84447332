//! Runs a chunk from its source to its result.

use core::ffi::c_int;

use crate::call::frame::Frame;
use crate::lua::{self, State, ffi};
use crate::ranges::Bytes;
use crate::run::compile::Mode;
use crate::run::{entry, traceback};

/// Calls the chunk that is the only argument with the elements of the global `arg`.
unsafe extern "C-unwind" fn call_with_arguments(state: *mut State) -> c_int {
    // SAFETY: `run` passes the compiled chunk, in protected mode.
    unsafe {
        let count = push_arguments(state);
        lua::call(state, count, lua::MULTRET);
        ffi::lua_gettop(state)
    }
}

/// Pushes the elements of the global `arg` and returns how many those are; none if it is no table.
///
/// # Safety
///
/// Inside a protected call, with two free slots.
pub unsafe fn push_arguments(state: *mut State) -> c_int {
    // SAFETY: the callers run in protected mode, with two free slots.
    unsafe {
        if ffi::lua_getglobal(state, c"arg".as_ptr()) != lua::kind::TABLE {
            lua::pop(state, 1);
            return 0;
        }
        let table = ffi::lua_gettop(state);
        let count = ffi::luaL_len(state, table).clamp(0, i64::from(c_int::MAX)) as c_int;
        ffi::luaL_checkstack(state, count.saturating_add(2), c"too many arguments".as_ptr());
        for n in 1..=i64::from(count) {
            ffi::lua_geti(state, table, n);
        }
        ffi::lua_rotate(state, table, -1);
        lua::pop(state, 1);
        count
    }
}

/// Runs a chunk and leaves its result in the I/O buffer. `arguments`: it gets the elements of the global `arg`. Returns
/// what `compute` returns.
pub fn run(code: Bytes, name: Option<Bytes>, mode: Mode, arguments: bool) -> i32 {
    let frame = match entry::begin() {
        Ok(frame) if !code.is_empty() => frame,
        Ok(_) => return 0,
        Err(answer) => return answer,
    };
    let state = frame.state;
    // SAFETY: the state is live and the frame's part of the stack empty, so that the few slots used here are
    // free. Nothing has a destructor.
    unsafe {
        lua::push_function(state, traceback::keep_traceback);
        let (mut status, mut limit) = entry::load_chunk(frame, code, name, mode);
        if status == lua::OK {
            if arguments {
                lua::push_function(state, call_with_arguments);
                ffi::lua_rotate(state, -2, 1);
            }
            (status, limit) = run_protected(frame, c_int::from(arguments));
        }
        ffi::lua_rotate(state, frame.at(1), -1);
        lua::pop(state, 1);
        entry::end(frame, status, limit, mode)
    }
}

/// Calls the function below `arguments` arguments under the handler that is the first value of the call.
/// Returns the status, and that of the limit that was reached.
unsafe fn run_protected(frame: Frame, arguments: c_int) -> (c_int, i32) {
    entry::begin_running(frame);
    let status = lua::pcall(frame.state, arguments, lua::MULTRET, frame.at(1));
    (status, entry::end_running(frame))
}

/// Runs a function that reads what the host sent, which it gets as a pointer, and leaves what it returns as
/// the result. Returns what `compute` returns.
pub fn run_request(function: lua::Function, sent: Bytes) -> i32 {
    let frame = match entry::begin() {
        Ok(frame) => frame,
        Err(answer) => return answer,
    };
    let mut sent = sent;
    // SAFETY: as for `run`; what is pointed at outlives the call.
    unsafe {
        lua::push_function(frame.state, traceback::keep_traceback);
        lua::push_function(frame.state, function);
        ffi::lua_pushlightuserdata(frame.state, (&raw mut sent).cast());
        let (status, limit) = run_protected(frame, 1);
        ffi::lua_rotate(frame.state, frame.at(1), -1);
        lua::pop(frame.state, 1);
        entry::end(frame, status, limit, Mode::Chunk)
    }
}
