//! Writes the guest's side of the boundary in Rust: export shims, which check every address that the host passes before
//! any hand-written code sees it, and bindings of the imports and services.

use std::fmt::Write;

use super::names::{pascal, upper};
use super::output::{Backend, ORIGIN};
use super::rust::{doc, integer_literal, literal, spread};
use crate::manifest::{Answer, Export, Function, Import, Manifest, Param, Refusal, Scalar, Service, Struct, Type};

/// `shims.rs` in `OUT_DIR`, included by the guest's `abi` module.
pub struct Shims;

impl Backend for Shims {
    fn name(&self) -> &'static str {
        "shims"
    }

    fn path(&self) -> &'static str {
        "shims.rs"
    }

    fn render(&self, manifest: &Manifest) -> String {
        let mut out = format!("// {ORIGIN}\n\n");
        constants(&mut out, manifest);
        refusals(&mut out, manifest);
        for structure in &manifest.structs {
            self::structure(&mut out, structure);
        }
        exports(&mut out, manifest);
        imports(&mut out, manifest);
        services(&mut out, manifest);
        out
    }
}

fn constants(out: &mut String, manifest: &Manifest) {
    let _ = write!(
        out,
        "/// Version of the boundary.\npub const ABI_VERSION: u32 = {};\n\
         /// Equal for two builds exactly if they agree on every call.\npub const MANIFEST_HASH: u64 = 0x{:016x};\n\
         /// The table id that marks a request to the host.\npub const SERVICE_TABLE: u32 = {};\n",
        manifest.abi.version,
        manifest.hash(),
        manifest.abi.service_table,
    );
    for constant in &manifest.constants {
        doc(out, "", &constant.doc);
        let (name, ty) = (&constant.name, constant.ty.name());
        let _ = writeln!(out, "pub const {name}: {ty} = {};", literal(constant));
    }
    out.push('\n');
}

fn refusals(out: &mut String, manifest: &Manifest) {
    if manifest.refusals.is_empty() {
        return;
    }
    out.push_str(
        "/// Why a call is refused before any of it is done.\n#[derive(Clone, Copy, Debug, PartialEq, Eq)]\n\
         pub struct Refusal {\n    /// The status of the call.\n    pub status: i32,\n    /// What was wrong, and what would be \
         right.\n    pub message: &'static str,\n}\n\n/// The refusals there are.\npub mod refusals {\n    use super::Refusal;\n\n",
    );
    for refusal in &manifest.refusals {
        let Refusal { name, status, message, case, .. } = refusal;
        doc(out, "    ", &format!("{case}."));
        let _ = write!(
            out,
            "    pub const {name}: Refusal = Refusal {{\n        status: super::{status},\n        message: {},\n    }};\n",
            broken(message),
        );
    }
    out.push_str("}\n\n");
}

/// A text as a literal over as many lines as it takes.
fn broken(text: &str) -> String {
    const LINE: usize = 76;
    let mut out = String::from("\"");
    let mut length = 0;
    for (index, word) in text.split(' ').enumerate() {
        let word = word.escape_debug().to_string();
        if index > 0 {
            out.push(' ');
            if length + word.chars().count() > LINE {
                out.push_str("\\\n            ");
                length = 0;
            }
        }
        length += word.chars().count() + 1;
        out.push_str(&word);
    }
    out + "\""
}

fn structure(out: &mut String, structure: &Struct) {
    let name = &structure.name;
    doc(out, "", &structure.summary);
    let _ = writeln!(out, "#[repr(C)]\n#[derive(Clone, Copy, Debug, PartialEq)]\npub struct {name} {{");
    for field in &structure.fields {
        doc(out, "    ", &field.doc);
        let _ = writeln!(out, "    pub {}: {},", field.name, field.ty.name());
    }
    let _ = write!(
        out,
        "}}\n\nconst _: () = {{\n    assert!(size_of::<{name}>() == {});\n    assert!(align_of::<{name}>() == {});\n",
        structure.size, structure.align,
    );
    for field in &structure.fields {
        let _ = writeln!(out, "    assert!(core::mem::offset_of!({name}, {}) == {});", field.name, field.offset);
    }
    out.push_str("};\n\n");
}

