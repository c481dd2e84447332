//! What the guest asks of its host beside tables: the clock, entropy, and to take output as it comes.
//! A documented host knows none of it and says so at once.

use core::cell::Cell;

use crate::abi::{self, services};
use crate::call::output;

struct Host {
    /// Bit `n` is set when service `n` is there.
    services: Cell<u32>,
    /// The longest string that a table takes as a value.
    longest_value: Cell<u32>,
    /// Counts the hosts that this machine has had.
    session: Cell<u32>,
}

// SAFETY: as for `machine::Single`.
unsafe impl Sync for Host {}

static HOST: Host = Host { services: Cell::new(0), longest_value: Cell::new(abi::VALUE_LIMIT), session: Cell::new(0) };

/// Asks the host what it offers.
pub fn negotiate() {
    let answer = services::negotiate(abi::ABI_VERSION);
    if answer.is_none_or(|a| a.continues == 0) {
        HOST.session.set(HOST.session.get() + 1);
    }
    HOST.services.set(answer.map_or(0, |a| a.services));
    HOST.longest_value.set(answer.map_or(abi::VALUE_LIMIT, |a| a.max_value_len.max(abi::VALUE_LIMIT_LEAST)));
}

/// The session, which numbers of the host's functions belong to: each host that knows nothing of the one before
/// begins another.
pub fn session() -> u32 {
    HOST.session.get()
}

/// Whether the host offers a service.
pub fn offers(service: u32) -> bool {
    HOST.services.get() & (1 << service) != 0
}

/// The longest string that the host's tables take as a value, in bytes.
pub fn longest_value() -> usize {
    HOST.longest_value.get() as usize
}

/// Seconds since 1970, or `None` if the host has no clock.
pub fn wall_seconds() -> Option<f64> {
    offers(services::CLOCK).then(services::clock).flatten().map(|c| c.unix_seconds)
}

/// Processor seconds used, or `None` if the host has no clock.
pub fn cpu_seconds() -> Option<f64> {
    offers(services::CLOCK).then(services::clock).flatten().map(|c| c.cpu_seconds)
}

/// Seconds that local time is ahead of UTC at an instant; 0 if the host does not tell.
pub fn utc_offset(unix_seconds: f64) -> i32 {
    if !offers(services::UTC_OFFSET) {
        return 0;
    }
    services::utc_offset(unix_seconds).map_or(0, |o| o.seconds)
}

/// Takes what Lua's libraries write.
pub fn write_output(bytes: &[u8]) {
    output::write(bytes);
}

/// Hands what Lua's libraries have written to a host that takes output as it comes.
pub fn flush_output() {
    output::flush();
}

/// Whether the host takes output as it comes.
pub fn streams_output() -> bool {
    offers(services::OUTPUT)
}

/// Hands output to the host, which is all of the bytes but the first: that one is lent for the
/// request's number. `false`: the host did not take it.
pub fn stream_output(lent: &mut [u8]) -> bool {
    streams_output() && services::output(lent).is_some()
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
