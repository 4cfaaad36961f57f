//! What a composed table counts.

use crate::counts::counts;

counts! {
    /// What a shadow did. The documentation of each count is its meaning in results.
    ShadowCounts {
        /// Leaves that were composed.
        composed,
        /// Writes to protected tables of level 1, after which they were unsync.
        unsynced,
        /// Writes to protected tables of higher levels, which were emulated.
        emulated,
        /// Writes to protected tables of level 1 that were emulated: the table lies under a pseudo huge page, or none
        /// may go unsync.
        trapped,
        /// Tables of level 1 that were compared and protected again.
        resynchronised,
        /// Leaves that were removed because a part of them changed.
        removed,
        /// Pseudo huge pages that were made.
        joined,
        /// Pseudo huge pages that became base pages, or went, because a part of them changed.
        parted,
        /// Pseudo huge pages that were refused: the upper layer has no entry for a part.
        refused_absent,
        /// Pseudo huge pages that were refused: nothing backs a part.
        refused_unbacked,
        /// Pseudo huge pages that were refused: a part is not at its place in a block of 2M.
        refused_scattered,
        /// Pseudo huge pages that were refused: a part has other permissions than the first.
        refused_permissions,
        /// Pseudo huge pages that were refused: a part is not accessed at the upper layer.
        refused_not_accessed,
        /// Pseudo huge pages that were refused: a part may be written and is not dirty at the upper layer.
        refused_not_dirty,
        /// Pseudo huge pages that were refused: the upper layer has no base pages there.
        refused_ordinary,
        /// Pseudo huge pages that were refused: no memory for table pages.
        refused_no_memory,
    }
}
