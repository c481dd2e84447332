//! Compares the bindings to Lua's API, as `bindgen` makes them for the module, with snapshots: those of the first pinned
//! release in full, and for each later one what it adds, removes and changes. What changes between two releases of Lua,
//! or two releases of `bindgen`, shows here as a diff.

use std::path::Path;

use codegen::lua::api::Api;
use codegen::lua::compile::Guest;
use codegen::lua::release::Release;
use codegen::lua::{bindings, edits, sources};

#[test]
fn the_bindings_to_the_pinned_releases_are_as_reviewed() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let vendor = root.join("vendor");
    let edits = edits::read(&vendor.join("edits")).expect("the edits can be read");
    let mut settings = insta::Settings::new();
    settings.set_snapshot_path(root.join("snapshots/bindings"));
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);

    let mut before: Option<(Release, Api)> = None;
    for sources in sources::all(&vendor).expect("the pinned releases are in the registry") {
        let release = sources.release;
        let lua = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("bindings-lua-{release}"));
        edits::apply(&sources, &edits, &lua).unwrap_or_else(|error| panic!("{error}"));
        let guest = Guest { lua: &lua, vendor: &vendor, wasm: true };
        let bindings = bindings::generate(&guest).expect("libclang reads Lua's headers");
        let api = Api::read(&bindings);
        let text = match &before {
            None => bindings,
            Some((before, known)) => {
                let changes: Vec<_> = known.changes(&api).iter().map(|change| format!("\n{change}\n")).collect();
                format!("Lua {release}, compared with {before}\n{}", changes.concat())
            }
        };
        settings.bind(|| insta::assert_snapshot!(release.to_string(), text));
        before = Some((release, api));
    }
}
