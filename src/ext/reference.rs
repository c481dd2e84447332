//! Reads what stored bytes refer to: a table, a function, a library.

use crate::abi;

/// A table, function or library that a stored value refers to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reference<'a> {
    /// An external table.
    Table(u32),
    /// A Lua function; the number is that of the table that describes it.
    Function(u32),
    /// A function of a library, by name.
    LibraryFunction(&'a [u8]),
    /// A library, by name.
    Library(&'a [u8]),
}

impl<'a> Reference<'a> {
    /// Reads a reference, if the bytes are one.
    pub fn read(bytes: &'a [u8]) -> Option<Self> {
        let (&tag, rest) = bytes.split_first()?;
        let (head, tail) = rest.split_first_chunk()?;
        let head = u32::from_le_bytes(*head);
        let named = (tail.len() == head as usize).then_some(tail);
        match tag {
            abi::TAG_EXTERNAL_TABLE if tail.is_empty() && is_id(head) => Some(Self::Table(head)),
            abi::TAG_FUNCTION => {
                let id = u32::from_le_bytes(named?.try_into().ok()?);
                is_id(id).then_some(Self::Function(id))
            }
            abi::TAG_LIBRARY_FUNCTION => Some(Self::LibraryFunction(named?)),
            abi::TAG_LIBRARY => Some(Self::Library(named?)),
            _ => None,
        }
    }
}

/// Returns whether a number can be the id of a table.
fn is_id(number: u32) -> bool {
    !matches!(number, 0 | u32::MAX)
}
