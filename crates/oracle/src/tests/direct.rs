//! Direct segments.

use terrace_addr::Bytes;
use terrace_addr::PageSize::{Size1G, Size2M, Size4K};
use terrace_table::Levels::Four;

use super::*;
use crate::{DirectSegment, Segment};

const G: u64 = 1 << 30;
const M2: u64 = 2 << 20;

fn segment(start: u64, size: u64, to: u64) -> DirectSegment {
    DirectSegment { start: Addr::new(start), size: Bytes::new(size), to }
}

/// An oracle whose CPU has one.
fn with(arrays: &str, segment: DirectSegment) -> One {
    let mut oracle = One::new(arrays);
    oracle.0.set_direct_segment(0, Some(segment));
    oracle
}

#[test]
fn a_page_is_of_the_largest_size_that_fits_and_divides() {
    let place = |(start, size, to): (u64, u64, u64), at: u64| segment(start, size, to).place(Addr::new(at));
    let exact = (G, G, 2 * G);
    assert_eq!(place(exact, G), Some((2 * G, Size1G)));
    assert_eq!(place(exact, 2 * G - 1), Some((3 * G - 1, Size1G)));
    assert_eq!([G - 1, 2 * G].map(|at| place(exact, at)), [None, None]);
    // Where it ends one page earlier, no 1G page fits, and in the last 2M no 2M page.
    let short = (G, G - 0x1000, 2 * G);
    assert_eq!(place(short, G), Some((2 * G, Size2M)));
    assert_eq!(place(short, 2 * G - M2 - 1), Some((3 * G - M2 - 1, Size2M)));
    assert_eq!(place(short, 2 * G - M2), Some((3 * G - M2, Size4K)));
    assert_eq!([2 * G - 0x1001, 2 * G - 0x1000].map(|at| place(short, at).is_some()), [true, false]);
    // Where it begins one page later, the same at its start; it ends in the first page of the next 1G.
    let late = (G + 0x1000, G, 2 * G + 0x1000);
    assert_eq!(place(late, G + 0xfff), None);
    assert_eq!(place(late, G + 0x1000), Some((2 * G + 0x1000, Size4K)));
    assert_eq!(place(late, G + M2), Some((2 * G + M2, Size2M)));
    assert_eq!(place(late, 2 * G + 0xfff), Some((3 * G + 0xfff, Size4K)));
    // The distance decides, whichever is the larger.
    assert_eq!(place((G, G, M2), G), Some((M2, Size2M)));
    assert_eq!(place((G, G, 2 * G + 0x1000), G), Some((2 * G + 0x1000, Size4K)));
    assert_eq!(place((G, 0, 0), G), None);
}

#[test]
fn on_bare_metal_it_costs_nothing_and_reads_no_table() {
    let mut native = Native::new(Four);
    let mut oracle = with("", segment(G, 2 * M2, 2 * G));
    assert_eq!(oracle.load(&mut native.tables(), G + 0x1234), Ok(to(2 * G + 0x1234, Size2M)));
    let expected = [
        ("references", 1),
        ("accesses", 1),
        ("dtlb_accesses", 1),
        ("dtlb_misses", 1),
        ("direct_translations", 1),
    ];
    assert_eq!(oracle.nonzero(), BTreeMap::from(expected));
    // The pages before and behind are the tables', which have none.
    for (addr, inside) in [(G - 8, false), (G, true), (G + 2 * M2 - 8, true), (G + 2 * M2, false)] {
        assert_eq!(oracle.load(&mut native.tables(), addr).is_ok(), inside, "{addr:#x}");
    }
    assert_eq!(oracle.counts(["direct_translations", "walks", "page_faults"]), [3, 2, 2]);
}

#[test]
fn an_access_goes_on_with_the_tables_behind_it() {
    let mut native = Native::new(Four);
    native.map(G + 0x1000, 0x5000, Size4K);
    let mut oracle = with("", segment(G, 0x1000, 2 * G));
    assert_eq!(oracle.load(&mut native.tables(), G + 0xffc), Ok(to(2 * G + 0xffc, Size4K)));
    assert_eq!(oracle.counts(["accesses", "direct_translations", "walks"]), [2, 1, 1]);
}

