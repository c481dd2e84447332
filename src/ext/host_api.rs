//! External tables for the host itself: what the exports `ext_table_*` do. Keys are forms and values
//! serialized; the guest adds the checks, so that Lua never meets what it could not have stored.

use core::ffi::c_int;

use super::{keys as key, library, load as refs, requests as host};
use crate::abi::{self, imports, refusals};
use crate::lua::{self, State, ffi};
use crate::machine;
use crate::ranges::{Bytes, BytesMut};
use crate::run::result;
use crate::values::write as codec;

/// What a protected function is asked, and what it answers.
struct Request {
    id: u32,
    key: Bytes,
    value: Bytes,
    answer: i32,
}

/// Begins a call for a table: the state, or `None` if the call is refused.
fn begin(id: u32) -> Option<*mut State> {
    let Some(state) = machine::state() else {
        refusals::NOT_RUNNING.note();
        return None;
    };
    if id == 0 {
        refusals::NO_TABLE.note();
        return None;
    }
    result::forget_refusal();
    Some(state)
}

/// Runs a function on a request in protected mode; -1 if it raised an error.
fn ask(id: u32, key: Bytes, value: Bytes, function: lua::Function) -> i32 {
    let Some(state) = begin(id) else { return -1 };
    if machine::refuse_within_import() {
        return -1;
    }
    let mut request = Request { id, key, value, answer: -1 };
    // SAFETY: the state is live, and the request outlives the call.
    unsafe {
        let top = ffi::lua_gettop(state);
        lua::push_function(state, function);
        ffi::lua_pushlightuserdata(state, (&raw mut request).cast());
        // A finaliser could print into the I/O buffer, where the ranges usually lie.
        let held = ffi::lp_gc_hold(state, 1);
        let status = machine::occupied(|| lua::pcall(state, 1, 0, 0));
        ffi::lp_gc_hold(state, held);
        ffi::lua_settop(state, top);
        ffi::lp_ext_forget();
        if status == lua::OK { request.answer } else { -1 }
    }
}

unsafe fn request<'a>(state: *mut State) -> &'a mut Request {
    // SAFETY: `ask` passes its request.
    unsafe { &mut *ffi::lua_touserdata(state, 1).cast() }
}

const NOTHING: &[u8] = &[];

/// Stores a value; 0, or -1.
pub fn set(id: u32, key: Bytes, value: Bytes) -> i32 {
    unsafe extern "C-unwind" fn set(state: *mut State) -> c_int {
        // SAFETY: `ask` calls this in protected mode. Nothing writes to the ranges meanwhile.
        unsafe {
            let request = request(state);
            let (form, value) = (request.key.as_slice(), request.value.as_slice());
            let value_is_one = codec::push_plain(state, value) || refs::Reference::read(value).is_some();
            if !key::push(state, form) {
                refusals::BAD_KEY.note();
            } else if !value_is_one || value.first() == Some(&abi::TAG_NIL) {
                refusals::BAD_VALUE.note();
            } else if value.len() > host::longest_value() {
                refusals::LONG_VALUE.note();
            } else {
                let kept = match refs::Reference::read(value) {
                    Some(refs::Reference::Table(id)) => host::keep(id),
                    _ => true,
                };
                request.answer = if kept && host::set(request.id, form, value) { 0 } else { -1 };
            }
        }
        0
    }
    ask(id, key, value, set)
}

/// Copies a value; its length, or a negative number.
pub fn get(id: u32, key: Bytes, value: BytesMut) -> i32 {
    unsafe extern "C-unwind" fn check(state: *mut State) -> c_int {
        // SAFETY: as for `set`.
        unsafe {
            let request = request(state);
            let form = request.key.as_slice();
            request.answer = if form == key::METATABLE || key::push(state, form) { 0 } else { -1 };
        }
        0
    }
    if begin(id).is_none() {
        return -1;
    }
    if ask(id, key, Bytes::of(NOTHING), check) != 0 {
        refusals::BAD_KEY.note();
        return -1;
    }
    // SAFETY: nothing else uses the ranges while the host reads one and writes the other.
    let answer = unsafe { imports::ext_table_get(id, key.as_slice(), value.as_mut_slice()) };
    if answer == imports::EXT_TABLE_GET_THREW { -1 } else { answer }
}

/// Deletes a key; 0, or -1.
pub fn delete(id: u32, key: Bytes) -> i32 {
    unsafe extern "C-unwind" fn delete(state: *mut State) -> c_int {
        // SAFETY: as for `set`.
        unsafe {
            let request = request(state);
            let deleted = host::delete_and_keep(request.id, request.key.as_slice());
            request.answer = if deleted { 0 } else { -1 };
        }
        0
    }
    ask(id, key, Bytes::of(NOTHING), delete)
}

/// Counts entries; -1 if the host fails.
pub fn size(id: u32) -> i32 {
    unsafe extern "C-unwind" fn size(state: *mut State) -> c_int {
        // SAFETY: as for `set`.
        unsafe {
            let request = request(state);
            request.answer = library::count(state, request.id).map_or(-1, |n| n as i32);
        }
        0
    }
    ask(id, Bytes::of(NOTHING), Bytes::of(NOTHING), size)
}

/// Lists keys; the length of the list, or a negative number.
pub fn keys(id: u32, buffer: BytesMut) -> i32 {
    if begin(id).is_none() {
        return -1;
    }
    // SAFETY: nothing else uses the range while the host writes it.
    let answer = unsafe { imports::ext_table_keys(id, buffer.as_mut_slice()) };
    match answer {
        -1 if host::size(id) == Some(0) => 0,
        imports::EXT_TABLE_KEYS_THREW => -1,
        answer => answer,
    }
}
