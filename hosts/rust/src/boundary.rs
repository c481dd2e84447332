//! What the generated bindings rest on, and no manifest changes: ranges of the module's memory, requests and replies as
//! bytes, and handlers whose panics do not go through the module.

use std::panic::{AssertUnwindSafe, catch_unwind};

use wasmtime::{AsContextMut, Caller, Error, Instance, Memory, Result};

use crate::generated::Imports;

/// A range of the module's memory, as the module passes it to an import.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Range {
    start: usize,
    length: usize,
}

impl Range {
    pub(crate) fn new(start: u32, length: u32) -> Self {
        Self { start: start as usize, length: length as usize }
    }

    /// Its bytes in the memory. A module passes no range outside of it; if one does, there are none.
    pub fn of(self, memory: &[u8]) -> &[u8] {
        memory.get(self.start..self.start + self.length).unwrap_or_default()
    }

    /// Its bytes in the memory, to write there.
    pub fn of_mut(self, memory: &mut [u8]) -> &mut [u8] {
        memory.get_mut(self.start..self.start + self.length).unwrap_or_default()
    }
}

/// The memory of an instance.
pub fn memory(store: impl AsContextMut, instance: &Instance, name: &str) -> Result<Memory> {
    instance.get_memory(store, name).ok_or_else(|| Error::msg(format!("the module exports no memory named `{name}`")))
}

/// Calls a handler. If it panics, the module sees `threw` in its place, and the host gets the panic.
pub fn guarded<T: Imports, R>(
    caller: &mut Caller<'_, T>,
    threw: R,
    call: impl FnOnce(&mut Caller<'_, T>) -> Result<R>,
) -> Result<R> {
    match catch_unwind(AssertUnwindSafe(|| call(caller))) {
        Ok(result) => result,
        Err(payload) => {
            T::panicked(caller, payload);
            Ok(threw)
        }
    }
}

/// Takes bytes from the front of a request.
pub fn take<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (front, behind) = rest.split_first_chunk()?;
    *rest = behind;
    Some(*front)
}

/// A reply that is being written.
pub struct Reply<'r> {
    room: &'r mut [u8],
    length: usize,
}

impl<'r> Reply<'r> {
    /// Begins a reply.
    pub fn new(room: &'r mut [u8]) -> Self {
        Self { room, length: 0 }
    }

    /// Appends bytes, as far as there is room.
    pub fn put(&mut self, bytes: &[u8]) {
        if let Some(place) = self.room.get_mut(self.length..self.length + bytes.len()) {
            place.copy_from_slice(bytes);
        }
        self.length += bytes.len();
    }

    /// What the import returns: the length, or its negation if that is more than there was room for. A reply of one byte asks
    /// for room for two, as -1 says that there is none.
    pub fn finish(self) -> i32 {
        if self.length <= self.room.len() {
            answer(self.length, self.room.len())
        } else {
            answer(self.length.max(2), 0)
        }
    }
}

/// What an import returns for bytes of a length, and room for so many: the length, or its negation. For one byte without room,
/// this is -1, which says no more than that it failed.
pub fn answer(length: usize, room: usize) -> i32 {
    match i32::try_from(length) {
        Ok(whole) if length <= room => whole,
        Ok(whole) => -whole,
        Err(_) => -1,
    }
}
