//! Size classes of small blocks and the shapes of the slabs that hold them, computed at compile
//! time.
//!
//! Classes are 8 bytes apart up to 128, about an eighth of their size up to 2 KiB, and wider above:
//! the sizes that Lua asks for (16 and 24 times a power of two, and headers of 16 to 32 bytes plus a
//! tail) are met exactly and any other wastes little. Left out are those above 896 that do not
//! divide a short run of pages well.

use super::pages::PAGE;

/// Largest block that is a slot of a slab, in bytes; larger ones are runs of whole pages.
pub const SMALL_MAX: usize = SIZES[CLASSES - 1] as usize;

/// Number of size classes.
pub const CLASSES: usize = 47;

/// Number of slab shapes: shape `c` is the regular slab of class `c`, shape `CLASSES + c` its
/// one-page slab.
pub const SHAPES: usize = 2 * CLASSES;

/// A slab has at most as many slots as its bitmap has bits.
const MAX_SLOTS: usize = 64;

/// A slab is at most this many pages, so that an offset inside it fits the arithmetic of
/// [`Shape::slot_at`].
const MAX_SLAB_PAGES: usize = 8;

/// A slab with this many slots needs no more: making and releasing it costs little for each block.
const MANY_SLOTS: usize = 48;

/// Longest slab that is made for the sake of many slots, in pages, and the largest slots that are
/// asked for often enough to deserve it. Longer slabs would fragment the pages.
const LONG_SLAB: usize = 3;
const FREQUENT_SIZE: usize = 128;

/// Slot size of each class in bytes.
const SIZES: [u16; CLASSES] = sizes();

/// Class of a block of `8 * i` bytes.
static CLASS_OF: [u8; SMALL_MAX / 8 + 1] = class_of_table();

/// The shapes by number.
static SHAPE_TABLE: [Shape; SHAPES] = shape_table();

/// How a slab is cut into slots.
#[derive(Clone, Copy)]
pub struct Shape {
    /// Bitmap with the bit of every slot set: the slab is empty when its free slots equal this. 0:
    /// no such shape.
    pub full: u64,
    /// Fixed-point reciprocal of the slot size in units of 8 bytes.
    reciprocal: u32,
    /// Slot size in bytes.
    pub size: u16,
    /// Length of the slab in pages.
    pub pages: u8,
    /// Class of its slots.
    pub class: u8,
}

/// Fraction bits of [`Shape::reciprocal`].
const RECIPROCAL_BITS: u32 = 20;

impl Shape {
    /// Slot that contains the byte `offset` bytes after the start of the slab. Exact over a whole
    /// slab: the reciprocal is at most one unit too large and an offset has at most 10 bits, so the
    /// error stays below 2^-10, less than the distance of any quotient from the next integer.
    #[inline]
    pub const fn slot_at(&self, offset: usize) -> usize {
        ((offset as u32 / 8 * self.reciprocal) >> RECIPROCAL_BITS) as usize
    }

    /// Bytes in all its slots.
    pub const fn bytes(&self) -> usize {
        self.full.count_ones() as usize * self.size as usize
    }
}

/// Class of a block of `size` bytes; `size` is at most [`SMALL_MAX`].
#[inline]
pub fn class_of(size: usize) -> usize {
    debug_assert!(size <= SMALL_MAX);
    // SAFETY: the callers branch on `size <= SMALL_MAX`, so the index is at most `SMALL_MAX / 8`.
    let class = unsafe { *CLASS_OF.get_unchecked(size.div_ceil(8)) };
    class as usize
}

/// The shape with this number, below [`SHAPES`].
#[inline]
pub fn shape(number: usize) -> &'static Shape {
    debug_assert!(number < SHAPES);
    // SAFETY: numbers are classes, from `CLASS_OF`, or come from page entries, where only valid
    // ones are written.
    unsafe { SHAPE_TABLE.get_unchecked(number) }
}

