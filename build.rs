//! Generates the guest's view of the boundary from `exports.toml`, compiles Lua, and describes it to
//! Rust. Each step is one call into `codegen`, where it is explained.

use std::env;
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};

use codegen::lua::compile::Guest;
use codegen::lua::release::Release;
use codegen::lua::sources::{self, Sources};
use codegen::lua::{self, bindings};
use codegen::manifest::{Manifest, Source};

/// The variable that names a release other than the one that its line is at.
const RELEASE: &str = "LUA_PERSISTENT_RELEASE";

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=vendor");
    let root = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?);
    let out = PathBuf::from(env::var("OUT_DIR")?);
    let wasm = env::var("CARGO_CFG_TARGET_ARCH")? == "wasm32";
    let vendor = root.join("vendor");

    println!("cargo::rerun-if-changed=exports.toml");
    let manifest = Source::load(&root.join("exports.toml")).and_then(|source| {
        for (file, _) in source.files() {
            println!("cargo::rerun-if-changed={file}");
        }
        Manifest::read(&source)
    });
    let manifest = manifest.unwrap_or_else(|errors| {
        eprintln!("{errors}");
        std::process::exit(1)
    });
    fs::write(out.join("shims.rs"), codegen::backend::Backend::render(&codegen::backend::Shims, &manifest))?;

    let lua = out.join("lua");
    lua::prepare(&vendor, &release(&vendor)?, &lua).unwrap_or_else(|error| {
        eprintln!("{error}");
        std::process::exit(1)
    });
    let guest = Guest { lua: &lua, vendor: &vendor, wasm };
    guest.compile()?;
    fs::write(out.join("bindings.rs"), bindings::generate(&guest)?)?;

    if wasm {
        for argument in guest.link_arguments(manifest.memory_pages() * 65536) {
            println!("cargo::rustc-link-arg-cdylib={argument}");
        }
    }
    Ok(())
}

/// The release that the line of the features is at, or another one of that line, if the environment names it.
fn release(vendor: &Path) -> Result<Sources, Box<dyn Error>> {
    println!("cargo::rerun-if-env-changed={RELEASE}");
    let line = if env::var_os("CARGO_FEATURE_LUA_5_5").is_some() { "5.5" } else { "5.4" };
    let Ok(named) = env::var(RELEASE) else {
        return Ok(sources::of_line(vendor, line)?);
    };
    let release: Release = named.parse().map_err(|reason| format!("{RELEASE}: {reason}"))?;
    match release.line() == line {
        true => Ok(sources::of_release(vendor, release)?),
        false => Err(format!("{RELEASE} names Lua {release}, but this is a build of Lua {line}").into()),
    }
}
