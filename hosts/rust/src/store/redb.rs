//! External tables in a file, by redb.

use std::collections::HashMap;
use std::ops::Bound;
use std::path::Path;
use std::sync::Arc;

use redb::{
    Database, Durability, ReadTransaction, ReadableDatabase, ReadableTable, TableDefinition, TableError,
    WriteTransaction,
};

use super::Store;
use crate::error::BoxedError;
use crate::{Error, Result};

/// The position and the value of each entry, by its table and key.
const ENTRIES: TableDefinition<'_, (u32, &str), (u64, &[u8])> = TableDefinition::new("entries");
/// The key at each position of a table.
const ORDER: TableDefinition<'_, (u32, u64), &str> = TableDefinition::new("order");
/// How many entries each table has.
const SIZES: TableDefinition<'_, u32, u64> = TableDefinition::new("sizes");
/// The last position that was given, under 0.
const LAST: TableDefinition<'_, u32, u64> = TableDefinition::new("last");

/// External tables in a file, which one process at a time has open. What a call has changed is on the disk when it returns, or,
/// if it fails there, not at all. Tables may be larger than the computer's memory.
///
/// ```
/// use lua_persistent::{Lua, Options, RedbStore};
///
/// # let folder = std::env::temp_dir().join(format!("lua-persistent-doc-{}", std::process::id()));
/// # std::fs::create_dir_all(&folder)?;
/// let file = folder.join("state.redb");
/// let mut lua = Lua::with(Options::new().store(RedbStore::open(&file)?))?;
/// lua.compute("_home.visits = (_home.visits or 0) + 1")?;
/// drop(lua);
///
/// let mut lua = Lua::with(Options::new().store(RedbStore::open(&file)?))?;
/// assert_eq!(lua.home().get::<i64>("visits")?, 1);
/// # drop(lua);
/// # std::fs::remove_dir_all(&folder)?;
/// # Ok::<(), lua_persistent::Error>(())
/// ```
pub struct RedbStore {
    // These go before the database, which waits for them when it is closed.
    writing: Option<WriteTransaction>,
    /// What reads see while nothing has been written.
    reading: Option<ReadTransaction>,
    database: Database,
    durability: Durability,
    /// What each open transaction but the outermost has changed; the outermost is one of the database.
    inner: Vec<Undo>,
    depth: usize,
}

/// What the entries were that a transaction has changed: position and value, `None` if they were not there.
type Undo = HashMap<(u32, Arc<str>), Option<(u64, Vec<u8>)>>;

impl RedbStore {
    /// Opens a file, or makes it.
    ///
    /// # Errors
    ///
    /// [`Error::Store`], if it cannot be opened, or is open already.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        let database = Database::create(path).map_err(|error| Error::Store(error.into()))?;
        Ok(Self {
            database,
            durability: Durability::Immediate,
            reading: None,
            writing: None,
            inner: Vec::new(),
            depth: 0,
        })
    }

    /// Lets calls return before their changes are on the disk: the next call that waits for the disk, or closing the file, writes
    /// them. What is lost when the system fails are whole calls, the last ones.
    #[must_use]
    pub fn eventual(self) -> Self {
        Self { durability: Durability::None, ..self }
    }

    fn write(&mut self) -> Result<&mut WriteTransaction, BoxedError> {
        if self.writing.is_none() {
            self.reading = None;
            let mut transaction = self.database.begin_write()?;
            transaction.set_durability(self.durability)?;
            self.writing = Some(transaction);
        }
        self.writing.as_mut().ok_or_else(|| "no transaction is open".into())
    }

    /// Commits at once what is written outside of any transaction.
    fn settle(&mut self) -> Result<(), BoxedError> {
        if self.depth == 0
            && let Some(transaction) = self.writing.take()
        {
            transaction.commit()?;
        }
        Ok(())
    }

    fn reading(&mut self) -> Result<&ReadTransaction, BoxedError> {
        if self.reading.is_none() {
            self.reading = Some(self.database.begin_read()?);
        }
        self.reading.as_ref().ok_or_else(|| "no transaction is open".into())
    }

    fn entry(&mut self, table: u32, key: &str) -> Result<Option<(u64, Vec<u8>)>, BoxedError> {
        let entries = self.write()?.open_table(ENTRIES)?;
        let entry = entries.get((table, key))?;
        Ok(entry.map(|entry| {
            let (position, value) = entry.value();
            (position, value.to_vec())
        }))
    }

    /// Makes an entry what it is to be, with all that belongs to it; what it was.
    fn put(
        &mut self,
        table: u32,
        key: &str,
        entry: Option<(u64, &[u8])>,
    ) -> Result<Option<(u64, Vec<u8>)>, BoxedError> {
        let transaction = self.write()?;
        let mut entries = transaction.open_table(ENTRIES)?;
        let old = match entry {
            Some(entry) => entries.insert((table, key), entry)?,
            None => entries.remove((table, key))?,
        };
        let old = old.map(|old| {
            let (position, value) = old.value();
            (position, value.to_vec())
        });
        let places = [old.as_ref().map(|(position, _)| *position), entry.map(|(position, _)| position)];
        if places[0] != places[1] {
            let mut order = transaction.open_table(ORDER)?;
            if let Some(position) = places[0] {
                order.remove((table, position))?;
            }
            if let Some(position) = places[1] {
                order.insert((table, position), key)?;
            }
        }
        if places[0].is_some() != places[1].is_some() {
            let mut sizes = transaction.open_table(SIZES)?;
            let size = sizes.get(table)?.map_or(0, |size| size.value());
            match if places[1].is_some() { size + 1 } else { size.saturating_sub(1) } {
                0 => drop(sizes.remove(table)?),
                size => drop(sizes.insert(table, size)?),
            }
        }
        Ok(old)
    }

    fn remember(&mut self, table: u32, key: &str, old: Option<(u64, Vec<u8>)>) {
        if let Some(undo) = self.inner.last_mut() {
            undo.entry((table, key.into())).or_insert(old);
        }
    }

    fn next_position(&mut self) -> Result<u64, BoxedError> {
        let mut last = self.write()?.open_table(LAST)?;
        let next = last.get(0)?.map_or(0, |last| last.value()) + 1;
        last.insert(0, next)?;
        Ok(next)
    }
}

