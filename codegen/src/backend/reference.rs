//! Writes the reference, in Markdown, for people who instantiate the module by hand.

use std::fmt::Write;

use super::described as layouts;
use super::javascript::{scalar_type, wat};
use super::names::camel;
use super::output::{Backend, ORIGIN};
use super::states;
use super::text::table;
use crate::manifest::{
    Answer, Condition, Constant, Export, Function, Import, Manifest, Param, Place, Refusal, Scalar, Service, Struct,
    Type,
};

/// `docs/WASM_EXPORTS_REFERENCE.md`.
pub struct Reference;

impl Reference {
    /// What a link of the reference, without its `#`, can name: the anchors of its headings.
    pub fn anchors(&self, manifest: &Manifest) -> Vec<String> {
        let mut code = false;
        let reference = self.render(manifest);
        let headings = reference.lines().filter(|line| {
            code ^= line.starts_with("```");
            !code && line.starts_with('#')
        });
        headings.map(|heading| anchor(heading.trim_start_matches('#').trim())).collect()
    }
}

impl Backend for Reference {
    fn name(&self) -> &'static str {
        "reference"
    }

    fn path(&self) -> &'static str {
        "docs/WASM_EXPORTS_REFERENCE.md"
    }

    fn render(&self, manifest: &Manifest) -> String {
        let mut out = format!("<!-- {ORIGIN} -->\n\n# WASM Exports Reference\n\n{}\n\n", manifest.abi.summary);
        contents(&mut out, manifest);
        overview(&mut out, manifest);
        type_mappings(&mut out, manifest);
        constants(&mut out, manifest);
        topic(&mut out, "Result Format", "result", manifest);
        topic(&mut out, "Output", "output", manifest);
        topic(&mut out, "States", "states", manifest);
        let _ = writeln!(out, "{}", states::allowed(manifest));
        refusals(&mut out, manifest);
        section(&mut out, "Exported Functions", "In the examples, `instance` is the instantiated module.");
        for export in &manifest.exports {
            self::export(&mut out, export, manifest);
        }
        section(&mut out, "Data Structures", "");
        for structure in &manifest.structs {
            self::structure(&mut out, structure);
        }
        section(&mut out, "JavaScript Bridge Functions", manifest.topic("bridge"));
        for import in &manifest.imports {
            self::import(&mut out, import, manifest);
        }
        services(&mut out, manifest);
        topic(&mut out, "Keys", "keys", manifest);
        values(&mut out, manifest);
        topic(&mut out, "Stored Functions", "stored_functions", manifest);
        layouts(&mut out, manifest);
        section(&mut out, "Usage Examples", "");
        for example in &manifest.examples {
            let _ = write!(out, "### {}\n\n{}\n\n", example.title, example.doc);
            code(&mut out, "javascript", &example.code);
        }
        topic(&mut out, "Runtimes", "runtimes", manifest);
        build(&mut out, manifest);
        version(&mut out, manifest);
        out.truncate(out.trim_end().len());
        out + "\n"
    }
}

fn section(out: &mut String, title: &str, text: &str) {
    let _ = write!(out, "---\n\n## {title}\n\n");
    if !text.is_empty() {
        let _ = write!(out, "{text}\n\n");
    }
}

/// A section with the text of a topic, whose placeholders become tables.
fn topic(out: &mut String, title: &str, name: &str, manifest: &Manifest) {
    section(out, title, &layouts::expand(manifest.topic(name), manifest));
}

fn layouts(out: &mut String, manifest: &Manifest) {
    section(out, "Layouts", manifest.topic("layouts"));
    for layout in &manifest.layouts {
        let _ = write!(out, "### Layout: {}\n\n{}\n\n{}\n", layout.name, layout.doc, layouts::items(&layout.items));
    }
}

fn code(out: &mut String, language: &str, code: &str) {
    let _ = write!(out, "```{language}\n{}\n```\n\n", code.trim());
}

/// The anchor that GitHub gives a heading.
fn anchor(heading: &str) -> String {
    let kept = heading.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.collect::<String>().to_lowercase().replace(' ', "-")
}

