//! Whole numbers of any size that a double or its text can ask for, in decimal limbs: what
//! [`digits`](super::digits) and [`strtod`](super::strtod) compute with. Digits go in and out as they
//! are, and powers of two are multiplied or divided by.

/// A limb holds nine digits.
pub const LIMB: u64 = 1_000_000_000;
pub const LIMB_DIGITS: usize = 9;
/// Limbs of the longest number, which `strtod` makes: 122 of them after the point, four before it.
const LIMBS: usize = 126;
/// Bits of the greatest factor: a limb times 2^34, and a carry, fit into 64 bits.
pub const FACTOR_BITS: u32 = 34;

/// A whole number, least limb first; the last is not zero, unless the number is.
pub struct Whole {
    limbs: [u32; LIMBS],
    length: usize,
}

impl Whole {
    /// A number below 10^18.
    pub fn new(number: u64) -> Self {
        let mut whole = Self::of_length(2);
        whole.limbs[0] = (number % LIMB) as u32;
        whole.limbs[1] = (number / LIMB) as u32;
        whole.trim();
        whole
    }

    /// So many limbs of zero, to be filled in.
    pub fn of_length(length: usize) -> Self {
        Self { limbs: [0; LIMBS], length: length.min(LIMBS) }
    }

    pub fn limbs(&self) -> &[u32] {
        self.limbs.get(..self.length).unwrap_or_default()
    }

    pub fn limbs_mut(&mut self) -> &mut [u32] {
        self.limbs.get_mut(..self.length).unwrap_or_default()
    }

    /// Multiplies by a factor of at most 2^34.
    pub fn multiply(&mut self, factor: u64) {
        let mut carry = 0;
        for limb in self.limbs_mut() {
            let product = u64::from(*limb) * factor + carry;
            *limb = (product % LIMB) as u32;
            carry = product / LIMB;
        }
        while carry > 0 && self.length < LIMBS {
            self.limbs[self.length] = (carry % LIMB) as u32;
            self.length += 1;
            carry /= LIMB;
        }
    }

    /// Divides by 2^34, rounding down, and tells whether there was a remainder.
    pub fn divide(&mut self) -> bool {
        let mut remainder = 0;
        for limb in self.limbs_mut().iter_mut().rev() {
            let dividend = remainder * LIMB + u64::from(*limb);
            *limb = (dividend >> FACTOR_BITS) as u32;
            remainder = dividend & ((1 << FACTOR_BITS) - 1);
        }
        self.trim();
        remainder != 0
    }

    fn trim(&mut self) {
        while let [_, .., 0] = self.limbs() {
            self.length -= 1;
        }
    }
}
