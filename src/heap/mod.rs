//! The heap of the Lua state: an allocator for one fixed region of a megabyte or two, without
//! headers on blocks.
//!
//! The region is divided into pages of 1 KiB with a table of 16 bytes per page in front
//! ([`pages`]). A block of up to [`SMALL_MAX`] bytes is a slot in a slab, a short run of pages cut
//! into slots of one size class ([`classes`]), whose free slots are a bitmap in the table entry of
//! the slab's first page. A larger block is a run of pages. Slabs are taken from the low end of the
//! free space and large blocks from the high end.
//!
//! Size and liveness of any block follow from its address, so a block needs no header,
//! [`Heap::size_of`] is exact, and freed memory is never written to. All state is in [`Heap`] and
//! the region: a copy of both is a copy of the heap.

#![warn(unsafe_op_in_unsafe_fn)]

mod classes;
mod pages;
#[cfg(test)]
mod tests;

use classes::{CLASSES, SHAPES, SMALL_MAX, class_of, shape};
use core::ptr::null_mut;
use pages::{End, FREE, INSIDE, LARGE, PAGE, Page, Pages, SLAB};

/// Alignment of every block in bytes.
pub const ALIGN: usize = 8;

/// An allocator over one region of memory. Until [`Heap::init`] every allocation fails.
pub struct Heap {
    pages: Pages,
    /// First slab with free slots of each class; 0 for none.
    partial: [u16; CLASSES],
    /// Bytes in all slots of all slabs, free or not, and in all large blocks.
    claimed: usize,
}

// SAFETY: the pointer inside is to the region that `init` handed over for this heap's use alone.
unsafe impl Send for Heap {}

impl Default for Heap {
    fn default() -> Self {
        Self::new()
    }
}

impl Heap {
    /// A heap without memory.
    pub const fn new() -> Self {
        Heap { pages: Pages::new(), partial: [0; CLASSES], claimed: 0 }
    }

    /// Starts afresh in a region. At most 64 MiB are used. Only the page table in front (16 bytes
    /// per KiB) is written.
    ///
    /// # Safety
    /// `base` is aligned to [`ALIGN`], and the `len` bytes from it are used by nothing else as long
    /// as the heap is.
    pub unsafe fn init(&mut self, base: *mut u8, len: usize) {
        debug_assert!(base.addr().is_multiple_of(ALIGN));
        self.partial = [0; CLASSES];
        self.claimed = 0;
        // SAFETY: the caller's promise.
        unsafe { self.pages.init(base, len) };
    }

    /// A block of at least `size` bytes, aligned to [`ALIGN`], its contents undefined; null if
    /// there is no room.
    ///
    /// # Safety
    /// The region given to [`Heap::init`] is still this heap's.
    #[inline]
    pub unsafe fn allocate(&mut self, size: usize) -> *mut u8 {
        if size > SMALL_MAX {
            return self.allocate_large(size);
        }
        let class = class_of(size);
        match self.first_partial(class) {
            0 => self.allocate_small(class),
            slab => self.take_slot(class, slab),
        }
    }

    /// Frees a block; null is ignored. Its size is not needed: the page table knows it.
    ///
    /// # Safety
    /// `ptr` is null or a live block of this heap: one for which [`Heap::size_of`] is not `None`.
    #[inline]
    pub unsafe fn free(&mut self, ptr: *mut u8, _size: usize) {
        if ptr.is_null() {
            return;
        }
        debug_assert!(self.size_of(ptr).is_some(), "free of what is not a live block");
        let offset = self.pages.offset_of(ptr);
        let page = offset / PAGE;
        let Page { kind, back, len, .. } = self.pages.get(page);
        if kind < SLAB {
            return self.free_large(page, len as usize);
        }
        let shape = shape((kind - SLAB) as usize);
        let slab = page - back as usize;
        let slot = shape.slot_at(offset - slab * PAGE);
        let entry = self.pages.entry(slab);
        let before = entry.free_slots;
        let after = before | 1 << slot;
        entry.free_slots = after;
        if before == 0 {
            self.link(shape.class as usize, slab);
        }
        if after == shape.full {
            self.slab_is_empty(slab);
        }
    }

