//! Writes `web/loader.js`: the constants, the imports over a host object, and the exports as methods. What no manifest
//! changes is copied from `web/loader-runtime.js`. Its syntax keeps to what Chrome 74 and Firefox 79 parse.

use std::fmt::Write;

use super::javascript::{WIDTH, accessor, comment, export_params, scalar_type, wat};
use super::names::camel;
use super::output::{Backend, ORIGIN};
use crate::manifest::{Export, Function, Import, Manifest, Param, Scalar, Service, Struct, Type};

/// `web/loader.js`.
pub struct Loader;

/// The service that the loader answers by itself, from the handlers that it was given.
const NEGOTIATE: &str = "negotiate";

impl Backend for Loader {
    fn name(&self) -> &'static str {
        "loader"
    }

    fn path(&self) -> &'static str {
        "web/loader.js"
    }

    fn render(&self, manifest: &Manifest) -> String {
        let mut out = format!(
            "// The boundary between JavaScript and lua.wasm: its constants, the imports over a host object,\n\
             // and the exports as methods. The syntax keeps to what Chrome 74 and Firefox 79 parse.\n\
             // {ORIGIN}\n\n"
        );
        constants(&mut out, manifest);
        names(&mut out, manifest);
        out.push_str(runtime());
        for structure in &manifest.structs {
            self::structure(&mut out, structure);
        }
        services(&mut out, manifest);
        imports(&mut out, manifest);
        instance(&mut out, manifest);
        out
    }
}

/// The part that is the same for every manifest, as JavaScript of its own, which is linted and typed as any.
fn runtime() -> &'static str {
    const FILE: &str = include_str!("../../../web/loader-runtime.js");
    const MARK: &str = "\n// loader.js has what follows.\n\n";
    FILE.split_once(MARK).map_or(FILE, |(_, runtime)| runtime)
}

fn constants(out: &mut String, manifest: &Manifest) {
    let _ = write!(
        out,
        "/** Version of the boundary. */\nexport const ABI_VERSION = {};\n\
         /** Equal for two builds exactly if they agree on every call. */\nexport const MANIFEST_HASH = '{:016x}';\n",
        manifest.abi.version,
        manifest.hash(),
    );
    let lines: Vec<_> = manifest.abi.lines.iter().map(|line| format!("'{line}'")).collect();
    let _ = writeln!(
        out,
        "/** The lines of Lua releases that there are modules of; the first is the default. */\n\
         export const LUA_LINES = Object.freeze([{}]);",
        lines.join(", "),
    );
    for constant in &manifest.constants {
        out.push_str(&comment("", &constant.doc, &[]));
        let _ = writeln!(out, "export const {} = {};", constant.name, constant.literal());
    }
    out.push_str("/** The number of each service. */\nexport const SERVICES = Object.freeze({\n");
    for service in &manifest.services {
        let _ = writeln!(out, "  {}: {},", camel(&service.name), service.number);
    }
    out.push_str("});\n\n");
}

/// The names that the run-time part looks for in a module and in a host.
fn names(out: &mut String, manifest: &Manifest) {
    let handlers: Vec<_> = manifest.imports.iter().map(|import| format!("'{}'", import.handler)).collect();
    let _ = write!(
        out,
        "const SECTION = '{}';\nconst MEMORY = '{}';\nconst HANDLERS = [{}];\nconst EXPORTS = [\n  MEMORY,\n",
        manifest.abi.section,
        manifest.abi.memory,
        handlers.join(", ")
    );
    for export in &manifest.exports {
        let _ = writeln!(out, "  '{}',", export.function.name);
    }
    out.push_str("];\n\n");
}

fn structure(out: &mut String, structure: &Struct) {
    let tags = [
        "@param {DataView} view Of the module's memory.".to_owned(),
        "@param {number} address Where the structure starts.".to_owned(),
        format!("@returns {{import('./loader.js').{}}}", structure.name),
    ];
    let text = format!("Reads a {} of {} bytes from memory.", structure.name, structure.size);
    out.push_str(&comment("", &text, &tags));
    let _ = writeln!(out, "export function read{}(view, address) {{\n  return {{", structure.name);
    for field in &structure.fields {
        let at = if field.offset == 0 { "address".to_owned() } else { format!("address + {}", field.offset) };
        let _ = writeln!(out, "    {}: {},", camel(&field.name), get(field.ty, "view", &at));
    }
    out.push_str("  };\n}\n\n");
}

