//! How Lua values are written as bytes: one tag, then the value, little-endian. The tags are those of
//! `exports.toml`.
//!
//! Values are written through a [`Window`], which keeps the bytes of one range and counts the rest, so
//! that a value larger than any buffer can be measured first and then read piece by piece without ever
//! being held whole.

use core::ffi::c_int;

use crate::abi;
use crate::host::functions;
use crate::lua::{self, State, ffi, kind};
use crate::session as system;
use crate::values::held as references;

/// A range of an unbounded stream of bytes.
#[derive(Debug)]
pub struct Window<'a> {
    out: &'a mut [u8],
    start: usize,
    position: usize,
}

impl<'a> Window<'a> {
    /// The window that keeps as many bytes as `out` holds, from byte `start` of the stream on.
    pub fn new(out: &'a mut [u8], start: usize) -> Self {
        Self { out, start, position: 0 }
    }

    /// How many bytes have gone by.
    pub fn position(&self) -> usize {
        self.position
    }

    /// How many bytes of the window are filled.
    pub fn kept(&self) -> usize {
        self.position.saturating_sub(self.start).min(self.out.len())
    }

    /// Whether nothing that has gone by is missing from the window's end.
    pub fn is_whole(&self) -> bool {
        self.position <= self.start + self.out.len()
    }

    /// Writes bytes.
    pub fn put(&mut self, bytes: &[u8]) {
        let (position, start) = (self.position, self.start);
        self.position += bytes.len();
        let skipped = start.saturating_sub(position);
        let Some(bytes) = bytes.get(skipped..) else { return };
        let at = position.max(start) - start;
        let Some(room) = self.out.get_mut(at..) else { return };
        let n = room.len().min(bytes.len());
        room[..n].copy_from_slice(&bytes[..n]);
    }

    /// Writes a tag.
    pub fn tag(&mut self, tag: u8) {
        self.put(&[tag]);
    }

    /// Writes a number of 32 bits.
    pub fn number(&mut self, number: u32) {
        self.put(&number.to_le_bytes());
    }

    /// Writes a tag, the length of bytes, and the bytes.
    pub fn text(&mut self, tag: u8, text: &[u8]) {
        self.tag(tag);
        self.number(text.len() as u32);
        self.put(text);
    }
}

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

/// Writes the results of a chunk, which are the values from `first` to the top of the stack: the last
/// of them, then, if there are several, all the others behind a tag of their own. Tables are written by
/// value; one that stands in several places is written once.
///
/// # Safety
///
/// Inside a protected call, as tables need memory to be followed. The stack above the values is free
/// for use.
pub unsafe fn write_results(state: *mut State, first: c_int, out: &mut Window<'_>) {
    // SAFETY: as for the caller.
    unsafe {
        let last = ffi::lua_gettop(state);
        ffi::luaL_checkstack(state, 8, c"result".as_ptr());
        if last < first {
            out.tag(abi::TAG_NIL);
            return;
        }
        ffi::lua_createtable(state, 0, 0);
        let mut writer = Writer { state, numbers: last + 1, count: 0, out };
        writer.write(last);
        if last > first {
            writer.out.tag(abi::TAG_MORE_RESULTS);
            writer.out.number((last - first + 1) as u32);
            for index in first..last {
                writer.write(index);
            }
        }
        ffi::lua_settop(state, last);
    }
}

/// Writes the values at the indices from `first` to `last`, one after another, as [`write_results`] writes
/// them.
///
/// # Safety
///
/// As for [`write_results`].
pub unsafe fn write_values(state: *mut State, first: c_int, last: c_int, out: &mut Window<'_>) {
    // SAFETY: as for the caller.
    unsafe {
        let top = ffi::lua_gettop(state);
        ffi::luaL_checkstack(state, 8, c"arguments".as_ptr());
        ffi::lua_createtable(state, 0, 0);
        let mut writer = Writer { state, numbers: top + 1, count: 0, out };
        for index in first..=last {
            writer.write(index);
        }
        ffi::lua_settop(state, top);
    }
}

