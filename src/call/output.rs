//! Collects what a call prints. Output lies where the result wants it, behind the four bytes of its length, so that
//! ending a call copies nothing. When the buffer is full it is handed to the host's `output` service; a host without
//! one gets as much as fits, and a mark that tells how much was cut.

use crate::abi::services;
use crate::call::message::Message;
use crate::call::{buffer, limits};
use crate::cell::Global;
use crate::session;

/// Bytes in front of the output: its length.
pub const HEADER: usize = 4;

/// Bytes of output in the buffer.
static LENGTH: Global<usize> = Global::new(0);

/// Bytes of output that found no place.
static CUT: Global<usize> = Global::new(0);

/// Drops the output collected so far.
pub fn reset() {
    LENGTH.set(0);
    CUT.set(0);
}

/// Frees the buffer for the host while Lua waits: flushes what was printed, or counts it as cut if the host does
/// not take it.
pub fn set_aside() {
    if !flush() {
        CUT.set(CUT.get() + LENGTH.replace(0));
    }
}

/// Takes the buffer back from the host, with no output in it.
pub fn restart() {
    LENGTH.set(0);
}

/// Collects output, as far as the limit allows.
pub fn write(bytes: &[u8]) {
    let mut bytes = &bytes[..limits::print(bytes.len())];
    limits::count_bytes(bytes.len());
    while !bytes.is_empty() {
        let length = LENGTH.get();
        let room = buffer::SIZE - HEADER - length;
        if room == 0 && (CUT.get() > 0 || !flush()) {
            CUT.set(CUT.get() + bytes.len());
            return;
        }
        let room = buffer::SIZE - HEADER - LENGTH.get();
        let (now, later) = bytes.split_at(room.min(bytes.len()));
        let at = HEADER + LENGTH.get();
        // SAFETY: `now` lies in a Lua string or in static data, never in the buffer.
        unsafe { buffer::address().add(at).copy_from(now.as_ptr(), now.len()) };
        LENGTH.set(LENGTH.get() + now.len());
        bytes = later;
    }
}

/// Flushes the buffer's output to the host; `false` if the host does not take it.
pub fn flush() -> bool {
    let length = LENGTH.get();
    if length == 0 {
        return session::offers(services::OUTPUT);
    }
    // SAFETY: nobody writes to the buffer while the host reads it.
    let taken = unsafe {
        // All but the first byte is output: that one is lent for the request's number.
        let lent = &mut buffer::bytes()[HEADER - 1..HEADER + length];
        session::offers(services::OUTPUT) && services::output(lent).is_some()
    };
    if taken {
        LENGTH.set(0);
    }
    taken
}

/// Makes room for `value` bytes behind the output: hands output to the host, or cuts it and marks the
/// cut. Returns where the value begins. `value` must be at most `buffer::SIZE - HEADER`.
pub fn make_room(value: usize) -> usize {
    let room = buffer::SIZE - HEADER - value;
    if CUT.get() > 0 || (LENGTH.get() > room && !flush()) {
        cut_to(room);
    }
    let length = LENGTH.get();
    // SAFETY: nobody else refers to the buffer between Lua's end and the call's.
    unsafe { buffer::bytes()[..HEADER].copy_from_slice(&(length as u32).to_le_bytes()) };
    HEADER + length
}

fn cut_to(room: usize) {
    let total = LENGTH.get() + CUT.get();
    let mark = |kept: usize| {
        let mut mark = Message::default();
        mark.push("\n[... ");
        mark.push_number(total - kept);
        mark.push(" more bytes of output cut]\n");
        mark
    };
    let mut kept = room.saturating_sub(mark(0).bytes().len()).min(LENGTH.get());
    // SAFETY: nobody else refers to the buffer between Lua's end and the call's.
    let output = unsafe { &mut buffer::bytes()[HEADER..HEADER + room] };
    // Do not cut inside a UTF-8 character.
    while kept > 0 && output.get(kept).is_some_and(|b| b & 0xC0 == 0x80) {
        kept -= 1;
    }
    let mark = mark(kept);
    let mark = mark.bytes();
    if let Some(place) = output.get_mut(kept..kept + mark.len()) {
        place.copy_from_slice(mark);
        LENGTH.set(kept + mark.len());
    } else {
        LENGTH.set(kept);
    }
}
