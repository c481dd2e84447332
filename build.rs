//! Generates the guest's view of the boundary from `exports.toml`, compiles Lua, and describes it to
//! Rust. Each step is one call into `codegen`, where it is explained.

use std::env;
use std::error::Error;
use std::fs;
use std::path::PathBuf;

use codegen::lua::{bindings, compile::Guest, edits, sources};
use codegen::manifest::{Manifest, Source};

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
    let line = if env::var_os("CARGO_FEATURE_LUA_5_5").is_some() { "5.5" } else { "5.4" };
    edits::apply(&sources::of_line(&vendor, line)?, &edits::read(&vendor.join("edits"))?, &lua)?;
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
