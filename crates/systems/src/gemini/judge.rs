//! What follows from what both layers hold: which blocks are booked, and which are let go.

use terrace_addr::{Nanos, PageSize};
use terrace_policy::{Block, Budget, CollapseInto, FrameUse, Layer};

use super::Gemini;
use super::allocator::next_run;
use super::block::{LowerBlock, PAGES, Place};
use super::booking::{Kept, Used, Whose, Why};
use super::census::{Touched, is_left};
use super::labels::Standing;
use super::promoter::{collapse, permits};
use super::settings::Mechanism;

/// So many blocks that were in use are tried again in a scan, in turn: what frees them need not be a change of a table
/// (a table page, somebody else's memory). `assumed`.
const RETRIES: usize = 512;

impl Gemini {
    /// Decides anew about what changed.
    pub(super) fn judge(&mut self, layer: &mut dyn Layer, budget: &mut Budget) {
        let touched = core::mem::take(&mut self.touched);
        self.labels.note(&touched);
        let users = touched.lowers.iter().flat_map(|&block| self.census.users(block));
        for place in users.chain(touched.uppers.iter().copied()) {
            self.promoter.sort(place, &self.census, &self.labels);
        }
        self.forget_regions(layer, &touched);
        for &block in &touched.lowers {
            self.judge_lower(layer, budget, block);
        }
        for &place in &touched.uppers {
            self.judge_upper(layer, budget, place);
        }
        self.retry(layer, budget);
    }

    /// A block of memory: booked if it is huge below and free here; let go if it is huge below no longer.
    fn judge_lower(&mut self, layer: &mut dyn Layer, budget: &mut Budget, block: LowerBlock) {
        let Some(standing) = self.labels.standing(block) else {
            if self.booking.is_unused(block) && !self.booking.is_claimed(block) {
                let _kept = self.booking.let_go(layer, block);
            }
            return;
        };
        if self.booking.is_kept(block) {
            *standing = Standing::Free;
            return;
        }
        if self.census.users(block).next().is_some() {
            *standing = Standing::Used;
            return;
        }
        // The first frame tells where a reservation will not.
        let free = matches!(layer.frame(block.start()), Ok(found) if found.value == FrameUse::Free);
        *standing = if free { Standing::Free } else { Standing::Used };
        if !free || !self.booking_now(layer) {
            return;
        }
        let whose = self.whose(block);
        let booked = self.book(layer, budget, block, whose);
        if !booked && let Some(standing) = self.labels.standing(block) {
            *standing = Standing::Used;
        }
    }

    /// A block of an address space: if it is huge above and empty here, any free block is booked for it, one that is
    /// huge below if there is one.
    fn judge_upper(&mut self, layer: &mut dyn Layer, budget: &mut Budget, place: Place) {
        if !self.labels.is_huge_above(place) {
            let booked = self.booking.claimed(place).filter(|&block| self.booking.is_unused(block));
            if let Some(block) = booked {
                let _kept = self.booking.let_go(layer, block);
            }
            return;
        }
        if self.census.held(place).is_some() || self.booking.claimed(place).is_some() {
            return;
        }
        if let Some((block, _)) = self.booking.best_open(1) {
            self.booking.claim(block, place);
        } else if self.booking_now(layer)
            && let Some(block) = next_run(layer, self.next, 1)
            && self.book(layer, budget, block, Whose::Claimed(place))
        {
            self.next = block.plus(1).unwrap_or(LowerBlock::FIRST);
        }
    }

    fn book(&mut self, layer: &mut dyn Layer, budget: &mut Budget, block: LowerBlock, whose: Whose) -> bool {
        let until = after(layer.now(), self.timeout.effective());
        let cost = self.booking.keep(layer, block, Why::Booked, whose, until);
        if let Some(cost) = cost {
            budget.spend(cost);
            self.counts.booked += 1;
        }
        cost.is_some()
    }

    /// Whom a block is for that is free: offsets may lead there already.
    pub(super) fn whose(&self, block: LowerBlock) -> Whose {
        match self.allocator.offsets.steered_until(block, 1) {
            Some(_) => Whose::Promised,
            None => Whose::Open,
        }
    }

    /// Whether another block may be booked.
    fn booking_now(&self, layer: &mut dyn Layer) -> bool {
        self.settings.has(Mechanism::Booking) && layer.now() >= self.quiet_until && self.may_keep(layer)
    }

