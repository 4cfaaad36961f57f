//! Segments, the write rule, the page-modification log and data lines.

use terrace_addr::PageSize::{Size2M, Size4K};
use terrace_addr::{Bytes, Gpa, Gva, Page};
use terrace_table::{LeafFlags, Levels::Four, SimulatedMemory, Table, X86};

use super::*;
use crate::Segment;

fn one(guest: &mut Table<Gva, X86, SimulatedMemory<Gpa>>, base: u64, size: u64) -> Tables<'_> {
    let segment = Segment { start: Addr::ZERO, base: Addr::new(base), size: Bytes::new(size) };
    Tables::Segments { guest, segments: vec![segment] }
}

#[test]
fn a_second_segment_begins_where_the_first_ends_or_behind_a_hole() {
    let mut tables = TwoDimensional::new(Four, Four, Size4K);
    let last = TwoDimensional::GUEST_TABLES + 0x1_0000;
    for (page, frame) in [last, 0x20_0000, 0x3f_f000, 0x40_0000, 0x40_1000, 0x40_2000].into_iter().enumerate()
    {
        tables.map_guest(0x1000 * terrace_addr::convert::count(page), frame, Size4K);
    }
    tables.map_guest(0x20_0000, 0x40_0000, Size2M);
    let mut oracle = One::new("");
    let low = Segment { start: Addr::ZERO, base: Addr::new(8 << 30), size: Bytes::new(last + 0x1000) };
    let mut load = |at, base: u64, size| {
        let high = Segment { start: Addr::new(0x40_0000), base: Addr::new(base), size: Bytes::new(size) };
        let segments = vec![low, high];
        oracle.load(&mut Tables::Segments { guest: &mut tables.guest, segments }, at)
    };
    let violation = |addr| Err(Fault::Segment { addr: Addr::new(addr) });
    assert_eq!(load(0, 4 << 30, 0x2000), Ok(to((8 << 30) + last, Size4K)));
    for (page, hole) in [(1, 0x20_0000), (2, 0x3f_f000)] {
        assert_eq!(load(page * 0x1000, 4 << 30, 0x2000), violation(hole));
    }
    assert_eq!(load(0x3008, 4 << 30, 0x2000), Ok(to((4 << 30) + 8, Size4K)));
    assert_eq!(load(0x5000, 4 << 30, 0x2000), violation(0x40_2000));
    assert_eq!(load(0x20_1000, 4 << 30, 0x2000), violation(0x40_1000));
    assert_eq!(load(0x20_1000, 4 << 30, 0x20_0000), Ok(to((4 << 30) + 0x1000, Size2M)));
}

#[test]
fn a_segment_relocates_and_splinters_and_ends() {
    const BASE: u64 = 0x4000_1000;
    let mut tables = TwoDimensional::new(Four, Four, Size4K);
    tables.map_guest(0, 0x20_0000, Size2M);
    let mut oracle = One::new(&walk_cache("walk_cache", 2));
    let mut load = |addr, base, size| {
        let guest = &mut tables.guest;
        let mut tables = one(guest, base, size);
        oracle.load(&mut tables, addr)
    };
    assert_eq!(load(0x1234, BASE, 0x40_0000), Ok(to(BASE + 0x20_1234, Size4K)));
    assert_eq!(load(0x1234, 0x4020_0000, 0x40_0000), Ok(to(0x4040_1234, Size2M)));
    let violation = |addr| Err(Fault::Segment { addr: Addr::new(addr) });
    // The whole page of the guest must lie inside, and the page of each entry.
    assert_eq!(load(0x1234, BASE, 0x3f_ffff), violation(0x20_1234));
    assert_eq!(load(0x1234, BASE, 0xfff), violation(TwoDimensional::GUEST_TABLES));
    assert_eq!(oracle.count("segment_violations"), 2);
}

