//! The host's side of the five imports where the guest is built for the host: tables in memory, and a
//! lock for the tests that share the one machine.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::vec::Vec;

/// A table, in the order in which its keys came.
type Table = Vec<(Vec<u8>, Vec<u8>)>;

static TABLES: Mutex<BTreeMap<u32, Table>> = Mutex::new(BTreeMap::new());
static MACHINE: Mutex<()> = Mutex::new(());

/// Keeps everybody else from driving the machine while the guard lives, and empties the tables.
pub fn exclusive() -> MutexGuard<'static, ()> {
    let guard = MACHINE.lock().unwrap_or_else(PoisonError::into_inner);
    tables().clear();
    guard
}

fn tables() -> MutexGuard<'static, BTreeMap<u32, Table>> {
    TABLES.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What a table holds under a key.
pub fn stored(table: u32, key: &str) -> Option<Vec<u8>> {
    let tables = tables();
    let entries = tables.get(&table)?;
    entries.iter().find(|(k, _)| k == key.as_bytes()).map(|(_, v)| v.clone())
}

unsafe fn slice<'a>(start: *const u8, length: usize) -> &'a [u8] {
    // SAFETY: the generated wrappers pass the parts of live slices.
    unsafe { core::slice::from_raw_parts(start, length) }
}

/// Stores a value.
///
/// # Safety
///
/// Both ranges are readable.
pub unsafe fn js_ext_table_set(table: u32, key: *const u8, key_len: usize, value: *const u8, value_len: usize) -> i32 {
    // SAFETY: as for the caller.
    let (key, value) = unsafe { (slice(key, key_len), slice(value, value_len)) };
    let mut tables = tables();
    let entries = tables.entry(table).or_default();
    match entries.iter_mut().find(|(k, _)| k == key) {
        Some((_, old)) => *old = value.to_vec(),
        None => entries.push((key.to_vec(), value.to_vec())),
    }
    0
}

/// Copies a value out, as documented hosts do: -1 if it is not there or too long.
///
/// # Safety
///
/// The key is readable and the value's place writable.
pub unsafe fn js_ext_table_get(table: u32, key: *const u8, key_len: usize, value: *mut u8, max_len: usize) -> i32 {
    // SAFETY: as for the caller.
    let key = unsafe { slice(key, key_len) };
    let tables = tables();
    let found = tables.get(&table).and_then(|entries| entries.iter().find(|(k, _)| k == key));
    match found {
        Some((_, bytes)) if bytes.len() <= max_len => {
            // SAFETY: the place has room for as many bytes.
            unsafe { value.copy_from(bytes.as_ptr(), bytes.len()) };
            bytes.len() as i32
        }
        _ => -1,
    }
}

/// Deletes a key.
///
/// # Safety
///
/// The key is readable.
pub unsafe fn js_ext_table_delete(table: u32, key: *const u8, key_len: usize) -> i32 {
    // SAFETY: as for the caller.
    let key = unsafe { slice(key, key_len) };
    if let Some(entries) = tables().get_mut(&table) {
        entries.retain(|(k, _)| k != key);
    }
    0
}

/// Counts a table's entries.
///
/// # Safety
///
/// None is needed; the signature is that of the import.
pub unsafe fn js_ext_table_size(table: u32) -> i32 {
    tables().get(&table).map_or(0, Vec::len) as i32
}

/// Lists a table's keys, joined by line feeds.
///
/// # Safety
///
/// The place is writable.
pub unsafe fn js_ext_table_keys(table: u32, buffer: *mut u8, max_len: usize) -> i32 {
    let tables = tables();
    let Some(entries) = tables.get(&table) else { return -1 };
    let keys: Vec<&[u8]> = entries.iter().map(|(k, _)| k.as_slice()).collect();
    let text = keys.join(&b'\n');
    if text.len() > max_len {
        return -1;
    }
    // SAFETY: the place has room for as many bytes.
    unsafe { buffer.copy_from(text.as_ptr(), text.len()) };
    text.len() as i32
}
