//! `HawkEye`: what its paper promises of it.

use crate::one_layer;

use one_layer::{BASE, BLOCK, OneLayer, SECOND, huge_page, word};
use terrace_addr::{Addr, Gva, PageSize};
use terrace_policy::{Counters, Event, Layer, Refused, SpaceId, Value};

/// A space with base pages only: at the time of its faults no block was free.
fn base_pages(layer: &mut OneLayer, blocks: u64) -> (SpaceId, Addr<Gva>) {
    let crumbs = layer.fragment(1.0);
    let space = layer.begin();
    let start = layer.map(space, blocks);
    layer.touch_pages(space, start, blocks * 512);
    assert_eq!(layer.huge_blocks(space, start), []);
    crumbs.release(layer.kernel.memory_mut());
    (space, start)
}

#[test]
fn a_fault_takes_a_block_that_was_cleared_beforehand() {
    let mut layer = OneLayer::new("hawkeye", &[], 128);
    let space = layer.begin();
    let start = layer.map(space, 40);
    // The first finds nothing cleared.
    layer.touch(space, start);
    assert_eq!(layer.kernel.counts().cleared_pages, 512);
    layer.run_for(2 * SECOND);
    // 10 thousand pages a second are 19 blocks.
    let cleared = layer.kernel.counts().cleared_pages;
    assert_eq!((layer.count("zeroed"), cleared), (2 * 19, 39 * 512));
    for block in 1..=30 {
        let leaf = layer.touch(space, start.offset_by(block * BLOCK));
        assert_eq!(leaf.page.size(), PageSize::Size2M);
    }
    layer.check();
    assert_eq!(layer.kernel.counts().cleared_pages, cleared, "no fault cleared anything");
    assert_eq!(layer.kernel.counts().faults_huge, 31);
    assert_eq!((layer.count("zeroed_used"), layer.count("zeroed_pages_saved")), (30, 30 * 512));
    assert_eq!(layer.count("not_zeroed"), 1);
}

#[test]
fn what_is_kept_cleared_has_a_limit_and_is_given_back_under_pressure() {
    let mut layer = OneLayer::new("hawkeye", &[("zero_blocks", Value::Count(25))], 128);
    let free = layer.free_bytes();
    layer.run_for(20 * SECOND);
    assert_eq!(free - layer.free_bytes(), 25 * BLOCK);
    let OneLayer { kernel, policy, .. } = &mut layer;
    policy.on_events(kernel, &[Event::Pressure(terrace_addr::Bytes::new(BASE))]);
    assert_eq!((layer.free_bytes(), layer.count("zeroed_given_up")), (free, 25));
    layer.run_for(5 * SECOND);
    assert_eq!(layer.free_bytes(), free, "not at once again");
}

#[test]
fn the_whole_memory_can_be_used() {
    let mut layer = OneLayer::new("hawkeye", &[], 24);
    layer.run_for(5 * SECOND);
    assert_eq!(layer.count("zeroed"), 12, "half of the free blocks");
    let space = layer.begin();
    let start = layer.map(space, 20);
    for page in 0..20 * 512 {
        layer.touch(space, start.offset_by(page * BASE));
    }
    layer.check();
}

#[test]
fn blocks_of_which_most_pages_are_used_are_promoted_first() {
    let values = [
        ("promote_blocks", Value::Count(2)),
        ("zero", word("off")),
        ("promote_sleep", Value::Time(terrace_addr::Nanos::new(40 * SECOND))),
    ];
    let mut layer = OneLayer::new("hawkeye", &values, 64);
    let (space, start) = base_pages(&mut layer, 6);
    // The first sample cleared the bits that the faults left, and saw nothing. The next one tells blocks apart.
    layer.run_for(30 * SECOND + SECOND / 2);
    let used = [30, 500, 0, 260, 470, 380];
    for (block, pages) in (0..).zip(used) {
        layer.touch_pages(space, start.offset_by(block * BLOCK), pages);
    }
    layer.run_for(12 * SECOND);
    assert_eq!(layer.huge_blocks(space, start), [1, 4]);
    layer.run_for(40 * SECOND);
    assert_eq!(layer.huge_blocks(space, start), [1, 3, 4, 5]);
    layer.check();
}

