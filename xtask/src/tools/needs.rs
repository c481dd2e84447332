//! Lists what each verb needs, what it is called, and how to install it on each system; finds what is missing.

use std::fmt;

use crate::tools::cache::Cache;
use crate::tools::programs;
use crate::tools::rust::{self, OLDEST_RUST, Way};
use crate::workspace::Workspace;

/// Something that has to be installed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// Rust that compiles for wasm32: rustup's target, or all of Debian's toolchain.
    WasmRust,
    /// A clang that compiles for wasm32.
    Clang,
    /// The library that `bindgen` reads C headers with.
    Libclang,
    /// A C compiler for this machine.
    HostCompiler,
    /// Node.
    Node,
    /// Node's package manager.
    Npm,
    /// Rust's formatter.
    Rustfmt,
    /// Rust's linter.
    Clippy,
    /// The browser with V8.
    Chromium,
    /// The browser with SpiderMonkey.
    Firefox,
    /// The browser with JavaScriptCore: WebKitGTK's, with its driver and the display it needs.
    WebKit,
    /// Python, with the modules that make environments.
    Python,
}

/// A package of Debian's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Package {
    /// The first of these that exists.
    OneOf(&'static [&'static str]),
    /// One that does from a release on.
    Since {
        /// Its name.
        name: &'static str,
        /// The oldest release that does.
        oldest: &'static str,
    },
    /// A part of LLVM, which has a package for each release (`clang-22`), and one that stands for the release
    /// that the system prefers (`clang`). All parts are to be of one release.
    Llvm(&'static str),
}

/// What `build` needs.
pub const BUILD: [Need; 4] = [Need::HostCompiler, Need::Clang, Need::Libclang, Need::WasmRust];
/// What `run` needs.
pub const RUN: [Need; 5] = [Need::HostCompiler, Need::Clang, Need::Libclang, Need::WasmRust, Need::Node];
/// What `serve` needs.
pub const SERVE: [Need; 6] = [Need::HostCompiler, Need::Clang, Need::Libclang, Need::WasmRust, Need::Node, Need::Npm];
/// What `test` needs before it begins.
pub const TEST: [Need; 8] = [
    Need::HostCompiler,
    Need::Clang,
    Need::Libclang,
    Need::WasmRust,
    Need::Node,
    Need::Npm,
    Need::Rustfmt,
    Need::Clippy,
];
/// What the tests in browsers need besides, which are left out where these are not wanted. WebKitGTK is
/// at home on Linux only.
pub const BROWSERS: &[Need] = if cfg!(target_os = "linux") {
    &[Need::Chromium, Need::Firefox, Need::WebKit]
} else {
    &[Need::Chromium, Need::Firefox]
};

/// What the tests of the host in Python need besides, which are left out where this is not wanted.
pub const PYTHON: &[Need] = &[Need::Python];

