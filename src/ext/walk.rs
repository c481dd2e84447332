//! Walks external tables. A host that offers it gives keys in pages, from a cursor that it keeps; a documented host
//! gives all keys of a table at once. Either way the guest holds a list of keys for each walk that is under way, and
//! finds its place by the key that `next` is given, so that entries may be changed and deleted meanwhile.

use core::ffi::c_int;

use crate::abi::{imports, services};
use crate::call::{garbage, limits};
use crate::cell::Global;
use crate::ext::{keys, load, requests};
use crate::lua::{self, State, ffi, kind};
use crate::session;

/// Walks that can be under way at the same time; more are started again from the beginning.
const WALKS: usize = 16;

/// Bytes of all lists together, beyond which walks are given up.
const LISTS_LIMIT: usize = 128 * 1024;

/// Bytes of a page of keys.
const PAGE: usize = 4096;
/// Bytes of a list that stay between calls.
const KEPT: usize = 1024;

/// A walk: where it is in the list of keys that its slot of the registry's table holds.
#[derive(Clone, Copy)]
struct Walk {
    /// The table, 0 for none.
    id: u32,
    /// The host's cursor for what comes behind the list, 0 at the end.
    cursor: u32,
    /// The key where the walk is, in the list.
    from: u32,
    to: u32,
    /// The key that was returned last, in the list: those behind it may have been skipped, as deleted.
    returned: (u32, u32),
    /// The time of the last use, by [`CLOCK`].
    used: u32,
    /// Whether a key was set since the list was fetched, which may not be in it.
    stale: bool,
    /// Whether the host may have keys behind the list though there is no cursor: the list ends where the walk was paused.
    cut: bool,
}

const NONE: Walk = Walk { id: 0, cursor: 0, from: 0, to: 0, returned: (0, 0), used: 0, stale: false, cut: false };

/// The walks that are under way.
static WALKING: [Global<Walk>; WALKS] = [const { Global::new(NONE) }; WALKS];

/// Counts uses of walks.
static CLOCK: Global<u32> = Global::new(0);

/// Registry key: slot -> list of keys.
static LISTS: u8 = 0;

/// Makes the table of lists.
///
/// # Safety
///
/// Inside a protected call.
pub unsafe fn open(state: *mut State) {
    lua::push_private_table(state, WALKS as c_int, 0);
    ffi::lua_rawsetp(state, lua::REGISTRY, lua::registry_key(&LISTS));
    forget(state);
}

/// Ends all walks.
unsafe fn forget(state: *mut State) {
    for slot in 0..WALKS {
        end(state, slot);
    }
}

/// Prepares the walks for what happens between calls, through which a paused program or a coroutine may be in the
/// middle of one, at a key that it has deleted. No cursor stays open: an image of the memory may go on with another
/// host, or more than once. The keys that come next stay, as they are where the walk goes on. Takes nothing from the
/// stack; a walk for which there is no memory goes on behind what is left of its list.
///
/// # Safety
///
/// `state` is a live state with a few free slots, and no Lua code runs.
pub unsafe fn pause(state: *mut State) {
    unsafe extern "C-unwind" fn pause_each(state: *mut State) -> c_int {
        for slot in 0..WALKS {
            pause_one(state, slot);
        }
        0
    }
    let walks = WALKING.iter().any(|walk| walk.get().id != 0);
    if walks && garbage::quietly(state, pause_each) != lua::OK {
        lua::pop(state, 1);
    }
}

