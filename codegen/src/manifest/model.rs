//! Models the boundary: what `exports.toml` declares, checked, in the order of the file, free of any output format.

use std::fmt;

use super::grammar::Rule;
use super::layouts::{Item, Layout, Writer};
use super::types::{Scalar, Type, ValType};

/// A whole checked manifest.
#[derive(Clone, Debug)]
pub struct Manifest {
    /// Version and identity of the boundary.
    pub abi: Abi,
    /// Scalars that have a name and a meaning of their own.
    pub types: Vec<NamedType>,
    /// Groups of constants of which hosts know all members, so that one more is a new version.
    pub closed: Vec<String>,
    /// Numbers both sides agree on.
    pub constants: Vec<Constant>,
    /// What bytes consist of that cross the boundary.
    pub layouts: Vec<Layout>,
    /// The grammar of keys.
    pub rules: Vec<Rule>,
    /// External tables whose entries have a meaning to the module.
    pub stored: Vec<Stored>,
    /// The states of a module.
    pub states: Vec<State>,
    /// What runs a module.
    pub runtimes: Vec<Runtime>,
    /// Why calls are refused.
    pub refusals: Vec<Refusal>,
    /// Structures that cross the boundary by address.
    pub structs: Vec<Struct>,
    /// Functions of the module.
    pub exports: Vec<Export>,
    /// Functions of the host.
    pub imports: Vec<Import>,
    /// Requests to the host that travel inside the imports.
    pub services: Vec<Service>,
    /// Modules to build.
    pub artifacts: Vec<Artifact>,
    /// Prose that belongs to no single entry.
    pub topics: Vec<Topic>,
    /// Whole programs that use the boundary.
    pub examples: Vec<Example>,
}

/// `[abi]`: what the boundary as a whole is.
#[derive(Clone, Debug)]
pub struct Abi {
    /// Grows by one with every change that an existing caller could notice.
    pub version: u32,
    /// The line of Lua releases whose language the module speaks unless another is asked for, as `5.4`.
    pub lua: String,
    /// Every line that artifacts are built for, that one first.
    pub lines: Vec<String>,
    /// Module name of every import.
    pub import_module: String,
    /// Name of the exported memory.
    pub memory: String,
    /// Name of the custom section that identifies an artifact.
    pub section: String,
    /// The import that carries requests to the host.
    pub service_import: String,
    /// The id, never that of a table, by which that import knows a request.
    pub service_table: u32,
    /// One sentence.
    pub summary: String,
}

/// `[[type]]`: a scalar with a name and a meaning.
#[derive(Clone, Debug)]
pub struct NamedType {
    /// `snake_case` name.
    pub name: String,
    /// What it is made of.
    pub base: Scalar,
    /// What it stands for.
    pub doc: String,
}

/// `[[constant]]`: a number both sides agree on.
#[derive(Clone, Debug)]
pub struct Constant {
    /// `UPPER_CASE` name.
    pub name: String,
    /// Constants that belong together share a group, as `status`.
    pub group: String,
    /// Type of the value.
    pub ty: Scalar,
    /// The value, within the type's range.
    pub value: i64,
    /// Whether the manifest writes the value in hexadecimal.
    pub hex: bool,
    /// For a constant that stands in front of other bytes: what follows it.
    pub items: Option<Vec<Item>>,
    /// For a value tag: where it may stand.
    pub places: Vec<Place>,
    /// For a value tag: the only layout in which it may stand.
    pub only: Option<String>,
    /// What it means.
    pub doc: String,
}

impl Constant {
    /// The value as the manifest writes it: `12` or `0x0c`.
    pub fn literal(&self) -> String {
        if self.hex { format!("0x{:02x}", self.value) } else { self.value.to_string() }
    }
}

/// Where a serialized value may stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// In what Lua returns, raises, or passes to a function of the host.
    Result,
    /// In what the host passes to Lua: arguments, globals, and what functions of the host return.
    Argument,
    /// As the value of an external table's entry.
    Entry,
    /// As an entry that the host makes by an export.
    HostEntry,
}

