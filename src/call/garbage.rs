//! Collects garbage, and keeps it from being collected.

use core::ffi::c_int;

use crate::call::frame::{self, Frame};
use crate::call::{limits, refusal};
use crate::lua::{self, State, ffi};
use crate::memory;

/// Collects all garbage for the host.
pub fn collect_for_host() {
    let Some(frame) = frame::current() else { return };
    if !refusal::refuse_within_import() {
        collect_within_limits(frame);
    }
}

/// Collects all garbage within the limits of a call, which do not count the size of the heap.
pub fn collect_within_limits(frame: Frame) {
    limits::limited(|| {
        if !frame.nested {
            limits::begin_collecting(memory::used());
        }
        // SAFETY: the state is live.
        unsafe { collect(frame.state) }
    });
}

/// Collects all garbage. A finalizer's error ends in a warning.
///
/// # Safety
///
/// Between calls of Lua.
pub unsafe fn collect(state: *mut State) {
    unsafe extern "C-unwind" fn full(state: *mut State) -> c_int {
        ffi::lua_gc(state, ffi::LUA_GCCOLLECT as c_int);
        0
    }
    lua::protected(state, full);
}

/// Calls a function without arguments or results while the collector is held: finalizers would run outside the limits
/// of a call. The status; an error is on top.
///
/// # Safety
///
/// Between calls of Lua.
pub unsafe fn quietly(state: *mut State, function: lua::Function) -> c_int {
    let held = ffi::lp_gc_hold(state, 1);
    lua::push_function(state, function);
    let status = frame::occupied(|| lua::pcall(state, 0, 0, 0));
    ffi::lp_gc_hold(state, held);
    status
}
