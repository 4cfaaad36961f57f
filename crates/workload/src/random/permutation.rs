//! A permutation of the numbers below a count, in no memory.

use super::mix;

/// A bijection of the numbers below a count onto themselves: that of the next power of two, followed until it comes
/// back below the count.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Permutation {
    count: u64,
    mask: u64,
    shift: u32,
    keys: [u64; ROUNDS],
}

const ROUNDS: usize = 3;

impl Permutation {
    /// The permutation of the numbers below `count`, at most 2⁶³, that `seed` chooses.
    pub(crate) fn new(count: u64, seed: u64) -> Self {
        let bits = count.next_power_of_two().trailing_zeros();
        let mut round = 0;
        let keys = [(); ROUNDS].map(|()| {
            round += 1;
            mix(seed ^ round)
        });
        Self { count, mask: (1 << bits) - 1, shift: bits.div_ceil(2), keys }
    }

    /// Where `number`, which is below the count, goes.
    #[inline]
    pub(crate) fn of(&self, number: u64) -> u64 {
        let mut place = self.round(number);
        while place >= self.count {
            place = self.round(place);
        }
        place
    }

    /// Rounds of operations that are each invertible below the power of two: odd multiples, additions, and folding the
    /// upper half into the lower.
    #[inline]
    fn round(&self, number: u64) -> u64 {
        self.keys.iter().fold(number, |word, key| {
            let word = word.wrapping_mul(key | 1).wrapping_add(key >> 32) & self.mask;
            word ^ word >> self.shift
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_is_reached_once() {
        for count in [1, 2, 3, 5, 64, 65, 1000] {
            for seed in 0..20 {
                let permutation = Permutation::new(count, seed);
                let mut reached: Vec<_> = (0..count).map(|number| permutation.of(number)).collect();
                reached.sort_unstable();
                assert!(reached.into_iter().eq(0..count), "{count} numbers, seed {seed}");
            }
        }
    }

    #[test]
    fn neighbours_part() {
        let permutation = Permutation::new(1 << 20, 1);
        let near = (0..10_000).filter(|&n| permutation.of(n).abs_diff(permutation.of(n + 1)) < 512).count();
        // By chance about 2 × 512 / 2²⁰ of the pairs are that near.
        assert!(near < 30, "{near} of 10,000 neighbours stay within 512 of each other");
    }
}
