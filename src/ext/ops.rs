//! The operations on external tables, as functions that the interpreter calls.

use core::ffi::c_int;

use super::key;
use crate::abi::{self, imports};
use crate::codec::{self, Window};
use crate::lua::{self, State, ffi, kind};
use crate::machine::Single;

/// Room for one encoded value of the documented size.
const ROOM: usize = abi::VALUE_LIMIT as usize + 8;

static VALUE: Single<[u8; ROOM]> = Single::new([0; ROOM]);

/// Tells the interpreter which functions do the work.
///
/// # Safety
///
/// No external table exists yet.
pub unsafe fn install() {
    let operations = ffi::lp_ext_Operations {
        index: Some(index),
        newindex: Some(newindex),
        rawget: Some(rawget),
        rawset: Some(rawset),
        length: Some(length),
        next: Some(next),
    };
    // SAFETY: the struct is copied before the call returns.
    unsafe { ffi::lp_ext_operations(&raw const operations) }
}

/// `t[k]`, with `__index` for what is not there.
unsafe extern "C-unwind" fn index(state: *mut State) -> c_int {
    // SAFETY: the interpreter passes an external table and a key, in protected mode.
    unsafe {
        get(state);
        if ffi::lua_type(state, -1) != kind::NIL
            || ffi::luaL_getmetafield(state, 1, c"__index".as_ptr()) == kind::NIL
        {
            return 1;
        }
        if ffi::lua_type(state, -1) == kind::FUNCTION {
            ffi::lua_pushvalue(state, 1);
            ffi::lua_pushvalue(state, 2);
            lua::call(state, 2, 1);
        } else {
            ffi::lua_pushvalue(state, 2);
            ffi::lua_gettable(state, -2);
        }
    }
    1
}

/// `t[k] = v`, with `__newindex` for a key that is not there.
unsafe extern "C-unwind" fn newindex(state: *mut State) -> c_int {
    // SAFETY: the interpreter passes an external table, a key and a value, in protected mode.
    unsafe {
        if ffi::luaL_getmetafield(state, 1, c"__newindex".as_ptr()) == kind::NIL {
            return rawset(state);
        }
        get(state);
        if ffi::lua_type(state, -1) != kind::NIL {
            ffi::lua_settop(state, 3);
            return rawset(state);
        }
        lua::pop(state, 1);
        if ffi::lua_type(state, -1) == kind::FUNCTION {
            for argument in 1..=3 {
                ffi::lua_pushvalue(state, argument);
            }
            lua::call(state, 3, 0);
        } else {
            ffi::lua_pushvalue(state, 2);
            ffi::lua_pushvalue(state, 3);
            ffi::lua_settable(state, -3);
        }
    }
    0
}

/// `rawget(t, k)`.
unsafe extern "C-unwind" fn rawget(state: *mut State) -> c_int {
    // SAFETY: the interpreter passes an external table and a key, in protected mode.
    unsafe { get(state) };
    1
}

/// Pushes what the table at index 1 holds under the key at index 2.
unsafe fn get(state: *mut State) {
    // SAFETY: as for `rawget`; nobody else uses the room while the value is copied from it.
    unsafe {
        if matches!(ffi::lua_type(state, 2), kind::NIL) {
            return ffi::lua_pushnil(state);
        }
        let id = ffi::lp_ext_id(state, 1);
        let key = key::encode(state, 2);
        let room = &mut *VALUE.get();
        let length = imports::ext_table_get(id, key.bytes(), room);
        match length {
            -1 => ffi::lua_pushnil(state),
            imports::EXT_TABLE_GET_THREW => lua::error(state, c"the host failed to read an external table"),
            n if n < 0 => {
                ffi::luaL_error(state, c"the value has %d bytes, which is more than an external table holds".as_ptr(), n.wrapping_neg());
            }
            n => match room.get(..n as usize) {
                Some(bytes) if codec::push_plain(state, bytes) => {}
                _ => lua::error(state, c"the host returned a value that is damaged"),
            },
        }
    }
}

/// `rawset(t, k, v)`.
unsafe extern "C-unwind" fn rawset(state: *mut State) -> c_int {
    // SAFETY: the interpreter passes an external table, a key and a value, in protected mode.
    unsafe {
        let id = ffi::lp_ext_id(state, 1);
        let key = key::encode(state, 2);
        let result = if ffi::lua_type(state, 3) == kind::NIL {
            imports::ext_table_delete(id, key.bytes())
        } else {
            let room = &mut *VALUE.get();
            let mut window = Window::new(room, 0);
            if !codec::write_plain(state, 3, &mut window) {
                ffi::luaL_error(
                    state,
                    c"cannot store a %s in an external table".as_ptr(),
                    ffi::lua_typename(state, ffi::lua_type(state, 3)),
                );
            }
            let size = window.position();
            match (*VALUE.get()).get(..size) {
                Some(bytes) => imports::ext_table_set(id, key.bytes(), bytes),
                None => {
                    ffi::luaL_error(
                        state,
                        c"a value of an external table has at most %d bytes, this one has %d".as_ptr(),
                        abi::VALUE_LIMIT as c_int,
                        size as c_int,
                    );
                    -1
                }
            }
        };
        if result != 0 {
            lua::error(state, c"the host failed to change an external table");
        }
    }
    0
}

/// `#t`: a border, found by doubling and halving.
unsafe extern "C-unwind" fn length(state: *mut State) -> c_int {
    // SAFETY: the interpreter passes an external table, in protected mode.
    unsafe {
        let present = |n: i64| {
            ffi::lua_settop(state, 1);
            ffi::lua_pushinteger(state, n);
            get(state);
            ffi::lua_type(state, -1) != kind::NIL
        };
        let (mut low, mut high) = (0i64, 1i64);
        while present(high) {
            low = high;
            high = high.saturating_mul(2);
            if high == i64::MAX {
                break;
            }
        }
        while high - low > 1 {
            let middle = low + (high - low) / 2;
            if present(middle) {
                low = middle;
            } else {
                high = middle;
            }
        }
        ffi::lua_pushinteger(state, low);
    }
    1
}

/// `next(t, k)`.
unsafe extern "C-unwind" fn next(state: *mut State) -> c_int {
    // SAFETY: Lua calls this in protected mode.
    unsafe { lua::error(state, c"cannot walk an external table") }
}

/// Deletes every entry of `_io`.
pub unsafe extern "C-unwind" fn clear_io(_: *mut State) -> c_int {
    0
}
