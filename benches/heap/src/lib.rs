//! Allocators under comparison and what is done with them, the same natively and in wasm32.

pub mod contenders;
pub mod fit;
#[path = "../../../src/heap/mod.rs"]
pub mod heap;
pub mod replay;
#[cfg(target_family = "wasm")]
mod wasm;

/// Bytes of the region: what the guest leaves to its heap, and a whole number of the 64 KiB steps of dlmalloc.
pub const REGION: usize = 27 << 16;
