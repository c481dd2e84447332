//! Ranges of linear memory that came from the host, checked before any of our code sees them: each
//! type here exists only for a range that lies inside the memory.
//!
//! A range may well lie in the I/O buffer or in the heap, so it is never held as a Rust reference
//! while Lua runs; it is turned into a slice for as long as one copy takes.

use core::marker::PhantomData;

/// The bytes of linear memory, or of the address space where the guest runs on the host.
fn limit() -> usize {
    #[cfg(target_arch = "wasm32")]
    return core::arch::wasm32::memory_size::<0>() * 65536;
    #[cfg(not(target_arch = "wasm32"))]
    return usize::MAX;
}

fn inside(address: usize, length: usize) -> bool {
    length <= limit() && address <= limit() - length && (address != 0 || length == 0)
}

/// A range of memory that the guest may read.
#[derive(Debug, Clone, Copy)]
pub struct Bytes {
    address: usize,
    length: usize,
}

impl Bytes {
    /// The range of `length` bytes at `address`, or `None` if it does not lie inside the memory.
    pub fn new(address: u32, length: u32) -> Option<Self> {
        let (address, length) = (address as usize, length as usize);
        inside(address, length).then_some(Self { address, length })
    }

    /// The range that a slice occupies, for callers inside the guest.
    pub fn of(bytes: &[u8]) -> Self {
        Self { address: bytes.as_ptr() as usize, length: bytes.len() }
    }

    /// Returns the number of bytes.
    pub fn len(self) -> usize {
        self.length
    }

    /// Returns whether there are no bytes.
    pub fn is_empty(self) -> bool {
        self.length == 0
    }

    /// The bytes.
    ///
    /// # Safety
    ///
    /// Nothing may write to the range while the slice is alive.
    pub unsafe fn as_slice<'a>(self) -> &'a [u8] {
        if self.length == 0 {
            return &[];
        }
        // SAFETY: the range was checked to lie inside the memory, all of which is initialised, and the
        // caller keeps writers away.
        unsafe { core::slice::from_raw_parts(self.address as *const u8, self.length) }
    }
}

/// A range of memory that the guest may write.
#[derive(Debug, Clone, Copy)]
pub struct BytesMut(Bytes);

impl BytesMut {
    /// The range of `length` bytes at `address`, or `None` if it does not lie inside the memory.
    pub fn new(address: u32, length: u32) -> Option<Self> {
        Bytes::new(address, length).map(Self)
    }

    /// The range that a slice occupies, for callers inside the guest.
    pub fn of(bytes: &mut [u8]) -> Self {
        Self(Bytes::of(bytes))
    }

    /// How many bytes there are.
    pub fn len(self) -> usize {
        self.0.length
    }

    /// Whether there are none.
    pub fn is_empty(self) -> bool {
        self.0.length == 0
    }

    /// The bytes.
    ///
    /// # Safety
    ///
    /// Nothing else may read or write the range while the slice is alive.
    pub unsafe fn as_mut_slice<'a>(self) -> &'a mut [u8] {
        if self.0.length == 0 {
            return &mut [];
        }
        // SAFETY: as for `Bytes::as_slice`; the caller keeps everybody else away.
        unsafe { core::slice::from_raw_parts_mut(self.0.address as *mut u8, self.0.length) }
    }
}

/// A place in memory that receives a struct.
#[derive(Debug, Clone, Copy)]
pub struct Out<T> {
    address: usize,
    what: PhantomData<*mut T>,
}

impl<T: Copy> Out<T> {
    /// The place for a `T` at `address`, or `None` if it does not lie inside the memory. It need not
    /// be aligned.
    pub fn new(address: u32) -> Option<Self> {
        inside(address as usize, size_of::<T>()).then_some(Self { address: address as usize, what: PhantomData })
    }

    /// Writes the struct.
    pub fn write(self, value: T) {
        // SAFETY: the place was checked to lie inside the memory, which is always writable; the write
        // asks for no alignment.
        unsafe { core::ptr::write_unaligned(self.address as *mut T, value) }
    }
}
