//! Makes external tables the globals `_home`, which keeps a program's state, `Memory`, its second name, and `_io`,
//! through which host and program pass data.

use core::ffi::{CStr, c_int};

use crate::call::{frame, limits, refusal};
use crate::cell::Global;
use crate::ext::{ids, load, ops};
use crate::lua::{self, State, ffi};

/// Whether `Memory` is kept as a second name of `_home`.
static ALIAS: Global<bool> = Global::new(true);

/// Decides whether `Memory` is a second name of `_home`, from the next `init` or attachment on.
pub fn set_alias(enabled: bool) {
    ALIAS.set(enabled);
}

/// Sets the globals of a new machine.
///
/// # Safety
///
/// Inside a protected call.
pub unsafe fn open(state: *mut State) {
    ids::begin();
    publish(state);
    load::push_table_unsettled(state, ids::io());
    ffi::lua_setglobal(state, c"_io".as_ptr());
}

/// Sets the global `_home`, and `Memory` as the alias stands.
///
/// # Safety
///
/// Inside a protected call.
pub unsafe fn publish(state: *mut State) {
    load::push_table_unsettled(state, ids::home());
    let table = ffi::lua_gettop(state);
    set_global(state, c"_home", table);
    if !ALIAS.get() {
        ffi::lua_pushnil(state);
    }
    set_global(state, c"Memory", ffi::lua_gettop(state));
    ffi::lua_settop(state, table - 1);
}

/// Sets a global to the value at an absolute index, whatever metatable the globals have.
unsafe fn set_global(state: *mut State, name: &CStr, value: c_int) {
    ffi::lua_rawgeti(state, lua::REGISTRY, i64::from(ffi::LUA_RIDX_GLOBALS));
    ffi::lua_pushstring(state, name.as_ptr());
    ffi::lua_pushvalue(state, value);
    ffi::lua_rawset(state, -3);
    lua::pop(state, 1);
}

/// Makes a table `_home`. Does nothing before `init` or for id 0.
pub fn attach(id: u32) {
    unsafe extern "C-unwind" fn publish(state: *mut State) -> c_int {
        self::publish(state);
        load::settle_all(state);
        0
    }
    let Some(state) = frame::state() else { return };
    if id == 0 || refusal::refuse_within_import() {
        return;
    }
    // SAFETY: this only counts up.
    unsafe { ffi::lp_ext_forget() };
    let before = ids::set_home(id);
    // SAFETY: the state is live.
    if !limits::limited(|| unsafe { lua::protected(state, publish) }) {
        ids::set_home(before);
    } else if id >= ids::next() && id - ids::next() < ids::NEAR {
        ids::sync_counter(id + 1);
    }
}

/// Deletes every entry of `_io`; -1 if the host fails.
pub fn clear_io() -> i32 {
    unsafe extern "C-unwind" fn clear(state: *mut State) -> c_int {
        load::push_table(state, ids::io());
        ops::clear(state, 1);
        0
    }
    // SAFETY: the state is live.
    let cleared = frame::state()
        .filter(|_| !refusal::refuse_within_import())
        .is_some_and(|state| limits::limited(|| unsafe { lua::protected(state, clear) }));
    if cleared { 0 } else { -1 }
}
