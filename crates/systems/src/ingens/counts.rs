//! What Ingens counts.

crate::counting::counts! {
    /// What Ingens counts.
    requested_used: "blocks that were to be promoted because enough of their pages are there",
    requested_early: "blocks that were to be promoted whatever is there, because memory is not fragmented",
    promoted: "blocks that became huge pages",
    dropped: "requests that did not hold any longer when it was their turn",
    no_block: "promotions that found no free block",
    refused: "promotions that the layer refused",
    scans: "scans of accessed bits that were finished",
    scanned: "blocks whose accessed bits were read and cleared",
    not_sampled: "blocks of hot base pages that a scan passed over",
    idle_huge: "huge pages that a scan found idle",
}
