//! What the services promise that have to do with functions and modules of the host.
//!
//! A module cannot make a function of the host, so these tests need what hosts/kit/README.md names: the functions
//! `kit_echo` and `kit_again`, and the module `kit`.

use super::{Promise, offered};
use crate::kit::assembler::{Value, Write};
use crate::kit::layout::ROOM;
use crate::kit::runtime::Call;
use crate::kit::test::{Part, Range, Test, outcome};

const RELEASED: &str = "Says that Lua has collected a host function.";

pub const PROMISES: &[Promise] = &[
    offered(
        "find_function",
        "find-function.finds",
        "Asks for the number of a function of the host by its name.",
        finds,
    ),
    offered("find_function", "find-function.unknown", "Without an answer, calling it is an error.", unknown_function),
    offered(
        "call",
        "call.arguments",
        "The handler reads all arguments before it calls the function, which may run Lua again.",
        arguments,
    ),
    offered("call", "call.unknown", "One of the `CALL_` constants, and what belongs to it.", unknown_number),
    offered(
        "rest",
        "call.rest",
        "A reply that is longer than its room is kept for the service `rest`, which follows at once; the function is not called twice.",
        rest,
    ),
    offered("call", "call.within", "except that a host function (service `call`) may run Lua again", within),
    offered("release", "release.taken", RELEASED, release),
    offered("module", "module.source", "Asks for the source of a module that `require` looks for.", source),
    offered(
        "module",
        "module.unknown",
        "Without it, `require` finds loaded modules and `package.preload` only.",
        unknown_module,
    ),
    offered("module", "module.too-small", "and `-n` if the reply needs `n` bytes.", module_too_small),
];

/// The number of a function by its name; ends the test with "not offered" if the host has none.
fn number_of(test: &mut Test<'_>, name: &str) -> Value {
    test.needs("find_function");
    let name = test.bytes(name);
    let answer = test.ask("find_function", &[Part::Bytes(name)], 64);
    test.when(answer.less(0), |test| test.answer(outcome::NOT_OFFERED));
    test.local(Value::from(ROOM).word())
}

fn finds(test: &mut Test<'_>) {
    let number = number_of(test, "kit_echo");
    let name = test.bytes("kit_echo");
    test.replies("find_function", &[Part::Bytes(name.clone())], 4);
    test.expect(
        Value::from(ROOM).word(),
        &number,
        "kit_echo has the number {got} when asked again, and had {expected}",
    );
    test.needs_room("find_function", &[Part::Bytes(name)]);
}

fn unknown_function(test: &mut Test<'_>) {
    for name in ["a function that no host has", "kit_ech", "kit_echo_", "\u{1F600}"] {
        let name = test.bytes(name);
        test.serves("find_function", &[Part::Bytes(name)], 64, -1);
    }
}

/// Values of some kinds: false, true, an integer, a float, strings.
const ARGUMENTS: &[u8] = b"\x01\0\x01\x01\x02\x07\0\0\0\0\0\0\0\x03\0\0\0\0\0\0\xE0\x3F\x04\x03\0\0\0kit\x04\0\0\0\0";

/// Expects a reply in the room: results, which are the arguments.
fn echoes(test: &mut Test<'_>, arguments: &Range, answer: &Value) {
    let results = test.constant("CALL_RESULTS");
    test.expect(answer, arguments.length.clone() + 1, "the reply of kit_echo has {got} bytes in place of {expected}");
    test.expect(Value::from(ROOM).byte(), results, "the reply of kit_echo begins with {got} in place of CALL_RESULTS");
    let wrong = Call::Unlike.with([(ROOM + 1).into(), arguments.at.clone(), arguments.length.clone()]);
    test.expect(wrong, -1, "the reply of kit_echo has another byte at offset {got} of the results");
}

fn arguments(test: &mut Test<'_>) {
    let number = number_of(test, "kit_echo");
    let arguments = test.bytes(ARGUMENTS);
    for room in [ARGUMENTS.len() as u32 + 1, 1000] {
        let answer = test.ask("call", &[Part::Word(number.clone()), Part::Bytes(arguments.clone())], room);
        echoes(test, &arguments, &answer);
    }
    let none = test.bytes("");
    let answer = test.ask("call", &[Part::Word(number), Part::Bytes(none.clone())], 64);
    echoes(test, &none, &answer);
}

