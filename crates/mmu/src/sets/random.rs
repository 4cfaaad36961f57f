//! Random replacement.

use rand_core::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use terrace_addr::convert;

/// What an array draws from.
pub(super) fn stream(seed: u64) -> Xoshiro256PlusPlus {
    Xoshiro256PlusPlus::seed_from_u64(seed)
}

/// A way, drawn with the upper half of the next word.
#[inline]
pub(super) fn victim(stream: &mut Xoshiro256PlusPlus, ways: usize) -> usize {
    convert::index(((stream.next_u64() >> 32) * convert::count(ways)) >> 32)
}
