//! Leaves the result of a call or its error in the I/O buffer, and, until the next call, the parts that did not fit
//! there for whoever asks.

use core::ffi::c_int;

use crate::abi;
use crate::call::frame::{self, Frame};
use crate::call::message::Message;
use crate::call::outcome::{self, Kept};
use crate::call::{buffer, errors, garbage, output};
use crate::lua::{self, State, ffi, kind};
use crate::memory;
use crate::plain::codec;
use crate::plain::window::Window;
use crate::ranges::BytesMut;
use crate::values::write;

/// Drops what the last call left.
///
/// # Safety
///
/// The frame's state is live, between calls of Lua.
pub unsafe fn forget(frame: Frame) {
    let state = frame.state;
    // SAFETY: the state is live, and setting its top takes no memory.
    unsafe {
        ffi::lua_settop(state, frame.base);
        if matches!(outcome::kept(), Kept::Error | Kept::Dropped) {
            errors::forget_traceback(state);
        }
    }
    outcome::keep(Kept::Nothing);
}

/// The target that results are written to, and the first byte of them that is wanted.
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
        write::write_results(state, 1, &mut window);
        target.total = window.position();
        target.written = window.kept();
    }
    0
}

unsafe extern "C-unwind" fn refuse_results(state: *mut State) -> c_int {
    lua::error(state, c"too many results to write")
}

/// Writes the first `count` values of a call to a place, in protected mode. The status, with the error on top
/// if it is one, and the target filled in.
unsafe fn write(frame: Frame, count: c_int, out: *mut [u8], start: usize) -> (c_int, Target) {
    let state = frame.state;
    let mut target = Target { out, start, total: 0, written: 0 };
    // SAFETY: the state is live; the target outlives the call.
    unsafe {
        if ffi::lua_checkstack(state, count + 2) == 0 {
            // The values themselves fill the stack, so that the error has to take their place.
            ffi::lua_settop(state, frame.base);
            lua::push_function(state, refuse_results);
            return (lua::pcall(state, 0, 0, 0), target);
        }
        // A finalizer could change what is measured, print where it is written, or run Lua in a host function.
        let held = ffi::lp_gc_hold(state, 1);
        lua::push_function(state, write_results);
        for n in 1..=count {
            ffi::lua_pushvalue(state, frame.at(n));
        }
        ffi::lua_pushlightuserdata(state, (&raw mut target).cast());
        let status = lua::pcall(state, count + 1, 0, 0);
        ffi::lp_gc_hold(state, held);
        (status, target)
    }
}

/// Writes the results, which are all the values of the call, behind the output. Returns what
/// `compute` returns.
///
/// # Safety
///
/// The frame's state is live, with nothing but results above its base.
pub unsafe fn succeed(frame: Frame) -> i32 {
    let state = frame.state;
    // SAFETY: as for the caller. The buffer's end is written while the output in front of it stays.
    unsafe {
        let results = ffi::lua_gettop(state) - frame.base;
        if results <= 1
            && let Some(length) = succeed_plainly(frame)
        {
            return length;
        }
        collect_if_due(state);
        // Measured first: the place of the value depends on how much output it leaves room for.
        let (status, measured) = write(frame, results, &mut [], 0);
        if status != lua::OK {
            return fail(frame, status);
        }
        if measured.total > buffer::SIZE - output::HEADER {
            return too_large(measured.total);
        }
        let at = output::make_room(measured.total);
        let (status, target) = write(frame, results, &raw mut buffer::bytes()[at..], 0);
        if status != lua::OK {
            return fail(frame, status);
        }
        ffi::lua_settop(state, frame.base);
        (at + target.total) as i32
    }
}

/// Runs the collector if it is due, as writing the results holds it.
unsafe fn collect_if_due(state: *mut State) {
    unsafe extern "C-unwind" fn check(state: *mut State) -> c_int {
        lua::check_collector(state);
        0
    }
    // SAFETY: as for `succeed`; the stack may be full of results.
    unsafe {
        if ffi::lua_checkstack(state, 1) != 0 {
            lua::protected(state, check);
        }
    }
}

/// Does as [`succeed`] for at most one plain value: without a protected call, without memory.
unsafe fn succeed_plainly(frame: Frame) -> Option<i32> {
    let state = frame.state;
    if ffi::lua_gettop(state) == frame.base {
        ffi::lua_pushnil(state);
    }
    let mut measure = Window::new(&mut [], 0);
    if !codec::write_plain(state, frame.at(1), &mut measure) {
        return None;
    }
    let size = measure.position();
    if size > buffer::SIZE - output::HEADER {
        return Some(too_large(size));
    }
    let at = output::make_room(size);
    codec::write_plain(state, frame.at(1), &mut Window::new(&mut buffer::bytes()[at..], 0));
    ffi::lua_settop(state, frame.base);
    Some((at + size) as i32)
}

