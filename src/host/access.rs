//! Global variables and functions for the host, by name or by a path of fields, as `string.format`.

use core::ffi::{CStr, c_int};

use crate::lua::{self, State, ffi, kind};
use crate::ranges::Bytes;
use crate::values::read::Reader;

/// Slots that a value and the path to it take.
const SLOTS: c_int = 8;

/// What the host sent: the bytes that the only argument points at. They may lie in the I/O buffer.
unsafe fn sent<'a>(state: *mut State) -> &'a [u8] {
    // SAFETY: `run_request` passes a pointer to a range that outlives the call.
    unsafe { (*ffi::lua_touserdata(state, 1).cast::<Bytes>()).as_slice() }
}

/// Pushes all values that the host sent and returns how many there are; they stand from index 3 on. No
/// finaliser runs meanwhile, which could print into the buffer that they are read from.
unsafe fn push_sent(state: *mut State) -> c_int {
    unsafe extern "C-unwind" fn read(state: *mut State) -> c_int {
        // SAFETY: `push_sent` passes what the host sent.
        unsafe { Reader::new(state, sent(state)).push_all() }
    }
    // SAFETY: as for `call`.
    unsafe {
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
}

/// Returns the values that were sent.
///
/// # Safety
///
/// Called with a pointer to what the host sent, as through `run_request`.
pub unsafe extern "C-unwind" fn values(state: *mut State) -> c_int {
    // SAFETY: as for the caller.
    unsafe { push_sent(state) }
}

/// Calls the function that is the first of the values sent, or that their first names, with the others.
///
/// # Safety
///
/// Called by Lua through `run_request`.
pub unsafe extern "C-unwind" fn call(state: *mut State) -> c_int {
    // SAFETY: as for the caller.
    unsafe {
        let count = push_sent(state);
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
}

/// Raises an error that names the path, the string at index 2, if the value on top cannot be called.
unsafe fn check_callable(state: *mut State) {
    // SAFETY: as for `call`.
    unsafe {
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
        let path = sent(state);
        lua::push_bytes(state, path);
        ffi::lp_gc_hold(state, held);
        push_path(state, lua::bytes(state, 2));
    }
    1
}

/// Sets what the first of the values sent names to the second.
///
/// # Safety
///
/// Called by Lua through `run_request`.
pub unsafe extern "C-unwind" fn set(state: *mut State) -> c_int {
    // SAFETY: as for the caller.
    unsafe {
        if push_sent(state) != 2 || ffi::lua_type(state, 2) != kind::STRING {
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
    }
    0
}

unsafe fn push_globals(state: *mut State) {
    // SAFETY: as for `call`.
    unsafe {
        ffi::lua_rawgeti(state, lua::REGISTRY, i64::from(ffi::LUA_RIDX_GLOBALS));
    }
}

/// Pushes what a path from the globals leads to. The path lies in a string on the stack.
unsafe fn push_path(state: *mut State, path: &[u8]) {
    // SAFETY: as for `call`.
    unsafe {
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
}

/// Raises an error that names the path to the value on top if that has no fields.
unsafe fn check_fields(state: *mut State, path: &[u8]) {
    const TEXT: &CStr = c"'%s' is a %s value: it has no fields";
    // SAFETY: as for `call`.
    unsafe {
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
}
