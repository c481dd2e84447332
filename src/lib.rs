//! The guest: Lua inside one WebAssembly module whose memory never grows.
//!
//! The module's boundary is declared in `exports.toml`; the build script turns it into [`abi`], whose
//! export shims check every pointer before they call [`exports`]. Everything else here stands behind
//! that boundary: the machine and its life ([`machine`]), running chunks ([`run`]), what they leave in
//! the I/O buffer ([`run::result`]), and external tables ([`ext`]).
//!
//! The crate also builds for the host, where the five imports are those of [`native_host`]; that is
//! how unit tests, Valgrind and fuzzers reach it.

#![cfg_attr(not(test), no_std)]

#[cfg(not(target_arch = "wasm32"))]
extern crate std;

pub mod abi;
pub mod call;
pub mod exports;
pub mod ext;
pub mod heap;
pub mod host;
pub mod libc;
pub mod lua;
pub mod machine;
#[cfg(not(target_arch = "wasm32"))]
pub mod native_host;
pub mod ranges;
pub mod run;
pub mod session;
pub mod values;

#[cfg(target_arch = "wasm32")]
#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    core::arch::wasm32::unreachable()
}