    /// Gives a block a new size, in place where possible, and returns where it is now; its contents
    /// up to the smaller of both sizes are kept. Null if there is no room: the old block is then
    /// untouched. Shrinking never fails. A null `ptr` allocates.
    ///
    /// # Safety
    /// `ptr` is null or a live block of this heap of at least `old_size` bytes.
    pub unsafe fn reallocate(&mut self, ptr: *mut u8, old_size: usize, new_size: usize) -> *mut u8 {
        // SAFETY: the caller's promise, here and for `free` below; a fresh block overlaps no other,
        // and both have at least the bytes copied.
        unsafe {
            if ptr.is_null() {
                return self.allocate(new_size);
            }
            debug_assert!(self.size_of(ptr).is_some_and(|size| size >= old_size));
            let offset = self.pages.offset_of(ptr);
            let Page { kind, len, .. } = self.pages.get(offset / PAGE);
            let have = if kind == LARGE { len as usize * PAGE } else { shape((kind - SLAB) as usize).size as usize };
            let want = rounded(new_size);
            if want == have {
                return ptr;
            }
            if kind == LARGE && new_size > SMALL_MAX {
                let resized = self.resize_large(offset / PAGE, len as usize, want / PAGE);
                if !resized.is_null() {
                    return resized;
                }
            }
            let shrinks = want < have;
            let new = if shrinks { self.allocate_in_class(class_of(new_size)) } else { self.allocate(new_size) };
            if !new.is_null() {
                new.copy_from_nonoverlapping(ptr, old_size.min(new_size));
                self.free(ptr, old_size);
                return new;
            }
            // The failed attempt has released what was idle, perhaps beside the block.
            if kind == LARGE {
                return self.resize_large(offset / PAGE, len as usize, new_size.max(1).div_ceil(PAGE));
            }
            if shrinks { ptr } else { null_mut() }
        }
    }

    /// Bytes of the live block that starts at `ptr`, rounded up as it was when allocated; `None` if
    /// there is none, whatever `ptr` is.
    pub fn size_of(&self, ptr: *mut u8) -> Option<usize> {
        let offset = self.pages.offset_of(ptr);
        let page = offset / PAGE;
        if !self.pages.range().contains(&page) {
            return None;
        }
        let entry = self.pages.get(page);
        match entry.kind {
            INSIDE | FREE => None,
            LARGE => offset.is_multiple_of(PAGE).then_some(entry.len as usize * PAGE),
            kind => {
                let shape = shape((kind - SLAB) as usize);
                let size = shape.size as usize;
                let slab = page - entry.back as usize;
                let offset = offset - slab * PAGE;
                let slot = shape.slot_at(offset);
                let live = shape.full & !self.pages.get(slab).free_slots;
                (slot * size == offset && live >> slot & 1 == 1).then_some(size)
            }
        }
    }

    /// Bytes in live blocks, each counted as rounded up to its slot or pages: the sum of
    /// [`Heap::size_of`] over them. Walks the slabs with free slots, at most one step for each
    /// page.
    pub fn used(&self) -> usize {
        let mut used = self.claimed;
        for class in 0..CLASSES {
            let mut slab = self.first_partial(class);
            while slab != 0 {
                let entry = self.pages.get(slab);
                used -= entry.free_slots.count_ones() as usize * shape(class).size as usize;
                slab = entry.next as usize;
            }
        }
        used
    }

    /// Bytes that blocks can occupy at most: the region less the page table.
    pub fn capacity(&self) -> usize {
        self.pages.count() * PAGE
    }

    /// Bytes of the largest block that can be allocated now. Gives back the pages of idle slabs
    /// first, as an allocation that finds no room does.
    pub fn largest_free(&mut self) -> usize {
        self.release_empty_slabs();
        match self.pages.longest() {
            0 => (0..CLASSES)
                .rev()
                .find(|&class| self.first_partial(class) != 0)
                .map_or(0, |class| shape(class).size as usize),
            longest => longest * PAGE,
        }
    }

    #[inline]
    fn first_partial(&self, class: usize) -> usize {
        debug_assert!(class < CLASSES);
        // SAFETY: classes come from `class_of` and from shapes, which know no others, or from loops
        // up to `CLASSES`.
        unsafe { *self.partial.get_unchecked(class) as usize }
    }

    #[inline]
    fn set_first_partial(&mut self, class: usize, slab: u16) {
        debug_assert!(class < CLASSES);
        // SAFETY: as in `first_partial`.
        unsafe { *self.partial.get_unchecked_mut(class) = slab };
    }

    /// Takes the lowest free slot of `slab`, the first in the list of `class`.
    #[inline]
    fn take_slot(&mut self, class: usize, slab: usize) -> *mut u8 {
        let entry = self.pages.entry(slab);
        let before = entry.free_slots;
        debug_assert!(before != 0);
        let after = before & before.wrapping_sub(1);
        entry.free_slots = after;
        if after == 0 {
            let next = entry.next;
            self.set_first_partial(class, next);
            self.pages.entry(next as usize).prev = 0;
        }
        let slot = before.trailing_zeros() as usize;
        self.pages.at(slab * PAGE + slot * shape(class).size as usize)
    }

