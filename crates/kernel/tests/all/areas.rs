//! Areas: where they go, how they grow, and what unmapping gives back.

use crate::world;

use std::collections::BTreeSet;

use proptest::prelude::*;
use terrace_addr::{Addr, Bytes, Gpa, Gva, PageSize, Span};
use terrace_frames::FrameState;
use terrace_kernel::{Area, Kernel, KernelError};
use terrace_policy::{Advice, Effort, Placement, SpaceId, VirtualPlacement};
use terrace_table::Levels;
use world::check::consistent;
use world::{AREAS_END, BLOCK, Told, base, fault, free, kernel, number, pages};

type Guest = Kernel<Gva, Gpa>;

/// Where the tests' areas begin.
const START: Addr<Gva> = Addr::new(0x4000_0000);

fn at(page: u64) -> Addr<Gva> {
    START.offset_by(page << 12)
}

fn span(from: u64, count: u64) -> Span<Gva> {
    Span { start: at(from), bytes: count << 12 }
}

fn guest() -> (Guest, SpaceId) {
    let mut guest = kernel(16 * BLOCK);
    let space = guest.begin_space().unwrap();
    (guest, space)
}

/// The areas of a space in pages: from where, how many.
fn areas(guest: &Guest, space: SpaceId) -> Vec<(u64, u64)> {
    let areas = guest.space(space).unwrap().areas();
    areas.map(|area| (number(area.start) - number(START), area.bytes.get() >> 12)).collect()
}

fn unmap(guest: &mut Guest, space: SpaceId, span: Span<Gva>) {
    guest.unmap(&mut Told::nothing(), space, span).unwrap();
}

#[test]
fn areas_go_below_each_other() {
    let (mut guest, space) = guest();
    let mut policy = Told::nothing();
    let mut end = AREAS_END;
    for count in [1, 700, 3] {
        let start = guest.map(&mut policy, space, pages(count), Advice::Default).unwrap();
        assert_eq!(start.get() + (count << 12), end);
        end = start.get();
    }
    let rounded = guest.map(&mut policy, space, Bytes::new(4_097), Advice::Default).unwrap();
    assert_eq!(rounded.get() + 8_192, end, "whole pages");
}

#[test]
fn a_policy_chooses_an_aligned_or_a_named_place() {
    let (mut guest, space) = guest();
    let aligned = Told::map(VirtualPlacement::Aligned);
    let start = guest.map(&mut { aligned }, space, pages(700), Advice::Default).unwrap();
    assert!(start.is_aligned(PageSize::Size2M) && start.get() + (700 << 12) <= AREAS_END);
    let named = VirtualPlacement::At(at(9).reinterpret());
    let start = guest.map(&mut Told::map(named), space, pages(4), Advice::Default).unwrap();
    assert_eq!(start, at(9));
    let elsewhere = guest.map(&mut Told::map(named), space, pages(4), Advice::Default).unwrap();
    assert_ne!(elsewhere, at(9), "something is there");
}

#[test]
fn an_area_near_zero_leaves_room_above_it() {
    let (mut guest, space) = guest();
    // As a program's text, which the linker put there.
    guest.map_at(space, Addr::new(0x40_0000), pages(16), Advice::Default, None).unwrap();
    let start = guest.map(&mut Told::nothing(), space, Bytes::new(1 << 30), Advice::Default).unwrap();
    assert_eq!(start.get() + (1 << 30), AREAS_END);
}

#[test]
fn what_was_unmapped_last_is_used_again() {
    let (mut guest, space) = guest();
    let mut policy = Told::nothing();
    let upper = guest.map(&mut policy, space, pages(8), Advice::Default).unwrap();
    for _ in 0..1_000 {
        let start = guest.map(&mut policy, space, pages(8), Advice::Default).unwrap();
        assert_eq!(start.get() + (8 << 12), upper.get());
        unmap(&mut guest, space, Span { start, bytes: 8 << 12 });
    }
}

