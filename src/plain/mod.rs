//! Plain values as bytes, and libraries by name: what tables of the host and values on their way to it have in common.

pub mod codec;
pub mod libraries;
pub mod window;
