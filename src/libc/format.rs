//! What `printf` does: conversions of integers, doubles and strings, to the last character as glibc
//! gives them.
//!
//! The digits of doubles come from [`digits`](super::digits); this file arranges them as C asks.
//! The arguments themselves are taken by `vendor/glue/variadic.c`.

use super::digits::{Digits, Limit};
use core::ffi::{CStr, c_char, c_int, c_long, c_void};
use core::ptr;

/// The types of argument that a format can ask for, as `variadic.c` knows them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub enum Kind {
    /// `int`, and what is promoted to it.
    Int,
    /// `long`.
    Long,
    /// `long long`.
    LongLong,
    /// Any pointer.
    Pointer,
    /// `double`.
    Double,
}

/// Takes the next argument, of a `Kind`, out of `arguments`: a signed integer extended to 64 bits,
/// a double as its bits.
pub type NextArgument = unsafe extern "C" fn(arguments: *mut c_void, kind: c_int) -> u64;

/// Hexadecimal digits after the point in a double.
const HEX_DIGITS: usize = 13;

/// One conversion of a format.
#[derive(Clone, Copy, Default)]
struct Spec {
    left: bool,
    plus: bool,
    space: bool,
    alternate: bool,
    zero: bool,
    width: usize,
    precision: Option<usize>,
}

/// A piece of a converted argument.
#[derive(Clone, Copy)]
enum Part<'a> {
    Text(&'a [u8]),
    Zeros(usize),
}

/// Text in a fixed room, which whoever chose its size has proven to suffice.
struct Text<const N: usize> {
    bytes: [u8; N],
    length: usize,
}

impl<const N: usize> Text<N> {
    const fn new() -> Self {
        Self { bytes: [0; N], length: 0 }
    }

    fn push(&mut self, byte: u8) {
        self.extend(&[byte]);
    }

    fn extend(&mut self, bytes: &[u8]) {
        if let Some(room) = self.bytes.get_mut(self.length..self.length + bytes.len()) {
            room.copy_from_slice(bytes);
            self.length += bytes.len();
        }
    }

    fn bytes(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or_default()
    }
}

/// Writes `byte` `count` times.
#[inline(never)]
fn repeat(out: &mut dyn FnMut(&[u8]), byte: u8, mut count: usize) {
    let run = [byte; 32];
    while count > 0 {
        let part = count.min(run.len());
        out(&run[..part]);
        count -= part;
    }
}

/// Writes `parts` in the conversion's width. Zeros that fill it stand after the prefix, which is a
/// sign or `0x`.
fn write_field(out: &mut dyn FnMut(&[u8]), spec: &Spec, prefix: &[u8], parts: &[Part]) {
    let lengths = parts.iter().map(|part| match part {
        Part::Text(text) => text.len(),
        Part::Zeros(count) => *count,
    });
    let padding = spec.width.saturating_sub(prefix.len() + lengths.sum::<usize>());
    if !spec.left && !spec.zero {
        repeat(out, b' ', padding);
    }
    out(prefix);
    if !spec.left && spec.zero {
        repeat(out, b'0', padding);
    }
    for part in parts {
        match part {
            Part::Text(text) => out(text),
            Part::Zeros(count) => repeat(out, b'0', *count),
        }
    }
    if spec.left {
        repeat(out, b' ', padding);
    }
}

fn sign(spec: &Spec, negative: bool) -> &'static [u8] {
    match (negative, spec.plus, spec.space) {
        (true, ..) => b"-",
        (_, true, _) => b"+",
        (.., true) => b" ",
        _ => b"",
    }
}

/// The digits of `number` in `base`, written from the end of `room`.
fn digits(room: &mut [u8; 24], mut number: u64, base: u64, upper: bool) -> &[u8] {
    let alphabet: &[u8; 16] = if upper { b"0123456789ABCDEF" } else { b"0123456789abcdef" };
    let mut start = room.len();
    while number > 0 && start > 0 {
        start -= 1;
        room[start] = alphabet[(number % base) as usize & 15];
        number /= base;
    }
    &room[start..]
}

