//! Writes `hosts/rust/src/generated.rs`: the boundary as a host in Rust sees it, over wasmtime. What no manifest changes is
//! in `hosts/rust/src/boundary.rs`.

use std::fmt::Write;

use super::described::sentence;
use super::names::{pascal, upper};
use super::output::{Backend, ORIGIN};
use super::rust::{doc, integer_literal, literal, spread};
use super::text::{prefixed, without_links};
use crate::manifest::{
    Constant, Export, Function, Import, Manifest, Param, Place, Refusal, Scalar, Service, Struct, Type,
};

/// `hosts/rust/src/generated.rs`.
pub struct RustHost;

impl Backend for RustHost {
    fn name(&self) -> &'static str {
        "rust_host"
    }

    fn path(&self) -> &'static str {
        "hosts/rust/src/generated.rs"
    }

    fn render(&self, manifest: &Manifest) -> String {
        let mut out = prefixed(
            "The module's boundary, typed: its constants, its exports, the imports that a host answers, and the requests \
             of services with their replies. The reference of the exports describes each at length.",
            "//! ",
            100,
        );
        let _ = write!(
            out,
            "//!\n//! {ORIGIN}\n\nuse wasmtime::{{AsContextMut, Caller, Instance, Linker, Memory, Result, TypedFunc}};\n\n\
             use crate::boundary::{{self, Range}};\n\n"
        );
        constants(&mut out, manifest);
        refusals(&mut out, manifest);
        for structure in &manifest.structs {
            self::structure(&mut out, structure);
        }
        exports(&mut out, manifest);
        imports(&mut out, manifest);
        services(&mut out, manifest);
        out.truncate(out.trim_end().len());
        out + "\n"
    }
}

fn text(out: &mut String, indent: &str, text: &str) {
    doc(out, indent, &without_links(text));
}

/// The type of a number as wasmtime passes it.
fn wasm_type(scalar: Scalar) -> &'static str {
    match scalar {
        Scalar::U8 | Scalar::U16 => "u32",
        other => other.name(),
    }
}

fn constants(out: &mut String, manifest: &Manifest) {
    let abi = &manifest.abi;
    let _ = write!(
        out,
        "/// Version of the boundary.\npub const ABI_VERSION: u32 = {};\n\
         /// Equal for two builds exactly if they agree on every call.\npub const MANIFEST_HASH: u64 = 0x{:016x};\n\
         /// The table id that marks a request to the host.\npub const SERVICE_TABLE: u32 = {};\n\
         /// The custom section in which a module says what it is.\npub const SECTION: &str = \"{}\";\n",
        abi.version,
        manifest.hash(),
        abi.service_table,
        abi.section,
    );
    for constant in &manifest.constants {
        text(out, "", &constant.doc);
        if let Some(items) = &constant.items {
            let _ = writeln!(out, "///");
            text(out, "", &format!("What follows it: {}.", sentence(items)));
        }
        let _ = writeln!(out, "pub const {}: {} = {};", constant.name, constant.ty.name(), literal(constant));
    }
    out.push('\n');
    tags(out, manifest);
}

/// The tags with the places where each may stand.
fn tags(out: &mut String, manifest: &Manifest) {
    let tags: Vec<&Constant> = manifest.constants.iter().filter(|constant| !constant.places.is_empty()).collect();
    if tags.is_empty() {
        return;
    }
    out.push_str(
        "/// A tag of an encoded value, and where it may stand.\n#[derive(Clone, Copy, Debug, PartialEq, Eq)]\npub struct Tag {\n\
         \x20   /// Its name in the reference.\n    pub name: &'static str,\n    /// The byte.\n    pub tag: u8,\n\
         \x20   /// In what Lua returns, raises, or passes to a function of the host.\n    pub result: bool,\n\
         \x20   /// In what the host passes to Lua.\n    pub argument: bool,\n\
         \x20   /// As the value of an external table's entry.\n    pub entry: bool,\n\
         \x20   /// As an entry that the host makes by an export.\n    pub host_entry: bool,\n}\n\n",
    );
    let _ = writeln!(out, "/// Every tag.\npub const TAGS: [Tag; {}] = [", tags.len());
    for constant in tags {
        let place = |place: Place| constant.places.contains(&place);
        let _ = writeln!(
            out,
            "    Tag {{\n        name: \"{}\",\n        tag: {},\n        result: {},\n        argument: {},\n        entry: {},\n\
             \x20       host_entry: {},\n    }},",
            constant.name,
            constant.name,
            place(Place::Result),
            place(Place::Argument),
            place(Place::Entry),
            place(Place::HostEntry),
        );
    }
    out.push_str("];\n\n");
}

