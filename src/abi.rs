//! The boundary as `exports.toml` declares it: constants, structs, the export shims, the imports and
//! the services. All of it is generated.

include!(concat!(env!("OUT_DIR"), "/shims.rs"));
