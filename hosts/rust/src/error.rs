//! The errors of this crate.

use std::error::Error as StdError;
use std::fmt;

use crate::generated as abi;
use crate::value::{LuaString, Value};

/// What a host function or a store fails with: any error.
pub type BoxedError = Box<dyn StdError + Send + Sync>;

/// What most functions of this crate return.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why something failed.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// A Lua program ended with an error.
    Lua(Box<LuaError>),
    /// A value has another type than the one that was asked for, or no form in Lua.
    Value(ValueError),
    /// A machine cannot do what it is asked in the state that it is in.
    State(StateError),
    /// A snapshot cannot be read, or cannot go on here.
    Snapshot(SnapshotError),
    /// A store failed where no Lua code asked it.
    Store(BoxedError),
    /// An option has a value that it cannot have.
    Option(String),
    /// The module cannot be compiled, or is not one that this release knows.
    Module(wasmtime::Error),
    /// A host function's own error.
    Host(BoxedError),
}

impl Error {
    /// An error of a host function with a message of its own.
    pub fn msg(message: impl fmt::Display) -> Self {
        Self::Host(message.to_string().into())
    }

    /// An error of a host function for any error.
    pub fn host(error: impl Into<BoxedError>) -> Self {
        Self::Host(error.into())
    }

    /// The error of a Lua program, if it is one.
    pub fn as_lua(&self) -> Option<&LuaError> {
        match self {
            Self::Lua(error) => Some(error),
            _ => None,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Lua(error) => error.fmt(f),
            Self::Value(error) => error.fmt(f),
            Self::State(error) => error.fmt(f),
            Self::Snapshot(error) => error.fmt(f),
            Self::Store(error) => write!(f, "the store failed: {error}"),
            Self::Option(message) => message.fmt(f),
            Self::Module(error) => write!(f, "the module cannot be used: {error}"),
            Self::Host(error) => error.fmt(f),
        }
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match self {
            Self::Lua(error) => Some(error),
            Self::Value(error) => Some(error),
            Self::State(error) => Some(error),
            Self::Snapshot(error) => Some(error),
            Self::Store(error) | Self::Host(error) => Some(&**error),
            Self::Module(error) => error.source(),
            Self::Option(_) => None,
        }
    }
}

/// How a program failed, by the status of the call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The code raised an error.
    Runtime,
    /// The code is not Lua.
    Syntax,
    /// The heap was full.
    Memory,
    /// An error occurred while another was being handled.
    Handler,
    /// The code reached a limit.
    Limit(Limit),
    /// The call was refused for what it was given.
    Argument,
    /// The call was refused, as another was under way.
    Busy,
    /// There is no machine in the instance.
    NotInitialized,
    /// A status that this release does not know.
    Unknown,
}

impl ErrorKind {
    pub(crate) fn of(status: i32) -> Self {
        match status {
            abi::STATUS_RUNTIME_ERROR => Self::Runtime,
            abi::STATUS_SYNTAX_ERROR => Self::Syntax,
            abi::STATUS_MEMORY_ERROR => Self::Memory,
            abi::STATUS_HANDLER_ERROR => Self::Handler,
            abi::STATUS_INSTRUCTION_LIMIT => Self::Limit(Limit::Instructions),
            abi::STATUS_TIME_LIMIT => Self::Limit(Limit::Milliseconds),
            abi::STATUS_OUTPUT_LIMIT => Self::Limit(Limit::OutputBytes),
            abi::STATUS_BAD_ARGUMENT | abi::STATUS_NO_PROGRAM => Self::Argument,
            abi::STATUS_BUSY => Self::Busy,
            abi::STATUS_NOT_INITIALIZED => Self::NotInitialized,
            _ => Self::Unknown,
        }
    }
}

