//! Divides the memory of the kit's module, and keeps its texts.

use std::collections::BTreeMap;

/// Where the texts begin; what is in front of them is never used, as 0 is the null pointer.
pub const TEXTS: u32 = 0x400;
/// The number of the promise under test, then what became of each.
pub const STATE: u32 = 0x5_0000;
/// Bytes of what became of a promise: its outcome, the message, and three numbers of the message.
pub const RECORD: u32 = 20;
/// The records.
pub const RECORDS: u32 = STATE + 16;
/// Where a message is put together.
pub const MESSAGE: u32 = 0x5_4000;
/// Keys that the module makes, and requests.
pub const KEY: u32 = 0x6_0000;
/// Bytes there.
pub const KEY_ROOM: u32 = 0x2_0000;
/// Values that the module makes, and the answers of the host.
pub const ROOM: u32 = KEY + KEY_ROOM;
/// The end of the memory.
pub const END: u32 = 0x20_0000;

/// The texts of the module, each once.
#[derive(Debug, Default)]
pub struct Texts {
    bytes: Vec<u8>,
    known: BTreeMap<Vec<u8>, u32>,
}

impl Texts {
    /// The address of some bytes.
    ///
    /// # Panics
    ///
    /// If there are more texts than there is room for them.
    pub fn place(&mut self, bytes: &[u8]) -> u32 {
        if let Some(address) = self.known.get(bytes) {
            return *address;
        }
        let address = TEXTS + self.bytes.len() as u32;
        self.bytes.extend_from_slice(bytes);
        assert!(TEXTS + self.bytes.len() as u32 <= STATE, "the texts of the kit take more than their room");
        self.known.insert(bytes.to_vec(), address);
        address
    }

    /// The address of a text for the host: its length, then itself.
    pub fn place_counted(&mut self, text: &str) -> u32 {
        let mut bytes = (text.len() as u32).to_le_bytes().to_vec();
        bytes.extend_from_slice(text.as_bytes());
        self.place(&bytes)
    }

    /// All texts, as they lie from [`TEXTS`] on.
    pub fn finish(self) -> Vec<u8> {
        self.bytes
    }
}
