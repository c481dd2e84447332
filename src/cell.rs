//! The one cell for statics of the guest.

use core::cell::Cell;
use core::ops::Deref;

/// A static of the guest, used as a [`Cell`].
pub struct Global<T>(Cell<T>);

// SAFETY: WebAssembly without threads has one thread; on the host, whoever drives the machine holds
// `native_host::exclusive`.
unsafe impl<T> Sync for Global<T> {}

impl<T> Global<T> {
    /// Wraps a value.
    pub const fn new(value: T) -> Self {
        Self(Cell::new(value))
    }
}

impl<T> Deref for Global<T> {
    type Target = Cell<T>;

    fn deref(&self) -> &Cell<T> {
        &self.0
    }
}
