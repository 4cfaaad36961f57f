//! Which frame belongs to which page: the offsets of a region.
//!
//! The rule: an offset is kept with the address where it was chosen, and holds for the addresses of its region that are
//! nearer to that one than to any other with an offset.

use alloc::collections::BTreeMap;

use terrace_addr::{Addr, Lower};
use terrace_policy::{Region, SpaceId};

use crate::blocks::end_of;

/// An offset: the frame that belongs to the address that it is kept with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Anchor {
    frame: u64,
    /// The region that it was chosen for, by its start.
    region: u64,
    /// When it was chosen, in the order of choices.
    age: u64,
}

/// The offsets of all regions.
#[derive(Debug, Clone)]
pub(super) struct Offsets {
    spaces: BTreeMap<SpaceId, BTreeMap<u64, Anchor>>,
    most: u64,
    chosen: u64,
}

impl Offsets {
    /// With at most so many for a region.
    pub(super) const fn new(most: u64) -> Self {
        Self { spaces: BTreeMap::new(), most, chosen: 0 }
    }

    /// The frame that belongs to an address of a region; none if the region has no offset, or it leads below the first
    /// frame.
    pub(super) fn frame(&self, space: SpaceId, region: &Region, at: u64) -> Option<Addr<Lower>> {
        let anchors = self.spaces.get(&space)?;
        let start = region.span.start.get();
        let own = |(_, anchor): &(&u64, &Anchor)| anchor.region == start;
        let before = anchors.range(start..=at).next_back().filter(own);
        let behind = anchors.range(at..end_of(region).max(at)).next().filter(own);
        let (&nearest, anchor) = match (before, behind) {
            (Some(before), Some(behind)) => {
                if at - before.0 <= behind.0 - at {
                    before
                } else {
                    behind
                }
            }
            (one, other) => one.or(other)?,
        };
        let frame = if at >= nearest {
            anchor.frame.checked_add(at - nearest)?
        } else {
            anchor.frame.checked_sub(nearest - at)?
        };
        Addr::try_new(frame).ok()
    }

    /// Keeps an offset: this frame belongs to this address.
    pub(super) fn keep(&mut self, space: SpaceId, region: &Region, at: u64, frame: Addr<Lower>) {
        let start = region.span.start.get();
        let anchors = self.spaces.entry(space).or_default();
        self.chosen += 1;
        anchors.insert(at, Anchor { frame: frame.get(), region: start, age: self.chosen });
        let span = start.min(at)..end_of(region).max(at + 1);
        // What another region left here holds no longer.
        let left = anchors.range(span.clone()).filter(|(_, anchor)| anchor.region != start);
        let left: alloc::vec::Vec<u64> = left.map(|(&at, _)| at).collect();
        for at in left {
            anchors.remove(&at);
        }
        let kept = terrace_addr::convert::count(anchors.range(span.clone()).count());
        if kept > self.most
            && let Some((&oldest, _)) = anchors.range(span).min_by_key(|(_, anchor)| anchor.age)
        {
            anchors.remove(&oldest);
        }
    }

    /// A space ended.
    pub(super) fn forget(&mut self, space: SpaceId) {
        self.spaces.remove(&space);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use terrace_addr::Span;
    use terrace_policy::Advice;

    const SPACE: SpaceId = SpaceId(3);
    const START: u64 = 0x1000_0000;

    const fn region(bytes: u64) -> Region {
        let span = Span { start: Addr::new(START), bytes };
        Region { span, advice: Advice::Default, guest_start: None }
    }

    #[test]
    fn the_nearest_offset_of_the_own_region_holds() {
        let mut offsets = Offsets::new(8);
        let region = region(0x100_0000);
        assert_eq!(offsets.frame(SPACE, &region, START), None);
        offsets.keep(SPACE, &region, START, Addr::new(0x800_0000));
        offsets.keep(SPACE, &region, START + 0x80_0000, Addr::new(0x200_0000));
        let frame = |at| offsets.frame(SPACE, &region, START + at).map(Addr::get);
        assert_eq!(frame(0x5000), Some(0x800_5000));
        assert_eq!(frame(0x3f_f000), Some(0x83f_f000));
        assert_eq!(frame(0x70_0000), Some(0x1f0_0000), "an offset holds for what is before it, too");
        assert_eq!(frame(0xff_f000), Some(0x27f_f000));
        let other = Region { span: Span { start: Addr::new(START + 0x1000), bytes: 0x1000 }, ..region };
        assert_eq!(offsets.frame(SPACE, &other, START + 0x1000), None);
        assert_eq!(offsets.frame(SpaceId(4), &region, START), None);
    }

    #[test]
    fn the_oldest_offset_is_forgotten_first() {
        let mut offsets = Offsets::new(2);
        let region = region(0x100_0000);
        for (at, frame) in [(0x80_0000, 0x1000_0000), (0, 0x2000_0000), (0x40_0000, 0x3000_0000)] {
            offsets.keep(SPACE, &region, START + at, Addr::new(frame));
        }
        assert_eq!(offsets.frame(SPACE, &region, START + 0x80_0000).map(Addr::get), Some(0x3040_0000));
        offsets.forget(SPACE);
        assert_eq!(offsets.frame(SPACE, &region, START), None);
    }
}
