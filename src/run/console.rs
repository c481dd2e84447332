//! Remembers the top-level locals of earlier `eval` chunks, as the very variables that their closures hold. The
//! compiler's part is in `vendor/edits/console.toml`; this is the table it asks, and what fills it.

use core::ffi::c_int;

use crate::lua::{self, State, ffi};

/// Registry key: name -> place of the variable in its capture.
static PLACES: u8 = 0;

/// Registry key: name -> the capture, a closure that holds the variable as an upvalue.
static CAPTURES: u8 = 1;

/// Makes the console's tables.
///
/// # Safety
///
/// Inside a protected call.
pub unsafe fn open(state: *mut State) {
    for table in [&PLACES, &CAPTURES] {
        lua::push_private_table(state, 0, 0);
        ffi::lua_rawsetp(state, lua::REGISTRY, lua::registry_key(table));
    }
}

/// Makes the console's locals visible to the next chunk that is compiled. Leaves a value on the stack that has
/// to stay there until then.
///
/// # Safety
///
/// `state` is a live state with a free stack slot.
pub unsafe fn begin(state: *mut State) {
    // SAFETY: the table was made by `open`.
    unsafe {
        ffi::lua_rawgetp(state, lua::REGISTRY, lua::registry_key(&PLACES));
        ffi::lp_console_compile(state, -1);
    }
}

/// Undoes [`begin`], if nothing was compiled.
///
/// # Safety
///
/// `state` is a live state.
pub unsafe fn end(state: *mut State) {
    // SAFETY: 0 only resets a pointer.
    unsafe { ffi::lp_console_compile(state, 0) }
}

/// Joins the upvalues of a compiled chunk, at the absolute index `chunk`, to the variables they name.
///
/// # Safety
///
/// `state` is a live state with free stack slots; the chunk was compiled behind [`begin`].
pub unsafe fn join(state: *mut State, chunk: c_int) {
    // SAFETY: every name among the upvalues came from the console's tables, which have an entry for it
    // in both. Nothing here allocates.
    unsafe {
        ffi::lua_rawgetp(state, lua::REGISTRY, lua::registry_key(&PLACES));
        ffi::lua_rawgetp(state, lua::REGISTRY, lua::registry_key(&CAPTURES));
        let (places, captures) = (ffi::lua_absindex(state, -2), ffi::lua_absindex(state, -1));
        // The first upvalue is _ENV.
        for n in 2.. {
            if ffi::lp_upvalue_name(state, chunk, n) == 0 {
                break;
            }
            ffi::lua_pushvalue(state, -1);
            ffi::lua_rawget(state, places);
            let place = ffi::lua_tointegerx(state, -1, core::ptr::null_mut());
            lua::pop(state, 1);
            ffi::lua_rawget(state, captures);
            ffi::lua_upvaluejoin(state, chunk, n, -1, (place & 0xFF) as c_int);
            lua::pop(state, 1);
        }
        lua::pop(state, 2);
    }
}

/// Remembers the locals of a capture, the only argument. Returns the value of the last of them.
///
/// # Safety
///
/// Called by Lua.
pub unsafe extern "C-unwind" fn absorb(state: *mut State) -> c_int {
    // SAFETY: Lua calls this in protected mode, with a capture.
    unsafe {
        ffi::lua_rawgetp(state, lua::REGISTRY, lua::registry_key(&PLACES));
        ffi::lua_rawgetp(state, lua::REGISTRY, lua::registry_key(&CAPTURES));
        let mut n = 1;
        loop {
            let place = ffi::lp_console_place(state, 1, n);
            if place == 0 {
                break;
            }
            ffi::lua_pushvalue(state, -1);
            ffi::lua_pushvalue(state, 1);
            // The capture first: a name whose place is known always has one.
            ffi::lua_rawset(state, 3);
            ffi::lua_pushinteger(state, place);
            ffi::lua_rawset(state, 2);
            n += 1;
        }
        if n > 1 && !ffi::lua_getupvalue(state, 1, n - 1).is_null() {
            return 1;
        }
    }
    0
}
