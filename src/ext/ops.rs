//! The operations on external tables, as functions that the interpreter calls.

use core::ffi::c_int;

use crate::cell::Global;
use crate::ext::keys;
use crate::ext::{load, requests, store, walk};
use crate::lua::{self, State, ffi, kind};
use crate::plain::codec;
use crate::plain::window::Window;

/// The borders found last: programs ask for the same ones again, or for the next.
static BORDERS: [Global<(u32, i64)>; 16] = [const { Global::new((0, 0)) }; 16];

/// Tells the interpreter which functions do the work.
///
/// # Safety
///
/// No external table exists yet.
pub unsafe fn install() {
    let operations = ffi::lp_ext_Operations {
        index: Some(index),
        newindex: Some(newindex),
        rawget: Some(rawget),
        rawset: Some(rawset),
        length: Some(length),
        next: Some(walk::next),
        setmetatable: Some(set_metatable),
    };
    // SAFETY: the struct is copied before the call returns.
    unsafe { ffi::lp_ext_operations(&raw const operations) }
}

/// `t[k]`: what the table holds. For nil the interpreter asks `__index`, whose metatable has been read by then.
unsafe extern "C-unwind" fn index(state: *mut State) -> c_int {
    // SAFETY: the interpreter passes an external table and a key, in protected mode.
    unsafe {
        load::settle(state);
        get(state);
    }
    1
}

/// `t[k] = v`, unless the key is not there and `__newindex` has to be asked, which is left to the interpreter.
/// Returns whether it assigned.
unsafe extern "C-unwind" fn newindex(state: *mut State) -> c_int {
    // SAFETY: the interpreter passes an external table, a key and a value, in protected mode.
    unsafe {
        load::settle(state);
        let asks = ffi::luaL_getmetafield(state, 1, c"__newindex".as_ptr()) != kind::NIL && {
            get(state);
            ffi::lua_type(state, -1) == kind::NIL
        };
        ffi::lua_settop(state, 3);
        if !asks {
            assign(state);
        }
        ffi::lua_pushboolean(state, c_int::from(!asks));
    }
    1
}

/// `rawget(t, k)`.
unsafe extern "C-unwind" fn rawget(state: *mut State) -> c_int {
    // SAFETY: the interpreter passes an external table and a key, in protected mode.
    unsafe { get(state) };
    1
}

/// Pushes what the table at index 1 holds under the key at index 2, and remembers it.
unsafe fn get(state: *mut State) {
    // What cannot be a key is not there, as in any table.
    if keys::check(state, 2).is_err() {
        return ffi::lua_pushnil(state);
    }
    let mut place = keys::Place::default();
    let form = place.encode(state, 2);
    load::fetch(state, ffi::lp_ext_id(state, 1), form);
    // What is remembered as absent is looked for in the metatable next.
    if load::is_settled(state) {
        ffi::lp_ext_remember(state);
    }
}

/// `rawset(t, k, v)`.
unsafe extern "C-unwind" fn rawset(state: *mut State) -> c_int {
    // SAFETY: the interpreter passes an external table, a key and a value, in protected mode.
    unsafe {
        load::settle(state);
        assign(state)
    }
}

/// Assigns the value at index 3 to the key at index 2 of the table at index 1, without metamethods.
unsafe fn assign(state: *mut State) -> c_int {
    if lua::bytes(state, 2).starts_with(b"__") { set_field(state) } else { set(state) }
}

/// Does as [`rawset`], for a key that may be a metamethod: the interpreter knows the new one from here on, and
/// the old one again if it cannot be stored.
unsafe fn set_field(state: *mut State) -> c_int {
    unsafe extern "C-unwind" fn set(state: *mut State) -> c_int {
        // SAFETY: called below with the arguments of `rawset`.
        unsafe { self::set(state) }
    }
    // SAFETY: as for `rawset`. The old field is put back where it was, which takes no memory.
    unsafe {
        load::know_fields(state, 1);
        ffi::lp_ext_getfields(state, 1);
        ffi::lua_pushvalue(state, 2);
        ffi::lua_rawget(state, 4);
        ffi::lua_pushvalue(state, 2);
        ffi::lua_pushvalue(state, 3);
        ffi::lua_rawset(state, 4);
        ffi::lp_ext_refresh(state, 1);
        lua::push_function(state, set);
        for argument in 1..=3 {
            ffi::lua_pushvalue(state, argument);
        }
        if lua::pcall(state, 3, 0, 0) != lua::OK {
            ffi::lua_pushvalue(state, 2);
            ffi::lua_pushvalue(state, 5);
            ffi::lua_rawset(state, 4);
            ffi::lp_ext_refresh(state, 1);
            lua::raise(state);
        }
    }
    0
}

