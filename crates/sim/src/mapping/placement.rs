//! The order in which frames are handed out.

use core::fmt;
use core::str::FromStr;

use super::InvalidRule;
use super::rule::mix;

/// Where the frames of pages that are touched one after the other lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Placement {
    /// Scattered by a seeded permutation.
    Scattered,
    /// One after the other.
    Contiguous,
}

impl Placement {
    /// The name on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Scattered => "scattered",
            Self::Contiguous => "contiguous",
        }
    }

    /// The place of the frame that is the `number`-th to be handed out of `count`. `seed` chooses the
    /// permutation.
    pub(super) fn place(self, number: u64, count: u64, seed: u64) -> u64 {
        match self {
            Self::Contiguous => number,
            Self::Scattered => scatter(number, count, seed),
        }
    }
}

impl fmt::Display for Placement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Placement {
    type Err = InvalidRule;

    fn from_str(text: &str) -> Result<Self, InvalidRule> {
        [Self::Scattered, Self::Contiguous]
            .into_iter()
            .find(|placement| placement.name() == text)
            .ok_or_else(|| InvalidRule { found: text.to_owned(), expected: "scattered or contiguous" })
    }
}

/// A permutation of the numbers below `count`, of which `number` is one: that of the next power of two,
/// followed until it comes back below `count`.
fn scatter(number: u64, count: u64, seed: u64) -> u64 {
    let bits = count.next_power_of_two().trailing_zeros();
    let mut place = permute(number, bits, seed);
    while place >= count {
        place = permute(place, bits, seed);
    }
    place
}

/// A permutation of the numbers below 2^`bits`, chosen by `seed`: rounds of operations that are each
/// invertible there (odd multiples, additions, and folding the upper half into the lower).
fn permute(number: u64, bits: u32, seed: u64) -> u64 {
    let mask = (1_u64 << bits) - 1;
    let mut word = number;
    for round in 1..=3 {
        let key = mix(seed ^ round);
        word = word.wrapping_mul(key | 1).wrapping_add(key >> 32) & mask;
        word ^= word >> bits.div_ceil(2);
    }
    word
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn scattering_is_a_permutation() {
        for bits in [0, 1, 2, 7, 12] {
            for seed in 0..20 {
                let places: BTreeSet<_> =
                    (0..1_u64 << bits).map(|number| permute(number, bits, seed)).collect();
                assert!(places.iter().copied().eq(0..1 << bits), "{bits} bits, seed {seed}");
            }
        }
    }

    #[test]
    fn any_number_of_frames_is_scattered_over_all_of_them() {
        for count in [1, 2, 3, 5, 64, 65, 1000] {
            for seed in 0..20 {
                let places: BTreeSet<_> = (0..count).map(|number| scatter(number, count, seed)).collect();
                assert!(places.iter().copied().eq(0..count), "{count} frames, seed {seed}");
            }
        }
    }

    #[test]
    fn neighbours_are_scattered_apart() {
        let bits = 20;
        let near =
            (0..10_000).filter(|&n| permute(n, bits, 1).abs_diff(permute(n + 1, bits, 1)) < 512).count();
        // By chance about 2 × 512 / 2^20 of the pairs are that near.
        assert!(near < 30, "{near} of 10,000 neighbours stay within 2 MiB");
    }
}
