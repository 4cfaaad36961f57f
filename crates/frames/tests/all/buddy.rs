//! The behaviour of `mm/page_alloc.c`, one test each.

use crate::common;

use common::{NODE, blocks, frame, memory, number};
use terrace_addr::{Addr, Bytes, Gpa};
use terrace_frames::{FramesError, Memory, Mobility, NodeSpec, Order, Tag};

fn order(order: u8) -> Order {
    Order::new(order).unwrap()
}

#[test]
fn fresh_memory_is_given_out_upward() {
    let mut memory = memory(&[(0, 4_096)]);
    for expected in 0..4_096 {
        assert_eq!(memory.allocate(NODE, Order::BASE, Mobility::Movable), Some(frame(expected)));
    }
    assert_eq!(memory.allocate(NODE, Order::BASE, Mobility::Movable), None);
}

#[test]
fn the_frame_that_came_back_last_is_given_out_first() {
    let mut memory = memory(&[(0, 1_024)]);
    for _ in 0..100 {
        memory.allocate(NODE, Order::BASE, Mobility::Movable);
    }
    // No two of them are buddies, so that they stay single frames.
    for freed in [11, 40, 22] {
        memory.free(frame(freed), Order::BASE);
    }
    for expected in [22, 40, 11] {
        assert_eq!(memory.allocate(NODE, Order::BASE, Mobility::Movable), Some(frame(expected)));
    }
}

#[test]
fn a_split_block_leaves_one_of_each_order_below() {
    let mut memory = memory(&[(0, 1_024)]);
    memory.allocate(NODE, order(2), Mobility::Movable);
    assert_eq!(blocks(&memory, NODE), [0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 0]);
    memory.free(frame(0), order(2));
    assert_eq!(blocks(&memory, NODE), [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]);
}

#[test]
fn a_huge_page_may_come_back_frame_by_frame() {
    let mut memory = memory(&[(0, 1_024)]);
    let huge = memory.allocate(NODE, Order::HUGE, Mobility::Movable).unwrap();
    for offset in (0..512).rev() {
        assert_eq!(memory.free_blocks(NODE, Order::MAX), 0);
        memory.free(frame(number(huge) + offset), Order::BASE);
    }
    assert_eq!(blocks(&memory, NODE), [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]);
}

/// `__rmqueue_fallback`: the first unmovable allocation takes a whole largest block, and the next stay in it, so that
/// unmovable memory does not spread.
#[test]
fn unmovable_memory_keeps_together() {
    let mut memory = memory(&[(0, 4_096)]);
    let movable = memory.allocate(NODE, Order::BASE, Mobility::Movable).unwrap();
    let unmovable: Vec<_> = (0..1_024)
        .map(|_| number(memory.allocate(NODE, Order::BASE, Mobility::Unmovable).unwrap()))
        .collect();
    assert_eq!(number(movable), 0);
    assert_eq!(unmovable, (1_024..2_048).collect::<Vec<_>>());
    // The next movable frame comes from where the first did.
    assert_eq!(memory.allocate(NODE, Order::BASE, Mobility::Movable), Some(frame(1)));
}

/// `steal_suitable_fallback`: a pageblock of which less than half would suit is not converted.
#[test]
fn a_pageblock_in_use_is_converted_only_by_its_larger_half() {
    for (used, converted) in [(256, true), (257, false)] {
        let mut memory = memory(&[(0, 512)]);
        for _ in 0..used {
            memory.allocate(NODE, Order::BASE, Mobility::Movable);
        }
        let first = memory.allocate(NODE, Order::BASE, Mobility::Unmovable).unwrap();
        memory.free(frame(0), Order::BASE);
        // If the pageblock was converted, the frame that came back is on the list of unmovable memory, single, and is
        // given out first; otherwise movable memory gets it.
        let next = memory.allocate(NODE, Order::BASE, Mobility::Unmovable).unwrap();
        assert_eq!(next == frame(0), converted, "{used} used: {first:?}, then {next:?}");
    }
}

/// `__rmqueue_fallback`: a movable allocation that cannot convert a pageblock takes the smallest block of it.
#[test]
fn small_movable_memory_takes_the_smallest_block_of_the_other_kind() {
    let mut memory = memory(&[(0, 512)]);
    // The pageblock becomes unmovable; of it a block of 8 frames and one of 2 are free.
    for _ in 0..512 {
        memory.allocate(NODE, Order::BASE, Mobility::Unmovable);
    }
    memory.free(frame(64), order(3));
    memory.free(frame(128), order(1));
    assert_eq!(memory.allocate(NODE, Order::BASE, Mobility::Movable), Some(frame(128)));
    // Unmovable memory finds its own: the rest of the smallest block.
    assert_eq!(memory.allocate(NODE, Order::BASE, Mobility::Unmovable), Some(frame(129)));
}

