//! Removes the exports that are the linker's or the C objects' own and whatever nothing reaches then, compares the
//! exports and imports that remain with the manifest's, by name and type, and adds the stamp. Safe because none of the
//! exports removed is in the manifest, and because every other difference is an error.

use std::collections::BTreeSet;
use std::fmt;

use walrus::{ExportItem, GlobalId, ImportKind, Module, RawCustomSection};

use super::linker::{DATA_END, FUNCTION_TABLE, HEAP_BASE};
use super::{Config, MEMORY, PassError, Signature, Unwind, c_names, stamp, unwind};

/// What the linker exports for tools.
const LINKER_EXPORTS: [&str; 3] = [HEAP_BASE, DATA_END, FUNCTION_TABLE];

/// One way in which the module's boundary is not the manifest's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mismatch {
    /// `export` or `import`.
    pub side: Side,
    /// Its name; an import's is `module.name`.
    pub name: String,
    /// What is wrong with it.
    pub problem: Problem,
}

/// The side of the boundary.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// Offered to the host.
    Export,
    /// Asked from the host.
    Import,
}

/// What is wrong with an export or import. Types are in WebAssembly's text form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Problem {
    /// The manifest has it, the module does not.
    Missing {
        /// Its type in the manifest.
        expected: String,
    },
    /// The module has it, the manifest does not.
    Extra {
        /// Its type in the module.
        found: String,
    },
    /// Both have it, with different types.
    Mistyped {
        /// Its type in the manifest.
        expected: String,
        /// Its type in the module.
        found: String,
    },
    /// The module imports it more than once.
    Repeated,
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let side = match self.side {
            Side::Export => "export",
            Side::Import => "import",
        };
        let name = &self.name;
        match &self.problem {
            Problem::Missing { expected } => {
                write!(f, "missing {side} `{name}`: expected {expected}")?;
                match self.side {
                    Side::Export => Ok(()),
                    Side::Import => f.write_str(", used by some function that an export reaches"),
                }
            }
            Problem::Extra { found } => {
                write!(f, "extra {side} `{name}`: found {found}, expected none")
            }
            Problem::Mistyped { expected, found } => {
                write!(f, "mistyped {side} `{name}`: expected {expected}, found {found}")
            }
            Problem::Repeated => write!(f, "repeated {side} `{name}`: expected it once"),
        }
    }
}

/// Seals the module's boundary as `config` has it.
pub fn run(module: &mut Module, config: &Config) -> Result<(), PassError> {
    let host = config.unwind == Unwind::Host;
    drop_internal_exports(module, config, host);
    // Before the comparison: an import that nothing reaches is not in the artifact.
    walrus::passes::gc::run(module);

    let mut mismatches = compare(Side::Export, &expected_exports(config, host), &exports(module));
    mismatches.extend(compare(Side::Import, &expected_imports(config, host), &imports(module)));
    if !mismatches.is_empty() {
        return Err(PassError::Boundary(mismatches));
    }

    module.customs.add(RawCustomSection {
        name: stamp::SECTION.to_owned(),
        data: config.stamp.encode().map_err(PassError::Stamp)?,
    });
    Ok(())
}

/// An export or import by name, with its type as text.
type Entry = (String, String);

fn drop_internal_exports(module: &mut Module, config: &Config, host: bool) {
    let declared = |name: &str| config.exports.iter().any(|e| e.name == name);
    let internal = |name: &str| LINKER_EXPORTS.contains(&name) || c_names::contains(name);
    let dropped: Vec<_> = module
        .exports
        .iter()
        .filter(|e| internal(&e.name) && !declared(&e.name))
        .filter(|e| !(host && e.name == FUNCTION_TABLE))
        .map(|e| e.id())
        .collect();
    for id in dropped {
        module.exports.delete(id);
    }
}

const MEMORY_TYPE: &str = "(memory)";
const TABLE_TYPE: &str = "(table)";

fn expected_exports(config: &Config, host: bool) -> Vec<Entry> {
    let functions = config.exports.iter().map(|e| (e.name.clone(), e.signature.to_string()));
    let memory = (MEMORY.to_owned(), MEMORY_TYPE.to_owned());
    let table = host.then(|| (FUNCTION_TABLE.to_owned(), TABLE_TYPE.to_owned()));
    functions.chain([memory]).chain(table).collect()
}

fn expected_imports(config: &Config, host: bool) -> Vec<Entry> {
    let entry = |module: &str, name: &str, signature: &Signature| (format!("{module}.{name}"), signature.to_string());
    let mut imports: Vec<Entry> = config.imports.iter().map(|i| entry(&i.module, &i.name, &i.signature)).collect();
    if host {
        let (try_, throw) = unwind::signatures();
        imports.push(entry(unwind::HOST_MODULE, unwind::HOST_TRY, &try_));
        imports.push(entry(unwind::HOST_MODULE, unwind::HOST_THROW, &throw));
    }
    imports
}

fn exports(module: &Module) -> Vec<Entry> {
    module
        .exports
        .iter()
        .map(|export| {
            let ty = match export.item {
                ExportItem::Function(id) => unwind::signature(module, id).to_string(),
                ExportItem::Memory(_) => MEMORY_TYPE.to_owned(),
                ExportItem::Table(_) => TABLE_TYPE.to_owned(),
                ExportItem::Global(id) => global(module, id),
                ExportItem::Tag(_) => "(tag)".to_owned(),
            };
            (export.name.clone(), ty)
        })
        .collect()
}

fn imports(module: &Module) -> Vec<Entry> {
    module
        .imports
        .iter()
        .map(|import| {
            let ty = match import.kind {
                ImportKind::Function(id) => unwind::signature(module, id).to_string(),
                ImportKind::Memory(_) => MEMORY_TYPE.to_owned(),
                ImportKind::Table(_) => TABLE_TYPE.to_owned(),
                ImportKind::Global(id) => global(module, id),
                ImportKind::Tag(_) => "(tag)".to_owned(),
            };
            (format!("{}.{}", import.module, import.name), ty)
        })
        .collect()
}

fn global(module: &Module, id: GlobalId) -> String {
    let global = module.globals.get(id);
    if global.mutable { format!("(global (mut {}))", global.ty) } else { format!("(global {})", global.ty) }
}

fn compare(side: Side, expected: &[Entry], found: &[Entry]) -> Vec<Mismatch> {
    let mut mismatches = Vec::new();
    let mut report = |name: &str, problem| {
        mismatches.push(Mismatch { side, name: name.to_owned(), problem });
    };
    for (name, expected) in expected {
        match found.iter().find(|(n, _)| n == name) {
            None => report(name, Problem::Missing { expected: expected.clone() }),
            Some((_, found)) if found != expected => {
                report(name, Problem::Mistyped { expected: expected.clone(), found: found.clone() })
            }
            Some(_) => {}
        }
    }
    let mut seen = BTreeSet::new();
    for (name, found) in found {
        if !seen.insert(name) {
            report(name, Problem::Repeated);
        } else if !expected.iter().any(|(n, _)| n == name) {
            report(name, Problem::Extra { found: found.clone() });
        }
    }
    mismatches
}