fn link(out: &mut String, depth: usize, heading: &str) {
    let _ = writeln!(out, "{}- [{heading}](#{})", "  ".repeat(depth), anchor(heading));
}

fn contents(out: &mut String, manifest: &Manifest) {
    out.push_str("## Table of Contents\n\n");
    for heading in [
        "Overview",
        "Type Mappings",
        "Constants",
        "Result Format",
        "Output",
        "States",
        "Refused Calls",
        "Exported Functions",
    ] {
        link(out, 0, heading);
    }
    let mut group = "";
    for Export { function, .. } in &manifest.exports {
        if function.group != group {
            group = &function.group;
            let _ = writeln!(out, "  - {group}");
        }
        link(out, 2, &format!("{}()", function.name));
    }
    link(out, 0, "Data Structures");
    for structure in &manifest.structs {
        link(out, 1, &structure.name);
    }
    link(out, 0, "JavaScript Bridge Functions");
    for import in &manifest.imports {
        link(out, 1, &import.function.name);
    }
    link(out, 0, "Services");
    for service in &manifest.services {
        link(out, 1, &service_heading(service));
    }
    link(out, 0, "Keys");
    link(out, 0, "Value Encoding");
    link(out, 0, "Stored Functions");
    link(out, 0, "Layouts");
    link(out, 0, "Usage Examples");
    for example in &manifest.examples {
        link(out, 1, &example.title);
    }
    link(out, 0, "Runtimes");
    link(out, 0, "Build Information");
    link(out, 0, "Version Information");
    out.push('\n');
}

fn overview(out: &mut String, manifest: &Manifest) {
    section(out, "Overview", manifest.topic("overview"));
    let value = |name| manifest.constant(name).map_or(0, |constant| constant.value);
    let (pages, page) = (value("MEMORY_PAGES"), value("WASM_PAGE_SIZE"));
    let exports = manifest.exports.len();
    let rows = [
        ("Language", format!("Lua {}, each in artifacts of its own", manifest.abi.lines.join(" and "))),
        ("Target", "`wasm32-unknown-unknown`, no entry function".to_owned()),
        ("Memory", format!("{pages} pages, minimum and maximum: {} bytes", grouped(pages * page))),
        ("I/O buffer", format!("{} bytes", grouped(value("IO_BUFFER_SIZE")))),
        ("Imports", format!("{} functions from `{}`", manifest.imports.len(), manifest.abi.import_module)),
        ("Exports", format!("{exports} functions and `{}`", manifest.abi.memory)),
    ];
    out.push_str(&table(["Property", "Value"], rows.map(|(name, value)| [name.to_owned(), value])));
    out.push('\n');
}

fn grouped(number: i64) -> String {
    let digits = number.to_string();
    let groups: Vec<_> = digits.as_bytes().rchunks(3).rev().map(String::from_utf8_lossy).collect();
    groups.join(",")
}

fn type_mappings(out: &mut String, manifest: &Manifest) {
    section(out, "Type Mappings", "How the types of this reference appear on both sides:");
    let scalars = Scalar::ALL.into_iter().map(|scalar| {
        let (wasm, js) = (scalar.val_type().to_string(), scalar_type(scalar));
        [
            code_span(scalar.name()),
            code_span(&wasm),
            code_span(scalar.name()),
            code_span(js),
            meaning(scalar).to_owned(),
        ]
    });
    let named = manifest.types.iter().map(|ty| {
        let (wasm, js) = (ty.base.val_type().to_string(), scalar_type(ty.base));
        [code_span(&ty.name), code_span(&wasm), code_span(ty.base.name()), code_span(js), ty.doc.clone()]
    });
    let ranges = [
        [
            "`bytes`",
            "`i32`, `i32`",
            "`*const u8`, `usize`",
            "`number`, `number`",
            "Address and length of bytes that the callee reads.",
        ],
        [
            "`bytes_mut`",
            "`i32`, `i32`",
            "`*mut u8`, `usize`",
            "`number`, `number`",
            "Address and capacity of bytes that the callee writes.",
        ],
        ["a structure", "`i32`", "`*mut T`", "`number`", "Address of a structure that the callee fills in."],
        ["nothing", "no result", "`()`", "`undefined`", "No return value."],
    ];
    let rows = scalars.chain(named).chain(ranges.map(|row| row.map(str::to_owned)));
    out.push_str(&table(["Type", "WASM", "Rust", "JavaScript", "Description"], rows));
    out.push_str(
        "\nAn address is an offset into the module's memory. JavaScript sees every `i32` as signed; `value >>> 0` gives the \
         unsigned number. In memory all numbers are little-endian.\n\n",
    );
}