#[test]
fn it_is_inserted_into_level_1_alone_and_found_there() {
    let mut native = Native::new(Four);
    let arrays =
        [tlb("l1", 1, &["4K"], 1, 1), tlb("stlb", 2, &["4K"], 8, 8), scheme("third_level = 16")].concat();
    let mut oracle = with(&arrays, segment(G, M2, 2 * G));
    for addr in [G, G + 8, G + 0x1000, G] {
        assert_eq!(oracle.load(&mut native.tables(), addr), Ok(to(G + addr, Size4K)));
    }
    let names = ["direct_translations", "dtlb_misses", "stlb_hits", "stlb_misses", "third_level_references"];
    assert_eq!(oracle.counts(names), [3, 3, 0, 0, 0]);
    // The tables' translation of the same page is found before the segment, as long as it is in level 1.
    native.map(G, 0x5000, Size4K);
    oracle.0.set_direct_segment(0, None);
    assert_eq!(oracle.load(&mut native.tables(), G), Ok(to(2 * G, Size4K)), "what was inserted stays");
    oracle.0.invalidate(0, TAG, Invalidation::Everything);
    assert_eq!(oracle.load(&mut native.tables(), G), Ok(to(0x5000, Size4K)));
    oracle.0.set_direct_segment(0, Some(segment(G, M2, 2 * G)));
    assert_eq!(oracle.load(&mut native.tables(), G), Ok(to(0x5000, Size4K)));
}

#[test]
fn removals_go_by_its_pages() {
    // Two 4K parts of one 2M page, and one of the next.
    let mut native = Native::new(Four);
    let mut oracle = with(&tlb("l1", 1, &["4K"], 8, 8), segment(G, 2 * M2, 2 * G));
    let mut made = |invalidation: Option<Invalidation>| {
        if let Some(invalidation) = invalidation {
            oracle.0.invalidate(0, TAG, invalidation);
        }
        oracle.more("direct_translations", |oracle| {
            for addr in [G, G + 0x5000, G + M2] {
                oracle.load(&mut native.tables(), addr).unwrap();
            }
        })
    };
    assert_eq!(made(None), 3);
    assert_eq!(made(Some(Invalidation::Invlpg { addr: Addr::new(G + 0x9000) })), 2);
    assert_eq!(made(Some(Invalidation::InvpcidAllButGlobal)), 3, "none is global");
}

#[test]
fn an_entry_of_the_tables_that_forbids_is_upgraded_by_the_segment() {
    let mut native = Native::new(Four);
    native.map(G, 2 * G, Size4K);
    let mut oracle = One::new(&tlb("l1", 1, &["4K"], 4, 4));
    oracle.load(&mut native.tables(), G).unwrap();
    oracle.0.set_direct_segment(0, Some(segment(G, 0x1000, 2 * G)));
    assert_eq!(oracle.store(&mut native.tables(), G), Ok(to(2 * G, Size4K)));
    let names = ["upgrade_walks", "walks", "stlb_misses", "direct_translations", "walk_references"];
    assert_eq!(oracle.counts(names), [1, 2, 1, 1, 4]);
    assert_eq!(oracle.count("translations_4k"), 1, "that of the walk");
    assert!(!native.table.lookup(Addr::new(G)).unwrap().flags.contains(terrace_table::LeafFlags::DIRTY));
    oracle.store(&mut native.tables(), G).unwrap();
    assert_eq!(oracle.counts(names), [1, 2, 1, 1, 4]);
}

