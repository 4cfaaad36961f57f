//! Random numbers.

use rand_core::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use terrace_addr::convert;

/// A stream of random numbers.
pub(super) struct Stream(Xoshiro256PlusPlus);

impl Stream {
    /// The stream for `purpose` in a run with `seed`.
    pub(super) fn new(seed: u64, purpose: &str) -> Self {
        Self(Xoshiro256PlusPlus::seed_from_u64(terrace_machine::array_seed(seed, 0, purpose)))
    }

    /// A number below `count`: the upper half of the product with 64 random bits.
    pub(super) fn below(&mut self, count: u64) -> u64 {
        self.0.next_u64().carrying_mul(count, 0).1
    }

    /// A number from 0 up to and without 1, a multiple of 2⁻⁵³.
    pub(super) fn unit(&mut self) -> f64 {
        convert::ratio(self.0.next_u64() >> 11, 1 << 53)
    }

    /// A place, in proportion to its share.
    pub(super) fn pick(&mut self, shares: &[u32]) -> usize {
        let all: u64 = shares.iter().map(|share| u64::from(*share)).sum();
        let mut at = self.below(all);
        for (place, share) in shares.iter().enumerate() {
            match at.checked_sub(u64::from(*share)) {
                Some(rest) => at = rest,
                None => return place,
            }
        }
        shares.len().saturating_sub(1)
    }
}
