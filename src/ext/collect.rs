//! Frees tables that nothing reaches any more: neither `_home` nor `_io`, nor a table or function that is
//! alive in Lua, nor anything that these lead to.
//!
//! A host that offers the services `roots` and `collect` marks and frees tables itself, in steps if it is asked
//! to; it only has to be told what is alive in Lua. With any other host, the guest does all of it at once.
//!
//! Marks of the guest take memory for what is alive only, and a bounded part of the heap: two bits for each number, in
//! pages. When more pages are needed than there is room for, the others lie with the host, in a table that
//! lives as long as the collection. Where the heap is full, one small page on the stack has to do. Nothing is freed
//! before everything has been marked, and no Lua code runs meanwhile, so that an error on the way leaves all tables as
//! they are.

use core::ffi::{CStr, c_int};

use crate::abi::{self, imports, services};
use crate::call::limits;
use crate::ext::keys;
use crate::ext::reference::Reference;
use crate::ext::{changes, ids, new_ids, objects, requests, variables, walk};
use crate::lua::{self, State, ffi, kind};
use crate::memory;
use crate::session;

/// Numbers that a page has marks for, as a power of two: where the heap is full, usually, and where numbers are so high
/// that a directory of smaller pages would be long.
const LEAST_PAGE_BITS: u32 = 12;
const PAGE_BITS: u32 = 14;
const FAR_PAGE_BITS: u32 = 16;

/// Where such numbers begin.
const FAR: u32 = 1 << 28;

/// The offset of the bits of reached tables in a page.
const REACHED: usize = requests::HEAD;

/// Most marks of a page that the host stores as a list, and the bytes of each.
const FEW: usize = 128;
const ENTRY: usize = 4;

/// The bit of an entry of that list which says that the table has yet to be looked into.
const LIST_DUE: u32 = 1 << 31;

/// Most pages that are kept in the heap.
const MOST_SLOTS: usize = 64;

/// Tables that are listed to be looked into next; of more, the marks say so.
const AHEAD: usize = 1024;

/// Bytes of a list of keys, at first; and where the heap is full.
const KEYS: usize = 4096;
const LEAST_KEYS: usize = 1024;

/// How many integers are tried for each entry of a list with holes, and how many besides.
const HOLES: i64 = 8;
const LEAST_HOLES: i64 = 1000;

/// Bytes of the longest list of keys.
const MOST_KEYS: usize = 1 << 20;

/// Bytes of the directory of pages that needs no heap.
const LEAST_DIRECTORY: usize = 64;

/// Ids that are handed over to the host in one request.
const HANDED: usize = 256;

/// Milliseconds of a request to collect where there are limits, which are looked at in between.
const PIECE_MILLISECONDS: u32 = 10;

/// Milliseconds of a step for which no number is given.
const STEP_MILLISECONDS: i64 = 10;

/// How far a collection is to go, and how far it has come.
struct Request {
    /// The time that the host may take; `None`: until all is freed that is garbage now.
    milliseconds: Option<u32>,
    /// Whether the host has asked what is alive in Lua.
    needs_roots: bool,
    done: bool,
    freed: i64,
}

/// `ext.collect()`: frees what is not reached, and returns how many tables that were. `ext.collect("step", [milliseconds])`
/// does a part of that, if the host can, and returns whether the collection has come to its end, and how many tables
/// it has freed so far.
///
/// # Safety
///
/// Called by Lua.
pub unsafe extern "C-unwind" fn collect(state: *mut State) -> c_int {
    // SAFETY: Lua calls this in protected mode. The request outlives the calls that use it.
    unsafe {
        ffi::lua_settop(state, 2);
        let is_step = ffi::lua_type(state, 1) != kind::NIL;
        let mut milliseconds = None;
        if is_step {
            const OPTIONS: [*const core::ffi::c_char; 2] = [c"step".as_ptr(), core::ptr::null()];
            ffi::luaL_checkoption(state, 1, core::ptr::null(), OPTIONS.as_ptr());
            let given = ffi::luaL_optinteger(state, 2, STEP_MILLISECONDS);
            milliseconds = Some(u32::try_from(given.max(0)).unwrap_or(u32::MAX));
        }
        ffi::lua_settop(state, 0);
        let mut request = Request { milliseconds, needs_roots: !is_step, done: false, freed: 0 };
        if !session::offers(services::ROOTS) || !session::offers(services::COLLECT) {
            prepare(state);
            mark_and_sweep(state, &mut request);
        } else {
            if is_step {
                held(state, ask_host, &mut request);
            }
            if request.needs_roots {
                prepare(state);
                held(state, ask_host, &mut request);
            }
        }
        if is_step {
            ffi::lua_pushboolean(state, c_int::from(request.done));
        }
        ffi::lua_pushinteger(state, request.freed);
        1 + c_int::from(is_step)
    }
}

