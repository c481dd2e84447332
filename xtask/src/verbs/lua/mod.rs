//! `cargo xtask lua`: moves a line of Lua to another release, and says whether there are newer ones.

mod fit;
mod news;
mod pins;
mod stage;

use std::path::Path;

use codegen::contract::{Contract, compare};
use codegen::lua::api::{Api, Change};
use codegen::lua::release::Release;
use codegen::lua::sources::{self, Line};

use crate::arguments::Options;
use crate::error::Error;
use crate::system::files;
use crate::system::process;
use crate::system::progress::Progress;
use crate::tools::needs;
use crate::tools::toolchain::Toolchain;
use crate::verbs::artifact;
use crate::verbs::build;
use crate::verbs::generate;
use crate::verbs::setup;
use crate::verbs::test;
use crate::workspace::Workspace;

pub use news::check;

/// The steps of `cargo xtask test` that a move of a line runs. Lines other than the first have a step `node` of their own.
fn steps(line: &Line, lines: &[Line]) -> [String; 4] {
    let first = lines.first().is_none_or(|first| first == line);
    let node = if first { "node".to_owned() } else { format!("node-{}", line.name) };
    ["generated".to_owned(), "cargo".to_owned(), node, "documents".to_owned()]
}

/// The folder of the bindings, as last reviewed.
const BINDINGS: &str = "snapshots/bindings";

/// Moves the line of a release to it. Changes nothing unless all edits fit.
pub fn command(workspace: &Workspace, options: &Options, release: Release, tests: bool) -> Result<(), Error> {
    let toolchain = setup::provide(workspace, options, if tests { &needs::TEST } else { &needs::BUILD })?;
    let vendor = workspace.path("vendor");
    let line = line_of(&vendor, release)?;
    let staged = stage::prepare(workspace, &line, release)?;
    fit::check(workspace, &toolchain, &staged)?;

    let abi = abi(workspace, &line)?;
    for file in staged.keep(workspace)? {
        println!("wrote {}", workspace.shown(&file));
    }
    generate::command(workspace, false)?;
    if !snapshot(workspace, release).is_file() {
        accept_bindings(workspace, &toolchain)?;
    }
    for built in build::build(workspace, &toolchain)? {
        println!("{}: {}", workspace.shown(&built.path), built.report);
    }
    println!("\n{}", told(workspace, line.release, release)?);
    if let (Some(before), Some(now)) = (&abi, self::abi(workspace, &line)?) {
        print!("This project's ABI:\n{}", compare(before, &now));
    }
    let back = format!("`cargo xtask lua {}` moves back", line.release);
    if tests {
        let lines = sources::lines(&vendor).map_err(Error::codegen("read which lines of Lua there are"))?;
        let steps = steps(&Line { release, ..line.clone() }, &lines);
        println!("\ntests ({}):\n", steps.join(", "));
        test::command(workspace, options, &steps).inspect_err(|_| eprintln!("\n{back}"))?;
    }
    let rest = if tests { "`cargo xtask test` also runs the browsers and the package" } else { "No test has run" };
    println!("\nLua {} was at {} and is at {release}; {back}. {rest}.", line.name, line.release);
    Ok(())
}

/// The machine-readable description of the binary interface.
const ABI: &str = "web/abi.json";

/// The line that a release belongs to.
fn line_of(vendor: &Path, release: Release) -> Result<Line, Error> {
    let lines = sources::lines(vendor).map_err(Error::codegen("read which lines of Lua there are"))?;
    let names: Vec<_> = lines.iter().map(|line| line.name.clone()).collect();
    lines.into_iter().find(|line| line.name == release.line()).ok_or_else(|| Error::Lua {
        release: release.to_string(),
        reason: format!(
            "its line, {}, is none of those that are built ({}). A new line needs edits of its own: add it to `lines` in \
             vendor/Cargo.toml and to `lines` in exports.toml",
            release.line(),
            names.join(", ")
        ),
    })
}

/// The file with the bindings of a release.
fn snapshot(workspace: &Workspace, release: Release) -> std::path::PathBuf {
    workspace.path(BINDINGS).join(format!("{release}.snap"))
}

/// Makes the snapshots of the bindings anew.
fn accept_bindings(workspace: &Workspace, toolchain: &Toolchain) -> Result<(), Error> {
    let label = "describe the API of a release that is new here";
    let mut progress = Progress::start(label);
    let mut cargo = toolchain.host(workspace);
    cargo.args(["test", "--package", "lua-persistent-codegen", "--test", "bindings"]).env("INSTA_UPDATE", "always");
    process::run(&mut cargo, &mut progress)?.without_progress().expect_success(label)?;
    progress.done();
    Ok(())
}

/// Tells what changes in Lua's API between two releases, by their bindings.
fn told(workspace: &Workspace, from: Release, to: Release) -> Result<String, Error> {
    let changes: Vec<_> = api(workspace, from)?.changes(&api(workspace, to)?).iter().map(Change::to_string).collect();
    Ok(match changes.is_empty() {
        true => format!("Lua's API is the same in {from} and {to}."),
        false => format!("Lua's API, from {from} to {to}:\n\n{}\n", changes.join("\n\n")),
    })
}

/// The API of a pinned release: that of the first one, and what each later one changes.
fn api(workspace: &Workspace, release: Release) -> Result<Api, Error> {
    let releases = sources::releases(&workspace.path("vendor")).map_err(Error::codegen("read the pinned releases"))?;
    let mut api: Option<Api> = None;
    for known in releases.into_iter().filter(|&known| known <= release) {
        let text = String::from_utf8_lossy(&files::read(&snapshot(workspace, known))?).into_owned();
        match &mut api {
            None => api = Some(Api::read(&text)),
            Some(api) => api.replay(&text),
        }
    }
    Ok(api.unwrap_or_default().of_lua())
}

/// The binary interface as the artifact of a line has it, if there is one.
fn abi(workspace: &Workspace, line: &Line) -> Result<Option<Contract>, Error> {
    let doing = "compare the ABIs";
    let manifest = artifact::manifest(workspace)?;
    let Some(artifact) = manifest.artifacts.iter().find(|artifact| artifact.line == line.name) else { return Ok(None) };
    let Ok(wasm) = std::fs::read(workspace.path(&artifact.path)) else { return Ok(None) };
    let module = Contract::of_wasm(&artifact.path, &wasm).map_err(Error::codegen(doing))?;
    let text = std::fs::read_to_string(workspace.path(ABI)).map_err(Error::io("read", &workspace.path(ABI)))?;
    let declared = Contract::of_json(ABI, &text).map_err(Error::codegen(doing))?;
    Ok(Some(declared.of_module(&module, artifact.path.clone())))
}
