//! Keeps the traceback of an error.

use core::ffi::c_int;

use crate::call::errors;
use crate::lua::{self, State, ffi};

/// The message handler: keeps a traceback of where the error was raised, and passes the error on as it
/// is, so that whoever asks gets the very value.
pub unsafe extern "C-unwind" fn keep_traceback(state: *mut State) -> c_int {
    unsafe extern "C-unwind" fn trace(state: *mut State) -> c_int {
        // SAFETY: Lua calls this in protected mode. Level 2 is the function that raised the error:
        // below it stand this function and the handler.
        unsafe {
            ffi::luaL_traceback(state, state, core::ptr::null(), 2);
            errors::keep_traceback(state);
        }
        0
    }
    // SAFETY: a handler has the minimal number of free slots; when there is no memory for a traceback,
    // the inner error is dropped and the outer one goes on.
    unsafe {
        if !errors::has_traceback(state, 1) {
            lua::push_function(state, trace);
            lua::pcall(state, 0, 0, 0);
            ffi::lua_settop(state, 1);
        }
    }
    1
}

/// Keeps the traceback of the thread that failed, the only argument.
///
/// # Safety
///
/// Called by Lua.
pub unsafe extern "C-unwind" fn keep_thread_traceback(state: *mut State) -> c_int {
    // SAFETY: called in protected mode with the thread that failed.
    unsafe {
        let thread = ffi::lua_tothread(state, 1);
        ffi::luaL_traceback(state, thread, core::ptr::null(), 0);
        errors::keep_traceback(state);
    }
    0
}
