//! Where regions are to lie: anchors.
//!
//! The rule: no two anchors claim the same memory, and each lies in memory as it does in its blocks of 2M, so that what
//! fills a block of addresses fills a block of memory.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use terrace_policy::{Region, SpaceId};

use crate::blocks::{BASE, BLOCK, end_of};

/// Addresses that are to lie in one range of memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Anchor {
    /// The first address.
    pub(super) at: u64,
    /// Behind the last one.
    pub(super) end: u64,
    /// The frame of the first.
    pub(super) frame: u64,
}

impl Anchor {
    /// Where an address belongs.
    pub(super) const fn place(&self, at: u64) -> u64 {
        self.frame + (at - self.at)
    }

    /// Behind the last of its frames.
    const fn frames_end(&self) -> u64 {
        self.frame + (self.end - self.at)
    }
}

/// All anchors, by space and by their first address.
#[derive(Debug, Clone, Default)]
pub(super) struct Anchors {
    spaces: BTreeMap<SpaceId, BTreeMap<u64, Anchor>>,
}

impl Anchors {
    /// The anchor of an address.
    pub(super) fn of(&self, space: SpaceId, at: u64) -> Option<&Anchor> {
        let (_, anchor) = self.spaces.get(&space)?.range(..=at).next_back()?;
        (at < anchor.end).then_some(anchor)
    }

    /// The anchors of addresses of a space, one after the other: mostly each has that of the one before.
    pub(super) fn in_turn(&self, space: SpaceId) -> impl FnMut(u64) -> Option<Anchor> {
        let mut last = None::<Anchor>;
        move |at| {
            // No two anchors of a space hold an address.
            if !last.is_some_and(|anchor| (anchor.at..anchor.end).contains(&at)) {
                last = self.of(space, at).copied();
            }
            last
        }
    }

    /// Adds one; what is there at its addresses ends where it begins.
    pub(super) fn add(&mut self, space: SpaceId, anchor: Anchor) {
        self.cut(space, anchor.at, anchor.end);
        self.spaces.entry(space).or_default().insert(anchor.at, anchor);
    }

    /// Addresses have no anchor any longer.
    pub(super) fn cut(&mut self, space: SpaceId, from: u64, end: u64) {
        let Some(anchors) = self.spaces.get_mut(&space) else { return };
        let inside: Vec<u64> = anchors.range(from..end.max(from)).map(|(&at, _)| at).collect();
        for at in inside {
            anchors.remove(&at);
        }
        if let Some((_, before)) = anchors.range_mut(..from).next_back() {
            before.end = before.end.min(from);
        }
    }

    /// Keeps what lies in these regions, in the order of their addresses.
    pub(super) fn keep_within(&mut self, space: SpaceId, regions: &[Region]) {
        let Some(anchors) = self.spaces.get_mut(&space) else { return };
        anchors.retain(|&at, anchor| {
            let place = regions.partition_point(|region| end_of(region) <= at);
            let region = regions.get(place).filter(|region| region.span.start.get() <= at);
            region.is_some_and(|region| {
                anchor.end = anchor.end.min(end_of(region));
                anchor.at < anchor.end
            })
        });
    }

    /// The anchor before an address, from a region's start on, is to hold up to the end of the region, which has grown;
    /// whether there is one, and nobody claims the memory that it needs.
    pub(super) fn grow(&mut self, space: SpaceId, start: u64, at: u64, end: u64) -> bool {
        let before = self.spaces.get(&space).and_then(|anchors| anchors.range(start..at).next_back());
        let Some(mut anchor) = before.map(|(_, anchor)| *anchor).filter(|anchor| anchor.end < end) else {
            return false;
        };
        if !self.is_unclaimed(anchor.frames_end(), end - anchor.end) {
            return false;
        }
        anchor.end = end;
        self.add(space, anchor);
        true
    }

    /// A space ended.
    pub(super) fn forget(&mut self, space: SpaceId) {
        self.spaces.remove(&space);
    }

    /// The memory that anchors claim, in order.
    fn claims(&self) -> Vec<(u64, u64)> {
        let anchors = self.spaces.values().flat_map(BTreeMap::values);
        let mut claims: Vec<_> = anchors.map(|anchor| (anchor.frame, anchor.frames_end())).collect();
        claims.sort_unstable();
        claims
    }

    /// Whether nobody claims a range of memory.
    pub(super) fn is_unclaimed(&self, start: u64, bytes: u64) -> bool {
        self.claims().iter().all(|&(from, end)| end <= start || start.saturating_add(bytes) <= from)
    }

