//! Lists the steps of `cargo xtask test`, and does each.

use std::path::Path;
use std::process::Command;

use super::native;
use super::outcome::Outcome;
use super::releases;
use super::step::{Context, Step};
use crate::error::Error;
use crate::system::files;
use crate::system::process::{self, Finished};
use crate::system::progress::Progress;
use crate::tools::needs::{self, Missing};
use crate::tools::node;
use crate::tools::programs;
use crate::tools::python;
use crate::tools::rust::{self, Way};
use crate::verbs::build;
use crate::verbs::generate;
use crate::verbs::setup;

/// The folder of the npm package.
const WEB: &str = "web";
/// The folder of the tests in Node.
const NODE_TESTS: &str = "tests/js";
/// Tests in it that do not depend on which line of Lua runs.
const FOR_ANY_LINE: [&str; 10] = [
    "cli",
    "kit",
    "persist",
    "store",
    "tables/batch-hosts.test.js",
    "tables/collect-steps.test.js",
    "tables/collect.test.js",
    "tables/model.test.js",
    "tables/scale.test.js",
    "values",
];
/// Tests in it that lead to no other protected calls than the rest, or run the artifact for old engines anyway.
const FOR_ANY_ENGINE: [&str; 13] = [
    "cli",
    "engines",
    "image/resume.test.js",
    "kit",
    "persist",
    "store",
    "tables/batch-hosts.test.js",
    "tables/collect-steps.test.js",
    "tables/collect.test.js",
    "tables/model.test.js",
    "tables/random-programs.test.js",
    "tables/scale.test.js",
    "values",
];
/// The first line of Lua, and the one that has every test that depends on the line once more.
pub const LINES: [&str; 2] = ["5.4", "5.5"];
/// The folder of the Rust crate for hosts, which is a workspace of its own.
const RUST_HOST: &str = "hosts/rust";
/// The folder of the old engine that some of them run the package in.
const OLD_ENGINE: &str = "tests/old-engine";
/// The folder of the tests of documents: snippets, messages, examples.
const DOCUMENT_TESTS: &str = "tests/docs";
/// The folder of the host in Python, and of its tests.
const PYTHON_HOST: &str = "examples/python";
/// The folder of the tests in browsers, which has what drives them as a dependency.
const BROWSER_TESTS: &str = "tests/browser";
/// The folder of the tests of the packed package, which has the bundlers that its users have as dependencies.
const PACKAGE_TESTS: &str = "tests/package";

/// Words that pick several steps.
pub const TAGS: [&str; 3] = ["rust", "js", "lint"];

/// Cargo's build folder, on which one cargo at a time works.
const CARGO: &str = "cargo";
/// The browsers, and the folder of what drives them.
const BROWSERS: &str = "browsers";

