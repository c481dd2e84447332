//! What a call of Lua may use: instructions, time, output. The interpreter asks at the end of each slice
//! of ticks (see `vendor/edits/tick.toml`) whether a limit is reached, and then raises the error.

use core::cell::Cell;
use core::ffi::{c_char, c_int};

use crate::abi;
use crate::call::output::{self, Message};
use crate::lua::{State, ffi};
use crate::session as system;

/// What calls may use; 0 for no limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Rounds of loops and calls of Lua functions.
    pub instructions: u32,
    /// Milliseconds, by the host's clock.
    pub milliseconds: u32,
    /// Bytes of output.
    pub output_bytes: u32,
}

/// Output of a call with a limit of time is handed on after so many seconds, even if the buffer has room.
const FLUSH_SECONDS: f64 = 0.1;

/// 32 bytes that are copied are a tick, as `lp_copied` in `vendor/glue/charge.h` says.
const COPIED_SHIFT: u32 = 5;
/// 16 bytes of a heap that is collected are a tick, as the edit `charge` says.
const COLLECTED_SHIFT: u32 = 4;

struct Allowance {
    limits: Cell<Limits>,
    /// When time is up, in the clock's seconds; infinite without a limit.
    deadline: Cell<f64>,
    /// Bytes that can still be printed.
    output: Cell<usize>,
    /// When output is handed on next, in the clock's seconds: who waits for a long call wants to see how far it is.
    flush: Cell<f64>,
    /// The status of the limit that the call has reached, or `STATUS_OK`.
    reached: Cell<i32>,
    message: Cell<Message>,
    /// What the program that is run in steps has used in its steps so far.
    used: Cell<Used>,
    /// When the step under way began, in the clock's seconds, if time is limited.
    began: Cell<Option<f64>>,
}

/// What a program has used.
#[derive(Debug, Clone, Copy)]
struct Used {
    instructions: u64,
    seconds: f64,
    output_bytes: usize,
}

const NOTHING: Used = Used { instructions: 0, seconds: 0.0, output_bytes: 0 };

// SAFETY: as for `machine::Single`.
unsafe impl Sync for Allowance {}

static ALLOWANCE: Allowance = Allowance {
    limits: Cell::new(Limits { instructions: 0, milliseconds: 0, output_bytes: 0 }),
    deadline: Cell::new(f64::INFINITY),
    output: Cell::new(usize::MAX),
    flush: Cell::new(0.0),
    reached: Cell::new(abi::STATUS_OK),
    message: Cell::new(Message::new()),
    used: Cell::new(NOTHING),
    began: Cell::new(None),
};

/// Limits what each call may use, from the next one on.
pub fn set(limits: Limits) {
    ALLOWANCE.limits.set(limits);
}

/// Begins work that may use what the limits allow: a call, or what runs finalizers between calls.
pub fn begin() {
    // SAFETY: without a pause there is no program.
    unsafe { arm(0, core::ptr::null_mut(), NOTHING, 0) };
}

/// Begins a collection that the host asks for: it is not charged for the heap that is looked through, which is of `bytes`
/// bytes, but for what finalizers do.
pub fn begin_collecting(bytes: u32) {
    // SAFETY: as for `begin`.
    unsafe { arm(0, core::ptr::null_mut(), NOTHING, u64::from(bytes) >> COLLECTED_SHIFT) };
}

/// Begins to compile so many bytes of the host's own code. For its length it may use more, as a limit is not to refuse
/// code for that alone.
pub fn begin_compiling(bytes: usize) {
    // SAFETY: as for `begin`.
    unsafe { arm(0, core::ptr::null_mut(), NOTHING, 2 * bytes as u64) };
}

/// Begins a program, which has used nothing yet.
pub fn begin_program() {
    ALLOWANCE.used.set(NOTHING);
}

/// Begins a step of the program, which may use what its steps before have left. `pause`: after how many ticks `program`
/// pauses, 0 for never.
///
/// # Safety
///
/// The program stays alive until [`end_step`].
pub unsafe fn begin_step(pause: u32, program: *mut State) {
    // SAFETY: as for the caller.
    unsafe { arm(pause, program, ALLOWANCE.used.get(), 0) };
}

/// Ends a step. Returns the status of the limit that was reached, or `STATUS_OK`.
pub fn end_step() -> i32 {
    let used = ALLOWANCE.used.get();
    let began = ALLOWANCE.began.get();
    let seconds = began.zip(began.and_then(|_| system::cpu_seconds())).map_or(0.0, |(began, now)| now - began);
    let output_bytes = match ALLOWANCE.output.get() {
        usize::MAX => 0,
        left => ALLOWANCE.limits.get().output_bytes as usize - left,
    };
    ALLOWANCE.used.set(Used {
        // SAFETY: reads counters.
        instructions: used.instructions + unsafe { ffi::lp_spent() },
        seconds: used.seconds + seconds,
        output_bytes: used.output_bytes.max(output_bytes),
    });
    end()
}