/// Does as [`pause`] for one walk.
unsafe fn pause_one(state: *mut State, slot: usize) {
    let walk = WALKING[slot].get();
    if walk.id == 0 {
        return;
    }
    // Lists stay on the stack while their bytes are used.
    let top = ffi::lua_gettop(state);
    ffi::lua_rawgetp(state, lua::REGISTRY, lua::registry_key(&LISTS));
    ffi::lua_rawgeti(state, top + 1, slot as i64 + 1);
    let list = lua::bytes(state, top + 2);
    let form = current(list, walk);
    let mut rest = list.get(walk.to as usize + usize::from(walk.to != 0)..).unwrap_or(&[]);
    let mut cursor = walk.cursor;
    if rest.is_empty() && cursor != 0 {
        cursor = fetch(state, slot, walk.id, cursor);
        WALKING[slot].set(Walk { cursor, ..walk });
        ffi::lua_rawgeti(state, top + 1, slot as i64 + 1);
        rest = lua::bytes(state, -1);
    }
    let mut cut = walk.cut || cursor != 0;
    if rest.len() > KEPT {
        // To the end of a key, and at least one.
        let end = rest[..KEPT].iter().rposition(|&b| b == b'\n');
        let end = end.or_else(|| rest.iter().position(|&b| b == b'\n')).unwrap_or(rest.len());
        cut |= end < rest.len();
        rest = &rest[..end];
    }
    let behind = !form.is_empty() && !rest.is_empty();
    lua::push_bytes(state, form);
    lua::push_bytes(state, if behind { b"\n" } else { b"" });
    lua::push_bytes(state, rest);
    let to = form.len() as u32;
    ffi::lua_concat(state, 3);
    ffi::lua_rawseti(state, top + 1, slot as i64 + 1);
    ffi::lua_settop(state, top);
    if cursor != 0 {
        close(cursor);
    }
    WALKING[slot].set(Walk { cursor: 0, from: 0, to, returned: (0, to), cut, ..walk });
}

/// Prepares the walks for a new call: the host may have set keys.
pub fn resume() {
    for slot in &WALKING {
        let walk = slot.get();
        if walk.cursor != 0 {
            close(walk.cursor);
        }
        slot.set(Walk { cursor: 0, stale: true, cut: walk.cut || walk.cursor != 0, ..walk });
    }
}

/// Ends a walk and drops its list.
unsafe fn end(state: *mut State, slot: usize) {
    let walk = WALKING[slot].replace(NONE);
    if walk.id == 0 {
        return;
    }
    if walk.cursor != 0 {
        close(walk.cursor);
    }
    // SAFETY: setting a field that exists to nil takes no memory.
    unsafe {
        ffi::lua_rawgetp(state, lua::REGISTRY, lua::registry_key(&LISTS));
        ffi::lua_pushnil(state);
        ffi::lua_rawseti(state, -2, slot as i64 + 1);
        lua::pop(state, 1);
    }
}

fn close(cursor: u32) {
    if session::offers(services::CLOSE_CURSOR) {
        // A cursor that the host does not know any more is closed.
        let _ = services::close_cursor(cursor);
    }
}

/// `next(t, k)`: the next key and its value, or two nils.
///
/// # Safety
///
/// Called by Lua.
pub unsafe extern "C-unwind" fn next(state: *mut State) -> c_int {
    // SAFETY: the interpreter passes an external table and a key, in protected mode.
    unsafe {
        ffi::lua_settop(state, 2);
        load::settle(state);
        let id = ffi::lp_ext_id(state, 1);
        if ffi::lua_type(state, 2) == kind::NIL {
            let slot = begin(state, id);
            return advance(state, slot);
        }
        let mut place = keys::Place::default();
        let form = place.encode(state, 2);
        if let Some(slot) = find(state, id, form) {
            return advance(state, slot);
        }
        // The walk was given up, or the key comes from elsewhere: look for it from the beginning.
        let slot = begin(state, id);
        while step(state, slot) {
            limits::charge(state);
            if with_list(state, slot, |list, walk| current(list, walk) == form) {
                return advance(state, slot);
            }
        }
        lua::error(state, c"invalid key to 'next'")
    }
}

fn current(list: &[u8], walk: Walk) -> &[u8] {
    list.get(walk.from as usize..walk.to as usize).unwrap_or(&[])
}

unsafe fn with_list<T>(state: *mut State, slot: usize, use_list: impl FnOnce(&[u8], Walk) -> T) -> T {
    // SAFETY: the list is in the registry while its bytes are used, and nothing here raises an error.
    unsafe {
        ffi::lua_rawgetp(state, lua::REGISTRY, lua::registry_key(&LISTS));
        ffi::lua_rawgeti(state, -1, slot as i64 + 1);
        let result = use_list(lua::bytes(state, -1), WALKING[slot].get());
        lua::pop(state, 2);
        result
    }
}

