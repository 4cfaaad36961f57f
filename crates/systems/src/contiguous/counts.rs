//! What contiguous virtual machines count.

crate::counting::counts! {
    /// What contiguous virtual machines count.
    at_boot: "machines that got their block when they were made",
    scattered: "machines for which there was no block when they were made",
    repaired: "machines whose pages were moved together",
    repairs_begun: "times that a machine's pages began to be moved together",
    repairs_given_up: "of these, ended by something in the way, or because memory ran short",
    no_run: "times that a machine without a block was looked at and no free run of memory was long enough",
    grown_in_place: "machines that grew into free memory behind their block",
    grown_by_moving: "machines that grew and were moved to a longer run of memory for it",
    shrunk: "segments that ended earlier because the guest gave up the end of its memory",
    paged: "machines that went from a segment back to their extended page table",
    populated: "base pages that were backed before they were touched",
    moved: "base pages that were moved to their places",
    wasted_bytes: "bytes behind holes of guest-physical memory that segments hold and nobody can use",
}
