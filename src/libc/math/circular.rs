//! Sine, cosine, tangent and their inverses.

use super::double_double::DoubleDouble;
use super::{INVALID, power_of_two};
use core::f64::consts::{FRAC_PI_2, FRAC_PI_4};

const HALF_PI: DoubleDouble = DoubleDouble::from_bits(0x3ff9_21fb_5444_2d18, 0x3c91_a626_3314_5c07);

/// The bits of 2 / pi, after one word of zeros: enough for the largest double.
#[rustfmt::skip]
static TWO_OVER_PI: [u64; 21] = [
    0,
    0xa2f9_836e_4e44_1529, 0xfc27_57d1_f534_ddc0, 0xdb62_9599_3c43_9041, 0xfe51_63ab_debb_c561,
    0xb724_6e3a_424d_d2e0, 0x0649_2eea_09d1_921c, 0xfe1d_eb1c_b129_a73e, 0xe882_35f5_2ebb_4484,
    0xe99c_7026_b45f_7e41, 0x3991_d639_8353_39f4, 0x9c84_5f8b_bdf9_283b, 0x1ff8_97ff_de05_980f,
    0xef2f_118b_5a0a_6d1f, 0x6d36_7ecf_27cb_09b7, 0x4f46_3f66_9e5f_ea2d, 0x7527_bac7_ebe5_f17b,
    0x3d07_39f7_8a52_92ea, 0x6bfb_5fb1_1f8d_5d08, 0x5603_3046_fc7b_6bab, 0xf0cf_bc20_9af4_361d,
];

/// The table of sines and cosines has an entry for each 32nd, up to above pi / 4.
const ENTRIES: usize = 27;
const ENTRIES_PER_RADIAN: f64 = 32.0;

/// Sine and cosine of index / 32.
static TABLE: [(DoubleDouble, DoubleDouble); ENTRIES] = table();

const fn table() -> [(DoubleDouble, DoubleDouble); ENTRIES] {
    let mut table = [(DoubleDouble::new(0.0, 0.0), DoubleDouble::new(1.0, 0.0)); ENTRIES];
    let mut index = 1;
    while index < ENTRIES {
        let x = index as f64 / ENTRIES_PER_RADIAN;
        let (mut sine, mut cosine) = table[0];
        // The terms x^n / n! of both series, in turn.
        let mut term = cosine;
        let mut n = 1;
        while n < 28 {
            term = term.times_double(x).over(DoubleDouble::new(n as f64, 0.0));
            match n % 4 {
                0 => cosine = cosine.plus(term),
                1 => sine = sine.plus(term),
                2 => cosine = cosine.minus(term),
                _ => sine = sine.minus(term),
            }
            n += 1;
        }
        table[index] = (sine, cosine);
        index += 1;
    }
    table
}

/// The nearest multiple of pi / 2, of which the last two bits count, and what is left of a finite
/// number beyond it.
///
/// Payne and Hanek's method: the number times 2 / pi in fixed point, of which those bits are left
/// out that only add whole turns. 201 bits are right after the point, 62 of which the worst number
/// needs to be told from zero.
fn reduce(x: f64) -> (u64, DoubleDouble) {
    if x.abs() <= FRAC_PI_4 {
        return (0, DoubleDouble::new(x, 0.0));
    }
    let bits = x.to_bits();
    let mantissa = u128::from(bits & ((1 << 52) - 1) | 1 << 52);
    // Where those bits of 2 / pi begin that the mantissa's last bit multiplies to 2 or less. At
    // least 9, above pi / 4.
    let position = (bits >> 52 & 0x7ff) as usize + 64 - 1075 - 2;
    let (word, shift) = (position / 64, position % 64);
    let window = |index: usize| {
        let word_at = |index| TWO_OVER_PI.get(index).copied().unwrap_or(0);
        ((u128::from(word_at(word + index)) << 64 | u128::from(word_at(word + index + 1))) << shift >> 64) as u64
    };
    let mut product = [0u64; 4];
    let mut carry = 0;
    for index in (0..4).rev() {
        let part = mantissa * u128::from(window(index)) + carry;
        product[index] = part as u64;
        carry = part >> 64;
    }
    // Two bits before the point, rounded to the nearest whole number.
    let quadrant = (product[0] >> 62) + (product[0] >> 61 & 1);
    let negative = product[0] >> 61 & 1 == 1;
    let flip = if negative { u64::MAX } else { 0 };
    let [a, b, c] = [
        (product[0] << 2 | product[1] >> 62) ^ flip,
        (product[1] << 2 | product[2] >> 62) ^ flip,
        (product[2] << 2 | product[3] >> 62) ^ flip,
    ];
    // The fraction's leading 128 bits that count, as a double of 53 bits and one for the rest.
    let leading = (u128::from(a) << 64 | u128::from(b)).leading_zeros();
    let shifted = (u128::from(a) << 64 | u128::from(b)) << leading | u128::from(c).unbounded_shl(leading) >> 64;
    let hi = (shifted >> 75) as f64 * power_of_two(-53);
    let lo = (shifted << 53 >> 64) as u64 as f64 * power_of_two(-117);
    let sign = if negative != x.is_sign_negative() { -1.0 } else { 1.0 };
    let fraction = DoubleDouble::new(hi, lo).scaled(sign * power_of_two(-i64::from(leading)));
    let quadrant = if x.is_sign_negative() { quadrant.wrapping_neg() } else { quadrant };
    (quadrant, fraction.times(HALF_PI))
}

