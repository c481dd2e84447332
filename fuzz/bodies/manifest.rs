//! A manifest of any bytes: it is read, or refused with a message, and whatever is read can be written
//! out again by every backend.

use codegen::backend::Backend;
use codegen::manifest::{Manifest, Source};

pub fn run(data: &[u8]) {
    check(&Source::single("exports.toml", &String::from_utf8_lossy(data)));
}

/// Reads a manifest of one or more files.
pub fn check(source: &Source) {
    match Manifest::read(source) {
        Ok(manifest) => {
            codegen::backend::Shims.render(&manifest);
        }
        Err(diagnostics) => {
            assert!(diagnostics.count() > 0, "a refusal says why");
            diagnostics.render(false);
        }
    }
}
