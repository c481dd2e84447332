//! The edits of `vendor/edits` against every pinned release of Lua, and the message about those that do not fit one.

use std::path::{Path, PathBuf};

use codegen::lua::{edits, sources};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

#[test]
fn the_edits_fit_every_pinned_release() {
    let vendor = root().join("vendor");
    let all = sources::all(&vendor).expect("the pinned releases are in the registry");
    let edits = edits::read(&vendor.join("edits")).expect("the edits can be read");
    edits::check_variants(&edits, &sources::releases(&vendor).unwrap()).unwrap_or_else(|error| panic!("{error}"));
    let mut wrong = Vec::new();
    for sources in &all {
        let edited = edits::edit(sources, &edits).expect("the sources can be read");
        if !edited.misfits.is_empty() {
            let misfits = edits::Misfits::new(sources.release, edited.misfits);
            wrong.push(misfits.explain(sources, &edits, &all).unwrap().to_string());
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}
