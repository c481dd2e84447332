//! Stores: that all keep the same promises, and that machines bear with stores that do not.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use lua_persistent::{BoxedError, Error, Lua, MemoryStore, Options, RedbStore, Store, Value};

mod support;

use support::engine;

/// A file that goes with the test.
struct Temporary(PathBuf);

impl Temporary {
    fn new(name: &str) -> Self {
        let name = format!("lua-persistent-{name}-{}.redb", std::process::id());
        Self(std::env::temp_dir().join(name))
    }

    fn open(&self) -> RedbStore {
        RedbStore::open(&self.0).unwrap().eventual()
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

/// All tables, with their entries.
type Contents = Vec<(u32, Vec<(String, Vec<u8>)>)>;

fn contents(store: &mut dyn Store) -> Contents {
    let mut ids = Vec::new();
    store
        .tables(0, &mut |id| {
            ids.push(id);
            true
        })
        .unwrap();
    let table = |id| {
        let mut keys = Vec::new();
        store
            .keys(id, 0, &mut |_, key| {
                keys.push(key.to_owned());
                true
            })
            .unwrap();
        assert_eq!(store.size(id).unwrap(), keys.len() as u64);
        let entry = |key: String| {
            let mut value = Vec::new();
            store.get(id, &key, &mut |bytes| value = bytes.to_vec()).unwrap();
            (key, value)
        };
        (id, keys.into_iter().map(entry).collect())
    };
    ids.into_iter().map(table).collect()
}

/// Numbers that are the same in each run.
struct Random(u64);

impl Random {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % n
    }
}

/// A store that is so slow and simple that it is surely right: every transaction is a copy of all.
#[derive(Default)]
struct Model {
    entries: Vec<(u32, String, Vec<u8>)>,
    copies: Vec<Vec<(u32, String, Vec<u8>)>>,
}

impl Model {
    fn contents(&self) -> Contents {
        let mut ids: Vec<u32> = self.entries.iter().map(|entry| entry.0).collect();
        ids.sort_unstable();
        ids.dedup();
        let of = |id| self.entries.iter().filter(move |entry| entry.0 == id);
        ids.into_iter().map(|id| (id, of(id).map(|(_, key, value)| (key.clone(), value.clone())).collect())).collect()
    }
}

#[test]
fn every_store_is_what_the_model_is_whatever_is_done() {
    let file = Temporary::new("model");
    let stores: [Box<dyn Store>; 2] = [Box::new(MemoryStore::new()), Box::new(file.open())];
    for mut store in stores {
        let (mut model, mut random) = (Model::default(), Random(7));
        for step in 0..3000 {
            let (table, key) = (1 + random.below(3) as u32, format!("k{}", random.below(8)));
            match random.below(14) {
                0..6 => {
                    let value = vec![step as u8; random.below(5) as usize + 1];
                    store.set(table, &key, &value).unwrap();
                    match model.entries.iter_mut().find(|entry| entry.0 == table && entry.1 == key) {
                        Some(entry) => entry.2 = value,
                        None => model.entries.push((table, key, value)),
                    }
                }
                6..9 => {
                    store.delete(table, &key).unwrap();
                    model.entries.retain(|entry| entry.0 != table || entry.1 != key);
                }
                9 => {
                    store.clear(table).unwrap();
                    model.entries.retain(|entry| entry.0 != table);
                }
                10 | 11 if model.copies.len() < 4 => {
                    store.begin().unwrap();
                    model.copies.push(model.entries.clone());
                }
                12 if !model.copies.is_empty() => {
                    store.commit().unwrap();
                    model.copies.pop();
                }
                13 if !model.copies.is_empty() => {
                    store.rollback().unwrap();
                    model.entries = model.copies.pop().unwrap();
                }
                _ => {}
            }
            if step % 20 == 0 {
                assert_eq!(contents(&mut *store), model.contents(), "step {step}");
            }
        }
    }
}

#[test]
fn a_file_has_what_was_committed_and_nothing_of_what_was_not() {
    let file = Temporary::new("file");
    let open = || engine().create(Options::new().store(file.open())).unwrap();
    let mut lua = open();
    lua.compute("_home.list = { 'a', { n = 1 } } _home.f = function() return _home.list[2].n end").unwrap();
    assert!(RedbStore::open(&file.0).is_err(), "it is open already");
    lua.checkpoint().unwrap();
    lua.compute("_home.lost = true").unwrap();
    drop(lua);
    let mut lua = open();
    assert_eq!(lua.compute("return _home.f(), _home.lost").unwrap().get::<(i64, Option<bool>)>().unwrap(), (1, None));
    assert_eq!(lua.home().keys().unwrap(), ["list".into(), "f".into()]);
    let before = lua.next_table_id();
    let id = lua.compute("_home.new = {} return ext.id(_home.new)").unwrap().get::<u32>().unwrap();
    assert!(id >= before, "a new table gets no id that is in use");
}

#[test]
fn a_walk_over_a_large_table_goes_on_while_it_changes() {
    let file = Temporary::new("walk");
    let stores: [Box<dyn Store>; 2] = [Box::new(MemoryStore::new()), Box::new(file.open())];
    for store in stores {
        let mut lua = engine().create(Options::new().boxed_store(store)).unwrap();
        lua.compute("for i = 1, 20000 do _home['key' .. i] = i end").unwrap();
        let code =
            "local n, sum = 0, 0 for k, v in pairs(_home) do n, sum = n + 1, sum + v _home[k] = nil end return n, sum";
        assert_eq!(lua.compute(code).unwrap().get::<(i64, i64)>().unwrap(), (20_000, 200_010_000));
        assert!(lua.home().is_empty().unwrap());
    }
}

/// A store that fails, panics or lies at the nth thing that is asked of it.
struct Hostile {
    inner: MemoryStore,
    left: Arc<AtomicUsize>,
    how: How,
}

#[derive(Clone, Copy, Debug)]
enum How {
    Fails,
    Panics,
    GivesRubbish,
}

impl Hostile {
    fn turn(&mut self) -> Result<bool, BoxedError> {
        if self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)) != Ok(1) {
            return Ok(false);
        }
        match self.how {
            How::Fails => Err("the disk is on fire".into()),
            How::Panics => panic!("the store panicked on purpose"),
            How::GivesRubbish => Ok(true),
        }
    }
}

