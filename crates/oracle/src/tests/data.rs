//! Data lines.

use terrace_addr::PageSize::{Size2M, Size4K};
use terrace_table::Levels::Four;

use super::*;

const NAMES: [&str; 3] = ["data_references", "data_references_memory", "data_cycles"];
const ALL: [&str; 3] = ["fetch", "load", "store"];

/// Two pages in a row whose frames are not, and an oracle that models data lines.
fn world(arrays: &str) -> (Native, One) {
    let mut native = Native::new(Four);
    native.map(0, 0x5000, Size4K);
    native.map(0x1000, 0x9000, Size4K);
    let mut oracle = One::new(arrays);
    oracle.0.set_data_lines(true);
    (native, oracle)
}

#[test]
fn data_is_not_referred_to_unless_it_is_asked_for() {
    let (mut native, mut asked) = world("");
    let mut oracle = One::new("");
    oracle.load(&mut native.tables(), 0).unwrap();
    assert_eq!(oracle.counts(NAMES), [0, 0, 0]);
    asked.load(&mut native.tables(), 0).unwrap();
    assert_eq!(asked.counts(NAMES), [1, 1, 10]);
    asked.0.set_data_lines(false);
    asked.load(&mut native.tables(), 0).unwrap();
    assert_eq!(asked.counts(NAMES), [1, 1, 10]);
}

#[test]
fn every_line_that_is_touched_is_referred_to_once() {
    for (addr, size, lines) in [
        (0, 1, 1),
        (0, 0, 1),
        (63, 1, 1),
        (63, 0, 1),
        (63, 2, 2),
        (0, 64, 1),
        (0, 65, 2),
        (60, 8, 2),
        (1, 128, 3),
        (0xff8, 8, 1),
        // The last line of the first page and the first of the second.
        (0xff9, 8, 2),
        // 64 lines of the first page, 15 of the second: 904 bytes.
        (0, 5000, 79),
    ] {
        let (mut native, mut oracle) = world("");
        oracle.0.access(0, TAG, &mut native.tables(), access(addr, size, AccessKind::Store)).unwrap();
        assert_eq!(oracle.counts(NAMES), [lines, lines, 10 * lines], "{size} bytes at {addr:#x}");
    }
}

#[test]
fn hits_refer_to_their_data_too() {
    let arrays = [tlb("l1", 1, &["4K"], 1, 1), tlb("l2", 2, &["4K"], 4, 4)].concat();
    let (mut native, mut oracle) = world(&arrays);
    // A walk for each page, a hit of level 2, a hit of level 1.
    for addr in [0x1000, 0, 0x1000, 0x1000] {
        oracle.load(&mut native.tables(), addr).unwrap();
    }
    assert_eq!(oracle.counts(["walks", "stlb_hits", "data_references"]), [2, 1, 4]);
}

#[test]
fn lines_are_those_of_the_frames() {
    // 8 bytes over the edge of the pages: the last line of the frame at 0x5000, the first of the one at 0x9000.
    let (mut native, mut oracle) = world(&line_cache("l1", &ALL, 4));
    let across = access(0xffc, 8, AccessKind::Load);
    oracle.0.access(0, TAG, &mut native.tables(), across).unwrap();
    assert_eq!(oracle.count("data_references_l1"), 0);
    // The same lines by addresses that have these frames as their own.
    let mut same = Native::new(Four);
    same.map(0x5000, 0x5000, Size4K);
    same.map(0x9000, 0x9000, Size4K);
    for addr in [0x5fc0, 0x9000] {
        oracle.load(&mut same.tables(), addr).unwrap();
    }
    assert_eq!(oracle.counts(["data_references_l1", "data_cycles"]), [2, 10 + 10 + 4 + 4]);
}

#[test]
fn a_piece_ends_with_the_page_that_served() {
    // Level 1 holds 4K pieces of the 2M page: 130 bytes around an edge between them are looked up twice, after a walk
    // as after a hit, and are three lines.
    let mut native = Native::new(Four);
    native.map(0, 0x20_0000, Size2M);
    let mut oracle = One::new(&tlb("l1", 1, &["4K"], 4, 4));
    oracle.0.set_data_lines(true);
    for times in 1..3 {
        let across = access(0xfc0, 130, AccessKind::Load);
        oracle.0.access(0, TAG, &mut native.tables(), across).unwrap();
        assert_eq!(oracle.counts(["accesses", "walks", "data_references"]), [2 * times, 2, 3 * times]);
    }
}

#[test]
fn data_before_a_fault_stays_counted() {
    let mut native = Native::new(Four);
    native.map(0, 0x5000, Size4K);
    let mut oracle = One::new("");
    oracle.0.set_data_lines(true);
    oracle.0.access(0, TAG, &mut native.tables(), access(0xf80, 0x100, AccessKind::Load)).unwrap_err();
    assert_eq!(oracle.counts(["references", "data_references", "page_faults"]), [0, 2, 1]);
}

#[test]
fn data_goes_where_its_kind_is_served_and_entries_where_loads_are() {
    let caches = [line_cache("l1i", &["fetch"], 3), line_cache("l1d", &["load", "store"], 4)].concat();
    let (mut native, mut oracle) = world(&caches);
    let mut cycles = |kind| {
        oracle.more("data_cycles", |oracle| {
            oracle.run(&mut native.tables(), 0, kind).unwrap();
        })
    };
    // The line is in the data cache after the load, and in the other only after a fetch has missed there.
    let kinds = [AccessKind::Load, AccessKind::Store, AccessKind::Fetch, AccessKind::Fetch];
    assert_eq!(kinds.map(&mut cycles), [10, 4, 10, 3]);
    // Without TLBs each access walked: the first from memory, the others found the four entries as loads do.
    assert_eq!(oracle.counts(["walk_references_memory", "walk_references_l1"]), [4, 12]);
    assert_eq!(oracle.counts(["walk_cycles", "cycles"]), [4 * 10 + 12 * 4; 2], "data is no part of it");
}

#[test]
fn table_entries_and_data_share_lines() {
    // The leaf maps the root's own page: the walk has brought the line that the access then touches.
    let mut native = Native::new(Four);
    let root = native.table.root().get();
    native.map(0, root, Size4K);
    let mut oracle = One::new(&line_cache("l1", &ALL, 4));
    oracle.0.set_data_lines(true);
    oracle.load(&mut native.tables(), 0).unwrap();
    assert_eq!(oracle.counts(["data_references_l1", "data_references_memory"]), [1, 0]);
}
