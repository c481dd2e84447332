//! Reads any value that the host sends with a call: values one after another, tables by value among them. Nesting takes
//! no C stack, and no input makes it take more memory than a small multiple of its own size.

use core::ffi::{CStr, c_int};

use crate::abi;
use crate::ext::load;
use crate::lua::{self, State, ffi, kind};
use crate::values::{held, host_function};

/// Reads values from bytes, which nothing may overwrite meanwhile.
#[derive(Debug)]
pub struct Reader<'a> {
    state: *mut State,
    bytes: &'a [u8],
    at: usize,
    /// Index of the slot for the table that gives each table by its number.
    numbers: c_int,
    /// The number of tables that have been read or begun.
    count: u32,
}

/// A table that is being filled. Its key stands above it while the value is awaited.
#[derive(Debug, Clone, Copy)]
struct Open {
    /// Index of the table; 0 for none.
    table: c_int,
    /// Items and pairs still to come.
    items: u32,
    pairs: u32,
    /// Of the next item.
    index: u32,
    /// Whether the key of a pair is there.
    keyed: bool,
}

const NONE: Open = Open { table: 0, items: 0, pairs: 0, index: 0, keyed: false };

impl Open {
    /// Slots below a table that keep the one around it.
    const SLOTS: c_int = 3;

    unsafe fn save(self, state: *mut State) {
        // SAFETY: the caller has asked for the slots.
        unsafe {
            ffi::lua_pushinteger(state, i64::from(self.items) | i64::from(self.pairs) << 32);
            ffi::lua_pushinteger(state, i64::from(self.index) << 1 | i64::from(self.keyed));
            ffi::lua_pushinteger(state, i64::from(self.table));
        }
    }

    /// Reads what was saved below the table at `inner`.
    unsafe fn restore(state: *mut State, inner: c_int) -> Self {
        // SAFETY: `save` left three integers there.
        unsafe {
            let slot = |n: c_int| ffi::lua_tointegerx(state, inner - Self::SLOTS + n, core::ptr::null_mut());
            Self {
                items: slot(0) as u32,
                pairs: (slot(0) >> 32) as u32,
                index: (slot(1) >> 1) as u32,
                keyed: slot(1) & 1 != 0,
                table: slot(2) as c_int,
            }
        }
    }
}

impl<'a> Reader<'a> {
    /// A reader of all of the bytes. Takes a stack slot, which stays until after the last value.
    ///
    /// # Safety
    ///
    /// Inside a protected call that the reader does not outlive, with a free slot.
    pub unsafe fn new(state: *mut State, bytes: &'a [u8]) -> Self {
        ffi::lua_pushnil(state);
        Self { state, bytes, at: 0, numbers: ffi::lua_gettop(state), count: 0 }
    }

    /// Whether all has been read.
    pub fn is_at_end(&self) -> bool {
        self.at == self.bytes.len()
    }

    /// Pushes the values that are left and returns how many those were.
    ///
    /// # Safety
    ///
    /// As for [`push`](Self::push).
    pub unsafe fn push_all(&mut self) -> c_int {
        let mut count = 0;
        while !self.is_at_end() {
            self.push();
            count += 1;
        }
        count
    }

    /// Pushes the next value. What is malformed raises an error.
    ///
    /// # Safety
    ///
    /// Inside the protected call of [`new`](Self::new).
    pub unsafe fn push(&mut self) {
        let state = self.state;
        let mut open = NONE;
        // SAFETY: as for the caller; slots are asked for before they are used, enough for a value, a table
        // and what it saves, and what is called here.
        unsafe {
            loop {
                ffi::luaL_checkstack(state, 16, c"values nested too deeply".as_ptr());
                if self.bytes.get(self.at) == Some(&abi::TAG_TABLE) {
                    open = self.open(open);
                } else {
                    self.leaf();
                    if open.table == 0 {
                        return;
                    }
                    self.place(&mut open);
                }
                while open.items == 0 && open.pairs == 0 {
                    let inner = open.table;
                    open = Open::restore(state, inner);
                    ffi::lua_copy(state, inner, inner - Open::SLOTS);
                    ffi::lua_settop(state, inner - Open::SLOTS);
                    if open.table == 0 {
                        return;
                    }
                    self.place(&mut open);
                }
            }
        }
    }

