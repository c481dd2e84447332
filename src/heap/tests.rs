//! The heap against a model, at exhaustion, under fragmentation and with pointers that are not
//! blocks.

use super::*;
use core::ptr::without_provenance_mut;
use std::collections::BTreeMap;
use std::vec::Vec;

const REGION: usize = 1_740 * 1024;

/// A heap in a region of its own, filled with a pattern so that nothing can rely on zeros.
struct Fixture {
    heap: Heap,
    region: Vec<u64>,
}

impl Fixture {
    fn new(len: usize) -> Self {
        let mut fixture = Fixture { heap: Heap::new(), region: std::vec![0xA5A5_A5A5_A5A5_A5A5; len / 8] };
        // SAFETY: the vector is aligned to 8, never resized, and dropped together with the heap.
        unsafe { fixture.heap.init(fixture.region.as_mut_ptr().cast(), len) };
        fixture
    }

    fn allocate(&mut self, size: usize) -> *mut u8 {
        // SAFETY: the region lives as long as the heap.
        unsafe { self.heap.allocate(size) }
    }

    fn free(&mut self, ptr: *mut u8, size: usize) {
        assert!(self.heap.size_of(ptr).is_some_and(|have| have >= size));
        // SAFETY: just asserted.
        unsafe { self.heap.free(ptr, size) };
    }

    fn reallocate(&mut self, ptr: *mut u8, old: usize, new: usize) -> *mut u8 {
        assert!(self.heap.size_of(ptr).is_some_and(|have| have >= old));
        // SAFETY: just asserted.
        unsafe { self.heap.reallocate(ptr, old, new) }
    }

    /// Allocates blocks of `size` until there is no room.
    fn fill(&mut self, size: usize) -> Vec<*mut u8> {
        core::iter::from_fn(|| Some(self.allocate(size)).filter(|ptr| !ptr.is_null())).collect()
    }

    fn check(&self) {
        assert_eq!(self.heap.check(), Ok(()));
    }
}

/// Marsaglia's xorshift: numbers that are the same on every run.
struct Random(u64);

impl Random {
    fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % n as u64) as usize
    }

    /// A size as a Lua program asks for: mostly small, seldom large.
    fn size(&mut self) -> usize {
        match self.below(100) {
            0..70 => 1 + self.below(128),
            70..95 => 1 + self.below(2_500),
            _ => 1 + self.below(100_000),
        }
    }

    fn shuffle<T>(&mut self, items: &mut [T]) {
        for i in (1..items.len()).rev() {
            items.swap(i, self.below(i + 1));
        }
    }
}

fn paint(ptr: *mut u8, size: usize, seed: u8) {
    for i in 0..size {
        // SAFETY: called with live blocks of at least `size` bytes.
        unsafe { ptr.add(i).write(seed.wrapping_add(i as u8)) };
    }
}

fn assert_painted(ptr: *mut u8, size: usize, seed: u8) {
    for i in 0..size {
        // SAFETY: as in `paint`, whose writes are read back.
        let byte = unsafe { ptr.add(i).read() };
        assert_eq!(byte, seed.wrapping_add(i as u8), "byte {i} of {size}");
    }
}

