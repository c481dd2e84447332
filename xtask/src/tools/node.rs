//! Starts Node and npm, and installs the packages that a folder's `package.json` names.

use std::process::Command;

use crate::error::Error;
use crate::system::files;
use crate::system::process;
use crate::system::progress::Progress;
use crate::tools::cache::Cache;
use crate::tools::rust::Way;
use crate::tools::{environment, programs};
use crate::workspace::Workspace;

/// Installs the packages of a folder, when its lock file is not the one that those that are there came
/// from.
pub fn install(workspace: &Workspace, folder: &str) -> Result<(), Error> {
    let path = workspace.path(folder);
    let stamp = path.join("node_modules/.xtask-lock");
    let lock = files::fingerprint([files::read(&path.join("package-lock.json"))?.as_slice()]);
    if !files::stamped(&stamp, &lock) {
        let label = format!("npm ci in {folder}");
        let mut progress = Progress::start(&label);
        process::run(npm(workspace, folder).args(["ci", "--no-audit", "--no-fund"]), &mut progress)?
            .expect_success(&label)?;
        progress.done();
        files::replace(&stamp, lock.as_bytes())?;
    }
    Ok(())
}

/// Node, without arguments yet.
pub fn node(workspace: &Workspace) -> Result<Command, Error> {
    let program = programs::node(&mut Cache::open(workspace.own("programs")))
        .map_err(|reason| Error::Script { path: "node".into(), reason })?;
    let mut command = Command::new(program);
    environment::clean(&mut command, Way::Rustup);
    Ok(command)
}

/// npm, about to work in a folder.
pub fn npm(workspace: &Workspace, folder: &str) -> Command {
    let mut cache = Cache::open(workspace.own("programs"));
    let mut npm = Command::new(programs::npm(&mut cache).unwrap_or_else(|_| "npm".into()));
    environment::clean(&mut npm, Way::Rustup);
    programs::with_node_first(&mut npm, programs::node(&mut cache).ok().as_deref());
    npm.current_dir(workspace.path(folder));
    npm
}