#[test]
fn a_stale_prefix_reaches_nothing_outside_a_segment() {
    let mut tables = TwoDimensional::new(Four, Four, Size4K);
    tables.map_guest(0, 0, Size4K);
    let mut oracle = One::new(&walk_cache("walk_cache", 2));
    let mut load = |base| {
        let guest = &mut tables.guest;
        let mut tables = one(guest, base, 0x20_0000);
        oracle.load(&mut tables, 8)
    };
    load(0x4000_0000).unwrap();
    // The page table is the fourth of the guest's table pages, below the new base: it wraps to the end of the space.
    let addr = (1 << 52) + 0x4000_0000 + TwoDimensional::GUEST_TABLES + 0x3000 - 0x8000_0000;
    assert_eq!(load(0x8000_0000), Err(Fault::Segment { addr: Addr::new(addr) }));
    assert_eq!(load(0x8000_0000), Ok(to(0x8000_0008, Size4K)), "the prefix is gone");
}

#[test]
fn setting_a_bit_in_a_page_that_ept_forbids_to_write_violates() {
    let mut machine = machine(&walk_cache("walk_cache", 2));
    machine.paging.ept_accessed_dirty = false;
    let mut tables = TwoDimensional::new(Four, Four, Size4K);
    tables.map_guest_with(0, 0x5000, Size4K, LeafFlags::everything() | LeafFlags::ACCESSED);
    tables.map_host(0x5000, Size4K);
    let page_table = TwoDimensional::GUEST_TABLES + 0x3000;
    let _ = tables.host.protect(Page::containing(Addr::new(page_table), Size4K), LeafFlags::READ).unwrap();
    let mut oracle = One::of(&machine);
    // A load has no bit to set there; the store does, and finds the prefix that the load left.
    oracle.load(&mut tables.tables(), 8).unwrap();
    let addr = Addr::<Gpa>::new(page_table);
    let fault = Err(Fault::Ept { addr, kind: AccessKind::Store, protection: true });
    assert_eq!(oracle.store(&mut tables.tables(), 8), fault);
    assert_eq!(oracle.counts(["walk_cache_hits", "ept_violations"]), [1, 1]);
    assert_eq!(oracle.store(&mut tables.tables(), 8), fault, "as walked");
}

#[test]
fn a_full_log_ends_the_walk_before_the_bits_are_set() {
    let mut tables = TwoDimensional::new(Four, Four, Size4K);
    for page in 0..509 {
        tables.map_guest(page * 0x1000, 0x40_0000 + page * 0x1000, Size4K);
        tables.map_host(0x40_0000 + page * 0x1000, Size4K);
    }
    let mut oracle = One::new("");
    oracle.0.keep_log(0, true);
    // Four table pages, then 508 pages.
    for page in 0..508 {
        oracle.store(&mut tables.tables(), page * 0x1000 + 8).unwrap();
    }
    let last = Addr::new(0x40_0000 + 508 * 0x1000);
    assert_eq!(oracle.store(&mut tables.tables(), 508 * 0x1000 + 8), Err(Fault::LogFull { addr: last }));
    assert!(!tables.host.lookup(last).unwrap().flags.contains(LeafFlags::ACCESSED));
    let log = oracle.0.take_log(0);
    assert_eq!((log.len(), log[4]), (512, Addr::new(0x40_0000)));
    oracle.store(&mut tables.tables(), 508 * 0x1000 + 8).unwrap();
    assert_eq!(oracle.0.take_log(0), [last]);
    assert_eq!(oracle.counts(["references", "accesses", "log_full_exits"]), [509, 510, 1]);
}

#[test]
fn data_lines_are_counted_by_level_and_node() {
    let mut native = Native::new(Four);
    native.map(0, 0x5000, Size4K);
    native.map(0x1000, 0x9000, Size4K);
    let mut oracle = One::new("");
    oracle.0.set_data_lines(true);
    let mut run = |addr, size| {
        let access = access(addr, size, AccessKind::Store);
        oracle.0.access(0, TAG, &mut native.tables(), access).unwrap();
        (oracle.counts(["data_references", "data_references_memory", "data_cycles"]), oracle.count("cycles"))
    };
    assert_eq!(run(0x3f, 2), ([2, 2, 20], 40));
    assert_eq!(run(0xfff, 66), ([5, 5, 50], 120));
    assert_eq!(oracle.0.node_references(0), [(12, 5)]);
}