#[test]
fn areas_that_do_not_fit_are_refused() {
    let (mut guest, space) = guest();
    guest.map_at(space, at(10), pages(10), Advice::Default, None).unwrap();
    for (from, count) in [(5, 6), (10, 10), (12, 1), (19, 5), (0, 100), (30, 0)] {
        let refused = guest.map_at(space, at(from), pages(count), Advice::Default, None);
        assert_eq!(refused, Err(KernelError::NoRoom { bytes: pages(count), at: Some(at(from).get()) }));
    }
    let misaligned = guest.map_at(space, Addr::new(0x123), pages(1), Advice::Default, None);
    assert!(misaligned.is_err());
    let hole = guest.map_at(space, Addr::new((1 << 47) - 4096), pages(2), Advice::Default, None);
    assert!(hole.is_err(), "not canonical");
    let across = Bytes::new(u64::MAX - (1 << 47));
    assert!(guest.map_at(space, Addr::new(1 << 40), across, Advice::Default, None).is_err(), "over the hole");
    assert!(guest.map(&mut Told::nothing(), space, Bytes::new(1 << 47), Advice::Default).is_err());
    assert!(guest.map(&mut Told::nothing(), space, Bytes::new(u64::MAX), Advice::Default).is_err());
    assert!(guest.map_at(SpaceId(3), at(0), pages(1), Advice::Default, None).is_err());
    assert_eq!(areas(&guest, space), [(10, 10)]);
}

#[test]
fn an_area_grows_up_to_the_next() {
    let (mut guest, space) = guest();
    guest.map_at(space, at(0), pages(4), Advice::HugePage, None).unwrap();
    guest.map_at(space, at(10), pages(1), Advice::Default, None).unwrap();
    guest.grow(space, at(0), pages(6)).unwrap();
    assert_eq!(areas(&guest, space), [(0, 10), (10, 1)]);
    for (start, by) in
        [(at(0), pages(1)), (at(1), pages(1)), (at(10), Bytes::new(1 << 47)), (at(10), Bytes::new(u64::MAX))]
    {
        assert!(guest.grow(space, start, by).is_err(), "{start:?} by {by}");
    }
    guest.grow(space, at(10), Bytes::ZERO).unwrap();
    assert_eq!(areas(&guest, space), [(0, 10), (10, 1)]);
    assert_eq!(guest.space(space).unwrap().area(at(9)).unwrap().advice, Advice::HugePage);
}

#[test]
fn advice_holds_for_all_of_each_area() {
    let (mut guest, space) = guest();
    for from in [0, 10, 20] {
        guest.map_at(space, at(from), pages(10), Advice::Default, None).unwrap();
    }
    guest.advise(space, span(9, 2), Advice::NoHugePage);
    let advice: Vec<_> = guest.space(space).unwrap().areas().map(|area| area.advice).collect();
    assert_eq!(advice, [Advice::NoHugePage, Advice::NoHugePage, Advice::Default]);
    guest.advise(space, span(20, 1), Advice::HugePage);
    let mut policy = Told::nothing();
    guest.fault(&mut policy, space, at(25), terrace_addr::AccessKind::Load).unwrap();
    assert_eq!(policy.asked[0].region.advice, Advice::HugePage);
}

#[test]
fn unmapping_a_middle_leaves_two_areas() {
    let (mut guest, space) = guest();
    guest.map_at(space, at(0), pages(10), Advice::HugePage, Some(0x10_0000)).unwrap();
    unmap(&mut guest, space, span(3, 4));
    assert_eq!(areas(&guest, space), [(0, 3), (7, 3)]);
    let rest: Vec<Area<Gva>> = guest.space(space).unwrap().areas().copied().collect();
    assert!(rest.iter().all(|area| area.advice == Advice::HugePage));
    assert_eq!([rest[0].guest_start, rest[1].guest_start], [Some(0x10_0000), Some(0x10_7000)]);
    unmap(&mut guest, space, span(0, 100));
    assert_eq!(areas(&guest, space), []);
}

#[test]
fn unmapping_nothing_changes_nothing() {
    let (mut guest, space) = guest();
    guest.map_at(space, at(0), pages(BLOCK), Advice::Default, None).unwrap();
    let leaf = fault(&mut guest, space, at(0), Placement::Huge(Effort::Light)).unwrap();
    guest.pending().clear();
    unmap(&mut guest, space, span(3, 0));
    unmap(&mut guest, space, span(2 * BLOCK, 7));
    assert_eq!(areas(&guest, space), [(0, BLOCK)]);
    assert_eq!(guest.leaf(space, at(0)), Some(leaf));
    assert!(guest.pending().is_empty());
}

