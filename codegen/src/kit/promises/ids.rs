//! What a host promises of the ids of tables.

use super::{Promise, promise};
use crate::kit::assembler::Write;
use crate::kit::test::Test;

const RANGE: &str = "Number of an external table, from 1 to 4294967294.";

pub const PROMISES: &[Promise] = &[
    promise("id.range", RANGE, range),
    promise("id.without-sign", "an `i32` that a runtime shows as -2 is the id 4294967294.", without_sign),
    promise("id.separate", RANGE, separate),
    promise("id.not-part-of-the-key", RANGE, not_part_of_the_key),
    promise("id.many", RANGE, many),
];

/// Ids that are equal in some of their bits, or in the precision of a float.
const BELOW_HALF: [u32; 15] = [
    1,
    2,
    3,
    255,
    256,
    257,
    65_535,
    65_536,
    65_537,
    65_538,
    16_777_216,
    16_777_217,
    16_777_218,
    2_147_418_113,
    2_147_483_647,
];

/// Ids that have no room in a number of 32 bits with a sign.
const FROM_HALF: [u32; 8] = [
    2_147_483_648,
    2_147_483_649,
    2_147_483_650,
    2_147_549_185,
    3_000_000_000,
    4_294_901_761,
    4_294_967_293,
    4_294_967_294,
];

/// Expects that each id is a table of its own.
fn are_tables(test: &mut Test<'_>, ids: &[u32]) {
    for id in ids {
        test.lacks(*id, "the id");
        test.set(*id, "the id", id.to_string().as_str());
    }
    for id in ids {
        test.has(*id, "the id", id.to_string().as_str());
        test.size(*id, 1);
        test.keys(*id, &["the id"]);
    }
    for (number, id) in ids.iter().enumerate() {
        test.delete(*id, "the id");
        test.lacks(*id, "the id");
        test.size(*id, 0);
        if let Some(next) = ids.get(number + 1) {
            test.has(*next, "the id", next.to_string().as_str());
        }
    }
}

fn range(test: &mut Test<'_>) {
    are_tables(test, &BELOW_HALF);
}

fn without_sign(test: &mut Test<'_>) {
    are_tables(test, &FROM_HALF);
    // Pairs that are one number without the sign, and the negated one.
    for (large, small) in
        [(2_147_483_649_u32, 1_u32), (4_294_967_294, 2_147_483_646), (4_294_967_293, 3), (2_147_483_650, 2_147_483_646)]
    {
        test.set(large, "key", "large");
        test.set(small, "key", "small");
        test.has(large, "key", "large");
        test.has(small, "key", "small");
        test.delete(large, "key");
        test.delete(small, "key");
    }
}

fn separate(test: &mut Test<'_>) {
    let (first, second) = (test.table(), test.table());
    for (key, value) in [("a", "1"), ("b", "2")] {
        test.set(first, key, value);
        test.set(second, key, "other");
    }
    test.set(first, "only here", "3");
    test.lacks(second, "only here");
    test.has(first, "a", "1");
    test.has(second, "a", "other");
    test.delete(first, "a");
    test.has(second, "a", "other");
    test.size(first, 2);
    test.size(second, 2);
    test.keys(second, &["a", "b"]);
    test.keys(first, &["b", "only here"]);
}

/// Pairs of an id and a key that give the same text.
fn not_part_of_the_key(test: &mut Test<'_>) {
    let pairs = [(7_u32, "12"), (71, "2"), (712, "x"), (7, "12x"), (71, "2x"), (7, ":1"), (7, "1:2"), (71, ":2")];
    for (id, key) in pairs {
        test.lacks(id, key);
        test.set(id, key, format!("{key} of {id}").as_str());
    }
    for (id, key) in pairs {
        test.has(id, key, format!("{key} of {id}").as_str());
    }
    for (id, key) in pairs {
        test.delete(id, key);
    }
}

fn many(test: &mut Test<'_>) {
    const FIRST: u32 = 500_000;
    const TABLES: u32 = 1000;
    test.each(FIRST, FIRST + TABLES, |test, id| {
        test.about(id, |test| {
            let value = test.pattern(10, id);
            test.set(id, "key", &value);
        });
    });
    test.each(FIRST, FIRST + TABLES, |test, id| {
        test.about(id, |test| {
            test.has_pattern(id, "key", 10, id);
            test.delete(id, "key");
        });
    });
}
