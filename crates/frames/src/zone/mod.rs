//! The frames of one node, as `mm/page_alloc.c` keeps those of a zone.
//!
//! Frames are numbered from a multiple of the largest block on, so that a number is aligned if its address is. The
//! rules, true between calls:
//! - every free frame is in exactly one free block, and a block lies on the list of its pageblock's kind;
//! - no two free blocks are each other's buddy below the largest order;
//! - [`FreeMap`] and the count of free frames say the same as the blocks.
//!
//! What is simpler than in Linux: one zone a node; two mobilities (no reclaimable, atomic or contiguous-memory type);
//! no per-processor lists of single frames; no boosted watermarks; blocks are always put at the head of their list.

mod give;
mod hybrid;
mod lists;
mod take;

use alloc::vec;
use alloc::vec::Vec;
use core::ops::Range;

use terrace_addr::{Bytes, PageSize, convert};

use crate::bits::FreeMap;
use crate::word::{Kind, NOWHERE, Word};
use crate::{Mobility, Order, Pageblock, ReservationId, Tag, Watermarks};
use hybrid::Hybrids;
use lists::FreeLists;

/// The most frames that a zone may have: their numbers must fit into a link, with room to align the first.
pub(crate) const MOST_FRAMES: usize = convert::index32(NOWHERE) - Order::MAX.length();

/// The most memory that a node may have: a little less than 1 TiB.
pub const MOST_OF_NODE: Bytes = Bytes::new(convert::count(MOST_FRAMES) * PageSize::Size4K.bytes());

#[derive(Clone)]
pub(crate) struct Zone {
    /// The number of the frame, among all of the space, that has number 0 here.
    base: u64,
    /// The frames that exist.
    frames: Range<usize>,
    /// By frame.
    words: Vec<u64>,
    /// The words of the heads of free blocks of the largest order, by block: such a frame's own word says that it is
    /// inside a free block.
    largest: Vec<u64>,
    map: FreeMap,
    lists: FreeLists,
    /// What each pageblock is for.
    pageblocks: Vec<Pageblock>,
    /// Where pageblocks that hold both are told apart.
    hybrids: Option<Hybrids>,
    free: usize,
    pub(crate) watermarks: Watermarks,
}

impl Zone {
    /// The zone of `count` free frames from frame number `first` of the space on.
    pub(crate) fn new(first: u64, count: usize, watermarks: Watermarks) -> Self {
        let skipped = first % Order::MAX.frames();
        let start = convert::index(skipped);
        let frames = start..start + count;
        let mut zone = Self {
            base: first - skipped,
            words: vec![0; frames.end],
            largest: vec![0; frames.end.div_ceil(Order::MAX.length())],
            map: FreeMap::new(frames.end),
            lists: FreeLists::new(),
            pageblocks: vec![Pageblock::Movable; frames.end.div_ceil(Order::HUGE.length())],
            hybrids: None,
            free: count,
            watermarks,
            frames: frames.clone(),
        };
        zone.map.give(frames.clone());
        // From the top down, so that the block that is put on its list last, and given out first, is the lowest.
        let mut end = frames.end;
        while end > start {
            let order = largest_before(end, start);
            end -= order.length();
            zone.push(end, order, Pageblock::Movable);
        }
        zone
    }

    /// The number here of frame number `frame` of the space, if it exists.
    #[inline(always)]
    pub(crate) fn find(&self, frame: u64) -> Option<usize> {
        let at = convert::index(frame.wrapping_sub(self.base));
        self.frames.contains(&at).then_some(at)
    }

    /// The number here of frame number `frame` of the space, or of the first or last end of the zone if it is outside.
    pub(crate) fn nearest(&self, frame: u64) -> usize {
        convert::index(frame.saturating_sub(self.base)).clamp(self.frames.start, self.frames.end)
    }

    /// The number in the space of frame `at`.
    #[inline(always)]
    pub(crate) fn number(&self, at: usize) -> u64 {
        self.base + convert::count(at)
    }

    pub(crate) const fn frames(&self) -> &Range<usize> {
        &self.frames
    }

    pub(crate) const fn map(&self) -> &FreeMap {
        &self.map
    }

    pub(crate) const fn free_frames(&self) -> usize {
        self.free
    }

    /// How many free blocks have exactly this order.
    pub(crate) fn blocks(&self, order: Order) -> u64 {
        Pageblock::ALL.into_iter().map(|list| self.lists.count(list, order)).sum()
    }

    #[inline(always)]
    fn word(&self, at: usize) -> Word {
        match Word(self.words[at]) {
            Word::INSIDE if at.is_multiple_of(Order::MAX.length()) => {
                Word(self.largest[at / Order::MAX.length()])
            }
            word => word,
        }
    }

    pub(crate) fn kind(&self, at: usize) -> Kind {
        self.word(at).kind()
    }

    /// The free block that holds frame `at`: its first frame and its order.
    pub(crate) fn free_block(&self, at: usize) -> Option<(usize, Order)> {
        let mut heads = Order::all().map(|order| (at & !(order.length() - 1), order));
        heads.find(|&(head, order)| self.word(head).is_head_of(order))
    }

    /// The mobility and the tag of a used frame.
    #[inline]
    pub(crate) fn used(&self, at: usize) -> Option<(Mobility, Option<Tag>)> {
        let word = self.word(at);
        word.is_used().then(|| (word.mobility(), word.tag()))
    }

    /// Whether frame `at` is used and now has this tag: `false` if it is not used.
    #[inline]
    pub(crate) fn set_tag(&mut self, at: usize, tag: Tag) -> bool {
        let word = self.word(at);
        if word.is_used() {
            self.words[at] = word.with_tag(tag).0;
        }
        word.is_used()
    }

    /// What the pageblock that holds frame `at` is for.
    #[inline(always)]
    pub(crate) fn pageblock(&self, at: usize) -> Pageblock {
        self.pageblocks[pageblock(at)]
    }

    /// The runs of the frames of `range` that reservation `id` still holds.
    pub(crate) fn reserved_runs(
        &self,
        range: Range<usize>,
        id: ReservationId,
    ) -> impl Iterator<Item = Range<usize>> {
        let reserved = Word::reserved(id).0;
        let mut end = range.start;
        self.words[range].chunk_by(move |&a, &b| (a == reserved) == (b == reserved)).filter_map(move |run| {
            let start = end;
            end += run.len();
            (run[0] == reserved).then_some(start..end)
        })
    }
}

/// The number of the pageblock that holds frame `at`.
pub(crate) const fn pageblock(at: usize) -> usize {
    at / Order::HUGE.length()
}

/// The largest order of which an aligned block ends at `end` and starts at or behind `start`.
fn largest_before(end: usize, start: usize) -> Order {
    let mut order = Order::MAX;
    while order > Order::BASE && (!end.is_multiple_of(order.length()) || end - start < order.length()) {
        order = order.smaller();
    }
    order
}