/// An integer: `prefix`, and its magnitude in `base` with at least `precision` digits.
fn write_integer(out: &mut dyn FnMut(&[u8]), mut spec: Spec, prefix: &[u8], number: u64, base: u64, upper: bool) {
    let mut room = [0; 24];
    let body = digits(&mut room, number, base, upper);
    let mut least = spec.precision.unwrap_or(1);
    if base == 8 && spec.alternate {
        least = least.max(body.len() + 1);
    }
    spec.zero &= spec.precision.is_none();
    write_field(out, &spec, prefix, &[Part::Zeros(least.saturating_sub(body.len())), Part::Text(body)]);
}

fn write_signed(out: &mut dyn FnMut(&[u8]), spec: Spec, number: i64) {
    write_integer(out, spec, sign(&spec, number < 0), number.unsigned_abs(), 10, false);
}

fn write_unsigned(out: &mut dyn FnMut(&[u8]), spec: Spec, number: u64, conversion: u8) {
    let upper = conversion == b'X';
    let (base, mark): (_, &[u8]) = match conversion {
        b'o' => (8, b""),
        b'x' => (16, b"0x"),
        b'X' => (16, b"0X"),
        _ => (10, b""),
    };
    let prefix = if spec.alternate && number != 0 { mark } else { b"" };
    write_integer(out, spec, prefix, number, base, upper);
}

/// An address, as a hexadecimal number; the null pointer as glibc names it.
fn write_pointer(out: &mut dyn FnMut(&[u8]), spec: Spec, address: u64) {
    if address == 0 {
        write_text(out, Spec { precision: None, ..spec }, b"(nil)");
    } else {
        let prefix: &[u8] = match sign(&spec, false) {
            b"+" => b"+0x",
            b" " => b" 0x",
            _ => b"0x",
        };
        write_integer(out, spec, prefix, address, 16, false);
    }
}

/// A string, or as much of it as the precision allows.
fn write_text(out: &mut dyn FnMut(&[u8]), spec: Spec, text: &[u8]) {
    let body = spec.precision.and_then(|precision| text.get(..precision)).unwrap_or(text);
    write_field(out, &Spec { zero: false, ..spec }, b"", &[Part::Text(body)]);
}

fn write_double(out: &mut dyn FnMut(&[u8]), spec: Spec, number: f64, conversion: u8) {
    let upper = conversion.is_ascii_uppercase();
    let sign = sign(&spec, number.is_sign_negative());
    let magnitude = number.abs();
    if !number.is_finite() {
        let body: &[u8] = match (number.is_nan(), upper) {
            (true, false) => b"nan",
            (true, true) => b"NAN",
            (false, false) => b"inf",
            (false, true) => b"INF",
        };
        return write_field(out, &Spec { zero: false, ..spec }, sign, &[Part::Text(body)]);
    }
    match conversion.to_ascii_lowercase() {
        b'a' => write_hexadecimal(out, &spec, sign, magnitude, upper),
        b'e' => {
            let decimals = spec.precision.unwrap_or(6);
            let digits = Digits::new(magnitude, Limit::Significant(decimals.saturating_add(1)));
            write_scientific(out, &spec, sign, &digits, decimals, upper);
        }
        b'f' => {
            let decimals = spec.precision.unwrap_or(6);
            write_fixed(out, &spec, sign, &Digits::new(magnitude, Limit::Decimals(decimals)), decimals);
        }
        _ => write_general(out, &spec, sign, magnitude, upper),
    }
}

/// The point: without decimals it stands only where `#` asks for it.
fn point(spec: &Spec, decimals: usize) -> Part<'static> {
    Part::Text(if decimals > 0 || spec.alternate { b"." } else { b"" })
}