impl Place {
    /// Where that is, as a part of a sentence.
    pub fn phrase(self) -> &'static str {
        match self {
            Self::Result => "to the host",
            Self::Argument => "from the host",
            Self::Entry => "in an entry",
            Self::HostEntry => "by `ext_table_set`",
        }
    }
}

/// `[[refusal]]`: why a call is refused before any of it is done.
#[derive(Clone, Debug)]
pub struct Refusal {
    /// `UPPER_CASE` name.
    pub name: String,
    /// The constant that is the status.
    pub status: String,
    /// What was wrong and what would be right, in one line.
    pub message: String,
    /// When a call is refused so.
    pub case: String,
    /// Names of the exports that refuse a call so.
    pub exports: Vec<String>,
}

/// `[[struct]]`: a structure whose layout is fixed to the byte.
#[derive(Clone, Debug)]
pub struct Struct {
    /// `PascalCase` name.
    pub name: String,
    /// Bytes in all, trailing padding included.
    pub size: u32,
    /// Its address is a multiple of this.
    pub align: u32,
    /// One sentence.
    pub summary: String,
    /// What it is for.
    pub doc: String,
    /// In order of offset, without gaps or overlaps.
    pub fields: Vec<Field>,
    /// JavaScript that reads one.
    pub example: String,
}

/// One field of a structure.
#[derive(Clone, Debug)]
pub struct Field {
    /// `snake_case` name.
    pub name: String,
    /// Its type.
    pub ty: Scalar,
    /// Bytes from the start of the structure.
    pub offset: u32,
    /// What it holds, with its unit.
    pub doc: String,
}

/// `[[export]]`: a function of the module.
#[derive(Clone, Debug)]
pub struct Export {
    /// What every function has.
    pub function: Function,
    /// What a refused call answers. Present exactly if the export refuses any.
    pub refused: Option<Answer>,
    /// How memory is read, written and owned.
    pub memory: String,
}

/// What an export answers to a call that it refuses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The message in the I/O buffer, and `-(length + 1)`.
    Message,
    /// A number.
    Value(i64),
    /// Nothing: it has no result.
    Nothing,
}

/// `[[import]]`: a function of the host.
#[derive(Clone, Debug)]
pub struct Import {
    /// What every function has.
    pub function: Function,
    /// Name of the method of a JavaScript host object that answers it.
    pub handler: String,
    /// What the module sees if the host function threw.
    pub threw: i64,
}

/// What exports and imports have in common.
#[derive(Clone, Debug)]
pub struct Function {
    /// `snake_case` name, as in the WebAssembly module.
    pub name: String,
    /// File and line of the manifest that name it, as `exports.toml:12`.
    pub place: String,
    /// Heading under which the reference lists it.
    pub group: String,
    /// One sentence.
    pub summary: String,
    /// What it does.
    pub doc: String,
    /// Its parameters before pairs are expanded.
    pub params: Vec<Param>,
    /// Its result, if it has one.
    pub returns: Option<Returns>,
    /// What goes wrong, and what the caller sees then.
    pub errors: Vec<Condition>,
    /// Remarks for callers.
    pub notes: Vec<String>,
    /// JavaScript that calls or implements it.
    pub example: String,
}

/// One parameter.
#[derive(Clone, Debug)]
pub struct Param {
    /// `snake_case` name.
    pub name: String,
    /// Its type.
    pub ty: Type,
    /// Name of the length half of a byte range; `NAME_len` unless the manifest says otherwise.
    pub length: String,
    /// For an item of a reply: what it is where the reply ends before it.
    pub default: Option<i64>,
    /// For bytes: their layout.
    pub layout: Option<String>,
    /// What to pass.
    pub doc: String,
}

impl Param {
    /// The parameters that it becomes where it crosses the boundary.
    pub fn expanded(&self) -> Vec<(String, Scalar)> {
        let address = || (format!("{}_ptr", self.name), Scalar::U32);
        match &self.ty {
            Type::Scalar(scalar) | Type::Named(_, scalar) => vec![(self.name.clone(), *scalar)],
            Type::Bytes | Type::BytesMut => vec![address(), (self.length.clone(), Scalar::U32)],
            Type::Struct(_) => vec![address()],
        }
    }
}

