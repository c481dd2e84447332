//! Reads the command line of `xtask`.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::path::PathBuf;

use codegen::lua::release::Release;

use crate::error::Error;
use crate::tools::rust::Way;

/// What `cargo xtask help` prints.
pub const USAGE: &str = "\
usage: cargo xtask VERB [options]

  setup                      get whatever is missing to build, run and test
  build                      build web/lua.wasm, web/lua-5.5.wasm and their variants for other engines
    --verify-reproducible    build it again in another place and compare the bytes
  generate                   rewrite the files that are generated from exports.toml
    --check                  only say which of them would change, and fail if any would
  abi diff OLD NEW           compare two ABIs, each an exports.toml, an ABI file as web/abi.json, or a module;
                             fail if a change breaks callers and the version has not grown
  lua RELEASE                build with another release of Lua, as 5.4.8: check that all edits fit, move its line,
                             build, test, and tell what it changes; one that is not pinned is taken from the registry
    --no-test                leave out the tests
    --check                  in place of a release: say whether the registry has newer ones; exit code 0 if not,
                             3 if so, 1 if it cannot be asked
  run [options] [FILE args]  run the command lua-persistent, building first if something changed: all its
                             options are taken, and `run --help` tells them
    --                       no option behind it is one of xtask
  serve                      build the page, and serve it on this machine until Ctrl-C
    --port N                 at http://127.0.0.1:N/; 8000 unless given
  pack                       write the files of a release into target/release-files: the package, every artifact, the
                             ABI file, the conformance kit, and their checksums
  test [STEP ...]            run every test, or the steps named (or tagged rust, js, lint)
  help                       this text

options of every verb
  --no-install               install nothing; name what is missing and how to get it
  --toolchain rustup|debian  which Rust compiles for wasm32 (also LUA_PERSISTENT_TOOLCHAIN)
  --verbose                  show the output of steps that pass, too
";

const VERBS: [&str; 10] = ["setup", "build", "generate", "abi", "lua", "run", "serve", "pack", "test", "help"];

/// Where the page is served unless the command line says otherwise.
const PORT: u16 = 8000;

/// A whole command line.
#[derive(Debug, PartialEq, Eq)]
pub struct Invocation {
    /// What to do.
    pub verb: Verb,
    /// How.
    pub options: Options,
}

/// What to do.
#[derive(Debug, PartialEq, Eq)]
pub enum Verb {
    /// Print the usage.
    Help,
    /// Install what is missing.
    Setup,
    /// Build the module.
    Build {
        /// Also build it a second time elsewhere and compare.
        verify_reproducible: bool,
    },
    /// Write the generated files.
    Generate {
        /// Compare only.
        check: bool,
    },
    /// Compare two ABIs.
    AbiDiff {
        /// The file of the old one.
        old: PathBuf,
        /// The file of the new one.
        new: PathBuf,
    },
    /// Build with another release of Lua.
    Lua {
        /// The release.
        release: Release,
        /// Whether to run the tests.
        tests: bool,
    },
    /// Say whether there are newer releases of Lua.
    LuaNews,
    /// Run the command of the package.
    Run {
        /// Its own command line.
        words: Vec<OsString>,
    },
    /// Serve the page.
    Serve {
        /// Port on this machine; 0 for one that is free.
        port: u16,
    },
    /// Write the files of a release.
    Pack,
    /// Run tests.
    Test {
        /// Names or tags of steps; none means all.
        filters: Vec<String>,
    },
}

/// Options of every verb.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Options {
    /// Install nothing.
    pub no_install: bool,
    /// The Rust toolchain that compiles the guest; `None` takes what is there.
    pub way: Option<Way>,
    /// Show the output of what passes.
    pub verbose: bool,
}

/// A command line that makes no sense: what is wrong with it, and what was probably meant.
#[derive(Debug, PartialEq, Eq)]
pub struct UsageError {
    problem: String,
    suggestion: Option<&'static str>,
}

impl UsageError {
    /// A problem with nothing to suggest.
    pub fn new(problem: impl Into<String>) -> Self {
        Self { problem: problem.into(), suggestion: None }
    }

    /// Also says what there is to choose from.
    pub fn with_choice(mut self, known: &[&str]) -> Self {
        self.problem += &format!(" (there is: {})", known.join(", "));
        self
    }

    /// A word that should have been one of `known`.
    pub fn unknown(kind: &str, word: &str, known: &[&'static str]) -> Self {
        Self { problem: format!("there is no {kind} `{word}`"), suggestion: nearest(word, known) }
    }
}

impl fmt::Display for UsageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.problem)?;
        if let Some(word) = self.suggestion {
            write!(f, "; did you mean `{word}`?")?;
        }
        write!(f, "\n\n{}", USAGE.trim_end())
    }
}

