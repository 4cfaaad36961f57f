//! The third level of the TLB.

use terrace_addr::PageSize::{Size1G, Size2M, Size4K};
use terrace_table::{LeafFlags, Levels::Four};

use super::*;
use crate::third_level::ThirdLevel;

/// Four sets of four.
fn third_level() -> String {
    scheme("third_level = 16")
}

const NAMES: [&str; 4] =
    ["third_level_hits", "third_level_misses", "third_level_references", "third_level_cycles"];

/// What the model states of every run.
fn sums_hold(oracle: &One) {
    let [walks, misses, hits, upgrades] =
        oracle.counts(["walks", "stlb_misses", "third_level_hits", "upgrade_walks"]);
    assert_eq!(walks, misses - hits + upgrades);
    let [cycles, stlb, third_level, walk] =
        oracle.counts(["cycles", "stlb_cycles", "third_level_cycles", "walk_cycles"]);
    assert_eq!(cycles, stlb + third_level + walk);
}

#[test]
fn the_predicted_size_is_looked_up_first() {
    let mut native = Native::new(Four);
    native.map(0, 0x5000, Size4K);
    native.map(0x20_0000, 0x40_0000, Size2M);
    let mut oracle = One::new(&third_level());
    // Addresses 0 and 2M have one prediction, 2M + 4K another. Each row: hits, misses, references of 10 cycles.
    let rows = [
        (0, [0, 1, 2], "absent at both sizes"),
        (8, [1, 1, 3], "4K first"),
        (0x20_0000, [1, 2, 5], "absent at both sizes"),
        (0x20_0008, [2, 2, 6], "2M first, as inserted"),
        (8, [3, 2, 8], "2M first still, then 4K"),
        (8, [4, 2, 9], "4K first, as hit"),
        (0x20_1000, [5, 2, 11], "4K first, then 2M"),
        (0x20_1000, [6, 2, 12], "2M first"),
    ];
    for (addr, [hits, misses, references], why) in rows {
        oracle.load(&mut native.tables(), addr).unwrap();
        assert_eq!(oracle.counts(NAMES), [hits, misses, references, 10 * references], "{addr:#x}: {why}");
        sums_hold(&oracle);
    }
    assert_eq!(oracle.counts(["walks", "stlb_misses", "walk_references"]), [2, 8, 4 + 3]);
    // Memory served all of them, as table entries.
    assert_eq!(oracle.0.node_references(0), [(7 + 12, 0)]);
}

#[test]
fn a_hit_is_inserted_into_level_2_and_level_1() {
    let mut native = Native::new(Four);
    for page in [0, 0x1000, 0x2000] {
        native.map(page, page, Size4K);
    }
    // Level 1 holds one page, level 2 two: level 3 alone still has the first.
    let arrays = [tlb("l1", 1, &["4K"], 1, 1), tlb("stlb", 2, &["4K"], 2, 2), third_level()].concat();
    let mut oracle = One::new(&arrays);
    let mut load = |addr| {
        oracle.load(&mut native.tables(), addr).unwrap();
        oracle.counts(["walks", "third_level_hits", "stlb_hits", "dtlb_misses"])
    };
    assert_eq!([0, 0x1000, 0x2000].map(&mut load)[2], [3, 0, 0, 3]);
    assert_eq!(load(0), [3, 1, 0, 4]);
    assert_eq!(load(0), [3, 1, 0, 4], "level 1");
    assert_eq!(load(0x2000), [3, 1, 1, 5], "level 2 still");
    assert_eq!(load(0), [3, 1, 2, 6], "level 2");
    sums_hold(&oracle);
}

#[test]
fn a_hit_serves_as_a_walk_does_and_1g_pages_are_held_in_pieces() {
    let mut native = Native::new(Four);
    native.map(0x4000_0000, 0x8000_0000, Size1G);
    // As large as what is inserted into level 1, or else as the entry of level 3.
    for (level_1, size) in [(tlb("l1", 1, &["4K"], 4, 4), Size4K), (String::new(), Size2M)] {
        let mut oracle = One::new(&[level_1, third_level()].concat());
        let mut load = |addr| oracle.load(&mut native.tables(), addr).unwrap();
        load(0x4000_0008);
        assert_eq!(load(0x4000_1008), to(0x8000_1008, size));
        load(0x4020_0008);
        assert_eq!(oracle.counts(["walks", "third_level_hits"]), [2, 1], "the last is in another piece");
    }
}

