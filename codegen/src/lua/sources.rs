//! Finds the pinned Lua sources. `vendor/Cargo.toml` names the packages that carry them and its lock
//! file holds their checksums, so that `cargo metadata` both fetches them and tells where they lie.

use std::fmt;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The pristine sources of one Lua release.
#[derive(Debug, Clone)]
pub struct Sources {
    /// The release's number, as `5.4.9`.
    pub release: String,
    /// The folder that holds its `.c` and `.h` files.
    pub folder: PathBuf,
}

/// Why the sources of a release cannot be had.
#[derive(Debug)]
pub enum SourcesError {
    /// `vendor/Cargo.toml` cannot be read or does not have the expected form.
    Manifest {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The release is not among those that `vendor/Cargo.toml` lists.
    UnknownRelease {
        /// What was asked for.
        release: String,
        /// What there is.
        known: Vec<String>,
    },
    /// Cargo could not fetch or locate the package.
    Cargo(String),
    /// The package was found, but without the folder that the manifest names.
    MissingFolder(PathBuf),
}

impl fmt::Display for SourcesError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Manifest { path, reason } => write!(f, "{}: {reason}", path.display()),
            Self::UnknownRelease { release, known } => {
                write!(f, "Lua {release} is not pinned in vendor/Cargo.toml, which lists {}", known.join(", "))
            }
            Self::Cargo(reason) => write!(f, "cargo could not provide the Lua sources: {reason}"),
            Self::MissingFolder(path) => write!(
                f,
                "the package was fetched but has no {}; does `folder` in vendor/Cargo.toml name it rightly?",
                path.display()
            ),
        }
    }
}

impl std::error::Error for SourcesError {}

/// Locates the release that `vendor/Cargo.toml` marks as the one to build.
///
/// `vendor` is the folder that holds that file.
pub fn pinned(vendor: &Path) -> Result<Sources, SourcesError> {
    let manifest = read_manifest(vendor)?;
    let release = field(&manifest, "release", vendor)?.to_owned();
    locate(vendor, &manifest, &release)
}

/// Locates a given release among the pinned ones.
pub fn release(vendor: &Path, release: &str) -> Result<Sources, SourcesError> {
    let manifest = read_manifest(vendor)?;
    locate(vendor, &manifest, release)
}

fn manifest_error(vendor: &Path, reason: impl fmt::Display) -> SourcesError {
    SourcesError::Manifest { path: vendor.join("Cargo.toml"), reason: reason.to_string() }
}

/// The `[package.metadata.lua]` table of `vendor/Cargo.toml`.
fn read_manifest(vendor: &Path) -> Result<toml::Table, SourcesError> {
    let text = std::fs::read_to_string(vendor.join("Cargo.toml")).map_err(|e| manifest_error(vendor, e))?;
    let whole: toml::Table = text.parse().map_err(|e| manifest_error(vendor, e))?;
    whole
        .get("package")
        .and_then(|v| v.get("metadata"))
        .and_then(|v| v.get("lua"))
        .and_then(|v| v.as_table())
        .cloned()
        .ok_or_else(|| manifest_error(vendor, "there is no table [package.metadata.lua]"))
}

fn field<'a>(table: &'a toml::Table, key: &str, vendor: &Path) -> Result<&'a str, SourcesError> {
    table
        .get(key)
        .and_then(|v| v.as_str())
        .ok_or_else(|| manifest_error(vendor, format!("the Lua release has no text `{key}`")))
}

fn locate(vendor: &Path, manifest: &toml::Table, release: &str) -> Result<Sources, SourcesError> {
    let releases = manifest
        .get("releases")
        .and_then(|v| v.as_table())
        .ok_or_else(|| manifest_error(vendor, "there is no table [package.metadata.lua.releases]"))?;
    let entry = releases.get(release).and_then(|v| v.as_table()).ok_or_else(|| SourcesError::UnknownRelease {
        release: release.to_owned(),
        known: releases.keys().cloned().collect(),
    })?;
    let (package, version) = (field(entry, "package", vendor)?, field(entry, "version", vendor)?);
    let folder = package_root(vendor, package, version)?.join(field(entry, "folder", vendor)?);
    if folder.join("lua.h").is_file() {
        Ok(Sources { release: release.to_owned(), folder })
    } else {
        Err(SourcesError::MissingFolder(folder))
    }
}

fn package_root(vendor: &Path, package: &str, version: &str) -> Result<PathBuf, SourcesError> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["metadata", "--format-version", "1", "--locked", "--manifest-path"])
        .arg(vendor.join("Cargo.toml"))
        .output()
        .map_err(|e| SourcesError::Cargo(e.to_string()))?;
    if !output.status.success() {
        return Err(SourcesError::Cargo(String::from_utf8_lossy(&output.stderr).trim().to_owned()));
    }
    let metadata: serde_json::Value =
        serde_json::from_slice(&output.stdout).map_err(|e| SourcesError::Cargo(e.to_string()))?;
    metadata["packages"]
        .as_array()
        .into_iter()
        .flatten()
        .find(|p| p["name"] == package && p["version"] == version)
        .and_then(|p| p["manifest_path"].as_str())
        .and_then(|path| Path::new(path).parent())
        .map(Path::to_path_buf)
        .ok_or_else(|| {
            SourcesError::Cargo(format!("{package} {version} is not among the dependencies of vendor/Cargo.toml"))
        })
}
