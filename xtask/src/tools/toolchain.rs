//! Rust for wasm32. There are two ways to it: the Rust that runs `xtask`, with its wasm32 target
//! (rustup's, ordinarily), or Debian's packages `rustc-web`, `cargo-web` and `rust-web-src`, which
//! come without a compiled library for wasm32 and build `core` and `alloc` themselves.

use std::fmt;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::arguments::Options;
use crate::cache::Cache;
use crate::error::Error;
use crate::needs::{Missing, Need};
use crate::process;
use crate::tools;
use crate::workspace::Workspace;

/// The target that the guest is built for.
pub const TARGET: &str = "wasm32-unknown-unknown";

/// Debian's cargo and rustc lie where rustup never puts its own.
const DEBIAN_CARGO: &str = "/usr/bin/cargo";
const DEBIAN_RUSTC: &str = "/usr/bin/rustc";
const DEBIAN_LIBRARY: &str = "/usr/lib/rustlib/src/rust";

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

/// Everything that a build of the guest uses, found.
#[derive(Debug, Clone)]
pub struct Toolchain {
    /// Which Rust.
    pub way: Way,
    clang: PathBuf,
    libclang: PathBuf,
    /// Where this way builds; the two do not share a folder, or each would undo the other's work.
    pub target: PathBuf,
    linker: Option<PathBuf>,
}

/// The way to build for wasm32 that is ready on this machine. A wanted one is the only one looked at.
pub fn way(wanted: Option<Way>) -> Option<Way> {
    let rustup = || host_sysroot().join("lib/rustlib").join(TARGET).join("lib").is_dir();
    match wanted {
        Some(Way::Rustup) => rustup().then_some(Way::Rustup),
        Some(Way::Debian) => debian().then_some(Way::Debian),
        None if rustup() => Some(Way::Rustup),
        None => debian().then_some(Way::Debian),
    }
}

/// Whether Debian's toolchain is complete. The package's own record is what tells it from Debian's
/// older `rustc`, which lies in the same place.
fn debian() -> bool {
    ["rustc-web", "cargo-web", "rust-web-src"]
        .iter()
        .all(|package| Path::new(&format!("/var/lib/dpkg/info/{package}.list")).is_file())
        && Path::new(DEBIAN_RUSTC).is_file()
        && Path::new(DEBIAN_LIBRARY).join("library/core").is_dir()
        && tools::wasm_ld().is_some()
}

/// The folder of the Rust that runs `xtask`; cargo lies in its `bin`.
fn host_sysroot() -> PathBuf {
    host_cargo().ancestors().nth(2).unwrap_or(Path::new("/usr")).to_owned()
}

/// The cargo that runs `xtask`, or the one of the Rust on the path when `xtask` was started by hand.
pub fn host_cargo() -> PathBuf {
    if let Some(cargo) = std::env::var_os("CARGO") {
        return cargo.into();
    }
    let sysroot = tools::said("rustc".as_ref(), &["--print", "sysroot"]);
    Path::new(sysroot.trim()).join("bin").join(tools::executable("cargo"))
}

/// Whether the host's cargo has a subcommand.
pub fn has_component(program: &str) -> bool {
    let beside = host_cargo().with_file_name(tools::executable(program));
    // rustup puts a stand-in for every component on the path, so where there is a toolchain of
    // rustup's only the toolchain itself tells.
    beside.is_file() || std::env::var_os("RUSTUP_TOOLCHAIN").is_none() && tools::on_path(program).is_some()
}

impl Toolchain {
    /// What is used, a line each.
    pub fn summary(&self) -> String {
        let linker = self.linker.as_deref().map_or("the one that comes with Rust".into(), Path::to_string_lossy);
        format!(
            "  wasm32    {}\n  clang     {}\n  libclang  {}\n  linker    {linker}",
            self.way,
            self.clang.display(),
            self.libclang.display()
        )
    }

