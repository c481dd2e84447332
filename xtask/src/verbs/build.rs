//! `cargo xtask build`: cargo links the guest, the passes make the artifacts of it. What is up to date
//! is left alone.

use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use codegen::backend;
use codegen::delta;
use codegen::manifest::Manifest;

use crate::arguments::Options;
use crate::error::Error;
use crate::system::files;
use crate::system::process;
use crate::system::progress::Progress;
use crate::tools::needs;
use crate::tools::rust::TARGET;
use crate::tools::toolchain::Toolchain;
use crate::verbs::artifact;
use crate::verbs::setup;
use crate::workspace::Workspace;

/// An artifact that stands in its place.
#[derive(Debug)]
pub struct Built {
    /// Its file.
    pub path: PathBuf,
    /// Its figures, as the passes found them.
    pub report: String,
}

/// Builds, and prints the figures of each artifact.
pub fn command(workspace: &Workspace, options: &Options, verify: bool) -> Result<(), Error> {
    let toolchain = setup::provide(workspace, options, &needs::BUILD)?;
    for built in build(workspace, &toolchain)? {
        println!("{}: {}", workspace.shown(&built.path), built.report);
    }
    if verify {
        verify_reproducible(workspace, &toolchain)?;
        println!("a second build, of a copy of the sources in another folder, gave the same bytes");
    }
    Ok(())
}

/// Brings every artifact up to date.
pub fn build(workspace: &Workspace, toolchain: &Toolchain) -> Result<Vec<Built>, Error> {
    let linked = files::read(&link(workspace, toolchain, &toolchain.target)?)?;
    let manifest = artifact::manifest(workspace)?;
    let finish = |artifact| finish(workspace, &manifest, artifact, &linked);
    let mut built = manifest.artifacts.iter().map(finish).collect::<Result<Vec<_>, _>>()?;
    for artifact in &manifest.artifacts {
        built.extend(derive(workspace, &manifest, artifact)?);
    }
    Ok(built)
}

/// Writes the delta that turns the shipped artifact into one that is not shipped, if the manifest declares one.
fn derive(
    workspace: &Workspace,
    manifest: &Manifest,
    artifact: &codegen::manifest::Artifact,
) -> Result<Option<Built>, Error> {
    let base = manifest.artifacts.iter().find(|other| artifact.base.as_ref() == Some(&other.name));
    let Some(base) = base else { return Ok(None) };
    let (from, to) = (files::read(&workspace.path(&base.path))?, files::read(&workspace.path(&artifact.path))?);
    let path = workspace.path(&artifact.path).with_extension("delta");
    let known = std::fs::read(&path).ok().filter(|delta| delta::apply(&from, delta).as_ref() == Some(&to));
    let delta = known.map_or_else(
        || {
            let delta = delta::make(&from, &to);
            files::replace(&path, &delta).map(|()| delta)
        },
        Ok,
    )?;
    let report = format!("{} bytes, with which {} becomes {}", delta.len(), base.name, artifact.name);
    Ok(Some(Built { path, report }))
}

/// Compiles and links the guest; returns the module as the linker wrote it.
fn link(workspace: &Workspace, toolchain: &Toolchain, target: &Path) -> Result<PathBuf, Error> {
    let label = format!("compile the guest for wasm32 with {}", toolchain.way);
    let mut progress = Progress::start(&label);
    let mut command = toolchain.guest(workspace, "build", target);
    let mut finished = process::run(command.arg("--release"), &mut progress)?.without_progress();
    if !finished.success
        && let Ok(manifest) = artifact::manifest(workspace)
    {
        finished.output += &backend::explain(&manifest, &finished.output);
    }
    let finished = finished.expect_success(&label)?;
    progress.done();
    if finished.output.lines().any(|line| line.starts_with("warning")) {
        eprint!("{}", finished.output);
    }
    Ok(target.join(TARGET).join("release/lua_persistent.wasm"))
}

/// Runs the passes for one artifact, unless nothing that goes into it has changed.
fn finish(
    workspace: &Workspace,
    manifest: &Manifest,
    artifact: &codegen::manifest::Artifact,
    linked: &[u8],
) -> Result<Built, Error> {
    let path = workspace.path(&artifact.path);
    let stamp = workspace.own(&format!("{}.stamp", artifact.name));
    let declared = files::read(&workspace.path("exports.toml"))?;
    let inputs = files::fingerprint([linked, &declared, own_version().as_bytes()]);
    let state = |wasm: &[u8]| format!("{inputs} {}", files::fingerprint([wasm]));

    if let (Ok(wasm), Ok(known)) = (std::fs::read(&path), std::fs::read_to_string(&stamp))
        && let Some((known, report)) = known.split_once('\n')
        && known == state(&wasm)
    {
        return Ok(Built { path, report: report.to_owned() });
    }
    let progress = Progress::start_mentioned(format!("run the passes for {}", artifact.name));
    let processed = artifact::process(workspace, manifest, artifact, linked)?;
    files::replace(&path, &processed.wasm)?;
    let report = processed.report.to_string();
    files::replace(&stamp, format!("{}\n{report}", state(&processed.wasm)).as_bytes())?;
    progress.done();
    Ok(Built { path, report })
}

/// Identifies this build of the program, which the passes are part of.
fn own_version() -> String {
    let facts = std::env::current_exe().and_then(std::fs::metadata);
    let changed = facts.as_ref().ok().and_then(|facts| facts.modified().ok());
    let changed = changed.and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    format!("{:?} {:?}", facts.map(|facts| facts.len()).ok(), changed)
}

/// Where cargo keeps, in a build folder, what it compiled to run on this machine.
const HOST_TOOLS: &str = "release";

/// Builds a copy of the sources in another folder and compares the artifacts byte by byte.
pub fn verify_reproducible(workspace: &Workspace, toolchain: &Toolchain) -> Result<(), Error> {
    let elsewhere = workspace.own("elsewhere");
    let copy = Workspace { root: elsewhere.join("sources"), target: elsewhere.join("target") };
    files::mirror(&workspace.root, &copy.root, &|path| leave_out(workspace, path))?;
    let target = copy.target.join(toolchain.target.file_name().unwrap_or_default());
    // What runs on this machine to make the module is compiled once: packages of the registry, which lie where they
    // lay. The sources' own crates are compiled anew, as their folder is another.
    if !target.join(HOST_TOOLS).exists() {
        files::copy_with_times(&toolchain.target.join(HOST_TOOLS), &target.join(HOST_TOOLS))?;
    }
    let linked = files::read(&link(&copy, toolchain, &target)?)?;
    let manifest = artifact::manifest(&copy)?;
    for artifact in &manifest.artifacts {
        let again = artifact::process(&copy, &manifest, artifact, &linked)?.wasm;
        let first = files::read(&workspace.path(&artifact.path))?;
        if first != again {
            let same = first.iter().zip(&again).take_while(|(a, b)| a == b).count();
            return Err(Error::NotReproducible { artifact: artifact.name.clone(), offset: same });
        }
    }
    Ok(())
}

/// Whether a copy of the sources leaves a path out: what builds made, and git's own files.
fn leave_out(workspace: &Workspace, path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default();
    path == workspace.target || name == files::NODE_MODULES || name == ".git" || path == workspace.path("target")
}