/// Sets the counters for what may use what the limits allow, and `more` instructions, less what it has used before.
unsafe fn arm(pause: u32, program: *mut State, used: Used, more: u64) {
    let limits = ALLOWANCE.limits.get();
    ALLOWANCE.reached.set(abi::STATUS_OK);
    let now = if limits.milliseconds == 0 { None } else { system::cpu_seconds() };
    let seconds = f64::from(limits.milliseconds) / 1000.0 - used.seconds;
    ALLOWANCE.began.set(now);
    ALLOWANCE.deadline.set(now.map_or(f64::INFINITY, |now| now + seconds));
    ALLOWANCE.output.set(match limits.output_bytes as usize {
        0 => usize::MAX,
        bytes => bytes.saturating_sub(used.output_bytes),
    });
    let instructions = match u64::from(limits.instructions) {
        0 => 0,
        // A budget of 0 would be none.
        limit => (limit + more).saturating_sub(used.instructions).max(1),
    };
    if pause != 0 || instructions != 0 || now.is_some() {
        // SAFETY: as for the caller; the rest are counters.
        unsafe { ffi::lp_budget(u64::from(pause), program, instructions, c_int::from(now.is_some())) };
    }
}

/// Ends what [`begin`] began. Returns the status of the limit that was reached, or `STATUS_OK`.
pub fn end() -> i32 {
    // SAFETY: sets counters.
    unsafe { ffi::lp_budget(0, core::ptr::null_mut(), 0, 0) };
    ALLOWANCE.deadline.set(f64::INFINITY);
    ALLOWANCE.output.set(usize::MAX);
    ALLOWANCE.reached.replace(abi::STATUS_OK)
}

/// The status of the limit that the call under way has reached, or `STATUS_OK`.
pub fn reached() -> i32 {
    ALLOWANCE.reached.get()
}

/// How many of `bytes` more may be printed. If that is not all, the limit is reached.
pub fn print(bytes: usize) -> usize {
    let left = ALLOWANCE.output.get();
    if left == usize::MAX {
        return bytes;
    }
    let allowed = bytes.min(left);
    ALLOWANCE.output.set(left - allowed);
    if allowed < bytes {
        reach(abi::STATUS_OUTPUT_LIMIT);
    }
    allowed
}

/// Charges work on so many bytes, which the next tick sees.
pub fn count_bytes(bytes: usize) {
    count((bytes >> COPIED_SHIFT) as c_int);
}

/// Charges so many ticks of work that the size of the heap bounds, which the next tick sees.
pub fn count(ticks: c_int) {
    // SAFETY: changes a counter.
    unsafe { ffi::lp_worked(ticks) };
}

/// Charges a tick of a loop whose length a script chooses; raises the error when a limit is reached.
///
/// # Safety
///
/// Inside a protected call.
pub unsafe fn charge(state: *mut State) {
    // SAFETY: as for the caller.
    unsafe { ffi::lp_work(state, 1) };
}

/// Looks whether time is up after something that took time without ticks.
pub fn watch() {
    if overdue() {
        reach(abi::STATUS_TIME_LIMIT);
    }
}

fn overdue() -> bool {
    let deadline = ALLOWANCE.deadline.get();
    if deadline == f64::INFINITY {
        return false;
    }
    let Some(now) = system::cpu_seconds() else { return false };
    if now >= ALLOWANCE.flush.get() {
        ALLOWANCE.flush.set(now + FLUSH_SECONDS);
        output::flush();
    }
    now >= deadline
}

/// Records which limit is reached, unless another was before, and lets the next tick raise the error.
fn reach(status: i32) {
    if ALLOWANCE.reached.get() == abi::STATUS_OK {
        ALLOWANCE.reached.set(status);
    }
    // SAFETY: sets counters.
    unsafe { ffi::lp_hurry() };
}

/// Writes the message of the limit with a status.
pub fn message(status: i32) -> Message {
    let limits = ALLOWANCE.limits.get();
    let mut message = Message::new();
    let (limit, unit) = match status {
        abi::STATUS_TIME_LIMIT => (limits.milliseconds, " milliseconds"),
        abi::STATUS_OUTPUT_LIMIT => (limits.output_bytes, " bytes of output"),
        _ => (limits.instructions, " instructions"),
    };
    message.push("the limit of ");
    message.push_number(limit as usize);
    message.push(unit);
    message.push(" is reached");
    message
}

#[unsafe(no_mangle)]
extern "C-unwind" fn lp_limit_reached(spent: c_int) -> *const c_char {
    if ALLOWANCE.reached.get() == abi::STATUS_OK {
        if spent != 0 {
            ALLOWANCE.reached.set(abi::STATUS_INSTRUCTION_LIMIT);
        } else if overdue() {
            ALLOWANCE.reached.set(abi::STATUS_TIME_LIMIT);
        } else {
            return core::ptr::null();
        }
    }
    ALLOWANCE.message.set(message(ALLOWANCE.reached.get()));
    // A message has a zero byte behind its text, and Lua copies it before anything else is written.
    ALLOWANCE.message.as_ptr().cast()
}
