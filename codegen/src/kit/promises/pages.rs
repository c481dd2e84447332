//! What the services promise that list keys and tables in pages, and drop tables.

use super::{Promise, offered};
use crate::kit::assembler::{Value, Width, Write};
use crate::kit::layout::ROOM;
use crate::kit::runtime::Call;
use crate::kit::test::{Part, Test};

const PAGES: &str = "The host gives keys in the order in which they came, as much as fits, and a cursor for the rest;";
const LEFT_OUT: &str = "keys deleted meanwhile may be left out.";
const IDS: &str = "The host lists the ids when it is asked for the first page, and gives a cursor for the rest;";

pub const PROMISES: &[Promise] = &[
    offered("keys", "pages.one", PAGES, one_page),
    offered("keys", "pages.several", PAGES, several),
    offered(
        "keys",
        "pages.room-for-one",
        "If not even one key fits, it answers the negated number of bytes needed.",
        room_for_one,
    ),
    offered("keys", "pages.no-table", "The table. One that the host does not have is empty.", no_table),
    offered("keys", "pages.walks", PAGES, walks),
    offered(
        "keys",
        "pages.sixteen-walks",
        "Where to go on: 0 for the first page, then what the page before said.",
        sixteen,
    ),
    offered("keys", "pages.changes", LEFT_OUT, changes),
    offered("close_cursor", "close-cursor.closes", "Closes a cursor.", close_cursor),
    offered("drop", "drop.drops", "Deletes a table with all its entries.", drop_table),
    offered("drop", "drop.nothing-else", "Deletes a table with all its entries.", drop_nothing_else),
    offered("tables", "tables.ids", IDS, tables),
    offered("tables", "tables.pages", "At least one if there is a next page.", table_pages),
    offered("tables", "tables.reading-creates-none", "It changes no table, and creates none.", no_new_tables),
];

/// Bytes of a cursor, in front of the keys or ids of a page.
const CURSOR: u32 = 4;
/// Where the pages of a walk are put together, behind the rooms of all requests.
const WHOLE: u32 = ROOM + 0x8_0000;

fn cursor() -> Value {
    Value::from(ROOM).word()
}

fn ask_keys(test: &mut Test<'_>, table: impl Into<Value>, cursor: impl Into<Value>, room: impl Into<Value>) -> Value {
    test.ask("keys", &[Part::Word(table.into()), Part::Word(cursor.into())], room)
}

/// Expects a page of a table: these keys, and whether others follow.
fn page(test: &mut Test<'_>, answer: &Value, keys: &[&str], is_last: bool) {
    let list = test.bytes(keys.join("\n").as_str());
    test.expect(answer, list.length.clone() + CURSOR, "a page of keys has {got} bytes in place of {expected}");
    let wrong = Call::Unlike.with([(ROOM + CURSOR).into(), list.at, list.length]);
    test.expect(wrong, -1, &format!("a page of keys is not {} at offset {{got}}", keys.join(", ")));
    let message = match is_last {
        true => "the cursor of the last page is not 0",
        false => "the cursor of a page is 0, but keys follow",
    };
    test.expect(cursor().equals(0), i32::from(is_last), message);
}

/// Walks over a table in rooms of one size, and puts the pages together; the length of the list.
fn walk(test: &mut Test<'_>, table: u32, room: u32, most_pages: u32) -> Value {
    let (next, end, pages) = (test.local(0), test.local(WHOLE), test.local(0));
    let more = test.local(1);
    test.while_(more.clone(), |test| {
        let answer = ask_keys(test, table, &next, room);
        let message = format!("a page of keys in a room of {room} bytes answered {{got}}, no length of one");
        test.unless_within(&answer, CURSOR, room, &message);
        let length = test.local(answer - CURSOR);
        test.when(end.clone().differs(WHOLE).and(length.clone().differs(0)), |test| {
            test.store(Width::Byte, &end, u32::from(b'\n'));
            test.assign(&end, end.clone() + 1);
        });
        test.run(Call::Copy.with([end.clone(), (ROOM + CURSOR).into(), length.clone()]));
        test.assign(&end, end.clone() + &length);
        test.assign(&next, cursor());
        test.assign(&more, next.clone().differs(0));
        let empty = length.equals(0).and(more.clone());
        test.expect(empty, 0, "a page has no keys, but a cursor for more");
        test.assign(&pages, pages.clone() + 1);
        let endless = Value::from(most_pages).below(&pages);
        test.expect(endless, 0, "the pages of keys do not end");
    });
    end - WHOLE
}

fn set_all(test: &mut Test<'_>, keys: &[&str]) -> u32 {
    let table = test.table();
    for key in keys {
        test.set(table, *key, "value");
    }
    table
}