    /// The lowest range at or behind an address, at a multiple of 2 MiB, that nobody claims and that `exists`: whether
    /// there is a frame at an address.
    pub(super) fn unclaimed(
        &self,
        from: u64,
        bytes: u64,
        mut exists: impl FnMut(u64) -> bool,
    ) -> Option<u64> {
        let mut start = from.checked_next_multiple_of(BLOCK)?;
        for (claimed, end) in self.claims() {
            if start.checked_add(bytes)? <= claimed {
                break;
            }
            if end > start {
                start = end.checked_next_multiple_of(BLOCK)?;
            }
        }
        let last = start.checked_add(bytes)?.checked_sub(BASE)?;
        (exists(start) && exists(last)).then_some(start)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use terrace_addr::{Addr, Span};
    use terrace_policy::Advice;

    const SPACE: SpaceId = SpaceId(0);

    const fn anchor(at: u64, end: u64, frame: u64) -> Anchor {
        Anchor { at, end, frame }
    }

    #[test]
    fn an_address_belongs_to_the_last_anchor_that_was_added_for_it() {
        let mut anchors = Anchors::default();
        anchors.add(SPACE, anchor(0x1000, 0x9000, 0x20_1000));
        anchors.add(SPACE, anchor(0x5000, 0x9000, 0x80_5000));
        assert_eq!(anchors.of(SPACE, 0x4fff).map(|anchor| anchor.place(0x4000)), Some(0x20_4000));
        assert_eq!(anchors.of(SPACE, 0x5000).map(|anchor| anchor.place(0x6000)), Some(0x80_6000));
        assert_eq!((anchors.of(SPACE, 0xfff), anchors.of(SPACE, 0x9000)), (None, None));
        let left = Span { start: Addr::new(0x1000), bytes: 0x5000 };
        let left = Region { span: left, advice: Advice::Default, guest_start: None };
        anchors.keep_within(SPACE, &[left]);
        assert_eq!(anchors.of(SPACE, 0x5000).map(|anchor| anchor.end), Some(0x6000));
        assert!(anchors.grow(SPACE, 0x1000, 0x6000, 0x8000));
        assert_eq!(anchors.of(SPACE, 0x7000).map(|anchor| anchor.place(0x7000)), Some(0x80_7000));
        anchors.keep_within(SPACE, &[]);
        assert_eq!(anchors.of(SPACE, 0x2000), None);
    }

    proptest! {
        #[test]
        fn anchors_in_turn_are_those_of_each_address(
            all in prop::collection::vec((0..64_u64, 1..16_u64, 0..64_u64), 0..12),
            asked in prop::collection::vec(0..90_u64, 0..60),
        ) {
            let mut anchors = Anchors::default();
            for (at, pages, frame) in all {
                anchors.add(SPACE, anchor(at * BASE, (at + pages) * BASE, frame * BASE));
            }
            let mut in_turn = anchors.in_turn(SPACE);
            for page in asked {
                prop_assert_eq!(in_turn(page * BASE), anchors.of(SPACE, page * BASE).copied());
            }
        }
    }

    #[test]
    fn ranges_are_found_between_claims_and_within_memory() {
        let mut anchors = Anchors::default();
        let exists = |at| (BLOCK..20 * BLOCK).contains(&at);
        assert_eq!(anchors.unclaimed(BLOCK, 4 * BLOCK, exists), Some(BLOCK));
        anchors.add(SPACE, anchor(0, 2 * BLOCK, 3 * BLOCK));
        anchors.add(SpaceId(1), anchor(0, BLOCK + BASE, 8 * BLOCK));
        assert_eq!(anchors.unclaimed(BLOCK, 2 * BLOCK, exists), Some(BLOCK));
        assert_eq!(anchors.unclaimed(BLOCK, 3 * BLOCK, exists), Some(5 * BLOCK));
        assert_eq!(anchors.unclaimed(BLOCK, 4 * BLOCK, exists), Some(10 * BLOCK));
        assert_eq!(anchors.unclaimed(BLOCK, 11 * BLOCK, exists), None);
        assert!(anchors.is_unclaimed(5 * BLOCK, 3 * BLOCK) && !anchors.is_unclaimed(4 * BLOCK, BLOCK));
        anchors.forget(SpaceId(1));
        assert_eq!(anchors.unclaimed(BLOCK, 11 * BLOCK, exists), Some(5 * BLOCK));
    }
}
