//! Finds the pinned Lua sources. `vendor/Cargo.toml` names the packages that carry them and its lock
//! file holds their checksums, so that `cargo metadata` both fetches them and tells where they lie.

use std::fmt;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::release::Release;

/// The pristine sources of one Lua release.
#[derive(Debug, Clone)]
pub struct Sources {
    /// The release's number.
    pub release: Release,
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
    /// The release or line is not among those that `vendor/Cargo.toml` lists.
    Unknown {
        /// What was asked for.
        wanted: String,
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
            Self::Unknown { wanted, known } => {
                write!(f, "Lua {wanted} is not pinned in vendor/Cargo.toml, which lists {}", known.join(", "))
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

/// A line of Lua that is built.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Its name, as `5.4`.
    pub name: String,
    /// The release that it is built from.
    pub release: Release,
}

/// Lists the lines that `vendor/Cargo.toml` says to build; the first one is the default.
///
/// `vendor` is the folder that holds that file.
pub fn lines(vendor: &Path) -> Result<Vec<Line>, SourcesError> {
    let manifest = read_manifest(vendor)?;
    let lines = table(&manifest, "lines", vendor)?;
    let line = |name: &String| {
        let release = number(field(lines, name, vendor)?, vendor)?;
        match release.line() == *name {
            true => Ok(Line { name: name.clone(), release }),
            false => Err(manifest_error(vendor, format!("Lua {release} is not of the line {name}"))),
        }
    };
    lines.keys().map(line).collect()
}

/// Lists the releases that `vendor/Cargo.toml` pins, in ascending order.
pub fn releases(vendor: &Path) -> Result<Vec<Release>, SourcesError> {
    let manifest = read_manifest(vendor)?;
    let mut releases =
        table(&manifest, "releases", vendor)?.keys().map(|name| number(name, vendor)).collect::<Result<Vec<_>, _>>()?;
    releases.sort();
    Ok(releases)
}

/// Locates the release that a line is built from.
pub fn of_line(vendor: &Path, line: &str) -> Result<Sources, SourcesError> {
    let lines = lines(vendor)?;
    match lines.iter().find(|known| known.name == line) {
        Some(line) => of_release(vendor, line.release),
        None => Err(SourcesError::Unknown {
            wanted: line.to_owned(),
            known: lines.into_iter().map(|line| line.name).collect(),
        }),
    }
}

/// Locates a given release among the pinned ones.
pub fn of_release(vendor: &Path, release: Release) -> Result<Sources, SourcesError> {
    let manifest = read_manifest(vendor)?;
    let releases = table(&manifest, "releases", vendor)?;
    let entry = releases.get(&release.to_string()).ok_or_else(|| SourcesError::Unknown {
        wanted: release.to_string(),
        known: releases.keys().cloned().collect(),
    })?;
    locate(vendor, release, entry, &metadata(vendor, true)?)
}

/// Locates all pinned releases, in ascending order.
pub fn all(vendor: &Path) -> Result<Vec<Sources>, SourcesError> {
    let (manifest, metadata) = (read_manifest(vendor)?, metadata(vendor, true)?);
    let mut all = Vec::new();
    for (name, entry) in table(&manifest, "releases", vendor)? {
        all.push(locate(vendor, number(name, vendor)?, entry, &metadata)?);
    }
    all.sort_by_key(|sources| sources.release);
    Ok(all)
}

/// Finds a release by its entry in `vendor/Cargo.toml`.
fn locate(
    vendor: &Path,
    release: Release,
    entry: &toml::Value,
    metadata: &serde_json::Value,
) -> Result<Sources, SourcesError> {
    let entry = entry.as_table().ok_or_else(|| manifest_error(vendor, format!("the release {release} is no table")))?;
    let (package, version) = (field(entry, "package", vendor)?, field(entry, "version", vendor)?);
    let folder = package_root(metadata, package, version)?.join(field(entry, "folder", vendor)?);
    match folder.join("lua.h").is_file() {
        true => Ok(Sources { release, folder }),
        false => Err(SourcesError::MissingFolder(folder)),
    }
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

fn table<'a>(manifest: &'a toml::Table, name: &str, vendor: &Path) -> Result<&'a toml::Table, SourcesError> {
    manifest
        .get(name)
        .and_then(|v| v.as_table())
        .ok_or_else(|| manifest_error(vendor, format!("there is no table [package.metadata.lua.{name}]")))
}

fn number(text: &str, vendor: &Path) -> Result<Release, SourcesError> {
    text.parse().map_err(|reason: String| manifest_error(vendor, reason))
}

/// What cargo knows of the packages that `Cargo.toml` in a folder names. Cargo fetches those that are not there, and
/// writes the lock file unless it is `locked`.
pub fn metadata(folder: &Path, locked: bool) -> Result<serde_json::Value, SourcesError> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["metadata", "--format-version", "1"])
        .args(locked.then_some("--locked"))
        .arg("--manifest-path")
        .arg(folder.join("Cargo.toml"))
        .output()
        .map_err(|e| SourcesError::Cargo(e.to_string()))?;
    if !output.status.success() {
        return Err(SourcesError::Cargo(String::from_utf8_lossy(&output.stderr).trim().to_owned()));
    }
    serde_json::from_slice(&output.stdout).map_err(|e| SourcesError::Cargo(e.to_string()))
}

fn package_root(metadata: &serde_json::Value, package: &str, version: &str) -> Result<PathBuf, SourcesError> {
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
