//! Demand faults: which page serves them, and what they take and give back.

use crate::world;

use terrace_addr::{AccessKind, Addr, Bytes, Gpa, Gva, PageSize};
use terrace_frames::fragment::Fragmenter;
use terrace_frames::{FrameState, Mobility, NodeSpec, Order, Tag, Watermarks};
use terrace_kernel::{Kernel, KernelCosts, KernelError, Settings};
use terrace_policy::{
    Action, Advice, Applied, CollapseInto, Effort, Event, Fault, Layer, Placement, Policy, Role, SpaceId,
};
use terrace_table::Levels;
use world::check::{consistent, table_pages};
use world::{BLOCK, NODE, Told, base, fault, free, kernel, pages};

type Guest = Kernel<Gva, Gpa>;

/// Where the tests' areas begin.
const START: Addr<Gva> = Addr::new(0x4000_0000);

/// A kernel with an area of so many pages.
fn guest(frames: u64, area: u64) -> (Guest, SpaceId) {
    let mut guest = kernel(frames);
    let space = guest.begin_space().unwrap();
    guest.map_at(space, START, pages(area), Advice::Default, None).unwrap();
    guest.pending().clear();
    (guest, space)
}

fn at(page: u64) -> Addr<Gva> {
    START.offset_by(page << 12)
}

#[test]
fn a_fault_is_served_by_a_base_page() {
    let (mut guest, space) = guest(4 * BLOCK, BLOCK);
    let leaf = fault(&mut guest, space, at(7).offset_by(0x123), Placement::Default).unwrap();
    assert_eq!((leaf.page.start(), leaf.page.size()), (at(7), PageSize::Size4K));
    assert_eq!(guest.leaf(space, at(7)), Some(leaf));
    assert_eq!(guest.leaf(space, at(6)), None);
    let counts = *guest.counts();
    assert_eq!((counts.faults_base, counts.faults_huge, counts.huge_fallbacks), (1, 0, 0));
    assert_eq!(counts.cleared_pages, 1);
    assert!(guest.pending().stale.is_empty(), "an absent entry is cached nowhere");
    consistent(&guest, 0);
}

#[test]
fn a_huge_page_serves_where_it_fits() {
    let (mut guest, space) = guest(8 * BLOCK, 2 * BLOCK);
    let leaf = fault(&mut guest, space, at(BLOCK + 3), Placement::Huge(Effort::Light)).unwrap();
    assert_eq!((leaf.page.start(), leaf.page.size()), (at(BLOCK), PageSize::Size2M));
    assert!(leaf.frame.is_aligned(PageSize::Size2M));
    let counts = *guest.counts();
    assert_eq!((counts.faults_base, counts.faults_huge, counts.cleared_pages), (0, 1, BLOCK));
    consistent(&guest, 0);
}

#[test]
fn where_a_huge_page_does_not_fit_a_base_page_serves_and_the_policy_knows() {
    // An area that ends inside its second block; something of the first is mapped.
    let (mut guest, space) = guest(8 * BLOCK, BLOCK + 100);
    let _base = fault(&mut guest, space, at(9), Placement::Default).unwrap();
    for page in [10, BLOCK + 1] {
        let mut policy = Told::fault(Placement::Huge(Effort::Direct));
        let leaf = guest.fault(&mut policy, space, at(page), AccessKind::Load).unwrap();
        assert_eq!(leaf.page.size(), PageSize::Size4K);
        let asked = Fault {
            space,
            addr: at(page).reinterpret(),
            kind: AccessKind::Load,
            region: region(&guest, space),
            huge_fits: false,
            nested: None,
        };
        assert_eq!(policy.asked, [asked]);
    }
    assert_eq!(guest.counts().huge_fallbacks, 0, "none was possible");
    // Nothing of the first block is mapped any more.
    guest.unmap(&mut Told::nothing(), space, span(9, 2)).unwrap();
    guest.map_at(space, at(9), pages(2), Advice::Default, None).unwrap();
    let mut policy = Told::nothing();
    guest.fault(&mut policy, space, at(11), AccessKind::Fetch).unwrap();
    assert!(!policy.asked[0].huge_fits, "three areas are in the block now");
    consistent(&guest, 0);
}

