//! Lua's memory: the heap in its fixed region, the allocator that Lua calls, a reserve for errors, and the blocks of
//! the host.

use core::ffi::c_void;
use core::ptr;

use crate::abi;
use crate::cell::Global;
use crate::heap::Heap;

static HEAP: Global<Heap> = Global::new(Heap::new());

/// Bytes that are set aside, so that after a chunk has filled the heap there is memory to compile and run
/// one that empties it.
const RESERVE: usize = 16 * 1024;

/// The address of the reserve, null while it is not set aside.
static RESERVED: Global<*mut u8> = Global::new(ptr::null_mut());

/// Most bytes of the next heap; 0: all of its region.
static LIMIT: Global<usize> = Global::new(0);

/// Bytes of the heap.
static SIZE: Global<usize> = Global::new(0);

/// Limits the size of heaps that are made from now on; 0: no limit.
pub fn limit(bytes: u32) {
    LIMIT.set(if bytes == 0 { 0 } else { bytes.max(abi::HEAP_LEAST) as usize });
}

/// Makes the heap anew, of all of its region or as much as the limit allows.
pub fn begin() {
    let (base, length) = (region().0, next_size() as usize);
    SIZE.set(length);
    // SAFETY: no state is alive, so nothing lies in the heap; the region is ours alone.
    unsafe { heap().init(base, length) };
    RESERVED.set(ptr::null_mut());
}

/// The heap.
///
/// # Safety
///
/// No other reference to the heap may be alive.
pub unsafe fn heap<'a>() -> &'a mut Heap {
    // SAFETY: the caller holds the only reference; there is one thread.
    unsafe { &mut *HEAP.as_ptr() }
}

/// Returns the memory that the heap manages.
#[cfg(target_arch = "wasm32")]
fn region() -> (*mut u8, usize) {
    unsafe extern "C" {
        static __heap_base: u8;
    }
    let base = (&raw const __heap_base).cast_mut();
    let end = core::arch::wasm32::memory_size::<0>() * abi::WASM_PAGE_SIZE as usize;
    (base, end - base as usize)
}

#[cfg(not(target_arch = "wasm32"))]
fn region() -> (*mut u8, usize) {
    const LENGTH: usize = 1_800_000;
    #[repr(align(64))]
    struct Region(Global<[u8; LENGTH]>);
    static REGION: Region = Region(Global::new([0; LENGTH]));
    (REGION.0.as_ptr().cast(), LENGTH)
}

/// Returns the size of the heap, in bytes.
pub fn size() -> u32 {
    SIZE.get() as u32
}

/// Returns the size that the next heap will have, in bytes.
pub fn next_size() -> u32 {
    let all = region().1;
    let size = match LIMIT.get() {
        0 => all,
        limit => all.min(limit),
    };
    size as u32
}

/// Refuses memory, for tests.
#[cfg(not(target_arch = "wasm32"))]
pub mod starve {
    use crate::cell::Global;

    static ASKED: Global<u64> = Global::new(0);
    static REFUSED: Global<core::ops::Range<u64>> = Global::new(0..0);

    /// Refuses from here on those requests for more memory whose number, counted from 0, is in the
    /// range. A block that shrinks is never refused, as Lua relies on that.
    pub fn refuse(requests: core::ops::Range<u64>) {
        ASKED.set(0);
        REFUSED.set(requests);
    }

    /// Ends the refusals. Returns the number of requests since [`refuse`].
    pub fn end() -> u64 {
        REFUSED.set(0..0);
        ASKED.get()
    }

    /// Counts a request, and returns whether it is refused.
    pub(super) fn refuses() -> bool {
        let n = ASKED.replace(ASKED.get() + 1);
        let refused = REFUSED.take();
        let is_refused = refused.contains(&n);
        REFUSED.set(refused);
        is_refused
    }
}

/// Allocates, resizes or frees a block for Lua. Lua tells the sizes of its blocks, so they need no headers.
///
/// # Safety
///
/// Called by Lua alone.
pub unsafe extern "C-unwind" fn allocate(_: *mut c_void, block: *mut c_void, old: usize, new: usize) -> *mut c_void {
    let block = block.cast::<u8>();
    #[cfg(not(target_arch = "wasm32"))]
    if (block.is_null() || new > old) && new > 0 && starve::refuses() {
        return ptr::null_mut();
    }
    // SAFETY: nothing else holds the heap while Lua asks it for memory, and Lua tells the true old
    // size of each block.
    unsafe {
        let heap = heap();
        if new == 0 {
            if !block.is_null() {
                heap.free(block, old);
            }
            ptr::null_mut()
        } else if block.is_null() {
            heap.allocate(new).cast()
        } else {
            heap.reallocate(block, old, new).cast()
        }
    }
}

/// Takes a block for work of our own; null if there is no memory. Lua's collector is not asked for any.
pub fn take_block(size: usize) -> *mut u8 {
    #[cfg(not(target_arch = "wasm32"))]
    if starve::refuses() {
        return ptr::null_mut();
    }
    // SAFETY: nothing else holds the heap while we ask it for memory.
    unsafe { heap().allocate(size) }
}

/// Gives a block back that [`take_block`] gave.
///
/// # Safety
///
/// The block has this size, and is not used any more.
pub unsafe fn give_back(block: *mut u8, size: usize) {
    // SAFETY: as for the caller; nothing else holds the heap.
    unsafe { heap().free(block, size) };
}

/// Sets the reserve aside, if there is memory for it again.
pub fn keep_reserve() {
    if RESERVED.get().is_null() {
        // SAFETY: no other reference to the heap is alive between calls of Lua.
        RESERVED.set(unsafe { heap().allocate(RESERVE) });
    }
}

/// Gives the reserve to the next call.
pub fn release_reserve() {
    let reserve = RESERVED.replace(ptr::null_mut());
    if !reserve.is_null() {
        // SAFETY: as above; the block is the reserve and has its size.
        unsafe { heap().free(reserve, RESERVE) };
    }
}

/// Returns the bytes of the heap that are in use.
pub fn used() -> u32 {
    // SAFETY: no other reference to the heap is alive between calls of Lua.
    let used = unsafe { heap().used() };
    let reserve = if RESERVED.get().is_null() { 0 } else { RESERVE };
    (used - reserve) as u32
}

/// Allocates, resizes or frees a block for the host, which need not know the block's size. 0: there is
/// no memory, the block was freed, or `block` is no block.
pub fn allocate_for_host(block: u32, new_size: u32) -> u32 {
    let (block, new_size) = (block as usize as *mut u8, new_size as usize);
    // SAFETY: no other reference to the heap is alive; the heap says itself whether the block is one.
    unsafe {
        let heap = heap();
        if block.is_null() {
            return if new_size == 0 { 0 } else { heap.allocate(new_size) as u32 };
        }
        let Some(old_size) = heap.size_of(block) else { return 0 };
        if new_size == 0 {
            heap.free(block, old_size);
            0
        } else {
            heap.reallocate(block, old_size, new_size) as u32
        }
    }
}
