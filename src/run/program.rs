//! Runs a program in steps.

#[cfg(feature = "lua-5-5")]
use core::ffi::c_char;
use core::ffi::c_int;

use crate::abi::{self, refusals};
use crate::call::frame::{self, Frame};
use crate::call::{limits, outcome, refusal};
use crate::cell::Global;
use crate::lua::{self, State, ffi};
use crate::ranges::Bytes;
use crate::run::compile::Mode;
use crate::run::traceback;
use crate::run::{chunk, entry, result};
use crate::values::sent;

/// The mode in which the program was compiled.
static MODE: Global<Mode> = Global::new(Mode::Chunk);

/// Ticks that the last step has run.
static SPENT: Global<u64> = Global::new(0);

/// Returns the ticks that the last step has run.
pub fn spent() -> u64 {
    SPENT.get()
}

/// Registry key: the thread of the program that is run in steps.
static PROGRAM: u8 = 0;

/// Begins a call that belongs to the program, which no host function can make.
fn begin() -> Result<Frame, i32> {
    if frame::current().is_some_and(|frame| frame.nested) {
        return Err(refusals::BUSY_FUNCTION.answer());
    }
    entry::begin()
}

/// Compiles a chunk as the program that [`step`] runs, in place of the one before. `arguments`: it gets the elements
/// of the global `arg`, as they are now. Returns 0, or what `compute` returns for an error.
pub fn start(code: Bytes, name: Option<Bytes>, mode: Mode, arguments: bool) -> i32 {
    unsafe extern "C-unwind" fn make(state: *mut State) -> c_int {
        // SAFETY: called in protected mode with the compiled chunk and whether it gets arguments. The program's
        // stack is asked for as many slots as it takes.
        unsafe {
            let program = ffi::lua_newthread(state);
            ffi::lua_pushvalue(state, 1);
            let count = if ffi::lua_toboolean(state, 2) != 0 { chunk::push_arguments(state) } else { 0 };
            if ffi::lua_checkstack(program, count + 1) == 0 {
                lua::error(state, c"too many arguments");
            }
            ffi::lua_xmove(state, program, count + 1);
            ffi::lua_rawsetp(state, lua::REGISTRY, lua::registry_key(&PROGRAM));
        }
        0
    }
    let frame = match begin() {
        Ok(frame) => frame,
        Err(answer) => return answer,
    };
    let state = frame.state;
    // SAFETY: as for `run`.
    unsafe {
        lua::push_function(state, make);
        let (mut status, mut limit) = entry::load_chunk(frame, code, name, mode);
        if status == lua::OK {
            ffi::lua_pushboolean(state, c_int::from(arguments));
            entry::begin_running(frame);
            status = lua::pcall(state, 2, 0, 0);
            limit = entry::end_running(frame);
        } else {
            ffi::lua_rotate(state, 1, -1);
            lua::pop(state, 1);
        }
        if status != lua::OK {
            return entry::leave_result(frame, status, limit);
        }
        limits::begin_program();
        refusal::forget();
        MODE.set(mode);
        0
    }
}

/// Pushes the program's thread and returns it; `None` if there is no program, and nothing was pushed.
unsafe fn push_program(state: *mut State) -> Option<*mut State> {
    // SAFETY: the callers have a free slot.
    unsafe {
        let kind = ffi::lua_rawgetp(state, lua::REGISTRY, lua::registry_key(&PROGRAM));
        let thread = ffi::lua_tothread(state, -1);
        if kind == ffi::LUA_TTHREAD as c_int && !thread.is_null() {
            return Some(thread);
        }
        lua::pop(state, 1);
        None
    }
}

/// Returns whether there is a program, and what it waits for: one of the `PROGRAM_` constants.
pub fn state() -> u32 {
    let Some(state) = frame::state() else { return abi::PROGRAM_NONE };
    // SAFETY: the state is live, with free slots between calls and inside a host function.
    unsafe {
        let Some(thread) = push_program(state) else { return abi::PROGRAM_NONE };
        let yielded = ffi::lp_yielded(thread) != 0;
        lua::pop(state, 1);
        if yielded { abi::PROGRAM_YIELDED } else { abi::PROGRAM_PAUSED }
    }
}

/// Says why the running thread cannot close itself; null if it can. Only Lua 5.5 asks.
#[cfg(feature = "lua-5-5")]
#[unsafe(no_mangle)]
unsafe extern "C-unwind" fn lp_unclosable(thread: *mut State) -> *const c_char {
    // SAFETY: `coroutine.close` asks, with free slots.
    unsafe {
        let program = push_program(thread);
        lua::pop(thread, c_int::from(program.is_some()));
        if program == Some(thread) {
            c"cannot close main thread".as_ptr()
        } else if frame::current().is_some_and(|frame| frame.nested && frame.state == thread) {
            c"cannot close a coroutine that waits for a host function".as_ptr()
        } else {
            core::ptr::null()
        }
    }
}