/// Random allocations, frees and reallocations, compared with a map of what must be live.
fn run_against_model(seed: u64, region: usize, steps: usize, check_every: usize) {
    let mut random = Random(seed);
    let mut fixture = Fixture::new(region);
    let mut live: BTreeMap<usize, (*mut u8, usize, u8)> = BTreeMap::new();
    let mut failures = 0;
    for step in 0..steps {
        let paint_seed = step as u8;
        // Phases of growth and of decline, so that the heap is full at times and nearly empty at
        // others.
        let grows = (step * 8 / steps).is_multiple_of(2);
        let choice = random.below(10);
        let picked = live.range(random.below(usize::MAX)..).next().or(live.iter().next()).map(|(&key, &v)| (key, v));
        match picked {
            Some((key, (ptr, size, seed))) if choice < if grows { 1 } else { 6 } => {
                assert_painted(ptr, size, seed);
                fixture.free(ptr, size);
                assert_eq!(fixture.heap.size_of(ptr), None);
                live.remove(&key);
            }
            Some((key, (ptr, size, seed))) if choice < if grows { 4 } else { 8 } => {
                let new_size = if random.below(2) == 0 { random.size() } else { 2 * size };
                let new = fixture.reallocate(ptr, size, new_size);
                if new.is_null() {
                    assert!(new_size > size, "shrinking failed");
                    assert_painted(ptr, size, seed);
                    failures += 1;
                } else {
                    assert_painted(new, size.min(new_size), seed);
                    paint(new, new_size, paint_seed);
                    live.remove(&key);
                    live.insert(random.below(usize::MAX), (new, new_size, paint_seed));
                }
            }
            _ => {
                let size = random.size();
                let ptr = fixture.allocate(size);
                if ptr.is_null() {
                    failures += 1;
                } else {
                    assert!(ptr.addr().is_multiple_of(ALIGN));
                    assert!(fixture.heap.size_of(ptr).is_some_and(|have| have >= size));
                    paint(ptr, size, paint_seed);
                    live.insert(random.below(usize::MAX), (ptr, size, paint_seed));
                }
            }
        }
        if step % check_every == 0 {
            fixture.check();
            let used: usize = live.values().map(|&(ptr, ..)| fixture.heap.size_of(ptr).unwrap()).sum();
            assert_eq!(fixture.heap.used(), used);
        }
    }
    assert!(failures > 0, "the region was never full");
    for (ptr, size, seed) in live.into_values() {
        assert_painted(ptr, size, seed);
        fixture.free(ptr, size);
    }
    fixture.check();
    assert_eq!(fixture.heap.used(), 0);
    assert_eq!(fixture.heap.largest_free(), fixture.heap.capacity());
    fixture.check();
}

#[test]
fn random_use_agrees_with_a_model_and_is_consistent_after_each_step() {
    for seed in 1..=4 {
        run_against_model(0x9E37_79B9_7F4A_7C15 >> seed, 48 * 1024 + seed as usize * 8, 8_000, 1);
    }
}

#[test]
fn random_use_of_a_full_sized_region_agrees_with_a_model() {
    run_against_model(0xD1B5_4A32_D192_ED03, REGION, 60_000, 1_000);
}

#[test]
fn a_heap_without_a_region_or_with_too_short_a_one_has_no_room() {
    for len in [0, 8, 1024, 2040] {
        let mut fixture = Fixture::new(len);
        assert!(fixture.allocate(1).is_null());
        assert!(fixture.allocate(5_000).is_null());
        assert_eq!(fixture.heap.capacity(), 0);
        assert_eq!(fixture.heap.largest_free(), 0);
        assert_eq!(fixture.heap.used(), 0);
        assert_eq!(fixture.heap.size_of(fixture.region.as_mut_ptr().cast()), None);
        fixture.check();
    }
    // SAFETY: a heap without a region touches no memory.
    assert!(unsafe { Heap::new().allocate(16) }.is_null());
}

#[test]
fn sizes_beyond_the_region_are_refused() {
    let mut fixture = Fixture::new(REGION);
    let ptr = fixture.allocate(40);
    let large = fixture.allocate(4_000);
    for size in [REGION, 1 << 31, usize::MAX - PAGE, usize::MAX] {
        assert!(fixture.allocate(size).is_null());
        assert!(fixture.reallocate(ptr, 40, size).is_null());
        assert!(fixture.reallocate(large, 4_000, size).is_null());
    }
    assert_eq!(fixture.heap.size_of(ptr), Some(40));
    assert_eq!(fixture.heap.size_of(large), Some(4 * PAGE));
    fixture.check();
}

#[test]
fn a_full_heap_recovers_whatever_the_order_of_frees() {
    let mut random = Random(7);
    let mut fixture = Fixture::new(REGION);
    for size in [1, 16, 24, 40, 100, 200, 1_000, 1_200, 1_800, 5_000] {
        let mut blocks = fixture.fill(size);
        let lost = fixture.heap.capacity() - fixture.heap.used();
        let bound = if size > PAGE { 8 * PAGE } else { fixture.heap.capacity() / 24 };
        assert!(lost <= bound, "{lost} bytes unused when full of {size}");
        fixture.check();
        random.shuffle(&mut blocks);
        for ptr in blocks {
            fixture.free(ptr, size);
        }
        fixture.check();
        assert_eq!(fixture.heap.used(), 0);
        assert_eq!(fixture.heap.largest_free(), fixture.heap.capacity());
        let whole = fixture.allocate(fixture.heap.capacity());
        assert!(!whole.is_null());
        fixture.free(whole, 0);
    }
}

