//! What is done with arbitrary bytes, for the fuzz targets and for the tests.

#![allow(dead_code, reason = "each target uses a part of it")]

pub mod host_answers;
pub mod key_form;
pub mod stored_value;

use lua_persistent::native_host::{self, Tables};

use crate::common::Machine;

/// Uses everything that `_home` leads to, in every way.
const READER: &str = include_str!("reader.lua");
/// Fills `_home` with values of every kind.
const WRITER: &str = include_str!("writer.lua");

/// The tables of a store that has values of every kind.
fn full_store(m: &Machine) -> Tables {
    static STORE: std::sync::Mutex<Option<Tables>> = std::sync::Mutex::new(None);
    let mut store = STORE.lock().expect("nobody panics while holding it");
    store
        .get_or_insert_with(|| {
            m.ok(WRITER);
            native_host::snapshot()
        })
        .clone()
}

/// Runs the reader, which may fail, and sees to it that nothing else suffers.
fn read_everything(m: &Machine) {
    let _ = m.run(READER);
    native_host::intercept(None);
    m.check_heap();
    assert_eq!(m.ok("return 1 + 1"), "2");
}

/// Bytes that are used up one after the other.
pub struct Script<'a>(pub &'a [u8]);

impl<'a> Script<'a> {
    /// The next byte, 0 at the end.
    fn byte(&mut self) -> u8 {
        self.take(1).first().copied().unwrap_or(0)
    }

    /// The next number below `limit`, which is at most 65536.
    fn below(&mut self, limit: usize) -> usize {
        let high = if limit > 256 { self.byte() } else { 0 };
        usize::from(u16::from_be_bytes([high, self.byte()])) % limit.max(1)
    }

    /// The next `length` bytes, or as many as there are.
    fn take(&mut self, length: usize) -> &'a [u8] {
        let (taken, rest) = self.0.split_at(length.min(self.0.len()));
        self.0 = rest;
        taken
    }

    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