    /// Puts a slab at the front of the list of its class.
    #[inline]
    fn link(&mut self, class: usize, slab: usize) {
        let next = self.first_partial(class);
        let entry = self.pages.entry(slab);
        entry.next = next as u16;
        entry.prev = 0;
        self.pages.entry(next).prev = slab as u16;
        self.set_first_partial(class, slab as u16);
    }

    /// Any room for a block of `class`: at the last a larger slot, then whole pages if slots are
    /// larger than a page.
    #[cold]
    #[inline(never)]
    fn allocate_small(&mut self, class: usize) -> *mut u8 {
        let ptr = self.allocate_in_class(class);
        if !ptr.is_null() {
            return ptr;
        }
        match (class + 1..CLASSES).find(|&larger| self.first_partial(larger) != 0) {
            Some(larger) => self.take_slot(larger, self.first_partial(larger)),
            None => self.take_large((shape(class).size as usize).div_ceil(PAGE)),
        }
    }

    /// A slot of `class`, in a new slab if need be.
    fn allocate_in_class(&mut self, class: usize) -> *mut u8 {
        let mut slab = self.first_partial(class);
        if slab == 0 {
            slab = self.new_slab(class);
        }
        if slab == 0 && self.release_empty_slabs() {
            slab = self.new_slab(class);
        }
        if slab == 0 { null_mut() } else { self.take_slot(class, slab) }
    }

    /// Makes a slab for `class`, of a single page if there is no room for a regular one; 0 if there
    /// is none at all.
    fn new_slab(&mut self, class: usize) -> usize {
        for number in [class, CLASSES + class] {
            let shape = shape(number);
            if shape.full == 0 {
                break;
            }
            let pages = shape.pages as usize;
            let slab = self.pages.take(pages, End::Low);
            if slab != 0 {
                for back in 0..pages {
                    let entry = self.pages.entry(slab + back);
                    entry.kind = SLAB + number as u8;
                    entry.back = back as u8;
                }
                self.pages.entry(slab).free_slots = shape.full;
                self.claimed += shape.bytes();
                self.link(class, slab);
                return slab;
            }
        }
        0
    }

    /// Keeps an empty slab if it is the only one of its class with free slots, so that a program at
    /// the brink does not make and release it again and again, and otherwise gives back its pages.
    #[cold]
    #[inline(never)]
    fn slab_is_empty(&mut self, slab: usize) {
        let Page { next, prev, .. } = self.pages.get(slab);
        if next != 0 || prev != 0 {
            self.release_slab(slab);
        }
    }

    #[inline(never)]
    fn release_slab(&mut self, slab: usize) {
        let Page { next, prev, kind, .. } = self.pages.get(slab);
        let shape = shape((kind - SLAB) as usize);
        self.pages.entry(next as usize).prev = prev;
        if prev == 0 {
            self.set_first_partial(shape.class as usize, next);
        } else {
            self.pages.entry(prev as usize).next = next;
        }
        self.claimed -= shape.bytes();
        let pages = shape.pages as usize;
        for back in 0..pages {
            self.pages.entry(slab + back).clear();
        }
        self.pages.give(slab, pages);
    }

    /// Gives back the pages of all slabs without a live block, at most one for each class; tells if
    /// there were any.
    #[inline(never)]
    fn release_empty_slabs(&mut self) -> bool {
        let mut any = false;
        for class in 0..CLASSES {
            let mut slab = self.first_partial(class);
            while slab != 0 {
                let Page { next, kind, free_slots, .. } = self.pages.get(slab);
                if free_slots == shape((kind - SLAB) as usize).full {
                    self.release_slab(slab);
                    any = true;
                }
                slab = next as usize;
            }
        }
        any
    }

    #[cold]
    #[inline(never)]
    fn allocate_large(&mut self, size: usize) -> *mut u8 {
        let pages = size.div_ceil(PAGE);
        let ptr = self.take_large(pages);
        if ptr.is_null() && self.release_empty_slabs() {
            return self.take_large(pages);
        }
        ptr
    }

    #[inline(never)]
    fn take_large(&mut self, pages: usize) -> *mut u8 {
        let run = self.pages.take(pages, End::High);
        if run == 0 {
            return null_mut();
        }
        self.claimed += pages * PAGE;
        self.mark_large(run, pages)
    }

