//! Finds programs and libraries on this machine by looking at files, without starting anything except
//! where a program has to be asked what it can do; that answer is remembered.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::tools::cache::Cache;

/// The LLVM release that the project is checked with; it is preferred where there are several.
pub const LLVM: u32 = 22;

/// The oldest clang and Node that are known to do.
const OLDEST_CLANG: u32 = 15;
const OLDEST_NODE: u32 = 18;

/// Folders of LLVM installations that are not on the path.
const LLVM_FOLDERS: [&str; 5] = [
    "/opt/homebrew/opt/llvm",
    "/usr/local/opt/llvm",
    "/opt/local/libexec/llvm",
    "/usr/lib64/llvm",
    "C:/Program Files/LLVM",
];

/// Finds a program on the path.
pub fn on_path(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    // On Windows npm is a script.
    let names = [executable(name), format!("{name}.cmd")];
    let names = if cfg!(windows) { &names[..] } else { &names[..1] };
    std::env::split_paths(&path)
        .flat_map(|folder| names.iter().map(move |name| folder.join(name)))
        .find(|path| path.is_file())
}

/// A clang that compiles for wasm32 (Apple's does not), the preferred release first.
pub fn clang(cache: &mut Cache) -> Option<PathBuf> {
    let chosen = std::env::var_os("CC_wasm32_unknown_unknown").map(PathBuf::from);
    let chosen = chosen.into_iter().filter_map(|c| if c.is_file() { Some(c) } else { on_path(&c.to_string_lossy()) });
    let newest_first = (OLDEST_CLANG..LLVM + 8).rev();
    let named = [LLVM].into_iter().chain(newest_first).map(|release| format!("clang-{release}"));
    let named = named.filter_map(|name| on_path(&name));
    let plain = on_path("clang").into_iter();
    let unlisted =
        llvm_folders().map(|folder| folder.join("bin").join(executable("clang"))).filter(|path| path.is_file());
    chosen.chain(named).chain(plain).chain(unlisted).find(|path| targets_wasm(cache, path))
}

fn targets_wasm(cache: &mut Cache, clang: &Path) -> bool {
    cache.ask("targets", clang, || {
        let (version, targets) = (said(clang, &["-dumpversion"]), said(clang, &["--print-targets"]));
        let new_enough = major(&version).is_some_and(|major| major >= OLDEST_CLANG);
        if new_enough && targets.contains("wasm32") { "wasm32" } else { "no" }.to_owned()
    }) == "wasm32"
}

/// The folder of the `libclang` that `bindgen` is to load, the preferred release first.
pub fn libclang() -> Option<PathBuf> {
    if let Some(chosen) = std::env::var_os("LIBCLANG_PATH").map(PathBuf::from) {
        let folder = if chosen.is_file() { chosen.parent()?.to_owned() } else { chosen };
        return holds_libclang(&folder).then_some(folder);
    }
    let multiarch = format!("/usr/lib/{}-linux-gnu", std::env::consts::ARCH);
    let system =
        [&multiarch, "/usr/lib64", "/usr/lib", "/usr/local/lib", "/Library/Developer/CommandLineTools/usr/lib"];
    llvm_folders()
        .flat_map(|folder| [folder.join("lib"), folder.join("lib64"), folder.join("bin")])
        .chain(system.into_iter().map(PathBuf::from))
        .find(|folder| holds_libclang(folder))
}

fn holds_libclang(folder: &Path) -> bool {
    let Ok(entries) = fs::read_dir(folder) else {
        return false;
    };
    entries.flatten().any(|entry| is_libclang(&entry.file_name().to_string_lossy()))
}

/// Whether a file's name is one that `bindgen` looks for.
fn is_libclang(name: &str) -> bool {
    name == "libclang.dll"
        || name == "libclang.dylib"
        || name == "libclang.so"
        || name.starts_with("libclang.so.")
        || name.starts_with("libclang-") && !name.starts_with("libclang-cpp") && name.contains(".so")
}

/// LLVM installations, the preferred release first, then from new to old.
fn llvm_folders() -> impl Iterator<Item = PathBuf> {
    let releases = [LLVM].into_iter().chain((OLDEST_CLANG..LLVM + 8).rev());
    releases
        .flat_map(|release| [format!("/usr/lib/llvm-{release}"), format!("/usr/lib/llvm/{release}")])
        .chain(LLVM_FOLDERS.map(str::to_owned))
        .map(PathBuf::from)
}

