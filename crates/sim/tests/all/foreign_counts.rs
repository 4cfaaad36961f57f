//! Counts of other simulators for real traces, met to the last unit. `tests/data/README.md` says where they
//! come from and how they are counted.

use terrace_addr::Bytes;
use terrace_machine::{Override, builtin};
use terrace_mmu::Counters;
use terrace_sim::Mode;
use terrace_sim::mapping::{PageRules, Placement, Rule};
use terrace_sim::replay::{Kinds, Replay, Settings};
use terrace_trace::Batch;

/// Replays a trace of `tests/data` natively.
fn replay(trace: &str, machine: &str, overrides: &[&str], pages: &str, kinds: Kinds) -> Counters {
    let overrides: Vec<Override> = overrides.iter().map(|text| text.parse().unwrap()).collect();
    let machine = builtin(machine, &overrides).unwrap();
    let rule = Rule {
        pages: pages.parse::<PageRules>().unwrap(),
        placement: Placement::Scattered,
        memory: Bytes::new(1 << 36),
        seed: 1,
        file: None,
    };
    let mut replay =
        Replay::new(&machine, &[Mode::Native], &rule, Settings { kinds, ..Settings::default() }).unwrap();
    let path = format!("{}/../../tests/data/{trace}", env!("CARGO_MANIFEST_DIR"));
    let mut source = terrace_trace::open(path).unwrap();
    let mut batch = Batch::new();
    while source.next_batch(&mut batch).unwrap() {
        replay.feed(&mut batch).unwrap();
    }
    replay.counters().unwrap()[0].1
}

/// (L1I hits, misses), (L1D hits, misses), (L2 hits, misses).
type Row = [(u64, u64); 3];

fn drmemtrace(trace: &str, overrides: &[&str], pages: &str) -> Row {
    let counts = replay(trace, "drmemtrace", overrides, pages, Kinds::All);
    [
        (counts.itlb_accesses - counts.itlb_misses, counts.itlb_misses),
        (counts.dtlb_accesses - counts.dtlb_misses, counts.dtlb_misses),
        (counts.stlb_hits, counts.stlb_misses),
    ]
}

const SORT: &str = "sort.drmemtrace.zip";
const GUPS: &str = "gups.drmemtrace.zip";
/// The second shape of the table: 64/8, 64/4, 1024/8.
const SMALLER: &[&str] =
    &["tlb.l1i.entries=64", "tlb.l1i.ways=8", "tlb.stlb.entries=1024", "tlb.stlb.ways=8"];
/// The third shape: 128/8, 32/4, 1536/12.
const LARGE_PAGES: &[&str] = &["tlb.l1d.entries=32"];

/// `sort` has 108 records of size 0, and drmemtrace's simulator looks nothing up for the two of them that are
/// aligned to a page. Here a size of 0 touches one byte: two more L1D hits than its 3,007,470.
#[test]
fn drmemtrace_counts_of_sort_with_4k_pages() {
    let expected = [(8_146_890, 129), (3_007_470 + 2, 316), (166, 279)];
    assert_eq!(drmemtrace(SORT, &[], "4K"), expected);
}

/// Size 0 as above.
#[test]
fn drmemtrace_counts_of_sort_with_4k_pages_and_smaller_tlbs() {
    let expected = [(8_146_855, 164), (3_007_470 + 2, 316), (201, 279)];
    assert_eq!(drmemtrace(SORT, SMALLER, "4K"), expected);
}

#[test]
fn drmemtrace_counts_of_sort_with_2m_pages() {
    let expected = [(8_146_611, 3), (3_007_743, 8), (3, 8)];
    assert_eq!(drmemtrace(SORT, LARGE_PAGES, "2M"), expected);
}

#[test]
fn drmemtrace_counts_of_gups_with_4k_pages() {
    let expected = [(715_585, 80), (97_762, 60_048), (1_340, 58_788)];
    assert_eq!(drmemtrace(GUPS, &[], "4K"), expected);
}

#[test]
fn drmemtrace_counts_of_gups_with_4k_pages_and_smaller_tlbs() {
    let expected = [(715_583, 82), (97_762, 60_048), (898, 59_232)];
    assert_eq!(drmemtrace(GUPS, SMALLER, "4K"), expected);
}

#[test]
fn drmemtrace_counts_of_gups_with_2m_pages() {
    let expected = [(715_524, 3), (112_835, 44_975), (44_843, 135)];
    assert_eq!(drmemtrace(GUPS, LARGE_PAGES, "2M"), expected);
}

#[test]
fn champsim_counts_of_the_mix() {
    let counts = replay("mix.champsim.xz", "champsim", &[], "4K", Kinds::Data);
    assert_eq!(counts.dtlb_accesses, 100_000);
    assert_eq!(counts.dtlb_misses, 41_616);
    assert_eq!(counts.stlb_misses, 29_730);
    assert_eq!(counts.walks, 29_730);
    assert_eq!(counts.walk_references, 58_795);
}
