//! `cargo xtask setup`, and what the other verbs do before they begin: finds what is missing and installs it.

use crate::arguments::Options;
use crate::error::Error;
use crate::tools::install;
use crate::tools::needs::{self, Missing, Need};
use crate::tools::toolchain::Toolchain;
use crate::workspace::Workspace;

/// Gets everything that any verb needs and says what is used.
pub fn setup(workspace: &Workspace, options: &Options) -> Result<(), Error> {
    let needs: Vec<_> = needs::TEST.iter().chain(needs::BROWSERS).chain(needs::PYTHON).copied().collect();
    let toolchain = provide(workspace, options, &needs)?;
    println!("everything is there\n{}", toolchain.summary());
    Ok(())
}

/// Makes sure that `needs` are met and finds the toolchain.
pub fn provide(workspace: &Workspace, options: &Options, needs: &[Need]) -> Result<Toolchain, Error> {
    require(workspace, options, needs)?;
    Toolchain::find(workspace, options.way)
}

/// Makes sure that `needs` are met. Installs what is missing unless the options forbid it.
pub fn require(workspace: &Workspace, options: &Options, needs: &[Need]) -> Result<(), Error> {
    if let Some(missing) = Missing::find(workspace, options.way, needs) {
        if options.no_install {
            return Err(Error::refused(missing));
        }
        let attempt = install::install(&missing, workspace);
        if let Some(mut still) = Missing::find(workspace, options.way, needs) {
            still.attempt = attempt;
            return Err(Error::refused(still));
        }
    }
    Ok(())
}
