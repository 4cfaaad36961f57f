//! Decisions about pages, for who wants to know each.

use terrace_addr::{Addr, PageSize, Space};
use terrace_policy::SpaceId;

/// What was decided about a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// A fault mapped it.
    Fault,
    /// Base pages became one huge page where they were.
    CollapseInPlace,
    /// Base pages were copied into one huge page.
    CollapseByCopy,
    /// A huge page became base pages.
    Split,
    /// It was moved, or exchanged.
    Migrate,
    /// Compaction moved it.
    Compact,
    /// It was given back.
    Free,
    /// It was backed before it was touched.
    Populate,
    /// It is not where its policy wants it.
    GivenUp,
}

impl Decision {
    /// Its name in results.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Fault => "fault",
            Self::CollapseInPlace => "collapse-in-place",
            Self::CollapseByCopy => "collapse-by-copy",
            Self::Split => "split",
            Self::Migrate => "migrate",
            Self::Compact => "compact",
            Self::Free => "free",
            Self::Populate => "populate",
            Self::GivenUp => "given-up",
        }
    }
}

/// A decision about a page: where it is afterwards (where it was, if it was given back), and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Placed<U: Space, L: Space> {
    /// What was decided.
    pub decision: Decision,
    /// Whose page it is.
    pub space: SpaceId,
    /// Its first address.
    pub upper: Addr<U>,
    /// Its frame.
    pub lower: Addr<L>,
    /// Its size.
    pub size: PageSize,
    /// Whose use of it decided, where that was a nested guest: the guest-physical address there.
    pub nested: Option<u64>,
    /// Why, in a few words.
    pub reason: &'static str,
}
