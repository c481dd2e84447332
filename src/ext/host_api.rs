//! External tables for the host itself: does what the exports `ext_table_*` ask. Keys are forms and values serialized;
//! the guest adds the checks, so that Lua never meets what it could not have stored.

use core::ffi::c_int;

use crate::abi::{self, imports, refusals};
use crate::call::{frame, refusal};
use crate::ext::keys;
use crate::ext::reference::Reference;
use crate::ext::requests;
use crate::lua::{self, State, ffi};
use crate::plain::codec;
use crate::ranges::{Bytes, BytesMut};

/// A request of the host, and the answer that the protected function gives.
struct Request {
    id: u32,
    key: Bytes,
    value: Bytes,
    answer: i32,
}

/// Begins a call for a table: the state, or `None` if the call is refused.
fn begin(id: u32) -> Option<*mut State> {
    let Some(state) = frame::state() else {
        refusals::NOT_RUNNING.note();
        return None;
    };
    if id == 0 {
        refusals::NO_TABLE.note();
        return None;
    }
    refusal::forget();
    Some(state)
}

/// Runs a function on a request in protected mode; -1 if it raised an error.
fn ask(id: u32, key: Bytes, value: Bytes, function: lua::Function) -> i32 {
    let Some(state) = begin(id) else { return -1 };
    if refusal::refuse_within_import() {
        return -1;
    }
    let mut request = Request { id, key, value, answer: -1 };
    // SAFETY: the state is live, and the request outlives the call.
    unsafe {
        let top = ffi::lua_gettop(state);
        lua::push_function(state, function);
        ffi::lua_pushlightuserdata(state, (&raw mut request).cast());
        // A finalizer could print into the I/O buffer, where the ranges usually lie.
        let held = ffi::lp_gc_hold(state, 1);
        let status = frame::occupied(|| lua::pcall(state, 1, 0, 0));
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
            let value_is_one = codec::push_plain(state, value) || Reference::read(value).is_some();
            if !keys::push(state, form) {
                refusals::BAD_KEY.note();
            } else if !value_is_one || value.first() == Some(&abi::TAG_NIL) {
                refusals::BAD_VALUE.note();
            } else if value.len() > requests::longest_value() {
                refusals::LONG_VALUE.note();
            } else {
                let kept = match Reference::read(value) {
                    Some(Reference::Table(id)) => requests::keep(id),
                    _ => true,
                };
                request.answer = if kept && requests::set(request.id, form, value) { 0 } else { -1 };
            }
        }
        0
    }
    ask(id, key, value, set)
}

/// Copies a value; its length, or a negative number.
pub fn get(id: u32, key: Bytes, value: BytesMut) -> i32 {
    unsafe extern "C-unwind" fn check(state: *mut State) -> c_int {
        let request = request(state);
        let form = request.key.as_slice();
        request.answer = if form == keys::METATABLE || keys::push(state, form) { 0 } else { -1 };
        0
    }
    if begin(id).is_none() || refusal::refuse_within_import() {
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
        let request = request(state);
        let deleted = requests::delete_and_keep(request.id, request.key.as_slice());
        request.answer = if deleted { 0 } else { -1 };
        0
    }
    ask(id, key, Bytes::of(NOTHING), delete)
}

/// Counts entries; -1 if the host fails.
pub fn size(id: u32) -> i32 {
    unsafe extern "C-unwind" fn size(state: *mut State) -> c_int {
        let request = request(state);
        request.answer = requests::count(state, request.id).map_or(-1, |n| n as i32);
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
        -1 if requests::size(id) == Some(0) => 0,
        imports::EXT_TABLE_KEYS_THREW => -1,
        answer => answer,
    }
}
