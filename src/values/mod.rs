//! Lua values that go to the host and come from it.

pub mod held;
pub mod read;
pub mod write;
