//! EMA, the enhanced memory allocator: which frame serves a fault.
//!
//! The first fault in a part of a region without an offset chooses a run of free blocks for all of it: kept blocks if
//! there are any, else the next run that is long enough (next fit), else the longest there is, for a part of it. The
//! offset is a multiple of 2 MiB, so that base pages come to lie as a huge page would have them; only what is touched
//! is allocated.
//!
//! Where the frame at its place is in use, the paper opens a descriptor for the rest of the region. Here each block
//! decides for itself, when its first page is touched: what matters for a huge page is one block, and blocks that were
//! begun keep their offset. A block that has pages already takes any frame then: it cannot be made huge in place any
//! more, and a new block of memory would be broken for nothing.

use terrace_addr::{Bytes, PageSize};
use terrace_policy::{Advice, Effort, Fault, FrameUse, Layer, Placement};

use super::block::{LowerBlock, UpperBlock};
use super::booking::{Booking, Used, Why};
use super::counts::Counts;
use super::offsets::{Goes, Offsets};

/// Which faults take a huge page, where one fits.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum HugeFaults {
    /// All, if a block is free.
    Always,
    /// All, if a block is free, unless memory is more fragmented than this; then those for which a block is kept.
    Unfragmented(f64),
    /// Those for which a block is kept.
    Booked,
    Never,
}

/// The allocator.
#[derive(Debug, Clone)]
pub(super) struct Allocator {
    /// Whether base pages are placed; huge pages in kept blocks are, in any case.
    places: bool,
    huge_faults: HugeFaults,
    pub(super) offsets: Offsets,
    /// Where the next search begins.
    next: LowerBlock,
    /// No run of free blocks is longer, since memory was last seen to be freed.
    longest: u64,
}

/// So many runs that are steered to already are passed over in a search: `assumed`; it bounds the time of a fault.
const TRIES: u32 = 8;

const HUGE: u64 = PageSize::Size2M.bytes();

impl Allocator {
    pub(super) fn new(places: bool, huge_faults: HugeFaults) -> Self {
        let offsets = Offsets::default();
        Self { places, huge_faults, offsets, next: LowerBlock::FIRST, longest: u64::MAX }
    }

    /// Memory may have been freed: longer runs may be found than before.
    pub(super) fn memory_was_freed(&mut self) {
        self.longest = u64::MAX;
    }

    /// What serves a fault.
    pub(super) fn serve(
        &mut self,
        layer: &mut dyn Layer,
        booking: &mut Booking,
        fault: &Fault,
        counts: &mut Counts,
    ) -> Placement {
        if fault.region.advice == Advice::NoHugePage {
            return Placement::Default;
        }
        let place = (fault.space, UpperBlock::of(fault.addr));
        if let Some(block) = booking.claimed(place) {
            return self.in_kept(booking, fault, block, counts);
        }
        if !self.places {
            return self.without_offsets(layer, booking, fault, counts);
        }
        // Once as it is, and once more after a block got another offset.
        for _ in 0..2 {
            match self.offsets.find(place) {
                Goes::Unsaid if !fault.huge_fits => return Placement::Default,
                Goes::Unsaid => {
                    if let Some(reason) = self.open(layer, booking, fault, counts) {
                        *reason += 1;
                        return self.anywhere(fault);
                    }
                }
                Goes::To(block) => {
                    if let Some(placement) = self.at(layer, booking, fault, block, counts) {
                        return placement;
                    }
                    if !fault.huge_fits {
                        counts.faults_taken += 1;
                        return Placement::Default;
                    }
                    self.offsets.drop(place);
                }
                Goes::Anywhere => {
                    if !fault.huge_fits || (self.longest == 0 && booking.best_open(1).is_none()) {
                        counts.faults_no_extent += 1;
                        return Placement::Default;
                    }
                    // It is empty again, and there may be a place for it now.
                    self.offsets.drop(place);
                }
            }
        }
        match self.offsets.find(place) {
            Goes::To(block) => self.at(layer, booking, fault, block, counts).unwrap_or(Placement::Default),
            Goes::Anywhere | Goes::Unsaid => Placement::Default,
        }
    }

    /// A page of a block that goes to `block`, if its frame can be had.
    fn at(
        &self,
        layer: &mut dyn Layer,
        booking: &mut Booking,
        fault: &Fault,
        block: LowerBlock,
        counts: &mut Counts,
    ) -> Option<Placement> {
        let place = (fault.space, UpperBlock::of(fault.addr));
        let frame = frame_in(block, fault);
        match layer.frame(frame).ok()?.value {
            FrameUse::Free => {
                let huge = fault.huge_fits
                    && self.takes_huge(layer, booking)
                    && next_run(layer, block, 1) == Some(block);
                Some(if huge {
                    counts.faults_huge += 1;
                    Placement::HugeAt(block.start())
                } else {
                    counts.faults_in_place += 1;
                    Placement::Frame(frame)
                })
            }
            FrameUse::Reserved if booking.claim(block, place) => {
                Some(self.in_kept(booking, fault, block, counts))
            }
            _ => None,
        }
    }

    /// A page of a block for which a block is kept.
    fn in_kept(
        &self,
        booking: &mut Booking,
        fault: &Fault,
        block: LowerBlock,
        counts: &mut Counts,
    ) -> Placement {
        let huge = fault.huge_fits && self.huge_faults != HugeFaults::Never;
        let (used, placement) = if huge {
            counts.faults_huge += 1;
            (Used::Whole, Placement::HugeAt(block.start()))
        } else {
            counts.faults_in_place += 1;
            (Used::Pages, Placement::Frame(frame_in(block, fault)))
        };
        count_use(booking.use_it(block, used), counts);
        placement
    }

