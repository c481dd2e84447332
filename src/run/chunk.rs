//! Runs a chunk from its source to its result: compiles it, calls it under a handler that keeps the
//! traceback, and hands what it returned or raised to [`result`](crate::result).

use core::cell::Cell;
use core::ffi::{CStr, c_char, c_int, c_void};

use crate::abi::{self, refusals};
use crate::call::limits;
use crate::call::output;
use crate::ext;
use crate::host::access as globals;
use crate::host::functions;
use crate::lua::{self, State, ffi};
use crate::machine::{self, Frame};
use crate::ranges::Bytes;
use crate::run::console;
use crate::run::result;

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

/// Begins a call: nothing of the last one is left. `Err`: what the call returns at once.
fn begin() -> Result<Frame, i32> {
    let Some(frame) = machine::frame() else {
        return Err(refusals::NOT_RUNNING.answer());
    };
    if machine::is_running() {
        return Err(refusals::BUSY.answer());
    }
    result::forget_refusal();
    // SAFETY: the state is live, and the Lua code that runs, if any, waits for this call.
    unsafe {
        if frame.nested {
            output::restart();
            result::forget(frame);
            ext::begin_nested_call();
            return Ok(frame);
        }
        output::reset();
        result::forget(frame);
        functions::forget_exception();
        match ext::begin_call(frame.state) {
            lua::OK => Ok(frame),
            status => Err(result::fail(frame, status)),
        }
    }
}

/// Begins the part of a call in which Lua code runs, within the limits.
fn begin_running(frame: Frame) {
    if !frame.nested {
        limits::begin();
    }
    machine::set_running(true);
}

