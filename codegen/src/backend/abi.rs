//! Writes `web/abi.json`: everything that the manifest declares, except its example programs, as JSON.

use super::json::Json;
use super::output::Backend;
use crate::manifest::{
    Answer, Artifact, Condition, Constant, Export, Function, Import, Manifest, Param, Refusal, Scalar, Service, Struct,
    WasmFunction,
};

/// `web/abi.json`.
pub struct Abi;

impl Backend for Abi {
    fn name(&self) -> &'static str {
        "abi"
    }

    fn path(&self) -> &'static str {
        "web/abi.json"
    }

    fn render(&self, manifest: &Manifest) -> String {
        let abi = &manifest.abi;
        let pages = i64::from(manifest.memory_pages());
        let (wasm_exports, wasm_imports) = (manifest.wasm_exports(), manifest.wasm_imports());
        Json::Object(vec![
            ("name", Json::text("lua-persistent")),
            ("summary", Json::text(&abi.summary)),
            ("abi_version", Json::Number(i64::from(abi.version))),
            ("manifest_hash", Json::text(format!("{:016x}", manifest.hash()))),
            ("lua", Json::text(&abi.lua)),
            ("lines", Json::list(&abi.lines, Json::text)),
            ("section", Json::text(&abi.section)),
            (
                "memory",
                Json::Object(vec![
                    ("export", Json::text(&abi.memory)),
                    ("minimum_pages", Json::Number(pages)),
                    ("maximum_pages", Json::Number(pages)),
                ]),
            ),
            (
                "types",
                Json::list(&manifest.types, |ty| {
                    Json::Object(vec![
                        ("name", Json::text(&ty.name)),
                        ("base", Json::text(ty.base.name())),
                        ("wasm", Json::text(ty.base.val_type().to_string())),
                        ("doc", Json::text(&ty.doc)),
                    ])
                }),
            ),
            ("constants", Json::list(&manifest.constants, constant)),
            ("refusals", Json::list(&manifest.refusals, refusal)),
            ("structs", Json::list(&manifest.structs, structure)),
            ("exports", Json::list(manifest.exports.iter().zip(&wasm_exports), |(entry, wasm)| export(entry, wasm))),
            ("imports", Json::list(manifest.imports.iter().zip(&wasm_imports), |(entry, wasm)| import(entry, wasm))),
            (
                "services",
                Json::Object(vec![
                    ("import", Json::text(&abi.service_import)),
                    ("table_id", Json::Number(i64::from(abi.service_table))),
                    ("requests", Json::list(&manifest.services, service)),
                ]),
            ),
            ("artifacts", Json::list(&manifest.artifacts, artifact)),
        ])
        .render()
    }
}

fn constant(constant: &Constant) -> Json {
    let mut members = vec![
        ("name", Json::text(&constant.name)),
        ("group", Json::text(&constant.group)),
        ("type", Json::text(constant.ty.name())),
        ("value", Json::Number(constant.value)),
    ];
    if let Some(layout) = &constant.layout {
        members.push(("layout", Json::text(layout)));
    }
    if !constant.places.is_empty() {
        members.push(("where", Json::list(&constant.places, |place| Json::text(place.to_string()))));
    }
    members.push(("doc", Json::text(&constant.doc)));
    Json::Object(members)
}

fn refusal(refusal: &Refusal) -> Json {
    Json::Object(vec![
        ("name", Json::text(&refusal.name)),
        ("status", Json::text(&refusal.status)),
        ("message", Json::text(&refusal.message)),
        ("case", Json::text(&refusal.case)),
        ("exports", Json::list(&refusal.exports, Json::text)),
    ])
}

