//! What a call leaves: its result or its error in the I/O buffer, and, until the next call, the parts
//! that did not fit there for whoever asks.

use core::ffi::c_int;

use crate::abi;
use crate::boundary::BytesMut;
use crate::codec::{self, Window};
use crate::lua::{self, State, ffi, kind};
use crate::machine::{self, Single};
use crate::output;

/// Registry key of the last error's traceback.
static TRACEBACK: u8 = 0;

/// What lies on the stack between two calls.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kept {
    Nothing,
    /// The results, from index 1 on, as they did not fit the buffer.
    Values,
    /// The error value at index 1 and its message at index 2.
    Error,
}

static KEPT: Single<Kept> = Single::new(Kept::Nothing);

fn kept() -> Kept {
    // SAFETY: there is one thread, and no reference outlives a read.
    unsafe { *KEPT.get() }
}

fn keep(what: Kept) {
    // SAFETY: as for `kept`.
    unsafe { *KEPT.get() = what }
}

/// Drops what the last call left.
///
/// # Safety
///
/// `state` is a live state, between calls of Lua.
pub unsafe fn forget(state: *mut State) {
    // SAFETY: the state is live; setting an existing registry slot to nil takes no memory, and the
    // slot exists exactly when there was an error to keep a traceback of.
    unsafe {
        ffi::lua_settop(state, 0);
        if kept() == Kept::Error {
            ffi::lua_pushnil(state);
            ffi::lua_rawsetp(state, lua::REGISTRY, lua::registry_key(&TRACEBACK));
        }
    }
    keep(Kept::Nothing);
}

/// Keeps the string on top of the stack as the traceback of an error.
///
/// # Safety
///
/// Inside a protected call.
pub unsafe fn keep_traceback(state: *mut State) {
    // SAFETY: as for the caller.
    unsafe { ffi::lua_rawsetp(state, lua::REGISTRY, lua::registry_key(&TRACEBACK)) }
}

/// What a protected function that writes the results is told: where to, and from which byte on.
struct Target {
    out: *mut [u8],
    start: usize,
    /// Filled in: the bytes of the whole result, and how many of them are in `out`.
    total: usize,
    written: usize,
}

unsafe extern "C-unwind" fn write_results(state: *mut State) -> c_int {
    // SAFETY: `write` passes its target as the last argument, above the results.
    unsafe {
        let target = &mut *ffi::lua_touserdata(state, -1).cast::<Target>();
        lua::pop(state, 1);
        let mut window = Window::new(&mut *target.out, target.start);
        codec::write_results(state, 1, &mut window);
        target.total = window.position();
        target.written = window.kept();
    }
    0
}

unsafe extern "C-unwind" fn refuse_results(state: *mut State) -> c_int {
    // SAFETY: called in protected mode.
    unsafe { lua::error(state, c"too many results to write") }
}

/// Writes the values from index 1 to `last` to a place, in protected mode. The status, with the error on top
/// if it is one, and the target filled in.
unsafe fn write(state: *mut State, last: c_int, out: *mut [u8], start: usize) -> (c_int, Target) {
    let mut target = Target { out, start, total: 0, written: 0 };
    // SAFETY: the state is live; the target outlives the call.
    unsafe {
        if ffi::lua_checkstack(state, last + 2) == 0 {
            // The values themselves fill the stack, so that the error has to take their place.
            ffi::lua_settop(state, 0);
            lua::push_function(state, refuse_results);
            return (lua::pcall(state, 0, 0, 0), target);
        }
        lua::push_function(state, write_results);
        for index in 1..=last {
            ffi::lua_pushvalue(state, index);
        }
        ffi::lua_pushlightuserdata(state, (&raw mut target).cast());
        let status = lua::pcall(state, last + 1, 0, 0);
        (status, target)
    }
}

/// Writes the results, which are all the values on the stack, behind the output. Returns what
/// `compute` returns.
///
/// # Safety
///
/// `state` is a live state with nothing but results on its stack.
pub unsafe fn succeed(state: *mut State) -> i32 {
    // SAFETY: as for the caller. The buffer's end is written while the output in front of it stays.
    unsafe {
        if ffi::lua_gettop(state) <= 1
            && let Some(length) = succeed_plainly(state)
        {
            return length;
        }
        // Measured first: the place of the value depends on how much output it leaves room for.
        let results = ffi::lua_gettop(state);
        let (status, measured) = write(state, results, &mut [], 0);
        if status != lua::OK {
            return fail(state, status);
        }
        if measured.total > output::SIZE - output::HEADER {
            return too_large(measured.total);
        }
        let at = output::make_room(measured.total);
        let (status, target) = write(state, results, &raw mut output::bytes()[at..], 0);
        if status != lua::OK {
            return fail(state, status);
        }
        ffi::lua_settop(state, 0);
        (at + target.total) as i32
    }
}