#[test]
fn a_hit_that_forbids_begins_an_upgrade_walk() {
    let mut native = Native::new(Four);
    native.map(0, 0, Size4K);
    let mut oracle = One::new(&third_level());
    let names = ["third_level_hits", "upgrade_walks", "walks", "stlb_misses"];
    oracle.load(&mut native.tables(), 0).unwrap();
    assert_eq!(oracle.counts(names), [0, 0, 1, 1]);
    oracle.store(&mut native.tables(), 0).unwrap();
    assert_eq!(oracle.counts(names), [1, 1, 2, 2]);
    oracle.store(&mut native.tables(), 0).unwrap();
    assert_eq!(oracle.counts(names), [2, 1, 2, 3]);
    sums_hold(&oracle);
}

#[test]
fn a_hit_of_level_1_that_forbids_does_not_look_below() {
    let mut native = Native::new(Four);
    native.map(0, 0, Size4K);
    let mut oracle = One::new(&[tlb("l1", 1, &["4K"], 4, 4), third_level()].concat());
    oracle.load(&mut native.tables(), 0).unwrap();
    oracle.store(&mut native.tables(), 0).unwrap();
    assert_eq!(oracle.counts(["upgrade_walks", "third_level_references"]), [1, 2]);
}

/// Loads a page, removes, loads it again; the hits of level 3.
fn hits_after(flags: LeafFlags, invalidation: Invalidation) -> u64 {
    let mut native = Native::new(Four);
    native.map_with(0, 0, Size4K, flags);
    let mut oracle = One::new(&third_level());
    oracle.load(&mut native.tables(), 0).unwrap();
    oracle.0.invalidate(0, TAG, invalidation);
    oracle.load(&mut native.tables(), 0).unwrap();
    oracle.count("third_level_hits")
}

#[test]
fn what_removes_entries_of_level_2_removes_those_of_level_3() {
    let everything = LeafFlags::everything();
    assert_eq!(hits_after(everything, Invalidation::MovCr3Keep), 1);
    assert_eq!(hits_after(everything, Invalidation::Invlpg { addr: Addr::new(8) }), 0);
    assert_eq!(hits_after(everything, Invalidation::Invlpg { addr: Addr::new(0x1000) }), 1);
    assert_eq!(hits_after(everything, Invalidation::MovCr3 { pcid: 1 }), 0);
    assert_eq!(hits_after(everything | LeafFlags::GLOBAL, Invalidation::MovCr3 { pcid: 1 }), 1);
    assert_eq!(hits_after(everything, Invalidation::Everything), 0);
}

#[test]
fn a_page_fault_removes_the_translation_that_it_finds_wanting() {
    let mut native = Native::new(Four);
    native.map_with(0, 0, Size4K, LeafFlags::READ);
    let mut oracle = One::new(&third_level());
    oracle.load(&mut native.tables(), 0).unwrap();
    oracle.store(&mut native.tables(), 0).unwrap_err();
    oracle.load(&mut native.tables(), 0).unwrap();
    assert_eq!(oracle.counts(["third_level_hits", "upgrade_walks", "walks"]), [1, 1, 3]);
}

#[test]
fn sets_of_all_cores_lie_behind_memory_one_behind_the_other() {
    let line = |core, va, size| ThirdLevel::new(16, core, Addr::new(0x1001)).line(Addr::new(va), size).get();
    assert_eq!(line(0, 0, Size4K), 0x2000);
    assert_eq!(line(0, 0x7000, Size4K), 0x2000 + 3 * 64);
    assert_eq!(line(1, 0x5000, Size4K), 0x2000 + (4 + 1) * 64);
    assert_eq!(line(2, 0x5000, Size2M), 0x2000 + 8 * 64);
}
