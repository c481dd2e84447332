//! Compares the bindings to Lua's API, as `bindgen` makes them for the module, with a snapshot: what changes between two Lua releases, or two
//! releases of `bindgen`, shows here as a diff.

use std::path::Path;

use codegen::lua::compile::Guest;
use codegen::lua::{bindings, edits, sources};

#[test]
fn the_bindings_to_the_pinned_lua_are_as_reviewed() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let vendor = root.join("vendor");
    let lua = Path::new(env!("CARGO_TARGET_TMPDIR")).join("bindings-lua");
    let sources = sources::of_line(&vendor, "5.4").expect("the pinned release is in the registry");
    let edits = edits::read(&vendor.join("edits")).expect("the edits can be read");
    edits::apply(&sources, &edits, &lua).expect("the edits fit the pinned release");

    let guest = Guest { lua: &lua, vendor: &vendor, wasm: true };
    let bindings = bindings::generate(&guest).expect("libclang reads Lua's headers");

    let mut settings = insta::Settings::new();
    settings.set_snapshot_path(root.join("snapshots/generated"));
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!("bindings", bindings));
}
