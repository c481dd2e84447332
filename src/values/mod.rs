//! Lua values that go to the host and come from it.

pub mod held;
pub mod host_function;
pub mod read;
pub mod sent;
#[cfg(test)]
mod tests;
pub mod write;
