//! Runs the body of the fuzz target `manifest` on changed copies of the real manifest: each is read, or refused with a
//! message.

use std::path::Path;

use codegen::manifest::Source;

#[path = "../../fuzz/bodies/manifest.rs"]
mod body;

#[test]
fn a_manifest_with_bytes_changed_is_read_or_refused() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../exports.toml");
    let source = Source::load(&path).unwrap_or_else(|diagnostics| panic!("{diagnostics}"));
    let files: Vec<_> = source.files().map(|(name, text)| (name.to_owned(), text.to_owned())).collect();
    let mut random = 0x9E37_79B9_7F4A_7C15_u64;
    let mut below = |limit: usize| {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        (random % limit as u64) as usize
    };
    for _ in 0..60 {
        let mut files = files.clone();
        let file = below(files.len());
        let mut changed = files[file].1.clone().into_bytes();
        for _ in 0..below(4) {
            let (at, length) = (below(changed.len()), below(60));
            let end = (at + length).min(changed.len());
            match below(4) {
                0 => changed[at] = below(256) as u8,
                1 => drop(changed.drain(at..end)),
                2 => changed.truncate(at),
                _ => {
                    let piece = changed[at..end].to_vec();
                    let to = below(changed.len());
                    changed.splice(to..to, piece);
                }
            }
        }
        body::run(&changed);
        files[file].1 = String::from_utf8_lossy(&changed).into_owned();
        body::check(&Source::of(files));
    }
}
