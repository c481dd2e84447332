//! Replays a recorded trace: the allocations, frees and reallocations of a Lua program.

use crate::contenders::Contender;

/// What an operation does; the values of [`Op::kind`].
pub const ALLOCATE: u32 = 0;
pub const FREE: u32 = 1;
pub const REALLOCATE: u32 = 2;

/// One operation: kind in the top two bits, below it the number of the block; then the (new) size in bytes.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Op {
    head: u32,
    size: u32,
}

impl Op {
    pub fn new(kind: u32, block: u32, size: u32) -> Self {
        Op {
            head: kind << 30 | block,
            size,
        }
    }
    #[inline]
    fn kind(self) -> u32 {
        self.head >> 30
    }
    #[inline]
    pub fn block(self) -> usize {
        (self.head & 0x3FFF_FFFF) as usize
    }
}

/// Live blocks by number.
pub type Blocks = Vec<(*mut u8, u32)>;

/// Runs a trace on an allocator that has its region for itself; gives the number of requests that failed.
/// At its end every block is freed. As Lua does, it writes to a block at once and copies nothing but in `reallocate`.
///
/// # Safety
/// As for [`Contender::new`]. `blocks` has an entry for every number in the trace, all null.
#[inline(never)]
pub unsafe fn replay<C: Contender>(
    trace: &[Op],
    blocks: &mut Blocks,
    base: *mut u8,
    len: usize,
) -> u32 {
    // SAFETY: the caller's promise; every block comes from the allocator and is dropped from `blocks` when freed.
    unsafe {
        let mut allocator = C::new(base, len);
        let mut failures = 0;
        for op in trace {
            let block = blocks.get_unchecked_mut(op.block());
            match op.kind() {
                ALLOCATE => {
                    let ptr = allocator.allocate(op.size as usize);
                    if ptr.is_null() {
                        failures += 1;
                    } else {
                        ptr.cast::<u64>().write(op.size as u64);
                    }
                    *block = (ptr, op.size);
                }
                FREE if !block.0.is_null() => {
                    allocator.free(block.0, block.1 as usize);
                    block.0 = core::ptr::null_mut();
                }
                REALLOCATE if !block.0.is_null() => {
                    let ptr = allocator.reallocate(block.0, block.1 as usize, op.size as usize);
                    if ptr.is_null() {
                        failures += 1;
                    } else {
                        *block = (ptr, op.size);
                    }
                }
                _ => {}
            }
        }
        for block in blocks {
            if !block.0.is_null() {
                allocator.free(block.0, block.1 as usize);
                block.0 = core::ptr::null_mut();
            }
        }
        failures
    }
}
