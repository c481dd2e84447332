//! Checks the built artifacts against what the manifest declares and the engines that they are for.
#![cfg(feature = "passes")]

use std::path::{Path, PathBuf};

use codegen::delta;
use codegen::manifest::{Artifact, Manifest, Unwind};
use codegen::passes::{Feature, PassError, features};

/// What Chrome 74 and Firefox 79 both have beyond WebAssembly 1.0 as first released. `bulk-memory` and
/// `nontrapping-fptoint` came with Chrome 75, `multi-value` with Chrome 85, `reference-types` with Chrome 96.
const OLD_BROWSERS: [Feature; 2] = [Feature::MutableGlobals, Feature::SignExtension];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn read(path: &str) -> Vec<u8> {
    let path = root().join(path);
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}; `cargo xtask build` makes it", path.display()))
}

fn artifact(unwind: Unwind) -> Artifact {
    let manifest = Manifest::load(&root().join("exports.toml")).unwrap_or_else(|error| panic!("{error}"));
    let found = manifest.artifacts.into_iter().find(|artifact| artifact.unwind == unwind);
    found.unwrap_or_else(|| panic!("no artifact has unwind mode {unwind}"))
}

fn claimed(artifact: &Artifact) -> Vec<Feature> {
    let names = artifact.features.iter().map(ToString::to_string);
    let mut features: Vec<Feature> = names.map(|name| name.parse().expect("both sides name features alike")).collect();
    features.sort();
    features
}

#[test]
fn the_host_artifact_needs_no_feature_that_chrome_74_or_firefox_79_lacks() {
    let artifact = artifact(Unwind::Host);
    assert!(claimed(&artifact).iter().all(|feature| OLD_BROWSERS.contains(feature)), "{:?}", artifact.features);
    let used = features::run(&read(&artifact.path), &OLD_BROWSERS).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(used, claimed(&artifact));
}

/// The check above is one that a module with more does not pass.
#[test]
fn the_check_for_old_browsers_refuses_the_other_artifact_and_names_what_is_too_new() {
    let artifact = artifact(Unwind::Legacy);
    let error = features::run(&read(&artifact.path), &OLD_BROWSERS).expect_err("it uses exceptions");
    let PassError::UnclaimedFeatures(uses) = error else {
        panic!("{error}");
    };
    let found: Vec<Feature> = uses.iter().map(|found| found.feature).collect();
    assert_eq!(found, [Feature::NontrappingFptoint, Feature::BulkMemory, Feature::ExceptionsLegacy]);
}

/// The package decides by these modules which artifact the engine gets.
#[test]
fn the_probes_of_the_package_use_exactly_the_features_that_the_artifacts_claim() {
    for (name, unwind) in [("PROBE", Unwind::Legacy), ("EXNREF_PROBE", Unwind::Exnref)] {
        let used = features::run(&probe(name), Feature::ALL).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(used, claimed(&artifact(unwind)), "{name}");
    }
}

/// The bytes of a module in `web/module/probe.js`.
fn probe(name: &str) -> Vec<u8> {
    let source = String::from_utf8(read("web/module/probe.js")).expect("sources are UTF-8");
    let (_, probe) = source.split_once(&format!("const {name} = Uint8Array.of(")).expect("the probe is there");
    let (probe, _) = probe.split_once("\n);").expect("the probe has an end");
    let code = probe.lines().filter_map(|line| line.split("//").next());
    code.flat_map(|line| line.split("0x").skip(1))
        .map(|byte| u8::from_str_radix(&byte[..2], 16).expect("bytes are written in hexadecimal"))
        .collect()
}

#[test]
fn what_is_shipped_in_their_place_gives_the_artifacts_for_other_engines() {
    for other in [artifact(Unwind::Host), artifact(Unwind::Exnref)] {
        let path = other.path.replace(".wasm", ".delta");
        let made = delta::apply(&read(&artifact(Unwind::Legacy).path), &read(&path));
        assert!(made.is_some_and(|made| made == read(&other.path)), "{path} is of another build");
    }
}
