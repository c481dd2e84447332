//! Writes and reads the form of keys. Documented hosts see keys as UTF-8 text, so every key is one: an ordinary string
//! is itself, and everything else is written in brackets as in a Lua table constructor: `[5]`,
//! `[1.5]`, `[true]`, `["\xFF"]`. The forms never collide, and a key never holds a line feed, which is
//! what separates keys in a list of them.

use core::ffi::c_int;

use crate::abi;
use crate::libc::digits::{Digits, Limit};
use crate::libc::strtod;
use crate::lua::{self, State, ffi, kind};

/// The longest string that is a key, in bytes.
pub const LIMIT: usize = abi::KEY_LIMIT as usize;
/// The key under which a table keeps its metatable; no Lua value has this form.
pub const METATABLE: &[u8] = b"[meta]";
/// Bytes of the longest key that is not a string.
const SHORT: usize = 48;

/// The bytes that the form of a key of at most [`LIMIT`] bytes can take: each becomes at most `\xHH`,
/// between two brackets and two quotes.
pub const fn room(length: usize) -> usize {
    let quoted = length * 4 + 4;
    if quoted < SHORT { SHORT } else { quoted }
}

/// The reason why a value cannot be a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// nil
    Nil,
    /// not a number
    Nan,
    /// A string of so many bytes.
    TooLong(usize),
    /// A value of a type that cannot be a key.
    Type(c_int),
}

impl Refusal {
    /// Raises the refusal as an error.
    ///
    /// # Safety
    ///
    /// Inside a protected call.
    pub unsafe fn raise(self, state: *mut State) -> ! {
        match self {
            Self::Nil => lua::error(state, c"table index is nil"),
            Self::Nan => lua::error(state, c"table index is NaN"),
            Self::TooLong(length) => ffi::luaL_error(
                state,
                c"a key of an external table has at most %d bytes, this one has %d".as_ptr(),
                LIMIT as c_int,
                length as c_int,
            ),
            Self::Type(kind) => ffi::luaL_error(
                state,
                c"a %s cannot be a key of an external table".as_ptr(),
                ffi::lua_typename(state, kind),
            ),
        };
        lua::raise(state)
    }
}

/// Whether the value at `index` can be a key.
///
/// # Safety
///
/// `state` is a live state and the index valid.
pub unsafe fn check(state: *mut State, index: c_int) -> Result<(), Refusal> {
    match ffi::lua_type(state, index) {
        kind::STRING => match lua::bytes(state, index).len() {
            length if length > LIMIT => Err(Refusal::TooLong(length)),
            _ => Ok(()),
        },
        kind::NUMBER if ffi::lua_tonumberx(state, index, core::ptr::null_mut()).is_nan() => Err(Refusal::Nan),
        kind::NUMBER | kind::BOOLEAN => Ok(()),
        kind::NIL => Err(Refusal::Nil),
        other => Err(Refusal::Type(other)),
    }
}

/// Text that is written into bytes given.
struct Text<'a> {
    place: &'a mut [u8],
    length: usize,
}

impl<'a> Text<'a> {
    fn done(self) -> &'a [u8] {
        let Self { place, length } = self;
        &place[..length]
    }

    fn byte(&mut self, byte: u8) {
        if let Some(place) = self.place.get_mut(self.length) {
            *place = byte;
            self.length += 1;
        }
    }

    fn bytes(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|&byte| self.byte(byte));
    }

    fn integer(&mut self, n: i64) {
        let mut digits = [0; 20];
        let mut rest = n.unsigned_abs();
        let mut from = digits.len();
        loop {
            from -= 1;
            digits[from] = b'0' + (rest % 10) as u8;
            rest /= 10;
            if rest == 0 {
                break;
            }
        }
        if n < 0 {
            self.byte(b'-');
        }
        self.bytes(&digits[from..]);
    }

    /// Writes the shortest digits that are read back as the same number: `1.5`, `1e300`, `-inf`. What
    /// is written is never an integer's form.
    fn float(&mut self, n: f64) {
        const PLAIN: core::ops::Range<i32> = -5..16;
        if n.is_sign_negative() {
            self.byte(b'-');
        }
        let n = n.abs();
        if n.is_infinite() {
            return self.bytes(b"inf");
        }
        // Fifteen digits always survive, and seventeen always suffice.
        let start = self.length;
        for count in 15..=17 {
            self.length = start;
            let digits = Digits::new(n, Limit::Significant(count));
            let plain = PLAIN.contains(&digits.power);
            let whole = if plain { digits.power } else { 0 };
            if whole < 0 {
                self.bytes(b"0.");
                (whole..-1).for_each(|_| self.byte(b'0'));
            }
            let padded = digits.bytes().iter().chain(core::iter::repeat(&b'0'));
            padded.take(whole.max(0) as usize + 1).for_each(|&digit| self.byte(digit));
            let rest = digits.bytes().get(whole.max(0) as usize + 1..).unwrap_or(&[]);
            if whole >= 0 && (!rest.is_empty() || plain) {
                self.byte(b'.');
                if rest.is_empty() {
                    self.byte(b'0');
                }
            }
            self.bytes(rest);
            if !plain {
                self.byte(b'e');
                self.integer(i64::from(digits.power));
            }
            if strtod::parse(&self.place[start..self.length]).0 == n {
                return;
            }
        }
    }
}

