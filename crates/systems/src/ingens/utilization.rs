//! How a block is used: which of its base pages are there, and how often it is touched.

use alloc::collections::BTreeMap;

use terrace_policy::SpaceId;

use crate::blocks::{BASE, PAGES, block_of};

/// What is known of a block.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct Watched {
    /// The utilization bit vector: a bit for each base page that was touched.
    bits: [u64; 8],
    /// It is one huge page.
    pub(super) huge: bool,
    /// It waits to be promoted.
    pub(super) requested: bool,
    /// Whether the last eight scans found it used, the last one in bit 0.
    history: u8,
    /// How often it is used: at or above 0 it is hot.
    frequency: f64,
}

/// So many of the last eight scans must have found a block used for it to be hot in the long run (`frequency_update`:
/// three quarters).
const HOT: f64 = 6.0;

/// What a scan adds to the frequency (`frequency_update`: 30 parts of 100).
const NEW: f64 = 0.3;

impl Watched {
    /// A base page is there; whether it was not known.
    pub(super) fn set(&mut self, at: u64) -> bool {
        let page = (at - block_of(at)) / BASE;
        let word = &mut self.bits[terrace_addr::convert::index(page / 64)];
        let before = *word;
        *word |= 1 << (page % 64);
        *word != before
    }

    /// How many base pages are there.
    pub(super) fn used(&self) -> u64 {
        if self.huge { PAGES } else { self.bits.iter().map(|word| u64::from(word.count_ones())).sum() }
    }

    /// Forgets which pages are there.
    pub(super) const fn clear(&mut self) {
        self.bits = [0; 8];
        self.huge = false;
    }

    /// A scan has found it used, or not.
    pub(super) fn scanned(&mut self, used: bool) {
        self.history = self.history << 1 | u8::from(used);
        let weight = f64::from(self.history.count_ones()) - HOT;
        self.frequency = self.frequency * (1.0 - NEW) + weight * NEW;
    }

    /// Whether it is used in most scans.
    pub(super) fn is_hot(&self) -> bool {
        self.frequency >= 0.0 && self.history != 0
    }

    /// Whether the last eight scans did not find it used.
    pub(super) const fn is_cold(&self) -> bool {
        self.history == 0
    }
}

/// The blocks of an address space, and the need for huge pages that comes of them.
#[derive(Debug, Clone, Default)]
pub(super) struct Space {
    pub(super) blocks: BTreeMap<u64, Watched>,
    /// Of the huge pages that the last scan saw, the share that was idle.
    pub(super) idle: f64,
}

impl Space {
    /// How much an address space is in need of huge pages (`osa_compute_fairness_metric`): its memory over its huge
    /// pages, of which idle ones count more.
    pub(super) fn promotion_metric(&self, idle_tax: f64) -> f64 {
        let pages: u64 = self.blocks.values().map(Watched::used).sum();
        let huge = self.blocks.values().filter(|block| block.huge).count();
        let count = terrace_addr::convert::ratio(terrace_addr::convert::count(huge.max(1)), 1);
        // A tax of all would be a division by 0.
        let weight = 1.0 - self.idle + self.idle / (1.0 - idle_tax).max(1.0 / 512.0);
        terrace_addr::convert::ratio(pages, PAGES) / (count * weight)
    }
}

/// All address spaces.
pub(super) type Spaces = BTreeMap<SpaceId, Space>;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::blocks::BLOCK;

    #[test]
    fn each_page_counts_once() {
        let mut block = Watched::default();
        for page in [0, 5, 511, 5, 64] {
            block.set(3 * BLOCK + page * BASE + 7);
        }
        assert_eq!(block.used(), 4);
        assert!(!block.set(3 * BLOCK) && block.set(3 * BLOCK + BASE));
        block.huge = true;
        assert_eq!(block.used(), 512);
        block.clear();
        assert_eq!(block.used(), 0);
    }

    #[test]
    fn a_block_is_hot_after_most_of_the_last_scans_found_it_used() {
        let mut block = Watched::default();
        assert!(!block.is_hot() && block.is_cold());
        for _ in 0..20 {
            block.scanned(true);
        }
        assert!(block.is_hot());
        for _ in 0..8 {
            block.scanned(false);
        }
        assert!(!block.is_hot() && block.is_cold());
    }

    #[test]
    fn who_has_fewer_huge_pages_or_idle_ones_comes_first() {
        let space = |huge: u64, idle: f64| {
            let block = |number| {
                let mut block = Watched { huge: number < huge, ..Watched::default() };
                (0..512).for_each(|page| {
                    block.set(number * BLOCK + page * BASE);
                });
                (number * BLOCK, block)
            };
            Space { blocks: (0..8).map(block).collect(), idle }
        };
        let metric = |huge, idle| space(huge, idle).promotion_metric(0.75);
        assert!(metric(2, 0.0) > metric(4, 0.0));
        assert!((metric(4, 0.0) - 2.0).abs() < 1e-9);
        // All of four are idle, and each counts as four.
        assert!((metric(4, 1.0) - 0.5).abs() < 1e-9);
    }
}
