//! What the services for time, chance, output and errors promise.

use super::{Promise, offered};
use crate::kit::assembler::{Value, Write};
use crate::kit::layout::{KEY, ROOM};
use crate::kit::runtime::Call;
use crate::kit::test::{Part, Test};

const ROOM_FOR: &str = "and `-n` if the reply needs `n` bytes.";

pub const PROMISES: &[Promise] = &[
    offered("clock", "clock.unix-seconds", "Seconds since the start of 1970 in UTC, with fractions.", unix_seconds),
    offered("clock", "clock.cpu-seconds", "Seconds of processor time used, from any starting point.", cpu_seconds),
    offered("clock", "clock.too-small", ROOM_FOR, |test| test.needs_room("clock", &[])),
    offered(
        "utc_offset",
        "utc-offset.seconds",
        "Seconds that local time is ahead; negative west of Greenwich.",
        utc_offset,
    ),
    offered(
        "utc_offset",
        "utc-offset.any-instant",
        "Asks how far local time is ahead of UTC at an instant.",
        any_instant,
    ),
    offered("utc_offset", "utc-offset.too-small", ROOM_FOR, |test| test.needs_room("utc_offset", &[Part::Float(1e9)])),
    offered("entropy", "entropy.bits", "Asks for random bits.", entropy),
    offered("output", "output.taken", "Sends output as it comes.", output),
    offered("output", "output.any-bytes", "A character may be split between two calls.", output_bytes),
    offered("failure", "failure.reason", "The message, UTF-8.", failure),
];

/// The upper half of the f64 at an address. Of numbers above zero, the larger has the larger one.
fn upper(at: u32) -> Value {
    Value::from(at + 4).word()
}

/// The upper half of an f64.
fn upper_of(number: f64) -> u32 {
    (number.to_bits() >> 32) as u32
}

/// The years in which this is run: seconds, not milliseconds or days, and not 0.
const BEGIN_OF_2020: f64 = 1_577_836_800.0;
const BEGIN_OF_2100: f64 = 4_102_444_800.0;

fn unix_seconds(test: &mut Test<'_>) {
    test.replies("clock", &[], 16);
    let now = test.local(upper(ROOM));
    let message = "the clock's first number is not the seconds since 1970 of today, as an f64: its upper half is {got}";
    test.unless_within(&now, upper_of(BEGIN_OF_2020), upper_of(BEGIN_OF_2100), message);
    test.replies("clock", &[], 16);
    let later = test.local(upper(ROOM));
    test.unless_within(&later, &now, now.clone() + 1, "the clock's first number jumped: its upper half is {got}");
}

fn cpu_seconds(test: &mut Test<'_>) {
    test.replies("clock", &[], 16);
    let is_number = upper(ROOM + 8).and(0x7FF0_0000).differs(0x7FF0_0000);
    test.expect(is_number, 1, "the clock's second number is no number, or infinite");
    // A processor does not work for a thousand years; what has not begun yet is 0.
    let magnitude = test.local(upper(ROOM + 8).and(0x7FFF_FFFF));
    test.unless_within(
        &magnitude,
        0,
        upper_of(3.2e10),
        "the clock's second number is no seconds: its upper half is {got}",
    );
}

/// Offsets of places on earth are less than a day.
const MOST_OFFSET: i32 = 86_400;

fn offset_at(test: &mut Test<'_>, instant: f64) {
    test.replies("utc_offset", &[Part::Float(instant)], 4);
    let offset = test.local(Value::from(ROOM).word());
    let message = format!("at {instant:e}, local time is said to be {{got}} seconds ahead of UTC");
    test.unless_within(&offset, -MOST_OFFSET, MOST_OFFSET, &message);
}

fn utc_offset(test: &mut Test<'_>) {
    for instant in [0.0, 1_577_836_800.0, 1_593_561_600.5, 1e9, 2e9] {
        offset_at(test, instant);
    }
}

/// Lua asks for whatever a program asks it for; a host may not know.
fn any_instant(test: &mut Test<'_>) {
    for instant in [-1.0, -1e10, 1e11, 1e15, 1e300, -1e300] {
        let answer = test.ask("utc_offset", &[Part::Float(instant)], 64);
        test.when(answer.differs(-1), |test| offset_at(test, instant));
    }
}

fn entropy(test: &mut Test<'_>) {
    test.replies("entropy", &[], 16);
    let words: Vec<_> = [0, 4, 8, 12].map(|offset| test.local(Value::from(ROOM + offset).word())).into();
    let all = words.iter().cloned().reduce(Value::or).unwrap_or(0.into());
    test.expect(all.equals(0), 0, "all of the 128 random bits are 0");
    let halves = words[0].clone().equals(&words[2]).and(words[1].clone().equals(&words[3]));
    test.expect(halves, 0, "both halves of the 128 random bits are the same");
    test.replies("entropy", &[], 16);
    let same = |offset: u32, word: &Value| Value::from(ROOM + offset).word().equals(word);
    let again = same(0, &words[0]).and(same(4, &words[1])).and(same(8, &words[2])).and(same(12, &words[3]));
    test.expect(again, 0, "the random bits are the same when asked again");
}

fn output(test: &mut Test<'_>) {
    let text = test.bytes("kit: this is output of the conformance kit\n");
    for room in [0, 64] {
        test.serves("output", &[Part::Bytes(text.clone())], room, 0);
    }
}

fn output_bytes(test: &mut Test<'_>) {
    for bytes in [&b"kit: half of \xC3"[..], b"\xA9 and no text: \xFF\x00\x80\n", b"\n"] {
        let piece = test.bytes(bytes);
        test.serves("output", &[Part::Bytes(piece)], 0, 0);
    }
    // The largest piece is what the module's buffer takes.
    let (length, at) = (test.constant("IO_BUFFER_SIZE"), KEY + 0x100);
    test.run(Call::Blank.with([at.into(), length.into(), u32::from(b'.').into()]));
    let piece = test.made(at, length, "output");
    let text = test.bytes("kit: ");
    test.serves("output", &[Part::Bytes(text), Part::Bytes(piece)], 0, 0);
}

/// No request has failed, so that any message will do, and none.
fn failure(test: &mut Test<'_>) {
    let answer = test.ask("failure", &[], 0x4000);
    test.unless_within(&answer, -1, 0x4000, "the service failure answered {got}, no length of a message, and not -1");
}