/// Follows tables by an explicit stack, which lies on Lua's: a table may be nested deeper than the C
/// stack reaches. Each table that is being written has three slots there.
struct Writer<'w, 'o> {
    state: *mut State,
    /// Index of the table that gives each table its number.
    numbers: c_int,
    count: u32,
    out: &'w mut Window<'o>,
}

/// The slots of a table that is being written.
mod slot {
    use core::ffi::c_int;
    pub const COUNT: c_int = 3;
    /// The table itself.
    pub const TABLE: c_int = -3;
    /// The key of the pair that was last begun.
    pub const KEY: c_int = -2;
    /// What is done, see `Progress`.
    pub const PROGRESS: c_int = -1;
}

/// How far a table has been written, as one Lua integer.
#[derive(Clone, Copy)]
struct Progress {
    /// Elements of the array part, written and in all.
    done: u32,
    array: u32,
    /// The key of a pair is written, its value not yet.
    value_next: bool,
}

impl Progress {
    fn pack(self) -> i64 {
        i64::from(self.done) | i64::from(self.array) << 31 | i64::from(self.value_next) << 62
    }

    fn unpack(packed: i64) -> Self {
        Self {
            done: (packed & 0x7FFF_FFFF) as u32,
            array: (packed >> 31 & 0x7FFF_FFFF) as u32,
            value_next: packed >> 62 & 1 != 0,
        }
    }
}

impl Writer<'_, '_> {
    unsafe fn write(&mut self, index: c_int) {
        let state = self.state;
        // SAFETY: as for `write_results`.
        unsafe {
            let bottom = ffi::lua_gettop(state);
            self.begin(index);
            while ffi::lua_gettop(state) > bottom {
                self.step();
            }
        }
    }

    /// Writes a value, or the beginning of a table, whose slots are then on top of the stack.
    unsafe fn begin(&mut self, index: c_int) {
        let state = self.state;
        // SAFETY: as for `write_results`; the slots are asked for before they are used.
        unsafe {
            let index = ffi::lua_absindex(state, index);
            if write_plain(state, index, self.out) {
                return;
            }
            if ffi::lua_type(state, index) != kind::TABLE {
                return self.opaque(index);
            }
            ffi::luaL_checkstack(state, slot::COUNT + 4, c"result nested too deeply".as_ptr());
            ffi::lua_pushvalue(state, index);
            if ffi::lua_rawget(state, self.numbers) != kind::NIL {
                let number = ffi::lua_tointegerx(state, -1, core::ptr::null_mut());
                lua::pop(state, 1);
                self.out.tag(abi::TAG_SAME_TABLE);
                self.out.number(number as u32);
                return;
            }
            lua::pop(state, 1);
            ffi::lua_pushvalue(state, index);
            ffi::lua_pushinteger(state, i64::from(self.count));
            ffi::lua_rawset(state, self.numbers);
            self.count += 1;
            let (array, hash) = self.measure(index);
            self.out.tag(abi::TAG_TABLE);
            self.out.number(array);
            self.out.number(hash);
            ffi::lua_pushvalue(state, index);
            ffi::lua_pushnil(state);
            let progress = Progress { done: 0, array, value_next: false };
            ffi::lua_pushinteger(state, progress.pack());
        }
    }

    /// How many elements of a table are a sequence, and how many pairs there are beside them.
    unsafe fn measure(&mut self, index: c_int) -> (u32, u32) {
        let state = self.state;
        // SAFETY: `lua_next` walks a table that nothing changes meanwhile.
        unsafe {
            let border = ffi::lua_rawlen(state, index) as u32;
            let (mut inside, mut pairs) = (0, 0);
            ffi::lua_pushnil(state);
            while ffi::lua_next(state, index) != 0 {
                lua::pop(state, 1);
                pairs += 1;
                inside += u32::from(self.is_element(-1, border));
            }
            if inside == border { (border, pairs - border) } else { (0, pairs) }
        }
    }

    unsafe fn is_element(&self, index: c_int, array: u32) -> bool {
        // SAFETY: the index is valid.
        unsafe {
            ffi::lua_isinteger(self.state, index) != 0
                && (1..=i64::from(array)).contains(&ffi::lua_tointegerx(self.state, index, core::ptr::null_mut()))
        }
    }

