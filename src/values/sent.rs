//! Reads the values that the host sent with a call, which may lie in the I/O buffer.

use core::ffi::c_int;

use crate::lua::{self, State, ffi};
use crate::ranges::Bytes;
use crate::values::read::Reader;

/// Returns the bytes that the host sent: the only argument points at them. They may lie in the I/O buffer.
///
/// # Safety
///
/// As for [`values`].
pub unsafe fn bytes<'a>(state: *mut State) -> &'a [u8] {
    // SAFETY: `run_request` passes a pointer to a range that outlives the call.
    unsafe { (*ffi::lua_touserdata(state, 1).cast::<Bytes>()).as_slice() }
}

/// Pushes all values that the host sent and returns how many there are; they stand from index 3 on. No
/// finalizer runs meanwhile, which could print into the buffer that they are read from.
///
/// # Safety
///
/// As for [`values`].
pub unsafe fn push(state: *mut State) -> c_int {
    unsafe extern "C-unwind" fn read(state: *mut State) -> c_int {
        // SAFETY: `push_sent` passes what the host sent.
        unsafe { Reader::new(state, bytes(state)).push_all() }
    }
    let held = ffi::lp_gc_hold(state, 1);
    lua::push_function(state, read);
    ffi::lua_pushvalue(state, 1);
    let status = lua::pcall(state, 1, lua::MULTRET, 0);
    ffi::lp_gc_hold(state, held);
    if status != lua::OK {
        lua::raise(state);
    }
    ffi::lua_gettop(state) - 1
}

/// Returns the values that were sent.
///
/// # Safety
///
/// Called with a pointer to what the host sent, as through `run_request`.
pub unsafe extern "C-unwind" fn values(state: *mut State) -> c_int {
    push(state)
}
