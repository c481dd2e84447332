//! What `js_ext_table_size` promises.

use super::{Promise, promise};
use crate::kit::assembler::{Value, Write};
use crate::kit::test::Test;

pub const PROMISES: &[Promise] = &[
    promise("size.absent-table", "A table that the host does not know has none.", absent_table),
    promise("size.counts", "Number of entries.", counts),
    promise("size.overwritten", "Number of entries.", overwritten),
    promise("size.deleted", "Number of entries.", deleted),
    promise("size.all-keys", "This counts all keys; the module finds Lua's `#` itself.", all_keys),
    promise("size.many", "Number of entries.", many),
    promise(
        "size.metatable",
        "A host stores, lists and counts it as any other: `js_ext_table_size` and `js_ext_table_keys` include it.",
        metatable,
    ),
];

fn absent_table(test: &mut Test<'_>) {
    let table = test.table();
    test.size(table, 0);
    test.size(table, 0);
}

fn counts(test: &mut Test<'_>) {
    let table = test.table();
    for (before, key) in ["a", "b", "c", "d"].iter().enumerate() {
        test.size(table, before as u32);
        test.set(table, *key, "value");
    }
    test.size(table, 4);
}

fn overwritten(test: &mut Test<'_>) {
    let table = test.table();
    for key in ["a", "b", "a", "a", "b"] {
        test.set(table, key, "value");
    }
    test.set(table, "a", "a longer value");
    test.size(table, 2);
}

fn deleted(test: &mut Test<'_>) {
    let table = test.table();
    for key in ["a", "b", "c"] {
        test.set(table, key, "value");
    }
    for (key, size) in [("b", 2), ("c", 1), ("a", 0)] {
        test.delete(table, key);
        test.size(table, size);
    }
    test.set(table, "b", "value");
    test.size(table, 1);
    // What is not there is not taken off, whatever is answered.
    let absent = test.bytes("absent");
    test.try_delete(table, &absent);
    test.try_delete(table, &absent);
    test.size(table, 1);
}

/// Keys of a list count once, and so do those that are none.
fn all_keys(test: &mut Test<'_>) {
    let table = test.table();
    let keys = ["[1]", "[2]", "[3]", "[1000]", "[-1]", "[0.5]", "[true]", "1", "name", "[\"\\x0A\"]"];
    for (before, key) in keys.iter().enumerate() {
        test.size(table, before as u32);
        test.set(table, *key, "value");
    }
    test.size(table, keys.len() as u32);
    test.set(table, "empty", "");
    test.size(table, keys.len() as u32 + 1);
}

fn many(test: &mut Test<'_>) {
    let table = test.table();
    test.each(0, 1000, |test, number| {
        test.about(number, |test| {
            test.size(table, number);
            let key = test.numbered("key ", number);
            test.set(table, &key, "value");
        });
    });
    test.size(table, 1000);
    test.each(0, 1000, |test, number| {
        test.about(number, |test| {
            let key = test.numbered("key ", number);
            test.delete(table, &key);
            test.size(table, Value::from(999) - number);
        });
    });
}

fn metatable(test: &mut Test<'_>) {
    let table = test.table();
    test.set(table, "[meta]", "\u{1}\0");
    test.size(table, 1);
    test.set(table, "a", "1");
    test.size(table, 2);
    test.set(table, "[meta]", "\u{7}\u{3}\0\0\0");
    test.size(table, 2);
    test.delete(table, "[meta]");
    test.size(table, 1);
}
