//! The npm packages that a folder's `package.json` names.

use std::process::Command;

use crate::error::Error;
use crate::files;
use crate::process;
use crate::progress::Progress;
use crate::toolchain::Way;
use crate::tools;
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

/// npm, about to work in a folder.
pub fn npm(workspace: &Workspace, folder: &str) -> Command {
    let mut npm = Command::new(tools::on_path("npm").unwrap_or_else(|| "npm".into()));
    process::clean(&mut npm, Way::Rustup);
    npm.current_dir(workspace.path(folder));
    npm
}
