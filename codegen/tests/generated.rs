//! Compares what the backends make of the manifest with snapshots, and has Node parse it.

use std::path::{Path, PathBuf};
use std::process::Command;

use codegen::backend::{Backend, Loader, Reference, Shims, Types, all};
use codegen::manifest::Manifest;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn manifest() -> Manifest {
    Manifest::load(&root().join("exports.toml")).unwrap_or_else(|diagnostics| panic!("{diagnostics}"))
}

/// A manifest that has every form that the project's own does not use.
fn other_forms() -> Manifest {
    let text = include_str!("manifest_fixture.toml");
    Manifest::parse("exports.toml", text).unwrap_or_else(|diagnostics| panic!("{diagnostics}"))
}

fn snapshot(name: &str, text: &str) {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("../../snapshots/generated");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!(name, text));
}

/// The other outputs are committed, where a review sees them; `cargo xtask test generated` holds them to the manifest.
#[test]
fn the_shims_are_those_of_the_snapshot() {
    snapshot(Shims.name(), &Shims.render(&manifest()));
}

#[test]
fn other_forms_of_entries_are_those_of_the_snapshots() {
    let manifest = other_forms();
    snapshot("other_forms_shims", &Shims.render(&manifest));
    for backend in all() {
        snapshot(&format!("other_forms_{}", backend.name()), &backend.render(&manifest));
    }
}

#[test]
fn rendering_twice_gives_the_same_text() {
    for backend in all() {
        assert_eq!(backend.render(&manifest()), backend.render(&manifest()), "{}", backend.name());
    }
}

#[test]
fn no_line_of_code_is_too_long() {
    for backend in [&Shims as &dyn Backend, &Loader, &Types] {
        for line in backend.render(&manifest()).lines() {
            assert!(line.chars().count() <= 100, "{}: {line}", backend.name());
        }
    }
}

#[test]
fn every_link_of_the_reference_has_its_heading() {
    let reference = Reference.render(&manifest());
    let slug = |heading: &str| {
        let kept = heading.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
        kept.collect::<String>().to_lowercase().replace(' ', "-")
    };
    let headings: Vec<_> = reference
        .lines()
        .filter(|line| line.starts_with('#'))
        .map(|line| slug(line.trim_start_matches(['#', ' '])))
        .collect();
    let links: Vec<_> =
        reference.split("](#").skip(1).filter_map(|rest| rest.split_once(')')).map(|(target, _)| target).collect();
    assert!(links.len() > manifest().exports.len());
    for link in links {
        assert!(headings.iter().any(|heading| heading == link), "no heading for #{link}");
    }
}

#[test]
fn the_loader_keeps_to_the_syntax_of_old_browsers() {
    let loader = Loader.render(&manifest());
    for newer in ["?.", "??", "||=", "&&=", "static {", "this.#", "\n  #"] {
        assert!(!loader.contains(newer), "{newer:?} is newer than Chrome 74 and Firefox 79");
    }
}

/// Examples are fragments: they may await, and those of imports and services are members of an object.
#[test]
fn every_example_is_javascript() {
    let manifest = manifest();
    let mut programs = Vec::new();
    let whole = |code: &str| format!("async () => {{\n{code}\n}}");
    programs.extend(manifest.exports.iter().map(|export| whole(&export.function.example)));
    programs.extend(manifest.structs.iter().map(|structure| whole(&structure.example)));
    programs.extend(manifest.imports.iter().map(|import| format!("({{\n{}\n}})", import.function.example)));
    programs.extend(manifest.services.iter().map(|service| format!("({{\n{}\n}})", service.example)));
    programs.extend(manifest.examples.iter().map(|example| {
        let code = example.code.lines().filter(|line| !line.starts_with("import "));
        whole(&code.collect::<Vec<_>>().join("\n"))
    }));
    let source: String = programs.iter().map(|program| format!("void ({program});\n")).collect();
    node_accepts("examples.mjs", &source);
}

#[test]
fn the_loader_is_javascript() {
    node_accepts("loader.mjs", &Loader.render(&manifest()));
    node_accepts("other_forms.mjs", &Loader.render(&other_forms()));
}

fn node_accepts(name: &str, source: &str) {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::write(&path, source).expect("the target directory can be written");
    let output = Command::new("node").arg("--check").arg(&path).output().expect("node is installed");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
