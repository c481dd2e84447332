//! Asks the host for the entries of tables, and turns its failures into Lua errors.

use core::ffi::{CStr, c_char, c_int};

use crate::abi::{self, imports, services};
use crate::call::limits;
use crate::cell::Global;
use crate::ext::ids;
use crate::ext::keys;
use crate::lua::{self, State, ffi};
use crate::session;

/// Ids of tables that the host is known to have, in the call that is running: programs refer to the same ones again.
static KEPT: [Global<u32>; 16] = [const { Global::new(0) }; 16];

/// Room for one encoded value of the documented size, and its tag and length.
pub const ROOM: usize = abi::VALUE_LIMIT as usize + HEAD;

/// Bytes in front of a string in its encoding, which the limit of values does not count.
pub const HEAD: usize = abi::VALUE_HEAD as usize;

static VALUE: Global<[u8; ROOM]> = Global::new([0; ROOM]);

/// Returns the room where a value is encoded, and where one that was read lies until it is decoded.
///
/// # Safety
///
/// No other reference to it may be alive. It is overwritten by the next operation.
pub unsafe fn room<'a>() -> &'a mut [u8; ROOM] {
    &mut *VALUE.as_ptr()
}

/// The longest encoded value that the host takes.
pub fn longest_value() -> usize {
    session::longest_value().saturating_add(HEAD)
}

/// Raises an error for a request that the host failed: the host's reason, if it gives one.
///
/// # Safety
///
/// Inside a protected call.
pub unsafe fn failed(state: *mut State, what: &CStr) -> ! {
    // What was in the room has been sent.
    if session::offers(services::FAILURE)
        && let Ok(services::Failure { reason }) = services::failure(room())
        && !reason.is_empty()
    {
        lua::push_bytes(state, reason);
        ffi::luaL_error(state, c"%s".as_ptr(), ffi::lua_tolstring(state, -1, core::ptr::null_mut()));
    }
    ffi::luaL_error(state, c"the host failed to %s".as_ptr(), what.as_ptr());
    lua::raise(state)
}

/// Raises an error for an entry that the host has and Lua cannot. `problem` is a format that takes one text.
unsafe fn damaged(state: *mut State, id: u32, form: &[u8], problem: &CStr, text: *const c_char) -> ! {
    const SHOWN: usize = 60;
    // SAFETY: inside a protected call, with a few free slots.
    unsafe {
        let end = (0..=form.len().min(SHOWN)).rev().find(|&end| form.get(end).is_none_or(|b| b & 0xC0 != 0x80));
        let shown = &form[..end.unwrap_or(0)];
        lua::push_bytes(state, shown);
        ffi::lua_pushfstring(state, problem.as_ptr(), text);
        ffi::luaL_error(
            state,
            c"external table %I has a damaged entry '%s%s': %s".as_ptr(),
            i64::from(id),
            ffi::lua_tolstring(state, -2, core::ptr::null_mut()),
            if shown.len() < form.len() { c"..." } else { c"" }.as_ptr(),
            ffi::lua_tolstring(state, -1, core::ptr::null_mut()),
        );
        lua::raise(state)
    }
}

/// Raises an error for the bytes that a host returned for a key, which are no value.
///
/// # Safety
///
/// Inside a protected call, with a few free slots.
pub unsafe fn damaged_value(state: *mut State, id: u32, form: &[u8], is_nil: bool) -> ! {
    let problem = if is_nil { c"its value is nil: delete the key" } else { c"its value is not one that is stored" };
    damaged(state, id, form, problem, c"".as_ptr())
}

/// Raises an error for a key that a host listed, which has no form of a key.
///
/// # Safety
///
/// Inside a protected call, with a few free slots.
pub unsafe fn damaged_key(state: *mut State, id: u32, form: &[u8]) -> ! {
    // SAFETY: as for the caller. The right form stays on the stack.
    unsafe {
        if keys::push_right_form(state, form) {
            let right = ffi::lua_tolstring(state, -1, core::ptr::null_mut());
            damaged(state, id, form, c"this key is written '%s'", right)
        }
        damaged(state, id, form, c"no key is written so", c"".as_ptr())
    }
}

