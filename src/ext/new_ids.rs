//! Finds ids for new tables, which no table that the host has and no value that is stored uses.

use crate::call::frame;
use crate::ext::{ids, objects, requests};
use crate::lua::{self, State};

/// The reason why there is no id for a new table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoId {
    /// All are used.
    Used,
    /// The host fails to say which are.
    Host,
}

/// Finds the first of `count` ids in a row for new tables. The counter only says where to begin: a host that was
/// restored may have given one that is too low. What the host has, whatever a value refers to ([`requests::keep`]), and
/// what an object stands for is passed over, so that two tables never become one.
///
/// # Safety
///
/// `state` is a live state with three free slots.
pub unsafe fn free_ids(state: *mut State, count: u32) -> Result<u32, NoId> {
    let begin = ids::next().max(ids::IO + 1);
    let (mut first, mut id, mut again) = (begin, begin, false);
    while id - first < count {
        if id == u32::MAX {
            // From the beginning: ids of tables that were freed are given again.
            if again || begin == ids::IO + 1 {
                return Err(NoId::Used);
            }
            again = true;
            ids::wrap();
            (first, id) = (ids::IO + 1, ids::IO + 1);
            continue;
        }
        if again && first >= begin {
            return Err(NoId::Used);
        }
        let size = requests::size(id).ok_or(NoId::Host)?;
        let known = ids::has_strays() && objects::has(state, id);
        id += 1;
        if size > 0 || known || id - 1 == ids::home() {
            first = id;
        }
    }
    Ok(first)
}

/// Takes the id of a new table.
///
/// # Safety
///
/// As for [`free_ids`].
pub unsafe fn new_id(state: *mut State) -> Result<u32, NoId> {
    let id = free_ids(state, 1)?;
    ids::use_ids(id, 1);
    Ok(id)
}

/// Takes the id of a new table, and raises an error if there is none.
///
/// # Safety
///
/// Inside a protected call, with three free slots.
pub unsafe fn take_id(state: *mut State) -> u32 {
    match new_id(state) {
        Ok(id) => id,
        Err(reason) => no_id(state, reason),
    }
}

/// Takes an id for a table of the host's; 0 if there is none.
pub fn new_id_for_host() -> u32 {
    // SAFETY: the state is live, with free slots between calls and inside a host function.
    frame::state().and_then(|state| unsafe { new_id(state) }.ok()).unwrap_or(0)
}

/// Raises the error for a new table without an id.
///
/// # Safety
///
/// Inside a protected call.
pub unsafe fn no_id(state: *mut State, reason: NoId) -> ! {
    match reason {
        NoId::Used => lua::error(state, c"all ids of external tables are used"),
        NoId::Host => requests::failed(state, c"count an external table"),
    }
}

/// Notes that something stored refers to a table. One that lies ahead of the counter was not expected: the host was
/// given a counter that is too low.
pub fn expect(id: u32) {
    let next = ids::next();
    if id < next || id == u32::MAX {
        return;
    }
    if id - next < ids::NEAR {
        ids::sync_counter(id + 1);
    } else {
        // Whether the host takes it is seen when it is written to.
        let _ = requests::keep(id);
    }
}
