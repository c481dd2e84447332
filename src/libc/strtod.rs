//! `strtod`: decimal and hexadecimal numbers, correctly rounded.
//!
//! Of a decimal number with few digits, digits and power of ten are doubles, and one multiplication or
//! division rounds. Any other is computed in full, as a decimal number that is multiplied or divided
//! by powers of two until what stands before its point has all the bits that rounding looks at. Rust's
//! `core` is faster there, by tables that take a tenth of the module. The words `inf` and `nan` are not
//! read: Lua refuses them before it asks.

use super::ctype::is_space;
use super::whole::{FACTOR_BITS, LIMB, LIMB_DIGITS, Whole};
use core::ffi::{CStr, c_char};

/// Beyond this, whatever the digits, a number is infinite or zero: digits in memory can move it by
/// a few billion.
const EXPONENT_LIMIT: i64 = 1 << 40;
/// A number below this has room for one more digit.
const FEW_DIGITS: u64 = 1_000_000_000_000_000_000;
/// The most digits, from the first that is not zero, of the middle between two doubles.
const SIGNIFICANT_DIGITS: i64 = 768;

/// The number at the start of `text`, and how many bytes it takes: none where there is no number.
pub fn parse(text: &[u8]) -> (f64, usize) {
    let mut at = text.iter().take_while(|byte| is_space(**byte)).count();
    let negative = text.get(at) == Some(&b'-');
    at += usize::from(matches!(text.get(at), Some(b'+' | b'-')));
    let unsigned = text.get(at..).unwrap_or_default();
    let hexadecimal = match unsigned {
        [b'0', b'x' | b'X', digits @ ..] => parse_hexadecimal(digits).map(|(number, length)| (number, length + 2)),
        _ => None,
    };
    let Some((number, length)) = hexadecimal.or_else(|| parse_decimal(unsigned)) else {
        return (0.0, 0);
    };
    (if negative { -number } else { number }, at + length)
}

/// The exponent that `text` starts with, and how many bytes it takes: its letter in either case, a
/// sign, and digits.
fn parse_exponent(text: &[u8], letter: u8) -> (i64, usize) {
    if !text.first().is_some_and(|byte| byte.eq_ignore_ascii_case(&letter)) {
        return (0, 0);
    }
    let sign = usize::from(matches!(text.get(1), Some(b'+' | b'-')));
    let mut amount = 0;
    let mut length = 1 + sign;
    while let Some(digit @ b'0'..=b'9') = text.get(length) {
        amount = (amount * 10 + i64::from(digit - b'0')).min(EXPONENT_LIMIT);
        length += 1;
    }
    if length == 1 + sign {
        return (0, 0);
    }
    (if text.get(1) == Some(&b'-') { -amount } else { amount }, length)
}

fn parse_decimal(text: &[u8]) -> Option<(f64, usize)> {
    let mut number = 0u64;
    let mut digits = 0;
    let mut point = None;
    let mut length = 0;
    for byte in text {
        match byte {
            b'0'..=b'9' => {
                // The greatest number stands for all that have too many digits.
                let digit = u64::from(byte - b'0');
                number = if number < FEW_DIGITS { number * 10 + digit } else { u64::MAX };
                digits += 1;
            }
            b'.' if point.is_none() => point = Some(digits),
            _ => break,
        }
        length += 1;
    }
    if digits == 0 {
        return None;
    }
    let (exponent, exponent_length) = parse_exponent(&text[length..], b'e');
    let whole = point.unwrap_or(digits);
    let power = exponent - (digits - whole);
    let value = if number <= 1 << 53 && power.unsigned_abs() <= 22 {
        let (number, factor) = (number as f64, power_of_ten(power.unsigned_abs()));
        if power < 0 { number / factor } else { number * factor }
    } else {
        round_decimal(&text[..length], digits, whole + exponent)
    };
    Some((value, length + exponent_length))
}

