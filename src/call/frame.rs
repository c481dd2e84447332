//! Keeps the frame that a call from the host runs in, and whether Lua code is running.

use core::ffi::c_int;
use core::ptr;

use crate::cell::Global;
use crate::lua::{State, ffi};

/// The state of the machine, null while there is none.
static STATE: Global<*mut State> = Global::new(ptr::null_mut());

/// The frame of calls inside a host function.
static INNER: Global<Option<Frame>> = Global::new(None);

/// Whether Lua code is running.
static RUNNING: Global<bool> = Global::new(false);

/// Makes a state the machine's; null for none.
pub fn set_state(state: *mut State) {
    STATE.set(state);
}

/// The frame that a call from the host runs in: outside of host functions the machine's state with an empty stack,
/// inside of one the thread that called it, above what is on its stack.
#[derive(Debug, Clone, Copy)]
pub struct Frame {
    /// The thread.
    pub state: *mut State,
    /// The number of values on its stack that belong to the code below.
    pub base: c_int,
    /// Whether other Lua code waits for this call to end.
    pub nested: bool,
}

impl Frame {
    /// The index of the call's `n`th value, from 1.
    pub fn at(self, n: c_int) -> c_int {
        self.base + n
    }
}

/// Returns the running state, or `None` before `init` and after `deinit`. Inside a host function, the thread
/// that called it.
pub fn state() -> Option<*mut State> {
    current().map(|frame| frame.state)
}

/// Returns the frame that a call from the host runs in, or `None` before `init` and after `deinit`.
pub fn current() -> Option<Frame> {
    let state = STATE.get();
    let inner = INNER.get();
    inner.or_else(|| (!state.is_null()).then_some(Frame { state, base: 0, nested: false }))
}

/// The frame below a host function.
#[derive(Debug)]
pub struct Outer {
    inner: Option<Frame>,
    /// `false` for a finalizer or a `__tostring` that runs between calls.
    running: bool,
}

/// Enters a host function: until [`leave`], calls from the host run on top of the running thread. Returns what
/// [`leave`] is given.
///
/// # Safety
///
/// `state` is the running thread.
pub unsafe fn enter(state: *mut State) -> Outer {
    let base = ffi::lua_gettop(state);
    Outer { inner: INNER.replace(Some(Frame { state, base, nested: true })), running: RUNNING.replace(false) }
}

/// Goes back to the Lua code that was running.
pub fn leave(outer: Outer) {
    INNER.set(outer.inner);
    set_running(outer.running);
}

/// Whether Lua code is running, so that an import was called and not an export.
pub fn is_running() -> bool {
    RUNNING.get()
}

/// Records whether Lua code is running.
pub fn set_running(running: bool) {
    RUNNING.set(running);
}

/// Does work that may call imports, as if Lua code ran: calls from an import that would touch the state are refused.
pub fn occupied<T>(work: impl FnOnce() -> T) -> T {
    let before = RUNNING.replace(true);
    let result = work();
    set_running(before);
    result
}
