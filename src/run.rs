//! Runs a chunk from its source to its result: compiles it, calls it under a handler that keeps the
//! traceback, and hands what it returned or raised to [`result`](crate::result).

use core::cell::Cell;
use core::ffi::{CStr, c_char, c_int, c_void};

use crate::abi;
use crate::boundary::Bytes;
use crate::console;
use crate::ext;
use crate::lua::{self, State, ffi};
use crate::machine;
use crate::output;
use crate::result;

/// How a chunk is run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// As `lua_dostring` does.
    Chunk,
    /// As an interactive console does.
    Console,
}

/// The name of a chunk: text for messages, ended by a zero byte.
struct Name {
    text: [u8; Self::LENGTH],
}

impl Name {
    /// Lua shows less than this of a chunk's name (`LUA_IDSIZE` is 60).
    const LENGTH: usize = 128;

    /// Of a long name Lua shows the beginning, but of a file's, behind its `@`, the end.
    fn new(name: &[u8]) -> Self {
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

/// Runs a chunk and leaves its result in the I/O buffer. Returns what `compute` returns.
pub fn run(code: Bytes, name: Option<Bytes>, mode: Mode) -> i32 {
    let Some(state) = machine::state() else {
        machine::set_status(abi::STATUS_NOT_INITIALIZED);
        output::write_error(b"Lua is not initialized: call init() first");
        return -1;
    };
    machine::set_status(abi::STATUS_OK);
    output::reset();
    // SAFETY: the state is live.
    unsafe { result::forget(state) };
    if code.is_empty() {
        return 0;
    }
    ext::begin_call();
    // SAFETY: the state is live and its stack empty, so that the few slots used here are free. Nothing
    // has a destructor. The code is read only while it is compiled, and until then nothing writes to
    // the memory that it may share with the I/O buffer.
    unsafe {
        lua::push_function(state, keep_traceback);
        let handler = ffi::lua_gettop(state);
        let name = Name::new(name.unwrap_or(code).as_slice());
        let mut status = compile(state, code, &name, mode);
        if status == lua::OK {
            if mode == Mode::Console {
                console::join(state, ffi::lua_gettop(state));
            }
            status = lua::pcall(state, 0, lua::MULTRET, handler);
        }
        ffi::lua_rotate(state, handler, -1);
        lua::pop(state, 1);
        if status == lua::OK && mode == Mode::Console {
            status = absorb(state);
        }
        // A chunk that failed may have changed variables all the same; its own error is what counts.
        let stored = ext::end_call(state);
        if status == lua::OK {
            status = stored;
        } else if stored != lua::OK {
            lua::pop(state, 1);
        }
        if status == lua::OK { result::succeed(state) } else { result::fail(state, status) }
    }
}

/// Replaces the console's capture, the first result, by what the console shows if the chunk returned
/// nothing.
unsafe fn absorb(state: *mut State) -> c_int {
    // SAFETY: a console chunk always returns its capture first; one slot more is free behind a call.
    unsafe {
        let returned = ffi::lua_gettop(state) - 1;
        lua::push_function(state, console::absorb);
        ffi::lua_rotate(state, 1, 1);
        // The function stands first, the capture second, what was returned above.
        ffi::lua_pushvalue(state, 1);
        ffi::lua_pushvalue(state, 2);
        let status = lua::pcall(state, 1, 1, 0);
        if status != lua::OK {
            return status;
        }
        if returned > 0 {
            lua::pop(state, 1);
        }
        ffi::lua_rotate(state, 1, -2);
        lua::pop(state, 2);
        lua::OK
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
unsafe fn compile(state: *mut State, code: Bytes, name: &Name, mode: Mode) -> c_int {
    // SAFETY: as for `run`; `lua_load` runs in protected mode by itself.
    unsafe {
        // A finaliser that runs meanwhile could print into the buffer that the code is read from.
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

/// The message handler: keeps a traceback of where the error was raised, and passes the error on as it
/// is, so that whoever asks gets the very value.
unsafe extern "C-unwind" fn keep_traceback(state: *mut State) -> c_int {
    unsafe extern "C-unwind" fn trace(state: *mut State) -> c_int {
        // SAFETY: Lua calls this in protected mode. Level 2 is the function that raised the error:
        // below it stand this function and the handler.
        unsafe {
            ffi::luaL_traceback(state, state, core::ptr::null(), 2);
            result::keep_traceback(state);
        }
        0
    }
    // SAFETY: a handler has the minimal number of free slots; when there is no memory for a traceback,
    // the inner error is dropped and the outer one goes on.
    unsafe {
        lua::push_function(state, trace);
        lua::pcall(state, 0, 0, 0);
        ffi::lua_settop(state, 1);
    }
    1
}