fn region(guest: &Guest, space: SpaceId) -> terrace_policy::Region {
    let area = guest.space(space).unwrap().areas().next().unwrap();
    let span = terrace_addr::Span { start: area.start.reinterpret(), bytes: area.bytes.get() };
    terrace_policy::Region { span, advice: area.advice, guest_start: area.guest_start }
}

fn span(from: u64, count: u64) -> terrace_addr::Span<Gva> {
    terrace_addr::Span { start: at(from), bytes: count << 12 }
}

#[test]
fn without_a_free_block_a_base_page_serves_and_that_is_counted() {
    let (mut guest, space) = guest(4 * BLOCK, 3 * BLOCK);
    let crumbs = world::change::scatter(&mut guest, 4, 64);
    for (count, effort) in (0..).zip([Effort::Light, Effort::Wake, Effort::Direct]) {
        let leaf = fault(&mut guest, space, at(count * BLOCK), Placement::Huge(effort)).unwrap();
        assert_eq!(leaf.page.size(), PageSize::Size4K);
        assert_eq!(guest.counts().huge_fallbacks, count + 1);
    }
    consistent(&guest, crumbs);
}

#[test]
fn direct_effort_moves_base_pages_out_of_the_way() {
    let (mut guest, space) = guest(6 * BLOCK, 4 * BLOCK);
    for page in 0..2 * BLOCK {
        let _page = fault(&mut guest, space, at(page), Placement::Default).unwrap();
    }
    // The rest is used up, and every second page freed: half of two blocks, and no block.
    let mut crumbs = 0;
    for frame in 0..6 * BLOCK {
        let memory = guest.memory_mut();
        crumbs += u64::from(memory.allocate_at(base(frame), Order::BASE, Mobility::Movable).is_ok());
    }
    for page in (0..2 * BLOCK).step_by(2) {
        guest.unmap(&mut Told::nothing(), space, span(page, 1)).unwrap();
    }
    assert_eq!(guest.memory().free_blocks(NODE, Order::HUGE), 0);
    guest.pending().clear();
    let before = consistent(&guest, crumbs);
    let leaf = fault(&mut guest, space, at(3 * BLOCK), Placement::Huge(Effort::Direct)).unwrap();
    assert_eq!(leaf.page.size(), PageSize::Size2M);
    let after = consistent(&guest, crumbs);
    let pending = std::mem::take(guest.pending());
    world::check::changes_are_noted(&before, &after, &pending);
    let moved = world::check::moved(&before, &after);
    assert!(moved > 0 && guest.counts().compaction_moved == moved);
    assert!((1..2 * BLOCK).step_by(2).all(|page| guest.leaf(space, at(page)).is_some()));
}

/// `alloc_pages_mpol`: base pages of the own node come before huge pages of another one, unless the fault may compact.
#[test]
fn huge_pages_of_a_far_node_are_for_those_who_try_hard() {
    let costs = KernelCosts::default();
    let settings = Settings { role: Role::Host, levels: Levels::Four, costs, areas_end: world::AREAS_END };
    let node = |block: u64| NodeSpec { start: base(block * BLOCK), bytes: pages(4 * BLOCK) };
    for (near, effort, far) in [
        (2, Effort::Light, true),
        (1, Effort::Light, false),
        (1, Effort::Wake, false),
        (1, Effort::Direct, true),
    ] {
        let mut host: Guest = Kernel::new(settings.clone(), &[node(0), node(4)]).unwrap();
        host.set_near(near);
        // Of each near block a frame is taken that cannot be moved.
        for block in 0..4 {
            let at = base(block * BLOCK + 9);
            host.memory_mut().allocate_at(at, Order::BASE, Mobility::Unmovable).unwrap();
        }
        let space = host.begin_space().unwrap();
        host.map_at(space, START, pages(2 * BLOCK), Advice::Default, None).unwrap();
        let leaf = fault(&mut host, space, at(0), Placement::Huge(effort)).unwrap();
        let found = (leaf.page.size() == PageSize::Size2M, world::number(leaf.frame) >= 4 * BLOCK);
        assert_eq!(found, (far, far), "{near} {effort:?}");
    }
}

