//! True LRU of any number of ways.

use terrace_raw::Buffer;

/// When each way was touched last.
#[derive(Debug, Clone)]
pub(super) struct Stamps {
    touched: Buffer<u64>,
    ways: usize,
    now: u64,
}

impl Stamps {
    pub(super) fn new(sets: usize, ways: usize) -> Self {
        Self { touched: Buffer::zeroed(sets * ways), ways, now: 0 }
    }

    #[inline(never)]
    pub(super) fn touch(&mut self, set: usize, way: usize) {
        self.now += 1;
        self.touched[set * self.ways + way] = self.now;
    }

    #[inline(never)]
    pub(super) fn victim(&self, set: usize) -> usize {
        let stamps = &self.touched[set * self.ways..(set + 1) * self.ways];
        let oldest = stamps.iter().zip(0..).min_by_key(|&(stamp, _): &(_, usize)| stamp);
        oldest.map_or(0, |(_, way)| way)
    }
}
