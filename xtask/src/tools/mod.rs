//! The tools that the project needs: finds them, installs what is missing, and puts their command lines
//! together.

pub mod cache;
pub mod environment;
pub mod install;
pub mod needs;
pub mod node;
pub mod programs;
pub mod python;
pub mod rust;
pub mod toolchain;