    /// Begins a table by value inside of another, or of none.
    unsafe fn open(&mut self, outer: Open) -> Open {
        let state = self.state;
        self.at += 1;
        let (items, pairs) = (self.number(), self.number());
        let left = (self.bytes.len() - self.at) as u64;
        if u64::from(items) + 2 * u64::from(pairs) > left {
            self.fail(c"a table is longer than what follows");
        }
        outer.save(state);
        ffi::lua_createtable(state, items as c_int, pairs as c_int);
        let table = ffi::lua_gettop(state);
        if self.count == 0 {
            ffi::lua_createtable(state, 1, 0);
            ffi::lua_copy(state, -1, self.numbers);
            lua::pop(state, 1);
        }
        self.count += 1;
        ffi::lua_pushvalue(state, table);
        ffi::lua_rawseti(state, self.numbers, i64::from(self.count));
        Open { table, items, pairs, index: 1, keyed: false }
    }

    /// Puts the value on top where it belongs in an open table.
    unsafe fn place(&mut self, open: &mut Open) {
        let state = self.state;
        // SAFETY: as for `push`; the value is on top, and the key, if there is one, below it.
        unsafe {
            if open.items > 0 {
                open.items -= 1;
                ffi::lua_rawseti(state, open.table, i64::from(open.index));
                open.index += 1;
            } else if open.keyed {
                open.keyed = false;
                open.pairs -= 1;
                ffi::lua_rawset(state, open.table);
            } else {
                let number = ffi::lua_tonumberx(state, -1, core::ptr::null_mut());
                if ffi::lua_type(state, -1) == kind::NIL
                    || (ffi::lua_type(state, -1) == kind::NUMBER && number.is_nan())
                {
                    self.fail(c"nil or NaN as a key");
                }
                open.keyed = true;
            }
        }
    }

    /// Pushes a value that is no table by value.
    unsafe fn leaf(&mut self) {
        let state = self.state;
        let start = self.at;
        let tag = self.take(1)[0];
        match tag {
            abi::TAG_SAME_TABLE => {
                let number = self.number();
                if number >= self.count {
                    self.fail(c"a reference to a table that has not appeared");
                }
                ffi::lua_rawgeti(state, self.numbers, i64::from(number) + 1);
            }
            abi::TAG_REFERENCE => {
                self.take(1);
                let number = self.number();
                self.block();
                if !held::push(state, number) {
                    self.fail(c"a reference that was released");
                }
            }
            abi::TAG_HOST_FUNCTION => {
                let number = self.number();
                let name = self.block();
                host_function::push(state, number, name);
            }
            _ => {
                match tag {
                    abi::TAG_NIL => {}
                    abi::TAG_BOOLEAN => {
                        self.take(1);
                    }
                    abi::TAG_INTEGER | abi::TAG_FLOAT => {
                        self.take(8);
                    }
                    abi::TAG_EXTERNAL_TABLE => {
                        self.take(4);
                    }
                    _ => {
                        self.block();
                    }
                }
                if !load::push(state, &self.bytes[start..self.at]) {
                    self.at = start;
                    self.fail(c"no value");
                }
            }
        }
    }

    /// The next `length` bytes.
    unsafe fn take(&mut self, length: usize) -> &'a [u8] {
        match self.bytes.get(self.at..).and_then(|rest| rest.get(..length)) {
            Some(bytes) => {
                self.at += length;
                bytes
            }
            None => self.fail(c"more bytes are needed"),
        }
    }

    unsafe fn number(&mut self) -> u32 {
        let bytes = self.take(4);
        bytes.try_into().map_or(0, u32::from_le_bytes)
    }

    /// Bytes behind their length.
    unsafe fn block(&mut self) -> &'a [u8] {
        let length = self.number() as usize;
        self.take(length)
    }

    unsafe fn fail(&self, problem: &CStr) -> ! {
        ffi::luaL_error(
            self.state,
            c"the host sent malformed values, at byte %d of %d: %s".as_ptr(),
            self.at as c_int,
            self.bytes.len() as c_int,
            problem.as_ptr(),
        );
        lua::raise(self.state)
    }
}
