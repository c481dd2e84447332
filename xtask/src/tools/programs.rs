//! Finds programs and libraries on this machine by their files. A program is started only to ask it what it can do,
//! and its answer is cached.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::tools::cache::Cache;

/// The LLVM release that the project is checked with; it is preferred where there are several.
pub const LLVM: u32 = 22;

/// The oldest releases that are known to do.
pub const OLDEST_CLANG: u32 = 15;
/// See [`OLDEST_CLANG`].
pub const OLDEST_NODE: u32 = 18;
/// The oldest Python 3 that wasmtime's package is for.
const OLDEST_PYTHON: u32 = 9;
/// The first npm that reads the lock files of the project.
const OLDEST_NPM: u32 = 7;

/// The variable that chooses the clang for wasm32, the one that `cc` reads.
const CHOSEN_CLANG: &str = "CC_wasm32_unknown_unknown";

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
    all_on_path(name).next()
}

/// Finds every program of a name on the path, in its order: the first may be too old where a later one does.
pub fn all_on_path(name: &str) -> impl Iterator<Item = PathBuf> {
    // On Windows npm is a script.
    let mut names = vec![executable(name)];
    if cfg!(windows) {
        names.push(format!("{name}.cmd"));
    }
    let folders: Vec<_> = std::env::var_os("PATH").iter().flat_map(std::env::split_paths).collect();
    folders
        .into_iter()
        .flat_map(move |folder| names.iter().map(|name| folder.join(name)).collect::<Vec<_>>())
        .filter(|path| path.is_file())
}

/// A file or folder that the system keeps outside the path. Tests of what gets installed set another root,
/// so that nothing of this machine is found.
pub fn of_system(path: &str) -> PathBuf {
    match std::env::var_os("XTASK_SYSTEM_ROOT") {
        Some(root) => Path::new(&root).join(path.trim_start_matches('/')),
        None => path.into(),
    }
}

/// The LLVM releases that may do, in the order in which they are taken: the one that the project is checked
/// with, then from new to old.
pub fn llvm_releases() -> impl Iterator<Item = u32> {
    [LLVM].into_iter().chain((OLDEST_CLANG..LLVM + 8).rev().filter(|release| *release != LLVM))
}

/// A clang that compiles for wasm32 (Apple's does not), the preferred release first; or what was found in
/// its place.
pub fn clang(cache: &mut Cache) -> Result<PathBuf, String> {
    if let Some(chosen) = chosen(CHOSEN_CLANG)? {
        return targets_wasm(cache, &chosen).map(|()| chosen);
    }
    let named = llvm_releases().filter_map(|release| on_path(&format!("clang-{release}")));
    let plain = all_on_path("clang");
    let unlisted =
        llvm_folders().map(|folder| folder.join("bin").join(executable("clang"))).filter(|path| path.is_file());
    first_that_does(named.chain(plain).chain(unlisted), |clang| targets_wasm(cache, clang))
}

/// Whether a clang is new enough and has the target; the error says what it lacks.
fn targets_wasm(cache: &mut Cache, clang: &Path) -> Result<(), String> {
    let release = cache.ask("release", clang, || said(clang, &["-dumpversion"]));
    new_enough(clang, &release, OLDEST_CLANG)?;
    let targets = cache.ask("targets", clang, || said(clang, &["--print-targets"]));
    if targets.contains("wasm32") { Ok(()) } else { Err(format!("{} has no target wasm32", clang.display())) }
}

/// The major release of a clang, once it was found to do.
pub fn release(cache: &mut Cache, clang: &Path) -> Option<u32> {
    major(&cache.ask("release", clang, || said(clang, &["-dumpversion"])))
}

/// The folder of the `libclang` that `bindgen` is to load, or what was found in its place. `bindgen` reads the
/// headers that come with clang, which a libclang older than that clang does not understand; so the one
/// beside it comes first, and an older one is refused.
pub fn libclang(cache: &mut Cache) -> Result<PathBuf, String> {
    if let Some(chosen) = std::env::var_os("LIBCLANG_PATH").filter(|path| !path.is_empty()).map(PathBuf::from) {
        let folder = if chosen.is_file() { chosen.parent().unwrap_or(&chosen) } else { &chosen };
        let nothing = || format!("LIBCLANG_PATH is {}, where there is no libclang", chosen.display());
        return newest_libclang(folder).map(|_| folder.to_owned()).ok_or_else(nothing);
    }
    let clang = clang(cache).ok();
    let oldest = clang.as_deref().and_then(|clang| release(cache, clang)).unwrap_or(OLDEST_CLANG);
    let beside = clang.and_then(|clang| Some(clang.canonicalize().ok()?.parent()?.parent()?.to_owned()));
    let multiarch = format!("/usr/lib/{}-linux-gnu", std::env::consts::ARCH);
    let system =
        [&multiarch, "/usr/lib64", "/usr/lib", "/usr/local/lib", "/Library/Developer/CommandLineTools/usr/lib"];
    let folders = beside
        .into_iter()
        .chain(llvm_folders())
        .flat_map(|folder| [folder.join("lib"), folder.join("lib64"), folder.join("bin")])
        .chain(system.into_iter().map(of_system));
    let found = folders.filter_map(|folder| newest_libclang(&folder).map(|found| (folder, found)));
    let mut older = Vec::new();
    for (folder, (file, release)) in found {
        match release {
            Some(release) if release < oldest => older.push(too_old(&file, &release.to_string(), oldest)),
            _ => return Ok(folder),
        }
    }
    Err(if older.is_empty() { "not found".to_owned() } else { older.join("; ") })
}