fn structure(structure: &Struct) -> Json {
    Json::Object(vec![
        ("name", Json::text(&structure.name)),
        ("size", Json::Number(i64::from(structure.size))),
        ("align", Json::Number(i64::from(structure.align))),
        ("summary", Json::text(&structure.summary)),
        (
            "fields",
            Json::list(&structure.fields, |field| {
                Json::Object(vec![
                    ("name", Json::text(&field.name)),
                    ("type", Json::text(field.ty.name())),
                    ("offset", Json::Number(i64::from(field.offset))),
                    ("size", Json::Number(i64::from(field.ty.size()))),
                    ("doc", Json::text(&field.doc)),
                ])
            }),
        ),
    ])
}

fn function(function: &Function, wasm: &WasmFunction) -> Vec<(&'static str, Json)> {
    let returns = function.returns.as_ref();
    vec![
        ("name", Json::text(&function.name)),
        ("group", Json::text(&function.group)),
        ("summary", Json::text(&function.summary)),
        (
            "wasm",
            Json::Object(vec![
                ("params", Json::list(&wasm.params, |ty| Json::text(ty.to_string()))),
                ("results", Json::list(&wasm.results, |ty| Json::text(ty.to_string()))),
            ]),
        ),
        ("params", Json::list(&function.params, |param| parameter(param, true))),
        (
            "returns",
            Json::maybe(returns, |returns| {
                Json::Object(vec![
                    ("type", Json::text(returns.ty.name())),
                    ("doc", Json::text(&returns.doc)),
                    ("values", Json::list(&returns.values, condition)),
                ])
            }),
        ),
        ("errors", Json::list(&function.errors, condition)),
        ("doc", Json::text(&function.doc)),
    ]
}

/// `expand` names the wasm parameters that a byte range or a structure becomes.
fn parameter(param: &Param, expand: bool) -> Json {
    let mut members = vec![("name", Json::text(&param.name)), ("type", Json::text(param.ty.name()))];
    if expand && param.ty.is_pointer() {
        members.push(("wasm_names", Json::list(param.expanded(), |(name, _)| Json::text(name))));
    }
    if let (false, Some(scalar)) = (expand, param.ty.scalar()) {
        members.push(("size", Json::Number(i64::from(Scalar::size(scalar)))));
    }
    if let Some(default) = param.default {
        members.push(("default", Json::Number(default)));
    }
    members.push(("doc", Json::text(&param.doc)));
    Json::Object(members)
}

fn condition(condition: &Condition) -> Json {
    Json::Object(vec![("case", Json::text(&condition.case)), ("meaning", Json::text(&condition.meaning))])
}

fn export(export: &Export, wasm: &WasmFunction) -> Json {
    let mut members = function(&export.function, wasm);
    let answer = match export.refused {
        Some(Answer::Message) => Some(Json::text("message")),
        Some(Answer::Value(value)) => Some(Json::Number(value)),
        Some(Answer::Nothing) => Some(Json::text("ignored")),
        None => None,
    };
    members.extend(answer.map(|answer| ("refused", answer)));
    Json::Object(members)
}

fn import(import: &Import, wasm: &WasmFunction) -> Json {
    let mut members = vec![("module", Json::text(&wasm.module))];
    members.extend(function(&import.function, wasm));
    members.push(("handler", Json::text(&import.handler)));
    members.push(("threw", Json::Number(import.threw)));
    Json::Object(members)
}

fn service(service: &Service) -> Json {
    Json::Object(vec![
        ("name", Json::text(&service.name)),
        ("number", Json::Number(i64::from(service.number))),
        ("summary", Json::text(&service.summary)),
        ("args", Json::list(&service.args, |arg| parameter(arg, false))),
        ("reply", Json::list(&service.reply, |field| parameter(field, false))),
        ("doc", Json::text(&service.doc)),
    ])
}

fn artifact(artifact: &Artifact) -> Json {
    Json::Object(vec![
        ("name", Json::text(&artifact.name)),
        ("lua", Json::text(&artifact.line)),
        ("path", Json::text(&artifact.path)),
        ("unwind", Json::text(artifact.unwind.to_string())),
        ("features", Json::list(&artifact.features, |feature| Json::text(feature.to_string()))),
        ("summary", Json::text(&artifact.summary)),
    ])
}
