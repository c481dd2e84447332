//! One module for each verb of `cargo xtask`, and what several of them share.

pub mod artifact;
pub mod build;
pub mod generate;
pub mod run;
pub mod serve;
pub mod setup;
pub mod test;
