//! What a policy can do with mappings, one behaviour at a time.

use crate::world;

use terrace_addr::{Addr, Gpa, Gva, Page, PageSize, Span};
use terrace_frames::{Mobility, NodeSpec, Order, Watermarks};
use terrace_kernel::{Kernel, KernelCosts, Settings};
use terrace_policy::{
    Action, Advice, Applied, Block, CollapseInto, Effort, Layer, Placement, Refused, Role, SpaceId,
};
use terrace_table::Levels;
use world::check::{changes_are_noted, consistent, moved};
use world::{AREAS_END, BLOCK, NODE, Told, base, fault, free, kernel, number, pages};

type Guest = Kernel<Gva, Gpa>;

/// Where the tests' areas begin.
const START: Addr<Gva> = Addr::new(0x4000_0000);

fn at(page: u64) -> Addr<Gva> {
    START.offset_by(page << 12)
}

/// A kernel with an area of two blocks, of which these pages are mapped, to these frames.
fn with_pages(placed: impl IntoIterator<Item = (u64, u64)>) -> (Guest, SpaceId) {
    let mut guest: Guest = kernel(8 * BLOCK);
    let space = guest.begin_space().unwrap();
    guest.map_at(space, START, pages(2 * BLOCK), Advice::Default, None).unwrap();
    for (page, frame) in placed {
        let leaf = fault(&mut guest, space, at(page), Placement::Frame(base(frame))).unwrap();
        assert_eq!(number(leaf.frame), frame);
    }
    guest.pending().clear();
    (guest, space)
}

fn collapse(guest: &mut Guest, space: SpaceId, page: u64, into: CollapseInto) -> Result<Applied, Refused> {
    let page = Page::containing(at(page).reinterpret(), PageSize::Size2M);
    guest.apply(&Action::Collapse { space, page, into }).map(|charged| charged.value)
}

#[test]
fn collapsing_in_place_moves_no_page_and_takes_what_is_missing() {
    let (mut guest, space) = with_pages((0..BLOCK).step_by(3).map(|page| (page, 2 * BLOCK + page)));
    let seen = guest.block(space, at(0).reinterpret()).unwrap().value;
    assert_eq!(seen, Block::Base { present: 171, accessed: 0, in_place: Some(base(2 * BLOCK)) });
    let before = consistent(&guest, 0);
    let applied = collapse(&mut guest, space, 0, CollapseInto::InPlace).unwrap();
    assert_eq!(applied, Applied { copied: 0, cleared: 512 - 171, frame: Some(base(2 * BLOCK)) });
    assert_eq!(moved(&before, &consistent(&guest, 0)), 0);
    assert_eq!(guest.block(space, at(0).reinterpret()).unwrap().value, Block::Huge);
    assert_eq!((guest.counts().collapses_in_place, guest.counts().collapses_copied), (1, 0));
}

#[test]
fn collapsing_in_place_is_refused_where_a_frame_is_not_at_its_place_or_not_free() {
    let (mut guest, space) = with_pages([(0, 2 * BLOCK), (1, 2 * BLOCK + 2)]);
    assert_eq!(collapse(&mut guest, space, 0, CollapseInto::InPlace), Err(Refused::Busy));
    // Frame 2 of the block has another page.
    let (mut guest, space) = with_pages([(0, 2 * BLOCK), (BLOCK, 2 * BLOCK + 2)]);
    let (before, free_before) = (consistent(&guest, 0), free(&guest));
    assert_eq!(collapse(&mut guest, space, 0, CollapseInto::InPlace), Err(Refused::Busy));
    assert_eq!(collapse(&mut guest, space, 0, CollapseInto::At(base(2 * BLOCK))), Err(Refused::Busy));
    assert_eq!((consistent(&guest, 0), free(&guest)), (before, free_before));
}

#[test]
fn collapsing_at_the_place_where_pages_are_copies_nothing() {
    let (mut guest, space) = with_pages((0..BLOCK).map(|page| (page, 3 * BLOCK + page)));
    let applied = collapse(&mut guest, space, 9, CollapseInto::At(base(3 * BLOCK))).unwrap();
    assert_eq!(applied, Applied { copied: 0, cleared: 0, frame: Some(base(3 * BLOCK)) });
    consistent(&guest, 0);
}

