//! Makes an artifact from the linked module, in passes, and checks that it keeps what the manifest promises.
//!
//! Each pass is one file with one `run`. [`process`] runs them in the only order that works:
//!
//! | pass | |
//! | --- | --- |
//! | [`unwind`] | the two unwinding placeholders become functions, guarded imports get their wrappers |
//! | [`pin`] | memory gets its one size; data, stack and heap are proven to fit |
//! | [`lower`] | instructions of features not claimed become calls of plain functions, where that is possible |
//! | [`seal`] | exports and imports are compared with the manifest's; the module is stamped |
//! | [`features`] | what the encoded module uses is compared with what the artifact claims to need |
//! | [`strip`] | custom sections go, except the stamp (and the names, if kept) |
//!
//! The configuration knows nothing of the manifest, so that a pass can be tested, and used, without one.

mod c_names;
mod error;
pub mod features;
mod linker;
pub mod lower;
pub mod pin;
pub mod seal;
pub mod stamp;
pub mod strip;
pub mod unwind;

pub use error::PassError;
pub use features::Feature;
pub use stamp::Stamp;
pub use unwind::Unwind;
pub use walrus::ValType;

use std::fmt;

use walrus::ModuleConfig;

/// The name under which the artifact exports its memory.
pub const MEMORY: &str = "memory";

/// Bytes in one page of WebAssembly memory.
pub const PAGE_SIZE: u32 = 65_536;

/// What one artifact has to be.
#[derive(Clone, Debug)]
pub struct Config {
    /// How Lua errors unwind.
    pub unwind: Unwind,
    /// Memory size in pages of 64 KiB, minimum and maximum alike.
    pub pages: u32,
    /// Bytes that static data and stack must leave for the heap.
    pub min_heap: u32,
    /// Every function the artifact exports; [`MEMORY`] comes on top.
    pub exports: Vec<Export>,
    /// Every function the artifact imports; [`Unwind::Host`] adds its own two.
    pub imports: Vec<Import>,
    /// The WebAssembly features the artifact claims to need, at most.
    pub features: Vec<Feature>,
    /// What the artifact says about itself.
    pub stamp: Stamp,
    /// Keep the `name` section, for profilers and stack traces.
    pub keep_names: bool,
}

/// A function type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signature {
    /// Parameter types, in order.
    pub params: Vec<ValType>,
    /// Result types, in order.
    pub results: Vec<ValType>,
}

impl Signature {
    /// The function type with these parameters and results.
    pub fn new(params: &[ValType], results: &[ValType]) -> Self {
        Self { params: params.to_vec(), results: results.to_vec() }
    }
}

/// The text format's form, such as `(func (param i32 i32) (result i32))`.
impl fmt::Display for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(func")?;
        for (keyword, types) in [("param", &self.params), ("result", &self.results)] {
            if !types.is_empty() {
                write!(f, " ({keyword}")?;
                for ty in types {
                    write!(f, " {ty}")?;
                }
                f.write_str(")")?;
            }
        }
        f.write_str(")")
    }
}

/// A function that the artifact exports.
#[derive(Clone, Debug)]
pub struct Export {
    /// Its name.
    pub name: String,
    /// Its type.
    pub signature: Signature,
}

/// A function that the artifact imports.
#[derive(Clone, Debug)]
pub struct Import {
    /// Module half of the import's name.
    pub module: String,
    /// Field half of the import's name.
    pub name: String,
    /// Its type.
    pub signature: Signature,
    /// What a call answers in place of the import's own `i32` result when the host throws out of it. Works where
    /// unwinding is injected; with [`Unwind::Host`] the host's own glue has to catch.
    pub guard: Option<i32>,
}

/// An artifact, and what there is to know about it.
#[derive(Clone, Debug)]
pub struct Processed {
    /// The module.
    pub wasm: Vec<u8>,
    /// Its figures.
    pub report: Report,
}

/// Figures of a finished artifact. Sizes are in bytes.
#[derive(Clone, Debug)]
pub struct Report {
    /// Size of the linked module that came in.
    pub linked: usize,
    /// Size of the module that goes out.
    pub size: usize,
    /// Where everything lies in memory.
    pub layout: pin::Layout,
    /// Functions defined in the module.
    pub functions: usize,
    /// WebAssembly features that the module uses.
    pub features: Vec<Feature>,
    /// Functions injected in place of instructions whose feature is not claimed.
    pub lowered: Vec<&'static str>,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let layout = &self.layout;
        write!(
            f,
            "{} bytes, {} functions; of {} bytes memory: static data {}, stack {}, heap {}; needs",
            self.size, self.functions, layout.memory, layout.static_data, layout.stack, layout.heap
        )?;
        if self.features.is_empty() {
            return f.write_str(" no feature beyond WebAssembly 1.0");
        }
        for (i, feature) in self.features.iter().enumerate() {
            write!(f, "{} {feature}", if i == 0 { "" } else { "," })?;
        }
        Ok(())
    }
}

/// Turns a linked module into the artifact that `config` describes. The same input gives the same bytes.
///
/// # Errors
///
/// The first pass that finds the module to be other than `config` says; each pass names all it found.
pub fn process(wasm: &[u8], config: &Config) -> Result<Processed, PassError> {
    let mut module = ModuleConfig::new()
        .generate_producers_section(false)
        .parse(wasm)
        .map_err(|e| PassError::Malformed(format!("{e:#}")))?;

    unwind::run(&mut module, config.unwind, &config.imports)?;
    let layout = pin::run(&mut module, config.pages, config.min_heap)?;
    let lowered = lower::run(&mut module, &config.features);
    seal::run(&mut module, config)?;

    let functions = module.funcs.iter_local().count();
    let named = module.emit_wasm();
    let features = features::run(&named, &config.features)?;
    let stripped = strip::run(&named, config.keep_names)?;

    Ok(Processed {
        report: Report { linked: wasm.len(), size: stripped.len(), layout, functions, features, lowered },
        wasm: stripped,
    })
}
