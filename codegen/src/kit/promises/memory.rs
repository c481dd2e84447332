//! What a host promises of the module's memory.

use super::{Promise, promise};
use crate::kit::assembler::{Value, Write};
use crate::kit::layout::{END, KEY, ROOM};
use crate::kit::runtime::Call;
use crate::kit::test::{CANARY, Range, Test};

const ONLY: &str = "A host changes no memory but the buffer that it is given.";
const ANYWHERE: &str = "Ranges lie anywhere in the memory, up to its end; one without bytes may begin there.";

pub const PROMISES: &[Promise] = &[
    promise("memory.get", ONLY, get),
    promise("memory.get-too-small", ONLY, get_too_small),
    promise("memory.keys", ONLY, keys),
    promise("memory.keys-too-small", ONLY, keys_too_small),
    promise("memory.others", ONLY, others),
    promise("memory.ends", ANYWHERE, ends),
    promise("memory.odd-addresses", ANYWHERE, odd_addresses),
    promise("memory.empty-ranges", ANYWHERE, empty_ranges),
];

/// Where the room of these tests begins: there is memory in front and behind.
const AT: u32 = ROOM + 0x1000;

/// Makes a call, and expects that nothing changes around a room.
fn changes_only(test: &mut Test<'_>, room: u32, what: &str, call: Value) {
    // What an earlier call has written there.
    test.run(Call::Blank.with([(AT - 64).into(), 0x200.into(), CANARY.into()]));
    let before = |test: &mut Test<'_>, from: u32, to: u32| test.local(Call::Digest.with([from.into(), to.into()]));
    let (in_front, behind) = (before(test, 0, AT), before(test, AT + room, END));
    // The bytes beside it first, as they tell where.
    let beside = [(AT - 64, 64_u32), (AT + room, 64)];
    test.run(call);
    for (at, length) in beside {
        let changed = Call::UnlikeByte.with([at.into(), length.into(), CANARY.into()]);
        let place = if at < AT { "in front of the buffer" } else { "behind the buffer" };
        test.expect(changed, -1, &format!("{what} changed memory {place}, at offset {{got}} of the 64 bytes there"));
    }
    let again = |from: u32, to: u32| Call::Digest.with([from.into(), to.into()]);
    test.expect(again(0, AT), in_front, &format!("{what} changed memory far in front of the buffer"));
    test.expect(again(AT + room, END), behind, &format!("{what} changed memory far behind the buffer"));
}

/// Fills the memory with a byte that no host writes by chance.
fn prepare(test: &mut Test<'_>) -> u32 {
    test.run(Call::Blank.with([KEY.into(), (END - KEY).into(), CANARY.into()]));
    let table = test.table();
    test.set(table, "a value", "12345678");
    test.set(table, "empty", "");
    test.set(table, "other", "1");
    table
}

fn get_in(test: &mut Test<'_>, table: u32, key: &str, room: u32) -> Value {
    let key = test.bytes(key);
    Call::Get.with([table.into(), key.at, key.length, AT.into(), room.into()])
}

fn get(test: &mut Test<'_>) {
    let table = prepare(test);
    for (key, room) in [("a value", 8), ("a value", 100), ("empty", 0), ("empty", 8), ("absent", 8), ("absent", 0)] {
        let call = get_in(test, table, key, room);
        changes_only(test, room, &format!("js_ext_table_get({table}, {key:?}) with a room of {room} bytes"), call);
    }
}

fn get_too_small(test: &mut Test<'_>) {
    let table = prepare(test);
    for (key, room) in [("a value", 7), ("a value", 1), ("a value", 0), ("other", 0)] {
        let call = get_in(test, table, key, room);
        changes_only(test, room, &format!("js_ext_table_get({table}, {key:?}) with a room of {room} bytes"), call);
    }
}

fn keys_in(table: u32, room: u32) -> Value {
    Call::Keys.with([table.into(), AT.into(), room.into()])
}

fn keys(test: &mut Test<'_>) {
    let (table, absent) = (prepare(test), test.table());
    for (table, room) in [(table, 19), (table, 100), (absent, 0), (absent, 8)] {
        changes_only(
            test,
            room,
            &format!("js_ext_table_keys({table}) with a room of {room} bytes"),
            keys_in(table, room),
        );
    }
}

fn keys_too_small(test: &mut Test<'_>) {
    let table = prepare(test);
    for room in [18, 8, 1, 0] {
        changes_only(
            test,
            room,
            &format!("js_ext_table_keys({table}) with a room of {room} bytes"),
            keys_in(table, room),
        );
    }
}