/// Finds the walk of a table that returned a key last; the one used last if there are several.
unsafe fn find(state: *mut State, id: u32, form: &[u8]) -> Option<usize> {
    let mut best: Option<usize> = None;
    for (slot, walk) in WALKING.iter().enumerate() {
        let walk = walk.get();
        let later = best.is_none_or(|best| WALKING[best].get().used < walk.used);
        if walk.id == id && later && with_list(state, slot, |list, walk| current(list, walk) == form) {
            best = Some(slot);
        }
    }
    best
}

/// Begins a walk, in the slot that has not been used for longest. Its current key is none.
unsafe fn begin(state: *mut State, id: u32) -> usize {
    let slot = (0..WALKS)
        .min_by_key(|&slot| {
            let walk = WALKING[slot].get();
            if walk.id == 0 { 0 } else { walk.used }
        })
        .unwrap_or(0);
    end(state, slot);
    make_room(state);
    let cursor = fetch(state, slot, id, 0);
    WALKING[slot].set(Walk { id, cursor, used: tick(), ..NONE });
    slot
}

/// Ends the walks that have not been used for longest while the lists of all take much memory: walks that
/// a program has broken off are not told from those that it will go on with.
unsafe fn make_room(state: *mut State) {
    loop {
        let open = || (0..WALKS).filter(|&slot| WALKING[slot].get().id != 0);
        let taken: usize = open().map(|slot| with_list(state, slot, |list, _| list.len())).sum();
        match open().min_by_key(|&slot| WALKING[slot].get().used) {
            Some(oldest) if taken > LISTS_LIMIT => end(state, oldest),
            _ => return,
        }
    }
}

fn tick() -> u32 {
    CLOCK.set(CLOCK.get().wrapping_add(1));
    CLOCK.get()
}

/// Fetches the first list of keys of a walk, or the one at a cursor, into a slot. Returns the cursor
/// behind it.
unsafe fn fetch(state: *mut State, slot: usize, id: u32, cursor: u32) -> u32 {
    let top = ffi::lua_gettop(state);
    ffi::lua_rawgetp(state, lua::REGISTRY, lua::registry_key(&LISTS));
    let next = if session::offers(services::KEYS) {
        fetch_page(state, id, cursor)
    } else {
        fetch_all(state, id);
        0
    };
    ffi::lua_rawseti(state, top + 1, slot as i64 + 1);
    ffi::lua_settop(state, top);
    next
}

/// Pushes a page of keys and returns the cursor behind it.
unsafe fn fetch_page(state: *mut State, id: u32, cursor: u32) -> u32 {
    // SAFETY: as for `next`. Nothing else uses the room before its bytes are copied.
    unsafe {
        let mut size = PAGE;
        let top = ffi::lua_gettop(state);
        loop {
            ffi::lua_settop(state, top);
            let place: &mut [u8] = if size <= requests::ROOM {
                &mut requests::room()[..size]
            } else {
                core::slice::from_raw_parts_mut(ffi::lua_newuserdatauv(state, size, 0).cast(), size)
            };
            match services::keys(id, cursor, place) {
                // A page without a key would never end.
                Ok(page) if page.keys.is_empty() && page.cursor != 0 => {
                    requests::failed(state, c"list the keys of an external table");
                }
                Ok(page) => {
                    lua::push_bytes(state, page.keys);
                    return page.cursor;
                }
                // A single key can be longer than a page.
                Err(services::NoReply::TooSmall(needed)) if needed > size => size = needed.max(2 * size),
                _ => requests::failed(state, c"list the keys of an external table"),
            }
        }
    }
}