/// Whether a string can be its own key.
fn is_ordinary(bytes: &[u8]) -> bool {
    const BOM: &[u8] = "\u{FEFF}".as_bytes();
    let Some(&first) = bytes.first() else { return false };
    if first == b'[' || bytes.starts_with(BOM) {
        return false;
    }
    let mut ascii = true;
    for &b in bytes {
        if matches!(b, b'\n' | b'\r' | 0) {
            return false;
        }
        ascii &= b < 0x80;
    }
    ascii || core::str::from_utf8(bytes).is_ok()
}

/// The form of the key at `index`, which [`check`] accepted: the string itself, or what is written to
/// `place`, of which `room(length of the string)` bytes must be there.
///
/// # Safety
///
/// `state` is a live state; the string must stay where it is while its bytes are used.
pub unsafe fn encode(state: *mut State, index: c_int, place: &mut [u8]) -> &[u8] {
    let mut text = Text { place, length: 0 };
    // The place is as large as the longest form, so that writing cannot fail.
    match ffi::lua_type(state, index) {
        kind::STRING => {
            let bytes = lua::bytes(state, index);
            if is_ordinary(bytes) {
                return bytes;
            }
            quote(bytes, |byte| text.byte(byte));
        }
        kind::NUMBER => {
            let integer = ffi::lua_isinteger(state, index) != 0;
            let n = ffi::lua_tonumberx(state, index, core::ptr::null_mut());
            let whole =
                if integer { Some(ffi::lua_tointegerx(state, index, core::ptr::null_mut())) } else { as_integer(n) };
            text.byte(b'[');
            match whole {
                Some(n) => text.integer(n),
                None => text.float(n),
            }
            text.byte(b']');
        }
        _ => {
            text.bytes(if ffi::lua_toboolean(state, index) != 0 { b"[true]" } else { b"[false]" });
        }
    }
    text.done()
}

/// A float that has an integer's value is that integer as a key, as in Lua.
fn as_integer(n: f64) -> Option<i64> {
    const LIMIT: f64 = 9_223_372_036_854_775_808.0;
    ((-LIMIT..LIMIT).contains(&n) && (n as i64) as f64 == n).then_some(n as i64)
}

/// Hands out the quoted form of a string, byte by byte.
fn quote(bytes: &[u8], mut put: impl FnMut(u8)) {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    put(b'[');
    put(b'"');
    let mut rest = bytes;
    while let Some(&first) = rest.first() {
        let length = char_length(rest);
        let (char, tail) = rest.split_at(length.max(1));
        if length == 0 || matches!(first, b'\n' | b'\r' | 0) {
            for byte in [b'\\', b'x', HEX[usize::from(first >> 4)], HEX[usize::from(first & 15)]] {
                put(byte);
            }
        } else {
            if first == b'\\' {
                put(b'\\');
            }
            char.iter().for_each(|&byte| put(byte));
        }
        rest = tail;
    }
    put(b'"');
    put(b']');
}

/// Whether the quoted form of a string is just this one.
fn is_quoted_as(bytes: &[u8], form: &[u8]) -> bool {
    let mut expected = form.iter();
    let mut same = true;
    quote(bytes, |byte| same &= expected.next() == Some(&byte));
    same && expected.next().is_none()
}

/// Bytes of the UTF-8 character at the start, 0 if there is none.
fn char_length(bytes: &[u8]) -> usize {
    (1..=bytes.len().min(4)).find(|&n| core::str::from_utf8(&bytes[..n]).is_ok()).unwrap_or(0)
}

/// Pushes the key that has a form. `false`: no key has it, and nothing was pushed.
///
/// # Safety
///
/// Inside a protected call, with three free slots.
pub unsafe fn push(state: *mut State, form: &[u8]) -> bool {
    if !parse(state, form) {
        return false;
    }
    let same = match (ffi::lua_type(state, -1), form) {
        (kind::STRING, [b'[', ..]) => {
            let bytes = lua::bytes(state, -1);
            !is_ordinary(bytes) && is_quoted_as(bytes, form)
        }
        (kind::STRING, _) => true,
        _ => encode(state, -1, &mut [0; SHORT]) == form,
    };
    if !same {
        lua::pop(state, 1);
    }
    same
}