#[test]
fn memory_freed_in_one_class_serves_every_other() {
    let mut fixture = Fixture::new(REGION);
    let capacity = fixture.heap.capacity();
    for size in (16..3_000).step_by(104) {
        let blocks = fixture.fill(size);
        assert!(blocks.len() * size > capacity / 8 * 5, "{} blocks of {size}", blocks.len());
        for ptr in blocks {
            fixture.free(ptr, size);
        }
    }
    fixture.check();
}

#[test]
fn a_full_heap_lends_larger_slots_to_smaller_blocks() {
    let mut fixture = Fixture::new(REGION);
    let mut blocks = fixture.fill(48);
    fixture.free(blocks.swap_remove(5), 48);
    let ptr = fixture.allocate(17);
    assert_eq!(fixture.heap.size_of(ptr), Some(48));
    assert!(fixture.allocate(17).is_null());
    assert_eq!(fixture.reallocate(ptr, 17, 45), ptr);
    assert_eq!(fixture.reallocate(ptr, 45, 16), ptr);
    assert!(fixture.reallocate(ptr, 16, 49).is_null());
    fixture.check();
}

#[test]
fn single_free_pages_still_hold_small_blocks() {
    let mut fixture = Fixture::new(REGION);
    let pages = fixture.fill(PAGE - 8);
    for &page in pages.iter().step_by(2) {
        fixture.free(page, PAGE - 8);
    }
    assert!(fixture.heap.largest_free() < 8 * PAGE);
    let blocks = fixture.fill(40);
    assert!(blocks.len() >= pages.len() / 2 * (PAGE / 40));
    fixture.check();
}

#[test]
fn a_block_doubles_until_it_has_nearly_the_whole_region() {
    let mut fixture = Fixture::new(REGION);
    let small: Vec<_> = (0..1_000).map(|_| fixture.allocate(40)).collect();
    let mut size = 16;
    let mut ptr = fixture.allocate(size);
    paint(ptr, size, 9);
    while size < 1 << 20 {
        ptr = fixture.reallocate(ptr, size, 2 * size);
        assert!(!ptr.is_null(), "growing to {}", 2 * size);
        assert_painted(ptr, size, 9);
        size *= 2;
        paint(ptr, size, 9);
        fixture.check();
    }
    assert!(small.iter().all(|&ptr| fixture.heap.size_of(ptr) == Some(40)));
}

#[test]
fn large_blocks_grow_in_place_when_the_pages_behind_are_free() {
    let mut fixture = Fixture::new(REGION);
    let above = fixture.allocate(20_000);
    let ptr = fixture.allocate(5_000);
    fixture.free(above, 20_000);
    paint(ptr, 5_000, 3);
    assert_eq!(fixture.reallocate(ptr, 5_000, 20_000), ptr);
    assert_painted(ptr, 5_000, 3);
    fixture.check();
}

#[test]
fn a_large_block_grows_over_slabs_that_stand_empty() {
    let mut fixture = Fixture::new(REGION);
    let capacity = fixture.heap.capacity();
    let ptr = fixture.allocate(capacity - 2 * PAGE);
    paint(ptr, 9_000, 8);
    let small = fixture.allocate(40);
    fixture.free(small, 40);
    let grown = fixture.reallocate(ptr, capacity - 2 * PAGE, capacity);
    assert!(!grown.is_null());
    assert_painted(grown, 9_000, 8);
    fixture.check();
}

#[test]
fn shrinking_returns_memory_and_never_fails() {
    let mut fixture = Fixture::new(REGION);
    let capacity = fixture.heap.capacity();
    let ptr = fixture.allocate(capacity);
    paint(ptr, 10_000, 1);
    assert_eq!(fixture.reallocate(ptr, capacity, 10_000), ptr);
    assert_eq!(fixture.heap.size_of(ptr), Some(10 * PAGE));
    assert_eq!(fixture.heap.largest_free(), capacity - 10 * PAGE);
    let rest = fixture.allocate(capacity - 10 * PAGE);
    assert!(!rest.is_null());
    // With no room to move to, the block is cut where it is; the pages cut off then take it.
    assert_eq!(fixture.reallocate(ptr, 10_000, 3_000), ptr);
    assert_eq!(fixture.heap.size_of(ptr), Some(3 * PAGE));
    let moved = fixture.reallocate(ptr, 3_000, 100);
    assert_painted(moved, 100, 1);
    assert_eq!(fixture.heap.size_of(moved), Some(104));
    fixture.check();
}

