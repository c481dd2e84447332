//! `cargo xtask generate`: writes every committed output of the manifest, or says which of them are not
//! what the manifest makes of them now.

use std::path::PathBuf;

use codegen::backend::{self, Backend};
use codegen::kit;
use codegen::manifest::Manifest;

use crate::error::Error;
use crate::system::diff;
use crate::system::files;
use crate::verbs::artifact;
use crate::verbs::notice;
use crate::workspace::Workspace;

/// An output whose file differs from what its backend writes.
#[derive(Debug)]
pub struct Drifted {
    /// Its file, from the root of the repository.
    pub path: PathBuf,
    /// A short difference.
    pub difference: String,
    text: String,
}

/// Writes what differs, or with `check` fails on it.
pub fn command(workspace: &Workspace, check: bool) -> Result<(), Error> {
    let drifted = drifted(workspace)?;
    if check {
        for file in &drifted {
            print!("{}:\n{}", file.path.display(), file.difference);
        }
        if drifted.is_empty() {
            println!("every generated file is up to date");
            return Ok(());
        }
        return Err(Error::Drift(drifted.into_iter().map(|file| file.path).collect()));
    }
    for file in &drifted {
        files::replace(&workspace.root.join(&file.path), file.text.as_bytes())?;
        println!("wrote {}", file.path.display());
    }
    if drifted.is_empty() {
        println!("every generated file is up to date");
    }
    Ok(())
}

/// Compares every committed output with its file. A file that is not there is an empty one.
pub fn drifted(workspace: &Workspace) -> Result<Vec<Drifted>, Error> {
    let manifest = artifact::manifest(workspace)?;
    let source = artifact::source(workspace)?;
    let beside_reference = |file: &str| workspace.path("docs").join(file).is_file();
    Manifest::check_links(&source, &backend::Reference.anchors(&manifest), &beside_reference)
        .map_err(Error::codegen("generate from the manifest"))?;
    let mut drifted = Vec::new();
    let promises: &dyn Backend = &kit::List;
    let backends = backend::all().into_iter().chain([promises]);
    let outputs = backends.map(|backend| (PathBuf::from(backend.path()), backend.render(&manifest)));
    for (path, text) in outputs.chain([(PathBuf::from(notice::PATH), notice::render(workspace)?)]) {
        let committed = std::fs::read(workspace.root.join(&path)).unwrap_or_default();
        if committed != text.as_bytes() {
            let difference = diff::short(&String::from_utf8_lossy(&committed), &text);
            drifted.push(Drifted { path, difference, text });
        }
    }
    Ok(drifted)
}
