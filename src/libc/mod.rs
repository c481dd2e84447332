//! The part of the C library that Lua calls, for a target that has none.
//!
//! One file per C header, or per hard function. What C calls is exported by its C name on wasm32
//! only, so that the same code builds natively beside the system's C library and is tested against
//! it. Memory functions and `strlen` are not here: `compiler_builtins` has them. Nothing allocates,
//! and there is one thread.

#![allow(clippy::missing_safety_doc, reason = "these are C's functions: the C standard says what a caller owes them")]
#![warn(unsafe_op_in_unsafe_fn)]

pub mod ctype;
pub mod digits;
pub mod env;
pub mod errno;
pub mod format;
pub mod math;
pub mod stdio;
pub mod string;
pub mod strtod;
pub mod time;
mod whole;

#[cfg(test)]
pub(crate) mod testing;
