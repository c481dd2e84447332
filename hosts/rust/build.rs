//! Finds the modules that the crate carries.

use std::path::{Path, PathBuf};
use std::{env, fs};

fn main() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../web");
    let mut modules = String::new();
    for (name, file) in [("LUA_5_4", "lua-exnref.wasm"), ("LUA_5_5", "lua-5.5-exnref.wasm")] {
        let path = root.join(file);
        println!("cargo::rerun-if-changed={}", path.display());
        let is_there = env::var_os("CARGO_FEATURE_EMBED").is_some() && path.is_file();
        let bytes = if is_there { format!("Some(include_bytes!({path:?}))") } else { "None".to_owned() };
        modules += &format!("pub const {name}: Option<&[u8]> = {bytes};\n");
        if name == "LUA_5_4" && !is_there && env::var_os("CARGO_FEATURE_EMBED").is_some() {
            println!(
                "cargo::error=web/{file} is not there: run `cargo xtask build` in the root of the repository first, \
                 or leave the feature `embed` out and give Engine the bytes of a module"
            );
        }
    }
    let out = PathBuf::from(env::var_os("OUT_DIR").unwrap_or_default());
    if let Err(error) = fs::write(out.join("modules.rs"), modules) {
        println!("cargo::error=cannot write modules.rs: {error}");
    }
}
