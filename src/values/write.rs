//! Writes any Lua value as bytes, tables by value. Nesting takes no C stack.

use core::ffi::c_int;

use crate::abi;
use crate::lua::{self, State, ffi, kind};
use crate::plain::window::Window;
use crate::plain::{codec, libraries};
use crate::session;
use crate::values::{held, host_function};

/// Writes the results of a chunk, which are the values from `first` to the top of the stack: the last
/// of them, then, if there are several, all the others behind a tag of their own. Tables are written by
/// value; one that stands in several places is written once.
///
/// # Safety
///
/// Inside a protected call, as tables need memory to be followed. The stack above the values is free
/// for use.
pub unsafe fn write_results(state: *mut State, first: c_int, out: &mut Window<'_>) {
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

/// Writes the values at the indices from `first` to `last`, one after another, as [`write_results`] writes
/// them.
///
/// # Safety
///
/// As for [`write_results`].
pub unsafe fn write_values(state: *mut State, first: c_int, last: c_int, out: &mut Window<'_>) {
    let top = ffi::lua_gettop(state);
    ffi::luaL_checkstack(state, 8, c"arguments".as_ptr());
    ffi::lua_createtable(state, 0, 0);
    let mut writer = Writer { state, numbers: top + 1, count: 0, out };
    for index in first..=last {
        writer.write(index);
    }
    ffi::lua_settop(state, top);
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
    /// The progress, see `Progress`.
    pub const PROGRESS: c_int = -1;
}

/// The progress of writing a table, kept as one Lua integer.
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
        let bottom = ffi::lua_gettop(state);
        self.begin(index);
        while ffi::lua_gettop(state) > bottom {
            self.step();
        }
    }

    /// Writes a value, or the beginning of a table, whose slots are then on top of the stack.
    unsafe fn begin(&mut self, index: c_int) {
        let state = self.state;
        // SAFETY: as for `write_results`; the slots are asked for before they are used.
        unsafe {
            let index = ffi::lua_absindex(state, index);
            if codec::write_plain(state, index, self.out) {
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

    /// Counts the elements of a table that are a sequence, and the pairs beside them.
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

    /// Writes a value that has no form of its own: a host function by its number, a library function by its name, the
    /// rest as text, and for hosts that can use it with a number that stands for the value.
    unsafe fn opaque(&mut self, index: c_int) {
        let state = self.state;
        let top = ffi::lua_gettop(state);
        ffi::luaL_checkstack(state, 8, c"result nested too deeply".as_ptr());
        let is_c = ffi::lua_iscfunction(state, index) != 0;
        if is_c && host_function::write(state, index, self.out) {
            // It is written.
        } else if is_c && libraries::push_library_name(state, index) {
            self.out.text(abi::TAG_LIBRARY_FUNCTION, lua::bytes(state, -1));
        } else {
            let kind = ffi::lua_type(state, index);
            ffi::lua_pushfstring(
                state,
                c"%s: %p".as_ptr(),
                ffi::lua_typename(state, kind),
                ffi::lua_topointer(state, index),
            );
            if session::offers(abi::services::CALL) {
                self.out.tag(abi::TAG_REFERENCE);
                self.out.put(&[kind as u8]);
                self.out.number(held::hold(state, index));
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
