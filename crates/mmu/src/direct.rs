//! Direct segments: three registers in place of the first dimension's tables.

use terrace_addr::{Addr, Bytes, Gva, PageSize, Space};

/// A part of virtual memory that lies in one piece, and is translated by an addition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DirectSegment {
    start: u64,
    size: u64,
    /// What is added, modulo 2⁶⁴.
    offset: u64,
}

impl DirectSegment {
    /// Virtual addresses from `start` on, `size` of them, are at `to` and following: an address of the space that the
    /// leaves of the first dimension are in. `None` if one of the three is no multiple of 4 KiB, or there are not so
    /// many addresses.
    pub fn new(start: Addr<Gva>, size: Bytes, to: u64) -> Option<Self> {
        let (start, size) = (start.get(), size.get());
        let aligned = (start | size | to).is_multiple_of(PageSize::Size4K.bytes());
        let fits =
            start.checked_add(size).is_some() && to.checked_add(size).is_some_and(|end| end <= 1 << 52);
        (aligned && fits).then(|| Self { start, size, offset: to.wrapping_sub(start) })
    }

    /// Where `addr` is if it lies inside, and the size of the page around it.
    #[inline]
    pub(crate) fn place<L: Space>(&self, addr: Addr<Gva>) -> Option<(Addr<L>, PageSize)> {
        if addr.get().wrapping_sub(self.start) >= self.size {
            return None;
        }
        let is_page = |size: &PageSize| {
            let from_start = addr.align_down(*size).get().checked_sub(self.start);
            let highest = self.size.checked_sub(size.bytes());
            self.offset.is_multiple_of(size.bytes())
                && from_start.zip(highest).is_some_and(|(page, highest)| page <= highest)
        };
        let size = PageSize::ALL.into_iter().rev().find(is_page).unwrap_or(PageSize::Size4K);
        Some((Addr::truncate(addr.get().wrapping_add(self.offset)), size))
    }
}
