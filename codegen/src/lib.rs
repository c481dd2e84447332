//! Everything that knows the boundary of `lua.wasm`, on the host's side: the model of `exports.toml`
//! ([`manifest`]), one generator per output ([`backend`]), the Lua sources and what is done to them
//! ([`lua`]), and the passes over the linked module (`passes`).
//!
//! The guest's build script uses the first three, and compiles without the feature `passes` and its
//! dependencies; `xtask` uses all of it.

pub mod backend;
#[cfg(feature = "passes")]
pub mod delta;
pub mod lua;
pub mod manifest;
#[cfg(feature = "passes")]
pub mod passes;
