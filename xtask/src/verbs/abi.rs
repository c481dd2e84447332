//! `cargo xtask abi diff`: compares two ABIs, and calls each change compatible or breaking.

use std::ffi::OsStr;
use std::path::Path;

use codegen::backend::{Abi, Backend};
use codegen::contract::{Contract, compare};
use codegen::manifest::Manifest;

use crate::error::Error;
use crate::system::files;
use crate::workspace::Workspace;

/// Where the ABIs of releases lie, from the root of the repository.
const RELEASED: &str = "snapshots/abi";

/// Compares two files and prints the changes; fails if the new one may not take the place of the old one.
pub fn diff(workspace: &Workspace, old: &Path, new: &Path) -> Result<(), Error> {
    let (old, new) = (read(workspace, old)?, read(workspace, new)?);
    let report = compare(&old, &new);
    let version = |contract: &Contract| contract.version.map_or_else(String::new, |version| format!(", ABI {version}"));
    println!("old: {}{}\nnew: {}{}\n", old.name, version(&old), new.name, version(&new));
    print!("{report}");
    if report.is_accepted() {
        if report.breaking() > 0 {
            println!("the version has grown, which tells callers so");
        }
        return Ok(());
    }
    println!(
        "this breaks callers of ABI {}: take it back, or raise `version` of [abi] in exports.toml",
        old.version.unwrap_or_default()
    );
    Err(Error::AbiBroken)
}

/// Reads a manifest, a folder with one, an ABI file or a module, whichever it is.
fn read(workspace: &Workspace, path: &Path) -> Result<Contract, Error> {
    let doing = "compare the ABIs";
    if path.is_dir() {
        return read(workspace, &path.join("exports.toml"));
    }
    let name = path.display().to_string();
    if path.extension() == Some(OsStr::new("toml")) {
        let manifest = Manifest::load(path).map_err(Error::codegen(doing))?;
        return Contract::of_json(&name, &Abi.render(&manifest)).map_err(Error::codegen(doing));
    }
    let bytes = files::read(path)?;
    if !bytes.starts_with(b"\0asm") {
        return Contract::of_json(&name, &String::from_utf8_lossy(&bytes)).map_err(Error::codegen(doing));
    }
    let module = Contract::of_wasm(&name, &bytes).map_err(Error::codegen(doing))?;
    Ok(known(workspace, &module).unwrap_or(module))
}

/// The ABI file that a module was built from, found by the hash in its stamp, as it says more than the module.
fn known(workspace: &Workspace, module: &Contract) -> Option<Contract> {
    let released = std::fs::read_dir(workspace.path(RELEASED)).ok()?.filter_map(|entry| Some(entry.ok()?.path()));
    let files = released.chain([workspace.path("web/abi.json")]);
    files
        .filter_map(|path| {
            let text = std::fs::read_to_string(&path).ok()?;
            let file = Contract::of_json(&workspace.shown(&path).to_string(), &text).ok()?;
            let name = format!("{}, which was built from {}", module.name, file.name);
            (file.hash == module.hash).then(|| file.of_module(module, name))
        })
        .next()
}
