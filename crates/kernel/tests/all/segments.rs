//! Segments of virtual machines, and balloons: what has to hold before a segment is set, what it forbids, and that what a
//! balloon holds is nobody's.

use crate::world;

use std::collections::BTreeSet;

use proptest::prelude::*;
use terrace_addr::{Addr, Bytes, Gpa, Gva, Hpa, Hva, Lower, Page, PageSize, Span};
use terrace_frames::{FrameState, NodeId, NodeSpec};
use terrace_kernel::{Kernel, Vm};
use terrace_policy::{Action, Applied, CollapseInto, Layer, Refused, Segment, Segments, SpaceId};
use terrace_table::Levels;
use world::{BLOCK, Host, NODE, Told, base, fault, free, kernel, number, pages};

/// A machine of so many pages with segments allowed, and its memory's first address at the process.
fn machine(host: &mut Host, guest_pages: u64) -> (Vm<Gpa, Hpa>, Addr<Hva>) {
    let vm = Vm::new(host, pages(guest_pages), Bytes::ZERO, Levels::Four).unwrap();
    host.allow_segments(vm.space());
    let start = vm.host_virtual(Addr::ZERO).unwrap();
    (vm, start)
}

fn apply(host: &mut Host, action: Action) -> Result<Applied, Refused> {
    host.apply(&action).map(|applied| applied.value)
}

fn populate(
    host: &mut Host,
    space: SpaceId,
    at: Addr<Hva>,
    size: PageSize,
    frame: u64,
) -> Result<Applied, Refused> {
    let page = Page::containing(at.reinterpret(), size);
    apply(host, Action::Populate { space, page, at: base(frame) })
}

/// The whole of a machine of so many blocks, from a block of the host's on.
fn fill(host: &mut Host, space: SpaceId, start: Addr<Hva>, blocks: u64, block: u64) {
    for number in 0..blocks {
        let at = start.offset_by((number * BLOCK) << 12);
        populate(host, space, at, PageSize::Size2M, (block + number) * BLOCK).unwrap();
    }
}

fn set(host: &mut Host, space: SpaceId, segments: Option<Segments>) -> Result<Applied, Refused> {
    apply(host, Action::Segment { space, segments, reason: "a test" })
}

fn one(first: u64, count: u64) -> Segments {
    Segments { low: Segment { guest: 0, base: base(first), bytes: pages(count) }, high: None }
}

#[test]
fn a_page_is_populated_in_the_free_frame_that_was_named_only() {
    let mut host: Host = kernel(8 * BLOCK);
    let (vm, start) = machine(&mut host, 2 * BLOCK);
    let space = vm.space();
    assert_eq!(populate(&mut host, space, start, PageSize::Size4K, 5 * BLOCK + 7).unwrap().cleared, 1);
    assert_eq!(number(host.leaf(space, start).unwrap().frame), 5 * BLOCK + 7);
    assert_eq!(populate(&mut host, space, start, PageSize::Size4K, 6 * BLOCK), Err(Refused::Busy), "mapped");
    assert_eq!(
        populate(&mut host, space, start, PageSize::Size2M, 6 * BLOCK),
        Err(Refused::Busy),
        "a part is"
    );
    let second = start.offset_by(BLOCK << 12);
    assert_eq!(populate(&mut host, space, second, PageSize::Size2M, 5 * BLOCK), Err(Refused::Busy), "used");
    assert_eq!(populate(&mut host, space, second, PageSize::Size2M, 6 * BLOCK + 1), Err(Refused::Denied));
    let behind = start.offset_by((2 * BLOCK) << 12);
    assert_eq!(populate(&mut host, space, behind, PageSize::Size4K, 6 * BLOCK), Err(Refused::Denied));
    let before = free(&host);
    assert_eq!(populate(&mut host, space, second, PageSize::Size2M, 6 * BLOCK).unwrap().cleared, 512);
    assert_eq!(free(&host), before - BLOCK);
}

