//! Loads stored values into Lua: plain values, and the table or function that a number stands for.

use core::ffi::{c_char, c_int};

use crate::abi;
use crate::call::garbage;
use crate::cell::Global;
use crate::ext::keys;
use crate::ext::reference::Reference;
use crate::ext::{ids, load_functions, new_ids, objects, requests, variables};
use crate::lua::{self, State, ffi, kind};
use crate::plain::{codec, libraries};

/// Registry key: the tables whose metatables have yet to be read, by weak key.
static UNSETTLED: u8 = 1;

/// Registry key: the numbers of the tables that the reading under way has met.
static FRESH: u8 = 2;

/// Whether there is a table whose metatable has not been read.
static POSTPONED: Global<bool> = Global::new(false);

/// Whether a table is being read, with what its metatable leads to.
static READING: Global<bool> = Global::new(false);

/// Makes what loading needs, for a new machine.
///
/// # Safety
///
/// Inside a protected call.
pub unsafe fn open(state: *mut State) {
    lua::push_weak_table(state, c"k");
    ffi::lua_rawsetp(state, lua::REGISTRY, lua::registry_key(&UNSETTLED));
    POSTPONED.set(false);
    READING.set(false);
}

/// Pushes the external table with a number. If its metatable cannot be read, that is an error, and no
/// object stands for the table: one without its metatable would not be it.
///
/// # Safety
///
/// Inside a protected call, with a few free slots.
pub unsafe fn push_table(state: *mut State, id: u32) {
    if objects::push_known(state, id) {
        return;
    }
    let table = make(state, id);
    let outermost = !READING.replace(true);
    lua::push_function(state, restore_metatable);
    ffi::lua_pushvalue(state, table);
    let status = lua::pcall(state, 1, 0, 0);
    READING.set(!outermost);
    if status != lua::OK {
        if outermost {
            forget_fresh(state);
        }
        lua::raise(state);
    }
    if outermost {
        ffi::lua_pushnil(state);
        ffi::lua_rawsetp(state, lua::REGISTRY, lua::registry_key(&FRESH));
    }
}

/// Pushes the external table with a number, as one that has to be there even when the host fails:
/// reading its metatable is left to the first operation on it, see [`settle`].
///
/// # Safety
///
/// Inside a protected call, with a few free slots.
pub unsafe fn push_table_unsettled(state: *mut State, id: u32) {
    if objects::push_known(state, id) {
        return;
    }
    let table = make(state, id);
    ffi::lua_rawgetp(state, lua::REGISTRY, lua::registry_key(&UNSETTLED));
    ffi::lua_pushvalue(state, table);
    ffi::lua_pushboolean(state, 1);
    ffi::lua_rawset(state, -3);
    ffi::lua_settop(state, table);
    POSTPONED.set(true);
}

/// Pushes a new object for a table and registers it, as a metatable may well be its own. Returns its index.
unsafe fn make(state: *mut State, id: u32) -> c_int {
    // SAFETY: as for `push_table`. What is fresh is listed before it is registered.
    unsafe {
        ids::note_object(id);
        ffi::lp_ext_push(state, id);
        let table = ffi::lua_gettop(state);
        if ffi::lua_rawgetp(state, lua::REGISTRY, lua::registry_key(&FRESH)) != kind::TABLE {
            lua::push_private_table(state, 1, 0);
            ffi::lua_pushvalue(state, -1);
            ffi::lua_rawsetp(state, lua::REGISTRY, lua::registry_key(&FRESH));
        }
        ffi::lua_pushinteger(state, i64::from(id));
        ffi::lua_rawseti(state, -2, ffi::lua_rawlen(state, -2) as i64 + 1);
        objects::push_all(state);
        ffi::lua_pushvalue(state, table);
        ffi::lua_rawseti(state, -2, i64::from(id));
        ffi::lua_settop(state, table);
        table
    }
}