/// The `libclang` that `bindgen` loads from a folder, the newest, with its release where its name says it.
fn newest_libclang(folder: &Path) -> Option<(PathBuf, Option<u32>)> {
    let files = fs::read_dir(folder).ok()?.flatten().map(|entry| entry.path());
    let found = files.filter(|file| is_libclang(&file.file_name().unwrap_or_default().to_string_lossy()));
    // A link that leads nowhere is no library.
    let real = found.filter_map(|file| file.canonicalize().ok().map(|real| (file, real)));
    real.map(|(file, real)| (release_of_libclang(&real), file)).max().map(|(release, file)| (file, release))
}

/// Whether a file's name is one that `bindgen` looks for.
fn is_libclang(name: &str) -> bool {
    name == "libclang.dll"
        || name == "libclang.dylib"
        || name == "libclang.so"
        || name.starts_with("libclang.so.")
        || name.starts_with("libclang-") && !name.starts_with("libclang-cpp") && name.contains(".so")
}

/// The release of a library by the name of its file: `libclang-22.so.22`, `libclang.so.20.1.8`. A single number
/// behind `.so` counts changes of the interface instead.
fn release_of_libclang(file: &Path) -> Option<u32> {
    let name = file.file_name()?.to_string_lossy().into_owned();
    let (named, version) = name.strip_prefix("libclang")?.split_once(".so")?;
    let version = version.trim_start_matches('.');
    named.strip_prefix('-').and_then(major).or_else(|| version.contains('.').then(|| major(version))?)
}

/// LLVM installations, the preferred release first, then from new to old.
fn llvm_folders() -> impl Iterator<Item = PathBuf> {
    llvm_releases()
        .flat_map(|release| [format!("/usr/lib/llvm-{release}"), format!("/usr/lib/llvm/{release}")])
        .chain(LLVM_FOLDERS.map(str::to_owned))
        .map(|folder| of_system(&folder))
}

/// LLVM's linker for wasm, which Rust outside rustup does not bring along; or what was found in its place.
pub fn wasm_ld(cache: &mut Cache) -> Result<PathBuf, String> {
    let named = llvm_releases().filter_map(|release| on_path(&format!("wasm-ld-{release}")));
    first_that_does(named.chain(all_on_path("wasm-ld")), |linker| {
        // It says `LLD 22.1.8`, with the name of who packed it in front.
        let said = cache.ask("release", linker, || said(linker, &["--version"]));
        let version = said.split_once("LLD ").map_or("", |(_, version)| version);
        new_enough(linker, version.split(' ').next().unwrap_or_default(), OLDEST_CLANG)
    })
}

/// The first program that does. The error says of each what it lacks.
fn first_that_does(
    programs: impl Iterator<Item = PathBuf>,
    mut does: impl FnMut(&Path) -> Result<(), String>,
) -> Result<PathBuf, String> {
    let mut lacking: Vec<String> = Vec::new();
    for program in programs {
        match does(&program) {
            Ok(()) => return Ok(program),
            Err(reason) if !lacking.contains(&reason) => lacking.push(reason),
            Err(_) => {}
        }
    }
    Err(if lacking.is_empty() { "not found".to_owned() } else { lacking.join("; ") })
}

/// Whether a program's version is of a release that does; the error says what it is.
fn new_enough(program: &Path, version: &str, oldest: u32) -> Result<(), String> {
    match major(version) {
        Some(release) if release >= oldest => Ok(()),
        Some(_) => Err(too_old(program, version.trim(), oldest)),
        None => Err(format!("{} does not say its version", program.display())),
    }
}

fn too_old(program: &Path, version: &str, oldest: u32) -> String {
    format!("{} is {version}, which is older than {oldest}", program.display())
}

/// A Node that is new enough, the first on the path; or what was found in its place.
pub fn node(cache: &mut Cache) -> Result<PathBuf, String> {
    first_that_does(all_on_path("node").chain(all_on_path("nodejs")), |node| {
        let version = cache.ask("version", node, || said(node, &["--version"]));
        new_enough(node, version.trim().trim_start_matches('v'), OLDEST_NODE)
    })
}

