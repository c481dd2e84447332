//! Stores the variables of stored functions that a call has changed.

use core::ffi::c_int;

use crate::ext::{store, variables};
use crate::lua::{self, State, ffi, kind};

/// Stores, at the end of a call, the variables of stored functions that have changed.
///
/// # Safety
///
/// Called by Lua.
pub unsafe extern "C-unwind" fn store_changes(state: *mut State) -> c_int {
    ffi::lua_settop(state, 0);
    store_all(state);
    0
}

/// Stores the variables in cells that have changed since they were stored or read.
///
/// # Safety
///
/// Inside a protected call, with an empty stack. Storing a variable may make further cells, so those that
/// there are are listed before anything is stored.
pub unsafe fn store_all(state: *mut State) {
    variables::push_registry(state, &variables::CELLS);
    lua::push_private_table(state, 0, 0);
    let mut count = 0;
    ffi::lua_pushnil(state);
    while ffi::lua_next(state, 1) != 0 {
        lua::pop(state, 1);
        count += 1;
        ffi::lua_pushvalue(state, -1);
        ffi::lua_rawseti(state, 2, count);
    }
    variables::push_registry(state, &variables::STORED);
    for n in 1..=count {
        ffi::lua_rawgeti(state, 2, n);
        let cell = ffi::lua_tointegerx(state, -1, core::ptr::null_mut()) as u32;
        if ffi::lua_rawgeti(state, 1, i64::from(cell)) != kind::NIL {
            ffi::lp_variable_value(state, 5);
            ffi::lua_rawgeti(state, 3, i64::from(cell));
            if !same(state) {
                store::store_cell(state, cell, 6);
                ffi::lua_pushvalue(state, 6);
                ffi::lua_rawseti(state, 3, i64::from(cell));
            }
        }
        ffi::lua_settop(state, 3);
    }
    ffi::lua_settop(state, 0);
}

/// Whether the two values on top are the same, numbers to the last bit.
unsafe fn same(state: *mut State) -> bool {
    // SAFETY: two values are on top of the stack.
    unsafe {
        let float = |index| {
            let number = ffi::lua_type(state, index) == kind::NUMBER && ffi::lua_isinteger(state, index) == 0;
            number.then(|| ffi::lua_tonumberx(state, index, core::ptr::null_mut()).to_bits())
        };
        match (float(-1), float(-2)) {
            (None, None) => ffi::lua_rawequal(state, -1, -2) != 0,
            (one, other) => one == other,
        }
    }
}
