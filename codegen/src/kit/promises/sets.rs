//! What `js_ext_table_set` promises.

use super::{Promise, offered, promise};
use crate::kit::assembler::{Value, Write};
use crate::kit::layout::{END, KEY, ROOM};
use crate::kit::test::Test;

pub const PROMISES: &[Promise] = &[
    promise("set.stores", "Stores a value in an external table.", stores),
    promise("set.creates-table", "A table that the host does not know yet is created.", creates_table),
    promise(
        "set.replaces",
        "A key that is there already gets the new value and keeps its place in the order",
        replaces,
    ),
    promise(
        "set.keeps-place",
        "A key that is there already gets the new value and keeps its place in the order",
        keeps_place,
    ),
    promise("set.last-again", "one that was deleted comes last again.", last_again),
    promise("set.copies-value", "The serialized value. The host copies it.", copies_value),
    promise(
        "set.copies-key",
        "The bytes belong to the module and are valid until the function returns, so a host copies the bytes that it keeps.",
        copies_key,
    ),
    promise("set.any-bytes", "Values are opaque to a host that only stores them", any_bytes),
    promise("set.any-length", "It is, with all its bytes.", any_length),
    promise("set.longest", "So a host with nothing negotiated gets values of up to 16389 bytes.", longest),
    offered(
        "negotiate",
        "set.longest-negotiated",
        "Longest string that a table takes as a value, in bytes, and with it the longest value: `js_ext_table_set` gets at \
         most `VALUE_HEAD` bytes more.",
        longest_negotiated,
    ),
    promise("set.whole-or-not", "It is not, and the table is as it was; Lua code gets an error.", whole_or_not),
];

fn stores(test: &mut Test<'_>) {
    let table = test.table();
    test.set(table, "name", "a value");
    test.has(table, "name", "a value");
    test.set(table, "other", "another value");
    test.has(table, "other", "another value");
    test.has(table, "name", "a value");
}

fn creates_table(test: &mut Test<'_>) {
    let (first, second) = (test.table(), test.table());
    test.set(first, "a", "1");
    test.set(second, "b", "2");
    test.has(first, "a", "1");
    test.has(second, "b", "2");
}

fn replaces(test: &mut Test<'_>) {
    let table = test.table();
    for value in ["first", "a longer value", "short", "x", "other", "y", "a longer value", "y"] {
        test.set(table, "key", value);
        test.has(table, "key", value);
    }
}

fn keeps_place(test: &mut Test<'_>) {
    let table = test.table();
    for key in ["c", "a", "b", "a", "c", "a"] {
        test.set(table, key, "value");
    }
    test.set(table, "c", "a value of another length");
    test.keys(table, &["c", "a", "b"]);
}

fn last_again(test: &mut Test<'_>) {
    let table = test.table();
    for key in ["a", "b", "c"] {
        test.set(table, key, "value");
    }
    for (deleted, order) in [("a", ["b", "c", "a"]), ("c", ["b", "a", "c"]), ("c", ["b", "a", "c"])] {
        test.delete(table, deleted);
        test.set(table, deleted, "again");
        test.keys(table, &order);
    }
}

fn copies_value(test: &mut Test<'_>) {
    let table = test.table();
    for (seed, key) in [(1_u32, "a"), (2, "b"), (3, "c")] {
        let value = test.pattern(300, seed);
        test.set(table, key, &value);
        test.blank(&value);
    }
    for (seed, key) in [(1_u32, "a"), (2, "b"), (3, "c")] {
        test.has_pattern(table, key, 300, seed);
    }
}

fn copies_key(test: &mut Test<'_>) {
    let table = test.table();
    // Keys of one length at one place: a host that remembers texts by address takes them for one key.
    for number in 1..=5_u32 {
        let number = test.local(number);
        let key = test.numbered("key", &number);
        let digit = number * 0x10;
        let value = test.pattern(9, digit);
        test.set(table, &key, &value);
        test.blank(&key);
    }
    for (number, key) in ["key1", "key2", "key3", "key4", "key5"].iter().enumerate() {
        test.has_pattern(table, *key, 9, 0x10 * (number as u32 + 1));
    }
    // The same text elsewhere is the same key.
    let number = test.local(3);
    let elsewhere = test.numbered_at(KEY + 0x501, "key", &number);
    test.has_pattern(table, &elsewhere, 9, 0x30);
}

