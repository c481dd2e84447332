//! Writes `examples/python/lua_abi.py`: constants, what follows each tag, the grammar of keys, services. What no manifest
//! changes, the reading and writing, is copied from `python_runtime.py`.

use std::fmt::Write;

use super::names::pascal;
use super::output::{Backend, ORIGIN};
use super::text::wrap;
use crate::manifest::{Constant, Count, Expression, Item, Manifest, Param};

/// `examples/python/lua_abi.py`.
pub struct Python;

impl Backend for Python {
    fn name(&self) -> &'static str {
        "python"
    }

    fn path(&self) -> &'static str {
        "examples/python/lua_abi.py"
    }

    fn render(&self, manifest: &Manifest) -> String {
        let mut out = format!(
            "\"\"\"The boundary between Python and lua.wasm: its constants, and its values, keys, requests and replies as bytes.\n\n\
             {ORIGIN}\n\"\"\"\n\nimport math\nimport re\nimport struct\nfrom collections import namedtuple\n\n"
        );
        let _ = write!(out, "# Version of the boundary.\nABI_VERSION = {}\n", manifest.abi.version);
        for constant in &manifest.constants {
            out.push_str(&comment(&constant.doc));
            let _ = writeln!(out, "{} = {}", constant.name, constant.literal());
        }
        imports(&mut out, manifest);
        tags(&mut out, manifest);
        grammar(&mut out, manifest);
        services(&mut out, manifest);
        out.push('\n');
        out.push_str(runtime());
        out
    }
}

/// The part that is the same for every manifest, as a file of Python.
fn runtime() -> &'static str {
    const FILE: &str = include_str!("python_runtime.py");
    const MARK: &str = "\n# lua_abi.py has what follows.\n\n";
    FILE.split_once(MARK).map_or(FILE, |(_, runtime)| runtime)
}

/// Columns of a comment.
const WIDTH: usize = 118;

fn comment(text: &str) -> String {
    wrap(text, WIDTH).iter().map(|line| format!("# {line}").trim_end().to_owned() + "\n").collect()
}

fn imports(out: &mut String, manifest: &Manifest) {
    let abi = &manifest.abi;
    let _ = write!(
        out,
        "\n# The imports of a module, by what the host does: the name, and the number of its parameters, which are i32.\n\
         IMPORT_MODULE = \"{}\"\nMEMORY = \"{}\"\nIMPORTS = {{\n",
        abi.import_module, abi.memory,
    );
    for (import, function) in manifest.imports.iter().zip(manifest.wasm_imports()) {
        let _ = writeln!(out, "    \"{}\": (\"{}\", {}),", import.handler, function.name, function.params.len());
    }
    let threw = manifest.imports.first().map_or(0, |import| import.threw);
    let _ = write!(out, "}}\n# What an import returns in place of an exception.\nTHREW = {threw}\n");
}

/// The value tags: what follows each, where it may stand, and the class of those that Python has no type for.
fn tags(out: &mut String, manifest: &Manifest) {
    let tags = || manifest.constants.iter().filter(|constant| !constant.places.is_empty());
    out.push_str(
        "\n# What follows each tag: name, type, for bytes the item with their number and what is taken from it, the least and\n\
         # the most.\nITEMS = {\n",
    );
    for tag in tags() {
        let items: String = tag.items.iter().flatten().map(item).collect();
        let _ = writeln!(out, "    {}: ({}),", tag.name, items.trim_end());
    }
    out.push_str("}\n\n# Where a value with a tag may stand.\nPLACES = {\n");
    for tag in tags() {
        let places: String = tag.places.iter().map(|place| format!("\"{place}\", ")).collect();
        let _ = writeln!(out, "    {}: ({}),", tag.name, places.trim_end());
    }
    out.push_str("}\n\n");
    let classes: Vec<_> = tags().filter_map(|tag| Some((tag, fields(tag)?))).collect();
    for (tag, fields) in &classes {
        let name = class(tag);
        let _ = writeln!(out, "{}{name} = namedtuple(\"{name}\", \"{}\")", comment(&tag.doc), fields.join(" "));
    }
    out.push_str("CLASSES = {\n");
    for (tag, _) in &classes {
        let _ = writeln!(out, "    {}: {},", tag.name, class(tag));
    }
    out.push_str("}\n");
}

