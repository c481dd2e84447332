//! `cargo xtask`: sets up, builds, generates, runs, serves, packs and tests. Each verb is a module of `verbs`; they
//! find and install what they need through `tools`, and run it through `system`.

mod arguments;
mod error;
mod system;
mod tools;
mod verbs;
mod workspace;

use std::process::ExitCode;

use arguments::{Invocation, Verb};
use error::Error;
use verbs::{abi, build, generate, lua, pack, run, serve, setup, test};
use workspace::Workspace;

fn main() -> ExitCode {
    match arguments::parse(std::env::args_os().skip(1)).map_err(Error::from).and_then(dispatch) {
        Ok(()) => ExitCode::SUCCESS,
        // The report has said it, and its last line is to be the last.
        Err(error @ (Error::TestsFailed | Error::AbiBroken)) => ExitCode::from(error.exit_code()),
        Err(error) => {
            eprintln!("xtask: {error}");
            ExitCode::from(error.exit_code())
        }
    }
}

fn dispatch(invocation: Invocation) -> Result<(), Error> {
    let Invocation { verb, options } = invocation;
    let workspace = Workspace::find()?;
    match verb {
        Verb::Help => {
            print!("{}", arguments::USAGE);
            Ok(())
        }
        Verb::Setup => setup::setup(&workspace, &options),
        Verb::Build { verify_reproducible } => build::command(&workspace, &options, verify_reproducible),
        Verb::Generate { check } => generate::command(&workspace, check),
        Verb::AbiDiff { old, new } => abi::diff(&workspace, &old, &new),
        Verb::Lua { release, tests } => lua::command(&workspace, &options, release, tests),
        Verb::LuaNews => lua::check(&workspace),
        Verb::Run { words } => run::run(&workspace, &options, &words),
        Verb::Serve { port } => serve::serve(&workspace, &options, port),
        Verb::Pack => pack::pack(&workspace, &options),
        Verb::Test { filters } => test::command(&workspace, &options, &filters),
    }
}
