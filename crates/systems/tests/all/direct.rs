//! Direct segments: which region gets one, when there is none, and that it goes with the region.

use crate::one_layer;

use one_layer::{BASE, BLOCK, OneLayer};
use terrace_addr::{Addr, Gva, PageSize, Span};

fn layer(blocks: u64) -> OneLayer {
    let mut layer = OneLayer::new("direct-segment", &[], blocks);
    layer.kernel.allow_direct_segments();
    layer
}

/// Unmaps so much of a region from a place on.
fn unmap(layer: &mut OneLayer, space: terrace_policy::SpaceId, start: Addr<Gva>, bytes: u64) {
    let OneLayer { kernel, policy, .. } = layer;
    kernel.unmap(&mut **policy, space, Span { start, bytes }).unwrap();
    layer.tell();
}

#[test]
fn the_largest_region_is_filled_when_it_is_touched_first() {
    let mut layer = layer(32);
    let space = layer.begin();
    let small = layer.map(space, 2);
    let large = layer.map(space, 6);
    layer.touch(space, small.offset_by(BASE));
    assert_eq!(layer.kernel.direct_segment(space), None);
    assert_eq!(layer.leaves(space).len(), 1);
    layer.touch(space, large.offset_by(3 * BLOCK + 5 * BASE));
    let segment = layer.kernel.direct_segment(space).unwrap();
    assert_eq!((segment.start.get(), segment.bytes.get()), (large.get(), 6 * BLOCK));
    // It is what the tables say.
    for page in 0..6 * 512 {
        let leaf = layer.kernel.leaf(space, large.offset_by(page * BASE)).unwrap();
        let frame = leaf.translate(large.offset_by(page * BASE));
        assert_eq!(frame.get(), segment.base.get() + page * BASE);
    }
    layer.touch(space, small.offset_by(7 * BASE));
    assert_eq!((layer.count("segments"), layer.count("bytes"), layer.count("no_run")), (1, 6 * BLOCK, 0));
    layer.check();
}

#[test]
fn without_a_run_it_is_paged() {
    let mut layer = layer(16);
    layer.occupy(Addr::new(8 * BLOCK));
    let space = layer.begin();
    let start = layer.map(space, 10);
    layer.touch_pages(space, start, 512);
    assert_eq!(layer.kernel.direct_segment(space), None);
    assert_eq!((layer.count("segments"), layer.count("no_run")), (0, 1));
    assert!(layer.leaves(space).iter().all(|leaf| leaf.page.size() == PageSize::Size4K));
    assert_eq!(layer.leaves(space).len(), 512);
}

#[test]
fn a_part_that_is_unmapped_takes_the_segment_with_it() {
    let mut layer = layer(32);
    let space = layer.begin();
    let start = layer.map(space, 4);
    layer.touch(space, start);
    layer.kernel.pending().clear();
    unmap(&mut layer, space, start.offset_by(2 * BLOCK + BASE), BASE);
    assert_eq!(layer.kernel.direct_segment(space), None);
    let whole = Span { start, bytes: 4 * BLOCK };
    assert!(layer.kernel.pending().stale.iter().any(|stale| stale.span == whole), "all of it is flushed");
    assert_eq!(layer.kernel.leaf(space, start.offset_by(2 * BLOCK + BASE)), None);
    assert!(layer.kernel.leaf(space, start.offset_by(2 * BLOCK)).is_some());
    layer.check();
}
