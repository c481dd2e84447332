//! The Lua API for Rust: the generated bindings, and the macros of `lua.h` that bindgen cannot see.
//!
//! Every function here may raise a Lua error, which unwinds: nothing with a destructor may be alive
//! across a call, and callers run under a protected call unless they say why no error can arise.

/// The bindings that `bindgen` makes of `lua.h`, `lauxlib.h`, `lualib.h` and `vendor/glue/edits.h`.
#[allow(
    missing_docs,
    non_camel_case_types,
    non_snake_case,
    non_upper_case_globals,
    dead_code,
    clippy::all,
    clippy::undocumented_unsafe_blocks
)]
pub mod ffi {
    include!(concat!(env!("OUT_DIR"), "/bindings.rs"));
}

use core::ffi::{CStr, c_int, c_void};

pub use ffi::lua_State as State;

/// A function that Lua can call.
pub type Function = unsafe extern "C-unwind" fn(*mut State) -> c_int;

/// The index of the registry.
pub const REGISTRY: c_int = -(ffi::LUAI_MAXSTACK as c_int) - 1000;
/// The index of a running C function's upvalue `n`, from 1.
pub const fn upvalue(n: c_int) -> c_int {
    REGISTRY - n
}
/// The registry key that the address of a static is: no other code can have it.
pub fn registry_key(of: &'static u8) -> *const c_void {
    (&raw const *of).cast()
}

/// All results of a call.
pub const MULTRET: c_int = -1;
/// The call ended well.
pub const OK: c_int = ffi::LUA_OK as c_int;

/// The types of Lua values, as `lua_type` numbers them.
pub mod kind {
    use core::ffi::c_int;
    /// nil
    pub const NIL: c_int = super::ffi::LUA_TNIL as c_int;
    /// boolean
    pub const BOOLEAN: c_int = super::ffi::LUA_TBOOLEAN as c_int;
    /// number
    pub const NUMBER: c_int = super::ffi::LUA_TNUMBER as c_int;
    /// string
    pub const STRING: c_int = super::ffi::LUA_TSTRING as c_int;
    /// table
    pub const TABLE: c_int = super::ffi::LUA_TTABLE as c_int;
    /// function
    pub const FUNCTION: c_int = super::ffi::LUA_TFUNCTION as c_int;
}

/// Removes the `n` topmost values.
///
/// # Safety
///
/// `state` is a live Lua state with at least `n` values.
pub unsafe fn pop(state: *mut State, n: c_int) {
    // SAFETY: as for the caller.
    unsafe { ffi::lua_settop(state, -n - 1) }
}

/// Pushes a C function of the guest's own, which takes its arguments on trust: no Lua code ever gets it, through hooks
/// and `debug.getinfo` neither. Takes no memory.
///
/// # Safety
///
/// `state` is a live Lua state with a free stack slot.
pub unsafe fn push_function(state: *mut State, function: Function) {
    // SAFETY: as for the caller.
    unsafe {
        ffi::lp_internal(Some(function));
        ffi::lua_pushcclosure(state, Some(function), 0);
    }
}

/// Pushes a C function for Lua code, which checks its arguments. Takes no memory.
///
/// # Safety
///
/// `state` is a live Lua state with a free stack slot.
pub unsafe fn push_library_function(state: *mut State, function: Function) {
    // SAFETY: as for the caller.
    unsafe { ffi::lua_pushcclosure(state, Some(function), 0) }
}

/// Pushes a new table of the guest's own, which `debug.getlocal` does not show. May raise a memory error.
///
/// # Safety
///
/// `state` is a live Lua state with a free stack slot, inside a protected call.
pub unsafe fn push_private_table(state: *mut State, items: c_int, fields: c_int) {
    // SAFETY: as for the caller.
    unsafe {
        ffi::lua_createtable(state, items, fields);
        ffi::lp_hide(state);
    }
}

