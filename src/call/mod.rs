//! A call from the host: where it runs, what it may use, what it prints and how it ends.

pub mod buffer;
pub mod errors;
pub mod frame;
pub mod garbage;
pub mod limits;
pub mod message;
pub mod outcome;
pub mod output;
pub mod refusal;
pub mod tick;
pub mod warnings;
