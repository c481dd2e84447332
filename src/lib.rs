//! The guest: Lua inside one WebAssembly module whose memory never grows.
//!
//! The module's boundary is declared in `exports.toml`; the build script turns it into [`abi`], whose
//! export shims check every pointer before they call [`exports`]. Everything else here stands behind
//! that boundary: the machine and its life ([`machine`]), running chunks ([`run`]), what they leave in
//! the I/O buffer ([`result`]), and external tables ([`ext`]).
//!
//! The crate also builds for the host, where the five imports are those of [`native_host`]; that is
//! how unit tests, Valgrind and fuzzers reach it.

#![cfg_attr(not(test), no_std)]

#[cfg(not(target_arch = "wasm32"))]
extern crate std;

pub mod abi;
pub mod boundary;
pub mod codec;
pub mod console;
pub mod exports;
pub mod ext;
pub mod functions;
pub mod globals;
pub mod heap;
pub mod libc;
pub mod limits;
pub mod lua;
pub mod machine;
pub mod modules;
#[cfg(not(target_arch = "wasm32"))]
pub mod native_host;
pub mod output;
pub mod references;
pub mod result;
pub mod run;
pub mod system;

#[cfg(target_arch = "wasm32")]
#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    core::arch::wasm32::unreachable()
}
