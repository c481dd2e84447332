//! Frees tables that nothing reaches any more: neither `_home` nor `_io`, nor a table or function that is
//! alive in Lua, nor anything that these lead to.
//!
//! Marks take memory for what is alive only, and a bounded part of the heap: two bits for each number, in
//! pages. When more pages are needed than there is room for, the others lie with the host, in a table that
//! lives as long as the collection. Nothing is freed before everything has been marked, and no Lua code runs
//! meanwhile, so that an error on the way leaves all tables as they are.

use core::ffi::c_int;

use crate::abi::{self, imports, services};
use crate::call::limits;
use crate::ext::keys;
use crate::ext::reference::Reference;
use crate::ext::{changes, ids, new_ids, objects, requests, variables, walk};
use crate::lua::{self, State, ffi};
use crate::memory;
use crate::session;

/// Numbers that a page has marks for.
const PAGE_IDS: u32 = 1 << 14;

/// Bytes of one bit for each of them.
const BITS: usize = PAGE_IDS as usize / 8;

/// Bytes of a page as the host stores it: a string with the bits of what is reached, and those of what has
/// yet to be looked into.
const PAGE: usize = requests::HEAD + 2 * BITS;

/// The offset of the bits of reached tables.
const REACHED: usize = requests::HEAD;

/// The offset of the bits of tables that have yet to be looked into.
const DUE: usize = requests::HEAD + BITS;

/// Most marks of a page that the host stores as a list of two bytes each.
const FEW: usize = BITS / 4;

/// The bit of an entry of that list which says that it has yet to be looked into.
const LIST_DUE: u16 = 1 << 15;

/// Most pages that are kept in the heap.
const MOST_SLOTS: usize = 64;

/// Tables that are listed to be looked into next; of more, the marks say so.
const AHEAD: usize = 1024;

/// Bytes of a list of keys, at first.
const KEYS: usize = 4096;

/// Bytes of the longest list of keys.
const MOST_KEYS: usize = 1 << 20;

/// The stack of the protected function.
mod index {
    use core::ffi::c_int;
    /// The pages in the heap.
    pub const SLOTS: c_int = 2;
    /// Which pages there are, and which have bits of what is due.
    pub const DIRECTORY: c_int = 3;
    /// Room for a list of keys.
    pub const KEYS: c_int = 4;
}

/// `ext.collect()`: frees what is not reached, and returns how many tables that were.
///
/// # Safety
///
/// Called by Lua.
pub unsafe extern "C-unwind" fn collect(state: *mut State) -> c_int {
    // SAFETY: Lua calls this in protected mode. The marks outlive the call that uses them.
    unsafe {
        ffi::lua_settop(state, 0);
        // Objects that are garbage in Lua keep nothing alive, nor do functions only because the call that
        // is running holds them.
        changes::store_all(state);
        variables::release(state);
        ffi::lua_gc(state, ffi::LUA_GCCOLLECT as c_int);
        variables::forget_dead(state);
        lua::push_function(state, variables::hold_all);
        lua::call(state, 0, 0);
        requests::forget_kept();
        let mut marks = Marks::new(state);
        lua::push_function(state, mark_and_sweep);
        ffi::lua_pushlightuserdata(state, (&raw mut marks).cast());
        // A finalizer could move what is alive to where the marking has been.
        let held = ffi::lp_gc_hold(state, 1);
        let status = lua::pcall(state, 1, 0, 0);
        ffi::lp_gc_hold(state, held);
        if marks.scratch != 0 {
            walk::drop_quietly(marks.scratch);
        }
        if status != lua::OK {
            lua::raise(state);
        }
        ffi::lua_pushinteger(state, marks.freed);
    }
    1
}

unsafe extern "C-unwind" fn mark_and_sweep(state: *mut State) -> c_int {
    // SAFETY: `collect` passes its marks, in protected mode.
    unsafe {
        let marks = &mut *ffi::lua_touserdata(state, 1).cast::<Marks>();
        ffi::luaL_checkstack(state, 20, c"collecting external tables".as_ptr());
        marks.prepare();
        marks.mark_roots();
        marks.mark_all();
        marks.sweep();
    }
    0
}

/// A page in the heap.
#[derive(Clone, Copy)]
struct Slot {
    /// The number of the page, `None` while there is none.
    page: Option<u32>,
    bytes: *mut u8,
}