/// `%f`: all digits before the point, and `decimals` after it.
fn write_fixed(out: &mut dyn FnMut(&[u8]), spec: &Spec, sign: &[u8], digits: &Digits, decimals: usize) {
    let bytes = digits.bytes();
    let whole = usize::try_from(digits.power + 1).unwrap_or(0);
    let (before, after) = bytes.split_at(whole.min(bytes.len()));
    // A number below 1 has a zero before the point and more between it and its first digit.
    let missing = digits.power.min(-1).unsigned_abs() as usize - 1;
    let skipped = missing.min(decimals);
    let parts = [
        Part::Text(before),
        Part::Zeros((whole - before.len()).max(usize::from(whole == 0))),
        point(spec, decimals),
        Part::Zeros(skipped),
        Part::Text(after),
        Part::Zeros(decimals - skipped - after.len()),
    ];
    write_field(out, spec, sign, &parts);
}

/// `%e`: one digit before the point, `decimals` after it, and an exponent.
fn write_scientific(
    out: &mut dyn FnMut(&[u8]),
    spec: &Spec,
    sign: &[u8],
    digits: &Digits,
    decimals: usize,
    upper: bool,
) {
    let (first, after) = digits.bytes().split_at(1);
    let exponent = exponent(if upper { b'E' } else { b'e' }, digits.power, 2);
    let parts = [
        Part::Text(first),
        point(spec, decimals),
        Part::Text(after),
        Part::Zeros(decimals - after.len()),
        Part::Text(exponent.bytes()),
    ];
    write_field(out, spec, sign, &parts);
}

/// `%g`: a number of significant digits in the shorter of both forms, without the zeros at the end.
fn write_general(out: &mut dyn FnMut(&[u8]), spec: &Spec, sign: &[u8], number: f64, upper: bool) {
    let precision = spec.precision.unwrap_or(6).max(1);
    let digits = Digits::new(number, Limit::Significant(precision));
    let power = i64::from(digits.power);
    let shown = if spec.alternate { precision } else { digits.bytes().len() } as i64;
    if (-4..precision as i64).contains(&power) {
        write_fixed(out, spec, sign, &digits, (shown - 1 - power).max(0) as usize);
    } else {
        write_scientific(out, spec, sign, &digits, shown as usize - 1, upper);
    }
}

/// An exponent: a letter, a sign, and at least `least` digits.
fn exponent(letter: u8, power: i32, least: usize) -> Text<8> {
    let mut text = Text::new();
    text.push(letter);
    text.push(if power < 0 { b'-' } else { b'+' });
    let mut room = [0; 24];
    let body = digits(&mut room, power.unsigned_abs().into(), 10, false);
    for _ in body.len()..least {
        text.push(b'0');
    }
    text.extend(body);
    text
}

/// `%a`: one digit before the point, which is 0 for a subnormal number and 2 where rounding carries
/// into it.
fn write_hexadecimal(out: &mut dyn FnMut(&[u8]), spec: &Spec, sign: &[u8], number: f64, upper: bool) {
    const FRACTION: u32 = f64::MANTISSA_DIGITS - 1;
    let bits = number.to_bits();
    let biased = (bits >> FRACTION) as i32;
    let mut mantissa = bits & ((1 << FRACTION) - 1);
    let mut power = -1022;
    if biased > 0 {
        mantissa |= 1 << FRACTION;
        power = biased - 1023;
    } else if mantissa == 0 {
        power = 0;
    }
    let shown = match spec.precision {
        Some(precision) => {
            let dropped = 4 * HEX_DIGITS.saturating_sub(precision) as u32;
            if dropped > 0 {
                let half = 1 << (dropped - 1);
                let odd = (mantissa >> dropped) & 1;
                mantissa = ((mantissa + half - 1 + odd) >> dropped) << dropped;
            }
            precision
        }
        None => HEX_DIGITS - ((mantissa | 1 << FRACTION).trailing_zeros() / 4) as usize,
    };
    let alphabet: &[u8; 16] = if upper { b"0123456789ABCDEF" } else { b"0123456789abcdef" };
    let mut prefix = Text::<3>::new();
    prefix.extend(sign);
    prefix.extend(if upper { b"0X" } else { b"0x" });
    let mut body = Text::<{ HEX_DIGITS + 2 }>::new();
    body.push(alphabet[(mantissa >> FRACTION) as usize & 15]);
    if shown > 0 || spec.alternate {
        body.push(b'.');
    }
    for index in 0..shown.min(HEX_DIGITS) as u32 {
        body.push(alphabet[(mantissa >> (FRACTION - 4 - 4 * index)) as usize & 15]);
    }
    let exponent = exponent(if upper { b'P' } else { b'p' }, power, 1);
    let parts = [Part::Text(body.bytes()), Part::Zeros(shown.saturating_sub(HEX_DIGITS)), Part::Text(exponent.bytes())];
    write_field(out, spec, prefix.bytes(), &parts);
}

