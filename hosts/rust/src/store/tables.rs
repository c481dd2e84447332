//! The external tables of one machine: its store, their quotas, and walks over their keys.

use super::Store;
use crate::error::{BoxedError, Limit};
use crate::{Error, Result};

/// How many walks over keys may wait at a time.
const MOST_WALKS: usize = 64;

/// The text under which a table has its metatable, and how many bytes stand there for none.
const METATABLE: &str = "[meta]";
const MARK_LENGTH: usize = 2;

/// The tables of one machine.
pub(crate) struct Tables {
    store: Box<dyn Store>,
    quota: Option<Quota>,
    /// What was used when each open transaction began.
    open: Vec<Used>,
    walks: Vec<Walk>,
    last_walk: u32,
}

/// What tables may have.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Quota {
    pub(crate) entries: u64,
    pub(crate) bytes: u64,
    pub(crate) used: Used,
}

/// What tables have.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Used {
    pub(crate) entries: u64,
    pub(crate) bytes: u64,
}

/// A walk that waits for its next page.
struct Walk {
    cursor: u32,
    table: u32,
    after: u64,
}

/// A page of keys.
pub(crate) enum Page {
    /// The keys, and the cursor for the next page; 0 if there is none.
    Keys(u32, String),
    /// Not one key fits; the first has so many bytes.
    TooSmall(usize),
    /// There is no such cursor.
    Unknown,
}

/// A quota that is used up.
#[derive(Debug)]
pub(crate) struct QuotaError {
    pub(crate) limit: Limit,
    amount: u64,
}

impl std::fmt::Display for QuotaError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let what = if self.limit == Limit::TableEntries { "entries" } else { "bytes" };
        write!(f, "the limit of {} {what} in external tables is reached", self.amount)
    }
}

impl std::error::Error for QuotaError {}

impl Tables {
    pub(crate) fn new(mut store: Box<dyn Store>, quota: Option<(u64, u64)>) -> Result<Self> {
        let quota = match quota {
            None => None,
            Some((entries, bytes)) => Some(Quota { entries, bytes, used: measure(&mut *store).map_err(Error::Store)? }),
        };
        Ok(Self { store, quota, open: Vec::new(), walks: Vec::new(), last_walk: 0 })
    }

    pub(crate) fn quota(&self) -> Option<Quota> {
        self.quota
    }

    pub(crate) fn into_store(self) -> Box<dyn Store> {
        self.store
    }

    pub(crate) fn get(&mut self, table: u32, key: &str, read: &mut dyn FnMut(&[u8])) -> Result<(), BoxedError> {
        self.store.get(table, key, read)
    }

    pub(crate) fn value(&mut self, table: u32, key: &str) -> Result<Option<Vec<u8>>, BoxedError> {
        let mut value = None;
        self.store.get(table, key, &mut |bytes| value = Some(bytes.to_vec()))?;
        Ok(value)
    }

    pub(crate) fn set(&mut self, table: u32, key: &str, value: &[u8]) -> Result<(), BoxedError> {
        let Some(quota) = self.quota else { return self.store.set(table, key, value) };
        let old = self.length(table, key)?;
        let added = (if old.is_none() { key.len() } else { 0 } + value.len()) as u64;
        let used = Used {
            entries: quota.used.entries + u64::from(old.is_none()),
            bytes: (quota.used.bytes + added).saturating_sub(old.unwrap_or_default() as u64),
        };
        let more_entries = used.entries > quota.used.entries && used.entries > quota.entries;
        let more_bytes = used.bytes > quota.used.bytes && used.bytes > quota.bytes;
        // What keeps a table comes before its last entry is deleted, which makes room again.
        let keeps = key == METATABLE && value.len() == MARK_LENGTH && self.store.size(table)? > 0;
        if (more_entries || more_bytes) && !keeps {
            let (limit, amount) =
                if more_entries { (Limit::TableEntries, quota.entries) } else { (Limit::TableBytes, quota.bytes) };
            return Err(Box::new(QuotaError { limit, amount }));
        }
        self.store.set(table, key, value)?;
        self.quota = Some(Quota { used, ..quota });
        Ok(())
    }

    pub(crate) fn delete(&mut self, table: u32, key: &str) -> Result<(), BoxedError> {
        let old = if self.quota.is_some() { self.length(table, key)? } else { None };
        self.store.delete(table, key)?;
        if let (Some(quota), Some(old)) = (&mut self.quota, old) {
            quota.used.entries -= 1;
            quota.used.bytes = quota.used.bytes.saturating_sub((key.len() + old) as u64);
        }
        Ok(())
    }

