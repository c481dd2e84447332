//! The host's functions and modules in Lua, and its access to globals.

pub mod access;
pub mod functions;
pub mod modules;