#[test]
fn collapse_is_refused_where_no_huge_page_can_be() {
    let (mut guest, space) = with_pages([(0, 600)]);
    assert_eq!(collapse(&mut guest, space, BLOCK, CollapseInto::Any), Err(Refused::Gone), "nothing is there");
    assert_eq!(collapse(&mut guest, space, 4 * BLOCK, CollapseInto::Any), Err(Refused::Denied), "no area");
    assert_eq!(collapse(&mut guest, SpaceId(9), 0, CollapseInto::Any), Err(Refused::Gone));
    for wrong in [3 * BLOCK + 1, 800 * BLOCK, BLOCK] {
        let busy = collapse(&mut guest, space, 0, CollapseInto::At(base(wrong)));
        assert_eq!(busy, Err(Refused::Busy), "misaligned, absent, or used");
    }
    let small = Page::containing(at(0).reinterpret(), PageSize::Size4K);
    let action = Action::Collapse { space, page: small, into: CollapseInto::Any };
    assert_eq!(guest.apply(&action), Err(Refused::Denied));
    guest.unmap(&mut Told::nothing(), space, Span { start: at(100), bytes: 4096 }).unwrap();
    assert_eq!(collapse(&mut guest, space, 0, CollapseInto::Any), Err(Refused::Denied), "two areas");
    consistent(&guest, 0);
}

#[test]
fn a_collapse_that_needs_compaction_finds_its_pages_where_that_has_put_them() {
    // No block is free, and what is to be collapsed is alone in the second one: it is moved to the top first.
    let (mut guest, space) = with_pages([(1, 5), (0, BLOCK + 7)]);
    let mut others = 0;
    for block in 2..8 {
        let taken = guest.memory_mut().allocate_at(base(block * BLOCK), Order::BASE, Mobility::Movable);
        others += u64::from(taken.is_ok());
    }
    let before = consistent(&guest, others);
    let applied = collapse(&mut guest, space, 0, CollapseInto::Any).unwrap();
    assert_eq!(applied, Applied { copied: 2, cleared: 510, frame: Some(base(BLOCK)) });
    assert!(guest.counts().compaction_moved > 0);
    assert_eq!(guest.leaf(space, at(0)).unwrap().page.size(), PageSize::Size2M);
    let after = consistent(&guest, others);
    let pending = std::mem::take(guest.pending());
    changes_are_noted(&before, &after, &pending);
    assert_eq!(
        pending.copied.read,
        pages(2 + guest.counts().compaction_moved),
        "some to the top, all into the block"
    );
}

/// khugepaged takes a block of the node that holds most of the pages, or of one of those that hold as many, and of no
/// other (`hpage_collapse_find_target_node`).
#[test]
fn pages_are_gathered_where_most_of_them_are() {
    let costs = KernelCosts::default();
    let settings = Settings { role: Role::Host, levels: Levels::Four, costs, areas_end: AREAS_END };
    let node = |block: u64| NodeSpec { start: base(block * BLOCK), bytes: pages(4 * BLOCK) };
    // How many pages are in the first node, and in the second; whether the second is full; the node of the block.
    for (here, there, full, expected) in [
        (3, 2, false, Some(0)),
        (2, 3, false, Some(1)),
        (2, 2, false, Some(0)),
        (2, 3, true, None),
        (2, 2, true, Some(0)),
    ] {
        let mut host: Guest = Kernel::new(settings.clone(), &[node(0), node(4)]).unwrap();
        let space = host.begin_space().unwrap();
        host.map_at(space, START, pages(BLOCK), Advice::Default, None).unwrap();
        let frames = (0..here).map(|page| BLOCK + page).chain((0..there).map(|page| 5 * BLOCK + page));
        for (page, frame) in (0..).step_by(7).zip(frames) {
            let _leaf = fault(&mut host, space, at(page), Placement::Frame(base(frame))).unwrap();
        }
        if full {
            for block in 4..8 {
                let taken = base(block * BLOCK + 99);
                host.memory_mut().allocate_at(taken, Order::BASE, Mobility::Unmovable).unwrap();
            }
        }
        let found = collapse(&mut host, space, 0, CollapseInto::Any);
        let node =
            found.map(|applied| applied.frame.map(|frame| number(frame.reinterpret::<Gpa>()) / (4 * BLOCK)));
        assert_eq!(node, expected.map(Some).ok_or(Refused::NoMemory), "{here} {there} {full}");
    }
}

#[test]
fn splitting_leaves_every_byte_and_every_bit_where_it_was() {
    let (mut guest, space) = with_pages([]);
    let leaf = fault(&mut guest, space, at(0), Placement::Huge(Effort::Light)).unwrap();
    let used = leaf.flags | terrace_table::LeafFlags::ACCESSED;
    let table = &mut guest.space_mut(space).unwrap().table;
    let _effects = table.replace(leaf.page, leaf.frame, used).unwrap();
    let page = Page::containing(at(0).reinterpret(), PageSize::Size2M);
    let before = free(&guest);
    let _applied = guest.apply(&Action::Split { space, page }).unwrap();
    assert_eq!(free(&guest), before - 1, "its table page");
    for page in 0..BLOCK {
        let part = guest.leaf(space, at(page)).unwrap();
        assert_eq!((part.page.size(), part.frame), (PageSize::Size4K, base(number(leaf.frame) + page)));
        assert_eq!(part.flags, used);
    }
    assert_eq!(guest.apply(&Action::Split { space, page }), Err(Refused::Gone), "it is split already");
}

