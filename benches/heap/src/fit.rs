//! How much fits: objects of a kind until the first failure, and large blocks beside small ones.
//! Sizes are those of Lua 5.4 on wasm32.

use crate::contenders::Contender;

const TABLE: usize = 32;
const NODE: usize = 24;
const VALUE: usize = 16;
const UPVALUE: usize = 32;

const fn string(len: usize) -> usize {
    17 + len
}

const fn closure(upvalues: usize) -> usize {
    16 + 4 * upvalues
}

/// Names of the measures, in the order of [`measure`]'s numbers, with the unit of their results.
pub const MEASURES: [(&str, &str); 9] = [
    ("tables with 2 fields", ""),
    ("arrays of 4", ""),
    ("strings of 20 characters", ""),
    ("strings of 1100 characters", ""),
    ("closures with 1 upvalue", ""),
    ("blocks of mixed objects", ""),
    ("array doubled among them", "slots"),
    ("4 KiB blocks after 3/4 freed", ""),
    ("largest block after 3/4 freed", "KiB"),
];

/// Takes measure number `number` of an allocator.
///
/// # Safety
/// As for [`Contender::new`].
pub unsafe fn measure<C: Contender>(number: usize, base: *mut u8, len: usize) -> usize {
    // SAFETY: the caller's promise.
    let mut allocator = unsafe { C::new(base, len) };
    let allocator = &mut allocator;
    match number {
        0 => fill(allocator, |_| const { &[TABLE, 2 * NODE] }).len() / 2,
        1 => fill(allocator, |_| const { &[TABLE, 4 * VALUE] }).len() / 2,
        2 => fill(allocator, |_| const { &[string(20)] }).len(),
        3 => fill(allocator, |_| const { &[string(1_100)] }).len(),
        4 => fill(allocator, |_| const { &[closure(1), UPVALUE] }).len() / 2,
        5 => fill(allocator, mixed).len(),
        6 => largest_array(allocator),
        7 => {
            thin_out(allocator);
            fill(allocator, |_| const { &[4_096] }).len()
        }
        8 => {
            thin_out(allocator);
            largest_block(allocator) >> 10
        }
        _ => unreachable!("no such measure"),
    }
}

type Block = (*mut u8, usize);

/// What a program builds: records, lists, strings of all lengths, functions, now and then something larger.
fn mixed(i: usize) -> &'static [usize] {
    const KINDS: [&[usize]; 12] = [
        &[TABLE, 2 * NODE],
        &[string(5)],
        &[TABLE, 4 * NODE, string(12)],
        &[closure(2), UPVALUE],
        &[TABLE, 4 * VALUE],
        &[string(26)],
        &[TABLE, NODE, closure(0)],
        &[string(70)],
        &[TABLE, 8 * NODE],
        &[TABLE, 16 * VALUE],
        &[string(9), string(33), string(150)],
        &[TABLE, 32 * NODE, string(400)],
    ];
    KINDS[i * 7 % KINDS.len()]
}

/// Allocates the blocks of one object after the other until one does not fit.
fn fill<C: Contender>(allocator: &mut C, object: impl Fn(usize) -> &'static [usize]) -> Vec<Block> {
    let mut blocks = Vec::new();
    for i in 0.. {
        for &size in object(i) {
            // SAFETY: the allocator has its region.
            let ptr = unsafe { allocator.allocate(size) };
            if ptr.is_null() {
                return blocks;
            }
            blocks.push((ptr, size));
        }
    }
    blocks
}

/// Fills the heap and frees three blocks of four, at random.
fn thin_out<C: Contender>(allocator: &mut C) {
    let mut random = 0x9E37_79B9_7F4A_7C15_u64;
    for (ptr, size) in fill(allocator, mixed) {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        if !random.is_multiple_of(4) {
            // SAFETY: just allocated and freed once.
            unsafe { allocator.free(ptr, size) };
        }
    }
}

/// Slots that an array reaches which doubles as Lua's do while other objects are made.
fn largest_array<C: Contender>(allocator: &mut C) -> usize {
    let mut slots = 4;
    // SAFETY: the allocator has its region, and the array is live with the size said.
    unsafe {
        let mut array = allocator.allocate(slots * VALUE);
        for i in 0.. {
            for &size in mixed(i) {
                allocator.allocate(size);
            }
            if i % 64 == 0 {
                let grown = allocator.reallocate(array, slots * VALUE, 2 * slots * VALUE);
                if grown.is_null() {
                    break;
                }
                array = grown;
                slots *= 2;
            }
        }
    }
    slots
}

fn largest_block<C: Contender>(allocator: &mut C) -> usize {
    let mut fits = 0;
    for bit in (8..22).rev() {
        let size = fits | 1 << bit;
        // SAFETY: the allocator has its region; the block is freed at once.
        unsafe {
            let ptr = allocator.allocate(size);
            if !ptr.is_null() {
                allocator.free(ptr, size);
                fits = size;
            }
        }
    }
    fits
}
