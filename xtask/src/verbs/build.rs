//! `cargo xtask build`: cargo links the guest, the passes make the artifacts of it. What is up to date
//! is left alone.

use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use codegen::backend;
use codegen::delta;
use codegen::kit;
use codegen::lua::release::Release;
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
    let manifest = artifact::manifest(workspace)?;
    let mut built = Vec::new();
    for line in lines(&manifest) {
        let target = line.target(toolchain)?;
        let linked = files::read(&link(workspace, toolchain, &line, &target)?)?;
        for artifact in line.artifacts(&manifest) {
            built.push(finish(workspace, &manifest, artifact, &linked)?);
        }
        for artifact in line.artifacts(&manifest) {
            built.extend(derive(workspace, &manifest, artifact)?);
        }
    }
    built.push(kit(workspace, &manifest)?);
    Ok(built)
}

/// Makes the conformance kit for hosts, which takes no time.
fn kit(workspace: &Workspace, manifest: &Manifest) -> Result<Built, Error> {
    let (path, wasm) = (workspace.path(kit::PATH), kit::module(manifest));
    if std::fs::read(&path).ok().as_ref() != Some(&wasm) {
        files::replace(&path, &wasm)?;
    }
    let report = format!("{} bytes, which test {} promises of a host", wasm.len(), kit::all().count());
    Ok(Built { path, report })
}

/// A line of Lua releases that is built.
struct Line {
    /// Its name, as `5.4`.
    name: String,
    /// The feature of the guest that builds it; the default line needs none.
    feature: Option<String>,
}

/// The lines that are built, the default one first.
fn lines(manifest: &Manifest) -> Vec<Line> {
    let of = |name: &String| (*name != manifest.abi.lua).then(|| feature(name));
    manifest.abi.lines.iter().map(|name| Line { name: name.clone(), feature: of(name) }).collect()
}

/// The feature of the guest that builds it with a line that is not the default.
pub fn feature(line: &str) -> String {
    format!("lua-{}", line.replace('.', "-"))
}

impl Line {
    /// The folder that cargo builds the line in. Lines have a folder each, as cargo gives modules of one crate with
    /// different features the same name; what runs on this machine to make the module is compiled once.
    fn target(&self, toolchain: &Toolchain) -> Result<PathBuf, Error> {
        if self.feature.is_none() {
            return Ok(toolchain.target.clone());
        }
        let target = toolchain.target.join(format!("lua-{}", self.name));
        share_host_tools(toolchain, &target)?;
        Ok(target)
    }

    /// The artifacts of the line.
    fn artifacts<'m>(&self, manifest: &'m Manifest) -> impl Iterator<Item = &'m codegen::manifest::Artifact> {
        let name = self.name.clone();
        manifest.artifacts.iter().filter(move |artifact| artifact.line == name)
    }
}

/// Copies what cargo has compiled to run on this machine into a build folder that has none.
fn share_host_tools(toolchain: &Toolchain, target: &Path) -> Result<(), Error> {
    if target.join(HOST_TOOLS).exists() {
        return Ok(());
    }
    files::copy_with_times(&toolchain.target.join(HOST_TOOLS), &target.join(HOST_TOOLS))
}

/// Bytes from which on bundlers leave a file of a package alone: shorter ones they put into the script as text.
const OWN_FILE: usize = 4097;

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
            let mut delta = delta::make(&from, &to);
            // What follows the last step is not read.
            delta.resize(delta.len().max(OWN_FILE), 0);
            files::replace(&path, &delta).map(|()| delta)
        },
        Ok,
    )?;
    let report = format!("{} bytes, with which {} becomes {}", delta.len(), base.name, artifact.name);
    Ok(Some(Built { path, report }))
}

/// Compiles and links the guest; returns the module as the linker wrote it.
fn link(workspace: &Workspace, toolchain: &Toolchain, line: &Line, target: &Path) -> Result<PathBuf, Error> {
    link_release(workspace, toolchain, line, None, target)
}

/// The variable that names a release of Lua to the guest's build script.
const RELEASE: &str = "LUA_PERSISTENT_RELEASE";

/// As [`link`], with another release than the one that the line is at.
fn link_release(
    workspace: &Workspace,
    toolchain: &Toolchain,
    line: &Line,
    release: Option<Release>,
    target: &Path,
) -> Result<PathBuf, Error> {
    let lua = release.map_or_else(|| line.name.clone(), |release| release.to_string());
    let label = format!("compile the guest with Lua {lua} for wasm32 with {}", toolchain.way);
    let mut progress = Progress::start(&label);
    let mut command = toolchain.guest(workspace, "build", target);
    command.arg("--release").env_remove(RELEASE).envs(release.map(|release| (RELEASE, release.to_string())));
    if let Some(feature) = &line.feature {
        command.args(["--features", feature]);
    }
    let mut finished = process::run(&mut command, &mut progress)?.without_progress();
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

/// Builds a module of a release that no line is at, in a folder of its own. Its exceptions are those of the first artifact
/// of its line.
pub fn other_release(workspace: &Workspace, toolchain: &Toolchain, release: Release) -> Result<PathBuf, Error> {
    let manifest = artifact::manifest(workspace)?;
    let target = toolchain.target.join("releases");
    share_host_tools(toolchain, &target)?;
    let known = lines(&manifest).into_iter().find(|line| line.name == release.line());
    let line = known.ok_or_else(|| Error::Unknown(format!("how to build Lua {release}: no line is its own")))?;
    let linked = files::read(&link_release(workspace, toolchain, &line, Some(release), &target)?)?;
    let first = line.artifacts(&manifest).next();
    let first = first.ok_or_else(|| Error::Unknown(format!("how to build Lua {release}: its line has no artifact")))?;
    let path = target.join(format!("lua-{release}.wasm"));
    files::replace(&path, &artifact::process_release(&manifest, first, release, &linked)?.wasm)?;
    Ok(path)
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
    let declared = artifact::source(workspace)?.text();
    let inputs = files::fingerprint([linked, declared.as_bytes(), own_version().as_bytes()]);
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
    let manifest = artifact::manifest(&copy)?;
    for line in lines(&manifest) {
        let target = if line.feature.is_some() { target.join(format!("lua-{}", line.name)) } else { target.clone() };
        // Packages of the registry lie where they lay. The sources' own crates are compiled anew, as their folder is
        // another.
        share_host_tools(toolchain, &target)?;
        let linked = files::read(&link(&copy, toolchain, &line, &target)?)?;
        for artifact in line.artifacts(&manifest) {
            let again = artifact::process(&copy, &manifest, artifact, &linked)?.wasm;
            let first = files::read(&workspace.path(&artifact.path))?;
            if first != again {
                let same = first.iter().zip(&again).take_while(|(a, b)| a == b).count();
                return Err(Error::NotReproducible { artifact: artifact.name.clone(), offset: same });
            }
        }
    }
    Ok(())
}

/// Whether a copy of the sources leaves a path out: what builds made, and git's own files.
fn leave_out(workspace: &Workspace, path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default();
    path == workspace.target || name == files::NODE_MODULES || name == ".git" || path == workspace.path("target")
}