/// The npm that comes with the Node in use, else the first on the path that is new enough; or what was found
/// in its place.
pub fn npm(cache: &mut Cache) -> Result<PathBuf, String> {
    let node = node(cache).ok();
    let beside = node.as_deref().map(|node| node.with_file_name(if cfg!(windows) { "npm.cmd" } else { "npm" }));
    let installed = node.as_deref().and_then(|node| Some(node.canonicalize().ok()?.with_file_name(executable("npm"))));
    let with_node = beside.into_iter().chain(installed).filter(|npm| npm.is_file());
    first_that_does(with_node.chain(all_on_path("npm")), |npm| {
        let version = cache.ask("version", npm, || {
            let mut asked = Command::new(npm);
            with_node_first(&mut asked, node.as_deref());
            answer(asked.arg("--version"))
        });
        new_enough(npm, &version, OLDEST_NPM)
    })
}

/// Has a program that is started by `env node` find this Node, wherever it stands on the path.
pub fn with_node_first(command: &mut Command, node: Option<&Path>) {
    let folder = node.and_then(Path::parent).map(Path::to_owned);
    let path = std::env::var_os("PATH").unwrap_or_default();
    if let Ok(path) = std::env::join_paths(folder.into_iter().chain(std::env::split_paths(&path))) {
        command.env("PATH", path);
    }
}

/// A Python that can make environments, or what was found in its place. Debian has the modules for that in a package
/// of their own.
pub fn python() -> Result<PathBuf, String> {
    const ASKS: &str = "import ensurepip, platform, sqlite3, venv; print(platform.python_version())";
    let found = ["python3", "python"].into_iter().flat_map(all_on_path);
    first_that_does(found, |python| {
        let version = said(python, &["-c", ASKS]);
        match numbers(version.trim())[..] {
            [] => Err(format!("{} lacks its modules ensurepip, sqlite3 or venv", python.display())),
            [3, minor, ..] if minor < OLDEST_PYTHON => {
                Err(format!("{} is 3.{minor}, which is older than 3.{OLDEST_PYTHON}", python.display()))
            }
            _ => Ok(()),
        }
    })
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
    if let Some(chosen) = chosen(variable)? {
        return Ok(chosen);
    }
    let unlisted = unlisted.iter().map(|path| of_system(path)).find(|path| path.is_file());
    names.iter().find_map(|name| on_path(name)).or(unlisted).ok_or_else(|| "not found".to_owned())
}

/// The program that a variable chooses, if it chooses one.
fn chosen(variable: &str) -> Result<Option<PathBuf>, String> {
    let Some(chosen) = std::env::var_os(variable).filter(|chosen| !chosen.is_empty()) else {
        return Ok(None);
    };
    let path = PathBuf::from(chosen);
    let found = if path.is_file() { Some(path.clone()) } else { on_path(&path.to_string_lossy()) };
    found.map(Some).ok_or_else(|| format!("{variable} is {}, which is no program", path.display()))
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

/// What a program prints, in English, when it is asked about itself; empty if it cannot be asked.
pub fn said(program: &Path, arguments: &[&str]) -> String {
    answer(Command::new(program).args(arguments))
}

fn answer(command: &mut Command) -> String {
    command
        .env("LC_ALL", "C")
        .output()
        .map(|output| String::from_utf8_lossy(&output.stdout).into_owned())
        .unwrap_or_default()
}

/// A version's numbers, to compare versions by.
pub fn numbers(version: &str) -> Vec<u32> {
    version.split('.').map_while(|number| number.parse().ok()).collect()
}

/// The first number of a version.
pub fn major(version: &str) -> Option<u32> {
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
    fn the_release_of_a_libclang_is_read_off_its_file_where_the_name_has_it() {
        for (name, release) in [
            ("libclang-22.so.22", Some(22)),
            ("libclang-14.so.14.0.6", Some(14)),
            ("libclang.so.20.1.8", Some(20)),
            ("libclang.so.13", None),
            ("libclang.so", None),
            ("libclang.dylib", None),
        ] {
            assert_eq!(release_of_libclang(Path::new(name)), release, "{name}");
        }
    }

    #[test]
    fn the_release_that_the_project_is_checked_with_comes_first_then_the_newest() {
        let releases: Vec<_> = llvm_releases().collect();
        assert_eq!(releases[0], LLVM);
        assert!(releases[1..].is_sorted_by(|a, b| a > b) && releases.last() == Some(&OLDEST_CLANG), "{releases:?}");
    }

    #[test]
    fn the_major_number_of_a_version_is_its_first() {
        assert_eq!(major("22.1.8"), Some(22));
        assert_eq!(major("20.20.2\n"), Some(20));
        assert_eq!(major(""), None);
    }
}