fn meaning(scalar: Scalar) -> &'static str {
    match scalar {
        Scalar::U8 => "Byte; only in structures and messages.",
        Scalar::U16 => "Unsigned 16-bit integer; only in messages.",
        Scalar::I32 => "Signed 32-bit integer.",
        Scalar::U32 => "Unsigned 32-bit integer.",
        Scalar::I64 => "Signed 64-bit integer.",
        Scalar::U64 => "Unsigned 64-bit integer.",
        Scalar::F64 => "IEEE 754 double.",
    }
}

fn code_span(text: &str) -> String {
    format!("`{text}`")
}

/// Whether a constant is the tag of a value.
fn is_tag(constant: &Constant) -> bool {
    !constant.places.is_empty()
}

fn constants(out: &mut String, manifest: &Manifest) {
    section(out, "Constants", manifest.topic("constants"));
    let mut groups: Vec<&str> = Vec::new();
    for constant in manifest.constants.iter().filter(|constant| !is_tag(constant)) {
        if !groups.contains(&constant.group.as_str()) {
            groups.push(&constant.group);
        }
    }
    for group in groups {
        let _ = write!(out, "### {group}\n\n");
        let rows = manifest.constants.iter().filter(|constant| constant.group == group);
        let row = |c: &Constant| {
            let doc = match &c.items {
                Some(items) => {
                    let what = if c.ty == Scalar::U8 { "What follows it" } else { "Its bytes" };
                    format!("{} {what}: {}.", c.doc, layouts::sentence(items))
                }
                None => c.doc.clone(),
            };
            [code_span(&c.name), code_span(&c.literal()), code_span(c.ty.name()), doc]
        };
        out.push_str(&table(["Constant", "Value", "Type", "Meaning"], rows.map(row)));
        out.push('\n');
    }
}

fn refusals(out: &mut String, manifest: &Manifest) {
    section(out, "Refused Calls", manifest.topic("refusals"));
    let rows = manifest.refusals.iter().map(|refusal| {
        let exports: Vec<_> = refusal.exports.iter().map(|name| format!("[{name}](#{})", anchor(name))).collect();
        [refusal.case.clone(), code_span(&refusal.status), refusal.message.clone(), exports.join(", ")]
    });
    out.push_str(&table(["When", "Status", "Message", "Exports"], rows));
    out.push_str("\nWhat a refused call returns:\n\n");
    let mut answers: Vec<(String, Vec<String>)> = Vec::new();
    for export in &manifest.exports {
        let Some(answer) = export.refused else { continue };
        let answer = match answer {
            Answer::Message => "`-(length + 1)`, with the message in the I/O buffer".to_owned(),
            Answer::Value(value) => format!("`{value}`"),
            Answer::Nothing => "nothing".to_owned(),
        };
        let name = code_span(&export.function.name);
        match answers.iter_mut().find(|(other, _)| *other == answer) {
            Some((_, names)) => names.push(name),
            None => answers.push((answer, vec![name])),
        }
    }
    out.push_str(&table(["Returns", "Exports"], answers.into_iter().map(|(answer, names)| [answer, names.join(", ")])));
    out.push('\n');
}

