//! The step `releases`: builds a module of each pinned release that no line is at, and runs a few dozen programs in each.

use std::path::PathBuf;

use codegen::lua::sources;

use super::step::Context;
use crate::error::Error;
use crate::verbs::build;

/// The folder of its tests.
pub const TESTS: &str = "tests/releases";

/// The variable that names the modules to them.
pub const MODULES: &str = "LUA_RELEASES";

/// Builds the modules and returns their files.
pub fn modules(context: &Context<'_>) -> Result<Vec<PathBuf>, Error> {
    let vendor = context.workspace.path("vendor");
    let lines = sources::lines(&vendor).map_err(Error::codegen("read which lines of Lua there are"))?;
    let releases = sources::releases(&vendor).map_err(Error::codegen("read the pinned releases"))?;
    let others = releases.into_iter().filter(|release| lines.iter().all(|line| line.release != *release));
    others.map(|release| build::other_release(context.workspace, context.toolchain, release)).collect()
}