#[test]
fn a_failed_reallocation_leaves_the_block_as_it_was() {
    let mut fixture = Fixture::new(REGION);
    let blocks = fixture.fill(100);
    paint(blocks[50], 100, 77);
    let used = fixture.heap.used();
    assert!(fixture.reallocate(blocks[50], 100, 200).is_null());
    assert_painted(blocks[50], 100, 77);
    assert_eq!(fixture.heap.size_of(blocks[50]), Some(104));
    assert_eq!(fixture.heap.used(), used);
    fixture.check();
}

#[test]
fn null_is_freed_without_effect_and_reallocated_as_new() {
    let mut fixture = Fixture::new(REGION);
    // SAFETY: null is allowed.
    let ptr = unsafe {
        fixture.heap.free(null_mut(), 0);
        fixture.heap.reallocate(null_mut(), 0, 24)
    };
    assert_eq!(fixture.heap.size_of(ptr), Some(24));
}

#[test]
fn only_the_start_of_a_live_block_has_a_size() {
    let mut fixture = Fixture::new(REGION);
    let mut starts = BTreeMap::new();
    let mut random = Random(11);
    for i in 0..800 {
        let size = random.size() % 6_000 + 1;
        let ptr = fixture.allocate(size);
        if i % 3 == 0 {
            fixture.free(ptr, size);
        } else {
            starts.insert(ptr.addr(), size);
        }
    }
    // A block allocated after a free may start where the freed one did; both maps agree then, as
    // only the live one counts.
    let base = fixture.region.as_mut_ptr().cast::<u8>();
    for offset in 0..REGION {
        let ptr = base.wrapping_add(offset);
        let size = fixture.heap.size_of(ptr);
        match starts.get(&ptr.addr()) {
            Some(&asked) => assert!(size.is_some_and(|have| have >= asked)),
            None => assert_eq!(size, None, "offset {offset}"),
        }
    }
    for wild in [null_mut(), base.wrapping_sub(8), base.wrapping_add(REGION), base.wrapping_add(1 << 40)] {
        assert_eq!(fixture.heap.size_of(wild), None);
    }
    assert_eq!(fixture.heap.size_of(without_provenance_mut(usize::MAX - 7)), None);
}

#[test]
fn survivors_among_small_blocks_leave_room_for_large_ones() {
    let mut random = Random(5);
    let mut fixture = Fixture::new(REGION);
    let mut survivors = Vec::new();
    // Rounds of garbage with one block in fifty kept, as a program that builds something makes
    // them.
    for _ in 0..20 {
        let mut round: Vec<_> =
            (0..5_000).map(|_| 16 + 8 * random.below(12)).map(|n| (fixture.allocate(n), n)).collect();
        survivors.extend(round.drain(..100));
        random.shuffle(&mut round);
        for (ptr, size) in round {
            fixture.free(ptr, size);
        }
    }
    let live: usize = survivors.iter().map(|&(_, size)| size).sum();
    let largest = fixture.heap.largest_free();
    assert!(largest >= (fixture.heap.capacity() - live) / 2, "{largest} bytes with {live} live");
    fixture.check();
}

#[test]
fn a_fresh_heap_writes_only_the_page_table_and_what_is_asked_for() {
    let mut fixture = Fixture::new(REGION);
    let table = (REGION / PAGE + 1) * 16;
    for size in [16, 40, 300, 5_000] {
        fixture.allocate(size);
    }
    let written = fixture.region.iter().skip(table / 8).filter(|&&word| word != 0xA5A5_A5A5_A5A5_A5A5).count();
    assert_eq!(written, 0);
}

#[test]
fn a_copy_of_the_heap_and_its_region_goes_on_where_the_original_was() {
    let mut fixture = Fixture::new(64 * 1024);
    let kept = fixture.allocate(100);
    let image = fixture.region.clone();
    // SAFETY: a bitwise copy of the state; only one of both is used with the region at a time.
    let state = unsafe { core::ptr::read(&fixture.heap) };
    for _ in 0..500 {
        fixture.allocate(64);
    }
    fixture.free(kept, 100);
    fixture.region.copy_from_slice(&image);
    fixture.heap = state;
    fixture.check();
    assert_eq!(fixture.heap.used(), 104);
    assert_eq!(fixture.heap.size_of(kept), Some(104));
}