fn export(out: &mut String, export: &Export, manifest: &Manifest) {
    let function = &export.function;
    let _ = write!(out, "### {}()\n\n{}\n\n**Signature:**\n\n", function.name, function.summary);
    code(out, "wasm", &wat(function, None));
    out.push_str("**Rust Declaration:**\n\n");
    let params: Vec<_> =
        function.wasm_params().iter().map(|(name, scalar)| format!("{name}: {}", scalar.name())).collect();
    code(out, "rust", &rust_declaration("pub extern \"C\" fn", function, &params, ""));
    parameters(out, function);
    returns(out, function);
    let _ = write!(out, "**Description:**\n\n{}\n\n", function.doc);
    errors(out, export, manifest);
    let _ = write!(out, "**Memory Safety:**\n\n{}\n\n**Usage Example:**\n\n", export.memory);
    code(out, "javascript", &function.example);
    notes(out, function);
}

fn rust_declaration(head: &str, function: &Function, params: &[String], end: &str) -> String {
    let scalar = function.returns.as_ref().and_then(|returns| returns.ty.scalar());
    let arrow = scalar.map_or_else(String::new, |scalar| format!(" -> {}", scalar.name()));
    let line = format!("{head} {}({}){arrow}{end}", function.name, params.join(", "));
    if line.len() <= 90 {
        return line;
    }
    let params: String = params.iter().map(|param| format!("    {param},\n")).collect();
    format!("{head} {}(\n{params}){arrow}{end}", function.name)
}

fn parameters(out: &mut String, function: &Function) {
    if function.params.is_empty() {
        out.push_str("**Parameters:** None\n\n");
        return;
    }
    out.push_str("**Parameters:**\n\n");
    let mut rows = Vec::new();
    for param in &function.params {
        for (index, (name, scalar)) in param.expanded().into_iter().enumerate() {
            let (ty, doc) = match (&param.ty, index) {
                (Type::Bytes, 1) => ("length".to_owned(), "Its length in bytes.".to_owned()),
                (Type::BytesMut, 1) => ("capacity".to_owned(), "How many bytes fit there.".to_owned()),
                (Type::Bytes | Type::BytesMut, _) => ("address".to_owned(), param.doc.clone()),
                (Type::Struct(name), _) => (format!("address of a [{name}](#{})", anchor(name)), param.doc.clone()),
                (ty, _) => (code_span(ty.name()), param.doc.clone()),
            };
            rows.push([code_span(&name), code_span(&scalar.val_type().to_string()), ty, doc]);
        }
    }
    out.push_str(&table(["Parameter", "WASM", "Type", "Description"], rows));
    out.push('\n');
}

fn returns(out: &mut String, function: &Function) {
    let Some(returns) = &function.returns else {
        out.push_str("**Return Value:** None\n\n");
        return;
    };
    let _ = write!(out, "**Return Value:** {} (`{}`)\n\n", returns.doc.trim_end_matches('.'), returns.ty.name());
    if !returns.values.is_empty() {
        out.push_str(&cases(["Value", "Meaning"], &returns.values, true));
        out.push('\n');
    }
}

fn cases(head: [&str; 2], conditions: &[Condition], values: bool) -> String {
    let case = |text: &str| {
        if values { code_span(text) } else { text.to_owned() }
    };
    table(head, conditions.iter().map(|row| [case(&row.case), row.meaning.clone()]))
}

fn errors(out: &mut String, export: &Export, manifest: &Manifest) {
    let mut errors = export.function.errors.clone();
    let answer = match export.refused {
        Some(Answer::Message) => "A negative value, with the message in the buffer;".to_owned(),
        Some(Answer::Value(value)) => format!("Returns {value};"),
        Some(Answer::Nothing) | None => "Nothing happens;".to_owned(),
    };
    for Refusal { case, status, .. } in manifest.refusals_of(&export.function.name) {
        errors.push(Condition { case: case.clone(), meaning: format!("{answer} `get_status` gives `{status}`.") });
    }
    if errors.is_empty() {
        out.push_str("**Error Conditions:** None\n\n");
    } else {
        out.push_str("**Error Conditions:**\n\n");
        out.push_str(&cases(["Condition", "What the caller sees"], &errors, false));
        out.push('\n');
    }
}

