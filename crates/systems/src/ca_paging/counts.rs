//! What contiguity-aware paging counts.

crate::counting::counts! {
    /// What contiguity-aware paging counts.
    placed: "regions for which a run of free memory was chosen at their first fault",
    placed_again: "runs that were chosen for the rest of a region, because a frame of the one before was taken",
    exact: "base pages that went to the frame that their region's offset names",
    exact_huge: "huge pages that went to the block that their region's offset names",
    occupied: "faults whose frame or block was taken",
    elsewhere: "faults that were left to Linux, because no run of free memory was found",
    small: "faults in regions that are too small to be placed",
}
