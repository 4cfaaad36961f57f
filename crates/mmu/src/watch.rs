//! Looking on while an access is translated.

use terrace_addr::{Addr, Cycles, Gpa, Gva, Hpa, PageSize};

/// What an access did next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// A level of the TLB was looked up.
    Tlb {
        /// 1 or 2; 3 in memory.
        level: u32,
        /// The size of the entry that was found.
        hit: Option<PageSize>,
    },
    /// The paging-structure caches of the first dimension were looked up for the address.
    WalkCaches {
        /// The level of the deepest entry found.
        hit: Option<u32>,
    },
    /// The nested TLB was looked up.
    NestedTlb {
        /// For this address: of an entry of the first dimension, or of data.
        addr: Addr<Gpa>,
        /// The size of the entry that was found.
        hit: Option<PageSize>,
    },
    /// The paging-structure caches of the second dimension were looked up.
    NestedWalkCaches {
        /// For this address.
        addr: Addr<Gpa>,
        /// The level of the deepest entry found.
        hit: Option<u32>,
    },
    /// An entry of the first dimension's table was read.
    Entry {
        /// For this address.
        addr: Addr<Gva>,
        /// The entry.
        entry: EntryRead,
    },
    /// An entry of EPT was read.
    NestedEntry {
        /// For this address.
        addr: Addr<Gpa>,
        /// The entry.
        entry: EntryRead,
    },
    /// An address went through a segment.
    Segment {
        /// The guest-physical address.
        addr: Addr<Gpa>,
        /// Where it is in memory.
        found: Addr<Hpa>,
    },
}

/// An entry that a walk read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EntryRead {
    /// The level of its table.
    pub level: u32,
    /// Where it is in memory.
    pub at: Addr<Hpa>,
    /// Its bits, before the walk set any.
    pub bits: u64,
    /// The cache level that served its line, from 1; none for memory.
    pub served_by: Option<u32>,
    /// The time that the walk waited for it.
    pub latency: Cycles,
}

/// Somebody who looks on.
pub trait Watch {
    /// Whether anybody does: what only a watcher needs is not even computed otherwise.
    const WATCHES: bool;

    /// Takes note of a step.
    fn note(&mut self, step: Step);
}

/// Nobody looks on.
pub(crate) struct Unwatched;

impl Watch for Unwatched {
    const WATCHES: bool = false;

    #[inline(always)]
    fn note(&mut self, _: Step) {}
}

impl Watch for Vec<Step> {
    const WATCHES: bool = true;

    fn note(&mut self, step: Step) {
        self.push(step);
    }
}
