//! What is done with the bytes of a module: its stamp is read, and its data replaced.

use crate::generated::SECTION;

/// What a module says about itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Stamp {
    pub(crate) abi_version: u32,
    pub(crate) lua_release: String,
    pub(crate) manifest_hash: String,
    pub(crate) build: String,
}

/// Ids of sections.
const CUSTOM: u8 = 0;
const DATA: u8 = 11;
const DATA_COUNT: u8 = 12;

/// What a module begins with: its magic number and version.
const HEAD: usize = 8;

/// A section: its id, all of its bytes, and its contents.
type Section<'w> = (u8, &'w [u8], &'w [u8]);

/// The sections of a module.
fn sections(wasm: &[u8]) -> Option<Vec<Section<'_>>> {
    let mut rest = wasm.get(HEAD..)?;
    let mut all = Vec::new();
    while let [id, behind @ ..] = rest {
        let mut contents = behind;
        let length = number(&mut contents)? as usize;
        let whole = rest.len() - contents.len() + length;
        all.push((*id, rest.get(..whole)?, contents.get(..length)?));
        rest = &rest[whole..];
    }
    Some(all)
}

/// Reads an unsigned number of at most 32 bits in LEB128.
fn number(bytes: &mut &[u8]) -> Option<u32> {
    let mut value = 0u32;
    for shift in (0..35).step_by(7) {
        let (&byte, rest) = bytes.split_first()?;
        *bytes = rest;
        value |= u32::from(byte & 0x7f).checked_shl(shift)?;
        if byte < 0x80 {
            return Some(value);
        }
    }
    None
}

fn put_number(out: &mut Vec<u8>, mut value: u32) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// The stamp of a module, if it has one.
pub(crate) fn stamp(wasm: &[u8]) -> Option<Stamp> {
    for (id, _, mut contents) in sections(wasm)? {
        if id != CUSTOM {
            continue;
        }
        let length = number(&mut contents)? as usize;
        if contents.get(..length) != Some(SECTION.as_bytes()) {
            continue;
        }
        let (version, mut rest) = contents[length..].split_first_chunk()?;
        let mut text = || -> Option<String> {
            let (&length, behind) = rest.split_first()?;
            let (text, behind) = behind.split_at_checked(length.into())?;
            rest = behind;
            String::from_utf8(text.to_vec()).ok()
        };
        return Some(Stamp {
            abi_version: u32::from_le_bytes(*version),
            lua_release: text()?,
            manifest_hash: text()?,
            build: text()?,
        });
    }
    None
}

/// The same module with other data: one piece of the memory.
pub(crate) fn with_data(wasm: &[u8], address: u32, data: &[u8]) -> Option<Vec<u8>> {
    let mut out = wasm.get(..HEAD)?.to_vec();
    for (id, whole, _) in sections(wasm)? {
        match id {
            DATA => {
                // One active segment of memory 0, at a constant address.
                let mut contents = vec![1, 0, 0x41];
                put_signed(&mut contents, address as i32);
                contents.push(0x0b);
                put_number(&mut contents, data.len() as u32);
                contents.extend_from_slice(data);
                out.push(DATA);
                put_number(&mut out, contents.len() as u32);
                out.extend(contents);
            }
            DATA_COUNT => out.extend([DATA_COUNT, 1, 1]),
            _ => out.extend_from_slice(whole),
        }
    }
    Some(out)
}

fn put_signed(out: &mut Vec<u8>, mut value: i32) {
    loop {
        let byte = (value & 0x7f) as u8;
        value >>= 7;
        if (value == 0 && byte & 0x40 == 0) || (value == -1 && byte & 0x40 != 0) {
            out.push(byte);
            return;
        }
        out.push(byte | 0x80);
    }
}