fn refusals(out: &mut String, manifest: &Manifest) {
    if manifest.refusals.is_empty() {
        return;
    }
    out.push_str(
        "/// Why a call is refused before any of it is done.\n#[derive(Clone, Copy, Debug, PartialEq, Eq)]\n\
         pub struct Refusal {\n    /// Its name in the manifest.\n    pub name: &'static str,\n\
         \x20   /// The status of the call.\n    pub status: i32,\n\
         \x20   /// What was wrong, and what would be right.\n    pub message: &'static str,\n\
         \x20   /// The exports that refuse a call so.\n    pub exports: &'static [&'static str],\n}\n\n",
    );
    let _ = writeln!(out, "/// Every refusal.\npub const REFUSALS: [Refusal; {}] = [", manifest.refusals.len());
    for Refusal { name, status, message, exports, case, .. } in &manifest.refusals {
        out.push_str(&prefixed(&without_links(&format!("{case}.")), "    // ", 100));
        let _ = writeln!(out, "    Refusal {{\n        name: \"{name}\",\n        status: {status},");
        let _ = writeln!(out, "        message: \"{}\",\n        exports: &[", message.escape_debug());
        for export in exports {
            let _ = writeln!(out, "            \"{export}\",");
        }
        out.push_str("        ],\n    },\n");
    }
    out.push_str("];\n\n");
}

fn structure(out: &mut String, structure: &Struct) {
    let name = &structure.name;
    text(out, "", &format!("{} {}", structure.summary, structure.doc));
    let _ = writeln!(out, "#[derive(Clone, Copy, Debug, PartialEq)]\npub struct {name} {{");
    for field in &structure.fields {
        text(out, "    ", &field.doc);
        let _ = writeln!(out, "    pub {}: {},", field.name, field.ty.name());
    }
    let _ = write!(
        out,
        "}}\n\nimpl {name} {{\n    /// Bytes of one.\n    pub const SIZE: usize = {};\n\n\
         \x20   /// Reads one from its bytes; `None` if there are not enough.\n\
         \x20   pub fn read(bytes: &[u8]) -> Option<Self> {{\n        Some(Self {{\n",
        structure.size,
    );
    for field in &structure.fields {
        let (offset, ty) = (field.offset, field.ty.name());
        let at = if offset == 0 { String::new() } else { format!(".get({offset}..)?") };
        let bytes = if offset == 0 { "bytes".to_owned() } else { format!("bytes{at}") };
        let _ = writeln!(out, "            {}: {ty}::from_le_bytes(*{bytes}.first_chunk()?),", field.name);
    }
    out.push_str("        })\n    }\n}\n\n");
}

