//! Pageblocks that hold memory of both mobilities.

use crate::common;

use common::{NODE, frame, memory, number};
use terrace_addr::Nanos;
use terrace_frames::compact::{Budget, Compaction, Moved, Outcome};
use terrace_frames::fragment::Fragmenter;
use terrace_frames::{Mobility, Order, Owner, Pageblock};

/// Unmovable memory of so many frames, one by one, and how many whole free pageblocks that cost.
fn cost_of_unmovable(tracked: bool, frames: usize) -> u64 {
    let mut memory = memory(&[(0, 64 * 512)]);
    let wish = Fragmenter { node: NODE, wish: 0.5, seed: 1, mobility: Mobility::Unmovable };
    let fragmented = wish.drive(&mut memory);
    if tracked {
        memory.track_hybrids();
        assert_eq!(memory.hybrids(NODE), u64::try_from(fragmented.crumbs.len()).unwrap());
    }
    let whole = |memory: &terrace_frames::Memory<_>| {
        memory.free_blocks(NODE, Order::HUGE) + 2 * memory.free_blocks(NODE, Order::MAX)
    };
    let before = whole(&memory);
    for _ in 0..frames {
        memory.allocate(NODE, Order::BASE, Mobility::Unmovable).unwrap();
    }
    let cost = before - whole(&memory);
    fragmented.release(&mut memory);
    cost
}

#[test]
fn unmovable_memory_goes_where_there_is_some_before_it_breaks_a_block() {
    assert_eq!(cost_of_unmovable(false, 1_100), 3, "1,100 frames are three pageblocks");
    assert_eq!(cost_of_unmovable(true, 1_100), 0);
}

#[test]
fn a_pageblock_is_hybrid_as_long_as_both_are_in_it() {
    let mut memory = memory(&[(0, 1_024)]);
    memory.track_hybrids();
    let kind = |memory: &terrace_frames::Memory<_>| memory.pageblock(frame(0)).unwrap();
    memory.allocate_at(frame(0), Order::BASE, Mobility::Movable).unwrap();
    assert_eq!(kind(&memory), Pageblock::Movable);
    memory.allocate_at(frame(1), Order::BASE, Mobility::Unmovable).unwrap();
    assert_eq!((kind(&memory), memory.hybrids(NODE)), (Pageblock::Hybrid, 1));
    // The next unmovable frame is beside it, the next movable one too: other pageblocks stay whole.
    let next = memory.allocate(NODE, Order::BASE, Mobility::Unmovable).unwrap();
    assert_eq!((number(next), memory.pageblock(frame(512))), (2, Some(Pageblock::Movable)));
    let next = memory.allocate(NODE, Order::BASE, Mobility::Movable).unwrap();
    assert_eq!(number(next), 3);
    for unmovable in [1, 2] {
        assert_eq!(kind(&memory), Pageblock::Hybrid);
        memory.free(frame(unmovable), Order::BASE);
    }
    assert_eq!((kind(&memory), memory.hybrids(NODE)), (Pageblock::Movable, 0));
}

#[test]
fn a_pageblock_of_nothing_else_is_for_unmovable_memory() {
    let mut memory = memory(&[(0, 512)]);
    memory.track_hybrids();
    let movable = memory.allocate(NODE, Order::BASE, Mobility::Movable).unwrap();
    for _ in 1..512 {
        memory.allocate(NODE, Order::BASE, Mobility::Unmovable).unwrap();
    }
    assert_eq!(memory.pageblock(movable), Some(Pageblock::Hybrid));
    memory.free(movable, Order::BASE);
    memory.allocate(NODE, Order::BASE, Mobility::Unmovable).unwrap();
    assert_eq!(memory.pageblock(movable), Some(Pageblock::Unmovable));
    // Movable memory that finds room nowhere else makes it a hybrid one again.
    memory.free(frame(7), Order::BASE);
    assert_eq!(memory.pageblock(movable), Some(Pageblock::Unmovable));
    memory.allocate(NODE, Order::BASE, Mobility::Movable).unwrap();
    assert_eq!(memory.pageblock(movable), Some(Pageblock::Hybrid));
}

/// A frame that a reservation lent goes back to it, and is not in use there.
#[test]
fn lent_frames_count_as_long_as_they_are_used() {
    let mut memory = memory(&[(0, 1_024)]);
    memory.track_hybrids();
    let id = memory.reserve(frame(0), Order::new(4).unwrap(), Owner::new(1), Nanos::new(9)).unwrap();
    assert_eq!(memory.pageblock(frame(0)), Some(Pageblock::Movable));
    memory.allocate_reserved(id, frame(2), Order::BASE, Mobility::Unmovable).unwrap();
    assert_eq!(memory.pageblock(frame(0)), Some(Pageblock::Hybrid));
    memory.free(frame(2), Order::BASE);
    assert_eq!(memory.pageblock(frame(0)), Some(Pageblock::Movable));
}

/// Of two single free frames movable memory takes the one in a hybrid pageblock, whichever came back last.
#[test]
fn of_equal_blocks_movable_memory_takes_that_of_a_hybrid_pageblock() {
    for hybrid in [0, 1] {
        let mut memory = memory(&[(0, 1_024)]);
        for block in 0..2 {
            let mobility = if block == hybrid { Mobility::Unmovable } else { Mobility::Movable };
            memory.allocate_at(frame(block * 512), Order::BASE, mobility).unwrap();
        }
        memory.track_hybrids();
        while memory.allocate(NODE, Order::BASE, Mobility::Movable).is_some() {}
        for block in 0..2 {
            memory.free(frame(block * 512 + 9), Order::BASE);
        }
        let next = memory.allocate(NODE, Order::BASE, Mobility::Movable);
        assert_eq!(next, Some(frame(hybrid * 512 + 9)));
    }
}

/// Of sixteen pageblocks with movable frames twelve have an unmovable one: compaction looks at each of these once, and
/// moves nothing to them.
#[test]
fn compaction_passes_hybrid_pageblocks() {
    let compacted = |tracked: bool| {
        let mut memory = memory(&[(0, 16 * 512)]);
        for block in 0..16 {
            for at in (0..512).step_by(2) {
                memory.allocate_at(frame(block * 512 + at), Order::BASE, Mobility::Movable).unwrap();
            }
            if block % 4 != 2 {
                memory.allocate_at(frame(block * 512 + 101), Order::BASE, Mobility::Unmovable).unwrap();
            }
        }
        if tracked {
            memory.track_hybrids();
        }
        let mut targets = Vec::new();
        let mut compaction = Compaction::new();
        let done = compaction.compact(&mut memory, NODE, Order::HUGE, Budget::UNLIMITED, &mut |_, _, to| {
            targets.push(number(to) / 512);
            Moved::Yes
        });
        assert_eq!((done.outcome, done.moved), (Outcome::Done, 256));
        targets.dedup();
        (done.scanned, targets)
    };
    let (scanned, targets) = compacted(false);
    let (fewer, pure) = compacted(true);
    assert_eq!((targets, pure), (vec![15, 14], vec![14]));
    // Two pageblocks below the first that can become free: a look at each instead of one at every second frame.
    assert!(fewer + 2 * 100 <= scanned, "{fewer} looks, {scanned} without");
}
