//! Writes `hosts/kit/promises.json`: every promise with the sentence of the reference.

use super::promises;
use crate::backend::{Backend, Json};
use crate::manifest::Manifest;

/// `hosts/kit/promises.json`.
pub struct List;

impl Backend for List {
    fn name(&self) -> &'static str {
        "promises"
    }

    fn path(&self) -> &'static str {
        "hosts/kit/promises.json"
    }

    fn render(&self, manifest: &Manifest) -> String {
        let promises: Vec<_> = promises::all().collect();
        Json::Object(vec![
            (
                "about",
                Json::text(
                    "The promises that kit.wasm tests, in its order: name, the sentence of docs/WASM_EXPORTS_REFERENCE.md, \
                     and the service that a host need not offer. Generated from codegen/src/kit/promises/ by `cargo xtask generate`",
                ),
            ),
            ("abi_version", Json::Number(i64::from(manifest.abi.version))),
            (
                "promises",
                Json::list(&promises, |promise| {
                    let mut members = vec![("name", Json::text(promise.name)), ("says", Json::text(promise.says))];
                    members.extend(promise.service.map(|service| ("service", Json::text(service))));
                    Json::Object(members)
                }),
            ),
        ])
        .render()
    }
}
