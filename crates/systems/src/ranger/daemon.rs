//! The daemon: it goes over all regions, block by block, brings their pages to their places, and sleeps.

use alloc::collections::BTreeSet;
use alloc::vec::Vec;

use terrace_addr::{Addr, Bytes, Lower, Nanos};
use terrace_policy::{
    Action, Block, Budget, CollapseInto, FrameUse, Layer, Leaf, NextWake, Refused, Region, SpaceId, Values,
};

use super::anchors::{Anchor, Anchors};
use super::counts::Counts;
use super::mover::{self, Blocked, Came};
use super::round::Round;
use crate::blocks::{self, BLOCK, end_of, huge_page, may_be_huge};

/// How many ranges are tried for one block, before what is in the way stays there. `assumed`: each costs a look at the
/// block's pages and their places.
const TRIES: u32 = 4;

/// The daemon.
#[derive(Debug, Clone)]
pub(super) struct Daemon {
    period: Nanos,
    rest: Nanos,
    chunks: u64,
    smallest: u64,
    share: f64,
    new_anchor: bool,
    promotes: bool,
    anchors: Anchors,
    round: Round,
    /// The space that the round was in.
    in_space: Option<SpaceId>,
    /// The smallest region of that space that is looked at.
    least: u64,
    /// Blocks in which nothing has changed since all their pages lay at their places.
    settled: BTreeSet<(SpaceId, u64)>,
    /// Blocks for which ranges were tried often enough: what can be moved to their places is, and the rest stays.
    stuck: BTreeSet<(SpaceId, u64)>,
    /// Up to where changes are known.
    changes: u64,
    /// The first frame of the memory that anchors are chosen in.
    memory: Option<u64>,
    wake: Nanos,
    pub(super) counts: Counts,
}

impl Daemon {
    pub(super) fn new(values: &Values) -> Self {
        Self {
            period: values.time("period"),
            rest: values.time("rest"),
            chunks: values.count("chunks"),
            smallest: values.bytes("smallest_region").get(),
            share: values.share("region_share"),
            new_anchor: values.word("blocked") == "new-anchor",
            promotes: values.word("promote") == "on",
            anchors: Anchors::default(),
            round: Round::default(),
            in_space: None,
            least: 0,
            settled: BTreeSet::new(),
            stuck: BTreeSet::new(),
            changes: 0,
            memory: None,
            wake: Nanos::ZERO,
            counts: Counts::default(),
        }
    }

    /// A space ended.
    pub(super) fn forget(&mut self, space: SpaceId) {
        self.anchors.forget(space);
        self.settled.retain(|&(settled, _)| settled != space);
        self.stuck.retain(|&(stuck, _)| stuck != space);
    }

    /// A pass, or a part of one, if it is time.
    pub(super) fn wake(&mut self, layer: &mut dyn Layer, budget: &mut Budget) -> NextWake {
        let now = layer.now();
        if now < self.wake {
            return NextWake::At(self.wake);
        }
        self.learn_changes(layer, budget);
        self.round.resume();
        self.in_space = None;
        let mut looked_at = 0;
        let sleep = loop {
            let Some((space, block)) = self.round.next(layer) else {
                self.counts.passes += 1;
                break self.period;
            };
            if self.in_space != Some(space) {
                self.in_space = Some(space);
                self.anchors.keep_within(space, self.round.regions());
                self.least = least_of(self.round.regions(), self.share).max(self.smallest);
            }
            if self.settled.contains(&(space, block)) {
                continue;
            }
            let came = self.bring(layer, budget, space, block);
            looked_at += 1;
            if came == Came::Aligned {
                self.settled.insert((space, block));
            }
            if came == Came::Spent || budget.left() == terrace_addr::Cycles::ZERO || looked_at == self.chunks
            {
                break self.rest;
            }
        };
        self.wake = Nanos::new(now.get().saturating_add(sleep.get()));
        NextWake::At(self.wake)
    }

    fn learn_changes(&mut self, layer: &mut dyn Layer, budget: &mut Budget) {
        let mut changed = Vec::new();
        let answer = match layer.changes(self.changes, &mut changed) {
            Err(Refused::Gone) => {
                self.settled.clear();
                layer.changes(u64::MAX, &mut changed)
            }
            answer => answer,
        };
        for at in changed {
            self.settled.remove(&(at.space, blocks::block_of(at.at.get())));
        }
        match answer {
            Ok(next) => {
                budget.spend(next.cost);
                self.changes = next.value;
            }
            // Whatever was settled may have changed.
            Err(_) => self.settled.clear(),
        }
    }

