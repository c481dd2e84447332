//! Names and types in JavaScript what the manifest declares, for the loader, its types and the reference.

use super::names::{camel, pascal};
use super::text::{without_links, wrap};
use crate::manifest::{Function, Param, Scalar, Type};

/// Columns of generated JavaScript and TypeScript.
pub const WIDTH: usize = 100;

/// The JavaScript type of a number.
pub fn scalar_type(scalar: Scalar) -> &'static str {
    match scalar {
        Scalar::I64 | Scalar::U64 => "bigint",
        Scalar::U8 | Scalar::U16 | Scalar::I32 | Scalar::U32 | Scalar::F64 => "number",
    }
}

/// The TypeScript type of a parameter, result or item.
pub fn type_name(ty: &Type) -> String {
    match ty {
        Type::Scalar(scalar) => scalar_type(*scalar).to_owned(),
        Type::Named(name, _) => pascal(name),
        Type::Bytes | Type::BytesMut => "Uint8Array".to_owned(),
        Type::Struct(_) => "Address".to_owned(),
    }
}

/// The TypeScript type of a parameter as it crosses the boundary.
pub fn wasm_type_name(param: &Param, wasm_name: &str) -> String {
    match &param.ty {
        Type::Scalar(_) | Type::Named(..) => type_name(&param.ty),
        _ if wasm_name.ends_with("_ptr") => "Address".to_owned(),
        _ => "number".to_owned(),
    }
}

/// The parameters of an export as its methods take them: wasm name, JavaScript name, TypeScript type, description.
pub fn export_params(function: &Function) -> Vec<(String, String, String, String)> {
    let mut all = Vec::new();
    for param in &function.params {
        for (name, _) in param.expanded() {
            let ty = wasm_type_name(param, &name);
            let doc = if name == param.length && param.ty.is_pointer() {
                match param.ty {
                    Type::BytesMut => format!("Room at `{}_ptr`, in bytes.", param.name),
                    _ => format!("Bytes at `{}_ptr`.", param.name),
                }
            } else {
                param.doc.clone()
            };
            let doc =
                doc.replace(&format!("`{}_ptr`", param.name), &format!("`{}`", camel(&format!("{}_ptr", param.name))));
            all.push((name.clone(), camel(&name), ty, doc));
        }
    }
    all
}

/// The method of a `DataView` that reads or writes a number, without its `get` or `set`.
pub fn accessor(scalar: Scalar) -> &'static str {
    match scalar {
        Scalar::U8 => "Uint8",
        Scalar::U16 => "Uint16",
        Scalar::I32 => "Int32",
        Scalar::U32 => "Uint32",
        Scalar::I64 => "BigInt64",
        Scalar::U64 => "BigUint64",
        Scalar::F64 => "Float64",
    }
}

/// A documentation comment. Each item of `tags` is one `@tag` with its text.
pub fn comment(indent: &str, text: &str, tags: &[String]) -> String {
    let width = WIDTH - indent.len() - 3;
    let mut lines = wrap(&without_links(text), width);
    if !tags.is_empty() && !lines.is_empty() {
        lines.push(String::new());
    }
    for tag in tags {
        let mut wrapped = wrap(&without_links(tag), width - 2).into_iter();
        lines.extend(wrapped.next());
        lines.extend(wrapped.map(|line| format!("  {line}")));
    }
    if let [line] = &lines[..]
        && line.chars().count() + 7 + indent.len() <= WIDTH
    {
        return format!("{indent}/** {line} */\n");
    }
    let body: String = lines.iter().map(|line| format!("{indent} * {line}").trim_end().to_owned() + "\n").collect();
    format!("{indent}/**\n{body}{indent} */\n")
}

/// `name(params): result;`, one parameter a line if it is long.
pub fn declaration(indent: &str, name: &str, params: &[String], result: &str) -> String {
    let line = format!("{indent}{name}({}): {result};\n", params.join(", "));
    if line.chars().count() <= WIDTH + 1 {
        return line;
    }
    let params: String = params.iter().map(|param| format!("{indent}  {param},\n")).collect();
    format!("{indent}{name}(\n{params}{indent}): {result};\n")
}

/// A function's type in the WebAssembly text format.
pub fn wat(function: &Function, import: Option<&str>) -> String {
    let name = &function.name;
    let mut wat = match import {
        Some(module) => format!("(import \"{module}\" \"{name}\" (func"),
        None => format!("(func (export \"{name}\")"),
    };
    let params: Vec<_> = function.wasm_params().iter().map(|(_, scalar)| scalar.val_type().to_string()).collect();
    if !params.is_empty() {
        wat += &format!(" (param {})", params.join(" "));
    }
    if let Some(scalar) = function.returns.as_ref().and_then(|returns| returns.ty.scalar()) {
        wat += &format!(" (result {})", scalar.val_type());
    }
    wat + if import.is_some() { "))" } else { ")" }
}
