//! What the services promise that read and write many tables at once.

use super::{Promise, offered};
use crate::kit::assembler::{Value, Write};
use crate::kit::layout::ROOM;
use crate::kit::runtime::Call;
use crate::kit::test::{Part, Test};

const ROWS: &str = "The host answers each table in turn with an `OP_ROW`, behind the `OP_SHAPE` that it needs, or with an `OP_LARGE`: as many as there is room for.";
const LIST: &str = "The host answers with an `OP_LIST` of as many values as were asked for, or as there is room for.";
const ENTRIES: &str = "The host gives entries in the order in which they came, as `OP_SET`, or as `OP_KEY` if the value has more than `BATCH_VALUE_LIMIT` bytes: as many as there is room for.";
const WRITES: &str =
    "The host applies each `OP_SHAPE`, `OP_ROW`, `OP_SET` and `OP_DELETE` in turn, each wholly or not at all.";

pub const PROMISES: &[Promise] = &[
    offered("revision", "revision.own-changes", "the module's own requests do not change it.", own_changes),
    offered("read_rows", "read-rows.row", ROWS, row),
    offered(
        "read_rows",
        "read-rows.no-table",
        "A table that the host does not have is a row of a shape without keys.",
        no_table,
    ),
    offered("read_rows", "read-rows.large", "A table whose keys and values have more bytes is an `OP_LARGE`.", large),
    offered(
        "read_rows",
        "read-rows.too-small",
        "If there is no room for the first, it answers the negated number of bytes that it needs.",
        no_room,
    ),
    offered("read_list", "read-list.values", LIST, list),
    offered(
        "read_list",
        "read-list.tables",
        "Behind it come the tables that these values refer to by `TAG_EXTERNAL_TABLE`, in their order and each once,",
        list_with_tables,
    ),
    offered(
        "read_list",
        "read-list.long",
        "the value has more than `BATCH_VALUE_LIMIT` bytes, or is not encoded as a value is.",
        long_value,
    ),
    offered("read_entries", "read-entries.page", ENTRIES, entries),
    offered("write_rows", "write-rows.applies", WRITES, writes),
    offered(
        "write_rows",
        "write-rows.whole",
        "A row is all that the table has afterwards; if it has no keys, the table is gone.",
        whole_rows,
    ),
    offered("write_rows", "write-rows.refused", "If it is fewer than were sent, the next one was refused.", refused),
    offered("free_ids", "free-ids.run", "The host looks for the first run of ids that it has no tables for.", free_run),
];

/// The encoding of true and of false.
const TRUE: &[u8] = &[1, 1];
const FALSE: &[u8] = &[1, 0];

/// More bytes than a table of these tests has.
const LIMIT: u32 = 4096;

fn op(test: &Test<'_>, name: &str, fields: &[&[u8]]) -> Vec<u8> {
    let number = u8::try_from(test.constant(name)).unwrap_or_default();
    [&[number], &fields.concat()[..]].concat()
}

fn short(number: usize) -> [u8; 2] {
    u16::try_from(number).unwrap_or_default().to_le_bytes()
}

fn long(number: usize) -> [u8; 4] {
    u32::try_from(number).unwrap_or_default().to_le_bytes()
}

fn shape_op(test: &Test<'_>, keys: &[&str]) -> Vec<u8> {
    let keys: Vec<u8> = keys.iter().flat_map(|key| [&short(key.len())[..], key.as_bytes()].concat()).collect();
    let count = keys_of(&keys);
    op(test, "OP_SHAPE", &[&short(count), &keys])
}

/// How many keys there are in the bytes of a shape.
fn keys_of(mut bytes: &[u8]) -> usize {
    let mut count = 0;
    while let [low, high, rest @ ..] = bytes {
        bytes = rest.get(usize::from(u16::from_le_bytes([*low, *high]))..).unwrap_or_default();
        count += 1;
    }
    count
}

fn row_op(test: &Test<'_>, table: u32, shape: usize, values: &[&[u8]]) -> Vec<u8> {
    let values = values.concat();
    op(test, "OP_ROW", &[&table.to_le_bytes(), &short(shape), &long(values.len()), &values])
}

