//! Compaction: content is moved and never lost, and blocks become free.

use crate::common;

use std::collections::BTreeMap;

use common::{NODE, frame, memory, number};
use proptest::prelude::*;
use terrace_addr::{Addr, Gpa};
use terrace_frames::compact::{Budget, Compacted, Compaction, Moved, Outcome, is_suitable};
use terrace_frames::{FrameState, Memory, Mobility, Order, Tag};

/// A memory of so many frames of which every frame that `used` names is used, and where its tag lies.
fn scattered(
    frames: u64,
    used: impl Iterator<Item = (u64, Mobility)>,
) -> (Memory<Gpa>, BTreeMap<Tag, Addr<Gpa>>) {
    let mut memory = memory(&[(0, frames)]);
    let mut places = BTreeMap::new();
    for (at, mobility) in used {
        memory.allocate_at(frame(at), Order::BASE, mobility).unwrap();
        let tag = Tag::new(at + 1);
        memory.set_tag(frame(at), tag);
        places.insert(tag, frame(at));
    }
    (memory, places)
}

/// Compacts with a mover that keeps `places` and refuses pinned frames. It checks what it is asked.
fn run(
    compaction: &mut Compaction,
    memory: &mut Memory<Gpa>,
    places: &mut BTreeMap<Tag, Addr<Gpa>>,
    goal: Order,
    budget: Budget,
    pinned: impl Fn(Tag) -> bool,
) -> Compacted {
    let mut moves = 0;
    let done = compaction.compact(memory, NODE, goal, budget, &mut |memory, from, to| {
        let tag = memory.tag(from).expect("every used frame has a tag");
        assert_eq!(places.get(&tag), Some(&from), "the frame holds what it held");
        assert_eq!(memory.mobility(from), Some(Mobility::Movable), "unmovable frames stay");
        assert_eq!((memory.mobility(to), memory.tag(to)), (Some(Mobility::Movable), None));
        assert!(from < to, "memory is moved up");
        if pinned(tag) {
            return Moved::No { block: Order::BASE };
        }
        moves += 1;
        places.insert(tag, to);
        Moved::Yes
    });
    assert_eq!(done.moved, moves);
    done
}

fn check(memory: &Memory<Gpa>, places: &BTreeMap<Tag, Addr<Gpa>>, frames: u64) {
    for (&tag, &at) in places {
        assert_eq!(memory.tag(at), Some(tag));
    }
    let used = (0..frames).filter(|&at| memory.state(frame(at)) == FrameState::Used).count();
    assert_eq!(used, places.len(), "no frame is used for nothing");
    let free = memory.free_bytes(NODE).get() >> 12;
    assert_eq!(free + u64::try_from(used).unwrap(), frames);
}

fn free_block(memory: &Memory<Gpa>, goal: Order) -> bool {
    Order::all().any(|order| order >= goal && memory.free_blocks(NODE, order) > 0)
}

#[test]
fn every_second_frame_is_packed_at_the_top() {
    let (mut memory, mut places) = scattered(4_096, (0..2_048).map(|pair| (2 * pair, Mobility::Movable)));
    let mut compaction = Compaction::new();
    let done = run(&mut compaction, &mut memory, &mut places, Order::HUGE, Budget::UNLIMITED, |_| false);
    // The lowest pageblock is finished first: its 256 frames fill the gaps of the highest one.
    assert_eq!((done.outcome, done.moved), (Outcome::Done, 256));
    assert_eq!(memory.state(frame(4_095)), FrameState::Used);
    assert!((0..512).all(|at| memory.state(frame(at)) == FrameState::Free));
    check(&memory, &places, 4_096);
    // With the block there, nothing is left to do.
    let again = run(&mut compaction, &mut memory, &mut places, Order::HUGE, Budget::UNLIMITED, |_| false);
    assert_eq!((again.outcome, again.moved, again.scanned), (Outcome::Done, 0, 0));
}

/// `__compact_finished`: a pageblock is always finished, so that what is free in it is free together.
#[test]
fn a_small_goal_finishes_a_pageblock_too() {
    let (mut memory, mut places) = scattered(4_096, (0..2_048).map(|pair| (2 * pair, Mobility::Movable)));
    let goal = Order::new(3).unwrap();
    let budget = Budget::UNLIMITED;
    let done = run(&mut Compaction::new(), &mut memory, &mut places, goal, budget, |_| false);
    assert_eq!((done.outcome, done.moved), (Outcome::Done, 256));
}

