//! Page tables keep to pageblocks that hold unmovable memory, so that blocks stay for huge pages.

use crate::one_layer;

use one_layer::{BASE, BLOCK, NODE, OneLayer, word};
use terrace_addr::{Addr, Bytes};
use terrace_frames::Pageblock;
use terrace_policy::Advice;

/// Of memory in which four of five blocks hold an unmovable frame: a program touches a page in each of 600 blocks, so
/// that it has 600 page tables, and another one then wants 32 blocks as huge pages. How many it gets, and how many of
/// the 64 blocks hold unmovable memory.
fn huge_pages_after_tables(system: &str) -> (usize, u64) {
    let mut layer = OneLayer::new(system, &[("defrag", word("always"))], 64);
    let _crumbs = layer.fragment(0.8);
    let sparse = layer.begin();
    let OneLayer { kernel, policy, .. } = &mut layer;
    let region = kernel.map(&mut **policy, sparse, Bytes::new(600 * BLOCK), Advice::NoHugePage).unwrap();
    for block in 0..600 {
        layer.touch(sparse, region.offset_by(block * BLOCK));
    }
    let dense = layer.begin();
    let start = layer.map(dense, 32);
    for block in 0..32 {
        if layer.try_touch(dense, start.offset_by(block * BLOCK)).is_none() {
            break;
        }
    }
    layer.check();
    (layer.huge_blocks(dense, start).len(), layer.kernel.memory().hybrids(NODE))
}

#[test]
fn page_tables_do_not_break_blocks_while_others_hold_unmovable_memory() {
    let (linux, untold) = huge_pages_after_tables("linux");
    let (illuminator, hybrids) = huge_pages_after_tables("illuminator");
    assert_eq!(untold, 0);
    assert_eq!(hybrids, 51, "the blocks that held unmovable memory before");
    assert_eq!((linux, illuminator), (64 - 51 - 2, 64 - 51));
}

#[test]
fn a_kernel_tells_hybrid_pageblocks_apart_for_who_needs_it() {
    for (system, kind) in [("linux", Pageblock::Movable), ("illuminator", Pageblock::Hybrid)] {
        let mut layer = OneLayer::new(system, &[], 8);
        let at = Addr::new(3 * BLOCK + BASE);
        layer.occupy(at);
        assert_eq!(layer.kernel.memory().pageblock(at), Some(kind), "{system}");
    }
}