fn set_op(test: &Test<'_>, table: u32, key: &str, value: &[u8]) -> Vec<u8> {
    let lengths = [&short(key.len())[..], &long(value.len())].concat();
    op(test, "OP_SET", &[&table.to_le_bytes(), &lengths, key.as_bytes(), value])
}

fn delete_op(test: &Test<'_>, table: u32, key: &str) -> Vec<u8> {
    op(test, "OP_DELETE", &[&table.to_le_bytes(), &short(key.len()), key.as_bytes()])
}

fn list_op(test: &Test<'_>, table: u32, first: usize, count: usize, values: &[&[u8]]) -> Vec<u8> {
    let values = values.concat();
    op(test, "OP_LIST", &[&table.to_le_bytes(), &long(first), &long(count), &long(values.len()), &values])
}

/// Expects that a service answers with these bytes.
fn answers(test: &mut Test<'_>, service: &str, parts: &[Part], expected: &[u8]) {
    test.serves(service, parts, 4096, expected.len() as u32);
    let range = test.bytes(expected);
    let wrong = Call::Unlike.with([ROOM.into(), range.at, range.length]);
    test.expect(wrong, -1, &format!("the service {service} answered another byte at offset {{got}}"));
}

fn rows_of(test: &mut Test<'_>, limit: u32, table: u32) -> [Part; 2] {
    let ids = table.to_le_bytes();
    [Part::Word(limit.into()), Part::Bytes(test.bytes(&ids[..]))]
}

fn list_of(table: u32, first: u32, count: u32) -> [Part; 4] {
    [table, first, count, LIMIT].map(|word| Part::Word(word.into()))
}

/// A table with two keys, and its ops.
fn record(test: &mut Test<'_>) -> (u32, Vec<u8>) {
    let table = test.table();
    test.set(table, "b", TRUE);
    test.set(table, "a", FALSE);
    let ops = [shape_op(test, &["b", "a"]), row_op(test, table, 0, &[TRUE, FALSE])].concat();
    (table, ops)
}

fn own_changes(test: &mut Test<'_>) {
    let table = test.table();
    test.serves("revision", &[], 64, 8);
    let (low, high) = (test.local(Value::from(ROOM).word()), test.local(Value::from(ROOM + 4).word()));
    test.set(table, "key", TRUE);
    test.delete(table, "key");
    test.serves("revision", &[], 64, 8);
    let is_same = Value::from(ROOM).word().equals(low).and(Value::from(ROOM + 4).word().equals(high));
    test.expect(is_same, 1, "the revision is another one after changes that the module asked for");
}

fn row(test: &mut Test<'_>) {
    let (table, ops) = record(test);
    let parts = rows_of(test, LIMIT, table);
    answers(test, "read_rows", &parts, &ops);
}

fn no_table(test: &mut Test<'_>) {
    let table = test.table();
    let ops = [shape_op(test, &[]), row_op(test, table, 0, &[])].concat();
    let parts = rows_of(test, LIMIT, table);
    answers(test, "read_rows", &parts, &ops);
}

fn large(test: &mut Test<'_>) {
    let (table, ops) = record(test);
    // Two keys of one byte, and two values of two.
    let parts = rows_of(test, 6, table);
    answers(test, "read_rows", &parts, &ops);
    let ops = op(test, "OP_LARGE", &[&table.to_le_bytes(), &long(2)]);
    let parts = rows_of(test, 5, table);
    answers(test, "read_rows", &parts, &ops);
}

fn no_room(test: &mut Test<'_>) {
    let (table, ops) = record(test);
    let parts = rows_of(test, LIMIT, table);
    let answer = test.ask("read_rows", &parts, ops.len() as u32 - 1);
    let needed = Value::from(0) - ops.len() as u32;
    test.expect(answer, needed, "read_rows with one byte of room too few answered {got} in place of {expected}");
}

fn list(test: &mut Test<'_>) {
    let table = test.table();
    test.set(table, "[1]", TRUE);
    test.set(table, "[2]", FALSE);
    test.set(table, "[4]", TRUE);
    let ops = list_op(test, table, 2, 3, &[FALSE, &[0], TRUE]);
    answers(test, "read_list", &list_of(table, 2, 3), &ops);
}

