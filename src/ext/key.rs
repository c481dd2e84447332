//! The form of keys. Documented hosts see keys as UTF-8 text, so every key is one: an ordinary string
//! is itself, and everything else is written in brackets as in a Lua table constructor: `[5]`,
//! `[1.5]`, `[true]`, `["\xFF"]`. The forms never collide, and a key never holds a line feed, which is
//! what separates keys in a list of them.

use core::ffi::c_int;
use core::fmt::Write;

use crate::lua::{self, State, ffi, kind};

/// The longest string that is a key, in bytes.
pub const LIMIT: usize = 16 * 1024;

/// A short key made without memory.
pub struct Short {
    text: [u8; 48],
    length: usize,
}

impl Write for Short {
    fn write_str(&mut self, s: &str) -> core::fmt::Result {
        let end = self.length + s.len();
        let place = self.text.get_mut(self.length..end).ok_or(core::fmt::Error)?;
        place.copy_from_slice(s.as_bytes());
        self.length = end;
        Ok(())
    }
}

/// A key in the form that goes to the host.
pub enum Key<'a> {
    /// The string itself.
    Plain(&'a [u8]),
    /// A number or a boolean.
    Short(Short),
}

impl Key<'_> {
    /// The key's bytes.
    pub fn bytes(&self) -> &[u8] {
        match self {
            Self::Plain(bytes) => bytes,
            Self::Short(short) => &short.text[..short.length],
        }
    }
}

/// Whether a string can be its own key.
fn is_ordinary(bytes: &[u8]) -> bool {
    const BOM: &[u8] = "\u{FEFF}".as_bytes();
    let plain = |&b: &u8| !matches!(b, b'\n' | b'\r' | 0);
    !bytes.is_empty()
        && bytes[0] != b'['
        && !bytes.starts_with(BOM)
        && bytes.iter().all(plain)
        && core::str::from_utf8(bytes).is_ok()
}

/// The key at `index`, which must stay there while the key is used. Raises an error that names the
/// type of what cannot be a key. A string that is not its own key leaves its form on the stack.
///
/// # Safety
///
/// Inside a protected call, with three free slots.
pub unsafe fn encode<'a>(state: *mut State, index: c_int) -> Key<'a> {
    let mut short = Short {
        text: [0; 48],
        length: 0,
    };
    // SAFETY: as for the caller.
    unsafe {
        match ffi::lua_type(state, index) {
            kind::STRING => {
                let bytes = lua::bytes(state, index);
                if bytes.len() > LIMIT {
                    ffi::luaL_error(
                        state,
                        c"a key of an external table has at most %d bytes, this one has %d".as_ptr(),
                        LIMIT as c_int,
                        bytes.len() as c_int,
                    );
                }
                if is_ordinary(bytes) {
                    return Key::Plain(bytes);
                }
                quote(state, bytes);
                return Key::Plain(lua::bytes(state, -1));
            }
            kind::NUMBER if ffi::lua_isinteger(state, index) != 0 => {
                let n = ffi::lua_tointegerx(state, index, core::ptr::null_mut());
                let _ = write!(short, "[{n}]");
            }
            kind::NUMBER => {
                let n = ffi::lua_tonumberx(state, index, core::ptr::null_mut());
                if n.is_nan() {
                    lua::error(state, c"table index is NaN");
                }
                // A float that is an integer is that integer, as in Lua.
                let whole = n as i64;
                if whole as f64 == n && whole != i64::MAX {
                    let _ = write!(short, "[{whole}]");
                } else {
                    let _ = write!(short, "[{n:e}]");
                }
            }
            kind::BOOLEAN => {
                let text = if ffi::lua_toboolean(state, index) != 0 { "[true]" } else { "[false]" };
                let _ = short.write_str(text);
            }
            kind::NIL => lua::error(state, c"table index is nil"),
            other => {
                ffi::luaL_error(
                    state,
                    c"a %s cannot be a key of an external table".as_ptr(),
                    ffi::lua_typename(state, other),
                );
            }
        }
    }
    Key::Short(short)
}

/// Pushes the quoted form of a string.
unsafe fn quote(state: *mut State, bytes: &[u8]) {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    // SAFETY: as for `encode`. The buffer is filled to the size that is told to Lua.
    unsafe {
        let room = bytes.len() * 4 + 4;
        let place = ffi::lua_newuserdatauv(state, room, 0).cast::<u8>();
        let mut at = 0;
        let mut put = |b: u8| {
            place.add(at).write(b);
            at += 1;
        };
        put(b'[');
        put(b'"');
        let mut rest = bytes;
        while let Some(&first) = rest.first() {
            let n = char_length(rest);
            if n == 0 || matches!(first, b'\n' | b'\r' | 0) {
                for b in [b'\\', b'x', HEX[usize::from(first >> 4)], HEX[usize::from(first & 15)]] {
                    put(b);
                }
                rest = &rest[1..];
            } else {
                if first == b'\\' {
                    put(b'\\');
                }
                rest[..n].iter().for_each(|&b| put(b));
                rest = &rest[n..];
            }
        }
        put(b'"');
        put(b']');
        ffi::lua_pushlstring(state, place.cast(), at);
        ffi::lua_rotate(state, -2, -1);
        lua::pop(state, 1);
    }
}

/// Bytes of the UTF-8 character at the start, 0 if there is none.
fn char_length(bytes: &[u8]) -> usize {
    let longest = bytes.len().min(4);
    (1..=longest)
        .find(|&n| core::str::from_utf8(&bytes[..n]).is_ok())
        .unwrap_or(0)
}
