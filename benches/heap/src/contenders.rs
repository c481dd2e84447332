//! The allocators, each behind the one trait that Lua's allocation function needs.

use crate::heap;
use core::alloc::{GlobalAlloc, Layout};
use core::cell::Cell;
use core::ptr::{NonNull, null_mut};

/// Alignment that every block must have.
const ALIGN: usize = 8;

/// An allocator for one region.
///
/// # Safety
/// Blocks are aligned to [`ALIGN`], lie in the region and do not overlap.
pub unsafe trait Contender {
    /// Takes the region over.
    ///
    /// # Safety
    /// The `len` bytes from `base`, aligned to 64 KiB, are used by nothing else.
    unsafe fn new(base: *mut u8, len: usize) -> Self;
    /// A block, or null.
    ///
    /// # Safety
    /// The region is still the allocator's.
    unsafe fn allocate(&mut self, size: usize) -> *mut u8;
    /// Frees a block.
    ///
    /// # Safety
    /// `ptr` is a live block of `size` bytes.
    unsafe fn free(&mut self, ptr: *mut u8, size: usize);
    /// Resizes a block; null, and the block as it was, if there is no room.
    ///
    /// # Safety
    /// `ptr` is a live block of `old` bytes.
    unsafe fn reallocate(&mut self, ptr: *mut u8, old: usize, new: usize) -> *mut u8;
}

/// Calls `$then` with each contender's name and type.
#[macro_export]
macro_rules! for_each_contender {
    ($then:ident) => {
        $then!(
            "heap" => $crate::contenders::Own,
            "dlmalloc" => $crate::contenders::Dlmalloc,
            "talc" => $crate::contenders::Talc,
            "rlsf" => $crate::contenders::Rlsf,
            "(none)" => $crate::contenders::Nothing,
        )
    };
}

/// The guest's heap.
pub struct Own(heap::Heap);

// SAFETY: delegates.
unsafe impl Contender for Own {
    unsafe fn new(base: *mut u8, len: usize) -> Self {
        let mut heap = heap::Heap::new();
        // SAFETY: the caller's promise, as in all functions of this file.
        unsafe { heap.init(base, len) };
        Own(heap)
    }
    #[inline]
    unsafe fn allocate(&mut self, size: usize) -> *mut u8 {
        // SAFETY: as above.
        unsafe { self.0.allocate(size) }
    }
    #[inline]
    unsafe fn free(&mut self, ptr: *mut u8, size: usize) {
        // SAFETY: as above.
        unsafe { self.0.free(ptr, size) }
    }
    #[inline]
    unsafe fn reallocate(&mut self, ptr: *mut u8, old: usize, new: usize) -> *mut u8 {
        // SAFETY: as above.
        unsafe { self.0.reallocate(ptr, old, new) }
    }
}

/// The allocator of Rust's standard library on wasm32.
pub struct Dlmalloc(dlmalloc::Dlmalloc<Region>);

/// Hands the region out from its start, as `memory.grow` would.
struct Region {
    next: Cell<*mut u8>,
    left: Cell<usize>,
}

// SAFETY: used by one thread.
unsafe impl Send for Region {}

// SAFETY: every part of the region is handed out once.
unsafe impl dlmalloc::Allocator for Region {
    fn alloc(&self, size: usize) -> (*mut u8, usize, u32) {
        if size > self.left.get() {
            return (null_mut(), 0, 0);
        }
        let part = self.next.get();
        self.next.set(part.wrapping_add(size));
        self.left.set(self.left.get() - size);
        (part, size, 0)
    }
    fn remap(&self, _: *mut u8, _: usize, _: usize, _: bool) -> *mut u8 {
        null_mut()
    }
    fn free_part(&self, _: *mut u8, _: usize, _: usize) -> bool {
        false
    }
    fn free(&self, _: *mut u8, _: usize) -> bool {
        false
    }
    fn can_release_part(&self, _: u32) -> bool {
        false
    }
    fn allocates_zeros(&self) -> bool {
        false
    }
    fn page_size(&self) -> usize {
        64 * 1024
    }
}