/// Every page has to be there, at its place; the range may end inside a page, and begins where the guest's memory does.
#[test]
fn segments_are_set_only_where_the_machines_own_pages_fill_them() {
    let mut host: Host = kernel(12 * BLOCK);
    let (vm, start) = machine(&mut host, 3 * BLOCK);
    let space = vm.space();
    fill(&mut host, space, start, 2, 4);
    assert_eq!(
        set(&mut host, space, Some(one(4 * BLOCK, 3 * BLOCK))),
        Err(Refused::Denied),
        "a page is missing"
    );
    for (first, count) in [(4 * BLOCK + 1, BLOCK), (5 * BLOCK, BLOCK), (3 * BLOCK, BLOCK), (4 * BLOCK, 0)] {
        assert_eq!(set(&mut host, space, Some(one(first, count))), Err(Refused::Denied), "{first} {count}");
    }
    assert!(host.segments(space).is_none() && host.pending().segmented.is_empty());
    set(&mut host, space, Some(one(4 * BLOCK, BLOCK + 3))).unwrap();
    // The third block lies elsewhere: a second segment holds it.
    populate(&mut host, space, start.offset_by((2 * BLOCK) << 12), PageSize::Size2M, 9 * BLOCK).unwrap();
    let low = Segment { guest: 0, base: base(4 * BLOCK), bytes: pages(2 * BLOCK) };
    let high = Segment { guest: (2 * BLOCK) << 12, base: base(9 * BLOCK), bytes: pages(BLOCK) };
    for wrong in [
        Segment { guest: BLOCK << 12, ..high },
        Segment { base: base(8 * BLOCK), ..high },
        Segment { bytes: pages(BLOCK + 1), ..high },
        Segment { guest: u64::MAX << 12, ..high },
        Segment { bytes: Bytes::new(u64::MAX << 12), ..high },
    ] {
        assert_eq!(set(&mut host, space, Some(Segments { low, high: Some(wrong) })), Err(Refused::Denied));
    }
    set(&mut host, space, Some(Segments { low, high: Some(high) })).unwrap();
    assert_eq!(host.segments(space).unwrap().bytes(), pages(3 * BLOCK));
    let changes = host.pending().segmented.len();
    assert_eq!(changes, 2, "the second is told from the first");
}

#[test]
fn a_machine_that_no_hardware_can_segment_is_refused() {
    let mut host: Host = kernel(8 * BLOCK);
    let vm = Vm::<Gpa, Hpa>::new(&mut host, pages(BLOCK), Bytes::ZERO, Levels::Four).unwrap();
    for segments in [None, Some(one(BLOCK, 1))] {
        assert!(matches!(set(&mut host, vm.space(), segments), Err(Refused::Unsupported(_))));
    }
}

