//! The steps of `cargo xtask test`, in the order in which they run.

use std::process::Command;

use super::Context;
use super::outcome::Outcome;
use crate::build;
use crate::cache::Cache;
use crate::error::Error;
use crate::files;
use crate::generate;
use crate::native;
use crate::needs;
use crate::process::{self, Finished};
use crate::progress::Progress;
use crate::setup;
use crate::toolchain::Way;
use crate::tools;

/// One step.
#[derive(Debug)]
pub struct Step {
    /// The word that picks it on the command line.
    pub name: &'static str,
    /// What it does.
    pub title: &'static str,
    /// Words that pick it along with others.
    pub tags: &'static [&'static str],
    /// The steps that have to have passed before it.
    pub requires: &'static [&'static str],
    /// Does it.
    pub run: fn(&Context<'_>) -> Result<Outcome, Error>,
}

impl Step {
    /// Whether a word on the command line picks it.
    pub fn answers_to(&self, filter: &str) -> bool {
        self.name == filter || self.tags.contains(&filter)
    }
}

/// The folder of the npm package.
const WEB: &str = "web";
/// The folder of the tests in browsers, which brings along what drives them.
const BROWSER_TESTS: &str = "tests/browser";

/// Words that pick several steps.
pub const TAGS: [&str; 3] = ["rust", "js", "lint"];

/// All steps.
pub const STEPS: [Step; 13] = [
    Step { name: "format", title: "cargo fmt --check", tags: &["rust", "lint"], requires: &[], run: format },
    Step { name: "clippy", title: "cargo clippy on this machine", tags: &["rust", "lint"], requires: &[], run: clippy },
    Step {
        name: "clippy-wasm",
        title: "cargo clippy on the guest for wasm32",
        tags: &["rust", "lint"],
        requires: &[],
        run: clippy_wasm,
    },
    Step { name: "generated", title: "generated files", tags: &["rust", "lint"], requires: &[], run: generated },
    Step { name: "build", title: "build the artifacts", tags: &[], requires: &[], run: build_artifacts },
    Step {
        name: "reproducible",
        title: "build a copy of the sources elsewhere and compare the bytes",
        tags: &[],
        requires: &["build"],
        run: reproducible,
    },
    Step { name: "native", title: "build the native Lua", tags: &[], requires: &[], run: native_lua },
    Step { name: "cargo", title: "cargo test", tags: &["rust"], requires: &["build", "native"], run: cargo_test },
    Step { name: "packages", title: "npm ci", tags: &[], requires: &[], run: packages },
    Step { name: "eslint", title: "npm run lint", tags: &["js", "lint"], requires: &["packages"], run: eslint },
    Step { name: "types", title: "npm run types", tags: &["js", "lint"], requires: &["packages"], run: types },
    Step {
        name: "node",
        title: "node --test",
        tags: &["js"],
        requires: &["build", "native", "packages"],
        run: node_test,
    },
    Step { name: "browsers", title: "node --test in browsers", tags: &[], requires: &["build"], run: browsers },
];

fn format(context: &Context<'_>) -> Result<Outcome, Error> {
    let mut cargo = context.toolchain.host(context.workspace);
    let arguments = ["fmt", "--all", "--", "--check", "--files-with-diff"];
    let outcome = watch(cargo.args(arguments), "cargo fmt").map(Outcome::of_linter)?;
    Ok(outcome.advise("`cargo fmt` changes these files"))
}

fn clippy(context: &Context<'_>) -> Result<Outcome, Error> {
    let mut cargo = context.toolchain.host(context.workspace);
    cargo.args(["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"]);
    watch(&mut cargo, "cargo clippy").map(Finished::without_progress).map(Outcome::of_linter)
}

fn clippy_wasm(context: &Context<'_>) -> Result<Outcome, Error> {
    if context.toolchain.way == Way::Debian {
        // Clippy belongs to one compiler, and Debian's comes without.
        return Ok(Outcome::left_out("Debian's Rust brings no clippy for this target"));
    }
    let target = &context.toolchain.target;
    let mut cargo = context.toolchain.guest(context.workspace, "clippy", target);
    let finished = watch(cargo.args(["--", "-D", "warnings"]), "cargo clippy for wasm32");
    finished.map(Finished::without_progress).map(Outcome::of_linter)
}

fn generated(context: &Context<'_>) -> Result<Outcome, Error> {
    let drifted = generate::drifted(context.workspace)?;
    let output = drifted.iter().map(|file| format!("{}:\n{}", file.path.display(), file.difference)).collect();
    Ok(match drifted.is_empty() {
        true => Outcome::one(true, "up to date", output),
        false => Outcome::one(false, "not up to date; run `cargo xtask generate`", output),
    })
}

