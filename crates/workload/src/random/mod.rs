//! Random numbers: a stream for each thread and purpose, all from one seed.
//!
//! Whatever decides is made of integers, of + − × ÷, and of `libm`, so that every platform draws the same.

mod float;
mod permutation;
mod zipf;

pub(crate) use float::{floor, nearest_whole, real};
pub(crate) use permutation::Permutation;
pub(crate) use zipf::Zipf;

use rand_core::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use terrace_addr::convert;

/// The offset and prime of FNV-1a, 64 bits (Fowler, Noll, Vo; RFC 9923).
const FNV_OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
const FNV_PRIME: u64 = 0x0000_0100_0000_01b3;

/// The increment of `SplitMix64` (Steele, Lea, Flood, "Fast splittable pseudorandom number generators", 2014).
const GOLDEN_GAMMA: u64 = 0x9e37_79b9_7f4a_7c15;

/// The finaliser of `SplitMix64`: a bijection in which every input bit moves about half of the output bits.
pub(crate) const fn mix(mut value: u64) -> u64 {
    value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

/// 64 random bits as a number below `count`: the upper half of their product. No number is more likely than another by
/// more than `count` in 2⁶⁴.
#[inline]
pub(crate) fn scaled(bits: u64, count: u64) -> u64 {
    bits.carrying_mul(count, 0).1
}

/// The seed of `purpose` (a program, a part of one) in a run with `seed`, by the rule of the machine's arrays.
pub(crate) fn seed_of(seed: u64, purpose: &str, index: usize) -> u64 {
    let name =
        purpose.bytes().fold(FNV_OFFSET, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(FNV_PRIME));
    let place = (convert::count(index) + 1).wrapping_mul(GOLDEN_GAMMA);
    mix(mix(name.wrapping_add(seed)).wrapping_add(place))
}

/// A stream of random numbers.
#[derive(Debug, Clone)]
pub(crate) struct Stream(Xoshiro256PlusPlus);

impl Stream {
    /// The stream of thread `index` for `purpose`.
    pub(crate) fn new(seed: u64, purpose: &str, index: usize) -> Self {
        Self(Xoshiro256PlusPlus::seed_from_u64(seed_of(seed, purpose, index)))
    }

    /// 64 random bits.
    #[inline]
    pub(crate) fn bits(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// A number below `count`, by [`scaled`].
    #[inline]
    pub(crate) fn below(&mut self, count: u64) -> u64 {
        scaled(self.bits(), count)
    }

    /// A number from 0 up to and without 1, a multiple of 2⁻⁵³.
    #[inline]
    pub(crate) fn unit(&mut self) -> f64 {
        convert::ratio(self.bits() >> 11, 1 << 53)
    }

    /// True in `share` of all calls.
    #[inline]
    pub(crate) fn chance(&mut self, share: f64) -> bool {
        self.unit() < share
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn streams_differ_by_seed_purpose_and_index() {
        let mut seeds = BTreeSet::new();
        for seed in 0..10 {
            for index in 0..10 {
                for purpose in ["gups", "chase", "arrivals", ""] {
                    seeds.insert(seed_of(seed, purpose, index));
                }
            }
        }
        assert_eq!(seeds.len(), 10 * 10 * 4);
    }

    #[test]
    fn seeds_are_those_of_the_machines_arrays() {
        // The value that terrace-machine's own test holds for `array_seed(0, 0, "tlb.stlb")`.
        assert_eq!(seed_of(0, "tlb.stlb", 0), 4_414_890_655_817_746_683);
    }

    #[test]
    fn chances_are_met() {
        let mut stream = Stream::new(1, "test", 0);
        let met = (0..100_000).filter(|_| stream.chance(0.3)).count();
        // Four standard deviations of a binomial of 100,000 draws at 0.3 are 580.
        assert!(met.abs_diff(30_000) < 580, "{met}");
    }
}