/// A result.
#[derive(Clone, Debug)]
pub struct Returns {
    /// Its type.
    pub ty: Type,
    /// What it is.
    pub doc: String,
    /// The values or ranges of values that mean something.
    pub values: Vec<Condition>,
    /// For a length: the layout of what lies in the I/O buffer if it is positive.
    pub positive: Option<String>,
    /// The layout of what lies there if it is negative.
    pub negative: Option<String>,
}

/// A case and what it means: a row of a table.
#[derive(Clone, Debug)]
pub struct Condition {
    /// The value returned, or what went wrong.
    pub case: String,
    /// What that means, or what the caller sees.
    pub meaning: String,
}

/// `[[service]]`: a request to the host that travels inside an import.
#[derive(Clone, Debug)]
pub struct Service {
    /// `snake_case` name.
    pub name: String,
    /// First byte of the request, 1 to 31.
    pub number: u8,
    /// One sentence.
    pub summary: String,
    /// What it asks for and what the guest does without an answer.
    pub doc: String,
    /// What follows the number in the request; the last may be `bytes`.
    pub args: Vec<Param>,
    /// What the reply consists of; the last may be `bytes`.
    pub reply: Vec<Param>,
    /// Whether the loader's handler gets the ranges of memory that bytes and reply lie in, as the imports do.
    pub ranges: bool,
    /// JavaScript that answers it.
    pub example: String,
}

impl Service {
    /// Bytes of the request without a trailing byte string: the number and the fixed arguments.
    pub fn header_size(&self) -> u32 {
        1 + fixed_size(&self.args)
    }

    /// Bytes of the reply without a trailing byte string.
    pub fn reply_size(&self) -> u32 {
        fixed_size(&self.reply)
    }

    /// Whether the loader's handler gets ranges of the memory, as imports do: because the manifest says so, or because
    /// the service hands over bytes and gets bytes, and nothing else. Making views of them costs more than a short
    /// exchange is worth.
    pub fn is_exchange(&self) -> bool {
        let bytes = |items: &[Param]| matches!(items, [item] if item.ty == Type::Bytes);
        self.ranges || bytes(&self.args) && bytes(&self.reply)
    }

    /// The trailing byte string of the request.
    pub fn trailing_arg(&self) -> Option<&Param> {
        self.args.last().filter(|arg| arg.ty == Type::Bytes)
    }

    /// The trailing byte string of the reply.
    pub fn trailing_reply(&self) -> Option<&Param> {
        self.reply.last().filter(|field| field.ty == Type::Bytes)
    }
}

fn fixed_size(params: &[Param]) -> u32 {
    params.iter().filter_map(|param| param.ty.scalar()).map(Scalar::size).sum()
}

/// `[[state]]`: a state of a module.
#[derive(Clone, Debug)]
pub struct State {
    /// `snake_case` name.
    pub name: String,
    /// The names of the refusals whose reason the state is.
    pub refusals: Vec<String>,
    /// What leads to which other state.
    pub leads: Vec<(String, String)>,
    /// What it is.
    pub doc: String,
}

/// `[[runtime]]`: what runs a module.
#[derive(Clone, Debug)]
pub struct Runtime {
    /// Its name.
    pub name: String,
    /// The artifacts that it takes, by their names.
    pub artifacts: Vec<String>,
    /// Whether this project's tests run an artifact there.
    pub tested: bool,
    /// From which version on, and other remarks.
    pub doc: String,
}

/// `[[stored]]`: an external table whose entries have a meaning to the module.
#[derive(Clone, Debug)]
pub struct Stored {
    /// What such a table is.
    pub name: String,
    /// What it is for.
    pub doc: String,
    /// Its entries.
    pub entries: Vec<StoredEntry>,
}

/// An entry of such a table, or all whose keys have a form.
#[derive(Clone, Debug)]
pub struct StoredEntry {
    /// The key; empty for keys by a rule.
    pub key: String,
    /// The rule of the grammar that keys have.
    pub rule: Option<String>,
    /// The layout of the value.
    pub layout: String,
    /// Whether it may be absent.
    pub optional: bool,
    /// What it holds.
    pub doc: String,
}

