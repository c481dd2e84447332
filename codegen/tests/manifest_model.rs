//! Checks the model of a valid manifest.

use std::path::Path;

use codegen::manifest::{Manifest, ValType};

const VALID: &str = include_str!("manifest_fixture.toml");

fn parse(text: &str) -> Manifest {
    Manifest::parse("exports.toml", text).unwrap_or_else(|diagnostics| panic!("{diagnostics}"))
}

#[test]
fn the_projects_manifest_is_valid() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../exports.toml");
    let manifest = Manifest::load(&path).unwrap_or_else(|diagnostics| panic!("{diagnostics}"));
    assert_eq!(manifest.imports.len(), 5, "five imports, for ever");
    for name in ["init", "compute", "eval", "lua_alloc", "get_memory_stats"] {
        assert!(manifest.exports.iter().any(|export| export.function.name == name), "{name} is not exported");
    }
}

#[test]
fn entries_keep_the_order_of_the_file() {
    let manifest = parse(VALID);
    let names: Vec<_> = manifest.exports.iter().map(|export| export.function.name.as_str()).collect();
    assert_eq!(names, ["put", "measure", "count"]);
}

#[test]
fn byte_ranges_become_an_address_and_a_length() {
    let manifest = parse(VALID);
    let put = &manifest.wasm_exports()[0];
    assert_eq!(put.params, [ValType::I32, ValType::I32, ValType::I32, ValType::F64]);
    assert_eq!(put.results, [ValType::I64]);
    let names: Vec<_> = manifest.exports[0].function.wasm_params().into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["thing", "text_ptr", "text_len", "weight"]);
}

#[test]
fn a_length_can_have_a_name_of_its_own() {
    let manifest = parse(VALID);
    let names: Vec<_> = manifest.imports[0].function.wasm_params().into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["thing", "key_ptr", "key_len", "value_ptr", "room"]);
    assert_eq!(manifest.wasm_imports()[0].module, "env");
}

#[test]
fn a_structure_crosses_as_one_address() {
    let measure = &parse(VALID).wasm_exports()[1];
    assert_eq!(measure.params, [ValType::I32]);
    assert!(measure.results.is_empty());
}

#[test]
fn the_hash_does_not_depend_on_documentation_or_order() {
    let hash = parse(VALID).hash();
    assert_eq!(parse(&VALID.replace("Copies the bytes.", "Takes the bytes.")).hash(), hash);
    let (first, second) = ("name = \"measure\"", "name = \"count\"");
    let at = |text: &str, from: &str| text.find(from).expect("the fixture has it");
    let (a, b, end) = (at(VALID, first), at(VALID, second), at(VALID, "[[import]]"));
    let header = "[[export]]\n";
    let swapped =
        format!("{}{}{header}{}{}", &VALID[..a], &VALID[b..end], VALID[a..b].trim_end_matches(header), &VALID[end..]);
    let names: Vec<_> = parse(&swapped).exports.iter().map(|export| export.function.name.clone()).collect();
    assert_eq!(names, ["put", "count", "measure"]);
    assert_eq!(parse(&swapped).hash(), hash);
}

#[test]
fn the_hash_depends_on_everything_a_caller_could_notice() {
    let hash = parse(VALID).hash();
    for (old, new) in [
        ("version = 3", "version = 4"),
        ("value = 17", "value = 18"),
        ("name = \"total\", type = \"u64\"", "name = \"total\", type = \"i64\""),
        ("name = \"weight\", type = \"f64\"", "name = \"weight\", type = \"u32\""),
        ("refused = -1", "refused = -2"),
        ("threw = -2", "threw = -3"),
        ("number = 7", "number = 8"),
        ("name = \"count\"", "name = \"number\""),
        ("name = \"weight\"", "name = \"mass\""),
        ("name = \"thing\", type = \"handle\", doc", "name = \"thing\", type = \"u32\", doc"),
        ("length = \"room\"", "length = \"capacity\""),
        ("handler = \"get\"", "handler = \"fetch\""),
        ("name = \"NO_THING\"", "name = \"NOTHING\""),
        ("name = \"unit\", type", "name = \"scale\", type"),
        ("section = \"demo\"", "section = \"other\""),
        ("service_table = 0", "service_table = 1"),
        ("name = \"more\"", "name = \"left\""),
    ] {
        assert_ne!(parse(&VALID.replace(old, new)).hash(), hash, "{old} -> {new}");
    }
}

