//! Allocation: split the smallest block that is large enough, of the own mobility first.

use core::ops::Range;

use super::Zone;
use crate::word::Word;
use crate::{Mobility, Order, Pageblock, ReservationId};

/// The order from which on a block of the other mobility is worth converting its pageblock for movable memory: half of
/// a pageblock's (`can_steal_fallback` in `mm/page_alloc.c`).
const WORTH_STEALING: Order = match Order::new(Order::HUGE.get() / 2) {
    Some(order) => order,
    None => Order::HUGE,
};

impl Zone {
    /// Takes a free block, whatever the watermarks say.
    #[inline]
    pub(crate) fn allocate(&mut self, order: Order, mobility: Mobility) -> Option<usize> {
        let at = self.take_own(order, mobility).or_else(|| self.fall_back(order, mobility))?;
        self.use_frames(at..at + order.length(), Word::used(mobility));
        Some(at)
    }

    /// Takes the block at `at`, all of whose frames are free, for `mobility`.
    pub(crate) fn allocate_at(&mut self, at: usize, order: Order, mobility: Mobility) {
        self.carve(at, order);
        self.use_frames(at..at + order.length(), Word::used(mobility));
    }

    /// Puts the block at `at`, all of whose frames are free, aside.
    pub(crate) fn reserve(&mut self, at: usize, order: Order, id: ReservationId) {
        self.carve(at, order);
        self.use_frames(at..at + order.length(), Word::reserved(id));
    }

    /// Takes a block that is put aside for `mobility`.
    pub(crate) fn allocate_reserved(&mut self, at: usize, order: Order, mobility: Mobility) {
        self.set_used(at..at + order.length(), Word::lent(mobility));
    }

    #[inline]
    fn use_frames(&mut self, range: Range<usize>, word: Word) {
        self.free -= range.len();
        self.map.take(range.clone());
        self.set_used(range, word);
    }

    /// Writes what frames that are not free are now.
    #[inline]
    fn set_used(&mut self, range: Range<usize>, word: Word) {
        self.words[range.clone()].fill(word.0);
        if self.hybrids.is_some() {
            self.note_used(range, word);
        }
    }

    /// Takes a block of a pageblock that is for this mobility.
    #[inline]
    fn take_own(&mut self, order: Order, mobility: Mobility) -> Option<usize> {
        if self.hybrids.is_some() {
            return self.take_beside_hybrids(order, mobility);
        }
        self.take_smallest(order, Pageblock::of(mobility))
    }

    /// Takes the first block of the smallest sufficient order of one list (`__rmqueue_smallest`).
    #[inline]
    pub(super) fn take_smallest(&mut self, order: Order, list: Pageblock) -> Option<usize> {
        let at = order.and_above().find_map(|order| self.lists.first(list, order))?;
        Some(self.take_and_split(at, order))
    }

    /// Takes the free block at `at`, of which the first `order` are wanted; the rest goes back to its list, the half
    /// above first, so that the lowest is given out next (`expand`).
    #[inline]
    fn take_and_split(&mut self, at: usize, order: Order) -> usize {
        let (mut high, list) = self.remove(at);
        while high > order {
            high = high.smaller();
            self.push(at + high.length(), high, list);
        }
        at
    }

    /// Takes the block at `at` out of the free block that holds it. All of its frames are free, and free buddies are
    /// always merged, so that there is one such block.
    fn carve(&mut self, at: usize, order: Order) {
        let Some((mut rest, _)) = self.free_block(at) else {
            unreachable!("a free frame is in a free block")
        };
        let (mut high, list) = self.remove(rest);
        while high > order {
            high = high.smaller();
            let upper = rest + high.length();
            if at < upper {
                self.push(upper, high, list);
            } else {
                self.push(rest, high, list);
                rest = upper;
            }
        }
    }

    /// Takes a block of the other mobility (`__rmqueue_fallback`, as of Linux 6.10): the largest, so that the two mix
    /// in few pageblocks; but a small movable allocation that could not convert a pageblock takes the smallest.
    #[cold]
    fn fall_back(&mut self, order: Order, mobility: Mobility) -> Option<usize> {
        let other = Pageblock::other(mobility);
        let largest = order.and_above().rev().find(|&order| self.lists.first(other, order).is_some())?;
        let steals = mobility == Mobility::Unmovable || largest >= WORTH_STEALING;
        if !steals {
            return self.take_smallest(order, other);
        }
        let at = self.lists.first(other, largest)?;
        Some(self.steal(at, order, largest, mobility))
    }

    /// Takes `order` out of the free block at `at` of the other mobility, and converts its pageblock if at least half
    /// of it is free or suits `mobility` (`steal_suitable_fallback`, as of Linux 6.10).
    fn steal(&mut self, at: usize, order: Order, current: Order, mobility: Mobility) -> usize {
        let own = Pageblock::of(mobility);
        if current >= Order::HUGE {
            self.set_pageblocks(at, current, own);
            self.remove(at);
            self.push(at, current, own);
            return self.take_and_split(at, order);
        }
        if self.hybrids.is_some() {
            // The pageblock becomes a hybrid one with the frames that are taken.
            return self.take_and_split(at, order);
        }
        let start = at & !(Order::HUGE.length() - 1);
        let block = start..start + Order::HUGE.length();
        let whole = self.frames.start <= block.start && block.end <= self.frames.end;
        if whole && self.suits(block.clone(), mobility) >= Order::HUGE.length() / 2 {
            self.convert(block, own);
            if let Some(at) = self.take_smallest(order, own) {
                return at;
            }
        }
        self.take_and_split(at, order)
    }

    /// How many frames of a pageblock are free or used by what has this mobility.
    fn suits(&self, block: Range<usize>, mobility: Mobility) -> usize {
        let mut suited = 0;
        let mut at = block.start;
        while at < block.end {
            let word = self.word(at);
            let length = if word.is_head() { word.order().length() } else { 1 };
            if word.is_head() || word.is_used() && word.mobility() == mobility {
                suited += length;
            }
            at += length;
        }
        suited
    }

    /// Moves the free blocks of a pageblock to the lists of `kind` (`move_freepages_block`).
    pub(super) fn convert(&mut self, block: Range<usize>, kind: Pageblock) {
        self.set_pageblocks(block.start, Order::HUGE, kind);
        let mut at = block.start;
        while at < block.end {
            if self.word(at).is_head() {
                let (order, _) = self.remove(at);
                self.push(at, order, kind);
                at += order.length();
            } else {
                at += 1;
            }
        }
    }

    /// Says what the pageblocks of a block of at least their size are for.
    pub(super) fn set_pageblocks(&mut self, at: usize, order: Order, kind: Pageblock) {
        let first = at / Order::HUGE.length();
        self.pageblocks[first..first + order.length() / Order::HUGE.length()].fill(kind);
    }
}
