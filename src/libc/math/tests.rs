//! Agreement with the system's mathematics, counted: glibc itself rounds about one result in a
//! thousand to the wrong neighbour, and those are the ones that may differ.

use super::super::testing::Random;
use super::*;
use std::vec::Vec;

mod system {
    unsafe extern "C" {
        pub safe fn acos(x: f64) -> f64;
        pub safe fn asin(x: f64) -> f64;
        pub safe fn atan2(y: f64, x: f64) -> f64;
        pub safe fn cos(x: f64) -> f64;
        pub safe fn cosh(x: f64) -> f64;
        pub safe fn exp(x: f64) -> f64;
        pub safe fn fmod(x: f64, y: f64) -> f64;
        pub safe fn ldexp(x: f64, power: i32) -> f64;
        pub fn frexp(x: f64, power: *mut i32) -> f64;
        pub safe fn log(x: f64) -> f64;
        pub safe fn log10(x: f64) -> f64;
        pub safe fn log2(x: f64) -> f64;
        pub safe fn pow(x: f64, y: f64) -> f64;
        pub safe fn sin(x: f64) -> f64;
        pub safe fn sinh(x: f64) -> f64;
        pub safe fn tan(x: f64) -> f64;
        pub safe fn tanh(x: f64) -> f64;
    }
}

