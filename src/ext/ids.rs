//! Numbers external tables: keeps the ids of `_home` and `_io`, and a counter of the ids that have been given.

use crate::cell::Global;
use crate::lua::ffi;

/// The id that `init` gives to `_home`.
pub const HOME: u32 = 1;
/// The id that `init` gives to `_io`.
pub const IO: u32 = 2;
/// The distance within which an unexpected id ahead of the counter moves the counter: all ids between would
/// be passed over.
pub const NEAR: u32 = 1 << 16;

/// The id of the table that is `_home`, 0 before `init`.
static HOME_NOW: Global<u32> = Global::new(0);
/// The id of the table that is `_io`, 0 before `init`.
static IO_NOW: Global<u32> = Global::new(0);
/// The lowest id that the next new table may get.
static NEXT: Global<u32> = Global::new(IO + 1);
/// Whether the counter has been at the end of all ids.
static WRAPPED: Global<bool> = Global::new(false);
/// Whether there may be objects for tables whose ids the counter has yet to come to.
static STRAYS: Global<bool> = Global::new(false);

/// The id of `_home`, 0 before `init`.
pub fn home() -> u32 {
    HOME_NOW.get()
}

/// Makes a table `_home`, and returns the one before.
pub fn set_home(id: u32) -> u32 {
    HOME_NOW.replace(id)
}

/// The id of `_io`, 0 before `init`.
pub fn io() -> u32 {
    IO_NOW.get()
}

/// Gives `_home` and `_io` their first ids.
pub fn begin() {
    HOME_NOW.set(HOME);
    IO_NOW.set(IO);
}

/// Returns the lowest id that the next new table may get.
pub fn next() -> u32 {
    NEXT.get()
}

/// Returns the first id behind all that have been given.
pub fn end() -> u32 {
    if WRAPPED.get() { u32::MAX } else { NEXT.get() }
}

/// Notes that ids have been given.
pub fn use_ids(first: u32, count: u32) {
    NEXT.set(first + count);
}

/// Keeps new tables from getting an id below `next`. The counter never goes back.
pub fn sync_counter(next: u32) {
    NEXT.set(NEXT.get().max(next));
}

/// Notes that there is an object for a table.
pub fn note_object(id: u32) {
    if id >= NEXT.get() {
        STRAYS.set(true);
    }
}

/// Notes that the counter has come to the end of all ids, and begins again.
pub fn wrap() {
    WRAPPED.set(true);
    STRAYS.set(true);
}

/// Whether there may be objects for tables whose ids the counter has yet to come to.
pub fn has_strays() -> bool {
    STRAYS.get()
}

/// Forgets the tables of an earlier machine. Their ids stay used: the host may still have them.
pub fn reset() {
    HOME_NOW.set(0);
    IO_NOW.set(0);
    STRAYS.set(WRAPPED.get());
    // SAFETY: this only counts up.
    unsafe { ffi::lp_ext_forget() };
}
