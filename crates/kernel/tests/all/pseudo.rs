//! Pseudo huge pages, one behaviour at a time: what they need.

use crate::world;

use terrace_addr::{AccessKind, Cycles, Page, PageSize, Span, convert};
use terrace_kernel::{KernelCosts, NotJoined, Synchronised, Trap};
use terrace_policy::{Action, CollapseInto, Layer, Placement};
use terrace_table::LeafFlags;
use world::pseudo::{BEHIND, JOINED, Layers, MEMORY, PARTED, huge, scattered, small};
use world::{BLOCK, base};

#[test]
fn base_pages_at_their_places_become_one_leaf() {
    let mut layers = Layers::gathered(BEHIND);
    let before = layers.composed();
    assert_eq!(layers.leaf(9), PARTED);
    layers.shadow.take_stale();
    layers.join(0).unwrap();
    assert_eq!(layers.leaf(9), JOINED);
    assert_eq!(layers.composed(), before, "each page is where it was");
    assert_eq!(layers.shadow.take_stale(), [Span::from(huge(0))], "one flush");
    let counts = layers.shadow.counts();
    assert_eq!((counts.joined, counts.parted, counts.removed), (1, 0, 0));
    // Once more is no more.
    layers.join(0).unwrap();
    assert_eq!((layers.shadow.counts(), layers.shadow.take_stale()), (counts, vec![]));
}

#[test]
fn what_was_never_composed_can_be_joined() {
    let mut layers = Layers::gathered(BEHIND);
    // The tables above were written: all is gone that was composed.
    layers.shadow.written(base(0), 4);
    assert_eq!(layers.leaf(9), None);
    let table_pages = layers.shadow.table.memory().nodes();
    layers.join(0).unwrap();
    assert_eq!(layers.leaf(9), JOINED);
    assert_eq!(layers.shadow.written(base(9), 1), Trap::Emulated, "its table is protected");
    assert_eq!((layers.leaf(9), layers.leaf(10).unwrap().1), (None, PageSize::Size4K));
    assert_eq!(layers.shadow.table.memory().nodes(), table_pages);
}

#[test]
fn all_tables_above_are_protected_although_they_were_not() {
    for level in [2, 3, 4] {
        let mut layers = Layers::gathered(BEHIND);
        layers.shadow.written(base(0), 4);
        layers.join(0).unwrap();
        assert_eq!(layers.shadow.written(base(9), level), Trap::Emulated, "level {level}");
        assert_eq!(layers.leaf(9), None);
    }
}

#[test]
fn each_of_its_frames_is_known_although_none_was_composed_since_it_changed() {
    let mut layers = Layers::gathered(BEHIND);
    // Told of all: what was composed is gone, and forgotten.
    layers.shadow.lower_changed(Span { start: base(0), bytes: MEMORY << 12 });
    assert!(layers.composed().is_empty());
    layers.join(0).unwrap();
    for page in [0, 3, 511] {
        assert!(layers.leaf(page).is_some());
        layers.shadow.lower_changed(Span { start: base(scattered(page)), bytes: 4096 });
        assert_eq!(layers.leaf(page), None);
    }
}

#[test]
fn each_has_a_table_put_aside() {
    let mut layers = Layers::mapped(2);
    for block in [0, 1] {
        layers.gather(block, BEHIND + block);
    }
    // No table of base pages is left.
    let Layers { host, shadow, .. } = &mut layers;
    shadow.clear(host);
    for block in [0, 1] {
        layers.join(block).unwrap();
    }
    layers.exhaust();
    for page in [9, BLOCK + 9] {
        assert_eq!(layers.shadow.written(base(page), 1), Trap::Emulated);
    }
    assert_eq!(layers.composed().len(), 2 * 511);
}

#[test]
fn a_violation_under_a_pseudo_huge_page_changes_nothing() {
    let mut layers = Layers::joined(BEHIND);
    for kind in AccessKind::ALL {
        let came = layers.access(9, kind, Placement::Default);
        assert_eq!(came, Some(Synchronised::Mapped(PageSize::Size2M)));
    }
    assert_eq!((layers.leaf(9), layers.shadow.take_stale()), (JOINED, vec![]));
}

