//! Installs what is missing, with rustup where it can download and Debian's package manager for the
//! rest. It says what it is about to do, and hands back what did not work and why.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use crate::error::Error;
use crate::system::process;
use crate::system::progress::Progress;
use crate::tools::cache::Cache;
use crate::tools::needs::{Attempt, Missing, Need, Package};
use crate::tools::rust::{TARGET, Way};
use crate::tools::{environment, programs};
use crate::workspace::Workspace;

/// How long rustup may take; on a closed network it does not always notice by itself.
const RUSTUP_LIMIT: Duration = Duration::from_secs(180);

/// Installs as much of what is missing as it can. Returns what it installed and what was tried without success,
/// for the message about what is still missing.
pub fn install(missing: &Missing, workspace: &Workspace) -> Attempt {
    let mut attempt = Attempt::default();
    let components: Vec<_> = missing.needs.iter().filter_map(|(need, _)| need.component()).collect();
    if !components.is_empty()
        && let Err(reason) = rustup("component", &components)
    {
        attempt.tried.push(reason);
    }
    let mut debian: Vec<Need> = missing.needs.iter().map(|(need, _)| *need).collect();
    if missing.has(Need::WasmRust) && missing.way != Some(Way::Debian) {
        match rustup("target", &[TARGET]) {
            Ok(()) => debian.retain(|need| *need != Need::WasmRust),
            Err(reason) if missing.way == Some(Way::Rustup) => {
                attempt.tried.push(reason);
                debian.retain(|need| *need != Need::WasmRust);
            }
            Err(reason) => {
                eprintln!("{reason}\nDebian's packages will do instead");
                attempt.tried.push(reason);
            }
        }
    }
    debian.retain(|need| !need.packages().is_empty());
    let mut cache = Cache::open(workspace.own("programs"));
    if debian.contains(&Need::Npm)
        && let Some(reason) = no_npm_of_debian(&debian, &mut cache)
    {
        attempt.tried.push(reason);
        debian.retain(|need| *need != Need::Npm);
    }
    if !debian.is_empty() {
        // Parts of one release of LLVM belong together, also with a clang that is there already.
        let clang = programs::clang(&mut cache).ok();
        let llvm = clang.and_then(|clang| programs::release(&mut cache, &clang));
        apt(&debian, llvm, &mut attempt);
    }
    attempt
}