fn notes(out: &mut String, function: &Function) {
    if function.notes.is_empty() {
        return;
    }
    out.push_str("**Notes:**\n\n");
    for note in &function.notes {
        let _ = writeln!(out, "- {note}");
    }
    out.push('\n');
}

fn structure(out: &mut String, structure: &Struct) {
    let name = &structure.name;
    let _ = write!(out, "### {name}\n\n{} {}\n\n**Rust Definition:**\n\n", structure.summary, structure.doc);
    let fields: String =
        structure.fields.iter().map(|field| format!("    pub {}: {},\n", field.name, field.ty.name())).collect();
    code(out, "rust", &format!("#[repr(C)]\npub struct {name} {{\n{fields}}}"));
    let _ =
        write!(out, "**Binary Layout ({} bytes, little-endian, aligned to {}):**\n\n", structure.size, structure.align);
    let rows = structure.fields.iter().map(|field| {
        let end = field.offset + field.ty.size() - 1;
        let bytes = format!("{}-{end}", field.offset);
        [bytes, code_span(field.ty.name()), code_span(&field.name), field.doc.clone()]
    });
    out.push_str(&table(["Bytes", "Type", "Field", "Value"], rows));
    out.push_str("\n**JavaScript Reading:**\n\n");
    code(out, "javascript", &structure.example);
}

fn import(out: &mut String, import: &Import, manifest: &Manifest) {
    let function = &import.function;
    let _ = write!(out, "### {}\n\n{}\n\n**Signature:**\n\n", function.name, function.summary);
    code(out, "wasm", &wat(function, Some(&manifest.abi.import_module)));
    out.push_str("**Rust Declaration:**\n\n");
    let params: Vec<_> = function.params.iter().flat_map(rust_params).collect();
    code(out, "rust", &rust_declaration("fn", function, &params, ";"));
    parameters(out, function);
    returns(out, function);
    let _ = write!(out, "**Description:**\n\n{}\n\n", function.doc);
    let _ = write!(
        out,
        "**If It Throws:** the module sees `{}`. With the generated loader, the method `{}` of the host answers the call.\n\n\
         **Usage Example:**\n\n",
        import.threw, import.handler,
    );
    code(out, "javascript", &function.example);
    notes(out, function);
}

fn rust_params(param: &Param) -> Vec<String> {
    let pointer = match &param.ty {
        Type::Bytes => "*const u8",
        Type::BytesMut => "*mut u8",
        ty => {
            return vec![format!("{}: {}", param.name, ty.scalar().map_or("u32", Scalar::name))];
        }
    };
    vec![format!("{}_ptr: {pointer}", param.name), format!("{}: usize", param.length)]
}

fn service_heading(service: &Service) -> String {
    format!("Service {}: {}", service.number, service.name)
}

fn services(out: &mut String, manifest: &Manifest) {
    section(out, "Services", manifest.topic("services"));
    let rows = manifest.services.iter().map(|service| {
        let heading = service_heading(service);
        [
            service.number.to_string(),
            format!("[{}](#{})", service.name, anchor(&heading)),
            items(&service.args),
            items(&service.reply),
            service.summary.clone(),
        ]
    });
    out.push_str(&table(["Number", "Service", "Arguments", "Reply", "What it is"], rows));
    out.push('\n');
    for service in &manifest.services {
        let _ = write!(out, "### {}\n\n{}\n\n{}\n\n", service_heading(service), service.summary, service.doc);
        out.push_str("**Request:**\n\n");
        let number = ["0".to_owned(), "`u8`".to_owned(), "number".to_owned(), format!("{}.", service.number)];
        out.push_str(&message(Some(number), &service.args));
        if service.reply.is_empty() {
            out.push_str("\n**Reply:** empty; the function returns 0\n\n");
        } else {
            let at_least = if service.trailing_reply().is_some() { "at least " } else { "" };
            let _ = write!(out, "\n**Reply ({at_least}{} bytes):**\n\n", service.reply_size());
            out.push_str(&message(None, &service.reply));
            out.push('\n');
        }
        let name = camel(&service.name);
        let _ = write!(
            out,
            "**Usage Example** (a member of `services` of the loader's host, which finds it under `{name}`):\n\n"
        );
        code(out, "javascript", &service.example);
    }
}

