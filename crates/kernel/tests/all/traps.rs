//! Composed tables, one behaviour at a time: what traps, what goes at once, and what may be stale until when.

use crate::world;

use terrace_addr::{AccessKind, Addr, Bytes, Gpa, Gva, Hpa, Page, PageSize, Span};
use terrace_kernel::{Shadow, Synchronised, Trap, Vm};
use terrace_policy::{Effort, FlushScope, Placement};
use terrace_table::{Ept, FrameSource, LeafFlags, Levels, SimulatedMemory, Table, X86};
use world::change::Change;
use world::composed::{Operation, World};
use world::owner::{Guest, GuestHypervisor, Owner};
use world::{BLOCK, Host, Told, base, kernel, pages};

const HUGE: Placement = Placement::Huge(Effort::Light);

/// Shadow paging with a guest that has touched nothing.
fn shadowed() -> World<Gva, Gpa, X86, Guest> {
    World::new(Guest::new(), X86::new(Levels::Four))
}

fn leaf_at(world: &World<Gva, Gpa, X86, Guest>, page: u64) -> Option<(PageSize, LeafFlags)> {
    world.shadow.table.lookup(world.at(page)).map(|leaf| (leaf.page.size(), leaf.flags))
}

fn upper_flags(world: &mut World<Gva, Gpa, X86, Guest>, page: u64) -> LeafFlags {
    let at = world.at(page);
    world.owner.table().lookup(at).unwrap().flags
}

#[test]
fn a_leaf_is_as_large_as_the_smaller_of_both() {
    for (upper, lower, expected) in [
        (Placement::Default, Placement::Default, PageSize::Size4K),
        (Placement::Default, HUGE, PageSize::Size4K),
        (HUGE, Placement::Default, PageSize::Size4K),
        (HUGE, HUGE, PageSize::Size2M),
    ] {
        let mut world = shadowed();
        world.access(5, AccessKind::Load, upper, lower);
        assert_eq!(leaf_at(&world, 5).unwrap().0, expected, "{upper:?} on {lower:?}");
        // EPT12 of base pages makes no leaf of 2M in EPT02, whatever the host has (paging_tmpl.h: `FNAME(fetch)`).
        let mut nested = World::new(GuestHypervisor::new(), Ept::new(Levels::Four));
        nested.access(5, AccessKind::Load, upper, lower);
        let leaf = nested.shadow.table.lookup(base(5)).unwrap();
        assert_eq!(leaf.page.size(), expected, "{upper:?} on {lower:?}");
    }
}

#[test]
fn a_leaf_forbids_stores_until_the_upper_one_is_dirty() {
    let mut world = shadowed();
    world.access(0, AccessKind::Load, Placement::Default, Placement::Default);
    assert!(!leaf_at(&world, 0).unwrap().1.contains(LeafFlags::WRITE));
    assert!(!upper_flags(&mut world, 0).contains(LeafFlags::DIRTY));
    world.access(0, AccessKind::Store, Placement::Default, Placement::Default);
    assert!(leaf_at(&world, 0).unwrap().1.contains(LeafFlags::WRITE));
    assert!(upper_flags(&mut world, 0).contains(LeafFlags::DIRTY));
    world.check();
}

#[test]
fn the_first_write_to_a_level_1_table_traps_and_later_ones_after_a_synchronisation() {
    let mut world = shadowed();
    let at = world.at(3);
    assert_eq!(world.shadow.written(at, 1), Trap::None, "nothing was read yet");
    world.access(3, AccessKind::Store, Placement::Default, Placement::Default);
    for _ in 0..2 {
        assert_eq!(world.shadow.written(at, 1), Trap::Unsynced);
        assert_eq!(world.shadow.written(world.at(99), 1), Trap::None, "of the same table");
        assert_eq!(world.shadow.written(world.at(BLOCK), 1), Trap::None, "a table that is not shadowed");
        let World { owner, host, lower, shadow, .. } = &mut world;
        assert_eq!(shadow.synchronise(host, owner.table(), lower), 1);
        assert_eq!(shadow.synchronise(host, owner.table(), lower), 0);
    }
    assert!(leaf_at(&world, 3).is_some(), "it is what it was");
    let counts = world.shadow.counts();
    assert_eq!((counts.unsynced, counts.resynchronised, counts.emulated, counts.removed), (2, 2, 0, 0));
}

