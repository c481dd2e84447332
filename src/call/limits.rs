//! Limits what a call of Lua may use: instructions, time, output. The interpreter asks at the end of each slice of
//! ticks (`tick.rs`) whether a limit is reached, and then raises the error.

use core::ffi::c_int;

use crate::abi;
use crate::call::frame;
use crate::call::message::Message;
use crate::cell::Global;
use crate::lua::{State, ffi};
use crate::session;

/// Limits of a call; 0 for no limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Rounds of loops and calls of Lua functions.
    pub instructions: u32,
    /// Milliseconds, by the host's clock.
    pub milliseconds: u32,
    /// Bytes of output.
    pub output_bytes: u32,
}

/// 32 bytes that are copied are a tick, as `lp_copied` in `vendor/glue/charge.h` says.
const COPIED_SHIFT: u32 = 5;

/// 16 bytes of a heap that is collected are a tick, as the edit `charge` says.
const COLLECTED_SHIFT: u32 = 4;

/// The use of a program.
#[derive(Debug, Clone, Copy)]
struct Used {
    instructions: u64,
    seconds: f64,
    output_bytes: usize,
}

const NOTHING: Used = Used { instructions: 0, seconds: 0.0, output_bytes: 0 };

/// The limits of each call.
static LIMITS: Global<Limits> = Global::new(Limits { instructions: 0, milliseconds: 0, output_bytes: 0 });
/// The deadline, in the clock's seconds; infinite without a limit.
static DEADLINE: Global<f64> = Global::new(f64::INFINITY);
/// Bytes that can still be printed.
static OUTPUT: Global<usize> = Global::new(usize::MAX);
/// The status of the limit that the call has reached, or `STATUS_OK`.
static REACHED: Global<i32> = Global::new(abi::STATUS_OK);
/// The use of the program that is run in steps, in its steps so far.
static USED: Global<Used> = Global::new(NOTHING);
/// The start of the step under way, in the clock's seconds, if time is limited.
static BEGAN: Global<Option<f64>> = Global::new(None);

/// Limits what each call may use, from the next one on.
pub fn set(limits: Limits) {
    LIMITS.set(limits);
}

/// Returns whether the work of a call is limited.
pub fn any() -> bool {
    let Limits { instructions, milliseconds, .. } = LIMITS.get();
    instructions != 0 || milliseconds != 0
}

/// Begins work that the limits hold for: a call, or work between calls that runs finalizers.
pub fn begin() {
    // SAFETY: without a pause there is no program.
    unsafe { arm(0, core::ptr::null_mut(), NOTHING, 0) };
}

/// Begins a collection that the host asks for: it is not charged for the heap that is looked through, which is of
/// `bytes` bytes, but for what finalizers do.
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
    USED.set(NOTHING);
}

/// Begins a step of the program, which may use what its steps before have left. `pause`: after how many ticks `program`
/// pauses, 0 for never.
///
/// # Safety
///
/// The program stays alive until [`end_step`].
pub unsafe fn begin_step(pause: u32, program: *mut State) {
    arm(pause, program, USED.get(), 0);
}

/// Ends a step. Returns the status of the limit that was reached, or `STATUS_OK`.
pub fn end_step() -> i32 {
    let used = USED.get();
    let began = BEGAN.get();
    let seconds = began.zip(began.and_then(|_| session::cpu_seconds())).map_or(0.0, |(began, now)| now - began);
    let output_bytes = match OUTPUT.get() {
        usize::MAX => 0,
        left => LIMITS.get().output_bytes as usize - left,
    };
    USED.set(Used {
        // SAFETY: reads counters.
        instructions: used.instructions + unsafe { ffi::lp_spent() },
        seconds: used.seconds + seconds,
        output_bytes: used.output_bytes.max(output_bytes),
    });
    end()
}

/// Sets the counters to the limits, and `more` instructions, less what was used before.
unsafe fn arm(pause: u32, program: *mut State, used: Used, more: u64) {
    let limits = LIMITS.get();
    REACHED.set(abi::STATUS_OK);
    let now = if limits.milliseconds == 0 { None } else { session::cpu_seconds() };
    let seconds = f64::from(limits.milliseconds) / 1000.0 - used.seconds;
    BEGAN.set(now);
    DEADLINE.set(now.map_or(f64::INFINITY, |now| now + seconds));
    OUTPUT.set(match limits.output_bytes as usize {
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
    DEADLINE.set(f64::INFINITY);
    OUTPUT.set(usize::MAX);
    REACHED.replace(abi::STATUS_OK)
}

/// The status of the limit that the call under way has reached, or `STATUS_OK`.
pub fn reached() -> i32 {
    REACHED.get()
}

/// Returns how many of `bytes` more may be printed. If that is not all, the limit is reached.
pub fn print(bytes: usize) -> usize {
    let left = OUTPUT.get();
    if left == usize::MAX {
        return bytes;
    }
    let allowed = bytes.min(left);
    OUTPUT.set(left - allowed);
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
fn count(ticks: c_int) {
    // SAFETY: changes a counter.
    unsafe { ffi::lp_worked(ticks) };
}

/// Charges a tick of a loop whose length a script chooses; raises the error when a limit is reached.
///
/// # Safety
///
/// Inside a protected call.
pub unsafe fn charge(state: *mut State) {
    ffi::lp_work(state, 1);
}

/// Does as [`charge`] for as many ticks, which may be any number.
///
/// # Safety
///
/// Inside a protected call.
pub unsafe fn charge_many(state: *mut State, ticks: u32) {
    ffi::lp_work(state, c_int::try_from(ticks).unwrap_or(c_int::MAX));
}

/// Records which limit is reached, unless another was before.
pub fn set_reached(status: i32) {
    if REACHED.get() == abi::STATUS_OK {
        REACHED.set(status);
    }
}

/// Records which limit is reached, unless another was before, and lets the next tick raise the error.
pub fn reach(status: i32) {
    set_reached(status);
    // SAFETY: sets counters.
    unsafe { ffi::lp_hurry() };
}

/// Writes the message of the limit with a status.
pub fn message(status: i32) -> Message {
    let limits = LIMITS.get();
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

/// Returns the deadline, in the clock's seconds; infinite without a limit.
pub fn deadline() -> f64 {
    DEADLINE.get()
}

/// Does work that may run finalizers, within the limits of a call of its own, or of the call that waits for it.
pub fn limited<T>(work: impl FnOnce() -> T) -> T {
    if frame::current().is_some_and(|frame| frame.nested) {
        return frame::occupied(work);
    }
    begin();
    let result = frame::occupied(work);
    end();
    result
}
