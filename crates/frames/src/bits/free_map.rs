//! Free frames and their runs.

use alloc::vec;
use alloc::vec::Vec;
use core::ops::Range;

use super::runs::RunTree;
use super::tree::{BitTree, place};

/// A run of at least this many frames covers a whole aligned word of them, wherever it starts.
pub(crate) const COVERS_A_WORD: usize = 127;

/// Frames of a block: those of a huge page of 2 MiB. Runs of whole free blocks are found by their length.
pub(crate) const BLOCK: usize = 512;

/// A run of at least this many frames holds a whole aligned block, wherever it starts.
const COVERS_A_BLOCK: usize = 2 * BLOCK - 1;

/// The words of a block.
const WORDS: usize = BLOCK / 64;

/// A bit for each frame, set if it is free.
#[derive(Clone)]
pub(crate) struct FreeMap {
    bits: Vec<u64>,
    /// Words with a free frame.
    some: BitTree,
    /// Words with a frame that is not free.
    gaps: BitTree,
    /// Words of which every frame is free.
    full: BitTree,
    /// Blocks of which every frame is free.
    blocks: RunTree,
}

impl FreeMap {
    /// `frames` frames, none free.
    pub(crate) fn new(frames: usize) -> Self {
        let words = frames.div_ceil(64);
        let mut gaps = BitTree::new(words);
        (0..words).for_each(|word| gaps.insert(word));
        let blocks = RunTree::new(words.div_ceil(WORDS));
        Self { bits: vec![0; words], some: BitTree::new(words), gaps, full: BitTree::new(words), blocks }
    }

    fn frames(&self) -> usize {
        self.bits.len() * 64
    }

    /// Notes that the frames of `range` are free.
    #[inline]
    pub(crate) fn give(&mut self, range: Range<usize>) {
        for_each_word(range, |word, mask| self.set(word, self.bits[word] | mask));
    }

    /// Notes that the frames of `range` are not free.
    #[inline]
    pub(crate) fn take(&mut self, range: Range<usize>) {
        for_each_word(range, |word, mask| self.set(word, self.bits[word] & !mask));
    }

    #[inline]
    fn set(&mut self, word: usize, new: u64) {
        let old = core::mem::replace(&mut self.bits[word], new);
        if (old == 0) != (new == 0) {
            change(&mut self.some, word, new != 0);
        }
        if (old == u64::MAX) != (new == u64::MAX) {
            change(&mut self.full, word, new == u64::MAX);
            change(&mut self.gaps, word, new != u64::MAX);
            let block = word / WORDS;
            // Of the words beside this one nothing changed: the block was free, or is, only if they are.
            let words = self.bits.get(block * WORDS..(block + 1) * WORDS);
            let beside = |(at, bits): (usize, &u64)| block * WORDS + at == word || *bits == u64::MAX;
            if words.is_some_and(|words| words.iter().enumerate().all(beside)) {
                self.blocks.set(block, new == u64::MAX);
            }
        }
    }

    /// The length of the longest run of whole free blocks, in blocks.
    pub(crate) fn longest_blocks(&self) -> u32 {
        self.blocks.longest()
    }

    /// The first frame that is `from` or above, begins a block, and with which so many whole free blocks begin.
    pub(crate) fn next_blocks(&self, from: usize, blocks: u32) -> Option<usize> {
        self.blocks.next(from.div_ceil(BLOCK), blocks).map(|block| block * BLOCK)
    }

    /// The first free frame that is `from` or above.
    pub(crate) fn next_free(&self, from: usize) -> Option<usize> {
        let here = self.bits.get(from / 64)? & (u64::MAX << (from % 64));
        if here != 0 {
            return Some(from / 64 * 64 + place(here.trailing_zeros()));
        }
        let word = self.some.next(from / 64 + 1)?;
        Some(word * 64 + place(self.bits[word].trailing_zeros()))
    }

    /// The last free frame below `before`.
    pub(crate) fn previous_free(&self, before: usize) -> Option<usize> {
        let last = before.min(self.frames()).checked_sub(1)?;
        let here = self.bits[last / 64] & (u64::MAX >> (63 - last % 64));
        if here != 0 {
            return Some(last / 64 * 64 + place(here.ilog2()));
        }
        let word = self.some.previous(last / 64)?;
        Some(word * 64 + place(self.bits[word].ilog2()))
    }

    /// The first frame that is `from` or above and not free; beyond the last, the number of frames.
    pub(crate) fn next_gap(&self, from: usize) -> usize {
        let Some(&bits) = self.bits.get(from / 64) else { return self.frames() };
        let here = !bits & (u64::MAX << (from % 64));
        if here != 0 {
            return from / 64 * 64 + place(here.trailing_zeros());
        }
        match self.gaps.next(from / 64 + 1) {
            Some(word) => word * 64 + place(self.bits[word].trailing_ones()),
            None => self.frames(),
        }
    }

    /// The first run of at least `at_least` free frames, of which only those at `from` or above count. It ends at a
    /// frame that is not free.
    pub(crate) fn next_run(&self, from: usize, at_least: usize) -> Option<Range<usize>> {
        if at_least >= COVERS_A_BLOCK {
            return self.next_long_run(from, at_least);
        }
        if at_least >= COVERS_A_WORD {
            return self.next_covering_run(from, at_least);
        }
        let mut from = from;
        loop {
            let run = self.run_at(self.next_free(from)?);
            if run.len() >= at_least {
                return Some(run);
            }
            from = run.end;
        }
    }

