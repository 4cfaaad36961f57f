//! Walks that begin in a composed table.

use terrace_addr::PageSize::{Size2M, Size4K};
use terrace_addr::{Gpa, Page};
use terrace_table::{LeafFlags, Levels, Levels::Five, Levels::Four};

use super::*;

const VA: u64 = 0x40_0000_0000;
const DATA: u64 = 0x8000_0000;

fn switch_level(level: u32) -> String {
    scheme(&format!("switch_level = {level}"))
}

fn world(guest: Levels, host: Levels, size: PageSize) -> TwoDimensional {
    let mut tables = TwoDimensional::new(guest, host, Size4K);
    tables.map_guest(VA, DATA, size);
    tables.map_host(DATA, Size4K);
    tables
}

/// All references of a walk, EPT's among them, and translations that the nested TLB is asked for.
fn walk(arrays: &str, tables: &mut TwoDimensional) -> [u64; 3] {
    let mut oracle = One::new(arrays);
    let expected = to(DATA + 8 + TwoDimensional::HOST, Size4K);
    assert_eq!(oracle.load(&mut tables.tables(), VA + 8), Ok(expected));
    oracle.counts(["walk_references", "nested_references", "nested_tlb_misses"])
}

#[test]
fn tables_above_the_level_are_not_translated() {
    // The guest's entries, and four of EPT's for each table below the level and for the data.
    for (level, all) in [(1, 8), (2, 12), (3, 16), (4, 20)] {
        let level_64 = u64::from(level);
        let references = walk(&switch_level(level), &mut world(Four, Four, Size4K));
        assert_eq!(references, [all, all - 4, level_64], "level {level}");
    }
    assert_eq!(walk("", &mut world(Four, Four, Size4K)), [24, 20, 5]);
    // Of five levels each: 5 + 5 × 4.
    assert_eq!(walk(&switch_level(4), &mut world(Five, Five, Size4K)), [25, 20, 4]);
    // A leaf above the level: the guest's three entries, and the data.
    assert_eq!(walk(&switch_level(1), &mut world(Four, Four, Size2M)), [7, 4, 1]);
}

#[test]
fn it_works_in_two_dimensions_only() {
    let mut native = Native::new(Four);
    native.map(0, 0, Size4K);
    let mut oracle = One::new(&switch_level(1));
    oracle.load(&mut native.tables(), 0).unwrap();
    assert_eq!(oracle.count("walk_references"), 4);
}

#[test]
fn walk_caches_hold_what_it_leads_to() {
    let arrays = [switch_level(2), walk_cache("walk_cache", 3)].concat();
    let mut tables = world(Four, Four, Size4K);
    let mut oracle = One::new(&arrays);
    let mut references = || {
        oracle.more("walk_references", |oracle| {
            oracle.load(&mut tables.tables(), VA).unwrap();
        })
    };
    // The second starts at level 2: two entries, the table of level 1 and the data.
    assert_eq!([references(), references()], [12, 2 + 4 + 4]);
}

#[test]
fn ept_is_not_marked_where_nothing_of_it_is_walked() {
    let mut tables = world(Four, Four, Size4K);
    walk(&switch_level(4), &mut tables);
    let used = LeafFlags::ACCESSED | LeafFlags::DIRTY;
    let marked = |table: u64| {
        let at = Addr::<Gpa>::new(TwoDimensional::GUEST_TABLES + table * 0x1000);
        tables.host.lookup(at).unwrap().flags & used
    };
    assert_eq!([marked(0), marked(1)], [LeafFlags::empty(), used]);
    assert!(tables.guest.lookup(Addr::new(VA)).unwrap().flags.contains(LeafFlags::ACCESSED));
}

#[test]
fn what_ept_does_not_map_or_allow_violates_as_ever() {
    for keeps in [false, true] {
        let mut machine = machine(&switch_level(1));
        machine.paging.ept_accessed_dirty = keeps;
        let mut tables = world(Four, Four, Size4K);
        let page_table = Addr::<Gpa>::new(TwoDimensional::GUEST_TABLES + 0x3000);
        let _ = tables.host.protect(Page::containing(page_table, Size4K), LeafFlags::READ).unwrap();
        let mut oracle = One::of(&machine);
        // With EPT's bits kept each access to a table is a write; without them setting the accessed bit is one.
        let fault = Err(Fault::Ept { addr: page_table, kind: AccessKind::Store, protection: true });
        assert_eq!(oracle.load(&mut tables.tables(), VA), fault);
        let read = if keeps { [3 + 4, 4] } else { [4, 0] };
        assert_eq!(oracle.counts(["walk_references", "nested_references"]), read);

        let _ = tables.host.unmap(Page::containing(page_table, Size4K)).unwrap();
        let kind = if keeps { AccessKind::Store } else { AccessKind::Load };
        let fault = Err(Fault::Ept { addr: page_table, kind, protection: false });
        assert_eq!(oracle.load(&mut tables.tables(), VA), fault);
        assert_eq!(oracle.count("ept_violations"), 2);
    }
}
