//! Puts together what builds the guest, and the command lines of cargo for the host and for wasm32.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::error::Error;
use crate::tools::cache::Cache;
use crate::tools::needs::{Missing, Need};
use crate::tools::rust::{self, DEBIAN_CARGO, DEBIAN_LIBRARY, DEBIAN_RUSTC, TARGET, Way};
use crate::tools::{environment, programs};
use crate::workspace::Workspace;

/// Everything that a build of the guest uses, found.
#[derive(Debug, Clone)]
pub struct Toolchain {
    /// Which Rust.
    pub way: Way,
    /// The C compiler for wasm32.
    pub clang: PathBuf,
    libclang: PathBuf,
    /// Where this way builds; the two do not share a folder, or each would undo the other's work.
    pub target: PathBuf,
    linker: Option<PathBuf>,
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

    /// Finds what is installed; `wanted` is the only way to wasm32 that is looked at.
    pub fn find(workspace: &Workspace, wanted: Option<Way>) -> Result<Self, Error> {
        let mut cache = Cache::open(workspace.own("programs"));
        let lacking = |need: Need| {
            move |found| Error::refused(Missing { needs: vec![(need, found)], way: wanted, ..Missing::default() })
        };
        let way = rust::way(wanted, &mut cache).map_err(lacking(Need::WasmRust))?;
        Ok(Self {
            way,
            clang: programs::clang(&mut cache).map_err(lacking(Need::Clang))?,
            libclang: programs::libclang(&mut cache).map_err(lacking(Need::Libclang))?,
            target: match way {
                Way::Rustup => workspace.target.clone(),
                Way::Debian => workspace.target.join("debian"),
            },
            linker: match way {
                Way::Rustup => None,
                Way::Debian => programs::wasm_ld(&mut cache).ok(),
            },
        })
    }

    /// A cargo for work on the host: the one that runs `xtask`.
    pub fn host(&self, workspace: &Workspace) -> Command {
        let mut command = Command::new(rust::host_cargo());
        environment::clean(&mut command, Way::Rustup);
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
            Way::Rustup => Command::new(rust::host_cargo()),
            Way::Debian => Command::new(DEBIAN_CARGO),
        };
        environment::clean(&mut command, self.way);
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
        // The archiver of clang's own release lies where clang itself does, not where a link to it stands.
        let real = self.clang.canonicalize().unwrap_or_else(|_| self.clang.clone());
        let archivers = [&real, &self.clang].map(|clang| clang.with_file_name(programs::executable("llvm-ar")));
        if let Some(archiver) = archivers.iter().find(|archiver| archiver.is_file()) {
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
            Way::Rustup => rust::host_sysroot().join("lib/rustlib/src/rust"),
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
