//! Hyperbolic functions, which Lua has for compatibility with 5.3: from exponentials by the
//! formulas that glibc uses.

use super::exponential::exp;
use super::power_of_two;
use core::f64::consts::LN_2;

/// From here on, the smaller exponential does not count.
const LARGE: f64 = 22.0;

/// e^x / 2, which may be finite where e^x is not.
fn half_exponential(x: f64) -> f64 {
    if x < 709.78 {
        0.5 * exp(x)
    } else {
        let root = exp(0.5 * x);
        0.5 * root * root
    }
}

/// Hyperbolic sine.
#[cfg_attr(target_arch = "wasm32", unsafe(no_mangle))]
pub extern "C" fn sinh(x: f64) -> f64 {
    let magnitude = x.abs();
    if !x.is_finite() || magnitude < power_of_two(-28) {
        x
    } else if magnitude >= LARGE {
        half_exponential(magnitude).copysign(x)
    } else {
        let t = libm::expm1(magnitude);
        let sum = if magnitude < 1.0 { 2.0 * t - t * t / (t + 1.0) } else { t + t / (t + 1.0) };
        0.5f64.copysign(x) * sum
    }
}

/// Hyperbolic cosine.
#[cfg_attr(target_arch = "wasm32", unsafe(no_mangle))]
pub extern "C" fn cosh(x: f64) -> f64 {
    let magnitude = x.abs();
    if !x.is_finite() {
        x * x
    } else if magnitude >= LARGE {
        half_exponential(magnitude)
    } else if magnitude < 0.5 * LN_2 {
        let t = libm::expm1(magnitude);
        let w = 1.0 + t;
        1.0 + (t * t) / (w + w)
    } else {
        let t = exp(magnitude);
        0.5 * t + 0.5 / t
    }
}

/// Hyperbolic tangent.
#[cfg_attr(target_arch = "wasm32", unsafe(no_mangle))]
pub extern "C" fn tanh(x: f64) -> f64 {
    let magnitude = x.abs();
    let result = if x.is_nan() || magnitude < power_of_two(-55) {
        return x;
    } else if magnitude >= LARGE {
        1.0
    } else if magnitude >= 1.0 {
        1.0 - 2.0 / (libm::expm1(2.0 * magnitude) + 2.0)
    } else {
        let t = libm::expm1(-2.0 * magnitude);
        -t / (t + 2.0)
    };
    result.copysign(x)
}
