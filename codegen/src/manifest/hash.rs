//! Computes the manifest's hash: equal for two builds exactly if they agree on every call. Documentation does not count.

use std::fmt::Write;

use super::layouts::Item;
use super::model::{Function, Manifest, Param, StoredEntry};
use super::types::{Scalar, Type};

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
        facts.push(format!("closed {}", self.closed.join(" ")));
        for ty in &self.types {
            facts.push(format!("type {} {}", ty.name, ty.base.name()));
        }
        for constant in &self.constants {
            let mut places: Vec<_> = constant.places.iter().map(ToString::to_string).collect();
            places.sort_unstable();
            let (places, only) = (places.join(" "), constant.only.as_deref().unwrap_or_default());
            let (name, ty) = (&constant.name, constant.ty.name());
            facts.push(format!("constant {name} {ty} {} {places} {only}", constant.value));
            if let Some(items) = &constant.items {
                facts.push(format!("items {name} {}", items_of(items)));
            }
        }
        for layout in &self.layouts {
            let items = items_of(&layout.items);
            facts.push(format!("layout {} {} {} {items}", layout.name, layout.from, layout.open));
        }
        for rule in &self.rules {
            facts.push(format!("rule {} {:?}", rule.name, rule.is));
        }
        for stored in &self.stored {
            for StoredEntry { key, rule, layout, optional, .. } in &stored.entries {
                facts.push(format!("stored {} {key} {rule:?} {layout} {optional}", stored.name));
            }
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

/// Items with all that bytes depend on.
fn items_of(items: &[Item]) -> String {
    let item = |item: &Item| {
        let Item { name, ty, count, place, tags, except, min, max, known, index_of, holds, joined, rule, doc: _ } =
            item;
        let scalar: Option<Scalar> = ty.scalar();
        let ty = scalar.map_or_else(|| ty.name().to_owned(), |scalar| scalar.name().to_owned());
        format!(
            "{name}:{ty}:{count:?}:{place:?}:{tags:?}:{except:?}:{min:?}:{max:?}:{known:?}:{index_of:?}:{holds:?}:{joined:?}:{rule:?}"
        )
    };
    items.iter().map(item).collect::<Vec<_>>().join(",")
}

fn signature(function: &Function) -> String {
    let result = function.returns.as_ref().map_or(String::new(), |returns| {
        format!("{}:{:?}:{:?}", type_of(&returns.ty), returns.positive, returns.negative)
    });
    format!("{}({})->{result}", function.name, fields(&function.params))
}

/// Parameters in their order. Names count: two of one type that change places are another function.
fn fields(params: &[Param]) -> String {
    let field = |param: &Param| {
        let length = if matches!(param.ty, Type::Bytes | Type::BytesMut) { &param.length } else { "" };
        let layout = param.layout.as_deref().unwrap_or_default();
        format!("{}:{}:{length}:{layout}:{:?}", param.name, type_of(&param.ty), param.default)
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
