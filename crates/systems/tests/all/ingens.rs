//! Ingens: what its paper promises of it.

use crate::one_layer;

use one_layer::{BASE, BLOCK, OneLayer, SECOND, word};
use terrace_addr::PageSize;
use terrace_policy::Value;

#[test]
fn a_fault_maps_a_base_page_and_the_huge_page_comes_later() {
    let mut layer = OneLayer::new("ingens", &[], 32);
    let space = layer.begin();
    let start = layer.map(space, 4);
    assert_eq!(layer.touch(space, start).page.size(), PageSize::Size4K);
    assert_eq!(layer.touch(space, start.offset_by(BLOCK)).page.size(), PageSize::Size4K);
    layer.run_for(SECOND);
    // Memory is not fragmented: one page is enough.
    assert_eq!(layer.huge_blocks(space, start), [0, 1]);
    assert_eq!((layer.count("requested_early"), layer.count("promoted")), (2, 2));
}

#[test]
fn where_memory_is_fragmented_nine_pages_of_ten_are_needed() {
    let mut layer = OneLayer::new("ingens", &[], 64);
    let _crumbs = layer.fragment(0.8);
    let space = layer.begin();
    let start = layer.map(space, 4);
    layer.touch_pages(space, start, 459);
    layer.touch_pages(space, start.offset_by(BLOCK), 300);
    layer.run_for(10 * SECOND);
    assert_eq!(layer.huge_blocks(space, start), []);
    layer.touch(space, start.offset_by(511 * BASE));
    layer.run_for(SECOND);
    assert_eq!(layer.huge_blocks(space, start), [0]);
    assert_eq!((layer.count("requested_used"), layer.count("requested_early")), (1, 0));
    layer.check();
}

#[test]
fn pages_that_were_given_back_do_not_count() {
    let mut layer =
        OneLayer::new("ingens", &[("promote_sleep", Value::Time(terrace_addr::Nanos::new(SECOND)))], 64);
    let _crumbs = layer.fragment(0.8);
    let space = layer.begin();
    let start = layer.map(space, 4);
    layer.run_for(SECOND / 2);
    layer.touch_pages(space, start, 470);
    let span = terrace_addr::Span { start, bytes: 100 * BASE };
    let OneLayer { kernel, policy, .. } = &mut layer;
    kernel.unmap(&mut **policy, space, span).unwrap();
    layer.run_for(2 * SECOND);
    assert_eq!(layer.huge_blocks(space, start), []);
    assert_eq!(layer.count("dropped"), 1);
}

#[test]
fn the_public_code_s_rule_is_an_option() {
    let mut layer = OneLayer::new("ingens", &[("aggressive_below", Value::Share(0.0))], 64);
    let space = layer.begin();
    let start = layer.map(space, 2);
    layer.touch_pages(space, start, 459);
    layer.run_for(10 * SECOND);
    assert_eq!(layer.huge_blocks(space, start), []);
    layer.touch_pages(space, start, 460);
    layer.run_for(SECOND);
    assert_eq!(layer.huge_blocks(space, start), [0]);
}

#[test]
fn who_has_fewer_huge_pages_comes_first() {
    let first_promoted = |fairness| {
        let values = [("fairness", word(fairness)), ("promote_blocks", Value::Count(1))];
        let mut layer = OneLayer::new("ingens", &values, 64);
        let spaces = [layer.begin(), layer.begin()];
        let starts = spaces.map(|space| layer.map(space, 8));
        // The first has two huge pages already; then both want one, the first one first.
        for block in 0..2 {
            layer.touch(spaces[0], starts[0].offset_by(block * BLOCK));
        }
        layer.run_for(SECOND);
        for block in 2..4 {
            layer.touch(spaces[0], starts[0].offset_by(block * BLOCK));
        }
        layer.touch_pages(spaces[1], starts[1], 4 * 512);
        layer.run_for(SECOND / 100);
        spaces.map(|space| layer.huge_blocks(space, starts[usize::from(space != spaces[0])]).len())
    };
    assert_eq!(first_promoted("on"), [2, 1]);
    assert_eq!(first_promoted("off"), [3, 0]);
}

#[test]
fn scans_clear_accessed_bits_and_find_what_is_idle() {
    let mut layer = OneLayer::new("ingens", &[], 32);
    let space = layer.begin();
    let start = layer.map(space, 4);
    for block in 0..4 {
        layer.touch(space, start.offset_by(block * BLOCK));
    }
    layer.run_for(SECOND);
    assert_eq!(layer.huge_blocks(space, start).len(), 4);
    let accessed = |layer: &OneLayer| {
        let leaves = layer.leaves(space);
        leaves.iter().filter(|leaf| leaf.flags.contains(terrace_table::LeafFlags::ACCESSED)).count()
    };
    assert_eq!(accessed(&layer), 4);
    layer.run_for(4 * SECOND);
    assert_eq!((accessed(&layer), layer.count("idle_huge")), (0, 0));
    layer.touch(space, start);
    let cost = layer.run_for(4 * SECOND);
    assert_eq!((accessed(&layer), layer.count("idle_huge")), (0, 3));
    assert_eq!((layer.count("scans"), cost), (2, 4 * 10), "four leaves were looked at");
}

#[test]
fn hot_base_pages_are_sampled() {
    let values = [("scan_sleep", one_layer::seconds(1))];
    let mut layer = OneLayer::new("ingens", &values, 64);
    let _crumbs = layer.fragment(0.9);
    let space = layer.begin();
    let start = layer.map(space, 10);
    for _ in 0..40 {
        for block in 0..10 {
            layer.touch_pages(space, start.offset_by(block * BLOCK), 20);
        }
        layer.run_for(SECOND);
    }
    let (looked_at, passed_over) = (layer.count("scanned"), layer.count("not_sampled"));
    assert_eq!(looked_at + passed_over, 40 * 10);
    // All are hot after some scans; from then on one of five is looked at.
    assert!(passed_over > 200 && looked_at >= 80, "{looked_at} {passed_over}");
}

#[test]
fn a_tick_keeps_to_its_budget() {
    let mut layer = OneLayer::new("ingens", &[], 64);
    let _crumbs = layer.fragment(0.9);
    let space = layer.begin();
    let start = layer.map(space, 16);
    layer.touch_pages(space, start, 16 * 400);
    layer.run_for(3 * SECOND);
    layer.run_for(SECOND - SECOND / 100);
    // What a scan of all costs is more than a tick may: 16 blocks of 400 leaves.
    let mut ticks = 0;
    while layer.count("scans") == 0 {
        layer.run_for(SECOND / 50);
        let cost = layer.tick_with(10_000);
        assert!(cost <= 10_000 + 512 * 10 * 2, "{cost}");
        ticks += 1;
        assert!(ticks < 100);
    }
}
