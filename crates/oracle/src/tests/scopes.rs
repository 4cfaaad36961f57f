//! Whose entries a fault removes, and who uses whose.

use terrace_addr::PageSize::{Size2M, Size4K};
use terrace_machine::Vendor;
use terrace_table::{LeafFlags, Levels::Four};

use super::*;

const DATA: u64 = 0x4000_0000;
/// The contexts that are filled: [`TAG`], and one that differs from it in each part.
const TAGS: [Tag; 4] = [TAG, Tag { pcid: 7, ..TAG }, Tag { vpid: 7, ..TAG }, Tag { root: 7, ..TAG }];

/// References of a load at 0 in each of [`TAGS`], after all have cached its path and `fault` happened. The page
/// has `flags` in the guest; its data may only be read in EPT.
fn references_after(flags: LeafFlags, fault: impl FnOnce(&mut One, &mut TwoDimensional)) -> [u64; 4] {
    let mut tables = TwoDimensional::new(Four, Four, Size4K);
    tables.map_guest_with(0, DATA, Size4K, LeafFlags::READ | flags);
    tables.map_host_with(DATA, Size4K, LeafFlags::READ);
    let arrays = [
        tlb("l1", 1, &["4K"], 8, 8),
        walk_cache("walk_cache", 2),
        nested_tlb(&["4K"]),
        walk_cache("nested_walk_cache", 2),
    ];
    let mut oracle = One::new(&arrays.concat());
    for tag in TAGS {
        oracle.load_as(tag, &mut tables.tables(), 0).unwrap();
    }
    fault(&mut oracle, &mut tables);
    TAGS.map(|tag| {
        oracle.more("walk_references", |oracle| {
            oracle.load_as(tag, &mut tables.tables(), 0).unwrap();
        })
    })
}

#[test]
fn a_page_fault_removes_under_every_root() {
    for flags in [LeafFlags::empty(), LeafFlags::GLOBAL] {
        let after = references_after(flags, |oracle, tables| {
            assert!(matches!(oracle.store(&mut tables.tables(), 0), Err(Fault::Page { .. })));
        });
        // Translation and prefix are gone, guest-physical entries are not: 4 references of the guest's tables. Where
        // it is global, the second context had shared it with the first, and does so again.
        assert_eq!(after, [4, 0, 0, 4]);
    }
}

#[test]
fn an_ept_violation_removes_under_its_root_only() {
    let after = references_after(LeafFlags::WRITE, |oracle, tables| {
        assert!(matches!(oracle.store(&mut tables.tables(), 0), Err(Fault::Ept { .. })));
    });
    // The guest's four tables, and EPT's four for the data.
    assert_eq!(after, [8, 0, 0, 0]);
}

#[test]
fn an_ept_violation_removes_guest_physical_entries_of_every_address_space() {
    // The second context's store violates as the first one's did, and finds the data's guest-physical entries removed:
    // a full walk of EPT.
    let mut references = 0;
    references_after(LeafFlags::WRITE, |oracle, tables| {
        oracle.store(&mut tables.tables(), 0).unwrap_err();
        references = oracle.more("nested_references", |oracle| {
            let store = access(0, 8, AccessKind::Store);
            oracle.0.access(0, TAGS[1], &mut tables.tables(), store).unwrap_err();
        });
    });
    assert_eq!(references, 4);
}

/// References of a first load in each of [`TAGS`].
fn first_references(vendor: Vendor) -> [u64; 4] {
    let mut machine = machine(&[tlb("l1", 1, &["4K"], 8, 8), nested_tlb(&["4K"])].concat());
    machine.vendor = vendor;
    let mut tables = TwoDimensional::new(Four, Four, Size4K);
    tables.map_guest(0, DATA, Size4K);
    tables.map_host(DATA, Size4K);
    let mut oracle = One::of(&machine);
    TAGS.map(|tag| {
        oracle.more("walk_references", |oracle| {
            oracle.load_as(tag, &mut tables.tables(), 0).unwrap();
        })
    })
}

#[test]
fn on_intel_guest_physical_entries_belong_to_the_root() {
    assert_eq!(first_references(Vendor::Intel), [24, 4, 4, 24]);
}

#[test]
fn on_amd_guest_physical_entries_belong_to_the_asid_and_the_root_tells_nothing_apart() {
    assert_eq!(first_references(Vendor::Amd), [24, 4, 24, 0]);
}

#[test]
fn a_fault_removes_all_parts_of_the_guests_page() {
    // A 2M page on 4K pages of the host, three of which are cached, each in an entry of its own.
    let mut tables = TwoDimensional::new(Four, Four, Size4K);
    tables.map_guest_with(0, DATA, Size2M, LeafFlags::READ);
    let mut oracle = One::new(&tlb("l1", 1, &["4K"], 8, 8));
    for part in [0, 0x1000, 0x2000] {
        tables.map_host(DATA + part, Size4K);
        oracle.load(&mut tables.tables(), part).unwrap();
    }
    oracle.store(&mut tables.tables(), 0x1000).unwrap_err();
    let walks = oracle.more("walks", |oracle| {
        for part in [0, 0x1000, 0x2000] {
            oracle.load(&mut tables.tables(), part).unwrap();
        }
    });
    assert_eq!(walks, 3);
}