/// An angle as a whole number of quarter turns, an entry of the table, and a rest of at most 1 /
/// 64.
struct Angle {
    quarters: u64,
    negative: bool,
    entry: (DoubleDouble, DoubleDouble),
    sine_of_rest: DoubleDouble,
    /// The cosine of the rest, less 1.
    cosine_of_rest: f64,
}

impl Angle {
    /// The angle of a finite number of radians.
    fn new(x: f64) -> Self {
        let (quarters, reduced) = reduce(x);
        let negative = reduced.hi < 0.0;
        let DoubleDouble { hi, lo } = if negative { reduced.negated() } else { reduced };
        let index = (hi * ENTRIES_PER_RADIAN + 0.5) as usize % ENTRIES;
        let DoubleDouble { hi, lo } = DoubleDouble::sum(hi - index as f64 / ENTRIES_PER_RADIAN, lo);
        // All terms of both series but the sine's first are so small that one double holds enough
        // of them.
        let square = hi * hi;
        let cubic = hi * square * (1.0 / 6.0 - square * (1.0 / 120.0 - square * (1.0 / 5040.0 - square / 362_880.0)));
        Self {
            quarters,
            negative,
            entry: TABLE[index],
            sine_of_rest: DoubleDouble::ordered_sum(hi, lo - cubic),
            cosine_of_rest: square * (-0.5 + square * (1.0 / 24.0 - square * (1.0 / 720.0 - square / 40_320.0)))
                - hi * lo,
        }
    }

    fn sine(&self) -> DoubleDouble {
        self.turned(self.quarters)
    }

    fn cosine(&self) -> DoubleDouble {
        self.turned(self.quarters.wrapping_add(1))
    }

    /// The sine of this angle with `quarters` instead of its own.
    fn turned(&self, quarters: u64) -> DoubleDouble {
        let (sine, cosine) = self.entry;
        // The sine of a sum; for odd quarters the cosine, which is even.
        let odd = quarters & 1 == 1;
        let (main, other) = if odd { (cosine, sine.negated()) } else { (sine, cosine) };
        let added = other.times(self.sine_of_rest);
        let hi = DoubleDouble::ordered_sum(main.hi, added.hi);
        let value = DoubleDouble::ordered_sum(hi.hi, hi.lo + (main.lo + added.lo + main.hi * self.cosine_of_rest));
        if (self.negative && !odd) != (quarters & 2 == 2) { value.negated() } else { value }
    }
}

/// What a circular function gives for something that is not finite.
fn not_finite(x: f64) -> f64 {
    if x.is_nan() { x } else { INVALID }
}

/// Whether a number is so small that its cube does not count: sine, tangent and their inverses
/// leave it as it is.
fn is_tiny(x: f64) -> bool {
    x.abs() < power_of_two(-27)
}

