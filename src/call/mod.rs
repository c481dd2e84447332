//! A call from the host: what it may use and what it prints.

pub mod limits;
pub mod output;