fn items(params: &[Param]) -> String {
    if params.is_empty() {
        return "none".to_owned();
    }
    let items: Vec<_> = params.iter().map(|param| format!("`{}: {}`", param.name, param.ty.name())).collect();
    items.join(", ")
}

fn message(first: Option<[String; 4]>, params: &[Param]) -> String {
    let mut next = u32::from(first.is_some());
    let mut rows: Vec<_> = first.into_iter().collect();
    for param in params {
        let bytes = match param.ty.scalar().map(Scalar::size) {
            Some(1) => next.to_string(),
            Some(size) => format!("{next}-{}", next + size - 1),
            None => format!("{next}-..."),
        };
        next += param.ty.scalar().map_or(0, Scalar::size);
        rows.push([bytes, code_span(param.ty.name()), param.name.clone(), param.doc.clone()]);
    }
    table(["Bytes", "Type", "Item", "Value"], rows)
}

fn values(out: &mut String, manifest: &Manifest) {
    topic(out, "Value Encoding", "values", manifest);
    let rows = manifest.constants.iter().filter(|constant| is_tag(constant)).filter_map(|constant| {
        let items = constant.items.as_ref()?;
        Some([
            code_span(&constant.literal()),
            layouts::sentence(items),
            code_span(&constant.name),
            constant.doc.clone(),
        ])
    });
    out.push_str(&table(["Tag", "What follows", "Constant", "Value"], rows));
    let tags = || manifest.constants.iter().filter(|constant| is_tag(constant));
    if tags().next().is_none() {
        out.push('\n');
        return;
    }
    out.push_str("\n**Where each may stand:**\n\n");
    let rows = tags().map(|constant| {
        let may = |place| if constant.places.contains(&place) { "yes" } else { "" }.to_owned();
        [code_span(&constant.name), may(Place::Result), may(Place::Argument), may(Place::Entry), may(Place::HostEntry)]
    });
    out.push_str(&table(["Tag", "To the host", "From the host", "In an entry", "By `ext_table_set`"], rows));
    out.push('\n');
}

fn build(out: &mut String, manifest: &Manifest) {
    section(out, "Build Information", manifest.topic("build"));
    out.push_str("**Artifacts:**\n\n");
    let rows = manifest.artifacts.iter().map(|artifact| {
        let features: Vec<_> = artifact.features.iter().map(|feature| code_span(&feature.to_string())).collect();
        [
            code_span(&artifact.path),
            code_span(&artifact.unwind.to_string()),
            features.join(", "),
            format!("{} {}", artifact.summary, artifact.doc),
        ]
    });
    out.push_str(&table(["File", "Unwinding", "Needs beyond WebAssembly 1.0, at most", "For whom"], rows));
    out.push_str("\n**Exports:**\n\n");
    let mut names: Vec<_> = manifest.exports.iter().map(|export| export.function.name.as_str()).collect();
    names.insert(0, &manifest.abi.memory);
    code(out, "text", &names.join("\n"));
}

fn version(out: &mut String, manifest: &Manifest) {
    section(out, "Version Information", "");
    let rows = [
        ["ABI version".to_owned(), manifest.abi.version.to_string()],
        ["Manifest hash".to_owned(), format!("`{:016x}`", manifest.hash())],
        ["Lua".to_owned(), manifest.abi.lines.join(", ")],
    ];
    out.push_str(&table(["Property", "Value"], rows));
    let _ = write!(
        out,
        "\nThe ABI version grows with every change that an existing caller could notice; the hash is equal for two builds \
         exactly if they agree on every call. Each artifact carries both in the custom section `{}`:\n\n",
        manifest.abi.section
    );
    let stamp = manifest.layouts.iter().find(|layout| layout.name == "stamp");
    out.push_str(&stamp.map(|stamp| layouts::items(&stamp.items)).unwrap_or_default());
    out.push_str("\nA reader ignores what follows. The machine-readable form of this reference is `web/abi.json`.\n");
}
