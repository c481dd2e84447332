//! The I/O buffer, and the capture of what a chunk prints. Output is collected where the result wants
//! it, behind the four bytes of its length, so that ending a call copies nothing. When the buffer is
//! full it is handed to the host's `output` service; a host without one gets as much as fits, and a
//! mark that tells how much was cut.

use core::cell::Cell;
use core::ffi::{CStr, c_char, c_int, c_void};

use crate::abi;
use crate::call::limits;
use crate::lua::{self, State, ffi};
use crate::machine::Single;
use crate::session as system;

/// Bytes of the I/O buffer.
pub const SIZE: usize = abi::IO_BUFFER_SIZE as usize;
/// Bytes in front of the output: its length.
pub const HEADER: usize = 4;

#[repr(C, align(16))]
struct Buffer(Single<[u8; SIZE]>);

static BUFFER: Buffer = Buffer(Single::new([0; SIZE]));

struct Captured {
    /// Bytes of output in the buffer.
    length: Cell<usize>,
    /// Bytes of output that found no place.
    cut: Cell<usize>,
}

// SAFETY: as for `Single`.
unsafe impl Sync for Captured {}

static CAPTURED: Captured = Captured { length: Cell::new(0), cut: Cell::new(0) };

/// Where the buffer lies.
pub fn buffer() -> *mut u8 {
    BUFFER.0.get().cast()
}

/// The buffer's bytes.
///
/// # Safety
///
/// No other reference into the buffer may be alive.
pub unsafe fn bytes<'a>() -> &'a mut [u8; SIZE] {
    // SAFETY: as for the caller; there is one thread.
    unsafe { &mut *BUFFER.0.get() }
}

/// Forgets what was captured.
pub fn reset() {
    CAPTURED.length.set(0);
    CAPTURED.cut.set(0);
}

/// Bytes of output that lie in the buffer.
pub fn length() -> usize {
    CAPTURED.length.get()
}

/// Lets the host use the buffer while Lua waits: hands on what was printed, or counts it as cut if the host does
/// not take it.
pub fn set_aside() {
    if !flush() {
        CAPTURED.cut.set(CAPTURED.cut.get() + CAPTURED.length.replace(0));
    }
}

/// Takes the buffer back, whatever lies there.
pub fn restart() {
    CAPTURED.length.set(0);
}

/// Takes more output, as far as the limit allows.
pub fn write(bytes: &[u8]) {
    let mut bytes = &bytes[..limits::print(bytes.len())];
    limits::count_bytes(bytes.len());
    while !bytes.is_empty() {
        let length = CAPTURED.length.get();
        let room = SIZE - HEADER - length;
        if room == 0 && (CAPTURED.cut.get() > 0 || !flush()) {
            CAPTURED.cut.set(CAPTURED.cut.get() + bytes.len());
            return;
        }
        let room = SIZE - HEADER - CAPTURED.length.get();
        let (now, later) = bytes.split_at(room.min(bytes.len()));
        let at = HEADER + CAPTURED.length.get();
        // SAFETY: `now` lies in a Lua string or in static data, never in the buffer.
        unsafe { BUFFER.0.get().cast::<u8>().add(at).copy_from(now.as_ptr(), now.len()) };
        CAPTURED.length.set(CAPTURED.length.get() + now.len());
        bytes = later;
    }
}

/// Hands the buffer's output to the host; `false` if the host does not take it.
pub fn flush() -> bool {
    let length = CAPTURED.length.get();
    if length == 0 {
        return system::streams_output();
    }
    // SAFETY: nobody writes to the buffer while the host reads it.
    let taken = unsafe {
        let bytes = bytes();
        system::stream_output(&mut bytes[HEADER - 1..HEADER + length])
    };
    if taken {
        CAPTURED.length.set(0);
    }
    taken
}

const DIGITS: &str = "0123456789";

/// A text made without memory, with a zero byte behind it. What is longer than it holds is cut.
#[derive(Debug, Clone, Copy)]
#[repr(C)]
pub struct Message {
    text: [u8; Self::LENGTH + 1],
    length: usize,
}

impl Message {
    const LENGTH: usize = 160;

    /// An empty text.
    pub const fn new() -> Self {
        Self { text: [0; Self::LENGTH + 1], length: 0 }
    }

