//! References of one walk without caches: for each guest level 1 + h, and h for the data, where h is the number
//! of host levels down to the leaf.

use terrace_addr::PageSize::{self, Size1G, Size2M, Size4K};
use terrace_table::Levels::{self, Five, Four};

use super::*;

const VA: u64 = 0x40_0000_0000;
const DATA: u64 = 0x8000_0000;

fn native(levels: Levels, size: PageSize) -> u64 {
    let mut native = Native::new(levels);
    native.map(VA, DATA, size);
    let mut oracle = One::new("");
    assert_eq!(oracle.load(&mut native.tables(), VA + 0x123), Ok(to(DATA + 0x123, size)));
    assert_eq!(
        oracle.counts(["nested_references", "walk_references_memory"]),
        [0, oracle.count("walk_references")]
    );
    assert_eq!(oracle.count("walk_cycles"), 10 * oracle.count("walk_references"));
    oracle.count("walk_references")
}

/// All references, and EPT's among them.
fn two_dimensional(guest: (Levels, PageSize), host: (Levels, PageSize)) -> [u64; 2] {
    let mut tables = TwoDimensional::new(guest.0, host.0, host.1);
    tables.map_guest(VA, DATA, guest.1);
    tables.map_host(DATA, host.1);
    let mut oracle = One::new("");
    let expected = to(DATA + 0x123 + TwoDimensional::HOST, guest.1.min(host.1));
    assert_eq!(oracle.load(&mut tables.tables(), VA + 0x123), Ok(expected));
    oracle.counts(["walk_references", "nested_references"])
}

#[test]
fn native_walks_read_one_entry_a_level() {
    assert_eq!(native(Four, Size4K), 4);
    assert_eq!(native(Four, Size2M), 3);
    assert_eq!(native(Four, Size1G), 2);
    assert_eq!(native(Five, Size4K), 5);
}

#[test]
fn two_dimensional_walks_translate_every_table_and_the_data() {
    // 4 × (1 + 4) + 4.
    assert_eq!(two_dimensional((Four, Size4K), (Four, Size4K)), [24, 20]);
    // 4 × (1 + 3) + 3, and 3 × (1 + 4) + 4.
    assert_eq!(two_dimensional((Four, Size4K), (Four, Size2M)), [19, 15]);
    assert_eq!(two_dimensional((Four, Size2M), (Four, Size4K)), [19, 16]);
    // 3 × (1 + 3) + 3.
    assert_eq!(two_dimensional((Four, Size2M), (Four, Size2M)), [15, 12]);
    // 4 × (1 + 2) + 2, and 2 × (1 + 4) + 4.
    assert_eq!(two_dimensional((Four, Size4K), (Four, Size1G)), [14, 10]);
    assert_eq!(two_dimensional((Four, Size1G), (Four, Size4K)), [14, 12]);
    // 2 × (1 + 2) + 2.
    assert_eq!(two_dimensional((Four, Size1G), (Four, Size1G)), [8, 6]);
    // 5 × (1 + 5) + 5.
    assert_eq!(two_dimensional((Five, Size4K), (Five, Size4K)), [35, 30]);
    // 5 × (1 + 4) + 4, and 4 × (1 + 5) + 5.
    assert_eq!(two_dimensional((Five, Size4K), (Four, Size4K)), [29, 24]);
    assert_eq!(two_dimensional((Four, Size4K), (Five, Size4K)), [29, 25]);
}

#[test]
fn every_count_of_one_walk() {
    let mut native = Native::new(Four);
    native.map(VA, DATA, Size2M);
    let mut oracle = One::new("");
    oracle.run(&mut native.tables(), VA, AccessKind::Fetch).unwrap();
    let expected = [
        ("references", 1),
        ("accesses", 1),
        ("itlb_accesses", 1),
        ("itlb_misses", 1),
        ("stlb_misses", 1),
        ("walks", 1),
        ("walk_references", 3),
        ("walk_references_memory", 3),
        ("walk_cycles", 30),
        ("cycles", 30),
        ("translations_2m", 1),
    ];
    assert_eq!(oracle.nonzero(), BTreeMap::from(expected));
}

#[test]
fn paging_structure_caches_shorten_walks() {
    // Two pages of one page table, one of the next, one below another PDPTE.
    let mut native = Native::new(Four);
    for page in [0, 0x1000, 0x20_0000, 0x4000_0000] {
        native.map(VA + page, DATA, Size4K);
    }
    let caches = [walk_cache("walk_cache", 2), walk_cache("walk_cache", 3)].concat();
    let mut oracle = One::new(&caches);
    let mut references = |page| {
        oracle.more("walk_references", |oracle| {
            oracle.load(&mut native.tables(), VA + page).unwrap();
        })
    };
    // The PDE of the same page table, the PDPTE of the next one, nothing.
    assert_eq!([0, 0x1000, 0x20_0000, 0x4000_0000].map(&mut references), [4, 1, 2, 4]);
    assert_eq!(oracle.count("walk_cache_hits"), 2);
}

#[test]
fn a_cache_of_a_level_that_the_tables_do_not_have_stays_empty() {
    let mut native = Native::new(Four);
    native.map(VA, DATA, Size4K);
    let mut oracle = One::new(&walk_cache("walk_cache", 5));
    oracle.load(&mut native.tables(), VA).unwrap();
    oracle.load(&mut native.tables(), VA).unwrap();
    assert_eq!(oracle.counts(["walk_references", "walk_cache_hits"]), [8, 0]);
}

#[test]
fn the_root_level_has_a_cache_too() {
    for (levels, root_level) in [(Four, 4), (Five, 5)] {
        let mut native = Native::new(levels);
        native.map(VA, DATA, Size4K);
        let mut oracle = One::new(&walk_cache("walk_cache", root_level));
        oracle.load(&mut native.tables(), VA).unwrap();
        oracle.load(&mut native.tables(), VA).unwrap();
        assert_eq!(oracle.count("walk_references"), u64::from(root_level + root_level - 1));
    }
}
