//! Holds Lua values for the host: what stays in Lua (functions, coroutines, userdata) goes to the host as a number,
//! which stands for it until the host lets go.

use core::ffi::c_int;

use crate::cell::Global;
use crate::lua::{self, State, ffi, kind};

/// Registry key: number -> value, and value -> number, in one table.
static HELD: u8 = 0;

/// The number that was given last.
static LAST: Global<u32> = Global::new(0);

/// Makes the table of held values anew: those of before are released.
///
/// # Safety
///
/// Inside a protected call.
pub unsafe fn open(state: *mut State) {
    lua::push_private_table(state, 0, 0);
    ffi::lua_rawsetp(state, lua::REGISTRY, lua::registry_key(&HELD));
}

/// The number of the value at the absolute index `index`, which is held from now on.
///
/// # Safety
///
/// Inside a protected call, with four free slots; the value is a function, a userdata or a coroutine.
pub unsafe fn hold(state: *mut State, index: c_int) -> u32 {
    let top = ffi::lua_gettop(state);
    ffi::lua_rawgetp(state, lua::REGISTRY, lua::registry_key(&HELD));
    ffi::lua_pushvalue(state, index);
    let known = ffi::lua_rawget(state, -2) == kind::NUMBER;
    let number = if known {
        ffi::lua_tointegerx(state, -1, core::ptr::null_mut()) as u32
    } else {
        // A number that is in use is not given again, however many there have been.
        loop {
            LAST.set(LAST.get().wrapping_add(1).max(1));
            let used = ffi::lua_rawgeti(state, top + 1, i64::from(LAST.get())) != kind::NIL;
            lua::pop(state, 1);
            if !used {
                break;
            }
        }
        ffi::lua_pushvalue(state, index);
        ffi::lua_pushinteger(state, i64::from(LAST.get()));
        ffi::lua_rawset(state, top + 1);
        ffi::lua_pushvalue(state, index);
        ffi::lua_rawseti(state, top + 1, i64::from(LAST.get()));
        LAST.get()
    };
    ffi::lua_settop(state, top);
    number
}

/// Pushes the value with a number; `false` if there is none, and nothing was pushed.
///
/// # Safety
///
/// `state` is a live state with two free slots.
pub unsafe fn push(state: *mut State, number: u32) -> bool {
    ffi::lua_rawgetp(state, lua::REGISTRY, lua::registry_key(&HELD));
    let held = ffi::lua_rawgeti(state, -1, i64::from(number)) != kind::NIL;
    ffi::lua_rotate(state, -2, -1);
    lua::pop(state, if held { 1 } else { 2 });
    held
}

/// Releases a held value. Takes no memory.
///
/// # Safety
///
/// `state` is a live state with four free slots.
pub unsafe fn release(state: *mut State, number: u32) {
    // SAFETY: only fields that exist are set, to nil.
    unsafe {
        let top = ffi::lua_gettop(state);
        if push(state, number) {
            ffi::lua_rawgetp(state, lua::REGISTRY, lua::registry_key(&HELD));
            ffi::lua_rotate(state, -2, 1);
            ffi::lua_pushnil(state);
            ffi::lua_rawset(state, -3);
            ffi::lua_pushnil(state);
            ffi::lua_rawseti(state, -2, i64::from(number));
        }
        ffi::lua_settop(state, top);
    }
}
