//! The indices of `mm/vmstat.c`, on states whose numbers can be followed by hand and on random ones.

use crate::common;

use common::{NODE, frame, memory, naive_blocks};
use proptest::prelude::*;
use terrace_addr::{Gpa, Nanos, convert};
use terrace_frames::{Memory, Mobility, NodeId, Order, Owner};

fn order(order: u8) -> Order {
    Order::new(order).unwrap()
}

/// A memory of these frames, all used but blocks of which the first frame and the order are given.
fn all_but(frames: u64, free: &[(u64, u8)]) -> Memory<Gpa> {
    let mut memory = memory(&[(0, frames)]);
    for at in 0..frames {
        memory.allocate_at(frame(at), Order::BASE, Mobility::Movable).unwrap();
    }
    for &(at, of) in free {
        memory.free(frame(at), order(of));
    }
    memory
}

fn unusable(memory: &Memory<Gpa>, of: u8) -> f64 {
    memory.unusable_index(Some(NODE), order(of))
}

#[track_caller]
fn assert_ratio(found: f64, numerator: u32, denominator: u32) {
    let expected = f64::from(numerator) / f64::from(denominator);
    assert!((found - expected).abs() < 1e-12, "{found} is not {numerator} / {denominator}");
}

#[test]
fn blocks_of_eight_two_and_one() {
    let memory = all_but(1024, &[(0, 3), (16, 1), (32, 0)]);
    // 11 free frames: all serve order 0; 8 + 2 of them order 1; 8 of them orders 2 and 3; none larger orders.
    assert_ratio(unusable(&memory, 0), 0, 11);
    assert_ratio(unusable(&memory, 1), 1, 11);
    assert_ratio(unusable(&memory, 2), 3, 11);
    assert_ratio(unusable(&memory, 3), 3, 11);
    assert_ratio(unusable(&memory, 4), 11, 11);
    // 3 blocks. Order 4: 11,000 / 16 = 687; (1,000 + 687) / 3 = 562. Order 9: 11,000 / 512 = 21; 1,021 / 3 = 340.
    // Order 10: 11,000 / 1,024 = 10; 1,010 / 3 = 336.
    assert_eq!(memory.fragmentation_index(NODE, order(3)), -1000);
    assert_eq!(memory.fragmentation_index(NODE, order(4)), 1000 - 562);
    assert_eq!(memory.fragmentation_index(NODE, order(9)), 1000 - 340);
    assert_eq!(memory.fragmentation_index(NODE, order(10)), 1000 - 336);
}

#[test]
fn every_second_frame() {
    let free: Vec<_> = (0..512).map(|pair| (2 * pair + 1, 0)).collect();
    let memory = all_but(1024, &free);
    assert_ratio(unusable(&memory, 0), 0, 1);
    assert_ratio(unusable(&memory, 1), 1, 1);
    // 512 frames in 512 blocks. Order 1: 512,000 / 2 = 256,000; 257,000 / 512 = 501. Order 9: 1,000; 2,000 / 512 = 3.
    assert_eq!(memory.fragmentation_index(NODE, order(1)), 1000 - 501);
    assert_eq!(memory.fragmentation_index(NODE, order(9)), 1000 - 3);
}

#[test]
fn no_memory_and_all_memory() {
    let none = all_but(1024, &[]);
    assert_ratio(unusable(&none, 0), 1, 1);
    assert_eq!(none.fragmentation_index(NODE, order(0)), 0);
    let all = memory(&[(0, 4096)]);
    assert_ratio(unusable(&all, 10), 0, 1);
    assert_eq!(all.fragmentation_index(NODE, order(10)), -1000);
}

#[test]
fn one_small_block_is_a_lack_of_memory() {
    // 1 frame in 1 block: order 9 has 1,000 / 512 = 1; (1,000 + 1) / 1.
    assert_eq!(all_but(1024, &[(7, 0)]).fragmentation_index(NODE, Order::HUGE), -1);
}

#[test]
fn nodes_are_summed() {
    let mut memory = memory(&[(0, 1024), (1024, 1024)]);
    // Of the first node 1,023 frames are left, of which 512 in a huge page; the second is whole.
    memory.allocate_at(frame(600), Order::BASE, Mobility::Unmovable).unwrap();
    assert_ratio(memory.unusable_index(Some(NODE), Order::HUGE), 511, 1_023);
    assert_ratio(memory.unusable_index(Some(NodeId::new(1)), Order::HUGE), 0, 1);
    assert_ratio(memory.unusable_index(None, Order::HUGE), 511, 2_047);
}

#[test]
fn reserved_memory_is_neither_free_nor_usable() {
    let mut memory = all_but(1024, &[(0, 9), (512, 3)]);
    assert_ratio(unusable(&memory, 9), 8, 520);
    memory.reserve(frame(0), Order::HUGE, Owner::new(0), Nanos::ZERO).unwrap();
    assert_ratio(unusable(&memory, 9), 8, 8);
}

proptest! {
    #[test]
    fn they_are_as_a_count_of_all_blocks_has_them(
        free in prop::collection::vec((0_u64..2_048, 0_u8..11), 0..200),
    ) {
        let mut memory = all_but(2_048, &[]);
        for (at, of) in free {
            let start = at & !((1 << of) - 1);
            if (start..start + (1 << of)).all(|at| memory.mobility(frame(at)).is_some()) {
                memory.free(frame(start), order(of));
            }
        }
        let blocks = naive_blocks(&memory, 0..2_048);
        for wanted in 0..=10_u8 {
            let sized = |least: u8| (least..=10).map(|of| blocks[usize::from(of)] << of).sum::<u64>();
            let (frames, count, suitable) = (sized(0), blocks.iter().sum::<u64>(), sized(wanted) >> wanted);
            let expected = match frames {
                0 => 1.0,
                _ => convert::ratio(frames - (suitable << wanted), frames),
            };
            prop_assert!((unusable(&memory, wanted) - expected).abs() < 1e-12);
            let expected = if count == 0 {
                0
            } else if suitable > 0 {
                -1000
            } else {
                1000 - i64::try_from((1000 + frames * 1000 / (1 << wanted)) / count).unwrap()
            };
            prop_assert_eq!(i64::from(memory.fragmentation_index(NODE, order(wanted))), expected);
        }
    }
}
