//! External tables: tables whose contents lie with the host, under a number of their own. To Lua they are tables
//! (`vendor/edits/external-tables.toml`).
//!
//! | module, bottom to top | |
//! | --- | --- |
//! | [`ids`], [`new_ids`] | numbers tables |
//! | [`keys`] | the form of keys |
//! | [`reference`](mod@reference) | what stored bytes refer to |
//! | [`objects`] | the one Lua object of a number |
//! | [`requests`] | asks the host for entries |
//! | [`variables`], [`code`] | variables and bytecode of stored functions |
//! | [`load`], [`load_functions`] | loads stored values into Lua |
//! | [`walk`] | `next` |
//! | [`store`] | stores Lua values |
//! | [`changes`] | stores what functions changed in their variables |
//! | [`ops`] | reading, assigning and measuring, as the interpreter asks for them |
//! | [`collect`] | frees what nothing reaches |
//! | [`library`] | the library `ext` |
//! | [`home`], [`calls`], [`host_api`] | `_home` and `_io`, calls, the exports `ext_table_*` |

pub mod calls;
mod changes;
mod code;
mod collect;
pub mod home;
pub mod host_api;
pub mod ids;
pub mod keys;
mod library;
pub mod load;
mod load_functions;
pub mod new_ids;
mod objects;
mod ops;
pub mod reference;
mod requests;
mod store;
mod variables;
mod walk;

use crate::lua::State;

/// Gives external tables to a new machine: the library `ext`, `_home` and `_io`.
///
/// # Safety
///
/// Inside a protected call.
pub unsafe fn open(state: *mut State) {
    ops::install();
    objects::open(state);
    variables::open(state);
    load::open(state);
    walk::open(state);
    library::open(state);
    home::open(state);
}
