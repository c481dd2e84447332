//! Linked modules as `wasm-ld` lays them out, small enough to read, and configurations that they satisfy.

use std::borrow::Cow;

use codegen::passes::{Config, Export, Feature, Import, Signature, Stamp, Unwind};
use wasm_encoder::{
    CodeSection, ConstExpr, CustomSection, DataSection, ElementSection, Elements, EntityType, ExportKind,
    ExportSection, Function, FunctionSection, GlobalSection, GlobalType, ImportSection, Instruction, MemorySection,
    MemoryType, Module, NameMap, NameSection, RefType, TableSection, TableType, TypeSection, ValType,
};

pub use wasm_encoder::ValType::I32;

/// A function defined in the module; `locals` come after its parameters.
pub struct Defined {
    pub name: &'static str,
    pub exported: bool,
    pub params: Vec<ValType>,
    pub results: Vec<ValType>,
    pub locals: Vec<ValType>,
    pub body: Vec<Instruction<'static>>,
}

impl Defined {
    pub fn exported(
        name: &'static str,
        params: &[ValType],
        results: &[ValType],
        body: Vec<Instruction<'static>>,
    ) -> Self {
        Self { name, exported: true, params: params.to_vec(), results: results.to_vec(), locals: Vec::new(), body }
    }

    pub fn private(
        name: &'static str,
        params: &[ValType],
        results: &[ValType],
        body: Vec<Instruction<'static>>,
    ) -> Self {
        Self { exported: false, ..Self::exported(name, params, results, body) }
    }
}

/// A linked module. Its globals are the stack pointer, `__heap_base` and `__data_end`, in this order.
pub struct Linked {
    pub memory: (u64, Option<u64>),
    pub memory_imported: bool,
    pub stack_top: i32,
    pub data_end: Option<i32>,
    pub heap_base: Option<i32>,
    pub data: Vec<(i32, Vec<u8>)>,
    /// Imported functions, which come first in the index space: module, name, parameters, results.
    pub imports: Vec<(&'static str, &'static str, Vec<ValType>, Vec<ValType>)>,
    pub functions: Vec<Defined>,
    /// Function indices, from table index 1 on, as `wasm-ld` does.
    pub table: Vec<u32>,
    /// Types beyond those of the functions, for `call_indirect` and blocks; they come first in the type section.
    pub types: Vec<(Vec<ValType>, Vec<ValType>)>,
    pub stack_pointer_exported: bool,
    /// Initial value of a mutable global that comes before the stack pointer.
    pub decoy: Option<i32>,
    /// Whether there is a name section.
    pub named: bool,
}

impl Default for Linked {
    /// One page of memory: a stack of 1 KiB, 1 KiB of data, then the heap.
    fn default() -> Self {
        Self {
            memory: (1, None),
            memory_imported: false,
            stack_top: 1024,
            data_end: Some(2048),
            heap_base: Some(2048),
            data: Vec::new(),
            imports: Vec::new(),
            functions: Vec::new(),
            table: Vec::new(),
            types: Vec::new(),
            stack_pointer_exported: false,
            decoy: None,
            named: true,
        }
    }
}

impl Linked {
    pub fn with(functions: Vec<Defined>) -> Self {
        Self { functions, ..Self::default() }
    }

