//! Segments: base and limit instead of a second dimension.
//!
//! The rule: a page is inside before anything is added to its address, so that no sum can wrap around.

use terrace_addr::{Addr, Bytes, Gpa, Hpa, PageSize};

use crate::Below;
use crate::cores::Compiled;

/// A segment lies below: all of the guest's memory is one block of the host's, and guest-physical addresses are
/// relocated and checked, not translated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Segment {
    /// The block's first address: a multiple of 4 KiB.
    pub base: Addr<Hpa>,
    /// The block's length.
    pub size: Bytes,
}

/// Two segments lie below: the guest's memory is two blocks of the host's, with a hole between them in guest-physical
/// memory if the first one ends before the second begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SegmentPair {
    /// What holds guest-physical memory from address 0 on.
    pub low: Segment,
    /// Where the second one begins in guest-physical memory: a multiple of 4 KiB.
    pub split: Addr<Gpa>,
    /// What holds it from there on.
    pub high: Segment,
}

/// Blocks of memory that hold a guest's: one segment, or a pair.
pub trait Blocks {
    /// Where `addr` is in memory and how large pages are there, if the page of `size` around it lies inside.
    fn place_page(&self, addr: Addr<Gpa>, size: PageSize) -> Option<(Addr<Hpa>, PageSize)>;

    /// Whether the table page at `at` lies inside one of the blocks.
    fn holds_table(&self, at: Addr<Hpa>) -> bool;

    /// Where the first block is.
    fn first_base(&self) -> Addr<Hpa>;
}

impl<S: Blocks + Compiled> Below for S {
    type Space = Gpa;
}

impl Blocks for Segment {
    #[inline(always)]
    fn place_page(&self, addr: Addr<Gpa>, size: PageSize) -> Option<(Addr<Hpa>, PageSize)> {
        Some((self.place(addr, size)?, self.page_size()))
    }

    #[inline(always)]
    fn holds_table(&self, at: Addr<Hpa>) -> bool {
        self.contains_table(at)
    }

    fn first_base(&self) -> Addr<Hpa> {
        self.base
    }
}

impl Blocks for SegmentPair {
    #[inline(always)]
    fn place_page(&self, addr: Addr<Gpa>, size: PageSize) -> Option<(Addr<Hpa>, PageSize)> {
        self.place(addr, size)
    }

    #[inline(always)]
    fn holds_table(&self, at: Addr<Hpa>) -> bool {
        self.low.contains_table(at) || self.high.contains_table(at)
    }

    fn first_base(&self) -> Addr<Hpa> {
        self.low.base
    }
}

impl Segment {
    /// No memory at all: every address is outside.
    pub const EMPTY: Self = Self { base: Addr::ZERO, size: Bytes::ZERO };

    /// Where `addr` is in memory, if the page of `size` around it lies inside.
    #[inline(always)]
    pub fn place(&self, addr: Addr<Gpa>, size: PageSize) -> Option<Addr<Hpa>> {
        self.place_from(Addr::ZERO, addr, size)
    }

    /// The same for a segment that holds guest-physical memory from `start` on.
    #[inline(always)]
    fn place_from(&self, start: Addr<Gpa>, addr: Addr<Gpa>, size: PageSize) -> Option<Addr<Hpa>> {
        let highest = self.size.get().checked_sub(size.bytes())?;
        let page = addr.align_down(size).get().checked_sub(start.get())?;
        // Inside the block, so the sum is an address.
        (page <= highest).then(|| Addr::truncate(self.base.get() + (addr.get() - start.get())))
    }

    /// The largest page size that the base is a multiple of: pages of the guest are at most so large in memory.
    #[inline(always)]
    pub fn page_size(&self) -> PageSize {
        self.page_size_from(Addr::ZERO)
    }

    /// The same for a segment that holds guest-physical memory from `start` on.
    #[inline(always)]
    fn page_size_from(&self, start: Addr<Gpa>) -> PageSize {
        let offset = self.base.get().wrapping_sub(start.get());
        let fits = |size: &PageSize| offset.is_multiple_of(size.bytes());
        PageSize::ALL.into_iter().rev().find(fits).unwrap_or(PageSize::Size4K)
    }

    /// Whether the table page at `at` lies inside the block.
    #[inline(always)]
    fn contains_table(&self, at: Addr<Hpa>) -> bool {
        let page = PageSize::Size4K.bytes();
        at.get()
            .checked_sub(self.base.get())
            .is_some_and(|offset| self.size.get().checked_sub(page).is_some_and(|highest| offset <= highest))
    }
}

impl SegmentPair {
    /// One segment alone.
    pub const fn one(low: Segment) -> Self {
        Self { low, split: Addr::new(1 << 51), high: Segment::EMPTY }
    }

    /// Where `addr` is in memory and how large pages are there, if the page of `size` around it lies inside the segment
    /// that its address belongs to.
    #[inline(always)]
    pub fn place(&self, addr: Addr<Gpa>, size: PageSize) -> Option<(Addr<Hpa>, PageSize)> {
        let (segment, start) =
            if addr < self.split { (&self.low, Addr::ZERO) } else { (&self.high, self.split) };
        Some((segment.place_from(start, addr, size)?, segment.page_size_from(start)))
    }
}
