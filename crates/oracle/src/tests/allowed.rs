//! What entries allow, dirty bits, and upgrade walks.

use terrace_addr::PageSize::Size4K;
use terrace_addr::{Gpa, Page};
use terrace_table::{LeafFlags, Levels::Four};

use super::*;
use crate::tests::world::forbid_stores;

const NAMES: [&str; 4] = ["stlb_misses", "upgrade_walks", "walks", "dtlb_misses"];

fn l1() -> String {
    tlb("l1", 1, &["4K"], 4, 4)
}

#[test]
fn a_store_through_an_entry_whose_dirty_bit_is_clear_walks_again() {
    let mut native = Native::new(Four);
    native.map(0, 0, Size4K);
    let mut oracle = One::new(&l1());
    let flags = |native: &Native| native.table.lookup(Addr::ZERO).unwrap().flags - LeafFlags::PERMISSIONS;
    oracle.load(&mut native.tables(), 0).unwrap();
    assert_eq!(flags(&native), LeafFlags::ACCESSED);
    assert_eq!(oracle.counts(NAMES), [1, 0, 1, 1]);
    oracle.store(&mut native.tables(), 0).unwrap();
    assert_eq!(flags(&native), LeafFlags::ACCESSED | LeafFlags::DIRTY);
    assert_eq!(oracle.counts(NAMES), [1, 1, 2, 1]);
    oracle.store(&mut native.tables(), 0).unwrap();
    assert_eq!(oracle.counts(NAMES), [1, 1, 2, 1], "the entry now allows stores");
}

#[test]
fn a_load_that_finds_the_dirty_bit_set_allows_stores() {
    let mut native = Native::new(Four);
    native.map_with(0, 0, Size4K, LeafFlags::everything() | LeafFlags::DIRTY);
    let mut oracle = One::new(&l1());
    oracle.load(&mut native.tables(), 0).unwrap();
    oracle.store(&mut native.tables(), 0).unwrap();
    assert_eq!(oracle.counts(NAMES), [1, 0, 1, 1]);
}

#[test]
fn a_walker_that_keeps_no_dirty_bits_needs_none() {
    let mut machine = machine(&l1());
    machine.paging.accessed_dirty = false;
    let mut oracle = One::of(&machine);
    let mut native = Native::new(Four);
    native.map(0, 0, Size4K);
    oracle.load(&mut native.tables(), 0).unwrap();
    oracle.store(&mut native.tables(), 0).unwrap();
    assert_eq!(oracle.counts(NAMES), [1, 0, 1, 1]);
    assert_eq!(native.table.lookup(Addr::ZERO).unwrap().flags, LeafFlags::everything());
}

#[test]
fn a_hit_of_level_2_that_forbids_costs_its_latency_and_stays_there() {
    // Level 1 has one entry. The load of 0x1000 takes it; the store to 0 then hits level 2, whose entry has a
    // clear dirty bit.
    let mut native = Native::new(Four);
    native.map(0, 0, Size4K);
    native.map(0x1000, 0, Size4K);
    let mut oracle = One::new(&[tlb("l1", 1, &["4K"], 1, 1), tlb("stlb", 2, &["4K"], 4, 4)].concat());
    oracle.load(&mut native.tables(), 0).unwrap();
    oracle.load(&mut native.tables(), 0x1000).unwrap();
    oracle.store(&mut native.tables(), 0).unwrap();
    assert_eq!(oracle.counts(NAMES), [2, 1, 3, 3]);
    assert_eq!(oracle.counts(["stlb_hits", "stlb_cycles"]), [1, 7]);
    // The walk has put it into level 1.
    oracle.store(&mut native.tables(), 0).unwrap();
    assert_eq!(oracle.counts(NAMES), [2, 1, 3, 3]);
}

#[test]
fn a_clear_dirty_bit_of_ept_walks_again_too() {
    let mut tables = TwoDimensional::new(Four, Four, Size4K);
    tables.map_guest_with(0, 0, Size4K, LeafFlags::everything() | LeafFlags::DIRTY);
    tables.map_host(0, Size4K);
    let mut oracle = One::new(&l1());
    oracle.load(&mut tables.tables(), 0).unwrap();
    oracle.store(&mut tables.tables(), 0).unwrap();
    oracle.store(&mut tables.tables(), 0).unwrap();
    assert_eq!(oracle.counts(NAMES), [1, 1, 2, 1]);
    let data = tables.host.lookup(Addr::ZERO).unwrap().flags;
    assert!(data.contains(LeafFlags::DIRTY));
}

