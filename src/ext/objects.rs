//! Keeps one Lua object for each number at a time, held weakly, so that what was equal stays equal.

use crate::lua::{self, State, ffi, kind};

/// Registry key: number -> the table or function it stands for, weak.
static OBJECTS: u8 = 0;

/// Makes the table of objects.
///
/// # Safety
///
/// Inside a protected call.
pub unsafe fn open(state: *mut State) {
    lua::push_weak_table(state, c"v");
    ffi::lua_rawsetp(state, lua::REGISTRY, lua::registry_key(&OBJECTS));
}

/// Pushes the table of objects.
///
/// # Safety
///
/// `state` is a live state with a free slot.
pub unsafe fn push_all(state: *mut State) {
    ffi::lua_rawgetp(state, lua::REGISTRY, lua::registry_key(&OBJECTS));
}

/// Whether an object stands for a number.
///
/// # Safety
///
/// `state` is a live state with two free slots.
pub unsafe fn has(state: *mut State, id: u32) -> bool {
    push_all(state);
    let has = ffi::lua_rawgeti(state, -1, i64::from(id)) != kind::NIL;
    lua::pop(state, 2);
    has
}

/// Pushes the object that stands for a table, if there is one.
pub unsafe fn push_known(state: *mut State, id: u32) -> bool {
    ffi::luaL_checkstack(state, 12, c"external tables".as_ptr());
    push_all(state);
    let known = ffi::lua_rawgeti(state, -1, i64::from(id)) != kind::NIL;
    if known && ffi::lp_ext_id(state, -1) != id {
        lua::error(state, c"an external table and a function have the same number");
    }
    ffi::lua_rotate(state, -2, -1);
    lua::pop(state, 1);
    if !known {
        lua::pop(state, 1);
    }
    known
}
