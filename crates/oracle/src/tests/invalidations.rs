//! Invalidations: what is left is what does not walk, or walks less.

use terrace_addr::PageSize::Size4K;
use terrace_table::{LeafFlags, Levels::Four};

use super::*;

const GLOBAL: u64 = 0x1000;
const OTHER: u64 = 0x2000;

/// References for 0, a global page and another page, all below one PDE, after they were cached and `act` happened.
fn references_after(act: impl FnOnce(&mut Oracle)) -> [u64; 3] {
    let mut native = Native::new(Four);
    native.map(0, 0, Size4K);
    native.map_with(GLOBAL, 0, Size4K, LeafFlags::everything() | LeafFlags::GLOBAL);
    native.map(OTHER, 0, Size4K);
    let mut oracle = One::new(&[tlb("l1", 1, &["4K"], 8, 8), walk_cache("walk_cache", 2)].concat());
    for addr in [0, GLOBAL, OTHER] {
        oracle.load(&mut native.tables(), addr).unwrap();
    }
    act(&mut oracle.0);
    [0, GLOBAL, OTHER].map(|addr| {
        oracle.more("walk_references", |oracle| {
            oracle.load(&mut native.tables(), addr).unwrap();
        })
    })
}

#[test]
fn nothing_is_lost_without_cause() {
    assert_eq!(references_after(|_| {}), [0, 0, 0]);
    let other = Tag { pcid: 9, ..TAG };
    assert_eq!(references_after(|oracle| oracle.invalidate_page(0, other, Addr::ZERO)), [0, 0, 0]);
    assert_eq!(references_after(|oracle| oracle.invalidate_space(0, other)), [0, 0, 0]);
    assert_eq!(references_after(|oracle| oracle.invalidate_root(0, 9)), [0, 0, 0]);
}

#[test]
fn a_page_loses_its_translation_and_the_context_its_prefixes() {
    assert_eq!(references_after(|oracle| oracle.invalidate_page(0, TAG, Addr::new(8))), [4, 0, 0]);
    assert_eq!(references_after(|oracle| oracle.invalidate_page(0, TAG, Addr::new(GLOBAL))), [0, 4, 0]);
    // A global page goes whatever the PCID.
    let other = Tag { pcid: 9, ..TAG };
    assert_eq!(references_after(|oracle| oracle.invalidate_page(0, other, Addr::new(GLOBAL))), [0, 1, 0]);
}

#[test]
fn a_space_keeps_its_global_translations() {
    assert_eq!(references_after(|oracle| oracle.invalidate_space(0, TAG)), [4, 0, 1]);
}

#[test]
fn the_space_with_pcid_0_keeps_global_translations_too() {
    let tag = Tag { pcid: 0, ..TAG };
    let mut native = Native::new(Four);
    native.map_with(0, 0, Size4K, LeafFlags::everything() | LeafFlags::GLOBAL);
    let mut oracle = One::new(&tlb("l1", 1, &["4K"], 8, 8));
    for _ in 0..2 {
        oracle.0.access(0, tag, &mut native.tables(), access(0, 1, AccessKind::Load)).unwrap();
        oracle.0.invalidate_space(0, tag);
    }
    assert_eq!(oracle.count("walks"), 1);
}

#[test]
fn a_root_takes_everything_tagged_with_it() {
    assert_eq!(references_after(|oracle| oracle.invalidate_root(0, TAG.root)), [4, 1, 1]);
    assert_eq!(references_after(|oracle| oracle.invalidate_all(0)), [4, 1, 1]);
}

#[test]
fn only_the_root_and_all_take_guest_physical_translations() {
    type Act = fn(&mut Oracle);
    let invalidations: [(Act, u64); 4] = [
        (|oracle| oracle.invalidate_page(0, TAG, Addr::ZERO), 0),
        (|oracle| oracle.invalidate_space(0, TAG), 0),
        (|oracle| oracle.invalidate_root(0, TAG.root), 8),
        (|oracle| oracle.invalidate_all(0), 8),
    ];
    for (act, nested) in invalidations {
        let mut tables = TwoDimensional::new(Four, Four, Size4K);
        tables.map_guest(0, 0x5000, Size4K);
        tables.map_host(0x5000, Size4K);
        let mut oracle = One::new(&[nested_tlb(&["4K"]), walk_cache("nested_walk_cache", 2)].concat());
        oracle.load(&mut tables.tables(), 0).unwrap();
        act(&mut oracle.0);
        // Five translations from scratch, with one EPT PDE above them: 4 + 4 × 1.
        let references = oracle.more("nested_references", |oracle| {
            oracle.load(&mut tables.tables(), 0).unwrap();
        });
        assert_eq!(references, nested);
    }
}

#[test]
fn cores_are_invalidated_one_by_one() {
    let mut machine = machine(&tlb("l1", 1, &["4K"], 8, 8));
    machine.topology.cores = 2;
    let mut oracle = Oracle::new(&machine, 0);
    let mut native = Native::new(Four);
    native.map(0, 0, Size4K);
    let mut load = |oracle: &mut Oracle| {
        for core in 0..2 {
            oracle.access(core, TAG, &mut native.tables(), access(0, 1, AccessKind::Load)).unwrap();
        }
        [0, 1].map(|core| oracle.counts(core)["walks"])
    };
    assert_eq!(load(&mut oracle), [1, 1]);
    oracle.invalidate_all(1);
    assert_eq!(load(&mut oracle), [1, 2]);
}
