//! Writes `web/abi.json`: everything that the manifest declares, except its example programs, as JSON.

use super::json::Json;
use super::output::Backend;
use crate::manifest::{
    Answer, Artifact, Condition, Constant, Count, Export, Expression, Function, Import, Item, Layout, Manifest, Param,
    Refusal, Rule, Scalar, Service, Stored, Struct, WasmFunction,
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
            ("closed", Json::list(&manifest.closed, Json::text)),
            ("constants", Json::list(&manifest.constants, constant)),
            ("layouts", Json::list(&manifest.layouts, layout)),
            ("keys", Json::list(&manifest.rules, rule)),
            ("stored", Json::list(&manifest.stored, stored)),
            (
                "states",
                Json::list(&manifest.states, |state| {
                    Json::Object(vec![
                        ("name", Json::text(&state.name)),
                        ("refusals", Json::list(&state.refusals, Json::text)),
                        ("doc", Json::text(&state.doc)),
                    ])
                }),
            ),
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
    if let Some(items) = &constant.items {
        members.push(("items", Json::list(items, item)));
    }
    if let Some(only) = &constant.only {
        members.push(("only", Json::text(only)));
    }
    if !constant.places.is_empty() {
        members.push(("where", Json::list(&constant.places, |place| Json::text(place.to_string()))));
    }
    members.push(("doc", Json::text(&constant.doc)));
    Json::Object(members)
}

fn layout(layout: &Layout) -> Json {
    Json::Object(vec![
        ("name", Json::text(&layout.name)),
        ("from", Json::text(layout.from.to_string())),
        ("open", Json::Flag(layout.open)),
        ("items", Json::list(&layout.items, item)),
        ("doc", Json::text(&layout.doc)),
    ])
}

/// An item, without what it has not.
fn item(item: &Item) -> Json {
    let mut members = vec![("name", Json::text(&item.name)), ("type", Json::text(item.ty.name()))];
    if let Some(scalar) = item.ty.scalar().filter(|scalar| scalar.name() != item.ty.name()) {
        members.push(("base", Json::text(scalar.name())));
    }
    match &item.count {
        Count::One => {}
        Count::Optional => members.push(("optional", Json::Flag(true))),
        Count::Rest => members.push(("count", Json::text("rest"))),
        Count::Of { name, less } => {
            members.push(("count", Json::text(name)));
            if *less != 0 {
                members.push(("less", Json::Number(*less)));
            }
        }
    }
    members.extend(item.place.map(|place| ("place", Json::text(place.to_string()))));
    for (key, texts) in [("tags", &item.tags), ("except", &item.except), ("known", &item.known)] {
        if !texts.is_empty() {
            members.push((key, Json::list(texts, Json::text)));
        }
    }
    for (key, number) in [("min", item.min), ("max", item.max)] {
        members.extend(number.map(|number| (key, Json::Number(number))));
    }
    for (key, text) in
        [("index_of", &item.index_of), ("holds", &item.holds), ("joined", &item.joined), ("rule", &item.rule)]
    {
        members.extend(text.as_ref().map(|text| (key, Json::text(text))));
    }
    if !item.doc.is_empty() {
        members.push(("doc", Json::text(&item.doc)));
    }
    Json::Object(members)
}

fn rule(rule: &Rule) -> Json {
    let mut members = vec![("name", Json::text(&rule.name)), ("is", expression(&rule.is))];
    if !rule.doc.is_empty() {
        members.push(("doc", Json::text(&rule.doc)));
    }
    Json::Object(members)
}

/// What a rule matches, as an object with one member.
fn expression(is: &Expression) -> Json {
    let several = |parts: &[Expression]| Json::list(parts, expression);
    Json::Object(vec![match is {
        Expression::Text(text) => ("text", Json::text(text)),
        Expression::Rule(name) => ("rule", Json::text(name)),
        Expression::Character(except) => ("character_except", Json::list(except, |c| Json::text(*c))),
        Expression::Choice(parts) => ("choice", several(parts)),
        Expression::Sequence(parts) => ("sequence", several(parts)),
        Expression::Optional(part) => ("optional", expression(part)),
        Expression::Repeat(part) => ("repeat", expression(part)),
    }])
}

fn stored(stored: &Stored) -> Json {
    let entry = |entry: &crate::manifest::StoredEntry| {
        let key = entry.rule.as_ref().map_or(("key", &entry.key), |rule| ("rule", rule));
        Json::Object(vec![
            (key.0, Json::text(key.1)),
            ("layout", Json::text(&entry.layout)),
            ("optional", Json::Flag(entry.optional)),
            ("doc", Json::text(&entry.doc)),
        ])
    };
    Json::Object(vec![
        ("name", Json::text(&stored.name)),
        ("doc", Json::text(&stored.doc)),
        ("entries", Json::list(&stored.entries, entry)),
    ])
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
                let mut members = vec![
                    ("type", Json::text(returns.ty.name())),
                    ("doc", Json::text(&returns.doc)),
                    ("values", Json::list(&returns.values, condition)),
                ];
                for (key, layout) in [("positive", &returns.positive), ("negative", &returns.negative)] {
                    members.extend(layout.as_ref().map(|layout| (key, Json::text(layout))));
                }
                Json::Object(members)
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
    if let Some(layout) = &param.layout {
        members.push(("layout", Json::text(layout)));
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
