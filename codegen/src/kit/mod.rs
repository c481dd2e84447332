//! Makes `kit.wasm`, the conformance kit for hosts: a module that takes the imports of `lua.wasm` and tests every
//! promise of the reference that a host has to keep. hosts/kit/README.md says how to run it.
//!
//! - `promises/` has the promises, each with the sentence of the reference and the function that writes its test.
//! - `test` has the words in which the tests are written, `runtime` the functions that they call.
//! - `report` has the exports, `layout` the memory, `assembler` expressions and control flow.
//!
//! The module has numbers of 32 bits only, and no feature beyond the first version of WebAssembly.

mod assembler;
mod layout;
mod list;
mod promises;
mod report;
mod runtime;
mod test;

use wasm_encoder::{
    CodeSection, ConstExpr, DataSection, EntityType, ExportKind, ExportSection, Function, FunctionSection,
    ImportSection, MemorySection, MemoryType, Module, TypeSection, ValType,
};

use self::assembler::Code;
use self::layout::{TEXTS, Texts};
use self::report::{EXPORTS, Report};
use self::runtime::{Call, IMPORTS};
use self::test::Test;
use crate::manifest::{self, Manifest};

pub use self::list::List;
pub use self::promises::{Promise, all};

/// Where the module is built, from the root of the repository.
pub const PATH: &str = "hosts/kit/kit.wasm";

/// Makes the module for the imports and services of a manifest.
///
/// # Panics
///
/// If the manifest's imports are not the five that the kit tests.
pub fn module(manifest: &Manifest) -> Vec<u8> {
    let promises: Vec<_> = all().collect();
    let number_of = |name: &str| {
        let number = promises.iter().position(|promise| promise.name == name);
        number.unwrap_or_else(|| panic!("the kit has no promise {name}")) as u32
    };
    let mut texts = Texts::default();
    let mut functions: Vec<(usize, Function)> = runtime::functions().collect();
    for (number, promise) in promises.iter().enumerate() {
        let mut test = Test::new(number as u32, &mut texts, manifest);
        if let Some(service) = promise.service {
            test.needs(service);
        }
        (promise.test)(&mut test);
        functions.push((0, test.finish(number as u32, promise.name, number_of)));
    }
    for export in &EXPORTS {
        let mut code = Code::new(export.params);
        let result = (export.body)(&mut code, &mut Report { promises: &promises, texts: &mut texts });
        functions.push((export.params, code.finish(result)));
    }
    encode(manifest, &functions, &texts.finish())
}

/// Puts the sections together. The exported functions are the last.
fn encode(manifest: &Manifest, functions: &[(usize, Function)], texts: &[u8]) -> Vec<u8> {
    let (mut types, mut imports, mut indices) = (TypeSection::new(), ImportSection::new(), FunctionSection::new());
    let (mut exports, mut code, mut data) = (ExportSection::new(), CodeSection::new(), DataSection::new());
    // One type for each number of parameters.
    for params in 0..=MOST_PARAMS {
        types.ty().function(vec![ValType::I32; params], [ValType::I32]);
    }
    let imported = [Call::Set, Call::Get, Call::Delete, Call::Size, Call::Keys];
    let declared = manifest.wasm_imports();
    assert_eq!(declared.len(), IMPORTS, "the kit tests five imports");
    for ((function, import), call) in declared.iter().zip(&manifest.imports).zip(imported) {
        let all = || function.params.iter().chain(&function.results);
        assert!(
            all().all(|ty| *ty == manifest::ValType::I32),
            "the kit passes numbers of 32 bits to {}",
            function.name
        );
        let handler = format!("{call:?}").to_lowercase();
        assert!(
            import.handler == handler && function.params.len() == call.params(),
            "the kit has no {}",
            function.name
        );
        imports.import(&function.module, &function.name, EntityType::Function(function.params.len() as u32));
    }
    for (params, function) in functions {
        indices.function(*params as u32);
        code.function(function);
    }
    let pages = u64::from(manifest.memory_pages());
    let mut memories = MemorySection::new();
    memories.memory(MemoryType {
        minimum: pages,
        maximum: Some(pages),
        memory64: false,
        shared: false,
        page_size_log2: None,
    });
    exports.export(&manifest.abi.memory, ExportKind::Memory, 0);
    let first = IMPORTS + functions.len() - EXPORTS.len();
    for (index, export) in EXPORTS.iter().enumerate() {
        exports.export(export.name, ExportKind::Func, (first + index) as u32);
    }
    data.active(0, &ConstExpr::i32_const(TEXTS.cast_signed()), texts.iter().copied());
    let mut module = Module::new();
    module.section(&types).section(&imports).section(&indices).section(&memories);
    module.section(&exports).section(&code).section(&data);
    module.finish()
}

/// The most parameters that a function of the module has.
const MOST_PARAMS: usize = 5;
