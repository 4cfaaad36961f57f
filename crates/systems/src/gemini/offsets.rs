//! Offset descriptors: where the pages of a part of an address space go.
//!
//! A descriptor is {start, length, offset} in whole blocks of 2 MiB; its page at `start + x` goes to `target + x`. The
//! paper keeps them in a self-organizing list; they do not overlap, so that a sorted map with the last one found in
//! front finds the same one, however many there are.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use terrace_policy::SpaceId;

use super::block::{LowerBlock, Place, UpperBlock};

/// What is said about a run of blocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Descriptor {
    pub(super) blocks: u64,
    /// Where the first of them goes; none if its pages lie anywhere.
    pub(super) target: Option<LowerBlock>,
}

/// Where the pages of a block go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Goes {
    /// To their places in a block of memory.
    To(LowerBlock),
    /// Anywhere.
    Anywhere,
    /// No descriptor says.
    Unsaid,
}

/// The descriptors of all address spaces.
#[derive(Debug, Clone, Default)]
pub(super) struct Offsets {
    of: BTreeMap<Place, Descriptor>,
    /// Where blocks are steered to, so that a search can pass over it.
    steered: BTreeMap<(LowerBlock, Place), u64>,
    /// The one found last.
    front: Option<(Place, Descriptor)>,
}

impl Offsets {
    /// Where a block goes.
    pub(super) fn find(&mut self, place: Place) -> Goes {
        if !self.front.is_some_and(|front| covers(front, place)) {
            self.front = self.around(place);
        }
        let Some((first, found)) = self.front else { return Goes::Unsaid };
        let target = found.target.and_then(|target| target.plus(place.1.after(first.1)));
        target.map_or(Goes::Anywhere, Goes::To)
    }

    fn around(&self, place: Place) -> Option<(Place, Descriptor)> {
        let (&first, &found) = self.of.range(..=place).next_back()?;
        covers((first, found), place).then_some((first, found))
    }

    /// The part of `from..to` around a block that no descriptor covers; the block must not be covered.
    pub(super) fn gap(&self, place: Place, from: UpperBlock, to: UpperBlock) -> (UpperBlock, UpperBlock) {
        let (space, block) = place;
        let (from, to) = (from.min(block), to.max(block.plus(1)));
        let before = self.of.range((space, from)..place).next_back();
        let first = self.around((space, from)).map_or(from, |(at, found)| at.1.plus(found.blocks));
        let first = before.map_or(first, |(at, found)| first.max(at.1.plus(found.blocks)));
        let behind = self.of.range(place..(space, to)).next();
        (first, behind.map_or(to, |(at, _)| at.1))
    }

    /// Adds a descriptor for blocks that none covers; one that goes on where the last one ends is the same.
    pub(super) fn open(&mut self, first: Place, blocks: u64, target: Option<LowerBlock>) {
        let (space, start) = first;
        let before = self.of.range((space, UpperBlock::first_from(0))..first).next_back();
        let joined = before.map(|(&at, &found)| (at, found)).filter(|(at, found)| {
            at.1.plus(found.blocks) == start
                && match (found.target, target) {
                    (Some(last), Some(next)) => last.plus(found.blocks) == Some(next),
                    (None, None) => true,
                    _ => false,
                }
        });
        match joined {
            Some((at, found)) => {
                self.remove(at);
                self.insert(at, Descriptor { blocks: found.blocks + blocks, target: found.target });
            }
            None => self.insert(first, Descriptor { blocks, target }),
        }
    }

    /// No descriptor says anything about a block any more.
    pub(super) fn drop(&mut self, place: Place) {
        let Some((first, found)) = self.around(place) else { return };
        self.remove(first);
        let nth = place.1.after(first.1);
        if nth > 0 {
            self.insert(first, Descriptor { blocks: nth, target: found.target });
        }
        let behind = found.blocks - nth - 1;
        if behind > 0 {
            let target = found.target.and_then(|target| target.plus(nth + 1));
            self.insert((place.0, place.1.plus(1)), Descriptor { blocks: behind, target });
        }
    }

    /// What is steered to a block of memory goes elsewhere: it has no page there yet.
    pub(super) fn turn_away(&mut self, block: LowerBlock) {
        let last = (block, (SpaceId(u32::MAX), UpperBlock::LAST));
        let Some((&(start, first), &length)) = self.steered.range(..=last).next_back() else { return };
        let nth = block.number() - start.number();
        if nth < length {
            self.drop((first.0, first.1.plus(nth)));
        }
    }

    /// The first block behind what is steered to in a run of blocks of memory, if anything is.
    pub(super) fn steered_until(&self, block: LowerBlock, blocks: u64) -> Option<LowerBlock> {
        let end = block.plus(blocks)?;
        let zero = (SpaceId(0), UpperBlock::first_from(0));
        let (&(start, _), &length) = self.steered.range(..(end, zero)).next_back()?;
        let behind = start.plus(length)?;
        (behind > block).then_some(behind)
    }

    pub(super) fn end_space(&mut self, space: SpaceId) {
        self.keep_only(space, |_, _| false);
    }

