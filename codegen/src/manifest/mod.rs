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
mod hash;
mod keys;
mod layout;
mod model;
mod names;
mod prose;
mod read;
mod types;

use std::path::Path;

pub use diagnostics::Diagnostics;
use diagnostics::{Fault, Problem};
pub use model::{
    Abi, Answer, Artifact, Condition, Constant, Example, Export, Feature, Field, Function, Import, Manifest, NamedType,
    Param, Place, Refusal, Returns, Service, Struct, Topic, Unwind, WasmFunction,
};
pub use types::{Scalar, Type, ValType};

impl Manifest {
    /// Reads and checks a manifest.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with it, or that it cannot be read.
    pub fn load(path: &Path) -> Result<Self, Diagnostics> {
        let file = path.display().to_string();
        match std::fs::read_to_string(path) {
            Ok(text) => Self::parse(&file, &text),
            Err(error) => {
                let problem = Problem::Unreadable { reason: error.to_string() };
                let faults = vec![Fault { problem, span: 0..0, related: None }];
                Err(Diagnostics { file, text: String::new(), faults })
            }
        }
    }

    /// Checks the text of a manifest; `name` is what diagnostics call the file.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with it.
    pub fn parse(name: &str, text: &str) -> Result<Self, Diagnostics> {
        read::read(text).map_err(|faults| Diagnostics::new(name, text, faults))
    }
}
