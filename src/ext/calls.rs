//! Begins and ends a call for external tables: forgets what was read, and stores the variables that stored functions
//! changed.

use core::ffi::c_int;

use crate::call::{frame, garbage};
use crate::ext::{changes, load, requests, variables, walk};
use crate::lua::{self, State, ffi};

/// Forgets what was read within a call: the host may change tables before the next. The status; an
/// error is on top.
///
/// # Safety
///
/// `state` is a live state with a few free slots, between calls of Lua.
pub unsafe fn begin(state: *mut State) -> c_int {
    requests::forget_kept();
    ffi::lp_ext_forget();
    walk::resume();
    if variables::any(state) {
        let status = garbage::quietly(state, variables::hold_all);
        if status != lua::OK {
            return status;
        }
    }
    load::settle_all(state);
    lua::OK
}

/// Forgets what the host may change while one of its functions runs.
pub fn begin_nested() {
    requests::forget_kept();
    // SAFETY: this only counts up.
    unsafe { ffi::lp_ext_forget() };
}

/// Stores what stored functions have changed in their variables, inside a call that goes on. The status; an error
/// is on top.
///
/// # Safety
///
/// As for [`end`].
pub unsafe fn store(state: *mut State) -> c_int {
    unsafe extern "C-unwind" fn collect_dead(state: *mut State) -> c_int {
        // The collector is not held here: it would do nothing.
        variables::collect_dead(state, || {
            if let Some(frame) = frame::current() {
                garbage::collect_within_limits(frame);
            }
        });
        0
    }
    if !variables::any(state) {
        return lua::OK;
    }
    let status = garbage::quietly(state, changes::store_changes);
    if status == lua::OK {
        lua::protected(state, collect_dead);
    }
    status
}

/// Stores what stored functions have changed in their variables, and pauses walks. The status; an error is on top.
///
/// # Safety
///
/// `state` is a live state with a few free slots.
pub unsafe fn end(state: *mut State) -> c_int {
    walk::pause(state);
    let status = store(state);
    requests::forget_kept();
    variables::release(state);
    status
}