#[test]
fn a_budget_is_kept_and_the_next_call_goes_on() {
    let every_second = || scattered(4_096, (0..2_048).map(|pair| (2 * pair, Mobility::Movable)));
    let (mut memory, mut places) = every_second();
    let at_once =
        run(&mut Compaction::new(), &mut memory, &mut places, Order::HUGE, Budget::UNLIMITED, |_| false);

    let (mut memory, mut places) = every_second();
    let mut compaction = Compaction::new();
    let budget = Budget { frames_moved: 100, ..Budget::UNLIMITED };
    let mut outcomes = Vec::new();
    let (mut moved, mut scanned) = (0, 0);
    while outcomes.last() != Some(&Outcome::Done) {
        let done = run(&mut compaction, &mut memory, &mut places, Order::HUGE, budget, |_| false);
        assert!(done.moved <= 100);
        moved += done.moved;
        scanned += done.scanned;
        outcomes.push(done.outcome);
    }
    assert_eq!((outcomes, moved), (vec![Outcome::Partial, Outcome::Partial, Outcome::Done], 256));
    assert_eq!(moved, at_once.moved);
    // Each of the two later calls looks once more whether the block can become free: at what is left of 512 frames.
    let again = scanned - at_once.scanned;
    assert!(again > 0 && again < 2 * 512, "{again}: nothing else is looked at twice");

    let (mut memory, mut places) = every_second();
    let budget = Budget { frames_scanned: 10, ..Budget::UNLIMITED };
    let done = run(&mut Compaction::new(), &mut memory, &mut places, Order::HUGE, budget, |_| false);
    // The first move takes a look below, one at each frame of its block, and one at the topmost frame, which is free.
    assert_eq!(done, Compacted { scanned: 514, moved: 1, outcome: Outcome::Partial });
}

/// `skip_on_failure`: what cannot become free is not emptied.
#[test]
fn blocks_with_a_frame_that_stays_are_left_alone() {
    let places = (0..2_048).map(|pair| {
        let mobility =
            if pair % 256 == 255 && pair < 1_024 { Mobility::Unmovable } else { Mobility::Movable };
        (2 * pair, mobility)
    });
    let (mut memory, mut places) = scattered(4_096, places);
    let budget = Budget::UNLIMITED;
    let done = run(&mut Compaction::new(), &mut memory, &mut places, Order::HUGE, budget, |_| false);
    assert_eq!((done.outcome, done.moved), (Outcome::Done, 256), "the first block without one is emptied");
}

#[test]
fn pinned_and_unmovable_frames_stay() {
    // One frame of each pageblock cannot be moved, in every second of them because it is pinned.
    let used = (0..2_048).map(|pair| {
        let at = 2 * pair;
        (at, if at % 1_024 == 0 { Mobility::Unmovable } else { Mobility::Movable })
    });
    let (mut memory, mut places) = scattered(4_096, used);
    let pinned = |tag: Tag| (tag.get() - 1) % 1_024 == 512;
    let done = run(&mut Compaction::new(), &mut memory, &mut places, Order::HUGE, Budget::UNLIMITED, pinned);
    assert_eq!(done.outcome, Outcome::Complete);
    assert!(!free_block(&memory, Order::HUGE));
    assert!(free_block(&memory, Order::new(8).unwrap()));
    for at in (0..4_096).step_by(512) {
        assert_eq!(memory.tag(frame(at)), Some(Tag::new(at + 1)));
    }
    check(&memory, &places, 4_096);
}

#[test]
fn a_block_that_stays_is_asked_about_once() {
    let mut memory = memory(&[(0, 4_096)]);
    for at in 0..512 {
        memory.allocate_at(frame(at), Order::BASE, Mobility::Movable).unwrap();
    }
    for at in 512..4_096 {
        if at % 2 == 0 {
            memory.allocate_at(frame(at), Order::BASE, Mobility::Movable).unwrap();
        }
    }
    let mut asked = Vec::new();
    let mut offered = Vec::new();
    let done =
        Compaction::new().compact(&mut memory, NODE, Order::HUGE, Budget::UNLIMITED, &mut |_, from, to| {
            asked.push(number(from));
            offered.push(number(to));
            if number(from) < 512 { Moved::No { block: Order::HUGE } } else { Moved::Yes }
        });
    assert_eq!(done.outcome, Outcome::Done);
    assert_eq!(asked.iter().filter(|&&at| at < 512).count(), 1);
    assert_eq!(offered[..3], [4_095, 4_095, 4_093], "the frame that was not used is offered again");
    assert_eq!(memory.free_blocks(NODE, Order::HUGE), 1);
}