/// Ten to a power up to 22: of each, and of each product on the way, the bits fit into a double.
fn power_of_ten(mut power: u64) -> f64 {
    let mut result = 1.0;
    let mut square = 10.0;
    while power > 0 {
        if power & 1 == 1 {
            result *= square;
        }
        square *= square;
        power >>= 1;
    }
    result
}

/// The double nearest to a number whose `count` digits are those of `text`, with a point before the first
/// of them, times ten to the `power`.
fn round_decimal(text: &[u8], mut count: i64, power: i64) -> f64 {
    let mut digits = text.iter().filter(|byte| **byte != b'.').map(|byte| u32::from(byte - b'0')).peekable();
    // The power of ten of the first digit that is not zero.
    let mut top = power - 1;
    while digits.next_if_eq(&0).is_some() {
        top -= 1;
        count -= 1;
    }
    if digits.peek().is_none() || top < -324 {
        return 0.0;
    }
    if top > 308 {
        return f64::INFINITY;
    }
    // A limb starts where the point is. Of more digits than the middle between two doubles has, it
    // only matters whether one is not zero.
    let limb_of = |power: i64| power.div_euclid(LIMB_DIGITS as i64);
    let lowest = limb_of(top + 1 - count.min(SIGNIFICANT_DIGITS));
    let start = lowest.max(0) as usize;
    let point = lowest.min(0).unsigned_abs() as usize;
    let mut value = Whole::of_length((limb_of(top) - lowest) as usize + start + 1);
    let mut places = top.rem_euclid(LIMB_DIGITS as i64) + 1;
    for limb in value.limbs_mut()[start..].iter_mut().rev() {
        for _ in 0..places {
            *limb = *limb * 10 + digits.next().unwrap_or(0);
        }
        places = LIMB_DIGITS as i64;
    }
    let mut rest = digits.any(|digit| digit != 0);

    // Three limbs before the point have enough bits, and four fit into the mantissa.
    let mut power = 0;
    while value.limbs().len() < point + 3 {
        value.multiply(1 << FACTOR_BITS);
        power -= i64::from(FACTOR_BITS);
    }
    while value.limbs().len() > point + 4 {
        rest |= value.divide();
        power += i64::from(FACTOR_BITS);
    }
    let (fraction, whole) = value.limbs().split_at(point);
    rest |= fraction.iter().any(|limb| *limb != 0);
    let mantissa = whole.iter().rev().fold(0, |sum, limb| sum * u128::from(LIMB) + u128::from(*limb));
    scale(mantissa | u128::from(rest), power)
}

/// A hexadecimal number, after its `0x`.
fn parse_hexadecimal(text: &[u8]) -> Option<(f64, usize)> {
    let mut mantissa = 0u64;
    let mut power = 0i64;
    let mut digits = 0;
    let mut point = false;
    let mut length = 0;
    for byte in text {
        if *byte == b'.' && !point {
            point = true;
        } else if let Some(digit) = char::from(*byte).to_digit(16) {
            digits += 1;
            if mantissa >> 60 == 0 {
                mantissa = mantissa << 4 | u64::from(digit);
                power -= 4 * i64::from(point);
            } else {
                // The last bit stands for all that follows it: it is far below the one that
                // rounding looks at.
                mantissa |= u64::from(digit != 0);
                power += 4 * i64::from(!point);
            }
        } else {
            break;
        }
        length += 1;
    }
    if digits == 0 {
        return None;
    }
    let (exponent, exponent_length) = parse_exponent(&text[length..], b'p');
    Some((scale(u128::from(mantissa), power + exponent), length + exponent_length))
}