#[test]
fn waking_kcompactd_compacts_once_afterwards() {
    let (mut guest, space) = guest(4 * BLOCK, BLOCK);
    let crumbs = world::change::scatter(&mut guest, 4, 64);
    let _base = fault(&mut guest, space, at(0), Placement::Huge(Effort::Wake)).unwrap();
    assert_eq!(guest.counts().compactions, 0, "the fault did not wait");
    assert!(guest.compact_in_background());
    assert!(!guest.compact_in_background(), "it sleeps until it is woken again");
    consistent(&guest, crumbs);
}

#[test]
fn a_named_frame_or_block_serves_if_it_is_free() {
    let (mut guest, space) = guest(8 * BLOCK, 4 * BLOCK);
    let leaf = fault(&mut guest, space, at(5), Placement::Frame(base(1_234))).unwrap();
    assert_eq!(leaf.frame, base(1_234));
    let leaf = fault(&mut guest, space, at(BLOCK + 5), Placement::HugeAt(base(4 * BLOCK))).unwrap();
    assert_eq!((leaf.frame, leaf.page.size()), (base(4 * BLOCK), PageSize::Size2M));
    // Used, misaligned or absent: any base page instead, and no huge page at all is a fallback.
    let leaf = fault(&mut guest, space, at(6), Placement::Frame(base(1_234))).unwrap();
    assert_ne!(leaf.frame, base(1_234));
    for (count, block) in [(1, 4 * BLOCK), (2, 5 * BLOCK + 1), (3, 900 * BLOCK)] {
        let leaf = fault(&mut guest, space, at(2 * BLOCK + 5), Placement::HugeAt(base(block))).unwrap();
        assert_eq!(leaf.page.size(), PageSize::Size4K);
        assert_eq!(guest.counts().huge_fallbacks, count);
        guest.unmap(&mut Told::nothing(), space, span(2 * BLOCK, BLOCK)).unwrap();
        guest.map_at(space, at(2 * BLOCK), pages(BLOCK), Advice::Default, None).unwrap();
    }
    consistent(&guest, 0);
}

#[test]
fn a_reserved_block_serves_who_names_it_and_nobody_else() {
    let (mut guest, space) = guest(4 * BLOCK, 2 * BLOCK);
    let reserved = base::<terrace_addr::Lower>(2 * BLOCK);
    let _reserved = guest.reserve(reserved, terrace_addr::Nanos::new(1)).unwrap();
    let before = free(&guest);
    let leaf = fault(&mut guest, space, at(0), Placement::HugeAt(reserved)).unwrap();
    assert_eq!(leaf.frame, base(2 * BLOCK));
    assert_eq!(free(&guest), before - 2, "only the table pages came from free memory");
    guest.unmap(&mut Told::nothing(), space, span(0, BLOCK)).unwrap();
    assert!(matches!(guest.memory().state(base(2 * BLOCK)), FrameState::Reserved(_)), "it went back");
    guest.set_now(terrace_addr::Nanos::new(1));
    guest.expire_reservations();
    let ended = guest.take_events().into_iter().filter(|event| matches!(event, Event::ReservationEnded(_)));
    assert_eq!(ended.count(), 1);
    consistent(&guest, 0);
}

#[test]
fn what_a_policy_keeps_back_is_reserved() {
    let (mut guest, space) = guest(4 * BLOCK, BLOCK);
    let leaf = fault(&mut guest, space, at(0), Placement::Huge(Effort::Light)).unwrap();
    let until = terrace_addr::Nanos::new(5);
    let mut policy = Told { keep: Some(until), ..Told::nothing() };
    guest.unmap(&mut policy, space, span(0, BLOCK)).unwrap();
    assert!(matches!(guest.memory().state(leaf.frame), FrameState::Reserved(_)));
    guest.set_now(until);
    guest.expire_reservations();
    assert_eq!(guest.memory().state(leaf.frame), FrameState::Free);
}