impl std::error::Error for UsageError {}

impl From<UsageError> for Error {
    fn from(error: UsageError) -> Self {
        Self::refused(error)
    }
}

/// Reads the words behind `cargo xtask`.
pub fn parse(words: impl Iterator<Item = OsString>) -> Result<Invocation, UsageError> {
    let way = match std::env::var("LUA_PERSISTENT_TOOLCHAIN") {
        Ok(name) if !name.is_empty() => Some(way(&name)?),
        _ => None,
    };
    let mut reader =
        Reader { words: words.collect::<Vec<_>>().into_iter(), options: Options { way, ..Options::default() } };
    let verb = reader.verb()?;
    Ok(Invocation { verb, options: reader.options })
}

struct Reader {
    words: std::vec::IntoIter<OsString>,
    options: Options,
}

/// The next thing on the command line that is not an option of every verb.
enum Word {
    /// `--name` with the part behind `=`, if there is one.
    Option(String, Option<OsString>),
    Plain(OsString),
}

impl Reader {
    fn verb(&mut self) -> Result<Verb, UsageError> {
        let name = match self.next()? {
            None => return Err(UsageError::new("say what to do")),
            Some(Word::Option(name, _)) if name == "--help" => return Ok(Verb::Help),
            Some(Word::Option(name, _)) => return Err(unknown_option(&name, &[])),
            Some(Word::Plain(name)) => name.to_string_lossy().into_owned(),
        };
        match name.as_str() {
            "help" => Ok(Verb::Help),
            "setup" => Ok(self.flag(None)?.map_or(Verb::Help, |_| Verb::Setup)),
            "build" => Ok(self
                .flag(Some("--verify-reproducible"))?
                .map_or(Verb::Help, |verify_reproducible| Verb::Build { verify_reproducible })),
            "generate" => Ok(self.flag(Some("--check"))?.map_or(Verb::Help, |check| Verb::Generate { check })),
            "abi" => self.abi(),
            "lua" => self.lua(),
            "run" => self.command(),
            "serve" => self.port(),
            "pack" => Ok(self.flag(None)?.map_or(Verb::Help, |_| Verb::Pack)),
            "test" => self.filters(),
            other => Err(UsageError::unknown("verb", other, &VERBS)),
        }
    }

    /// Reads to the end for a verb that has at most one flag. `None` when help was asked for.
    fn flag(&mut self, flag: Option<&'static str>) -> Result<Option<bool>, UsageError> {
        let mut found = false;
        while let Some(word) = self.next()? {
            match word {
                Word::Option(name, None) if name == "--help" => return Ok(None),
                Word::Option(name, None) if Some(name.as_str()) == flag => found = true,
                Word::Option(name, _) => return Err(unknown_option(&name, flag.as_slice())),
                Word::Plain(word) => {
                    let word = word.to_string_lossy();
                    return Err(UsageError::new(format!("`{word}` is one word too many")));
                }
            }
        }
        Ok(Some(found))
    }

    /// `diff OLD NEW`
    fn abi(&mut self) -> Result<Verb, UsageError> {
        let mut words = Vec::new();
        while let Some(word) = self.next()? {
            match word {
                Word::Option(name, None) if name == "--help" => return Ok(Verb::Help),
                Word::Option(name, _) => return Err(unknown_option(&name, &[])),
                Word::Plain(word) => words.push(word),
            }
        }
        let [action, files @ ..] = &words[..] else {
            return Err(UsageError::new("say what to do with the ABI: `abi diff OLD NEW`"));
        };
        if action != "diff" {
            return Err(UsageError::unknown("action of `abi`", &action.to_string_lossy(), &["diff"]));
        }
        match files {
            [old, new] => Ok(Verb::AbiDiff { old: old.into(), new: new.into() }),
            _ => Err(UsageError::new(format!("`abi diff` takes two files, not {}", files.len()))),
        }
    }

    /// A release, or `--check`.
    fn lua(&mut self) -> Result<Verb, UsageError> {
        let (mut release, mut tests, mut check) = (None, true, false);
        while let Some(word) = self.next()? {
            match word {
                Word::Option(name, None) if name == "--help" => return Ok(Verb::Help),
                Word::Option(name, None) if name == "--check" => check = true,
                Word::Option(name, None) if name == "--no-test" => tests = false,
                Word::Option(name, _) => return Err(unknown_option(&name, &["--check", "--no-test"])),
                Word::Plain(word) if release.is_none() => {
                    release = Some(word.to_string_lossy().parse().map_err(|reason: String| UsageError::new(reason))?);
                }
                Word::Plain(word) => {
                    let word = word.to_string_lossy();
                    return Err(UsageError::new(format!("`{word}` is one word too many")));
                }
            }
        }
        match release {
            None if check && tests => Ok(Verb::LuaNews),
            Some(release) if !check => Ok(Verb::Lua { release, tests }),
            None if !check => Err(UsageError::new("`lua` needs a release, as 5.4.8, or `--check`")),
            _ => Err(UsageError::new("`--check` stands alone: it moves to no release")),
        }
    }

