//! Finds Rust on this machine. There are two ways to compile for wasm32: the Rust that runs `xtask`, with its wasm32
//! target (rustup's, ordinarily), or Debian's packages `rustc-web`, `cargo-web` and `rust-web-src`, which
//! come without a compiled library for wasm32 and build `core` and `alloc` themselves.

use std::fmt;
use std::path::{Path, PathBuf};

use crate::tools::cache::Cache;
use crate::tools::programs;

/// The target that the guest is built for.
pub const TARGET: &str = "wasm32-unknown-unknown";

/// Debian's cargo, in a folder where rustup never puts its own.
pub const DEBIAN_CARGO: &str = "/usr/bin/cargo";
/// Debian's rustc, in the same folder.
pub const DEBIAN_RUSTC: &str = "/usr/bin/rustc";
/// The source of Debian's standard library.
pub const DEBIAN_LIBRARY: &str = "/usr/lib/rustlib/src/rust";

/// The oldest Rust that compiles the project, from `Cargo.toml`.
pub const OLDEST_RUST: &str = env!("CARGO_PKG_RUST_VERSION");

/// Which Rust compiles the guest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// The toolchain that runs `xtask`, with the wasm32 target added.
    Rustup,
    /// Debian's own toolchain, with the library built from its source.
    Debian,
}

impl fmt::Display for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Rustup => "rustup's Rust",
            Self::Debian => "Debian's Rust",
        })
    }
}

/// The way to build for wasm32 that is ready on this machine, or what was found in its place. A wanted one is
/// the only one looked at.
pub fn way(wanted: Option<Way>, cache: &mut Cache) -> Result<Way, String> {
    let rustup = host_sysroot().join("lib/rustlib").join(TARGET).join("lib").is_dir();
    match wanted {
        Some(Way::Rustup) | None if rustup => Ok(Way::Rustup),
        Some(Way::Rustup) => Err("not found".to_owned()),
        Some(Way::Debian) | None => debian(cache).map(|()| Way::Debian),
    }
}

/// Whether Debian's toolchain is complete; the error says what it lacks. The package's own record is what
/// tells it from Debian's older `rustc`, which lies in the same place.
fn debian(cache: &mut Cache) -> Result<(), String> {
    let packaged = |package: &&str| programs::of_system(&format!("/var/lib/dpkg/info/{package}.list")).is_file();
    let rustc = programs::of_system(DEBIAN_RUSTC);
    if !["rustc-web", "cargo-web", "rust-web-src"].iter().all(packaged)
        || !rustc.is_file()
        || !programs::of_system(DEBIAN_LIBRARY).join("library/core").is_dir()
    {
        return Err("not found".to_owned());
    }
    // It says `rustc 1.96.0 (...)`.
    let said = cache.ask("version", &rustc, || programs::said(&rustc, &["--version"]));
    let version = said.split(' ').nth(1).unwrap_or_default();
    if programs::numbers(version) < programs::numbers(OLDEST_RUST) {
        return Err(format!("{} is {version}, which is older than {OLDEST_RUST}", rustc.display()));
    }
    programs::wasm_ld(cache).map(drop).map_err(|found| format!("no linker for it: wasm-ld {found}"))
}

/// The folder of the Rust that runs `xtask`; cargo lies in its `bin`.
pub fn host_sysroot() -> PathBuf {
    host_cargo().ancestors().nth(2).unwrap_or(Path::new("/usr")).to_owned()
}

/// The cargo that runs `xtask`, or the one of the Rust on the path when `xtask` was started by hand.
pub fn host_cargo() -> PathBuf {
    if let Some(cargo) = std::env::var_os("CARGO") {
        return cargo.into();
    }
    let sysroot = programs::said("rustc".as_ref(), &["--print", "sysroot"]);
    Path::new(sysroot.trim()).join("bin").join(programs::executable("cargo"))
}

/// A program that comes with the host's cargo, if it is there.
pub fn beside_cargo(program: &str) -> Option<PathBuf> {
    let sysroot = programs::said("rustc".as_ref(), &["--print", "sysroot"]);
    let program = Path::new(sysroot.trim()).join("bin").join(programs::executable(program));
    program.is_file().then_some(program)
}

/// Whether the host's cargo has a subcommand.
pub fn has_component(program: &str) -> bool {
    let beside = host_cargo().with_file_name(programs::executable(program));
    // rustup puts a stand-in for every component on the path, so where there is a toolchain of
    // rustup's only the toolchain itself tells.
    beside.is_file() || std::env::var_os("RUSTUP_TOOLCHAIN").is_none() && programs::on_path(program).is_some()
}