fn exports(out: &mut String, manifest: &Manifest) {
    doc(
        out,
        "",
        "What the host calls. An address range that does not lie in memory is answered here, with the value that the \
         manifest names; [`crate::exports`] only ever sees ranges that do.",
    );
    out.push_str("#[cfg(target_arch = \"wasm32\")]\npub mod exports {\n");
    let params = || manifest.exports.iter().flat_map(|export| &export.function.params);
    let mut used: Vec<&str> = params().filter_map(|param| checked_type(&param.ty)).map(|(name, _)| name).collect();
    used.sort_unstable();
    used.dedup();
    match used[..] {
        [] => {}
        [one] => {
            let _ = writeln!(out, "    use crate::ranges::{one};\n");
        }
        _ => {
            let _ = writeln!(out, "    use crate::ranges::{{{}}};\n", used.join(", "));
        }
    }
    for (index, export) in manifest.exports.iter().enumerate() {
        if index > 0 {
            out.push('\n');
        }
        self::export(out, export, manifest);
    }
    out.push_str("}\n\n");
}

/// The guest's type for a checked range, and how to make one of a parameter.
fn checked_type(ty: &Type) -> Option<(&'static str, String)> {
    match ty {
        Type::Scalar(_) | Type::Named(..) => None,
        Type::Bytes => Some(("Bytes", "Bytes::new".to_owned())),
        Type::BytesMut => Some(("BytesMut", "BytesMut::new".to_owned())),
        Type::Struct(name) => Some(("Out", format!("Out::<super::{name}>::new"))),
    }
}

/// The refusal of a range that does not lie in memory.
const BAD_RANGE: &str = "BAD_RANGE";

/// What to say about functions of the guest that the compiler found missing or of other types, by what it printed. It
/// shows the lines of the shims, which are in a generated file that nobody knows.
pub fn explain(manifest: &Manifest, compiler: &str) -> String {
    let mut text = String::new();
    for export in &manifest.exports {
        let Function { name, place, .. } = &export.function;
        if compiler.contains(&format!("crate::exports::{name}{GUEST_MARK}")) {
            let _ = writeln!(
                text,
                "{place} declares `{name}`, and src/exports.rs does not define it so. Write there:\n    {}",
                guest_signature(export)
            );
        }
    }
    text
}

/// How the guest has to define the function of an export.
fn guest_signature(export: &Export) -> String {
    let function = &export.function;
    let params: Vec<_> = function.params.iter().map(|param| format!("{}: {}", param.name, guest_type(param))).collect();
    format!("pub fn {}({}){}", function.name, params.join(", "), arrow(function))
}

/// What ends the line that names the guest's function, which is the line that the compiler shows if it is missing or
/// has other types.
const GUEST_MARK: &str = "; // declared in exports.toml, for src/exports.rs";

/// The guest's type of a parameter.
fn guest_type(param: &Param) -> String {
    match &param.ty {
        Type::Bytes => "Bytes".to_owned(),
        Type::BytesMut => "BytesMut".to_owned(),
        Type::Struct(name) => format!("Out<{name}>"),
        Type::Scalar(scalar) | Type::Named(_, scalar) => scalar.name().to_owned(),
    }
}

fn export(out: &mut String, export: &Export, manifest: &Manifest) {
    let function = &export.function;
    let noted = manifest.refusals_of(&function.name).any(|refusal| refusal.name == BAD_RANGE);
    let types: Vec<_> = function.params.iter().map(guest_type).collect();
    let types = types.join(", ").replace("Out<", "Out<super::");
    let constant = upper(&function.name);
    let _ = writeln!(
        out,
        "    const {constant}: fn({types}){} =\n        crate::exports::{}{GUEST_MARK}\n",
        arrow(function),
        function.name
    );
    doc(out, "    ", &function.summary);
    let _ = writeln!(out, "    #[unsafe(no_mangle)]");
    let wasm: Vec<_> =
        function.wasm_params().iter().map(|(name, scalar)| format!("{name}: {}", scalar.name())).collect();
    let head = format!("    pub extern \"C\" fn {}", function.name);
    let _ = writeln!(out, "{}", spread(&head, &wasm, &format!("{} {{", arrow(function))));
    for param in &function.params {
        if let Some((_, new)) = checked_type(&param.ty) {
            let range = match param.ty {
                Type::Struct(_) => format!("{}_ptr", param.name),
                _ => format!("{}_ptr, {}", param.name, param.length),
            };
            let _ = writeln!(out, "        let Some({}) = {new}({range}) else {{", param.name);
            if noted && export.refused != Some(Answer::Message) {
                let _ = writeln!(out, "            super::refusals::{BAD_RANGE}.note();");
            }
            match export.refused {
                Some(Answer::Message) => {
                    let _ = writeln!(out, "            return super::refusals::{BAD_RANGE}.answer();");
                }
                Some(Answer::Value(value)) => {
                    let _ = writeln!(out, "            return {};", integer_literal(value, false));
                }
                Some(Answer::Nothing) | None => out.push_str("            return;\n"),
            }
            out.push_str("        };\n");
        }
    }
    let args: Vec<_> = function.params.iter().map(|param| param.name.as_str()).collect();
    let semicolon = if function.returns.is_some() { "" } else { ";" };
    let _ = writeln!(out, "        {constant}({}){semicolon}\n    }}", args.join(", "));
}