impl Need {
    /// What it is called in a sentence.
    pub fn name(self) -> &'static str {
        match self {
            Self::WasmRust => "Rust for wasm32-unknown-unknown",
            Self::Clang => "clang 15 or newer with the wasm32 target",
            Self::Libclang => "libclang (for bindgen)",
            Self::HostCompiler => "a C compiler for this machine",
            Self::Node => "Node 18 or newer",
            Self::Npm => "npm",
            Self::Rustfmt => "rustfmt",
            Self::Clippy => "clippy",
            Self::Chromium => "Chromium or Chrome",
            Self::Firefox => "Firefox",
            Self::WebKit => "WebKitGTK's WebDriver and Xvfb",
            Self::Python => "Python 3.9 or newer with venv",
        }
    }

    /// Debian's packages.
    pub fn packages(self) -> &'static [Package] {
        use Package::{Llvm, OneOf, Since};
        match self {
            Self::WasmRust => &[
                Since { name: "rustc-web", oldest: OLDEST_RUST },
                OneOf(&["cargo-web"]),
                OneOf(&["rust-web-src"]),
                Llvm("lld"),
            ],
            Self::Clang => &[Llvm("clang")],
            Self::Libclang => &[Llvm("libclang1")],
            Self::HostCompiler => &[OneOf(&["gcc"]), OneOf(&["libc6-dev"])],
            Self::Node => &[Since { name: "nodejs", oldest: "18" }],
            Self::Npm => &[OneOf(&["npm"])],
            Self::Chromium => &[OneOf(&["chromium"])],
            Self::Firefox => &[OneOf(&["firefox-esr", "firefox"])],
            Self::WebKit => &[OneOf(&["webkit2gtk-driver"]), OneOf(&["xvfb"])],
            Self::Python => &[OneOf(&["python3"]), OneOf(&["python3-venv"])],
            Self::Rustfmt | Self::Clippy => &[],
        }
    }

    /// The component of rustup's toolchain, if it is one.
    pub fn component(self) -> Option<&'static str> {
        match self {
            Self::Rustfmt => Some("rustfmt"),
            Self::Clippy => Some("clippy"),
            _ => None,
        }
    }

    /// How to get it: system and command.
    fn remedies(self, way: Option<Way>) -> Vec<(&'static str, &'static str)> {
        const TARGET: &str = "rustup target add wasm32-unknown-unknown";
        const DEBIAN: &str = "apt-get update && apt-get install rustc-web cargo-web rust-web-src lld-22";
        match self {
            Self::WasmRust => match way {
                Some(Way::Debian) => vec![("Debian", DEBIAN)],
                Some(Way::Rustup) => vec![("anywhere", TARGET)],
                None => vec![("anywhere", TARGET), ("Debian", DEBIAN)],
            },
            Self::Clang => vec![
                ("Debian", "apt-get update && apt-get install clang-22 (any from clang-15 on does)"),
                ("elsewhere", "https://apt.llvm.org has it for releases of Debian and Ubuntu that have none"),
                ("Fedora", "dnf install clang"),
                ("macOS", "brew install llvm (Apple's clang has no wasm32)"),
                ("Windows", "winget install LLVM.LLVM"),
            ],
            Self::Libclang => vec![
                ("Debian", "apt-get update && apt-get install libclang1-22 (the number of your clang)"),
                ("Fedora", "dnf install clang-libs"),
                ("macOS", "brew install llvm"),
                ("Windows", "winget install LLVM.LLVM"),
                ("elsewhere", "set LIBCLANG_PATH to the folder that holds it"),
            ],
            Self::HostCompiler => vec![
                ("Debian", "apt-get install gcc libc6-dev"),
                ("Fedora", "dnf install gcc"),
                ("macOS", "xcode-select --install"),
                ("Windows", "winget install Microsoft.VisualStudio.2022.BuildTools"),
            ],
            Self::Node | Self::Npm => vec![
                ("Debian", "apt-get update && apt-get install nodejs npm"),
                ("anywhere", "https://nodejs.org/en/download has the newest, with its npm"),
                ("Fedora", "dnf install nodejs npm"),
                ("macOS", "brew install node"),
                ("Windows", "winget install OpenJS.NodeJS.LTS"),
            ],
            Self::Rustfmt => vec![("anywhere", "rustup component add rustfmt")],
            Self::Clippy => vec![("anywhere", "rustup component add clippy")],
            Self::Chromium => vec![
                ("Debian", "apt-get install chromium"),
                ("Fedora", "dnf install chromium"),
                ("macOS", "brew install --cask google-chrome"),
                ("Windows", "winget install Google.Chrome"),
                ("elsewhere", "set CHROMIUM to the program"),
            ],
            Self::Firefox => vec![
                ("Debian", "apt-get install firefox-esr"),
                ("Fedora", "dnf install firefox"),
                ("macOS", "brew install --cask firefox"),
                ("Windows", "winget install Mozilla.Firefox"),
                ("elsewhere", "set FIREFOX to the program"),
            ],
            Self::WebKit => vec![
                ("Debian", "apt-get install webkit2gtk-driver xvfb"),
                ("elsewhere", "put Xvfb on the path and set WEBKIT_DRIVER to the program WebKitWebDriver"),
            ],
            Self::Python => vec![
                ("Debian", "apt-get install python3 python3-venv"),
                ("Fedora", "dnf install python3"),
                ("macOS", "brew install python"),
                ("Windows", "winget install Python.Python.3.12"),
            ],
        }
    }

    /// `None` if it is there, else what was found instead.
    fn lacking(self, wanted: Option<Way>, cache: &mut Cache) -> Option<String> {
        let none = |found: bool| (!found).then(|| "not found".to_owned());
        match self {
            Self::WasmRust => rust::way(wanted, cache).err(),
            Self::Clang => programs::clang(cache).err(),
            Self::Libclang => programs::libclang(cache).err(),
            Self::HostCompiler => none(programs::host_compiler().is_some()),
            Self::Node => programs::node(cache).err(),
            Self::Npm => programs::npm(cache).err(),
            Self::Rustfmt => none(rust::has_component("cargo-fmt")),
            Self::Clippy => none(rust::has_component("cargo-clippy")),
            Self::Chromium => programs::chromium().err(),
            Self::Firefox => programs::firefox().err(),
            Self::WebKit => programs::webkit_driver().err(),
            Self::Python => programs::python().err(),
        }
    }
}

