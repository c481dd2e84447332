//! The session with a host: what the host offers beside tables, its clock and its entropy. A documented host offers
//! none of these and says so at once.

use crate::abi::{self, services};
use crate::cell::Global;

/// Bit `n` is set when the host offers service `n`.
static SERVICES: Global<u32> = Global::new(0);

/// The longest string that a table takes as a value.
static LONGEST_VALUE: Global<u32> = Global::new(abi::VALUE_LIMIT);

/// Counts the hosts that this machine has had.
static NUMBER: Global<u32> = Global::new(0);

/// Asks the host what it offers.
pub fn negotiate() {
    let answer = services::negotiate(abi::ABI_VERSION);
    if answer.is_none_or(|a| a.continues == 0) {
        NUMBER.set(NUMBER.get() + 1);
    }
    SERVICES.set(answer.map_or(0, |a| a.services));
    LONGEST_VALUE.set(answer.map_or(abi::VALUE_LIMIT, |a| a.max_value_len.max(abi::VALUE_LIMIT_LEAST)));
}

/// Returns the number of the session, to which numbers of host functions belong: each host that knows nothing of the
/// one before begins another.
pub fn number() -> u32 {
    NUMBER.get()
}

/// Returns whether the host offers a service.
pub fn offers(service: u32) -> bool {
    SERVICES.get() & (1 << service) != 0
}

/// Returns the size of the longest string that the host's tables take as a value, in bytes.
pub fn longest_value() -> usize {
    LONGEST_VALUE.get() as usize
}

/// Returns the seconds since 1970, or `None` if the host has no clock.
pub fn wall_seconds() -> Option<f64> {
    offers(services::CLOCK).then(services::clock).flatten().map(|c| c.unix_seconds)
}

/// Returns the processor seconds used, or `None` if the host has no clock.
pub fn cpu_seconds() -> Option<f64> {
    offers(services::CLOCK).then(services::clock).flatten().map(|c| c.cpu_seconds)
}

/// Returns the seconds that local time is ahead of UTC at an instant; 0 if the host does not tell.
pub fn utc_offset(unix_seconds: f64) -> i32 {
    if !offers(services::UTC_OFFSET) {
        return 0;
    }
    services::utc_offset(unix_seconds).map_or(0, |o| o.seconds)
}

#[unsafe(no_mangle)]
unsafe extern "C-unwind" fn lp_entropy(low: *mut u64, high: *mut u64) {
    let entropy = offers(services::ENTROPY).then(services::entropy).flatten();
    // SAFETY: the edited lmathlib.c passes the addresses of two locals.
    unsafe {
        *low = entropy.map_or(0, |e| e.low);
        *high = entropy.map_or(0, |e| e.high);
    }
}
