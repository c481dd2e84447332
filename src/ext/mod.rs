//! External tables: tables whose contents lie with the host, under a number of their own. To Lua they
//! are tables (see `vendor/edits/external-tables.toml`).
//!
//! | module | |
//! | --- | --- |
//! | [`ops`] | reading, assigning and measuring, as the interpreter asks for them |
//! | [`walk`] | `next` |
//! | [`key`] | the form of keys |
//! | [`refs`] | from what is stored to Lua's objects |
//! | [`graph`] | from Lua's objects to what is stored |
//! | [`function`] | Lua functions and the variables they share |
//! | [`collect`] | freeing what nothing reaches |
//! | [`library`] | the library `ext` |
//! | [`host`] | the host's answers |
//!
//! Two tables always exist: `_home`, which keeps a program's state, and `_io`, through which host and
//! program pass data.

mod collect;
mod function;
mod graph;
mod host;
pub mod key;
mod library;
mod ops;
pub mod raw;
pub mod refs;
mod walk;

use core::cell::Cell;
use core::ffi::c_int;

use crate::lua::{self, State, ffi};
use crate::machine;

/// The ids that `init` gives to `_home` and `_io`.
const HOME: u32 = 1;
const IO: u32 = 2;

struct Tables {
    home: Cell<u32>,
    io: Cell<u32>,
    /// The id that the next new table gets.
    next: Cell<u32>,
}

// SAFETY: as for `machine::Single`.
unsafe impl Sync for Tables {}

static TABLES: Tables = Tables { home: Cell::new(0), io: Cell::new(0), next: Cell::new(IO + 1) };

/// The id of `_home`, 0 before `init`.
pub fn home() -> u32 {
    TABLES.home.get()
}

/// The id of `_io`, 0 before `init`.
pub fn io() -> u32 {
    TABLES.io.get()
}

/// The id that the next new table gets.
pub fn next_id() -> u32 {
    TABLES.next.get()
}

/// Takes the id of a new table; `None` if all are used.
pub fn take_id() -> Option<u32> {
    let id = TABLES.next.get();
    TABLES.next.set(id.checked_add(1)?);
    Some(id)
}

/// Keeps new tables from getting an id below `next`. The counter never goes back.
pub fn sync_counter(next: u32) {
    TABLES.next.set(TABLES.next.get().max(next));
}

/// Forgets the tables of an earlier machine. Their ids stay used: the host may still have them.
pub fn reset() {
    TABLES.home.set(0);
    TABLES.io.set(0);
    // SAFETY: this only counts up.
    unsafe { ffi::lp_ext_forget() };
}

/// Forgets what was read within a call: the host may change tables before the next. The status; an
/// error is on top.
///
/// # Safety
///
/// `state` is a live state with a few free slots, between calls of Lua.
pub unsafe fn begin_call(state: *mut State) -> c_int {
    // SAFETY: as for the caller.
    unsafe {
        ffi::lp_ext_forget();
        walk::forget(state);
        if !function::any(state) {
            return lua::OK;
        }
        lua::push_function(state, function::hold_all);
        lua::pcall(state, 0, 0, 0)
    }
}

/// Stores what stored functions have changed in their variables, inside a call that goes on. The status; an error
/// is on top.
///
/// # Safety
///
/// As for [`end_call`].
pub unsafe fn store(state: *mut State) -> c_int {
    // SAFETY: as for the caller.
    unsafe {
        if !function::any(state) {
            return lua::OK;
        }
        lua::push_function(state, function::store_changes);
        lua::pcall(state, 0, 0, 0)
    }
}

/// Stores what stored functions have changed in their variables. The status; an error is on top.
///
/// # Safety
///
/// `state` is a live state with a few free slots.
pub unsafe fn end_call(state: *mut State) -> c_int {
    // SAFETY: as for the caller.
    unsafe {
        let status = store(state);
        function::release(state);
        status
    }
}

/// Gives external tables to a new machine: the library `ext`, `_home` and `_io`.
///
/// # Safety
///
/// Inside a protected call.
pub unsafe fn open(state: *mut State) {
    // SAFETY: as for the caller.
    unsafe {
        ops::install();
        refs::open(state);
        walk::open(state);
        library::open(state);

        TABLES.home.set(HOME);
        TABLES.io.set(IO);
        publish_home(state);
        refs::push_table_unsettled(state, IO);
        ffi::lua_setglobal(state, c"_io".as_ptr());
    }
}

/// Sets the global `_home`, and `Memory` as the alias stands.
///
/// # Safety
///
/// Inside a protected call.
pub unsafe fn publish_home(state: *mut State) {
    // SAFETY: as for the caller.
    unsafe {
        refs::push_table_unsettled(state, home());
        let table = ffi::lua_gettop(state);
        set_global(state, c"_home", table);
        if !machine::alias() {
            ffi::lua_pushnil(state);
        }
        set_global(state, c"Memory", ffi::lua_gettop(state));
        ffi::lua_settop(state, table - 1);
    }
}

/// Sets a global to the value at an absolute index, whatever metatable the globals have.
unsafe fn set_global(state: *mut State, name: &core::ffi::CStr, value: c_int) {
    // SAFETY: as for `publish_home`.
    unsafe {
        ffi::lua_rawgeti(state, lua::REGISTRY, i64::from(ffi::LUA_RIDX_GLOBALS));
        ffi::lua_pushstring(state, name.as_ptr());
        ffi::lua_pushvalue(state, value);
        ffi::lua_rawset(state, -3);
        lua::pop(state, 1);
    }
}

/// Makes a table `_home`. Does nothing before `init` or for id 0.
pub fn attach_home(id: u32) {
    unsafe extern "C-unwind" fn publish(state: *mut State) -> c_int {
        // SAFETY: Lua calls this in protected mode.
        unsafe { publish_home(state) };
        0
    }
    let Some(state) = machine::state() else { return };
    if id == 0 {
        return;
    }
    // SAFETY: this only counts up.
    unsafe { ffi::lp_ext_forget() };
    let before = TABLES.home.replace(id);
    // SAFETY: the state is live.
    if unsafe { machine::protected(state, publish) } {
        sync_counter(id.saturating_add(1));
    } else {
        TABLES.home.set(before);
    }
}

/// Deletes every entry of `_io`; -1 if the host fails.
pub fn clear_io() -> i32 {
    unsafe extern "C-unwind" fn clear(state: *mut State) -> c_int {
        // SAFETY: Lua calls this in protected mode.
        unsafe {
            refs::push_table(state, io());
            ops::clear(state, 1);
        }
        0
    }
    // SAFETY: the state is live.
    let cleared = machine::state().is_some_and(|state| unsafe { machine::protected(state, clear) });
    if cleared { 0 } else { -1 }
}
