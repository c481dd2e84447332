//! The promises of a host: one file for each import and for each kind of service, one function for each promise.

mod batches;
mod calls;
mod deletes;
mod gets;
mod ids;
mod keys;
mod lists;
mod memory;
mod negotiation;
mod pages;
mod sets;
mod sizes;
mod system;

use super::test::Test;

/// What a host has to do, by a sentence of the reference.
#[derive(Debug)]
pub struct Promise {
    /// Its name, as `get.absent-key`.
    pub name: &'static str,
    /// The sentence.
    pub says: &'static str,
    /// The service without which a host need not keep it.
    pub service: Option<&'static str>,
    /// Writes its test.
    pub test: fn(&mut Test<'_>),
}

/// A promise of an import.
const fn promise(name: &'static str, says: &'static str, test: fn(&mut Test<'_>)) -> Promise {
    Promise { name, says, service: None, test }
}

/// A promise of a service.
const fn offered(service: &'static str, name: &'static str, says: &'static str, test: fn(&mut Test<'_>)) -> Promise {
    Promise { name, says, service: Some(service), test }
}

/// Every promise, those first by which the tests of the others observe a host.
pub fn all() -> impl Iterator<Item = &'static Promise> {
    [
        lists::PROMISES,
        sizes::PROMISES,
        sets::PROMISES,
        gets::PROMISES,
        deletes::PROMISES,
        keys::PROMISES,
        ids::PROMISES,
        memory::PROMISES,
        negotiation::PROMISES,
        system::PROMISES,
        pages::PROMISES,
        batches::PROMISES,
        calls::PROMISES,
    ]
    .into_iter()
    .flatten()
}