    unsafe fn set_progress(&mut self, progress: Progress) {
        let state = self.state;
        // SAFETY: the slots of a table are on top of the stack.
        unsafe {
            ffi::lua_pushinteger(state, progress.pack());
            ffi::lua_copy(state, -1, slot::PROGRESS - 1);
            lua::pop(state, 1);
        }
    }

    /// Writes the next element, key or value of the table on top, or takes it from the stack.
    unsafe fn step(&mut self) {
        let state = self.state;
        // SAFETY: the slots of a table are on top of the stack; `begin` asked for four more.
        unsafe {
            let mut progress = Progress::unpack(ffi::lua_tointegerx(state, slot::PROGRESS, core::ptr::null_mut()));
            if progress.value_next {
                progress.value_next = false;
                self.set_progress(progress);
                ffi::lua_pushvalue(state, slot::KEY);
                ffi::lua_rawget(state, slot::TABLE - 1);
                self.begin_top();
            } else if progress.done < progress.array {
                progress.done += 1;
                self.set_progress(progress);
                ffi::lua_rawgeti(state, slot::TABLE, i64::from(progress.done));
                self.begin_top();
            } else {
                ffi::lua_pushvalue(state, slot::KEY);
                if ffi::lua_next(state, slot::TABLE - 1) == 0 {
                    lua::pop(state, slot::COUNT);
                    return;
                }
                lua::pop(state, 1);
                ffi::lua_copy(state, -1, slot::KEY - 1);
                if self.is_element(-1, progress.array) {
                    lua::pop(state, 1);
                } else {
                    progress.value_next = true;
                    ffi::lua_pushinteger(state, progress.pack());
                    ffi::lua_copy(state, -1, slot::PROGRESS - 2);
                    lua::pop(state, 1);
                    self.begin_top();
                }
            }
        }
    }

    /// Begins the value on top of the stack and takes it from there.
    unsafe fn begin_top(&mut self) {
        let state = self.state;
        // SAFETY: a value is on top of the stack.
        unsafe {
            let at = ffi::lua_gettop(state);
            self.begin(at);
            // What was begun stands above the value.
            ffi::lua_rotate(state, at, -1);
            lua::pop(state, 1);
        }
    }

    /// Writes what has no form of its own: a function of the host by its number, one of a library by its name, the
    /// rest as text, and for hosts that can use it with a number that stands for the value.
    unsafe fn opaque(&mut self, index: c_int) {
        let state = self.state;
        // SAFETY: as for `write_results`.
        unsafe {
            let top = ffi::lua_gettop(state);
            ffi::luaL_checkstack(state, 8, c"result nested too deeply".as_ptr());
            let is_c = ffi::lua_iscfunction(state, index) != 0;
            if is_c && functions::write(state, index, self.out) {
                // It is written.
            } else if is_c && push_library_name(state, index) {
                self.out.text(abi::TAG_LIBRARY_FUNCTION, lua::bytes(state, -1));
            } else {
                let kind = ffi::lua_type(state, index);
                ffi::lua_pushfstring(
                    state,
                    c"%s: %p".as_ptr(),
                    ffi::lua_typename(state, kind),
                    ffi::lua_topointer(state, index),
                );
                if system::offers(abi::services::CALL) {
                    self.out.tag(abi::TAG_REFERENCE);
                    self.out.put(&[kind as u8]);
                    self.out.number(references::hold(state, index));
                } else {
                    self.out.tag(abi::TAG_OPAQUE);
                    self.out.put(&[kind as u8]);
                }
                let text = lua::bytes(state, -1);
                self.out.number(text.len() as u32);
                self.out.put(text);
            }
            ffi::lua_settop(state, top);
        }
    }
}

/// The libraries whose tables and functions are known by name.
pub const LIBRARIES: [&[u8]; 11] =
    [b"_G", b"coroutine", b"debug", b"ext", b"io", b"math", b"os", b"package", b"string", b"table", b"utf8"];

/// The name of the table of loaded libraries.
pub const LOADED: &[u8] = b"package.loaded";

