//! Ranges of a layer whose pages are given.

use std::collections::BTreeMap;

use terrace_addr::{Addr, Page, PageSize, Space};

/// Ranges of one layer that do not overlap, by their first address.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Ranges {
    by_start: BTreeMap<u64, Range>,
    lower_end: u64,
}

/// A range of pages of one size. The last address is kept, and not the one behind it: at the end of a space
/// there is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Range {
    pub(super) last: u64,
    pub(super) size: PageSize,
    /// Where the first address goes.
    pub(super) lower: Option<u64>,
}

/// What is given for an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Given<L: Space> {
    /// The size of its page.
    pub(super) size: PageSize,
    /// The frame of that page.
    pub(super) frame: Option<Addr<L>>,
}

impl Ranges {
    /// Adds a range that overlaps no other, and whose lower end is an address.
    pub(super) fn insert(&mut self, start: u64, range: Range) {
        debug_assert!(self.overlapping(start, range.last).is_none(), "the caller looks for overlaps");
        if let Some(lower) = range.lower {
            self.lower_end = self.lower_end.max(lower + (range.last - start) + 1);
        }
        self.by_start.insert(start, range);
    }

    /// A range that has addresses from `start` to `last`, with its first address.
    pub(super) fn overlapping(&self, start: u64, last: u64) -> Option<(u64, Range)> {
        // The last range that begins there ends last too.
        let (&first, &range) = self.by_start.range(..=last).next_back()?;
        (range.last >= start).then_some((first, range))
    }

    /// What is given for `addr`.
    pub(super) fn find<U: Space, L: Space>(&self, addr: Addr<U>) -> Option<Given<L>> {
        let (start, range) = self.overlapping(addr.get(), addr.get())?;
        let page = addr.align_down(range.size).get();
        let frame = range.lower.map(|lower| Addr::new(lower + (page - start)));
        Some(Given { size: range.size, frame })
    }

    /// Whether a range has addresses of `page`.
    pub(super) fn touch<U: Space>(&self, page: Page<U>) -> bool {
        let start = page.start().get();
        self.overlapping(start, start + (page.size().bytes() - 1)).is_some()
    }

    /// Whether there is none.
    pub(super) fn is_empty(&self) -> bool {
        self.by_start.is_empty()
    }

    /// Whether pages of `size` are given without their frames.
    pub(super) fn leave_open(&self, size: PageSize) -> bool {
        self.by_start.values().any(|range| range.size == size && range.lower.is_none())
    }

    /// The first address behind every given frame.
    pub(super) const fn lower_end(&self) -> u64 {
        self.lower_end
    }
}