/// All steps. Those that others wait for come first, and long ones before short ones, so that the lanes end together.
pub const STEPS: [Step; 21] = [
    Step { name: "format", title: "cargo fmt --check", tags: &["rust", "lint"], requires: &[], uses: &[], run: format },
    Step {
        name: "build",
        title: "build the artifacts",
        tags: &[],
        requires: &[],
        uses: &[CARGO],
        run: build_artifacts,
    },
    Step { name: "packages", title: "npm ci", tags: &[], requires: &[], uses: &[], run: npm_packages },
    Step { name: "native", title: "build the native Lua", tags: &[], requires: &[], uses: &[], run: native_lua },
    Step {
        name: "generated",
        title: "generated files",
        tags: &["rust", "lint"],
        requires: &[],
        uses: &[],
        run: generated,
    },
    Step {
        name: "node",
        title: "node --test",
        tags: &["js"],
        requires: &["build", "native", "packages"],
        uses: &[],
        run: node_test,
    },
    Step {
        name: "node-5.5",
        title: "node --test with Lua 5.5",
        tags: &["js"],
        requires: &["build", "native", "packages"],
        uses: &[],
        run: other_line_test,
    },
    Step {
        name: "clippy",
        title: "cargo clippy on this machine",
        tags: &["rust", "lint"],
        requires: &[],
        uses: &[CARGO],
        run: clippy,
    },
    Step {
        name: "clippy-wasm",
        title: "cargo clippy on the guest with Lua 5.5 for wasm32",
        tags: &["rust", "lint"],
        requires: &[],
        uses: &[CARGO],
        run: clippy_wasm,
    },
    Step {
        name: "cargo",
        title: "cargo test",
        tags: &["rust"],
        requires: &["build", "native"],
        uses: &[CARGO],
        run: cargo_test,
    },
    Step {
        name: "cargo-5.5",
        title: "cargo test of the guest with Lua 5.5",
        tags: &["rust"],
        requires: &["build"],
        uses: &[CARGO],
        run: cargo_test_other_line,
    },
    Step {
        name: "rust-host",
        title: "cargo test and clippy in hosts/rust",
        tags: &["rust"],
        requires: &["build"],
        uses: &[],
        run: rust_host,
    },
    Step {
        name: "releases",
        title: "build the other pinned releases of Lua, and node --test on each",
        tags: &[],
        requires: &["build", "packages"],
        uses: &[CARGO],
        run: other_releases,
    },
    Step {
        name: "browsers",
        title: "node --test in browsers",
        tags: &[],
        requires: &["build", "packages"],
        uses: &[BROWSERS],
        run: browsers,
    },
    Step {
        name: "host",
        title: "node --test with lua-host.wasm",
        tags: &["js"],
        requires: &["build", "native", "packages"],
        uses: &[],
        run: host_test,
    },
    Step {
        name: "package",
        title: "node --test on the packed package",
        tags: &[],
        requires: &["build", "packages"],
        uses: &[BROWSERS],
        run: package,
    },
    Step {
        name: "documents",
        title: "node --test on the documents and examples",
        tags: &["js"],
        requires: &["build", "packages"],
        uses: &[],
        run: documents,
    },
    Step {
        name: "python",
        title: "the tests of the host in Python",
        tags: &[],
        requires: &["build"],
        uses: &[],
        run: python,
    },
    Step {
        name: "eslint",
        title: "npm run lint",
        tags: &["js", "lint"],
        requires: &["packages"],
        uses: &[],
        run: eslint,
    },
    Step {
        name: "types",
        title: "npm run types",
        tags: &["js", "lint"],
        requires: &["packages"],
        uses: &[],
        run: types,
    },
    Step {
        name: "reproducible",
        title: "build a copy of the sources elsewhere and compare the bytes",
        tags: &[],
        requires: &["build"],
        uses: &[CARGO],
        run: reproducible,
    },
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
    // The other line is linted on this machine.
    cargo.args(["--features", build::feature(LINES[1]).as_str(), "--", "-D", "warnings"]);
    let finished = watch(&mut cargo, "cargo clippy for wasm32");
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
    let mut programs = Vec::new();
    for line in LINES {
        programs.push(context.workspace.shown(&native::build(context.workspace, line)?).to_string());
    }
    Ok(Outcome::prepared(programs.join(", ")))
}

fn cargo_test(context: &Context<'_>) -> Result<Outcome, Error> {
    let mut cargo = context.toolchain.host(context.workspace);
    cargo
        .args(["test", "--workspace", "--no-fail-fast"])
        .env("LUA_NATIVE", native::build(context.workspace, LINES[0])?);
    watch(&mut cargo, "cargo test").map(Finished::without_progress).map(Outcome::of_cargo)
}

/// The tests of the guest with the second line of Lua; those of the other crates do not depend on it.
fn cargo_test_other_line(context: &Context<'_>) -> Result<Outcome, Error> {
    let feature = format!("lua-{}", LINES[1].replace('.', "-"));
    let mut cargo = context.toolchain.host(context.workspace);
    cargo.args(["test", "--package", "lua-persistent", "--no-fail-fast", "--features", &feature]);
    watch(&mut cargo, "cargo test with Lua 5.5").map(Finished::without_progress).map(Outcome::of_cargo)
}