#[test]
fn reading_a_guest_table_writes_it_if_ept_keeps_dirty_bits() {
    for keeps in [false, true] {
        let mut machine = machine("");
        machine.paging.ept_accessed_dirty = keeps;
        let mut tables = TwoDimensional::new(Four, Four, Size4K);
        tables.map_guest(0, 0, Size4K);
        tables.map_host(0, Size4K);
        One::of(&machine).load(&mut tables.tables(), 0).unwrap();
        let flags = |gpa| tables.host.lookup(Addr::<Gpa>::new(gpa)).unwrap().flags - LeafFlags::PERMISSIONS;
        let used = |flags| if keeps { flags } else { LeafFlags::empty() };
        assert_eq!(flags(TwoDimensional::GUEST_TABLES), used(LeafFlags::ACCESSED | LeafFlags::DIRTY));
        assert_eq!(flags(0), used(LeafFlags::ACCESSED));
    }
}

#[test]
fn forbidden_accesses_fault() {
    let mut native = Native::new(Four);
    native.map_with(0, 0, Size4K, LeafFlags::READ | LeafFlags::USER);
    let mut oracle = One::new(&l1());
    let fault = Err(Fault::Page { addr: Addr::new(8), protection: true });
    assert_eq!(oracle.run(&mut native.tables(), 8, AccessKind::Fetch), fault);
    assert_eq!(oracle.store(&mut native.tables(), 8), fault);
    assert_eq!(oracle.load(&mut native.tables(), 8), Ok(to(8, Size4K)));
    // The entry that the load left is a hit that does not allow the store: it walks, faults, and is removed.
    assert_eq!(oracle.store(&mut native.tables(), 8), fault);
    assert_eq!(oracle.counts(NAMES), [3, 1, 4, 2]);
    assert_eq!(oracle.load(&mut native.tables(), 8), Ok(to(8, Size4K)));
    assert_eq!(oracle.counts(NAMES), [4, 1, 5, 3]);
}

#[test]
fn ept_permissions_bind_the_data_and_not_the_tables() {
    let mut machine = machine(&l1());
    machine.paging.ept_accessed_dirty = false;
    let mut oracle = One::of(&machine);
    let mut tables = TwoDimensional::new(Four, Four, Size4K);
    tables.map_guest(0, 0x5000, Size4K);
    tables.map_host_with(0x5000, Size4K, LeafFlags::READ);
    let forbidden = |kind| Err(Fault::Ept { addr: Addr::new(0x5008), kind, protection: true });
    assert_eq!(oracle.store(&mut tables.tables(), 8), forbidden(AccessKind::Store));
    assert_eq!(oracle.run(&mut tables.tables(), 8, AccessKind::Fetch), forbidden(AccessKind::Fetch));

    // Tables that cannot be written or executed are read all the same.
    let root = Page::containing(tables.guest.root(), Size4K);
    let _ = tables.host.protect(root, LeafFlags::READ).unwrap();
    let _ =
        tables.host.protect(Page::containing(Addr::new(0x5000), Size4K), LeafFlags::everything()).unwrap();
    oracle.0.invalidate(0, TAG, Invalidation::Everything);
    assert!(oracle.store(&mut tables.tables(), 8).is_ok());
    assert!(oracle.run(&mut tables.tables(), 8, AccessKind::Fetch).is_ok());
}

#[test]
fn every_entry_of_a_walk_can_forbid_and_prefixes_remember_it() {
    for level in 1..=4 {
        let mut native = Native::new(Four);
        native.map_with(0, 0, Size4K, LeafFlags::everything() | LeafFlags::DIRTY);
        forbid_stores(&mut native.table, 0, level);
        let mut oracle = One::new(&[walk_cache("walk_cache", 2), walk_cache("walk_cache", 3)].concat());
        let fault = Err(Fault::Page { addr: Addr::ZERO, protection: true });
        assert_eq!(oracle.store(&mut native.tables(), 0), fault);
        // The load caches the prefixes from which the store then starts.
        oracle.load(&mut native.tables(), 0).unwrap();
        assert_eq!(oracle.store(&mut native.tables(), 0), fault);
        assert_eq!(oracle.counts(["walk_cache_hits", "walk_references"]), [1, 4 + 4 + 1]);
    }
}

#[test]
fn every_entry_of_ept_can_forbid_and_prefixes_remember_it() {
    // The data has an EPT path of its own from level 3 on. Guest tables are only read here.
    const DATA: u64 = 0x4000_0000;
    let mut machine = machine(&walk_cache("nested_walk_cache", 2));
    machine.paging.accessed_dirty = false;
    machine.paging.ept_accessed_dirty = false;
    for level in 1..=4 {
        let mut tables = TwoDimensional::new(Four, Four, Size4K);
        tables.map_guest(0, DATA, Size4K);
        tables.map_host(DATA, Size4K);
        forbid_stores(&mut tables.host, DATA, level);
        let mut oracle = One::of(&machine);
        oracle.load(&mut tables.tables(), 0).unwrap();
        let fault = Err(Fault::Ept { addr: Addr::new(DATA), kind: AccessKind::Store, protection: true });
        let references = oracle.more("nested_references", |oracle| {
            assert_eq!(oracle.store(&mut tables.tables(), 0), fault);
        });
        assert_eq!(references, 5, "every EPT walk starts from a PDE");
    }
}
