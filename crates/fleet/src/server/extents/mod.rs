//! The free extents of a server's memory, to the byte.
//!
//! The rule: extents are disjoint, never empty, and never touch each other; together with the blocks that were taken they
//! are the whole memory.

mod list;

use super::ExtentPolicy;
use list::List;

/// Bytes that follow each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Extent {
    /// The first byte.
    pub start: u64,
    /// How many there are.
    pub bytes: u64,
}

impl Extent {
    /// The first byte behind it.
    pub const fn end(self) -> u64 {
        self.start + self.bytes
    }
}

/// What is free of a server's memory. Every operation but [`Extents::scatter`], which touches what it takes, and
/// [`Extents::iter`] is O(log extents).
#[derive(Debug, Clone)]
pub struct Extents {
    free: u64,
    list: List,
}

impl Extents {
    /// Memory of which nothing is taken, and of which blocks will be taken by this policy.
    pub fn new(bytes: u64, policy: ExtentPolicy) -> Self {
        let mut extents = Self { free: bytes, list: List::new(policy) };
        if bytes > 0 {
            extents.list.add(Extent { start: 0, bytes });
        }
        extents
    }

    /// Free bytes.
    pub const fn free(&self) -> u64 {
        self.free
    }

    /// The bytes of the largest extent.
    pub fn largest(&self) -> u64 {
        self.list.largest()
    }

    /// How many extents there are.
    pub fn count(&self) -> usize {
        self.list.count()
    }

    /// The extents, from the lowest.
    pub fn iter(&self) -> impl Iterator<Item = Extent> + '_ {
        self.list.iter()
    }

    /// Asks for what an operation will touch, without waiting.
    pub(crate) fn foresee(&self) {
        self.list.foresee();
    }

    /// The free bytes from `start` on.
    pub fn at(&self, start: u64) -> u64 {
        self.list.upto(start).map_or(0, |extent| extent.end().saturating_sub(start))
    }

    /// Takes a block of so many bytes, at least 1: where the policy says, if there is an extent that holds it.
    pub fn take(&mut self, bytes: u64, policy: ExtentPolicy) -> Option<Extent> {
        if bytes == 0 || self.largest() < bytes {
            return None;
        }
        let of = self.list.choose(bytes, policy)?;
        self.cut(of, bytes);
        Some(Extent { start: of.start, bytes })
    }

    /// Takes exactly this block. Says whether it was free; if not, nothing changes.
    #[must_use]
    pub fn take_at(&mut self, block: Extent) -> bool {
        let holds = |of: &Extent| block.bytes > 0 && block.end() <= of.end();
        let Some(of) = self.list.upto(block.start).filter(holds) else {
            return false;
        };
        let before = block.start - of.start;
        if before == 0 {
            self.cut(of, block.bytes);
        } else {
            self.list.rename(of, Extent { start: of.start, bytes: before });
            self.free -= block.bytes;
            if block.end() < of.end() {
                self.list.add(Extent { start: block.end(), bytes: of.end() - block.end() });
            }
        }
        true
    }

    /// Takes so many bytes in as many blocks as it needs; nothing if they are not there. First fit takes from the lowest
    /// extents on, the others from the largest, and the last part by the policy.
    pub fn scatter(&mut self, bytes: u64, policy: ExtentPolicy) -> Option<Vec<Extent>> {
        if bytes == 0 || self.free < bytes {
            return None;
        }
        let (mut blocks, mut rest) = (Vec::new(), bytes);
        while rest > 0 {
            let largest = self.largest();
            let next = match policy {
                ExtentPolicy::FirstFit => self.list.lowest().map(|lowest| lowest.bytes.min(rest)),
                _ => Some(largest.min(rest)),
            };
            // As many as are wanted are free, so there is always an extent.
            let block = match policy {
                ExtentPolicy::FirstFit => self.take_lowest(next?),
                _ if largest <= rest => self.take(next?, ExtentPolicy::WorstFit),
                _ => self.take(next?, policy),
            }?;
            rest -= block.bytes;
            blocks.push(block);
        }
        Some(joined(blocks))
    }

    /// Gives a block back that was taken.
    pub fn give(&mut self, block: Extent) {
        if block.bytes == 0 {
            return;
        }
        self.free += block.bytes;
        let before = self.list.upto(block.start).filter(|before| before.end() == block.start);
        let after = self.list.from(block.end());
        match (before, after) {
            (None, None) => self.list.add(block),
            (Some(before), None) => {
                self.list.rename(before, Extent { start: before.start, bytes: before.bytes + block.bytes });
            }
            (None, Some(after)) => {
                self.list.rename(after, Extent { start: block.start, bytes: block.bytes + after.bytes });
            }
            (Some(before), Some(after)) => {
                self.list.drop_extent(after);
                let bytes = before.bytes + block.bytes + after.bytes;
                self.list.rename(before, Extent { start: before.start, bytes });
            }
        }
    }

    fn take_lowest(&mut self, bytes: u64) -> Option<Extent> {
        let of = self.list.lowest()?;
        self.cut(of, bytes);
        Some(Extent { start: of.start, bytes })
    }

    /// Takes the first bytes of an extent.
    fn cut(&mut self, of: Extent, bytes: u64) {
        self.free -= bytes;
        if of.bytes == bytes {
            self.list.drop_extent(of);
        } else {
            self.list.rename(of, Extent { start: of.start + bytes, bytes: of.bytes - bytes });
        }
    }
}