    fn mark_large(&mut self, run: usize, pages: usize) -> *mut u8 {
        let entry = self.pages.entry(run);
        entry.kind = LARGE;
        entry.len = pages as u16;
        self.pages.at(run * PAGE)
    }

    #[cold]
    #[inline(never)]
    fn free_large(&mut self, run: usize, pages: usize) {
        self.claimed -= pages * PAGE;
        self.pages.entry(run).clear();
        self.pages.give(run, pages);
    }

    /// Resizes a large block without a second place for it: cuts off its end, or takes in the free
    /// pages beside it. Null, and nothing done, if those are too few.
    fn resize_large(&mut self, run: usize, pages: usize, new_pages: usize) -> *mut u8 {
        if new_pages == pages {
            return self.pages.at(run * PAGE);
        }
        if new_pages < pages {
            self.pages.give(run + new_pages, pages - new_pages);
            self.claimed -= (pages - new_pages) * PAGE;
            return self.mark_large(run, new_pages);
        }
        let moved = self.pages.extend(run, pages, new_pages);
        if moved == 0 {
            return null_mut();
        }
        self.claimed += (new_pages - pages) * PAGE;
        if moved != run {
            let old = self.pages.at(run * PAGE);
            // SAFETY: both are inside the extended run, which is this block's alone.
            unsafe { self.pages.at(moved * PAGE).copy_from(old, pages * PAGE) };
            self.pages.entry(run).clear();
        }
        self.mark_large(moved, new_pages)
    }

    /// Verifies the whole state, for tests: every page belongs to exactly one run, every list holds
    /// what it should. Gives what is wrong.
    pub fn check(&self) -> Result<(), &'static str> {
        if self.pages.count() == 0 {
            return Ok(());
        }
        let (mut page, mut free, mut claimed, mut with_free_slots) = (self.pages.range().start, 0, 0, 0);
        let mut after_free = false;
        while page < self.pages.range().end {
            let entry = self.pages.get(page);
            let len = match entry.kind {
                INSIDE => return Err("a page belongs to no run"),
                FREE if after_free => return Err("two free runs are adjacent"),
                FREE => {
                    free += entry.len as usize;
                    entry.len as usize
                }
                LARGE => {
                    claimed += entry.len as usize * PAGE;
                    entry.len as usize
                }
                kind if (kind - SLAB) as usize >= SHAPES => {
                    return Err("a slab has an unknown shape");
                }
                kind => {
                    let shape = shape((kind - SLAB) as usize);
                    if entry.free_slots & !shape.full != 0 {
                        return Err("a slab has free slots beyond its end");
                    }
                    for back in 0..shape.pages as usize {
                        let inner = self.pages.get(page + back);
                        if inner.kind != kind || inner.back as usize != back {
                            return Err("a page of a slab is not marked so");
                        }
                    }
                    claimed += shape.bytes();
                    with_free_slots += (entry.free_slots != 0) as usize;
                    shape.pages as usize
                }
            };
            if entry.kind < SLAB {
                let inside = page + 1..page + len - (entry.kind == FREE && len > 1) as usize;
                if inside.into_iter().any(|page| self.pages.get(page).kind != INSIDE) {
                    return Err("a page inside a run is marked as something else");
                }
            }
            after_free = entry.kind == FREE;
            page += len;
        }
        if page != self.pages.range().end || self.pages.get(page).kind != INSIDE {
            return Err("the last run goes beyond the end");
        }
        for class in 0..CLASSES {
            let (mut prev, mut slab) = (0, self.first_partial(class));
            while slab != 0 {
                let entry = self.pages.get(slab);
                if entry.kind < SLAB || shape((entry.kind - SLAB) as usize).class as usize != class || entry.back != 0 {
                    return Err("a class lists what is not its slab");
                }
                if entry.free_slots == 0 || entry.prev as usize != prev {
                    return Err("a slab is in a list where it should not be");
                }
                with_free_slots = with_free_slots.checked_sub(1).ok_or("a list of slabs is a cycle")?;
                (prev, slab) = (slab, entry.next as usize);
            }
        }
        if with_free_slots != 0 {
            return Err("a slab with free slots is in no list");
        }
        if claimed != self.claimed {
            return Err("the count of claimed bytes is wrong");
        }
        if self.pages.check()? != free {
            return Err("a free run is in no bin");
        }
        Ok(())
    }
}

/// Bytes that a new block for `size` bytes occupies.
fn rounded(size: usize) -> usize {
    if size > SMALL_MAX {
        return size.div_ceil(PAGE).saturating_mul(PAGE);
    }
    shape(class_of(size)).size as usize
}
