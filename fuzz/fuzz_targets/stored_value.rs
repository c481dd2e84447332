//! See `bodies/stored_value.rs`.

#![no_main]

#[path = "../bodies/mod.rs"]
mod bodies;
#[path = "../../tests/guest/common.rs"]
mod common;

libfuzzer_sys::fuzz_target!(|data: &[u8]| bodies::stored_value::run(data));