/// Reads the bytes that a table holds under a key; `None` if there are none. They lie in [`room`], or in a
/// userdata that is then on top of the stack.
///
/// # Safety
///
/// Inside a protected call, with two free slots; as for [`room`].
pub unsafe fn get<'a>(state: *mut State, id: u32, key: &[u8]) -> Option<&'a [u8]> {
    limits::count_bytes(key.len());
    match imports::ext_table_get(id, key, room()) {
        -1 => None,
        imports::EXT_TABLE_GET_THREW => failed(state, c"read an external table"),
        needed if needed < 0 => {
            let size = needed.unsigned_abs() as usize;
            limits::count_bytes(size);
            let place = ffi::lua_newuserdatauv(state, size, 0).cast::<u8>();
            let place = core::slice::from_raw_parts_mut(place, size);
            match imports::ext_table_get(id, key, place) {
                read if read >= 0 && read as usize <= size => Some(&place[..read as usize]),
                _ => failed(state, c"read a long value of an external table"),
            }
        }
        read => match room().get(..read as usize) {
            Some(bytes) => Some(bytes),
            None => failed(state, c"read an external table: it wrote more than there is room for"),
        },
    }
}

/// Asks the host to store an entry. Returns whether it did.
pub fn set(id: u32, key: &[u8], value: &[u8]) -> bool {
    limits::count_bytes(key.len() + value.len());
    imports::ext_table_set(id, key, value) == 0
}

/// Whether the host says that a key is not there. It is given room for the longest value that it takes: with
/// less, a documented host answers the same for a value that does not fit.
pub fn is_absent(id: u32, key: &[u8]) -> bool {
    // SAFETY: what is in the room has been sent, or is not needed where something is deleted.
    imports::ext_table_get(id, key, unsafe { room() }) == -1
}

/// Asks the host to delete a key. Returns whether the key is gone. Hosts may answer -1 where there is nothing to
/// delete.
pub fn delete(id: u32, key: &[u8]) -> bool {
    match imports::ext_table_delete(id, key) {
        0 => true,
        imports::EXT_TABLE_DELETE_THREW => false,
        _ => size(id).is_some_and(|size| size == 0 || is_absent(id, key)),
    }
}

/// Asks the host to delete a key, for callers that see by the table's size whether it did.
pub fn ask_to_delete(id: u32, key: &[u8]) {
    let _ = imports::ext_table_delete(id, key);
}

/// The entry in place of a metatable where there is none: an empty table that something refers to has this
/// entry, so that the host has the table. Whoever sees which tables a host has then knows all of them.
const NO_METATABLE: &[u8] = &[abi::TAG_BOOLEAN, 0];

/// Makes the host keep a table, even if it is empty. Returns whether it does.
pub fn keep(id: u32) -> bool {
    // These two are never new tables.
    id == ids::HOME || id == ids::IO || size(id).is_some_and(|size| size > 0 || keep_empty(id))
}

/// Asks the host to delete a key of a table that something may refer to, so that the host has the table still if
/// that was its last; whether it did.
pub fn delete_and_keep(id: u32, form: &[u8]) -> bool {
    if id == ids::HOME || id == ids::IO {
        return delete(id, form);
    }
    match size(id) {
        None => false,
        // First what keeps the table, as nothing must have changed if the host fails.
        Some(1) if form == keys::METATABLE => keep_empty(id),
        Some(1) if is_absent(id, keys::METATABLE) && !keep_empty(id) => false,
        Some(_) => delete(id, form),
    }
}

/// Does as [`keep`] for Lua code in a call, during which nobody takes tables from the host.
pub fn keep_in_call(id: u32) -> bool {
    let known = &KEPT[id as usize % KEPT.len()];
    known.get() == id || {
        let kept = keep(id);
        known.set(if kept { id } else { 0 });
        kept
    }
}

/// Forgets which tables the host is known to have.
pub fn forget_kept() {
    KEPT.iter().for_each(|id| id.set(0));
}

/// Does as [`keep`] for a table that is known to be empty.
pub fn keep_empty(id: u32) -> bool {
    set(id, keys::METATABLE, NO_METATABLE)
}

/// Counts the entries of a table; `None` if the host fails.
pub fn size(id: u32) -> Option<usize> {
    usize::try_from(imports::ext_table_size(id)).ok()
}

/// Raises the error for a value that is longer than the host takes.
///
/// # Safety
///
/// Inside a protected call.
pub unsafe fn too_long(state: *mut State, size: usize) -> ! {
    ffi::luaL_error(
        state,
        c"a value of an external table has at most %d bytes with this host, this one has %d".as_ptr(),
        session::longest_value() as c_int,
        (size - HEAD) as c_int,
    );
    lua::raise(state)
}

/// Counts the entries of a table without its metatable.
///
/// # Safety
///
/// Inside a protected call, with two free slots.
pub unsafe fn count(state: *mut State, id: u32) -> Option<usize> {
    match size(id)? {
        0 => Some(0),
        // SAFETY: as for the caller.
        n => unsafe {
            let top = ffi::lua_gettop(state);
            let meta = get(state, id, keys::METATABLE).is_some();
            ffi::lua_settop(state, top);
            Some(n - usize::from(meta))
        },
    }
}
