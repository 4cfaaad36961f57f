//! Entries that are asked for when a walk starts.

use terrace_addr::PageSize::{Size1G, Size2M, Size4K};
use terrace_addr::{Bytes, Gpa, Page};
use terrace_table::Levels::Four;

use super::*;
use crate::Segment;

const VA: u64 = 0x40_0000_0000;
const DATA: u64 = 0x8000_0000;

/// A cache 4 cycles away, before memory 10 cycles away.
const CACHE: &str = r#"[cache.l1]
level = 1
size = "32 KiB"
ways = 8
slices = 1
shared_by = "core"
latency = 4
replacement = "lru"
source = "test"
"#;

fn prefetch(levels: &[u32]) -> String {
    scheme(&format!("prefetch = {levels:?}"))
}

const NAMES: [&str; 3] = ["prefetch_references", "walk_references", "walk_cycles"];

/// A first walk on bare metal: the counts of [`NAMES`].
fn native(arrays: &[&str], size: PageSize) -> [u64; 3] {
    let mut native = Native::new(Four);
    native.map(VA, DATA, size);
    let mut oracle = One::new(&arrays.concat());
    oracle.load(&mut native.tables(), VA).unwrap();
    assert_eq!(oracle.count("cycles"), oracle.count("walk_cycles"));
    oracle.counts(NAMES)
}

#[test]
fn what_was_asked_for_is_there_when_the_walk_comes_to_it() {
    assert_eq!(native(&[CACHE], Size4K), [0, 4, 4 * 10]);
    // The root's entry takes as long as what is asked for meanwhile.
    assert_eq!(native(&[CACHE, &prefetch(&[3])], Size4K), [1, 4, 10 + 4 + 10 + 10]);
    assert_eq!(native(&[CACHE, &prefetch(&[1, 2])], Size4K), [2, 4, 10 + 10 + 4 + 4]);
    assert_eq!(native(&[CACHE, &prefetch(&[2, 3, 1])], Size4K), [3, 4, 10 + 4 + 4 + 4]);
    // Nothing is below a leaf.
    assert_eq!(native(&[CACHE, &prefetch(&[1])], Size2M), [0, 3, 3 * 10]);
    assert_eq!(native(&[CACHE, &prefetch(&[1, 2])], Size2M), [1, 3, 10 + 10 + 4]);
}

#[test]
fn an_entry_that_is_still_on_its_way_is_waited_for() {
    // The second page's root entry is in the cache, 4 cycles: of the 10 of the next entry 6 are left.
    let mut native = Native::new(Four);
    native.map(VA, DATA, Size4K);
    native.map(VA + (8 << 30), DATA, Size4K);
    let mut oracle = One::new(&[CACHE, &prefetch(&[3])].concat());
    oracle.load(&mut native.tables(), VA).unwrap();
    let cycles = oracle.more("walk_cycles", |oracle| {
        oracle.load(&mut native.tables(), VA + (8 << 30)).unwrap();
    });
    assert_eq!(cycles, 4 + 6 + 10 + 10);
    // Both reads of that level were counted where they found the line: in the cache.
    assert_eq!(oracle.counts(["walk_references_l1", "walk_references_memory"]), [1 + 2, 3 + 2]);
    assert_eq!(oracle.0.node_references(0), [(5 + 2, 0)]);
}

#[test]
fn only_levels_below_the_start_are_asked_for() {
    let arrays = [CACHE, &prefetch(&[1, 2, 3]), &walk_cache("walk_cache", 3)].concat();
    let mut native = Native::new(Four);
    native.map(VA, DATA, Size4K);
    let mut oracle = One::new(&arrays);
    for expected in [3, 3 + 1] {
        oracle.load(&mut native.tables(), VA).unwrap();
        assert_eq!(oracle.count("prefetch_references"), expected);
    }
}

#[test]
fn an_absent_table_ends_it() {
    let mut native = Native::new(Four);
    native.map(VA, DATA, Size2M);
    let mut oracle = One::new(&prefetch(&[1, 2, 3]));
    // Levels 3 and 2 are there, the entry of level 2 is absent.
    oracle.load(&mut native.tables(), VA + 0x20_0000).unwrap_err();
    assert_eq!(oracle.counts(["prefetch_references", "walk_references", "walk_cycles"]), [2, 3, 30]);
}

