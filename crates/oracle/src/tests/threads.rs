//! Several threads of a core.

use terrace_addr::PageSize::Size4K;
use terrace_table::{LeafFlags, Levels::Four};

use super::*;

/// Two sockets of one core with two threads each: CPUs 0 and 2 are core 0, CPUs 1 and 3 core 1.
fn four_cpus(arrays: &str) -> Oracle {
    let mut machine = machine(arrays);
    (machine.topology.sockets, machine.topology.threads) = (2, 2);
    Oracle::new(&machine, 0, &MEMORY)
}

/// Four pages from 0 on.
fn native(flags: LeafFlags) -> Native {
    let mut native = Native::new(Four);
    for page in 0..4 {
        native.map_with(page * 0x1000, 0x5000, Size4K, flags);
    }
    native
}

/// References of a load.
fn load(oracle: &mut Oracle, native: &mut Native, cpu: usize, addr: u64) -> u64 {
    let before = oracle.counts(cpu)["walk_references"];
    oracle.access(cpu, TAG, &mut native.tables(), access(addr, 8, AccessKind::Load)).unwrap();
    oracle.counts(cpu)["walk_references"] - before
}

#[test]
fn there_are_as_many_cpus_as_threads() {
    assert_eq!(four_cpus("").cpus(), 4);
}

#[test]
fn a_thread_does_not_use_what_the_other_walked() {
    // Global or not.
    for flags in [LeafFlags::everything(), LeafFlags::everything() | LeafFlags::GLOBAL] {
        let mut oracle = four_cpus(&[tlb("l1", 1, &["4K"], 8, 8), walk_cache("walk_cache", 2)].concat());
        let mut native = native(flags);
        assert_eq!([0, 2, 0, 2].map(|cpu| load(&mut oracle, &mut native, cpu, 0)), [4, 4, 0, 0]);
        assert_eq!([0, 2].map(|cpu| load(&mut oracle, &mut native, cpu, 0x1000)), [1, 1]);
    }
}

#[test]
fn threads_take_each_others_places() {
    // Two entries: the other thread's two pages push out the first one's; another core's do not.
    let mut oracle = four_cpus(&tlb("l1", 1, &["4K"], 2, 2));
    let mut native = native(LeafFlags::everything());
    for (cpu, lost) in [(1, 0), (2, 4)] {
        load(&mut oracle, &mut native, 0, 0);
        for page in [0x1000, 0x2000] {
            load(&mut oracle, &mut native, cpu, page);
        }
        assert_eq!(load(&mut oracle, &mut native, 0, 0), lost);
    }
}

#[test]
fn threads_share_the_lines_of_their_core() {
    let mut oracle = four_cpus(&line_cache("l1", &["load"], 4));
    let mut native = native(LeafFlags::everything());
    for cpu in [0, 2, 1] {
        load(&mut oracle, &mut native, cpu, 0);
    }
    assert_eq!([0, 1, 2, 3].map(|cpu| oracle.counts(cpu)["walk_references_l1"]), [0, 0, 4, 0]);
}

#[test]
fn guest_physical_entries_are_a_threads_own() {
    let mut oracle = four_cpus(&[nested_tlb(&["4K"]), walk_cache("nested_walk_cache", 2)].concat());
    let mut tables = TwoDimensional::new(Four, Four, Size4K);
    tables.map_guest(0, 0x5000, Size4K);
    tables.map_host(0x5000, Size4K);
    for cpu in [0, 2, 0, 2] {
        oracle.access(cpu, TAG, &mut tables.tables(), access(0, 8, AccessKind::Load)).unwrap();
    }
    // 4 + 4 × 1 of the first walk.
    assert_eq!([0, 2].map(|cpu| oracle.counts(cpu)["nested_references"]), [8, 8]);
}

#[test]
fn a_fault_removes_nothing_of_the_other_thread() {
    let mut oracle = four_cpus(&tlb("l1", 1, &["4K"], 8, 8));
    let mut native = native(LeafFlags::READ);
    for cpu in [0, 2] {
        load(&mut oracle, &mut native, cpu, 0);
    }
    oracle.access(0, TAG, &mut native.tables(), access(0, 8, AccessKind::Store)).unwrap_err();
    assert_eq!([0, 2].map(|cpu| load(&mut oracle, &mut native, cpu, 0)), [4, 0]);
}

#[test]
fn an_upgrade_removes_nothing_of_the_other_thread() {
    let mut oracle = four_cpus(&tlb("l1", 1, &["4K"], 8, 8));
    let mut native = native(LeafFlags::everything());
    for cpu in [0, 2] {
        load(&mut oracle, &mut native, cpu, 0);
    }
    oracle.access(0, TAG, &mut native.tables(), access(0, 8, AccessKind::Store)).unwrap();
    assert_eq!(load(&mut oracle, &mut native, 2, 0), 0);
}
