//! Writes and reads plain values, which need neither memory nor a protected call to be written: nil, booleans, numbers,
//! strings and, to be written, external tables. One tag, then the value, little-endian; the tags are those of
//! `exports.toml`.

use core::ffi::c_int;

use crate::abi;
use crate::lua::{self, State, ffi, kind};
use crate::plain::window::Window;

/// Writes the value at `index` if it needs neither memory nor a protected call: nil, a boolean, a
/// number, a string or an external table. `false`: it is something else, and nothing was written.
///
/// # Safety
///
/// `state` is a live state and `index` a valid one.
pub unsafe fn write_plain(state: *mut State, index: c_int, out: &mut Window<'_>) -> bool {
    // SAFETY: as for the caller; none of these functions raises an error.
    unsafe {
        match ffi::lua_type(state, index) {
            kind::NIL => out.tag(abi::TAG_NIL),
            kind::BOOLEAN => {
                out.tag(abi::TAG_BOOLEAN);
                out.put(&[ffi::lua_toboolean(state, index) as u8]);
            }
            kind::NUMBER if ffi::lua_isinteger(state, index) != 0 => {
                out.tag(abi::TAG_INTEGER);
                out.put(&ffi::lua_tointegerx(state, index, core::ptr::null_mut()).to_le_bytes());
            }
            kind::NUMBER => {
                out.tag(abi::TAG_FLOAT);
                out.put(&ffi::lua_tonumberx(state, index, core::ptr::null_mut()).to_le_bytes());
            }
            kind::STRING => out.text(abi::TAG_STRING, lua::bytes(state, index)),
            kind::TABLE => match ffi::lp_ext_id(state, index) {
                0 => return false,
                id => {
                    out.tag(abi::TAG_EXTERNAL_TABLE);
                    out.number(id);
                }
            },
            _ => return false,
        }
    }
    true
}

/// Pushes the value that `bytes` encode, all of them, if it is of a plain kind; `false`: they are not
/// one, and nothing was pushed.
///
/// # Safety
///
/// Inside a protected call, with a free slot.
pub unsafe fn push_plain(state: *mut State, bytes: &[u8]) -> bool {
    let Some((&tag, rest)) = bytes.split_first() else {
        return false;
    };
    match (tag, rest) {
        (abi::TAG_NIL, []) => ffi::lua_pushnil(state),
        (abi::TAG_BOOLEAN, [value @ (0 | 1)]) => ffi::lua_pushboolean(state, c_int::from(*value)),
        (abi::TAG_INTEGER, _) => match rest.try_into() {
            Ok(bytes) => ffi::lua_pushinteger(state, i64::from_le_bytes(bytes)),
            Err(_) => return false,
        },
        (abi::TAG_FLOAT, _) => match rest.try_into() {
            Ok(bytes) => ffi::lua_pushnumber(state, f64::from_le_bytes(bytes)),
            Err(_) => return false,
        },
        (abi::TAG_STRING, _) => match rest.split_first_chunk() {
            Some((length, text)) if u32::from_le_bytes(*length) as usize == text.len() => {
                lua::push_bytes(state, text);
            }
            _ => return false,
        },
        _ => return false,
    }
    true
}
