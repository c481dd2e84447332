//! Finds the repository and the build folder, and names the files that `xtask` keeps there.

use std::path::{Path, PathBuf};

use crate::error::Error;

/// The folders that `xtask` works in.
#[derive(Debug, Clone)]
pub struct Workspace {
    /// The repository.
    pub root: PathBuf,
    /// Cargo's build folder, the one that this program was built in.
    pub target: PathBuf,
}

impl Workspace {
    /// Finds the repository by what cargo says (or said, at compile time) and the build folder by
    /// where this program lies in it, which holds for any way of configuring it.
    pub fn find() -> Result<Self, Error> {
        let package = std::env::var_os("CARGO_MANIFEST_DIR")
            .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
        let root = package.parent().unwrap_or(&package).to_owned();
        let program = std::env::current_exe().map_err(Error::io("find", Path::new("this program")))?;
        let target = program
            .ancestors()
            .find(|folder| folder.join("CACHEDIR.TAG").is_file())
            .map_or_else(|| root.join("target"), Path::to_owned);
        Ok(Self { root, target })
    }

    /// A file or folder of the repository.
    pub fn path(&self, relative: &str) -> PathBuf {
        self.root.join(relative)
    }

    /// A file of `xtask`'s own in the build folder.
    pub fn own(&self, name: &str) -> PathBuf {
        self.target.join("xtask").join(name)
    }

    /// A path as messages show it: relative to the repository where it lies inside.
    pub fn shown<'a>(&self, path: &'a Path) -> std::path::Display<'a> {
        path.strip_prefix(&self.root).unwrap_or(path).display()
    }
}
