//! Compares two ABIs, and calls each change compatible or breaking.
//!
//! A change is *compatible* if all of these go on working, without an update of either side:
//!
//! - an old host with a new module: the module does what the old ABI says for whoever uses nothing else,
//! - a new host with an old module, if the host uses nothing that the old ABI lacks: the old module does nothing that
//!   the new ABI does not say,
//! - what is stored, between an old and a new module, in both directions.
//!
//! [`Contract::of_json`] and [`Contract::of_wasm`] read ABIs, [`compare`] compares them.

mod compare;
mod fields;
mod functions;
mod grammar;
mod read;
mod report;
mod wasm;

pub use compare::compare;
pub use read::{Contract, Malformed};
pub use report::{Change, Report, Verdict};