/// What a function's documentation says: all that the manifest does but its example.
fn contract(out: &mut String, indent: &str, function: &Function, extra: &[(String, String)]) {
    text(out, indent, &function.summary);
    let mut paragraph = |content: &str| {
        let _ = writeln!(out, "{indent}///");
        text(out, indent, content);
    };
    paragraph(&function.doc);
    let docs: Vec<_> = function.params.iter().map(|param| format!("- `{}`: {}", named(param), param.doc)).collect();
    if !docs.is_empty() {
        paragraph(&docs.join("\n"));
    }
    if let Some(returns) = &function.returns {
        paragraph(&format!("Returns: {}.", returns.doc.trim_end_matches('.')));
        let values: Vec<_> =
            returns.values.iter().map(|value| format!("- `{}`: {}", value.case, value.meaning)).collect();
        if !values.is_empty() {
            paragraph(&values.join("\n"));
        }
    }
    let errors = function.errors.iter().map(|error| (error.case.clone(), error.meaning.clone()));
    let errors: Vec<_> =
        errors.chain(extra.iter().cloned()).map(|(case, meaning)| format!("- {case}: {meaning}")).collect();
    if !errors.is_empty() {
        paragraph("# Errors");
        paragraph(&errors.join("\n"));
    }
}

/// What a parameter's documentation calls it.
fn named(param: &Param) -> String {
    match param.ty {
        Type::Bytes | Type::BytesMut => format!("{}_ptr`, `{}", param.name, param.length),
        Type::Struct(_) => format!("{}_ptr", param.name),
        _ => param.name.clone(),
    }
}

fn exports(out: &mut String, manifest: &Manifest) {
    out.push_str(
        "/// The exports of an instance. A call ends with an error of wasmtime if the code in the module traps, or an import of\n\
         /// the host does: the instance is of no more use then.\n#[derive(Clone)]\npub struct Exports {\n\
         \x20   /// The memory.\n    pub memory: Memory,\n",
    );
    for export in &manifest.exports {
        let _ = writeln!(out, "    {}: {},", export.function.name, typed(&export.function));
    }
    let _ = write!(
        out,
        "}}\n\nimpl Exports {{\n    /// Every function that there is, by name.\n    pub const NAMES: [&'static str; {}] = [\n",
        manifest.exports.len()
    );
    for export in &manifest.exports {
        let _ = writeln!(out, "        \"{}\",", export.function.name);
    }
    let _ = write!(
        out,
        "    ];\n\n    /// Finds the exports of an instance.\n    ///\n    /// # Errors\n    ///\n\
         \x20   /// If one is missing, or has another type.\n\
         \x20   pub fn new(mut store: impl AsContextMut, instance: &Instance) -> Result<Self> {{\n\
         \x20       Ok(Self {{\n            memory: boundary::memory(&mut store, instance, \"{}\")?,\n",
        manifest.abi.memory
    );
    for export in &manifest.exports {
        let name = &export.function.name;
        let line = format!("            {name}: instance.get_typed_func(&mut store, \"{name}\")?,\n");
        if line.chars().count() > 101 {
            let _ = writeln!(
                out,
                "            {name}: instance\n                .get_typed_func(&mut store, \"{name}\")?,"
            );
        } else {
            out.push_str(&line);
        }
    }
    out.push_str("        })\n    }\n");
    for export in &manifest.exports {
        self::export(out, export, manifest);
    }
    out.push_str("}\n\n");
}

/// The type of a function as wasmtime has it.
fn typed(function: &Function) -> String {
    let params: Vec<_> = function.wasm_params().iter().map(|(_, scalar)| wasm_type(*scalar)).collect();
    let params = match &params[..] {
        [one] => (*one).to_owned(),
        all => format!("({})", all.join(", ")),
    };
    format!("TypedFunc<{params}, {}>", result(function))
}

fn result(function: &Function) -> &'static str {
    function.returns.as_ref().and_then(|returns| returns.ty.scalar()).map_or("()", wasm_type)
}