fn list_with_tables(test: &mut Test<'_>) {
    let table = test.table();
    let (other, ops) = record(test);
    let tag = u8::try_from(test.constant("TAG_EXTERNAL_TABLE")).unwrap_or_default();
    let reference = [&[tag], &other.to_le_bytes()[..]].concat();
    test.set(table, "[1]", &reference[..]);
    test.set(table, "[2]", &reference[..]);
    let expected = [list_op(test, table, 1, 2, &[&reference, &reference]), ops].concat();
    answers(test, "read_list", &list_of(table, 1, 2), &expected);
}

fn long_value(test: &mut Test<'_>) {
    let table = test.table();
    let tag = u8::try_from(test.constant("TAG_STRING")).unwrap_or_default();
    let limit = test.constant("BATCH_VALUE_LIMIT") as usize;
    let string = |length: usize| [&[tag], &long(length)[..], &vec![0x61; length]].concat();
    let (fits, too_long) = (string(limit - 5), string(limit - 4));
    test.set(table, "[1]", &fits[..]);
    test.set(table, "[2]", &too_long[..]);
    let elsewhere = [u8::try_from(test.constant("VALUE_ELSEWHERE")).unwrap_or_default()];
    let ops = list_op(test, table, 1, 2, &[&fits, &elsewhere]);
    answers(test, "read_list", &list_of(table, 1, 2), &ops);
}

fn entries(test: &mut Test<'_>) {
    let (table, _) = record(test);
    let ops = [set_op(test, table, "b", TRUE), set_op(test, table, "a", FALSE)].concat();
    let parts = [table, 0, LIMIT].map(|word| Part::Word(word.into()));
    answers(test, "read_entries", &parts, &[&long(0), &ops[..]].concat());
}

/// Writes ops, and expects that so many are applied.
fn write(test: &mut Test<'_>, ops: &[Vec<u8>], done: u32) {
    let bytes = ops.concat();
    let range = test.bytes(&bytes[..]);
    test.serves("write_rows", &[Part::Bytes(range)], 64, 4);
    test.expect(Value::from(ROOM).word(), done, "write_rows applied {got} ops in place of {expected}");
}

fn writes(test: &mut Test<'_>) {
    let (table, other) = (test.table(), test.table());
    let ops = [
        shape_op(test, &["b", "a"]),
        row_op(test, table, 0, &[TRUE, FALSE]),
        set_op(test, other, "key", TRUE),
        set_op(test, other, "gone", TRUE),
        delete_op(test, other, "gone"),
    ];
    write(test, &ops, 5);
    test.keys(table, &["b", "a"]);
    test.has(table, "b", TRUE);
    test.has(table, "a", FALSE);
    test.keys(other, &["key"]);
}

fn whole_rows(test: &mut Test<'_>) {
    let (table, _) = record(test);
    let (gone, _) = record(test);
    let ops = [
        shape_op(test, &["a", "c"]),
        row_op(test, table, 0, &[TRUE, TRUE]),
        shape_op(test, &[]),
        row_op(test, gone, 1, &[]),
    ];
    write(test, &ops, 4);
    test.keys(table, &["a", "c"]);
    test.lacks(table, "b");
    test.size(gone, 0);
}

fn refused(test: &mut Test<'_>) {
    let table = test.table();
    let ops = [set_op(test, table, "first", TRUE), row_op(test, table, 9, &[]), set_op(test, table, "behind", TRUE)];
    write(test, &ops, 1);
    test.keys(table, &["first"]);
}

fn free_run(test: &mut Test<'_>) {
    let (first, free, _, last) = (test.table(), test.table(), test.table(), test.table());
    test.set(first, "key", TRUE);
    test.set(last, "key", TRUE);
    let parts = [Part::Word(first.into()), Part::Word(5.into())];
    test.serves("free_ids", &parts, 64, 8);
    test.expect(Value::from(ROOM).word(), free, "free_ids found a run from {got} on in place of {expected}");
    test.expect(Value::from(ROOM + 4).word(), 2, "free_ids found {got} ids in place of {expected}");
}
