//! Pseudo huge pages, one behaviour at a time: what ends them, and what is left then.

use crate::world;

use terrace_addr::{AccessKind, Page, PageSize, Span};
use terrace_kernel::{NotJoined, Synchronised, Trap};
use terrace_policy::{Action, Effort, Layer, Placement};
use terrace_table::LeafFlags;
use world::pseudo::{BEHIND, JOINED, Layers, PARTED, huge, scattered, small};
use world::{BLOCK, base, free};

/// The whole block, and nothing else, was noted as stale.
fn only_stale(layers: &mut Layers, block: u64) {
    let stale = layers.shadow.take_stale();
    let whole: Span<_> = huge(block).into();
    assert!(stale.contains(&whole), "{stale:?}");
    assert!(stale.iter().all(|span| huge(block).contains(span.start)), "{stale:?}");
}

#[test]
fn parting_needs_no_memory() {
    let mut layers = Layers::gathered(BEHIND);
    layers.exhaust();
    layers.join(0).unwrap();
    assert_eq!(layers.shadow.written(base(3), 1), Trap::Emulated);
    assert_eq!(layers.leaf(9), PARTED);
}

/// After a change of part 3: it is gone, the others are what they were, and both are noted once.
fn parted_at_3(layers: &mut Layers) {
    assert_eq!((layers.leaf(3), layers.leaf(9), layers.composed().len()), (None, PARTED, 511));
    for (page, at) in layers.composed() {
        assert_eq!(Some(at), layers.expected(page));
    }
    assert_eq!(layers.shadow.take_parted(), [huge(0)]);
    assert!(layers.shadow.take_parted().is_empty());
    only_stale(layers, 0);
    let counts = layers.shadow.counts();
    assert_eq!((counts.joined, counts.parted, counts.removed), (1, 1, 1));
}

#[test]
fn any_write_above_a_part_ends_it() {
    let changes: [fn(&mut Layers) -> Trap; 5] = [
        |layers| layers.unmap(small(3)),
        |layers| layers.replace(3, 3 * BLOCK, LeafFlags::everything()),
        |layers| layers.reflag(3, |flags| flags - LeafFlags::WRITE),
        |layers| layers.reflag(3, |flags| flags - LeafFlags::ACCESSED),
        |layers| layers.reflag(3, |flags| flags - LeafFlags::DIRTY),
    ];
    for change in changes {
        let mut layers = Layers::joined(BEHIND);
        assert_eq!(change(&mut layers), Trap::Emulated);
        assert_eq!(layers.shadow.counts().trapped, 1);
        parted_at_3(&mut layers);
        assert_eq!(layers.shadow.written(base(3), 1), Trap::Unsynced, "stock rules again");
    }
}

#[test]
fn after_it_was_parted_it_may_be_joined_again() {
    let mut layers = Layers::joined(BEHIND);
    layers.reflag(3, |flags| flags - LeafFlags::DIRTY);
    assert_eq!(layers.shadow.take_parted(), [huge(0)]);
    assert_eq!(layers.join(0), Err(NotJoined::NotDirty { part: 3 }));
    assert_eq!(
        layers.access(3, AccessKind::Store, Placement::Default),
        Some(Synchronised::Mapped(PageSize::Size4K))
    );
    layers.join(0).unwrap();
    assert_eq!(layers.leaf(3), Some((BEHIND * BLOCK + 3, PageSize::Size2M)));
}

#[test]
fn a_write_to_a_table_above_takes_all_of_it() {
    for level in [2, 3, 4] {
        let mut layers = Layers::joined(BEHIND);
        if level == 2 {
            assert_eq!(layers.shadow.written(base(BLOCK), level), Trap::Emulated);
            assert_eq!(layers.leaf(9), JOINED, "that was the entry for another block");
        }
        assert_eq!(layers.shadow.written(base(3), level), Trap::Emulated);
        assert!(layers.composed().is_empty());
        assert_eq!((layers.shadow.take_parted(), layers.shadow.counts().parted), (vec![huge(0)], 1));
        only_stale(&mut layers, 0);
        assert_eq!(layers.shadow.written(base(3), 1), Trap::None, "no longer shadowed");
    }
}

