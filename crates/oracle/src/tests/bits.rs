//! Accessed and dirty bits of a guest's tables where EPT keeps none: setting one is a write, which EPT may forbid.

use terrace_addr::PageSize::Size4K;
use terrace_addr::{Gpa, Page};
use terrace_table::{LeafFlags, Levels::Four};

use super::*;

const VA: u64 = 7 << 12;
const DATA: u64 = 0x5000;

/// A guest with one page, and a machine whose EPT keeps no accessed and dirty bits, with these arrays.
fn world(flags: LeafFlags, arrays: &str) -> (TwoDimensional, One) {
    let mut machine = machine(arrays);
    machine.paging.ept_accessed_dirty = false;
    let mut tables = TwoDimensional::new(Four, Four, Size4K);
    tables.map_guest_with(VA, DATA, Size4K, LeafFlags::everything() | flags);
    tables.map_host(DATA, Size4K);
    (tables, One::of(&machine))
}

/// Sets EPT's permissions for the page that holds the table of `level`; the address of the entry for [`VA`] in it.
fn protect(tables: &mut TwoDimensional, level: u32, flags: LeafFlags) -> Addr<Gpa> {
    let step = tables.guest.path(Addr::new(VA)).find(|step| step.level == level).unwrap();
    let _ = tables.host.protect(Page::containing(step.address, Size4K), flags).unwrap();
    step.address
}

fn used(tables: &TwoDimensional) -> LeafFlags {
    tables.guest.lookup(Addr::new(VA)).unwrap().flags - LeafFlags::PERMISSIONS
}

#[test]
fn setting_an_accessed_bit_where_ept_forbids_stores_is_a_violation_at_the_entry() {
    for level in 1..=4 {
        let (mut tables, mut oracle) = world(LeafFlags::empty(), "");
        let addr = protect(&mut tables, level, LeafFlags::READ);
        let fault = Err(Fault::Ept { addr, protection: true });
        assert_eq!(oracle.load(&mut tables.tables(), VA), fault);
        assert_eq!(used(&tables), LeafFlags::empty(), "nothing is set");
        assert_eq!(oracle.counts(["ept_violations", "page_faults", "references"]), [1, 0, 0]);
        // The entry has been read: 1 + 4 references for each level down to it.
        assert_eq!(oracle.count("walk_references"), u64::from(5 - level) * 5);
    }
}

#[test]
fn bits_that_are_set_need_no_write() {
    // A first load sets the accessed bits; then EPT forbids stores to all tables.
    let (mut tables, mut oracle) = world(LeafFlags::empty(), "");
    oracle.load(&mut tables.tables(), VA).unwrap();
    let mut leaf_entry = Addr::ZERO;
    for level in (1..=4).rev() {
        leaf_entry = protect(&mut tables, level, LeafFlags::READ);
    }
    oracle.load(&mut tables.tables(), VA).unwrap();
    // The store is the first to set the dirty bit.
    let fault = Err(Fault::Ept { addr: leaf_entry, protection: true });
    assert_eq!(oracle.store(&mut tables.tables(), VA), fault);
    assert_eq!(used(&tables), LeafFlags::ACCESSED);
}

#[test]
fn a_leaf_that_is_dirty_needs_no_write_for_a_store() {
    let (mut tables, mut oracle) = world(LeafFlags::ACCESSED | LeafFlags::DIRTY, "");
    protect(&mut tables, 1, LeafFlags::READ);
    oracle.store(&mut tables.tables(), VA).unwrap();
    assert_eq!(oracle.count("ept_violations"), 0);
}

#[test]
fn permissions_come_before_bits() {
    let (mut tables, mut oracle) = world(LeafFlags::empty(), "");
    let page = Page::containing(Addr::new(VA), Size4K);
    let _ = tables.guest.protect(page, LeafFlags::READ).unwrap();
    protect(&mut tables, 1, LeafFlags::READ);
    let fault = Err(Fault::Page { addr: Addr::new(VA), protection: true });
    assert_eq!(oracle.store(&mut tables.tables(), VA), fault);
}

#[test]
fn a_prefix_remembers_whether_its_table_may_be_written() {
    // The prefix is cached while the page table may only be read. It is believed after EPT has changed, until the
    // violation that it causes removes it.
    let (mut tables, mut oracle) = world(LeafFlags::ACCESSED, &walk_cache("walk_cache", 2));
    let addr = protect(&mut tables, 1, LeafFlags::READ);
    oracle.load(&mut tables.tables(), VA).unwrap();
    protect(&mut tables, 1, LeafFlags::everything());
    let fault = Err(Fault::Ept { addr, protection: true });
    assert_eq!(oracle.store(&mut tables.tables(), VA), fault);
    oracle.store(&mut tables.tables(), VA).unwrap();
    assert_eq!(oracle.count("walk_cache_hits"), 1);
}

#[test]
fn a_prefix_allows_a_write_that_ept_has_forbidden_since() {
    let (mut tables, mut oracle) = world(LeafFlags::ACCESSED, &walk_cache("walk_cache", 2));
    oracle.load(&mut tables.tables(), VA).unwrap();
    protect(&mut tables, 1, LeafFlags::READ);
    oracle.store(&mut tables.tables(), VA).unwrap();
    assert_eq!(oracle.count("walk_cache_hits"), 1);
}

#[test]
fn a_nested_entry_remembers_whether_its_page_may_be_written() {
    // The violation removes the nested entry of the page table's page as well.
    let (mut tables, mut oracle) = world(LeafFlags::ACCESSED, &nested_tlb(&["4K"]));
    let addr = protect(&mut tables, 1, LeafFlags::READ);
    oracle.load(&mut tables.tables(), VA).unwrap();
    protect(&mut tables, 1, LeafFlags::everything());
    let fault = Err(Fault::Ept { addr, protection: true });
    assert_eq!(oracle.store(&mut tables.tables(), VA), fault);
    let names = ["nested_tlb_hits", "nested_tlb_misses"];
    let before = oracle.counts(names);
    oracle.store(&mut tables.tables(), VA).unwrap();
    // Three tables and the data are still there.
    assert_eq!(oracle.counts(names), [before[0] + 4, before[1] + 1]);
}

#[test]
fn with_accessed_and_dirty_bits_in_ept_a_table_that_is_read_only_cannot_be_read() {
    let (mut tables, _) = world(LeafFlags::ACCESSED | LeafFlags::DIRTY, "");
    let addr = protect(&mut tables, 1, LeafFlags::READ);
    let mut oracle = One::new("");
    let fault = Err(Fault::Ept { addr, protection: true });
    assert_eq!(oracle.load(&mut tables.tables(), VA), fault);
    // Three levels of the guest, and four walks of EPT, the last of which fails.
    assert_eq!(oracle.count("walk_references"), 3 + 4 * 4);
}

#[test]
fn a_walker_that_keeps_no_bits_writes_nothing() {
    let mut machine = machine("");
    (machine.paging.accessed_dirty, machine.paging.ept_accessed_dirty) = (false, false);
    let (mut tables, _) = world(LeafFlags::empty(), "");
    protect(&mut tables, 1, LeafFlags::READ);
    One::of(&machine).store(&mut tables.tables(), VA).unwrap();
    assert_eq!(used(&tables), LeafFlags::empty());
}
