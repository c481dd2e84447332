//! Which Lua, and what happens to its sources on the way into the guest: found in the package
//! registry ([`sources`]), changed by the named edits of `vendor/edits` ([`edits`]), compiled
//! ([`compile`]) and described to Rust ([`bindings`]).

pub mod bindings;
pub mod compile;
pub mod edits;
pub mod sources;
