//! Counts that arithmetic gives.

use crate::world::{DATA, Native, load, machine};
use rand_core::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use terrace_addr::{PageSize, convert};
use terrace_machine::Machine;

/// A machine whose TLBs have so many entries, in sets of so many ways.
fn with_tlbs(l1: (u32, u32), stlb: (u32, u32)) -> Machine {
    let mut machine = machine("");
    for (name, (entries, ways)) in [("l1d", l1), ("stlb", stlb)] {
        let array = machine.tlb.get_mut(name).unwrap();
        (array.entries, array.ways) = (entries, ways);
    }
    machine
}

/// (first-level misses, second-level misses) of `rounds` scans over `pages` pages.
fn scan(machine: &Machine, pages: u64, rounds: u64) -> (u64, u64) {
    let mut world = Native::new(machine).with_pages(pages, PageSize::Size4K);
    for _ in 0..rounds {
        for page in 0..pages {
            world.run(load(DATA + page * 4096)).unwrap();
        }
    }
    (world.counts().dtlb_misses, world.counts().stlb_misses)
}

/// A cyclic scan over no more pages than an LRU set holds misses in its first round only; over one more it
/// misses always.
#[test]
fn cyclic_scans_over_an_lru_set_miss_never_or_always() {
    for ways in [1, 2, 4, 6, 12, 16, 20, 96] {
        let machine = with_tlbs((ways, ways), (128, 128));
        let held = u64::from(ways);
        assert_eq!(scan(&machine, held, 10), (held, held), "{ways} ways");
        assert_eq!(scan(&machine, held + 1, 10), (10 * (held + 1), held + 1), "{ways} ways");
    }
}

/// The same for each set where pages spread evenly over the sets.
#[test]
fn cyclic_scans_over_sets_of_lru_fit_as_their_entries_do() {
    let machine = with_tlbs((64, 4), (1536, 12));
    assert_eq!(scan(&machine, 64, 5), (64, 64));
    assert_eq!(scan(&machine, 64 + 16, 5), (5 * 80, 80), "one page more in every set of the first level");
    assert_eq!(scan(&machine, 1536 + 128, 3), (3 * 1664, 3 * 1664), "one more in every set of both levels");
}

/// Uniformly random accesses hit a fully associative TLB with probability entries ÷ pages, whatever it replaces
/// as long as that does not look ahead.
#[test]
fn gups_misses_as_often_as_entries_and_pages_say() {
    const ACCESSES: u64 = 200_000;
    for pages in [256_u64, 1024, 4096] {
        for replacement in ["lru", "random"] {
            let mut machine = with_tlbs((16, 16), (128, 128));
            for array in machine.tlb.values_mut() {
                array.replacement = if replacement == "lru" {
                    terrace_machine::Replacement::Lru
                } else {
                    terrace_machine::Replacement::Random
                };
            }
            let mut world = Native::new(&machine).with_pages(pages, PageSize::Size4K);
            let mut random = Xoshiro256PlusPlus::seed_from_u64(pages);
            for _ in 0..ACCESSES {
                world.run(load(DATA + (random.next_u64() % pages) * 4096)).unwrap();
            }
            let counts = world.counts();
            for (misses, entries) in [(counts.dtlb_misses, 16), (counts.stlb_misses, 128)] {
                let missed = convert::ratio(misses, ACCESSES);
                // The second level sees only what the first misses, and keeps nothing of what it serves there.
                let expected = 1.0 - convert::ratio(entries, pages);
                // Five standard deviations of the sample, and what both levels hold twice over at most.
                let chance = 5.0 * (expected * (1.0 - expected) / 200_000.0).sqrt();
                let overlap = if entries == 128 { convert::ratio(16, pages) } else { 0.0 };
                assert!(
                    (missed - expected).abs() <= chance + overlap,
                    "{replacement}, {pages} pages: missed {missed:.4}, expected {expected:.4}"
                );
            }
        }
    }
}

/// The inclusion property of LRU: a larger fully associative TLB never misses more, on any sequence.
#[test]
fn a_larger_fully_associative_lru_tlb_never_misses_more() {
    let misses = |entries: u32| {
        let machine = with_tlbs((entries, entries), (1, 1));
        let mut world = Native::new(&machine).with_pages(64, PageSize::Size4K);
        let mut random = Xoshiro256PlusPlus::seed_from_u64(9);
        for _ in 0..20_000 {
            // Skewed: small numbers are drawn more often.
            let page = random.next_u64() % (1 + random.next_u64() % 64);
            world.run(load(DATA + page * 4096)).unwrap();
        }
        world.counts().dtlb_misses
    };
    let series: Vec<_> = [1, 2, 3, 5, 8, 15, 16, 17, 31, 48, 64].map(misses).to_vec();
    assert!(series.is_sorted_by(|fewer, more| fewer >= more), "{series:?}");
    assert_eq!(series.last(), Some(&64), "what holds everything misses once for each page");
}
