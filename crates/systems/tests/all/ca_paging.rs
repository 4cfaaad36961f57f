//! Contiguity-aware paging: what its paper promises of it.

use crate::one_layer;

use one_layer::{BASE, BLOCK, OneLayer, jumping, word};
use terrace_addr::{Addr, PageSize};

const BASE_PAGES: &[(&str, terrace_policy::Value)] = &[("thp", word("never"))];

#[test]
fn pages_lie_together_in_whatever_order_they_are_touched() {
    let runs = |system| {
        let mut layer = OneLayer::new(system, BASE_PAGES, 16);
        let space = layer.begin();
        let start = layer.map(space, 3);
        for page in jumping(3 * 512, 701) {
            layer.touch(space, start.offset_by(page * BASE));
        }
        layer.check();
        layer.runs(space)
    };
    assert_eq!(runs("ca-paging"), 1);
    assert!(runs("linux") > 1000, "without it they do not");
}

#[test]
fn regions_that_are_touched_in_turns_lie_apart() {
    let mut layer = OneLayer::new("ca-paging", BASE_PAGES, 32);
    let spaces = [layer.begin(), layer.begin(), layer.begin()];
    let starts = spaces.map(|space| layer.map(space, 4));
    for page in 0..4 * 512 {
        for (&space, start) in spaces.iter().zip(starts) {
            layer.touch(space, start.offset_by(page * BASE));
        }
    }
    assert_eq!(spaces.map(|space| layer.runs(space)), [1; 3]);
    assert_eq!((layer.count("placed"), layer.count("placed_again")), (3, 0));
    assert_eq!(layer.count("exact"), 3 * 4 * 512);
}

#[test]
fn huge_pages_go_to_the_place_of_their_offset() {
    let mut layer = OneLayer::new("ca-paging", &[], 32);
    let spaces = [layer.begin(), layer.begin()];
    let starts = spaces.map(|space| layer.map(space, 8));
    for block in jumping(8, 3) {
        for (&space, start) in spaces.iter().zip(starts) {
            let leaf = layer.touch(space, start.offset_by(block * BLOCK));
            assert_eq!(leaf.page.size(), PageSize::Size2M);
        }
    }
    assert_eq!(spaces.map(|space| layer.runs(space)), [1; 2]);
    assert_eq!(layer.count("exact_huge"), 16);
}

#[test]
fn where_a_frame_is_taken_the_rest_is_placed_anew() {
    let mut layer = OneLayer::new("ca-paging", BASE_PAGES, 32);
    let space = layer.begin();
    let start = layer.map(space, 8);
    let first = layer.touch(space, start).frame;
    // Somebody else takes a frame in the middle of the run that was chosen.
    layer.occupy(first.offset_by(4 * BLOCK + 5 * BASE));
    layer.touch_pages(space, start, 8 * 512);
    layer.check();
    assert_eq!(layer.count("placed_again"), 1);
    assert_eq!(layer.runs(space), 2);
    let last = layer.leaves(space).last().unwrap().frame;
    assert_ne!(last.get() - first.get(), 8 * BLOCK - BASE);
}

#[test]
fn without_placing_anew_only_the_page_whose_frame_is_taken_lies_elsewhere() {
    let values = [("thp", word("never")), ("place_again", word("never"))];
    let mut layer = OneLayer::new("ca-paging", &values, 32);
    let space = layer.begin();
    let start = layer.map(space, 8);
    let first = layer.touch(space, start).frame;
    layer.occupy(first.offset_by(4 * BLOCK + 5 * BASE));
    // What Linux takes for that page is far away: the smallest free blocks are there.
    layer.occupy(Addr::new(30 * BLOCK + 5 * BASE));
    layer.touch_pages(space, start, 8 * 512);
    assert_eq!(layer.runs(space), 3);
    assert_eq!((layer.count("occupied"), layer.count("elsewhere")), (1, 1));
}

#[test]
fn where_no_run_is_free_it_does_as_linux() {
    let mut layer = OneLayer::new("ca-paging", &[], 16);
    let _crumbs = layer.fragment(1.0);
    let space = layer.begin();
    let start = layer.map(space, 4);
    layer.touch_pages(space, start, 4 * 512);
    layer.check();
    assert_eq!(layer.count("exact_huge") + layer.count("exact"), 0);
    assert_eq!(layer.leaves(space).len(), 4 * 512);
}

#[test]
fn a_space_that_ends_leaves_nothing() {
    let mut layer = OneLayer::new("ca-paging", &[], 16);
    let free = layer.free_bytes();
    for _ in 0..3 {
        let space = layer.begin();
        let start = layer.map(space, 6);
        layer.touch_pages(space, start, 6 * 512);
        assert_eq!(layer.runs(space), 1);
        let OneLayer { kernel, policy, .. } = &mut layer;
        kernel.end_space(&mut **policy, space).unwrap();
        layer.tell();
        assert_eq!(layer.free_bytes(), free);
    }
    assert_eq!(layer.kernel.leaf(terrace_policy::SpaceId(0), Addr::ZERO), None);
}
