//! A manifest of any bytes: it is read, or refused with a message, and whatever is read can be written
//! out again by every backend.

use codegen::backend::Backend;
use codegen::manifest::Manifest;

pub fn run(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    match Manifest::parse("exports.toml", &text) {
        Ok(manifest) => {
            codegen::backend::Shims.render(&manifest);
        }
        Err(diagnostics) => {
            assert!(diagnostics.count() > 0, "a refusal says why");
            diagnostics.render(false);
        }
    }
}