/// `[[artifact]]`: a module to build. The manifest declares those of the default line; each other line has the same,
/// under names of its own.
#[derive(Clone, Debug)]
pub struct Artifact {
    /// The line of Lua releases that it is built from, as `5.4`.
    pub line: String,
    /// File name, as `lua.wasm`.
    pub name: String,
    /// Where it is published, from the root of the repository.
    pub path: String,
    /// How Lua errors unwind.
    pub unwind: Unwind,
    /// The most that the module may need of an engine beyond WebAssembly 1.0.
    pub features: Vec<Feature>,
    /// Name of the artifact that it is like: the build also makes what turns that one into it, which packages ship in its
    /// place. Those of other lines are like that of the default line.
    pub base: Option<String>,
    /// One sentence.
    pub summary: String,
    /// For whom it is.
    pub doc: String,
}

impl Artifact {
    /// The same artifact for another line: `lua-host.wasm` is `lua-5.5-host.wasm`, everywhere that it is named.
    pub fn of_line(&self, line: &str, declared: &[Self]) -> Self {
        let rename = |text: &str| {
            declared.iter().fold(text.to_owned(), |text, artifact| {
                let stem = artifact.name.trim_end_matches("wasm");
                text.replace(&format!("`{stem}"), &format!("`{}", file_of(stem, line)))
            })
        };
        let (folder, file) = self.path.rsplit_once('/').unwrap_or(("", &self.path));
        let separator = if folder.is_empty() { "" } else { "/" };
        Self {
            line: line.to_owned(),
            name: file_of(&self.name, line),
            path: format!("{folder}{separator}{}", file_of(file, line)),
            unwind: self.unwind,
            features: self.features.clone(),
            base: Some(self.base.as_deref().map_or_else(|| self.name.clone(), |base| file_of(base, line))),
            summary: rename(&self.summary),
            doc: rename(&self.doc),
        }
    }
}

/// A file of the default line, as it is called for another.
fn file_of(file: &str, line: &str) -> String {
    let at = file.find(['-', '.']).unwrap_or(file.len());
    format!("{}-{line}{}", &file[..at], &file[at..])
}

/// How an artifact unwinds the stack when Lua raises an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unwind {
    /// `try`, `catch` and `throw`: every JavaScript engine since 2021.
    Legacy,
    /// `try_table`: current browsers and wasmtime.
    Exnref,
    /// Two imports that the host implements: engines older than 2021.
    Host,
}

/// What a module may need of an engine beyond WebAssembly 1.0, by the names that the feature pass knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Feature {
    /// `memory.copy`, `memory.fill` and their kin.
    BulkMemory,
    /// `try_table` and `throw_ref`.
    Exceptions,
    /// `try`, `catch`, `throw` and `rethrow`.
    ExceptionsLegacy,
    /// Functions and blocks with several results.
    MultiValue,
    /// Imported or exported globals that change.
    MutableGlobals,
    /// Conversions from float to integer that saturate.
    NontrappingFptoint,
    /// `externref`, `funcref` values and several tables.
    ReferenceTypes,
    /// Integer extension from 8, 16 and 32 bits with the sign.
    SignExtension,
    /// 128-bit vectors.
    Simd,
    /// `return_call` and `return_call_indirect`.
    TailCalls,
}

/// Enumerations whose members the manifest names by a word.
pub trait Word: Sized + Copy + 'static {
    /// Every member with its word.
    const WORDS: &'static [(&'static str, Self)];

    /// The member that a word names.
    fn from_word(word: &str) -> Option<Self> {
        let mut members = Self::WORDS.iter();
        members.find(|(name, _)| *name == word).map(|&(_, member)| member)
    }
}

impl Word for Unwind {
    const WORDS: &'static [(&'static str, Self)] =
        &[("legacy", Self::Legacy), ("exnref", Self::Exnref), ("host", Self::Host)];
}

impl Word for Place {
    const WORDS: &'static [(&'static str, Self)] = &[
        ("result", Self::Result),
        ("argument", Self::Argument),
        ("entry", Self::Entry),
        ("host-entry", Self::HostEntry),
    ];
}

impl Word for Writer {
    const WORDS: &'static [(&'static str, Self)] =
        &[("module", Self::Module), ("host", Self::Host), ("both", Self::Both)];
}