/// Keeps results that do not fit the buffer and says so.
fn too_large(size: usize) -> i32 {
    let mut message = Message::default();
    message.push("the result has ");
    message.push_number(size);
    message.push(" bytes, and the I/O buffer holds ");
    message.push_number(buffer::SIZE - output::HEADER);
    message.push("; read it with result_read, or return less");
    outcome::set_status(abi::STATUS_TOO_LARGE);
    outcome::keep(Kept::Values);
    output::flush();
    buffer::write_error(message.bytes())
}

/// Pushes the message of the error value that is the only argument.
unsafe extern "C-unwind" fn message(state: *mut State) -> c_int {
    push_message(state, 1);
    1
}

/// Writes the error on top of the stack to the buffer. Returns what `compute` returns.
///
/// # Safety
///
/// The frame's state is live, with an error value on top of its stack; `status` is what came with it.
pub unsafe fn fail(frame: Frame, status: c_int) -> i32 {
    let state = frame.state;
    // SAFETY: as for the caller. One slot was freed by the failed call, one more is always there.
    unsafe {
        // The error value alone stays.
        ffi::lua_copy(state, -1, frame.at(1));
        ffi::lua_settop(state, frame.at(1));
        if frame.nested {
            errors::keep_nested(state);
        }
        outcome::set_status(match status as u32 {
            ffi::LUA_ERRSYNTAX => abi::STATUS_SYNTAX_ERROR,
            ffi::LUA_ERRMEM => abi::STATUS_MEMORY_ERROR,
            ffi::LUA_ERRERR => abi::STATUS_HANDLER_ERROR,
            _ => abi::STATUS_RUNTIME_ERROR,
        });
        if status as u32 == ffi::LUA_ERRMEM {
            // The garbage of the chunk that filled the heap is not left for the next one to find.
            garbage::collect(state);
            memory::release_reserve();
        }
        if ffi::lua_type(state, -1) == kind::STRING {
            ffi::lua_pushvalue(state, -1);
        } else {
            lua::push_function(state, message);
            ffi::lua_pushvalue(state, -2);
            if lua::pcall(state, 1, 1, 0) != lua::OK && ffi::lua_type(state, -1) != kind::STRING {
                lua::pop(state, 1);
                ffi::lua_pushnil(state);
            }
        }
        outcome::keep(Kept::Error);
        output::flush();
        match ffi::lua_type(state, frame.at(2)) {
            kind::STRING => buffer::write_error(lua::bytes(state, frame.at(2))),
            _ => buffer::write_error(b"(the error's __tostring raised another error, which has no text)"),
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
    let copy = |bytes: &[u8], out: &mut [u8]| {
        let rest = bytes.get(offset..).unwrap_or(&[]);
        let n = rest.len().min(out.len());
        out[..n].copy_from_slice(&rest[..n]);
        (bytes.len(), n)
    };
    if let Some(message) = outcome::refused() {
        // SAFETY: the target was checked, and no reference into it is alive.
        let out = to.map_or(&mut [][..], |to| unsafe { to.as_mut_slice() });
        return (part == abi::PART_MESSAGE).then(|| copy(message.as_bytes(), out));
    }
    let frame = frame::current()?;
    let state = frame.state;
    // SAFETY: the state is live and its stack holds what `kept` says. The target may lie in the I/O
    // buffer or anywhere else; no reference into it is alive, and no Lua code runs.
    unsafe {
        let out = to.map_or(&mut [][..], |to| to.as_mut_slice());
        let written = |count: c_int, out: &mut [u8]| {
            let (status, target) = write(frame, count, out, offset);
            if status != lua::OK {
                lua::pop(state, 1);
                return None;
            }
            Some((target.total, target.written))
        };
        match (outcome::kept(), part) {
            (Kept::Values, abi::PART_VALUES) => written(ffi::lua_gettop(state) - frame.base, out),
            (Kept::Error, abi::PART_MESSAGE) => Some(copy(lua::bytes(state, frame.at(2)), out)),
            (Kept::Error, abi::PART_TRACEBACK) => {
                errors::push_traceback(state);
                let result = copy(lua::bytes(state, -1), out);
                lua::pop(state, 1);
                Some(result)
            }
            // The message above the error value is not part of it.
            (Kept::Error, abi::PART_ERROR_VALUE) => written(1, out),
            (Kept::Error, abi::PART_EXCEPTION) => {
                errors::exception(state, frame.at(1)).map(|number| copy(&number.to_le_bytes(), out))
            }
            _ => None,
        }
    }
}

/// Pushes what an error value says: its text, what its `__tostring` gives, or its type.
///
/// # Safety
///
/// Inside a protected call; the value is at `index`.
unsafe fn push_message(state: *mut State, index: c_int) {
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