fn export(out: &mut String, export: &Export, manifest: &Manifest) {
    let function = &export.function;
    out.push('\n');
    let refusals: Vec<_> = manifest
        .refusals_of(&function.name)
        .map(|refusal| (refusal.case.clone(), format!("refused with `{}`", refusal.status)))
        .collect();
    contract(out, "    ", function, &refusals);
    let params = function.wasm_params();
    let mut items = vec!["&self".to_owned(), "store: impl AsContextMut".to_owned()];
    items.extend(params.iter().map(|(name, scalar)| format!("{name}: {}", wasm_type(*scalar))));
    let tail = format!(" -> Result<{}> {{", result(function));
    let _ = writeln!(out, "{}", spread(&format!("    pub fn {}", function.name), &items, &tail));
    let names: Vec<_> = params.iter().map(|(name, _)| name.as_str()).collect();
    let args = match &names[..] {
        [one] => (*one).to_owned(),
        all => format!("({})", all.join(", ")),
    };
    let call = format!("        self.{}.call(store, {args})", function.name);
    if call.chars().count() > 100 {
        let _ = writeln!(out, "        self.{}\n            .call(store, {args})\n    }}", function.name);
    } else {
        let _ = writeln!(out, "{call}\n    }}");
    }
}

/// What a handler is called: imports without the mark of the language that they are named after.
fn handler(function: &Function) -> &str {
    function.name.trim_start_matches("js_")
}

fn imports(out: &mut String, manifest: &Manifest) {
    out.push_str(
        "/// What the module calls on its host. A handler that returns an error ends the call that is under way, and with it the\n\
         /// instance; for any other failure it returns what its documentation says.\npub trait Imports: Sized + 'static {\n",
    );
    for import in &manifest.imports {
        let function = &import.function;
        contract(out, "    ", function, &[]);
        let mut items = vec!["caller: &mut Caller<'_, Self>".to_owned()];
        items.extend(function.params.iter().map(|param| match param.ty.scalar() {
            Some(scalar) => format!("{}: {}", param.name, wasm_type(scalar)),
            None => format!("{}: Range", param.name),
        }));
        let tail = format!(" -> Result<{}>;", result(function));
        let _ = writeln!(out, "{}\n", spread(&format!("    fn {}", handler(function)), &items, &tail));
    }
    out.push_str(
        "    /// Takes what a handler panicked with. The module sees the failure that the reference names.\n\
         \x20   fn panicked(caller: &mut Caller<'_, Self>, payload: Box<dyn std::any::Any + Send>);\n}\n\n\
         /// Gives a linker the imports, over a host that is the data of the store.\n///\n/// # Errors\n///\n\
         /// If the linker has one of them already.\n\
         pub fn link<T: Imports>(linker: &mut Linker<T>) -> Result<()> {\n",
    );
    for import in &manifest.imports {
        self::import(out, import, &manifest.abi.import_module);
    }
    out.push_str("    Ok(())\n}\n\n");
}

fn import(out: &mut String, import: &Import, module: &str) {
    let function = &import.function;
    let mut items = vec!["mut caller: Caller<'_, T>".to_owned()];
    items.extend(function.wasm_params().iter().map(|(name, scalar)| format!("{name}: {}", wasm_type(*scalar))));
    let mut args = vec!["caller".to_owned()];
    args.extend(function.params.iter().map(|param| match param.ty {
        Type::Bytes | Type::BytesMut => format!("Range::new({}_ptr, {})", param.name, param.length),
        Type::Struct(_) => format!("{}_ptr", param.name),
        _ => param.name.clone(),
    }));
    let items: String = items.iter().map(|item| format!("         {item},\n")).collect();
    let items = items.replace("         ", "              ");
    let _ = write!(
        out,
        "    linker.func_wrap(\n        \"{module}\",\n        \"{}\",\n        |\n{items}        | {{\n",
        function.name
    );
    let threw = integer_literal(import.threw, false);
    let call = spread(&format!("                T::{}", handler(function)), &args, "");
    let _ = write!(
        out,
        "            boundary::guarded(&mut caller, {threw}, |caller| {{\n{call}\n            }})\n        }},\n    )?;\n",
    );
}

