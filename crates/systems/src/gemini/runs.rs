//! Runs of consecutive blocks, found by their length.

use alloc::collections::{BTreeMap, BTreeSet};

use super::block::LowerBlock;

/// A set of blocks, as its maximal runs.
#[derive(Debug, Clone, Default)]
pub(super) struct Runs {
    /// The length of each run, by its first block.
    from: BTreeMap<u64, u64>,
    by_length: BTreeSet<(u64, u64)>,
}

impl Runs {
    fn put(&mut self, start: u64, length: u64) {
        self.from.insert(start, length);
        self.by_length.insert((length, start));
    }

    fn take(&mut self, start: u64, length: u64) {
        self.from.remove(&start);
        self.by_length.remove(&(length, start));
    }

    /// The run that holds a block.
    fn around(&self, block: u64) -> Option<(u64, u64)> {
        let (&start, &length) = self.from.range(..=block).next_back()?;
        (block - start < length).then_some((start, length))
    }

    pub(super) fn add(&mut self, block: LowerBlock) {
        let block = block.number();
        if self.around(block).is_some() {
            return;
        }
        let (mut start, mut length) = (block, 1);
        if let Some((before, blocks)) = block.checked_sub(1).and_then(|last| self.around(last)) {
            self.take(before, blocks);
            (start, length) = (before, blocks + 1);
        }
        if let Some(&blocks) = self.from.get(&(block + 1)) {
            self.take(block + 1, blocks);
            length += blocks;
        }
        self.put(start, length);
    }

    pub(super) fn remove(&mut self, block: LowerBlock) {
        let block = block.number();
        let Some((start, length)) = self.around(block) else { return };
        self.take(start, length);
        if block > start {
            self.put(start, block - start);
        }
        let behind = start + length - block - 1;
        if behind > 0 {
            self.put(block + 1, behind);
        }
    }

    /// The shortest run of at least so many blocks, or else the longest: its first block, and how many of it to use.
    pub(super) fn best(&self, blocks: u64) -> Option<(LowerBlock, u64)> {
        let fits = self.by_length.range((blocks, 0)..).next();
        let &(length, start) = fits.or_else(|| self.by_length.last())?;
        Some((LowerBlock::numbered(start)?, length.min(blocks)))
    }

    pub(super) fn clear(&mut self) {
        self.from.clear();
        self.by_length.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;
    use proptest::prelude::*;

    fn block(number: u64) -> LowerBlock {
        LowerBlock::numbered(number).unwrap()
    }

    /// The maximal runs of a set, the plain way.
    fn naive(set: &BTreeSet<u64>) -> Vec<(u64, u64)> {
        let mut runs: Vec<(u64, u64)> = Vec::new();
        for &number in set {
            match runs.last_mut() {
                Some((start, length)) if *start + *length == number => *length += 1,
                _ => runs.push((number, 1)),
            }
        }
        runs
    }

    proptest! {
        #[test]
        fn runs_are_those_of_the_set(steps in prop::collection::vec((any::<bool>(), 0_u64..40), 0..200), want in 1_u64..20) {
            let (mut runs, mut set) = (Runs::default(), BTreeSet::new());
            for (add, number) in steps {
                if add {
                    runs.add(block(number));
                    set.insert(number);
                } else {
                    runs.remove(block(number));
                    set.remove(&number);
                }
                let found: Vec<_> = runs.from.iter().map(|(&start, &length)| (start, length)).collect();
                prop_assert_eq!(&found, &naive(&set));
                prop_assert_eq!(runs.by_length.len(), found.len());
            }
            let all = naive(&set);
            let fits = all.iter().filter(|run| run.1 >= want).map(|run| run.1).min();
            let longest = all.iter().map(|run| run.1).max();
            prop_assert_eq!(runs.best(want).map(|(_, blocks)| blocks), fits.or(longest).map(|length| length.min(want)));
        }
    }
}
