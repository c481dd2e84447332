//! The guest: Lua inside one WebAssembly module whose memory never grows.
//!
//! `exports.toml` declares the boundary, and the build script makes [`abi`] of it: export shims, which check every
//! pointer before they call [`exports`], and bindings of the five imports. Modules, each above those that it uses:
//!
//! | module | |
//! | --- | --- |
//! | [`exports`] | one function for each export |
//! | [`machine`] | opens and closes the Lua machine |
//! | [`run`], [`host`] | runs code and leaves its result; the host's functions and modules, its access to globals |
//! | [`values`] | values that go to the host and come from it |
//! | [`ext`] | external tables |
//! | [`plain`] | plain values as bytes, libraries by name |
//! | [`libc`] | the C library that Lua needs |
//! | [`call`] | a call: its frame, its limits, what it prints, how it ended |
//! | [`session`], [`memory`] | what the host offers; Lua's allocator |
//! | [`heap`], [`lua`], [`ranges`], [`cell`] | a fixed heap, Lua's API, checked ranges, the cell for statics |
//!
//! The crate also builds for the host, where the five imports are those of [`native_host`]; that is
//! how unit tests, Valgrind and fuzzers reach it.
//!
//! # Safety
//!
//! One contract holds for every `unsafe fn` outside of [`heap`] and [`libc`]. `state` is a live Lua state, indices are
//! valid, and the stack slots that the function takes are free. A function runs inside a protected call where it may
//! raise an error, and then nothing with a destructor is alive. One that Lua calls (a [`lua::Function`]) runs in
//! protected mode. Private functions have the contract of those that call them. What a function asks for beyond this is
//! in its own section "Safety", and its body uses it without saying so again; a block with a comment says why something
//! holds that no contract promises.

#![cfg_attr(not(test), no_std)]
#![allow(unsafe_op_in_unsafe_fn, reason = "the contract above")]

#[cfg(not(target_arch = "wasm32"))]
extern crate std;

pub mod abi;
pub mod call;
pub mod cell;
pub mod exports;
pub mod ext;
pub mod heap;
pub mod host;
pub mod libc;
pub mod lua;
pub mod machine;
pub mod memory;
#[cfg(not(target_arch = "wasm32"))]
pub mod native_host;
pub mod plain;
pub mod ranges;
pub mod run;
pub mod session;
pub mod values;

#[cfg(target_arch = "wasm32")]
#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    core::arch::wasm32::unreachable()
}
