//! Freeing tables that nothing reaches any more: neither `_home` nor `_io`, nor a table or function
//! that is alive in Lua, nor anything that these lead to.

use core::ffi::c_int;

use super::refs::{self, Reference};
use super::{function, host, walk};
use crate::lua::{self, State, ffi};

/// Where the tables that are reached but not yet looked into lie on the stack.
const AHEAD: c_int = 2;

/// `ext.collect()`: frees what is not reached, and returns how many tables that were.
///
/// # Safety
///
/// Called by Lua.
pub unsafe extern "C-unwind" fn collect(state: *mut State) -> c_int {
    // SAFETY: Lua calls this in protected mode.
    unsafe {
        ffi::lua_settop(state, 0);
        // Objects that are garbage in Lua keep nothing alive, nor do functions only because the call that
        // is running holds them.
        function::store_all(state);
        function::release(state);
        ffi::lua_gc(state, ffi::LUA_GCCOLLECT as c_int);
        function::forget_dead(state);
        lua::push_function(state, function::hold_all);
        lua::call(state, 0, 0);
        let end = super::next_id();
        let bytes = end as usize / 8 + 1;
        let bits = ffi::lua_newuserdatauv(state, bytes, 0).cast::<u8>();
        let mut marks = Marks { state, bits: core::slice::from_raw_parts_mut(bits, bytes), ahead: 0, end };
        marks.bits.fill(0);
        lua::push_private_table(state, 0, 0);
        marks.mark_roots();
        marks.mark_all();
        let freed = marks.sweep();
        ffi::lua_pushinteger(state, freed);
    }
    1
}

struct Marks<'a> {
    state: *mut State,
    /// A bit for each number, set when its table is reached.
    bits: &'a mut [u8],
    /// How many tables are yet to be looked into.
    ahead: i64,
    end: u32,
}

impl Marks<'_> {
    fn is_marked(&self, id: u32) -> bool {
        self.bits.get(id as usize / 8).is_some_and(|b| b >> (id % 8) & 1 != 0)
    }

    /// # Safety
    ///
    /// As for `collect`.
    unsafe fn mark(&mut self, id: u32) {
        if id == 0 || id >= self.end || self.is_marked(id) {
            return;
        }
        self.bits[id as usize / 8] |= 1 << (id % 8);
        self.ahead += 1;
        // SAFETY: as for the caller.
        unsafe {
            ffi::lua_pushinteger(self.state, i64::from(id));
            ffi::lua_rawseti(self.state, AHEAD, self.ahead);
        }
    }

    unsafe fn mark_roots(&mut self) {
        let state = self.state;
        // SAFETY: as for `collect`.
        unsafe {
            self.mark(super::home());
            self.mark(super::io());
            let top = ffi::lua_gettop(state);
            refs::push_objects(state);
            ffi::lua_pushnil(state);
            while ffi::lua_next(state, top + 1) != 0 {
                lua::pop(state, 1);
                self.mark(ffi::lua_tointegerx(state, -1, core::ptr::null_mut()) as u32);
            }
            ffi::lua_settop(state, top);
            function::for_each_living(state, |id| self.mark(id));
        }
    }

    unsafe fn mark_all(&mut self) {
        let state = self.state;
        // SAFETY: as for `collect`.
        unsafe {
            while self.ahead > 0 {
                ffi::lua_rawgeti(state, AHEAD, self.ahead);
                let id = ffi::lua_tointegerx(state, -1, core::ptr::null_mut()) as u32;
                lua::pop(state, 1);
                self.ahead -= 1;
                walk::for_each(state, id, |_, value| {
                    if let Some(Reference::Table(id) | Reference::Function(id)) = Reference::read(value) {
                        self.mark(id);
                    }
                });
            }
        }
    }

    unsafe fn sweep(&mut self) -> i64 {
        let mut freed = 0;
        for id in 1..self.end {
            if self.is_marked(id) {
                continue;
            }
            match host::size(id) {
                Some(0) => {}
                // SAFETY: as for `collect`.
                Some(_) if unsafe { walk::drop_all(self.state, id) } => freed += 1,
                // SAFETY: as for `collect`.
                _ => unsafe { host::failed(self.state, c"free an external table") },
            }
        }
        freed
    }
}