fn arrow(function: &Function) -> String {
    let scalar = function.returns.as_ref().and_then(|returns| returns.ty.scalar());
    scalar.map_or_else(String::new, |scalar| format!(" -> {}", scalar.name()))
}

fn imports(out: &mut String, manifest: &Manifest) {
    let module = &manifest.abi.import_module;
    let _ = write!(
        out,
        "/// What the guest calls on the host.\npub mod imports {{\n\
         \x20   #[cfg(not(target_arch = \"wasm32\"))]\n    use crate::native_host as raw;\n\n\
         \x20   #[cfg(target_arch = \"wasm32\")]\n    mod raw {{\n\
         \x20       #[link(wasm_import_module = \"{module}\")]\n        unsafe extern \"C\" {{\n",
    );
    for import in &manifest.imports {
        let function = &import.function;
        let params: Vec<_> = function.params.iter().flat_map(raw_params).collect();
        let head = format!("            pub fn {}", function.name);
        let _ = writeln!(out, "{}", spread(&head, &params, &(arrow(function) + ";")));
    }
    out.push_str("        }\n    }\n");
    for import in &manifest.imports {
        wrapper(out, import);
    }
    out.push_str("}\n\n");
}

fn raw_params(param: &Param) -> Vec<String> {
    match &param.ty {
        Type::Bytes => vec![format!("{}_ptr: *const u8", param.name), format!("{}: usize", param.length)],
        Type::BytesMut => vec![format!("{}_ptr: *mut u8", param.name), format!("{}: usize", param.length)],
        ty => vec![format!("{}: {}", param.name, ty.scalar().map_or("u32", Scalar::name))],
    }
}

fn wrapper(out: &mut String, import: &Import) {
    let function = &import.function;
    let safe = function.name.trim_start_matches("js_");
    let result = function.returns.as_ref().and_then(|returns| returns.ty.scalar());
    if let Some(scalar) = result {
        let _ = write!(
            out,
            "\n    /// What [`{safe}`] returns if the host function threw.\n    pub const {}_THREW: {} = {};\n",
            upper(safe),
            scalar.name(),
            integer_literal(import.threw, false),
        );
    }
    out.push('\n');
    doc(out, "    ", &function.summary);
    if let Some(returns) = &function.returns {
        out.push_str("    ///\n");
        doc(out, "    ", &format!("Result: {}", decapitalised(&returns.doc)));
        for value in &returns.values {
            let _ = writeln!(out, "    /// - `{}`: {}", value.case, value.meaning);
        }
    }
    let params: Vec<_> = function
        .params
        .iter()
        .map(|param| match &param.ty {
            Type::Bytes => format!("{}: &[u8]", param.name),
            Type::BytesMut => format!("{}: &mut [u8]", param.name),
            ty => format!("{}: {}", param.name, ty.scalar().map_or("u32", Scalar::name)),
        })
        .collect();
    let tail = format!("{} {{", arrow(function));
    let _ = writeln!(out, "{}", spread(&format!("    pub fn {safe}"), &params, &tail));
    let args: Vec<_> = function
        .params
        .iter()
        .flat_map(|Param { name, ty, .. }| match ty {
            Type::Bytes => vec![format!("{name}.as_ptr()"), format!("{name}.len()")],
            Type::BytesMut => vec![format!("{name}.as_mut_ptr()"), format!("{name}.len()")],
            _ => vec![name.clone()],
        })
        .collect();
    if function.params.iter().any(|param| param.ty.is_pointer()) {
        out.push_str("        // SAFETY: each address and length are those of a slice that outlives the call.\n");
    } else {
        out.push_str("        // SAFETY: only numbers are passed.\n");
    }
    let call = spread(&format!("        unsafe {{ raw::{}", function.name), &args, " }");
    if call.contains('\n') {
        let call = spread(&format!("            raw::{}", function.name), &args, "");
        let _ = writeln!(out, "        unsafe {{\n{call}\n        }}\n    }}");
    } else {
        let _ = writeln!(out, "{call}\n    }}");
    }
}

