//! What a trace touches: how many pages, and how soon it comes back to them.
//!
//! How soon is the *stack distance* of each touch: the number of different other pages touched since the last touch
//! of the same page (Mattson and others, "Evaluation techniques for storage hierarchies", 1970). A fully associative
//! TLB of *n* entries with true LRU hits exactly the touches with a distance below *n*, so one pass tells the hit
//! rate of every size.

mod distance;

use terrace_addr::{Access, PageSize};

use crate::Batch;
use distance::Distances;

/// Classes of distances: 0, and then one for each power of two.
const CLASSES: usize = 65;

/// Counts what is touched, batch by batch.
#[derive(Debug)]
pub struct Profiler {
    small: Pages,
    large: Pages,
    threads: Vec<(u64, u64)>,
}

/// The pages of one size.
#[derive(Debug)]
struct Pages {
    size: PageSize,
    distances: Distances,
    last: Option<u64>,
    reuse: Reuse,
}

/// How soon pages are touched again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reuse {
    /// First touches: as many as there are pages.
    pub pages: u64,
    /// Touches of pages: a reference touches each page that it lies in.
    pub touches: u64,
    /// Touches by distance: of 0, of 1, of 2 and 3, of 4 to 7, and so on.
    classes: [u64; CLASSES],
}

/// What a trace touches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Profile {
    /// Pages of 4K.
    pub small: Reuse,
    /// Pages of 2M.
    pub large: Reuse,
    /// For each thread its id and its references, in the order of thread numbers.
    pub threads: Vec<(u64, u64)>,
}

impl Default for Profiler {
    fn default() -> Self {
        Self::new()
    }
}

impl Profiler {
    /// Nothing touched yet.
    pub fn new() -> Self {
        Self { small: Pages::new(PageSize::Size4K), large: Pages::new(PageSize::Size2M), threads: Vec::new() }
    }

    /// Counts a batch.
    pub fn add(&mut self, batch: &Batch) {
        let thread = batch.thread().index();
        if self.threads.len() <= thread {
            self.threads.resize(thread + 1, (0, 0));
        }
        let (id, references) = &mut self.threads[thread];
        *id = batch.thread_id();
        *references += terrace_addr::convert::count(batch.accesses().len());
        for access in batch.accesses() {
            self.small.touch(access);
            self.large.touch(access);
        }
    }

    /// What was touched.
    pub fn finish(self) -> Profile {
        Profile { small: self.small.reuse, large: self.large.reuse, threads: self.threads }
    }
}

impl Pages {
    fn new(size: PageSize) -> Self {
        let reuse = Reuse { pages: 0, touches: 0, classes: [0; CLASSES] };
        Self { size, distances: Distances::new(), last: None, reuse }
    }

    fn touch(&mut self, access: &Access) {
        let shift = self.size.shift();
        let first = access.addr.get() >> shift;
        self.touch_page(first);
        let last = access.last_byte().get() >> shift;
        if last != first {
            // At most 64 KiB, so a few pages; past the end of the address space numbers start again.
            let beyond = last.wrapping_sub(first) & (u64::MAX >> shift);
            for page in 1..=beyond {
                self.touch_page(first.wrapping_add(page) & (u64::MAX >> shift));
            }
        }
    }

    #[inline]
    fn touch_page(&mut self, page: u64) {
        self.reuse.touches += 1;
        if self.last == Some(page) {
            self.reuse.classes[0] += 1;
            return;
        }
        self.last = Some(page);
        match self.distances.touch(page) {
            None => self.reuse.pages += 1,
            Some(distance) => {
                let class = terrace_addr::convert::index32(u64::BITS - distance.leading_zeros());
                self.reuse.classes[class] += 1;
            }
        }
    }
}

impl Reuse {
    /// How many touches a fully associative TLB of 2 to the power `bits` entries with true LRU would hit.
    pub fn hits(&self, bits: usize) -> u64 {
        self.classes.iter().take(bits + 1).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ThreadIndex;
    use terrace_addr::{AccessKind, Addr};

    #[test]
    fn pages_and_their_reuse() {
        let mut profiler = Profiler::new();
        let mut batch = Batch::new();
        batch.start(ThreadIndex::new(1), 9, 0);
        // Pages 0, 0 and 1 at once, 2, 0, 1, 600 of 4K: two of 2M.
        for (addr, size) in [(8, 8), (0xffc, 8), (0x2000, 1), (0, 1), (0x1fff, 1), (0x25_8000, 4)] {
            batch.push(Access { addr: Addr::new(addr), size, kind: AccessKind::Load });
        }
        profiler.add(&batch);
        let Profile { small, large, threads } = profiler.finish();
        assert_eq!(threads, [(0, 0), (9, 6)]);
        assert_eq!((small.pages, small.touches), (4, 7));
        // Again at once: one; pages 0 and 1 with two others since: two.
        assert_eq!((small.hits(0), small.hits(1), small.hits(2)), (1, 1, 3));
        assert_eq!((large.pages, large.touches, large.hits(0)), (2, 6, 4));
    }
}