/// Pushes a string. May raise a memory error.
///
/// # Safety
///
/// `state` is a live Lua state with a free stack slot, inside a protected call.
pub unsafe fn push_bytes(state: *mut State, bytes: &[u8]) {
    // SAFETY: as for the caller; Lua copies the bytes.
    unsafe {
        ffi::lua_pushlstring(state, bytes.as_ptr().cast(), bytes.len());
    }
}

/// Calls the function below `arguments` arguments, unprotected.
///
/// # Safety
///
/// As for `lua_call`; inside a protected call.
pub unsafe fn call(state: *mut State, arguments: c_int, results: c_int) {
    // SAFETY: as for the caller.
    unsafe { ffi::lua_callk(state, arguments, results, 0, None) }
}

/// Calls the function below `arguments` arguments in protected mode and returns its status.
///
/// # Safety
///
/// As for `lua_pcall`.
pub unsafe fn pcall(state: *mut State, arguments: c_int, results: c_int, handler: c_int) -> c_int {
    // SAFETY: as for the caller.
    unsafe { ffi::lua_pcallk(state, arguments, results, handler, 0, None) }
}

/// Lets the collector run if it is due, and with it finalisers.
///
/// # Safety
///
/// `state` is a live Lua state with a free stack slot, inside a protected call.
pub unsafe fn check_collector(state: *mut State) {
    // SAFETY: as for the caller. Whatever makes an object of Lua's looks whether the collector is due.
    unsafe {
        ffi::lua_pushstring(state, c"".as_ptr());
        pop(state, 1);
    }
}

/// Pushes a userdata of `size` bytes and returns where those lie. No finaliser runs meanwhile: one could ask
/// the host for what is asked for between two requests that belong together.
///
/// # Safety
///
/// `state` is a live Lua state with three free slots, inside a protected call.
pub unsafe fn push_block(state: *mut State, size: usize) -> *mut u8 {
    unsafe extern "C-unwind" fn make(state: *mut State) -> c_int {
        // SAFETY: called in protected mode with the size.
        unsafe { ffi::lua_newuserdatauv(state, ffi::lua_tointegerx(state, 1, core::ptr::null_mut()) as usize, 0) };
        1
    }
    // SAFETY: as for the caller.
    unsafe {
        let held = ffi::lp_gc_hold(state, 1);
        push_function(state, make);
        ffi::lua_pushinteger(state, size as i64);
        let status = pcall(state, 1, 1, 0);
        ffi::lp_gc_hold(state, held);
        if status != OK {
            raise(state);
        }
        ffi::lua_touserdata(state, -1).cast()
    }
}

/// The bytes of the string at `index`; of any other value, none.
///
/// # Safety
///
/// `state` is a live Lua state; the slice is good while the string stays where it is referenced.
pub unsafe fn bytes<'a>(state: *mut State, index: c_int) -> &'a [u8] {
    let mut length = 0;
    // SAFETY: the value is a string, so that lua_tolstring converts nothing and the pointer is that of
    // its own bytes.
    unsafe {
        if ffi::lua_type(state, index) != kind::STRING {
            return &[];
        }
        let start = ffi::lua_tolstring(state, index, &mut length);
        core::slice::from_raw_parts(start.cast(), length)
    }
}

/// Raises a Lua error with a fixed text, in front of which stands where it happened.
///
/// # Safety
///
/// Inside a function that Lua called; nothing with a destructor is alive.
pub unsafe fn error(state: *mut State, text: &CStr) -> ! {
    // SAFETY: as for the caller; `%s` takes a C string.
    unsafe {
        ffi::luaL_error(state, c"%s".as_ptr(), text.as_ptr());
    }
    unreachable_error()
}

/// Raises the value on top of the stack as an error.
///
/// # Safety
///
/// As for [`error`].
pub unsafe fn raise(state: *mut State) -> ! {
    // SAFETY: as for the caller.
    unsafe {
        ffi::lua_error(state);
    }
    unreachable_error()
}

fn unreachable_error() -> ! {
    #[cfg(target_arch = "wasm32")]
    core::arch::wasm32::unreachable();
    #[cfg(not(target_arch = "wasm32"))]
    std::process::abort()
}