/// Whatever would take a page of a segment away, or put it elsewhere, is refused and changes nothing; what leaves every
/// byte where it is is not.
#[test]
fn pages_behind_a_segment_stay_where_they_are() {
    let mut host: Host = kernel(16 * BLOCK);
    let (vm, start) = machine(&mut host, 3 * BLOCK);
    let space = vm.space();
    fill(&mut host, space, start, 3, 4);
    set(&mut host, space, Some(one(4 * BLOCK, 2 * BLOCK))).unwrap();
    let page =
        |block: u64, size| Page::containing(start.offset_by((block * BLOCK) << 12).reinterpret(), size);
    let huge = |block| page(block, PageSize::Size2M);
    let before = host.memory().free_bytes(NODE);
    let refused = [
        Action::Migrate { space, page: huge(0), to: None },
        Action::Migrate { space, page: huge(1), to: Some(base(10 * BLOCK)) },
        Action::Exchange { space, pages: [huge(1), huge(2)] },
        Action::Exchange { space, pages: [huge(2), huge(0)] },
    ];
    for action in refused {
        assert_eq!(apply(&mut host, action), Err(Refused::Denied), "{action:?}");
    }
    apply(&mut host, Action::Split { space, page: huge(0) }).unwrap();
    let small = page(0, PageSize::Size4K);
    assert_eq!(apply(&mut host, Action::Migrate { space, page: small, to: None }), Err(Refused::Denied));
    for into in [CollapseInto::Any, CollapseInto::At(base::<Lower>(10 * BLOCK))] {
        assert_eq!(apply(&mut host, Action::Collapse { space, page: huge(0), into }), Err(Refused::Denied));
    }
    let span = |block: u64, bytes| Span { start: start.offset_by((block * BLOCK) << 12), bytes };
    let policy = &mut Told::nothing();
    for bytes in [4096, 2 << 20, 6 << 20] {
        assert_eq!(host.discard(policy, space, span(1, bytes)), Err(Refused::Denied));
    }
    // In place nothing moves; behind the segment everything may.
    apply(&mut host, Action::Collapse { space, page: huge(0), into: CollapseInto::InPlace }).unwrap();
    apply(&mut host, Action::Migrate { space, page: huge(2), to: Some(base(10 * BLOCK)) }).unwrap();
    assert_eq!(host.memory().free_bytes(NODE), before);
    assert_eq!(host.discard(policy, space, span(2, 4096)), Ok(pages(1)));
    // Its end is free once the segment ends earlier.
    set(&mut host, space, Some(one(4 * BLOCK, BLOCK))).unwrap();
    assert_eq!(host.discard(policy, space, span(1, 2 << 20)), Ok(pages(BLOCK)));
    assert_eq!(host.memory().state(base(5 * BLOCK)), FrameState::Free);
}

/// A mapping that goes takes the segments with it first.
#[test]
fn memory_that_is_unmapped_is_no_segment() {
    let mut host: Host = kernel(8 * BLOCK);
    let (vm, start) = machine(&mut host, 2 * BLOCK);
    let space = vm.space();
    fill(&mut host, space, start, 2, 4);
    set(&mut host, space, Some(one(4 * BLOCK, 2 * BLOCK))).unwrap();
    host.unmap(&mut Told::nothing(), space, Span { start, bytes: 4096 }).unwrap();
    assert!(host.segments(space).is_none());
    assert!(host.pending().segmented.last().unwrap().now.is_none());
}

/// What is done to a guest's balloon: a kind, a place and an amount, in pages.
type Step = (u8, u64, u64);

/// Pages of the guest of the property test: two nodes, the second one not plugged in at first.
const GUEST: [u64; 2] = [6 * BLOCK, 2 * BLOCK];

fn guest() -> Kernel<Gva, Gpa> {
    let settings = world::with_levels::<Gva, Gpa>(BLOCK, Levels::Four, world::AREAS_END).settings().clone();
    let second = NodeSpec { start: base(GUEST[0]), bytes: pages(GUEST[1]) };
    let mut guest =
        Kernel::new(settings, &[NodeSpec { start: base(0), bytes: pages(GUEST[0]) }, second]).unwrap();
    guest.unplug(NodeId::new(1));
    guest
}

