//! Stores the bytecode of functions and loads it, behind a checksum, as Lua does not check bytecode itself.

use core::ffi::{c_char, c_int, c_void};

use crate::abi;
use crate::ext::{requests, variables};
use crate::lua::{self, State, ffi};
use crate::plain::codec;

/// The key of a function's bytecode in the table that describes it.
pub const KEY: &[u8] = b"code";

const CHECKSUM: usize = 8;

/// What bytecode begins with. The version of Lua follows, in one byte.
const SIGNATURE: &[u8] = b"\x1bLua";

/// The version that this Lua writes and reads, as 0x54 for 5.4.
const VERSION: u8 = (ffi::LUA_VERSION_NUM / 100 * 16 + ffi::LUA_VERSION_NUM % 100) as u8;

/// A checksum of bytecode, which Lua does not check itself: FNV-1a of 64 bits.
fn checksum(bytes: &[u8]) -> [u8; CHECKSUM] {
    let mut hash = 0xCBF2_9CE4_8422_2325_u64;
    for &byte in bytes {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3);
    }
    hash.to_le_bytes()
}

/// Pushes the bytecode of the function at the absolute index `function`, behind its checksum.
///
/// # Safety
///
/// Inside a protected call, with a few free slots.
pub unsafe fn push(state: *mut State, function: c_int) {
    unsafe extern "C-unwind" fn count(_: *mut State, _: *const c_void, size: usize, total: *mut c_void) -> c_int {
        // SAFETY: `push_code` passes its total.
        unsafe { *total.cast::<usize>() += size };
        0
    }
    unsafe extern "C-unwind" fn append(_: *mut State, bytes: *const c_void, size: usize, end: *mut c_void) -> c_int {
        // SAFETY: `push_code` passes where the next bytes go, and there is room for all of them.
        unsafe {
            let end = end.cast::<*mut u8>();
            (*end).copy_from(bytes.cast(), size);
            *end = (*end).add(size);
        }
        0
    }
    let mut size = 0usize;
    ffi::lua_pushvalue(state, function);
    ffi::lua_dump(state, Some(count), (&raw mut size).cast(), 0);
    let place = ffi::lua_newuserdatauv(state, CHECKSUM + size, 0).cast::<u8>();
    ffi::lua_pushvalue(state, -2);
    let mut end = place.add(CHECKSUM);
    ffi::lua_dump(state, Some(append), (&raw mut end).cast(), 0);
    let code = core::slice::from_raw_parts(place.add(CHECKSUM), size);
    place.copy_from(checksum(code).as_ptr(), CHECKSUM);
    ffi::lua_pushlstring(state, place.cast(), CHECKSUM + size);
    ffi::lua_copy(state, -1, -4);
    lua::pop(state, 3);
}

unsafe extern "C-unwind" fn read_code(_: *mut State, code: *mut c_void, size: *mut usize) -> *const c_char {
    // SAFETY: `load` passes its code, which it empties behind the first piece.
    unsafe {
        let code = &mut *code.cast::<&[u8]>();
        *size = code.len();
        core::mem::take(code).as_ptr().cast()
    }
}

/// Pushes a function made of the bytecode that is stored under a number, and begins its record.
pub unsafe fn load(state: *mut State, id: u32) {
    // SAFETY: as for `push`. The bytecode stays on the stack while it is loaded.
    unsafe {
        let top = ffi::lua_gettop(state);
        // Nothing but a string is code; a reference would lead on to who knows where.
        let string = requests::get(state, id, KEY).filter(|bytes| bytes.first() == Some(&abi::TAG_STRING));
        if !string.is_some_and(|bytes| codec::push_plain(state, bytes)) {
            damaged(state, id);
        }
        let stored = lua::bytes(state, -1);
        let Some((sum, mut code)) = stored.split_first_chunk::<CHECKSUM>() else { damaged(state, id) };
        if *sum != checksum(code) {
            damaged(state, id);
        }
        if let Some(version) =
            code.strip_prefix(SIGNATURE).and_then(<[u8]>::first).filter(|&&version| version != VERSION)
        {
            of_another_line(state, id, *version);
        }
        let status = ffi::lua_load(state, Some(read_code), (&raw mut code).cast(), c"=stored".as_ptr(), c"b".as_ptr());
        if status != lua::OK {
            lua::raise(state);
        }
        ffi::lua_copy(state, -1, top + 1);
        ffi::lua_settop(state, top + 1);
        // The loader gave it the globals; until its upvalues are read it has none.
        if !ffi::lua_getupvalue(state, top + 1, 1).is_null() {
            lua::pop(state, 1);
            ffi::lua_pushnil(state);
            ffi::lua_setupvalue(state, top + 1, 1);
        }
        variables::push_functions(state);
        ffi::lua_pushvalue(state, top + 1);
        ffi::lua_pushinteger(state, i64::from(id));
        ffi::lua_rawset(state, -3);
        lua::pop(state, 1);
    }
}

/// Raises the error for bytecode of a Lua that is not this.
unsafe fn of_another_line(state: *mut State, id: u32, version: u8) -> ! {
    const OURS: u32 = ffi::LUA_VERSION_RELEASE_NUM;
    ffi::luaL_error(
        state,
        c"the stored function %d is bytecode of Lua %d.%d, which Lua %d.%d.%d cannot run: store it again from its source".as_ptr(),
        id as c_int,
        c_int::from(version >> 4),
        c_int::from(version & 15),
        (OURS / 10000) as c_int,
        (OURS / 100 % 100) as c_int,
        (OURS % 100) as c_int,
    );
    lua::raise(state)
}

pub unsafe fn damaged(state: *mut State, id: u32) -> ! {
    ffi::luaL_error(state, c"the stored function %d is damaged or missing".as_ptr(), id as c_int);
    lua::raise(state)
}