struct Marks {
    state: *mut State,
    slots: [Slot; MOST_SLOTS],
    /// The number of slots that are used: a power of two, as a page's number selects its slot.
    slot_count: u32,
    /// Pages that the directory has room for, a multiple of 8.
    pages: u32,
    directory: *mut u8,
    keys: *mut u8,
    keys_room: usize,
    /// Numbers of tables that are looked into next.
    ahead: [u32; AHEAD],
    ahead_count: usize,
    /// The table of the pages that are not in the heap, 0 while there is none.
    scratch: u32,
    freed: i64,
}

// SAFETY, for every `unsafe` in this block: the functions run inside `mark_and_sweep`, in protected mode and
// with free slots; what pointers lead to is held by the stack, and has the size that stands beside it.
#[allow(clippy::undocumented_unsafe_blocks)]
impl Marks {
    fn new(state: *mut State) -> Self {
        Self {
            state,
            slots: [Slot { page: None, bytes: core::ptr::null_mut() }; MOST_SLOTS],
            slot_count: 1,
            pages: 0,
            directory: core::ptr::null_mut(),
            keys: core::ptr::null_mut(),
            keys_room: 0,
            ahead: [0; AHEAD],
            ahead_count: 0,
            scratch: 0,
            freed: 0,
        }
    }

    unsafe fn prepare(&mut self) {
        let state = self.state;
        // An eighth of what is free, so that small states and full heaps can be collected, too.
        let free = memory::size().saturating_sub(memory::used()) as usize;
        while (self.slot_count as usize) < MOST_SLOTS && self.slot_count as usize * 2 * PAGE <= free / 8 {
            self.slot_count *= 2;
        }
        ffi::lua_settop(state, 1);
        ffi::lua_createtable(state, self.slot_count as c_int, 0);
        ffi::lua_pushnil(state);
        ffi::lua_pushnil(state);
        self.need_directory(ids::next() / PAGE_IDS);
        self.need_keys(KEYS);
    }

    /// Makes room for a list of keys. What is in it is lost.
    unsafe fn need_keys(&mut self, size: usize) {
        self.keys = self.block(index::KEYS, size);
        self.keys_room = size;
    }

    /// Puts a block of memory on the stack in place of the one before.
    unsafe fn block(&mut self, at: c_int, size: usize) -> *mut u8 {
        let state = self.state;
        let block = ffi::lua_newuserdatauv(state, size, 0).cast::<u8>();
        ffi::lua_copy(state, -1, at);
        lua::pop(state, 1);
        block
    }

    /// Makes room in the directory for a page.
    unsafe fn need_directory(&mut self, page: u32) {
        if page < self.pages {
            return;
        }
        let pages = (page + 1).next_multiple_of(64).max(2 * self.pages);
        let (size, old_size) = (pages as usize / 8, self.pages as usize / 8);
        let old = self.directory;
        // The old block stays in memory while the collector is held.
        let new = self.block(index::DIRECTORY, 2 * size);
        new.write_bytes(0, 2 * size);
        if old_size > 0 {
            new.copy_from_nonoverlapping(old, old_size);
            new.add(size).copy_from_nonoverlapping(old.add(old_size), old_size);
        }
        self.directory = new;
        self.pages = pages;
    }

    /// The byte of the directory that says whether there is a page, and the one that says whether it has
    /// bits of what is due.
    unsafe fn entry(&mut self, page: u32) -> (&mut u8, &mut u8) {
        let (at, half) = (page as usize / 8, self.pages as usize / 8);
        (&mut *self.directory.add(at), &mut *self.directory.add(half + at))
    }

    unsafe fn is_known(&mut self, page: u32) -> bool {
        page < self.pages && *self.entry(page).0 >> (page % 8) & 1 != 0
    }

    /// The bytes of a page, which is in the heap then.
    unsafe fn page(&mut self, page: u32) -> &mut [u8] {
        let number = (page & (self.slot_count - 1)) as usize;
        if self.slots[number].page != Some(page) {
            self.change(number, page);
        }
        core::slice::from_raw_parts_mut(self.slots[number].bytes, PAGE)
    }