/// Collects Lua's own garbage: objects that are garbage in Lua keep no table alive, nor do functions only because the call
/// that is running holds them.
unsafe fn prepare(state: *mut State) {
    let has_variables = variables::any(state);
    changes::store_all(state);
    variables::release(state);
    ffi::lua_gc(state, ffi::LUA_GCCOLLECT as c_int);
    variables::forget_dead(state);
    if has_variables {
        // What was stored of a dead variable was kept until now.
        ffi::lua_gc(state, ffi::LUA_GCCOLLECT as c_int);
    }
    lua::push_function(state, variables::hold_all);
    lua::call(state, 0, 0);
    requests::forget_kept();
}

/// Calls a function with a pointer while Lua's collector is held: a finalizer could move what is alive to where the marking
/// has been. Raises its error.
unsafe fn held<T>(state: *mut State, function: lua::Function, argument: &mut T) {
    let status = held_status(state, function, argument);
    if status != lua::OK {
        lua::raise(state);
    }
}

unsafe fn held_status<T>(state: *mut State, function: lua::Function, argument: &mut T) -> c_int {
    lua::push_function(state, function);
    ffi::lua_pushlightuserdata(state, core::ptr::from_mut(argument).cast());
    let held = ffi::lp_gc_hold(state, 1);
    let status = lua::pcall(state, 1, 0, 0);
    ffi::lp_gc_hold(state, held);
    status
}

/// Has the host collect: hands over what is alive in Lua if the host has asked for that, and goes on until the time of the
/// request is over, or the host asks for it.
unsafe extern "C-unwind" fn ask_host(state: *mut State) -> c_int {
    const WHAT: &CStr = c"collect external tables";
    // SAFETY: `held` passes the request, in protected mode.
    unsafe {
        let request = &mut *ffi::lua_touserdata(state, 1).cast::<Request>();
        ffi::luaL_checkstack(state, 20, c"collecting external tables".as_ptr());
        let whole = request.milliseconds.is_none();
        let piece = if limits::any() { PIECE_MILLISECONDS } else { u32::MAX };
        let mut list = if whole { abi::ROOTS_BEGIN } else { abi::ROOTS_AGAIN };
        loop {
            let complete = request.needs_roots;
            if complete && !hand_over(state, list) {
                requests::failed(state, WHAT);
            }
            let milliseconds = request.milliseconds.unwrap_or(piece);
            let Some(step) = services::collect(u32::from(complete), milliseconds) else {
                requests::failed(state, WHAT)
            };
            request.needs_roots = step.state == abi::COLLECT_ROOTS;
            request.done = step.state == abi::COLLECT_DONE;
            request.freed = i64::from(step.freed);
            limits::charge_many(state, step.work);
            // It has them.
            if request.needs_roots && complete {
                requests::failed(state, WHAT);
            }
            if request.done || !whole {
                return 0;
            }
            list = abi::ROOTS_AGAIN;
        }
    }
}

/// Hands over the ids of the tables that are alive in Lua. Returns whether the host took them.
unsafe fn hand_over(state: *mut State, list: u32) -> bool {
    let mut roots = Roots { bytes: [0; services::ROOTS_HEADER + 4 * HANDED], count: 0, list, taken: true };
    for_each_root(state, |id| roots.add(id));
    roots.send();
    roots.taken
}