    /// Appends a text.
    pub fn push(&mut self, text: &str) {
        let n = text.len().min(Self::LENGTH - self.length);
        self.text[self.length..self.length + n].copy_from_slice(&text.as_bytes()[..n]);
        self.length += n;
    }

    /// Appends a number in decimal. What Rust's `core` formats with is larger than all messages together.
    pub fn push_number(&mut self, number: usize) {
        if number >= 10 {
            self.push_number(number / 10);
        }
        self.push(DIGITS.get(number % 10..).and_then(|digits| digits.get(..1)).unwrap_or_default());
    }

    /// The text.
    pub fn bytes(&self) -> &[u8] {
        &self.text[..self.length]
    }
}

impl Default for Message {
    fn default() -> Self {
        Self::new()
    }
}

/// Makes room for `value` bytes behind the output: hands output to the host, or cuts it and marks the
/// cut. Returns where the value begins. `value` must be at most `SIZE - HEADER`.
pub fn make_room(value: usize) -> usize {
    let room = SIZE - HEADER - value;
    if CAPTURED.cut.get() > 0 || (CAPTURED.length.get() > room && !flush()) {
        cut_to(room);
    }
    let length = CAPTURED.length.get();
    // SAFETY: nobody else refers to the buffer between Lua's end and the call's.
    unsafe { bytes()[..HEADER].copy_from_slice(&(length as u32).to_le_bytes()) };
    HEADER + length
}

fn cut_to(room: usize) {
    let total = CAPTURED.length.get() + CAPTURED.cut.get();
    let mark = |kept: usize| {
        let mut mark = Message::default();
        mark.push("\n[... ");
        mark.push_number(total - kept);
        mark.push(" more bytes of output cut]\n");
        mark
    };
    let mut kept = room.saturating_sub(mark(0).bytes().len()).min(CAPTURED.length.get());
    // SAFETY: nobody else refers to the buffer between Lua's end and the call's.
    let output = unsafe { &mut bytes()[HEADER..HEADER + room] };
    // Do not cut inside a UTF-8 character.
    while kept > 0 && output.get(kept).is_some_and(|b| b & 0xC0 == 0x80) {
        kept -= 1;
    }
    let mark = mark(kept);
    let mark = mark.bytes();
    if let Some(place) = output.get_mut(kept..kept + mark.len()) {
        place.copy_from_slice(mark);
        CAPTURED.length.set(kept + mark.len());
    } else {
        CAPTURED.length.set(kept);
    }
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

/// Sends Lua's warnings to the output, switched by `warn("@on")` and `warn("@off")`.
///
/// # Safety
///
/// `state` is a live Lua state.
pub unsafe fn open(state: *mut State) {
    // SAFETY: as for the caller; the function keeps lua_WarnFunction's contract.
    unsafe { ffi::lua_setwarnf(state, Some(warn), core::ptr::null_mut()) };
}

static WARNING: Single<Warning> = Single::new(Warning { on: false, continues: false });

struct Warning {
    on: bool,
    continues: bool,
}

unsafe extern "C-unwind" fn warn(_: *mut c_void, text: *const c_char, more: c_int) {
    // SAFETY: Lua passes a C string; the warning state is touched here alone.
    let (text, warning) = unsafe { (CStr::from_ptr(text).to_bytes(), &mut *WARNING.get()) };
    let first = !warning.continues;
    warning.continues = more != 0;
    if first && more == 0 && text.first() == Some(&b'@') {
        match text {
            b"@on" => warning.on = true,
            b"@off" => warning.on = false,
            _ => {}
        }
    } else if warning.on {
        if first {
            write(b"Lua warning: ");
        }
        write(text);
        if more == 0 {
            write(b"\n");
        }
    }
}

/// Pushes what an error value says: its text, what its `__tostring` gives, or its type.
///
/// # Safety
///
/// Inside a protected call; the value is at `index`.
pub unsafe fn push_message(state: *mut State, index: c_int) {
    // SAFETY: as for the caller.
    unsafe {
        let kind = ffi::lua_type(state, index);
        if kind == lua::kind::STRING
            || kind == lua::kind::NUMBER
            || ffi::luaL_getmetafield(state, index, c"__tostring".as_ptr()) != lua::kind::NIL
        {
            ffi::luaL_tolstring(state, index, core::ptr::null_mut());
        } else {
            let name = ffi::lua_typename(state, kind);
            ffi::lua_pushfstring(state, c"(error object is a %s value)".as_ptr(), name);
        }
    }
}