fn decapitalised(text: &str) -> String {
    let mut chars = text.chars();
    match chars.next() {
        Some(first) if !chars.clone().next().is_some_and(char::is_uppercase) => {
            first.to_lowercase().to_string() + chars.as_str()
        }
        _ => text.to_owned(),
    }
}

fn services(out: &mut String, manifest: &Manifest) {
    if manifest.services.is_empty() {
        return;
    }
    doc(out, "", "Requests to the host. A host that does not know a request declines it, and the guest does without.");
    out.push_str("pub mod services {\n    use super::SERVICE_TABLE;\n");
    let carrier = manifest.abi.service_import.trim_start_matches("js_");
    let _ = writeln!(out, "    use super::imports::{carrier};\n");
    for service in &manifest.services {
        doc(out, "    ", &format!("Number of [`{}`].", service.name));
        let _ = writeln!(out, "    pub const {}: u32 = {};", upper(&service.name), service.number);
    }
    if manifest.services.iter().any(|service| service.trailing_reply().is_some()) {
        out.push_str(
            "\n    /// Why a request whose reply has no fixed size got none.\n\
             \x20   #[derive(Clone, Copy, Debug, PartialEq, Eq)]\n    pub enum NoReply {\n\
             \x20       /// The host does not know the request, or its reply is malformed.\n        Declined,\n\
             \x20       /// The reply needs room for this many bytes.\n        TooSmall(usize),\n    }\n",
        );
    }
    for service in &manifest.services {
        self::service(out, service, carrier);
    }
    out.push_str(CURSORS);
    out.push_str("}\n");
}

fn service(out: &mut String, service: &Service, carrier: &str) {
    let lifetime = if service.trailing_reply().is_some() { "<'a>" } else { "" };
    let reply_type = pascal(&service.name) + lifetime;
    if !service.reply.is_empty() {
        let _ = write!(
            out,
            "\n    /// What the host answers to [`{}`].\n    #[derive(Clone, Copy, Debug, PartialEq)]\n    pub struct {reply_type} {{\n",
            service.name
        );
        for field in &service.reply {
            doc(out, "        ", &field.doc);
            let ty = field.ty.scalar().map_or("&'a [u8]", Scalar::name);
            let _ = writeln!(out, "        pub {}: {ty},", field.name);
        }
        out.push_str("    }\n");
    }
    if service.trailing_arg().is_some() {
        let _ = write!(
            out,
            "\n    /// Bytes that [`{}`] needs in front of what it hands over.\n    pub const {}_HEADER: usize = {};\n",
            service.name,
            upper(&service.name),
            service.header_size(),
        );
    }
    out.push('\n');
    doc(out, "    ", &service.summary);
    out.push_str("    ///\n");
    doc(out, "    ", &service_contract(service));
    let head = format!("    pub fn {}{lifetime}", service.name);
    let tail = format!(" -> {} {{", result(service));
    let _ = writeln!(out, "{}", spread(&head, &arguments(service), &tail));
    request(out, service);
    reply(out, service, carrier);
    out.push_str("    }\n");
}

fn service_contract(service: &Service) -> String {
    let mut contract = String::new();
    if let Some(bytes) = service.trailing_arg() {
        let _ = write!(
            contract,
            "`request` is [`{}_HEADER`] bytes of any value, which are overwritten, and then `{}`, so that nothing is \
             copied. ",
            upper(&service.name),
            bytes.name,
        );
    }
    if let Some(bytes) = service.trailing_reply() {
        let _ = write!(contract, "`room` receives the reply, whose `{}` stay in it. ", bytes.name);
    }
    contract += match (service.reply.is_empty(), service.trailing_reply()) {
        (true, _) => "Gives `None` if the host did not take it.",
        (false, None) => "Gives `None` if the host declines or its reply is malformed.",
        (false, Some(_)) => "Gives why not if there is no reply.",
    };
    contract
}

fn arguments(service: &Service) -> Vec<String> {
    let fixed = service.args.iter().filter_map(|arg| arg.ty.scalar().map(|scalar| (&arg.name, scalar.name())));
    let mut arguments: Vec<_> = fixed.map(|(name, ty)| format!("{name}: {ty}")).collect();
    if service.trailing_arg().is_some() {
        arguments.push("request: &mut [u8]".to_owned());
    }
    if service.trailing_reply().is_some() {
        arguments.push("room: &'a mut [u8]".to_owned());
    }
    arguments
}

