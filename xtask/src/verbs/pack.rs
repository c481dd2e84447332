//! `cargo xtask pack`: builds what is out of date and writes the files of a release: the package, all artifacts, the ABI
//! file, the conformance kit, and their checksums.

use crate::arguments::Options;
use crate::error::Error;
use crate::system::process;
use crate::tools::needs;
use crate::tools::node;
use crate::verbs::build;
use crate::verbs::setup;
use crate::workspace::Workspace;

/// Where the files are written, in the build folder.
const FOLDER: &str = "release-files";

/// Writes the files and lists them. On Unix it does not return when Node could be started.
pub fn pack(workspace: &Workspace, options: &Options) -> Result<(), Error> {
    let toolchain = setup::provide(workspace, options, &needs::SERVE)?;
    build::build(workspace, &toolchain)?;
    node::install(workspace, "web")?;
    let folder = workspace.target.join(FOLDER);
    println!("{}:", workspace.shown(&folder));
    let mut program = node::node(workspace)?;
    process::become_program(program.arg(workspace.path("web/build/release.js")).arg(folder))
}