impl Store for Hostile {
    fn get(&mut self, table: u32, key: &str, read: &mut dyn FnMut(&[u8])) -> Result<(), BoxedError> {
        if self.turn()? {
            read(&[0xff, 0xff, 0xff]);
            return Ok(());
        }
        self.inner.get(table, key, read)
    }
    fn set(&mut self, table: u32, key: &str, value: &[u8]) -> Result<(), BoxedError> {
        if self.turn()? { Ok(()) } else { self.inner.set(table, key, value) }
    }
    fn delete(&mut self, table: u32, key: &str) -> Result<(), BoxedError> {
        if self.turn()? { Ok(()) } else { self.inner.delete(table, key) }
    }
    fn clear(&mut self, table: u32) -> Result<(), BoxedError> {
        if self.turn()? { Ok(()) } else { self.inner.clear(table) }
    }
    fn size(&mut self, table: u32) -> Result<u64, BoxedError> {
        if self.turn()? { Ok(u64::MAX) } else { self.inner.size(table) }
    }
    fn keys(&mut self, table: u32, after: u64, visit: &mut dyn FnMut(u64, &str) -> bool) -> Result<(), BoxedError> {
        if self.turn()? {
            visit(u64::MAX, "[no form");
            visit(0, "a\nb");
            return Ok(());
        }
        self.inner.keys(table, after, visit)
    }
    fn tables(&mut self, after: u32, visit: &mut dyn FnMut(u32) -> bool) -> Result<(), BoxedError> {
        if self.turn()? {
            visit(0);
            visit(u32::MAX);
            return Ok(());
        }
        self.inner.tables(after, visit)
    }
    fn begin(&mut self) -> Result<(), BoxedError> {
        self.inner.begin()
    }
    fn commit(&mut self) -> Result<(), BoxedError> {
        self.turn()?;
        self.inner.commit()
    }
    fn rollback(&mut self) -> Result<(), BoxedError> {
        self.inner.rollback()
    }
}

#[test]
fn a_store_that_fails_panics_or_lies_makes_errors_and_the_machine_goes_on() {
    let code =
        "_home.t = { 1, { 2 } } for k, v in pairs(_home) do n = v end _home.t[2] = nil _home.f = function() n = 1 end
        local u = _home.u _home.u = #_home.t setmetatable(_home.t, {}) return ext.size(_home), next(_home)";
    for how in [How::Fails, How::Panics, How::GivesRubbish] {
        let mut failures = 0;
        for turn in 1..60 {
            let left = Arc::new(AtomicUsize::new(0));
            let store = Hostile { inner: MemoryStore::new(), left: left.clone(), how };
            let mut lua = engine().create(Options::new().store(store)).unwrap();
            left.store(turn, Ordering::Relaxed);
            // A panic of the store in a commit goes through this crate, as it would through any other.
            let run = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| lua.compute(code)));
            left.store(0, Ordering::Relaxed);
            match run {
                Ok(Err(Error::Lua(error))) => {
                    failures += 1;
                    let told = error.message.contains("on fire") || error.message.contains("panicked on purpose");
                    assert!(told || matches!(how, How::GivesRubbish), "{how:?} {turn}: {}", error.message);
                }
                Ok(Err(Error::Store(_))) => failures += 1,
                Ok(Err(other)) => panic!("{how:?} {turn}: {other:?}"),
                Ok(Ok(_)) => {}
                Err(_) => continue,
            }
            let after = lua.compute("return 6 * 7").unwrap().get::<i64>().unwrap();
            assert_eq!(after, 42, "{how:?} {turn}");
        }
        assert!(failures > 5 || matches!(how, How::GivesRubbish), "{how:?}: {failures}");
    }
}

#[test]
fn a_failed_commit_of_a_transactional_call_undoes_the_memory_too() {
    let left = Arc::new(AtomicUsize::new(0));
    let store = Hostile { inner: MemoryStore::new(), left: left.clone(), how: How::Fails };
    let mut lua: Lua = engine().create(Options::new().store(store).transactional(true)).unwrap();
    lua.compute("n = 1").unwrap();
    left.store(1, Ordering::Relaxed);
    assert!(matches!(lua.compute("n = 2"), Err(Error::Store(_))));
    assert_eq!(lua.get::<Value>("n").unwrap(), Value::Integer(1));
}
