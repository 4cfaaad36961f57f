//! Giving back: a block merges with its buddy as long as that is free and of the same order.

use core::ops::Range;

use super::Zone;
use crate::word::Word;
use crate::{Order, ReservationId};

impl Zone {
    /// Whether every frame of `range` is used.
    pub(crate) fn all_used(&self, range: Range<usize>) -> bool {
        self.words[range].iter().all(|&word| Word(word).is_used())
    }

    /// Whether a frame of `range`, all of which are used, is lent by a reservation.
    pub(crate) fn any_lent(&self, range: Range<usize>) -> bool {
        self.words[range].iter().any(|&word| Word(word).is_lent())
    }

    /// Puts the used frame `at` back into reservation `id`.
    pub(crate) fn give_to(&mut self, at: usize, id: ReservationId) {
        if self.hybrids.is_some() {
            self.note_given(at..at + 1);
        }
        self.words[at] = Word::reserved(id).0;
    }

    /// Frees a block, none of whose frames is free. One larger than a pageblock is freed as pageblocks, since the two
    /// may differ in mobility (`split_large_buddy` in `mm/page_alloc.c`).
    #[inline]
    pub(crate) fn give(&mut self, at: usize, order: Order) {
        let range = at..at + order.length();
        if self.hybrids.is_some() {
            self.note_given(range.clone());
        }
        self.free += range.len();
        self.map.give(range.clone());
        self.words[range].fill(Word::INSIDE.0);
        if order > Order::HUGE {
            self.merge(at, Order::HUGE);
            self.merge(at + Order::HUGE.length(), Order::HUGE);
        } else {
            self.merge(at, order);
        }
    }

    /// Frees a run of frames, none of which is free.
    pub(crate) fn give_run(&mut self, run: Range<usize>) {
        let mut at = run.start;
        while at < run.end {
            let order = Order::largest_at(at, run.end);
            self.give(at, order);
            at += order.length();
        }
    }

    /// Puts a free block on its list, merged with its free buddies (`__free_one_page`).
    #[inline]
    fn merge(&mut self, at: usize, order: Order) {
        let (mut at, mut order) = (at, order);
        let list = self.pageblock(at);
        while order < Order::MAX {
            let buddy = at ^ order.length();
            if buddy >= self.words.len() || !self.word(buddy).is_head_of(order) {
                break;
            }
            let (_, of_buddy) = self.remove(buddy);
            if of_buddy != list {
                // Only pageblocks differ in what they are for: the buddy is one, and the merged block is of one kind.
                self.set_pageblocks(buddy, order, list);
            }
            at &= buddy;
            order = order.larger();
        }
        self.push(at, order, list);
    }
}
