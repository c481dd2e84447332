//! What an author learns who declared an export and did not write its function, or wrote another: from the compiler
//! alone, and from what `cargo xtask build` adds.

use std::path::Path;
use std::process::Command;

use codegen::backend::{Backend, Shims, explain};
use codegen::manifest::Manifest;

/// The guest as far as shims use it.
const GUEST: &str = "
#![allow(dead_code)]
mod ranges {
    pub struct Bytes;
    impl Bytes {
        pub fn new(_: u32, _: u32) -> Option<Self> { None }
    }
    pub struct Out<T>(T);
    impl<T> Out<T> {
        pub fn new(_: u32) -> Option<Self> { None }
    }
    pub fn refuse<T>(_: i32) -> T { unreachable!() }
}
mod native_host {
    pub unsafe fn js_ext_table_get(_: u32, _: *const u8, _: usize, _: *mut u8, _: usize) -> i32 { -1 }
}
mod exports {
    use crate::abi::Sample;
    use crate::ranges::{Bytes, Out};
    pub fn put(_thing: u32, _text: Bytes, _weight: f64) -> i64 { 0 }
    pub fn measure(_sample: Out<Sample>) {}
    pub fn count() -> u32 { 0 }
}
";

/// Compiles the shims of the fixture with a guest; gives what the compiler prints and what is added to it.
fn compile(name: &str, guest: &str) -> (String, String) {
    let text = include_str!("manifest_fixture.toml");
    let manifest = Manifest::parse("exports.toml", text).unwrap_or_else(|diagnostics| panic!("{diagnostics}"));
    // The exports are of wasm32 alone, for which there need be no library.
    let shims = Shims.render(&manifest).replace("#[cfg(target_arch = \"wasm32\")]\npub mod exports", "pub mod exports");
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("lib.rs"), format!("{guest}\nmod abi {{ include!(\"shims.rs\"); }}\n")).unwrap();
    std::fs::write(folder.join("shims.rs"), shims).unwrap();
    let mut rustc = Command::new("rustc");
    rustc.args(["--edition", "2024", "--crate-type", "lib", "--emit", "metadata", "lib.rs"]).current_dir(&folder);
    let output = rustc.output().expect("rustc is installed");
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.success(), !said.contains("error"), "{said}");
    let explained = explain(&manifest, &said);
    (said, explained)
}

#[test]
fn a_guest_that_has_every_function_compiles() {
    let (said, explained) = compile("complete", GUEST);
    assert!(!said.contains("error"), "{said}");
    assert_eq!(explained, "");
}

#[test]
fn a_missing_function_is_named_with_the_line_of_the_manifest_and_what_to_write() {
    let (said, explained) = compile("missing", &GUEST.replace("pub fn count", "pub fn cuont"));
    assert!(said.contains("crate::exports::count; // declared in exports.toml, for src/exports.rs"), "{said}");
    let line = 1 + include_str!("manifest_fixture.toml").lines().position(|line| line == "name = \"count\"").unwrap();
    assert_eq!(
        explained,
        format!(
            "exports.toml:{line} declares `count`, and src/exports.rs does not define it so. Write there:\n    \
             pub fn count() -> u32\n"
        )
    );
}

#[test]
fn a_function_of_other_types_is_named_with_those_that_it_should_have() {
    for (right, wrong) in [
        ("_weight: f64", "_weight: u32"),
        ("_text: Bytes", "_text: u32"),
        ("_weight: f64) -> i64", "_weight: f64) -> i32"),
        ("put(_thing: u32, ", "put("),
        ("pub fn put", "fn put"),
    ] {
        let (said, explained) = compile("other-types", &GUEST.replace(right, wrong));
        assert!(
            said.contains("crate::exports::put; // declared in exports.toml, for src/exports.rs"),
            "{wrong}: {said}"
        );
        assert!(
            explained.ends_with("    pub fn put(thing: u32, text: Bytes, weight: f64) -> i64\n"),
            "{wrong}: {explained}"
        );
        assert_eq!(explained.lines().count(), 2, "{explained}");
    }
}

#[test]
fn two_functions_that_are_missing_are_both_named() {
    let (_, explained) = compile("two-missing", &GUEST.replace("fn count", "fn x").replace("fn measure", "fn y"));
    assert!(
        explained.contains("pub fn count() -> u32") && explained.contains("pub fn measure(sample: Out<Sample>)"),
        "{explained}"
    );
}