/// Expects that the pages of a walk are these keys.
fn walks_over(test: &mut Test<'_>, table: u32, room: u32, keys: &[&str]) {
    let length = walk(test, table, room, 2 * keys.len() as u32);
    let length = test.local(length);
    let list = test.bytes(keys.join("\n").as_str());
    test.expect(
        length,
        list.length.clone(),
        &format!("pages of {room} bytes list {{got}} bytes of keys in place of {{expected}}"),
    );
    let wrong = Call::Unlike.with([WHOLE.into(), list.at, list.length]);
    test.expect(wrong, -1, &format!("pages of {room} bytes list another key at offset {{got}}"));
}

const KEYS: [&str; 9] = ["b", "a", "[2]", "[1]", "two words", "h\u{E9}", "\u{1F600}", "[meta]", "the last key"];

fn one_page(test: &mut Test<'_>) {
    let table = set_all(test, &KEYS);
    let answer = ask_keys(test, table, 0, 1000);
    page(test, &answer, &KEYS, true);
    let table = set_all(test, &["x"]);
    let answer = ask_keys(test, table, 0, CURSOR + 1);
    page(test, &answer, &["x"], true);
}

fn several(test: &mut Test<'_>) {
    let table = set_all(test, &KEYS);
    for room in [CURSOR + 12, CURSOR + 13, CURSOR + 20, CURSOR + 40, 500] {
        walks_over(test, table, room, &KEYS);
    }
}

fn room_for_one(test: &mut Test<'_>) {
    let keys = ["short", "a key that is longer than the others", "end"];
    let table = set_all(test, &keys);
    let answer = ask_keys(test, table, 0, CURSOR + 4);
    let message = "a page with no room for its first key answered {got} in place of {expected}";
    test.expect(answer, -9, message);
    // The next key does not fit behind the first, nor a page of this room: it is still to come.
    let answer = ask_keys(test, table, 0, CURSOR + 8);
    page(test, &answer, &keys[..1], false);
    let next = test.local(cursor());
    let answer = ask_keys(test, table, &next, CURSOR + 8);
    test.expect(answer, -40, message);
    let answer = ask_keys(test, table, &next, 40);
    page(test, &answer, &keys[1..2], false);
    let next = test.local(cursor());
    let answer = ask_keys(test, table, &next, 40);
    page(test, &answer, &keys[2..], true);
}

fn no_table(test: &mut Test<'_>) {
    let table = test.table();
    let answer = ask_keys(test, table, 0, 100);
    page(test, &answer, &[], true);
    test.set(table, "a", "1");
    test.delete(table, "a");
    let answer = ask_keys(test, table, 0, CURSOR);
    page(test, &answer, &[], true);
}

/// Walks over one table and another by turns.
fn walks(test: &mut Test<'_>) {
    let tables = [set_all(test, &["a", "b", "c"]), set_all(test, &["d", "e", "f"])];
    let turns = [(0, ["a", "b", "c"]), (1, ["d", "e", "f"]), (0, ["a", "b", "c"])];
    let cursors = [0; 3].map(|zero: u32| test.local(zero));
    for step in 0..3 {
        for ((table, keys), next) in turns.iter().zip(&cursors) {
            let answer = ask_keys(test, tables[*table], next, CURSOR + 1);
            page(test, &answer, &keys[step..=step], step == 2);
            test.assign(next, cursor());
        }
    }
}

/// A module may have as many walks open, each of which goes on where it was.
fn sixteen(test: &mut Test<'_>) {
    let keys = ["a", "b", "c"];
    let table = set_all(test, &keys);
    let cursors = [0; 16].map(|zero: u32| test.local(zero));
    for step in 0..3 {
        for next in &cursors {
            let answer = ask_keys(test, table, next, CURSOR + 1);
            page(test, &answer, &keys[step..=step], step == 2);
            test.assign(next, cursor());
        }
    }
}

/// Deletes and overwrites keys between two pages: all others come, once and in order.
fn changes(test: &mut Test<'_>) {
    let table = set_all(test, &["a", "b", "c", "d", "e", "f"]);
    let answer = ask_keys(test, table, 0, CURSOR + 3);
    page(test, &answer, &["a", "b"], false);
    let next = test.local(cursor());
    test.delete(table, "a");
    test.set(table, "b", "another value");
    test.set(table, "e", "another value");
    let answer = ask_keys(test, table, &next, CURSOR + 3);
    page(test, &answer, &["c", "d"], false);
    test.assign(&next, cursor());
    test.delete(table, "d");
    test.delete(table, "b");
    let answer = ask_keys(test, table, &next, 100);
    page(test, &answer, &["e", "f"], true);
    // One that is deleted before its page may come or not; those behind it come.
    let answer = ask_keys(test, table, 0, CURSOR + 1);
    page(test, &answer, &["c"], false);
    test.assign(&next, cursor());
    test.delete(table, "e");
    let answer = ask_keys(test, table, &next, 100);
    let last = (Value::from(ROOM - 1) + &answer).byte();
    test.expect(
        last,
        u32::from(b'f'),
        "the last key of a walk in which one was deleted is missing: the last byte is {got}",
    );
    test.expect(cursor(), 0, "a walk in which a key was deleted does not end: the cursor is {got}");
}

