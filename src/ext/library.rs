//! The library `ext`.

use core::ffi::{CStr, c_int};

use crate::call::limits;
use crate::ext::{collect, ids, load, new_ids, requests, walk};
use crate::lua::{self, State, ffi, kind};

const FUNCTIONS: [(&CStr, lua::Function); 5] =
    [(c"attach", attach), (c"collect", collect::collect), (c"id", id), (c"size", size), (c"table", table)];

/// Makes the library, as the global `ext` and among the loaded modules.
///
/// # Safety
///
/// Inside a protected call.
pub unsafe fn open(state: *mut State) {
    ffi::lua_createtable(state, 0, FUNCTIONS.len() as c_int);
    for (name, function) in FUNCTIONS {
        lua::push_library_function(state, function);
        ffi::lua_setfield(state, -2, name.as_ptr());
    }
    ffi::lua_getfield(state, lua::REGISTRY, c"_LOADED".as_ptr());
    ffi::lua_pushvalue(state, -2);
    ffi::lua_setfield(state, -2, c"ext".as_ptr());
    lua::pop(state, 1);
    ffi::lua_setglobal(state, c"ext".as_ptr());
}

/// `ext.table([initial])`: a new external table, with the entries and the metatable of another.
unsafe extern "C-unwind" fn table(state: *mut State) -> c_int {
    ffi::lua_settop(state, 1);
    if ffi::lua_type(state, 1) != kind::NIL {
        ffi::luaL_checktype(state, 1, kind::TABLE);
    }
    let id = new_ids::take_id(state);
    load::push_table(state, id);
    if ffi::lua_type(state, 1) == kind::TABLE {
        lua::push_function(state, fill);
        ffi::lua_pushvalue(state, 2);
        ffi::lua_pushvalue(state, 1);
        if lua::pcall(state, 2, 0, 0) != lua::OK {
            // The entries that were copied are not left behind.
            walk::drop_quietly(id);
            ffi::lp_ext_forget();
            lua::raise(state);
        }
    }
    1
}

/// Copies the entries of the table at index 2 to the one at index 1.
unsafe extern "C-unwind" fn fill(state: *mut State) -> c_int {
    // SAFETY: `table` calls this in protected mode.
    unsafe {
        ffi::lua_pushnil(state);
        while ffi::lua_next(state, 2) != 0 {
            limits::charge(state);
            ffi::lua_pushvalue(state, -2);
            ffi::lua_rotate(state, -2, 1);
            ffi::lua_rawset(state, 1);
        }
        if ffi::lua_getmetatable(state, 2) != 0 {
            ffi::lua_setmetatable(state, 1);
        }
    }
    0
}

/// The number of the external table that is argument 1; raises an error for anything else.
unsafe fn check(state: *mut State) -> u32 {
    ffi::luaL_checkany(state, 1);
    let id = ffi::lp_ext_id(state, 1);
    if id == 0 {
        ffi::luaL_typeerror(state, 1, c"external table".as_ptr());
    }
    id
}

/// `ext.id(t)`: the number of an external table; nil for any other value.
unsafe extern "C-unwind" fn id(state: *mut State) -> c_int {
    ffi::luaL_checkany(state, 1);
    match ffi::lp_ext_id(state, 1) {
        0 => ffi::lua_pushnil(state),
        id => ffi::lua_pushinteger(state, i64::from(id)),
    }
    1
}

/// `ext.attach(id)`: the external table with a number.
unsafe extern "C-unwind" fn attach(state: *mut State) -> c_int {
    let n = ffi::luaL_checkinteger(state, 1);
    match u32::try_from(n) {
        Ok(id) if id != 0 && id < ids::next() => load::push_table(state, id),
        // A number that was not given yet can be that of a table which the host has, or is about to fill. One
        // that is far off is a mistake, unless the host has it. The counter stays where it is.
        Ok(id) if id != 0 && id != u32::MAX => {
            let near = id - ids::next() < ids::NEAR;
            if !near && requests::size(id).is_none_or(|size| size == 0) {
                ffi::luaL_error(state, c"ext.attach: there is no external table %I".as_ptr(), n);
            }
            load::push_table(state, id);
        }
        _ => {
            ffi::luaL_argerror(state, 1, c"the id of an external table is from 1 to 4294967294".as_ptr());
        }
    }
    1
}

/// `ext.size(t)`: how many entries an external table has.
pub unsafe extern "C-unwind" fn size(state: *mut State) -> c_int {
    let id = check(state);
    match requests::count(state, id) {
        Some(n) => ffi::lua_pushinteger(state, n as i64),
        None => requests::failed(state, c"count an external table"),
    }
    1
}
