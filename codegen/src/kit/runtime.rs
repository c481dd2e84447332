//! The functions that the tests call: the host's, and those that make, compare and count bytes.

use wasm_encoder::Function;

use super::assembler::{Code, Operator, Value, Width, Write};
use super::layout::{MESSAGE, RECORD, RECORDS, STATE};

/// A function of the module, the imports first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Call {
    /// `js_ext_table_set(table, key, key length, value, value length)`
    Set,
    /// `js_ext_table_get(table, key, key length, room, room length)`
    Get,
    /// `js_ext_table_delete(table, key, key length)`
    Delete,
    /// `js_ext_table_size(table)`
    Size,
    /// `js_ext_table_keys(table, room, room length)`
    Keys,
    /// `check(got, expected, which, message)`: whether two numbers are the same; keeps the message if not
    Check,
    /// `copy(to, from, length)`
    Copy,
    /// `blank(at, length, byte)`: writes one byte again and again
    Blank,
    /// `fill(at, length, seed)`: writes a pattern
    Fill,
    /// `unlike_pattern(at, length, seed)`: where the bytes are not those of the pattern, or -1
    UnlikePattern,
    /// `unlike(a, b, length)`: where two ranges differ, or -1
    Unlike,
    /// `unlike_byte(at, length, byte)`: where there is another byte, or -1
    UnlikeByte,
    /// `decimal(at, number)`: writes a number in digits, and gives their count
    Decimal,
    /// `digest(from, to)`: a number for the bytes between
    Digest,
    /// `describe(message, got, expected, which)`: puts a message together
    Describe,
    /// `occurrences(at, length, word)`: how often a word is in a list of words
    Occurrences,
    /// The test of a promise, by its number; it gives the outcome
    Promise(u32),
}

/// How many functions are imported.
pub const IMPORTS: usize = 5;

/// Writes the body of a function, and gives its result.
type Body = fn(&mut Code) -> Value;

/// Every function that is not imported, with its body.
const BODIES: [(Call, Body); 11] = [
    (Call::Check, check),
    (Call::Copy, copy),
    (Call::Blank, blank),
    (Call::Fill, fill),
    (Call::UnlikePattern, unlike_pattern),
    (Call::Unlike, unlike),
    (Call::UnlikeByte, unlike_byte),
    (Call::Decimal, decimal),
    (Call::Digest, digest),
    (Call::Describe, describe),
    (Call::Occurrences, occurrences),
];

impl Call {
    /// Its place in the index space of functions.
    ///
    /// # Panics
    ///
    /// If it has no body.
    pub fn index(self) -> u32 {
        match self {
            Self::Set => 0,
            Self::Get => 1,
            Self::Delete => 2,
            Self::Size => 3,
            Self::Keys => 4,
            Self::Promise(number) => (IMPORTS + BODIES.len()) as u32 + number,
            other => {
                let body = BODIES.iter().position(|(call, _)| *call == other);
                (IMPORTS + body.expect("each function has a body")) as u32
            }
        }
    }

    /// How many numbers it takes.
    pub fn params(self) -> usize {
        match self {
            Self::Promise(_) => 0,
            Self::Size => 1,
            Self::Decimal | Self::Digest => 2,
            Self::Delete
            | Self::Keys
            | Self::Copy
            | Self::Blank
            | Self::Fill
            | Self::UnlikePattern
            | Self::Unlike
            | Self::UnlikeByte
            | Self::Occurrences => 3,
            Self::Check | Self::Describe => 4,
            Self::Set | Self::Get => 5,
        }
    }

    /// A call with these arguments.
    pub fn with<const N: usize>(self, arguments: [Value; N]) -> Value {
        Value::Call(self, arguments.to_vec())
    }
}

/// How many parameters each of these functions has, and its body, in their order behind the imports.
pub fn functions() -> impl Iterator<Item = (usize, Function)> {
    BODIES.iter().map(|(call, body)| {
        let mut code = Code::new(call.params());
        let result = body(&mut code);
        (call.params(), code.finish(result))
    })
}

/// Parts of a record, see [`RECORD`].
pub mod record {
    /// What became of the promise.
    pub const OUTCOME: u32 = 0;
    /// The address of the message, counted.
    pub const MESSAGE: u32 = 4;
    /// What was seen.
    pub const GOT: u32 = 8;
    /// What should have been.
    pub const EXPECTED: u32 = 12;
    /// Which of several it was.
    pub const WHICH: u32 = 16;
}

/// Marks in a message, in whose place a number is written.
pub mod mark {
    /// What was seen.
    pub const GOT: char = '\u{1}';
    /// What should have been.
    pub const EXPECTED: char = '\u{2}';
    /// Which of several it was.
    pub const WHICH: char = '\u{3}';
}

/// The record of a promise.
pub fn record_of(promise: impl Into<Value>) -> Value {
    promise.into() * RECORD + RECORDS
}

fn check(code: &mut Code) -> Value {
    let [got, expected, which, message] = [0, 1, 2, 3].map(|number| code.param(number));
    code.when(got.clone().equals(&expected), |code| code.answer(1));
    let record = code.local(record_of(Value::from(STATE).word()));
    code.store(Width::Word, record.clone() + record::MESSAGE, message);
    code.store(Width::Word, record.clone() + record::GOT, got);
    code.store(Width::Word, record.clone() + record::EXPECTED, expected);
    code.store(Width::Word, record + record::WHICH, which);
    Value::from(0)
}

