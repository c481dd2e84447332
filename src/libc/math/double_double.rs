//! Numbers as the sum of two doubles, with about 104 bits: the error-free transformations of Dekker
//! and Knuth. Each function assumes that nothing overflows, which its callers see to.

/// The sum of `hi` and `lo`, where `lo` is at most half a unit in the last place of `hi`.
#[derive(Clone, Copy, Debug)]
pub struct DoubleDouble {
    pub hi: f64,
    pub lo: f64,
}

impl DoubleDouble {
    pub const fn new(hi: f64, lo: f64) -> Self {
        Self { hi, lo }
    }

    pub const fn from_bits(hi: u64, lo: u64) -> Self {
        Self::new(f64::from_bits(hi), f64::from_bits(lo))
    }

    /// The sum of two doubles, exactly.
    pub const fn sum(a: f64, b: f64) -> Self {
        let hi = a + b;
        let part = hi - a;
        Self::new(hi, (a - (hi - part)) + (b - part))
    }

    /// The sum of two doubles, exactly, where `a` is the larger.
    pub const fn ordered_sum(a: f64, b: f64) -> Self {
        let hi = a + b;
        Self::new(hi, b - (hi - a))
    }

    /// The product of two doubles, exactly.
    pub const fn product(a: f64, b: f64) -> Self {
        /// Two numbers of half the digits, which multiply exactly.
        const fn split(a: f64) -> (f64, f64) {
            let shifted = a * 134_217_729.0;
            let hi = shifted - (shifted - a);
            (hi, a - hi)
        }
        let hi = a * b;
        let (a1, a2) = split(a);
        let (b1, b2) = split(b);
        Self::new(hi, ((a1 * b1 - hi) + a1 * b2 + a2 * b1) + a2 * b2)
    }

    pub const fn plus(self, other: Self) -> Self {
        let hi = Self::sum(self.hi, other.hi);
        let lo = Self::sum(self.lo, other.lo);
        let near = Self::ordered_sum(hi.hi, hi.lo + lo.hi);
        Self::ordered_sum(near.hi, near.lo + lo.lo)
    }

    pub const fn plus_double(self, other: f64) -> Self {
        let hi = Self::sum(self.hi, other);
        Self::ordered_sum(hi.hi, hi.lo + self.lo)
    }

    pub const fn minus(self, other: Self) -> Self {
        self.plus(other.negated())
    }

    pub const fn negated(self) -> Self {
        Self::new(-self.hi, -self.lo)
    }

    pub const fn times(self, other: Self) -> Self {
        let hi = Self::product(self.hi, other.hi);
        Self::ordered_sum(hi.hi, hi.lo + (self.hi * other.lo + self.lo * other.hi))
    }

    pub const fn times_double(self, other: f64) -> Self {
        let hi = Self::product(self.hi, other);
        Self::ordered_sum(hi.hi, hi.lo + self.lo * other)
    }

    /// The product with a power of two, exactly.
    pub const fn scaled(self, power: f64) -> Self {
        Self::new(self.hi * power, self.lo * power)
    }

    pub const fn over(self, other: Self) -> Self {
        let quotient = self.hi / other.hi;
        let rest = self.minus(other.times_double(quotient));
        Self::ordered_sum(quotient, rest.hi / other.hi)
    }

    /// The nearest double.
    pub const fn rounded(self) -> f64 {
        self.hi + self.lo
    }
}
