//! How much each thread of a trace did.

use terrace_addr::AccessKind;

use crate::ThreadIndex;

/// A thread and the number of its references.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ThreadTotals {
    /// Its number.
    pub thread: ThreadIndex,
    /// Its id in the trace.
    pub thread_id: u64,
    /// Instructions fetched.
    pub fetches: u64,
    /// Loads.
    pub loads: u64,
    /// Stores.
    pub stores: u64,
}

impl ThreadTotals {
    pub(super) fn new(thread: ThreadIndex, thread_id: u64) -> Self {
        Self { thread, thread_id, fetches: 0, loads: 0, stores: 0 }
    }

    /// Fetches, loads and stores.
    pub const fn references(&self) -> u64 {
        self.fetches.saturating_add(self.loads).saturating_add(self.stores)
    }

    pub(super) fn count(&mut self, kind: AccessKind) {
        match kind {
            AccessKind::Fetch => self.fetches += 1,
            AccessKind::Load => self.loads += 1,
            AccessKind::Store => self.stores += 1,
        }
    }
}
