//! External tables: tables whose contents lie with the host, under a number of their own. To Lua they
//! are tables (see `vendor/edits/external-tables.toml`).
//!
//! | module | |
//! | --- | --- |
//! | [`ops`] | reading, assigning and measuring, as the interpreter asks for them |
//! | [`walk`] | `next` |
//! | [`keys`] | the form of keys |
//! | [`load`] | from what is stored to Lua's objects |
//! | [`store`] | from Lua's objects to what is stored |
//! | [`variables`] | Lua functions and the variables they share |
//! | [`collect`] | freeing what nothing reaches |
//! | [`library`] | the library `ext` |
//! | [`requests`] | the host's answers |
//!
//! Two tables always exist: `_home`, which keeps a program's state, and `_io`, through which host and
//! program pass data.

mod collect;
pub mod host_api;
pub mod keys;
mod library;
pub mod load;
mod ops;
mod requests;
mod store;
mod variables;
mod walk;

use core::cell::Cell;
use core::ffi::c_int;

use crate::lua::{self, State, ffi};
use crate::machine;

/// The ids that `init` gives to `_home` and `_io`.
const HOME: u32 = 1;
const IO: u32 = 2;

/// How far ahead of the counter an id may lie that is met unexpectedly and moves the counter: all between would
/// be passed over.
const NEAR: u32 = 1 << 16;

struct Tables {
    home: Cell<u32>,
    io: Cell<u32>,
    /// The lowest id that the next new table may get.
    next: Cell<u32>,
    /// Whether the counter has been at the end of all ids.
    wrapped: Cell<bool>,
    /// Whether there may be objects for tables whose ids the counter has yet to come to.
    strays: Cell<bool>,
}

// SAFETY: as for `machine::Single`.
unsafe impl Sync for Tables {}

static TABLES: Tables = Tables {
    home: Cell::new(0),
    io: Cell::new(0),
    next: Cell::new(IO + 1),
    wrapped: Cell::new(false),
    strays: Cell::new(false),
};

/// The id of `_home`, 0 before `init`.
pub fn home() -> u32 {
    TABLES.home.get()
}

/// The id of `_io`, 0 before `init`.
pub fn io() -> u32 {
    TABLES.io.get()
}

/// The lowest id that the next new table may get.
pub fn next_id() -> u32 {
    TABLES.next.get()
}

/// The first id behind all that have been given.
pub fn end_of_ids() -> u32 {
    if TABLES.wrapped.get() { u32::MAX } else { TABLES.next.get() }
}

/// Why there is no id for a new table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoId {
    /// All are used.
    Used,
    /// The host fails to say which are.
    Host,
}

/// The first of `count` ids in a row for new tables. The counter only says where to begin: a host that was restored
/// may have given one that is too low. What the host has, whatever a value refers to ([`requests::keep`]), and what
/// an object stands for is passed over, so that two tables never become one.
///
/// # Safety
///
/// `state` is a live state with three free slots.
pub unsafe fn free_ids(state: *mut State, count: u32) -> Result<u32, NoId> {
    let begin = TABLES.next.get().max(IO + 1);
    let (mut first, mut id, mut again) = (begin, begin, false);
    while id - first < count {
        if id == u32::MAX {
            // From the beginning: ids of tables that were freed are given again.
            if again || begin == IO + 1 {
                return Err(NoId::Used);
            }
            again = true;
            TABLES.wrapped.set(true);
            TABLES.strays.set(true);
            (first, id) = (IO + 1, IO + 1);
            continue;
        }
        if again && first >= begin {
            return Err(NoId::Used);
        }
        let size = requests::size(id).ok_or(NoId::Host)?;
        // SAFETY: as for the caller.
        let known = TABLES.strays.get() && unsafe { load::has_object(state, id) };
        id += 1;
        if size > 0 || known || id - 1 == home() {
            first = id;
        }
    }
    Ok(first)
}

/// Notes that ids have been given.
pub fn use_ids(first: u32, count: u32) {
    TABLES.next.set(first + count);
}

/// Takes the id of a new table.
///
/// # Safety
///
/// As for [`free_ids`].
pub unsafe fn new_id(state: *mut State) -> Result<u32, NoId> {
    // SAFETY: as for the caller.
    let id = unsafe { free_ids(state, 1) }?;
    use_ids(id, 1);
    Ok(id)
}

/// As [`new_id`]. Raises an error if there is none.
///
/// # Safety
///
/// Inside a protected call, with three free slots.
pub unsafe fn take_id(state: *mut State) -> u32 {
    // SAFETY: as for the caller.
    unsafe {
        match new_id(state) {
            Ok(id) => id,
            Err(reason) => no_id(state, reason),
        }
    }
}