    pub(crate) fn clear(&mut self, table: u32) -> Result<(), BoxedError> {
        if self.quota.is_none() {
            return self.store.clear(table);
        }
        let keys = self.all_keys(table)?;
        keys.iter().try_for_each(|key| self.delete(table, key))
    }

    pub(crate) fn size(&mut self, table: u32) -> Result<u64, BoxedError> {
        self.store.size(table)
    }

    pub(crate) fn all_keys(&mut self, table: u32) -> Result<Vec<String>, BoxedError> {
        let mut keys = Vec::new();
        self.store.keys(table, 0, &mut |_, key| {
            keys.push(key.to_owned());
            true
        })?;
        Ok(keys)
    }

    /// The ids of tables above one, at most so many.
    pub(crate) fn ids(&mut self, after: u32, most: usize) -> Result<Vec<u32>, BoxedError> {
        let mut ids = Vec::new();
        self.store.tables(after, &mut |id| {
            ids.push(id);
            ids.len() < most
        })?;
        Ok(ids)
    }

    /// The next page of a walk over a table's keys, of at most so many bytes.
    pub(crate) fn page(&mut self, table: u32, cursor: u32, room: usize) -> Result<Page, BoxedError> {
        let mut after = 0;
        if cursor != 0 {
            let Some(at) = self.walks.iter().position(|walk| walk.cursor == cursor && walk.table == table) else {
                return Ok(Page::Unknown);
            };
            after = self.walks[at].after;
        }
        let mut keys = String::new();
        let mut too_long = None;
        self.store.keys(table, after, &mut |position, key| {
            let separator = usize::from(!keys.is_empty());
            if keys.len() + separator + key.len() > room {
                too_long = Some(key.len());
                return false;
            }
            if separator == 1 {
                keys.push('\n');
            }
            keys.push_str(key);
            after = position;
            true
        })?;
        match too_long {
            Some(length) if keys.is_empty() => return Ok(Page::TooSmall(length)),
            Some(_) => {}
            None => {
                self.close(cursor);
                return Ok(Page::Keys(0, keys));
            }
        }
        self.close(cursor);
        let cursor = if cursor == 0 { self.new_cursor() } else { cursor };
        if self.walks.len() == MOST_WALKS {
            self.walks.remove(0);
        }
        self.walks.push(Walk { cursor, table, after });
        Ok(Page::Keys(cursor, keys))
    }

    fn new_cursor(&mut self) -> u32 {
        self.last_walk = self.last_walk.wrapping_add(1).max(1);
        self.last_walk
    }

    pub(crate) fn close(&mut self, cursor: u32) {
        self.walks.retain(|walk| walk.cursor != cursor);
    }

    fn length(&mut self, table: u32, key: &str) -> Result<Option<usize>, BoxedError> {
        let mut length = None;
        self.store.get(table, key, &mut |bytes| length = Some(bytes.len()))?;
        Ok(length)
    }

    pub(crate) fn begin(&mut self) -> Result<(), BoxedError> {
        self.store.begin()?;
        self.open.push(self.quota.map(|quota| quota.used).unwrap_or_default());
        Ok(())
    }

    pub(crate) fn commit(&mut self) -> Result<(), BoxedError> {
        let before = self.open.pop();
        let result = self.store.commit();
        if result.is_err() {
            self.forget(before);
        }
        result
    }

    pub(crate) fn rollback(&mut self) -> Result<(), BoxedError> {
        let before = self.open.pop();
        self.forget(before);
        self.store.rollback()
    }

    fn forget(&mut self, before: Option<Used>) {
        if let (Some(quota), Some(before)) = (&mut self.quota, before) {
            quota.used = before;
        }
    }
}

fn measure(store: &mut dyn Store) -> Result<Used, BoxedError> {
    let mut ids = Vec::new();
    store.tables(0, &mut |id| {
        ids.push(id);
        true
    })?;
    let mut used = Used::default();
    for id in ids {
        let mut keys = Vec::new();
        store.keys(id, 0, &mut |_, key| {
            keys.push(key.to_owned());
            true
        })?;
        for key in keys {
            used.entries += 1;
            used.bytes += key.len() as u64;
            store.get(id, &key, &mut |value| used.bytes += value.len() as u64)?;
        }
    }
    Ok(used)
}

/// The quota that an error says is used up.
pub(crate) fn quota_of(error: &(dyn std::error::Error + 'static)) -> Option<Limit> {
    error.downcast_ref::<QuotaError>().map(|error| error.limit)
}
