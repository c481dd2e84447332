//! Computes the manifest's hash: equal for two builds exactly if they agree on every call. Documentation does not count.

use std::fmt::Write;

use super::model::{Function, Manifest, Param};
use super::types::Type;

impl Manifest {
    /// FNV-1a (64 bits) of the normal form.
    pub fn hash(&self) -> u64 {
        let mut hash = 0xcbf2_9ce4_8422_2325_u64;
        for byte in self.normal_form().bytes() {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
        hash
    }

    /// Everything that an existing caller could notice, one fact a line, sorted so that the order of entries does not
    /// count.
    fn normal_form(&self) -> String {
        let mut facts = Vec::new();
        let abi = &self.abi;
        facts.push(format!("abi {} lua {} memory {} section {}", abi.version, abi.lua, abi.memory, abi.section));
        facts.push(format!("requests {} {}", abi.service_import, abi.service_table));
        for ty in &self.types {
            facts.push(format!("type {} {}", ty.name, ty.base.name()));
        }
        for constant in &self.constants {
            let mut places: Vec<_> = constant.places.iter().map(ToString::to_string).collect();
            places.sort_unstable();
            let (places, layout) = (places.join(" "), constant.layout.as_deref().unwrap_or_default());
            let (name, ty) = (&constant.name, constant.ty.name());
            facts.push(format!("constant {name} {ty} {} {places} {layout}", constant.value));
        }
        for structure in &self.structs {
            let mut fact = format!("struct {} {} {}", structure.name, structure.size, structure.align);
            for field in &structure.fields {
                let _ = write!(fact, " {}:{}@{}", field.name, field.ty.name(), field.offset);
            }
            facts.push(fact);
        }
        for export in &self.exports {
            facts.push(format!("export {} {:?}", signature(&export.function), export.refused));
        }
        for refusal in &self.refusals {
            let mut exports = refusal.exports.clone();
            exports.sort_unstable();
            facts.push(format!("refusal {} {} {}", refusal.name, refusal.status, exports.join(" ")));
        }
        for import in &self.imports {
            let module = &self.abi.import_module;
            facts.push(format!("import {module}.{} {} {}", signature(&import.function), import.handler, import.threw));
        }
        for service in &self.services {
            let (args, reply) = (fields(&service.args), fields(&service.reply));
            facts.push(format!("service {} {}({args})->({reply})", service.number, service.name));
        }
        facts.sort();
        facts.join("\n")
    }
}

fn signature(function: &Function) -> String {
    let result = function.returns.as_ref().map_or(String::new(), |returns| type_of(&returns.ty));
    format!("{}({})->{result}", function.name, fields(&function.params))
}

/// Parameters in their order. Names count: two of one type that change places are another function.
fn fields(params: &[Param]) -> String {
    let field = |param: &Param| {
        let length = if matches!(param.ty, Type::Bytes | Type::BytesMut) { &param.length } else { "" };
        format!("{}:{}:{length}", param.name, type_of(&param.ty))
    };
    params.iter().map(field).collect::<Vec<_>>().join(",")
}

/// A type with what it is made of.
fn type_of(ty: &Type) -> String {
    match ty {
        Type::Named(name, scalar) => format!("{name}={}", scalar.name()),
        ty => ty.name().to_owned(),
    }
}
