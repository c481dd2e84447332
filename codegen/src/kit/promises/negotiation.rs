//! What a host promises of table 0, through which services are asked, and of the service `negotiate`.

use super::{Promise, offered, promise};
use crate::kit::assembler::{Width, Write};
use crate::kit::layout::{KEY, ROOM};
use crate::kit::runtime::Call;
use crate::kit::test::{Part, Test};

const UNKNOWN: &str =
    "What an import returns for a key or table it does not have, a request it does not know, or a failure.";

pub const PROMISES: &[Promise] = &[
    promise(
        "service.no-table",
        "The module asks for these *services* by calling `js_ext_table_get` with the table id 0, which is never a table.",
        no_table,
    ),
    promise("service.unknown", UNKNOWN, unknown),
    promise("service.not-offered", "It returns -1 if it does not offer the service", not_offered),
    offered("negotiate", "negotiate.length", "the function returns its length: 0 or more.", length),
    offered("negotiate", "negotiate.too-small", "and `-n` if the reply needs `n` bytes.", too_small),
    offered(
        "negotiate",
        "negotiate.any-version",
        "the host does not know the service `negotiate`, or refuses the version: it returns -1",
        any_version,
    ),
    offered(
        "negotiate",
        "negotiate.same-again",
        "Asks which services the host offers and how large a value its tables take.",
        same_again,
    ),
];

/// Table 0 has no entries, and asking what it has makes none.
fn no_table(test: &mut Test<'_>) {
    test.size(0, 0);
    let answer = Call::Keys.with([0.into(), ROOM.into(), 100.into()]);
    test.expect(answer, 0, "js_ext_table_keys(0) answered {got} in place of {expected}");
    test.lacks(0, "name");
    test.size(0, 0);
}

/// Numbers that no service has, with arguments of some lengths.
fn unknown(test: &mut Test<'_>) {
    for number in [0_u32, 31, 32, 33, 64, 91, 110, 127, 128, 129, 255] {
        for length in [1_u32, 2, 5, 9, 100] {
            test.run(Call::Blank.with([KEY.into(), length.into(), 0.into()]));
            test.store(Width::Byte, KEY, number);
            let request = test.made(KEY, length, "a request");
            let answer = test.try_get(0, &request, 64);
            test.expect(
                answer,
                -1,
                &format!("the service {number}, which there is not, answered {{got}} in place of -1"),
            );
        }
    }
}

/// Asks every service that the host has not named for what it would need if it had.
fn not_offered(test: &mut Test<'_>) {
    let (services, _) = test.negotiated();
    let zero = |count: usize| vec![Part::Word(0.into()); count];
    let name = test.bytes("kit");
    let requests = [
        ("clock", zero(0)),
        ("utc_offset", vec![Part::Float(0.0)]),
        ("entropy", zero(0)),
        ("output", vec![Part::Bytes(name.clone())]),
        ("keys", zero(2)),
        ("close_cursor", zero(1)),
        ("drop", zero(1)),
        ("call", zero(1)),
        ("rest", zero(0)),
        ("release", zero(1)),
        ("find_function", vec![Part::Bytes(name.clone())]),
        ("module", vec![Part::Bytes(name)]),
        ("tables", zero(1)),
        ("failure", zero(0)),
    ];
    for (service, parts) in requests {
        let bit = 1_u32 << test.service(service);
        test.when(services.clone().and(bit).equals(0), |test| {
            let answer = test.ask(service, &parts, 64);
            test.expect(
                answer,
                -1,
                &format!("the service {service}, which negotiate does not name, answered {{got}} in place of -1"),
            );
        });
    }
}

fn version(test: &Test<'_>) -> [Part; 1] {
    [Part::Word(test.abi_version().into())]
}

fn length(test: &mut Test<'_>) {
    let version = version(test);
    test.replies("negotiate", &version, 4);
}

/// A room of less than the reply has gets its length, and nothing is lost by it.
fn too_small(test: &mut Test<'_>) {
    let version = version(test);
    test.needs_room("negotiate", &version);
}

fn same_again(test: &mut Test<'_>) {
    let (services, longest) = test.negotiated();
    let table = test.table();
    test.set(table, "a", "1");
    let (again, longest_again) = test.negotiated();
    test.expect(again, services, "negotiate named other services when asked again: {got} in place of {expected}");
    test.expect(
        longest_again,
        longest,
        "negotiate gave another longest value when asked again: {got} in place of {expected}",
    );
}

/// A host may be older or newer than a module: it answers as far as it can, or -1.
fn any_version(test: &mut Test<'_>) {
    for version in [1, test.abi_version() + 1, 1000, u32::MAX] {
        let answer = test.ask("negotiate", &[Part::Word(version.into())], 64);
        let message = format!("negotiate with version {version} answered {{got}}, no length of a reply, and not -1");
        test.unless_within(&answer, -1, 64, &message);
    }
}
