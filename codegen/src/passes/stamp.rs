//! Encodes and decodes the stamp, the custom section `lua-persistent` that identifies an artifact.
//!
//! | offset | size | |
//! | --- | --- | --- |
//! | 0 | 4 | ABI version, little-endian |
//! | 4 | 1 | length `n` of the Lua release |
//! | 5 | `n` | Lua release, UTF-8, such as `5.4.9` |
//! | 5 + `n` | 1 | length `m` of the manifest's hash |
//! | 6 + `n` | `m` | manifest's hash, UTF-8 |
//! | 6 + `n` + `m` | 1 | length `b` of the build |
//! | 7 + `n` + `m` | `b` | the build, UTF-8: a hash of the linked module |
//!
//! A reader ignores what follows, so that later versions can append.

use std::fmt;

use wasmparser::{Parser, Payload};

/// Name of the custom section.
pub const SECTION: &str = "lua-persistent";

/// What an artifact says about itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stamp {
    /// Version of the binary interface.
    pub abi_version: u32,
    /// Release of the Lua inside, at most 255 bytes.
    pub lua_release: String,
    /// Hash of the manifest it was built from, at most 255 bytes.
    pub manifest_hash: String,
    /// Which build this is: equal for two artifacts only if they were linked to the same bytes. What holds an image
    /// of the memory needs it to know that image and code belong together.
    pub build: String,
}

/// Why a stamp cannot be written or read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StampError {
    /// A text of this many bytes does not fit its length byte.
    TooLong {
        /// Which text.
        field: &'static str,
        /// Its length in bytes.
        len: usize,
    },
    /// The section ends before this field does.
    Truncated {
        /// Which field.
        field: &'static str,
    },
    /// The field is not UTF-8.
    NotUtf8 {
        /// Which field.
        field: &'static str,
    },
    /// There is no such section in the module.
    Missing,
    /// The module itself cannot be read.
    Malformed(String),
}

impl fmt::Display for StampError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong { field, len } => {
                write!(f, "the {field} is {len} bytes long; section `{SECTION}` holds at most 255")
            }
            Self::Truncated { field } => {
                write!(f, "section `{SECTION}` ends in the middle of its {field}")
            }
            Self::NotUtf8 { field } => write!(f, "the {field} in section `{SECTION}` is not UTF-8"),
            Self::Missing => {
                write!(f, "the module has no section `{SECTION}`: it is not one of our artifacts")
            }
            Self::Malformed(error) => write!(f, "the module cannot be read: {error}"),
        }
    }
}

impl std::error::Error for StampError {}

const RELEASE: &str = "Lua release";
const HASH: &str = "manifest hash";
const BUILD: &str = "build";

/// Names a build by the linked module: 128 bits of FNV-1a, from two starting points, in hexadecimal.
pub fn build_of(linked: &[u8]) -> String {
    let hash =
        |start: u64| linked.iter().fold(start, |hash, &byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    format!("{:016x}{:016x}", hash(0xcbf2_9ce4_8422_2325), hash(0x6c62_272e_07bb_0142))
}

impl Stamp {
    /// The section's payload.
    ///
    /// # Errors
    ///
    /// [`StampError::TooLong`].
    pub fn encode(&self) -> Result<Vec<u8>, StampError> {
        let mut bytes = self.abi_version.to_le_bytes().to_vec();
        for (field, text) in [(RELEASE, &self.lua_release), (HASH, &self.manifest_hash), (BUILD, &self.build)] {
            let len = u8::try_from(text.len()).map_err(|_| StampError::TooLong { field, len: text.len() })?;
            bytes.push(len);
            bytes.extend_from_slice(text.as_bytes());
        }
        Ok(bytes)
    }

    /// Reads a section's payload.
    ///
    /// # Errors
    ///
    /// [`StampError::Truncated`] and [`StampError::NotUtf8`].
    pub fn decode(bytes: &[u8]) -> Result<Self, StampError> {
        let (abi_version, rest) =
            bytes.split_first_chunk::<4>().ok_or(StampError::Truncated { field: "ABI version" })?;
        let (lua_release, rest) = text(rest, RELEASE)?;
        let (manifest_hash, rest) = text(rest, HASH)?;
        let (build, _) = text(rest, BUILD)?;
        Ok(Self { abi_version: u32::from_le_bytes(*abi_version), lua_release, manifest_hash, build })
    }

    /// Reads the stamp of a module.
    ///
    /// # Errors
    ///
    /// As [`Stamp::decode`], [`StampError::Missing`] and [`StampError::Malformed`].
    pub fn of(wasm: &[u8]) -> Result<Self, StampError> {
        for payload in Parser::new(0).parse_all(wasm) {
            match payload {
                Ok(Payload::CustomSection(section)) if section.name() == SECTION => {
                    return Self::decode(section.data());
                }
                Ok(_) => {}
                Err(error) => return Err(StampError::Malformed(error.to_string())),
            }
        }
        Err(StampError::Missing)
    }
}

fn text<'a>(bytes: &'a [u8], field: &'static str) -> Result<(String, &'a [u8]), StampError> {
    let (len, rest) = bytes.split_first().ok_or(StampError::Truncated { field })?;
    let (text, rest) = rest.split_at_checked(usize::from(*len)).ok_or(StampError::Truncated { field })?;
    let text = std::str::from_utf8(text).map_err(|_| StampError::NotUtf8 { field })?;
    Ok((text.to_owned(), rest))
}