/// Ids on their way to the host.
struct Roots {
    bytes: [u8; services::ROOTS_HEADER + 4 * HANDED],
    count: usize,
    list: u32,
    taken: bool,
}

impl Roots {
    fn add(&mut self, id: u32) {
        let at = services::ROOTS_HEADER + 4 * self.count;
        self.bytes[at..at + 4].copy_from_slice(&id.to_le_bytes());
        self.count += 1;
        if self.count == HANDED {
            self.send();
        }
    }

    fn send(&mut self) {
        let end = services::ROOTS_HEADER + 4 * self.count;
        self.taken = self.taken && services::roots(self.list, &mut self.bytes[..end]).is_some();
        self.list = abi::ROOTS_MORE;
        self.count = 0;
    }
}

/// Calls a function with the ids of the tables that are alive in Lua.
unsafe fn for_each_root(state: *mut State, mut each: impl FnMut(u32)) {
    each(ids::home());
    each(ids::io());
    let top = ffi::lua_gettop(state);
    objects::push_all(state);
    ffi::lua_pushnil(state);
    while ffi::lua_next(state, top + 1) != 0 {
        lua::pop(state, 1);
        each(ffi::lua_tointegerx(state, -1, core::ptr::null_mut()) as u32);
    }
    ffi::lua_settop(state, top);
    variables::for_each_living(state, each);
}

/// Marks and frees without the host's help.
unsafe fn mark_and_sweep(state: *mut State, request: &mut Request) {
    let mut marks = Marks::new(state);
    let status = held_status(state, marking, &mut marks);
    marks.free_blocks();
    if marks.scratch != 0 {
        walk::drop_quietly(marks.scratch);
    }
    if status != lua::OK {
        lua::raise(state);
    }
    request.done = true;
    request.freed = marks.freed;
}

