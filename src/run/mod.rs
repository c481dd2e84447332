//! Runs Lua code and leaves its result, or its error, for the host.

pub mod chunk;
pub mod compile;
pub mod console;
pub mod entry;
pub mod program;
pub mod result;
mod traceback;
