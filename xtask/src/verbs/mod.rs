//! Does what each verb of `cargo xtask` says, in one module for each.

pub mod abi;
pub mod artifact;
pub mod build;
pub mod generate;
pub mod lua;
pub mod notice;
pub mod pack;
pub mod run;
pub mod serve;
pub mod setup;
pub mod test;
