//! Defines a backend.

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

/// What every output says of its origin.
pub const ORIGIN: &str = "Generated from exports.toml by `cargo xtask generate`; edit that instead.";
