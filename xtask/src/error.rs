//! Defines the errors of `xtask` and their exit codes: 2 where the caller has to change something first (the command
//! line, or what is installed), 3 where newer releases of Lua were asked for and found, 1 for everything else.

use std::error::Error as StdError;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use codegen::lua::release::Release;

/// Why a verb did not do what it was asked to.
#[derive(Debug)]
pub enum Error {
    /// The caller has to change something first: the command line, or what is installed.
    Refused(Box<dyn StdError>),
    /// A file or folder cannot be read or written.
    Io {
        /// What was being done, as `read` or `replace`.
        doing: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// A program cannot be started.
    Start {
        /// The program.
        program: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// A program ran and failed.
    Failed {
        /// What it was doing.
        step: String,
        /// Everything that it printed.
        output: String,
    },
    /// A program was ended because it took too long.
    TimedOut {
        /// What it was doing.
        step: String,
        /// How long it was given.
        limit: Duration,
    },
    /// Something that the `codegen` library refused; its message names the place.
    Codegen {
        /// What was being done.
        doing: &'static str,
        /// The library's reason.
        source: Box<dyn StdError>,
    },
    /// The manifest lacks a constant that the passes are configured with.
    MissingConstant(&'static str),
    /// Committed generated files are not what the generators write now.
    Drift(Vec<PathBuf>),
    /// Two builds of the same sources gave different bytes.
    NotReproducible {
        /// The module.
        artifact: String,
        /// Position of the first byte that differs.
        offset: usize,
    },
    /// The file that was to be run is not there or is no file.
    Script {
        /// What the command line names.
        path: PathBuf,
        /// What is the matter with it.
        reason: String,
    },
    /// An ABI breaks callers of an older one; the report says how.
    AbiBroken,
    /// The project does not move to a release of Lua.
    Lua {
        /// The release.
        release: String,
        /// Why not.
        reason: String,
    },
    /// There are releases of Lua newer than the pinned ones.
    NewerLua(Vec<Release>),
    /// Something that was asked cannot be told.
    Unknown(String),
    /// Tests failed; the report says which.
    TestsFailed,
}

impl Error {
    /// Makes an I/O error handler for `path`, for use with `map_err`.
    pub fn io(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { doing, path, source }
    }

    /// Makes a handler for errors of the `codegen` library, for use with `map_err`.
    pub fn codegen<E: StdError + 'static>(doing: &'static str) -> impl FnOnce(E) -> Self {
        move |source| Self::Codegen { doing, source: Box::new(source) }
    }

    /// Makes the error of what the caller has to change first.
    pub fn refused(reason: impl StdError + 'static) -> Self {
        Self::Refused(Box::new(reason))
    }

    /// The exit code of the process.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Refused(_) => 2,
            Self::NewerLua(_) => 3,
            _ => 1,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(reason) => reason.fmt(f),
            Self::Io { doing, path, source } => write!(f, "cannot {doing} {}: {source}", path.display()),
            Self::Start { program, source } => write!(f, "cannot start {}: {source}", program.display()),
            Self::Failed { step, output } => {
                let output = output.trim_end();
                if output.is_empty() {
                    write!(f, "{step} failed and printed nothing")
                } else {
                    write!(f, "{step} failed:\n{output}")
                }
            }
            Self::TimedOut { step, limit } => {
                write!(f, "{step} was ended after {} s without success", limit.as_secs())
            }
            Self::Codegen { doing, source } => write!(f, "cannot {doing}: {source}"),
            Self::MissingConstant(name) => {
                write!(f, "exports.toml declares no constant {name} that fits 32 bits; the passes need it")
            }
            Self::Drift(paths) => {
                write!(f, "not what the generators write now, run `cargo xtask generate`:")?;
                paths.iter().try_for_each(|path| write!(f, "\n  {}", path.display()))
            }
            Self::NotReproducible { artifact, offset } => {
                write!(f, "two builds of {artifact} differ, first at byte {offset}; a path or an order got into it")
            }
            Self::Script { path, reason } => write!(f, "cannot run {}: {reason}", path.display()),
            Self::AbiBroken => write!(f, "the ABI breaks callers"),
            Self::Lua { release, reason } => write!(f, "cannot move to Lua {release}: {reason}"),
            Self::NewerLua(releases) => {
                write!(f, "newer than those pinned:")?;
                releases
                    .iter()
                    .try_for_each(|release| write!(f, "\n  Lua {release}: `cargo xtask lua {release}` moves to it"))
            }
            Self::Unknown(what) => write!(f, "cannot tell {what}"),
            Self::TestsFailed => write!(f, "tests failed"),
        }
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match self {
            Self::Io { source, .. } | Self::Start { source, .. } => Some(source),
            Self::Codegen { source, .. } => Some(source.as_ref()),
            _ => None,
        }
    }
}
