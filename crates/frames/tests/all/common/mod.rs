//! What the tests share.
#![allow(dead_code, reason = "each test uses some of it")]

use terrace_addr::{Addr, Bytes, Gpa};
use terrace_frames::{FrameState, Memory, NodeId, NodeSpec, Order, Watermarks};

pub(crate) const NODE: NodeId = NodeId::new(0);

/// The address of frame number `frame`.
pub(crate) fn frame(frame: u64) -> Addr<Gpa> {
    Addr::new(frame << 12)
}

/// The number of the frame at `at`.
pub(crate) fn number(at: Addr<Gpa>) -> u64 {
    at.get() >> 12
}

/// Nodes that start at these frames and have so many, without watermarks.
pub(crate) fn memory(nodes: &[(u64, u64)]) -> Memory<Gpa> {
    let spec =
        |&(start, frames): &(u64, u64)| NodeSpec { start: frame(start), bytes: Bytes::new(frames << 12) };
    let specs: Vec<_> = nodes.iter().map(spec).collect();
    let mut memory = Memory::new(&specs).unwrap();
    let none = Watermarks { min: Bytes::ZERO, low: Bytes::ZERO, high: Bytes::ZERO };
    for node in memory.node_ids() {
        memory.set_watermarks(node, none);
    }
    memory
}

/// How many free blocks of each order a node has.
pub(crate) fn blocks(memory: &Memory<Gpa>, node: NodeId) -> Vec<u64> {
    Order::all().map(|order| memory.free_blocks(node, order)).collect()
}

/// How many blocks of each order the free frames of `frames` make when buddies are always merged.
pub(crate) fn naive_blocks(memory: &Memory<Gpa>, frames: std::ops::Range<u64>) -> Vec<u64> {
    let is_free = |at: u64| frames.contains(&at) && memory.state(frame(at)) == FrameState::Free;
    let mut blocks = vec![0; Order::COUNT];
    let mut at = frames.start;
    while at < frames.end {
        let whole =
            |order: &Order| at.is_multiple_of(order.frames()) && (at..at + order.frames()).all(is_free);
        match Order::all().rev().find(whole) {
            Some(order) => {
                blocks[usize::from(order.get())] += 1;
                at += order.frames();
            }
            None => at += 1,
        }
    }
    blocks
}