    /// Forgets what lies wholly outside the regions that there still are, in order, in blocks.
    pub(super) fn keep(&mut self, space: SpaceId, regions: &[(UpperBlock, UpperBlock)]) {
        self.keep_only(space, |first, behind| {
            let next = regions.partition_point(|&(_, to)| to <= first);
            regions.get(next).is_some_and(|&(from, _)| from < behind)
        });
    }

    fn keep_only(&mut self, space: SpaceId, stays: impl Fn(UpperBlock, UpperBlock) -> bool) {
        let from = (space, UpperBlock::first_from(0));
        let of_space = self.of.range(from..).take_while(|(place, _)| place.0 == space);
        let gone: Vec<Place> = of_space
            .filter(|(place, found)| !stays(place.1, place.1.plus(found.blocks)))
            .map(|(&place, _)| place)
            .collect();
        for place in gone {
            self.remove(place);
        }
    }

    fn insert(&mut self, first: Place, found: Descriptor) {
        self.of.insert(first, found);
        if let Some(target) = found.target {
            self.steered.insert((target, first), found.blocks);
        }
    }

    fn remove(&mut self, first: Place) {
        self.front = None;
        if let Some(Descriptor { target: Some(target), .. }) = self.of.remove(&first) {
            self.steered.remove(&(target, first));
        }
    }
}

fn covers((first, found): (Place, Descriptor), place: Place) -> bool {
    first.0 == place.0 && first.1 <= place.1 && place.1.after(first.1) < found.blocks
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn upper(number: u64) -> UpperBlock {
        UpperBlock::first_from(0).plus(number)
    }

    fn at(space: u32, number: u64) -> Place {
        (SpaceId(space), upper(number))
    }

    fn lower(number: u64) -> LowerBlock {
        LowerBlock::numbered(number).unwrap()
    }

    #[test]
    fn descriptors_that_go_on_are_one() {
        let mut offsets = Offsets::default();
        for (block, target) in
            [(4, Some(lower(9))), (5, Some(lower(10))), (6, None), (7, None), (8, Some(lower(12)))]
        {
            offsets.open(at(0, block), 1, target);
        }
        assert_eq!(offsets.of.len(), 3);
        assert_eq!(offsets.find(at(0, 5)), Goes::To(lower(10)));
        assert_eq!(offsets.find(at(0, 7)), Goes::Anywhere);
        assert_eq!(offsets.find(at(0, 9)), Goes::Unsaid);
        assert_eq!(offsets.gap(at(0, 3), upper(0), upper(100)), (upper(0), upper(4)));
        assert_eq!(offsets.gap(at(0, 20), upper(0), upper(100)), (upper(9), upper(100)));
        assert_eq!(offsets.steered_until(lower(10), 1), Some(lower(11)));
        assert_eq!(offsets.steered_until(lower(11), 1), None);
        assert_eq!(offsets.steered_until(lower(7), 3), Some(lower(11)));
        offsets.turn_away(lower(9));
        assert_eq!((offsets.find(at(0, 4)), offsets.find(at(0, 5))), (Goes::Unsaid, Goes::To(lower(10))));
        offsets.turn_away(lower(11));
        assert_eq!(offsets.find(at(0, 8)), Goes::To(lower(12)));
    }

    proptest! {
        /// Compared with an array that says for each block where it goes.
        #[test]
        fn descriptors_say_what_an_array_would(
            steps in prop::collection::vec((0_u8..4, 0_u32..2, 0_u64..30, 1_u64..6, prop::option::of(0_u64..1000)), 0..80),
        ) {
            let mut offsets = Offsets::default();
            let mut plain: BTreeMap<Place, Option<LowerBlock>> = BTreeMap::new();
            for (step, space, block, blocks, target) in steps {
                let place = at(space, block);
                match step {
                    0 => {
                        offsets.drop(place);
                        plain.remove(&place);
                    }
                    1 if block == 0 => {
                        offsets.end_space(place.0);
                        plain.retain(|at, _| at.0 != place.0);
                    }
                    _ if !plain.contains_key(&place) => {
                        let (from, to) = offsets.gap(place, upper(0), upper(40));
                        prop_assert!((from.after(upper(0))..to.after(upper(0))).all(|block| !plain.contains_key(&at(space, block))));
                        prop_assert!(from <= place.1 && place.1 < to);
                        prop_assert!(from == upper(0) || plain.contains_key(&at(space, from.after(upper(0)) - 1)));
                        prop_assert!(to == upper(40) || plain.contains_key(&at(space, to.after(upper(0)))));
                        let blocks = blocks.min(to.after(place.1));
                        let target = target.map(lower);
                        offsets.open(place, blocks, target);
                        for nth in 0..blocks {
                            plain.insert(at(space, block + nth), target.and_then(|target| target.plus(nth)));
                        }
                    }
                    _ => {}
                }
                for space in 0..2 {
                    for block in 0..40 {
                        let expected = plain.get(&at(space, block)).map_or(Goes::Unsaid, |said| said.map_or(Goes::Anywhere, Goes::To));
                        prop_assert_eq!(offsets.find(at(space, block)), expected);
                    }
                }
                let steered: u64 = offsets.steered.values().sum();
                prop_assert_eq!(steered, terrace_addr::convert::count(plain.values().flatten().count()));
            }
        }
    }
}