proptest! {
    #![proptest_config(world::config(64))]

    /// Frames that the balloon holds are used and nobody's, a range that was emptied is held as a whole, pages that were
    /// moved keep their places in the process, and all comes back.
    #[test]
    fn a_balloon_holds_what_nobody_has(steps in proptest::collection::vec((0..8_u8, 0..GUEST[0] + GUEST[1], 1..2 * BLOCK), 1..40)) {
        let mut guest = guest();
        let space = guest.begin_space().unwrap();
        let area = Addr::<Gva>::new(0x4000_0000);
        guest.map_at(space, area, pages(4 * BLOCK), terrace_policy::Advice::Default, None).unwrap();
        let mut held: BTreeSet<u64> = BTreeSet::new();
        let mut ranges: Vec<(u64, u64)> = Vec::new();
        for (what, place, amount) in steps {
            step(&mut guest, space, area, (what, place, amount), &mut held, &mut ranges);
            prop_assert_eq!(guest.ballooned().get() >> 12, terrace_addr::convert::count(held.len()));
            let mapped: BTreeSet<u64> = guest.space(space).unwrap().table.all_leaves()
                .flat_map(|leaf| (0..leaf.page.size().base_pages()).map(move |part| number(leaf.frame) + part)).collect();
            prop_assert!(mapped.is_disjoint(&held));
            for &frame in &held {
                prop_assert_eq!(guest.memory().state(base(frame)), FrameState::Used);
            }
            guest.pending().clear();
        }
        guest.deflate(pages(u64::from(u32::MAX)));
        for (first, end) in ranges {
            prop_assert_eq!(guest.restore(Span { start: base(first), bytes: (end - first) << 12 }), Ok(()));
        }
        prop_assert_eq!(guest.ballooned(), Bytes::ZERO);
    }
}

/// A step, and the same in sets: frames that are held, and ranges among them that were emptied.
fn step(
    guest: &mut Kernel<Gva, Gpa>,
    space: SpaceId,
    area: Addr<Gva>,
    (what, place, amount): Step,
    held: &mut BTreeSet<u64>,
    ranges: &mut Vec<(u64, u64)>,
) {
    let frames = |span: &Span<Gpa>| number(span.start)..number(span.start) + (span.bytes >> 12);
    match what {
        0..=2 => {
            let at = area.offset_by((place % (4 * BLOCK)) << 12);
            let huge = terrace_policy::Placement::Huge(terrace_policy::Effort::Light);
            let placement = if what == 0 { huge } else { terrace_policy::Placement::Default };
            let _no_memory = fault(guest, space, at, placement);
        }
        3 => held.extend(guest.inflate(pages(amount)).iter().flat_map(frames)),
        4 => guest.deflate(pages(amount)).iter().flat_map(frames).for_each(|frame| {
            assert!(held.remove(&frame), "{frame} was not held");
        }),
        5 | 6 => {
            let end = (place + amount).min(GUEST[0] + GUEST[1]);
            let span = Span { start: base(place), bytes: (end - place) << 12 };
            let before: Vec<_> =
                guest.space(space).unwrap().table.all_leaves().map(|leaf| leaf.page).collect();
            if guest.retire(span).is_ok() {
                assert!((place..end).all(|frame| held.insert(frame)), "held twice");
                ranges.push((place, end));
            }
            let bytes = |pages: &[Page<Gva>]| pages.iter().map(|page| page.size().bytes()).sum::<u64>();
            let after: Vec<_> =
                guest.space(space).unwrap().table.all_leaves().map(|leaf| leaf.page).collect();
            assert_eq!(bytes(&before), bytes(&after), "nothing is lost");
        }
        _ => {
            guest.plug(NodeId::new(1));
            if let Some((first, end)) = ranges.pop() {
                // A part of it first.
                let middle = first + (end - first) / 2;
                for (first, end) in
                    [(middle, end), (first, middle)].into_iter().filter(|(first, end)| first < end)
                {
                    let span = Span { start: base(first), bytes: (end - first) << 12 };
                    assert_eq!(guest.restore(span), Ok(()));
                    assert!((first..end).all(|frame| held.remove(&frame)));
                }
            }
        }
    }
}

/// Page tables cannot be moved: a range that holds one stays as it is.
#[test]
fn a_range_with_a_page_table_is_not_emptied() {
    let mut guest = guest();
    let space = guest.begin_space().unwrap();
    let root = number(guest.space(space).unwrap().table.root());
    let before = free(&guest);
    assert_eq!(guest.retire(Span { start: base(root & !1), bytes: 0x2000 }), Err(Refused::Busy));
    assert_eq!((free(&guest), guest.ballooned()), (before, Bytes::ZERO));
}