/// Moves the values that the host sent to the program, whose thread is all that is on the stack. `Err`: the status of
/// what went wrong, with the error on top of the stack.
unsafe fn hand_over(state: *mut State, thread: *mut State, mut values: Bytes) -> Result<c_int, c_int> {
    // SAFETY: as for `step`; what is pointed at outlives the call.
    unsafe {
        let top = ffi::lua_gettop(state);
        lua::push_function(state, sent::values);
        ffi::lua_pushlightuserdata(state, (&raw mut values).cast());
        let status = lua::pcall(state, 1, lua::MULTRET, 0);
        if status != lua::OK {
            return Err(status);
        }
        let count = ffi::lua_gettop(state) - top;
        if ffi::lua_checkstack(thread, count) == 0 {
            ffi::lua_settop(state, top);
            ffi::lua_pushstring(state, c"not enough memory".as_ptr());
            return Err(ffi::LUA_ERRMEM as c_int);
        }
        ffi::lua_xmove(state, thread, count);
        Ok(count)
    }
}

/// Runs the program for some ticks, 0 for as many as it takes. `values`: what the yield that it waits in returns, or
/// more arguments if it has not begun. Returns what `compute` returns; the status tells whether the program has ended
/// or is paused, and then the result is what it has yielded.
pub fn step(ticks: u32, values: Option<Bytes>) -> i32 {
    let frame = match begin() {
        Ok(frame) => frame,
        Err(answer) => return answer,
    };
    let state = frame.state;
    // SAFETY: as for `run`. The thread is held by the registry until it has ended.
    unsafe {
        let Some(thread) = push_program(state) else {
            return refusals::NO_PROGRAM.answer();
        };
        // Before its first step, the program lies on its stack with its arguments above.
        let fresh = ffi::lua_status(thread) == lua::OK;
        let mut arguments = if fresh { ffi::lua_gettop(thread) - 1 } else { 0 };
        if let Some(values) = values.filter(|values| !values.is_empty()) {
            if !fresh && ffi::lp_yielded(thread) == 0 {
                lua::pop(state, 1);
                return refusals::NO_YIELD.answer();
            }
            match hand_over(state, thread, values) {
                Ok(count) => arguments += count,
                Err(status) => return result::fail(frame, status),
            }
        }
        let mut resumption = Resumption { thread, arguments, results: 0, status: lua::OK };
        limits::begin_step(ticks, thread);
        frame::set_running(true);
        lua::push_function(state, resume);
        ffi::lua_pushlightuserdata(state, (&raw mut resumption).cast());
        let called = lua::pcall(state, 1, 0, 0);
        frame::set_running(false);
        SPENT.set(ffi::lp_spent());
        let limit = limits::end_step();
        if called != lua::OK {
            // There was no memory to call it.
            ffi::lua_rotate(state, 1, -1);
            lua::pop(state, 1);
            return entry::end(frame, called, limit, Mode::Chunk);
        }
        let Resumption { mut results, status, .. } = resumption;
        if status as u32 == ffi::LUA_YIELD {
            let status = take_results(state, thread, results, lua::OK);
            if limit != abi::STATUS_OK || status != lua::OK {
                forget_program(state);
            }
            let written = entry::end(frame, status, limit, Mode::Chunk);
            if written >= 0 {
                outcome::set_status(abi::STATUS_PAUSED);
            }
            return written;
        }
        if status != lua::OK {
            lua::push_function(state, traceback::keep_thread_traceback);
            ffi::lua_pushvalue(state, 1);
            if lua::pcall(state, 1, 0, 0) != lua::OK {
                lua::pop(state, 1);
            }
            results = 1;
        }
        let status = take_results(state, thread, results, status);
        forget_program(state);
        entry::end(frame, status, limit, MODE.get())
    }
}

/// A request to [`resume`], and its result.
struct Resumption {
    thread: *mut State,
    arguments: c_int,
    results: c_int,
    status: c_int,
}

/// Resumes the program from within a call, so that the main thread counts as one that waits for another: one on which
/// nothing runs could be resumed and closed by Lua code.
unsafe extern "C-unwind" fn resume(state: *mut State) -> c_int {
    // SAFETY: `step` passes a `Resumption` that outlives the call.
    unsafe {
        let it = &mut *ffi::lua_touserdata(state, 1).cast::<Resumption>();
        it.status = ffi::lua_resume(it.thread, state, it.arguments, &raw mut it.results);
    }
    0
}

/// Drops the program.
unsafe fn forget_program(state: *mut State) {
    // SAFETY: as for `step`; setting a field that exists takes no memory.
    unsafe {
        ffi::lua_pushnil(state);
        ffi::lua_rawsetp(state, lua::REGISTRY, lua::registry_key(&PROGRAM));
    }
}

/// Moves what the program left, at the top of its own stack, to the stack of the state, in place of the
/// program. Returns the status, or the one of running out of memory on the way.
unsafe fn take_results(state: *mut State, program: *mut State, results: c_int, status: c_int) -> c_int {
    if ffi::lua_checkstack(state, results + 4) == 0 {
        ffi::lua_settop(state, 0);
        ffi::lua_pushstring(state, c"not enough memory".as_ptr());
        return ffi::LUA_ERRMEM as c_int;
    }
    ffi::lua_xmove(program, state, results);
    ffi::lua_rotate(state, 1, -1);
    lua::pop(state, 1);
    status
}
