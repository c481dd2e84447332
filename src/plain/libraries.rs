//! Names Lua's libraries and their functions, and finds them by name.

use core::ffi::{CStr, c_int};

use crate::lua::{self, State, ffi, kind};

/// The libraries whose tables and functions are known by name.
pub const LIBRARIES: [&[u8]; 11] =
    [b"_G", b"coroutine", b"debug", b"ext", b"io", b"math", b"os", b"package", b"string", b"table", b"utf8"];

/// The name of the table of loaded libraries.
pub const LOADED: &[u8] = b"package.loaded";

/// Pushes a library; `false` if there is none of that name, and nothing was pushed.
///
/// # Safety
///
/// Inside a protected call, with three free slots.
pub unsafe fn push_loaded(state: *mut State, name: &[u8]) -> bool {
    let top = ffi::lua_gettop(state);
    let known = name == LOADED || LIBRARIES.contains(&name);
    if known && ffi::lua_getfield(state, lua::REGISTRY, c"_LOADED".as_ptr()) == kind::TABLE {
        if name == LOADED {
            return true;
        }
        lua::push_bytes(state, name);
        if ffi::lua_rawget(state, top + 1) == kind::TABLE {
            ffi::lua_copy(state, -1, top + 1);
            ffi::lua_settop(state, top + 1);
            return true;
        }
    }
    ffi::lua_settop(state, top);
    false
}

/// Pushes the name by which a library knows the function at `index`, as `string.format`; `false` if
/// none does.
///
/// # Safety
///
/// Inside a protected call.
pub unsafe fn push_library_name(state: *mut State, index: c_int) -> bool {
    // SAFETY: as for the caller; the walk over a library changes nothing.
    unsafe {
        let index = ffi::lua_absindex(state, index);
        let top = ffi::lua_gettop(state);
        ffi::luaL_checkstack(state, 8, core::ptr::null());
        for library in LIBRARIES {
            if !push_loaded(state, library) || ffi::lp_ext_id(state, -1) != 0 {
                ffi::lua_settop(state, top);
                continue;
            }
            ffi::lua_pushnil(state);
            while ffi::lua_next(state, top + 1) != 0 {
                if ffi::lua_rawequal(state, -1, index) != 0 && ffi::lua_type(state, -2) == kind::STRING {
                    lua::pop(state, 1);
                    if library != b"_G" {
                        lua::push_bytes(state, library);
                        lua::push_bytes(state, b".");
                        ffi::lua_rotate(state, -3, -1);
                        ffi::lua_concat(state, 3);
                    }
                    ffi::lua_copy(state, -1, top + 1);
                    ffi::lua_settop(state, top + 1);
                    return true;
                }
                lua::pop(state, 1);
            }
            ffi::lua_settop(state, top);
        }
        false
    }
}

/// Pushes the function that a library has under a name, as [`push_library_name`] gives it. Raises an
/// error if there is none.
///
/// # Safety
///
/// Inside a protected call, with a few free slots.
pub unsafe fn push_library_function(state: *mut State, name: &[u8]) {
    let dot = name.iter().position(|&b| b == b'.');
    let (library, field) = match dot {
        Some(dot) => (&name[..dot], &name[dot + 1..]),
        None => (&b"_G"[..], name),
    };
    let top = ffi::lua_gettop(state);
    if push_loaded(state, library) {
        lua::push_bytes(state, field);
        if ffi::lua_rawget(state, top + 1) == kind::FUNCTION {
            ffi::lua_copy(state, -1, top + 1);
            return ffi::lua_settop(state, top + 1);
        }
    }
    missing(state, c"function", name)
}

/// Pushes a library by name. Raises an error if there is none.
///
/// # Safety
///
/// Inside a protected call, with a few free slots.
pub unsafe fn push_library(state: *mut State, name: &[u8]) {
    if !push_loaded(state, name) {
        missing(state, c"library", name);
    }
}

unsafe fn missing(state: *mut State, what: &CStr, name: &[u8]) -> ! {
    lua::push_bytes(state, name);
    ffi::luaL_error(
        state,
        c"an external table refers to the %s '%s', which this machine does not have".as_ptr(),
        what.as_ptr(),
        ffi::lua_tolstring(state, -1, core::ptr::null_mut()),
    );
    lua::raise(state)
}
