//! What a host promises of the texts of keys: each is itself, byte by byte, whatever it looks like.

use super::{Promise, promise};
use crate::kit::assembler::{Value, Write};
use crate::kit::layout::{KEY, ROOM};
use crate::kit::runtime::Call;
use crate::kit::test::{Range, Test};

const SAME: &str =
    "Two keys are the same only if all their bytes are: a host changes no case, no spaces and no form of Unicode.";

pub const PROMISES: &[Promise] = &[
    promise("key.utf8", "The key, as UTF-8 text.", utf8),
    promise(
        "key.forms",
        "A host sees every key of an external table as UTF-8 text without line feeds, its *key form*.",
        forms,
    ),
    promise("key.case", SAME, case),
    promise("key.spaces", SAME, spaces),
    promise("key.unicode-forms", SAME, unicode_forms),
    promise("key.invisible", SAME, invisible),
    promise("key.numbers", "Each key has exactly one form; no other text is a key:", numbers),
    promise("key.names", SAME, names),
    promise("key.punctuation", SAME, punctuation),
    promise("key.lengths", SAME, lengths),
    promise("key.long", "so that a host sees keys of up to 65540 bytes.", long),
    promise("key.metatable", "The text `[meta]`, which is not a key form, has the metatable of a table", metatable),
];

/// Expects that each of some texts is a key of its own, and is listed as it was set.
fn are_keys(test: &mut Test<'_>, keys: &[&str]) {
    let together = test.table();
    test.set(together, "the first key", "value");
    for (number, key) in keys.iter().enumerate() {
        test.lacks(together, *key);
        test.set(together, *key, format!("value {number}").as_str());
    }
    for (number, key) in keys.iter().enumerate() {
        test.has(together, *key, format!("value {number}").as_str());
    }
    // Each in a table alone: what stands between keys is no matter of theirs.
    for key in keys {
        let alone = test.table();
        test.set(alone, *key, "value");
        test.keys(alone, &[key]);
    }
    for (number, key) in keys.iter().enumerate() {
        test.delete(together, *key);
        test.lacks(together, *key);
        if let Some(next) = keys.get(number + 1) {
            test.has(together, *next, format!("value {}", number + 1).as_str());
        }
    }
}

fn utf8(test: &mut Test<'_>) {
    are_keys(
        test,
        &[
            "h\u{E9}",
            "h\u{C3}\u{A9}",
            "\u{FF}",
            "\u{100}",
            "\u{7FF}",
            "\u{800}",
            "\u{20AC}",
            "\u{FFFD}",
            "\u{FFFF}",
            "\u{D7FF}\u{E000}",
            "\u{10000}",
            "\u{1F600}",
            "\u{10FFFF}",
            "\u{416}\u{5D0}\u{4E2D}\u{1F468}\u{200D}\u{1F469}",
        ],
    );
}

fn forms(test: &mut Test<'_>) {
    are_keys(
        test,
        &[
            "name",
            "[1]",
            "[-1]",
            "[0]",
            "[0.5]",
            "[1.5e-7]",
            "[inf]",
            "[-inf]",
            "[true]",
            "[false]",
            "true",
            "false",
            "[\"\"]",
            "[\"[\"]",
            "[\"[1]\"]",
            "[\"[meta]\"]",
            "[\"\\x0A\"]",
            "[\"\\x0D\\x0A\"]",
            "[\"\\x00\"]",
            "[\"\\\\\\x0A\"]",
            "[\"\\xFF\"]",
            "[\"h\u{E9}\\xFF\"]",
            "[\"\u{FEFF}x\"]",
        ],
    );
}

fn case(test: &mut Test<'_>) {
    are_keys(
        test,
        &["name", "Name", "NAME", "\u{E9}", "\u{C9}", "stra\u{DF}e", "strasse", "i", "I", "\u{130}", "\u{131}"],
    );
}

fn spaces(test: &mut Test<'_>) {
    are_keys(
        test,
        &[
            "a", " a", "a ", " a ", "  a", "a\t", "\ta", "a\u{A0}", "a b", "a  b", " ", "  ", "\t", "\u{A0}",
            "\u{3000}", "\u{B}", "\u{C}",
        ],
    );
}

fn unicode_forms(test: &mut Test<'_>) {
    are_keys(
        test,
        &[
            "\u{E9}",
            "e\u{301}",
            "\u{C5}",
            "A\u{30A}",
            "\u{212B}",
            "\u{FB01}",
            "fi",
            "\u{1E9B}\u{323}",
            "\u{1E69}",
            "\u{AC00}",
            "\u{1100}\u{1161}",
            "\u{FF21}",
            "A",
            "q\u{307}\u{323}",
            "q\u{323}\u{307}",
            "\u{2126}",
            "\u{3A9}",
            "\u{B2}",
            "2",
        ],
    );
}

fn invisible(test: &mut Test<'_>) {
    are_keys(
        test,
        &[
            "a",
            "a\u{FEFF}",
            "a\u{200B}",
            "a\u{200D}",
            "a\u{AD}",
            "a\u{2028}",
            "a\u{2029}",
            "a\u{85}",
            "a\u{7F}",
            "a\u{1}",
            "a\u{1F}",
            "a\u{202E}",
            "\u{200B}a",
        ],
    );
}

