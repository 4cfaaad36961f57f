//! Where memory is, where it is free, and to whom it returns: cases that random histories seldom meet.

use crate::common;

use common::{frame, memory};
use terrace_addr::{Addr, Bytes, Gpa, Nanos};
use terrace_frames::{FrameState, Mobility, NodeId, Order, Owner};

#[test]
fn addresses_outside_belong_to_nobody() {
    let memory = memory(&[(3, 3_000), (5_000, 2_123)]);
    for at in [0, 2, 3_003, 4_999, 7_123] {
        assert_eq!(memory.state(frame(at)), FrameState::Absent);
        assert_eq!(memory.node_of(frame(at)), None);
    }
    for (at, node) in [(3, 0), (3_002, 0), (5_000, 1), (7_122, 1)] {
        assert_eq!(memory.node_of(frame(at)), Some(NodeId::new(node)));
    }
    let last: Addr<Gpa> = Addr::new((1 << 52) - 1);
    assert_eq!(memory.state(last), FrameState::Absent);
    // Beyond the node, the search starts at its bottom.
    let found = memory.next_fit(NodeId::new(0), last, Bytes::new(4096), Order::BASE);
    assert_eq!(found, Some(frame(3)));
}

#[test]
fn a_run_that_holds_no_aligned_group_is_found() {
    // A search for aligned places of 64 frames skips runs without an aligned group of 64, of which 10 to 109 is one.
    // Frame 2, free too, is where a search starts to skip.
    let mut memory = memory(&[(0, 1_024)]);
    let node = NodeId::new(0);
    for at in (0..10).chain(110..1_024).filter(|&at| at != 2) {
        memory.allocate_at(frame(at), Order::BASE, Mobility::Movable).unwrap();
    }
    let order = |order: u8| Order::new(order).unwrap();
    let fit = |frames: u64, of: u8| memory.next_fit(node, frame(500), Bytes::new(frames << 12), order(of));
    assert_eq!(fit(100, 0), Some(frame(10)));
    assert_eq!(fit(101, 0), None);
    assert_eq!(fit(78, 5), Some(frame(32)));
    assert_eq!(fit(79, 5), None);
    assert_eq!(fit(46, 6), Some(frame(64)));
    assert_eq!(fit(64, 6), None);
    assert_eq!(memory.largest_extent(node).unwrap().start, frame(10));
}

#[test]
fn frames_return_to_the_reservation_that_lasts() {
    let mut memory = memory(&[(0, 1_024)]);
    let (node, later) = (NodeId::new(0), Nanos::new(1));
    let ended = memory.reserve(frame(5), Order::BASE, Owner::new(1), later).unwrap();
    memory.release(ended);
    let around = memory.reserve(frame(0), Order::new(3).unwrap(), Owner::new(2), later).unwrap();
    memory.allocate_reserved(around, frame(6), Order::BASE, Mobility::Movable).unwrap();
    assert_eq!(memory.reservation_at(frame(6)).map(|found| found.owner), Some(Owner::new(2)));
    assert_eq!(memory.reservation_at(frame(8)), None);
    memory.free(frame(6), Order::BASE);
    assert_eq!(memory.state(frame(6)), FrameState::Reserved(around));
    // Once it has ended, what was lent is free when it comes back.
    memory.allocate_reserved(around, frame(6), Order::BASE, Mobility::Movable).unwrap();
    assert_eq!(memory.release(around), Bytes::new(7 << 12));
    memory.free(frame(6), Order::BASE);
    assert_eq!(memory.free_bytes(node), memory.total(node));
}