/// A number that the host has not given is an error in Lua, or not answered at all.
fn unknown_number(test: &mut Test<'_>) {
    let answer = test.ask("call", &[Part::Word(4_000_000_000_u32.into())], 0x4000);
    test.when(answer.clone().differs(-1), |test| {
        test.unless_within(
            &answer,
            1,
            0x4000,
            "a call of a function that there is not answered {got}, no length of a reply",
        );
        let is_error = Value::from(ROOM).byte().differs(test.constant("CALL_RESULTS"));
        test.expect(is_error, 1, "a call of a function that there is not answered as if it had returned");
    });
}

fn rest(test: &mut Test<'_>) {
    let number = number_of(test, "kit_echo");
    let arguments = test.bytes(ARGUMENTS);
    let length = ARGUMENTS.len() as i32 + 1;
    for room in [0_u32, 1, 8, ARGUMENTS.len() as u32] {
        let answer = test.ask("call", &[Part::Word(number.clone()), Part::Bytes(arguments.clone())], room);
        test.expect(
            answer,
            -length,
            &format!("kit_echo with room for {room} bytes answered {{got}} in place of {{expected}}"),
        );
        let answer = test.ask("rest", &[], length);
        echoes(test, &arguments, &answer);
    }
    // What is kept is of the last call.
    let answer = test.ask("call", &[Part::Word(number), Part::Bytes(arguments.clone())], 1000);
    echoes(test, &arguments, &answer);
}

/// `kit_again` calls the export `again`, which uses the imports while this one runs.
fn within(test: &mut Test<'_>) {
    let number = number_of(test, "kit_again");
    let table = test.table();
    test.set(table, "before", "a value");
    let results = test.constant("CALL_RESULTS");
    let integer = test.constant("TAG_INTEGER");
    let answer = test.ask("call", &[Part::Word(number)], 64);
    test.expect(answer, 10, "the reply of kit_again has {got} bytes in place of {expected}");
    test.expect(Value::from(ROOM).byte(), results, "the reply of kit_again begins with {got} in place of CALL_RESULTS");
    test.expect(
        Value::from(ROOM + 1).byte(),
        integer,
        "kit_again returned a value of the tag {got} in place of an integer",
    );
    test.expect(
        Value::from(ROOM + 2).word(),
        1,
        "an import that was called while another ran did not do what it does otherwise",
    );
    test.has(table, "before", "a value");
    test.set(table, "after", "a value");
    test.size(table, 2);
}

fn release(test: &mut Test<'_>) {
    // One that the host has never given, and one that it has: named functions are found again.
    test.serves("release", &[Part::Word(4_000_000_000_u32.into())], 0, 0);
    let number = number_of(test, "kit_echo");
    test.serves("release", &[Part::Word(number)], 0, 0);
    let number = number_of(test, "kit_echo");
    let arguments = test.bytes(ARGUMENTS);
    let answer = test.ask("call", &[Part::Word(number), Part::Bytes(arguments.clone())], 1000);
    echoes(test, &arguments, &answer);
}

/// The source of the module `kit`. A host may end it with a line feed.
const SOURCE: &str = "return \"kit\"";

/// Ends the test with "not offered" if the host has no module `kit`; its name, and the length of its source.
fn needs_module(test: &mut Test<'_>) -> (Part, Value) {
    let name = Part::Bytes(test.bytes("kit"));
    let length = test.ask("module", std::slice::from_ref(&name), 1000);
    test.when(length.clone().equals(-1), |test| test.answer(outcome::NOT_OFFERED));
    (name, length)
}

fn source(test: &mut Test<'_>) {
    let (_, length) = needs_module(test);
    let source = test.bytes(SOURCE);
    let more = test.local(length - &source.length);
    test.unless_within(&more, 0, 1, "the source of the module kit has {got} bytes more than it should have");
    let wrong = Call::Unlike.with([ROOM.into(), source.at, source.length.clone()]);
    test.expect(wrong, -1, "the source of the module kit has another byte at offset {got}");
    let wrong = Call::UnlikeByte.with([source.length + ROOM, more, u32::from(b'\n').into()]);
    test.expect(wrong, -1, "the source of the module kit ends with another byte than a line feed");
}

fn unknown_module(test: &mut Test<'_>) {
    for name in ["a module that no host has", "ki", "kit.", "../kit", "KIT"] {
        let name = test.bytes(name);
        test.serves("module", &[Part::Bytes(name)], 1000, -1);
    }
}

fn module_too_small(test: &mut Test<'_>) {
    let (name, length) = needs_module(test);
    test.needs_room("module", std::slice::from_ref(&name));
    test.serves("module", &[name], 0, Value::from(0) - length);
}
