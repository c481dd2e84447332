//! The page table and the pool of free page runs: best fit, coalescing at once, growth in both
//! directions.
//!
//! The table lies at the start of the region, one entry per page, and is all the metadata there is:
//! nothing is ever written into a free page, so a stray write to freed memory cannot damage the
//! pool.

/// Bytes in a page.
pub const PAGE: usize = 1024;

/// What a page is. [`Page::kind`] is one of these or [`SLAB`] plus the number of the slab's shape.
/// Inside a run, or not for blocks at all.
pub const INSIDE: u8 = 0;
/// First or last page of a free run.
pub const FREE: u8 = 1;
/// First page of a block that is a run of pages.
pub const LARGE: u8 = 2;
/// Page of a slab.
pub const SLAB: u8 = 3;

const BINS: usize = 64;

/// Entry of the page table. All zero for a page inside a run.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Page {
    /// First page of a slab: bitmap of its free slots.
    pub free_slots: u64,
    /// Next in the list of the bin (free run) or of the class (slab with free slots); 0 at the end.
    pub next: u16,
    /// Previous in that list; 0 at the start.
    pub prev: u16,
    /// Length of the run in pages: at its first page, and at the last one too where it is free.
    pub len: u16,
    /// What the page is.
    pub kind: u8,
    /// Page of a slab: how many pages after its first.
    pub back: u8,
}

impl Page {
    const INSIDE: Page = Page { free_slots: 0, next: 0, prev: 0, len: 0, kind: INSIDE, back: 0 };

    /// Makes it the entry of a page inside a run.
    pub fn clear(&mut self) {
        *self = Self::INSIDE;
    }
}

/// Which end of the free space a run is taken from. Slabs and large blocks grow towards each other,
/// which keeps the space between them whole.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// Lowest addresses.
    Low,
    /// Highest addresses.
    High,
}

/// Page table and free runs. Page numbers count from the start of the region; the table itself
/// occupies the first pages, so 0 is never the number of a run and serves as "none", and entry 0
/// may be written as the neighbour of the ends of a list.
pub struct Pages {
    base: *mut u8,
    first: usize,
    end: usize,
    nonempty: u64,
    bins: [u16; BINS],
}

impl Pages {
    pub const fn new() -> Self {
        Pages { base: core::ptr::null_mut(), first: 0, end: 0, nonempty: 0, bins: [0; BINS] }
    }

    /// Takes over a region, all free. One too short for a page beside the table gives a pool
    /// without pages.
    ///
    /// # Safety
    /// `base` is aligned to 8, and the `len` bytes from it are used by nothing else while the pool
    /// is in use.
    pub unsafe fn init(&mut self, base: *mut u8, len: usize) {
        *self = Self::new();
        // Lengths and numbers of pages are `u16` in the table.
        let end = (len / PAGE).min(u16::MAX as usize);
        let table = (end + 1) * size_of::<Page>();
        let first = table.div_ceil(PAGE);
        if first >= end {
            return;
        }
        self.base = base;
        self.first = first;
        self.end = end;
        // SAFETY: the table is shorter than `first` pages, which the region has.
        unsafe { base.write_bytes(0, table) };
        self.insert(first, end - first);
    }

    /// Number of pages for blocks.
    pub fn count(&self) -> usize {
        self.end - self.first
    }

    /// Numbers of the pages for blocks.
    pub fn range(&self) -> core::ops::Range<usize> {
        self.first..self.end
    }

    /// Offset of an address from the start of the region; meaningless, but defined, for addresses
    /// outside it.
    #[inline]
    pub fn offset_of(&self, ptr: *mut u8) -> usize {
        ptr.addr().wrapping_sub(self.base.addr())
    }

    /// Address at an offset from the start of the region.
    #[inline]
    pub fn at(&self, offset: usize) -> *mut u8 {
        self.base.wrapping_add(offset)
    }

    /// Entry of a page. There is one more than there are pages, so that the neighbour of any run
    /// can be looked at.
    #[inline]
    pub fn entry(&mut self, page: usize) -> &mut Page {
        debug_assert!(page <= self.end && self.end != 0);
        // SAFETY: `init` cleared entries 0 to `end`; page numbers are those of runs, their
        // neighbours and list links, all at most `end`. The borrow of `self` makes the reference
        // the only one.
        unsafe { &mut *self.base.cast::<Page>().add(page) }
    }

    /// Copy of the entry of a page, as [`Self::entry`].
    #[inline]
    pub fn get(&self, page: usize) -> Page {
        debug_assert!(page <= self.end && self.end != 0);
        // SAFETY: as in `entry`.
        unsafe { *self.base.cast::<Page>().add(page) }
    }

    /// Takes a run of `len` pages out of the smallest free run that has them. Gives its first page,
    /// 0 if there is none. The entries of the run are left all zero.
    #[inline(never)]
    pub fn take(&mut self, len: usize, end: End) -> usize {
        let run = self.best_fit(len, end);
        if run == 0 {
            return 0;
        }
        let have = self.get(run).len as usize;
        self.remove(run, have);
        let rest = have - len;
        match end {
            End::Low => {
                self.insert(run + len, rest);
                run
            }
            End::High => {
                self.insert(run, rest);
                run + rest
            }
        }
    }

