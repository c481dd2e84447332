//! What `js_ext_table_keys` promises.

use super::{Promise, promise};
use crate::kit::assembler::{Value, Width, Write};
use crate::kit::layout::ROOM;
use crate::kit::runtime::Call;
use crate::kit::test::Test;

const LISTS: &str = "The host writes all keys in the order in which they were first set, separated by single line feeds (`\\n`), without one at the end.";

pub const PROMISES: &[Promise] = &[
    promise("keys.lists", "Lists the keys of an external table.", lists),
    promise("keys.length", "Bytes written.", length),
    promise("keys.line-feeds", LISTS, line_feeds),
    promise("keys.order", LISTS, order),
    promise("keys.order-of-numbers", LISTS, order_of_numbers),
    promise("keys.all", LISTS, all),
    promise("keys.none", "The table has no keys.", none),
    promise("keys.empty-values", LISTS, empty_values),
    promise("keys.exact-room", "Where the keys go, and how much fits there.", exact_room),
    promise("keys.too-small", "An error, or the buffer is too small.", too_small),
    promise("keys.changes-nothing", "Lists the keys of an external table.", changes_nothing),
    promise(
        "keys.metatable",
        "A host stores, lists and counts it as any other: `js_ext_table_size` and `js_ext_table_keys` include it.",
        metatable,
    ),
];

fn set_all(test: &mut Test<'_>, keys: &[&str]) -> u32 {
    let table = test.table();
    for key in keys {
        test.set(table, *key, "value");
    }
    table
}

fn lists(test: &mut Test<'_>) {
    let table = set_all(test, &["name"]);
    test.keys(table, &["name"]);
}

/// The length alone, so that other mistakes in the list are others' to find.
fn length(test: &mut Test<'_>) {
    let table = set_all(test, &["one", "three"]);
    for room in [9_u32, 10, 1000, 65_536, 65_537, 1_000_000] {
        let answer = Call::Keys.with([table.into(), ROOM.into(), room.into()]);
        test.expect(answer, 9, "js_ext_table_keys of a list of {expected} bytes answered {got}");
    }
}

fn line_feeds(test: &mut Test<'_>) {
    for keys in [&["a", "b"][..], &["a", "b", "c"], &["first", "second", "third", "fourth"]] {
        let table = set_all(test, keys);
        test.keys(table, keys);
    }
}

fn order(test: &mut Test<'_>) {
    for keys in [&["b", "a", "C", "_", "c", "B"][..], &["z", "y", "x", "w"], &["aaa", "b", "cc"]] {
        let table = set_all(test, keys);
        test.keys(table, keys);
    }
}

/// Languages whose maps put numbers first, or in their order.
fn order_of_numbers(test: &mut Test<'_>) {
    for keys in [&["name", "2", "1", "10"][..], &["[2]", "[1]", "[3]", "[10]"], &["x", "[1]", "1", "[2]", "[0]"]] {
        let table = set_all(test, keys);
        test.keys(table, keys);
    }
    // A list that grows, then has its last key taken off.
    let table = set_all(test, &["[1]", "[2]", "[3]", "name"]);
    test.delete(table, "[2]");
    test.set(table, "[2]", "again");
    test.keys(table, &["[1]", "[3]", "name", "[2]"]);
}

/// Writes the list that is expected of many keys, and compares.
fn all(test: &mut Test<'_>) {
    const KEYS: u32 = 8000;
    let (table, list) = (test.table(), ROOM + 0x8_0000);
    let end = test.local(list);
    test.each(0, KEYS, |test, number| {
        test.about(number, |test| {
            let key = test.numbered_at(&end, "key ", number);
            test.set(table, &key, "value");
            test.assign(&end, key.at.clone() + &key.length);
            test.store(Width::Byte, &end, u32::from(b'\n'));
            test.assign(&end, end.clone() + 1);
        });
    });
    let length = test.local(end - 1 - list);
    let list = test.made(list, &length, "8000 keys");
    test.keys_in_room(table, &list, length.clone());
    test.keys_in_room(table, &list, length + 1000);
}