/// Forgets the objects of the numbers met since the outermost reading began. Takes no memory;
/// what is on top stays there.
unsafe fn forget_fresh(state: *mut State) {
    // SAFETY: as for `push_table`; only fields that exist are set.
    unsafe {
        let top = ffi::lua_gettop(state);
        objects::push_all(state);
        if ffi::lua_rawgetp(state, lua::REGISTRY, lua::registry_key(&FRESH)) == kind::TABLE {
            for n in 1..=ffi::lua_rawlen(state, -1) as i64 {
                ffi::lua_rawgeti(state, top + 2, n);
                let id = ffi::lua_tointegerx(state, -1, core::ptr::null_mut());
                ffi::lua_pushnil(state);
                ffi::lua_rawseti(state, top + 1, id);
                lua::pop(state, 1);
            }
        }
        ffi::lua_pushnil(state);
        ffi::lua_rawsetp(state, lua::REGISTRY, lua::registry_key(&FRESH));
        ffi::lua_settop(state, top);
    }
}

/// Gives the external table that is the only argument the metatable that is stored with it.
unsafe extern "C-unwind" fn restore_metatable(state: *mut State) -> c_int {
    // SAFETY: called in protected mode with an external table.
    unsafe {
        fetch(state, ffi::lp_ext_id(state, 1), keys::METATABLE);
        match ffi::lua_type(state, 2) {
            kind::NIL => {}
            // See `requests::keep`.
            kind::BOOLEAN if ffi::lua_toboolean(state, 2) == 0 => {}
            kind::TABLE => {
                if ffi::lp_ext_id(state, 2) != 0 {
                    know_fields(state, 2);
                }
                ffi::lp_ext_restore(state, 1);
            }
            _ => lua::error(state, c"the stored metatable of an external table is no table"),
        }
    }
    0
}

/// Reads the metatable of the external table at index 1 if that has not been done, and raises an error if
/// it cannot be. Every operation on external tables that may look at it begins with this.
///
/// # Safety
///
/// Inside a protected call, with a few free slots.
pub unsafe fn settle(state: *mut State) {
    if is_settled(state) {
        return;
    }
    let top = ffi::lua_gettop(state);
    lua::push_function(state, restore_metatable);
    ffi::lua_pushvalue(state, 1);
    lua::call(state, 1, 0);
    ffi::lua_rawgetp(state, lua::REGISTRY, lua::registry_key(&UNSETTLED));
    ffi::lua_pushvalue(state, 1);
    ffi::lua_pushnil(state);
    ffi::lua_rawset(state, top + 1);
    ffi::lua_settop(state, top);
}

/// Returns whether the metatable of the external table at index 1 has been read.
///
/// # Safety
///
/// As for [`settle`].
pub unsafe fn is_settled(state: *mut State) -> bool {
    !POSTPONED.get() || {
        ffi::lua_rawgetp(state, lua::REGISTRY, lua::registry_key(&UNSETTLED));
        ffi::lua_pushvalue(state, 1);
        let settled = ffi::lua_rawget(state, -2) == kind::NIL;
        lua::pop(state, 2);
        settled
    }
}

/// Reads the metatables that have not been read, before Lua code runs: `#`, `==`, `getmetatable` and their like look
/// at them without an operation on the table. One that cannot be read is left to [`settle`].
///
/// # Safety
///
/// `state` is a live state with a few free slots, outside of Lua code.
pub unsafe fn settle_all(state: *mut State) {
    unsafe extern "C-unwind" fn settle_one(state: *mut State) -> c_int {
        settle(state);
        0
    }
    unsafe extern "C-unwind" fn settle_each(state: *mut State) -> c_int {
        let mut all = true;
        ffi::lua_rawgetp(state, lua::REGISTRY, lua::registry_key(&UNSETTLED));
        ffi::lua_pushnil(state);
        while ffi::lua_next(state, 1) != 0 {
            lua::pop(state, 1);
            // Sets the field of the key that is visited to nil, and no other.
            lua::push_function(state, settle_one);
            ffi::lua_pushvalue(state, -2);
            if lua::pcall(state, 1, 0, 0) != lua::OK {
                all = false;
                lua::pop(state, 1);
            }
        }
        POSTPONED.set(!all);
        0
    }
    if POSTPONED.get() && garbage::quietly(state, settle_each) != lua::OK {
        lua::pop(state, 1);
    }
}