/// Stores the value at index 3 under the key at index 2 of the table at index 1, and remembers it.
unsafe fn set(state: *mut State) -> c_int {
    // SAFETY: as for `rawset`. The form of the key lies in `place` or on the stack.
    unsafe {
        let id = ffi::lp_ext_id(state, 1);
        let mut place = keys::Place::default();
        let form = place.encode(state, 2);
        let mut window = Window::new(requests::room(), 0);
        let done = if ffi::lua_type(state, 3) == kind::NIL {
            // Something may refer to the table, which is perhaps empty now.
            requests::delete_and_keep(id, form)
        } else if !codec::write_plain(state, 3, &mut window) {
            store::store(state);
            true
        } else {
            let size = window.position();
            if size > requests::longest_value() {
                requests::too_long(state, size);
            }
            let bytes = if size <= requests::ROOM {
                &requests::room()[..size]
            } else {
                let place = ffi::lua_newuserdatauv(state, size, 0).cast::<u8>();
                let place = core::slice::from_raw_parts_mut(place, size);
                codec::write_plain(state, 3, &mut Window::new(place, 0));
                place
            };
            let other = ffi::lp_ext_id(state, 3);
            (other == 0 || requests::keep_in_call(other)) && requests::set(id, form, bytes)
        };
        if !done {
            ffi::lp_ext_forget();
            requests::failed(state, c"change an external table");
        }
        walk::touch(id);
        ffi::lua_settop(state, 3);
        ffi::lp_ext_remember(state);
    }
    0
}

/// `#t`: a border, found by doubling and halving from where it was last.
unsafe extern "C-unwind" fn length(state: *mut State) -> c_int {
    // SAFETY: the interpreter passes an external table, in protected mode.
    unsafe {
        ffi::lua_settop(state, 1);
        load::settle(state);
        let id = ffi::lp_ext_id(state, 1);
        let present = |n: i64| {
            ffi::lua_rawgeti(state, 1, n);
            let present = ffi::lua_type(state, -1) != kind::NIL;
            lua::pop(state, 1);
            present
        };
        let hint = &BORDERS[id as usize % BORDERS.len()];
        let mut low = match hint.get() {
            (known, border) if known == id && border > 0 && present(border) => border,
            _ => 0,
        };
        // Between a present `low` (or 0) and an absent `high`.
        let mut step = 1;
        let mut high = loop {
            let next = low.saturating_add(step);
            if next == i64::MAX || !present(next) {
                break next;
            }
            low = next;
            step *= 2;
        };
        while high - low > 1 {
            let middle = low + (high - low) / 2;
            if present(middle) {
                low = middle;
            } else {
                high = middle;
            }
        }
        hint.set((id, low));
        ffi::lua_pushinteger(state, low);
    }
    1
}

/// `setmetatable(v, mt)` where one of the two is external: stores the metatable of an external table,
/// and makes the metamethods of an external metatable known to the interpreter.
unsafe extern "C-unwind" fn set_metatable(state: *mut State) -> c_int {
    // SAFETY: the interpreter passes a value and its metatable to be, or nil, in protected mode.
    unsafe {
        ffi::lua_settop(state, 2);
        load::settle(state);
        // First what can fail without a trace.
        if ffi::lp_ext_id(state, 2) != 0 {
            load::know_fields(state, 2);
        }
        if ffi::lp_ext_id(state, 1) != 0 {
            store::store_metatable(state);
        }
    }
    0
}

/// Deletes every entry of the external table at an index. Raises an error if the host fails.
///
/// # Safety
///
/// Inside a protected call, with a few free slots.
pub unsafe fn clear(state: *mut State, index: c_int) {
    ffi::lp_ext_forget();
    if !walk::drop_all(state, ffi::lp_ext_id(state, index)) {
        requests::failed(state, c"clear an external table");
    }
}