/// `__free_one_page`: pageblocks of different mobility merge, and are then of one.
#[test]
fn free_pageblocks_of_both_kinds_merge() {
    let mut memory = memory(&[(0, 1_024)]);
    let low = memory.allocate(NODE, Order::HUGE, Mobility::Movable).unwrap();
    let high = memory.allocate(NODE, Order::HUGE, Mobility::Unmovable).unwrap();
    memory.free(low, Order::HUGE);
    memory.free(high, Order::HUGE);
    assert_eq!(memory.free_blocks(NODE, Order::MAX), 1);
    // It is for unmovable memory, which came back last: so are frames of either half when they come back again.
    for _ in 0..1_024 {
        memory.allocate(NODE, Order::BASE, Mobility::Unmovable).unwrap();
    }
    memory.free(frame(600), Order::BASE);
    memory.free(frame(0), Order::BASE);
    for expected in [0, 600] {
        assert_eq!(memory.allocate(NODE, Order::BASE, Mobility::Unmovable), Some(frame(expected)));
    }
    assert_eq!(memory.free_bytes(NODE), Bytes::ZERO);
}

/// `split_large_buddy`: the same, if they come back as one block.
#[test]
fn a_block_of_both_kinds_is_of_one_when_it_is_free() {
    let mut memory = memory(&[(0, 1_024)]);
    memory.allocate(NODE, Order::HUGE, Mobility::Movable).unwrap();
    memory.allocate(NODE, Order::HUGE, Mobility::Unmovable).unwrap();
    memory.free(frame(0), Order::MAX);
    for _ in 0..1_024 {
        memory.allocate(NODE, Order::BASE, Mobility::Movable).unwrap();
    }
    memory.free(frame(0), Order::BASE);
    memory.free(frame(600), Order::BASE);
    for expected in [600, 0] {
        assert_eq!(memory.allocate(NODE, Order::BASE, Mobility::Movable), Some(frame(expected)));
    }
}

#[test]
#[should_panic(expected = "is not all used")]
fn a_frame_cannot_come_back_twice() {
    let mut memory = memory(&[(0, 1_024)]);
    let at = memory.allocate(NODE, Order::BASE, Mobility::Movable).unwrap();
    memory.free(at, Order::BASE);
    memory.free(at, Order::BASE);
}

#[test]
#[should_panic(expected = "is not used and has no owner")]
fn a_free_frame_has_no_tag() {
    memory(&[(0, 1_024)]).set_tag(frame(1), Tag::new(1));
}

#[test]
fn nodes_that_make_no_memory_are_refused() {
    let make = |nodes: &[(u64, u64)]| {
        let spec =
            |&(start, bytes): &(u64, u64)| NodeSpec { start: Addr::new(start), bytes: Bytes::new(bytes) };
        Memory::<Gpa>::new(&nodes.iter().map(spec).collect::<Vec<_>>()).unwrap_err()
    };
    assert_eq!(make(&[]), FramesError::NodeCount { found: 0 });
    assert_eq!(make(&vec![(0, 4096); 257]), FramesError::NodeCount { found: 257 });
    assert_eq!(make(&[(0, 4096), (4096, 100)]), FramesError::NotFrames { node: 1, start: 4096, bytes: 100 });
    assert_eq!(make(&[(0, 0)]), FramesError::NotFrames { node: 0, start: 0, bytes: 0 });
    let last = (1 << 52) - 4096;
    assert_eq!(
        make(&[(last, 8192)]),
        FramesError::BeyondSpace { node: 0, start: last, bytes: 8192, space: "GPA" }
    );
    assert_eq!(
        make(&[(4096, 8192), (8192, 4096)]),
        FramesError::Overlap { node: 1, start: 8192, end: 12288 }
    );
    assert!(matches!(make(&[(0, 1 << 40)]), FramesError::TooLarge { node: 0, frames: 268_435_456, .. }));
    assert_eq!(
        make(&[(4096, 8192), (8192, 4096)]).to_string(),
        "node 1 starts at 0x2000: expected 0x3000, where the node before it ends, or above"
    );
}
