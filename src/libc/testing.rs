//! What the tests share: a generator of numbers that are the same on every run.

use std::format;

/// SplitMix64.
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number from 0 to `bound` - 1.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.bits() % bound
    }

    pub fn pick<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        &items[self.below(items.len() as u64) as usize]
    }

    /// A number from 0 up to 1.
    pub fn unit(&mut self) -> f64 {
        (self.bits() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// A double of one of the kinds on which number formatting and parsing go wrong.
    pub fn double(&mut self) -> f64 {
        let sign = if self.below(2) == 0 { 1.0 } else { -1.0 };
        sign * match self.below(9) {
            0 => f64::from_bits(self.bits() >> 1),
            // Few decimals, as people write them.
            1 => self.below(1_000_000) as f64 / *self.pick(&[1.0, 10.0, 100.0, 1000.0]),
            // Exact ties at some digit.
            2 => (self.below(100_000) as f64 + 0.5) / *self.pick(&[1.0, 2.0, 4.0, 8.0, 64.0, 1024.0]),
            3 => format!("1e{}", self.below(632) as i32 - 323).parse().expect("a power of ten"),
            4 => f64::from_bits(self.bits() >> (12 + self.below(52))),
            5 => self.bits() as f64,
            6 => self.unit(),
            // Nines and fives that carry.
            7 => 10f64.powi(self.below(40) as i32 - 20) - 10f64.powi(self.below(40) as i32 - 36),
            _ => *self.pick(&[0.0, 1.0, 0.5, 1.5, 2.5, f64::MAX, f64::MIN_POSITIVE, 5e-324, f64::INFINITY, f64::NAN]),
        }
    }
}
