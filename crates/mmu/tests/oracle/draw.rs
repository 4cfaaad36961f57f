//! Numbers that a case is made from.

use rand_core::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use terrace_addr::convert;

/// Draws numbers.
pub(crate) struct Draw(Xoshiro256PlusPlus);

impl Draw {
    /// The numbers of the case `number`.
    pub(crate) fn new(number: u64) -> Self {
        Self(Xoshiro256PlusPlus::seed_from_u64(number))
    }

    /// One of 0 to `below` − 1.
    pub(crate) fn below(&mut self, below: u64) -> u64 {
        self.0.next_u64() % below
    }

    /// True `of` times in a hundred.
    pub(crate) fn percent(&mut self, of: u64) -> bool {
        self.below(100) < of
    }

    pub(crate) fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[convert::index(self.below(convert::count(from.len())))]
    }

    /// `value` `of` times in a hundred, otherwise `None`.
    pub(crate) fn maybe<T>(&mut self, of: u64, value: T) -> Option<T> {
        self.percent(of).then_some(value)
    }
}