/// `mantissa`, below 2^127, times two to the `power`, rounded to the nearest double, ties to even.
fn scale(mantissa: u128, power: i64) -> f64 {
    if mantissa == 0 {
        return 0.0;
    }
    let length = 128 - i64::from(mantissa.leading_zeros());
    let top = power + length - 1;
    if top >= i64::from(f64::MAX_EXP) {
        return f64::INFINITY;
    }
    // A subnormal number keeps fewer bits: those down to 2^-1074.
    let kept = (top + 1075).min(53);
    if kept < 0 {
        return 0.0;
    }
    let dropped = length - kept;
    let rounded = if dropped <= 0 {
        mantissa << -dropped
    } else {
        let odd = (mantissa >> dropped) & 1;
        let half = 1 << (dropped - 1);
        (mantissa + half - 1 + odd) >> dropped
    };
    // The leading bit of a normal number, and a carry out of rounding, add one to the exponent
    // field as they should.
    let field = (top + 1022).max(0).cast_unsigned();
    f64::from_bits((field << 52) + rounded as u64)
}

/// Converts the number at the start of a string, and tells through `end` where it stops: at the
/// start if there is none.
#[cfg_attr(target_arch = "wasm32", unsafe(no_mangle))]
pub unsafe extern "C" fn strtod(text: *const c_char, end: *mut *mut c_char) -> f64 {
    // SAFETY: the caller passes a string.
    let (number, length) = parse(unsafe { CStr::from_ptr(text) }.to_bytes());
    if !end.is_null() {
        // SAFETY: an end that is not null can be written, and `length` is within the string.
        unsafe { *end = text.cast_mut().add(length) };
    }
    number
}

#[cfg(test)]
mod tests {
    use super::super::testing::Random;
    use super::*;
    use core::ptr;
    use std::ffi::CString;
    use std::string::String;
    use std::{format, vec};

    mod system {
        use core::ffi::c_char;
        unsafe extern "C" {
            pub fn strtod(text: *const c_char, end: *mut *mut c_char) -> f64;
        }
    }

    fn agrees(text: &str) {
        let text = CString::new(text).expect("no zero byte");
        let measure = |convert: unsafe extern "C" fn(*const c_char, *mut *mut c_char) -> f64| {
            let mut end = ptr::null_mut();
            // SAFETY: a string, and a place for its end.
            let number = unsafe { convert(text.as_ptr(), &mut end) };
            (number.to_bits(), end.addr() - text.as_ptr().addr())
        };
        let (ours, theirs) = (measure(strtod), measure(system::strtod));
        assert_eq!(ours, theirs, "{} or {}: {text:.200?}", f64::from_bits(ours.0), f64::from_bits(theirs.0));
    }

    fn digits(random: &mut Random, most: u64, alphabet: &[u8]) -> String {
        (0..random.below(most + 1)).map(|_| char::from(*random.pick(alphabet))).collect()
    }

    #[test]
    fn printed_doubles_are_read_as_the_system_does() {
        let mut random = Random::new(6);
        for _ in 0..40_000 {
            let number = random.double();
            if number.is_finite() {
                agrees(&format!("{number}"));
                agrees(&format!("{number:e}"));
                agrees(&format!("{number:.17e}"));
            }
        }
    }

    #[test]
    fn decimal_text_is_read_as_the_system_does() {
        let mut random = Random::new(7);
        for _ in 0..60_000 {
            let most = *random.pick(&[3, 20, 40]);
            let (whole, decimals) = (digits(&mut random, most, b"0123456789"), digits(&mut random, most, b"0059"));
            let point = *random.pick(&["", ".", "."]);
            let exponent = *random.pick(&["", "e", "E+", "e-", "e+-1", "ex"]);
            let (lead, power) = (*random.pick(&["", " ", "\t\x0b\n-", "+", "--", "- "]), random.below(400));
            agrees(&format!("{lead}{whole}{point}{decimals}{exponent}{power}z"));
        }
    }

