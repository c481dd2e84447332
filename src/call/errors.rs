//! Keeps what the host may read of an error: the traceback, the error of a call inside a host function, and the last
//! exception of a host function.

use core::ffi::c_int;

use crate::call::outcome::{self, Kept};
use crate::cell::Global;
use crate::lua::{self, State, ffi, kind};

/// Registry key: the last error's traceback.
static TRACEBACK: u8 = 0;
/// Registry key: the error value of the last call that failed inside a host function.
static NESTED: u8 = 1;
/// Registry key: the error value of the last exception; false before the first.
static EXCEPTION: u8 = 2;
/// Registry key: the host's own traceback of the last exception, or false.
static STACK: u8 = 3;
/// Whether that error was raised again by the function.
static AGAIN: Global<bool> = Global::new(false);
/// The number that the host gave to the last exception.
static EXCEPTION_NUMBER: Global<u32> = Global::new(0);

/// Makes the registry's slots for errors, so that keeping one takes no memory.
///
/// # Safety
///
/// Inside a protected call.
pub unsafe fn open(state: *mut State) {
    for key in [&NESTED, &EXCEPTION, &STACK] {
        ffi::lua_pushboolean(state, 0);
        ffi::lua_rawsetp(state, lua::REGISTRY, lua::registry_key(key));
    }
}

/// Drops from the stack what calls inside a host function left: all above `top`.
///
/// # Safety
///
/// `state` is the thread that called the function.
pub unsafe fn forget_nested(state: *mut State, top: c_int) {
    ffi::lua_settop(state, top);
    outcome::keep(Kept::Nothing);
}

/// Pushes the error value of the last call that failed inside a host function, to be raised again. Its
/// traceback stays that of where it was raised first.
///
/// # Safety
///
/// `state` is a live state with a free slot.
pub unsafe fn push_nested_error(state: *mut State) {
    ffi::lua_rawgetp(state, lua::REGISTRY, lua::registry_key(&NESTED));
    AGAIN.set(true);
}

/// Returns whether the error value at `index` is raised again, so that its traceback is kept already.
///
/// # Safety
///
/// `state` is a live state with a free slot.
pub unsafe fn has_traceback(state: *mut State, index: c_int) -> bool {
    if !AGAIN.get() {
        return false;
    }
    AGAIN.set(false);
    let index = ffi::lua_absindex(state, index);
    ffi::lua_rawgetp(state, lua::REGISTRY, lua::registry_key(&NESTED));
    let same = ffi::lua_rawequal(state, index, -1) != 0;
    lua::pop(state, 1);
    same
}

/// Keeps the string on top of the stack as the traceback of an error.
///
/// # Safety
///
/// Inside a protected call.
pub unsafe fn keep_traceback(state: *mut State) {
    ffi::lua_rawsetp(state, lua::REGISTRY, lua::registry_key(&TRACEBACK))
}

/// Forgets the last exception: an equal error of a later call is another one.
pub fn forget_exception() {
    EXCEPTION_NUMBER.set(0);
}

/// Returns the number of the last exception if the error value at `index` is that exception.
///
/// # Safety
///
/// `state` is a live state with a free slot.
pub unsafe fn exception(state: *mut State, index: c_int) -> Option<u32> {
    // SAFETY: as for the caller; one thread touches the number.
    unsafe {
        let index = ffi::lua_absindex(state, index);
        let any = ffi::lua_rawgetp(state, lua::REGISTRY, lua::registry_key(&EXCEPTION)) != kind::BOOLEAN
            || ffi::lua_toboolean(state, -1) != 0;
        let same = any && ffi::lua_rawequal(state, index, -1) != 0;
        lua::pop(state, 1);
        let number = EXCEPTION_NUMBER.get();
        (same && number != 0).then_some(number)
    }
}

/// `ext.stack()`: the host's own traceback of the last exception of one of its functions, or nil.
///
/// # Safety
///
/// Called by Lua.
pub unsafe extern "C-unwind" fn stack(state: *mut State) -> c_int {
    // SAFETY: Lua calls this with free slots.
    unsafe {
        if ffi::lua_rawgetp(state, lua::REGISTRY, lua::registry_key(&STACK)) != kind::STRING {
            ffi::lua_pushnil(state);
        }
    }
    1
}

/// Pushes the traceback of the last error.
///
/// # Safety
///
/// `state` is a live state with a free slot.
pub unsafe fn push_traceback(state: *mut State) {
    ffi::lua_rawgetp(state, lua::REGISTRY, lua::registry_key(&TRACEBACK));
}

/// Forgets the traceback of the last error. Takes no memory.
///
/// # Safety
///
/// `state` is a live state with a free slot.
pub unsafe fn forget_traceback(state: *mut State) {
    // SAFETY: as for the caller; setting a registry slot to nil takes no memory.
    unsafe {
        ffi::lua_pushnil(state);
        ffi::lua_rawsetp(state, lua::REGISTRY, lua::registry_key(&TRACEBACK));
    }
}

/// Keeps the error value on top of the stack, which stays there, as that of a call inside a host function.
///
/// # Safety
///
/// `state` is a live state with a free slot.
pub unsafe fn keep_nested(state: *mut State) {
    // SAFETY: as for the caller; `open` made the slot, so that setting it takes no memory.
    unsafe {
        ffi::lua_pushvalue(state, -1);
        ffi::lua_rawsetp(state, lua::REGISTRY, lua::registry_key(&NESTED));
    }
}

/// Keeps the error value on top of the stack, which stays there, as the exception to which the host gave a number.
///
/// # Safety
///
/// As for [`keep_nested`].
pub unsafe fn keep_exception(state: *mut State, number: u32) {
    // SAFETY: as for the caller; `open` made the slot.
    unsafe {
        ffi::lua_pushvalue(state, -1);
        ffi::lua_rawsetp(state, lua::REGISTRY, lua::registry_key(&EXCEPTION));
    }
    EXCEPTION_NUMBER.set(number);
}

/// Takes the string on top of the stack, or false, as the host's own traceback of the last exception.
///
/// # Safety
///
/// As for [`keep_nested`].
pub unsafe fn keep_stack(state: *mut State) {
    // SAFETY: as for the caller; `open` made the slot.
    unsafe { ffi::lua_rawsetp(state, lua::REGISTRY, lua::registry_key(&STACK)) }
}
