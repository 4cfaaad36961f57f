//! A set of numbers that finds the next one quickly.

use alloc::vec;
use alloc::vec::Vec;

/// A set of numbers below a limit. Each level has a bit for each word of the level below, set if the word is not 0;
/// the last level is one word.
#[derive(Clone)]
pub(crate) struct BitTree {
    levels: Vec<Vec<u64>>,
}

impl BitTree {
    /// An empty set of numbers below `limit`.
    pub(crate) fn new(limit: usize) -> Self {
        let mut levels = Vec::new();
        let mut words = limit.div_ceil(64).max(1);
        loop {
            levels.push(vec![0; words]);
            if words == 1 {
                return Self { levels };
            }
            words = words.div_ceil(64);
        }
    }

    /// Puts `number` into the set.
    pub(crate) fn insert(&mut self, mut number: usize) {
        for level in &mut self.levels {
            let word = &mut level[number / 64];
            let before = *word;
            *word |= 1 << (number % 64);
            if before != 0 {
                return;
            }
            number /= 64;
        }
    }

    /// Takes `number` out of the set.
    pub(crate) fn remove(&mut self, mut number: usize) {
        for level in &mut self.levels {
            let word = &mut level[number / 64];
            *word &= !(1 << (number % 64));
            if *word != 0 {
                return;
            }
            number /= 64;
        }
    }

    /// The smallest number of the set that is `from` or above.
    pub(crate) fn next(&self, from: usize) -> Option<usize> {
        let mut at = from;
        for (height, level) in self.levels.iter().enumerate() {
            let rest = level.get(at / 64)? & (u64::MAX << (at % 64));
            if rest != 0 {
                return Some(self.descend(height, at / 64 * 64 + place(rest.trailing_zeros()), Self::lowest));
            }
            at = at / 64 + 1;
        }
        None
    }

    /// The largest number of the set that is below `before`.
    pub(crate) fn previous(&self, before: usize) -> Option<usize> {
        let mut end = before.min(self.levels[0].len() * 64);
        for (height, level) in self.levels.iter().enumerate() {
            let last = end.checked_sub(1)?;
            let rest = level[last / 64] & (u64::MAX >> (63 - last % 64));
            if rest != 0 {
                return Some(self.descend(height, last / 64 * 64 + place(rest.ilog2()), Self::highest));
            }
            end = last / 64;
        }
        None
    }

    /// The number of the set that is found below bit `at` of the level `height` when `choose` picks a bit of each word.
    fn descend(&self, height: usize, mut at: usize, choose: fn(u64) -> u32) -> usize {
        for level in self.levels[..height].iter().rev() {
            at = at * 64 + place(choose(level[at]));
        }
        at
    }

    fn lowest(word: u64) -> u32 {
        word.trailing_zeros()
    }

    fn highest(word: u64) -> u32 {
        word.ilog2()
    }
}

/// The number of a bit in a word, as an index.
pub(super) const fn place(bit: u32) -> usize {
    terrace_addr::convert::index32(bit)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn it_finds_what_an_ordered_set_finds(
            limit in 1_usize..10_000,
            changes in prop::collection::vec((any::<bool>(), 0_usize..10_000), 0..200),
            asked in prop::collection::vec(0_usize..11_000, 20),
        ) {
            let mut tree = BitTree::new(limit);
            let mut set = BTreeSet::new();
            for (add, number) in changes {
                let number = number % limit;
                if add {
                    tree.insert(number);
                    set.insert(number);
                } else {
                    tree.remove(number);
                    set.remove(&number);
                }
            }
            for from in asked.into_iter().chain([0, limit, usize::MAX]) {
                prop_assert_eq!(tree.next(from), set.range(from..).next().copied());
                prop_assert_eq!(tree.previous(from), set.range(..from).next_back().copied());
            }
        }
    }
}
