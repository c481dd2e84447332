//! Makes a copy of `vendor/` in which a line is at another release, so that everything can be tried before anything
//! changes.

use std::path::PathBuf;

use codegen::lua::registry::{self, Package};
use codegen::lua::release::Release;
use codegen::lua::sources::{self, Line, Sources};

use super::pins;
use crate::error::Error;
use crate::system::files;
use crate::system::progress::Progress;
use crate::workspace::Workspace;

/// The files that differ between the copy and `vendor/`.
const CHANGED: [&str; 2] = ["Cargo.toml", "Cargo.lock"];

/// The copy.
#[derive(Debug)]
pub struct Stage {
    /// Its folder.
    pub vendor: PathBuf,
    /// The sources of the release, pristine.
    pub sources: Sources,
}

/// Makes the copy. A release that is not pinned is looked for in the registry and pinned.
pub fn prepare(workspace: &Workspace, line: &Line, release: Release) -> Result<Stage, Error> {
    let (original, vendor) = (workspace.path("vendor"), workspace.own("lua/vendor"));
    files::mirror(&original, &vendor, &|_| false)?;
    let manifest = vendor.join("Cargo.toml");
    let mut text = String::from_utf8_lossy(&files::read(&manifest)?).into_owned();
    let pinned = sources::releases(&original).map_err(Error::codegen("read the pinned releases"))?;
    if !pinned.contains(&release) {
        text = pins::add(&text, release, &find(workspace, release, &pinned)?);
    }
    let moved = pins::set_line(&text, &line.name, release).ok_or_else(|| Error::Lua {
        release: release.to_string(),
        reason: format!("vendor/Cargo.toml has no line `\"{}\" = \"{}\"` in `lines`", line.name, line.release),
    })?;
    files::replace(&manifest, moved.as_bytes())?;
    // Writes the checksum of a package that is new.
    sources::metadata(&vendor, false).map_err(Error::codegen("fetch the sources of Lua"))?;
    let sources = sources::of_release(&vendor, release).map_err(Error::codegen("find the sources of Lua"))?;
    Ok(Stage { vendor, sources })
}

impl Stage {
    /// Makes `vendor/` what the copy is. Returns the files that this changed.
    pub fn keep(&self, workspace: &Workspace) -> Result<Vec<PathBuf>, Error> {
        let mut changed = Vec::new();
        for name in CHANGED {
            let (new, path) = (files::read(&self.vendor.join(name))?, workspace.path("vendor").join(name));
            if files::read(&path)? != new {
                files::replace(&path, &new)?;
                changed.push(path);
            }
        }
        Ok(changed)
    }
}

/// Finds the version of the package that carries a release: the newest one, or the one that is named after it.
fn find(workspace: &Workspace, release: Release, pinned: &[Release]) -> Result<String, Error> {
    let progress = Progress::start_mentioned(format!("look for Lua {release} in the registry"));
    let folder = workspace.own("lua/registry");
    let mut newest: Option<Package> = None;
    for requirement in ["*", &release.digits()] {
        let found = registry::newest(&folder, requirement).map_err(|error| Error::Lua {
            release: release.to_string(),
            reason: format!("it is not pinned ({}), and the registry cannot be asked: {error}", list(pinned)),
        })?;
        let Some(package) = found else { continue };
        if package.releases.contains(&release) {
            progress.done();
            return Ok(package.version);
        }
        newest = newest.or(Some(package));
    }
    let known = newest.map_or_else(String::new, |package| {
        format!("; {} {}, the newest, has {}", registry::PACKAGE, package.version, list(&package.releases))
    });
    Err(Error::Lua {
        release: release.to_string(),
        reason: format!(
            "it is not among those pinned ({}), and not in the registry{known}. To pin it from another version of the \
             package, add that to the dependencies in vendor/Cargo.toml and the release to `releases`",
            list(pinned)
        ),
    })
}

/// Releases, as a sentence names them.
pub fn list(releases: &[Release]) -> String {
    releases.iter().map(Release::to_string).collect::<Vec<_>>().join(", ")
}
