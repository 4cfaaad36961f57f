//! Faults, and what they remove.

use terrace_addr::PageSize::Size4K;
use terrace_addr::{Gva, Page};
use terrace_table::{LeafFlags, Levels::Four};

use super::*;

#[test]
fn an_absent_page_faults_and_the_walk_is_counted() {
    let mut native = Native::new(Four);
    native.map(0, 0, Size4K);
    let mut oracle = One::new("");
    let fault = Err(Fault::Page { addr: Addr::new(0x1008), protection: false });
    assert_eq!(oracle.load(&mut native.tables(), 0x1008), fault);
    assert_eq!(oracle.counts(["walks", "walk_references", "page_faults", "translations_4k"]), [1, 4, 1, 0]);
}

#[test]
fn a_page_fault_removes_the_prefixes_of_its_address() {
    // Three pages share a PDE. After the fault at the absent one the next walk starts at the root again.
    let mut native = Native::new(Four);
    native.map(0, 0, Size4K);
    native.map(0x1000, 0, Size4K);
    let mut oracle = One::new(&[walk_cache("walk_cache", 2), walk_cache("walk_cache", 4)].concat());
    let mut references = |addr| {
        oracle.more("walk_references", |oracle| {
            let _ = oracle.load(&mut native.tables(), addr);
        })
    };
    assert_eq!([0, 0x1000, 0x2000, 0x1000].map(&mut references), [4, 1, 1, 4]);
}

#[test]
fn a_page_fault_removes_global_translations_too() {
    let mut native = Native::new(Four);
    native.map_with(0, 0, Size4K, LeafFlags::READ | LeafFlags::GLOBAL);
    let mut oracle = One::new(&tlb("l1", 1, &["4K"], 4, 4));
    oracle.load(&mut native.tables(), 0).unwrap();
    oracle.store(&mut native.tables(), 0).unwrap_err();
    oracle.load(&mut native.tables(), 0).unwrap();
    assert_eq!(oracle.counts(["upgrade_walks", "stlb_misses"]), [1, 2]);
}

#[test]
fn an_address_that_the_tables_do_not_cover_faults_before_any_lookup() {
    let mut native = Native::new(Four);
    let mut oracle = One::new("");
    let fault = Err(Fault::Page { addr: Addr::new(0x8000_0000_0000), protection: false });
    assert_eq!(oracle.load(&mut native.tables(), 0x8000_0000_0000), fault);
    assert_eq!(oracle.nonzero(), BTreeMap::from([("accesses", 1), ("page_faults", 1)]));
}

#[test]
fn an_ept_violation_removes_what_was_cached_for_both_addresses() {
    // Nested TLB and all caches hold the load's path: data 0x5000 is read-only in EPT. The store violates: 4
    // references of the guest's tables, all else hits, 4 of EPT for the data.
    let mut tables = TwoDimensional::new(Four, Four, Size4K);
    tables.map_guest(0, 0x5000, Size4K);
    tables.map_host_with(0x5000, Size4K, LeafFlags::READ);
    let caches = [tlb("l1", 1, &["4K"], 4, 4), nested_tlb(&["4K"]), walk_cache("walk_cache", 2)].concat();
    let mut oracle = One::new(&caches);
    let names = ["walk_references", "nested_references", "nested_tlb_hits", "nested_tlb_misses"];
    oracle.load(&mut tables.tables(), 0).unwrap();
    assert_eq!(oracle.counts(names), [24, 20, 0, 5]);
    // From the PDE's entry: one guest reference, then EPT's four.
    let fault = Err(Fault::Ept { addr: Addr::new(0x5008), kind: AccessKind::Store, protection: true });
    assert_eq!(oracle.store(&mut tables.tables(), 8), fault);
    assert_eq!(oracle.counts(names), [24 + 5, 20 + 4, 0, 6]);
    assert_eq!(oracle.counts(["ept_violations", "page_faults"]), [1, 0]);
    // Translation, prefix and nested entry are gone: four guest references, the tables' nested entries hit.
    oracle.load(&mut tables.tables(), 0).unwrap();
    assert_eq!(oracle.counts(names), [24 + 5 + 8, 20 + 4 + 4, 4, 7]);
}

#[test]
fn a_guest_table_that_ept_does_not_map_violates() {
    let mut tables = TwoDimensional::new(Four, Four, Size4K);
    tables.map_guest(0, 0x5000, Size4K);
    let root = tables.guest.root();
    let _ = tables.host.unmap(Page::containing(root, Size4K)).unwrap();
    let mut oracle = One::new("");
    let fault = Err(Fault::Ept { addr: root, kind: AccessKind::Store, protection: false });
    assert_eq!(oracle.load(&mut tables.tables(), 0), fault, "with EPT's bits each use of a table is a write");
    assert_eq!(oracle.counts(["walk_references", "nested_references", "ept_violations"]), [4, 4, 1]);
}

#[test]
fn an_address_that_ept_does_not_cover_violates_without_a_reference() {
    let mut tables = TwoDimensional::new(Four, Four, Size4K);
    tables.map_guest(0, 1 << 50, Size4K);
    let mut oracle = One::new("");
    let fault = Err(Fault::Ept { addr: Addr::new((1 << 50) + 8), kind: AccessKind::Load, protection: false });
    assert_eq!(oracle.load(&mut tables.tables(), 8), fault);
    // The guest's four tables are walked: 4 × (1 + 4).
    assert_eq!(oracle.counts(["walk_references", "nested_tlb_misses", "ept_violations"]), [20, 4, 1]);
}

#[test]
fn the_guest_leaf_is_marked_before_its_data_is_translated() {
    let mut tables = TwoDimensional::new(Four, Four, Size4K);
    tables.map_guest(0, 0x5000, Size4K);
    let mut oracle = One::new("");
    assert_eq!(
        oracle.store(&mut tables.tables(), 0),
        Err(Fault::Ept { addr: Addr::new(0x5000), kind: AccessKind::Store, protection: false })
    );
    let flags = tables.guest.lookup(Addr::<Gva>::ZERO).unwrap().flags;
    assert!(flags.contains(LeafFlags::ACCESSED | LeafFlags::DIRTY));
}

#[test]
fn an_ept_violation_removes_the_nested_prefixes_of_its_address() {
    // The data's EPT path from level 3 on is its own. The violating store starts from its PDE, as the load after
    // it would if the entry were still there: then 5 references, now the data needs 4.
    const DATA: u64 = 0x4000_0000;
    let mut tables = TwoDimensional::new(Four, Four, Size4K);
    tables.map_guest(0, DATA, Size4K);
    tables.map_host_with(DATA, Size4K, LeafFlags::READ);
    let mut oracle = One::new(&walk_cache("nested_walk_cache", 2));
    oracle.load(&mut tables.tables(), 0).unwrap();
    let mut nested_references = |kind| {
        oracle.more("nested_references", |oracle| {
            let _ = oracle.run(&mut tables.tables(), 0, kind);
        })
    };
    assert_eq!(
        [AccessKind::Load, AccessKind::Store, AccessKind::Load].map(&mut nested_references),
        [5, 5, 8]
    );
}
