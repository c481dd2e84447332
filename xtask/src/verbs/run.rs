//! `cargo xtask run`: builds what is out of date and becomes Node running the command of the package, so
//! that standard streams, signals and the exit code are that program's own.

use std::ffi::OsString;
use std::process::Command;

use crate::arguments::Options;
use crate::build;
use crate::cache::Cache;
use crate::error::Error;
use crate::needs;
use crate::process;
use crate::setup;
use crate::toolchain::Way;
use crate::tools;
use crate::workspace::Workspace;

/// Runs the command with its own command line. On Unix it does not return when Node could be started.
pub fn run(workspace: &Workspace, options: &Options, words: &[OsString]) -> Result<(), Error> {
    let toolchain = setup::provide(workspace, options, &needs::RUN)?;
    build::build(workspace, &toolchain)?;
    become_program(node(workspace)?.arg(workspace.path("web/cli.js")).args(words))
}

/// Node, without arguments yet.
pub fn node(workspace: &Workspace) -> Result<Command, Error> {
    let program = tools::node(&mut Cache::open(workspace.own("programs")))
        .map_err(|reason| Error::Script { path: "node".into(), reason })?;
    let mut command = Command::new(program);
    process::clean(&mut command, Way::Rustup);
    Ok(command)
}

/// Hands this process over to a program.
#[cfg(unix)]
pub fn become_program(command: &mut Command) -> Result<(), Error> {
    use std::os::unix::process::CommandExt;
    let source = command.exec();
    Err(Error::Start { program: process::command_program(command), source })
}

/// Runs a program in place of this one, and ends as it ends.
#[cfg(not(unix))]
pub fn become_program(command: &mut Command) -> Result<(), Error> {
    let status =
        command.status().map_err(|source| Error::Start { program: process::command_program(command), source })?;
    std::process::exit(status.code().unwrap_or(1))
}