/// Spoils one of the conditions, and asks for a pseudo huge page: it is refused for this reason, which is counted, and
/// nothing changes.
fn refused(layers: &mut Layers, block: u64, why: NotJoined, counted: &str) {
    let before = layers.composed();
    let counts = layers.shadow.counts();
    layers.shadow.take_stale();
    assert_eq!(layers.join(block), Err(why));
    let since = layers.shadow.counts().since(&counts);
    let counted_now: Vec<_> = since.iter().filter(|&(_, count)| count > 0).collect();
    assert_eq!(counted_now, [(counted, 1)]);
    assert_eq!((layers.composed(), layers.shadow.take_stale().len()), (before, 0));
    assert!(layers.shadow.take_parted().is_empty());
}

#[test]
fn every_part_must_be_mapped_above() {
    for part in [0, 77, 511] {
        let mut layers = Layers::gathered(BEHIND);
        layers.unmap(small(part));
        let why = NotJoined::Absent { part: convert::low32(part) };
        refused(&mut layers, 0, why, "refused_absent");
    }
    refused(&mut Layers::empty(), 0, NotJoined::Absent { part: 0 }, "refused_absent");
}

#[test]
fn every_part_must_be_backed() {
    let mut layers = Layers::gathered(BEHIND);
    let used = LeafFlags::everything() | LeafFlags::ACCESSED | LeafFlags::DIRTY;
    layers.replace(5, 3 * BLOCK, used);
    refused(&mut layers, 0, NotJoined::Unbacked { part: 5 }, "refused_unbacked");
    // Nor is what lies outside the machine.
    layers.replace(5, 9 * BLOCK, used);
    refused(&mut layers, 0, NotJoined::Unbacked { part: 5 }, "refused_unbacked");
}

#[test]
fn every_part_must_be_at_its_place() {
    let mut layers = Layers::gathered(BEHIND);
    assert!(layers.migrate(200, 8 * BLOCK));
    refused(&mut layers, 0, NotJoined::Scattered { part: 200 }, "refused_scattered");
    let mut layers = Layers::gathered(BEHIND);
    assert!(layers.migrate(0, 8 * BLOCK), "to the first frame of another block");
    refused(&mut layers, 0, NotJoined::Scattered { part: 1 }, "refused_scattered");
    // Consecutive, from a frame on that does not begin a block.
    let mut layers = Layers::mapped(1);
    for part in 0..BLOCK {
        layers.access(part, AccessKind::Store, Placement::Frame(base(BEHIND * BLOCK + 1 + part)));
    }
    refused(&mut layers, 0, NotJoined::Scattered { part: 0 }, "refused_scattered");
}

#[test]
fn every_part_must_permit_the_same() {
    for lost in [LeafFlags::WRITE, LeafFlags::EXECUTE] {
        let mut layers = Layers::gathered(BEHIND);
        layers.reflag(300, |flags| flags - lost);
        refused(&mut layers, 0, NotJoined::Permissions { part: 300 }, "refused_permissions");
    }
}

#[test]
fn every_part_must_be_accessed_and_dirty() {
    let mut layers = Layers::gathered(BEHIND);
    layers.reflag(511, |flags| flags - LeafFlags::DIRTY);
    refused(&mut layers, 0, NotJoined::NotDirty { part: 511 }, "refused_not_dirty");
    layers.reflag(1, |flags| flags - LeafFlags::ACCESSED - LeafFlags::DIRTY);
    refused(&mut layers, 0, NotJoined::NotAccessed { part: 1 }, "refused_not_accessed");
}