/// Pushes a library; `false` if there is none of that name, and nothing was pushed.
///
/// # Safety
///
/// Inside a protected call, with three free slots.
pub unsafe fn push_loaded(state: *mut State, name: &[u8]) -> bool {
    // SAFETY: as for the caller.
    unsafe {
        let top = ffi::lua_gettop(state);
        let known = name == LOADED || LIBRARIES.contains(&name);
        if known && ffi::lua_getfield(state, lua::REGISTRY, c"_LOADED".as_ptr()) == kind::TABLE {
            if name == LOADED {
                return true;
            }
            lua::push_bytes(state, name);
            if ffi::lua_rawget(state, top + 1) == kind::TABLE {
                ffi::lua_copy(state, -1, top + 1);
                ffi::lua_settop(state, top + 1);
                return true;
            }
        }
        ffi::lua_settop(state, top);
        false
    }
}

/// Pushes the name by which a library knows the function at `index`, as `string.format`; `false` if
/// none does.
///
/// # Safety
///
/// Inside a protected call.
pub unsafe fn push_library_name(state: *mut State, index: c_int) -> bool {
    // SAFETY: as for the caller; the walk over a library changes nothing.
    unsafe {
        let index = ffi::lua_absindex(state, index);
        let top = ffi::lua_gettop(state);
        ffi::luaL_checkstack(state, 8, core::ptr::null());
        for library in LIBRARIES {
            if !push_loaded(state, library) || ffi::lp_ext_id(state, -1) != 0 {
                ffi::lua_settop(state, top);
                continue;
            }
            ffi::lua_pushnil(state);
            while ffi::lua_next(state, top + 1) != 0 {
                if ffi::lua_rawequal(state, -1, index) != 0 && ffi::lua_type(state, -2) == kind::STRING {
                    lua::pop(state, 1);
                    if library != b"_G" {
                        lua::push_bytes(state, library);
                        lua::push_bytes(state, b".");
                        ffi::lua_rotate(state, -3, -1);
                        ffi::lua_concat(state, 3);
                    }
                    ffi::lua_copy(state, -1, top + 1);
                    ffi::lua_settop(state, top + 1);
                    return true;
                }
                lua::pop(state, 1);
            }
            ffi::lua_settop(state, top);
        }
        false
    }
}

/// Pushes the function that a library has under a name, as [`push_library_name`] gives it. Raises an
/// error if there is none.
///
/// # Safety
///
/// Inside a protected call, with a few free slots.
pub unsafe fn push_library_function(state: *mut State, name: &[u8]) {
    let dot = name.iter().position(|&b| b == b'.');
    let (library, field) = match dot {
        Some(dot) => (&name[..dot], &name[dot + 1..]),
        None => (&b"_G"[..], name),
    };
    // SAFETY: as for the caller.
    unsafe {
        let top = ffi::lua_gettop(state);
        if push_loaded(state, library) {
            lua::push_bytes(state, field);
            if ffi::lua_rawget(state, top + 1) == kind::FUNCTION {
                ffi::lua_copy(state, -1, top + 1);
                return ffi::lua_settop(state, top + 1);
            }
        }
        missing(state, c"function", name)
    }
}

/// Pushes a library by name. Raises an error if there is none.
///
/// # Safety
///
/// Inside a protected call, with a few free slots.
pub unsafe fn push_library(state: *mut State, name: &[u8]) {
    // SAFETY: as for the caller.
    unsafe {
        if !push_loaded(state, name) {
            missing(state, c"library", name);
        }
    }
}

unsafe fn missing(state: *mut State, what: &core::ffi::CStr, name: &[u8]) -> ! {
    // SAFETY: as for the callers.
    unsafe {
        lua::push_bytes(state, name);
        ffi::luaL_error(
            state,
            c"an external table refers to the %s '%s', which this machine does not have".as_ptr(),
            what.as_ptr(),
            ffi::lua_tolstring(state, -1, core::ptr::null_mut()),
        );
        lua::raise(state)
    }
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
    // SAFETY: as for the caller.
    unsafe {
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
    }
    true
}

#[cfg(test)]
mod tests;