const fn sizes() -> [u16; CLASSES] {
    let mut sizes = [0; CLASSES];
    let mut size = 16;
    let mut class = 0;
    while class < CLASSES {
        sizes[class] = size;
        size += match size {
            0..128 => 8,
            128..256 => 16,
            256..512 => 32,
            512..896 => 64,
            896 => 128,
            1024..1792 => 128,
            1792 => 256,
            2048 => 512,
            _ => 1024,
        };
        class += 1;
    }
    sizes
}

const fn class_of_table() -> [u8; SMALL_MAX / 8 + 1] {
    let mut table = [0; SMALL_MAX / 8 + 1];
    let mut class = 0;
    let mut i = 0;
    while i < table.len() {
        if 8 * i > SIZES[class] as usize {
            class += 1;
        }
        table[i] = class as u8;
        i += 1;
    }
    table
}

const fn shape_table() -> [Shape; SHAPES] {
    let mut table = [shape_of(0, 1); SHAPES];
    let mut class = 0;
    while class < CLASSES {
        table[class] = shape_of(class, regular_pages(SIZES[class] as usize));
        table[CLASSES + class] = shape_of(class, 1);
        class += 1;
    }
    table
}

const fn shape_of(class: usize, pages: usize) -> Shape {
    let size = SIZES[class] as usize;
    let slots = slots(size, pages);
    Shape {
        full: if slots == 0 { 0 } else { u64::MAX >> (MAX_SLOTS - slots) },
        reciprocal: (1u32 << RECIPROCAL_BITS).div_ceil(size as u32 / 8),
        size: size as u16,
        pages: pages as u8,
        class: class as u8,
    }
}

const fn slots(size: usize, pages: usize) -> usize {
    let slots = pages * PAGE / size;
    if slots < MAX_SLOTS { slots } else { MAX_SLOTS }
}

/// Pages of the regular slab of a size: the fewest that waste at most 1/64 (or else as little as
/// possible) and, for frequent sizes and up to [`LONG_SLAB`], have [`MANY_SLOTS`].
const fn regular_pages(size: usize) -> usize {
    let mut best = 1;
    let mut pages = 1;
    while pages <= MAX_SLAB_PAGES {
        if better(size, pages, best) {
            best = pages;
        }
        pages += 1;
    }
    best
}

/// Whether a slab of `pages` is to be preferred to a shorter one of `best`.
const fn better(size: usize, pages: usize, best: usize) -> bool {
    let waste = pages * PAGE - slots(size, pages) * size;
    let best_waste = best * PAGE - slots(size, best) * size;
    if best_waste * 64 > best * PAGE {
        return waste * best < best_waste * pages;
    }
    let wanted = size <= FREQUENT_SIZE && slots(size, best) < MANY_SLOTS && pages <= LONG_SLAB;
    wanted && waste * 64 <= pages * PAGE
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_small_size_gets_the_smallest_class_that_holds_it() {
        for size in 0..=SMALL_MAX {
            let class = class_of(size);
            assert!(SIZES[class] as usize >= size);
            assert!(class == 0 || (SIZES[class - 1] as usize) < size);
        }
    }

    #[test]
    fn the_reciprocal_divides_every_offset_of_every_shape() {
        for number in 0..SHAPES {
            let shape = shape(number);
            for offset in (0..shape.pages as usize * PAGE).step_by(8) {
                assert_eq!(shape.slot_at(offset), offset / shape.size as usize);
            }
        }
    }

    #[test]
    fn slots_of_every_shape_lie_inside_its_pages_with_little_waste() {
        for number in 0..SHAPES {
            let shape = shape(number);
            let pages = shape.pages as usize * PAGE;
            assert!(shape.bytes() <= pages);
            if number < CLASSES {
                assert!((pages - shape.bytes()) * 32 <= pages, "class of {} bytes", shape.size);
            }
        }
    }
}