    /// Puts together what is installed.
    pub fn find(workspace: &Workspace, options: &Options) -> Result<Self, Error> {
        let mut cache = Cache::open(workspace.own("programs"));
        let lacking = |need: Need| {
            let needs = vec![(need, "not found".to_owned())];
            Error::Missing(Missing { needs, way: options.way, tried: Vec::new() })
        };
        let way = way(options.way).ok_or_else(|| lacking(Need::WasmRust))?;
        Ok(Self {
            way,
            clang: tools::clang(&mut cache).ok_or_else(|| lacking(Need::Clang))?,
            libclang: tools::libclang().ok_or_else(|| lacking(Need::Libclang))?,
            target: match way {
                Way::Rustup => workspace.target.clone(),
                Way::Debian => workspace.target.join("debian"),
            },
            linker: match way {
                Way::Rustup => None,
                Way::Debian => tools::wasm_ld(),
            },
        })
    }

    /// A cargo for work on the host: the one that runs `xtask`.
    pub fn host(&self, workspace: &Workspace) -> Command {
        let mut command = Command::new(host_cargo());
        process::clean(&mut command, Way::Rustup);
        command.current_dir(&workspace.root).env("CARGO_TARGET_DIR", &workspace.target);
        self.describe_compilers(&mut command);
        command
    }

    /// A cargo for the guest on wasm32, with `verb` and the arguments that every use of it needs.
    ///
    /// The bytes of the module are not to depend on where the sources lie, so `workspace` is also the
    /// root whose path is taken out of them.
    pub fn guest(&self, workspace: &Workspace, verb: &str, target: &Path) -> Command {
        let mut command = match self.way {
            Way::Rustup => Command::new(host_cargo()),
            Way::Debian => Command::new(DEBIAN_CARGO),
        };
        process::clean(&mut command, self.way);
        command
            .current_dir(&workspace.root)
            .env("CARGO_TARGET_DIR", target)
            .env("CARGO_ENCODED_RUSTFLAGS", self.flags(workspace, target).join("\x1f"))
            .args([verb, "--package", "lua-persistent", "--lib", "--target", TARGET]);
        if self.way == Way::Debian {
            // The stable compiler is let use the one unstable flag that builds its own library.
            command.env("RUSTC", DEBIAN_RUSTC).env("RUSTC_BOOTSTRAP", "1").arg("-Zbuild-std=core,alloc");
        }
        if let Some(linker) = &self.linker {
            command.env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER", linker);
        }
        self.describe_compilers(&mut command);
        command
    }

    /// Says which C compiler and which libclang the build script takes.
    fn describe_compilers(&self, command: &mut Command) {
        command
            .env("CC_wasm32_unknown_unknown", &self.clang)
            .env("CLANG_PATH", &self.clang)
            .env("LIBCLANG_PATH", &self.libclang);
        let archiver = self.clang.with_file_name(tools::executable("llvm-ar"));
        if archiver.is_file() {
            command.env("AR_wasm32_unknown_unknown", archiver);
        }
    }

    /// Flags for the Rust compiler: every folder whose path could get into the module, in a panic's
    /// location say, is given a name that is the same on every machine.
    ///
    /// The last one that fits is taken, so the build folder stands behind the repository around it.
    fn flags(&self, workspace: &Workspace, target: &Path) -> Vec<String> {
        let map = |from: &Path, to: &str| format!("--remap-path-prefix={}={to}", from.display());
        let mut flags = vec![map(&workspace.root, "/lua-persistent"), map(target, "/target")];
        let library = match self.way {
            Way::Rustup => host_sysroot().join("lib/rustlib/src/rust"),
            Way::Debian => PathBuf::from(DEBIAN_LIBRARY),
        };
        let real = library.canonicalize().ok().filter(|real| *real != library);
        flags.extend([Some(library), real].into_iter().flatten().map(|folder| map(&folder, "/rust")));
        flags.extend(registries().iter().map(|folder| map(folder, "/cargo")));
        flags
    }
}

/// The folders that cargo unpacks packages into, one for each registry, sorted.
fn registries() -> Vec<PathBuf> {
    let home = std::env::var_os("CARGO_HOME").map(PathBuf::from).or_else(|| Some(std::env::home_dir()?.join(".cargo")));
    let Some(entries) = home.and_then(|home| home.join("registry/src").read_dir().ok()) else {
        return Vec::new();
    };
    let mut folders: Vec<_> = entries.flatten().map(|entry| entry.path()).collect();
    folders.sort();
    folders
}
