//! Exponential function, logarithms and powers.

use super::double_double::DoubleDouble;
use super::{INVALID, power_of_two};
use core::f64::consts::{LOG10_E, SQRT_2};

/// The table of powers of two has this many in an octave.
const STEPS: usize = 64;
/// 64 / ln 2.
const STEPS_PER_E: f64 = f64::from_bits(0x4057_1547_652b_82fe);
/// ln 2 / 64 in three pieces: the first two are short enough for exact products with any step.
const STEP: [f64; 3] = [
    f64::from_bits(0x3f86_2e42_fefa_0000),
    f64::from_bits(0x3d1c_f79a_bc9e_0000),
    f64::from_bits(0x3aad_9cc0_1f97_b57a),
];
/// ln 2, the first piece short enough for exact products with any exponent.
const LN_2: DoubleDouble = DoubleDouble::from_bits(0x3fe6_2e42_fefa_4000, 0xbd48_432a_1b0e_2634);
/// 1 / ln 2.
const LOG2_E: DoubleDouble = DoubleDouble::from_bits(0x3ff7_1547_652b_82fe, 0x3c77_77d0_ffda_0d24);
/// No exponential is finite above, or more than zero below its negative: e^746 and e^-746.
const LIMIT: f64 = 746.0;

/// 2^(index / 64).
static POWERS: [DoubleDouble; STEPS] = powers();

const fn powers() -> [DoubleDouble; STEPS] {
    let mut powers = [DoubleDouble::new(1.0, 0.0); STEPS];
    let mut root = DoubleDouble::new(2.0, 0.0);
    let mut bit = STEPS / 2;
    while bit > 0 {
        root = square_root(root);
        let mut index = 0;
        while index < STEPS {
            if index & bit != 0 {
                powers[index] = powers[index].times(root);
            }
            index += 1;
        }
        bit /= 2;
    }
    powers
}

/// The square root of a number from 1 to 2, by Newton's method.
const fn square_root(square: DoubleDouble) -> DoubleDouble {
    let mut root = 1.2;
    let mut step = 0;
    while step < 6 {
        root = (root + square.hi / root) / 2.0;
        step += 1;
    }
    let rest = square.minus(DoubleDouble::product(root, root));
    DoubleDouble::sum(root, rest.hi / (2.0 * root))
}

/// e^x as two to a whole power, times a power in the table, times 1 + `rest`.
struct Exponential {
    power: i64,
    base: DoubleDouble,
    rest: DoubleDouble,
}

/// Takes e to the `x`, of at most `LIMIT` either way.
fn exponential(x: DoubleDouble) -> Exponential {
    let steps = (x.hi * STEPS_PER_E + 0.5f64.copysign(x.hi)) as i64;
    let n = steps as f64;
    let reduced = DoubleDouble::sum(x.hi - n * STEP[0], -n * STEP[1]).plus_double(x.lo - n * STEP[2]);
    // The series of e^r - 1 for r of at most ln 2 / 128: its first two terms to all digits.
    let r = reduced.hi;
    let square = DoubleDouble::product(r, r).scaled(0.5);
    let tail = r * r * r * (1.0 / 6.0 + r * (1.0 / 24.0 + r * (1.0 / 120.0 + r * (1.0 / 720.0 + r / 5040.0))));
    let rest = DoubleDouble::ordered_sum(r, square.hi).plus_double(reduced.lo + (r * reduced.lo + square.lo + tail));
    Exponential { power: steps >> STEPS.ilog2(), base: POWERS[steps as usize % STEPS], rest }
}

/// e^x, rounded, for `x` of at most `LIMIT` either way. `may_tie` says that it can lie in the
/// middle of two doubles.
fn rounded_exponential(x: DoubleDouble, may_tie: bool) -> f64 {
    let Exponential { power, base, rest } = exponential(x);
    let value = base.plus(base.times(rest));
    if power >= -1021 {
        let rounded = if may_tie { settle_tie(value) } else { value.rounded() };
        let half = power / 2;
        return rounded * power_of_two(half) * power_of_two(power - half);
    }
    // A subnormal result has fewer bits, and must be rounded to them once: adding `grid` rounds the
    // upper half to a multiple of the smallest number, and what that left over decides whether the
    // other neighbour is nearer.
    let unit = power_of_two(-1074 - power);
    let grid = unit * 6_755_399_441_055_744.0;
    let mut near = (value.hi + grid) - grid;
    let left = value.hi - near;
    if (left - unit / 2.0) + value.lo > 0.0 {
        near += unit;
    } else if (left + unit / 2.0) + value.lo < 0.0 {
        near -= unit;
    }
    near * power_of_two(power + 200) * power_of_two(-200)
}

/// Rounds a number, to even if it is so near to the middle of two doubles that it must be there.
fn settle_tie(value: DoubleDouble) -> f64 {
    const DOUBT: f64 = power_of_two(-17);
    let (low, high) = (value.hi + value.lo * (1.0 - DOUBT), value.hi + value.lo * (1.0 + DOUBT));
    if low.to_bits() == high.to_bits() || low.to_bits() & 1 == 0 { low } else { high }
}