    /// The words are those of the command, except `--no-install` and `--toolchain`, up to the first `--`.
    fn command(&mut self) -> Result<Verb, UsageError> {
        let mut words = Vec::new();
        while let Some(word) = self.words.next() {
            match option(&word) {
                Some((name, None)) if name == "--no-install" => self.options.no_install = true,
                Some((name, value)) if name == "--toolchain" => self.toolchain(&name, value)?,
                Some((name, None)) if name == "--" => {
                    words.push(word);
                    words.extend(self.words.by_ref());
                }
                _ => words.push(word),
            }
        }
        Ok(Verb::Run { words })
    }

    fn port(&mut self) -> Result<Verb, UsageError> {
        let mut port = PORT;
        while let Some(word) = self.next()? {
            match word {
                Word::Option(name, None) if name == "--help" => return Ok(Verb::Help),
                Word::Option(name, value) if name == "--port" => {
                    let value = self.value(&name, value)?;
                    port = value.to_str().and_then(|text| text.parse().ok()).ok_or_else(|| {
                        let value = value.to_string_lossy();
                        UsageError::new(format!("`{value}` is no port: it has to be a number from 0 to {}", u16::MAX))
                    })?;
                }
                Word::Option(name, _) => return Err(unknown_option(&name, &["--port"])),
                Word::Plain(word) => {
                    let word = word.to_string_lossy();
                    return Err(UsageError::new(format!("`{word}` is one word too many")));
                }
            }
        }
        Ok(Verb::Serve { port })
    }

    fn filters(&mut self) -> Result<Verb, UsageError> {
        let mut filters = Vec::new();
        while let Some(word) = self.next()? {
            match word {
                Word::Option(name, None) if name == "--help" => return Ok(Verb::Help),
                Word::Option(name, _) => return Err(unknown_option(&name, &[])),
                Word::Plain(word) => filters.push(word.to_string_lossy().into_owned()),
            }
        }
        Ok(Verb::Test { filters })
    }

    /// The next word, after taking in any options of every verb before it.
    fn next(&mut self) -> Result<Option<Word>, UsageError> {
        while let Some(word) = self.words.next() {
            let Some((name, value)) = option(&word) else {
                return Ok(Some(Word::Plain(word)));
            };
            match (name.as_str(), value) {
                ("--no-install", None) => self.options.no_install = true,
                ("--verbose" | "-v", None) => self.options.verbose = true,
                ("--toolchain", value) => self.toolchain(&name, value)?,
                ("-h", None) => return Ok(Some(Word::Option("--help".into(), None))),
                (_, value) => return Ok(Some(Word::Option(name, value))),
            }
        }
        Ok(None)
    }

    fn toolchain(&mut self, name: &str, inline: Option<OsString>) -> Result<(), UsageError> {
        let value = self.value(name, inline)?;
        self.options.way = Some(way(&value.to_string_lossy())?);
        Ok(())
    }

    fn value(&mut self, name: &str, inline: Option<OsString>) -> Result<OsString, UsageError> {
        inline
            .or_else(|| self.words.next())
            .filter(|value| !value.is_empty())
            .ok_or_else(|| UsageError::new(format!("`{name}` needs a value")))
    }
}

/// Splits `--name=value`; `None` for a word that is no option.
fn option(word: &OsStr) -> Option<(String, Option<OsString>)> {
    let text = word.to_str()?;
    if !text.starts_with('-') || text == "-" {
        return None;
    }
    Some(match text.split_once('=') {
        Some((name, value)) => (name.to_owned(), Some(value.into())),
        None => (text.to_owned(), None),
    })
}