fn close_cursor(test: &mut Test<'_>) {
    let table = set_all(test, &["a", "b", "c"]);
    for _ in 0..2 {
        let answer = ask_keys(test, table, 0, CURSOR + 1);
        page(test, &answer, &["a"], false);
        let (closed, open) = (test.local(cursor()), test.local(0));
        let answer = ask_keys(test, table, 0, CURSOR + 1);
        page(test, &answer, &["a"], false);
        test.assign(&open, cursor());
        test.serves("close_cursor", &[Part::Word(closed)], 0, 0);
        // Others stay open.
        let answer = ask_keys(test, table, &open, 100);
        page(test, &answer, &["b", "c"], true);
    }
}

fn drop_table(test: &mut Test<'_>) {
    let table = set_all(test, &["a", "[1]", "[meta]"]);
    test.serves("drop", &[Part::Word(table.into())], 0, 0);
    for key in ["a", "[1]", "[meta]"] {
        test.lacks(table, key);
    }
    test.size(table, 0);
    let answer = Call::Keys.with([table.into(), ROOM.into(), 100.into()]);
    test.expect(answer, 0, "js_ext_table_keys of a table that was dropped answered {got} in place of 0");
    test.set(table, "b", "1");
    test.set(table, "a", "2");
    test.has(table, "a", "2");
    test.size(table, 2);
    test.keys(table, &["b", "a"]);
}

fn drop_nothing_else(test: &mut Test<'_>) {
    let (table, other) = (set_all(test, &["a", "b"]), set_all(test, &["a", "b"]));
    let large = 4_294_967_292_u32;
    test.set(large, "a", "1");
    test.serves("drop", &[Part::Word(large.into())], 0, 0);
    test.lacks(large, "a");
    test.has(other, "a", "value");
    test.serves("drop", &[Part::Word(table.into())], 0, 0);
    test.has(other, "b", "value");
    test.size(other, 2);
}

/// Asks for all ids in rooms of one size, and puts them together; the bytes of the list.
fn list_tables(test: &mut Test<'_>, room: u32) -> Value {
    let (next, end, more) = (test.local(0), test.local(WHOLE), test.local(1));
    test.while_(more.clone(), |test| {
        let answer = test.ask("tables", &[Part::Word(next.clone())], room);
        let message = format!("a page of ids in a room of {room} bytes answered {{got}}, no length of one");
        test.unless_within(&answer, CURSOR, room, &message);
        let length = test.local(answer - CURSOR);
        test.expect(length.clone().and(3), 0, "a page of ids has part of an id");
        test.run(Call::Copy.with([end.clone(), (ROOM + CURSOR).into(), length.clone()]));
        test.assign(&end, end.clone() + &length);
        test.assign(&next, cursor());
        test.assign(&more, next.clone().differs(0));
        test.expect(length.equals(0).and(more.clone()), 0, "a page has no ids, but a cursor for more");
        let endless = Value::from(WHOLE + 0x4_0000).below(&end);
        test.expect(endless, 0, "the pages of ids do not end");
    });
    end - WHOLE
}

fn listed(length: &Value, id: impl Into<Value>) -> Value {
    Call::Occurrences.with([WHOLE.into(), length.clone(), id.into()])
}

const LARGE: [u32; 3] = [4_294_967_291, 2_147_483_651, 70_000];

/// Expects each of these ids once, 0 never, and none twice of those that were just made.
fn lists_tables(test: &mut Test<'_>, room: u32) {
    let own = [set_all(test, &["a"]), set_all(test, &["[meta]"])];
    let dropped = set_all(test, &["a"]);
    for id in LARGE {
        test.set(id, "a", "1");
    }
    test.delete(dropped, "a");
    let length = list_tables(test, room);
    let length = test.local(length);
    for id in own.into_iter().chain(LARGE) {
        test.expect(listed(&length, id), 1, &format!("the table {id} is listed {{got}} times"));
    }
    for id in [0_u32, u32::MAX] {
        test.expect(listed(&length, id), 0, &format!("the id {id}, which is no table's, is listed {{got}} times"));
    }
}

fn tables(test: &mut Test<'_>) {
    lists_tables(test, 0x4000);
}

fn table_pages(test: &mut Test<'_>) {
    for room in [CURSOR + 4, CURSOR + 11, CURSOR + 16] {
        lists_tables(test, room);
    }
}

fn no_new_tables(test: &mut Test<'_>) {
    let absent = test.table();
    test.lacks(absent, "a");
    test.size(absent, 0);
    test.run(Call::Keys.with([absent.into(), ROOM.into(), 100.into()]));
    let key = test.bytes("a");
    test.try_delete(absent, &key);
    let length = list_tables(test, 0x4000);
    let length = test.local(length);
    test.expect(listed(&length, absent), 0, "a table that was asked for, and never had an entry, is listed");
}
