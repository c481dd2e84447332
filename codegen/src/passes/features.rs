//! Finds out which WebAssembly features the encoded module uses and refuses those that its artifact does not claim;
//! changes nothing. It reads the bytes and not the `walrus` module, because a feature is a matter of encoding, and lets
//! `wasmparser`'s table of instructions say which proposal each belongs to. As a last proof the module is validated
//! with nothing but the claimed features switched on.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::str::FromStr;

use wasmparser::{
    BlockType, CompositeInnerType, ConstExpr, DataKind, DataSectionReader, ElementItems, ElementKind,
    ElementSectionReader, ExportSectionReader, ExternalKind, FunctionBody, ImportSectionReader, KnownCustom,
    MemoryType, Name, Operator, Parser, Payload, TypeRef, TypeSectionReader, Validator, WasmFeatures,
};

use super::PassError;

macro_rules! features {
    ($($(#[$doc:meta])* $feature:ident = $name:literal, $proposal:literal, [$($flag:ident)*];)*) => {
        /// A WebAssembly feature beyond version 1.0 as first released in browsers.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Feature {
            $($(#[$doc])* $feature,)*
        }

        impl Feature {
            /// Every feature.
            pub const ALL: &[Self] = &[$(Self::$feature,)*];

            /// Its name in the manifest.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$feature => $name,)*
                }
            }

            fn of_proposal(proposal: &str) -> Option<Self> {
                match proposal {
                    $($proposal => Some(Self::$feature),)*
                    _ => None,
                }
            }

            fn flags(self) -> WasmFeatures {
                match self {
                    $(Self::$feature => WasmFeatures::empty()$(.union(WasmFeatures::$flag))*,)*
                }
            }
        }
    };
}

// Feature, its name in the manifest, the proposal's name in `wasmparser`'s instruction table, validator switches.
features! {
    /// Mutable globals as exports or imports.
    MutableGlobals = "mutable-globals", "mutable_global", [MUTABLE_GLOBAL];
    /// `i32.extend8_s` and its like.
    SignExtension = "sign-extension", "sign_extension", [SIGN_EXTENSION];
    /// `i32.trunc_sat_f64_s` and its like.
    NontrappingFptoint = "nontrapping-fptoint", "saturating_float_to_int", [SATURATING_FLOAT_TO_INT];
    /// `memory.copy`, `memory.fill`, passive segments.
    BulkMemory = "bulk-memory", "bulk_memory", [BULK_MEMORY];
    /// Functions with several results, blocks with parameters or several results.
    MultiValue = "multi-value", "multi_value", [MULTI_VALUE];
    /// References as values, several tables.
    ReferenceTypes = "reference-types", "reference_types", [REFERENCE_TYPES];
    /// 128-bit vectors.
    Simd = "simd", "simd", [SIMD];
    /// Vector instructions whose results may differ between machines.
    RelaxedSimd = "relaxed-simd", "relaxed_simd", [SIMD RELAXED_SIMD];
    /// `try` and `catch`.
    ExceptionsLegacy = "exceptions-legacy", "legacy_exceptions", [EXCEPTIONS LEGACY_EXCEPTIONS];
    /// `try_table`.
    Exceptions = "exceptions", "exceptions", [EXCEPTIONS];
    /// `return_call`.
    TailCalls = "tail-calls", "tail_call", [TAIL_CALL];
    /// Arithmetic in constant expressions.
    ExtendedConst = "extended-const", "extended_const", [EXTENDED_CONST];
    /// Shared memory and atomic instructions.
    Threads = "threads", "threads", [THREADS];
    /// More than one memory.
    MultiMemory = "multi-memory", "multi_memory", [MULTI_MEMORY];
    /// Memories with 64-bit addresses.
    Memory64 = "memory64", "memory64", [MEMORY64];
    /// Calls through typed references.
    FunctionReferences = "function-references", "function_references", [REFERENCE_TYPES FUNCTION_REFERENCES];
    /// Structs and arrays collected by the engine.
    Gc = "gc", "gc", [REFERENCE_TYPES FUNCTION_REFERENCES GC];
    /// 128-bit arithmetic on pairs of `i64`.
    WideArithmetic = "wide-arithmetic", "wide_arithmetic", [WIDE_ARITHMETIC];
}

impl fmt::Display for Feature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A name that is no feature's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownFeature(pub String);

impl fmt::Display for UnknownFeature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` is not a WebAssembly feature; expected one of", self.0)?;
        for (i, feature) in Feature::ALL.iter().enumerate() {
            write!(f, "{} {feature}", if i == 0 { "" } else { "," })?;
        }
        Ok(())
    }
}

impl std::error::Error for UnknownFeature {}

impl FromStr for Feature {
    type Err = UnknownFeature;

    fn from_str(name: &str) -> Result<Self, UnknownFeature> {
        Self::ALL.iter().find(|feature| feature.name() == name).copied().ok_or_else(|| UnknownFeature(name.to_owned()))
    }
}

/// Where a module first uses a feature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Use {
    /// The feature.
    pub feature: Feature,
    /// The instruction and its function, or the declaration.
    pub place: String,
}

/// The features that the module uses, in the order of [`Feature::ALL`].
pub fn run(wasm: &[u8], claimed: &[Feature]) -> Result<Vec<Feature>, PassError> {
    let mut uses = Uses::default();
    uses.read(wasm).map_err(|e| PassError::Malformed(e.to_string()))?;
    let used = uses.finish(claimed);

    let unclaimed: Vec<Use> = used
        .iter()
        .filter(|(feature, _)| !claimed.contains(feature))
        .map(|(&feature, place)| Use { feature, place: place.clone() })
        .collect();
    if !unclaimed.is_empty() {
        return Err(PassError::UnclaimedFeatures(unclaimed));
    }

    let flags = claimed.iter().fold(WasmFeatures::MVP, |flags, feature| flags | feature.flags());
    Validator::new_with_features(flags).validate_all(wasm).map_err(|e| PassError::Invalid(e.to_string()))?;
    Ok(used.into_keys().collect())
}

/// First use of each feature, and what has been read so far of the module that decides about later sections.
#[derive(Default)]
struct Uses {
    first: BTreeMap<Feature, String>,
    /// First use of a tag or `throw`, which both generations of exceptions share.
    exception: Option<String>,
    /// Types with several results, which count if no instruction tells a better place.
    several_results: Option<String>,
    /// Names of functions, by index.
    names: HashMap<u32, String>,
    /// Whether each global is mutable, imported ones first.
    globals: Vec<bool>,
    functions: u32,
    tables: u32,
    memories: u32,
}

impl Uses {
    fn add(&mut self, feature: Feature, place: impl FnOnce() -> String) {
        self.first.entry(feature).or_insert_with(place);
    }

    fn finish(mut self, claimed: &[Feature]) -> BTreeMap<Feature, String> {
        if let Some(place) = self.several_results.take() {
            self.add(Feature::MultiValue, || place);
        }
        // A tag or `throw` without any `try` counts as whichever generation is claimed.
        let generations = [Feature::ExceptionsLegacy, Feature::Exceptions];
        if let Some(place) = self.exception.take()
            && !generations.iter().any(|g| self.first.contains_key(g))
        {
            let generation = generations.into_iter().find(|g| claimed.contains(g));
            self.add(generation.unwrap_or(Feature::Exceptions), || place);
        }
        self.first
    }

    fn read(&mut self, wasm: &[u8]) -> wasmparser::Result<()> {
        self.names = function_names(wasm)?;
        for payload in Parser::new(0).parse_all(wasm) {
            match payload? {
                Payload::TypeSection(types) => self.types(types)?,
                Payload::ImportSection(imports) => self.imports(imports)?,
                Payload::TableSection(tables) => self.tables += tables.count(),
                Payload::MemorySection(memories) => {
                    for memory in memories {
                        let index = self.memories;
                        self.memory(&memory?, || format!("memory {index}"));
                    }
                }
                Payload::TagSection(tags) if tags.count() > 0 => {
                    self.exception.get_or_insert_with(|| "tag 0".to_owned());
                }
                Payload::GlobalSection(globals) => {
                    for global in globals {
                        let global = global?;
                        let index = self.globals.len();
                        self.globals.push(global.ty.mutable);
                        self.const_expr(&global.init_expr, || format!("the initial value of global {index}"))?;
                    }
                }
                Payload::ExportSection(exports) => self.exports(exports)?,
                Payload::ElementSection(elements) => self.elements(elements)?,
                Payload::DataCountSection { .. } => {
                    self.add(Feature::BulkMemory, || "the data count section".to_owned());
                }
                Payload::DataSection(data) => self.data(data)?,
                Payload::CodeSectionEntry(body) => self.function(&body)?,
                _ => {}
            }
        }
        let (tables, memories) = (self.tables, self.memories);
        if tables > 1 {
            self.add(Feature::ReferenceTypes, || format!("{tables} tables"));
        }
        if memories > 1 {
            self.add(Feature::MultiMemory, || format!("{memories} memories"));
        }
        Ok(())
    }

    fn types(&mut self, types: TypeSectionReader<'_>) -> wasmparser::Result<()> {
        for (index, group) in types.into_iter().enumerate() {
            for ty in group?.into_types() {
                match &ty.composite_type.inner {
                    CompositeInnerType::Func(f) if f.results().len() < 2 => {}
                    CompositeInnerType::Func(_) => {
                        self.several_results.get_or_insert_with(|| format!("the results of type {index}"));
                    }
                    _ => self.add(Feature::Gc, || format!("type {index}, which is no function type")),
                }
            }
        }
        Ok(())
    }

    fn imports(&mut self, imports: ImportSectionReader<'_>) -> wasmparser::Result<()> {
        for import in imports.into_imports() {
            let import = import?;
            let place = || format!("import `{}.{}`", import.module, import.name);
            match import.ty {
                TypeRef::Func(_) | TypeRef::FuncExact(_) => self.functions += 1,
                TypeRef::Global(global) => {
                    self.globals.push(global.mutable);
                    if global.mutable {
                        self.add(Feature::MutableGlobals, place);
                    }
                }
                TypeRef::Table(_) => self.tables += 1,
                TypeRef::Memory(memory) => self.memory(&memory, place),
                TypeRef::Tag(_) => {
                    self.exception.get_or_insert_with(place);
                }
            }
        }
        Ok(())
    }

    fn memory(&mut self, memory: &MemoryType, place: impl Fn() -> String) {
        self.memories += 1;
        if memory.shared {
            self.add(Feature::Threads, &place);
        }
        if memory.memory64 {
            self.add(Feature::Memory64, &place);
        }
    }

    fn exports(&mut self, exports: ExportSectionReader<'_>) -> wasmparser::Result<()> {
        for export in exports {
            let export = export?;
            if export.kind == ExternalKind::Global && self.globals.get(export.index as usize) == Some(&true) {
                self.add(Feature::MutableGlobals, || format!("export `{}`", export.name));
            }
        }
        Ok(())
    }

    fn elements(&mut self, elements: ElementSectionReader<'_>) -> wasmparser::Result<()> {
        for (index, element) in elements.into_iter().enumerate() {
            let element = element?;
            let place = || format!("element segment {index}");
            match element.kind {
                ElementKind::Active { table_index, offset_expr } => {
                    if table_index.is_some_and(|table| table > 0) {
                        self.add(Feature::ReferenceTypes, place);
                    }
                    self.const_expr(&offset_expr, place)?;
                }
                ElementKind::Passive => self.add(Feature::BulkMemory, place),
                ElementKind::Declared => self.add(Feature::ReferenceTypes, place),
            }
            if let ElementItems::Expressions(..) = element.items {
                self.add(Feature::ReferenceTypes, place);
            }
        }
        Ok(())
    }

    fn data(&mut self, data: DataSectionReader<'_>) -> wasmparser::Result<()> {
        for (index, segment) in data.into_iter().enumerate() {
            let place = || format!("data segment {index}");
            match segment?.kind {
                DataKind::Passive => self.add(Feature::BulkMemory, place),
                DataKind::Active { offset_expr, .. } => self.const_expr(&offset_expr, place)?,
            }
        }
        Ok(())
    }

    fn function(&mut self, body: &FunctionBody<'_>) -> wasmparser::Result<()> {
        let function = match self.names.get(&self.functions) {
            Some(name) => format!("function `{name}`"),
            None => format!("function {}", self.functions),
        };
        self.functions += 1;
        let mut operators = body.get_operators_reader()?;
        while !operators.eof() {
            let (operator, offset) = operators.read_with_offset()?;
            self.operator(&operator, |instruction| format!("`{instruction}` in {function}, at byte {offset:#x}"));
        }
        Ok(())
    }

    fn const_expr(&mut self, expr: &ConstExpr<'_>, place: impl Fn() -> String) -> wasmparser::Result<()> {
        for operator in expr.get_operators_reader() {
            let operator = operator?;
            if matches!(
                operator,
                Operator::I32Add
                    | Operator::I32Sub
                    | Operator::I32Mul
                    | Operator::I64Add
                    | Operator::I64Sub
                    | Operator::I64Mul
            ) {
                self.add(Feature::ExtendedConst, &place);
            }
            self.operator(&operator, |instruction| format!("`{instruction}` in {}", place()));
        }
        Ok(())
    }

    fn operator(&mut self, operator: &Operator<'_>, place: impl Fn(String) -> String) {
        let (proposal, visit) = proposal(operator);
        if let Operator::Throw { .. } = operator {
            self.exception.get_or_insert_with(|| place(text_form(visit)));
        } else if let Some(feature) = Feature::of_proposal(proposal) {
            self.add(feature, || place(text_form(visit)));
        }
        if let Operator::Block { blockty }
        | Operator::Loop { blockty }
        | Operator::If { blockty }
        | Operator::Try { blockty } = operator
            && let BlockType::FuncType(_) = blockty
        {
            self.add(Feature::MultiValue, || place(text_form(visit)));
        }
        if let Operator::CallIndirect { table_index, .. } = operator
            && *table_index > 0
        {
            self.add(Feature::ReferenceTypes, || place(text_form(visit)));
        }
    }
}

macro_rules! define_proposal {
    ($(@$proposal:ident $operator:ident $({ $($payload:tt)* })? => $visit:ident ($($annotation:tt)*))*) => {
        /// The proposal that an instruction comes from and the name of its visitor method.
        fn proposal(operator: &Operator<'_>) -> (&'static str, &'static str) {
            match operator {
                $(Operator::$operator { .. } => (stringify!($proposal), stringify!($visit)),)*
                _ => ("", ""),
            }
        }
    };
}
wasmparser::for_each_operator!(define_proposal);

/// An instruction's name in the text format, from its visitor method's: `visit_memory_copy` gives `memory.copy`.
fn text_form(visit: &str) -> String {
    const NAMESPACES: [&str; 22] = [
        "i32", "i64", "f32", "f64", "v128", "i8x16", "i16x8", "i32x4", "i64x2", "f32x4", "f64x2", "local", "global",
        "memory", "table", "data", "elem", "ref", "atomic", "struct", "array", "i31",
    ];
    let name = visit.strip_prefix("visit_").unwrap_or(visit);
    match name.split_once('_') {
        Some((namespace, rest)) if NAMESPACES.contains(&namespace) => format!("{namespace}.{rest}"),
        _ => name.to_owned(),
    }
}

fn function_names(wasm: &[u8]) -> wasmparser::Result<HashMap<u32, String>> {
    let mut names = HashMap::new();
    for payload in Parser::new(0).parse_all(wasm) {
        if let Payload::CustomSection(section) = payload?
            && let KnownCustom::Name(subsections) = section.as_known()
        {
            for subsection in subsections {
                if let Name::Function(functions) = subsection? {
                    for naming in functions {
                        let naming = naming?;
                        names.insert(naming.index, naming.name.to_owned());
                    }
                }
            }
        }
    }
    Ok(names)
}
