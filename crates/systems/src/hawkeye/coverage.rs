//! Access coverage: how many base pages of a block are used, and which block comes first for it (`access_map`).
//!
//! The rule: a block is in the bucket of its coverage, a moving average; one that rises comes to the head of its new
//! bucket, one that falls to the tail, so that of those with the same coverage the one that was used most lately
//! comes first.

use alloc::collections::BTreeMap;

use terrace_addr::convert;
use terrace_policy::SpaceId;

/// How many buckets there are.
const BUCKETS: usize = 10;

/// Base pages of a bucket: 0 to 49 in the first, 450 to 512 in the last.
const WIDTH: u64 = 50;

/// What is known of a block.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Candidate {
    /// The moving average of base pages that were used in a sample; none before the first one.
    coverage: Option<f64>,
    /// Where it waits, if a base page of it was ever used: its bucket, and its place there.
    waits: Option<(usize, i64)>,
}

/// The blocks of an address space that are base pages.
#[derive(Debug, Clone, Default)]
struct Space {
    blocks: BTreeMap<u64, Candidate>,
    buckets: [BTreeMap<i64, u64>; BUCKETS],
}

/// The blocks of all address spaces that are base pages.
#[derive(Debug, Clone, Default)]
pub(super) struct Coverage {
    spaces: BTreeMap<SpaceId, Space>,
    /// How many places were given out at tails and at heads.
    places: i64,
    /// Whose turn it was last.
    turn: Option<SpaceId>,
}

fn bucket_of(coverage: f64) -> usize {
    convert::index(convert::floor(coverage) / WIDTH).min(BUCKETS - 1)
}

impl Space {
    fn leave(&mut self, block: u64) {
        if let Some(candidate) = self.blocks.get_mut(&block)
            && let Some((bucket, place)) = candidate.waits.take()
        {
            self.buckets[bucket].remove(&place);
        }
    }

    fn highest(&self) -> Option<usize> {
        self.buckets.iter().rposition(|bucket| !bucket.is_empty())
    }

    fn take_first(&mut self) -> Option<u64> {
        let (_, block) = self.buckets[self.highest()?].pop_first()?;
        if let Some(candidate) = self.blocks.get_mut(&block) {
            candidate.waits = None;
        }
        Some(block)
    }
}

impl Coverage {
    /// A block has base pages.
    pub(super) fn add(&mut self, space: SpaceId, block: u64) {
        let new = Candidate { coverage: None, waits: None };
        self.spaces.entry(space).or_default().blocks.entry(block).or_insert(new);
    }

    /// A block has none.
    pub(super) fn remove(&mut self, space: SpaceId, block: u64) {
        if let Some(space) = self.spaces.get_mut(&space) {
            space.leave(block);
            space.blocks.remove(&block);
        }
    }

    pub(super) fn forget(&mut self, space: SpaceId) {
        self.spaces.remove(&space);
    }

    /// The first block at or behind another one, in the order of spaces and addresses.
    pub(super) fn next(&self, (space, from): (SpaceId, u64)) -> Option<(SpaceId, u64)> {
        self.spaces.range(space..).find_map(|(&found, blocks)| {
            let from = if found == space { from } else { 0 };
            blocks.blocks.range(from..).next().map(|(&block, _)| (found, block))
        })
    }

    /// A sample has found so many base pages of a block used.
    pub(super) fn sampled(&mut self, space: SpaceId, block: u64, used: u64, newest_weight: f64) {
        let Some(space) = self.spaces.get_mut(&space) else { return };
        let Some(candidate) = space.blocks.get(&block).copied() else { return };
        let used = convert::ratio(used, 1);
        let coverage = match candidate.coverage {
            Some(before) => before + (used - before) * newest_weight,
            None => used,
        };
        let bucket = (coverage >= 1.0).then(|| bucket_of(coverage));
        let before = candidate.waits.map(|(bucket, _)| bucket);
        if bucket != before {
            space.leave(block);
        }
        let waits = match (bucket, before) {
            (Some(bucket), before) if Some(bucket) != before => {
                self.places += 1;
                let place =
                    if before.is_none_or(|before| before < bucket) { -self.places } else { self.places };
                space.buckets[bucket].insert(place, block);
                Some((bucket, place))
            }
            (Some(_), _) => candidate.waits,
            (None, _) => None,
        };
        space.blocks.insert(block, Candidate { coverage: Some(coverage), waits });
    }

