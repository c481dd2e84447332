//! The edits of `vendor/edits` against every pinned release of Lua, and the message about those that do not fit one.

use std::path::{Path, PathBuf};

use codegen::lua::edits;
use codegen::lua::sources::{self, Sources};

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

#[test]
fn a_release_in_which_three_places_changed_names_all_three_with_what_became_of_them() {
    let vendor = root().join("vendor");
    let all = sources::all(&vendor).expect("the pinned releases are in the registry");
    let known = all.iter().find(|sources| sources.release.to_string() == "5.4.9").expect("5.4.9 is pinned");
    let edits = edits::read(&vendor.join("edits")).expect("the edits can be read");

    // One place is written in another way, one has moved to another file, and one stands twice.
    let mut files = edits::read_sources(&known.folder).expect("the sources can be read");
    let mut change = |file: &str, old: &str, new: &str| {
        let text = files.get_mut(file).unwrap();
        assert_eq!(text.matches(old).count(), 1, "{file}: {old}");
        *text = text.replace(old, new);
    };
    change("lvm.c", "        dojump(ci, i, 0);\n", "        pc += GETARG_sJ(i);\n        updatetrap(ci);\n");
    change("lauxlib.c", "static void newbox (lua_State *L) {\n", "void luaL_newbox (lua_State *L) {\n");
    change("ltm.h", "#endif\n", "static void newbox (lua_State *L) {\n  (void)L;\n}\n\n#endif\n");
    change(
        "lutf8lib.c",
        "  while (posi <= posj) {\n",
        "  while (posi < posj) {\n    break;\n  }\n  while (posi <= posj) {\n",
    );
    change("lutf8lib.c", "  while (posi < posj) {\n", "  while (posi <= posj) {\n");
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("made-up-release");
    edits::write(&files, &folder).expect("the folder can be written");
    let made_up = Sources { release: "5.4.10".parse().unwrap(), folder };

    let misfits = edits::edit(&made_up, &edits).expect("the sources can be read").misfits;
    assert_eq!(misfits.len(), 3, "{misfits:?}");
    let message = edits::Misfits::new(made_up.release, misfits).explain(&made_up, &edits, &all).unwrap().to_string();
    let without_lines = without_numbers(&message);
    let mut settings = insta::Settings::new();
    settings.set_snapshot_path(root().join("snapshots/edits"));
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!("three_places_changed", without_lines));
}

/// A message without the line of each change in its file, which any other change moves.
fn without_numbers(message: &str) -> String {
    let mut text = String::new();
    for line in message.lines() {
        let (before, behind) = line.split_once(".toml:").unwrap_or((line, ""));
        text += before;
        if !behind.is_empty() {
            text += ".toml:LINE";
            text += behind.trim_start_matches(|c: char| c.is_ascii_digit());
        }
        text.push('\n');
    }
    text
}
