//! Takes out of a program's environment what cargo and rustup put there for this one.

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;
use std::process::Command;

use crate::tools::rust::Way;

/// Variables of the `CARGO` family that are the user's settings rather than cargo's word to its child.
const SETTINGS: [&str; 7] =
    ["CARGO_HOME", "CARGO_BUILD_JOBS", "CARGO_HTTP_", "CARGO_NET_", "CARGO_REGISTR", "CARGO_SOURCE_", "CARGO_TERM_"];

/// Removes from a command's environment what cargo and rustup set for this program, and whatever
/// would change what a compiler makes of the same sources. A cargo of rustup's keeps the name of the
/// toolchain, so that `cargo +NAME xtask` uses that one throughout.
pub fn clean(command: &mut Command, way: Way) {
    for (name, _) in std::env::vars_os() {
        if name.to_str().is_some_and(|name| belongs_to_parent(name, way)) {
            command.env_remove(name);
        }
    }
    if let Some(paths) = std::env::var_os("LD_LIBRARY_PATH") {
        match foreign_libraries(&paths) {
            Some(rest) => command.env("LD_LIBRARY_PATH", rest),
            None => command.env_remove("LD_LIBRARY_PATH"),
        };
    }
}

fn belongs_to_parent(name: &str, way: Way) -> bool {
    match name {
        "RUSTUP_TOOLCHAIN" => way == Way::Debian,
        "RUST_RECURSION_COUNT" | "RUSTFLAGS" | "RUSTDOCFLAGS" => true,
        _ if name.starts_with("RUSTC") || name == "RUSTDOC" => true,
        _ if name.starts_with("CARGO") => !SETTINGS.iter().any(|kept| name.starts_with(kept)),
        _ => false,
    }
}

/// The library folders that cargo did not put there: another compiler must not load this one's.
fn foreign_libraries(paths: &OsStr) -> Option<OsString> {
    let ours = |path: &PathBuf| {
        path.join("../bin/rustc").exists() || path.ancestors().any(|folder| folder.join("CACHEDIR.TAG").is_file())
    };
    let rest: Vec<_> = std::env::split_paths(paths).filter(|path| !ours(path)).collect();
    let joined = std::env::join_paths(rest).ok()?;
    (!joined.is_empty()).then_some(joined)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cargos_word_to_its_child_is_removed_and_the_users_settings_stay() {
        for name in
            ["CARGO", "CARGO_MANIFEST_DIR", "CARGO_PKG_NAME", "CARGO_TARGET_DIR", "RUSTC", "RUSTC_WRAPPER", "RUSTFLAGS"]
        {
            assert!(belongs_to_parent(name, Way::Rustup), "{name}");
        }
        for name in [
            "CARGO_HOME",
            "CARGO_NET_OFFLINE",
            "CARGO_REGISTRIES_MINE_INDEX",
            "CARGO_TERM_COLOR",
            "PATH",
            "RUSTUP_HOME",
        ] {
            assert!(!belongs_to_parent(name, Way::Debian), "{name}");
        }
    }

    #[test]
    fn only_rustups_own_cargo_keeps_the_name_of_the_toolchain() {
        assert!(!belongs_to_parent("RUSTUP_TOOLCHAIN", Way::Rustup));
        assert!(belongs_to_parent("RUSTUP_TOOLCHAIN", Way::Debian));
    }
}