/// Reads a number off the front of a format.
fn take_number(format: &mut &[u8]) -> Option<usize> {
    let mut number = None;
    while let [digit @ b'0'..=b'9', rest @ ..] = format {
        number = Some(number.unwrap_or(0usize).saturating_mul(10).saturating_add(usize::from(digit - b'0')));
        *format = rest;
    }
    number
}

/// Reads a number or a `*`, which stands for an argument, off the front of a format.
fn take_count(format: &mut &[u8], next: &mut dyn FnMut(Kind) -> u64) -> Option<i64> {
    if let [b'*', rest @ ..] = format {
        *format = rest;
        return Some(next(Kind::Int).cast_signed());
    }
    take_number(format).map(|number| number as i64)
}

/// Reads the flags, width and precision off the front of a format.
fn take_spec(format: &mut &[u8], next: &mut dyn FnMut(Kind) -> u64) -> Spec {
    let mut spec = Spec::default();
    while let [flag, rest @ ..] = format {
        match flag {
            b'-' => spec.left = true,
            b'+' => spec.plus = true,
            b' ' => spec.space = true,
            b'#' => spec.alternate = true,
            b'0' => spec.zero = true,
            _ => break,
        }
        *format = rest;
    }
    if let Some(width) = take_count(format, next) {
        spec.left |= width < 0;
        spec.width = width.unsigned_abs() as usize;
    }
    if let [b'.', rest @ ..] = format {
        *format = rest;
        spec.precision = usize::try_from(take_count(format, next).unwrap_or(0)).ok();
    }
    spec
}

/// An integer type, by its length modifier.
fn take_length(format: &mut &[u8]) -> (Kind, u32) {
    let (kind, bits, length) = match format {
        [b'h', b'h', ..] => (Kind::Int, 8, 2),
        [b'h', ..] => (Kind::Int, 16, 1),
        [b'l', b'l', ..] => (Kind::LongLong, 64, 2),
        [b'j', ..] => (Kind::LongLong, 64, 1),
        [b'l' | b'z' | b't', ..] => (Kind::Long, c_long::BITS, 1),
        _ => (Kind::Int, c_int::BITS, 0),
    };
    *format = &format[length..];
    (kind, bits)
}

