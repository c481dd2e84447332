//! Brings Lua into the guest: finds its sources in the package registry ([`sources`]), applies the edits of
//! `vendor/edits` ([`edits`]), compiles them ([`compile`]) and declares Lua's API in Rust ([`bindings`]).

pub mod bindings;
pub mod compile;
pub mod edits;
pub mod release;
pub mod sources;