/// LLVM's linker for wasm, which Rust outside rustup does not bring along.
pub fn wasm_ld() -> Option<PathBuf> {
    let releases = [LLVM].into_iter().chain((OLDEST_CLANG..LLVM + 8).rev());
    releases.map(|release| format!("wasm-ld-{release}")).chain(["wasm-ld".to_owned()]).find_map(|name| on_path(&name))
}

/// A Node that is new enough, or why there is none.
pub fn node(cache: &mut Cache) -> Result<PathBuf, String> {
    let node = on_path("node").or_else(|| on_path("nodejs")).ok_or("not on the path")?;
    let version = cache.ask("version", &node, || said(&node, &["--version"]));
    match major(version.trim().trim_start_matches('v')) {
        Some(major) if major >= OLDEST_NODE => Ok(node),
        _ => Err(format!("{} is {}, which is older than {OLDEST_NODE}", node.display(), version.trim())),
    }
}

/// Chromium, or Chrome, which tests take as well; or why there is none.
pub fn chromium() -> Result<PathBuf, String> {
    let names = ["chromium", "chromium-browser", "google-chrome-stable", "google-chrome", "chrome"];
    let unlisted = [
        "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
        "C:/Program Files/Google/Chrome/Application/chrome.exe",
    ];
    browser("CHROMIUM", &names, &unlisted)
}

/// Firefox, or why there is none.
pub fn firefox() -> Result<PathBuf, String> {
    let unlisted = ["/Applications/Firefox.app/Contents/MacOS/firefox", "C:/Program Files/Mozilla Firefox/firefox.exe"];
    browser("FIREFOX", &["firefox-esr", "firefox"], &unlisted)
}

/// The driver of WebKitGTK, or why it cannot be used: it shows its pages, so it needs a display.
pub fn webkit_driver() -> Result<PathBuf, String> {
    let driver = browser("WEBKIT_DRIVER", &["WebKitWebDriver"], &[])?;
    on_path("Xvfb").map(|_| driver).ok_or_else(|| "there is no Xvfb on the path".to_owned())
}

/// The browser that `variable` chooses, else the first of `names` on the path, else of the places
/// where it is installed outside the path.
fn browser(variable: &str, names: &[&str], unlisted: &[&str]) -> Result<PathBuf, String> {
    if let Some(chosen) = std::env::var_os(variable).filter(|chosen| !chosen.is_empty()) {
        let path = PathBuf::from(chosen);
        let found = if path.is_file() { Some(path.clone()) } else { on_path(&path.to_string_lossy()) };
        return found.ok_or_else(|| format!("{variable} is {}, which is no program", path.display()));
    }
    let unlisted = unlisted.iter().map(PathBuf::from).find(|path| path.is_file());
    names.iter().find_map(|name| on_path(name)).or(unlisted).ok_or_else(|| "not found".to_owned())
}

/// The compiler for the host that `cc` would take.
pub fn host_compiler() -> Option<PathBuf> {
    let chosen = std::env::var("CC").ok().filter(|name| !name.is_empty());
    match chosen {
        Some(name) if Path::new(&name).is_file() => Some(name.into()),
        Some(name) => on_path(&name),
        None => ["cc", "gcc", "clang"].into_iter().find_map(on_path),
    }
}

/// The name of a program's file on this system.
pub fn executable(name: &str) -> String {
    format!("{name}{}", std::env::consts::EXE_SUFFIX)
}

/// What a program prints when it is asked about itself; empty if it cannot be asked.
pub fn said(program: &Path, arguments: &[&str]) -> String {
    Command::new(program)
        .args(arguments)
        .output()
        .map(|output| String::from_utf8_lossy(&output.stdout).into_owned())
        .unwrap_or_default()
}

fn major(version: &str) -> Option<u32> {
    version.split('.').next()?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_names_of_libclang_are_those_that_bindgen_loads() {
        for name in ["libclang.so", "libclang.so.1", "libclang-22.so.22", "libclang-14.so", "libclang.dylib"] {
            assert!(is_libclang(name), "{name}");
        }
        for name in ["libclang-cpp.so.22.1", "libclangBasic.a", "liblldb.so"] {
            assert!(!is_libclang(name), "{name}");
        }
    }

    #[test]
    fn the_major_number_of_a_version_is_its_first() {
        assert_eq!(major("22.1.8"), Some(22));
        assert_eq!(major("20.20.2\n"), Some(20));
        assert_eq!(major(""), None);
    }
}