/// Sine.
#[cfg_attr(target_arch = "wasm32", unsafe(no_mangle))]
pub extern "C" fn sin(x: f64) -> f64 {
    if !x.is_finite() {
        not_finite(x)
    } else if is_tiny(x) {
        x
    } else {
        Angle::new(x).sine().rounded()
    }
}

/// Cosine.
#[cfg_attr(target_arch = "wasm32", unsafe(no_mangle))]
pub extern "C" fn cos(x: f64) -> f64 {
    if x.is_finite() { Angle::new(x).cosine().rounded() } else { not_finite(x) }
}

/// Tangent.
#[cfg_attr(target_arch = "wasm32", unsafe(no_mangle))]
pub extern "C" fn tan(x: f64) -> f64 {
    if !x.is_finite() {
        not_finite(x)
    } else if is_tiny(x) {
        x
    } else {
        let angle = Angle::new(x);
        angle.sine().over(angle.cosine()).rounded()
    }
}

/// The other leg of a right triangle with hypotenuse 1.
fn other_leg(x: f64) -> f64 {
    libm::sqrt((1.0 - x) * (1.0 + x))
}

/// Arc sine.
#[cfg_attr(target_arch = "wasm32", unsafe(no_mangle))]
pub extern "C" fn asin(x: f64) -> f64 {
    if x.is_nan() || is_tiny(x) {
        return x;
    }
    if x.abs() >= 1.0 {
        return if x.abs() == 1.0 { FRAC_PI_2.copysign(x) } else { f64::NAN };
    }
    let estimate = libm::atan2(x, other_leg(x));
    let angle = Angle::new(estimate);
    let sine = angle.sine();
    estimate + ((x - sine.hi) - sine.lo) / angle.cosine().hi
}

/// Arc cosine.
#[cfg_attr(target_arch = "wasm32", unsafe(no_mangle))]
pub extern "C" fn acos(x: f64) -> f64 {
    if x.is_nan() {
        return x;
    }
    if x.abs() > 1.0 {
        return f64::NAN;
    }
    if x == 1.0 {
        return 0.0;
    }
    let estimate = libm::atan2(other_leg(x), x);
    if x < 0.5 {
        let angle = Angle::new(estimate);
        let cosine = angle.cosine();
        return estimate + ((cosine.hi - x) + cosine.lo) / angle.sine().hi;
    }
    // Near 1 the cosine has too few digits: 1 - cos z = 2 sin^2 (z / 2) has all.
    let half = Angle::new(estimate / 2.0);
    let sine = half.sine();
    let less = sine.times(sine).scaled(2.0);
    estimate + (((1.0 - x) - less.hi) - less.lo) / (2.0 * sine.hi * half.cosine().hi)
}

/// The angle of a point.
#[cfg_attr(target_arch = "wasm32", unsafe(no_mangle))]
pub extern "C" fn atan2(y: f64, x: f64) -> f64 {
    if x.is_nan() || y.is_nan() {
        return if x.is_nan() { x } else { y };
    }
    let is_subnormal = |number: f64| number != 0.0 && number.abs() < f64::MIN_POSITIVE;
    if (is_subnormal(y) || is_subnormal(x)) && y.abs().max(x.abs()) < 1.0 {
        return atan2(y * power_of_two(60), x * power_of_two(60));
    }
    let estimate = libm::atan2(y, x);
    let exponent = |number: f64| (number.to_bits() >> 52 & 0x7ff).cast_signed();
    let (rise, run) = (exponent(y), exponent(x));
    let regular = 1..0x7ff;
    // Where one is zero, not finite or far smaller than the other, the estimate is right.
    if !regular.contains(&rise) || !regular.contains(&run) || rise.abs_diff(run) > 500 {
        return estimate;
    }
    // Both are brought near 1, where no product overflows or loses bits.
    let scaled = |number: f64| f64::from_bits(number.to_bits().wrapping_add_signed((1023 - rise.max(run)) << 52));
    let (y, x) = (scaled(y), scaled(x));
    let angle = Angle::new(estimate);
    let (sine, cosine) = (angle.sine(), angle.cosine());
    let across = cosine.times_double(y).minus(sine.times_double(x));
    let along = cosine.hi * x + sine.hi * y;
    estimate + across.hi / along
}