#[test]
fn a_fault_on_a_mapped_page_changes_nothing() {
    let (mut guest, space) = guest(8 * BLOCK, 2 * BLOCK);
    let small = fault(&mut guest, space, at(0), Placement::Default).unwrap();
    let large = fault(&mut guest, space, at(BLOCK), Placement::Huge(Effort::Light)).unwrap();
    guest.pending().clear();
    let (counts, before) = (*guest.counts(), consistent(&guest, 0));
    for placement in [Placement::Default, Placement::Huge(Effort::Direct), Placement::Frame(base(99))] {
        assert_eq!(fault(&mut guest, space, at(0), placement).unwrap(), small);
        assert_eq!(fault(&mut guest, space, at(BLOCK + 77), placement).unwrap(), large);
    }
    assert_eq!((*guest.counts(), consistent(&guest, 0)), (counts, before));
    let pending = guest.pending();
    assert!(pending.stale.is_empty() && pending.written.is_empty() && pending.touched.is_empty());
}

#[test]
fn a_fault_outside_all_areas_is_an_error() {
    let (mut guest, space) = guest(4 * BLOCK, 4);
    let before = free(&guest);
    for wrong in [at(4), Addr::new(START.get() - 1), Addr::new(0xffff_8000_0000_0000)] {
        let error = fault(&mut guest, space, wrong, Placement::Default).unwrap_err();
        assert_eq!(error, KernelError::NoArea { addr: wrong.get() });
    }
    assert!(fault(&mut guest, SpaceId(7), at(0), Placement::Default).is_err());
    assert_eq!(free(&guest), before);
}

#[test]
fn running_out_of_memory_is_an_error_and_takes_nothing() {
    // Frames for the root, three more tables and four pages: then for nothing.
    let (mut guest, space) = guest(8, 64);
    for page in 0..4 {
        let _page = fault(&mut guest, space, at(page), Placement::Huge(Effort::Direct)).unwrap();
    }
    for placement in [Placement::Default, Placement::Frame(base(3)), Placement::Huge(Effort::Direct)] {
        let error = fault(&mut guest, space, at(5), placement).unwrap_err();
        let expected = KernelError::OutOfMemory { wanted: "a page", free: Bytes::ZERO, total: pages(8) };
        assert_eq!(error, expected);
    }
    consistent(&guest, 0);
}

#[test]
fn tables_that_cannot_be_had_leave_nothing_behind() {
    for spare in 0..4 {
        // A page and `spare` of the three tables that it needs.
        let (mut guest, space) = guest(2 + spare, 64);
        let before = (free(&guest), table_pages(&guest));
        let served = fault(&mut guest, space, at(0), Placement::Default);
        assert_eq!(served.is_ok(), spare >= 3, "{served:?}");
        if served.is_err() {
            assert_eq!((free(&guest), table_pages(&guest)), before);
        }
        guest.end_space(&mut Told::nothing(), space).unwrap();
        assert_eq!(free(&guest), 2 + spare);
    }
}

#[test]
fn programs_leave_the_watermark_to_tables() {
    let (mut guest, space) = guest(64, 512);
    let min = pages(16);
    guest.memory_mut().set_watermarks(NODE, Watermarks { min, low: min, high: min });
    let mut served = 0;
    while fault(&mut guest, space, at(served), Placement::Default).is_ok() {
        served += 1;
    }
    // The root is there already; the three other tables are taken with the first page.
    assert_eq!((served, free(&guest)), (64 - 16 - 4, 16));
}

#[test]
fn table_pages_come_from_the_kernels_memory_and_go_back() {
    let mut guest: Guest = kernel(16 * BLOCK);
    let all = free(&guest);
    let spaces: Vec<_> = (0..3).map(|_| guest.begin_space().unwrap()).collect();
    assert_eq!(free(&guest), all - 3, "a root each");
    for (&space, placement) in
        spaces.iter().zip([Placement::Default, Placement::Huge(Effort::Light), Placement::Default])
    {
        guest.map_at(space, START, pages(2 * BLOCK), Advice::Default, None).unwrap();
        let far = Addr::new(0x5555_5555_5000);
        guest.map_at(space, far, pages(1), Advice::Default, None).unwrap();
        let before = (free(&guest), table_pages(&guest));
        let leaf = fault(&mut guest, space, at(0), placement).unwrap();
        let tables = if leaf.page.size() == PageSize::Size4K { 3 } else { 2 };
        assert_eq!(table_pages(&guest), before.1 + tables);
        assert_eq!(free(&guest), before.0 - tables - leaf.page.size().base_pages());
        let _own_tables_but_the_root = fault(&mut guest, space, far, placement).unwrap();
        assert_eq!(table_pages(&guest), before.1 + tables + 3);
    }
    consistent(&guest, 0);
    guest.take_events();
    for &space in &spaces {
        guest.end_space(&mut Told::nothing(), space).unwrap();
        assert!(guest.space(space).is_none());
    }
    assert_eq!(free(&guest), all);
    assert_eq!(guest.take_events(), spaces.iter().map(|&space| Event::SpaceEnds(space)).collect::<Vec<_>>());
    assert_eq!(guest.memory().free_blocks(NODE, Order::MAX), 8, "all of it as one began");
}

