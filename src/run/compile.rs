//! Compiles a chunk: reads the source in pieces, cuts its name, and makes `return` optional for the console.

use core::cell::Cell;
use core::ffi::{CStr, c_char, c_int, c_void};

use crate::lua::{self, State, ffi};
use crate::ranges::Bytes;
use crate::run::console;

/// The way a chunk is run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Runs it as `lua_dostring` does.
    Chunk,
    /// Runs it as an interactive console does.
    Console,
}

/// The name of a chunk: text for messages, ended by a zero byte.
pub struct Name {
    text: [u8; Self::LENGTH],
}

impl Name {
    /// Lua shows less than this of a chunk's name (`LUA_IDSIZE` is 60).
    const LENGTH: usize = 128;

    /// Of a long name Lua shows the beginning, but of a file's, behind its `@`, the end.
    /// Cuts a name to what Lua shows.
    pub fn new(name: &[u8]) -> Self {
        let mut text = [0; Self::LENGTH];
        let n = name.len().min(Self::LENGTH - 1);
        let shown = match name {
            [b'@', ..] => &name[name.len() - n..],
            _ => &name[..n],
        };
        text[..n].copy_from_slice(shown);
        text[..n.min(1)].copy_from_slice(&name[..n.min(1)]);
        Self { text }
    }

    fn as_ptr(&self) -> *const c_char {
        self.text.as_ptr().cast()
    }
}

/// The pieces of a source, for `lua_load`.
struct Pieces {
    prefix: &'static [u8],
    code: Bytes,
    next: Cell<u8>,
}

unsafe extern "C-unwind" fn read_piece(_: *mut State, pieces: *mut c_void, size: *mut usize) -> *const c_char {
    // SAFETY: `load` passes its pieces, which live until `lua_load` returns.
    unsafe {
        let pieces = &*pieces.cast::<Pieces>();
        let piece = match pieces.next.replace(pieces.next.get() + 1) {
            0 if !pieces.prefix.is_empty() => pieces.prefix,
            0 => {
                pieces.next.set(2);
                pieces.code.as_slice()
            }
            1 => pieces.code.as_slice(),
            _ => &[],
        };
        *size = piece.len();
        piece.as_ptr().cast()
    }
}

/// Compiles a chunk, which is then on top of the stack, or an error value with the status returned.
///
/// # Safety
///
/// `state` is a live state with free slots, between calls of Lua.
pub unsafe fn compile(state: *mut State, code: Bytes, name: &Name, mode: Mode) -> c_int {
    // SAFETY: as for `run`; `lua_load` runs in protected mode by itself.
    unsafe {
        // A finalizer that runs meanwhile could print into the buffer that the code is read from.
        let held = ffi::lp_gc_hold(state, 1);
        let status = match mode {
            Mode::Chunk => load(state, b"", code, name, mode),
            Mode::Console => match load(state, b"return ", code, name, mode) {
                lua::OK => lua::OK,
                _ => {
                    lua::pop(state, 1);
                    load(state, b"", code, name, mode)
                }
            },
        };
        ffi::lp_gc_hold(state, held);
        status
    }
}

unsafe fn load(state: *mut State, prefix: &'static [u8], code: Bytes, name: &Name, mode: Mode) -> c_int {
    const TEXT_ONLY: &CStr = c"t";
    let mut pieces = Pieces { prefix, code, next: Cell::new(0) };
    // SAFETY: as for `compile`; the console's table stays on the stack while the chunk is compiled.
    unsafe {
        if mode == Mode::Console {
            console::begin(state);
        }
        let status =
            ffi::lua_load(state, Some(read_piece), (&raw mut pieces).cast(), name.as_ptr(), TEXT_ONLY.as_ptr());
        if mode == Mode::Console {
            console::end(state);
            ffi::lua_rotate(state, -2, -1);
            lua::pop(state, 1);
        }
        status
    }
}
