//! Reads, sets and calls globals for the host, by name or by a path of fields, as `string.format`.

use core::ffi::{CStr, c_int};

use crate::lua::{self, State, ffi, kind};
use crate::values::sent;

/// Slots that a value and the path to it take.
const SLOTS: c_int = 8;

/// Calls the function that is the first of the sent::values sent, or that their first names, with the others.
///
/// # Safety
///
/// Called by Lua through `run_request`.
pub unsafe extern "C-unwind" fn call(state: *mut State) -> c_int {
    let count = sent::push(state);
    if count == 0 {
        lua::error(state, c"there is no function to call");
    }
    ffi::luaL_checkstack(state, SLOTS, c"call".as_ptr());
    if ffi::lua_type(state, 2) == kind::STRING {
        push_path(state, lua::bytes(state, 2));
        check_callable(state);
        ffi::lua_copy(state, -1, 2);
        lua::pop(state, 1);
    }
    lua::call(state, count - 1, lua::MULTRET);
    ffi::lua_gettop(state) - 1
}

/// Raises an error that names the path, the string at index 2, if the value on top cannot be called.
unsafe fn check_callable(state: *mut State) {
    if ffi::lua_type(state, -1) == kind::FUNCTION {
        return;
    }
    if ffi::luaL_getmetafield(state, -1, c"__call".as_ptr()) != kind::NIL {
        return lua::pop(state, 1);
    }
    ffi::luaL_error(
        state,
        c"attempt to call a %s value (global '%s')".as_ptr(),
        ffi::lua_typename(state, ffi::lua_type(state, -1)),
        ffi::lua_tolstring(state, 2, core::ptr::null_mut()),
    );
}

/// Returns what the path that was sent leads to.
///
/// # Safety
///
/// Called by Lua through `run_request`.
pub unsafe extern "C-unwind" fn get(state: *mut State) -> c_int {
    // SAFETY: as for the caller. The path is copied before anything else happens.
    unsafe {
        ffi::luaL_checkstack(state, SLOTS, c"path".as_ptr());
        let held = ffi::lp_gc_hold(state, 1);
        let path = sent::bytes(state);
        lua::push_bytes(state, path);
        ffi::lp_gc_hold(state, held);
        push_path(state, lua::bytes(state, 2));
    }
    1
}

/// Sets what the first of the sent::values sent names to the second.
///
/// # Safety
///
/// Called by Lua through `run_request`.
pub unsafe extern "C-unwind" fn set(state: *mut State) -> c_int {
    if sent::push(state) != 2 || ffi::lua_type(state, 2) != kind::STRING {
        lua::error(state, c"what is to be set has to be a string, the path, and one value");
    }
    ffi::luaL_checkstack(state, SLOTS, c"path".as_ptr());
    let path = lua::bytes(state, 2);
    let last = path.iter().rposition(|&byte| byte == b'.');
    match last {
        Some(dot) => {
            push_path(state, &path[..dot]);
            check_fields(state, &path[..dot]);
        }
        None => push_globals(state),
    }
    lua::push_bytes(state, &path[last.map_or(0, |dot| dot + 1)..]);
    ffi::lua_pushvalue(state, 3);
    ffi::lua_settable(state, -3);
    0
}

unsafe fn push_globals(state: *mut State) {
    ffi::lua_rawgeti(state, lua::REGISTRY, i64::from(ffi::LUA_RIDX_GLOBALS));
}

/// Pushes what a path from the globals leads to. The path lies in a string on the stack.
unsafe fn push_path(state: *mut State, path: &[u8]) {
    push_globals(state);
    let mut start = 0;
    for name in path.split(|&byte| byte == b'.') {
        if start > 0 {
            check_fields(state, &path[..start - 1]);
        }
        lua::push_bytes(state, name);
        ffi::lua_gettable(state, -2);
        ffi::lua_rotate(state, -2, -1);
        lua::pop(state, 1);
        start += name.len() + 1;
    }
}

/// Raises an error that names the path to the value on top if that has no fields.
unsafe fn check_fields(state: *mut State, path: &[u8]) {
    const TEXT: &CStr = c"'%s' is a %s value: it has no fields";
    if ffi::lua_type(state, -1) == kind::TABLE {
        return;
    }
    if ffi::luaL_getmetafield(state, -1, c"__index".as_ptr()) != kind::NIL {
        return lua::pop(state, 1);
    }
    let kind = ffi::lua_type(state, -1);
    lua::push_bytes(state, path);
    ffi::luaL_error(
        state,
        TEXT.as_ptr(),
        ffi::lua_tolstring(state, -1, core::ptr::null_mut()),
        ffi::lua_typename(state, kind),
    );
}