#[test]
fn a_collapsed_page_is_used_and_dirty_if_a_part_was() {
    use terrace_table::LeafFlags;
    let (mut guest, space) = with_pages([(0, 700), (1, 800), (2, 900)]);
    let table = &mut guest.space_mut(space).unwrap().table;
    for (page, bit) in [(0, LeafFlags::ACCESSED), (2, LeafFlags::DIRTY)] {
        let leaf = table.lookup(at(page)).unwrap();
        let _effects = table.replace(leaf.page, leaf.frame, leaf.flags | bit).unwrap();
    }
    collapse(&mut guest, space, 0, CollapseInto::Any).unwrap();
    let flags = guest.leaf(space, at(0)).unwrap().flags;
    assert!(flags.contains(LeafFlags::ACCESSED | LeafFlags::DIRTY));
}

#[test]
fn migrating_and_exchanging_need_the_very_pages() {
    let (mut guest, space) = with_pages([(0, 700), (1, 800)]);
    let upper = |page: u64, size| Page::containing(at(page).reinterpret(), size);
    let small = PageSize::Size4K;
    let refused = |guest: &mut Guest, action| guest.apply(&action).unwrap_err();
    let to = |page, to| Action::Migrate { space, page, to };
    assert_eq!(refused(&mut guest, to(upper(5, small), None)), Refused::Gone);
    assert_eq!(refused(&mut guest, to(upper(0, PageSize::Size2M), None)), Refused::Gone);
    assert_eq!(refused(&mut guest, to(upper(0, small), Some(base(800)))), Refused::Busy);
    assert_eq!(refused(&mut guest, to(upper(0, small), Some(Addr::new(0x123)))), Refused::Busy);
    let exchange = |pages| Action::Exchange { space, pages };
    assert_eq!(refused(&mut guest, exchange([upper(0, small); 2])), Refused::Denied);
    assert_eq!(refused(&mut guest, exchange([upper(0, small), upper(9, small)])), Refused::Gone);
    let sizes = [upper(0, small), upper(BLOCK, PageSize::Size2M)];
    assert_eq!(refused(&mut guest, exchange(sizes)), Refused::Denied);
    let none = Watermarks { min: pages(8 * BLOCK), low: pages(8 * BLOCK), high: pages(8 * BLOCK) };
    guest.memory_mut().set_watermarks(NODE, none);
    assert_eq!(refused(&mut guest, to(upper(0, small), None)), Refused::NoMemory);
    consistent(&guest, 0);
}

/// Whether compaction can still move the page that is alone in the second block of memory.
fn compaction_moves(guest: &mut Guest, space: SpaceId) {
    let mut others = 0;
    for block in 2..8 {
        let taken = guest.memory_mut().allocate_at(base(block * BLOCK), Order::BASE, Mobility::Movable);
        others += u64::from(taken.is_ok());
    }
    let leaf = fault(guest, space, at(0), Placement::Huge(Effort::Direct)).unwrap();
    assert_eq!((leaf.page.size(), leaf.frame), (PageSize::Size2M, base(BLOCK)));
    consistent(guest, others);
}

#[test]
fn pages_can_be_found_by_their_frames_after_every_action() {
    let upper = |page: u64, size| Page::containing(at(page).reinterpret(), size);
    let small = PageSize::Size4K;

    let (mut guest, space) = with_pages([(BLOCK, 5), (BLOCK + 1, 200)]);
    let to = Some(base(BLOCK + 7));
    let _applied = guest.apply(&Action::Migrate { space, page: upper(BLOCK, small), to }).unwrap();
    compaction_moves(&mut guest, space);

    let (mut guest, space) = with_pages([(BLOCK, 5), (BLOCK + 1, BLOCK + 7)]);
    let pages = [upper(BLOCK, small), upper(BLOCK + 1, small)];
    let _applied = guest.apply(&Action::Exchange { space, pages }).unwrap();
    compaction_moves(&mut guest, space);

    let (mut guest, space) = with_pages([]);
    fault(&mut guest, space, at(BLOCK), Placement::HugeAt(base(BLOCK))).unwrap();
    let _applied = guest.apply(&Action::Split { space, page: upper(BLOCK, PageSize::Size2M) }).unwrap();
    for (from, count) in [(0, 7), (8, BLOCK - 8)] {
        let span = Span { start: at(BLOCK + from), bytes: count << 12 };
        guest.unmap(&mut Told::nothing(), space, span).unwrap();
    }
    compaction_moves(&mut guest, space);
}
