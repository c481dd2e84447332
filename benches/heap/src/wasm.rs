//! What the module for wasm32 exports to `run.mjs`.

use crate::replay::Op;
use crate::{REGION, fit, for_each_contender, replay};
use core::ptr::{addr_of_mut, null_mut};

#[repr(align(65536))]
struct Memory([u8; REGION]);

static mut MEMORY: Memory = Memory([0; REGION]);
static mut TRACE: Vec<Op> = Vec::new();

fn region() -> *mut u8 {
    // SAFETY: only the address is taken.
    unsafe { addr_of_mut!(MEMORY.0).cast() }
}

/// Makes room for a trace of `ops` operations and tells where to put it.
#[unsafe(no_mangle)]
extern "C" fn trace_buffer(ops: usize) -> *mut Op {
    // SAFETY: the module has one thread and `replay_trace`, the only other user, is not running.
    let trace = unsafe { &mut *addr_of_mut!(TRACE) };
    trace.clear();
    trace.resize(ops, Op::new(0, 0, 0));
    trace.as_mut_ptr()
}

/// Replays the trace `times` times on a contender; gives the failures of one replay.
#[unsafe(no_mangle)]
extern "C" fn replay_trace(contender: usize, times: usize) -> u32 {
    // SAFETY: as in `trace_buffer`.
    let trace: &[Op] = unsafe { &*addr_of_mut!(TRACE) };
    let count = trace.iter().map(|op| op.block() + 1).max().unwrap_or(0);
    let mut blocks = vec![(null_mut(), 0); count];
    let mut failures = 0;
    for _ in 0..times {
        macro_rules! dispatch {
            ($($name:literal => $type:ty,)*) => {{
                // SAFETY: the region is used by one replay at a time.
                let contenders = [$(replay::replay::<$type> as unsafe fn(&[Op], &mut replay::Blocks, _, _) -> _),*];
                failures = unsafe { contenders[contender](trace, &mut blocks, region(), REGION) };
            }};
        }
        for_each_contender!(dispatch);
    }
    failures
}

/// Takes a measure of [`fit`] of a contender.
#[unsafe(no_mangle)]
extern "C" fn measure_fit(contender: usize, number: usize) -> usize {
    macro_rules! dispatch {
        ($($name:literal => $type:ty,)*) => {{
            let contenders = [$(fit::measure::<$type> as unsafe fn(usize, *mut u8, usize) -> usize),*];
            // SAFETY: the region is used by one measure at a time.
            unsafe { contenders[contender](number, region(), REGION) }
        }};
    }
    for_each_contender!(dispatch)
}
