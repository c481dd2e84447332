//! Where external tables live.

mod memory;
#[cfg(feature = "redb")]
mod redb;
mod tables;

pub use memory::MemoryStore;
#[cfg(feature = "redb")]
pub use redb::RedbStore;

pub(crate) use tables::{Page, Tables, quota_of};

use crate::error::BoxedError;

/// Keeps the entries of external tables: bytes by the number of a table and the text of a key.
///
/// A store need not understand keys and values. It promises:
///
/// - An entry that was set is there until it is deleted, with the same bytes.
/// - [`keys`](Store::keys) gives the keys in the order in which they were first set. A key that is set again keeps its place;
///   one that was deleted and is set again comes last.
/// - Between [`begin`](Store::begin) and the [`rollback`](Store::rollback) or [`commit`](Store::commit) that belongs to it lies
///   a transaction: a rollback undoes all of it. Transactions nest. What the outermost one has committed lasts as long as the
///   store does; of one that was not, nothing lasts.
///
/// Each call of a machine is one transaction. An error of a store is an error in Lua, with its text as the message.
pub trait Store: Send {
    /// Reads a value: `read` gets its bytes, if there is one.
    ///
    /// # Errors
    ///
    /// If the store fails.
    fn get(&mut self, table: u32, key: &str, read: &mut dyn FnMut(&[u8])) -> Result<(), BoxedError>;

    /// Sets an entry.
    ///
    /// # Errors
    ///
    /// If the store fails; the entry is as it was then.
    fn set(&mut self, table: u32, key: &str, value: &[u8]) -> Result<(), BoxedError>;

    /// Deletes an entry, if it is there.
    ///
    /// # Errors
    ///
    /// If the store fails; the entry is as it was then.
    fn delete(&mut self, table: u32, key: &str) -> Result<(), BoxedError>;

    /// Deletes all entries of a table.
    ///
    /// # Errors
    ///
    /// If the store fails.
    fn clear(&mut self, table: u32) -> Result<(), BoxedError>;

    /// Counts the entries of a table. One that is not there has none.
    ///
    /// # Errors
    ///
    /// If the store fails.
    fn size(&mut self, table: u32) -> Result<u64, BoxedError>;

    /// Visits the keys of a table in their order, with increasing positions, until `visit` returns false. Only those whose
    /// position is above `after`; all positions are above 0.
    ///
    /// # Errors
    ///
    /// If the store fails.
    fn keys(&mut self, table: u32, after: u64, visit: &mut dyn FnMut(u64, &str) -> bool) -> Result<(), BoxedError>;

    /// Visits the tables that have entries, in the order of their numbers, until `visit` returns false. Only those above
    /// `after`.
    ///
    /// # Errors
    ///
    /// If the store fails.
    fn tables(&mut self, after: u32, visit: &mut dyn FnMut(u32) -> bool) -> Result<(), BoxedError>;

    /// Begins a transaction, inside of the one that is open, if one is.
    ///
    /// # Errors
    ///
    /// If the store fails.
    fn begin(&mut self) -> Result<(), BoxedError>;

    /// Ends the innermost transaction and keeps what it has done.
    ///
    /// # Errors
    ///
    /// If the store fails. The transaction is undone then.
    fn commit(&mut self) -> Result<(), BoxedError>;

    /// Ends the innermost transaction and undoes what it has done.
    ///
    /// # Errors
    ///
    /// If the store fails.
    fn rollback(&mut self) -> Result<(), BoxedError>;
}
