//! Random replacement.

use rand_core::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use terrace_addr::convert;

/// What an array draws from.
#[derive(Debug, Clone)]
pub(super) struct Random(Xoshiro256PlusPlus);

impl Random {
    pub(super) fn new(seed: u64) -> Self {
        Self(Xoshiro256PlusPlus::seed_from_u64(seed))
    }

    /// A way, drawn with the upper half of the next word.
    pub(super) fn victim(&mut self, ways: usize) -> usize {
        convert::index(((self.0.next_u64() >> 32) * convert::count(ways)) >> 32)
    }
}