/// Needs that are not met, as an error: each with how to get it.
#[derive(Debug, Default)]
pub struct Missing {
    /// What is missing and what was found in its place.
    pub needs: Vec<(Need, String)>,
    /// The toolchain that was asked for.
    pub way: Option<Way>,
    /// What was done about it.
    pub attempt: Attempt,
}

/// What an installation came to.
#[derive(Debug, Default)]
pub struct Attempt {
    /// What was tried, and why it did not help.
    pub tried: Vec<String>,
    /// The packages that were installed for each need.
    pub installed: Vec<(Need, String)>,
}

impl Missing {
    /// Looks for `needs` on this machine; `None` if all are there.
    pub fn find(workspace: &Workspace, way: Option<Way>, needs: &[Need]) -> Option<Self> {
        let mut cache = Cache::open(workspace.own("programs"));
        let needs: Vec<_> = needs.iter().filter_map(|need| Some((*need, need.lacking(way, &mut cache)?))).collect();
        (!needs.is_empty()).then(|| Self { needs, way, attempt: Attempt::default() })
    }

    /// Whether a need is among the missing.
    pub fn has(&self, need: Need) -> bool {
        self.needs.iter().any(|(missing, _)| *missing == need)
    }
}

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "missing on this machine:")?;
        for (need, found) in &self.needs {
            write!(f, "\n  {}: {found}", need.name())?;
            for (_, names) in self.attempt.installed.iter().filter(|(of, _)| of == need) {
                write!(f, "\n    {names} was installed for it, and that does not do")?;
            }
            for (system, command) in need.remedies(self.way) {
                write!(f, "\n    {system:<9} {command}")?;
            }
        }
        self.attempt.tried.iter().try_for_each(|attempt| write!(f, "\ntried: {attempt}"))
    }
}

impl std::error::Error for Missing {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_missing_thing_is_named_with_what_was_found_and_how_to_get_it() {
        let all = || TEST.into_iter().chain(BROWSERS.iter().chain(PYTHON).copied());
        let needs = all().map(|need| (need, "not found".to_owned())).collect();
        let attempt = Attempt { tried: vec!["apt-get: no network".into()], ..Attempt::default() };
        let text = Missing { needs, way: None, attempt }.to_string();
        for need in all() {
            assert!(text.contains(&format!("{}: not found", need.name())), "{text}");
        }
        for command in ["rustup target add", "install clang-22", "brew install llvm", "winget install"] {
            assert!(text.contains(command), "{command}: {text}");
        }
        assert!(text.ends_with("tried: apt-get: no network"), "{text}");
    }

    #[test]
    fn what_was_installed_and_does_not_do_is_said_with_what_to_do_next() {
        let needs = vec![(Need::Clang, "/usr/bin/clang is 14.0.6, which is older than 15".to_owned())];
        let attempt = Attempt { installed: vec![(Need::Clang, "clang".to_owned())], ..Attempt::default() };
        let text = Missing { needs, way: None, attempt }.to_string();
        let lines: Vec<_> = text.lines().map(str::trim).collect();
        assert!(lines[1].ends_with("/usr/bin/clang is 14.0.6, which is older than 15"), "{text}");
        assert_eq!(lines[2], "clang was installed for it, and that does not do");
        assert!(lines[3].contains("apt-get install clang-22"), "{text}");
    }

    #[test]
    fn a_chosen_toolchain_is_the_only_remedy_shown() {
        let needs = vec![(Need::WasmRust, "not found".to_owned())];
        let text = Missing { needs, way: Some(Way::Debian), ..Missing::default() }.to_string();
        assert!(text.contains("rustc-web") && !text.contains("rustup"), "{text}");
    }
}
