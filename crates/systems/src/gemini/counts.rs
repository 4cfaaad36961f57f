//! What a half counted.

use crate::counting::counts;

counts! {
    /// What a half did, and how things are.
    aligned_blocks: "blocks that are huge here and at a peer, now",
    type_1_blocks: "blocks that are huge at a peer and of which nothing is mapped here, now",
    type_2_blocks: "blocks that are huge at a peer and used by base pages here, now",
    alone_blocks: "huge pages of this layer that are huge at no peer, now",
    booked: "blocks that were booked",
    booked_now: "blocks that are kept now, booked or in the bucket",
    bookings_consumed: "bookings in which a page was placed",
    bookings_expired: "bookings that ended at their timeout, used in part or not",
    kept_released_under_pressure: "kept blocks that were given back because memory was short",
    timeout_ns: "how long a booking lasts now, in nanoseconds",
    timeout_steps: "changes of the desired timeout",
    offsets_opened: "offset descriptors that were opened",
    faults_in_place: "faults that were served by the frame at its place",
    faults_huge: "faults that were served by a huge page",
    faults_small_region: "faults off their place: the region has no more than 2 MiB",
    faults_no_extent: "faults off their place: no block was free",
    faults_taken: "faults off their place: the frame was in use",
    promoted_in_place_type_2: "type-2 blocks that became huge without a copy",
    promoted_in_place_other: "other blocks that became huge without a copy",
    promoted_by_copy_type_2: "type-2 blocks that became huge by copying",
    promoted_by_copy_other: "other blocks that became huge by copying",
    preallocated: "booked blocks that were completed before their booking ended",
    bucket_kept: "freed blocks that were put into the bucket",
    bucket_reused: "blocks of the bucket that were used again",
    bucket_expired: "blocks of the bucket whose hold time ended",
    bucket_emptied: "blocks of the bucket that were given back because memory was short or fragmented",
    demoted: "huge pages that were split under pressure",
    scanned_blocks: "blocks that the scanner looked at",
}