#[test]
fn what_changes_below_a_part_ends_it() {
    let mut layers = Layers::joined(BEHIND);
    assert!(layers.migrate(3, 8 * BLOCK));
    parted_at_3(&mut layers);
    // An exchange with a page that is not part of it.
    let mut layers = Layers::joined(BEHIND);
    layers.access(BLOCK, AccessKind::Store, Placement::Default);
    layers.lower_changed();
    let pages = [3, BLOCK].map(|page| layers.process_page(scattered(page)));
    let space = layers.vm.space();
    let _charged = layers.host.apply(&Action::Exchange { space, pages }).unwrap();
    layers.lower_changed();
    parted_or_more(&mut layers);
    // Swapped out, write-protected, merged: whatever it is, it is told as a range.
    let mut layers = Layers::joined(BEHIND);
    layers.shadow.lower_changed(Span { start: base(scattered(3)), bytes: 4096 });
    parted_at_3(&mut layers);
}

fn parted_or_more(layers: &mut Layers) {
    assert_eq!((layers.leaf(3), layers.leaf(9)), (None, PARTED));
    assert_eq!(layers.shadow.take_parted(), [huge(0)]);
}

#[test]
fn a_change_of_many_parts_below_removes_each() {
    let mut layers = Layers::joined(BEHIND);
    // Middle pages 7 to 16: those of every fifth page, and those that the other blocks have.
    layers.shadow.lower_changed(Span { start: base(7), bytes: 10 << 12 });
    let gone: Vec<_> = (0..BLOCK).filter(|&page| layers.leaf(page).is_none()).collect();
    let expected: Vec<_> = (0..BLOCK).filter(|&page| (7..17).contains(&scattered(page))).collect();
    assert_eq!(gone, expected);
    assert!(gone.len() >= 2, "{gone:?}");
    assert_eq!((layers.shadow.take_parted(), layers.shadow.counts().parted), (vec![huge(0)], 1));
}

#[test]
fn who_looks_before_it_removes_keeps_what_is_right() {
    let mut layers = Layers::joined(BEHIND);
    let told = Span { start: base(scattered(3)), bytes: 4096 };
    for _ in 0..2 {
        // Nothing has changed: neither now nor when it is told again.
        let Layers { host, vm, shadow, upper, .. } = &mut layers;
        shadow.follow_lower(host, upper, vm, told);
        assert_eq!((layers.leaf(9), layers.shadow.take_stale()), (JOINED, vec![]));
    }
    let (space, page) = (layers.vm.space(), layers.process_page(scattered(3)));
    let _charged = layers.host.apply(&Action::Migrate { space, page, to: None }).unwrap();
    layers.follow_lower();
    parted_at_3(&mut layers);
}

#[test]
fn an_ordinary_huge_leaf_goes_when_its_page_below_is_divided() {
    let mut layers = Layers::empty();
    layers.map(huge(0), 0, LeafFlags::everything());
    layers.access(9, AccessKind::Store, Placement::Huge(Effort::Light));
    assert_eq!(layers.leaf(9).unwrap().1, PageSize::Size2M);
    let page = Page::containing(layers.process_page(0).start(), PageSize::Size2M);
    let space = layers.vm.space();
    let _charged = layers.host.apply(&Action::Split { space, page }).unwrap();
    layers.follow_lower();
    assert_eq!((layers.leaf(9), layers.shadow.take_parted().len()), (None, 0));
}

#[test]
fn the_end_of_the_upper_table_ends_it_and_all_memory_comes_back() {
    let mut layers = Layers::gathered(BEHIND);
    let Layers { host, shadow, .. } = &mut layers;
    shadow.clear(host);
    let before = free(host);
    layers.gather(0, BEHIND);
    layers.gather(1, BEHIND + 1);
    layers.lower_changed();
    for block in [0, 1] {
        layers.join(block).unwrap();
    }
    // One is gone before the end, and its memory is still put aside.
    layers.shadow.written(base(BLOCK), 2);
    layers.shadow.take_parted();
    let taken = before - free(&layers.host);
    let Layers { host, shadow, .. } = &mut layers;
    shadow.clear(host);
    assert_eq!(shadow.take_parted(), [huge(0)]);
    assert_eq!(shadow.table.memory().nodes(), 1);
    // Block 1 was not touched before, and is backed now; the tables of the host's process were there.
    assert!(taken > BLOCK);
    assert_eq!(before - free(host), BLOCK);
}