/// Pushes the list of all keys.
unsafe fn fetch_all(state: *mut State, id: u32) {
    match requests::size(id) {
        None => requests::failed(state, c"count an external table"),
        Some(0) => {
            ffi::lua_pushstring(state, c"".as_ptr());
            return;
        }
        Some(_) => {}
    }
    let mut size = requests::ROOM;
    let mut place: &mut [u8] = requests::room();
    let top = ffi::lua_gettop(state);
    loop {
        match imports::ext_table_keys(id, place) {
            imports::EXT_TABLE_KEYS_THREW => requests::failed(state, c"list the keys of an external table"),
            read if read >= 0 => match place.get(..read as usize) {
                Some(keys) => {
                    lua::push_bytes(state, keys);
                    return;
                }
                None => requests::failed(state, c"list the keys of an external table"),
            },
            needed => {
                // -1 is also what a documented host answers when the place is too small.
                let told = if needed < -1 { needed.unsigned_abs() as usize } else { 0 };
                size = told.max(2 * size);
                if size > 1 << 20 {
                    lua::error(
                        state,
                        c"cannot walk the external table: this host lists keys all at once, and they do not fit 1 MiB",
                    );
                }
                ffi::lua_settop(state, top);
                place = core::slice::from_raw_parts_mut(ffi::lua_newuserdatauv(state, size, 0).cast(), size);
            }
        }
    }
}

/// Moves a walk to its next key; `false` at the end, when the walk is over.
unsafe fn step(state: *mut State, slot: usize) -> bool {
    loop {
        let (moved, last) = with_list(state, slot, |list, mut walk| {
            let from = match walk.to {
                0 => 0,
                to => to as usize + 1,
            };
            let rest = list.get(from..).unwrap_or(&[]);
            if rest.is_empty() {
                return (false, true);
            }
            let length = rest.iter().position(|&b| b == b'\n').unwrap_or(rest.len());
            (walk.from, walk.to) = (from as u32, (from + length) as u32);
            walk.used = tick();
            WALKING[slot].set(walk);
            (true, length == rest.len())
        });
        let walk = WALKING[slot].get();
        if moved && walk.from == walk.to {
            lua::error(state, c"the host returned an empty key of an external table");
        }
        if walk.cut && last {
            // While the list's last key is there still, as far as one can know.
            if rejoin(state, slot) && moved {
                return true;
            }
            continue;
        }
        if moved {
            return true;
        }
        if walk.cursor == 0 && (!walk.stale || !refresh(state, slot)) {
            end(state, slot);
            return false;
        }
        if walk.cursor == 0 {
            continue;
        }
        let cursor = fetch(state, slot, walk.id, walk.cursor);
        WALKING[slot].set(Walk { cursor, from: 0, to: 0, returned: (0, 0), ..walk });
    }
}

/// Fetches the list of a walk that is at its end anew, and moves the walk to the key where it was; `false`
/// if that key is not there any more.
unsafe fn refresh(state: *mut State, slot: usize) -> bool {
    // SAFETY: as for `next`. The old list stays on the stack while the new one is searched.
    unsafe {
        ffi::luaL_checkstack(state, 8, c"walking external tables".as_ptr());
        let top = ffi::lua_gettop(state);
        let walk = WALKING[slot].get();
        ffi::lua_rawgetp(state, lua::REGISTRY, lua::registry_key(&LISTS));
        ffi::lua_rawgeti(state, -1, slot as i64 + 1);
        let (from, to) = walk.returned;
        let form = lua::bytes(state, -1).get(from as usize..to as usize).unwrap_or(&[]);
        let cursor = fetch(state, slot, walk.id, 0);
        WALKING[slot].set(Walk { cursor, from: 0, to: 0, returned: (0, 0), stale: false, ..walk });
        let mut found = false;
        while !found && !form.is_empty() && WALKING[slot].get().id != 0 && step(state, slot) {
            found = with_list(state, slot, |list, walk| current(list, walk) == form);
        }
        ffi::lua_settop(state, top);
        found
    }
}