    #[test]
    fn hexadecimal_text_is_read_as_the_system_does() {
        let mut random = Random::new(8);
        for _ in 0..100_000 {
            let most = *random.pick(&[2, 14, 16, 30]);
            let (whole, decimals) =
                (digits(&mut random, most, b"0123456789abcDEF"), digits(&mut random, most, b"008f"));
            let point = *random.pick(&["", ".", "."]);
            let exponent = *random.pick(&["", "p", "P+", "p-", "p-", "p", "p+-1", "px"]);
            let (lead, power) = (*random.pick(&["0x", "-0X", " +0x", "0x0000"]), random.below(1200));
            agrees(&format!("{lead}{whole}{point}{decimals}{exponent}{power}"));
        }
    }

    #[test]
    fn halves_of_the_last_bit_round_to_even() {
        let mut random = Random::new(9);
        for _ in 0..4_000 {
            let number = random.double().abs();
            if number.is_finite() && number < f64::MAX {
                // Twice the precision holds the middle between two neighbours exactly.
                let (low, high) = (number.to_bits(), number.to_bits() + 1);
                let (low, high) = (f64::from_bits(low), f64::from_bits(high));
                let exact = |x: f64| format!("{x:.1074}");
                agrees(&middle(&exact(low), &exact(high)));
            }
        }
        for text in ["0x1.00000000000008p0", "0x1.00000000000018p0", "0x1.000000000000080000000000000001p0"] {
            agrees(text);
        }
        for text in ["0x1p-1075", "0x1.8p-1075", "0x3p-1075", "0x1.fffffffffffff8p1023", "0x1.fffffffffffff7p1023"] {
            agrees(text);
        }
    }

    /// The decimal expansion of the middle between two numbers written with as many decimals.
    fn middle(low: &str, high: &str) -> String {
        let width = low.len().max(high.len());
        let (low, high) = (format!("{low:0>width$}0"), format!("{high:0>width$}0"));
        let mut sum = vec![0u8; low.len()];
        let mut carry = 0;
        for ((place, a), b) in sum.iter_mut().zip(low.bytes()).zip(high.bytes()).rev() {
            *place = a;
            if a != b'.' {
                let total = a - b'0' + b - b'0' + carry;
                *place = total % 10 + b'0';
                carry = total / 10;
            }
        }
        let mut rest = carry;
        for place in sum.iter_mut().filter(|place| **place != b'.') {
            let value = rest * 10 + (*place - b'0');
            *place = value / 2 + b'0';
            rest = value % 2;
        }
        String::from_utf8(sum).expect("digits")
    }

    #[test]
    fn thousands_of_digits_are_all_looked_at() {
        let zeros = "0".repeat(5000);
        for text in [
            format!("1{zeros}e-5000"),
            format!("0.{zeros}1e5001"),
            format!("9007199254740993.{zeros}"),
            format!("9007199254740993.{zeros}1"),
            format!("0x1{zeros}p-20000"),
            format!("0x0.{zeros}1p20004"),
            format!("0x1.00000000000008{zeros}1"),
            format!("{}e-9000", "123456789".repeat(1000)),
        ] {
            agrees(&text);
        }
    }

    #[test]
    fn extremes_and_what_is_no_number_end_where_the_systems_do() {
        for text in [
            "",
            " ",
            "+",
            "-",
            ".",
            "e5",
            ".e5",
            "0x",
            "0x.",
            "0xg",
            "0x.p1",
            "0xp1",
            "1e",
            "1e+",
            "1.e5",
            ".5",
            "5.",
            "-0",
            "-0x0p5",
            "1e400",
            "-1e400",
            "1e-400",
            "1e99999999999999999999",
            "1e-99999999999999999999",
            "0e99999999999999999999",
            "0x1p99999999999999999999",
            "0x1p-99999999999999999999",
            "0x0p99999999999999999999",
            "1_000",
            "1,5",
            "12abc",
            "0x12xyz",
            "1..2",
            "0x1..2",
            "2.2250738585072011e-308",
            "4.9e-324",
            "2.4e-324",
            "2.5e-324",
            "1.7976931348623158e308",
            "1.7976931348623159e308",
        ] {
            agrees(text);
        }
    }
}