    /// Brings the pages of a block to their places.
    fn bring(&mut self, layer: &mut dyn Layer, budget: &mut Budget, space: SpaceId, block: u64) -> Came {
        let mut pages = Vec::new();
        if !mover::leaves(layer, budget, space, block, &mut pages) {
            return Came::Spent;
        }
        self.counts.blocks += 1;
        pages.retain(|leaf| self.region(leaf.page.start().get()).is_some());
        let mut anchored = 0..0;
        for leaf in &pages {
            let at = leaf.page.start().get();
            if anchored.contains(&at) {
                continue;
            }
            if self.anchors.of(space, at).is_none() {
                self.anchor(layer, budget, space, leaf);
            }
            anchored = self.anchors.of(space, at).map_or(at..at, |anchor| anchor.at..anchor.end);
        }
        let mut blocked = Blocked::Skip;
        let mut tries = 0;
        if self.new_anchor && !self.stuck.contains(&(space, block)) {
            blocked = Blocked::Stop;
        }
        loop {
            let came = mover::bring(layer, budget, (space, &pages), &self.anchors, blocked, &mut self.counts);
            if came == Came::Aligned {
                self.promote(layer, budget, space, block);
            }
            if came != Came::Blocked {
                return came;
            }
            tries += 1;
            if tries == TRIES || !self.anchor_again(layer, budget, space, &pages) {
                // Trying again in each pass would move the rest of the region each time.
                self.stuck.insert((space, block));
                blocked = Blocked::Skip;
            }
        }
    }

    /// The region of an address, if it is one of those that are made contiguous.
    fn region(&self, at: u64) -> Option<Region> {
        let regions = self.round.regions();
        let region = *regions.get(regions.partition_point(|region| end_of(region) <= at))?;
        (region.span.start.get() <= at && region.span.bytes >= self.least).then_some(region)
    }

    /// Chooses where a region, or what of it has no anchor from a page on, is to lie.
    fn anchor(&mut self, layer: &mut dyn Layer, budget: &mut Budget, space: SpaceId, leaf: &Leaf) {
        let at = leaf.page.start().get();
        let Some(region) = self.region(at) else { return };
        let (start, end) = (region.span.start.get(), end_of(&region));
        // The public code, too, lets the last range of a region that grew hold what is new.
        let has_some = self.anchors.of(space, start).is_some();
        let from = if has_some { blocks::block_of(at).max(start) } else { start };
        if !self.anchors.grow(space, start, at, end)
            && self.choose(layer, budget, (space, from, end), leaf.frame, None)
        {
            self.counts.anchors += 1;
        }
    }

    /// Chooses where the rest of a region is to lie, from the block of these pages on: not where it was to be.
    fn anchor_again(
        &mut self,
        layer: &mut dyn Layer,
        budget: &mut Budget,
        space: SpaceId,
        pages: &[Leaf],
    ) -> bool {
        let Some(leaf) = pages.first() else { return false };
        let at = leaf.page.start().get();
        let (Some(region), Some(anchor)) = (self.region(at), self.anchors.of(space, at).copied()) else {
            return false;
        };
        let from = blocks::block_of(at).max(region.span.start.get()).max(anchor.at);
        let behind = blocks::block_of(anchor.place(from)) + BLOCK;
        // What has got another range since keeps it.
        let rest = (space, from, anchor.end.min(end_of(&region)));
        let kept = anchor;
        self.anchors.cut(space, from, anchor.end);
        let chosen = self.choose(layer, budget, rest, leaf.frame, Some(behind));
        if chosen {
            self.counts.anchors_again += 1;
        } else {
            self.anchors.add(space, Anchor { at: from, frame: kept.place(from), end: kept.end });
        }
        chosen
    }