fn get(scalar: Scalar, view: &str, at: &str) -> String {
    let endian = if scalar.size() == 1 { "" } else { ", true" };
    format!("{view}.get{}({at}{endian})", accessor(scalar))
}

fn services(out: &mut String, manifest: &Manifest) {
    if manifest.services.is_empty() {
        return;
    }
    let is_u32 = |arg: &Param| arg.ty.scalar() == Some(Scalar::U32);
    if manifest.services.iter().any(|service| service.is_exchange() && service.args.iter().any(is_u32)) {
        out.push_str(U32_AT);
    }
    out.push_str(&comment(
        "",
        "Answers a request of the module.",
        &[
            "@param {import('./loader.js').Host} host".to_owned(),
            "@param {Uint8Array} memory The memory of the module.".to_owned(),
            "@param {number} start Where the request starts: the number of the service and its arguments.".to_owned(),
            "@param {number} end Where it ends.".to_owned(),
            "@param {number} replyStart Where the reply goes.".to_owned(),
            "@param {number} replyEnd Where the room for it ends.".to_owned(),
            "@returns {number} Length of the reply, or what stands for none.".to_owned(),
        ],
    ));
    out.push_str(
        "function serve(host, memory, start, end, replyStart, replyEnd) {\n  if (start === end) return REPLY_NONE;\n\
         \x20 const services = host.services || {};\n",
    );
    let (exchanges, others): (Vec<_>, Vec<_>) = manifest.services.iter().partition(|service| service.is_exchange());
    if !exchanges.is_empty() {
        out.push_str("  // These go first, without the views that the others need: they are what has to be fast.\n");
    }
    for service in exchanges {
        exchange(out, service);
    }
    out.push_str(
        "  const request = memory.subarray(start, end);\n  const room = memory.subarray(replyStart, replyEnd);\n\
         \x20 const query = new DataView(memory.buffer, memory.byteOffset + start, request.length);\n\
         \x20 const reply = new DataView(memory.buffer, memory.byteOffset + replyStart, room.length);\n\
         \x20 switch (request[0]) {\n",
    );
    for service in others {
        self::service(out, service);
    }
    out.push_str("    default:\n      return REPLY_NONE;\n  }\n}\n\n");
}

/// A service whose handler reads and writes the memory itself.
fn exchange(out: &mut String, service: &Service) {
    let name = camel(&service.name);
    let mut at = 1;
    let mut arguments = vec!["memory".to_owned()];
    for arg in &service.args {
        let place = format!("start + {at}");
        match arg.ty.scalar() {
            Some(scalar) => {
                arguments.push(match scalar {
                    Scalar::U32 => format!("u32At(memory, {place})"),
                    _ => get(scalar, "new DataView(memory.buffer)", &format!("memory.byteOffset + {place}")),
                });
                at += scalar.size();
            }
            None => arguments.extend([place, "end".to_owned()]),
        }
    }
    arguments.extend(["replyStart".to_owned(), "replyEnd".to_owned()]);
    let malformed = match (service.trailing_arg().is_some(), at) {
        (true, 1) => String::new(),
        (true, _) => format!(" || end - start < {at}"),
        (false, _) => format!(" || end - start !== {at}"),
    };
    let mut call = format!("    const length = services.{name}({});", arguments.join(", "));
    if call.len() > WIDTH {
        let lines: String = arguments.iter().map(|argument| format!("      {argument},\n")).collect();
        call = format!("    const length = services.{name}(\n{lines}    );");
    }
    let _ = write!(
        out,
        "  if (memory[start] === SERVICES.{name}) {{\n    if (!services.{name}{malformed}) return REPLY_NONE;\n\
         {call}\n    return length === null ? REPLY_NONE : length;\n  }}\n",
    );
}

