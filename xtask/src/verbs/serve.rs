//! `cargo xtask serve`: builds what is out of date and becomes Node, which bundles the page and serves it on
//! this machine until it is interrupted.

use crate::arguments::Options;
use crate::build;
use crate::error::Error;
use crate::needs;
use crate::packages;
use crate::run;
use crate::setup;
use crate::workspace::Workspace;

/// Serves the page. On Unix it does not return when Node could be started.
pub fn serve(workspace: &Workspace, options: &Options, port: u16) -> Result<(), Error> {
    let toolchain = setup::provide(workspace, options, &needs::SERVE)?;
    build::build(workspace, &toolchain)?;
    packages::install(workspace, "web")?;
    let mut node = run::node(workspace)?;
    node.arg(workspace.path("web/page/serve.js")).arg("--port").arg(port.to_string());
    run::become_program(&mut node)
}