fn item(item: &Item) -> String {
    let none = || "None".to_owned();
    let number = |number: Option<i64>| number.map_or_else(none, |number| number.to_string());
    let ty = item.ty.scalar().map_or_else(|| item.ty.name(), |scalar| scalar.name());
    let count = match &item.count {
        Count::Of { name, less } => format!("(\"{name}\", {less})"),
        Count::One | Count::Optional | Count::Rest => none(),
    };
    let (least, most) = (number(item.min), number(item.max));
    format!("(\"{}\", \"{ty}\", {count}, {least}, {most}), ", item.name)
}

/// The class of a tag, as `LibraryFunction`.
fn class(tag: &Constant) -> String {
    pascal(&tag.name.trim_start_matches("TAG_").to_lowercase())
}

/// Tags whose values are Python's own.
const PLAIN: [&str; 8] = [
    "TAG_NIL",
    "TAG_BOOLEAN",
    "TAG_INTEGER",
    "TAG_FLOAT",
    "TAG_STRING",
    "TAG_TABLE",
    "TAG_SAME_TABLE",
    "TAG_MORE_RESULTS",
];

/// The fields of a tag that has a class: what is no length of another, and can be more than one number.
fn fields(tag: &Constant) -> Option<Vec<&str>> {
    if PLAIN.contains(&tag.name.as_str()) {
        return None;
    }
    let items = tag.items.as_deref().unwrap_or_default();
    let is_length =
        |item: &Item| items.iter().any(|other| matches!(&other.count, Count::Of { name, .. } if *name == item.name));
    let is_fixed = |item: &Item| item.min.is_some() && item.min == item.max;
    Some(items.iter().filter(|item| !is_length(item) && !is_fixed(item)).map(|item| item.name.as_str()).collect())
}

/// The form of keys as a regular expression: no rule of the grammar refers to itself.
fn grammar(out: &mut String, manifest: &Manifest) {
    let form = expression(&Expression::Rule("form".to_owned()), manifest);
    let _ = write!(out, "\n# The grammar of keys, as far as it goes.\nFORM = (\n");
    let characters: Vec<_> = form.chars().collect();
    for line in characters.chunks(100) {
        let line: String = line.iter().collect();
        let _ = writeln!(out, "    '{}'", line.replace('\\', "\\\\").replace('\'', "\\'"));
    }
    out.push_str(")\n");
}

fn expression(expression: &Expression, manifest: &Manifest) -> String {
    let parts = |parts: &[Expression], between: &str| {
        let parts: Vec<_> = parts.iter().map(|part| self::expression(part, manifest)).collect();
        format!("(?:{})", parts.join(between))
    };
    match expression {
        Expression::Text(text) => text.chars().map(escaped).collect(),
        Expression::Rule(name) => {
            let rule = manifest.rules.iter().find(|rule| rule.name == *name);
            rule.map_or_else(String::new, |rule| self::expression(&rule.is, manifest))
        }
        Expression::Character(except) if except.is_empty() => r"[\s\S]".to_owned(),
        Expression::Character(except) => format!("[^{}]", except.iter().copied().map(escaped).collect::<String>()),
        Expression::Choice(choices) => parts(choices, "|"),
        Expression::Sequence(sequence) => parts(sequence, ""),
        Expression::Optional(part) => format!("(?:{})?", self::expression(part, manifest)),
        Expression::Repeat(part) => format!("(?:{})*", self::expression(part, manifest)),
    }
}

fn escaped(character: char) -> String {
    if character.is_ascii_alphanumeric() {
        return character.to_string();
    }
    if character.is_ascii_graphic() {
        return format!("\\{character}");
    }
    format!("\\u{:04x}", u32::from(character))
}

fn services(out: &mut String, manifest: &Manifest) {
    let _ = write!(
        out,
        "\n# The requests: number, arguments and reply, each field with its type and default.\n\
         SERVICE_TABLE = {}\nSERVICES = {{\n",
        manifest.abi.service_table
    );
    for service in &manifest.services {
        let fields = |fields: &[Param]| fields.iter().map(field).collect::<String>().trim_end().to_owned();
        let (args, reply) = (fields(&service.args), fields(&service.reply));
        let _ = writeln!(out, "    \"{}\": ({}, ({args}), ({reply})),", service.name, service.number);
    }
    out.push_str("}\n");
}

fn field(param: &Param) -> String {
    let ty = param.ty.scalar().map_or("bytes", |scalar| scalar.name());
    let default = param.default.map_or_else(|| "None".to_owned(), |default| default.to_string());
    format!("(\"{}\", \"{ty}\", {default}), ", param.name)
}