fn services(out: &mut String, manifest: &Manifest) {
    if manifest.services.is_empty() {
        return;
    }
    out.push_str(
        "/// Requests of the module, and the replies to them.\npub mod services {\n    use crate::boundary::{Reply, take};\n\n",
    );
    for service in &manifest.services {
        let _ = writeln!(out, "    /// Number of [`Request::{}`].", pascal(&service.name));
        let _ = writeln!(out, "    pub const {}: u8 = {};", upper(&service.name), service.number);
    }
    out.push_str(
        "\n    /// A request of the module.\n    #[derive(Clone, Copy, Debug, PartialEq)]\n    pub enum Request<'a> {\n",
    );
    for service in &manifest.services {
        text(out, "        ", &service.summary);
        out.push_str("        ///\n");
        text(out, "        ", &service.doc);
        if service.args.is_empty() {
            let _ = writeln!(out, "        {},", pascal(&service.name));
            continue;
        }
        let _ = writeln!(out, "        {} {{", pascal(&service.name));
        for arg in &service.args {
            text(out, "            ", &arg.doc);
            let ty = arg.ty.scalar().map_or("&'a [u8]", Scalar::name);
            let _ = writeln!(out, "            {}: {ty},", arg.name);
        }
        out.push_str("        },\n");
    }
    out.push_str(
        "    }\n\n    impl<'a> Request<'a> {\n        /// Reads a request; `None` if it is none that is known.\n\
         \x20       pub fn read(bytes: &'a [u8]) -> Option<Self> {\n\
         \x20           let (&number, mut rest) = bytes.split_first()?;\n            let request = match number {\n",
    );
    for service in &manifest.services {
        let (variant, number) = (pascal(&service.name), upper(&service.name));
        if service.args.is_empty() {
            let _ = writeln!(out, "                {number} => Self::{variant},");
            continue;
        }
        let _ = writeln!(out, "                {number} => Self::{variant} {{");
        for arg in &service.args {
            let _ = match arg.ty.scalar() {
                Some(scalar) => {
                    writeln!(
                        out,
                        "                    {}: {}::from_le_bytes(take(&mut rest)?),",
                        arg.name,
                        scalar.name()
                    )
                }
                None => writeln!(out, "                    {}: std::mem::take(&mut rest),", arg.name),
            };
        }
        out.push_str("                },\n");
    }
    out.push_str(
        "                _ => return None,\n            };\n            rest.is_empty().then_some(request)\n        }\n    }\n",
    );
    for service in &manifest.services {
        self::reply(out, service);
    }
    out.push_str("}\n");
}

fn reply(out: &mut String, service: &Service) {
    if service.reply.is_empty() {
        return;
    }
    let name = pascal(&service.name);
    let lifetime = if service.trailing_reply().is_some() { "<'a>" } else { "" };
    let anonymous = if service.trailing_reply().is_some() { "<'_>" } else { "" };
    let _ = write!(
        out,
        "\n    /// The reply to [`Request::{name}`].\n    #[derive(Clone, Copy, Debug, PartialEq)]\n    pub struct {name}{lifetime} {{\n",
    );
    for field in &service.reply {
        text(out, "        ", &field.doc);
        let ty = field.ty.scalar().map_or("&'a [u8]", Scalar::name);
        let _ = writeln!(out, "        pub {}: {ty},", field.name);
    }
    let _ = write!(
        out,
        "    }}\n\n    impl {name}{anonymous} {{\n        /// Bytes of the reply{}.\n        pub const SIZE: usize = {};\n\n\
         \x20       /// Writes the reply into its room; what the import returns.\n\
         \x20       pub fn write(&self, room: &mut [u8]) -> i32 {{\n            let mut reply = Reply::new(room);\n",
        if service.trailing_reply().is_some() { " in front of its last field" } else { "" },
        service.reply_size(),
    );
    for field in &service.reply {
        let _ = match field.ty.scalar() {
            Some(_) => writeln!(out, "            reply.put(&self.{}.to_le_bytes());", field.name),
            None => writeln!(out, "            reply.put(self.{});", field.name),
        };
    }
    out.push_str("            reply.finish()\n        }\n    }\n");
}