fn build_artifacts(context: &Context<'_>) -> Result<Outcome, Error> {
    let built = build::build(context.workspace, context.toolchain)?;
    let line = |built: &build::Built| format!("{}: {}", context.workspace.shown(&built.path), built.report);
    Ok(Outcome { closing: built.iter().map(line).collect(), ..Outcome::one(true, "", String::new()) })
}

fn reproducible(context: &Context<'_>) -> Result<Outcome, Error> {
    build::verify_reproducible(context.workspace, context.toolchain)?;
    Ok(Outcome::one(true, "the same bytes", String::new()))
}

fn native_lua(context: &Context<'_>) -> Result<Outcome, Error> {
    let program = native::build(context.workspace)?;
    Ok(Outcome::prepared(context.workspace.shown(&program).to_string()))
}

fn cargo_test(context: &Context<'_>) -> Result<Outcome, Error> {
    let mut cargo = context.toolchain.host(context.workspace);
    cargo.args(["test", "--workspace", "--no-fail-fast"]).env("LUA_NATIVE", native::build(context.workspace)?);
    watch(&mut cargo, "cargo test").map(Finished::without_progress).map(Outcome::of_cargo)
}

fn packages(context: &Context<'_>) -> Result<Outcome, Error> {
    install_packages(context, WEB)?;
    Ok(Outcome::prepared("up to date"))
}

/// Installs the packages that a folder's `package.json` names, when its lock file is not the one that
/// those that are there came from.
fn install_packages(context: &Context<'_>, folder: &str) -> Result<(), Error> {
    let path = context.workspace.path(folder);
    let stamp = path.join("node_modules/.xtask-lock");
    let lock = files::fingerprint([files::read(&path.join("package-lock.json"))?.as_slice()]);
    if !files::stamped(&stamp, &lock) {
        let label = format!("npm ci in {folder}");
        let mut npm = npm(context, folder);
        npm.args(["ci", "--no-audit", "--no-fund"]);
        watch(&mut npm, &label)?.expect_success(&label)?;
        files::replace(&stamp, lock.as_bytes())?;
    }
    Ok(())
}

fn eslint(context: &Context<'_>) -> Result<Outcome, Error> {
    watch(npm(context, WEB).args(["run", "lint"]), "npm run lint").map(Outcome::of_linter)
}

fn types(context: &Context<'_>) -> Result<Outcome, Error> {
    watch(npm(context, WEB).args(["run", "types"]), "npm run types").map(Outcome::of_linter)
}

fn node_test(context: &Context<'_>) -> Result<Outcome, Error> {
    let mut node = node_tests(context, "tests/js")?;
    node.env("LUA_NATIVE", native::build(context.workspace)?);
    watch(&mut node, "node --test").map(Outcome::of_node)
}

/// Whoever wants nothing installed need not have all browsers to run the other tests; a browser that
/// could not be installed is a failure.
fn browsers(context: &Context<'_>) -> Result<Outcome, Error> {
    match setup::require(context.workspace, context.options, needs::BROWSERS) {
        Err(Error::Missing(missing)) if context.options.no_install => {
            return Ok(Outcome::left_out(&missing.to_string()));
        }
        other => other?,
    }
    install_packages(context, BROWSER_TESTS)?;
    let mut node = node_tests(context, BROWSER_TESTS)?;
    let programs =
        [("CHROMIUM", tools::chromium()), ("FIREFOX", tools::firefox()), ("WEBKIT_DRIVER", tools::webkit_driver())];
    for (variable, program) in programs {
        // What is not there by now is not needed on this system.
        node.envs(program.ok().map(|program| (variable, program)));
    }
    watch(&mut node, "node --test in browsers").map(Outcome::of_node)
}

/// Node, about to run the tests in a folder. It is given the files by name: what it makes of a folder
/// differs between its releases.
fn node_tests(context: &Context<'_>, folder: &str) -> Result<Command, Error> {
    let workspace = context.workspace;
    let missing = |reason| Error::Script { path: "node".into(), reason };
    let program = tools::node(&mut Cache::open(workspace.own("programs"))).map_err(missing)?;
    let mut node = Command::new(program);
    process::clean(&mut node, Way::Rustup);
    node.current_dir(&workspace.root)
        .args(["--test", "--test-reporter=spec"])
        .args(files::ending(&workspace.path(folder), &[".test.js"])?);
    Ok(node)
}

fn npm(context: &Context<'_>, folder: &str) -> Command {
    let mut npm = Command::new(tools::on_path("npm").unwrap_or_else(|| "npm".into()));
    process::clean(&mut npm, Way::Rustup);
    npm.current_dir(context.workspace.path(folder));
    npm
}

fn watch(command: &mut Command, label: &str) -> Result<Finished, Error> {
    let mut progress = Progress::start(label);
    let finished = process::run(command, &mut progress)?;
    progress.done();
    Ok(finished)
}