/// A policy that collapses the block of a fault before it answers.
#[derive(Debug, Clone)]
struct CollapsesFirst;

impl Policy for CollapsesFirst {
    fn requires(&self) -> terrace_policy::Abilities {
        terrace_policy::Abilities::COLLAPSE
    }

    fn on_fault(&mut self, layer: &mut dyn Layer, fault: &Fault) -> Placement {
        let page = terrace_addr::Page::containing(fault.addr, PageSize::Size2M);
        let into = CollapseInto::Any;
        let done = layer.apply(&Action::Collapse { space: fault.space, page, into }).map(|done| done.value);
        assert!(matches!(done, Ok(Applied { copied: 1, cleared: 511, .. })), "{done:?}");
        Placement::Default
    }
}

#[test]
fn a_page_that_the_policy_maps_in_the_fault_serves_it() {
    let (mut guest, space) = guest(8 * BLOCK, BLOCK);
    let _first = fault(&mut guest, space, at(0), Placement::Default).unwrap();
    let leaf = guest.fault(&mut CollapsesFirst, space, at(1), AccessKind::Load).unwrap();
    assert_eq!(leaf.page.size(), PageSize::Size2M);
    consistent(&guest, 0);
}

#[test]
fn work_is_charged_once_for_each_cause() {
    let (mut guest, space) = guest(4 * BLOCK, BLOCK);
    let _leaf = fault(&mut guest, space, at(0), Placement::Default).unwrap();
    let pending = guest.pending();
    // Three tables and the page were cleared.
    assert_eq!((pending.copied.read, pending.copied.written), (Bytes::ZERO, pages(4)));
    assert_eq!(pending.touched.len(), 4);
    // The entry in the root, which was there before.
    let written: Vec<_> = pending.written.iter().map(|written| (written.addr, written.level)).collect();
    assert_eq!(written, [(at(0), 4)]);
    pending.clear();
    let _leaf = fault(&mut guest, space, at(1), Placement::Default).unwrap();
    let written: Vec<_> =
        guest.pending().written.iter().map(|written| (written.addr, written.level)).collect();
    assert_eq!(written, [(at(1), 1)]);
}

/// What fragments memory goes out of the way of a huge page where it is a program's, and stays where it is the kernel's.
#[test]
fn compaction_moves_what_fragments_memory_if_it_can_be_moved() {
    for (mobility, size) in [(Mobility::Movable, PageSize::Size2M), (Mobility::Unmovable, PageSize::Size4K)] {
        let (mut guest, space) = guest(16 * BLOCK, 2 * BLOCK);
        let fragmenter = Fragmenter { node: NODE, wish: 1.0, seed: 1, mobility };
        let crumbs = fragmenter.drive(guest.memory_mut()).crumbs;
        assert_eq!(
            guest.memory().free_blocks(NODE, Order::HUGE) + guest.memory().free_blocks(NODE, Order::MAX),
            0
        );
        let (before, tables) = (free(&guest), table_pages(&guest));
        let leaf = fault(&mut guest, space, at(3), Placement::Huge(Effort::Direct)).unwrap();
        assert_eq!(leaf.page.size(), size);
        let counts = *guest.counts();
        assert_eq!(counts.compaction_moved > 0, mobility == Mobility::Movable);
        assert_eq!(counts.copied_pages, counts.compaction_moved);
        // None is lost, and what was freed is what the page takes.
        let crumb = |at: &Addr<Gpa>| guest.memory().tag(*at) == Some(Tag::CRUMB);
        let held = (0..16 * BLOCK).map(base).filter(crumb).count();
        assert_eq!(held, crumbs.len());
        assert_eq!(before - free(&guest), size.base_pages() + table_pages(&guest) - tables);
    }
}