fn copy(code: &mut Code) -> Value {
    let [to, from, length] = [0, 1, 2].map(|number| code.param(number));
    code.each(0, &length, |code, at| {
        code.store(Width::Byte, to.clone() + at, (from.clone() + at).byte());
    });
    length
}

fn blank(code: &mut Code) -> Value {
    let [at, length, byte] = [0, 1, 2].map(|number| code.param(number));
    code.each(0, &length, |code, offset| code.store(Width::Byte, at.clone() + offset, &byte));
    length
}

/// The byte of the pattern at an offset. All bytes occur, and no two seeds have the same pattern.
fn pattern(offset: &Value, seed: &Value) -> Value {
    let word = (offset.clone() + 1) * 0x9E37_79B1_u32 + seed.clone() * 0x85EB_CA6B_u32;
    word.clone().with(Operator::Xor, word.with(Operator::Shift, 15)).with(Operator::Shift, 7).and(0xFF)
}

fn fill(code: &mut Code) -> Value {
    let [at, length, seed] = [0, 1, 2].map(|number| code.param(number));
    code.each(0, &length, |code, offset| code.store(Width::Byte, at.clone() + offset, pattern(offset, &seed)));
    length
}

/// Ends with the first offset at which two bytes differ, or -1.
fn first_difference(
    code: &mut Code,
    length: &Value,
    a: impl FnOnce(&Value) -> Value,
    b: impl FnOnce(&Value) -> Value,
) -> Value {
    code.each(0, length, |code, offset| {
        code.when(a(offset).differs(b(offset)), |code| code.answer(offset));
    });
    Value::from(-1)
}

fn unlike_pattern(code: &mut Code) -> Value {
    let [at, length, seed] = [0, 1, 2].map(|number| code.param(number));
    first_difference(code, &length, |offset| (at + offset).byte(), |offset| pattern(offset, &seed))
}

fn unlike(code: &mut Code) -> Value {
    let [a, b, length] = [0, 1, 2].map(|number| code.param(number));
    first_difference(code, &length, |offset| (a + offset).byte(), |offset| (b + offset).byte())
}

fn unlike_byte(code: &mut Code) -> Value {
    let [at, length, byte] = [0, 1, 2].map(|number| code.param(number));
    first_difference(code, &length, |offset| (at + offset).byte(), |_| byte)
}

fn decimal(code: &mut Code) -> Value {
    let [at, number] = [0, 1].map(|number| code.param(number));
    let digits = code.local(1);
    let rest = code.local(number.clone().divided_by(10));
    code.while_(rest.clone().differs(0), |code| {
        code.assign(&rest, rest.clone().divided_by(10));
        code.assign(&digits, digits.clone() + 1);
    });
    let end = code.local(at.clone() + &digits);
    code.while_(at.below(&end), |code| {
        code.assign(&end, end.clone() - 1);
        code.store(Width::Byte, &end, number.clone().modulo(10) + u32::from(b'0'));
        code.assign(&number, number.clone().divided_by(10));
    });
    digits
}

fn digest(code: &mut Code) -> Value {
    let [from, to] = [0, 1].map(|number| code.param(number));
    let sum = code.local(0x811C_9DC5_u32);
    // Words at a time, and the bytes that are left.
    code.while_((from.clone() + 3).below(&to), |code| {
        code.assign(&sum, sum.clone().with(Operator::Xor, from.clone().word()) * 0x0100_0193_u32);
        code.assign(&from, from.clone() + 4);
    });
    code.while_(from.clone().below(&to), |code| {
        code.assign(&sum, sum.clone().with(Operator::Xor, from.clone().byte()) * 0x0100_0193_u32);
        code.assign(&from, from.clone() + 1);
    });
    sum
}

fn describe(code: &mut Code) -> Value {
    let [message, got, expected, which] = [0, 1, 2, 3].map(|number| code.param(number));
    let end = code.local(message.clone() + 4 + message.clone().word());
    let next = code.local(message + 4);
    let to = code.local(MESSAGE + 4);
    code.while_(next.clone().below(&end), |code| {
        let byte = code.local(next.clone().byte());
        let mark = code.local(0);
        for (character, number, signed) in
            [(mark::GOT, &got, true), (mark::EXPECTED, &expected, true), (mark::WHICH, &which, false)]
        {
            code.when(byte.clone().equals(u32::from(character)), |code| {
                code.assign(&mark, 1);
                if signed {
                    code.when(number.clone().less(0), |code| {
                        code.store(Width::Byte, &to, u32::from(b'-'));
                        code.assign(&to, to.clone() + 1);
                        code.assign(number, Value::from(0) - number);
                    });
                }
                let digits = code.local(Call::Decimal.with([to.clone(), number.clone()]));
                code.assign(&to, to.clone() + digits);
            });
        }
        code.when(mark.equals(0), |code| {
            code.store(Width::Byte, &to, &byte);
            code.assign(&to, to.clone() + 1);
        });
        code.assign(&next, next.clone() + 1);
    });
    code.store(Width::Word, MESSAGE, to - (MESSAGE + 4));
    Value::from(MESSAGE)
}

fn occurrences(code: &mut Code) -> Value {
    let [at, length, word] = [0, 1, 2].map(|number| code.param(number));
    let count = code.local(0);
    code.each(0, length.divided_by(4), |code, index| {
        let found = (at.clone() + index.clone() * 4).word().equals(&word);
        code.assign(&count, count.clone() + found);
    });
    count
}
