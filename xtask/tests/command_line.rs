//! Checks the command line of `xtask` as a user meets it: what it refuses, in which words, with which exit code.

use std::path::Path;
use std::process::{Command, Output};

fn xtask(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
    command.args(arguments).env_remove("LUA_PERSISTENT_TOOLCHAIN");
    command
}

fn run(command: &mut Command) -> (Option<i32>, String, String) {
    let Output { status, stdout, stderr } = command.output().expect("xtask starts");
    let text = |bytes| String::from_utf8(bytes).expect("xtask prints UTF-8");
    (status.code(), text(stdout), text(stderr))
}

#[test]
fn help_is_printed_and_is_no_error() {
    for arguments in [&["help"][..], &["--help"], &["build", "--help"], &["serve", "-h"]] {
        let (code, out, err) = run(&mut xtask(arguments));
        assert_eq!((code, err.as_str()), (Some(0), ""), "{arguments:?}");
        assert!(out.starts_with("usage: cargo xtask VERB"), "{out}");
    }
}

#[test]
fn a_wrong_command_line_is_answered_with_a_sentence_the_usage_and_exit_code_2() {
    for (arguments, sentence) in [
        (&[][..], "say what to do"),
        (&["tset"], "there is no verb `tset`; did you mean `test`?"),
        (&["serve", "--port", "many"], "`many` is no port"),
        (&["build", "--toolchain", "gentoo"], "there is no toolchain `gentoo`"),
        (&["abi"], "say what to do with the ABI"),
        (&["abi", "dif", "a", "b"], "there is no action of `abi` `dif`; did you mean `diff`?"),
        (&["abi", "diff", "a"], "`abi diff` takes two files, not 1"),
        (&["test", "clipy"], "there is no step `clipy`"),
    ] {
        let (code, out, err) = run(&mut xtask(arguments));
        assert_eq!((code, out.as_str()), (Some(2), ""), "{arguments:?}");
        assert!(err.starts_with(&format!("xtask: {sentence}")), "{err}");
        assert!(err.contains("usage: cargo xtask VERB"), "{err}");
    }
}

#[test]
fn an_abi_that_breaks_callers_is_an_error_and_a_file_that_is_none_is_named() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("abi");
    std::fs::create_dir_all(&folder).unwrap();
    let (old, new) = (root.join("web/abi.json"), folder.join("new.json"));
    let text = std::fs::read_to_string(&old).unwrap();
    let diff = |old: &Path, new: &Path| run(xtask(&["abi", "diff"]).args([old, new]));

    let (code, out, err) = diff(&old, &root.join("exports.toml"));
    assert_eq!((code, err.as_str()), (Some(0), ""));
    assert!(out.ends_with("no change\n"), "{out}");

    std::fs::write(&new, text.replace("\"name\": \"run_gc\"", "\"name\": \"collect\"")).unwrap();
    let (code, out, err) = diff(&old, &new);
    assert_eq!((code, err.as_str()), (Some(1), ""));
    assert!(out.contains("BREAKING    run_gc: is gone"), "{out}");
    assert!(out.contains("or raise `version` of [abi] in exports.toml"), "{out}");

    std::fs::write(&new, "not an ABI").unwrap();
    let (code, _, err) = diff(&old, &new);
    assert_eq!(code, Some(1));
    assert!(err.contains("new.json: is neither a module nor JSON"), "{err}");
}

#[test]
fn a_wrong_toolchain_in_the_environment_is_refused_like_one_on_the_command_line() {
    let (code, _, err) = run(xtask(&["build"]).env("LUA_PERSISTENT_TOOLCHAIN", "rustpu"));
    assert_eq!(code, Some(2));
    assert!(err.contains("did you mean `rustup`?"), "{err}");
}

#[cfg(target_os = "linux")]
#[test]
fn with_no_install_everything_missing_is_named_with_how_to_get_it_and_nothing_is_installed() {
    let nowhere = Path::new(env!("CARGO_TARGET_TMPDIR")).join("nowhere");
    let (code, out, err) = run(xtask(&["test", "--no-install"]).env_clear().env("PATH", nowhere));
    assert_eq!((code, out.as_str()), (Some(2), ""));
    assert!(err.starts_with("xtask: missing on this machine:\n"), "{err}");
    for (need, remedy) in [
        ("a C compiler for this machine: not found", "apt-get install gcc"),
        ("Rust for wasm32-unknown-unknown: not found", "rustup target add wasm32-unknown-unknown"),
        ("Node 18 or newer: not found", "winget install OpenJS.NodeJS.LTS"),
        ("npm: not found", "dnf install nodejs npm"),
    ] {
        assert!(err.contains(need) && err.contains(remedy), "{need}: {err}");
    }
    assert!(!err.contains("installing"), "{err}");
}
