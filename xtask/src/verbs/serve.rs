//! `cargo xtask serve`: builds what is out of date and becomes Node, which bundles the page and serves it on
//! this machine until it is interrupted.

use crate::arguments::Options;
use crate::error::Error;
use crate::system::process;
use crate::tools::needs;
use crate::tools::node;
use crate::verbs::build;
use crate::verbs::setup;
use crate::workspace::Workspace;

/// Serves the page. On Unix it does not return when Node could be started.
pub fn serve(workspace: &Workspace, options: &Options, port: u16) -> Result<(), Error> {
    let toolchain = setup::provide(workspace, options, &needs::SERVE)?;
    build::build(workspace, &toolchain)?;
    node::install(workspace, "web")?;
    let mut program = node::node(workspace)?;
    program.arg(workspace.path("web/page/serve.js")).arg("--port").arg(port.to_string());
    process::become_program(&mut program)
}