    pub fn encode(&self) -> Vec<u8> {
        let mut types = TypeSection::new();
        for (params, results) in &self.types {
            types.ty().function(params.clone(), results.clone());
        }
        let mut imports = ImportSection::new();
        for (module, name, params, results) in &self.imports {
            let ty = types.len();
            types.ty().function(params.clone(), results.clone());
            imports.import(module, name, EntityType::Function(ty));
        }
        let memory = MemoryType {
            minimum: self.memory.0,
            maximum: self.memory.1,
            memory64: false,
            shared: false,
            page_size_log2: None,
        };
        let mut memories = MemorySection::new();
        if self.memory_imported {
            imports.import("env", "memory", memory);
        } else {
            memories.memory(memory);
        }

        let mut tables = TableSection::new();
        tables.table(TableType {
            element_type: RefType::FUNCREF,
            table64: false,
            minimum: self.table.len() as u64 + 1,
            maximum: Some(self.table.len() as u64 + 1),
            shared: false,
        });
        let mut elements = ElementSection::new();
        if !self.table.is_empty() {
            elements.active(None, &ConstExpr::i32_const(1), Elements::Functions(Cow::Borrowed(&self.table)));
        }

        let mut globals = GlobalSection::new();
        let mut exports = ExportSection::new();
        exports.export("memory", ExportKind::Memory, 0);
        exports.export("__indirect_function_table", ExportKind::Table, 0);
        let addresses = [
            (None, self.decoy),
            (self.stack_pointer_exported.then_some("__stack_pointer"), Some(self.stack_top)),
            (Some("__heap_base"), self.heap_base),
            (Some("__data_end"), self.data_end),
        ];
        for (position, (name, address)) in addresses.into_iter().enumerate() {
            let Some(address) = address else { continue };
            let global = globals.len();
            globals.global(
                GlobalType { val_type: I32, mutable: position < 2, shared: false },
                &ConstExpr::i32_const(address),
            );
            if let Some(name) = name {
                exports.export(name, ExportKind::Global, global);
            }
        }

        let mut functions = FunctionSection::new();
        let mut code = CodeSection::new();
        let mut function_names = NameMap::new();
        for (position, defined) in self.functions.iter().enumerate() {
            let index = (self.imports.len() + position) as u32;
            functions.function(types.len());
            types.ty().function(defined.params.clone(), defined.results.clone());
            if defined.exported {
                exports.export(defined.name, ExportKind::Func, index);
            }
            function_names.append(index, defined.name);
            let mut body = Function::new_with_locals_types(defined.locals.iter().copied());
            for instruction in &defined.body {
                body.instruction(instruction);
            }
            body.instruction(&Instruction::End);
            code.function(&body);
        }

        let mut data = DataSection::new();
        for (offset, bytes) in &self.data {
            data.active(0, &ConstExpr::i32_const(*offset), bytes.iter().copied());
        }
        let mut names = NameSection::new();
        names.functions(&function_names);
        let mut global_names = NameMap::new();
        global_names.append(self.decoy.is_some().into(), "__stack_pointer");
        names.globals(&global_names);

        let mut module = Module::new();
        module.section(&types).section(&imports).section(&functions);
        module.section(&tables);
        if !memories.is_empty() {
            module.section(&memories);
        }
        module.section(&globals).section(&exports);
        module.section(&elements).section(&code).section(&data);
        if self.named {
            module.section(&names);
        }
        module.section(&CustomSection {
            name: "target_features".into(),
            data: (&[1, b'+', 4, b's', b'i', b'm', b'd'][..]).into(),
        });
        module.finish()
    }

    /// A configuration that expects what the module has, and no features.
    pub fn config(&self) -> Config {
        let convert = |types: &[ValType]| -> Vec<codegen::passes::ValType> {
            types
                .iter()
                .map(|ty| match ty {
                    ValType::I32 => codegen::passes::ValType::I32,
                    ValType::I64 => codegen::passes::ValType::I64,
                    ValType::F32 => codegen::passes::ValType::F32,
                    ValType::F64 => codegen::passes::ValType::F64,
                    other => panic!("no fixture uses {other:?}"),
                })
                .collect()
        };
        Config {
            unwind: Unwind::Legacy,
            pages: 2,
            min_heap: 1,
            exports: self
                .functions
                .iter()
                .filter(|f| f.exported)
                .map(|f| Export {
                    name: f.name.to_owned(),
                    signature: Signature::new(&convert(&f.params), &convert(&f.results)),
                })
                .collect(),
            imports: self
                .imports
                .iter()
                .filter(|(module, ..)| *module != "unwind")
                .map(|(module, name, params, results)| Import {
                    module: (*module).to_owned(),
                    name: (*name).to_owned(),
                    signature: Signature::new(&convert(params), &convert(results)),
                    guard: None,
                })
                .collect(),
            features: Vec::new(),
            stamp: Stamp {
                abi_version: 7,
                lua_release: "5.4.9".to_owned(),
                manifest_hash: "0123abcd".to_owned(),
                build: String::new(),
            },
            keep_names: false,
        }
    }
}

/// `config` claiming these features.
pub fn claiming(config: Config, features: &[Feature]) -> Config {
    Config { features: features.to_vec(), ..config }
}