    /// As [`next_run`](Self::next_run), but runs that hold no aligned group of 64 frames may be passed over, which takes
    /// no time.
    pub(crate) fn next_covering_run(&self, from: usize, at_least: usize) -> Option<Range<usize>> {
        let mut from = from;
        loop {
            let run = self.run_at(self.next_free(from)?);
            if run.len() >= at_least {
                return Some(run);
            }
            // The run that covers the next full word starts in the word before, which is not full or holds the end of
            // this run.
            let word = self.full.next(run.end / 64)?;
            let before = word.checked_sub(1).map_or(0, |before| place(self.bits[before].leading_ones()));
            from = run.end.max(word * 64 - before);
        }
    }

    /// As [`next_run`](Self::next_run), of runs that are long enough to hold a block: those with fewer whole free blocks
    /// than `at_least` frames hold wherever they lie take no time.
    fn next_long_run(&self, from: usize, at_least: usize) -> Option<Range<usize>> {
        let blocks = u32::try_from((at_least - (BLOCK - 1)) / BLOCK).ok()?;
        let mut from = from;
        loop {
            let inside = self.next_blocks(from, blocks)?;
            let run = self.first_of_run(inside).max(from)..self.next_gap(inside);
            if run.len() >= at_least {
                return Some(run);
            }
            from = run.end;
        }
    }

    /// The first frame of the run that the free frame `at` is of.
    fn first_of_run(&self, at: usize) -> usize {
        let here = !self.bits[at / 64] & !(u64::MAX << (at % 64));
        if here != 0 {
            return at / 64 * 64 + place(here.ilog2()) + 1;
        }
        let before = self.gaps.previous(at / 64);
        before.map_or(0, |word| word * 64 + 64 - place(self.bits[word].leading_ones()))
    }

    /// The run of free frames from the free frame `start` on.
    fn run_at(&self, start: usize) -> Range<usize> {
        start..self.next_gap(start)
    }
}

fn change(tree: &mut BitTree, word: usize, member: bool) {
    if member {
        tree.insert(word);
    } else {
        tree.remove(word);
    }
}

/// Calls `act` with each word that `range` touches and the bits of the word that lie in it.
#[inline]
fn for_each_word(range: Range<usize>, mut act: impl FnMut(usize, u64)) {
    let mut at = range.start;
    while at < range.end {
        let end = (at / 64 * 64 + 64).min(range.end);
        act(at / 64, u64::MAX << (at % 64) & u64::MAX >> (63 - (end - 1) % 64));
        at = end;
    }
}

#[cfg(test)]
mod tests {
    use std::vec::Vec;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn it_finds_what_a_scan_of_every_frame_finds(
            frames in 1_usize..3_000,
            changes in prop::collection::vec((any::<bool>(), 0_usize..3_000, prop_oneof![1_usize..700, 1_usize..3_000]), 0..30),
            asked in prop::collection::vec((0_usize..3_100, prop_oneof![1_usize..400, 400_usize..2_500]), 20),
        ) {
            let mut map = FreeMap::new(frames);
            let mut naive = vec![false; frames.next_multiple_of(64)];
            for (free, start, length) in changes {
                let start = start % frames;
                let range = start..(start + length).min(frames);
                naive[range.clone()].fill(free);
                if free { map.give(range) } else { map.take(range) }
            }
            for (from, at_least) in asked {
                let free_from = |from: usize| (from..naive.len()).find(|&at| naive[at]);
                let gap_from = |from: usize| (from..naive.len()).find(|&at| !naive[at]).unwrap_or(naive.len());
                prop_assert_eq!(map.next_free(from), free_from(from));
                prop_assert_eq!(map.next_gap(from), gap_from(from));
                let last = (0..from.min(naive.len())).rev().find(|&at| naive[at]);
                prop_assert_eq!(map.previous_free(from), last);
                let mut runs = Vec::new();
                let mut at = from;
                while let Some(start) = free_from(at) {
                    at = gap_from(start);
                    runs.push(start..at);
                }
                let run = runs.iter().find(|run| run.len() >= at_least).cloned();
                prop_assert_eq!(map.next_run(from, at_least), run);
                let blocks = u32::try_from(at_least.div_ceil(BLOCK)).unwrap();
                let length = at_least.next_multiple_of(BLOCK);
                let aligned = (from.next_multiple_of(BLOCK)..naive.len()).step_by(BLOCK);
                let mut fits = aligned.filter(|&at| naive.get(at..at + length).is_some_and(|all| all.iter().all(|&it| it)));
                prop_assert_eq!(map.next_blocks(from, blocks), fits.next());
                // The other search may pass over a run that covers no word, but over no other.
                let covers = |run: &Range<usize>| run.start.next_multiple_of(64) + 64 <= run.end;
                let found = map.next_covering_run(from, at_least);
                let must = runs.iter().find(|run| run.len() >= at_least && covers(run));
                prop_assert!(found.is_some() || must.is_none());
                if let Some(found) = found {
                    prop_assert!(found.len() >= at_least && runs.contains(&found));
                    prop_assert!(must.is_none_or(|must| found.start <= must.start));
                }
            }
        }
    }
}