/// Formats: hands the text to `out` piece by piece, asks `next` for each argument, and returns the
/// length of the text.
///
/// A conversion that C does not define is written as it stands.
pub fn format(out: &mut dyn FnMut(&[u8]), mut format: &[u8], next: &mut dyn FnMut(Kind) -> u64) -> usize {
    let mut length = 0;
    let mut out = |bytes: &[u8]| {
        length += bytes.len();
        out(bytes);
    };
    loop {
        let plain = format.iter().position(|byte| *byte == b'%').unwrap_or(format.len());
        let (before, conversion) = format.split_at(plain);
        out(before);
        let [_, rest @ ..] = conversion else {
            return length;
        };
        format = rest;
        let spec = take_spec(&mut format, next);
        let (kind, bits) = take_length(&mut format);
        let Some((letter, rest)) = format.split_first() else {
            out(conversion);
            return length;
        };
        format = rest;
        match letter {
            b'd' | b'i' => {
                let unused = 64 - bits;
                write_signed(&mut out, spec, (next(kind) << unused).cast_signed() >> unused);
            }
            b'u' | b'o' | b'x' | b'X' => {
                let unused = 64 - bits;
                write_unsigned(&mut out, spec, next(kind) << unused >> unused, *letter);
            }
            b'a' | b'A' | b'e' | b'E' | b'f' | b'F' | b'g' | b'G' => {
                write_double(&mut out, spec, f64::from_bits(next(Kind::Double)), *letter);
            }
            b'c' => write_text(&mut out, Spec { precision: None, ..spec }, &[next(Kind::Int) as u8]),
            b'p' => write_pointer(&mut out, spec, next(Kind::Pointer)),
            b's' => {
                let text = ptr::with_exposed_provenance::<c_char>(next(Kind::Pointer) as usize);
                // SAFETY: the caller vouches that the arguments are what the format asks for.
                write_text(&mut out, spec, unsafe { text_within(text, spec.precision) });
            }
            b'%' => out(b"%"),
            _ => out(&conversion[..conversion.len() - format.len()]),
        }
    }
}

/// The bytes of a string argument, which need not end within its precision. Null is named as glibc
/// does.
///
/// # Safety
/// `text` is null, a string, or has `precision` bytes.
unsafe fn text_within<'a>(text: *const c_char, precision: Option<usize>) -> &'a [u8] {
    if text.is_null() {
        return if precision.is_some_and(|precision| precision < 6) { b"" } else { b"(null)" };
    }
    let Some(precision) = precision else {
        // SAFETY: without a precision, it is a string.
        return unsafe { CStr::from_ptr(text) }.to_bytes();
    };
    let mut length = 0;
    // SAFETY: no end was met before `length`, which is below the precision.
    while length < precision && unsafe { *text.add(length) } != 0 {
        length += 1;
    }
    // SAFETY: these bytes were just looked at.
    unsafe { core::slice::from_raw_parts(text.cast(), length) }
}

/// Formats into `size` bytes at `buffer`, the last of them an end: `snprintf`, behind its variable
/// arguments. Returns the length of the whole text.
#[cfg_attr(target_arch = "wasm32", unsafe(no_mangle))]
pub unsafe extern "C" fn format_to_buffer(
    buffer: *mut c_char,
    size: usize,
    format: *const c_char,
    arguments: *mut c_void,
    next: NextArgument,
) -> c_int {
    // SAFETY: the caller passes a string as the format.
    let text = unsafe { CStr::from_ptr(format) }.to_bytes();
    let room = size.saturating_sub(1);
    let mut used = 0;
    let mut out = |bytes: &[u8]| {
        let part = bytes.len().min(room - used);
        // SAFETY: `used + part` is at most `room`, which is within what the caller vouches for.
        unsafe { ptr::copy_nonoverlapping(bytes.as_ptr(), buffer.cast::<u8>().add(used), part) };
        used += part;
    };
    // SAFETY: `next` draws on `arguments`, and the caller vouches that they are what the format
    // asks for.
    let length = self::format(&mut out, text, &mut |kind| unsafe { next(arguments, kind as c_int) });
    if size > 0 {
        // SAFETY: `used` is at most `size - 1`.
        unsafe { *buffer.add(used) = 0 };
    }
    length as c_int
}

#[cfg(test)]
mod tests {
    use super::super::testing::Random;
    use super::*;
    use std::ffi::CString;
    use std::string::{String, ToString};
    use std::vec::Vec;
    use std::{format, vec};

    mod system {
        use core::ffi::{c_char, c_int};
        unsafe extern "C" {
            pub fn snprintf(buffer: *mut c_char, size: usize, format: *const c_char, ...) -> c_int;
        }
    }

