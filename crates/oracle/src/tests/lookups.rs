//! Reach, sizes and levels of the TLBs.

use terrace_addr::PageSize::{self, Size1G, Size2M, Size4K};
use terrace_table::{LeafFlags, Levels::Four};

use super::*;

/// Misses of level 1 and walks when `pages` pages of 4K are read in turn, three times over.
fn scan(arrays: &str, pages: u64, stride: u64) -> [u64; 2] {
    let mut native = Native::new(Four);
    for page in 0..pages {
        native.map(page * stride, page * 0x1000, Size4K);
    }
    let mut oracle = One::new(arrays);
    for page in (0..3).flat_map(|_| 0..pages) {
        assert_eq!(oracle.load(&mut native.tables(), page * stride + 8), Ok(to(page * 0x1000 + 8, Size4K)));
    }
    oracle.counts(["dtlb_misses", "walks"])
}

#[test]
fn a_cyclic_scan_of_one_page_more_than_lru_holds_always_misses() {
    let array = tlb("l1", 1, &["4K"], 4, 4);
    assert_eq!(scan(&array, 4, 0x1000), [4, 4]);
    assert_eq!(scan(&array, 5, 0x1000), [15, 15]);
}

#[test]
fn pages_of_one_set_compete_for_its_ways() {
    // 4 sets of 2 ways: 8 consecutive pages fit, of every fourth page only 2 do.
    let array = tlb("l1", 1, &["4K"], 8, 2);
    assert_eq!(scan(&array, 8, 0x1000), [8, 8]);
    assert_eq!(scan(&array, 2, 0x4000), [2, 2]);
    assert_eq!(scan(&array, 3, 0x4000), [9, 9]);
}

#[test]
fn level_2_serves_what_level_1_lost() {
    // 5 pages in 4 entries miss always, in 8 entries of level 2 only at first: 10 hits of 7 cycles.
    let arrays = [tlb("l1", 1, &["4K"], 4, 4), tlb("stlb", 2, &["4K"], 8, 8)].concat();
    assert_eq!(scan(&arrays, 5, 0x1000), [15, 5]);
    let mut native = Native::new(Four);
    native.map(0, 0, Size4K);
    native.map(0x1000, 0, Size4K);
    let arrays = [tlb("l1", 1, &["4K"], 1, 1), tlb("stlb", 2, &["4K"], 8, 8)].concat();
    let mut oracle = One::new(&arrays);
    for addr in [0, 0x1000, 0, 0] {
        oracle.load(&mut native.tables(), addr).unwrap();
    }
    assert_eq!(oracle.counts(["dtlb_misses", "stlb_misses", "stlb_hits", "stlb_cycles"]), [3, 2, 1, 7]);
    assert_eq!(oracle.count("cycles"), 7 + oracle.count("walk_cycles"));
}

/// The size of the entry that serves a 1G page's last byte after the walk, with level 1 holding `pages`.
fn inserted(pages: &[&str]) -> PageSize {
    let mut native = Native::new(Four);
    native.map(0x4000_0000, 0x8000_0000, Size1G);
    let mut oracle = One::new(&tlb("l1", 1, pages, 4, 4));
    let walked = oracle.load(&mut native.tables(), 0x7fff_fff8).unwrap();
    assert_eq!(walked.addr, Addr::new(0xbfff_fff8));
    assert_eq!(oracle.load(&mut native.tables(), 0x7fff_fff8), Ok(walked), "a hit says the same");
    assert_eq!(oracle.counts(["walks", "translations_1g"]), [1, 1]);
    walked.size
}

#[test]
fn a_translation_is_inserted_at_the_largest_size_that_fits() {
    assert_eq!(inserted(&["4K", "2M", "1G"]), Size1G);
    assert_eq!(inserted(&["4K", "2M"]), Size2M);
    assert_eq!(inserted(&["4K"]), Size4K);
}

#[test]
fn a_translation_that_no_array_holds_is_not_inserted() {
    let mut native = Native::new(Four);
    native.map(0, 0, Size4K);
    let mut oracle = One::new(&tlb("l1", 1, &["2M"], 4, 4));
    for _ in 0..2 {
        assert_eq!(oracle.load(&mut native.tables(), 0), Ok(to(0, Size4K)));
    }
    assert_eq!(oracle.count("walks"), 2);
}

#[test]
fn an_access_is_looked_up_where_its_kind_is_served() {
    let mut native = Native::new(Four);
    native.map(0, 0, Size4K);
    let array = tlb("l1d", 1, &["4K"], 4, 4).replace("\"fetch\", ", "");
    let mut oracle = One::new(&array);
    for kind in [AccessKind::Store, AccessKind::Load, AccessKind::Fetch, AccessKind::Fetch] {
        oracle.run(&mut native.tables(), 0, kind).unwrap();
    }
    assert_eq!(oracle.counts(["dtlb_accesses", "dtlb_misses", "itlb_accesses", "itlb_misses"]), [2, 1, 2, 2]);
}

#[test]
fn contexts_do_not_share_translations_unless_global() {
    for (flags, walks) in [
        (LeafFlags::everything(), [1, 2, 3, 4]),
        // Another PCID shares a global translation, another VPID or EPT root does not.
        (LeafFlags::everything() | LeafFlags::GLOBAL, [1, 1, 2, 3]),
    ] {
        let mut native = Native::new(Four);
        native.map_with(0, 0, Size4K, flags);
        let mut oracle = One::new(&tlb("l1", 1, &["4K"], 8, 8));
        let tags = [TAG, Tag { pcid: 7, ..TAG }, Tag { vpid: 7, ..TAG }, Tag { root: 7, ..TAG }];
        let walked = tags.map(|tag| {
            oracle.0.access(0, tag, &mut native.tables(), access(0, 1, AccessKind::Load)).unwrap();
            oracle.count("walks")
        });
        assert_eq!(walked, walks);
    }
}

#[test]
fn every_built_in_machine_runs() {
    for known in terrace_machine::BUILTIN {
        let machine = terrace_machine::builtin(known.name, &[]).unwrap();
        let mut native = Native::new(Four);
        native.map(0, 0, Size4K);
        let mut oracle = One::of(&machine);
        oracle.store(&mut native.tables(), 0).unwrap();
        oracle.store(&mut native.tables(), 0).unwrap();
        assert_eq!(oracle.count("walks"), 1, "{}", machine.name);
    }
}