#[test]
fn over_ept_a_walk_is_the_translation_of_the_data_alone() {
    let mut tables = TwoDimensional::new(Four, Four, Size4K);
    tables.map_host(2 * M2, Size2M);
    let arrays = [tlb("l1", 1, &["4K"], 1, 1), tlb("stlb", 2, &["2M"], 4, 4)].concat();
    let mut oracle = with(&arrays, segment(G, 2 * M2, 2 * M2));
    let host = TwoDimensional::HOST + 2 * M2;
    assert_eq!(oracle.load(&mut tables.tables(), G + 0x1000), Ok(to(host + 0x1000, Size4K)));
    let expected = [
        ("references", 1),
        ("accesses", 1),
        ("dtlb_accesses", 1),
        ("dtlb_misses", 1),
        ("stlb_misses", 1),
        ("walks", 1),
        ("direct_translations", 1),
        ("walk_references", 3),
        ("nested_references", 3),
        ("walk_references_memory", 3),
        ("nested_tlb_misses", 1),
        ("walk_cycles", 30),
        ("cycles", 30),
        ("translations_2m", 1),
    ];
    assert_eq!(oracle.nonzero(), BTreeMap::from(expected));
    // Level 2 has it.
    assert_eq!(oracle.load(&mut tables.tables(), G + 0x2000), Ok(to(host + 0x2000, Size2M)));
    assert_eq!(oracle.counts(["stlb_hits", "direct_translations"]), [1, 1]);
    // EPT's dirty bit is clear: level 2's entry forbids the store.
    assert_eq!(oracle.store(&mut tables.tables(), G + 0x1000), Ok(to(host + 0x1000, Size4K)));
    assert_eq!(oracle.counts(["upgrade_walks", "walks", "direct_translations"]), [1, 2, 2]);
    // The second 2M are absent in EPT.
    let fault = Err(Fault::Ept { addr: Addr::new(3 * M2 + 8), kind: AccessKind::Load, protection: false });
    assert_eq!(oracle.load(&mut tables.tables(), G + M2 + 8), fault);
    assert_eq!(oracle.counts(["ept_violations", "direct_translations", "walks"]), [1, 3, 3]);
}

#[test]
fn over_a_segment_both_are_additions() {
    const BASE: u64 = 8 << 30;
    let mut tables = TwoDimensional::new(Four, Four, Size4K);
    let mut oracle = with("", segment(G, 2 * M2, M2));
    let mut load = |at, base, size| {
        let segments = vec![Segment { start: Addr::ZERO, base: Addr::new(base), size: Bytes::new(size) }];
        oracle.load(&mut Tables::Segments { guest: &mut tables.guest, segments }, at)
    };
    assert_eq!(load(G + 8, BASE, 3 * M2), Ok(to(BASE + M2 + 8, Size2M)));
    assert_eq!(load(G + 8, BASE + 0x1000, 3 * M2), Ok(to(BASE + M2 + 0x1008, Size4K)));
    // The second 2M page does not lie inside as a whole.
    let violation = Err(Fault::Segment { addr: Addr::new(2 * M2 + 8) });
    assert_eq!(load(G + M2 + 8, BASE, 3 * M2 - 0x1000), violation);
    assert_eq!(oracle.counts(["direct_translations", "segment_violations", "walks"]), [3, 1, 0]);
    assert_eq!(oracle.counts(["stlb_misses", "cycles", "walk_references"]), [0; 3]);
}

#[test]
fn an_address_that_the_tables_would_not_cover_faults_all_the_same() {
    let mut native = Native::new(Four);
    let mut oracle = with("", segment(1 << 50, 0x1000, 0));
    oracle.load(&mut native.tables(), 1 << 50).unwrap_err();
    assert_eq!(oracle.nonzero(), BTreeMap::from([("accesses", 1), ("page_faults", 1)]));
}

#[test]
fn each_cpu_has_its_own() {
    let mut machine = machine("");
    machine.topology.cores = 2;
    let mut oracle = Oracle::new(&machine, 0, &MEMORY);
    let mut native = Native::new(Four);
    oracle.set_direct_segment(1, Some(segment(G, 0x1000, 0)));
    let inside = [0, 1]
        .map(|cpu| oracle.access(cpu, TAG, &mut native.tables(), access(G, 8, AccessKind::Load)).is_ok());
    assert_eq!(inside, [false, true]);
}