/// The counts of a first walk in two dimensions.
fn two_dimensional(arrays: &[&str], guest: PageSize, host: PageSize) -> [u64; 3] {
    let mut tables = TwoDimensional::new(Four, Four, host);
    tables.map_guest(VA, DATA, guest);
    tables.map_host(DATA, host);
    let mut oracle = One::new(&arrays.concat());
    oracle.load(&mut tables.tables(), VA).unwrap();
    oracle.counts(NAMES)
}

#[test]
fn both_dimensions_ask() {
    // The guest for two entries, each of five EPT walks for two. Without a cache every read takes as long as ever.
    assert_eq!(two_dimensional(&[&prefetch(&[1, 2])], Size4K, Size4K), [2 + 5 * 2, 24, 240]);
    assert_eq!(two_dimensional(&[&prefetch(&[1])], Size4K, Size2M), [1, 19, 190]);
    // EPT's level 2 is asked for in four walks, the guest's leaf is in a table of level 2 itself.
    assert_eq!(two_dimensional(&[&prefetch(&[2])], Size2M, Size2M), [1 + 4, 15, 150]);
}

#[test]
fn a_first_walk_never_costs_more() {
    for levels in [vec![1], vec![2], vec![3], vec![1, 2], vec![1, 2, 3]] {
        let scheme = prefetch(&levels);
        for size in [Size4K, Size2M, Size1G] {
            let [_, references, cycles] = native(&[CACHE], size);
            let [asked, references_with, cycles_with] = native(&[CACHE, &scheme], size);
            assert_eq!(
                (references, cycles_with < cycles),
                (references_with, asked > 0),
                "{levels:?} {size:?}"
            );
            for host in [Size4K, Size2M, Size1G] {
                let [_, references, cycles] = two_dimensional(&[CACHE], size, host);
                let [asked, references_with, cycles_with] = two_dimensional(&[CACHE, &scheme], size, host);
                let less = (references_with, cycles_with < cycles);
                assert_eq!((references, asked > 0), less, "{levels:?} {size:?} on {host:?}");
            }
        }
    }
}

#[test]
fn the_guests_tables_must_have_a_place() {
    // EPT does not map the page table: the guest asks for level 2 alone, and the walk ends there. EPT's own walks, for
    // the four tables, ask for two entries each; the last finds the entry itself absent.
    let mut tables = TwoDimensional::new(Four, Four, Size4K);
    tables.map_guest(VA, DATA, Size4K);
    let page_table = Addr::<Gpa>::new(TwoDimensional::GUEST_TABLES + 0x3000);
    let _ = tables.host.unmap(Page::containing(page_table, Size4K)).unwrap();
    let mut oracle = One::new(&prefetch(&[1, 2]));
    oracle.load(&mut tables.tables(), VA).unwrap_err();
    assert_eq!(oracle.counts(["prefetch_references", "ept_violations"]), [1 + 4 * 2, 1]);

    // A segment that ends before the page table.
    let mut oracle = One::new(&prefetch(&[1, 2]));
    let segment = Segment { start: Addr::ZERO, base: Addr::ZERO, size: Bytes::new(page_table.get()) };
    let mut tables = Tables::Segments { guest: &mut tables.guest, segments: vec![segment] };
    oracle.load(&mut tables, VA).unwrap_err();
    assert_eq!(oracle.counts(["prefetch_references", "segment_violations"]), [1, 1]);
}

#[test]
fn so_must_those_on_the_way_to_them() {
    // EPT does not map the table of level 3: the guest asks for nothing below it. The walk translates the root and that
    // table, by two EPT walks that ask for one entry each.
    let mut tables = TwoDimensional::new(Four, Four, Size4K);
    tables.map_guest(VA, DATA, Size4K);
    let directories = Addr::<Gpa>::new(TwoDimensional::GUEST_TABLES + 0x1000);
    let _ = tables.host.unmap(Page::containing(directories, Size4K)).unwrap();
    let mut oracle = One::new(&prefetch(&[1]));
    oracle.load(&mut tables.tables(), VA).unwrap_err();
    assert_eq!(oracle.count("prefetch_references"), 2);
}

#[test]
fn a_direct_segment_over_ept_leaves_epts_own() {
    let mut tables = TwoDimensional::new(Four, Four, Size4K);
    tables.map_host(DATA, Size4K);
    let mut oracle = One::new(&prefetch(&[1]));
    let segment = crate::DirectSegment { start: Addr::new(VA), size: Bytes::new(0x1000), to: DATA };
    oracle.0.set_direct_segment(0, Some(segment));
    oracle.load(&mut tables.tables(), VA).unwrap();
    assert_eq!(oracle.counts(NAMES), [1, 4, 40]);
}