/// What a program may use only so much of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Limit {
    /// Rounds of loops and calls of Lua functions.
    Instructions,
    /// Time.
    Milliseconds,
    /// Bytes of output.
    OutputBytes,
    /// Entries of all external tables together.
    TableEntries,
    /// Bytes of all external tables together.
    TableBytes,
}

/// A Lua program ended with an error.
#[derive(Debug)]
#[non_exhaustive]
pub struct LuaError {
    /// How it failed.
    pub kind: ErrorKind,
    /// The status of the ABI, one of the `STATUS_` constants.
    pub status: i32,
    /// The whole message.
    pub message: String,
    /// Lua's traceback, empty where there is none (syntax errors).
    pub traceback: String,
    /// The value that the program raised.
    pub value: Value,
    /// What the program printed before the error.
    pub output: LuaString,
    /// The error of the host function or the store behind it, if there is one.
    pub cause: Option<BoxedError>,
    /// What tells it from other errors, for a host function that passes it on.
    pub(crate) serial: u64,
}

impl fmt::Display for LuaError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl StdError for LuaError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.cause.as_ref().map(|cause| &**cause as _)
    }
}

/// A value has another type than the one that was asked for, or no form in Lua.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ValueError {
    message: String,
}

impl ValueError {
    /// An error with a message.
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into() }
    }

    pub(crate) fn expected(expected: &str, got: &Value) -> Self {
        Self::new(format!("expected {expected}, got {}", got.type_name()))
    }
}

impl fmt::Display for ValueError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl StdError for ValueError {}

/// A machine cannot do what it is asked in the state that it is in.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum StateError {
    /// A trap ended a call, or the machine was interrupted: it is of no more use. Its tables are as they were before that call.
    Crashed(String),
    /// The machine was interrupted by its handle.
    Interrupted,
    /// The machine could not be started.
    NotStarted(String),
    /// There is no checkpoint.
    NoCheckpoint,
    /// A host function asked for what only code outside of any call may do.
    Running,
}

impl fmt::Display for StateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Crashed(cause) => write!(f, "the machine cannot be used any more: {cause}"),
            Self::Interrupted => f.write_str("the machine was interrupted, and cannot be used any more"),
            Self::NotStarted(why) => write!(f, "Lua could not be started: {why}"),
            Self::NoCheckpoint => f.write_str("there is no checkpoint"),
            Self::Running => f.write_str("this cannot be done while code runs"),
        }
    }
}

impl StdError for StateError {}

/// What is wrong with a snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SnapshotKind {
    /// It is none.
    Foreign,
    /// Not all of it is there.
    Truncated,
    /// Something in it has changed.
    Damaged,
    /// A later release made it.
    Newer,
    /// Another build of the module made it.
    OtherBuild,
    /// It was made without tables, and there is no store that has them.
    OtherTables,
}

/// A snapshot cannot be read, or cannot go on here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SnapshotError {
    /// What is wrong.
    pub kind: SnapshotKind,
    detail: String,
}

impl SnapshotError {
    pub(crate) fn new(kind: SnapshotKind, detail: impl Into<String>) -> Self {
        Self { kind, detail: detail.into() }
    }
}

impl fmt::Display for SnapshotError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the snapshot {}", self.detail)
    }
}

impl StdError for SnapshotError {}

macro_rules! from {
    ($($type:ty => $variant:ident),*) => {$(
        impl From<$type> for Error {
            fn from(error: $type) -> Self {
                Self::$variant(error.into())
            }
        }
    )*};
}

from! {
    LuaError => Lua,
    ValueError => Value,
    StateError => State,
    SnapshotError => Snapshot,
    String => Host,
    &str => Host,
    std::io::Error => Host,
    std::fmt::Error => Host,
    std::str::Utf8Error => Host,
    std::string::FromUtf8Error => Host,
    std::num::ParseIntError => Host,
    std::num::ParseFloatError => Host
}

impl From<BoxedError> for Error {
    fn from(error: BoxedError) -> Self {
        Self::Host(error)
    }
}