    /// Gives a run back, whose entries are all zero, and joins it with its free neighbours.
    #[inline(never)]
    pub fn give(&mut self, run: usize, len: usize) {
        let (start, end) = self.extent(run, len);
        self.remove(start, run - start);
        self.remove(run + len, end - run - len);
        self.insert(start, end - start);
    }

    /// Makes a run longer by the free pages beside it, all entries zero as for `give`. Gives its
    /// first page, which changes only where the pages behind it are not enough; 0 (and nothing
    /// done) if there is no room.
    pub fn extend(&mut self, run: usize, len: usize, new_len: usize) -> usize {
        let (start, end) = self.extent(run, len);
        if end - start < new_len {
            return 0;
        }
        self.remove(start, run - start);
        self.remove(run + len, end - run - len);
        if end - run >= new_len {
            self.insert(start, run - start);
            self.insert(run + new_len, end - run - new_len);
            run
        } else {
            self.insert(start, end - start - new_len);
            end - new_len
        }
    }

    /// Length of the longest free run in pages.
    pub fn longest(&self) -> usize {
        let mut longest = 0;
        if self.nonempty != 0 {
            let mut run = self.bins[self.nonempty.ilog2() as usize] as usize;
            while run != 0 {
                let entry = self.get(run);
                longest = longest.max(entry.len as usize);
                run = entry.next as usize;
            }
        }
        longest
    }

    /// A run together with the free runs on both sides of it: first page and the page after the
    /// last.
    fn extent(&self, run: usize, len: usize) -> (usize, usize) {
        let before = self.get(run - 1);
        let after = self.get(run + len);
        let start = if before.kind == FREE { run - before.len as usize } else { run };
        let end = if after.kind == FREE { run + len + after.len as usize } else { run + len };
        (start, end)
    }

    /// The shortest free run of at least `len` pages, of equal ones the one nearest to `end`; 0 if
    /// there is none.
    fn best_fit(&self, len: usize, end: End) -> usize {
        if len > self.count() {
            return 0;
        }
        let mut bins = self.nonempty & (u64::MAX << bin_of(len));
        while bins != 0 {
            let mut best = 0;
            let mut best_len = usize::MAX;
            let mut run = self.bins[bins.trailing_zeros() as usize & (BINS - 1)] as usize;
            while run != 0 {
                let entry = self.get(run);
                let run_len = entry.len as usize;
                let nearer = run_len == best_len && (run > best) == (end == End::High);
                if run_len >= len && (run_len < best_len || nearer) {
                    best = run;
                    best_len = run_len;
                }
                run = entry.next as usize;
            }
            if best != 0 {
                return best;
            }
            bins &= bins - 1;
        }
        0
    }

    /// Marks a run free and files it; one of no pages is ignored.
    #[inline(never)]
    fn insert(&mut self, run: usize, len: usize) {
        if len == 0 {
            return;
        }
        let bin = bin_of(len);
        let next = self.bins[bin];
        let mark = Page { len: len as u16, kind: FREE, ..Page::INSIDE };
        *self.entry(run + len - 1) = mark;
        *self.entry(run) = Page { next, ..mark };
        self.entry(next as usize).prev = run as u16;
        self.bins[bin] = run as u16;
        self.nonempty |= 1 << bin;
    }

    /// Takes a free run out of its bin and clears its entries; one of no pages is ignored.
    #[inline(never)]
    fn remove(&mut self, run: usize, len: usize) {
        if len == 0 {
            return;
        }
        let Page { next, prev, .. } = self.get(run);
        self.entry(next as usize).prev = prev;
        if prev != 0 {
            self.entry(prev as usize).next = next;
        } else {
            let bin = bin_of(len);
            self.bins[bin] = next;
            if next == 0 {
                self.nonempty &= !(1 << bin);
            }
        }
        *self.entry(run) = Page::INSIDE;
        *self.entry(run + len - 1) = Page::INSIDE;
    }

    /// Verifies the bins against the table and gives the number of free pages they hold, or what is
    /// wrong.
    pub fn check(&self) -> Result<usize, &'static str> {
        let mut free = 0;
        for (bin, &first) in self.bins.iter().enumerate() {
            if (self.nonempty >> bin & 1 == 1) != (first != 0) {
                return Err("a bin and its bit disagree");
            }
            let (mut prev, mut run) = (0, first as usize);
            while run != 0 {
                let entry = self.get(run);
                let len = entry.len as usize;
                if entry.kind != FREE || len == 0 || run < self.first || run + len > self.end {
                    return Err("a bin lists what is not a free run");
                }
                let last = self.get(run + len - 1);
                if last.kind != FREE || last.len as usize != len {
                    return Err("the last page of a free run does not match its first");
                }
                if bin_of(len) != bin || entry.prev as usize != prev {
                    return Err("a free run is in the wrong bin or place");
                }
                free += len;
                (prev, run) = (run, entry.next as usize);
                if free > self.count() {
                    return Err("a bin's list is a cycle");
                }
            }
        }
        Ok(free)
    }
}

/// Bin of free runs of `len` pages: exact below 8, then four to each doubling.
fn bin_of(len: usize) -> usize {
    if len < 4 {
        return len;
    }
    let log = len.ilog2() as usize;
    ((log - 1) * 4 + (len >> (log - 2) & 3)) & (BINS - 1)
}