    /// What ours makes of one argument.
    fn ours(format: &CStr, argument: u64) -> Vec<u8> {
        let mut text = Vec::new();
        let mut out = |bytes: &[u8]| text.extend_from_slice(bytes);
        let length = super::format(&mut out, format.to_bytes(), &mut |_| argument);
        assert_eq!(length, text.len());
        text
    }

    /// What the system makes of it.
    macro_rules! theirs {
        ($format:expr, $argument:expr) => {{
            let mut room = vec![0u8; 2000];
            // SAFETY: the room is as large as said, and the callers' formats ask for this one
            // argument.
            let length = unsafe { system::snprintf(room.as_mut_ptr().cast(), 2000, $format.as_ptr(), $argument) };
            room.truncate(length as usize);
            room
        }};
    }

    /// A conversion with random flags, width and precision, as far as Lua lets scripts choose them.
    fn conversion(random: &mut Random, flags: &str, length: &str, letters: &[u8]) -> CString {
        let mut text = String::from("%");
        for flag in flags.chars() {
            if random.below(3) == 0 {
                text.push(flag);
            }
        }
        if random.below(2) == 0 {
            text += &(1 + random.below(99)).to_string();
        }
        if random.below(2) == 0 {
            text.push('.');
            if random.below(9) > 0 {
                let most = *random.pick(&[5, 20, 100]);
                text += &random.below(most).to_string();
            }
        }
        text += length;
        text.push(char::from(*random.pick(letters)));
        CString::new(text).expect("no zero byte")
    }

    fn agree(format: &CStr, ours: &[u8], theirs: &[u8], argument: impl core::fmt::Debug) {
        let (ours, theirs) = (String::from_utf8_lossy(ours), String::from_utf8_lossy(theirs));
        assert_eq!(ours, theirs, "{format:?} of {argument:?}");
    }

    fn double_agrees(format: &CStr, number: f64) {
        agree(format, &ours(format, number.to_bits()), &theirs!(format, number), number);
    }

    /// Whether glibc, in the release that the tests run on, leaves out zeros that `%#g` asks for:
    /// it does where rounding carries into a higher power of ten.
    fn is_cut_by_glibc(format: &CStr, number: f64) -> bool {
        let format = format.to_string_lossy();
        if !number.is_finite() || !format.contains('#') || !format.ends_with(['g', 'G']) {
            return false;
        }
        let precision = format[..format.len() - 1].split_once('.').map_or(6, |(_, digits)| digits.parse().unwrap_or(0));
        let power = |digits: usize| format!("{number:.digits$e}").split_once('e').map(|(_, power)| power.to_string());
        power(usize::max(precision, 1) - 1) != power(800)
    }

    #[test]
    fn doubles_are_formatted_as_the_system_does() {
        let mut random = Random::new(2);
        for _ in 0..130_000 {
            let number = random.double();
            let format = conversion(&mut random, "-+ #0", "", b"aAeEfFgG");
            if !is_cut_by_glibc(&format, number) {
                double_agrees(&format, number);
            }
        }
    }

    #[test]
    fn the_forms_that_lua_itself_uses_are_the_systems() {
        let mut random = Random::new(3);
        for _ in 0..15_000 {
            let number = random.double();
            for format in [c"%.14g", c"%.17g", c"%a", c"%.0f", c"%5.2f"] {
                double_agrees(format, number);
            }
        }
    }

    #[test]
    fn every_decimal_of_the_extremes_is_there() {
        for number in [f64::MAX, f64::MIN_POSITIVE, 5e-324, 0.1, 0.0, -0.0, 2f64.powi(-1022) - 5e-324] {
            for format in [c"%.1074f", c"%.1200f", c"%.1200e", c"%.1200g", c"%#.1200g", c"%.1200a", c"%#.0e", c"%#.0f"]
            {
                double_agrees(format, number);
            }
        }
    }