/// Takes an id for a table of the host's; 0 if there is none.
pub fn new_id_for_host() -> u32 {
    // SAFETY: the state is live, with free slots between calls and inside a function of the host.
    machine::state().and_then(|state| unsafe { new_id(state) }.ok()).unwrap_or(0)
}

/// Raises the error for a new table without an id.
///
/// # Safety
///
/// Inside a protected call.
pub unsafe fn no_id(state: *mut State, reason: NoId) -> ! {
    // SAFETY: as for the caller.
    unsafe {
        match reason {
            NoId::Used => lua::error(state, c"all ids of external tables are used"),
            NoId::Host => requests::failed(state, c"count an external table"),
        }
    }
}

/// Keeps new tables from getting an id below `next`. The counter never goes back.
pub fn sync_counter(next: u32) {
    TABLES.next.set(TABLES.next.get().max(next));
}

/// Notes that something stored refers to a table. One that lies ahead of the counter was not expected: the host was
/// given a counter that is too low.
pub fn expect(id: u32) {
    let next = TABLES.next.get();
    if id < next || id == u32::MAX {
        return;
    }
    if id - next < NEAR {
        sync_counter(id + 1);
    } else {
        // Whether the host takes it is seen when it is written to.
        let _ = requests::keep(id);
    }
}

/// Notes that there is an object for a table.
fn note_object(id: u32) {
    if id >= TABLES.next.get() {
        TABLES.strays.set(true);
    }
}

/// Forgets the tables of an earlier machine. Their ids stay used: the host may still have them.
pub fn reset() {
    TABLES.home.set(0);
    TABLES.io.set(0);
    TABLES.strays.set(TABLES.wrapped.get());
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
    requests::forget_kept();
    // SAFETY: as for the caller.
    unsafe {
        ffi::lp_ext_forget();
        walk::resume();
        if variables::any(state) {
            let status = quietly(state, variables::hold_all);
            if status != lua::OK {
                return status;
            }
        }
        load::settle_all(state);
        lua::OK
    }
}

/// Calls a function without arguments or results and without finalizers, which would run outside the limits of a call.
/// The status; an error is on top.
///
/// # Safety
///
/// As for [`end_call`].
pub unsafe fn quietly(state: *mut State, function: lua::Function) -> c_int {
    // SAFETY: as for the caller; a light function takes no memory to push.
    unsafe {
        let held = ffi::lp_gc_hold(state, 1);
        lua::push_function(state, function);
        let status = machine::occupied(|| lua::pcall(state, 0, 0, 0));
        ffi::lp_gc_hold(state, held);
        status
    }
}

/// Forgets what the host may change while one of its functions runs.
pub fn begin_nested_call() {
    requests::forget_kept();
    // SAFETY: this only counts up.
    unsafe { ffi::lp_ext_forget() };
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
        if !variables::any(state) {
            return lua::OK;
        }
        quietly(state, variables::store_changes)
    }
}

/// Stores what stored functions have changed in their variables, and pauses walks. The status; an error is on top.
///
/// # Safety
///
/// `state` is a live state with a few free slots.
pub unsafe fn end_call(state: *mut State) -> c_int {
    // SAFETY: as for the caller.
    unsafe {
        walk::pause(state);
        let status = store(state);
        requests::forget_kept();
        variables::release(state);
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
        load::open(state);
        walk::open(state);
        library::open(state);

        TABLES.home.set(HOME);
        TABLES.io.set(IO);
        publish_home(state);
        load::push_table_unsettled(state, IO);
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
        load::push_table_unsettled(state, home());
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
        unsafe {
            publish_home(state);
            load::settle_all(state);
        }
        0
    }
    let Some(state) = machine::state() else { return };
    if id == 0 || machine::refuse_within_import() {
        return;
    }
    // SAFETY: this only counts up.
    unsafe { ffi::lp_ext_forget() };
    let before = TABLES.home.replace(id);
    // SAFETY: the state is live.
    if !machine::limited(|| unsafe { machine::protected(state, publish) }) {
        TABLES.home.set(before);
    } else if id >= TABLES.next.get() && id - TABLES.next.get() < NEAR {
        sync_counter(id + 1);
    }
}

/// Deletes every entry of `_io`; -1 if the host fails.
pub fn clear_io() -> i32 {
    unsafe extern "C-unwind" fn clear(state: *mut State) -> c_int {
        // SAFETY: Lua calls this in protected mode.
        unsafe {
            load::push_table(state, io());
            ops::clear(state, 1);
        }
        0
    }
    // SAFETY: the state is live.
    let cleared = machine::state()
        .filter(|_| !machine::refuse_within_import())
        .is_some_and(|state| machine::limited(|| unsafe { machine::protected(state, clear) }));
    if cleared { 0 } else { -1 }
}