fn others(test: &mut Test<'_>) {
    let table = prepare(test);
    let (key, value) = (test.bytes("other"), test.bytes("a value"));
    let set = Call::Set.with([table.into(), key.at.clone(), key.length.clone(), value.at, value.length]);
    changes_only(test, 0, "js_ext_table_set", set);
    changes_only(test, 0, "js_ext_table_size", Call::Size.with([table.into()]));
    changes_only(test, 0, "js_ext_table_delete", Call::Delete.with([table.into(), key.at, key.length]));
}

/// Ranges whose last byte is the last of the memory.
fn ends(test: &mut Test<'_>) {
    let table = test.table();
    let (name, value) = (test.bytes("name"), test.bytes("a value"));
    let put = |test: &mut Test<'_>, range: &Range, length: u32| {
        test.run(Call::Copy.with([(END - length).into(), range.at.clone(), length.into()]));
        test.made(END - length, length, "a range at the end of the memory")
    };
    let last = put(test, &name, 4);
    test.set(table, &last, "a value");
    test.has(table, "name", "a value");
    test.has(table, &last, "a value");
    let last = put(test, &value, 7);
    test.set(table, "value", &last);
    test.has(table, "value", "a value");
    // The room of a value, and of keys.
    test.run(Call::Blank.with([(END - 7).into(), 7.into(), CANARY.into()]));
    let answer = Call::Get.with([table.into(), name.at.clone(), 4.into(), (END - 7).into(), 7.into()]);
    test.expect(
        answer,
        7,
        "js_ext_table_get into the last 7 bytes of the memory answered {got} in place of {expected}",
    );
    let wrong = Call::Unlike.with([(END - 7).into(), value.at, 7.into()]);
    test.expect(wrong, -1, "js_ext_table_get into the last 7 bytes of the memory wrote a wrong byte at offset {got}");
    let answer = Call::Keys.with([table.into(), (END - 10).into(), 10.into()]);
    test.expect(
        answer,
        10,
        "js_ext_table_keys into the last 10 bytes of the memory answered {got} in place of {expected}",
    );
    let list = test.bytes("name\nvalue");
    let wrong = Call::Unlike.with([(END - 10).into(), list.at, 10.into()]);
    test.expect(wrong, -1, "js_ext_table_keys into the last 10 bytes of the memory wrote a wrong byte at offset {got}");
    let answer = Call::Get.with([table.into(), name.at.clone(), 4.into(), (END - 3).into(), 3.into()]);
    let answer = test.local(answer);
    test.does_not_fit("js_ext_table_get into the last 3 bytes of the memory", &answer, 7);
    let last = put(test, &name, 4);
    test.delete(table, &last);
    test.lacks(table, "name");
}

fn odd_addresses(test: &mut Test<'_>) {
    let table = test.table();
    let value = test.bytes("a value");
    for offset in [1_u32, 2, 3, 5, 7, 255] {
        let digits = test.local(offset);
        let key = test.numbered_at(KEY + offset, "key ", &digits);
        test.run(Call::Copy.with([(AT + offset).into(), value.at.clone(), 7.into()]));
        let at = test.made(AT + offset, 7, "a value");
        test.set(table, &key, &at);
        test.blank(&at);
        let answer = Call::Get.with([table.into(), key.at, key.length, (AT + offset).into(), 20.into()]);
        test.expect(answer, 7, "js_ext_table_get at an odd address answered {got} in place of {expected}");
        let wrong = Call::Unlike.with([(AT + offset).into(), value.at.clone(), 7.into()]);
        test.expect(wrong, -1, "js_ext_table_get at an odd address gave a wrong byte at offset {got}");
    }
}

/// Languages give an empty range whatever address they like: 0, 1, or the end of the memory.
fn empty_ranges(test: &mut Test<'_>) {
    let (table, absent) = (test.table(), test.table());
    let name = test.bytes("name");
    for at in [0, 1, END - 1, END] {
        let nothing = test.made(at, 0, "nothing");
        test.set(table, "name", &nothing);
        let answer = Call::Get.with([table.into(), name.at.clone(), 4.into(), at.into(), 0.into()]);
        test.expect(
            answer,
            0,
            &format!("js_ext_table_get of an empty value, with an empty room at {at}, answered {{got}}"),
        );
        let answer = Call::Get.with([absent.into(), name.at.clone(), 4.into(), at.into(), 0.into()]);
        test.expect(
            answer,
            -1,
            &format!("js_ext_table_get of an absent key, with an empty room at {at}, answered {{got}}"),
        );
        let answer = Call::Keys.with([absent.into(), at.into(), 0.into()]);
        test.expect(answer, 0, &format!("js_ext_table_keys of no table, with an empty room at {at}, answered {{got}}"));
    }
}
