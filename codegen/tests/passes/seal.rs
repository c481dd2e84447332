//! The boundary is the manifest's, and says so.

use codegen::passes::seal::{Mismatch, Problem, Side};
use codegen::passes::stamp::StampError;
use codegen::passes::{Config, Export, Feature, Import, PassError, Signature, Stamp, Unwind, ValType, process};
use wasm_encoder::Instruction;
use wasmparser::{Parser, Payload};

use super::fixture::{Defined, I32, Linked, claiming};

/// Exports `compute`, which uses the import `env.get`.
fn linked() -> Linked {
    Linked {
        imports: vec![("env", "get", vec![I32], vec![I32])],
        ..Linked::with(vec![Defined::exported(
            "compute",
            &[I32, I32],
            &[I32],
            vec![Instruction::LocalGet(0), Instruction::Call(0)],
        )])
    }
}

fn boundary(linked: &Linked, config: &Config) -> Vec<Mismatch> {
    match process(&linked.encode(), config) {
        Err(PassError::Boundary(mismatches)) => mismatches,
        other => panic!("expected a boundary error, got {other:?}"),
    }
}

fn sections(wasm: &[u8]) -> Vec<String> {
    Parser::new(0)
        .parse_all(wasm)
        .filter_map(|payload| match payload.expect("the artifact parses") {
            Payload::CustomSection(section) => Some(section.name().to_owned()),
            _ => None,
        })
        .collect()
}

fn exports(wasm: &[u8]) -> Vec<String> {
    Parser::new(0)
        .parse_all(wasm)
        .filter_map(|payload| match payload.expect("the artifact parses") {
            Payload::ExportSection(exports) => {
                Some(exports.into_iter().map(|e| e.expect("the artifact parses").name.to_owned()).collect())
            }
            _ => None,
        })
        .next()
        .expect("the artifact has exports")
}

#[test]
fn the_linkers_exports_go_and_the_manifests_stay() {
    let linked = linked();
    let processed = process(&linked.encode(), &linked.config()).expect("it is the manifest's");
    assert_eq!(exports(&processed.wasm), ["memory", "compute"]);
}

#[test]
fn exports_that_serve_the_c_objects_go_unless_the_manifest_has_them() {
    let mut linked = linked();
    linked.functions.extend(
        ["strlen", "time", "lp_entropy"]
            .map(|name| Defined::exported(name, &[I32], &[I32], vec![Instruction::LocalGet(0)])),
    );
    let mut config = linked.config();
    config.exports.retain(|e| ["compute", "time"].contains(&e.name.as_str()));
    let processed = process(&linked.encode(), &config).expect("it is the manifest's");
    assert_eq!(exports(&processed.wasm), ["memory", "compute", "time"]);
    assert_eq!(processed.report.functions, 2);
}

#[test]
fn only_the_stamp_stays_of_the_custom_sections() {
    let linked = linked();
    let mut config = linked.config();
    let processed = process(&linked.encode(), &config).expect("it is the manifest's");
    assert_eq!(sections(&processed.wasm), ["lua-persistent"]);
    config.keep_names = true;
    let processed = process(&linked.encode(), &config).expect("it is the manifest's");
    assert_eq!(sections(&processed.wasm), ["name", "lua-persistent"]);
}

#[test]
fn the_stamp_can_be_read_back() {
    let linked = linked();
    let config = linked.config();
    let processed = process(&linked.encode(), &config).expect("it is the manifest's");
    assert_eq!(Stamp::of(&processed.wasm), Ok(config.stamp));
    assert_eq!(Stamp::of(&linked.encode()), Err(StampError::Missing));
}

#[test]
fn the_stamps_layout_is_as_documented() {
    let stamp = Stamp {
        abi_version: 0x0403_0201,
        lua_release: "5.4.9".to_owned(),
        manifest_hash: "ab".to_owned(),
        build: "c".to_owned(),
    };
    let bytes = stamp.encode().expect("both texts are short");
    assert_eq!(bytes, b"\x01\x02\x03\x04\x055.4.9\x02ab\x01c");
    assert_eq!(Stamp::decode(&[&bytes[..], b"later"].concat()), Ok(stamp));
    for len in 0..bytes.len() {
        assert!(matches!(Stamp::decode(&bytes[..len]), Err(StampError::Truncated { .. })));
    }
}

