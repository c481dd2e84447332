//! See `bodies/key_form.rs`.

#![no_main]

#[path = "../bodies/mod.rs"]
mod bodies;
#[path = "../../tests/guest/common.rs"]
mod common;

libfuzzer_sys::fuzz_target!(|data: &[u8]| bodies::key_form::run(data));