/// A table that was never written is empty.
fn absent<T>(opened: std::result::Result<T, TableError>) -> Result<Option<T>, BoxedError> {
    match opened {
        Ok(table) => Ok(Some(table)),
        Err(TableError::TableDoesNotExist(_)) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Calls `$use` with a table to read, of the transaction that is open.
macro_rules! with_table {
    ($store:ident, $definition:expr, |$table:ident| $use:expr) => {
        if let Some(transaction) = &$store.writing {
            let $table = transaction.open_table($definition)?;
            $use
        } else if let Some($table) = absent($store.reading()?.open_table($definition))? {
            $use
        }
    };
}

impl Store for RedbStore {
    fn get(&mut self, table: u32, key: &str, read: &mut dyn FnMut(&[u8])) -> Result<(), BoxedError> {
        with_table!(self, ENTRIES, |entries| {
            if let Some(entry) = entries.get((table, key))? {
                read(entry.value().1);
            }
        });
        Ok(())
    }

    fn set(&mut self, table: u32, key: &str, value: &[u8]) -> Result<(), BoxedError> {
        let position = match self.entry(table, key)? {
            Some((position, _)) => position,
            None => self.next_position()?,
        };
        let old = self.put(table, key, Some((position, value)))?;
        self.remember(table, key, old);
        self.settle()
    }

    fn delete(&mut self, table: u32, key: &str) -> Result<(), BoxedError> {
        let old = self.put(table, key, None)?;
        if old.is_some() {
            self.remember(table, key, old);
        }
        self.settle()
    }

    fn clear(&mut self, table: u32) -> Result<(), BoxedError> {
        let mut keys = Vec::new();
        self.keys(table, 0, &mut |_, key| {
            keys.push(key.to_owned());
            true
        })?;
        for key in keys {
            let old = self.put(table, &key, None)?;
            self.remember(table, &key, old);
        }
        self.settle()
    }

    fn size(&mut self, table: u32) -> Result<u64, BoxedError> {
        let mut size = 0;
        with_table!(self, SIZES, |sizes| size = sizes.get(table)?.map_or(0, |size| size.value()));
        Ok(size)
    }

    fn keys(&mut self, table: u32, after: u64, visit: &mut dyn FnMut(u64, &str) -> bool) -> Result<(), BoxedError> {
        let range = (Bound::Excluded((table, after)), Bound::Included((table, u64::MAX)));
        with_table!(self, ORDER, |order| {
            for entry in order.range(range)? {
                let (place, key) = entry?;
                if !visit(place.value().1, key.value()) {
                    break;
                }
            }
        });
        Ok(())
    }

    fn tables(&mut self, after: u32, visit: &mut dyn FnMut(u32) -> bool) -> Result<(), BoxedError> {
        with_table!(self, SIZES, |sizes| {
            for entry in sizes.range((Bound::Excluded(after), Bound::Unbounded))? {
                if !visit(entry?.0.value()) {
                    break;
                }
            }
        });
        Ok(())
    }

    fn begin(&mut self) -> Result<(), BoxedError> {
        if self.depth > 0 {
            self.inner.push(Undo::new());
        } else {
            // What others have written since is seen from here on.
            self.reading = None;
        }
        self.depth += 1;
        Ok(())
    }

    fn commit(&mut self) -> Result<(), BoxedError> {
        self.depth = self.depth.saturating_sub(1);
        match self.inner.pop() {
            Some(done) => {
                if let Some(outer) = self.inner.last_mut() {
                    for (key, old) in done {
                        outer.entry(key).or_insert(old);
                    }
                }
                Ok(())
            }
            None => self.settle(),
        }
    }

    fn rollback(&mut self) -> Result<(), BoxedError> {
        self.depth = self.depth.saturating_sub(1);
        match self.inner.pop() {
            Some(undone) => {
                for ((table, key), old) in undone {
                    self.put(table, &key, old.as_ref().map(|(position, value)| (*position, &value[..])))?;
                }
            }
            None => {
                if let Some(transaction) = self.writing.take() {
                    transaction.abort()?;
                }
            }
        }
        Ok(())
    }
}
