//! Refuses calls before any of their work is done.

use crate::abi::{self, Refusal, refusals};
use crate::call::outcome::{self, Kept};
use crate::call::{buffer, frame};

impl Refusal {
    /// Refuses a call before any of it is done: records the status, and the message as the only part of the result.
    /// Writes no memory of the host's, and is safe whatever runs.
    pub fn note(self) {
        outcome::set_status(self.status);
        if outcome::kept() != Kept::Nothing {
            outcome::keep(Kept::Dropped);
        }
        outcome::set_refused(Some(self.message));
    }

    /// Refuses a call that answers through the I/O buffer. Returns what it returns: the negated length of the message,
    /// and one less. While Lua code is running, the buffer has its output, and the message is a part of the result
    /// alone.
    pub fn answer(self) -> i32 {
        self.note();
        if frame::is_running() { -1 } else { buffer::write_error(self.message.as_bytes()) }
    }
}

/// Forgets a refusal, and what came of calls that were refused while another was under way.
pub fn forget() {
    outcome::set_status(abi::STATUS_OK);
    outcome::set_refused(None);
}

/// Refuses a call within an import or a finalizer, which need the machine as it is. `true`: the call is refused.
pub fn refuse_within_import() -> bool {
    let refused = frame::is_running();
    if refused {
        refusals::WITHIN_IMPORT.note();
    }
    refused
}
