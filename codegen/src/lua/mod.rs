//! Brings Lua into the guest: finds its sources in the package registry ([`sources`]), applies the edits of
//! `vendor/edits` ([`edits`]), compiles them ([`compile`]) and declares Lua's API in Rust ([`bindings`]).

pub mod api;
pub mod bindings;
pub mod compare;
pub mod compile;
pub mod edits;
pub mod misfits;
pub mod registry;
pub mod release;
pub mod sources;

use std::error::Error;
use std::path::Path;

use edits::EditError;
use sources::Sources;

/// Writes the edited sources of a release to `target`. If changes do not fit, the error explains each by the other
/// pinned releases.
///
/// `vendor` is the project's folder of that name.
pub fn prepare(vendor: &Path, sources: &Sources, target: &Path) -> Result<(), Box<dyn Error>> {
    let edits = edits::read(&vendor.join("edits"))?;
    edits::check_variants(&edits, &sources::releases(vendor)?)?;
    match edits::apply(sources, &edits, target) {
        Err(EditError::Misfits(misfits)) => {
            Err(EditError::Misfits(misfits.explain(sources, &edits, &sources::all(vendor)?)?).into())
        }
        other => Ok(other?),
    }
}
