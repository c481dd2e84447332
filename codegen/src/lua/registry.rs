//! Asks the package registry which releases of Lua it has, by cargo's own means.

use std::path::{Path, PathBuf};

use super::release::Release;
use super::sources::{self, SourcesError};

/// The package that carries Lua's sources, several releases in each version.
pub const PACKAGE: &str = "lua-src";

/// A version of that package.
#[derive(Debug, Clone)]
pub struct Package {
    /// Its version, as `551.1.0`.
    pub version: String,
    /// The releases that it has, in ascending order.
    pub releases: Vec<Release>,
}

/// Fetches the newest version that meets a requirement, `*` for any; `None` if there is none.
///
/// `folder` is for a package that is made to ask with.
pub fn newest(folder: &Path, requirement: &str) -> Result<Option<Package>, SourcesError> {
    let io = |error: std::io::Error| SourcesError::Cargo(format!("{}: {error}", folder.display()));
    std::fs::create_dir_all(folder).map_err(io)?;
    let manifest = format!(
        "[package]\nname = \"ask\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n[lib]\npath = \"none.rs\"\n\n\
         [dependencies]\n{PACKAGE} = \"{requirement}\"\n\n[workspace]\n"
    );
    std::fs::write(folder.join("Cargo.toml"), manifest).map_err(io)?;
    // What was found another time is not to be found again.
    let _ = std::fs::remove_file(folder.join("Cargo.lock"));
    let metadata = match sources::metadata(folder, false) {
        Err(SourcesError::Cargo(reason)) if reason.contains("failed to select a version") => return Ok(None),
        other => other?,
    };
    let package = metadata["packages"].as_array().into_iter().flatten().find(|package| package["name"] == PACKAGE);
    let fact = |name: &str| package.and_then(|package| package[name].as_str());
    let (Some(version), Some(manifest)) = (fact("version"), fact("manifest_path")) else {
        return Err(SourcesError::Cargo(format!("cargo does not say where {PACKAGE} lies")));
    };
    let root = Path::new(manifest).parent().map(PathBuf::from).unwrap_or_default();
    let mut releases = Vec::new();
    for entry in std::fs::read_dir(&root).map_err(io)? {
        let name = entry.map_err(io)?.file_name();
        releases.extend(name.to_str().and_then(|name| name.strip_prefix("lua-")?.parse::<Release>().ok()));
    }
    releases.sort();
    Ok(Some(Package { version: version.to_owned(), releases }))
}
