//! Pageblocks that hold memory of both mobilities, told apart (Panwar et al., "Making Huge Pages Actually Useful",
//! ASPLOS 2018: Illuminator).
//!
//! Linux knows of a pageblock only for which mobility it is meant. Here the unmovable frames of each are counted:
//! - a pageblock for movable memory becomes hybrid with its first unmovable frame, and one for unmovable memory with a
//!   movable frame;
//! - it is for movable memory again when its last unmovable frame is given back, and for unmovable memory when no frame
//!   of it is anything else.

use alloc::vec;
use alloc::vec::Vec;
use core::ops::Range;

use terrace_addr::convert;

use super::{Zone, pageblock};
use crate::word::Word;
use crate::{Mobility, Order, Pageblock};

/// How many unmovable frames each pageblock has.
#[derive(Clone)]
pub(super) struct Hybrids {
    unmovable: Vec<u16>,
}

impl Zone {
    /// Tells hybrid pageblocks apart from now on.
    pub(crate) fn track_hybrids(&mut self) {
        if self.hybrids.is_some() {
            return;
        }
        let mut unmovable = vec![0; self.pageblocks.len()];
        for (at, &word) in self.words.iter().enumerate() {
            if is_unmovable(Word(word)) {
                unmovable[pageblock(at)] += 1;
            }
        }
        self.hybrids = Some(Hybrids { unmovable });
        for block in 0..self.pageblocks.len() {
            let movable = self.frames_of(block).any(|at| self.is_movable(at));
            self.classify(block, movable);
        }
    }

    /// How many pageblocks are hybrid.
    pub(crate) fn hybrids(&self) -> usize {
        self.pageblocks.iter().filter(|&&kind| kind == Pageblock::Hybrid).count()
    }

    /// Takes a block for this mobility, but not of pageblocks for the other one. Unmovable memory goes to its own
    /// pageblocks and then to hybrid ones (the paper: to hybrid ones first); movable memory, for which Linux has hybrid pageblocks among its own, to the
    /// smallest block of both, of hybrid ones first.
    pub(super) fn take_beside_hybrids(&mut self, order: Order, mobility: Mobility) -> Option<usize> {
        match mobility {
            Mobility::Unmovable => self
                .take_smallest(order, Pageblock::Unmovable)
                .or_else(|| self.take_smallest(order, Pageblock::Hybrid)),
            Mobility::Movable => {
                let list = order.and_above().find_map(|order| {
                    let lists = [Pageblock::Hybrid, Pageblock::Movable];
                    lists.into_iter().find(|&list| self.lists.first(list, order).is_some())
                })?;
                self.take_smallest(order, list)
            }
        }
    }

    /// Frames of a block are used as the word says, and no longer free or reserved.
    pub(super) fn note_used(&mut self, range: Range<usize>, word: Word) {
        let unmovable = is_unmovable(word);
        for (block, frames) in by_pageblock(range) {
            if unmovable && let Some(hybrids) = &mut self.hybrids {
                hybrids.unmovable[block] += frames;
            }
            self.classify(block, word.is_used() && !unmovable);
        }
    }

    /// Frames of a block are about to be free or reserved, and are still marked as what they are.
    pub(super) fn note_given(&mut self, range: Range<usize>) {
        for at in range.clone() {
            if is_unmovable(self.word(at))
                && let Some(hybrids) = &mut self.hybrids
            {
                hybrids.unmovable[pageblock(at)] -= 1;
            }
        }
        for (block, _) in by_pageblock(range) {
            self.classify(block, false);
        }
    }

    /// Says anew what a pageblock is for; `movable`: movable memory has come to it.
    fn classify(&mut self, block: usize, movable: bool) {
        let Some(hybrids) = &self.hybrids else { return };
        let unmovable = usize::from(hybrids.unmovable[block]);
        let before = self.pageblocks[block];
        let now = match before {
            _ if unmovable == Order::HUGE.length() => Pageblock::Unmovable,
            Pageblock::Unmovable if !movable => Pageblock::Unmovable,
            _ if unmovable == 0 => Pageblock::Movable,
            _ => Pageblock::Hybrid,
        };
        if now != before {
            self.convert(self.frames_of(block), now);
        }
    }

    /// The words of a pageblock; those at the zone's ends may have fewer.
    fn frames_of(&self, block: usize) -> Range<usize> {
        let start = block * Order::HUGE.length();
        start..(start + Order::HUGE.length()).min(self.words.len())
    }

    fn is_movable(&self, at: usize) -> bool {
        let word = self.word(at);
        word.is_used() && word.mobility() == Mobility::Movable
    }
}

fn is_unmovable(word: Word) -> bool {
    word.is_used() && word.mobility() == Mobility::Unmovable
}

/// The pageblocks of a run of frames, and how many of the frames each has.
fn by_pageblock(range: Range<usize>) -> impl Iterator<Item = (usize, u16)> {
    let blocks = pageblock(range.start)..range.end.div_ceil(Order::HUGE.length());
    blocks.map(move |block| {
        let start = range.start.max(block * Order::HUGE.length());
        let end = range.end.min((block + 1) * Order::HUGE.length());
        (block, convert::low16(convert::count(end - start)))
    })
}
