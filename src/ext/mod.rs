//! External tables: tables whose contents lie with the host, under a number of their own. To Lua they
//! are tables (see `vendor/edits/external-tables.toml`); the operations on them are in [`ops`], the
//! form of their keys in [`key`].
//!
//! Two of them always exist: `_home`, which keeps a program's state, and `_io`, through which host and
//! program pass data.

mod key;
mod ops;

use core::cell::Cell;
use core::ffi::{CStr, c_int, c_void};

use crate::lua::{self, State, ffi, kind};
use crate::machine;
use crate::system;

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

static TABLES: Tables = Tables {
    home: Cell::new(0),
    io: Cell::new(0),
    next: Cell::new(HOME),
};

/// Registry key: id -> the table that stands for it, weak.
static PROXIES: u8 = 0;

fn proxies_key() -> *const c_void {
    (&raw const PROXIES).cast()
}

/// The id of `_home`, 0 before `init`.
pub fn home() -> u32 {
    TABLES.home.get()
}

/// The id of `_io`, 0 before `init`.
pub fn io() -> u32 {
    TABLES.io.get()
}

/// Keeps new tables from getting an id below `next`. The counter never goes back.
pub fn sync_counter(next: u32) {
    TABLES.next.set(TABLES.next.get().max(next));
}

/// Forgets the tables of an earlier machine.
pub fn reset() {
    TABLES.home.set(0);
    TABLES.io.set(0);
    TABLES.next.set(HOME);
}

/// Gives external tables to a new machine: the library `ext`, `_home` and `_io`.
///
/// # Safety
///
/// Inside a protected call.
pub unsafe fn open(state: *mut State) {
    system::negotiate();
    // SAFETY: as for the caller.
    unsafe {
        ops::install();
        ffi::lua_createtable(state, 0, 0);
        ffi::lua_createtable(state, 0, 1);
        ffi::lua_pushstring(state, c"v".as_ptr());
        ffi::lua_setfield(state, -2, c"__mode".as_ptr());
        ffi::lua_setmetatable(state, -2);
        ffi::lua_rawsetp(state, lua::REGISTRY, proxies_key());

        ffi::lua_createtable(state, 0, 4);
        for (name, function) in LIBRARY {
            lua::push_function(state, *function);
            ffi::lua_setfield(state, -2, name.as_ptr());
        }
        ffi::lua_pushvalue(state, -1);
        ffi::lua_setglobal(state, c"ext".as_ptr());
        // As for the standard libraries, so that functions are found by their names.
        ffi::lua_getfield(state, lua::REGISTRY, c"_LOADED".as_ptr());
        ffi::lua_rotate(state, -2, 1);
        ffi::lua_setfield(state, -2, c"ext".as_ptr());
        lua::pop(state, 1);

        TABLES.home.set(HOME);
        TABLES.io.set(IO);
        TABLES.next.set(IO + 1);
        publish_home(state);
        push(state, IO);
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
        push(state, home());
        if machine::alias() {
            ffi::lua_pushvalue(state, -1);
        } else {
            ffi::lua_pushnil(state);
        }
        ffi::lua_setglobal(state, c"Memory".as_ptr());
        ffi::lua_setglobal(state, c"_home".as_ptr());
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
    let before = TABLES.home.replace(id);
    if machine::protected(state, publish) {
        sync_counter(id.saturating_add(1));
    } else {
        TABLES.home.set(before);
    }
}

/// Deletes every entry of `_io`; -1 if the host fails.
pub fn clear_io() -> i32 {
    if machine::state().is_some_and(|state| machine::protected(state, ops::clear_io)) {
        0
    } else {
        -1
    }
}

/// Pushes the table with an id. There is only one for each, so that tables are equal when ids are.
///
/// # Safety
///
/// Inside a protected call.
pub unsafe fn push(state: *mut State, id: u32) {
    // SAFETY: as for the caller.
    unsafe {
        ffi::lua_rawgetp(state, lua::REGISTRY, proxies_key());
        if ffi::lua_rawgeti(state, -1, i64::from(id)) == kind::NIL {
            lua::pop(state, 1);
            ffi::lp_ext_push(state, id);
            ffi::lua_pushvalue(state, -1);
            ffi::lua_rawseti(state, -3, i64::from(id));
        }
        ffi::lua_rotate(state, -2, -1);
        lua::pop(state, 1);
    }
}

/// The functions of the library `ext`.
const LIBRARY: &[(&CStr, lua::Function)] = &[(c"table", table), (c"id", id)];

/// `ext.table()`: a new external table.
unsafe extern "C-unwind" fn table(state: *mut State) -> c_int {
    // SAFETY: Lua calls this in protected mode.
    unsafe {
        let id = TABLES.next.get();
        if id == u32::MAX {
            lua::error(state, c"ext.table: all 4294967294 table ids are used");
        }
        push(state, id);
        TABLES.next.set(id + 1);
    }
    1
}

/// `ext.id(t)`: the id of an external table, or nil.
unsafe extern "C-unwind" fn id(state: *mut State) -> c_int {
    // SAFETY: Lua calls this in protected mode.
    unsafe {
        ffi::luaL_checkany(state, 1);
        match ffi::lp_ext_id(state, 1) {
            0 => ffi::lua_pushnil(state),
            id => ffi::lua_pushinteger(state, i64::from(id)),
        }
    }
    1
}
