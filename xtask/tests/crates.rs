//! Checks which packages each crate is compiled from.

use std::path::Path;
use std::process::Command;

/// The packages that a package is compiled from, those of its build script included.
fn packages_of(package: &str) -> Vec<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask lies in the repository");
    let arguments =
        ["tree", "--offline", "--locked", "--edges", "normal,build", "--prefix", "none", "--package", package];
    let tree = Command::new(env!("CARGO")).current_dir(root).args(arguments).output().expect("cargo starts");
    assert!(tree.status.success(), "{}", String::from_utf8_lossy(&tree.stderr));
    let lines = String::from_utf8(tree.stdout).expect("cargo prints UTF-8");
    lines.lines().filter_map(|line| line.split(' ').next()).map(str::to_owned).collect()
}

#[test]
fn the_guests_build_script_is_compiled_without_the_passes_and_the_progress_display() {
    let guest = packages_of("lua-persistent");
    let xtask = packages_of("xtask");
    for package in ["walrus", "wasm-encoder", "wasmparser", "indicatif"] {
        let at_fault = "codegen's feature `passes` or a dependency of xtask came into build.rs";
        assert!(!guest.iter().any(|used| used == package), "{package}: {at_fault}");
        assert!(
            xtask.iter().any(|used| used == package),
            "{package} is no longer used at all: take it out of this list"
        );
    }
}
