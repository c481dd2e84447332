//! Runs the generated loader in Node, with stub modules that have the manifest's boundary and do nothing.
#![cfg(feature = "passes")]

use std::path::Path;
use std::process::Command;

use codegen::backend::{Backend, Loader};
use codegen::manifest::{Manifest, ValType, WasmFunction};
use codegen::passes::unwind;
use wasm_encoder::{
    CodeSection, CustomSection, EntityType, ExportKind, ExportSection, Function, FunctionSection, ImportSection,
    MemorySection, MemoryType, Module, TypeSection,
};

/// A module with all imports and exports of the manifest but one, whose functions return zero.
struct Stub<'m> {
    manifest: &'m Manifest,
    pages: u64,
    without: &'static str,
    section: Option<Vec<u8>>,
    /// Imports the two functions of unwind mode `host`, too.
    host: bool,
}

impl Stub<'_> {
    fn encode(&self) -> Vec<u8> {
        let (mut imported, mut exported) = (self.manifest.wasm_imports(), self.manifest.wasm_exports());
        if self.host {
            imported.extend([(unwind::HOST_TRY, vec![ValType::I32; 3]), (unwind::HOST_THROW, vec![])].map(
                |(name, params)| WasmFunction {
                    module: unwind::HOST_MODULE.to_owned(),
                    name: name.to_owned(),
                    params,
                    results: vec![],
                },
            ));
        }
        exported.retain(|function| function.name != self.without);
        let mut types = TypeSection::new();
        for function in imported.iter().chain(&exported) {
            let values = |types: &[ValType]| types.iter().copied().map(value_type).collect::<Vec<_>>();
            types.ty().function(values(&function.params), values(&function.results));
        }
        let mut imports = ImportSection::new();
        for (index, function) in (0..).zip(&imported) {
            imports.import(&function.module, &function.name, EntityType::Function(index));
        }
        let first = u32::try_from(imported.len()).expect("there are few imports");
        let (mut functions, mut exports, mut bodies) =
            (FunctionSection::new(), ExportSection::new(), CodeSection::new());
        let mut memories = MemorySection::new();
        memories.memory(MemoryType {
            minimum: self.pages,
            maximum: Some(self.pages),
            memory64: false,
            shared: false,
            page_size_log2: None,
        });
        exports.export(&self.manifest.abi.memory, ExportKind::Memory, 0);
        for (index, function) in (first..).zip(&exported) {
            functions.function(index);
            exports.export(&function.name, ExportKind::Func, index);
            bodies.function(&body(function));
        }
        let mut module = Module::new();
        module.section(&types).section(&imports).section(&functions).section(&memories).section(&exports);
        module.section(&bodies);
        if let Some(data) = &self.section {
            module.section(&CustomSection { name: (&self.manifest.abi.section).into(), data: data.into() });
        }
        module.finish()
    }
}

fn value_type(ty: ValType) -> wasm_encoder::ValType {
    match ty {
        ValType::I32 => wasm_encoder::ValType::I32,
        ValType::I64 => wasm_encoder::ValType::I64,
        ValType::F32 => wasm_encoder::ValType::F32,
        ValType::F64 => wasm_encoder::ValType::F64,
    }
}

fn body(function: &WasmFunction) -> Function {
    let mut body = Function::new([]);
    for result in &function.results {
        assert_eq!(*result, ValType::I32, "stubs return an i32 or nothing");
        body.instructions().i32_const(0);
    }
    body.instructions().end();
    body
}

fn stamp(version: u32, manifest: &Manifest) -> Vec<u8> {
    let mut bytes = version.to_le_bytes().to_vec();
    for text in ["5.4.9".to_owned(), format!("{:016x}", manifest.hash())] {
        bytes.push(u8::try_from(text.len()).expect("the texts are short"));
        bytes.extend(text.bytes());
    }
    bytes
}

#[test]
fn the_loader_does_in_node_what_its_documentation_says() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let manifest = Manifest::load(&here.join("../exports.toml")).unwrap_or_else(|error| panic!("{error}"));
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("loader");
    std::fs::create_dir_all(&folder).expect("the target directory can be written");
    let write = |name: &str, bytes: &[u8]| {
        std::fs::write(folder.join(name), bytes).expect("the target directory can be written");
    };

    let stub = |version, pages, without| {
        let section = Some(stamp(version, &manifest));
        Stub { manifest: &manifest, pages, without, section, host: false }
    };
    let version = manifest.abi.version;
    write("fits.wasm", &stub(version, 32, "").encode());
    write("host.wasm", &Stub { host: true, ..stub(version, 32, "") }.encode());
    write("newer.wasm", &stub(99, 32, "").encode());
    write("lacking.wasm", &stub(version, 32, "compute").encode());
    write("small.wasm", &stub(version, 1, "").encode());
    write("unstamped.wasm", &Stub { section: None, ..stub(version, 32, "") }.encode());
    let damaged = Some(vec![1, 0, 0, 0, 200, b'5']);
    write("damaged.wasm", &Stub { section: damaged, ..stub(version, 32, "") }.encode());
    let loader = folder.join("loader.mjs");
    write("loader.mjs", Loader.render(&manifest).as_bytes());

    let output = Command::new("node")
        .arg("--test")
        .arg(here.join("tests/generated_loader.mjs"))
        .env("LOADER_TEST", format!("{}|{}", loader.display(), folder.display()))
        .output()
        .expect("node is installed");
    assert!(
        output.status.success(),
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}
