//! The page-modification log.

use terrace_addr::PageSize::{Size2M, Size4K};
use terrace_addr::{Gva, convert};
use terrace_table::{LeafFlags, Levels::Four};

use super::*;

const DATA: u64 = 0x4000_0000;

/// A guest with `pages` pages from 0 on, whose data is at [`DATA`], and an oracle that keeps a log.
fn world(pages: u64, arrays: &str) -> (TwoDimensional, One) {
    let mut tables = TwoDimensional::new(Four, Four, Size4K);
    for page in (0..pages).map(|page| page * 0x1000) {
        tables.map_guest(page, DATA + page, Size4K);
        tables.map_host(DATA + page, Size4K);
    }
    let mut oracle = One::new(arrays);
    oracle.0.keep_log(0, true);
    (tables, oracle)
}

/// The same, with the 508 pages that together with their four tables fill the log, and one more.
fn full(arrays: &str) -> (TwoDimensional, One) {
    let (mut tables, mut oracle) = world(509, arrays);
    for page in 0..508 {
        oracle.store(&mut tables.tables(), page * 0x1000).unwrap();
    }
    assert_eq!(oracle.count("log_full_exits"), 0);
    (tables, oracle)
}

fn taken(oracle: &mut One) -> Vec<u64> {
    oracle.0.take_log(0).into_iter().map(Addr::get).collect()
}

#[test]
fn pages_are_logged_when_they_become_dirty() {
    let (mut tables, mut oracle) = world(2, "");
    // A load makes the four table pages dirty, root first, and no data.
    let pages = tables.guest.path(Addr::<Gva>::ZERO).map(|step| step.address.get());
    let pages: Vec<_> = pages.collect();
    oracle.load(&mut tables.tables(), 0).unwrap();
    assert_eq!(taken(&mut oracle), pages);
    oracle.store(&mut tables.tables(), 0x1008).unwrap();
    assert_eq!(taken(&mut oracle), [DATA + 0x1000], "rounded down");
    oracle.store(&mut tables.tables(), 0x1010).unwrap();
    assert_eq!(taken(&mut oracle), [0; 0], "it is dirty already");
}

#[test]
fn a_large_page_is_logged_once_by_the_4k_that_was_written() {
    let mut tables = TwoDimensional::new(Four, Four, Size4K);
    tables.map_guest(0, DATA, Size2M);
    tables.map_host(DATA, Size2M);
    let mut oracle = One::new("");
    oracle.load(&mut tables.tables(), 0).unwrap();
    oracle.0.keep_log(0, true);
    oracle.store(&mut tables.tables(), 0x3ff8).unwrap();
    oracle.store(&mut tables.tables(), 0x7000).unwrap();
    assert_eq!(taken(&mut oracle), [DATA + 0x3000]);
}

#[test]
fn nothing_is_logged_unless_a_log_is_kept() {
    let (mut tables, _) = world(1, "");
    let mut oracle = One::new("");
    oracle.store(&mut tables.tables(), 0).unwrap();
    assert_eq!(taken(&mut oracle), [0; 0]);
}

#[test]
fn without_dirty_bits_in_ept_nothing_is_logged() {
    let mut machine = machine("");
    machine.paging.ept_accessed_dirty = false;
    let (mut tables, _) = world(1, "");
    let mut oracle = One::of(&machine);
    oracle.0.keep_log(0, true);
    oracle.store(&mut tables.tables(), 0).unwrap();
    assert_eq!(taken(&mut oracle), [0; 0]);
}

#[test]
fn a_log_begins_empty() {
    let (mut tables, mut oracle) = world(1, "");
    oracle.store(&mut tables.tables(), 0).unwrap();
    oracle.0.keep_log(0, false);
    oracle.0.keep_log(0, true);
    assert_eq!(taken(&mut oracle), [0; 0]);
}

#[test]
fn a_full_log_ends_the_walk_before_bits_are_set() {
    let (mut tables, mut oracle) = full("");
    let (va, addr) = (508 * 0x1000, Addr::new(DATA + 508 * 0x1000));
    let exit = Err(Fault::LogFull { addr });
    assert_eq!(oracle.store(&mut tables.tables(), va + 8), exit);
    assert_eq!(oracle.store(&mut tables.tables(), va + 8), exit);
    let used = |tables: &TwoDimensional| tables.host.lookup(addr).unwrap().flags - LeafFlags::PERMISSIONS;
    assert_eq!(used(&tables), LeafFlags::empty(), "neither is set");
    // The guest's own leaf is marked: that came before.
    let guest = tables.guest.lookup(Addr::<Gva>::new(va)).unwrap().flags;
    assert!(guest.contains(LeafFlags::ACCESSED | LeafFlags::DIRTY));
    assert_eq!(oracle.counts(["log_full_exits", "ept_violations", "references"]), [2, 0, 508]);
    // A load sets no dirty bit.
    oracle.load(&mut tables.tables(), va).unwrap();
    assert_eq!(used(&tables), LeafFlags::ACCESSED);
    assert_eq!(taken(&mut oracle).len(), 512);
    oracle.store(&mut tables.tables(), va + 8).unwrap();
    assert_eq!(taken(&mut oracle), [addr.get()]);
}

#[test]
fn a_full_log_ends_the_walk_at_a_table_too() {
    let (mut tables, mut oracle) = full("");
    // Another page table, which becomes dirty when it is read.
    tables.map_guest(0x20_3000, DATA, Size4K);
    let page_table = tables.guest.locate(Addr::<Gva>::new(0x20_3000)).unwrap().node_address;
    let exit = Err(Fault::LogFull { addr: page_table });
    assert_eq!(oracle.load(&mut tables.tables(), 0x20_3000), exit, "the page, not the entry");
}

#[test]
fn a_log_full_exit_removes_nothing() {
    let arrays = [tlb("l1", 1, &["4K"], 4, 4), walk_cache("walk_cache", 2)].concat();
    let (mut tables, mut oracle) = full(&arrays);
    // The load leaves the prefix from which the exits' walks start; an EPT violation would remove it.
    let va = 508 * 0x1000;
    oracle.load(&mut tables.tables(), va).unwrap();
    let names = ["walks", "walk_cache_hits", "log_full_exits"];
    let before = oracle.counts(names);
    for exits in 1..3 {
        assert!(matches!(oracle.store(&mut tables.tables(), va), Err(Fault::LogFull { .. })));
        assert_eq!(oracle.counts(names), before.map(|count| count + exits));
    }
}

#[test]
fn each_cpu_has_its_own_log() {
    let mut machine = machine("");
    machine.topology.threads = 2;
    let (mut tables, _) = world(2, "");
    let mut oracle = Oracle::new(&machine, 0, &MEMORY);
    oracle.keep_log(1, true);
    for cpu in [0, 1] {
        let store = access(convert::count(cpu) * 0x1000, 8, AccessKind::Store);
        oracle.access(cpu, TAG, &mut tables.tables(), store).unwrap();
    }
    assert_eq!(oracle.take_log(0), []);
    assert_eq!(oracle.take_log(1), [Addr::new(DATA + 0x1000)]);
}