/// Why Debian's npm is not to be installed. It brings Debian's Node along, which gets in the way of one that came
/// from elsewhere, or is removed for it.
fn no_npm_of_debian(wanted: &[Need], cache: &mut Cache) -> Option<String> {
    let node = programs::node(cache).ok().filter(|_| !wanted.contains(&Need::Node))?;
    let version = |field: &str| programs::said("dpkg-query".as_ref(), &["-W", "-f", field, "nodejs"]);
    let of_debian = programs::of_system("/usr/bin") == node.parent()? && {
        let version = version("${Version}");
        !version.is_empty() && !version.contains("nodesource")
    };
    (!of_debian).then(|| {
        format!(
            "apt-get install npm: left alone, as it brings a Node of its own beside {}; npm comes with that Node, so \
             install it anew, with npm",
            node.display()
        )
    })
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

/// Installs the packages of some needs with Debian's package manager, choosing them by what they will give.
fn apt(needs: &[Need], llvm: Option<u32>, attempt: &mut Attempt) {
    if programs::on_path("apt-get").is_none() {
        return attempt.tried.push("apt-get: this system has none".to_owned());
    }
    let apt = match elevation() {
        Ok(elevate) => Apt { elevate },
        Err(reason) => {
            // Where the lists are too old to choose from, bringing them up to date is what helps.
            let (chosen, _) = choose(needs, llvm, &candidates(needs));
            let names: Vec<_> = chosen.iter().flat_map(|(_, names)| names).map(String::as_str).collect();
            let then =
                if names.is_empty() { String::new() } else { format!(" && apt-get install {}", names.join(" ")) };
            let advice = format!("{reason}; what it would do as root: apt-get update{then}");
            return attempt.tried.push(advice);
        }
    };
    // Lists that are out of date lack packages, and name files that the mirror no longer has. One source that
    // is out of reach need not be the one that has what is missing.
    let updated = apt.update();
    if let Err(reason) = &updated {
        eprintln!("{reason}\nthe package lists stay as old as they are");
        attempt.tried.push(reason.clone());
    }
    let (chosen, impossible) = choose(needs, llvm, &candidates(needs));
    attempt.tried.extend(impossible);
    let all: Vec<_> = chosen.iter().flat_map(|(_, names)| names).map(String::as_str).collect();
    if all.is_empty() {
        return;
    }
    match apt.install(&all) {
        Ok(()) => attempt.installed.extend(chosen.iter().map(|(need, names)| (*need, names.join(" ")))),
        Err(reason) if chosen.len() == 1 || updated.is_err() => attempt.tried.push(reason),
        // What one need cannot have is no reason for the others to go without.
        Err(_) => {
            for (need, names) in &chosen {
                match apt.install(&names.iter().map(String::as_str).collect::<Vec<_>>()) {
                    Ok(()) => attempt.installed.push((*need, names.join(" "))),
                    Err(reason) => attempt.tried.push(reason),
                }
            }
        }
    }
}

/// The version of each package that an installation would give, for those that exist.
type Candidates = BTreeMap<String, String>;

/// Asks for everything that could be installed for some needs.
fn candidates(needs: &[Need]) -> Candidates {
    let names = needs.iter().flat_map(|need| need.packages()).flat_map(|package| match package {
        Package::OneOf(names) => names.iter().map(|&name| name.to_owned()).collect(),
        Package::Since { name, .. } => vec![(*name).to_owned()],
        Package::Llvm(part) => {
            programs::llvm_releases().map(|release| format!("{part}-{release}")).chain([(*part).to_owned()]).collect()
        }
    });
    let names: Vec<_> = ["policy".to_owned()].into_iter().chain(names).collect();
    let arguments: Vec<_> = names.iter().map(String::as_str).collect();
    read_policy(&programs::said("apt-cache".as_ref(), &arguments))
}

/// Reads what `apt-cache policy` says: the name of each package, and indented under it its candidate.
fn read_policy(said: &str) -> Candidates {
    let mut candidates = Candidates::new();
    let mut package = "";
    for line in said.lines() {
        if let Some(name) = line.strip_suffix(':').filter(|name| !name.starts_with(' ')) {
            package = name;
        } else if let Some(version) = line.trim().strip_prefix("Candidate: ").filter(|version| *version != "(none)") {
            candidates.insert(package.to_owned(), version.to_owned());
        }
    }
    candidates
}

/// The packages to install for each need, and a sentence for each need that has none that does. Parts of LLVM
/// are of the release `llvm` where there is one, else of the first that has all of them.
fn choose(needs: &[Need], llvm: Option<u32>, candidates: &Candidates) -> (Vec<(Need, Vec<String>)>, Vec<String>) {
    let packages = || needs.iter().flat_map(|need| need.packages());
    let has = |part: &str, release: u32| candidates.contains_key(&format!("{part}-{release}"));
    let complete = |release: &u32| {
        packages().all(|package| if let Package::Llvm(part) = package { has(part, *release) } else { true })
    };
    let one = llvm.into_iter().chain(programs::llvm_releases()).find(complete);
    let (mut chosen, mut impossible) = (Vec::new(), Vec::new());
    for need in needs {
        let names: Result<Vec<_>, String> =
            need.packages().iter().map(|package| choose_one(*package, one, candidates)).collect();
        match names {
            Ok(names) => chosen.push((*need, names)),
            Err(reason) => impossible.push(format!("apt-get install: {reason}")),
        }
    }
    // Debian's npm would bring along the Node that was just found not to do.
    if needs.contains(&Need::Node) && !chosen.iter().any(|(need, _)| *need == Need::Node) {
        chosen.retain(|(need, _)| *need != Need::Npm);
    }
    (chosen, impossible)
}

/// The name of the package to install, or what there is in its place.
fn choose_one(package: Package, llvm: Option<u32>, candidates: &Candidates) -> Result<String, String> {
    let from = |name: &str, oldest: &str| match candidates.get(name).map(|version| upstream(version)) {
        Some(version) if programs::numbers(version) >= programs::numbers(oldest) => Ok(name.to_owned()),
        Some(version) => Err(format!("{name} would be {version}, which is older than {oldest}")),
        None => Err(format!("this system's package lists have no {name}")),
    };
    match package {
        Package::OneOf(names) => names
            .iter()
            .find(|name| candidates.contains_key(**name))
            .map(|name| (*name).to_owned())
            .ok_or_else(|| format!("this system's package lists have no {}", names.join(" or "))),
        Package::Since { name, oldest } => from(name, oldest),
        Package::Llvm(part) => {
            let named = llvm.into_iter().chain(programs::llvm_releases()).map(|release| format!("{part}-{release}"));
            let mut named = named.filter(|name| candidates.contains_key(name));
            named.next().map_or_else(|| from(part, &programs::OLDEST_CLANG.to_string()), Ok)
        }
    }
}

/// The version of what is packaged, out of Debian's own: `1:14.0-55.7~deb12u1` is 14.0.
fn upstream(version: &str) -> &str {
    let version = version.split_once(':').map_or(version, |(_, version)| version);
    version.split(|character: char| !character.is_ascii_digit() && character != '.').next().unwrap_or_default()
}

/// Debian's package manager in the course of one installation.
struct Apt {
    /// What is put in front of it to run it as root.
    elevate: Option<&'static str>,
}

impl Apt {
    fn update(&self) -> Result<(), String> {
        // Without the option, lists that could not be fetched are no error.
        self.run("apt-get update", &["update", "-qq", "-o", "APT::Update::Error-Mode=any"])
    }

    /// Installs packages, and removes none for it.
    fn install(&self, names: &[&str]) -> Result<(), String> {
        let label = format!("apt-get install {}", names.join(" "));
        eprintln!("installing: {label}");
        let mut arguments = vec!["install", "-y", "-q", "--no-install-recommends", "--no-remove"];
        arguments.extend(names);
        self.run(&label, &arguments)
    }

    fn run(&self, label: &str, arguments: &[&str]) -> Result<(), String> {
        let mut command = match self.elevate {
            Some(elevate) => Command::new(elevate),
            None => Command::new("env"),
        };
        // `sudo` drops the environment, so the variables go on the command line. A system that was just
        // started may be installing something itself, which is waited for.
        command.args(["DEBIAN_FRONTEND=noninteractive", "LC_ALL=C", "apt-get", "-o", "DPkg::Lock::Timeout=120"]);
        command.args(arguments);
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

    fn lists(packages: &[(&str, &str)]) -> Candidates {
        packages.iter().map(|(name, version)| ((*name).to_owned(), (*version).to_owned())).collect()
    }

    fn names(needs: &[Need], llvm: Option<u32>, packages: &[(&str, &str)]) -> Vec<String> {
        choose(needs, llvm, &lists(packages)).0.into_iter().flat_map(|(_, names)| names).collect()
    }

    const LLVM: [Need; 2] = [Need::Clang, Need::Libclang];

    #[test]
    fn what_debian_adds_to_a_version_is_no_part_of_it() {
        for (version, bare) in
            [("1:14.0-55.7~deb12u1", "14.0"), ("18.20.4+dfsg-1~deb12u3", "18.20.4"), ("1:18.0-59~exp2", "18.0")]
        {
            assert_eq!(upstream(version), bare);
        }
    }

    #[test]
    fn all_parts_of_llvm_are_of_the_newest_release_that_has_them_all() {
        let lists = [("clang-22", "1:22"), ("clang-19", "1:19"), ("libclang1-19", "1:19"), ("clang", "1:14.0")];
        assert_eq!(names(&LLVM, None, &lists), ["clang-19", "libclang1-19"]);
        assert_eq!(
            names(&LLVM, None, &[&lists[..], &[("libclang1-22", "1:22")]].concat()),
            ["clang-22", "libclang1-22"]
        );
    }

    #[test]
    fn a_part_of_llvm_is_of_the_release_of_the_clang_that_is_there() {
        let lists = [("libclang1-22", "1:22"), ("libclang1-19", "1:19")];
        assert_eq!(names(&[Need::Libclang], Some(19), &lists), ["libclang1-19"]);
        assert_eq!(names(&[Need::Libclang], Some(16), &lists), ["libclang1-22"]);
    }

    #[test]
    fn a_package_without_a_number_is_taken_by_the_release_that_it_gives() {
        assert_eq!(names(&[Need::Clang], None, &[("clang", "1:18.0-59~exp2")]), ["clang"]);
        let (chosen, impossible) = choose(
            &[Need::Clang, Need::Node],
            None,
            &lists(&[("clang", "1:14.0-55.7"), ("nodejs", "12.22.12~dfsg-1")]),
        );
        assert_eq!(chosen, []);
        assert_eq!(
            impossible,
            [
                "apt-get install: clang would be 14.0, which is older than 15",
                "apt-get install: nodejs would be 12.22.12, which is older than 18"
            ]
        );
    }

    #[test]
    fn what_apt_knows_of_a_package_is_its_candidate() {
        let said = "clang:\n  Installed: (none)\n  Candidate: 1:14.0-55\n  Version table:\n     1:14.0-55 500\n\
                    clang-22:\n  Installed: (none)\n  Candidate: (none)\n  Version table:\n";
        assert_eq!(read_policy(said), lists(&[("clang", "1:14.0-55")]));
    }

    #[test]
    fn without_error_lines_the_reason_is_the_end() {
        assert_eq!(reason("one\ntwo\nthree\nfour\n"), "two\n    three\n    four");
    }
}