/// As [`succeed`], for at most one value of a plain kind: no protected call, no memory.
unsafe fn succeed_plainly(state: *mut State) -> Option<i32> {
    // SAFETY: as for `succeed`.
    unsafe {
        if ffi::lua_gettop(state) == 0 {
            ffi::lua_pushnil(state);
        }
        let mut measure = Window::new(&mut [], 0);
        if !codec::write_plain(state, 1, &mut measure) {
            return None;
        }
        let size = measure.position();
        if size > output::SIZE - output::HEADER {
            return Some(too_large(size));
        }
        let at = output::make_room(size);
        codec::write_plain(state, 1, &mut Window::new(&mut output::bytes()[at..], 0));
        ffi::lua_settop(state, 0);
        Some((at + size) as i32)
    }
}

/// Keeps results that do not fit the buffer and says so.
fn too_large(size: usize) -> i32 {
    use core::fmt::Write;
    let mut message = output::Message::default();
    let _ = write!(
        message,
        "the result has {size} bytes, and the I/O buffer holds {}; read it with result_read, or return less",
        output::SIZE - output::HEADER
    );
    machine::set_status(abi::STATUS_TOO_LARGE);
    keep(Kept::Values);
    output::flush();
    output::write_error(message.bytes())
}

/// Pushes the message of the error value that is the only argument.
unsafe extern "C-unwind" fn message(state: *mut State) -> c_int {
    // SAFETY: Lua calls this in protected mode.
    unsafe { output::push_message(state, 1) };
    1
}

/// Writes the error on top of the stack to the buffer. Returns what `compute` returns.
///
/// # Safety
///
/// `state` is a live state with an error value on top of its stack; `status` is what came with it.
pub unsafe fn fail(state: *mut State, status: c_int) -> i32 {
    // SAFETY: as for the caller. One slot was freed by the failed call, one more is always there.
    unsafe {
        // The error value alone stays, at index 1.
        ffi::lua_copy(state, -1, 1);
        ffi::lua_settop(state, 1);
        machine::set_status(match status as u32 {
            ffi::LUA_ERRSYNTAX => abi::STATUS_SYNTAX_ERROR,
            ffi::LUA_ERRMEM => abi::STATUS_MEMORY_ERROR,
            ffi::LUA_ERRERR => abi::STATUS_HANDLER_ERROR,
            _ => abi::STATUS_RUNTIME_ERROR,
        });
        if status as u32 == ffi::LUA_ERRMEM {
            // The garbage of the chunk that filled the heap is not left for the next one to find.
            machine::collect();
            machine::release_reserve();
        }
        if ffi::lua_type(state, 1) == kind::STRING {
            ffi::lua_pushvalue(state, 1);
        } else {
            lua::push_function(state, message);
            ffi::lua_pushvalue(state, 1);
            if lua::pcall(state, 1, 1, 0) != lua::OK && ffi::lua_type(state, -1) != kind::STRING {
                lua::pop(state, 1);
                ffi::lua_pushnil(state);
            }
        }
        keep(Kept::Error);
        output::flush();
        match ffi::lua_type(state, 2) {
            kind::STRING => output::write_error(lua::bytes(state, 2)),
            _ => output::write_error(b"(the error's __tostring raised another error, which has no text)"),
        }
    }
}

/// Bytes of a part of the last result, or -1 if there is no such part.
pub fn size(part: u32) -> i32 {
    read(part, 0, None).map_or(-1, |(total, _)| i32::try_from(total).unwrap_or(i32::MAX))
}

/// Copies bytes of a part, from `offset` on, and tells how many; -1 if there is no such part.
pub fn read_into(part: u32, offset: u32, to: BytesMut) -> i32 {
    read(part, offset as usize, Some(to)).map_or(-1, |(_, copied)| copied as i32)
}

/// The size of a part, and how many of its bytes from `offset` on were copied.
fn read(part: u32, offset: usize, to: Option<BytesMut>) -> Option<(usize, usize)> {
    let state = machine::state()?;
    // SAFETY: the state is live and its stack holds what `kept` says. The target may lie in the I/O
    // buffer or anywhere else; no reference into it is alive, and no Lua code runs.
    unsafe {
        let out = to.map_or(&mut [][..], |to| to.as_mut_slice());
        let copy = |bytes: &[u8], out: &mut [u8]| {
            let rest = bytes.get(offset..).unwrap_or(&[]);
            let n = rest.len().min(out.len());
            out[..n].copy_from_slice(&rest[..n]);
            (bytes.len(), n)
        };
        let written = |last: c_int, out: &mut [u8]| {
            let (status, target) = write(state, last, out, offset);
            if status != lua::OK {
                lua::pop(state, 1);
                return None;
            }
            Some((target.total, target.written))
        };
        match (kept(), part) {
            (Kept::Values, abi::PART_VALUES) => written(ffi::lua_gettop(state), out),
            (Kept::Error, abi::PART_MESSAGE) => Some(copy(lua::bytes(state, 2), out)),
            (Kept::Error, abi::PART_TRACEBACK) => {
                ffi::lua_rawgetp(state, lua::REGISTRY, lua::registry_key(&TRACEBACK));
                let result = copy(lua::bytes(state, -1), out);
                lua::pop(state, 1);
                Some(result)
            }
            // The message above the error value is not part of it.
            (Kept::Error, abi::PART_ERROR_VALUE) => written(1, out),
            _ => None,
        }
    }
}
