//! What `cargo xtask` installs on machines of several kinds. Each machine is a folder: a path with stand-ins for
//! Debian's package manager and for what it installs, and a root for what lies outside the path.

#![cfg(target_os = "linux")]

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// `lists` is what the machine knows of, `mirror` what there is to know; each has lines of name and version.
const APT_GET: &str = r#"#!/bin/sh
home=${0%/bin/*}
PATH=/usr/bin:/bin
echo "$*" >> "$home/calls"
while [ "$1" = -o ]; do shift 2; done
verb=$1; shift
if [ "$verb" = update ]; then
  if [ -e "$home/offline" ]; then
    echo "E: Failed to fetch http://mirror.test/InRelease  Temporary failure resolving 'mirror.test'" >&2
    exit 100
  fi
  cp "$home/mirror" "$home/lists"
  exit 0
fi
for name; do
  case $name in -*) continue ;; esac
  line=$(grep "^$name " "$home/lists") || { echo "E: Unable to locate package $name"; exit 100; }
  if [ -e "$home/offline" ] || ! grep -qx "$line" "$home/mirror"; then
    echo "E: Failed to fetch http://mirror.test/$name.deb  404  Not Found"
    exit 100
  fi
  version=${line#* }; release=${version#*:}; release=${release%%.*}
  case $name in
    clang*)
      cp "$home/packages/clang" "$home/bin/$name"
      sed -i "s/VERSION/$release.0.6/" "$home/bin/$name" ;;
    libclang1*)
      mkdir -p "$home/root/usr/lib/llvm-$release/lib"
      : > "$home/root/usr/lib/llvm-$release/lib/libclang-$release.so.$release" ;;
    nodejs|npm|firefox-esr)
      cp "$home/packages/$name" "$home/bin/"; [ $name != nodejs ] || mv "$home/bin/nodejs" "$home/bin/node" ;;
  esac
done
"#;

const APT_CACHE: &str = r#"#!/bin/sh
home=${0%/bin/*}
word=Candidate
[ "$LC_ALL" = C ] || word=Installationskandidat
shift
for name; do
  while read -r listed version; do
    [ "$listed" = "$name" ] && printf '%s:\n  Installed: (none)\n  %s: %s\n' "$name" "$word" "$version"
  done < "$home/lists"
done
exit 0
"#;

const CLANG: &str = r#"#!/bin/sh
[ "$1" = -dumpversion ] && echo VERSION
[ "$1" = --print-targets ] && echo "  TARGETS - WebAssembly 32-bit"
exit 0
"#;

fn says(text: &str) -> String {
    format!("#!/bin/sh\necho '{text}'\n")
}

/// One machine at a time: a program that is just being written cannot be started, and what another test starts
/// meanwhile keeps it open for a moment.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

/// A machine with everything that the project needs but LLVM.
struct Machine {
    home: PathBuf,
    _turn: MutexGuard<'static, ()>,
}

impl Machine {
    fn new(name: &str) -> Self {
        let home = Path::new(env!("CARGO_TARGET_TMPDIR")).join("machines").join(name);
        let turn = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
        let _ = fs::remove_dir_all(&home);
        let machine = Self { home, _turn: turn };
        for folder in ["root/usr/lib", "rust/lib/rustlib/wasm32-unknown-unknown/lib"] {
            fs::create_dir_all(machine.home.join(folder)).unwrap();
        }
        for (program, text) in [
            ("bin/apt-get", APT_GET),
            ("bin/apt-cache", APT_CACHE),
            ("bin/id", &says("0")),
            ("bin/node", &says("v20.1.0")),
            ("bin/npm", &says("10.2.0")),
            ("bin/python3", &says("3.11.2")),
            ("bin/dpkg-query", &says("20.1.0+dfsg-1")),
            ("packages/clang", &CLANG.replace("TARGETS", "wasm32")),
            ("packages/nodejs", &says("v18.20.4")),
            ("packages/npm", &says("9.2.0")),
            ("packages/firefox-esr", ""),
            // A build folder of its own, with a memory of programs of its own.
            ("target/CACHEDIR.TAG", ""),
        ] {
            machine.put(program, text);
        }
        for program in ["cc", "chromium", "firefox-esr", "WebKitWebDriver", "Xvfb"] {
            machine.put(&format!("bin/{program}"), "");
        }
        for program in ["cargo", "cargo-fmt", "cargo-clippy"] {
            machine.put(&format!("rust/bin/{program}"), "");
        }
        symlink("/usr/bin/env", machine.home.join("bin/env")).unwrap();
        fs::copy(env!("CARGO_BIN_EXE_xtask"), machine.home.join("target/xtask")).unwrap();
        machine
    }

    fn put(&self, path: &str, text: &str) {
        let path = self.home.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, PermissionsExt::from_mode(0o755)).unwrap();
    }

    /// With package lists that say this, and a mirror that has that.
    fn packages(self, lists: &[&str], mirror: &[&str]) -> Self {
        let lines = |packages: &[&str]| packages.iter().map(|line| format!("{line}\n")).collect::<String>();
        self.put("lists", &lines(lists));
        self.put("mirror", &lines(mirror));
        self
    }

    fn with(self, path: &str, text: &str) -> Self {
        self.put(path, text);
        self
    }

    fn without(self, path: &str) -> Self {
        fs::remove_file(self.home.join(path)).unwrap();
        self
    }

    /// The exit code of `cargo xtask setup` and what it printed to both streams.
    fn setup(&self) -> (Option<i32>, String) {
        let mut command = Command::new(self.home.join("target/xtask"));
        command.arg("setup").env_clear().env("LANG", "de_DE.UTF-8");
        command.env("PATH", self.home.join("bin")).env("XTASK_SYSTEM_ROOT", self.home.join("root"));
        command.env("CARGO", self.home.join("rust/bin/cargo"));
        let Output { status, stdout, stderr } = command.output().expect("xtask starts");
        (status.code(), String::from_utf8(stdout).unwrap() + &String::from_utf8(stderr).unwrap())
    }

    /// What the package manager was asked to do, options aside.
    fn calls(&self) -> Vec<String> {
        let calls = fs::read_to_string(self.home.join("calls")).unwrap_or_default();
        let words = |line: &str| {
            let verb = line.find("update").or_else(|| line.find("install")).unwrap();
            let words = line[verb..].split(' ').filter(|word| !word.starts_with('-') && !word.contains("::"));
            words.collect::<Vec<_>>().join(" ")
        };
        calls.lines().map(words).collect()
    }

    /// Sets up, which has to go well.
    fn ready(&self) -> Vec<String> {
        let (code, said) = self.setup();
        assert_eq!(code, Some(0), "{said}");
        self.calls()
    }

    /// Sets up, which has to say what is missing.
    fn missing(&self) -> String {
        let (code, said) = self.setup();
        assert_eq!(code, Some(2), "{said}");
        assert!(said.contains("xtask: missing on this machine:\n"), "{said}");
        said
    }
}

const OLD: [&str; 2] = ["clang 1:14.0-55.7~deb12u1", "libclang1 1:14.0-55.7~deb12u1"];

#[test]
fn old_package_lists_are_brought_up_to_date_before_a_clang_is_chosen() {
    let new = [&OLD[..], &["clang-22 1:22.1.8-1~deb12u1", "libclang1-22 1:22.1.8-1~deb12u1"]].concat();
    let calls = Machine::new("old-lists").packages(&OLD, &new).ready();
    assert_eq!(calls, ["update", "install clang-22 libclang1-22"]);
}

#[test]
fn the_newest_clang_that_all_its_parts_exist_for_is_taken() {
    let lists =
        ["clang-16 1:16.0.6", "libclang1-16 1:16.0.6", "clang-19 1:19.1.7", "libclang1-19 1:19.1.7", "clang-21 1:21.1"];
    let calls = Machine::new("several-clangs").packages(&[], &[&OLD[..], &lists].concat()).ready();
    assert_eq!(calls, ["update", "install clang-19 libclang1-19"]);
}

#[test]
fn a_clang_that_is_too_old_is_not_installed_and_said_with_what_to_do() {
    let machine = Machine::new("only-clang-14").packages(&OLD, &OLD);
    let said = machine.missing();
    assert_eq!(machine.calls(), ["update"]);
    assert!(said.contains("clang would be 14.0, which is older than 15"), "{said}");
    assert!(said.contains("https://apt.llvm.org"), "{said}");
}

#[test]
fn a_clang_that_is_there_and_too_old_is_named_and_a_newer_one_installed_beside_it() {
    let new = ["clang-22 1:22.1.8", "libclang1-22 1:22.1.8"];
    let old = CLANG.replace("VERSION", "14.0.6").replace("TARGETS", "wasm32");
    let machine = Machine::new("clang-14-there").with("bin/clang", &old).packages(&OLD, &OLD);
    let said = machine.missing();
    assert!(said.contains("/bin/clang is 14.0.6, which is older than 15\n"), "{said}");

    assert_eq!(machine.packages(&OLD, &new).ready()[1..], ["update", "install clang-22 libclang1-22"]);
}

#[test]
fn without_network_it_is_said_that_the_lists_stay_old() {
    let machine = Machine::new("offline").with("offline", "").packages(&OLD, &[]);
    let said = machine.missing();
    assert_eq!(machine.calls(), ["update"]);
    assert!(said.contains("tried: apt-get update: E: Failed to fetch http://mirror.test/InRelease"), "{said}");
    assert!(said.contains("clang 15 or newer with the wasm32 target: not found"), "{said}");
}

#[test]
fn without_network_a_package_that_cannot_be_fetched_is_named() {
    let lists = ["clang-19 1:19.1.7", "libclang1-19 1:19.1.7"];
    let machine = Machine::new("offline-lists").with("offline", "").packages(&lists, &[]);
    let said = machine.missing();
    assert_eq!(machine.calls(), ["update", "install clang-19 libclang1-19"]);
    assert!(said.contains("apt-get install clang-19 libclang1-19: E: Failed to fetch"), "{said}");
}

#[test]
fn what_was_installed_and_does_not_do_is_named_with_why() {
    let new = ["clang-22 1:22.1.8", "libclang1-22 1:22.1.8"];
    let machine = Machine::new("no-wasm").with("packages/clang", &CLANG.replace("TARGETS", "x86-64"));
    let said = machine.packages(&[], &new).missing();
    assert!(
        said.contains("/bin/clang-22 has no target wasm32\n    clang-22 was installed for it, and that does not do\n"),
        "{said}"
    );
}

#[test]
fn a_libclang_older_than_clang_is_not_taken() {
    let clang = CLANG.replace("VERSION", "19.1.7").replace("TARGETS", "wasm32");
    let lists = ["libclang1-22 1:22.1.8", "libclang1-19 1:19.1.7"];
    let machine = Machine::new("old-libclang").with("bin/clang-19", &clang);
    let machine = machine.with("root/usr/lib/llvm-15/lib/libclang-15.so.15", "").packages(&[], &lists);
    assert_eq!(machine.ready(), ["update", "install libclang1-19"]);
}

#[test]
fn a_package_that_does_not_exist_keeps_no_other_from_being_installed() {
    let new = ["clang-22 1:22.1.8", "libclang1-22 1:22.1.8"];
    let machine = Machine::new("no-firefox").without("bin/firefox-esr").packages(&[], &new);
    let said = machine.missing();
    assert_eq!(machine.calls(), ["update", "install clang-22 libclang1-22"]);
    assert!(said.contains("this system's package lists have no firefox-esr or firefox"), "{said}");
    assert!(!said.contains("clang 15 or newer"), "{said}");
}

#[test]
fn a_package_that_cannot_be_installed_keeps_no_other_from_being_installed() {
    let lists = ["clang-22 1:22.1.8", "libclang1-22 1:22.1.8", "firefox-esr 140"];
    let machine = Machine::new("firefox-fails").without("bin/firefox-esr").packages(&[], &lists);
    let refusing = APT_GET.replace("nodejs|npm|firefox-esr)", "firefox-esr) exit 100 ;;\n    nodejs|npm)");
    let machine = machine.with("bin/apt-get", &refusing);
    let said = machine.missing();
    assert!(!said.contains("clang 15 or newer") && said.contains("Firefox: not found"), "{said}");
}

#[test]
fn nothing_is_removed_for_what_is_installed() {
    let machine = Machine::new("no-remove").packages(&[], &["clang-22 1:22.1.8", "libclang1-22 1:22.1.8"]);
    machine.ready();
    let calls = fs::read_to_string(machine.home.join("calls")).unwrap();
    assert!(
        calls.lines().filter(|line| line.contains(" install ")).all(|line| line.contains(" --no-remove ")),
        "{calls}"
    );
}

#[test]
fn whoever_is_not_root_and_has_no_sudo_is_told_what_to_run_as_root() {
    let lists = ["clang-22 1:22.1.8", "libclang1-22 1:22.1.8"];
    let machine = Machine::new("no-root").with("bin/id", &says("1000")).packages(&lists, &lists);
    let said = machine.missing();
    assert_eq!(machine.calls(), [""; 0]);
    assert!(
        said.contains("no sudo; what it would do as root: apt-get update && apt-get install clang-22 libclang1-22"),
        "{said}"
    );
}

#[test]
fn sudo_is_used_where_there_is_one() {
    let lists = ["clang-22 1:22.1.8", "libclang1-22 1:22.1.8"];
    let sudo = "#!/bin/sh\n[ \"$1\" = -v ] && exit 0\nexec env \"$@\"\n";
    let machine = Machine::new("sudo").with("bin/id", &says("1000")).with("bin/sudo", sudo).packages(&lists, &lists);
    assert_eq!(machine.ready(), ["update", "install clang-22 libclang1-22"]);
}

/// A machine whose LLVM is there and whose Node is looked at.
fn node_machine(name: &str) -> Machine {
    let clang = CLANG.replace("VERSION", "22.1.8").replace("TARGETS", "wasm32");
    Machine::new(name).with("bin/clang-22", &clang).with("root/usr/lib/llvm-22/lib/libclang-22.so.22", "")
}

#[test]
fn a_node_that_would_be_too_old_is_not_installed() {
    let lists = ["nodejs 12.22.12~dfsg-1~deb11u4", "npm 7.5.2+ds-2"];
    let machine = node_machine("old-node").without("bin/node").without("bin/npm").packages(&lists, &lists);
    let said = machine.missing();
    assert_eq!(machine.calls(), ["update"]);
    assert!(said.contains("nodejs would be 12.22.12, which is older than 18"), "{said}");
    assert!(said.contains("https://nodejs.org/en/download"), "{said}");
}

#[test]
fn a_node_that_is_new_enough_is_found_behind_one_that_is_not() {
    let machine = node_machine("two-nodes").packages(&[], &[]).without("bin/node");
    let machine = machine.with("bin/node", &says("v12.0.0")).with("bin/nodejs", &says("v20.1.0"));
    assert_eq!(machine.ready(), [""; 0]);
}

#[test]
fn debians_npm_is_left_alone_beside_a_node_from_elsewhere() {
    let lists = ["nodejs 18.20.4+dfsg-1", "npm 9.2.0~ds1-1"];
    let machine = node_machine("foreign-node").without("bin/npm").packages(&lists, &lists);
    let said = machine.missing();
    assert_eq!(machine.calls(), [""; 0]);
    assert!(said.contains("apt-get install npm: left alone"), "{said}");
    assert!(said.contains("npm comes with that Node"), "{said}");
}

#[test]
fn npm_is_found_beside_the_node_that_it_came_with() {
    let machine = node_machine("linked-node").without("bin/npm").without("bin/node").packages(&[], &[]);
    let machine = machine.with("opt/node/bin/node", &says("v22.0.0")).with("opt/node/bin/npm", &says("10.0.0"));
    symlink(machine.home.join("opt/node/bin/node"), machine.home.join("bin/node")).unwrap();
    assert_eq!(machine.ready(), [""; 0]);
}