impl Word for Feature {
    const WORDS: &'static [(&'static str, Self)] = &[
        ("bulk-memory", Self::BulkMemory),
        ("exceptions", Self::Exceptions),
        ("exceptions-legacy", Self::ExceptionsLegacy),
        ("multi-value", Self::MultiValue),
        ("mutable-globals", Self::MutableGlobals),
        ("nontrapping-fptoint", Self::NontrappingFptoint),
        ("reference-types", Self::ReferenceTypes),
        ("sign-extension", Self::SignExtension),
        ("simd", Self::Simd),
        ("tail-calls", Self::TailCalls),
    ];
}

fn word_of<T: Word + PartialEq>(member: T) -> &'static str {
    let mut members = T::WORDS.iter();
    members.find(|(_, other)| *other == member).map_or("", |&(name, _)| name)
}

impl fmt::Display for Unwind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(word_of(*self))
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(word_of(*self))
    }
}

impl fmt::Display for Writer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(word_of(*self))
    }
}

impl fmt::Display for Feature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(word_of(*self))
    }
}

/// `[topics]`: prose about the boundary.
#[derive(Clone, Debug)]
pub struct Topic {
    /// What it is about, as `overview`.
    pub name: String,
    /// Markdown.
    pub text: String,
}

/// `[[example]]`: a whole program.
#[derive(Clone, Debug)]
pub struct Example {
    /// Heading.
    pub title: String,
    /// What it shows.
    pub doc: String,
    /// JavaScript.
    pub code: String,
}

/// A function as WebAssembly sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WasmFunction {
    /// Module it is imported from; empty for an export.
    pub module: String,
    /// Its name.
    pub name: String,
    /// Types of the parameters.
    pub params: Vec<ValType>,
    /// Types of the results: none or one.
    pub results: Vec<ValType>,
}

impl Function {
    /// The parameters as they cross the boundary: byte ranges and structures expanded to addresses and lengths.
    pub fn wasm_params(&self) -> Vec<(String, Scalar)> {
        self.params.iter().flat_map(Param::expanded).collect()
    }

    fn wasm(&self, module: &str) -> WasmFunction {
        let result = self.returns.as_ref().and_then(|returns| returns.ty.scalar());
        WasmFunction {
            module: module.to_owned(),
            name: self.name.clone(),
            params: self.wasm_params().iter().map(|(_, scalar)| scalar.val_type()).collect(),
            results: result.map(Scalar::val_type).into_iter().collect(),
        }
    }
}

impl Manifest {
    /// The functions that an artifact exports, besides its memory.
    pub fn wasm_exports(&self) -> Vec<WasmFunction> {
        self.exports.iter().map(|export| export.function.wasm("")).collect()
    }

    /// The functions that an artifact imports. Unwind mode `host` adds two of its own.
    pub fn wasm_imports(&self) -> Vec<WasmFunction> {
        let module = &self.abi.import_module;
        self.imports.iter().map(|import| import.function.wasm(module)).collect()
    }

    /// Pages of the module's memory, which the reader has made sure of.
    pub fn memory_pages(&self) -> u32 {
        self.constant("MEMORY_PAGES").map_or(0, |pages| pages.value as u32)
    }

    /// A constant by name.
    pub fn constant(&self, name: &str) -> Option<&Constant> {
        self.constants.iter().find(|constant| constant.name == name)
    }

    /// Why an export refuses calls.
    pub fn refusals_of<'a>(&'a self, export: &'a str) -> impl Iterator<Item = &'a Refusal> {
        self.refusals.iter().filter(move |refusal| refusal.exports.iter().any(|name| name == export))
    }

    /// The import that carries requests to the host.
    pub fn service_import(&self) -> Option<&Import> {
        self.imports.iter().find(|import| import.function.name == self.abi.service_import)
    }

    /// A structure by name.
    pub fn structure(&self, name: &str) -> Option<&Struct> {
        self.structs.iter().find(|structure| structure.name == name)
    }

    /// The prose about a part of the boundary; empty if there is none.
    pub fn topic(&self, name: &str) -> &str {
        self.topics.iter().find(|topic| topic.name == name).map_or("", |topic| &topic.text)
    }
}