#[test]
fn the_hash_depends_on_the_places_of_parameters_and_fields_of_one_type() {
    let two = "params = [{ name = \"first\", type = \"u32\", doc = \"A.\" }, { name = \"second\", type = \"u32\", doc = \"B.\" }]";
    let other = "params = [{ name = \"second\", type = \"u32\", doc = \"B.\" }, { name = \"first\", type = \"u32\", doc = \"A.\" }]";
    let with = |params: &str| VALID.replace("doc = \"All of them.\"", &format!("doc = \"All of them.\"\n{params}"));
    assert_ne!(parse(&with(two)).hash(), parse(&with(other)).hash());
    let fields = VALID.replace("name = \"kind\"", "name = \"x\"").replace("name = \"age\"", "name = \"kind\"");
    let fields = fields.replace("name = \"x\"", "name = \"age\"");
    assert_ne!(parse(&fields).hash(), parse(VALID).hash());
}

#[test]
fn a_function_knows_the_line_that_names_it() {
    let count = &parse(VALID).exports[2].function;
    let line = count.place.strip_prefix("exports.toml:").and_then(|line| line.parse::<usize>().ok()).unwrap();
    assert_eq!(VALID.lines().nth(line - 1), Some("name = \"count\""));
}

#[cfg(feature = "passes")]
#[test]
fn the_passes_know_every_feature_that_an_artifact_can_claim() {
    use codegen::passes::Feature;

    let all = "mutable-globals sign-extension nontrapping-fptoint bulk-memory multi-value reference-types simd \
               exceptions-legacy exceptions tail-calls";
    let quoted: Vec<_> = all.split_whitespace().map(|name| format!("\"{name}\"")).collect();
    let text = VALID.replace("[\"exceptions\", \"bulk-memory\"]", &format!("[{}]", quoted.join(", ")));
    for feature in &parse(&text).artifacts[0].features {
        assert!(feature.to_string().parse::<Feature>().is_ok(), "the passes do not know {feature}");
    }
}

#[test]
fn each_line_has_the_declared_artifacts_under_names_of_its_own() {
    let text = VALID
        .replace("lua = \"5.4\"", "lua = \"5.4\"\nlines = [\"5.4\", \"5.5\"]")
        .replace("doc = \"Not built.\"", "base = \"lua.wasm\"\ndoc = \"As `demo.wasm` and `demo-host.delta`.\"");
    let manifest = parse(&text.replace("\"web/demo.wasm\"", "\"web/demo-host.wasm\""));
    assert_eq!(manifest.abi.lines, ["5.4", "5.5"]);
    let [first, second] = &manifest.artifacts[..] else { panic!("{:?}", manifest.artifacts) };
    assert_eq!((&*first.line, &*first.name, &*first.path), ("5.4", "demo.wasm", "web/demo-host.wasm"));
    assert_eq!((&*second.line, &*second.name, &*second.path), ("5.5", "demo-5.5.wasm", "web/demo-5.5-host.wasm"));
    assert_eq!(second.base.as_deref(), Some("lua-5.5.wasm"));
    let alone = VALID.replace("lua = \"5.4\"", "lua = \"5.4\"\nlines = [\"5.5\"]");
    let bases: Vec<_> = parse(&alone).artifacts.into_iter().map(|artifact| artifact.base).collect();
    assert_eq!(bases, [None, Some("demo.wasm".to_owned())]);
    assert_eq!(second.doc, "As `demo-5.5.wasm` and `demo-host.delta`.");
    assert_eq!(second.features, first.features);
}

/// The manifest says what hosts can ask for, and `vendor/Cargo.toml` what is built: neither has a line that the other lacks.
#[test]
fn the_lines_of_the_manifest_are_those_that_are_pinned() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let manifest = Manifest::load(&root.join("exports.toml")).unwrap_or_else(|diagnostics| panic!("{diagnostics}"));
    let pinned = codegen::lua::sources::lines(&root.join("vendor")).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(manifest.abi.lines, pinned.into_iter().map(|line| line.name).collect::<Vec<_>>());
}