#[test]
fn what_is_never_used_is_never_promoted() {
    let values = [
        ("promote_sleep", one_layer::seconds(1)),
        ("newest_weight", Value::Share(1.0)),
        ("zero", word("off")),
    ];
    let mut layer = OneLayer::new("hawkeye", &values, 64);
    let (space, start) = base_pages(&mut layer, 6);
    // The first sample cleared the bits that the faults left.
    layer.run_for(SECOND / 2);
    layer.touch_pages(space, start.offset_by(2 * BLOCK), 40);
    layer.run_for(100 * SECOND);
    assert_eq!(layer.huge_blocks(space, start), [2]);
}

#[test]
fn with_counters_nothing_is_promoted_where_walks_cost_little() {
    let values = [("variant", word("pmu")), ("promote_sleep", one_layer::seconds(1)), ("zero", word("off"))];
    let promoted = |walk_cycles| {
        let mut layer = OneLayer::new("hawkeye", &values, 64);
        let (space, start) = base_pages(&mut layer, 4);
        layer.run_for(SECOND / 2);
        layer.touch_pages(space, start, 512);
        for second in 1..=20 {
            let counted = Counters {
                accesses: second * 1000,
                walks: second,
                walk_cycles: second * walk_cycles,
                ..Counters::default()
            };
            layer.kernel.set_counters(counted);
            layer.run_for(SECOND);
        }
        (layer.huge_blocks(space, start), layer.count("overhead_too_low"))
    };
    let (none, left_out) = promoted(40);
    assert_eq!((none, left_out > 15), (vec![], true));
    let (some, left_out) = promoted(2000);
    assert_eq!((some, left_out < 3), (vec![0], true));
}

#[test]
fn a_layer_refuses_what_was_not_cleared() {
    let mut layer = OneLayer::new("linux", &[], 8);
    let space = layer.begin();
    let start = layer.map(space, 2);
    let page = huge_page(start);
    let kernel = &mut layer.kernel;
    let block = |number: u64| Addr::new(number * BLOCK);
    let value = |outcome: terrace_policy::Outcome<()>| outcome.map(|charged| charged.value);
    assert_eq!(value(kernel.map_cleared(space, page, block(3))), Err(Refused::Gone));
    assert_eq!(value(kernel.take_cleared(block(3))), Ok(()));
    assert_eq!(value(kernel.take_cleared(block(3))), Err(Refused::Busy));
    assert_eq!(
        value(kernel.map_cleared(space, huge_page(start.offset_by(9 * BLOCK)), block(3))),
        Err(Refused::Denied)
    );
    assert_eq!(value(kernel.map_cleared(space, page, block(3))), Ok(()));
    assert_eq!(kernel.leaf(space, start).map(|leaf| leaf.frame.get()), Some(3 * BLOCK));
    assert_eq!(value(kernel.map_cleared(space, page, block(3))), Err(Refused::Gone), "it is mapped now");
    assert_eq!(value(kernel.give_cleared(block(3))), Err(Refused::Gone));
    assert_eq!(value(kernel.take_cleared(block(4))), Ok(()));
    assert_eq!(value(kernel.map_cleared(space, page, block(4))), Err(Refused::Busy), "something is there");
    assert_eq!(value(kernel.give_cleared(block(4))), Ok(()));
    let holder = |kernel: &mut terrace_kernel::Kernel<_, _>, at| kernel.holder(at).map(|found| found.value);
    assert_eq!(holder(kernel, block(3).offset_by(7 * BASE)), Ok(Some((space, page))));
    assert_eq!(holder(kernel, block(4)), Ok(None));
}
