//! What belongs to an address, and what no invalidation reaches.

use terrace_addr::PageSize::{Size1G, Size2M};

use super::*;

/// Walks of loads at `addrs`.
fn walks(oracle: &mut One, tables: &mut Tables<'_>, addrs: &[u64]) -> u64 {
    oracle.more("walks", |oracle| {
        for addr in addrs {
            oracle.load(tables, *addr).unwrap();
        }
    })
}

fn invlpg(oracle: &mut One, addr: u64) {
    oracle.0.invalidate(0, TAG, Invalidation::Invlpg { addr: Addr::new(addr) });
}

#[test]
fn every_part_of_the_first_dimensions_page_goes() {
    // A 2M page of the guest on 4K pages of the host: four entries of its own, and one of the next page.
    let mut tables = TwoDimensional::new(Four, Four, Size4K);
    tables.map_guest(0, 0x4000_0000, Size2M);
    tables.map_guest(0x20_0000, 0x4000_0000, Size4K);
    let parts = [0, 0x1000, 0x8000, 0x1f_f000];
    for part in parts {
        tables.map_host(0x4000_0000 + part, Size4K);
    }
    let arrays = [tlb("l1", 1, &["4K"], 8, 8), tlb("stlb", 2, &["4K"], 8, 8)].concat();
    let mut oracle = One::new(&arrays);
    assert_eq!(walks(&mut oracle, &mut tables.tables(), &parts), 4);
    assert_eq!(walks(&mut oracle, &mut tables.tables(), &[0x20_0000]), 1);
    invlpg(&mut oracle, 0x5_5000);
    assert_eq!(walks(&mut oracle, &mut tables.tables(), &[0x20_0000]), 0);
    assert_eq!(walks(&mut oracle, &mut tables.tables(), &parts), 4);
}

#[test]
fn parts_of_a_page_that_level_1_holds_in_pieces_go() {
    let mut native = Native::new(Four);
    native.map(0, 0, Size1G);
    let mut oracle = One::new(&tlb("l1", 1, &["4K"], 8, 8));
    assert_eq!(walks(&mut oracle, &mut native.tables(), &[0, 0x3fff_f000]), 2);
    invlpg(&mut oracle, 0x1234_5678);
    assert_eq!(walks(&mut oracle, &mut native.tables(), &[0, 0x3fff_f000]), 2);
}

#[test]
fn both_levels_lose_the_page() {
    let mut native = Native::new(Four);
    native.map(0, 0, Size4K);
    let mut oracle = One::new(&[tlb("l1", 1, &["4K"], 8, 8), tlb("stlb", 2, &["4K"], 8, 8)].concat());
    assert_eq!(walks(&mut oracle, &mut native.tables(), &[0]), 1);
    invlpg(&mut oracle, 0);
    assert_eq!(walks(&mut oracle, &mut native.tables(), &[0]), 1);
}

#[test]
fn prefixes_for_an_address_are_those_of_every_level_that_its_walk_would_find() {
    // Two pages with PDEs of their own below one PDPTE and one PML4E.
    let mut native = Native::new(Four);
    native.map(0, 0, Size4K);
    native.map(0x20_0000, 0, Size4K);
    let arrays = [2, 3, 4].map(|level| walk_cache("walk_cache", level)).concat();
    let mut oracle = One::new(&arrays);
    let mut references = |oracle: &mut One, addr| {
        oracle.more("walk_references", |oracle| {
            oracle.load(&mut native.tables(), addr).unwrap();
        })
    };
    assert_eq!([references(&mut oracle, 0), references(&mut oracle, 0x20_0000)], [4, 2]);
    oracle.0.invalidate(0, TAG, Invalidation::InvpcidAddress { pcid: TAG.pcid, addr: A });
    // The other's PDE is left; without the shared levels above, the first walks from the root.
    assert_eq!([references(&mut oracle, 0x20_0000), references(&mut oracle, 0)], [1, 4]);
}

#[test]
fn the_space_with_pcid_0_keeps_global_translations_too() {
    let tag = Tag { pcid: 0, ..TAG };
    let mut native = Native::new(Four);
    native.map_with(0, 0, Size4K, LeafFlags::everything() | LeafFlags::GLOBAL);
    let mut oracle = One::new(&tlb("l1", 1, &["4K"], 8, 8));
    for _ in 0..2 {
        oracle.load_as(tag, &mut native.tables(), 0).unwrap();
        oracle.0.invalidate(0, tag, Invalidation::MovCr3 { pcid: 0 });
    }
    assert_eq!(oracle.count("walks"), 1);
}

#[test]
fn lines_are_never_invalidated() {
    let mut native = Native::new(Four);
    native.map(0, 0, Size4K);
    let mut oracle = One::new(&line_cache("l1", &["load"], 4));
    oracle.load(&mut native.tables(), 0).unwrap();
    oracle.0.invalidate(0, TAG, Invalidation::Everything);
    oracle.load(&mut native.tables(), 0).unwrap();
    assert_eq!(oracle.counts(["walk_references_memory", "walk_references_l1"]), [4, 4]);
}

#[test]
fn the_log_is_no_cache() {
    let mut tables = TwoDimensional::new(Four, Four, Size4K);
    tables.map_guest(0, 0x5000, Size4K);
    tables.map_host(0x5000, Size4K);
    let mut oracle = One::new("");
    oracle.0.keep_log(0, true);
    oracle.store(&mut tables.tables(), 0).unwrap();
    oracle.0.invalidate(0, TAG, Invalidation::Everything);
    assert_eq!(oracle.0.take_log(0).len(), 5);
}
