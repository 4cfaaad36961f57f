//! Direct segments (MODEL.md, "A direct segment in the first dimension").

use terrace_addr::{Addr, Bytes, Gva, PageSize};

/// Virtual addresses that are translated by an addition instead of by the first dimension's tables. Start, size and
/// target are multiples of 4 KiB, and neither range goes beyond the end of its space.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DirectSegment {
    /// The first virtual address.
    pub start: Addr<Gva>,
    /// How many bytes are translated.
    pub size: Bytes,
    /// Where the first is, in the space that the leaves of the first dimension's tables are in.
    pub to: u64,
}

impl DirectSegment {
    /// Whether the `bytes` from `first` on lie inside.
    fn holds(&self, first: u64, bytes: u64) -> bool {
        let (start, size) = (self.start.get(), self.size.get());
        first >= start && bytes <= size && first - start <= size - bytes
    }

    /// Where `va` is, and the size of the page around it, if it lies inside.
    pub(crate) fn place(&self, va: Addr<Gva>) -> Option<(u64, PageSize)> {
        let distance = self.start.get().wrapping_sub(self.to);
        let is_one_page = |size: &PageSize| {
            distance.is_multiple_of(size.bytes()) && self.holds(va.align_down(*size).get(), size.bytes())
        };
        // Of an address outside not even the smallest page is inside.
        let size = PageSize::ALL.into_iter().rev().find(is_one_page)?;
        Some((self.to + (va.get() - self.start.get()), size))
    }
}
