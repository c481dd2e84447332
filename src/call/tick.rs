//! Does what is due at the end of each slice of ticks (`vendor/edits/tick.toml`): checks limits, hands on output.

use core::ffi::{c_char, c_int};

use crate::abi;
use crate::call::message::Message;
use crate::call::{limits, output};
use crate::cell::Global;
use crate::session;

/// Output of a call with a limit of time is handed on after so many seconds, even if the buffer has room.
const FLUSH_SECONDS: f64 = 0.1;

/// The time of the next flush of output, in the clock's seconds: whoever waits for a long call sees its progress.
static NEXT_FLUSH: Global<f64> = Global::new(0.0);

/// The message of the limit that was reached, which Lua copies before anything else is written.
static MESSAGE: Global<Message> = Global::new(Message::new());

/// Checks the deadline after work that no tick counts.
pub fn watch() {
    if is_late() {
        limits::reach(abi::STATUS_TIME_LIMIT);
    }
}

#[unsafe(no_mangle)]
extern "C-unwind" fn lp_limit_reached(spent: c_int) -> *const c_char {
    if limits::reached() == abi::STATUS_OK {
        if spent != 0 {
            limits::set_reached(abi::STATUS_INSTRUCTION_LIMIT);
        } else if is_late() {
            limits::set_reached(abi::STATUS_TIME_LIMIT);
        } else {
            return core::ptr::null();
        }
    }
    MESSAGE.set(limits::message(limits::reached()));
    // A message has a zero byte behind its text.
    MESSAGE.as_ptr().cast()
}

/// Checks the deadline, if there is one, and hands on output that has waited long enough.
fn is_late() -> bool {
    let deadline = limits::deadline();
    if deadline == f64::INFINITY {
        return false;
    }
    let Some(now) = session::cpu_seconds() else { return false };
    if now >= NEXT_FLUSH.get() {
        NEXT_FLUSH.set(now + FLUSH_SECONDS);
        output::flush();
    }
    now >= deadline
}