    /// Chooses a range of memory that no other anchor claims: free memory that holds all, or else the lowest, whatever
    /// is in it, at or behind an address.
    fn choose(
        &mut self,
        layer: &mut dyn Layer,
        budget: &mut Budget,
        (space, from, end): (SpaceId, u64, u64),
        known: Addr<Lower>,
        behind: Option<u64>,
    ) -> bool {
        let first = blocks::block_of(from);
        let bytes = (end - first).next_multiple_of(BLOCK);
        let start = self.free_range(layer, budget, bytes, behind).or_else(|| {
            let lowest = self.memory_start(layer, budget, known);
            let exists =
                |at| layer.frame(Addr::truncate(at)).is_ok_and(|seen| seen.value != FrameUse::Absent);
            let found = self.anchors.unclaimed(behind.unwrap_or(lowest), bytes, exists);
            let exists =
                |at| layer.frame(Addr::truncate(at)).is_ok_and(|seen| seen.value != FrameUse::Absent);
            found.or_else(|| self.anchors.unclaimed(lowest, bytes, exists))
        });
        let Some(start) = start else {
            self.counts.no_range += 1;
            return false;
        };
        self.anchors.add(space, Anchor { at: from, end, frame: start + (from - first) });
        true
    }

    fn free_range(
        &self,
        layer: &mut dyn Layer,
        budget: &mut Budget,
        bytes: u64,
        behind: Option<u64>,
    ) -> Option<u64> {
        let found = layer.next_free(Addr::truncate(behind.unwrap_or(0)), Bytes::new(bytes)).ok()?;
        budget.spend(found.cost);
        let start = found.value?.start.get();
        self.anchors.is_unclaimed(start, bytes).then_some(start)
    }

    /// The first frame of the run of memory that holds a frame that is known.
    fn memory_start(&mut self, layer: &mut dyn Layer, budget: &mut Budget, known: Addr<Lower>) -> u64 {
        if let Some(start) = self.memory {
            return start;
        }
        let mut exists = |block: u64| {
            let seen = layer.frame(Addr::truncate(block * BLOCK));
            seen.is_ok_and(|seen| {
                budget.spend(seen.cost);
                seen.value != FrameUse::Absent
            })
        };
        // There is no block before `absent`, and there is one at `present`.
        let (mut absent, mut present) = (0, known.get() / BLOCK);
        while absent < present {
            let middle = absent + (present - absent) / 2;
            if exists(middle) {
                present = middle;
            } else {
                absent = middle + 1;
            }
        }
        self.memory = Some(present * BLOCK);
        present * BLOCK
    }

    /// A block all of whose base pages lie at their places becomes a huge page there.
    fn promote(&mut self, layer: &mut dyn Layer, budget: &mut Budget, space: SpaceId, block: u64) {
        if !self.promotes || !self.region(block).is_some_and(|region| may_be_huge(&region, block)) {
            return;
        }
        let Ok(seen) = layer.block(space, Addr::truncate(block)) else { return };
        budget.spend(seen.cost);
        if !matches!(seen.value, Block::Base { present: 512, in_place: Some(_), .. }) {
            return;
        }
        let action = Action::Collapse { space, page: huge_page(block), into: CollapseInto::InPlace };
        if let Ok(applied) = layer.apply(&action) {
            budget.spend(applied.cost);
            self.counts.promoted += 1;
        }
    }
}

/// How large a region must be to be among the largest, of which there is this share.
fn least_of(regions: &[Region], share: f64) -> u64 {
    let mut sizes: Vec<u64> = regions.iter().map(|region| region.span.bytes).collect();
    sizes.sort_unstable();
    let count = terrace_addr::convert::count(sizes.len());
    let passed_over = terrace_addr::convert::floor((1.0 - share) * terrace_addr::convert::ratio(count, 1));
    let place = terrace_addr::convert::index(passed_over.min(count.saturating_sub(1)));
    sizes.get(place).copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use terrace_addr::Span;
    use terrace_policy::Advice;

    #[test]
    fn the_largest_regions_are_taken_first() {
        let region = |bytes| Region {
            span: Span { start: Addr::ZERO, bytes },
            advice: Advice::Default,
            guest_start: None,
        };
        let regions = [7, 3, 9, 5].map(region);
        for (share, least) in [(1.0, 3), (0.75, 5), (0.5, 7), (0.1, 9), (0.0, 9)] {
            assert_eq!(least_of(&regions, share), least, "{share}");
        }
        assert_eq!(least_of(&[], 1.0), 0);
    }
}
