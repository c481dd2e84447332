//! Begins and ends a call that runs Lua code: what the last one left is forgotten, limits hold meanwhile, and the
//! result or the error is left in the I/O buffer.

use core::ffi::c_int;

use crate::abi::{self, refusals};
use crate::call::frame::{self, Frame};
use crate::call::{errors, limits, outcome, output, refusal};
use crate::ext::calls;
use crate::lua::{self, State, ffi};
use crate::memory;
use crate::ranges::Bytes;
use crate::run::compile::{self, Mode};
use crate::run::{console, result};

/// Begins a call: drops what the last one left. `Err`: what the call returns at once.
pub fn begin() -> Result<Frame, i32> {
    let Some(frame) = frame::current() else {
        return Err(refusals::NOT_RUNNING.answer());
    };
    if frame::is_running() {
        return Err(refusals::BUSY.answer());
    }
    refusal::forget();
    // SAFETY: the state is live, and the Lua code that runs, if any, waits for this call.
    unsafe {
        if frame.nested {
            output::restart();
            result::forget(frame);
            calls::begin_nested();
            return Ok(frame);
        }
        output::reset();
        result::forget(frame);
        errors::forget_exception();
        match calls::begin(frame.state) {
            lua::OK => Ok(frame),
            status => Err(result::fail(frame, status)),
        }
    }
}

/// Begins the part of a call in which Lua code runs, within the limits.
pub fn begin_running(frame: Frame) {
    if !frame.nested {
        limits::begin();
    }
    frame::set_running(true);
}

/// Ends that part. Returns the status of the limit that was reached, or `STATUS_OK`. A limit takes the main thread's
/// hook away: one that never ends would fail every later call.
pub fn end_running(frame: Frame) -> i32 {
    frame::set_running(false);
    if frame.nested {
        return limits::reached();
    }
    let reached = limits::end();
    if reached != abi::STATUS_OK {
        // SAFETY: the state is live, and no Lua code runs.
        unsafe { ffi::lua_sethook(frame.state, None, 0, 0) };
    }
    reached
}

/// Ends a call whose results, or whose error, are all that is on the stack. Returns what the call returns.
///
/// # Safety
///
/// The frame's state is live, between calls of Lua.
pub unsafe fn end(frame: Frame, mut status: c_int, limit: i32, mode: Mode) -> i32 {
    let state = frame.state;
    if status == lua::OK && mode == Mode::Console {
        status = absorb(frame);
    }
    // A chunk that failed may have changed variables all the same; its own error is what counts.
    let stored = if frame.nested { calls::store(state) } else { calls::end(state) };
    if status == lua::OK {
        status = stored;
    } else if stored != lua::OK {
        lua::pop(state, 1);
    }
    leave_result(frame, status, limit)
}

/// Leaves the result or the error. An error's `__tostring` and finalizers run meanwhile: they may use as much as
/// the call itself.
///
/// # Safety
///
/// The frame's state is live, between calls of Lua.
pub unsafe fn leave_result(frame: Frame, status: c_int, limit: i32) -> i32 {
    // Calls that its imports made have been refused, or calls of its host functions were.
    refusal::forget();
    // SAFETY: as for `end`; without a pause there is no program.
    unsafe {
        if !frame.nested {
            limits::begin();
        }
        let written = frame::occupied(|| {
            if limit != abi::STATUS_OK {
                stopped(frame, status, limit)
            } else if status == lua::OK {
                memory::keep_reserve();
                result::succeed(frame)
            } else {
                result::fail(frame, status)
            }
        });
        let reached = if frame.nested { abi::STATUS_OK } else { limits::end() };
        if reached != abi::STATUS_OK && limit == abi::STATUS_OK && status != lua::OK {
            outcome::set_status(reached);
        }
        written
    }
}

/// Ends a call that has reached a limit, whatever it made of the error.
unsafe fn stopped(frame: Frame, status: c_int, limit: i32) -> i32 {
    unsafe extern "C-unwind" fn push_message(state: *mut State) -> c_int {
        // SAFETY: called in protected mode with the status; a message has a zero byte behind its text.
        unsafe {
            let message = limits::message(ffi::lua_tointegerx(state, 1, core::ptr::null_mut()) as i32);
            ffi::lua_pushstring(state, message.bytes().as_ptr().cast());
        }
        1
    }
    let state = frame.state;
    if status == lua::OK {
        // Caught, or reached by the last thing that the code did.
        ffi::lua_settop(state, frame.base);
        lua::push_function(state, push_message);
        ffi::lua_pushinteger(state, i64::from(limit));
        lua::pcall(state, 1, 1, 0);
    }
    let written = result::fail(frame, status);
    outcome::set_status(limit);
    written
}

/// Compiles a chunk, which is then on top of the stack, or an error value with the status returned. Returns that of the
/// limit that was reached as well.
///
/// # Safety
///
/// The frame's state is live, between calls of Lua.
pub unsafe fn load_chunk(frame: Frame, code: Bytes, name: Option<Bytes>, mode: Mode) -> (c_int, i32) {
    let state = frame.state;
    if !frame.nested {
        limits::begin_compiling(code.len());
    }
    frame::set_running(true);
    // SAFETY: as for `run`. The code is read only while it is compiled, and until then nothing writes to
    // the memory that it may share with the I/O buffer.
    unsafe {
        let name = compile::Name::new(name.unwrap_or(code).as_slice());
        let status = compile::compile(state, code, &name, mode);
        if status == lua::OK && mode == Mode::Console {
            console::join(state, ffi::lua_gettop(state));
        }
        (status, end_running(frame))
    }
}

/// Replaces the console's capture, the first result, by what the console shows if the chunk returned
/// nothing.
unsafe fn absorb(frame: Frame) -> c_int {
    let state = frame.state;
    // SAFETY: a console chunk always returns its capture first; one slot more is free behind a call.
    unsafe {
        let returned = ffi::lua_gettop(state) - frame.base - 1;
        lua::push_function(state, console::absorb);
        ffi::lua_rotate(state, frame.at(1), 1);
        // The function stands first, the capture second, what was returned above.
        ffi::lua_pushvalue(state, frame.at(1));
        ffi::lua_pushvalue(state, frame.at(2));
        let status = lua::pcall(state, 1, 1, 0);
        if status != lua::OK {
            return status;
        }
        if returned > 0 {
            lua::pop(state, 1);
        }
        ffi::lua_rotate(state, frame.at(1), -2);
        lua::pop(state, 2);
        lua::OK
    }
}