fn any_bytes(test: &mut Test<'_>) {
    let table = test.table();
    let all: Vec<u8> = (0..=u8::MAX).chain((0..=u8::MAX).rev()).collect();
    let values: [&[u8]; 10] = [
        &all,
        b"\0",
        b"\0\0\0 before and behind \0\0\0",
        b" \t\r\n spaces \r\n\t ",
        b"\xFF\xFE\xC3\x28\x80 no UTF-8 \xED\xA0\x80",
        b"\xEF\xBB\xBFbyte order mark",
        b"\x04\xFF\xFF\xFF\xFFa string that says it is long",
        b"\x07\0\0\0\0",
        b"null",
        b"12",
    ];
    for (number, value) in values.iter().enumerate() {
        test.set(table, format!("value {number}").as_str(), *value);
    }
    for (number, value) in values.iter().enumerate() {
        test.has(table, format!("value {number}").as_str(), *value);
    }
}

/// Stores values of some lengths, each under its number, then expects all of them.
fn round_trips(test: &mut Test<'_>, from: u32, to: u32) {
    let table = test.table();
    test.each(from, to, |test, length| {
        test.about(length, |test| {
            let key = test.numbered("length ", length);
            let value = test.pattern(length, length);
            test.set(table, &key, &value);
        });
    });
    test.each(from, to, |test, length| {
        test.about(length, |test| {
            let key = test.numbered("length ", length);
            test.has_pattern(table, &key, length, length);
        });
    });
}

fn any_length(test: &mut Test<'_>) {
    for (from, to) in [(1, 300), (509, 515), (1021, 1027), (4093, 4099), (8190, 8196), (16_380, 16_388)] {
        round_trips(test, from, to);
    }
}

fn longest(test: &mut Test<'_>) {
    let (_, longest) = test.negotiated();
    let usual = test.constant("VALUE_LIMIT");
    // A host that negotiates less gets less.
    test.when(Value::from(usual).below(&longest), |test| test.assign(&longest, usual));
    stores_whole(test, &longest);
}

fn longest_negotiated(test: &mut Test<'_>) {
    let (_, longest) = test.negotiated();
    let most = END - ROOM - 0x1000;
    test.when(Value::from(most).below(&longest), |test| test.assign(&longest, most));
    // Lengths that have no room in numbers of 15 and 16 bits, as far as the host takes them.
    for length in [32_764_u32, 32_768, 65_531, 65_536, 70_000] {
        test.when(Value::from(length).below(&longest), |test| {
            let length = test.local(length);
            stores_whole(test, &length);
        });
    }
    stores_whole(test, &longest);
}

/// Stores two values of the longest length for a string, and reads them.
fn stores_whole(test: &mut Test<'_>, longest: &Value) {
    let (table, head) = (test.table(), test.constant("VALUE_HEAD"));
    let length = test.local(longest.clone() + head);
    test.about(&length.clone(), |test| {
        for (seed, key) in [(1_u32, "a"), (2, "b")] {
            let value = test.pattern(&length, seed);
            test.set(table, key, &value);
        }
        test.has_pattern(table, "a", &length, 1);
        test.has_pattern(table, "b", &length, 2);
    });
}

/// Whatever the host makes of values that are longer than it takes: they are stored whole, or nothing changes.
fn whole_or_not(test: &mut Test<'_>) {
    let (_, longest) = test.negotiated();
    let most = END - ROOM - 0x1000;
    for more in [6_u32, 7, 1000, 65_536] {
        let table = test.table();
        let length = test.local(longest.clone() + more);
        test.when(length.clone().below(most), |test| {
            test.set(table, "key", "old");
            let value = test.pattern(&length, more);
            let answer = test.try_set(table, "key", &value);
            test.when(answer.clone().equals(0), |test| test.has_pattern(table, "key", &length, more));
            test.when(answer.differs(0), |test| test.has(table, "key", "old"));
        });
    }
}