/// Reads what most arguments are without a view, which would cost more than what it is read for.
const U32_AT: &str = "/**
 * Reads a number from memory.
 *
 * @param {Uint8Array} memory
 * @param {number} at
 * @returns {number}
 */
function u32At(memory, at) {
  const high = (memory[at + 2] << 16) | (memory[at + 3] << 24);
  return (memory[at] | (memory[at + 1] << 8) | high) >>> 0;
}

";

fn service(out: &mut String, service: &Service) {
    let name = camel(&service.name);
    let automatic = service.name == NEGOTIATE;
    let compare = if service.trailing_arg().is_some() { "<" } else { "!==" };
    let malformed = format!("request.length {compare} {}", service.header_size());
    let refuse = if automatic { malformed } else { format!("!services.{name} || {malformed}") };
    let _ = write!(out, "    case SERVICES.{name}: {{\n      if ({refuse}) return REPLY_NONE;\n");
    if service.trailing_reply().is_some() {
        let _ = writeln!(out, "      const fit = room.length - {};", service.reply_size());
    }
    let call = format!("services.{name}({})", arguments(service));
    if service.reply.is_empty() {
        let mut answer = format!("      return {call} === null ? REPLY_NONE : 0;\n");
        if answer.len() > WIDTH {
            answer = format!("      const answer = {call};\n      return answer === null ? REPLY_NONE : 0;\n");
        }
        let _ = writeln!(out, "{answer}    }}");
        return;
    }
    if automatic {
        let _ = write!(out, "      const answer = services.{name}\n        ? {call}\n        : negotiated(host);\n");
    } else {
        let _ = writeln!(out, "      const answer = {call};");
    }
    out.push_str("      if (answer === null || answer === undefined) return REPLY_NONE;\n");
    let size = service.reply_size();
    match service.trailing_reply() {
        Some(bytes) => {
            let _ = write!(
                out,
                "      const length = {size} + answer.{}.length;\n      if (room.length < length) return -length;\n",
                camel(&bytes.name)
            );
        }
        None => {
            let _ = writeln!(out, "      if (room.length < {size}) return -{size};");
        }
    }
    let mut at = 0;
    for field in &service.reply {
        let value = format!("answer.{}", camel(&field.name));
        let _ = match field.ty.scalar() {
            Some(scalar) => {
                let endian = if scalar.size() == 1 { "" } else { ", true" };
                let set = writeln!(out, "      reply.set{}({at}, {value}{endian});", accessor(scalar));
                at += scalar.size();
                set
            }
            None => writeln!(out, "      room.set({value}, {size});"),
        };
    }
    let length = if service.trailing_reply().is_some() { "length".to_owned() } else { size.to_string() };
    let _ = write!(out, "      return {length};\n    }}\n");
}

fn arguments(service: &Service) -> String {
    let mut at = 1;
    let mut arguments = Vec::new();
    for arg in &service.args {
        match arg.ty.scalar() {
            Some(scalar) => {
                arguments.push(get(scalar, "query", &at.to_string()));
                at += scalar.size();
            }
            None => arguments.push(format!("request.subarray({at})")),
        }
    }
    if service.trailing_reply().is_some() {
        arguments.push("fit".to_owned());
    }
    arguments.join(", ")
}

fn imports(out: &mut String, manifest: &Manifest) {
    out.push_str(&comment(
        "",
        "Makes the imports of a module over the methods of a host.",
        &[
            "@param {import('./loader.js').Host} host".to_owned(),
            "@param {() => Uint8Array} view The memory of the module.".to_owned(),
            "@param {(error: unknown) => void} keep Takes what a method throws.".to_owned(),
            "@returns {WebAssembly.Imports}".to_owned(),
        ],
    ));
    let _ = write!(out, "function bind(host, view, keep) {{\n  const {} = {{\n", manifest.abi.import_module);
    for import in &manifest.imports {
        self::import(out, import, manifest);
    }
    let _ = write!(out, "  }};\n  return {{ {} }};\n}}\n\n", manifest.abi.import_module);
}