type Unary = (&'static str, fn(f64) -> f64, fn(f64) -> f64);
type Binary = (&'static str, fn(f64, f64) -> f64, fn(f64, f64) -> f64);

macro_rules! pairs {
    ($($name:ident($($argument:ident),*))*) => {
        [$((stringify!($name), |$($argument),*| $name($($argument),*), |$($argument),*| system::$name($($argument),*))),*]
    };
}

const UNARY: [Unary; 12] =
    pairs!(acos(x) asin(x) cos(x) cosh(x) exp(x) log(x) log10(x) log2(x) sin(x) sinh(x) tan(x) tanh(x));
const BINARY: [Binary; 3] = pairs!(atan2(y, x) fmod(x, y) pow(x, y));

/// Whether two results print the same: NaN has a sign, and nothing else that shows.
fn same(a: f64, b: f64) -> bool {
    a.to_bits() == b.to_bits() || a.is_nan() && b.is_nan() && a.is_sign_negative() == b.is_sign_negative()
}

/// Arguments as scripts have them: decimals, whole numbers, fractions, and any magnitude.
fn argument(random: &mut Random, kind: u64) -> f64 {
    let sign = *random.pick(&[1.0, -1.0]);
    sign * match kind {
        0 => random.unit() * 100.0,
        1 => random.below(100_000) as f64 / 1000.0,
        2 => random.unit(),
        3 => random.below(1000) as f64,
        _ => (random.unit() + 1.0) * power_of_two(random.below(600).cast_signed() - 300),
    }
}

/// How many in a thousand results may differ, and by how many units in the last place.
fn allowed(name: &str) -> (usize, u64) {
    match name {
        "fmod" => (0, 0),
        "log10" | "sinh" | "cosh" => (5, 2),
        "tanh" => (5, 3),
        _ => (5, 1),
    }
}

fn count(name: &str, results: impl Iterator<Item = (f64, f64)>) {
    let (per_thousand, units) = allowed(name);
    let (mut total, mut different) = (0, 0);
    for (ours, theirs) in results {
        total += 1;
        if !same(ours, theirs) {
            different += 1;
            let distance = ours.to_bits().abs_diff(theirs.to_bits());
            assert!(distance <= units, "{name}: {ours:e} or {theirs:e}");
        }
    }
    assert!(different * 1000 <= per_thousand * total, "{name}: {different} of {total} differ");
}

#[test]
fn results_agree_with_the_systems_but_for_a_few_in_a_thousand() {
    for kind in 0..5 {
        let mut random = Random::new(13);
        let arguments: Vec<(f64, f64)> =
            (0..10_000).map(|_| (argument(&mut random, kind), argument(&mut random, kind % 4))).collect();
        for (name, ours, theirs) in UNARY {
            count(name, arguments.iter().map(|(x, _)| (ours(*x), theirs(*x))));
        }
        for (name, ours, theirs) in BINARY {
            count(name, arguments.iter().map(|(x, y)| (ours(*x, *y), theirs(*x, *y))));
        }
        let powers = |x: &f64, y: &f64| (pow(x.abs(), *y), system::pow(x.abs(), *y));
        count("pow", arguments.iter().map(|(x, y)| powers(x, y)));
    }
}

#[test]
fn special_values_are_the_systems_to_the_sign_of_nan() {
    const SPECIAL: [f64; 24] = [
        0.0,
        -0.0,
        0.5,
        -0.5,
        1.0,
        -1.0,
        1.5,
        2.0,
        -2.0,
        3.0,
        -3.0,
        1.0 / 3.0,
        -8.0,
        5e-324,
        -5e-324,
        f64::MIN_POSITIVE,
        f64::MAX,
        f64::MIN,
        f64::INFINITY,
        f64::NEG_INFINITY,
        f64::NAN,
        -f64::NAN,
        9_007_199_254_740_993.0,
        -4_503_599_627_370_497.0,
    ];
    for x in SPECIAL {
        for (name, ours, theirs) in UNARY {
            let (ours, theirs) = (ours(x), theirs(x));
            assert!(same(ours, theirs), "{name}({x:e}): {ours:e} or {theirs:e}");
        }
        for y in SPECIAL {
            for (name, ours, theirs) in BINARY {
                let (ours, theirs) = (ours(x, y), theirs(x, y));
                assert!(same(ours, theirs), "{name}({x:e}, {y:e}): {ours:e} or {theirs:e}");
            }
        }
    }
}

#[test]
fn what_has_an_exact_result_gives_it() {
    for power in -1074..1024 {
        assert_eq!(pow(2.0, f64::from(power)), ldexp(1.0, power), "2^{power}");
        assert_eq!(log2(ldexp(1.0, power)), f64::from(power), "log2 2^{power}");
    }
    for power in 0..23 {
        let exact = 10u128.pow(power) as f64;
        assert_eq!(pow(10.0, f64::from(power)), exact, "10^{power}");
        assert_eq!(log10(exact), f64::from(power), "log10 10^{power}");
    }
    let mut random = Random::new(14);
    for _ in 0..20_000 {
        let x = random.double().abs();
        assert!(same(pow(x, 1.0), x), "{x:e}^1");
        assert!(same(pow(x, 0.5), x.sqrt()), "{x:e}^0.5");
        // Cubes up to 2^54, of which the larger odd ones lie in the middle of two doubles.
        let root = random.below(1 << 18);
        assert_eq!(pow(root as f64, 2.0), (root * root) as f64, "{root}^2");
        assert_eq!(pow(root as f64, 3.0), (root * root * root) as f64, "{root}^3");
    }
}

#[test]
fn subnormal_powers_are_rounded_once() {
    for power in -330..-300 {
        for x in [10.0, 9.99, 10.01] {
            let y = f64::from(power);
            assert!(same(pow(x, y), system::pow(x, y)), "{x}^{y}");
        }
    }
    let mut random = Random::new(15);
    count("exp", (0..20_000).map(|_| -708.0 - random.unit() * 38.0).map(|x| (exp(x), system::exp(x))));
}

#[test]
fn fractions_and_exponents_are_the_systems() {
    let mut random = Random::new(16);
    for _ in 0..50_000 {
        let (x, power) = (random.double(), random.below(4400) as i32 - 2200);
        assert!(same(ldexp(x, power), system::ldexp(x, power)), "ldexp({x:e}, {power})");
        let (mut ours, mut theirs) = (0, 0);
        // SAFETY: both write to an int.
        let fractions = unsafe { (frexp(x, &mut ours), system::frexp(x, &mut theirs)) };
        assert!(same(fractions.0, fractions.1) && ours == theirs, "frexp({x:e}): {ours} or {theirs}");
    }
}
