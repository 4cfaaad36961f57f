//! The size of a block.

use core::fmt;

use terrace_addr::{Bytes, PageSize};

/// The binary logarithm of a block's size in 4 KiB frames.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Order(u8);

impl Order {
    /// One frame.
    pub const BASE: Self = Self(0);
    /// A huge page, 2 MiB: also a pageblock, the unit that has a mobility (Linux on x86-64: `pageblock_order` is the
    /// order of a huge page).
    pub const HUGE: Self = Self(9);
    /// The largest block that the allocator keeps, 4 MiB (`MAX_PAGE_ORDER` in `include/linux/mmzone.h`).
    pub const MAX: Self = Self(10);
    /// How many orders there are.
    pub const COUNT: usize = 11;

    /// The order `order`, if it is no larger than [`MAX`](Self::MAX).
    pub const fn new(order: u8) -> Option<Self> {
        if order <= Self::MAX.0 { Some(Self(order)) } else { None }
    }

    /// The order of a page of this size; 1 GiB has none.
    pub const fn of(size: PageSize) -> Option<Self> {
        match size {
            PageSize::Size4K => Some(Self::BASE),
            PageSize::Size2M => Some(Self::HUGE),
            PageSize::Size1G => None,
        }
    }

    /// All orders, smallest first.
    pub fn all() -> impl DoubleEndedIterator<Item = Self> {
        (0..=Self::MAX.0).map(Self)
    }

    /// This order and those above it, smallest first.
    pub(crate) fn and_above(self) -> impl DoubleEndedIterator<Item = Self> {
        (self.0..=Self::MAX.0).map(Self)
    }

    /// The number.
    #[inline(always)]
    pub const fn get(self) -> u8 {
        self.0
    }

    /// The number of 4 KiB frames in a block.
    #[inline(always)]
    pub const fn frames(self) -> u64 {
        1 << self.0
    }

    /// The size of a block.
    pub const fn bytes(self) -> Bytes {
        Bytes::new(PageSize::Size4K.bytes() << self.0)
    }

    /// The number of frames in a block, as an index.
    #[inline(always)]
    pub(crate) const fn length(self) -> usize {
        1 << self.0
    }

    #[inline(always)]
    pub(crate) fn index(self) -> usize {
        usize::from(self.0)
    }

    /// The next smaller order; of the smallest, itself.
    #[inline(always)]
    pub(crate) const fn smaller(self) -> Self {
        Self(self.0.saturating_sub(1))
    }

    /// The next larger order, of which the caller knows that it exists.
    #[inline(always)]
    pub(crate) const fn larger(self) -> Self {
        debug_assert!(self.0 < Self::MAX.0, "no order is above the largest");
        Self(self.0 + 1)
    }

    /// The largest order of which an aligned block starts at `at` and ends at or before `end`; `at` is below `end`.
    pub(crate) fn largest_at(at: usize, end: usize) -> Self {
        debug_assert!(at < end, "no block is empty");
        let aligned = at.trailing_zeros();
        let fits = (end - at).ilog2();
        let order = aligned.min(fits).min(u32::from(Self::MAX.0));
        Self(terrace_addr::convert::low8(order.into()))
    }
}

impl fmt::Display for Order {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orders_and_page_sizes_agree() {
        for size in [PageSize::Size4K, PageSize::Size2M] {
            assert_eq!(Order::of(size).map(Order::bytes), Some(size.size()));
        }
        assert_eq!(Order::of(PageSize::Size1G), None);
        assert_eq!((Order::new(10), Order::new(11)), (Some(Order::MAX), None));
        assert_eq!(Order::all().count(), Order::COUNT);
    }

    #[test]
    fn a_block_is_limited_by_its_alignment_its_end_and_the_largest_order() {
        assert_eq!(Order::largest_at(4, 100).get(), 2);
        assert_eq!(Order::largest_at(0, 100).get(), 6);
        assert_eq!(Order::largest_at(4096, 1 << 20), Order::MAX);
        assert_eq!(Order::largest_at(7, 8), Order::BASE);
    }
}
