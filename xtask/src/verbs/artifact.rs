//! Configures the passes, which know nothing of the manifest, from the manifest.

use codegen::lua::release::Release;
use codegen::lua::sources;
use codegen::manifest::{self, Artifact, Manifest, Source, WasmFunction};
use codegen::passes::{self, Config, Export, Import, Processed, Signature, Stamp};

use crate::error::Error;
use crate::workspace::Workspace;

/// Reads `exports.toml` and the files that it includes, as text.
pub fn source(workspace: &Workspace) -> Result<Source, Error> {
    Source::load(&workspace.path("exports.toml")).map_err(Error::codegen("read the manifest"))
}

/// Reads `exports.toml`.
pub fn manifest(workspace: &Workspace) -> Result<Manifest, Error> {
    Manifest::read(&source(workspace)?).map_err(Error::codegen("read the manifest"))
}

/// Makes an artifact from the linked module.
pub fn process(
    workspace: &Workspace,
    manifest: &Manifest,
    artifact: &Artifact,
    linked: &[u8],
) -> Result<Processed, Error> {
    let lua =
        sources::of_line(&workspace.path("vendor"), &artifact.line).map_err(Error::codegen("find the Lua sources"))?;
    process_release(manifest, artifact, lua.release, linked)
}

/// Makes an artifact from a module that was linked with some release of Lua.
pub fn process_release(
    manifest: &Manifest,
    artifact: &Artifact,
    release: Release,
    linked: &[u8],
) -> Result<Processed, Error> {
    let config = config(manifest, artifact, &release.to_string(), linked)?;
    passes::process(linked, &config).map_err(Error::codegen("make the artifact from the linked module"))
}

/// The configuration of the passes for an artifact.
fn config(manifest: &Manifest, artifact: &Artifact, lua_release: &str, linked: &[u8]) -> Result<Config, Error> {
    let exports = manifest.wasm_exports().into_iter();
    let imports = manifest.wasm_imports().into_iter().zip(&manifest.imports);
    Ok(Config {
        unwind: unwind(artifact.unwind),
        pages: pages(manifest)?,
        min_heap: MIN_HEAP,
        exports: exports.map(|function| Export { signature: signature(&function), name: function.name }).collect(),
        imports: imports
            .map(|(function, declared)| Import {
                signature: signature(&function),
                module: function.module,
                name: function.name,
                guard: i32::try_from(declared.threw).ok(),
            })
            .collect(),
        features: artifact.features.iter().copied().map(feature).collect::<Result<_, _>>()?,
        stamp: Stamp {
            abi_version: manifest.abi.version,
            lua_release: lua_release.to_owned(),
            manifest_hash: format!("{:016x}", manifest.hash()),
            build: passes::stamp::build_of(linked),
        },
        keep_names: false,
    })
}

fn pages(manifest: &Manifest) -> Result<u32, Error> {
    let pages = manifest.constant(PAGES).and_then(|constant| u32::try_from(constant.value).ok());
    pages.ok_or(Error::MissingConstant(PAGES))
}

/// The constant that says how many pages of 64 KiB the memory has.
const PAGES: &str = "MEMORY_PAGES";

/// Bytes that must be left for the heap: three quarters of the memory's 2 MiB.
const MIN_HEAP: u32 = 1_572_864;

fn signature(function: &WasmFunction) -> Signature {
    let types = |types: &[manifest::ValType]| types.iter().copied().map(val_type).collect();
    Signature { params: types(&function.params), results: types(&function.results) }
}

fn val_type(ty: manifest::ValType) -> passes::ValType {
    match ty {
        manifest::ValType::I32 => passes::ValType::I32,
        manifest::ValType::I64 => passes::ValType::I64,
        manifest::ValType::F32 => passes::ValType::F32,
        manifest::ValType::F64 => passes::ValType::F64,
    }
}

fn unwind(unwind: manifest::Unwind) -> passes::Unwind {
    match unwind {
        manifest::Unwind::Legacy => passes::Unwind::Legacy,
        manifest::Unwind::Exnref => passes::Unwind::Exnref,
        manifest::Unwind::Host => passes::Unwind::Host,
    }
}

/// Both sides name features as the WebAssembly tools do.
fn feature(feature: manifest::Feature) -> Result<passes::Feature, Error> {
    feature.to_string().parse().map_err(Error::codegen("configure the passes"))
}
