//! The decimal digits of a double: exactly, or rounded to nearest with ties to even.
//!
//! A double is a whole number times a power of two, so it is a whole number divided by a power of
//! ten: m * 2^-k is m * 5^k / 10^k. That number is computed in full. Rust's `core` has the digits
//! too, but its formatting cannot be had without the shortest representation, padding and the rest:
//! ten times the code, in a module that counts kilobytes.

use super::whole::{LIMB_DIGITS, Whole};

/// Digits of the longest number: the largest subnormal one, times 10^1074, has 767.
const ROOM: usize = 86 * LIMB_DIGITS;

/// How far a number is wanted.
#[derive(Clone, Copy)]
pub enum Limit {
    /// So many digits from the first that is not zero; at least one.
    Significant(usize),
    /// So many digits after the point.
    Decimals(usize),
}

/// Digits of which the first is not zero, unless the number is, and the last is neither, unless it
/// is the first.
pub struct Digits {
    bytes: [u8; ROOM],
    length: usize,
    /// The power of ten of the first digit.
    pub power: i32,
}

impl Digits {
    const ZERO: Self = Self { bytes: [b'0'; ROOM], length: 1, power: 0 };

    /// The digits of a number that is finite and not negative.
    pub fn new(number: f64, limit: Limit) -> Self {
        let mut digits = Self::ZERO;
        if number == 0.0 {
            return digits;
        }
        let (number, places) = whole(number);
        digits.length = 0;
        let mut top = number.limbs().iter().rev();
        let first = top.next().copied().unwrap_or(0);
        let first_digits = first.checked_ilog10().unwrap_or(0) as usize + 1;
        let total = first_digits + LIMB_DIGITS * (number.limbs().len() - 1);
        digits.power = total as i32 - 1 - places;
        let wanted = match limit {
            Limit::Significant(count) => count as i64,
            Limit::Decimals(count) => i64::from(digits.power) + 1 + count as i64,
        };
        let Ok(wanted) = usize::try_from(wanted) else {
            return Self::ZERO;
        };
        // One digit more than wanted, and whether anything follows it, decide how to round.
        digits.push(first, first_digits);
        let mut rest = false;
        for limb in top {
            if digits.length <= wanted {
                digits.push(*limb, LIMB_DIGITS);
            } else {
                rest |= *limb != 0;
            }
        }
        digits.round(wanted, rest);
        digits
    }

    /// The digits as text.
    pub fn bytes(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or_default()
    }

    /// Appends the last `count` digits of a limb.
    fn push(&mut self, mut limb: u32, count: usize) {
        let room = self.bytes.get_mut(self.length..self.length + count).unwrap_or_default();
        for place in room.iter_mut().rev() {
            *place = b'0' + (limb % 10) as u8;
            limb /= 10;
        }
        self.length += count;
    }

    /// Keeps `wanted` digits. `rest` tells whether any is not zero that was not even pushed.
    fn round(&mut self, wanted: usize, rest: bool) {
        if let Some((next, beyond)) = self.bytes().get(wanted..).and_then(<[u8]>::split_first) {
            let rest = rest || beyond.iter().any(|digit| *digit != b'0');
            let odd = wanted > 0 && self.bytes[wanted - 1] & 1 == 1;
            let up = *next > b'5' || *next == b'5' && (rest || odd);
            self.length = wanted;
            if up {
                self.round_up();
            }
        }
        while self.bytes().ends_with(b"0") {
            self.length -= 1;
        }
        if self.length == 0 {
            *self = Self::ZERO;
        }
    }

    fn round_up(&mut self) {
        while self.bytes().ends_with(b"9") {
            self.length -= 1;
        }
        match self.length.checked_sub(1) {
            Some(last) => self.bytes[last] += 1,
            None => {
                self.bytes[0] = b'1';
                self.length = 1;
                self.power += 1;
            }
        }
    }
}

/// The whole number that a double is when its point is moved right by so many places.
fn whole(number: f64) -> (Whole, i32) {
    let bits = number.to_bits();
    let field = (bits >> 52) as i32 & 0x7ff;
    let fraction = bits & ((1 << 52) - 1);
    let (mantissa, power) = if field == 0 { (fraction, -1074) } else { (fraction | 1 << 52, field - 1075) };
    let zeros = mantissa.trailing_zeros();
    let power = power + zeros as i32;
    // So many factors make the greatest product that a number is multiplied by at once.
    let (base, step) = if power >= 0 { (2u64, 34) } else { (5, 14) };
    let mut whole = Whole::new(mantissa >> zeros);
    let mut left = power.unsigned_abs();
    while left > 0 {
        let factors = left.min(step);
        whole.multiply(base.pow(factors));
        left -= factors;
    }
    (whole, (-power).max(0))
}

#[cfg(test)]
mod tests {
    use super::super::testing::Random;
    use super::*;
    use std::format;
    use std::string::{String, ToString};

    #[test]
    fn digits_are_those_of_rusts_core() {
        let mut random = Random::new(17);
        for _ in 0..30_000 {
            let number = random.double().abs();
            if !number.is_finite() {
                continue;
            }
            let most = *random.pick(&[3, 17, 40, 770]);
            let count = random.below(most) as usize;
            let digits = Digits::new(number, Limit::Significant(count + 1));
            let text = String::from_utf8_lossy(digits.bytes()).into_owned();
            let expected = format!("{number:.count$e}");
            let (mantissa, power) = expected.split_once('e').expect("an exponent");
            let mantissa = mantissa.replace('.', "");
            let kept = mantissa.trim_end_matches('0');
            assert_eq!(text, if kept.is_empty() { "0" } else { kept }, "{number:e} to {count}");
            assert_eq!(digits.power.to_string(), power, "{number:e}");
        }
    }

    #[test]
    fn decimals_below_the_number_leave_zero_or_one_unit() {
        for (number, decimals, text, power) in [
            (0.04, 1, "0", 0),
            (0.06, 1, "1", -1),
            (0.5, 0, "0", 0),
            (1.5, 0, "2", 0),
            (99.5, 0, "1", 2),
            (5e-324, 9, "0", 0),
        ] {
            let digits = Digits::new(number, Limit::Decimals(decimals));
            assert_eq!((digits.bytes(), digits.power), (text.as_bytes(), power), "{number} to {decimals}");
        }
    }
}
