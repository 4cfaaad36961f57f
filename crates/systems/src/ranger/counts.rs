//! What Translation Ranger counts.

crate::counting::counts! {
    /// What Translation Ranger counts.
    passes: "passes over all regions that were finished",
    blocks: "blocks of 2M whose pages were looked at",
    aligned: "pages, of any size, that lay at their places already",
    migrated: "pages that were moved to free memory at their places",
    exchanged: "pages that were exchanged with a page of the same address space that lay at their place",
    evicted: "pages that were moved to their places after a page of another address space was moved away",
    anchors: "ranges of memory that were chosen for a region",
    anchors_again: "ranges that were chosen for the rest of a region, because something in the one before cannot be moved",
    no_range: "ranges that could not be chosen, because memory has no room for them",
    unmovable: "pages whose place holds something that cannot be moved",
    other_size: "pages whose place holds a page of another size",
    refused: "moves that the layer refused",
    promoted: "blocks whose base pages were all at their places and became a huge page there",
}
