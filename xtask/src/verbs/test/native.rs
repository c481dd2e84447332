//! Builds a native Lua from the same pristine sources as the guest's, which tests compare behaviour with. Its main
//! program is our own, because the registry's package has none.

use std::path::{Path, PathBuf};
use std::process::Command;

use codegen::lua::{compile, sources};

use crate::error::Error;
use crate::system::files;
use crate::system::process;
use crate::system::progress::Progress;
use crate::tools::rust::Way;
use crate::tools::{environment, programs};
use crate::workspace::Workspace;

/// The main program, in the repository.
const MAIN: &str = "vendor/glue/native_main.c";

/// Flags of a plain C99 build: no system-specific code in Lua, as in the guest.
const FLAGS: [&str; 2] = ["-O2", "-std=gnu99"];

/// Brings the native Lua of a line up to date and returns the path of its program.
pub fn build(workspace: &Workspace, line: &str) -> Result<PathBuf, Error> {
    let lua = sources::of_line(&workspace.path("vendor"), line).map_err(Error::codegen("find the Lua sources"))?;
    let folder = workspace.target.join("native").join(format!("lua-{}", lua.release));
    let program = folder.join(programs::executable("lua"));
    let stamp = folder.join("lua.stamp");
    let main = workspace.path(MAIN);
    let compiler = programs::host_compiler().unwrap_or_else(|| "cc".into());

    let facts = format!("{} {} {FLAGS:?}", lua.folder.display(), compiler.display());
    let inputs = files::fingerprint([facts.as_bytes(), &files::read(&main)?]);
    if program.is_file() && files::stamped(&stamp, &inputs) {
        return Ok(program);
    }
    std::fs::create_dir_all(&folder).map_err(Error::io("create", &folder))?;
    let sources = compile::library_files(&lua.folder).map_err(Error::io("read", &lua.folder))?;
    compile(&compiler, &lua.folder, &main, &sources, &program)?;
    files::replace(&stamp, inputs.as_bytes())?;
    Ok(program)
}

fn compile(compiler: &Path, lua: &Path, main: &Path, sources: &[PathBuf], program: &Path) -> Result<(), Error> {
    let label = "compile the native Lua that tests compare with";
    let mut progress = Progress::start(label);
    let mut command = Command::new(compiler);
    environment::clean(&mut command, Way::Rustup);
    command.args(FLAGS).arg("-I").arg(lua).arg("-o").arg(program).arg(main).args(sources).arg("-lm");
    process::run(&mut command, &mut progress)?.expect_success(label)?;
    progress.done();
    Ok(())
}
