//! Installs what is missing, with rustup where it can download and Debian's package manager for the
//! rest. It says what it is about to do, and hands back what did not work and why.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use crate::error::Error;
use crate::system::process;
use crate::system::progress::Progress;
use crate::tools::needs::{Missing, Need};
use crate::tools::rust::{TARGET, Way};
use crate::tools::{environment, programs};

/// How long rustup may take; on a closed network it does not always notice by itself.
const RUSTUP_LIMIT: Duration = Duration::from_secs(180);

/// Installs as much of what is missing as it can. Returns what was tried without success, for the
/// message about what is still missing.
pub fn install(missing: &Missing) -> Vec<String> {
    let mut tried = Vec::new();
    let components: Vec<_> = missing.needs.iter().filter_map(|(need, _)| need.component()).collect();
    if !components.is_empty()
        && let Err(reason) = rustup("component", &components)
    {
        tried.push(reason);
    }
    let mut debian: Vec<Need> = missing.needs.iter().map(|(need, _)| *need).collect();
    if missing.has(Need::WasmRust) && missing.way != Some(Way::Debian) {
        match rustup("target", &[TARGET]) {
            Ok(()) => debian.retain(|need| *need != Need::WasmRust),
            Err(reason) if missing.way == Some(Way::Rustup) => {
                tried.push(reason);
                debian.retain(|need| *need != Need::WasmRust);
            }
            Err(reason) => {
                eprintln!("{reason}\nDebian's packages will do instead");
                tried.push(reason);
            }
        }
    }
    let packages: Vec<_> = debian.iter().flat_map(|need| need.packages()).copied().collect();
    if !packages.is_empty()
        && let Err(reason) = apt(&packages)
    {
        tried.push(reason);
    }
    tried
}

/// `rustup KIND add NAMES`, for the toolchain in use.
fn rustup(kind: &str, names: &[&str]) -> Result<(), String> {
    let command = format!("rustup {kind} add {}", names.join(" "));
    let rustup = programs::on_path("rustup").ok_or_else(|| format!("{command}: rustup is not on the path"))?;
    eprintln!("installing: {command}");
    let mut progress = Progress::start(&command);
    let mut rustup = Command::new(rustup);
    environment::clean(&mut rustup, Way::Rustup);
    rustup.args([kind, "add"]).args(names);
    let finished = process::run_within(&mut rustup, &mut progress, Some(RUSTUP_LIMIT))
        .and_then(|finished| finished.expect_success(&command));
    match finished {
        Ok(_) => {
            progress.done();
            Ok(())
        }
        Err(Error::Failed { output, .. }) => Err(format!("{command}: {}", reason(&output))),
        Err(error) => Err(error.to_string()),
    }
}

/// Installs packages, each given as a list of names of which the first that exists is taken.
fn apt(packages: &[&[&str]]) -> Result<(), String> {
    if programs::on_path("apt-get").is_none() {
        let names: Vec<_> = packages.iter().filter_map(|names| names.first().copied()).collect();
        return Err(format!("apt-get install {}: this system has no apt-get", names.join(" ")));
    }
    let mut apt = Apt { elevate: elevation()?, updated: false };
    let names = match apt.names(packages) {
        Ok(names) => names,
        Err(_) => {
            // One source of packages that is out of reach need not be the one that has these.
            let updated = apt.update();
            apt.names(packages).map_err(|missing| updated.err().unwrap_or(missing))?
        }
    };
    eprintln!("installing: apt-get install {}", names.join(" "));
    apt.install(&names).or_else(|reason| {
        // Package lists that are out of date name files that the mirror no longer has.
        if apt.updated {
            return Err(reason);
        }
        apt.update()?;
        apt.install(&names)
    })
}

/// Debian's package manager in the course of one installation.
struct Apt {
    /// What is put in front of it to run it as root.
    elevate: Option<&'static str>,
    updated: bool,
}

impl Apt {
    /// The name of each package that exists here.
    fn names<'a>(&self, packages: &[&[&'a str]]) -> Result<Vec<&'a str>, String> {
        let exists = |name: &&&str| {
            let policy = programs::said("apt-cache".as_ref(), &["policy", name]);
            policy.contains("Candidate: ") && !policy.contains("Candidate: (none)")
        };
        packages
            .iter()
            .map(|names| {
                names.iter().find(exists).copied().ok_or_else(|| {
                    format!("apt-get install {}: this release of the system has no such package", names.join(" or "))
                })
            })
            .collect()
    }

    fn update(&mut self) -> Result<(), String> {
        self.updated = true;
        // Without the option, lists that could not be fetched are no error.
        self.run("apt-get update", &["update", "-qq", "-o", "APT::Update::Error-Mode=any"])
    }

    fn install(&self, names: &[&str]) -> Result<(), String> {
        let mut arguments = vec!["install", "-y", "-q", "--no-install-recommends"];
        arguments.extend(names);
        self.run(&format!("apt-get install {}", names.join(" ")), &arguments)
    }

    fn run(&self, label: &str, arguments: &[&str]) -> Result<(), String> {
        let mut command = match self.elevate {
            Some(elevate) => Command::new(elevate),
            None => Command::new("env"),
        };
        // `sudo` drops the environment, so the variable goes on the command line.
        command.args(["DEBIAN_FRONTEND=noninteractive", "apt-get"]).args(arguments);
        let mut progress = Progress::start(label);
        match process::run(&mut command, &mut progress).and_then(|finished| finished.expect_success(label)) {
            Ok(_) => {
                progress.done();
                Ok(())
            }
            Err(Error::Failed { output, .. }) => Err(format!("{label}: {}", reason(&output))),
            Err(error) => Err(error.to_string()),
        }
    }
}

/// How to become root: nothing for root itself, else `sudo`, which asks for the password now rather
/// than under a progress line.
fn elevation() -> Result<Option<&'static str>, String> {
    if programs::said("id".as_ref(), &["-u"]).trim() == "0" {
        return Ok(None);
    }
    if !programs::on_path("sudo").is_some_and(|sudo| Path::new(&sudo).is_file()) {
        return Err("apt-get: needs root, and there is no sudo".to_owned());
    }
    let allowed = Command::new("sudo").arg("-v").status().is_ok_and(|status| status.success());
    if allowed { Ok(Some("sudo")) } else { Err("apt-get: needs root, and sudo refused".to_owned()) }
}

/// The lines of a failed program that say why: those that are marked as errors, else the last ones.
fn reason(output: &str) -> String {
    let marked = |line: &&str| {
        let line = line.trim_start();
        ["error", "E:", "Err:", "W:"].iter().any(|mark| line.starts_with(mark))
    };
    let lines: Vec<_> = output.lines().filter(|line| !line.trim().is_empty()).collect();
    let mut errors: Vec<_> = lines.iter().copied().filter(marked).collect();
    if errors.is_empty() {
        errors = lines[lines.len().saturating_sub(3)..].to_vec();
    }
    errors.truncate(4);
    errors.join("\n    ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reason_of_a_failure_is_its_error_lines() {
        let output = "info: downloading\nerror: could not download file\nCaused by: x\n";
        assert_eq!(reason(output), "error: could not download file");
    }

    #[test]
    fn without_error_lines_the_reason_is_the_end() {
        assert_eq!(reason("one\ntwo\nthree\nfour\n"), "two\n    three\n    four");
    }
}
