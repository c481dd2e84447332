//! Removes every custom section except the stamp and, if they are kept, the names: what compilers and linkers say about
//! themselves, target features and debug information. Safe because no engine gives a custom section a meaning at run
//! time. Works on the encoded module, because the names are needed until the last check has named its functions.

use wasm_encoder::{Module, RawSection};
use wasmparser::{Parser, Payload};

use super::{PassError, stamp};

const NAMES: &str = "name";

/// The module without its custom sections; all others are the same bytes as before.
pub fn run(wasm: &[u8], keep_names: bool) -> Result<Vec<u8>, PassError> {
    let mut stripped = Module::new();
    for payload in Parser::new(0).parse_all(wasm) {
        let payload = payload.map_err(|e| PassError::Malformed(e.to_string()))?;
        let kept = match &payload {
            Payload::CustomSection(section) => match section.name() {
                stamp::SECTION => true,
                NAMES => keep_names,
                _ => false,
            },
            _ => true,
        };
        if kept && let Some((id, range)) = payload.as_section() {
            stripped.section(&RawSection { id, data: &wasm[range] });
        }
    }
    Ok(stripped.finish())
}
