//! What histories came to: a test whose pages are never joined would prove little.

/// How often something came about in a history.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Seen {
    /// Pseudo huge pages that were made.
    pub(crate) joined: u64,
    /// That were asked for and refused.
    pub(crate) refused: u64,
    /// That became base pages again.
    pub(crate) parted: u64,
    /// Accesses of guests.
    pub(crate) accesses: u64,
    /// Accesses that a cached translation served.
    pub(crate) cached: u64,
    /// Accesses that reached what L1 meant before and no longer.
    pub(crate) stale: u64,
    /// Accesses through a pseudo huge page, or what is cached of one.
    pub(crate) through_joined: u64,
    /// Times at which two pseudo huge pages lay over the same frames.
    pub(crate) aliased: u64,
    /// Blocks of which L1 made one leaf.
    pub(crate) merged: u64,
    /// Pages that the host's policy heard of.
    pub(crate) heard: u64,
    /// Pages that the host's compaction moved.
    pub(crate) compacted: u64,
    /// What was not done because the host had no memory left.
    pub(crate) without_memory: u64,
}
