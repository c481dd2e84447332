//! Reads `exports.toml` ([`manifest`]), generates everything that follows from it ([`backend`]), edits and compiles
//! Lua's sources ([`lua`]), compares ABIs (`contract`), makes the artifacts from the linked module (`passes`), and the
//! module that tests hosts (`kit`).
//!
//! The guest's build script uses the first three, and compiles without the feature `passes` and its
//! dependencies; `xtask` uses all of it.

pub mod backend;
#[cfg(feature = "passes")]
pub mod contract;
#[cfg(feature = "passes")]
pub mod delta;
#[cfg(feature = "passes")]
pub mod kit;
pub mod lua;
pub mod manifest;
#[cfg(feature = "passes")]
pub mod passes;
