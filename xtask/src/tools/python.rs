//! Makes an environment for Python with the packages that a folder's `requirements.txt` pins.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::error::Error;
use crate::system::files;
use crate::system::process;
use crate::system::progress::Progress;
use crate::tools::programs;
use crate::workspace::Workspace;

/// Brings the environment of a folder up to date; returns its Python.
///
/// pip fetches from the registry what is pinned, by its checksum, and nothing else. The environment is made again if the
/// pins or Python have changed.
pub fn environment(workspace: &Workspace, folder: &str) -> Result<PathBuf, Error> {
    let python = programs::python().map_err(|reason| Error::Script { path: "python3".into(), reason })?;
    let place = workspace.own("python").join(folder.replace('/', "-"));
    let pins = workspace.path(folder).join("requirements.txt");
    let stamp = place.join("requirements.stamp");
    let version = programs::said(&python, &["--version"]);
    let inputs = files::fingerprint([files::read(&pins)?.as_slice(), version.as_bytes()]);
    let own = inside(&place);
    if own.is_file() && files::stamped(&stamp, &inputs) {
        return Ok(own);
    }
    let label = format!("pip install the packages of {folder}, from the registry");
    let mut progress = Progress::start(&label);
    let mut venv = Command::new(&python);
    process::run(venv.args(["-m", "venv", "--clear"]).arg(&place), &mut progress)?.expect_success("python -m venv")?;
    let mut pip = Command::new(&own);
    pip.args(["-m", "pip", "install", "--disable-pip-version-check", "--no-input", "--only-binary", ":all:"]);
    pip.args(["--require-hashes", "--requirement"]).arg(&pins);
    process::run(&mut pip, &mut progress)?.expect_success(&label)?;
    progress.done();
    files::replace(&stamp, inputs.as_bytes())?;
    Ok(own)
}

/// The Python of an environment.
fn inside(place: &Path) -> PathBuf {
    let folder = if cfg!(windows) { "Scripts" } else { "bin" };
    place.join(folder).join(programs::executable("python"))
}
