//! Records how the last call ended: its status, the values or error that it left on the stack, and a refusal since.

use crate::abi;
use crate::cell::Global;

/// Says what lies on the stack between two calls, from the frame's first index on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kept {
    /// Nothing.
    Nothing,
    /// The results, as they did not fit the buffer.
    Values,
    /// The error value and its message.
    Error,
    /// One of these, which nobody gets any more, as a call was refused since.
    Dropped,
}

/// The status of the last call, one of `abi::STATUS_*`.
static STATUS: Global<i32> = Global::new(abi::STATUS_OK);

/// The values or error on the stack.
static KEPT: Global<Kept> = Global::new(Kept::Nothing);

/// The message of the call that was refused since the last run. While there is one, it is the only part there is.
static REFUSED: Global<Option<&'static str>> = Global::new(None);

/// Returns the status of the last call that ran Lua, one of `abi::STATUS_*`.
pub fn status() -> i32 {
    STATUS.get()
}

/// Records how a call ended.
pub fn set_status(status: i32) {
    STATUS.set(status);
}

/// Returns what the last call left on the stack.
pub fn kept() -> Kept {
    KEPT.get()
}

/// Records what a call leaves on the stack.
pub fn keep(what: Kept) {
    KEPT.set(what);
}

/// Returns why a call was refused since the last run.
pub fn refused() -> Option<&'static str> {
    REFUSED.get()
}

/// Records why a call was refused, or forgets it.
pub fn set_refused(message: Option<&'static str>) {
    REFUSED.set(message);
}
