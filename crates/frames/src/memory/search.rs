//! Finding runs of free frames.

use core::ops::Range;

use terrace_addr::{Addr, Bytes, PageSize, Space, convert};

use super::{Memory, address, bytes};
use crate::bits::{BLOCK, COVERS_A_WORD};
use crate::zone::Zone;
use crate::{Extent, NodeId, Order, Tag};

impl<L: Space> Memory<L> {
    /// The maximal runs of free frames of a node that have at least this size, by address.
    ///
    /// Takes time for each run, of any size; where only those of half a megabyte or more are wanted, only for each
    /// aligned group of 64 free frames that a shorter one covers.
    pub fn extents(&self, node: NodeId, at_least: Bytes) -> impl Iterator<Item = Extent<L>> {
        let zone = self.zone(node);
        let at_least = frames(at_least);
        let mut from = zone.frames().start;
        core::iter::from_fn(move || {
            let run = zone.map().next_run(from, at_least)?;
            from = run.end;
            Some(extent(zone, &run))
        })
    }

    /// The longest run of free frames of a node, the lowest of several.
    pub fn largest_extent(&self, node: NodeId) -> Option<Extent<L>> {
        let zone = self.zone(node);
        let start = zone.frames().start;
        // Short runs are many: they count only where there is no long one. A run with fewer whole blocks, by two or
        // more, than another is shorter.
        let blocks = convert::index32(zone.map().longest_blocks());
        let long = (blocks * BLOCK).max(COVERS_A_WORD);
        let mut largest = zone.map().next_run(start, long).or_else(|| zone.map().next_run(start, 1))?;
        while let Some(run) = zone.map().next_run(largest.end, largest.len() + 1) {
            largest = run;
        }
        Some(extent(zone, &largest))
    }

    /// The first place of a node, at `from` or above and else from its first address on, that is aligned to
    /// `alignment` and where `bytes` of free frames follow.
    pub fn next_fit(&self, node: NodeId, from: Addr<L>, bytes: Bytes, alignment: Order) -> Option<Addr<L>> {
        let zone = self.zone(node);
        let from = zone.nearest(from.get().div_ceil(PageSize::Size4K.bytes()));
        let length = frames(bytes);
        let found = first_fit(zone, from..zone.frames().end, length, alignment)
            .or_else(|| first_fit(zone, zone.frames().start..from, length, alignment))?;
        Some(address(zone, found))
    }

    /// The used frames of a node that have this tag, by address. Looks at every frame.
    pub fn tagged(&self, node: NodeId, tag: Tag) -> impl Iterator<Item = Addr<L>> {
        let zone = self.zone(node);
        let has = move |&at: &usize| zone.used(at).is_some_and(|(_, found)| found == Some(tag));
        zone.frames().clone().filter(has).map(move |at| address(zone, at))
    }
}

/// The first aligned frame of `starts` at which a run of `length` free frames begins.
fn first_fit(zone: &Zone, starts: Range<usize>, length: usize, alignment: Order) -> Option<usize> {
    if alignment == Order::HUGE && length.is_multiple_of(BLOCK) {
        let blocks = u32::try_from(length / BLOCK).ok()?;
        return zone.map().next_blocks(starts.start, blocks).filter(|&at| at < starts.end);
    }
    let mut from = starts.start;
    loop {
        // An aligned place holds a group of 64 aligned frames, if it and its alignment are that large.
        let run = if alignment.length().min(length) >= 64 {
            zone.map().next_covering_run(from, length)?
        } else {
            zone.map().next_run(from, length)?
        };
        let at = run.start.next_multiple_of(alignment.length());
        if at >= starts.end {
            return None;
        }
        if at + length <= run.end {
            return Some(at);
        }
        from = run.end;
    }
}

/// How many frames hold so much: at least one.
fn frames(bytes: Bytes) -> usize {
    convert::index((bytes.get().div_ceil(PageSize::Size4K.bytes())).max(1))
}

fn extent<L: Space>(zone: &Zone, run: &Range<usize>) -> Extent<L> {
    Extent { start: address(zone, run.start), bytes: bytes(run.len()) }
}