/// Makes the metamethods of the external table at the absolute index `metatable` known to the
/// interpreter, which looks for them where it cannot ask the host.
///
/// # Safety
///
/// Inside a protected call, with a few free slots.
pub unsafe fn know_fields(state: *mut State, metatable: c_int) {
    if ffi::lp_ext_getfields(state, metatable) != 0 {
        return lua::pop(state, 1);
    }
    // Attached when it is whole. Reading a field can lead back here, but not without end: an object
    // that is met again is registered.
    lua::push_private_table(state, 0, 0);
    for n in 0.. {
        let name = ffi::lp_ext_event(state, n);
        if name.is_null() {
            break;
        }
        copy_field(state, metatable, name);
    }
    copy_field(state, metatable, c"__name".as_ptr());
    ffi::lp_ext_setfields(state, metatable);
}

/// Copies a field of the table at `from`, if it has it, to the table on top.
unsafe fn copy_field(state: *mut State, from: c_int, name: *const c_char) {
    ffi::lua_pushstring(state, name);
    ffi::lua_pushvalue(state, -1);
    ffi::lua_rawget(state, from);
    ffi::lua_rawset(state, -3);
}

/// Pushes the value that a table holds under a key's form, nil if there is none. A nil that a host stored is no value.
///
/// # Safety
///
/// Inside a protected call, with a few free slots.
pub unsafe fn fetch(state: *mut State, id: u32, form: &[u8]) {
    fetch_some(state, id, form, false)
}

/// Pushes the value of a variable that lies in a cell. States of older versions have nil there as a value.
///
/// # Safety
///
/// As for [`fetch`].
pub unsafe fn fetch_variable(state: *mut State, cell: u32) {
    fetch_some(state, cell, variables::VALUE, true)
}

unsafe fn fetch_some(state: *mut State, id: u32, form: &[u8], may_be_nil: bool) {
    // SAFETY: as for `fetch`. The bytes are decoded before anything else uses the room.
    unsafe {
        let top = ffi::lua_gettop(state);
        match requests::get(state, id, form) {
            None => ffi::lua_pushnil(state),
            Some(bytes) => {
                let is_nil = bytes.first() == Some(&abi::TAG_NIL);
                if (is_nil && !may_be_nil) || !push(state, bytes) {
                    requests::damaged_value(state, id, form, is_nil);
                }
                if ffi::lua_gettop(state) > top + 1 {
                    // The userdata that held a long value.
                    ffi::lua_copy(state, -1, top + 1);
                    ffi::lua_settop(state, top + 1);
                }
            }
        }
    }
}

/// Pushes the value that bytes encode; `false` if they encode none, and nothing was pushed.
///
/// # Safety
///
/// Inside a protected call, with a few free slots.
pub unsafe fn push(state: *mut State, bytes: &[u8]) -> bool {
    if codec::push_plain(state, bytes) {
        return true;
    }
    // A name is copied: what is read while it is looked up may overwrite the bytes.
    let mut copy = [0; 64];
    match Reference::read(bytes) {
        Some(Reference::Table(id)) => {
            new_ids::expect(id);
            push_table(state, id);
        }
        Some(Reference::Function(id)) => load_functions::push(state, id),
        Some(Reference::LibraryFunction(name)) => match copied(name, &mut copy) {
            Some(name) => libraries::push_library_function(state, name),
            None => return false,
        },
        Some(Reference::Library(name)) => match copied(name, &mut copy) {
            Some(name) => libraries::push_library(state, name),
            None => return false,
        },
        None => return false,
    }
    true
}

fn copied<'a>(name: &[u8], copy: &'a mut [u8]) -> Option<&'a [u8]> {
    let place = copy.get_mut(..name.len())?;
    place.copy_from_slice(name);
    Some(place)
}
