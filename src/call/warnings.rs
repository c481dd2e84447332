//! Sends Lua's warnings to the output, switched by `warn("@on")` and `warn("@off")`.

use core::ffi::{CStr, c_char, c_int, c_void};

use crate::call::output;
use crate::cell::Global;
use crate::lua::{State, ffi};

/// Whether warnings are shown.
static IS_ON: Global<bool> = Global::new(false);

/// Whether the next piece belongs to the warning before.
static CONTINUES: Global<bool> = Global::new(false);

/// Makes Lua warn here.
///
/// # Safety
///
/// `state` is a live Lua state.
pub unsafe fn open(state: *mut State) {
    // SAFETY: as for the caller; the function keeps lua_WarnFunction's contract.
    unsafe { ffi::lua_setwarnf(state, Some(warn), core::ptr::null_mut()) };
}

unsafe extern "C-unwind" fn warn(_: *mut c_void, text: *const c_char, more: c_int) {
    // SAFETY: Lua passes a C string.
    let text = unsafe { CStr::from_ptr(text) }.to_bytes();
    let first = !CONTINUES.replace(more != 0);
    if first && more == 0 && text.first() == Some(&b'@') {
        match text {
            b"@on" => IS_ON.set(true),
            b"@off" => IS_ON.set(false),
            _ => {}
        }
    } else if IS_ON.get() {
        if first {
            output::write(b"Lua warning: ");
        }
        output::write(text);
        if more == 0 {
            output::write(b"\n");
        }
    }
}