    /// Whether so much of the free memory is kept that another block may be.
    pub(super) fn may_keep(&self, layer: &mut dyn Layer) -> bool {
        let Ok(found) = layer.fragmentation() else { return false };
        let (free, kept) = (found.value.free.get(), self.booking.bytes().get());
        if free < PageSize::Size2M.bytes() + super::LEAST_FREE.get() {
            return false;
        }
        let most = terrace_addr::convert::ratio(free.saturating_add(kept), 1) * self.settings.kept_share;
        terrace_addr::convert::ratio(kept + PageSize::Size2M.bytes(), 1) <= most
    }

    /// Tries blocks again that are huge below and were in use.
    fn retry(&mut self, layer: &mut dyn Layer, budget: &mut Budget) {
        if !self.settings.has(Mechanism::Booking) {
            return;
        }
        let mut blocks = alloc::vec::Vec::new();
        let mut last = None;
        for (block, _) in self.labels.below_from(self.retry_from).take(RETRIES) {
            last = Some(block);
            if !self.booking.is_kept(block) {
                blocks.push(block);
            }
        }
        self.retry_from = last.and_then(|block| block.plus(1)).unwrap_or(LowerBlock::FIRST);
        for block in blocks {
            if !is_left(*budget) {
                return;
            }
            self.judge_lower(layer, budget, block);
        }
    }

    /// Forgets the offsets of regions that are no longer there, in spaces in which blocks became empty.
    fn forget_regions(&mut self, layer: &mut dyn Layer, touched: &Touched) {
        let mut last = None;
        for &(space, block) in &touched.uppers {
            if last == Some(space) || self.census.held((space, block)).is_some() {
                continue;
            }
            last = Some(space);
            let mut regions = alloc::vec::Vec::new();
            if layer.regions(space, &mut regions).is_err() {
                continue;
            }
            let blocks: alloc::vec::Vec<_> = regions.iter().map(super::blocks_of).collect();
            self.allocator.offsets.keep(space, &blocks);
        }
    }

    /// Lets the blocks go whose time is over; those that are more than half full are completed first.
    pub(super) fn expire(&mut self, layer: &mut dyn Layer, budget: &mut Budget) {
        let now = layer.now();
        self.booking.settle(layer);
        while let Some((block, kept)) = self.booking.due(now) {
            if self.settings.has(Mechanism::Preallocation) && self.complete(layer, budget, block, &kept) {
                self.counts.preallocated += 1;
            } else if kept.why == Why::Bucket && kept.used == Used::Not {
                self.counts.bucket_expired += 1;
            } else {
                self.counts.bookings_expired += 1;
            }
            let _kept = self.booking.let_go(layer, block);
            // It may be booked again, by the next scan.
            self.touched.lowers.insert(block);
            self.touched.uppers.extend(kept.claim);
        }
    }

    /// Makes a booked block huge of which more than half is there, if memory is not too fragmented (the
    /// paper's huge preallocation: more than 256 of 512, at an index of 0.5 at most).
    fn complete(
        &mut self,
        layer: &mut dyn Layer,
        budget: &mut Budget,
        block: LowerBlock,
        kept: &Kept,
    ) -> bool {
        let Some(place) = kept.claim.filter(|_| kept.used == Used::Pages) else { return false };
        let Ok(seen) = layer.block(place.0, place.1.start()) else { return false };
        budget.spend(seen.cost);
        let Block::Base { present, in_place: Some(at), .. } = seen.value else { return false };
        present > PAGES / 2
            && LowerBlock::of(at) == block
            && self.booking.fragmentation(layer) <= self.settings.preallocation_fragmentation
            && permits(layer, place)
            && collapse(layer, budget, place, CollapseInto::InPlace).is_ok()
    }

    /// Empties the bucket if memory is too fragmented.
    pub(super) fn empty_bucket(&mut self, layer: &mut dyn Layer) {
        if !self.settings.has(Mechanism::Bucket)
            || self.booking.fragmentation(layer) <= self.settings.bucket_fragmentation
        {
            return;
        }
        let blocks: alloc::vec::Vec<_> = self.booking.unused(Why::Bucket).collect();
        for block in blocks {
            if self.booking.let_go(layer, block).is_some() {
                self.counts.bucket_emptied += 1;
            }
        }
    }
}

/// A time later.
pub(super) const fn after(now: Nanos, by: Nanos) -> Nanos {
    Nanos::new(now.get().saturating_add(by.get()))
}
