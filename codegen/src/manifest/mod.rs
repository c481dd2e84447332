//! Reads `exports.toml`, which declares the boundary between the module and its host, into a model.
//!
//! ```no_run
//! use std::path::Path;
//! use codegen::manifest::Manifest;
//!
//! match Manifest::load(Path::new("exports.toml")) {
//!     Ok(manifest) => println!("ABI {} with {} exports", manifest.abi.version, manifest.exports.len()),
//!     Err(diagnostics) => eprintln!("{diagnostics}"),
//! }
//! ```

mod closed;
mod diagnostics;
mod entry;
mod grammar;
mod hash;
mod keys;
mod layout;
mod layouts;
mod model;
mod names;
mod prose;
mod read;
mod source;
mod types;

use std::path::Path;

pub use diagnostics::Diagnostics;
pub use grammar::{Expression, Rule};
pub use layouts::{Count, Item, ItemType, Layout, Writer};
pub use model::{
    Abi, Answer, Artifact, Condition, Constant, Example, Export, Feature, Field, Function, Import, Manifest, NamedType,
    Param, Place, Refusal, Returns, Runtime, Service, State, Stored, StoredEntry, Struct, Topic, Unwind, WasmFunction,
};
pub use source::Source;
pub use types::{Scalar, Type, ValType};

impl Manifest {
    /// Reads and checks a manifest with the files that it includes.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with it, or that a file cannot be read.
    pub fn load(path: &Path) -> Result<Self, Diagnostics> {
        Self::read(&Source::load(path)?)
    }

    /// Checks the text of a manifest that is one file; `name` is what diagnostics call it.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with it.
    pub fn parse(name: &str, text: &str) -> Result<Self, Diagnostics> {
        Self::read(&Source::single(name, text))
    }

    /// Checks the text of a manifest.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with it.
    pub fn read(source: &Source) -> Result<Self, Diagnostics> {
        read::read(source).map_err(|faults| Diagnostics::new(source, faults))
    }
}