/// Ends that part. Returns the status of the limit that was reached, or `STATUS_OK`. A limit takes the main thread's
/// hook away: one that never ends would fail every later call.
fn end_running(frame: Frame) -> i32 {
    machine::set_running(false);
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
unsafe fn end(frame: Frame, mut status: c_int, limit: i32, mode: Mode) -> i32 {
    let state = frame.state;
    // SAFETY: as for the caller.
    unsafe {
        if status == lua::OK && mode == Mode::Console {
            status = absorb(frame);
        }
        // A chunk that failed may have changed variables all the same; its own error is what counts.
        let stored = if frame.nested { ext::store(state) } else { ext::end_call(state) };
        if status == lua::OK {
            status = stored;
        } else if stored != lua::OK {
            lua::pop(state, 1);
        }
        leave_result(frame, status, limit)
    }
}

/// Leaves the result or the error. An error's `__tostring` and finalisers run meanwhile: they may use as much as
/// the call itself.
unsafe fn leave_result(frame: Frame, status: c_int, limit: i32) -> i32 {
    // Calls that its imports made have been refused, or calls of its host functions were.
    result::forget_refusal();
    // SAFETY: as for `end`; without a pause there is no program.
    unsafe {
        if !frame.nested {
            limits::begin();
        }
        let written = machine::occupied(|| {
            if limit != abi::STATUS_OK {
                stopped(frame, status, limit)
            } else if status == lua::OK {
                machine::keep_reserve();
                result::succeed(frame)
            } else {
                result::fail(frame, status)
            }
        });
        let reached = if frame.nested { abi::STATUS_OK } else { limits::end() };
        if reached != abi::STATUS_OK && limit == abi::STATUS_OK && status != lua::OK {
            machine::set_status(reached);
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
    // SAFETY: as for `end`.
    unsafe {
        if status == lua::OK {
            // Caught, or reached by the last thing that the code did.
            ffi::lua_settop(state, frame.base);
            lua::push_function(state, push_message);
            ffi::lua_pushinteger(state, i64::from(limit));
            lua::pcall(state, 1, 1, 0);
        }
        let written = result::fail(frame, status);
        machine::set_status(limit);
        written
    }
}

/// Calls the chunk that is the only argument with the elements of the global `arg`.
unsafe extern "C-unwind" fn call_with_arguments(state: *mut State) -> c_int {
    // SAFETY: `run` passes the compiled chunk, in protected mode.
    unsafe {
        let count = push_arguments(state);
        lua::call(state, count, lua::MULTRET);
        ffi::lua_gettop(state)
    }
}

/// Pushes the elements of the global `arg` and returns how many those are; none if it is no table.
unsafe fn push_arguments(state: *mut State) -> c_int {
    // SAFETY: the callers run in protected mode, with two free slots.
    unsafe {
        if ffi::lua_getglobal(state, c"arg".as_ptr()) != lua::kind::TABLE {
            lua::pop(state, 1);
            return 0;
        }
        let table = ffi::lua_gettop(state);
        let count = ffi::luaL_len(state, table).clamp(0, i64::from(c_int::MAX)) as c_int;
        ffi::luaL_checkstack(state, count.saturating_add(2), c"too many arguments".as_ptr());
        for n in 1..=i64::from(count) {
            ffi::lua_geti(state, table, n);
        }
        ffi::lua_rotate(state, table, -1);
        lua::pop(state, 1);
        count
    }
}

/// Runs a chunk and leaves its result in the I/O buffer. `arguments`: it gets the elements of the global `arg`. Returns
/// what `compute` returns.
pub fn run(code: Bytes, name: Option<Bytes>, mode: Mode, arguments: bool) -> i32 {
    let frame = match begin() {
        Ok(frame) if !code.is_empty() => frame,
        Ok(_) => return 0,
        Err(answer) => return answer,
    };
    let state = frame.state;
    // SAFETY: the state is live and the frame's part of the stack empty, so that the few slots used here are
    // free. Nothing has a destructor.
    unsafe {
        lua::push_function(state, keep_traceback);
        let (mut status, mut limit) = load_chunk(frame, code, name, mode);
        if status == lua::OK {
            if arguments {
                lua::push_function(state, call_with_arguments);
                ffi::lua_rotate(state, -2, 1);
            }
            (status, limit) = run_protected(frame, c_int::from(arguments));
        }
        ffi::lua_rotate(state, frame.at(1), -1);
        lua::pop(state, 1);
        end(frame, status, limit, mode)
    }
}

/// Calls the function below `arguments` arguments under the handler that is the first value of the call.
/// Returns the status, and that of the limit that was reached.
unsafe fn run_protected(frame: Frame, arguments: c_int) -> (c_int, i32) {
    // SAFETY: as for `run`.
    unsafe {
        begin_running(frame);
        let status = lua::pcall(frame.state, arguments, lua::MULTRET, frame.at(1));
        (status, end_running(frame))
    }
}

/// Runs a function that reads what the host sent, which it gets as a pointer, and leaves what it returns as
/// the result. Returns what `compute` returns.
pub fn run_request(function: lua::Function, sent: Bytes) -> i32 {
    let frame = match begin() {
        Ok(frame) => frame,
        Err(answer) => return answer,
    };
    let mut sent = sent;
    // SAFETY: as for `run`; what is pointed at outlives the call.
    unsafe {
        lua::push_function(frame.state, keep_traceback);
        lua::push_function(frame.state, function);
        ffi::lua_pushlightuserdata(frame.state, (&raw mut sent).cast());
        let (status, limit) = run_protected(frame, 1);
        ffi::lua_rotate(frame.state, frame.at(1), -1);
        lua::pop(frame.state, 1);
        end(frame, status, limit, Mode::Chunk)
    }
}

/// Compiles a chunk, which is then on top of the stack, or an error value with the status returned. Returns that of the
/// limit that was reached as well.
unsafe fn load_chunk(frame: Frame, code: Bytes, name: Option<Bytes>, mode: Mode) -> (c_int, i32) {
    let state = frame.state;
    if !frame.nested {
        limits::begin_compiling(code.len());
    }
    machine::set_running(true);
    // SAFETY: as for `run`. The code is read only while it is compiled, and until then nothing writes to
    // the memory that it may share with the I/O buffer.
    unsafe {
        let name = Name::new(name.unwrap_or(code).as_slice());
        let status = compile(state, code, &name, mode);
        if status == lua::OK && mode == Mode::Console {
            console::join(state, ffi::lua_gettop(state));
        }
        (status, end_running(frame))
    }
}

/// Registry key: the thread of the program that is run in steps.
static PROGRAM: u8 = 0;

/// Begins a call that belongs to the program, which no function of the host can make.
fn begin_program() -> Result<Frame, i32> {
    if machine::frame().is_some_and(|frame| frame.nested) {
        return Err(refusals::BUSY_FUNCTION.answer());
    }
    begin()
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
            let count = if ffi::lua_toboolean(state, 2) != 0 { push_arguments(state) } else { 0 };
            if ffi::lua_checkstack(program, count + 1) == 0 {
                lua::error(state, c"too many arguments");
            }
            ffi::lua_xmove(state, program, count + 1);
            ffi::lua_rawsetp(state, lua::REGISTRY, lua::registry_key(&PROGRAM));
        }
        0
    }
    let frame = match begin_program() {
        Ok(frame) => frame,
        Err(answer) => return answer,
    };
    let state = frame.state;
    // SAFETY: as for `run`.
    unsafe {
        lua::push_function(state, make);
        let (mut status, mut limit) = load_chunk(frame, code, name, mode);
        if status == lua::OK {
            ffi::lua_pushboolean(state, c_int::from(arguments));
            begin_running(frame);
            status = lua::pcall(state, 2, 0, 0);
            limit = end_running(frame);
        } else {
            ffi::lua_rotate(state, 1, -1);
            lua::pop(state, 1);
        }
        if status != lua::OK {
            return leave_result(frame, status, limit);
        }
        limits::begin_program();
        result::forget_refusal();
        machine::set_program_mode(mode);
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

/// Whether there is a program, and what it waits for: one of the `PROGRAM_` constants.
pub fn program_state() -> u32 {
    let Some(state) = machine::state() else { return abi::PROGRAM_NONE };
    // SAFETY: the state is live, with free slots between calls and inside a function of the host.
    unsafe {
        let Some(thread) = push_program(state) else { return abi::PROGRAM_NONE };
        let yielded = ffi::lp_yielded(thread) != 0;
        lua::pop(state, 1);
        if yielded { abi::PROGRAM_YIELDED } else { abi::PROGRAM_PAUSED }
    }
}

/// Moves the values that the host sent to the program, whose thread is all that is on the stack. `Err`: the status of
/// what went wrong, with the error on top of the stack.
unsafe fn hand_over(state: *mut State, thread: *mut State, mut values: Bytes) -> Result<c_int, c_int> {
    // SAFETY: as for `step`; what is pointed at outlives the call.
    unsafe {
        let top = ffi::lua_gettop(state);
        lua::push_function(state, globals::values);
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
    let frame = match begin_program() {
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
        machine::set_running(true);
        lua::push_function(state, resume);
        ffi::lua_pushlightuserdata(state, (&raw mut resumption).cast());
        let called = lua::pcall(state, 1, 0, 0);
        machine::set_running(false);
        machine::set_spent(ffi::lp_spent());
        let limit = limits::end_step();
        if called != lua::OK {
            // There was no memory to call it.
            ffi::lua_rotate(state, 1, -1);
            lua::pop(state, 1);
            return end(frame, called, limit, Mode::Chunk);
        }
        let Resumption { mut results, status, .. } = resumption;
        if status as u32 == ffi::LUA_YIELD {
            let status = take_results(state, thread, results, lua::OK);
            if limit != abi::STATUS_OK || status != lua::OK {
                forget_program(state);
            }
            let written = end(frame, status, limit, Mode::Chunk);
            if written >= 0 {
                machine::set_status(abi::STATUS_PAUSED);
            }
            return written;
        }
        if status != lua::OK {
            lua::push_function(state, keep_thread_traceback);
            ffi::lua_pushvalue(state, 1);
            if lua::pcall(state, 1, 0, 0) != lua::OK {
                lua::pop(state, 1);
            }
            results = 1;
        }
        let status = take_results(state, thread, results, status);
        forget_program(state);
        end(frame, status, limit, machine::program_mode())
    }
}

/// What [`resume`] is asked for, and what came of it.
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

/// Lets the program go.
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
    // SAFETY: as for `step`.
    unsafe {
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
}

unsafe extern "C-unwind" fn keep_thread_traceback(state: *mut State) -> c_int {
    // SAFETY: called in protected mode with the thread that failed.
    unsafe {
        let thread = ffi::lua_tothread(state, 1);
        ffi::luaL_traceback(state, thread, core::ptr::null(), 0);
        result::keep_traceback(state);
    }
    0
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
        if !result::has_traceback(state, 1) {
            lua::push_function(state, trace);
            lua::pcall(state, 0, 0, 0);
            ffi::lua_settop(state, 1);
        }
    }
    1
}