#[test]
fn memory_of_a_page_that_went_as_a_whole_goes_back_at_the_next_violation() {
    let mut layers = Layers::joined(BEHIND);
    layers.access(BLOCK, AccessKind::Store, Placement::Default);
    let before = free(&layers.host);
    layers.shadow.written(base(3), 2);
    assert_eq!(free(&layers.host), before);
    layers.access(BLOCK, AccessKind::Store, Placement::Default);
    assert_eq!(free(&layers.host), before + 1);
}

#[test]
fn two_pages_over_the_same_frames_both_end() {
    let mut layers = Layers::gathered(BEHIND);
    for part in 0..BLOCK {
        layers.replace(BLOCK + part, scattered(part), LeafFlags::everything());
        layers.access(BLOCK + part, AccessKind::Store, Placement::Default);
    }
    layers.join(0).unwrap();
    layers.join(1).unwrap();
    assert!(layers.migrate(3, 8 * BLOCK));
    assert_eq!([3, BLOCK + 3].map(|page| layers.leaf(page)), [None, None]);
    assert_eq!([9, BLOCK + 9].map(|page| layers.leaf(page)), [PARTED, PARTED]);
    assert_eq!(layers.shadow.take_parted(), [huge(0), huge(1)]);
}

#[test]
fn another_page_over_one_of_its_frames_is_found_after_it_was_parted() {
    let mut layers = Layers::joined(BEHIND);
    // A page of another block goes to the same middle page as page 3.
    layers.replace(BLOCK, scattered(3), LeafFlags::everything());
    layers.access(BLOCK, AccessKind::Store, Placement::Default);
    layers.shadow.written(base(9), 1);
    assert_eq!(layers.leaf(3).unwrap().1, PageSize::Size4K);
    assert!(layers.migrate(BLOCK, 8 * BLOCK));
    assert_eq!((layers.leaf(3), layers.leaf(BLOCK)), (None, None), "both were found");
    assert!(layers.leaf(0).is_some(), "the first page of the block was not moved");
}

#[test]
fn a_violation_where_a_part_has_moved_makes_base_pages() {
    let mut layers = Layers::joined(BEHIND);
    let (space, page) = (layers.vm.space(), layers.process_page(scattered(3)));
    let _charged = layers.host.apply(&Action::Migrate { space, page, to: Some(base(8 * BLOCK)) }).unwrap();
    // Before anybody was told: another CPU's violation.
    let came = layers.access(3, AccessKind::Load, Placement::Default);
    assert_eq!(came, Some(Synchronised::Mapped(PageSize::Size4K)));
    assert_eq!((layers.leaf(3), layers.leaf(9)), (Some((8 * BLOCK, PageSize::Size4K)), PARTED));
    assert_eq!(layers.shadow.take_parted(), [huge(0)]);
    layers.follow_lower();
    assert_eq!(layers.leaf(3), Some((8 * BLOCK, PageSize::Size4K)), "composed after the change");
    layers.shadow.lower_changed(Span { start: base(scattered(3)), bytes: 4096 });
    assert_eq!(layers.leaf(3), None);
}

#[test]
fn an_invalidation_of_one_address_compares_that_part() {
    let mut layers = Layers::joined(BEHIND);
    let compare = |layers: &mut Layers, page| {
        let Layers { host, vm, shadow, upper, .. } = layers;
        shadow.synchronise_address(host, upper, vm, base(page));
    };
    compare(&mut layers, 3);
    assert_eq!(layers.leaf(9), JOINED);
    // Behind the back of the composed table, as no hardware permits.
    let _never_trapped = layers.upper.unmap(small(3)).unwrap();
    compare(&mut layers, 4);
    assert_eq!(layers.leaf(9), JOINED);
    compare(&mut layers, 3);
    parted_at_3(&mut layers);
}