/// The formatting, the lints and the tests of the Rust crate for hosts. Clippy's compiler compiles the crate for the tests, and
/// rustc what it rests on, so that wasmtime is compiled once.
fn rust_host(context: &Context<'_>) -> Result<Outcome, Error> {
    let folder = context.workspace.path(RUST_HOST);
    let mut format = context.toolchain.host(context.workspace);
    format.current_dir(&folder).args(["fmt", "--check"]);
    let format = watch(&mut format, "cargo fmt in hosts/rust")?;
    if !format.success {
        return Ok(Outcome::of_linter(format).advise("`cargo fmt` in hosts/rust changes these files"));
    }
    let mut cargo = context.toolchain.host(context.workspace);
    cargo.current_dir(&folder).args(["test", "--locked", "--no-fail-fast"]);
    let target = context.workspace.target.join("hosts-rust");
    cargo.env("LUA_PERSISTENT_CACHE", target.join("modules")).env("CARGO_TARGET_DIR", target);
    cargo.env("LUA_NATIVE", native::build(context.workspace, LINES[0])?);
    if let Some(clippy) = rust::beside_cargo("clippy-driver") {
        let deny = "-D__CLIPPY_HACKERY__warnings__CLIPPY_HACKERY__";
        cargo.env("RUSTC_WORKSPACE_WRAPPER", clippy).env("CLIPPY_ARGS", deny);
    }
    watch(&mut cargo, "cargo test in hosts/rust").map(Finished::without_progress).map(Outcome::of_cargo)
}

fn npm_packages(context: &Context<'_>) -> Result<Outcome, Error> {
    node::install(context.workspace, WEB)?;
    node::install(context.workspace, OLD_ENGINE)?;
    Ok(Outcome::prepared("up to date"))
}

fn eslint(context: &Context<'_>) -> Result<Outcome, Error> {
    watch(node::npm(context.workspace, WEB).args(["run", "lint"]), "npm run lint").map(Outcome::of_linter)
}

fn types(context: &Context<'_>) -> Result<Outcome, Error> {
    watch(node::npm(context.workspace, WEB).args(["run", "types"]), "npm run types").map(Outcome::of_linter)
}

fn node_test(context: &Context<'_>) -> Result<Outcome, Error> {
    let mut node = node_tests(context, NODE_TESTS, &[])?;
    node.env("LUA_NATIVE", native::build(context.workspace, LINES[0])?);
    watch(&mut node, "node --test").map(Outcome::of_node)
}

/// The same tests with the second line of Lua.
fn other_line_test(context: &Context<'_>) -> Result<Outcome, Error> {
    let mut node = node_tests(context, NODE_TESTS, &FOR_ANY_LINE)?;
    let pretend = context.workspace.path(NODE_TESTS).join("support").join("other-line.js");
    node.env("NODE_OPTIONS", format!("--import {}", quoted(&pretend)));
    node.env("LUA_LINE", LINES[1]).env("LUA_NATIVE", native::build(context.workspace, LINES[1])?);
    watch(&mut node, "node --test with Lua 5.5").map(Outcome::of_node)
}

/// The same tests on the artifact for old engines.
fn host_test(context: &Context<'_>) -> Result<Outcome, Error> {
    let mut node = node_tests(context, NODE_TESTS, &FOR_ANY_ENGINE)?;
    let pretend = context.workspace.path(NODE_TESTS).join("support").join("old-engine.cjs");
    // An option of Node itself would not reach the processes that tests start.
    node.env("NODE_OPTIONS", format!("--require {}", quoted(&pretend)));
    node.env("LUA_NATIVE", native::build(context.workspace, LINES[0])?);
    watch(&mut node, "node --test with lua-host.wasm").map(Outcome::of_node)
}

/// The releases of Lua that are pinned and that no line is at.
fn other_releases(context: &Context<'_>) -> Result<Outcome, Error> {
    let modules = std::env::join_paths(releases::modules(context)?)
        .map_err(|error| Error::Unknown(format!("the modules to test: {error}")))?;
    let mut node = node_tests(context, releases::TESTS, &[])?;
    node.env(releases::MODULES, modules);
    watch(&mut node, "node --test on the other releases of Lua").map(Outcome::of_node)
}

/// A path as it stands in `NODE_OPTIONS`.
fn quoted(path: &Path) -> String {
    format!("\"{}\"", path.display().to_string().replace('\\', "\\\\").replace('"', "\\\""))
}

