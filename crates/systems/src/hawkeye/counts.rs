//! What `HawkEye` counts.

crate::counting::counts! {
    /// What `HawkEye` counts.
    zeroed: "blocks of 2M that were cleared before anybody wanted them",
    zeroed_used: "huge pages at faults that found a block cleared",
    zeroed_pages_saved: "base pages that faults need not clear for that reason",
    zeroed_given_up: "blocks that were cleared and given back, because memory was short",
    not_zeroed: "huge pages at faults that found none cleared: the fault clears its own",
    samples: "samples of access coverage that were finished",
    sampled: "blocks whose coverage was measured",
    promoted: "blocks that became huge pages in the background",
    dropped: "blocks that were no candidates any longer when it was their turn",
    no_block: "promotions that found no free block",
    refused: "promotions that the layer refused",
    overhead_too_low: "batches of promotions that were left out, because too few cycles go into walks",
}
