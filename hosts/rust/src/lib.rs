#![doc = include_str!("../README.md")]
#![deny(missing_docs)]

/// The README of the project, whose snippets in Rust are tests.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
struct Project;

mod boundary;
mod engine;
mod error;
#[rustfmt::skip]
pub mod generated;
mod host;
mod image;
#[cfg(test)]
mod kit;
mod lua;
mod options;
mod snapshot;
mod store;
mod table;
mod value;
mod wasm;

pub use boundary::Range;
pub use engine::{Engine, EngineOptions, Line};
pub use error::{
    BoxedError, Error, ErrorKind, Limit, LuaError, Result, SnapshotError, SnapshotKind, StateError, ValueError,
};
pub use image::Image;
pub use lua::{Context, Interrupt, Lua, Outcome, Stats, Step, Target};
pub use options::{Clock, Limits, Options, Run};
#[cfg(feature = "redb")]
pub use store::RedbStore;
pub use store::{MemoryStore, Store};
pub use table::ExternalTable;
pub use value::{FromValue, FromValues, Function, Held, IntoValues, LuaString, Table, Value, key_form, key_of_form};
pub use wasmtime;
