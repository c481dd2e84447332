//! `math.h`: the functions of double that Lua calls, rounded as glibc rounds them in all but about
//! one result in a thousand.
//!
//! glibc's results are nearly always the correctly rounded ones, and Lua prints all their digits.
//! The crate `libm` is off in the last bit for one result in ten to thirty. So logarithms and
//! inverse functions start from `libm`'s answer and take one Newton step in double-double
//! arithmetic; exponentials and circular functions are computed in double-double arithmetic
//! outright. Square roots and roundings are instructions, which clang emits where it meets them.

mod circular;
mod double_double;
mod exponential;
mod hyperbolic;

pub use circular::{acos, asin, atan2, cos, sin, tan};
pub use exponential::{exp, log, log2, log10, pow};
pub use hyperbolic::{cosh, sinh, tanh};

use core::ffi::c_int;

/// What an invalid operation gives: NaN with the sign that x86 processors set and Lua prints as
/// `-nan`.
const INVALID: f64 = -f64::NAN;

/// Two to a power that a normal number can have.
const fn power_of_two(power: i64) -> f64 {
    f64::from_bits(((power + 1023) as u64) << 52)
}

/// The remainder of a division whose quotient is rounded towards zero.
#[cfg_attr(target_arch = "wasm32", unsafe(no_mangle))]
pub extern "C" fn fmod(x: f64, y: f64) -> f64 {
    if x.is_nan() {
        x
    } else if y.is_nan() {
        y
    } else if x.is_infinite() || y == 0.0 {
        INVALID
    } else if x.abs() < y.abs() {
        x
    } else {
        remainder(x.abs(), y.abs()).copysign(x)
    }
}

/// The remainder of `x` divided by `y`, both finite, positive and `x` not the less: long division in base
/// 2^11, which a mantissa of 53 bits leaves room for.
fn remainder(x: f64, y: f64) -> f64 {
    let parts = |number: f64| {
        let (field, fraction) = (number.to_bits() >> 52, number.to_bits() & ((1 << 52) - 1));
        if field == 0 { (fraction, 1) } else { (fraction | 1 << 52, field) }
    };
    let ((mut rest, field), (divisor, unit)) = (parts(x), parts(y));
    let mut left = field - unit;
    rest %= divisor;
    while left > 0 && rest > 0 {
        let bits = left.min(11);
        rest = (rest << bits) % divisor;
        left -= bits;
    }
    // The rest counts units of 2^(unit - 1075), and nothing of it is rounded.
    let unit = unit.cast_signed() - 1075;
    rest as f64 * power_of_two(-52) * power_of_two(unit + 52)
}

/// A number times a power of two.
#[cfg_attr(target_arch = "wasm32", unsafe(no_mangle))]
pub extern "C" fn ldexp(x: f64, power: c_int) -> f64 {
    libm::ldexp(x, power)
}

/// A number as a fraction from 1/2 up to 1 and a power of two, which is written to `power`.
#[cfg_attr(target_arch = "wasm32", unsafe(no_mangle))]
pub unsafe extern "C" fn frexp(x: f64, power: *mut c_int) -> f64 {
    let (fraction, exponent) = libm::frexp(x);
    // SAFETY: the caller passes the address of an int.
    unsafe { *power = if x.is_finite() { exponent } else { 0 } };
    fraction
}

#[cfg(test)]
mod tests;
