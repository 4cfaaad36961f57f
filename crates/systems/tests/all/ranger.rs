//! Translation Ranger: what its paper promises of it.

use crate::one_layer;

use one_layer::{BASE, BLOCK, OneLayer, SECOND, jumping, word};
use terrace_addr::{Addr, Gva, PageSize};
use terrace_policy::{SpaceId, Value};

const BASE_PAGES: &[(&str, Value)] = &[("thp", word("never")), ("promote", word("off"))];

/// A space whose pages were touched in an order that scatters them.
fn scattered(layer: &mut OneLayer, blocks: u64) -> (SpaceId, Addr<Gva>) {
    let space = layer.begin();
    let start = layer.map(space, blocks);
    for page in jumping(blocks * 512, 701) {
        layer.touch(space, start.offset_by(page * BASE));
    }
    assert!(layer.runs(space) > 1000);
    (space, start)
}

#[test]
fn scattered_pages_come_to_lie_together() {
    let mut layer = OneLayer::new("ranger", BASE_PAGES, 16);
    let (space, _) = scattered(&mut layer, 4);
    let cost = layer.run_for(SECOND);
    layer.check();
    assert_eq!(layer.runs(space), 1);
    // Free memory holds all of it: each page is copied once at most.
    assert_eq!(layer.count("migrated"), 4 * 512);
    assert_eq!((layer.count("exchanged"), layer.count("anchors")), (0, 1));
    assert_eq!(layer.kernel.counts().copied_pages, 4 * 512);
    assert!(cost >= 4 * 512 * 500, "each change of a mapping is paid: {cost}");
}

#[test]
fn pages_are_exchanged_where_no_run_of_free_memory_holds_them() {
    let mut layer = OneLayer::new("ranger", BASE_PAGES, 7);
    let (space, _) = scattered(&mut layer, 4);
    layer.run_for(20 * SECOND);
    layer.check();
    assert!(layer.count("exchanged") > 500, "{}", layer.count("exchanged"));
    assert!(layer.runs(space) <= 4, "{}", layer.runs(space));
}

#[test]
fn another_space_s_pages_are_moved_out_of_the_way() {
    let mut layer = OneLayer::new("ranger", BASE_PAGES, 10);
    let spaces = [layer.begin(), layer.begin()];
    let starts = spaces.map(|space| layer.map(space, 4));
    for page in 0..4 * 512 {
        for (&space, start) in spaces.iter().zip(starts) {
            layer.touch(space, start.offset_by(page * BASE));
        }
    }
    layer.run_for(20 * SECOND);
    layer.check();
    assert!(layer.count("evicted") > 500, "{}", layer.count("evicted"));
    for space in spaces {
        assert!(layer.runs(space) <= 4, "{}", layer.runs(space));
    }
}

#[test]
fn what_cannot_be_moved_ends_the_range_and_the_rest_gets_another() {
    let memory = 24;
    let runs = |blocked| {
        let values = [BASE_PAGES[0], BASE_PAGES[1], ("blocked", word(blocked))];
        let mut layer = OneLayer::new("ranger", &values, memory);
        // In every third block one frame is somebody's, so that no run of free memory holds the region.
        for block in (2..memory).step_by(3) {
            layer.occupy(Addr::new(block * BLOCK + 77 * BASE));
        }
        let (space, _) = scattered(&mut layer, 6);
        layer.run_for(60 * SECOND);
        layer.check();
        (layer.runs(space), layer.count("anchors_again"), layer.count("unmovable"))
    };
    let (with_new, again, blocked) = runs("new-anchor");
    assert!(again > 0 && blocked > 0);
    // Between two such frames fit two whole blocks and more.
    assert!(with_new <= 6, "{with_new}");
    let (skipping, again, blocked) = runs("skip");
    assert_eq!(again, 0);
    assert!(blocked > 0 && skipping > 1 && skipping < 20, "{skipping}");
}

#[test]
fn a_block_that_is_together_becomes_a_huge_page_without_a_copy() {
    let mut layer = OneLayer::new("ranger", &[("thp", word("never"))], 16);
    let (space, start) = scattered(&mut layer, 4);
    layer.run_for(SECOND);
    layer.check();
    assert_eq!(layer.huge_blocks(space, start), [0, 1, 2, 3]);
    assert_eq!(layer.kernel.counts().collapses_in_place, 4);
    assert_eq!(layer.kernel.counts().copied_pages, 4 * 512);
}

#[test]
fn huge_pages_are_moved_whole() {
    let mut layer = OneLayer::new("ranger", &[], 32);
    let space = layer.begin();
    let start = layer.map(space, 8);
    for block in jumping(8, 3) {
        layer.touch(space, start.offset_by(block * BLOCK));
    }
    assert!(layer.runs(space) > 2);
    layer.run_for(SECOND);
    layer.check();
    assert_eq!(layer.runs(space), 1);
    assert!(layer.leaves(space).iter().all(|leaf| leaf.page.size() == PageSize::Size2M));
}

#[test]
fn what_did_not_change_is_not_looked_at_again() {
    for blocked in ["new-anchor", "skip"] {
        what_did_not_change(blocked);
    }
}

fn what_did_not_change(blocked: &'static str) {
    let settings = [BASE_PAGES, &[("blocked", word(blocked))]].concat();
    let mut layer = OneLayer::new("ranger", &settings, 16);
    let (space, start) = scattered(&mut layer, 4);
    layer.run_for(12 * SECOND);
    let looked_at = layer.count("blocks");
    assert_eq!(layer.run_for(5 * SECOND), 0);
    assert_eq!(layer.count("blocks"), looked_at);
    // A change is looked at, and nothing else.
    let moved = layer.leaves(space)[600].page;
    let page = terrace_addr::Page::containing(moved.start().reinterpret(), PageSize::Size4K);
    let migrate = terrace_policy::Action::Migrate { space, page, to: None };
    let _charged = terrace_policy::Layer::apply(&mut layer.kernel, &migrate).unwrap();
    assert!(layer.runs(space) > 1 && moved.start() > start);
    layer.run_for(5 * SECOND);
    assert_eq!((layer.runs(space), layer.count("blocks")), (1, looked_at + 1));
}

#[test]
fn a_tick_keeps_to_its_budget() {
    let mut layer = OneLayer::new("ranger", BASE_PAGES, 16);
    let (space, _) = scattered(&mut layer, 4);
    // A block's pages are looked at before any is moved, and each look costs a few entries.
    let most = 512 * 10 * 4 + 100_000 + 3 * 500;
    let mut ticks = 0;
    while layer.runs(space) > 1 {
        let cost = layer.tick_with(100_000);
        assert!(cost <= most, "{cost}");
        layer.run_for(SECOND / 10);
        ticks += 1;
        assert!(ticks < 1000);
    }
    assert!(ticks > 0);
}

#[test]
fn where_most_blocks_cannot_be_had_pages_are_not_moved_for_ever() {
    let mut layer = OneLayer::new("ranger", BASE_PAGES, 64);
    let _crumbs = layer.fragment(0.8);
    let (space, _) = scattered(&mut layer, 16);
    layer.run_for(30 * SECOND);
    layer.check();
    let copied = layer.kernel.counts().copied_pages;
    assert!(copied < 4 * 16 * 512, "{copied}");
    layer.run_for(30 * SECOND);
    assert_eq!(layer.kernel.counts().copied_pages, copied);
    // In a block that cannot be had only the pages in the way lie elsewhere.
    assert!(layer.runs(space) < 64, "{}", layer.runs(space));
}
