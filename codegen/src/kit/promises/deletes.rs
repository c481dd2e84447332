//! What `js_ext_table_delete` promises.

use super::{Promise, promise};
use crate::kit::test::Test;

pub const PROMISES: &[Promise] = &[
    promise("delete.deletes", "Deletes a key from an external table.", deletes),
    promise("delete.absent-key", "Deleting an absent key is no error.", absent_key),
    promise("delete.absent-table", "Deleting an absent key is no error.", absent_table),
    promise("delete.nothing-else", "All other entries stay as they are, and in their order.", nothing_else),
    promise("delete.order", "All other entries stay as they are, and in their order.", order),
    promise("delete.table-stays", "A table whose last key is deleted stays a table.", table_stays),
];

fn deletes(test: &mut Test<'_>) {
    let table = test.table();
    for key in ["a", "b", "c"] {
        test.set(table, key, "value");
    }
    for key in ["b", "a", "c"] {
        test.has(table, key, "value");
        test.delete(table, key);
        test.lacks(table, key);
    }
    test.set(table, "b", "again");
    test.has(table, "b", "again");
}

fn absent_key(test: &mut Test<'_>) {
    let table = test.table();
    test.set(table, "a", "1");
    test.delete(table, "b");
    test.delete(table, "a");
    test.delete(table, "a");
    test.set(table, "a", "1");
    test.delete(table, "[1]");
    test.has(table, "a", "1");
}

fn absent_table(test: &mut Test<'_>) {
    let table = test.table();
    test.delete(table, "a");
    test.delete(table, "[meta]");
    test.lacks(table, "a");
    test.size(table, 0);
}

/// Keys that a pattern, a prefix or a list with gaps would take for another.
fn nothing_else(test: &mut Test<'_>) {
    let (table, other) = (test.table(), test.table());
    let keys =
        ["a", "ab", "b", "a%", "a_", "a*", "%", "_", "*", "?", ".", "[1]", "[2]", "[3]", "[4]", "[10]", "1", "2"];
    for key in keys {
        test.set(table, key, key);
        test.set(other, key, key);
    }
    let deleted = ["a", "%", "a_", "*", ".", "[2]", "1", "[1]"];
    for key in deleted {
        test.delete(table, key);
    }
    for key in keys {
        if deleted.contains(&key) {
            test.lacks(table, key);
        } else {
            test.has(table, key, key);
        }
        test.has(other, key, key);
    }
}

fn order(test: &mut Test<'_>) {
    let table = test.table();
    for key in ["f", "e", "d", "c", "b", "a"] {
        test.set(table, key, "value");
    }
    test.delete(table, "e");
    test.keys(table, &["f", "d", "c", "b", "a"]);
    test.delete(table, "f");
    test.keys(table, &["d", "c", "b", "a"]);
    test.delete(table, "a");
    test.keys(table, &["d", "c", "b"]);
}

fn table_stays(test: &mut Test<'_>) {
    let table = test.table();
    for _ in 0..2 {
        test.set(table, "a", "1");
        test.delete(table, "a");
        test.lacks(table, "a");
        test.delete(table, "a");
    }
    test.set(table, "b", "2");
    test.has(table, "b", "2");
    test.lacks(table, "a");
}