/// Blocks in the order of their places, those that touch each other as one.
pub(crate) fn joined(mut blocks: Vec<Extent>) -> Vec<Extent> {
    blocks.sort_unstable();
    let mut joined: Vec<Extent> = Vec::with_capacity(blocks.len());
    for block in blocks {
        match joined.last_mut() {
            Some(last) if last.end() == block.start => last.bytes += block.bytes,
            _ => joined.push(block),
        }
    }
    joined
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Every byte by itself.
    struct Naive(Vec<bool>);

    impl Naive {
        fn extents(&self) -> Vec<Extent> {
            let mut extents: Vec<Extent> = Vec::new();
            for (start, _) in (0..).zip(&self.0).filter(|(_, free)| **free) {
                match extents.last_mut() {
                    Some(last) if last.end() == start => last.bytes += 1,
                    _ => extents.push(Extent { start, bytes: 1 }),
                }
            }
            extents
        }

        fn set(&mut self, block: Extent, free: bool) {
            for byte in block.start..block.end() {
                let byte = &mut self.0[usize::try_from(byte).unwrap()];
                assert_ne!(*byte, free, "a byte that is given twice, or taken twice");
                *byte = free;
            }
        }

        fn choice(&self, bytes: u64, policy: ExtentPolicy) -> Option<Extent> {
            let fitting = self.extents().into_iter().filter(|extent| extent.bytes >= bytes);
            let chosen = match policy {
                ExtentPolicy::FirstFit => fitting.min_by_key(|extent| extent.start),
                ExtentPolicy::BestFit => fitting.min_by_key(|extent| (extent.bytes, extent.start)),
                ExtentPolicy::WorstFit => {
                    fitting.min_by_key(|extent| (u64::MAX - extent.bytes, extent.start))
                }
            };
            chosen.map(|extent| Extent { start: extent.start, bytes })
        }
    }

    #[derive(Debug, Clone)]
    enum Step {
        Take(u64),
        TakeAt(u64, u64),
        Scatter(u64),
        Give(usize),
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            4 => (1..40_u64).prop_map(Step::Take),
            // So many small ones that there are more extents than a server holds in itself.
            4 => (1..6_u64).prop_map(Step::Take),
            1 => (0..220_u64, 1..20_u64).prop_map(|(start, bytes)| Step::TakeAt(start, bytes)),
            2 => (1..80_u64).prop_map(Step::Scatter),
            6 => any::<usize>().prop_map(Step::Give),
        ]
    }

    proptest! {
        /// No byte is lost or given twice, and each policy chooses what a scan over all bytes chooses.
        #[test]
        fn they_are_those_of_a_map_of_bytes(
            steps in proptest::collection::vec(step(), 1..160),
            policy in prop::sample::select(ExtentPolicy::ALL.to_vec()),
        ) {
            let mut extents = Extents::new(200, policy);
            let mut naive = Naive(vec![true; 200]);
            let mut taken: Vec<Extent> = Vec::new();
            for step in steps {
                match step {
                    Step::Take(bytes) => {
                        let expected = naive.choice(bytes, policy);
                        let found = extents.take(bytes, policy);
                        prop_assert_eq!(found, expected);
                        taken.extend(found);
                        if let Some(block) = found {
                            naive.set(block, false);
                        }
                    }
                    Step::TakeAt(start, bytes) => {
                        let block = Extent { start, bytes };
                        let free = naive.extents().iter().any(|it| it.start <= start && block.end() <= it.end());
                        prop_assert_eq!(extents.take_at(block), free);
                        if free {
                            taken.push(block);
                            naive.set(block, false);
                        }
                    }
                    Step::Scatter(bytes) => {
                        let blocks = extents.scatter(bytes, policy);
                        prop_assert_eq!(blocks.is_some(), naive.0.iter().filter(|free| **free).count() >= usize::try_from(bytes).unwrap());
                        let blocks = blocks.unwrap_or_default();
                        if !blocks.is_empty() {
                            prop_assert_eq!(blocks.iter().map(|block| block.bytes).sum::<u64>(), bytes);
                        }
                        for &block in &blocks {
                            naive.set(block, false);
                        }
                        taken.extend(blocks);
                    }
                    Step::Give(which) => if !taken.is_empty() {
                        let block = taken.swap_remove(which % taken.len());
                        extents.give(block);
                        naive.set(block, true);
                    },
                }
                let expected = naive.extents();
                prop_assert_eq!(extents.free(), expected.iter().map(|extent| extent.bytes).sum::<u64>());
                prop_assert_eq!(extents.largest(), expected.iter().map(|extent| extent.bytes).max().unwrap_or(0));
                prop_assert_eq!(extents.count(), expected.len());
                for extent in &expected {
                    prop_assert_eq!(extents.at(extent.start), extent.bytes);
                    prop_assert_eq!(extents.at(extent.end()), 0);
                    prop_assert_eq!(extents.at(extent.end() - 1), 1);
                    prop_assert_eq!(extents.at(extent.start + extent.bytes / 2), extent.bytes - extent.bytes / 2);
                }
                prop_assert_eq!(extents.iter().collect::<Vec<_>>(), expected);
            }
            for block in taken {
                extents.give(block);
            }
            prop_assert_eq!(extents.iter().collect::<Vec<_>>(), [Extent { start: 0, bytes: 200 }]);
        }
    }
}