    /// The block that comes first: spaces take turns at the highest bucket that any of them has (`HawkEye`-G).
    pub(super) fn first_in_turn(&mut self) -> Option<(SpaceId, u64)> {
        let highest = self.spaces.values().filter_map(Space::highest).max()?;
        let has = |(_, space): &(&SpaceId, &Space)| space.highest() == Some(highest);
        let behind = |turn: SpaceId| self.spaces.range(SpaceId(turn.0.saturating_add(1))..).find(has);
        let next = self.turn.and_then(behind).or_else(|| self.spaces.iter().find(has));
        let space = *next?.0;
        self.turn = Some(space);
        self.first_of(space)
    }

    /// The block that comes first in the space whose base pages are used most (`HawkEye`-PMU, where the counters do
    /// not tell spaces apart).
    pub(super) fn first_of_heaviest(&mut self) -> Option<(SpaceId, u64)> {
        let mut heaviest: Option<(f64, SpaceId)> = None;
        for (&id, space) in &self.spaces {
            if space.highest().is_none() {
                continue;
            }
            let weight: f64 = space.blocks.values().filter_map(|candidate| candidate.coverage).sum();
            if heaviest.is_none_or(|(most, _)| weight > most) {
                heaviest = Some((weight, id));
            }
        }
        self.first_of(heaviest?.1)
    }

    fn first_of(&mut self, space: SpaceId) -> Option<(SpaceId, u64)> {
        let block = self.spaces.get_mut(&space)?.take_first()?;
        Some((space, block))
    }

    /// Puts a block back that was taken and could not be promoted: at the head of its bucket.
    pub(super) fn put_back(&mut self, space: SpaceId, block: u64) {
        let Some(space) = self.spaces.get_mut(&space) else { return };
        let Some(candidate) = space.blocks.get_mut(&block) else { return };
        let bucket = bucket_of(candidate.coverage.unwrap_or(0.0));
        self.places += 1;
        candidate.waits = Some((bucket, -self.places));
        space.buckets[bucket].insert(-self.places, block);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    const ONE: SpaceId = SpaceId(1);
    const OTHER: SpaceId = SpaceId(2);

    fn with(samples: &[(SpaceId, u64, u64)]) -> Coverage {
        let mut coverage = Coverage::default();
        for &(space, block, used) in samples {
            coverage.add(space, block);
            coverage.sampled(space, block, used, 0.5);
        }
        coverage
    }

    #[test]
    fn buckets_are_of_fifty_pages() {
        let buckets = [0.0, 49.9, 50.0, 449.0, 450.0, 512.0].map(bucket_of);
        assert_eq!(buckets, [0, 0, 1, 8, 9, 9]);
    }

    #[test]
    fn the_highest_coverage_comes_first_and_what_was_never_used_never() {
        let mut coverage = with(&[(ONE, 1, 60), (ONE, 2, 500), (ONE, 3, 0), (ONE, 4, 300)]);
        let order: Vec<_> = core::iter::from_fn(|| coverage.first_in_turn()).collect();
        assert_eq!(order, [(ONE, 2), (ONE, 4), (ONE, 1)]);
        assert_eq!(coverage.next((ONE, 3)), Some((ONE, 3)), "it is still watched");
    }

    #[test]
    fn what_rises_comes_to_the_head_and_what_falls_to_the_tail() {
        let mut coverage = with(&[(ONE, 1, 320), (ONE, 2, 240), (ONE, 3, 512)]);
        // All three in the bucket from 300 on: one stays, one rises, one falls.
        coverage.sampled(ONE, 2, 400, 0.5);
        coverage.sampled(ONE, 3, 120, 0.5);
        let order: Vec<_> =
            core::iter::from_fn(|| coverage.first_in_turn()).map(|(_, block)| block).collect();
        assert_eq!(order, [2, 1, 3]);
    }

    #[test]
    fn spaces_take_turns_at_the_highest_bucket() {
        let samples = [(ONE, 1, 500), (ONE, 2, 480), (OTHER, 3, 470), (OTHER, 4, 100)];
        let mut coverage = with(&samples);
        let order: Vec<_> =
            core::iter::from_fn(|| coverage.first_in_turn()).map(|(_, block)| block).collect();
        assert_eq!(order, [2, 3, 1, 4]);
        let mut coverage = with(&samples);
        let order: Vec<_> =
            core::iter::from_fn(|| coverage.first_of_heaviest()).map(|(_, block)| block).collect();
        assert_eq!(order, [2, 1, 3, 4]);
    }

    #[test]
    fn what_is_put_back_comes_first_again_and_what_is_removed_never() {
        let mut coverage = with(&[(ONE, 1, 500), (ONE, 2, 500)]);
        let first = coverage.first_in_turn().unwrap();
        coverage.put_back(first.0, first.1);
        assert_eq!(coverage.first_in_turn(), Some(first));
        coverage.remove(ONE, 1);
        coverage.remove(ONE, 2);
        assert_eq!((coverage.first_in_turn(), coverage.next((ONE, 0))), (None, None));
    }
}
