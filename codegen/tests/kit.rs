//! Checks the conformance kit for hosts: a valid module with the imports of `lua.wasm`, whose promises the reference makes.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use codegen::backend::{Backend, Reference};
use codegen::kit;
use codegen::manifest::Manifest;
use wasmparser::{Parser, Payload, Validator, WasmFeatures};

fn manifest() -> Manifest {
    let root: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    Manifest::load(&root.join("exports.toml")).unwrap_or_else(|diagnostics| panic!("{diagnostics}"))
}

#[test]
fn the_kit_is_a_module_of_the_first_version_of_webassembly() {
    let wasm = kit::module(&manifest());
    let mut validator = Validator::new_with_features(WasmFeatures::MVP);
    validator.validate_all(&wasm).expect("the kit is valid");
}

#[test]
fn the_kit_has_the_imports_and_the_memory_of_the_manifest() {
    let (manifest, mut found, mut memory) = (manifest(), Vec::new(), None);
    let wasm = kit::module(&manifest);
    for payload in Parser::new(0).parse_all(&wasm) {
        match payload.expect("the kit can be read") {
            Payload::ImportSection(imports) => {
                let imports = imports.into_imports().map(|import| import.expect("an import can be read"));
                found.extend(imports.map(|import| (import.module.to_owned(), import.name.to_owned())));
            }
            Payload::MemorySection(memories) => memory = memories.into_iter().next().and_then(Result::ok),
            _ => {}
        }
    }
    let declared = manifest.wasm_imports().into_iter().map(|function| (function.module, function.name));
    assert_eq!(found, declared.collect::<Vec<_>>());
    let memory = memory.expect("the kit has a memory");
    let pages = u64::from(manifest.memory_pages());
    assert_eq!((memory.initial, memory.maximum), (pages, Some(pages)));
}

#[test]
fn each_promise_has_a_name_of_its_own_and_is_made_by_the_reference() {
    let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let reference = words(&Reference.render(&manifest()));
    let mut names = BTreeSet::new();
    for promise in kit::all() {
        assert!(names.insert(promise.name), "two promises have the name {}", promise.name);
        let says = words(promise.says);
        assert!(reference.contains(&says), "{}: the reference does not say '{says}'", promise.name);
    }
}