fn import(out: &mut String, import: &Import, manifest: &Manifest) {
    let function = &import.function;
    let params: Vec<_> = function.wasm_params().iter().map(|(name, _)| camel(name)).collect();
    let _ = write!(
        out,
        "    // {}\n    {}({}) {{\n      try {{\n",
        wat(function, Some(&manifest.abi.import_module)),
        function.name,
        params.join(", "),
    );
    if function.name == manifest.abi.service_import {
        request(out, function, manifest.abi.service_table);
    }
    let args = handler_arguments(&function.params);
    let _ = write!(
        out,
        "        return host.{}({});\n      }} catch (error) {{\n        keep(error);\n        return {};\n      }}\n    }},\n",
        import.handler,
        args.join(", "),
        import.threw,
    );
}

fn request(out: &mut String, function: &Function, table: u32) {
    if let [id, key, value] = &function.params[..] {
        let _ = write!(
            out,
            "        if ({} === {table}) {{\n          return serve(host, view(), {}, {});\n        }}\n",
            camel(&id.name),
            range(key),
            range(value),
        );
    }
}

/// What a handler of the host gets: numbers, and ranges as their two ends, behind the memory that they lie in.
fn handler_arguments(params: &[Param]) -> Vec<String> {
    let mut arguments = Vec::new();
    let mut memory = Some("view()".to_owned());
    for param in params {
        let name = camel(&param.name);
        match &param.ty {
            Type::Scalar(Scalar::U32) | Type::Named(_, Scalar::U32) => arguments.push(format!("{name} >>> 0")),
            Type::Scalar(_) | Type::Named(..) => arguments.push(name),
            _ => {
                arguments.extend(memory.take());
                arguments.push(range(param));
            }
        }
    }
    arguments
}

/// The two ends of a range.
fn range(param: &Param) -> String {
    let names = range_names(param);
    format!("{}, {}", names[0], names.join(" + "))
}

/// What the imports call the address and the length of a range.
fn range_names(param: &Param) -> Vec<String> {
    param.expanded().iter().map(|(name, _)| camel(name)).collect()
}

fn instance(out: &mut String, manifest: &Manifest) {
    out.push_str("/** A module at work, its exports as methods. */\nexport class LuaInstance extends Instance {");
    for export in &manifest.exports {
        method(out, export);
    }
    out.push_str("}\n");
}

fn method(out: &mut String, export: &Export) {
    let function = &export.function;
    let params = export_params(function);
    let mut tags: Vec<_> =
        params.iter().map(|(_, name, ty, doc)| format!("@param {{{}}} {name} {doc}", plain(ty))).collect();
    let structure = function.params.iter().find_map(|param| match &param.ty {
        Type::Struct(name) => Some((name, format!("{}Ptr", camel(&param.name)))),
        _ => None,
    });
    if let Some((name, _)) = &structure {
        tags.push(format!("@returns {{import('./loader.js').{name}}}"));
    } else if let Some(returns) = &function.returns {
        let scalar = returns.ty.scalar().map_or("number", scalar_type);
        tags.push(format!("@returns {{{scalar}}} {}", returns.doc));
    }
    out.push('\n');
    out.push_str(&comment("  ", &format!("{}\n\n`{}`", function.summary, wat(function, None)), &tags));
    let names: Vec<_> = params.into_iter().map(|(_, name, _, _)| name).collect();
    let call = format!("this.exports.{}({})", function.name, names.join(", "));
    let body = match (&structure, &function.returns) {
        (Some((name, at)), _) => format!("    {call};\n    return read{name}(this.view, {at});\n"),
        (None, Some(returns)) if returns.ty.scalar() == Some(Scalar::U32) => {
            format!("    return {call} >>> 0;\n")
        }
        (None, Some(_)) => format!("    return {call};\n"),
        (None, None) => format!("    {call};\n"),
    };
    let _ = write!(out, "  {}({}) {{\n{body}  }}\n", camel(&function.name), names.join(", "));
}

/// What JSDoc calls a type: the aliases of the declarations stand for numbers.
fn plain(ty: &str) -> &str {
    match ty {
        "bigint" | "Uint8Array" => ty,
        _ => "number",
    }
}
