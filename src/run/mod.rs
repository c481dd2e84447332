//! Runs Lua code and leaves what comes of it.

pub mod chunk;
pub mod console;
pub mod result;
