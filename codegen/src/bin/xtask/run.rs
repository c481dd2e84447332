//! `cargo xtask run`: builds what is out of date and becomes Node running the command-line program of
//! the package, so that standard streams, signals and the exit code are that program's own.

use std::path::Path;
use std::process::Command;

use crate::arguments::{Options, Script};
use crate::build;
use crate::cache::Cache;
use crate::error::Error;
use crate::needs;
use crate::process;
use crate::setup;
use crate::toolchain::Way;
use crate::tools;
use crate::workspace::Workspace;

/// Runs a Lua program. On Unix it does not return when Node could be started.
pub fn run(workspace: &Workspace, options: &Options, script: &Script) -> Result<(), Error> {
    check(&script.file)?;
    let toolchain = setup::provide(workspace, options, &needs::RUN)?;
    build::build(workspace, &toolchain)?;
    let node = tools::node(&mut Cache::open(workspace.own("programs")))
        .map_err(|reason| Error::Script { path: script.file.clone(), reason })?;
    let mut command = Command::new(node);
    process::clean(&mut command, Way::Rustup);
    command.arg(workspace.path("web/cli.js"));
    if let Some(state) = &script.state {
        command.arg("--state").arg(state);
    }
    command.arg("--").arg(&script.file).args(&script.arguments);
    become_program(&mut command)
}

/// Refuses a file that cannot be run before anything is built for it.
/// `-` is the standard input.
fn check(file: &Path) -> Result<(), Error> {
    if file == Path::new("-") {
        return Ok(());
    }
    let refuse = |reason: String| Error::Script { path: file.to_owned(), reason };
    let facts = std::fs::metadata(file).map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => refuse("there is no such file".to_owned()),
        _ => refuse(error.to_string()),
    })?;
    if facts.is_dir() {
        return Err(refuse("it is a folder".to_owned()));
    }
    std::fs::File::open(file).map(drop).map_err(|error| refuse(error.to_string()))
}

#[cfg(unix)]
fn become_program(command: &mut Command) -> Result<(), Error> {
    use std::os::unix::process::CommandExt;
    let source = command.exec();
    Err(Error::Start { program: process::command_program(command), source })
}

#[cfg(not(unix))]
fn become_program(command: &mut Command) -> Result<(), Error> {
    let status =
        command.status().map_err(|source| Error::Start { program: process::command_program(command), source })?;
    std::process::exit(status.code().unwrap_or(1))
}
