//! The I/O buffer, through which host and guest pass code, results and messages.

use crate::abi;
use crate::cell::Global;

/// Bytes of the I/O buffer.
pub const SIZE: usize = abi::IO_BUFFER_SIZE as usize;

#[repr(C, align(16))]
struct Buffer(Global<[u8; SIZE]>);

static BUFFER: Buffer = Buffer(Global::new([0; SIZE]));

/// Returns the address of the buffer.
pub fn address() -> *mut u8 {
    BUFFER.0.as_ptr().cast()
}

/// Returns the buffer's bytes.
///
/// # Safety
///
/// No other reference into the buffer may be alive.
pub unsafe fn bytes<'a>() -> &'a mut [u8; SIZE] {
    &mut *BUFFER.0.as_ptr()
}

/// Writes a message of less than `abi::ERROR_LIMIT` bytes to the start of the buffer, cut at a
/// character, and returns what a call returns for it.
pub fn write_error(message: &[u8]) -> i32 {
    let mut kept = message.len().min(abi::ERROR_LIMIT as usize - 1);
    if kept < message.len() {
        while kept > 0 && message[kept] & 0xC0 == 0x80 {
            kept -= 1;
        }
    }
    // SAFETY: the message lies in the Lua heap or in static data, never in the buffer; nobody else
    // refers to the buffer now.
    let place = unsafe { bytes() };
    // The buffer holds UTF-8; the message's own bytes are kept for whoever asks.
    let mut at = 0;
    for chunk in message[..kept].utf8_chunks() {
        for part in [chunk.valid().as_bytes(), &b"?"[..usize::from(!chunk.invalid().is_empty())]] {
            place[at..at + part.len()].copy_from_slice(part);
            at += part.len();
        }
    }
    let kept = at;
    place[kept] = 0;
    -(kept as i32 + 1)
}