/// Pushes the form that a key should have had, as a string, if some other one can be read as a key. `false`: it cannot,
/// and nothing was pushed.
///
/// # Safety
///
/// As for [`push`].
pub unsafe fn push_right_form(state: *mut State, form: &[u8]) -> bool {
    if !parse(state, form) {
        return false;
    }
    if check(state, -1).is_err() {
        lua::pop(state, 1);
        return false;
    }
    let mut place = Place::default();
    let at = ffi::lua_gettop(state);
    let right = place.encode(state, at);
    lua::push_bytes(state, right);
    ffi::lua_copy(state, -1, at);
    ffi::lua_settop(state, at);
    true
}

/// Pushes the key that a form means, also if it has another one: `[1.0]` for 1, `["a"]` for "a". `false`: it means
/// none, and nothing was pushed.
unsafe fn parse(state: *mut State, form: &[u8]) -> bool {
    let inner = match form {
        [b'[', inner @ .., b']'] => inner,
        [b'[', ..] => return false,
        _ if form.len() <= LIMIT && is_ordinary(form) => {
            lua::push_bytes(state, form);
            return true;
        }
        _ => return false,
    };
    match inner {
        [b'"', quoted @ .., b'"'] => return push_unquoted(state, quoted),
        b"true" => ffi::lua_pushboolean(state, 1),
        b"false" => ffi::lua_pushboolean(state, 0),
        b"inf" => ffi::lua_pushnumber(state, f64::INFINITY),
        b"-inf" => ffi::lua_pushnumber(state, f64::NEG_INFINITY),
        _ => match parse_integer(inner) {
            Some(n) => ffi::lua_pushinteger(state, n),
            None => match strtod::parse(inner) {
                (n, length) if length == inner.len() && length > 0 && !n.is_nan() => {
                    ffi::lua_pushnumber(state, n);
                }
                _ => return false,
            },
        },
    }
    true
}

fn parse_integer(text: &[u8]) -> Option<i64> {
    core::str::from_utf8(text).ok()?.parse().ok()
}

/// Pushes the string that stands between the quotes of a form; `false` if it is none, and nothing was pushed.
unsafe fn push_unquoted(state: *mut State, quoted: &[u8]) -> bool {
    // SAFETY: as for `push`. No more bytes come out than go in.
    unsafe {
        let place = ffi::lua_newuserdatauv(state, quoted.len(), 0).cast::<u8>();
        let mut text = Text { place: core::slice::from_raw_parts_mut(place, quoted.len()), length: 0 };
        let mut rest = quoted;
        let whole = loop {
            rest = match rest {
                [] => break true,
                [b'\\', b'\\', tail @ ..] => {
                    text.byte(b'\\');
                    tail
                }
                [b'\\', b'x', high, low, tail @ ..] => match (hex(*high), hex(*low)) {
                    (Some(high), Some(low)) => {
                        text.byte(high << 4 | low);
                        tail
                    }
                    _ => break false,
                },
                [b'\\', ..] => break false,
                [byte, tail @ ..] => {
                    text.byte(*byte);
                    tail
                }
            };
        };
        let bytes = text.done();
        let whole = whole && bytes.len() <= LIMIT;
        if whole {
            lua::push_bytes(state, bytes);
            ffi::lua_rotate(state, -2, -1);
        }
        lua::pop(state, 1);
        whole
    }
}

fn hex(digit: u8) -> Option<u8> {
    (digit as char).to_digit(16).map(|value| value as u8)
}

/// A place for the forms of keys of one operation: short ones need no memory.
#[derive(Debug)]
pub struct Place {
    short: [u8; 64],
}

impl Default for Place {
    /// An empty place.
    fn default() -> Self {
        Self { short: [0; 64] }
    }
}

impl Place {
    /// The form of the key at `index`; raises the refusal of what is no key. The form of a long string
    /// that is not its own leaves a userdata on the stack.
    ///
    /// # Safety
    ///
    /// Inside a protected call, with a free slot; the key stays where it is while its form is used.
    pub unsafe fn encode(&mut self, state: *mut State, index: c_int) -> &[u8] {
        if let Err(refusal) = check(state, index) {
            refusal.raise(state);
        }
        let bytes = lua::bytes(state, index);
        let needed = room(bytes.len());
        if needed <= self.short.len() {
            return encode(state, index, &mut self.short);
        }
        if is_ordinary(bytes) {
            return bytes;
        }
        let place = ffi::lua_newuserdatauv(state, needed, 0).cast::<u8>();
        encode(state, index, core::slice::from_raw_parts_mut(place, needed))
    }
}

#[cfg(test)]
mod tests;