fn result(service: &Service) -> String {
    match (service.reply.is_empty(), service.trailing_reply()) {
        (true, _) => "Option<()>".to_owned(),
        (false, None) => format!("Option<{}>", pascal(&service.name)),
        (false, Some(_)) => format!("Result<{}<'a>, NoReply>", pascal(&service.name)),
    }
}

/// Lays the request out, in an array or over the header of the caller's buffer.
fn request(out: &mut String, service: &Service) {
    if service.trailing_arg().is_some() {
        out.push_str("        let mut rest = &mut *request;\n");
    } else {
        let size = service.header_size();
        let _ = write!(out, "        let mut request = [0; {size}];\n        let mut rest = &mut request[..];\n");
    }
    let number = format!("[{} as u8]", upper(&service.name));
    let fixed = service.args.iter().filter(|arg| arg.ty.scalar().is_some());
    let bytes = std::iter::once(number).chain(fixed.map(|arg| format!("{}.to_le_bytes()", arg.name)));
    for bytes in bytes {
        let _ = writeln!(out, "        put(&mut rest, {bytes}){}?;", or_declined(service));
    }
}

/// What turns the `None` of a malformed message into the service's own error.
fn or_declined(service: &Service) -> &'static str {
    if service.trailing_reply().is_some() { ".ok_or(NoReply::Declined)" } else { "" }
}

/// Sends the request and takes the reply apart.
fn reply(out: &mut String, service: &Service, carrier: &str) {
    let request = if service.trailing_arg().is_some() { "request" } else { "&request" };
    if service.reply.is_empty() {
        let _ = writeln!(out, "        ({carrier}(SERVICE_TABLE, {request}, &mut []) == 0).then_some(())");
        return;
    }
    if service.trailing_reply().is_some() {
        let _ = write!(
            out,
            "        let length = {carrier}(SERVICE_TABLE, {request}, room);\n\
             \x20       if length < -1 && length != super::imports::{}_THREW {{\n\
             \x20           return Err(NoReply::TooSmall(length.unsigned_abs() as usize));\n        }}\n\
             \x20       let length = usize::try_from(length).map_err(|_| NoReply::Declined)?;\n\
             \x20       let {}rest = room.get(..length).ok_or(NoReply::Declined)?;\n",
            upper(carrier),
            if service.reply_size() == 0 { "" } else { "mut " },
        );
    } else {
        let _ = write!(
            out,
            "        let mut reply = [0; REPLY_ROOM];\n\
             \x20       let length = {carrier}(SERVICE_TABLE, {request}, &mut reply);\n\
             \x20       let mut rest = usize::try_from(length).ok().and_then(|length| reply.get(..length))?;\n",
        );
    }
    let wrap = if service.trailing_reply().is_some() { "Ok" } else { "Some" };
    let _ = writeln!(out, "        {wrap}({} {{", pascal(&service.name));
    for field in &service.reply {
        let (name, or_declined) = (&field.name, or_declined(service));
        let _ = match field.ty.scalar() {
            Some(scalar) => {
                let ty = scalar.name();
                match field.default {
                    Some(default) => {
                        let default = integer_literal(default, false);
                        writeln!(out, "            {name}: take(&mut rest).map_or({default}, {ty}::from_le_bytes),")
                    }
                    None => writeln!(out, "            {name}: {ty}::from_le_bytes(take(&mut rest){or_declined}?),"),
                }
            }
            None => writeln!(out, "            {name}: rest,"),
        };
    }
    out.push_str("        })\n");
}

const CURSORS: &str = "
    /// Copies bytes to the front of a buffer and moves on to what is behind them.
    fn put<const N: usize>(rest: &mut &mut [u8], bytes: [u8; N]) -> Option<()> {
        let (front, behind) = core::mem::take(rest).split_first_chunk_mut()?;
        *front = bytes;
        *rest = behind;
        Some(())
    }

    /// Room for a reply of numbers, and for what hosts of later versions may add to it.
    const REPLY_ROOM: usize = 64;

    /// Copies bytes from the front of a reply and moves on to what is behind them.
    fn take<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
        let (front, behind) = core::mem::take(rest).split_first_chunk()?;
        *rest = behind;
        Some(*front)
    }
";