    /// Puts a page into a slot. The one that is there goes to the host.
    unsafe fn change(&mut self, number: usize, page: u32) {
        let state = self.state;
        self.need_directory(page);
        if self.slots[number].bytes.is_null() {
            self.slots[number].bytes = ffi::lua_newuserdatauv(state, PAGE, 0).cast();
            ffi::lua_rawseti(state, index::SLOTS, number as i64 + 1);
        }
        let bytes = core::slice::from_raw_parts_mut(self.slots[number].bytes, PAGE);
        if let Some(old) = self.slots[number].page {
            if self.scratch == 0 {
                self.scratch = new_ids::take_id(state);
            }
            if !store_page(self.scratch, old, bytes) {
                requests::failed(state, c"keep the marks of ext.collect");
            }
        }
        self.slots[number].page = None;
        if !self.is_known(page) {
            bytes.fill(0);
            *self.entry(page).0 |= 1 << (page % 8);
        } else if !load_page(self.scratch, page, bytes) {
            requests::failed(state, c"keep the marks of ext.collect");
        }
        self.slots[number].page = Some(page);
    }

    unsafe fn is_marked(&mut self, id: u32) -> bool {
        let (page, bit) = (id / PAGE_IDS, id % PAGE_IDS);
        self.is_known(page) && self.page(page)[REACHED + bit as usize / 8] >> (bit % 8) & 1 != 0
    }

    /// Marks what a number stands for as reached, to be looked into if it was not.
    unsafe fn mark(&mut self, id: u32) {
        if id == 0 || id == u32::MAX {
            return;
        }
        let (page, bit) = (id / PAGE_IDS, id % PAGE_IDS);
        let (at, mask) = (bit as usize / 8, 1 << (bit % 8));
        let full = self.ahead_count == AHEAD;
        // A table that is empty needs no marks, least of all a page of its own.
        if !self.is_known(page) && requests::size(id) == Some(0) {
            return;
        }
        let bytes = self.page(page);
        if bytes[REACHED + at] & mask != 0 {
            return;
        }
        bytes[REACHED + at] |= mask;
        if full {
            bytes[DUE + at] |= mask;
            *self.entry(page).1 |= 1 << (page % 8);
        } else {
            self.ahead[self.ahead_count] = id;
            self.ahead_count += 1;
        }
    }

    unsafe fn mark_roots(&mut self) {
        let state = self.state;
        self.mark(ids::home());
        self.mark(ids::io());
        let top = ffi::lua_gettop(state);
        objects::push_all(state);
        ffi::lua_pushnil(state);
        while ffi::lua_next(state, top + 1) != 0 {
            lua::pop(state, 1);
            self.mark(ffi::lua_tointegerx(state, -1, core::ptr::null_mut()) as u32);
        }
        ffi::lua_settop(state, top);
        variables::for_each_living(state, |id| self.mark(id));
    }

    unsafe fn mark_all(&mut self) {
        while self.ahead_count > 0 || self.find_due() {
            self.ahead_count -= 1;
            let id = self.ahead[self.ahead_count];
            self.look_into(id);
        }
    }

    /// Lists some of what is due, of one page; `false` if there is nothing.
    unsafe fn find_due(&mut self) -> bool {
        let half = self.pages as usize / 8;
        let due = core::slice::from_raw_parts(self.directory.add(half), half);
        let Some(at) = due.iter().position(|&byte| byte != 0) else { return false };
        let page = at as u32 * 8 + due[at].trailing_zeros();
        let mut ahead = [0; AHEAD / 2];
        let mut count = 0;
        let mut left = false;
        for (at, byte) in self.page(page)[DUE..].iter_mut().enumerate() {
            if count + 8 > ahead.len() && *byte != 0 {
                left = true;
                break;
            }
            while *byte != 0 {
                ahead[count] = page * PAGE_IDS + at as u32 * 8 + byte.trailing_zeros();
                count += 1;
                *byte &= *byte - 1;
            }
        }
        if !left {
            *self.entry(page).1 &= !(1 << (page % 8));
        }
        self.ahead[..count].copy_from_slice(&ahead[..count]);
        self.ahead_count = count;
        true
    }

    /// Marks what a table refers to.
    unsafe fn look_into(&mut self, id: u32) {
        self.for_each_key(id, Self::mark_value)
    }