/// The logarithm of a positive finite number: that of its fraction, from the root of 1/2 to that of
/// 2, and its exponent.
fn logarithm(x: f64) -> (DoubleDouble, f64) {
    const SUBNORMAL: i64 = 54;
    let (scaled, shift) = if x < f64::MIN_POSITIVE { (x * power_of_two(SUBNORMAL), -SUBNORMAL) } else { (x, 0) };
    let bits = scaled.to_bits();
    let mut power = (bits >> 52).cast_signed() - 1023 + shift;
    let mut fraction = f64::from_bits(bits & ((1 << 52) - 1) | 1.0f64.to_bits());
    if fraction > SQRT_2 {
        fraction /= 2.0;
        power += 1;
    }
    // The estimate is off by fraction / e^estimate - 1. What is near 1 cancels before it is
    // rounded.
    let estimate = libm::log(fraction);
    let Exponential { power: scale, base, rest } = exponential(DoubleDouble::new(-estimate, 0.0));
    let near_one = base.scaled(power_of_two(scale)).times_double(fraction);
    let rest = near_one.times(rest);
    let error = (near_one.hi - 1.0 + rest.hi) + (near_one.lo + rest.lo);
    (DoubleDouble::sum(estimate, error), power as f64)
}

fn natural_logarithm(x: f64) -> DoubleDouble {
    let (fraction, power) = logarithm(x);
    DoubleDouble::sum(power * LN_2.hi, power * LN_2.lo).plus(fraction)
}

/// A logarithm where there is more to it than digits: of what is not positive and finite.
fn special_logarithm(x: f64) -> Option<f64> {
    if x.is_nan() || x == f64::INFINITY {
        Some(x)
    } else if x == 0.0 {
        Some(f64::NEG_INFINITY)
    } else if x < 0.0 {
        Some(INVALID)
    } else {
        None
    }
}

/// e to a power.
#[cfg_attr(target_arch = "wasm32", unsafe(no_mangle))]
pub extern "C" fn exp(x: f64) -> f64 {
    if x.is_nan() {
        x
    } else if x > LIMIT {
        f64::INFINITY
    } else if x < -LIMIT {
        0.0
    } else {
        rounded_exponential(DoubleDouble::new(x, 0.0), false)
    }
}

/// Natural logarithm.
#[cfg_attr(target_arch = "wasm32", unsafe(no_mangle))]
pub extern "C" fn log(x: f64) -> f64 {
    special_logarithm(x).unwrap_or_else(|| natural_logarithm(x).rounded())
}

/// Logarithm to base 2.
#[cfg_attr(target_arch = "wasm32", unsafe(no_mangle))]
pub extern "C" fn log2(x: f64) -> f64 {
    special_logarithm(x).unwrap_or_else(|| {
        let (fraction, power) = logarithm(x);
        DoubleDouble::new(power, 0.0).plus(fraction.times(LOG2_E)).rounded()
    })
}

/// Logarithm to base 10: from the natural one as glibc takes it, which is not correctly rounded,
/// but expected.
#[cfg_attr(target_arch = "wasm32", unsafe(no_mangle))]
pub extern "C" fn log10(x: f64) -> f64 {
    /// log10 2 in two pieces, the first short enough for exact products with any exponent.
    const LOG10_2: DoubleDouble = DoubleDouble::from_bits(0x3fd3_4413_509f_6000, 0x3d59_fef3_11f1_2b36);
    if x < 0.0 {
        return f64::NAN;
    }
    special_logarithm(x).unwrap_or_else(|| {
        let (fraction, power) = libm::frexp(x);
        // The fraction is taken from 1 to 2 for large numbers, and from 1/2 to 1 for those below 1.
        let below = f64::from(power < 1);
        let power = f64::from(power) - 1.0 + below;
        let fraction = fraction * (2.0 - below);
        power * LOG10_2.lo + LOG10_E * log(fraction) + power * LOG10_2.hi
    })
}

/// One number to the power of another.
#[cfg_attr(target_arch = "wasm32", unsafe(no_mangle))]
pub extern "C" fn pow(x: f64, y: f64) -> f64 {
    if y == 0.0 || x == 1.0 {
        return 1.0;
    }
    if y.is_nan() && !x.is_nan() {
        return y;
    }
    // Whole numbers from 2^53 on are even.
    let whole = y.abs() >= power_of_two(53) || (y as i64) as f64 == y;
    let odd = y.abs() < power_of_two(53) && whole && (y as i64) & 1 == 1;
    if x.is_nan() {
        return if odd { x.abs() } else { x };
    }
    if y.is_infinite() {
        return match (x.abs() == 1.0, (x.abs() > 1.0) == (y > 0.0)) {
            (true, _) => 1.0,
            (_, true) => f64::INFINITY,
            _ => 0.0,
        };
    }
    let sign = if x.is_sign_negative() && odd { -1.0 } else { 1.0 };
    if x == 0.0 || x.is_infinite() {
        return if (x == 0.0) == (y > 0.0) { 0.0 } else { f64::INFINITY } * sign;
    }
    if x < 0.0 && !whole {
        return INVALID;
    }
    if y == 0.5 {
        return libm::sqrt(x);
    }
    if y == -1.0 {
        return 1.0 / x;
    }
    let logarithm = natural_logarithm(x.abs());
    let product = logarithm.hi * y;
    if product.abs() < power_of_two(-60) {
        return sign;
    }
    if product > LIMIT {
        return f64::INFINITY * sign;
    }
    if product < -LIMIT {
        return 0.0 * sign;
    }
    // A small whole power of a whole number can have one bit more than a double.
    let may_tie = whole && y > 1.0 && y < 64.0;
    sign * rounded_exponential(logarithm.times_double(y), may_tie)
}
