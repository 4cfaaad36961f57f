//! Invalidations.

use terrace_addr::{Addr, Gva};

/// What a core is told to forget. What each kind removes, exactly, is the last table of the model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Invalidation {
    /// One page of the current address space: INVLPG.
    Page(Addr<Gva>),
    /// The current address space, global translations excepted: MOV to CR3 without the no-flush bit.
    Space,
    /// Everything that was derived from an EPT root: single-context INVEPT.
    NestedRoot(u16),
    /// Everything.
    All,
}

/// That an invalidation was done, and what it removed: whoever changed a table owes one of these.
#[must_use = "the work of an invalidation is charged to whoever caused it"]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Invalidated {
    /// Entries removed, in all structures.
    pub removed: u64,
}