    /// Marks what an entry refers to.
    unsafe fn mark_value(&mut self, id: u32, form: &[u8]) {
        limits::charge(self.state);
        let room = requests::room();
        match imports::ext_table_get(id, form, room) {
            // The host has said that the key is there: to pass over it could free what it leads to.
            -1 | imports::EXT_TABLE_GET_THREW => requests::failed(self.state, c"read an external table"),
            // What is longer than the room is a string.
            length if length < 0 => {}
            length => {
                let Some(bytes) = room.get(..length as usize) else {
                    requests::failed(self.state, c"read an external table: it wrote more than there is room for")
                };
                if let Some(Reference::Table(id) | Reference::Function(id)) = Reference::read(bytes) {
                    self.mark(id);
                }
            }
        }
    }

    /// Calls a function for each key of a table, which may delete it.
    unsafe fn for_each_key(&mut self, id: u32, each: unsafe fn(&mut Self, u32, &[u8])) {
        let state = self.state;
        let mut cursor = 0;
        loop {
            let Some((list, next)) = self.list(id, cursor) else { return self.for_each_integer(id, each) };
            if !list.is_empty() {
                for form in list.split(|&b| b == b'\n') {
                    if form.is_empty() {
                        lua::error(state, c"the host returned an empty key of an external table");
                    }
                    each(self, id, form);
                }
            }
            if next == 0 {
                return;
            }
            // A page without a key would never end.
            if list.is_empty() {
                requests::failed(state, c"list the keys of an external table");
            }
            cursor = next;
        }
    }

    /// A list of a table's keys from a cursor on, and the cursor behind it; `None` if it is too long for the heap.
    /// It is good until the next one.
    unsafe fn list<'a>(&mut self, id: u32, cursor: u32) -> Option<(&'a [u8], u32)> {
        let state = self.state;
        let in_pages = session::offers(services::KEYS);
        if !in_pages {
            match requests::size(id) {
                None => requests::failed(state, c"count an external table"),
                Some(0) => return Some((&[], 0)),
                Some(_) => {}
            }
        }
        loop {
            let room = core::slice::from_raw_parts_mut(self.keys, self.keys_room);
            let needed = if in_pages {
                match services::keys(id, cursor, room) {
                    Ok(page) => return Some((page.keys, page.cursor)),
                    Err(services::NoReply::TooSmall(needed)) if needed > self.keys_room => needed,
                    _ => requests::failed(state, c"list the keys of an external table"),
                }
            } else {
                match imports::ext_table_keys(id, room) {
                    imports::EXT_TABLE_KEYS_THREW => requests::failed(state, c"list the keys of an external table"),
                    read if read >= 0 && read as usize <= self.keys_room => {
                        return Some((&room[..read as usize], 0));
                    }
                    read if read >= 0 => requests::failed(state, c"list the keys of an external table"),
                    // -1 is also what a documented host answers when the room is too small.
                    read => read.unsigned_abs() as usize,
                }
            };
            let size = needed.max(2 * self.keys_room);
            let free = memory::size().saturating_sub(memory::used()) as usize;
            if size > MOST_KEYS || size + KEYS > free {
                return None;
            }
            self.need_keys(size);
        }
    }

    /// Does what `for_each_key` does for a table whose list of keys does not fit the heap: one with the keys 1 to n,
    /// as most are that are so long.
    unsafe fn for_each_integer(&mut self, id: u32, each: unsafe fn(&mut Self, u32, &[u8])) {
        let state = self.state;
        let Some(size) = requests::size(id) else { requests::failed(state, c"count an external table") };
        let mut count = 0;
        if imports::ext_table_get(id, keys::METATABLE, requests::room()) >= 0 {
            each(self, id, keys::METATABLE);
            count += 1;
        }
        for n in 1..=(size - count.min(size)) as i64 {
            ffi::lua_pushinteger(state, n);
            let mut place = keys::Place::default();
            let form = place.encode(state, -1);
            let present = imports::ext_table_get(id, form, requests::room()) != -1;
            if present {
                each(self, id, form);
                count += 1;
            }
            lua::pop(state, 1);
            if !present {
                break;
            }
        }
        if size == 0 || count != size {
            lua::error(
                state,
                c"cannot walk the external table: this host lists keys all at once, and they do not fit the heap",
            );
        }
    }

    /// Frees every table that is not marked.
    unsafe fn sweep(&mut self) {
        let state = self.state;
        if !session::offers(services::TABLES) {
            for id in 1..ids::end() {
                self.free_unmarked(id);
            }
            return;
        }
        let mut cursor = 0;
        let place = ffi::lua_newuserdatauv(state, KEYS, 0).cast::<u8>();
        loop {
            let room = core::slice::from_raw_parts_mut(place, KEYS);
            let Ok(page) = services::tables(cursor, room) else { requests::failed(state, c"list the external tables") };
            for id in page.ids.chunks_exact(4) {
                self.free_unmarked(u32::from_le_bytes([id[0], id[1], id[2], id[3]]));
            }
            if page.cursor == 0 {
                return;
            }
            if page.ids.len() < 4 {
                requests::failed(state, c"list the external tables");
            }
            cursor = page.cursor;
        }
    }

    unsafe fn free_unmarked(&mut self, id: u32) {
        limits::charge(self.state);
        if id == 0 || id == self.scratch || self.is_marked(id) {
            return;
        }
        match requests::size(id) {
            Some(0) => {}
            Some(_) => {
                self.free(id);
                self.freed += 1;
            }
            None => requests::failed(self.state, c"free an external table"),
        }
    }

    unsafe fn free(&mut self, id: u32) {
        if !session::offers(services::DROP) {
            self.for_each_key(id, Self::delete);
        } else if services::drop(id).is_none() {
            requests::failed(self.state, c"free an external table");
        }
    }

    unsafe fn delete(&mut self, id: u32, form: &[u8]) {
        if !requests::delete(id, form) {
            requests::failed(self.state, c"free an external table");
        }
    }
}