// SAFETY: delegates.
unsafe impl Contender for Dlmalloc {
    unsafe fn new(base: *mut u8, len: usize) -> Self {
        let region = Region {
            next: Cell::new(base),
            left: Cell::new(len),
        };
        Dlmalloc(dlmalloc::Dlmalloc::new_with_allocator(region))
    }
    #[inline]
    unsafe fn allocate(&mut self, size: usize) -> *mut u8 {
        // SAFETY: as above.
        unsafe { self.0.malloc(size, ALIGN) }
    }
    #[inline]
    unsafe fn free(&mut self, ptr: *mut u8, size: usize) {
        // SAFETY: as above.
        unsafe { self.0.free(ptr, size, ALIGN) }
    }
    #[inline]
    unsafe fn reallocate(&mut self, ptr: *mut u8, old: usize, new: usize) -> *mut u8 {
        // SAFETY: as above.
        unsafe { self.0.realloc(ptr, old, ALIGN, new) }
    }
}

fn layout(size: usize) -> Layout {
    // SAFETY: sizes are far below the limit, and the alignment is a power of two.
    unsafe { Layout::from_size_align_unchecked(size, ALIGN) }
}

/// Linked free lists with boundary tags.
pub struct Talc(talc::TalcCell<talc::source::Manual>);

// SAFETY: delegates.
unsafe impl Contender for Talc {
    unsafe fn new(base: *mut u8, len: usize) -> Self {
        let talc = talc::TalcCell::new(talc::source::Manual);
        // SAFETY: as above.
        unsafe { talc.claim(base, len) }.expect("the region is large enough");
        Talc(talc)
    }
    #[inline]
    unsafe fn allocate(&mut self, size: usize) -> *mut u8 {
        // SAFETY: as above.
        unsafe { self.0.alloc(layout(size)) }
    }
    #[inline]
    unsafe fn free(&mut self, ptr: *mut u8, size: usize) {
        // SAFETY: as above.
        unsafe { self.0.dealloc(ptr, layout(size)) }
    }
    #[inline]
    unsafe fn reallocate(&mut self, ptr: *mut u8, old: usize, new: usize) -> *mut u8 {
        // SAFETY: as above.
        unsafe { self.0.realloc(ptr, layout(old), new) }
    }
}

/// Two-level segregated fit.
pub struct Rlsf(rlsf::Tlsf<'static, u32, u32, 20, 32>);

// SAFETY: delegates.
unsafe impl Contender for Rlsf {
    unsafe fn new(base: *mut u8, len: usize) -> Self {
        let mut tlsf = rlsf::Tlsf::new();
        let region =
            NonNull::new(core::ptr::slice_from_raw_parts_mut(base, len)).expect("a region");
        // SAFETY: as above.
        unsafe { tlsf.insert_free_block_ptr(region) }.expect("the region is large enough");
        Rlsf(tlsf)
    }
    #[inline]
    unsafe fn allocate(&mut self, size: usize) -> *mut u8 {
        self.0
            .allocate(layout(size))
            .map_or(null_mut(), NonNull::as_ptr)
    }
    #[inline]
    unsafe fn free(&mut self, ptr: *mut u8, _: usize) {
        // SAFETY: as above; a live block is not null.
        unsafe { self.0.deallocate(NonNull::new_unchecked(ptr), ALIGN) }
    }
    #[inline]
    unsafe fn reallocate(&mut self, ptr: *mut u8, _: usize, new: usize) -> *mut u8 {
        // SAFETY: as above.
        unsafe { self.0.reallocate(NonNull::new_unchecked(ptr), layout(new)) }
            .map_or(null_mut(), NonNull::as_ptr)
    }
}

/// Allocates nothing: what the replay itself takes.
pub struct Nothing(*mut u8);

// SAFETY: not an allocator; the replay writes one word into each block, all into the first of the region.
unsafe impl Contender for Nothing {
    unsafe fn new(base: *mut u8, _: usize) -> Self {
        Nothing(base)
    }
    #[inline]
    unsafe fn allocate(&mut self, _: usize) -> *mut u8 {
        self.0
    }
    #[inline]
    unsafe fn free(&mut self, _: *mut u8, _: usize) {}
    #[inline]
    unsafe fn reallocate(&mut self, ptr: *mut u8, _: usize, _: usize) -> *mut u8 {
        ptr
    }
}