#[test]
fn what_nobody_may_write_need_not_be_dirty() {
    let mut layers = Layers::mapped(1);
    for part in 0..BLOCK {
        layers.reflag(part, |flags| flags - LeafFlags::WRITE);
        layers.access(part, AccessKind::Load, Placement::Frame(base(BEHIND * BLOCK + part)));
    }
    layers.join(0).unwrap();
    assert_eq!(layers.leaf(9), JOINED);
    let leaf = layers.shadow.table.lookup(base(9)).unwrap();
    assert!(!leaf.flags.contains(LeafFlags::WRITE));
    let came = layers.access(9, AccessKind::Store, Placement::Default);
    assert_eq!(came, Some(Synchronised::Reflect), "the guest hypervisor's affair");
    // It permits stores again: its write traps, and the page is parted before anybody could store.
    assert_eq!(layers.reflag(9, |flags| flags | LeafFlags::WRITE), Trap::Emulated);
    assert_eq!(layers.leaf(9), None);
}

#[test]
fn what_is_no_base_page_is_for_the_ordinary_rule() {
    let mut layers = Layers::empty();
    layers.map(huge(0), 0, LeafFlags::everything());
    for part in 0..BLOCK {
        layers.access(part, AccessKind::Store, Placement::Frame(base(BEHIND * BLOCK + part)));
    }
    assert_eq!(layers.leaf(9), PARTED);
    refused(&mut layers, 0, NotJoined::Ordinary, "refused_ordinary");
    // With a huge page below the ordinary rule composes one leaf.
    let (space, page) = (layers.vm.space(), layers.process_page(0));
    let page = Page::containing(page.start(), PageSize::Size2M);
    let _charged = layers.host.apply(&Action::Collapse { space, page, into: CollapseInto::InPlace }).unwrap();
    layers.lower_changed();
    layers.access(9, AccessKind::Store, Placement::Default);
    assert_eq!(layers.leaf(9), JOINED);
    refused(&mut layers, 0, NotJoined::Ordinary, "refused_ordinary");
    let Layers { host, vm, shadow, upper, .. } = &mut layers;
    assert_eq!(shadow.join(host, upper, vm, small(0)), Err(NotJoined::Ordinary));
}

#[test]
fn without_memory_for_tables_there_is_none() {
    let mut layers = Layers::gathered(BEHIND);
    let Layers { host, shadow, .. } = &mut layers;
    shadow.clear(host);
    layers.exhaust();
    refused(&mut layers, 0, NotJoined::NoMemory, "refused_no_memory");
}

#[test]
fn its_table_is_in_step_and_protected_although_it_was_unsync() {
    let mut layers = Layers::gathered(BEHIND);
    assert_eq!(layers.shadow.written(base(3), 1), Trap::Unsynced);
    assert_eq!(layers.shadow.written(base(3), 1), Trap::None);
    layers.join(0).unwrap();
    assert_eq!(layers.shadow.counts().resynchronised, 1);
    assert_eq!(layers.synchronise(), 0, "nothing is unsync");
    assert_eq!(layers.leaf(9), JOINED);
    assert_eq!(layers.shadow.written(base(3), 1), Trap::Emulated);
    assert_eq!(layers.shadow.written(base(3), 1), Trap::Unsynced, "as any table afterwards");
}

#[test]
fn a_join_costs_a_look_at_all_entries_and_one_change() {
    let mut costs = KernelCosts::default();
    (costs.scan, costs.remap) = (Cycles::new(10), Cycles::new(7_000_000));
    let mut layers = Layers::with_costs(costs);
    for page in 0..BLOCK {
        layers.map(small(page), scattered(page), LeafFlags::everything());
    }
    layers.gather(0, BEHIND);
    layers.host.pending().clear();
    layers.join(0).unwrap();
    let pending = std::mem::take(layers.host.pending());
    let daemon = |cycles| [0, 0, 0, cycles].map(Cycles::new);
    assert_eq!(pending.work.by_cause().map(|(_, cycles)| cycles), daemon(2 * 512 * 10 + 7_000_000));
    layers.reflag(99, |flags| flags - LeafFlags::DIRTY);
    layers.join(0).unwrap_err();
    let pending = std::mem::take(layers.host.pending());
    let found = pending.work.by_cause().map(|(_, cycles)| cycles);
    assert_eq!(found, daemon(2 * 100 * 10), "up to the first that is not dirty");
}