/// Gives a page to the host, as a list of what is marked if that is little. Whether the host took it.
fn store_page(scratch: u32, page: u32, bytes: &mut [u8]) -> bool {
    let mut list = [0; requests::HEAD + 2 * FEW];
    let mut end = requests::HEAD;
    let mut few = true;
    for (at, &byte) in bytes[REACHED..DUE].iter().enumerate().filter(|(_, byte)| **byte != 0) {
        for bit in (0..8).filter(|bit| byte >> bit & 1 != 0) {
            let due = if bytes[DUE + at] >> bit & 1 != 0 { LIST_DUE } else { 0 };
            match list.get_mut(end..end + 2) {
                Some(place) => place.copy_from_slice(&((at as u16 * 8 + bit) | due).to_le_bytes()),
                None => few = false,
            }
            end += 2;
        }
    }
    let stored = if few { &mut list[..end] } else { bytes };
    let length = (stored.len() - requests::HEAD) as u32;
    stored[0] = abi::TAG_STRING;
    stored[1..requests::HEAD].copy_from_slice(&length.to_le_bytes());
    requests::set(scratch, &name_of(page), stored)
}

/// Takes a page back from the host; whether it is one.
fn load_page(scratch: u32, page: u32, bytes: &mut [u8]) -> bool {
    let read = imports::ext_table_get(scratch, &name_of(page), bytes);
    if read == PAGE as i32 {
        return true;
    }
    let Some(length) = usize::try_from(read).ok().and_then(|read| read.checked_sub(requests::HEAD)) else {
        return false;
    };
    if length > 2 * FEW || length % 2 != 0 {
        return false;
    }
    let mut list = [0; 2 * FEW];
    list[..length].copy_from_slice(&bytes[requests::HEAD..requests::HEAD + length]);
    bytes.fill(0);
    for entry in list[..length].chunks_exact(2) {
        let entry = u16::from_le_bytes([entry[0], entry[1]]);
        let (at, mask) = ((entry & !LIST_DUE) as usize / 8, 1 << (entry % 8));
        if at >= BITS {
            return false;
        }
        bytes[REACHED + at] |= mask;
        if entry & LIST_DUE != 0 {
            bytes[DUE + at] |= mask;
        }
    }
    true
}

/// The key of a page in the table that holds those which are not in the heap.
fn name_of(page: u32) -> [u8; 8] {
    let mut name = [0; 8];
    for (place, at) in name.iter_mut().zip((0..8).rev()) {
        *place = b"0123456789abcdef"[(page >> (4 * at)) as usize & 15];
    }
    name
}
