//! Guest-physical translations and what caches them.

use terrace_addr::PageSize::{Size2M, Size4K};
use terrace_table::Levels::Four;

use super::*;

const HOST: u64 = TwoDimensional::HOST;

fn both_sizes() -> String {
    tlb("l1", 1, &["4K", "2M"], 8, 8)
}

#[test]
fn a_guest_2m_page_on_host_4k_pages_fills_4k_entries() {
    let mut tables = TwoDimensional::new(Four, Four, Size4K);
    tables.map_guest(0, 0x20_0000, Size2M);
    tables.map_host(0x20_0000, Size4K);
    tables.map_host(0x20_1000, Size4K);
    let mut oracle = One::new(&both_sizes());
    for (addr, walks) in [(0x10, 1), (0x18, 1), (0x1010, 2), (0x10, 2)] {
        assert_eq!(oracle.load(&mut tables.tables(), addr), Ok(to(HOST + 0x20_0000 + addr, Size4K)));
        assert_eq!(oracle.counts(["walks", "translations_4k", "translations_2m"]), [walks, walks, 0]);
    }
}

#[test]
fn guest_4k_pages_on_a_host_2m_page_fill_4k_entries() {
    let mut tables = TwoDimensional::new(Four, Four, Size2M);
    tables.map_guest(0, 0x20_1000, Size4K);
    tables.map_host(0x20_0000, Size2M);
    let mut oracle = One::new(&both_sizes());
    assert_eq!(oracle.load(&mut tables.tables(), 0x10), Ok(to(HOST + 0x20_1010, Size4K)));
    assert_eq!(oracle.count("translations_4k"), 1);
}

#[test]
fn the_nested_tlb_ends_translations_without_cost() {
    // Guest tables at four pages, data at one. The second walk finds them all: its own 4 references are left.
    let mut tables = TwoDimensional::new(Four, Four, Size4K);
    tables.map_guest(0, 0x5000, Size4K);
    tables.map_host(0x5000, Size4K);
    let mut oracle = One::new(&nested_tlb(&["4K"]));
    let names = ["walk_references", "nested_references", "nested_tlb_hits", "nested_tlb_misses"];
    oracle.load(&mut tables.tables(), 0).unwrap();
    assert_eq!(oracle.counts(names), [24, 20, 0, 5]);
    oracle.load(&mut tables.tables(), 0).unwrap();
    assert_eq!(oracle.counts(names), [28, 20, 5, 5]);
}

#[test]
fn nested_paging_structure_caches_shorten_ept_walks() {
    // All five pages are below one EPT PDE: of 5 × 4 references 4 + 4 × 1 are left.
    let mut tables = TwoDimensional::new(Four, Four, Size4K);
    tables.map_guest(0, 0x5000, Size4K);
    tables.map_host(0x5000, Size4K);
    let mut oracle = One::new(&walk_cache("nested_walk_cache", 2));
    oracle.load(&mut tables.tables(), 0).unwrap();
    let names = ["walk_references", "nested_references", "nested_walk_cache_hits", "nested_tlb_misses"];
    assert_eq!(oracle.counts(names), [12, 8, 4, 5]);
}

#[test]
fn a_nested_entry_that_forbids_the_kind_is_walked_over() {
    // The load leaves a nested entry for the data with a clear dirty bit; the store's upgrade walk hits the four
    // tables' entries and walks EPT for the data.
    let mut tables = TwoDimensional::new(Four, Four, Size4K);
    tables.map_guest(0, 0x5000, Size4K);
    tables.map_host(0x5000, Size4K);
    let mut oracle = One::new(&nested_tlb(&["4K"]));
    oracle.load(&mut tables.tables(), 0).unwrap();
    oracle.store(&mut tables.tables(), 0).unwrap();
    let names = ["walk_references", "nested_references", "nested_tlb_hits", "nested_tlb_misses"];
    assert_eq!(oracle.counts(names), [24 + 8, 20 + 4, 4, 6]);
    oracle.store(&mut tables.tables(), 0).unwrap();
    assert_eq!(oracle.counts(names), [24 + 8 + 4, 20 + 4, 4 + 5, 6]);
}

#[test]
fn a_nested_hit_gives_the_size_of_its_entry() {
    // Guest and host map 2M, the nested TLB holds 4K: the first walk gives a 2M translation, the next a 4K one.
    let mut tables = TwoDimensional::new(Four, Four, Size2M);
    tables.map_guest(0, 0x20_0000, Size2M);
    tables.map_host(0x20_0000, Size2M);
    let mut oracle = One::new(&nested_tlb(&["4K"]));
    assert_eq!(oracle.load(&mut tables.tables(), 0x10), Ok(to(HOST + 0x20_0010, Size2M)));
    assert_eq!(oracle.load(&mut tables.tables(), 0x10), Ok(to(HOST + 0x20_0010, Size4K)));
    assert_eq!(oracle.counts(["translations_2m", "translations_4k"]), [1, 1]);
}

#[test]
fn a_nested_translation_is_inserted_at_the_largest_size_that_fits() {
    // Guest tables and both data pages are in one 2M page of the host: one EPT walk serves them all.
    let mut tables = TwoDimensional::new(Four, Four, Size2M);
    tables.map_guest(0, 0x5000, Size4K);
    tables.map_guest(0x1000, 0x9000, Size4K);
    let mut oracle = One::new(&nested_tlb(&["4K", "2M"]));
    oracle.load(&mut tables.tables(), 0).unwrap();
    assert_eq!(oracle.load(&mut tables.tables(), 0x1008), Ok(to(HOST + 0x9008, Size4K)));
    assert_eq!(oracle.counts(["nested_tlb_hits", "nested_tlb_misses", "nested_references"]), [9, 1, 3]);
}
