//! External tables in memory.

use std::collections::{BTreeMap, HashMap};
use std::ops::Bound;
use std::sync::Arc;

use super::Store;
use crate::error::BoxedError;

/// External tables in memory: what a machine has if it is given no store.
#[derive(Clone, Default)]
pub struct MemoryStore {
    tables: BTreeMap<u32, Entries>,
    /// The last position that was given. None is given twice, so that what is put back finds its place free.
    last: u64,
    /// What each open transaction has changed, the innermost last.
    open: Vec<Undo>,
}

/// The entries of a table.
#[derive(Clone, Default)]
struct Entries {
    entries: HashMap<Arc<str>, Entry>,
    order: BTreeMap<u64, Arc<str>>,
}

#[derive(Clone)]
struct Entry {
    position: u64,
    value: Box<[u8]>,
}

/// What the entries were that a transaction has changed; `None` if they were not there.
type Undo = HashMap<(u32, Arc<str>), Option<Entry>>;

impl MemoryStore {
    /// A store without entries.
    pub fn new() -> Self {
        Self::default()
    }

    /// Remembers what an entry was, the first time in a transaction that it is changed.
    fn remember(open: &mut [Undo], table: u32, key: &Arc<str>, old: Option<Entry>) {
        if let Some(undo) = open.last_mut() {
            undo.entry((table, key.clone())).or_insert(old);
        }
    }

    fn put_back(&mut self, table: u32, key: &Arc<str>, old: Option<Entry>) {
        let entries = self.tables.entry(table).or_default();
        if let Some(now) = entries.entries.remove(key) {
            entries.order.remove(&now.position);
        }
        if let Some(old) = old {
            entries.order.insert(old.position, key.clone());
            entries.entries.insert(key.clone(), old);
        }
        if entries.entries.is_empty() {
            self.tables.remove(&table);
        }
    }
}

impl Store for MemoryStore {
    fn get(&mut self, table: u32, key: &str, read: &mut dyn FnMut(&[u8])) -> Result<(), BoxedError> {
        if let Some(entry) = self.tables.get(&table).and_then(|entries| entries.entries.get(key)) {
            read(&entry.value);
        }
        Ok(())
    }

    fn set(&mut self, table: u32, key: &str, value: &[u8]) -> Result<(), BoxedError> {
        let entries = self.tables.entry(table).or_default();
        if let Some((key, _)) = entries.entries.get_key_value(key) {
            let key = key.clone();
            if let Some(entry) = entries.entries.get_mut(&key) {
                let old = Entry { position: entry.position, value: std::mem::replace(&mut entry.value, value.into()) };
                Self::remember(&mut self.open, table, &key, Some(old));
            }
            return Ok(());
        }
        let key: Arc<str> = key.into();
        self.last += 1;
        entries.order.insert(self.last, key.clone());
        entries.entries.insert(key.clone(), Entry { position: self.last, value: value.into() });
        Self::remember(&mut self.open, table, &key, None);
        Ok(())
    }

    fn delete(&mut self, table: u32, key: &str) -> Result<(), BoxedError> {
        let Some(entries) = self.tables.get_mut(&table) else { return Ok(()) };
        if let Some((key, old)) = entries.entries.remove_entry(key) {
            entries.order.remove(&old.position);
            Self::remember(&mut self.open, table, &key, Some(old));
        }
        Ok(())
    }

    fn clear(&mut self, table: u32) -> Result<(), BoxedError> {
        let Some(entries) = self.tables.remove(&table) else { return Ok(()) };
        if !self.open.is_empty() {
            for (key, old) in entries.entries {
                Self::remember(&mut self.open, table, &key, Some(old));
            }
        }
        Ok(())
    }

    fn size(&mut self, table: u32) -> Result<u64, BoxedError> {
        Ok(self.tables.get(&table).map_or(0, |entries| entries.entries.len() as u64))
    }

    fn keys(&mut self, table: u32, after: u64, visit: &mut dyn FnMut(u64, &str) -> bool) -> Result<(), BoxedError> {
        let Some(entries) = self.tables.get(&table) else { return Ok(()) };
        for (position, key) in entries.order.range((Bound::Excluded(after), Bound::Unbounded)) {
            if !visit(*position, key) {
                break;
            }
        }
        Ok(())
    }

    fn tables(&mut self, after: u32, visit: &mut dyn FnMut(u32) -> bool) -> Result<(), BoxedError> {
        for (id, entries) in self.tables.range((Bound::Excluded(after), Bound::Unbounded)) {
            if !entries.entries.is_empty() && !visit(*id) {
                break;
            }
        }
        Ok(())
    }

    fn begin(&mut self) -> Result<(), BoxedError> {
        self.open.push(Undo::new());
        Ok(())
    }

    fn commit(&mut self) -> Result<(), BoxedError> {
        let Some(inner) = self.open.pop() else { return Ok(()) };
        if let Some(outer) = self.open.last_mut() {
            for (key, old) in inner {
                outer.entry(key).or_insert(old);
            }
        }
        Ok(())
    }

    fn rollback(&mut self) -> Result<(), BoxedError> {
        for ((table, key), old) in self.open.pop().unwrap_or_default() {
            self.put_back(table, &key, old);
        }
        Ok(())
    }
}