    /// Without offsets only whole blocks are placed.
    fn without_offsets(
        &self,
        layer: &mut dyn Layer,
        booking: &mut Booking,
        fault: &Fault,
        counts: &mut Counts,
    ) -> Placement {
        if !fault.huge_fits || self.huge_faults == HugeFaults::Never {
            return Placement::Default;
        }
        let place = (fault.space, UpperBlock::of(fault.addr));
        if let Some((block, _)) = booking.best_open(1)
            && booking.claim(block, place)
        {
            return self.in_kept(booking, fault, block, counts);
        }
        if self.takes_huge(layer, booking) { Placement::Huge(Effort::Light) } else { Placement::Default }
    }

    /// Whether a fault may take a huge page where no block is kept for it.
    fn takes_huge(&self, layer: &mut dyn Layer, booking: &Booking) -> bool {
        match self.huge_faults {
            HugeFaults::Always => true,
            HugeFaults::Unfragmented(most) => booking.fragmentation(layer) <= most,
            HugeFaults::Booked | HugeFaults::Never => false,
        }
    }

    /// A block whose pages lie anywhere: remembered, so that an offset that is found later does not mix them.
    fn anywhere(&mut self, fault: &Fault) -> Placement {
        if fault.region.span.bytes > HUGE {
            self.offsets.open((fault.space, UpperBlock::of(fault.addr)), 1, None);
        }
        Placement::Default
    }

    /// Chooses an offset for the part of a region around a block; the count of why it cannot, otherwise.
    fn open<'a>(
        &mut self,
        layer: &mut dyn Layer,
        booking: &mut Booking,
        fault: &Fault,
        counts: &'a mut Counts,
    ) -> Option<&'a mut u64> {
        let block = UpperBlock::of(fault.addr);
        let (start, bytes) = (fault.region.span.start, fault.region.span.bytes);
        let end = UpperBlock::of(start.offset_by(bytes.saturating_sub(1))).plus(1);
        let place = (fault.space, block);
        let (from, to) = self.offsets.gap(place, UpperBlock::of(start), end.max(block.plus(1)));
        let gap = to.after(from);
        let found = match booking.best_open(gap) {
            Some(found) => found,
            None if bytes <= HUGE => return Some(&mut counts.faults_small_region),
            None => match self.search(layer, gap) {
                Some(found) => found,
                None => return Some(&mut counts.faults_no_extent),
            },
        };
        let (target, blocks) = found;
        // From the block on, as programs fill memory, but not beyond what has no offset.
        let back = blocks.saturating_sub(to.after(block));
        let first = from.plus(block.after(from).saturating_sub(back));
        self.offsets.open((fault.space, first), blocks, Some(target));
        booking.promise(target, blocks);
        counts.offsets_opened += 1;
        None
    }

    /// A run of free blocks, as many as are wanted or else as many as there are together.
    fn search(&mut self, layer: &mut dyn Layer, wanted: u64) -> Option<(LowerBlock, u64)> {
        if self.longest == 0 {
            return None;
        }
        let mut blocks = wanted.min(self.longest);
        if blocks == wanted
            && let Some(found) = self.unsteered(layer, blocks)
        {
            return Some((found, blocks));
        }
        if self.longest > 1 {
            self.longest = longest_run(layer);
        }
        blocks = blocks.min(self.longest);
        while blocks > 0 {
            if let Some(found) = self.unsteered(layer, blocks) {
                return Some((found, blocks));
            }
            blocks /= 2;
        }
        // All that is free is steered to already. Who touches a block first gets it.
        let found = next_run(layer, self.next, 1);
        match found {
            Some(found) => {
                self.offsets.turn_away(found);
                self.next = found.plus(1).unwrap_or(LowerBlock::FIRST);
            }
            None => self.longest = 0,
        }
        found.map(|found| (found, 1))
    }

    /// The next run of so many free blocks that nothing is steered to.
    fn unsteered(&mut self, layer: &mut dyn Layer, blocks: u64) -> Option<LowerBlock> {
        let mut from = self.next;
        for _ in 0..TRIES {
            let found = next_run(layer, from, blocks)?;
            match self.offsets.steered_until(found, blocks) {
                None => {
                    self.next = found.plus(blocks).unwrap_or(LowerBlock::FIRST);
                    return Some(found);
                }
                Some(behind) => from = behind,
            }
        }
        None
    }
}

/// Notes the first use of a kept block.
pub(super) fn count_use(first: Option<Why>, counts: &mut Counts) {
    match first {
        Some(Why::Booked) => counts.bookings_consumed += 1,
        Some(Why::Bucket) => counts.bucket_reused += 1,
        None => {}
    }
}

/// The frame of the page of a fault, if its block lies in `block`.
fn frame_in(block: LowerBlock, fault: &Fault) -> terrace_addr::Addr<terrace_addr::Lower> {
    block.start().offset_by(fault.addr.align_down(PageSize::Size4K).offset_in(PageSize::Size2M))
}

/// The next run of so many free blocks, from one on.
pub(super) fn next_run(layer: &mut dyn Layer, from: LowerBlock, blocks: u64) -> Option<LowerBlock> {
    let bytes = Bytes::new(blocks.checked_mul(HUGE)?);
    let found = layer.next_free(from.start(), bytes).ok()?.value?;
    LowerBlock::begun_at(found.start)
}

/// How many whole blocks the longest run of free memory holds.
fn longest_run(layer: &mut dyn Layer) -> u64 {
    let Ok(found) = layer.largest_free() else { return 0 };
    found.value.map_or(0, |extent| {
        let start = extent.start.get();
        let first = start.next_multiple_of(HUGE);
        (start.saturating_add(extent.bytes.get()) / HUGE).saturating_sub(first / HUGE)
    })
}