fn numbers(test: &mut Test<'_>) {
    are_keys(
        test,
        &[
            "1",
            "01",
            "1.0",
            "+1",
            "1e0",
            "0x1",
            "-0",
            "0",
            "[1]",
            "[10]",
            "[2147483647]",
            "[2147483648]",
            "[4294967295]",
            "[4294967296]",
            "[4294967297]",
            "[9007199254740991]",
            "[9007199254740992]",
            "[9007199254740993]",
            "[9223372036854775806]",
            "[9223372036854775807]",
            "[-9223372036854775808]",
            "[-9223372036854775807]",
            "[0.1]",
            "[0.10000000000000002]",
            "[1e300]",
            "[9.223372036854776e18]",
            "Infinity",
            "NaN",
        ],
    );
}

/// Names that mean something in a language.
fn names(test: &mut Test<'_>) {
    are_keys(
        test,
        &[
            "__proto__",
            "constructor",
            "toString",
            "hasOwnProperty",
            "length",
            "prototype",
            "__class__",
            "self",
            "None",
            "null",
            "nil",
            "undefined",
            "true",
            "false",
            "key",
            "value",
            "rowid",
            "NUL",
            "CON",
            "default",
            "_id",
            "$ref",
        ],
    );
}

/// Marks that mean something in a language, a path or a query.
fn punctuation(test: &mut Test<'_>) {
    are_keys(
        test,
        &[
            "'", "''", "\"", "\\", "\\\\", "\\n", "\\x0A", "`", ";", "--", "%", "%s", "%00", "_", "*", "?", "a/b",
            "../a", ".", "..", ":", "a:b", "|", "&", "&amp;", "<a>", "{}", "[", "]", "a]", "a[1]", "(", ",", "=", "#",
            "$1", "$&", "@", "!", "~", "^", "+", "a+b", "a b", "a%20b",
        ],
    );
}

/// Keys that begin as others do, of every length that a short buffer may have.
fn lengths(test: &mut Test<'_>) {
    let table = test.table();
    let spans = [(1_u32, 300_u32), (511, 514), (1023, 1026), (4095, 4098), (16_384, 16_389)];
    let key = |test: &mut Test<'_>, length: &Value| {
        test.run(Call::Blank.with([KEY.into(), length.clone(), u32::from(b'k').into()]));
        test.made(KEY, length, "\"k...\" of {which} bytes")
    };
    for (from, to) in spans {
        test.each(from, to, |test, length| {
            test.about(length, |test| {
                let key = key(test, length);
                let value = test.pattern(8, length);
                test.set(table, &key, &value);
            });
        });
    }
    for (from, to) in spans {
        test.each(from, to, |test, length| {
            test.about(length, |test| {
                let key = key(test, length);
                test.has_pattern(table, &key, 8, length);
            });
        });
    }
}

/// The longest form: each byte of the longest string takes four. Two of them differ in the last byte.
fn long(test: &mut Test<'_>) {
    let (together, alone) = (test.table(), test.table());
    let limit = test.constant("KEY_LIMIT");
    let length = 4 * limit + 4;
    let write = |test: &mut Test<'_>, last: &str| -> Range {
        let (head, byte, tail) = (test.bytes("[\""), test.bytes("\\xFF"), test.bytes(format!("\\x{last}\"]").as_str()));
        test.run(Call::Copy.with([KEY.into(), head.at, head.length]));
        test.each(0, limit - 1, |test, number| {
            let at = number.clone() * 4 + (KEY + 2);
            test.run(Call::Copy.with([at, byte.at.clone(), byte.length.clone()]));
        });
        test.run(Call::Copy.with([(KEY + length - 6).into(), tail.at, tail.length]));
        test.made(KEY, length, "a key of 65540 bytes")
    };
    let key = write(test, "FF");
    test.set(together, &key, "first");
    test.set(alone, &key, "value");
    test.keys_in_room(alone, &key, length + 64);
    let other = write(test, "FE");
    test.lacks(together, &other);
    test.set(together, &other, "second");
    test.has(together, &other, "second");
    let key = write(test, "FF");
    test.has(together, &key, "first");
    test.delete(together, &key);
    test.lacks(together, &key);
    let other = write(test, "FE");
    test.has(together, &other, "second");
    // Its list fits no room of less.
    let answer = test.local(Call::Keys.with([alone.into(), ROOM.into(), (length - 1).into()]));
    test.does_not_fit("js_ext_table_keys of a key of 65540 bytes with a room of 65539", &answer, length);
}

fn metatable(test: &mut Test<'_>) {
    let table = test.table();
    test.lacks(table, "[meta]");
    test.set(table, "[meta]", "\u{1}\0");
    test.has(table, "[meta]", "\u{1}\0");
    test.set(table, "meta", "another");
    test.set(table, "[\"[meta]\"]", "a third");
    test.set(table, "[meta]", "\u{7}\u{3}\0\0\0");
    test.has(table, "[meta]", "\u{7}\u{3}\0\0\0");
    test.has(table, "meta", "another");
    test.delete(table, "[meta]");
    test.lacks(table, "[meta]");
    test.has(table, "meta", "another");
    test.has(table, "[\"[meta]\"]", "a third");
}
