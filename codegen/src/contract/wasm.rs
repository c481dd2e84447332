//! Reads what a module says of its ABI: its functions by their types, its memory, its stamp, the features that it uses.

use wasmparser::{ExternalKind, FuncType, Parser, Payload, TypeRef};

use super::read::{Contract, Function, Malformed, signature};
use crate::passes::{Feature, Stamp, features, unwind};

/// What no module says.
pub(super) const SILENT: &str = "a module tells the types of its exports and imports, its memory, its features and its stamp; \
     not names of parameters, constants, services, layouts, keys or refusals";

impl Contract {
    /// Reads a module; `name` is what messages call it.
    ///
    /// # Errors
    ///
    /// Bytes that are no module, or one without the stamp of an artifact.
    pub fn of_wasm(name: &str, wasm: &[u8]) -> Result<Self, Malformed> {
        let stamp = Stamp::of(wasm).map_err(|error| Malformed::new(name, error.to_string()))?;
        let mut module = Module::default();
        module.read(wasm).map_err(|error| Malformed::new(name, format!("the module cannot be read: {error}")))?;
        let features = features::run(wasm, Feature::ALL);
        let features = features.map_err(|error| Malformed::new(name, format!("the module is not valid: {error}")))?;
        let by_host = |function: &Function| {
            function.name.ends_with(&format!(".{}", unwind::HOST_TRY))
                || function.name.ends_with(&format!(".{}", unwind::HOST_THROW))
        };
        let (own, imports): (Vec<_>, Vec<_>) = module.imports.into_iter().partition(by_host);
        Ok(Self {
            name: name.to_owned(),
            version: Some(u64::from(stamp.abi_version)),
            hash: Some(stamp.manifest_hash),
            identity: module.identity,
            exports: module.exports,
            imports,
            unwinds_by_host: Some(!own.is_empty()),
            features: Some(features.into_iter().map(|feature| feature.name().to_owned()).collect()),
            declared: None,
        })
    }
}

/// What has been read of a module.
#[derive(Default)]
struct Module {
    types: Vec<FuncType>,
    /// The type of each function, imported ones first.
    functions: Vec<u32>,
    memories: Vec<(u64, Option<u64>)>,
    imports: Vec<Function>,
    exports: Vec<Function>,
    identity: Vec<(&'static str, String)>,
}

impl Module {
    fn read(&mut self, wasm: &[u8]) -> Result<(), String> {
        let text = |error: wasmparser::BinaryReaderError| error.to_string();
        for payload in Parser::new(0).parse_all(wasm) {
            match payload.map_err(text)? {
                Payload::TypeSection(section) => {
                    for group in section.into_iter_err_on_gc_types() {
                        self.types.push(group.map_err(text)?);
                    }
                }
                Payload::ImportSection(section) => {
                    for import in section.into_imports() {
                        let import = import.map_err(text)?;
                        let TypeRef::Func(ty) = import.ty else { continue };
                        self.functions.push(ty);
                        let name = format!("{}.{}", import.module, import.name);
                        self.imports.push(Function { name, wasm: self.signature(ty)?, declared: None });
                    }
                }
                Payload::FunctionSection(section) => {
                    for ty in section {
                        self.functions.push(ty.map_err(text)?);
                    }
                }
                Payload::MemorySection(section) => {
                    for memory in section {
                        let memory = memory.map_err(text)?;
                        self.memories.push((memory.initial, memory.maximum));
                    }
                }
                Payload::ExportSection(section) => {
                    for export in section {
                        let export = export.map_err(text)?;
                        self.export(export.name, export.kind, export.index)?;
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn export(&mut self, name: &str, kind: ExternalKind, index: u32) -> Result<(), String> {
        match kind {
            ExternalKind::Func => {
                let ty = self.functions.get(index as usize).ok_or("an export names no function")?;
                self.exports.push(Function { name: name.to_owned(), wasm: self.signature(*ty)?, declared: None });
            }
            ExternalKind::Memory => {
                let (minimum, maximum) = self.memories.get(index as usize).ok_or("an export names no memory")?;
                self.identity.push(("the exported memory", name.to_owned()));
                self.identity.push(("pages of the memory, minimum", minimum.to_string()));
                let maximum = maximum.map_or("none".to_owned(), |maximum| maximum.to_string());
                self.identity.push(("pages of the memory, maximum", maximum));
            }
            _ => {}
        }
        Ok(())
    }

    fn signature(&self, ty: u32) -> Result<String, String> {
        let ty = self.types.get(ty as usize).ok_or("a function has no type")?;
        let names = |types: &[wasmparser::ValType]| types.iter().map(ToString::to_string).collect::<Vec<_>>();
        Ok(signature(&names(ty.params()), &names(ty.results())))
    }
}
