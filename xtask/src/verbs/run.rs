//! `cargo xtask run`: builds what is out of date and becomes Node running the command of the package, so
//! that standard streams, signals and the exit code are that program's own.

use std::ffi::OsString;

use crate::arguments::Options;
use crate::error::Error;
use crate::system::process;
use crate::tools::needs;
use crate::tools::node;
use crate::verbs::build;
use crate::verbs::setup;
use crate::workspace::Workspace;

/// Runs the command with its own command line. On Unix it does not return when Node could be started.
pub fn run(workspace: &Workspace, options: &Options, words: &[OsString]) -> Result<(), Error> {
    let toolchain = setup::provide(workspace, options, &needs::RUN)?;
    build::build(workspace, &toolchain)?;
    process::become_program(node::node(workspace)?.arg(workspace.path("web/cli.js")).args(words))
}