fn none(test: &mut Test<'_>) {
    let table = test.table();
    for room in [0_u32, 1, 1000] {
        let answer = Call::Keys.with([table.into(), ROOM.into(), room.into()]);
        test.expect(answer, 0, "js_ext_table_keys of a table that is not there answered {got} in place of 0");
    }
    test.set(table, "a", "1");
    test.delete(table, "a");
    for room in [0_u32, 1, 1000] {
        let answer = Call::Keys.with([table.into(), ROOM.into(), room.into()]);
        test.expect(answer, 0, "js_ext_table_keys of a table whose last key was deleted answered {got} in place of 0");
    }
}

fn empty_values(test: &mut Test<'_>) {
    let table = test.table();
    for (key, value) in [("a", ""), ("b", "value"), ("c", "")] {
        test.set(table, key, value);
    }
    test.keys(table, &["a", "b", "c"]);
}

fn exact_room(test: &mut Test<'_>) {
    for keys in [&["x"][..], &["name"], &["a", "b"], &["h\u{E9}", "\u{1F600}", "end"]] {
        let table = set_all(test, keys);
        let length = keys.join("\n").len() as u32;
        let answer = Call::Keys.with([table.into(), ROOM.into(), length.into()]);
        test.expect(answer, length, "js_ext_table_keys with exactly the room of its {expected} bytes answered {got}");
    }
}

fn too_small(test: &mut Test<'_>) {
    for keys in [&["name"][..], &["a", "b"], &["two words", "x", "a key that is longer than the others"]] {
        let table = set_all(test, keys);
        let length = keys.join("\n").len() as u32;
        for room in [0, 1, length / 2, length - 1] {
            let answer = test.local(Call::Keys.with([table.into(), ROOM.into(), room.into()]));
            let call = format!("js_ext_table_keys of {length} bytes with a room of {room}");
            test.does_not_fit(&call, &answer, length);
        }
        let answer = Call::Keys.with([table.into(), ROOM.into(), length.into()]);
        test.expect(answer, length, "js_ext_table_keys, asked again with room for {expected} bytes, answered {got}");
    }
    // One byte too many has no `-n` of its own.
    let table = set_all(test, &["x"]);
    let answer = Call::Keys.with([table.into(), ROOM.into(), Value::from(0)]);
    test.expect(answer, -1, "js_ext_table_keys of one byte with no room answered {got} in place of -1");
    // Characters of several bytes: the room is one of bytes.
    let table = set_all(test, &["\u{E9}\u{E9}\u{E9}"]);
    let answer = test.local(Call::Keys.with([table.into(), ROOM.into(), 5.into()]));
    test.does_not_fit("js_ext_table_keys of 3 characters in 6 bytes with a room of 5", &answer, 6);
}

fn changes_nothing(test: &mut Test<'_>) {
    let absent = test.table();
    let answer = Call::Keys.with([absent.into(), ROOM.into(), 100.into()]);
    test.expect(answer, 0, "js_ext_table_keys of a table that is not there answered {got} in place of 0");
    test.size(absent, 0);
    let table = set_all(test, &["a", "b"]);
    test.keys(table, &["a", "b"]);
    test.has(table, "a", "value");
    test.size(table, 2);
    test.keys(table, &["a", "b"]);
}

fn metatable(test: &mut Test<'_>) {
    let table = test.table();
    test.set(table, "a", "1");
    test.set(table, "[meta]", "\u{1}\0");
    test.set(table, "b", "2");
    test.has(table, "[meta]", "\u{1}\0");
    test.keys(table, &["a", "[meta]", "b"]);
    test.delete(table, "a");
    test.delete(table, "b");
    test.keys(table, &["[meta]"]);
    test.delete(table, "[meta]");
    test.lacks(table, "[meta]");
}