fn unknown_option(name: &str, of_verb: &[&'static str]) -> UsageError {
    let mut known = vec!["--no-install", "--toolchain", "--verbose", "--help"];
    known.extend(of_verb);
    UsageError::unknown("option", name, &known)
}

fn way(name: &str) -> Result<Way, UsageError> {
    match name {
        "rustup" => Ok(Way::Rustup),
        "debian" => Ok(Way::Debian),
        other => Err(UsageError::unknown("toolchain", other, &["rustup", "debian"])),
    }
}

/// The known word with the smallest edit distance, if it is near enough to be a slip.
fn nearest(word: &str, known: &[&'static str]) -> Option<&'static str> {
    known
        .iter()
        .map(|candidate| (distance(word, candidate), *candidate))
        .filter(|(distance, candidate)| *distance <= candidate.len().div_ceil(3))
        .min()
        .map(|(_, candidate)| candidate)
}

/// Levenshtein distance.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, y) in b.iter().enumerate() {
            let substituted = diagonal + usize::from(x != *y);
            diagonal = row[j + 1];
            row[j + 1] = substituted.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Result<Invocation, UsageError> {
        parse(line.split_whitespace().map(OsString::from))
    }

    fn words(line: &str) -> Vec<OsString> {
        match read(line).unwrap().verb {
            Verb::Run { words } => words,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn options_of_every_verb_stand_before_or_behind_it() {
        for line in ["--no-install test js", "test --no-install js", "test js --no-install"] {
            let read = read(line).unwrap();
            assert!(read.options.no_install, "{line}");
            assert_eq!(read.verb, Verb::Test { filters: vec!["js".into()] }, "{line}");
        }
    }

    #[test]
    fn the_command_gets_its_options_whatever_they_are() {
        assert_eq!(words("run"), [""; 0]);
        for line in ["--state s -i a.lua -x --verbose", "-e print(1) -v --help", "--limit=ms=5 - -h"] {
            let read = words(&format!("run {line}"));
            assert_eq!(read, line.split(' ').collect::<Vec<_>>(), "{line}");
        }
    }

    #[test]
    fn the_command_does_not_get_how_to_build() {
        for line in ["run --no-install a.lua -x --toolchain debian", "--no-install run --toolchain=debian a.lua -x"] {
            let read = read(line).unwrap();
            assert_eq!(read.verb, Verb::Run { words: vec!["a.lua".into(), "-x".into()] }, "{line}");
            assert!(read.options.no_install && read.options.way == Some(Way::Debian), "{line}");
        }
    }

    #[test]
    fn a_double_dash_hands_everything_to_the_command() {
        assert_eq!(words("run a.lua -- --no-install"), ["a.lua", "--", "--no-install"]);
        assert_eq!(words("run -- -odd.lua"), ["--", "-odd.lua"]);
    }

    #[test]
    fn the_page_is_served_on_port_8000_unless_another_is_given() {
        for (line, port) in [("serve", 8000), ("serve --port 80", 80), ("--no-install serve --port=0", 0)] {
            assert_eq!(read(line).unwrap().verb, Verb::Serve { port }, "{line}");
        }
        for line in ["serve --port 65536", "serve --port x", "serve --port", "serve 80"] {
            assert!(read(line).is_err(), "{line}");
        }
    }

    #[test]
    fn lua_takes_a_release_or_looks_for_newer_ones() {
        let release = "5.4.8".parse().unwrap();
        for (line, verb) in [
            ("lua 5.4.8", Verb::Lua { release, tests: true }),
            ("lua --no-test 5.4.8", Verb::Lua { release, tests: false }),
            ("lua --check", Verb::LuaNews),
        ] {
            assert_eq!(read(line).unwrap().verb, verb, "{line}");
        }
        for (line, problem) in [
            ("lua", "`lua` needs a release"),
            ("lua 5.4", "`5.4` is no release of Lua: those have three numbers"),
            ("lua newest", "`newest` is no number of a Lua release"),
            ("lua 5.4.8 5.5.1", "`5.5.1` is one word too many"),
            ("lua 5.4.8 --check", "`--check` stands alone"),
            ("lua --check --no-test", "`--check` stands alone"),
            ("lua 5.4.8 --no-tests", "there is no option `--no-tests`; did you mean `--no-test`?"),
        ] {
            let message = read(line).unwrap_err().to_string();
            assert!(message.starts_with(problem), "{line}: {message}");
        }
    }

    #[test]
    fn a_misspelt_word_is_answered_with_the_nearest_known_one() {
        for (line, meant) in [
            ("biuld", "`build`"),
            ("tset", "`test`"),
            ("generate --chekc", "`--check`"),
            ("build --toolchain debain", "`debian`"),
        ] {
            let message = read(line).unwrap_err().to_string();
            assert!(message.contains(&format!("did you mean {meant}?")), "{line}: {message}");
            assert!(message.contains("usage: cargo xtask"), "{line}: {message}");
        }
    }

    #[test]
    fn a_word_that_resembles_nothing_gets_no_suggestion() {
        let message = read("frobnicate").unwrap_err().to_string();
        assert!(message.contains("`frobnicate`") && !message.contains("did you mean"), "{message}");
    }

    #[test]
    fn what_is_missing_or_too_much_is_named() {
        for (line, problem) in [
            ("", "say what to do"),
            ("run a.lua --toolchain", "`--toolchain` needs a value"),
            ("build twice", "`twice` is one word too many"),
        ] {
            let message = read(line).unwrap_err().to_string();
            assert!(message.starts_with(problem), "{line}: {message}");
        }
    }
}