#[test]
fn every_page_with_a_part_of_the_range_is_unmapped() {
    let (mut guest, space) = guest();
    guest.map_at(space, at(0), pages(4), Advice::Default, None).unwrap();
    for page in 0..4 {
        fault(&mut guest, space, at(page), Placement::Default).unwrap();
    }
    unmap(&mut guest, space, Span { start: at(1), bytes: 4_097 });
    assert_eq!(areas(&guest, space), [(0, 1), (3, 1)]);
    consistent(&guest, 0);
}

#[test]
fn unmapping_a_part_of_a_huge_page_splits_it() {
    for (from, count) in [(0, 100), (100, 100), (412, 100), (256, 512)] {
        let (mut guest, space) = guest();
        guest.map_at(space, at(0), pages(2 * BLOCK), Advice::Default, None).unwrap();
        let huge = Placement::Huge(Effort::Light);
        let first = fault(&mut guest, space, at(0), huge).unwrap();
        let second = fault(&mut guest, space, at(BLOCK), huge).unwrap();
        let (before, pages_before) = (free(&guest), consistent(&guest, 0));
        guest.pending().clear();
        unmap(&mut guest, space, span(from, count));
        let pending = std::mem::take(guest.pending());
        let pages_after = consistent(&guest, 0);
        world::check::changes_are_noted(&pages_before, &pages_after, &pending);
        let splits = 1 + u64::from(from + count > BLOCK);
        assert_eq!(guest.counts().splits, splits);
        assert_eq!(free(&guest), before + count - splits, "a table page for each split");
        for page in 0..2 * BLOCK {
            let leaf = if page < BLOCK { first } else { second };
            let frame = base::<Gpa>(number(leaf.frame) + page % BLOCK);
            let kept = !(from..from + count).contains(&page);
            assert_eq!(
                guest.leaf(space, at(page)).map(|leaf| leaf.translate(at(page))),
                kept.then_some(frame)
            );
            assert_eq!(guest.memory().state(frame) == FrameState::Used, kept);
        }
    }
}

#[test]
fn unmapping_whole_blocks_gives_back_their_tables() {
    let (mut guest, space) = guest();
    guest.map_at(space, at(0), pages(3 * BLOCK), Advice::Default, None).unwrap();
    let before = free(&guest);
    for page in [0, BLOCK, BLOCK + 1, 2 * BLOCK] {
        fault(&mut guest, space, at(page), Placement::Default).unwrap();
    }
    assert_eq!(free(&guest), before - 4 - 5);
    unmap(&mut guest, space, span(BLOCK, BLOCK));
    assert_eq!(free(&guest), before - 2 - 4);
    unmap(&mut guest, space, span(0, 3 * BLOCK));
    assert_eq!(free(&guest), before);
}

#[test]
fn areas_of_five_levels_reach_higher() {
    let mut guest: Guest = world::with_levels(BLOCK, Levels::Five, (1 << 56) - 4096);
    let space = guest.begin_space().unwrap();
    let start = guest.map(&mut Told::nothing(), space, pages(1), Advice::Default).unwrap();
    assert_eq!(start, Addr::new((1 << 56) - 8192));
    fault(&mut guest, space, start, Placement::Default).unwrap();
    assert_eq!(world::check::table_pages(&guest), 5);
    consistent(&guest, 0);
}

#[derive(Debug, Clone)]
enum Operation {
    Map { count: u64, aligned: bool },
    MapAt { from: u64, count: u64 },
    Grow { area: usize, by: u64 },
    Unmap { from: u64, count: u64 },
    Fault { page: u64, huge: bool },
}

/// Pages that operations are about.
const PAGES: u64 = 6 * BLOCK;