#[test]
fn one_address_is_compared_and_its_table_stays_unsync() {
    let mut world = shadowed();
    for page in 0..3 {
        world.access(page, AccessKind::Store, Placement::Default, Placement::Default);
    }
    // The guest takes away two of the pages.
    world.owner.renew(0, 2);
    world.upper_written();
    // The table of the third page is still there: nothing has trapped but its first write.
    assert!((0..3).all(|page| leaf_at(&world, page).is_some()), "stale until the guest invalidates");
    world.apply(&Operation::SynchroniseAddress { page: 0 });
    assert_eq!([0, 1, 2].map(|page| leaf_at(&world, page).is_some()), [false, true, true]);
    assert_eq!(world.shadow.written(world.at(2), 1), Trap::None);
    world.apply(&Operation::Synchronise);
    assert_eq!([0, 1, 2].map(|page| leaf_at(&world, page).is_some()), [false, false, true]);
}

#[test]
fn a_write_above_level_1_removes_at_once_what_it_led_to() {
    let mut world = shadowed();
    for page in [0, 1, BLOCK] {
        world.access(page, AccessKind::Store, Placement::Default, Placement::Default);
    }
    let stale = |world: &mut World<Gva, Gpa, X86, Guest>| world.shadow.take_stale().len();
    stale(&mut world);
    assert_eq!(world.shadow.written(world.at(7), 2), Trap::Emulated);
    assert_eq!(stale(&mut world), 2);
    assert_eq!([0, 1, BLOCK].map(|page| leaf_at(&world, page).is_some()), [false, false, true]);
    assert_eq!(world.shadow.written(world.at(7), 1), Trap::None, "what it led to is no table any more");
    assert_eq!(world.shadow.written(world.at(7), 4), Trap::Emulated);
    assert_eq!((stale(&mut world), leaf_at(&world, BLOCK)), (1, None));
}

#[test]
fn clearing_an_accessed_bit_traps_and_the_next_use_sets_it_again() {
    let mut world = shadowed();
    world.access(0, AccessKind::Load, Placement::Default, Placement::Default);
    world.owner.change(&Change::Clear { flush: FlushScope::Pages });
    world.upper_written();
    assert_eq!(world.shadow.counts().unsynced, 1);
    world.apply(&Operation::Synchronise);
    assert_eq!(leaf_at(&world, 0), None);
    world.access(0, AccessKind::Load, Placement::Default, Placement::Default);
    assert!(upper_flags(&mut world, 0).contains(LeafFlags::ACCESSED));
}

#[test]
fn what_changes_below_goes_at_once() {
    let mut world = shadowed();
    world.access(0, AccessKind::Store, HUGE, HUGE);
    world.access(BLOCK, AccessKind::Store, Placement::Default, Placement::Default);
    assert_eq!(leaf_at(&world, 0).unwrap().0, PageSize::Size2M);
    world.apply(&Operation::Lower(Change::Split { leaf: 0 }));
    assert_eq!(leaf_at(&world, 0), None, "its page below is no huge page any more");
    assert!(leaf_at(&world, BLOCK).is_some(), "that of another page stays");
    world.access(9, AccessKind::Store, Placement::Default, Placement::Default);
    assert_eq!(leaf_at(&world, 9).unwrap().0, PageSize::Size4K);
    world.check();
}

#[test]
fn without_a_leaf_above_the_owner_has_to_serve() {
    let mut world = shadowed();
    let at = world.at(0);
    let World { owner, host, lower, shadow, lower_start, .. } = &mut world;
    let mut policy = Told::nothing();
    let came = shadow.violation(host, &mut policy, owner.table(), lower, at, AccessKind::Load).unwrap();
    assert_eq!(came, Synchronised::Reflect);
    assert_eq!(host.leaf(lower.space(), *lower_start), None, "nothing was backed");
}

/// Hands out table pages from 1 MiB on.
struct Bump(u64);

impl FrameSource<Gpa> for Bump {
    fn take(&mut self) -> Option<Addr<Gpa>> {
        self.0 += 4096;
        Some(Addr::new(self.0))
    }

    fn give_back(&mut self, _: Addr<Gpa>) {}
}

/// A table that is written by hand, of one page for each of the addresses, to these middle pages.
fn by_hand(levels: Levels, pages: &[(u64, u64)]) -> Table<Gva, X86, SimulatedMemory<Gpa>> {
    let mut frames = Bump(1 << 20);
    let mut table = Table::new(X86::new(levels), SimulatedMemory::new(), &mut frames).unwrap();
    for &(at, middle) in pages {
        let page = Page::containing(Addr::new(at), PageSize::Size4K);
        let _effects = table.map(page, base(middle), LeafFlags::everything(), &mut frames).unwrap();
    }
    table
}