fn documents(context: &Context<'_>) -> Result<Outcome, Error> {
    watch(&mut node_tests(context, DOCUMENT_TESTS, &[])?, "node --test on the documents").map(Outcome::of_node)
}

/// The host in Python, in an environment that has wasmtime.
fn python(context: &Context<'_>) -> Result<Outcome, Error> {
    if context.options.no_install
        && let Some(missing) = Missing::find(context.workspace, context.options.way, needs::PYTHON)
    {
        return Ok(Outcome::left_out(&missing.to_string()));
    }
    setup::require(context.workspace, context.options, needs::PYTHON)?;
    let mut python = Command::new(python::environment(context.workspace, PYTHON_HOST)?);
    // Without compiled files among the sources.
    python.args(["-B", "-m", "unittest", "-v"]).current_dir(context.workspace.path(PYTHON_HOST));
    watch(&mut python, "python -m unittest").map(Outcome::of_unittest)
}

fn browsers(context: &Context<'_>) -> Result<Outcome, Error> {
    let mut node = match in_browsers(context, BROWSER_TESTS)? {
        Ok(node) => node,
        Err(left_out) => return Ok(left_out),
    };
    watch(&mut node, "node --test in browsers").map(Outcome::of_node)
}

/// Packs the package, installs it into an empty project, and runs the tests there.
fn package(context: &Context<'_>) -> Result<Outcome, Error> {
    let mut node = match in_browsers(context, PACKAGE_TESTS)? {
        Ok(node) => node,
        Err(left_out) => return Ok(left_out),
    };
    node::install(context.workspace, PACKAGE_TESTS)?;
    let mut install = node_here(context)?;
    install.arg(context.workspace.path(PACKAGE_TESTS).join("install.js"));
    watch(&mut install, "npm pack")?.expect_success("npm pack")?;
    watch(&mut node, "node --test on the packed package").map(Outcome::of_node)
}

/// Node, about to run the tests in a folder, some of them in browsers. Whoever wants nothing installed
/// need not have all browsers to run the other tests; a browser that could not be installed is a failure.
fn in_browsers(context: &Context<'_>, folder: &str) -> Result<Result<Command, Outcome>, Error> {
    if context.options.no_install
        && let Some(missing) = Missing::find(context.workspace, context.options.way, needs::BROWSERS)
    {
        return Ok(Err(Outcome::left_out(&missing.to_string())));
    }
    setup::require(context.workspace, context.options, needs::BROWSERS)?;
    node::install(context.workspace, BROWSER_TESTS)?;
    let mut node = node_tests(context, folder, &[])?;
    let programs = [
        ("CHROMIUM", programs::chromium()),
        ("FIREFOX", programs::firefox()),
        ("WEBKIT_DRIVER", programs::webkit_driver()),
    ];
    for (variable, program) in programs {
        // What is not there by now is not needed on this system.
        node.envs(program.ok().map(|program| (variable, program)));
    }
    Ok(Ok(node))
}

/// Prepares Node to run the tests in a folder, without those in the folders and files `left_out` of it. Node is given the
/// files one by one: what it makes of a folder differs between its releases.
fn node_tests(context: &Context<'_>, folder: &str, left_out: &[&str]) -> Result<Command, Error> {
    let folder = context.workspace.path(folder);
    let left_out: Vec<_> = left_out.iter().map(|name| folder.join(name)).collect();
    let mut tests = files::ending(&folder, &[".test.js"])?;
    tests.retain(|path| !left_out.iter().any(|folder| path.starts_with(folder)));
    let mut node = node_here(context)?;
    node.args(["--test", "--test-reporter=spec"]).args(tests);
    Ok(node)
}

/// Node, about to work in the repository.
fn node_here(context: &Context<'_>) -> Result<Command, Error> {
    let mut node = node::node(context.workspace)?;
    node.current_dir(&context.workspace.root);
    Ok(node)
}

fn watch(command: &mut Command, label: &str) -> Result<Finished, Error> {
    let mut progress = Progress::start(label);
    let finished = process::run(command, &mut progress)?;
    progress.done();
    Ok(finished)
}
