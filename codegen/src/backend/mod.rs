//! One backend per output, each a file that turns the manifest into text. None knows of another.

mod abi;
mod javascript;
mod json;
mod loader;
mod names;
mod reference;
mod shims;
mod text;
mod types;

pub use abi::Abi;
pub use loader::Loader;
pub use reference::Reference;
pub use shims::Shims;
pub use types::Types;

use crate::manifest::Manifest;

/// Turns the manifest into one output.
pub trait Backend {
    /// What the output is called in messages and snapshots.
    fn name(&self) -> &'static str;

    /// Where the output is committed, from the root of the repository, or its file name in `OUT_DIR`.
    fn path(&self) -> &'static str;

    /// The whole text of the output.
    fn render(&self, manifest: &Manifest) -> String;
}

/// The backends whose outputs are committed. [`Shims`] is not among them: the guest's build script runs it.
pub fn all() -> [&'static dyn Backend; 4] {
    [&Loader, &Types, &Abi, &Reference]
}

/// What every output says of its origin.
const ORIGIN: &str = "Generated from exports.toml by `cargo xtask generate`; edit that instead.";