/// Composes all pages, and has the memory under one middle page change: which of them are there afterwards.
fn left_after(levels: Levels, mapped: &[(u64, u64)], changed: u64) -> Vec<u64> {
    let mut host: Host = kernel(4 * BLOCK);
    let mut vm: Vm<Gpa, Hpa> = Vm::new(&mut host, pages(BLOCK), Bytes::ZERO, Levels::Four).unwrap();
    let mut shadow = Shadow::new(&mut host, X86::new(levels)).unwrap();
    let mut upper = by_hand(levels, mapped);
    let mut policy = Told::nothing();
    for kind in [AccessKind::Load, AccessKind::Store] {
        for &(at, _) in mapped {
            let at = Addr::new(at);
            let came = shadow.violation(&mut host, &mut policy, &mut upper, &mut vm, at, kind).unwrap();
            assert_eq!(came, Synchronised::Mapped(PageSize::Size4K));
        }
    }
    assert_eq!(shadow.table.all_leaves().count(), mapped.len());
    shadow.take_stale();
    shadow.lower_changed(Span { start: base(changed), bytes: 4096 });
    let left: Vec<_> = shadow.table.all_leaves().map(|leaf| leaf.page.start().get()).collect();
    assert_eq!(shadow.take_stale().len(), mapped.len() - left.len());
    left
}

#[test]
fn pages_of_one_frame_all_go_when_it_changes() {
    let mapped = [(0x1000, 7), (0x5000, 7), (0x7fff_0000_0000, 7), (0x9000, 8), (0x4000_0000, 7)];
    assert_eq!(left_after(Levels::Four, &mapped, 7), [0x9000]);
    assert_eq!(left_after(Levels::Four, &mapped, 9).len(), 5);
}

#[test]
fn pages_whose_numbers_share_their_low_bits_are_told_apart_or_both_go() {
    let far = 1 << 44;
    let mapped = [(0x1000, 7), (0x1000 + far, 8), (0x2000 + far, 7)];
    let left = left_after(Levels::Four, &mapped, 7);
    assert!(!left.contains(&0x1000) && !left.contains(&(0x2000 + far)), "{left:?}");
}

#[test]
fn the_last_page_of_16_tib_is_found() {
    assert_eq!(left_after(Levels::Four, &[((1 << 44) - 4096, 7), (0x1000, 8)], 7), [0x1000]);
}

#[test]
fn the_upper_half_of_a_virtual_space_is_found() {
    let mapped = [(0xffff_8000_0000_1000, 7), (0xffff_ffff_8000_0000, 8), (0x1000, 9)];
    assert_eq!(left_after(Levels::Four, &mapped, 7), [0x1000, 0xffff_ffff_8000_0000]);
    assert_eq!(left_after(Levels::Four, &mapped, 8), [0x1000, 0xffff_8000_0000_1000]);
}

#[test]
fn pages_that_only_five_levels_reach_are_found() {
    let mapped = [(1 << 48, 7), ((1 << 55) + 0x1000, 7), (0xff00_0000_0000_0000, 7), (0x1000, 8)];
    assert_eq!(left_after(Levels::Five, &mapped, 7), [0x1000]);
}

#[test]
fn an_upper_leaf_may_lead_outside_the_machine() {
    let mut host: Host = kernel(4 * BLOCK);
    let mut vm: Vm<Gpa, Hpa> = Vm::new(&mut host, pages(BLOCK), Bytes::ZERO, Levels::Four).unwrap();
    let mut shadow = Shadow::new(&mut host, X86::new(Levels::Four)).unwrap();
    let mut upper = by_hand(Levels::Four, &[(0x1000, BLOCK)]);
    let mut policy = Told::nothing();
    let at = Addr::new(0x1000);
    let came = shadow.violation(&mut host, &mut policy, &mut upper, &mut vm, at, AccessKind::Load).unwrap();
    assert_eq!((came, shadow.table.all_leaves().count()), (Synchronised::Outside, 0));
}

#[test]
fn when_the_upper_table_is_gone_everything_goes() {
    let mut world = shadowed();
    for page in [0, 7, BLOCK, 2 * BLOCK + 1] {
        world.access(page, AccessKind::Store, Placement::Default, Placement::Default);
    }
    world.shadow.take_stale();
    let World { host, shadow, .. } = &mut world;
    shadow.clear(host);
    assert_eq!((shadow.table.all_leaves().count(), shadow.table.memory().nodes()), (0, 1));
    let stale = shadow.take_stale();
    for page in [0, 7, BLOCK, 2 * BLOCK + 1] {
        let at = world.at(page).get();
        assert!(stale.iter().any(|span| at.wrapping_sub(span.start.get()) < span.bytes));
    }
    assert_eq!(world.shadow.written(world.at(0), 1), Trap::None, "nothing is shadowed any more");
}
