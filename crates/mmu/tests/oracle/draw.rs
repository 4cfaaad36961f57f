//! Random numbers.

use rand_core::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use terrace_addr::convert;

/// Draws numbers.
pub(crate) struct Draw(Xoshiro256PlusPlus);

impl Draw {
    pub(crate) fn new(seed: u64) -> Self {
        Self(Xoshiro256PlusPlus::seed_from_u64(seed))
    }

    /// One of 0 to `below` − 1.
    pub(crate) fn below(&mut self, below: u64) -> u64 {
        self.0.next_u64() % below
    }

    /// The same, as an index.
    pub(crate) fn index(&mut self, below: u64) -> usize {
        convert::index(self.below(below))
    }

    /// True `of` times in a hundred.
    pub(crate) fn percent(&mut self, of: u64) -> bool {
        self.below(100) < of
    }

    pub(crate) fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.index(convert::count(from.len()))]
    }
}
