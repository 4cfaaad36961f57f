//! What is known of 2M of a nested guest's memory.

use alloc::boxed::Box;

use terrace_addr::{Addr, Lower, Nanos, convert};

/// The base pages of a block.
pub(super) const PAGES: usize = 512;

/// 2M of a nested guest's memory: which pages of its guest hypervisor serve it, and where they are to lie.
#[derive(Debug, Clone)]
pub(super) struct Block {
    /// Where its pages are to lie.
    pub(super) home: Option<Home>,
    /// The number of the guest hypervisor's page that serves each of them, plus 1.
    serves: Box<[u32; PAGES]>,
    /// Which of them lie at their places.
    placed: [u64; PAGES / 64],
    /// The guest has a huge page there.
    pub(super) wanted: bool,
    /// It is a pseudo huge page.
    pub(super) joined: bool,
    /// Where its pages lie may become its home; not a second time, where something else lay among them.
    pub(super) adopts: bool,
    /// It was refused; it is not asked for again before this time.
    pub(super) patience: Patience,
}

/// The block of memory in which a block's pages are to lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Home {
    /// Its first address.
    pub(super) at: Addr<Lower>,
    /// What of it is not used yet is put aside by this reservation.
    pub(super) reservation: Option<u64>,
    /// The pages lay there before anybody meant them to.
    pub(super) adopted: bool,
}

/// How long to wait after a refusal: longer each time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Patience {
    until: Nanos,
    refusals: u32,
}

/// After so many refusals the wait does not double again.
const MOST_DOUBLINGS: u32 = 6;

impl Patience {
    /// Whether it may be tried again.
    pub(super) fn is_over(self, now: Nanos) -> bool {
        now >= self.until
    }

    /// It was refused.
    pub(super) fn refused(&mut self, now: Nanos, period: Nanos) {
        self.until = Nanos::new(now.get().saturating_add(period.get() << self.refusals));
        self.refusals = (self.refusals + 1).min(MOST_DOUBLINGS);
    }
}

impl Block {
    pub(super) fn new() -> Self {
        Self {
            home: None,
            serves: Box::new([0; PAGES]),
            placed: [0; PAGES / 64],
            wanted: false,
            joined: false,
            adopts: true,
            patience: Patience::default(),
        }
    }

    /// The number of the guest hypervisor's page that serves a place of the block.
    pub(super) const fn page(&self, place: usize) -> Option<u32> {
        self.serves[place].checked_sub(1)
    }

    /// This page serves a place from now on; whether it did before.
    pub(super) const fn serve(&mut self, place: usize, page: u32) -> bool {
        let kept = page + 1;
        if self.serves[place] == kept {
            return true;
        }
        self.serves[place] = kept;
        self.lost(place);
        false
    }

    /// Whether a page lies at its place.
    pub(super) const fn is_placed(&self, place: usize) -> bool {
        self.placed[place / 64] >> (place % 64) & 1 == 1
    }

    /// A page lies at its place.
    pub(super) const fn placed(&mut self, place: usize) {
        self.placed[place / 64] |= 1 << (place % 64);
    }

    /// A page lies at its place no longer.
    pub(super) const fn lost(&mut self, place: usize) {
        self.placed[place / 64] &= !(1 << (place % 64));
    }

    /// It is not known which pages lie at their places.
    pub(super) const fn forget_places(&mut self) {
        self.placed = [0; PAGES / 64];
    }

    /// How many pages lie at their places.
    pub(super) fn pages_placed(&self) -> usize {
        convert::index32(self.placed.iter().map(|word| word.count_ones()).sum())
    }

    /// The places whose page is known and lies elsewhere, or may.
    pub(super) fn elsewhere(&self) -> impl Iterator<Item = usize> + '_ {
        (0..PAGES).filter(|&place| self.serves[place] != 0 && !self.is_placed(place))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_lost_when_another_page_serves_it() {
        let mut block = Block::new();
        assert!(!block.serve(7, 90));
        block.placed(7);
        assert!(block.serve(7, 90));
        assert!(block.is_placed(7));
        assert_eq!((block.page(7), block.pages_placed()), (Some(90), 1));
        assert!(!block.serve(7, 91));
        assert!(!block.is_placed(7));
        assert_eq!(block.elsewhere().collect::<alloc::vec::Vec<_>>(), [7]);
    }

    #[test]
    fn patience_grows_with_each_refusal() {
        let mut patience = Patience::default();
        patience.refused(Nanos::new(5), Nanos::new(10));
        assert!(!patience.is_over(Nanos::new(14)) && patience.is_over(Nanos::new(15)));
        patience.refused(Nanos::new(15), Nanos::new(10));
        assert!(!patience.is_over(Nanos::new(34)) && patience.is_over(Nanos::new(35)));
    }
}
