//! Computes the manifest's hash: equal for two builds exactly if they agree on every call. Documentation does not count.

use std::fmt::Write;

use super::model::{Function, Manifest, Param};

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
        facts.push(format!("abi {} lua {} memory {}", self.abi.version, self.abi.lua, self.abi.memory));
        for constant in &self.constants {
            let mut places: Vec<_> = constant.places.iter().map(ToString::to_string).collect();
            places.sort_unstable();
            let places = places.join(" ");
            facts.push(format!("constant {} {} {} {places}", constant.name, constant.ty.name(), constant.value));
        }
        for structure in &self.structs {
            let mut fact = format!("struct {} {}", structure.name, structure.size);
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
            facts.push(format!("import {module}.{} {}", signature(&import.function), import.threw));
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
    let returns = function.returns.as_ref().and_then(|returns| returns.ty.scalar());
    let result = returns.map_or("", super::types::Scalar::name);
    format!("{}({})->{result}", function.name, fields(&function.params))
}

fn fields(params: &[Param]) -> String {
    let types: Vec<_> = params.iter().map(|param| param.ty.scalar().map_or(param.ty.name(), |s| s.name())).collect();
    types.join(",")
}