    #[test]
    fn hexadecimal_rounding_goes_to_even_and_carries() {
        for number in [1.0, 1.5, 1.03125, 1.09375, 1.96875, 1.99999999, 3.0, 5e-324, 1e-310, f64::MAX, 0.0] {
            for format in
                [c"%.0a", c"%.1a", c"%.2a", c"%#.0a", c"%.12a", c"%.13a", c"%.20a", c"%#a", c"%030a", c"%-30.3aX"]
            {
                double_agrees(format, number);
            }
        }
    }

    #[test]
    fn integers_are_formatted_as_the_system_does() {
        let mut random = Random::new(4);
        for _ in 0..60_000 {
            let shift = random.below(64);
            let number = (random.bits() >> shift).cast_signed() * *random.pick(&[1, 1, -1, 0]);
            let letter = conversion(&mut random, "-+ 0", "ll", b"di");
            agree(&letter, &ours(&letter, number.cast_unsigned()), &theirs!(letter, number), number);
            let letter = conversion(&mut random, "-#0", "ll", b"uoxX");
            agree(&letter, &ours(&letter, number.cast_unsigned()), &theirs!(letter, number), number);
            let (number, modifier) = (number as c_int, *random.pick(&["", "h", "hh"]));
            let letter = conversion(&mut random, "-0", modifier, b"diuoxX");
            agree(&letter, &ours(&letter, (number as i64).cast_unsigned()), &theirs!(letter, number), number);
            let letter = conversion(&mut random, "-", "", b"c");
            agree(&letter, &ours(&letter, (number as i64).cast_unsigned()), &theirs!(letter, number), number);
        }
    }

    #[test]
    fn strings_and_pointers_are_formatted_as_the_system_does() {
        let mut random = Random::new(5);
        for _ in 0..20_000 {
            let text = random.pick(&[c"", c"a", c"hello", c"a longer one than most widths are"]).as_ptr();
            let letter = conversion(&mut random, "-", "", b"s");
            agree(&letter, &ours(&letter, text.expose_provenance() as u64), &theirs!(letter, text), "text");
            let shift = random.below(40) as u32;
            let address = random.bits().checked_shr(shift * 2).unwrap_or(0) as usize;
            let letter = *random.pick(&[c"%p", c"%20p", c"%-20p", c"%3p", c"[%p]"]);
            agree(letter, &ours(letter, address as u64), &theirs!(letter, address), address);
        }
    }

    #[test]
    fn widths_and_precisions_can_be_arguments() {
        for (width, precision) in [(9i64, 2i64), (-9, 2), (0, -1), (3, 0)] {
            let mut arguments = vec![3.5f64.to_bits(), precision.cast_unsigned(), width.cast_unsigned()];
            let mut text = Vec::new();
            let mut out = |bytes: &[u8]| text.extend_from_slice(bytes);
            super::format(&mut out, b"<%*.*f> 100%%", &mut |_| arguments.pop().expect("an argument"));
            let mut room = vec![0u8; 100];
            // SAFETY: the room is as large as said, and the format asks for these arguments.
            let length = unsafe {
                let (width, precision) = (width as c_int, precision as c_int);
                system::snprintf(room.as_mut_ptr().cast(), 100, c"<%*.*f> 100%%".as_ptr(), width, precision, 3.5)
            };
            room.truncate(length as usize);
            agree(c"<%*.*f>", &text, &room, (width, precision));
        }
    }

    #[test]
    fn a_short_buffer_is_cut_ended_and_its_need_told() {
        unsafe extern "C" fn next(_: *mut c_void, _: c_int) -> u64 {
            123_456
        }
        for size in 0..9 {
            let (mut room, mut expected) = ([b'?'; 10], [b'?'; 10]);
            let format = c"%d";
            // SAFETY: both rooms hold `size` bytes, and the format asks for an int.
            let (need, needed) = unsafe {
                (
                    format_to_buffer(room.as_mut_ptr().cast(), size, format.as_ptr(), ptr::null_mut(), next),
                    system::snprintf(expected.as_mut_ptr().cast(), size, format.as_ptr(), 123_456 as c_int),
                )
            };
            assert_eq!((need, room), (needed, expected));
        }
    }
}