#[test]
fn a_stamp_with_too_long_a_text_is_refused() {
    let linked = linked();
    let mut config = linked.config();
    config.stamp.manifest_hash = "f".repeat(256);
    let message = process(&linked.encode(), &config).expect_err("256 bytes do not fit").to_string();
    assert!(message.contains("manifest hash is 256 bytes"), "{message}");
}

#[test]
fn every_difference_is_named_at_once_with_both_types() {
    let linked = Linked {
        imports: vec![("env", "get", vec![I32], vec![I32]), ("env", "set", vec![I32], vec![])],
        ..Linked::with(vec![
            Defined::exported(
                "compute",
                &[I32, I32],
                &[I32],
                vec![Instruction::LocalGet(0), Instruction::Call(1), Instruction::LocalGet(0), Instruction::Call(0)],
            ),
            Defined::exported("debug", &[], &[], vec![]),
        ])
    };
    let mut config = linked.config();
    config.exports = vec![
        Export { name: "compute".to_owned(), signature: Signature::new(&[ValType::I32], &[]) },
        Export { name: "eval".to_owned(), signature: Signature::new(&[ValType::I32], &[ValType::I32]) },
    ];
    config.imports = vec![
        Import {
            module: "env".to_owned(),
            name: "get".to_owned(),
            signature: Signature::new(&[ValType::I64], &[ValType::I32]),
            guard: None,
        },
        Import {
            module: "env".to_owned(),
            name: "size".to_owned(),
            signature: Signature::new(&[], &[ValType::F64]),
            guard: None,
        },
    ];
    let message = PassError::Boundary(boundary(&linked, &config)).to_string();
    assert_eq!(
        message,
        "the module's boundary is not the manifest's:\n  \
         mistyped export `compute`: expected (func (param i32)), found (func (param i32 i32) (result i32))\n  \
         missing export `eval`: expected (func (param i32) (result i32))\n  \
         extra export `debug`: found (func), expected none\n  \
         mistyped import `env.get`: expected (func (param i64) (result i32)), found (func (param i32) (result i32))\n  \
         missing import `env.size`: expected (func (result f64)), used by some function that an export reaches\n  \
         extra import `env.set`: found (func (param i32)), expected none"
    );
}

#[test]
fn an_exported_mutable_global_is_an_extra_export() {
    let linked = Linked { stack_pointer_exported: true, ..linked() };
    assert_eq!(
        boundary(&linked, &linked.config()),
        [Mismatch {
            side: Side::Export,
            name: "__stack_pointer".to_owned(),
            problem: Problem::Extra { found: "(global (mut i32))".to_owned() },
        }]
    );
}

#[test]
fn an_import_that_nothing_reaches_is_missing() {
    let mut linked = linked();
    linked.functions[0].body.truncate(1);
    linked.functions.push(Defined::private(
        "unused",
        &[],
        &[I32],
        vec![Instruction::I32Const(1), Instruction::Call(0)],
    ));
    assert!(matches!(
        &boundary(&linked, &linked.config())[..],
        [Mismatch { name, problem: Problem::Missing { .. }, .. }] if name == "env.get"
    ));
}

#[test]
fn an_import_that_appears_twice_is_refused() {
    let mut linked = linked();
    linked.imports.push(("env", "get", vec![I32], vec![I32]));
    linked.functions[0].body.push(Instruction::Call(1));
    let mut config = linked.config();
    config.imports.pop();
    assert_eq!(
        boundary(&linked, &config),
        [Mismatch { side: Side::Import, name: "env.get".to_owned(), problem: Problem::Repeated }]
    );
}

#[test]
fn a_host_artifact_must_have_the_hosts_imports_and_the_function_table() {
    let linked = linked();
    let config = Config { unwind: Unwind::Host, ..claiming(linked.config(), &[Feature::MutableGlobals]) };
    let names: Vec<String> = boundary(&linked, &config).into_iter().map(|m| m.name).collect();
    assert_eq!(names, ["env.lua_try", "env.lua_throw"]);
}

#[test]
fn the_same_input_gives_the_same_bytes() {
    let linked = linked();
    let config = linked.config();
    let first = process(&linked.encode(), &config).expect("it is the manifest's");
    for _ in 0..4 {
        let again = process(&linked.encode(), &config).expect("it is the manifest's");
        assert_eq!(again.wasm, first.wasm);
    }
}