fn operation() -> impl Strategy<Value = Operation> {
    let count = || prop_oneof![1_u64..20, 1_u64..3 * BLOCK];
    prop_oneof![
        1 => (count(), any::<bool>()).prop_map(|(count, aligned)| Operation::Map { count, aligned }),
        3 => (0..PAGES, count()).prop_map(|(from, count)| Operation::MapAt { from, count }),
        2 => (any::<usize>(), count()).prop_map(|(area, by)| Operation::Grow { area, by }),
        4 => (0..PAGES, count()).prop_map(|(from, count)| Operation::Unmap { from, count }),
        8 => (0..PAGES, any::<bool>()).prop_map(|(page, huge)| Operation::Fault { page, huge }),
    ]
}

/// The pages of areas, one by one, counted from the address 0 on.
type Naive = BTreeSet<u64>;

fn apply(guest: &mut Guest, space: SpaceId, naive: &mut Naive, operation: &Operation) {
    let first = number(START);
    match *operation {
        Operation::Map { count, aligned } => {
            let placement = if aligned { VirtualPlacement::Aligned } else { VirtualPlacement::Default };
            let start = guest.map(&mut Told::map(placement), space, pages(count), Advice::Default).unwrap();
            assert!(!aligned || start.is_aligned(PageSize::Size2M));
            for page in number(start)..number(start) + count {
                assert!(naive.insert(page), "page {page:#x} is in two areas");
            }
        }
        Operation::MapAt { from, count } => {
            let range = first + from..first + from + count;
            let fits = naive.range(range.clone()).next().is_none();
            let done = guest.map_at(space, at(from), pages(count), Advice::Default, None);
            assert_eq!(done.is_ok(), fits);
            naive.extend(range.filter(|_| fits));
        }
        Operation::Grow { area, by } => {
            let areas: Vec<_> = guest.space(space).unwrap().areas().copied().collect();
            let Some(area) = areas.get(area % areas.len().max(1)) else { return };
            let range = area.end() >> 12..(area.end() >> 12) + by;
            let below_the_end = range.end <= (AREAS_END >> 12);
            let fits = naive.range(range.clone()).next().is_none() && below_the_end;
            assert_eq!(guest.grow(space, area.start, pages(by)).is_ok(), fits);
            naive.extend(range.filter(|_| fits));
        }
        Operation::Unmap { from, count } => {
            unmap(guest, space, span(from, count));
            naive.retain(|page| !(first + from..first + from + count).contains(page));
        }
        Operation::Fault { page, huge } => {
            let placement = if huge { Placement::Huge(Effort::Light) } else { Placement::Default };
            let served = fault(guest, space, at(page), placement);
            match served {
                Ok(_) => assert!(naive.contains(&(first + page))),
                Err(KernelError::NoArea { .. }) => assert!(!naive.contains(&(first + page))),
                Err(error) => panic!("{error}"),
            }
        }
    }
}

proptest! {
    #![proptest_config(world::config(64))]

    #[test]
    fn areas_hold_what_a_list_of_pages_holds(operations in prop::collection::vec(operation(), 1..60)) {
        let (mut guest, space) = guest();
        let all = free(&guest);
        let mut naive = Naive::new();
        for operation in &operations {
            let before = consistent(&guest, 0);
            guest.pending().clear();
            apply(&mut guest, space, &mut naive, operation);
            let after = consistent(&guest, 0);
            let pending = std::mem::take(guest.pending());
            world::check::changes_are_noted(&before, &after, &pending);
            let areas: Vec<_> = guest.space(space).unwrap().areas().copied().collect();
            let end_of = |area: &Area<Gva>| area.end();
            prop_assert!(areas.windows(2).all(|pair| end_of(&pair[0]) <= pair[1].start.get()));
            let in_areas = areas.iter().flat_map(|area| number(area.start)..area.end() >> 12);
            prop_assert!(in_areas.eq(naive.iter().copied()));
            prop_assert_eq!(guest.space(space).unwrap().size(), pages(terrace_addr::convert::count(naive.len())));
            let gone = world::check::vanished(&before, &after);
            prop_assert!(gone.iter().all(|(_, page)| !naive.contains(page)));
        }
        guest.end_space(&mut Told::nothing(), space).unwrap();
        prop_assert_eq!(free(&guest), all + 1, "the root, too");
    }
}
