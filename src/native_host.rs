//! Implements the five imports where the guest is built for the host: tables in memory, and a lock for the tests that
//! share the one machine. A test can stand between the guest and the tables and
//! answer in their place, as a host does that fails or lies.

use std::boxed::Box;
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::vec::Vec;

/// A table, in the order in which its keys came.
pub type Table = Vec<(Vec<u8>, Vec<u8>)>;
/// All tables, by their ids.
pub type Tables = BTreeMap<u32, Table>;

/// The five imports.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Import {
    /// `js_ext_table_set`
    Set,
    /// `js_ext_table_get`, requests to the host (table 0) included
    Get,
    /// `js_ext_table_delete`
    Delete,
    /// `js_ext_table_size`
    Size,
    /// `js_ext_table_keys`
    Keys,
}

/// A call of an import, as an interceptor sees it.
#[derive(Debug)]
pub struct Call<'a> {
    /// Which import.
    pub import: Import,
    /// The table that is named.
    pub table: u32,
    /// The key; empty for `Size` and `Keys`.
    pub key: &'a [u8],
    /// The value to be stored; empty for all but `Set`.
    pub value: &'a [u8],
    /// The room for the answer of `Get` and `Keys`; empty for the others.
    pub out: &'a mut [u8],
}

/// Intercepts each call: `Some` is the answer, `None` leaves the call to the tables.
pub type Interceptor = Box<dyn FnMut(&mut Call<'_>) -> Option<i32> + Send>;

static TABLES: Mutex<Tables> = Mutex::new(BTreeMap::new());
static INTERCEPTOR: Mutex<Option<Interceptor>> = Mutex::new(None);
static MACHINE: Mutex<()> = Mutex::new(());

/// Keeps everybody else from driving the machine while the guard lives, and empties the tables.
pub fn exclusive() -> MutexGuard<'static, ()> {
    let guard = MACHINE.lock().unwrap_or_else(PoisonError::into_inner);
    intercept(None);
    tables().clear();
    guard
}

/// Puts an interceptor in front of the tables, in the place of the one before; `None` takes it away.
pub fn intercept(interceptor: Option<Interceptor>) {
    *INTERCEPTOR.lock().unwrap_or_else(PoisonError::into_inner) = interceptor;
}

fn intercepted(mut call: Call<'_>) -> Option<i32> {
    INTERCEPTOR.lock().unwrap_or_else(PoisonError::into_inner).as_mut()?(&mut call)
}

/// A copy of all tables, empty ones left out.
pub fn snapshot() -> Tables {
    tables().iter().filter(|(_, entries)| !entries.is_empty()).map(|(id, entries)| (*id, entries.clone())).collect()
}

/// Replaces all tables.
pub fn restore(snapshot: Tables) {
    *tables() = snapshot;
}

fn tables() -> MutexGuard<'static, BTreeMap<u32, Table>> {
    TABLES.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Returns what a table holds under a key.
pub fn stored(table: u32, key: &str) -> Option<Vec<u8>> {
    let tables = tables();
    let entries = tables.get(&table)?;
    entries.iter().find(|(k, _)| k == key.as_bytes()).map(|(_, v)| v.clone())
}

unsafe fn slice<'a>(start: *const u8, length: usize) -> &'a [u8] {
    // SAFETY: the generated wrappers pass the parts of live slices.
    unsafe { core::slice::from_raw_parts(start, length) }
}

unsafe fn slice_mut<'a>(start: *mut u8, length: usize) -> &'a mut [u8] {
    // SAFETY: as for `slice`.
    unsafe { core::slice::from_raw_parts_mut(start, length) }
}

/// Stores a value.
///
/// # Safety
///
/// Both ranges are readable.
pub unsafe fn js_ext_table_set(table: u32, key: *const u8, key_len: usize, value: *const u8, value_len: usize) -> i32 {
    // SAFETY: as for the caller.
    let (key, value) = unsafe { (slice(key, key_len), slice(value, value_len)) };
    if let Some(answer) = intercepted(Call { import: Import::Set, table, key, value, out: &mut [] }) {
        return answer;
    }
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
    let (key, out) = unsafe { (slice(key, key_len), slice_mut(value, max_len)) };
    if let Some(answer) = intercepted(Call { import: Import::Get, table, key, value: &[], out }) {
        return answer;
    }
    let tables = tables();
    let found = tables.get(&table).and_then(|entries| entries.iter().find(|(k, _)| k == key));
    match found {
        Some((_, bytes)) if bytes.len() <= max_len => {
            out[..bytes.len()].copy_from_slice(bytes);
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
    if let Some(answer) = intercepted(Call { import: Import::Delete, table, key, value: &[], out: &mut [] }) {
        return answer;
    }
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
    let call = Call { import: Import::Size, table, key: &[], value: &[], out: &mut [] };
    intercepted(call).unwrap_or_else(|| tables().get(&table).map_or(0, Vec::len) as i32)
}

/// Lists a table's keys, joined by line feeds.
///
/// # Safety
///
/// The place is writable.
pub unsafe fn js_ext_table_keys(table: u32, buffer: *mut u8, max_len: usize) -> i32 {
    // SAFETY: as for the caller.
    let out = unsafe { slice_mut(buffer, max_len) };
    if let Some(answer) = intercepted(Call { import: Import::Keys, table, key: &[], value: &[], out }) {
        return answer;
    }
    let tables = tables();
    let Some(entries) = tables.get(&table) else { return -1 };
    let keys: Vec<&[u8]> = entries.iter().map(|(k, _)| k.as_slice()).collect();
    let text = keys.join(&b'\n');
    if text.len() > max_len {
        return -1;
    }
    out[..text.len()].copy_from_slice(&text);
    text.len() as i32
}