#[test]
fn memory_for_the_kernel_is_not_filled_with_what_moves() {
    let mut memory = memory(&[(0, 4_096)]);
    for at in 0..2_048 {
        memory.allocate_at(frame(at), Order::BASE, Mobility::Movable).unwrap();
    }
    let first = memory.allocate(NODE, Order::BASE, Mobility::Unmovable).unwrap();
    assert_eq!(first, frame(2_048), "its largest block, of two pageblocks, is for unmovable memory now");
    let kernel = 2_048..3_072;
    // Above it everything is used, below every second frame.
    for at in 3_072..4_096 {
        memory.allocate_at(frame(at), Order::BASE, Mobility::Movable).unwrap();
    }
    for at in (1..2_048).step_by(2) {
        memory.free(frame(at), Order::BASE);
    }
    let mut to_kernel = 0;
    // The kernel's pageblocks have a free huge page, so that only a larger block is worth the work.
    Compaction::new().compact(&mut memory, NODE, Order::MAX, Budget::UNLIMITED, &mut |_, _, to| {
        to_kernel += u32::from(kernel.contains(&number(to)));
        Moved::Yes
    });
    assert_eq!(to_kernel, 0);
    assert!(free_block(&memory, Order::MAX));
}

/// `compaction_suitable`, `vm.extfrag_threshold`.
#[test]
fn a_lack_of_memory_is_not_compacted() {
    // 2 free frames in 2 blocks: (1,000 + 2,000 / 512) / 2 = 501; the index is 499.
    let used =
        |free: &'static [u64]| (0..1_024).filter(|at| !free.contains(at)).map(|at| (at, Mobility::Movable));
    let (mut short, mut places) = scattered(1_024, used(&[1, 3]));
    assert_eq!(short.fragmentation_index(NODE, Order::HUGE), 499);
    assert!(!is_suitable(&short, NODE, Order::HUGE));
    let done =
        run(&mut Compaction::new(), &mut short, &mut places, Order::HUGE, Budget::UNLIMITED, |_| false);
    assert_eq!(done, Compacted { scanned: 0, moved: 0, outcome: Outcome::Skipped });
    // 3 in 3: (1,000 + 3,000 / 512) / 3 = 335; the index is 665.
    let (fragmented, _) = scattered(1_024, used(&[1, 3, 5]));
    assert_eq!(fragmented.fragmentation_index(NODE, Order::HUGE), 665);
    assert!(is_suitable(&fragmented, NODE, Order::HUGE));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]

    #[test]
    fn content_is_never_lost(
        used in prop::collection::btree_map(0_u64..4_500, 0_u8..8, 100..3_000),
        goal in 1_u8..11,
        moved in 1_u64..2_000,
    ) {
        // One in eight is unmovable, one in eight pinned.
        let mobility = |kind: u8| if kind == 0 { Mobility::Unmovable } else { Mobility::Movable };
        let (mut memory, mut places) = scattered(4_500, used.iter().map(|(&at, &kind)| (at, mobility(kind))));
        let goal = Order::new(goal).unwrap();
        let mut compaction = Compaction::new();
        for _ in 0..5 {
            let budget = Budget { frames_moved: moved, ..Budget::UNLIMITED };
            let done = run(&mut compaction, &mut memory, &mut places, goal, budget, |tag| used[&(tag.get() - 1)] == 1);
            prop_assert!(done.moved <= moved);
            prop_assert!(done.outcome != Outcome::Done || free_block(&memory, goal));
            check(&memory, &places, 4_500);
        }
    }

    #[test]
    fn movable_memory_can_always_be_packed(
        used in prop::collection::btree_set(0_u64..4_096, 1..2_500),
        goal in 1_u8..11,
    ) {
        let (mut memory, mut places) = scattered(4_096, used.iter().map(|&at| (at, Mobility::Movable)));
        let goal = Order::new(goal).unwrap();
        let suitable = is_suitable(&memory, NODE, goal);
        let done = run(&mut Compaction::new(), &mut memory, &mut places, goal, Budget::UNLIMITED, |_| false);
        prop_assert!(suitable, "more than a third of the memory is free");
        prop_assert_eq!(done.outcome, Outcome::Done);
        prop_assert!(free_block(&memory, goal));
        check(&memory, &places, 4_096);
    }
}
