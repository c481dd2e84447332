//! Checks, before anything changes, that the edits fit a release and that the edited sources and our own are valid C.

use std::path::Path;
use std::process::Command;

use codegen::lua::compile::{self, Guest};
use codegen::lua::edits::{self, Misfits};
use codegen::lua::sources;

use super::stage::Stage;
use crate::error::Error;
use crate::system::process;
use crate::system::progress::Progress;
use crate::tools::environment;
use crate::tools::rust::Way;
use crate::tools::toolchain::Toolchain;
use crate::workspace::Workspace;

/// Most lines of the compiler's complaints that are shown.
const SHOWN: usize = 60;

/// What C lets pass and a changed API is found by.
const STRICT: [&str; 3] =
    ["-Werror=implicit-function-declaration", "-Werror=incompatible-pointer-types", "-Werror=int-conversion"];

/// Fails with all that does not fit: changes of the edits, and C code.
pub fn check(workspace: &Workspace, toolchain: &Toolchain, staged: &Stage) -> Result<(), Error> {
    let (vendor, sources) = (&staged.vendor, &staged.sources);
    let codegen = |error: edits::EditError| Error::codegen("apply the edits to this release")(error);
    let all = sources::all(vendor).map_err(Error::codegen("find the sources of Lua"))?;
    let edits = edits::read(&vendor.join("edits")).map_err(codegen)?;
    let pinned: Vec<_> = all.iter().map(|sources| sources.release).collect();
    edits::check_variants(&edits, &pinned).map_err(codegen)?;

    let edited = edits::edit(sources, &edits).map_err(codegen)?;
    let mut faults = Vec::new();
    if !edited.misfits.is_empty() {
        let misfits = Misfits::new(sources.release, edited.misfits);
        faults.push(misfits.explain(sources, &edits, &all).map_err(codegen)?.to_string());
    }
    let lua = workspace.own("lua/sources");
    edits::write(&edited.files, &lua).map_err(codegen)?;
    if let Some(said) = complaints(toolchain, &lua, vendor)? {
        let with = if faults.is_empty() {
            ""
        } else {
            ", with the changes that fit (some of this may follow from the others)"
        };
        faults.push(format!("This is no valid C{with}:\n\n{said}"));
    }
    match faults.is_empty() {
        true => Ok(()),
        false => Err(Error::Lua {
            release: sources.release.to_string(),
            reason: format!("nothing was changed.\n\n{}", faults.join("\n\n")),
        }),
    }
}

/// What the compiler says against the edited sources and our own C files; `None` if nothing.
fn complaints(toolchain: &Toolchain, lua: &Path, vendor: &Path) -> Result<Option<String>, Error> {
    let mut progress = Progress::start("check the edited sources");
    let guest = Guest { lua, vendor, wasm: true };
    let mut clang = Command::new(&toolchain.clang);
    environment::clean(&mut clang, Way::Rustup);
    clang.args(["-fsyntax-only", "-std=gnu11", "-w", "-fno-caret-diagnostics"]).args(STRICT);
    clang.args(guest.clang_arguments()).args(compile::library_files(lua).map_err(Error::io("read", lua))?);
    clang.args(["edits.c", "variadic.c"].map(|file| vendor.join("glue").join(file)));
    let finished = process::run(&mut clang, &mut progress)?;
    progress.done();
    Ok((!finished.success).then(|| shown(&finished.output, lua, vendor)))
}

/// The compiler's errors, with the names of files as a maintainer knows them.
fn shown(output: &str, lua: &Path, vendor: &Path) -> String {
    let (lua, vendor) = (format!("{}/", lua.display()), format!("{}/", vendor.display()));
    let lines = output.lines().filter(|line| line.contains(": error:") || line.contains(": fatal error:"));
    let mut lines: Vec<_> = lines.map(|line| line.replace(&lua, "").replace(&vendor, "vendor/")).collect();
    lines.dedup();
    let more = lines.len().saturating_sub(SHOWN);
    lines.truncate(SHOWN);
    if more > 0 {
        lines.push(format!("... {more} errors more"));
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_shown_without_the_folders_that_they_were_found_in() {
        let output = "/b/lua/lvm.c:12:3: error: no member named 'x'\n  12 | x\n/b/vendor/glue/edits.c:5:1: error: y\n";
        let said = shown(output, Path::new("/b/lua"), Path::new("/b/vendor"));
        assert_eq!(said, "lvm.c:12:3: error: no member named 'x'\nvendor/glue/edits.c:5:1: error: y");
    }
}