/// Fetches the list of a walk that was paused anew, and moves the walk to the last key of its old list, or where that
/// is gone to the last that is left of it, or to the beginning. Returns whether it is the last.
unsafe fn rejoin(state: *mut State, slot: usize) -> bool {
    ffi::luaL_checkstack(state, 8, c"walking external tables".as_ptr());
    let top = ffi::lua_gettop(state);
    // The old list stays on the stack while it is used.
    ffi::lua_rawgetp(state, lua::REGISTRY, lua::registry_key(&LISTS));
    ffi::lua_rawgeti(state, -1, slot as i64 + 1);
    let id = WALKING[slot].get().id;
    let old = lua::bytes(state, -1);
    let seek = |form: &[u8]| {
        let cursor = fetch(state, slot, id, 0);
        WALKING[slot].set(Walk { id, cursor, used: tick(), ..NONE });
        while !form.is_empty() && step(state, slot) {
            limits::charge(state);
            if with_list(state, slot, |list, walk| current(list, walk) == form) {
                return true;
            }
        }
        false
    };
    let last = old.rsplit(|&b| b == b'\n').next().unwrap_or(&[]);
    let found = seek(last);
    if !found {
        // Which of the others are left is seen by their values.
        let left = old.rsplit(|&b| b == b'\n').skip(1).find(|form| !requests::is_absent(id, form));
        if !seek(left.unwrap_or(&[])) && left.is_some() {
            seek(&[]);
        }
    }
    ffi::lua_settop(state, top);
    found
}

/// Marks the walks of a table as stale after a key was set: their lists may lack it.
pub fn touch(id: u32) {
    for walk in &WALKING {
        let it = walk.get();
        if it.id == id && !it.stale {
            walk.set(Walk { stale: true, ..it });
        }
    }
}

/// Moves a walk to its next key that has a value, and pushes both.
unsafe fn advance(state: *mut State, slot: usize) -> c_int {
    while step(state, slot) {
        ffi::lua_settop(state, 1);
        ffi::lua_rawgetp(state, lua::REGISTRY, lua::registry_key(&LISTS));
        ffi::lua_rawgeti(state, -1, slot as i64 + 1);
        let form = current(lua::bytes(state, -1), WALKING[slot].get());
        if form == keys::METATABLE {
            continue;
        }
        if !keys::push(state, form) {
            requests::damaged_key(state, WALKING[slot].get().id, form);
        }
        ffi::lua_pushvalue(state, -1);
        ffi::lua_rawget(state, 1);
        if ffi::lua_type(state, -1) != kind::NIL {
            let walk = WALKING[slot].get();
            WALKING[slot].set(Walk { returned: (walk.from, walk.to), ..walk });
            return 2;
        }
    }
    ffi::lua_pushnil(state);
    ffi::lua_pushnil(state);
    2
}

/// Deletes all entries of a table. Returns whether the host did.
///
/// # Safety
///
/// Inside a protected call, with a few free slots.
pub unsafe fn drop_all(state: *mut State, id: u32) -> bool {
    if session::offers(services::DROP) {
        return services::drop(id).is_some();
    }
    // SAFETY: as for the caller. The list stays on the stack while its keys are deleted.
    unsafe {
        fetch_all(state, id);
        let keys = lua::bytes(state, -1);
        let done = keys.is_empty() || keys.split(|&b| b == b'\n').all(|key| requests::delete(id, key));
        lua::pop(state, 1);
        done
    }
}

/// Does as [`drop_all`] where no memory can be taken: keys are listed where they fit.
///
/// # Safety
///
/// As for [`requests::room`].
pub unsafe fn drop_quietly(id: u32) -> bool {
    if session::offers(services::DROP) {
        return services::drop(id).is_some();
    }
    // SAFETY: as for the caller; deleting uses no other room.
    let room = unsafe { requests::room() };
    let mut before = usize::MAX;
    while let Some(size) = requests::size(id) {
        if size == 0 || size >= before {
            return size == 0;
        }
        before = size;
        let read = imports::ext_table_keys(id, room);
        let Some(keys) = usize::try_from(read).ok().and_then(|read| room.get(..read)) else {
            return false;
        };
        // Whether they are gone is seen by the size.
        keys.split(|&b| b == b'\n').for_each(|key| requests::ask_to_delete(id, key));
    }
    false
}
