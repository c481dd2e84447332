//! What `js_ext_table_get` promises of tables.

use super::{Promise, promise};
use crate::kit::assembler::Write;
use crate::kit::test::Test;

pub const PROMISES: &[Promise] = &[
    promise("get.length", "Bytes written.", length),
    promise("get.exact-room", "Where the value goes, and how much fits there.", exact_room),
    promise("get.absent-key", "No such key or table, or an error.", absent_key),
    promise("get.absent-table", "No such key or table, or an error.", absent_table),
    promise("get.empty-value", "The entry has no bytes, which is no value: an error in Lua.", empty_value),
    promise("get.too-small", "The buffer is too small; n bytes are needed (n is at least 2).", too_small),
    promise(
        "get.too-small-for-one",
        "The buffer is too small; n bytes are needed (n is at least 2).",
        too_small_for_one,
    ),
    promise("get.asks-again", "the module then asks again with a larger buffer", asks_again),
    promise("get.changes-nothing", "It changes no table, and creates none.", changes_nothing),
];

/// Lengths of values at which hosts may go wrong: bytes of a length, and the room of a module.
const LENGTHS: [u32; 9] = [1, 2, 3, 9, 127, 128, 255, 256, 16_389];

/// Stores a value of each length under its number.
fn store_lengths(test: &mut Test<'_>, table: u32) {
    for length in LENGTHS {
        let value = test.pattern(length, length);
        test.set(table, key(length).as_str(), &value);
    }
}

fn key(length: u32) -> String {
    format!("{length} bytes")
}

fn length(test: &mut Test<'_>) {
    let table = test.table();
    store_lengths(test, table);
    for length in LENGTHS {
        // Rooms whose lower 16 bits are a small number, too.
        for more in [1, 5, 1000, 65_536 - length, 65_536, 1_000_000] {
            let answer = test.try_get(table, key(length).as_str(), length + more);
            let room = length + more;
            let call =
                format!("js_ext_table_get({table}, \"{length} bytes\") with a room of {room} bytes answered {{got}}");
            test.expect(answer, length, &format!("{call} in place of {{expected}}"));
        }
    }
}

fn exact_room(test: &mut Test<'_>) {
    let table = test.table();
    store_lengths(test, table);
    for length in LENGTHS {
        let answer = test.try_get(table, key(length).as_str(), length);
        let call = format!("js_ext_table_get({table}, \"{length} bytes\") with a room of as many answered {{got}}");
        test.expect(answer, length, &format!("{call} in place of {{expected}}"));
    }
    test.set(table, "name", "a value");
    test.has_in_room(table, "name", "a value", 7);
}

fn absent_key(test: &mut Test<'_>) {
    let table = test.table();
    test.set(table, "name", "a value");
    for key in ["nam", "names", "other", "[1]", "0", "a value"] {
        test.answers_absent(table, key);
    }
    for room in [0, 1, 16_389] {
        let answer = test.try_get(table, "absent", room);
        let message = format!("js_ext_table_get({table}, \"absent\") with a room of {room} bytes answered {{got}}");
        test.expect(answer, -1, &format!("{message} in place of {{expected}}"));
    }
    test.delete(table, "name");
    test.answers_absent(table, "name");
}

fn absent_table(test: &mut Test<'_>) {
    let table = test.table();
    for key in ["name", "[1]", "[meta]"] {
        test.answers_absent(table, key);
    }
    let answer = test.try_get(table, "name", 0);
    test.expect(
        answer,
        -1,
        "js_ext_table_get of a table that is not there, with no room, answered {got} in place of -1",
    );
}

fn empty_value(test: &mut Test<'_>) {
    let table = test.table();
    test.set(table, "before", "a value");
    test.set(table, "empty", "");
    test.has(table, "empty", "");
    test.set(table, "before", "");
    test.has(table, "before", "");
    test.set(table, "empty", "a value");
    test.has(table, "empty", "a value");
}

fn too_small(test: &mut Test<'_>) {
    let table = test.table();
    store_lengths(test, table);
    for length in LENGTHS.into_iter().filter(|length| *length > 1) {
        for room in [0, 1, length / 2, length - 1] {
            let answer = test.try_get(table, key(length).as_str(), room);
            let call = format!("js_ext_table_get({table}, \"{length} bytes\") with a room of {room} bytes");
            test.does_not_fit(&call, &answer, length);
        }
    }
}

/// A value of one byte has no `-n` of its own.
fn too_small_for_one(test: &mut Test<'_>) {
    let table = test.table();
    test.set(table, "one", "1");
    let answer = test.try_get(table, "one", 0);
    let call = "js_ext_table_get of a value of one byte with no room answered {got} in place of {expected}";
    test.expect(answer, -1, call);
}

fn asks_again(test: &mut Test<'_>) {
    let table = test.table();
    let value = test.pattern(20_000, 7);
    let answer = test.try_set(table, "long", &value);
    // A host may not take as much.
    test.when(answer.equals(0), |test| {
        let answer = test.try_get(table, "long", 16_389);
        test.does_not_fit("js_ext_table_get of 20000 bytes with a room of 16389 bytes", &answer, 20_000);
        test.has_pattern(table, "long", 20_000, 7);
    });
    test.set(table, "short", "a value");
    for room in [6_u32, 0, 1, 2] {
        let answer = test.try_get(table, "short", room);
        test.does_not_fit("js_ext_table_get of 7 bytes with less room", &answer, 7);
        test.has(table, "short", "a value");
    }
}

fn changes_nothing(test: &mut Test<'_>) {
    let (table, absent) = (test.table(), test.table());
    test.set(table, "a", "1");
    test.set(table, "b", "2");
    test.lacks(table, "c");
    test.lacks(absent, "a");
    test.has(table, "a", "1");
    test.size(table, 2);
    test.size(absent, 0);
    test.lacks(table, "c");
    test.lacks(absent, "a");
    test.has(table, "a", "1");
}
