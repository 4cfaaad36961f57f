//! The fragmenter reaches what is wished, with little memory, and gives it back.

use crate::common;

use common::{NODE, blocks, memory, number};
use terrace_frames::compact::{Budget, Compaction, Moved};
use terrace_frames::fragment::Fragmenter;
use terrace_frames::{Mobility, NodeId, Order, Tag};

const WISHES: [f64; 6] = [0.0, 0.1, 0.37, 0.5, 0.9, 1.0];

#[test]
fn wishes_are_reached_with_one_frame_a_block() {
    // 256 MiB to 2 GiB, the second not a multiple of the largest block.
    for frames in [65_536_u64, 100_003, 524_288] {
        let fresh = blocks(&memory(&[(5, frames)]), NODE);
        for wish in WISHES {
            for seed in 0..3 {
                let mut memory = memory(&[(5, frames)]);
                let wanted = Fragmenter { node: NODE, wish, seed, mobility: Mobility::Unmovable };
                let fragmented = wanted.drive(&mut memory);
                let index = memory.unusable_index(Some(NODE), Order::HUGE);
                // At the ends of the memory at most two parts of a block are no use from the start.
                assert!(
                    (index - wish).abs() <= 0.01 || wish == 0.0 && index < 0.02,
                    "{frames}: {index} for {wish}"
                );
                assert!((fragmented.reached - index).abs() < 1e-12);
                let held = u64::try_from(fragmented.crumbs.len()).unwrap();
                assert!(held <= frames / 512 + 1);
                assert_eq!(memory.free_bytes(NODE).get() >> 12, frames - held);
                for &crumb in &fragmented.crumbs {
                    assert_eq!(memory.tag(crumb), Some(Tag::CRUMB));
                    assert_eq!(memory.mobility(crumb), Some(Mobility::Unmovable));
                }
                fragmented.release(&mut memory);
                assert_eq!(blocks(&memory, NODE), fresh);
            }
        }
    }
}

#[test]
fn a_wish_between_two_steps_gets_the_nearer_one() {
    // Each of 8 crumbs makes an eighth of the memory useless, less what the crumbs themselves take.
    for (wish, crumbs) in [(0.05, 0), (0.3, 2), (0.33, 3), (0.9, 7), (0.95, 8)] {
        let mut memory = memory(&[(0, 4_096)]);
        let held = Fragmenter { node: NODE, wish, seed: 1, mobility: Mobility::Unmovable }.drive(&mut memory);
        assert_eq!(held.crumbs.len(), crumbs, "{wish}");
        let index = memory.unusable_index(Some(NODE), Order::HUGE);
        assert!((held.reached - index).abs() < 1e-12 && (index - wish).abs() < 1.0 / 16.0 + 0.001);
    }
}

#[test]
fn the_seed_chooses_the_frames() {
    let crumbs = |seed| {
        let mut memory = memory(&[(0, 65_536)]);
        Fragmenter { node: NODE, wish: 0.5, seed, mobility: Mobility::Unmovable }.drive(&mut memory).crumbs
    };
    assert_eq!(crumbs(1), crumbs(1));
    assert_ne!(crumbs(1), crumbs(2));
    // They lie anywhere in the memory and anywhere in their blocks: in each half about half of the 64.
    let halves = |of: fn(u64) -> bool| crumbs(3).into_iter().filter(|&crumb| of(number(crumb))).count();
    assert!((16..48).contains(&halves(|at| at < 32_768)));
    assert!((16..48).contains(&halves(|at| at % 512 < 256)));
}

#[test]
fn other_memory_is_left_alone() {
    let mut memory = memory(&[(0, 65_536), (65_536, 65_536)]);
    let mut mine = Vec::new();
    for _ in 0..1_000 {
        let at = memory.allocate(NODE, Order::BASE, Mobility::Movable).unwrap();
        memory.set_tag(at, Tag::new(number(at)));
        mine.push(at);
    }
    let before = (blocks(&memory, NODE), blocks(&memory, NodeId::new(1)));
    let wanted = Fragmenter { node: NODE, wish: 1.0, seed: 4, mobility: Mobility::Unmovable };
    let fragmented = wanted.drive(&mut memory);
    assert_eq!(memory.allocate(NODE, Order::HUGE, Mobility::Unmovable), None);
    assert!(memory.free_blocks(NodeId::new(1), Order::MAX) == 64);
    assert!(mine.iter().all(|&at| memory.tag(at) == Some(Tag::new(number(at)))));
    fragmented.release(&mut memory);
    assert_eq!((blocks(&memory, NODE), blocks(&memory, NodeId::new(1))), before);
}

#[test]
fn crumbs_that_compaction_moved_are_given_back_too() {
    let mut memory = memory(&[(0, 65_536)]);
    let fresh = blocks(&memory, NODE);
    let wanted = Fragmenter { node: NODE, wish: 1.0, seed: 5, mobility: Mobility::Movable };
    let fragmented = wanted.drive(&mut memory);
    let mut moved = 0;
    Compaction::new().compact(&mut memory, NODE, Order::MAX, Budget::UNLIMITED, &mut |_, _, _| {
        moved += 1;
        Moved::Yes
    });
    assert!(moved > 0 && memory.unusable_index(Some(NODE), Order::HUGE) < 1.0);
    fragmented.release(&mut memory);
    assert_eq!(blocks(&memory, NODE), fresh);
}
