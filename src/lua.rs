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
pub const REGISTRY: c_int = ffi::LP_REGISTRY as c_int;
/// The index of a running C function's upvalue `n`, from 1.
pub const fn upvalue(n: c_int) -> c_int {
    REGISTRY - n
}
/// Uses the address of a static as a registry key, which no other code can have.
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
    ffi::lua_settop(state, -n - 1)
}

/// Pushes a C function of the guest's own, which takes its arguments on trust: no Lua code ever gets it, through hooks
/// and `debug.getinfo` neither. Takes no memory.
///
/// # Safety
///
/// `state` is a live Lua state with a free stack slot.
pub unsafe fn push_function(state: *mut State, function: Function) {
    ffi::lp_internal(Some(function));
    ffi::lua_pushcclosure(state, Some(function), 0);
}

/// Pushes a C function for Lua code, which checks its arguments. Takes no memory.
///
/// # Safety
///
/// `state` is a live Lua state with a free stack slot.
pub unsafe fn push_library_function(state: *mut State, function: Function) {
    ffi::lua_pushcclosure(state, Some(function), 0)
}

/// Pushes a new table of the guest's own, which `debug.getlocal` does not show. May raise a memory error.
///
/// # Safety
///
/// `state` is a live Lua state with a free stack slot, inside a protected call.
pub unsafe fn push_private_table(state: *mut State, items: c_int, fields: c_int) {
    ffi::lua_createtable(state, items, fields);
    ffi::lp_hide(state);
}

/// Pushes a new table that holds its keys or values weakly.
///
/// # Safety
///
/// Inside a protected call, with three free slots.
pub unsafe fn push_weak_table(state: *mut State, mode: &CStr) {
    push_private_table(state, 0, 0);
    push_private_table(state, 0, 1);
    ffi::lua_pushstring(state, mode.as_ptr());
    ffi::lua_setfield(state, -2, c"__mode".as_ptr());
    ffi::lua_setmetatable(state, -2);
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
    ffi::lua_callk(state, arguments, results, 0, None)
}

/// Calls the function below `arguments` arguments in protected mode and returns its status.
///
/// # Safety
///
/// As for `lua_pcall`.
pub unsafe fn pcall(state: *mut State, arguments: c_int, results: c_int, handler: c_int) -> c_int {
    ffi::lua_pcallk(state, arguments, results, handler, 0, None)
}

/// Runs a function in protected mode on an empty part of the stack; `false` if it raised an error.
///
/// # Safety
///
/// `state` is a live state, between calls of Lua.
pub unsafe fn protected(state: *mut State, function: Function) -> bool {
    // SAFETY: as for the caller; a light function takes no memory to push.
    unsafe {
        let top = ffi::lua_gettop(state);
        push_function(state, function);
        let status = pcall(state, 0, 0, 0);
        ffi::lua_settop(state, top);
        status == OK
    }
}

/// Runs the collector if it is due, and with it finalizers.
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

/// Pushes a userdata of `size` bytes and returns their address. The collector is held meanwhile: a finalizer could
/// issue a request between two requests that belong together.
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

/// Returns the bytes of the string at `index`, and none of any other value.
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
    ffi::lua_error(state);
    unreachable_error()
}

fn unreachable_error() -> ! {
    #[cfg(target_arch = "wasm32")]
    core::arch::wasm32::unreachable();
    #[cfg(not(target_arch = "wasm32"))]
    std::process::abort()
}
