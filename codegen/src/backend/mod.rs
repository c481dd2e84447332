//! Turns the manifest into text, in one backend for each output. No backend uses another.

mod abi;
mod described;
mod javascript;
mod json;
mod loader;
mod names;
mod output;
mod python;
mod reference;
mod rust;
mod rust_host;
mod shims;
mod states;
mod text;
mod types;

pub use abi::Abi;
pub use json::Json;
pub use loader::Loader;
pub use output::Backend;
pub use python::Python;
pub use reference::Reference;
pub use rust_host::RustHost;
pub use shims::{Shims, explain};
pub use types::Types;

/// The backends whose outputs are committed. [`Shims`] is not among them: the guest's build script runs it.
pub fn all() -> [&'static dyn Backend; 6] {
    [&Loader, &Types, &Abi, &Reference, &RustHost, &Python]
}