unsafe extern "C-unwind" fn marking(state: *mut State) -> c_int {
    // SAFETY: `mark_and_sweep` passes its marks, in protected mode.
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

/// A block of the heap, which does not outlive the collection.
#[derive(Clone, Copy)]
struct Block {
    /// Null while there is none.
    start: *mut u8,
    size: usize,
}

impl Block {
    const NONE: Self = Self { start: core::ptr::null_mut(), size: 0 };

    /// A block of so many bytes; `NONE` if there is not so much memory.
    fn new(size: usize) -> Self {
        let start = memory::take_block(size);
        if start.is_null() { Self::NONE } else { Self { start, size } }
    }

    fn free(&mut self) {
        let Self { start, size } = core::mem::replace(self, Self::NONE);
        if !start.is_null() {
            // SAFETY: the block is one of `new`, and is forgotten here.
            unsafe { memory::give_back(start, size) };
        }
    }
}

/// A page in the heap.
#[derive(Clone, Copy)]
struct Slot {
    /// The number of the page, `None` while there is none.
    page: Option<u32>,
    block: Block,
}

struct Marks {
    state: *mut State,
    /// Numbers that a page has marks for, as a power of two.
    page_bits: u32,
    slots: [Slot; MOST_SLOTS],
    /// The number of slots that are used: a power of two, as a page's number selects its slot.
    slot_count: u32,
    /// Pages that the directory has room for, a multiple of 8.
    pages: u32,
    directory: Block,
    keys: Block,
    /// Stands in for the only slot, the directory and the keys where the heap is full.
    own_page: [u8; page_size(LEAST_PAGE_BITS)],
    own_directory: [u8; LEAST_DIRECTORY],
    own_keys: [u8; LEAST_KEYS],
    /// Numbers of tables that are looked into next.
    ahead: [u32; AHEAD],
    ahead_count: usize,
    /// The table of the pages that are not in the heap, 0 while there is none.
    scratch: u32,
    freed: i64,
}

// SAFETY, for every `unsafe` in this block: the functions run inside `marking`, in protected mode and
// with free slots; blocks stay until `free_blocks`, and have the size that stands beside them.
#[allow(clippy::undocumented_unsafe_blocks)]
impl Marks {
    fn new(state: *mut State) -> Self {
        Self {
            state,
            page_bits: LEAST_PAGE_BITS,
            slots: [Slot { page: None, block: Block::NONE }; MOST_SLOTS],
            slot_count: 1,
            pages: 8 * LEAST_DIRECTORY as u32 / 2,
            directory: Block::NONE,
            keys: Block::NONE,
            own_page: [0; _],
            own_directory: [0; _],
            own_keys: [0; _],
            ahead: [0; AHEAD],
            ahead_count: 0,
            scratch: 0,
            freed: 0,
        }
    }

    /// Takes memory: an eighth of what is free for pages, so that small states and full heaps can be collected, too.
    unsafe fn prepare(&mut self) {
        let free = memory::size().saturating_sub(memory::used()) as usize;
        let page_bits = if ids::next() >= FAR { FAR_PAGE_BITS } else { PAGE_BITS };
        let page = Block::new(page_size(page_bits));
        if !page.start.is_null() {
            self.page_bits = page_bits;
            self.slots[0].block = page;
            while (self.slot_count as usize) < MOST_SLOTS && self.slot_count as usize * 2 * page.size <= free / 8 {
                self.slot_count *= 2;
            }
        }
        self.need_directory(ids::next() >> self.page_bits);
        self.need_keys(KEYS);
    }

    fn free_blocks(&mut self) {
        self.slots.iter_mut().for_each(|slot| slot.block.free());
        self.directory.free();
        self.keys.free();
    }

    /// Bytes of a page as the host stores it: a string with the bits of what is reached, and those of what has yet to be
    /// looked into.
    fn page_size(&self) -> usize {
        page_size(self.page_bits)
    }

    /// The offset of the bits of tables that have yet to be looked into, which come behind those of reached ones.
    fn due(&self) -> usize {
        REACHED + bits_size(self.page_bits)
    }

    /// The page of a number, and the number's byte and bit there.
    fn place(&self, id: u32) -> (u32, usize, u8) {
        let bit = id & ((1 << self.page_bits) - 1);
        (id >> self.page_bits, bit as usize / 8, 1 << (bit % 8))
    }

    /// Makes room for a list of keys, if there is memory. What is in it is lost. Returns whether there is room.
    fn need_keys(&mut self, size: usize) -> bool {
        self.keys.free();
        self.keys = Block::new(size);
        !self.keys.start.is_null()
    }

    /// Room for a list of keys.
    unsafe fn keys<'a>(&mut self) -> &'a mut [u8] {
        match self.keys {
            Block { start, .. } if start.is_null() => {
                core::slice::from_raw_parts_mut(self.own_keys.as_mut_ptr(), LEAST_KEYS)
            }
            Block { start, size } => core::slice::from_raw_parts_mut(start, size),
        }
    }

    /// Makes room in the directory for a page.
    unsafe fn need_directory(&mut self, page: u32) {
        if page < self.pages {
            return;
        }
        let state = self.state;
        let pages = (page + 1).next_multiple_of(64).max(2 * self.pages.min(1 << 16));
        let (size, old_size) = (pages as usize / 8, self.pages as usize / 8);
        let new = Block::new(2 * size);
        if new.start.is_null() {
            lua::error(state, c"not enough memory to collect external tables whose ids are far apart");
        }
        new.start.write_bytes(0, 2 * size);
        let old = self.directory_start();
        new.start.copy_from_nonoverlapping(old, old_size);
        new.start.add(size).copy_from_nonoverlapping(old.add(old_size), old_size);
        self.directory.free();
        self.directory = new;
        self.pages = pages;
    }

    fn directory_start(&mut self) -> *mut u8 {
        if self.directory.start.is_null() { self.own_directory.as_mut_ptr() } else { self.directory.start }
    }

    /// The byte of the directory that says whether there is a page, and the one that says whether it has
    /// bits of what is due.
    unsafe fn entry(&mut self, page: u32) -> (&mut u8, &mut u8) {
        let (at, half) = (page as usize / 8, self.pages as usize / 8);
        let start = self.directory_start();
        (&mut *start.add(at), &mut *start.add(half + at))
    }

    unsafe fn is_known(&mut self, page: u32) -> bool {
        page < self.pages && *self.entry(page).0 >> (page % 8) & 1 != 0
    }

    /// The bytes of a page, which is in the heap then.
    unsafe fn page(&mut self, page: u32) -> &mut [u8] {
        let mut number = (page & (self.slot_count - 1)) as usize;
        if self.slots[number].page != Some(page) {
            number = self.change(page);
        }
        self.bytes(number)
    }

    unsafe fn bytes<'a>(&mut self, number: usize) -> &'a mut [u8] {
        let Block { start, size } = self.slots[number].block;
        let start = if start.is_null() { self.own_page.as_mut_ptr() } else { start };
        core::slice::from_raw_parts_mut(start, if size == 0 { self.own_page.len() } else { size })
    }

    /// Puts a page into a slot, whose number it returns. The one that is there goes to the host.
    unsafe fn change(&mut self, page: u32) -> usize {
        let state = self.state;
        self.need_directory(page);
        let mut number = (page & (self.slot_count - 1)) as usize;
        if number > 0 && self.slots[number].block.start.is_null() {
            self.slots[number].block = Block::new(self.page_size());
            if self.slots[number].block.start.is_null() {
                self.use_one_slot();
                number = 0;
            }
        }
        let bytes = self.bytes(number);
        if let Some(old) = self.slots[number].page {
            self.store(old, bytes);
        }
        self.slots[number].page = None;
        if !self.is_known(page) {
            bytes.fill(0);
            *self.entry(page).0 |= 1 << (page % 8);
        } else if !load_page(self.scratch, page, bytes) {
            requests::failed(state, c"keep the marks of ext.collect");
        }
        self.slots[number].page = Some(page);
        number
    }

    /// Goes on with one slot, as there is no memory for more.
    unsafe fn use_one_slot(&mut self) {
        for number in 1..self.slot_count as usize {
            if let Some(page) = self.slots[number].page.take() {
                let bytes = self.bytes(number);
                self.store(page, bytes);
            }
            self.slots[number].block.free();
        }
        self.slot_count = 1;
    }

    /// Gives a page to the host.
    unsafe fn store(&mut self, page: u32, bytes: &mut [u8]) {
        let state = self.state;
        if self.scratch == 0 {
            self.scratch = new_ids::take_id(state);
        }
        if !store_page(self.scratch, page, bytes) {
            requests::failed(state, c"keep the marks of ext.collect");
        }
    }

    unsafe fn is_marked(&mut self, id: u32) -> bool {
        let (page, at, mask) = self.place(id);
        self.is_known(page) && self.page(page)[REACHED + at] & mask != 0
    }

    /// Marks what a number stands for as reached, to be looked into if it was not.
    unsafe fn mark(&mut self, id: u32) {
        if id == 0 || id == u32::MAX {
            return;
        }
        let (page, at, mask) = self.place(id);
        let (full, due) = (self.ahead_count == AHEAD, self.due());
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
            bytes[due + at] |= mask;
            *self.entry(page).1 |= 1 << (page % 8);
        } else {
            self.ahead[self.ahead_count] = id;
            self.ahead_count += 1;
        }
    }

    unsafe fn mark_roots(&mut self) {
        for_each_root(self.state, |id| self.mark(id));
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
        let due = core::slice::from_raw_parts(self.directory_start().add(half), half);
        let Some(at) = due.iter().position(|&byte| byte != 0) else { return false };
        let page = at as u32 * 8 + due[at].trailing_zeros();
        let first = page << self.page_bits;
        let due = self.due();
        let mut ahead = [0; AHEAD / 2];
        let mut count = 0;
        let mut left = false;
        for (at, byte) in self.page(page)[due..].iter_mut().enumerate() {
            if count + 8 > ahead.len() && *byte != 0 {
                left = true;
                break;
            }
            while *byte != 0 {
                ahead[count] = first + at as u32 * 8 + byte.trailing_zeros();
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
            let room = self.keys();
            let length = room.len();
            let needed = if in_pages {
                match services::keys(id, cursor, room) {
                    Ok(page) => return Some((page.keys, page.cursor)),
                    Err(services::NoReply::TooSmall(needed)) if needed > length => needed,
                    _ => requests::failed(state, c"list the keys of an external table"),
                }
            } else {
                match imports::ext_table_keys(id, room) {
                    imports::EXT_TABLE_KEYS_THREW => requests::failed(state, c"list the keys of an external table"),
                    read if read >= 0 && read as usize <= length => {
                        return Some((&room[..read as usize], 0));
                    }
                    read if read >= 0 => requests::failed(state, c"list the keys of an external table"),
                    // -1 is also what a documented host answers when the room is too small.
                    read => read.unsigned_abs() as usize,
                }
            };
            let size = needed.max(2 * length);
            if size > MOST_KEYS || !self.need_keys(size) {
                return None;
            }
        }
    }

    /// Does what `for_each_key` does for a table whose list of keys does not fit the heap: a list, perhaps with holes, as most
    /// are that are so long.
    unsafe fn for_each_integer(&mut self, id: u32, each: unsafe fn(&mut Self, u32, &[u8])) {
        let state = self.state;
        let Some(size) = requests::size(id) else { requests::failed(state, c"count an external table") };
        let mut count = 0;
        if imports::ext_table_get(id, keys::METATABLE, requests::room()) >= 0 {
            each(self, id, keys::METATABLE);
            count += 1;
        }
        let end = HOLES * size as i64 + LEAST_HOLES;
        let mut n = 1;
        while count < size && n < end {
            limits::charge(state);
            ffi::lua_pushinteger(state, n);
            let mut place = keys::Place::default();
            let form = place.encode(state, -1);
            if imports::ext_table_get(id, form, requests::room()) != -1 {
                each(self, id, form);
                count += 1;
            }
            lua::pop(state, 1);
            n += 1;
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

/// Bytes of one bit for each number of a page.
const fn bits_size(page_bits: u32) -> usize {
    (1 << page_bits) / 8
}

/// Bytes of a page as the host stores it.
const fn page_size(page_bits: u32) -> usize {
    REACHED + 2 * bits_size(page_bits)
}

/// The number of bytes of one bit for each number of a page that is so long.
fn bits_in(page: &[u8]) -> usize {
    (page.len() - REACHED) / 2
}

/// Gives a page to the host, as a list of what is marked if that is little. Whether the host took it.
fn store_page(scratch: u32, page: u32, bytes: &mut [u8]) -> bool {
    let mut list = [0; requests::HEAD + ENTRY * FEW];
    let mut end = requests::HEAD;
    let mut few = true;
    let (reached, due) = bytes[REACHED..].split_at(bits_in(bytes));
    for (at, (&byte, &due)) in reached.iter().zip(due).enumerate().filter(|(_, (byte, _))| **byte != 0) {
        for bit in (0..8).filter(|bit| byte >> bit & 1 != 0) {
            let due = if due >> bit & 1 != 0 { LIST_DUE } else { 0 };
            match list.get_mut(end..end + ENTRY) {
                Some(place) => place.copy_from_slice(&((at as u32 * 8 + bit) | due).to_le_bytes()),
                None => few = false,
            }
            end += ENTRY;
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
    if read == bytes.len() as i32 {
        return true;
    }
    let Some(length) = usize::try_from(read).ok().and_then(|read| read.checked_sub(requests::HEAD)) else {
        return false;
    };
    let mut list = [0; ENTRY * FEW];
    if length > list.len() || length % ENTRY != 0 || requests::HEAD + length > bytes.len() {
        return false;
    }
    list[..length].copy_from_slice(&bytes[requests::HEAD..requests::HEAD + length]);
    bytes.fill(0);
    let due = bits_in(bytes);
    for entry in list[..length].chunks_exact(ENTRY) {
        let entry = u32::from_le_bytes([entry[0], entry[1], entry[2], entry[3]]);
        let (at, mask) = ((entry & !LIST_DUE) as usize / 8, 1 << (entry % 8));
        if at >= due {
            return false;
        }
        bytes[REACHED + at] |= mask;
        if entry & LIST_DUE != 0 {
            bytes[REACHED + due + at] |= mask;
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
