//! The engine against the oracle: random machines of both makers, random tables with mixed leaf sizes on bare metal, on
//! EPT, on a segment, composed by software, random accesses, invalidations and changes of mappings; schemes that
//! machines may have, and direct segments that come, change and go. Every result, every count, every logged address and every accessed and dirty bit must be equal; and where tables are composed, what is
//! translated must be what the layers say.
//!
//! A case is made from a number. `TERRACE_CASES=1000000` runs so many (10,000 otherwise), `TERRACE_FIRST_CASE=N`
//! begins elsewhere. A case that failed is cut down to the operations that matter before it is shown, and its
//! number is kept in `KNOWN`, which always runs.

mod against;
mod both;
mod case;
mod direct;
mod draw;
mod flushes;
mod history;
mod machines;
mod run;
mod tables;
mod worlds;

use case::{Case, Sums};
use terrace_mmu::InvalidationKind;

/// Numbers of cases that once failed.
const KNOWN: &[u64] = &[0, 61];
/// The same, from before there were schemes.
const KNOWN_WITHOUT_SCHEMES: &[u64] = &[0, 61];

fn number(variable: &str, otherwise: u64) -> u64 {
    std::env::var(variable).map_or(otherwise, |text| text.parse().expect("a number"))
}

fn check(numbers: impl Iterator<Item = u64>, case: impl Fn(u64) -> Case) {
    for number in numbers {
        let case = case(number);
        if case.run().is_err() {
            let case = case.smallest();
            panic!("case {number}: {}\n{case}", case.run().expect_err("it still fails"));
        }
    }
}

#[test]
fn known_cases_stay_mended() {
    check(KNOWN.iter().copied(), Case::new);
    check(KNOWN_WITHOUT_SCHEMES.iter().copied(), Case::without_schemes);
}

/// Two threads share the work; which numbers they take does not matter.
#[test]
fn engine_equals_oracle() {
    let first = number("TERRACE_FIRST_CASE", 0);
    let cases = number("TERRACE_CASES", 10_000);
    std::thread::scope(|scope| {
        for half in 0..2 {
            scope.spawn(move || check((first + half..first + cases).step_by(2), Case::new));
        }
    });
}

/// Segments are one kind of several above; here every case is one, in two blocks of memory.
#[test]
fn two_segments_equal_the_oracle() {
    let (first, cases) = (number("TERRACE_FIRST_CASE", 0), number("TERRACE_CASES", 10_000));
    check(first..first + cases / 5, Case::in_two_segments);
    let mut sums = Sums::new();
    for number in 0..200 {
        for (name, value) in Case::in_two_segments(number).run().expect("it was equal above") {
            *sums.entry(name).or_insert(0) += value;
        }
    }
    for name in
        ["fault segment", "count segment_violations", "count walk_cache_hits", "count translations_2m"]
    {
        assert!(sums.get(name).is_some_and(|&value| value > 0), "{name} stayed 0");
    }
}

/// The cases reach what they are for: a test that never faults, upgrades or invalidates would prove little.
#[test]
fn cases_reach_every_count() {
    let mut sums = Sums::new();
    for number in 0..600 {
        for (name, value) in Case::new(number).run().unwrap_or_else(|error| panic!("case {number}: {error}"))
        {
            *sums.entry(name).or_insert(0) += value;
        }
    }
    for (name, value) in &sums {
        assert!(*value > 0, "{name} stayed 0");
    }
    let of = |kind: &str| sums.keys().filter(|name| name.starts_with(kind)).count();
    assert_eq!(of("count "), 42, "every count is compared");
    assert_eq!(of("invalidation "), InvalidationKind::ALL.len(), "every kind of invalidation is executed");
    assert_eq!(of("fault "), 6, "every kind of fault, page faults and EPT violations for both causes");
    assert!(of("node ") > 1, "several memory nodes serve references");
}
