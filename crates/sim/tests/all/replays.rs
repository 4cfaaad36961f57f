//! What a replay promises whatever is replayed.

use terrace_addr::{Access, AccessKind, Addr, Bytes, PageSize};
use terrace_machine::{Machine, builtin};
use terrace_mmu::Counters;
use terrace_result::Metric;
use terrace_sim::Mode;
use terrace_sim::mapping::{MappingFile, PageRule, PageRules, Placement, Rule};
use terrace_sim::replay::{Failure, Kinds, Replay, ReplayError, Settings};
use terrace_trace::{Batch, ThreadIndex};

fn rule() -> Rule {
    Rule {
        pages: PageRules::default(),
        placement: Placement::Scattered,
        memory: Bytes::new(1 << 30),
        seed: 1,
        file: None,
    }
}

fn server() -> Machine {
    builtin("broadwell-e5-2620v4", &[]).unwrap()
}

/// Stores to the pages in order, by one thread.
fn batch(thread: u32, pages: impl IntoIterator<Item = u64>) -> Batch {
    let mut batch = Batch::new();
    batch.start(ThreadIndex::new(thread), 0, 0);
    for page in pages {
        batch.push(Access { addr: Addr::new((1 << 40) + (page << 12)), size: 8, kind: AccessKind::Store });
    }
    batch
}

fn counts(replay: &mut Replay) -> Vec<Counters> {
    replay.counters().unwrap().into_iter().map(|(_, counters)| counters).collect()
}

#[test]
fn metrics_are_the_engines_counts_in_the_same_order() {
    let names: Vec<_> = Counters::default().iter().map(|(name, _)| name).collect();
    let metrics: Vec<_> = Metric::ALL.iter().map(|metric| metric.name).collect();
    assert_eq!(names, metrics);
}

/// Each thread has a virtual CPU with TLBs of its own, on the same tables.
#[test]
fn threads_have_tlbs_of_their_own_and_share_the_tables() {
    let mut replay = Replay::new(&server(), &Mode::ALL, &rule(), Settings::default()).unwrap();
    for thread in [0, 1, 0, 1] {
        replay.feed(&mut batch(thread, 0..8)).unwrap();
    }
    assert_eq!(replay.threads(), 2);
    for counts in counts(&mut replay) {
        assert_eq!((counts.accesses, counts.stlb_misses), (32, 16), "each thread walks once for each page");
        assert_eq!(counts.upgrade_walks, 0, "pages count as used before the program ran");
    }
    // With one core the second thread finds what the first one left.
    let one_core = builtin("drmemtrace", &[]).unwrap();
    let mut replay = Replay::new(&one_core, &[Mode::Native], &rule(), Settings::default()).unwrap();
    for thread in [0, 1] {
        replay.feed(&mut batch(thread, 0..8)).unwrap();
    }
    assert_eq!(counts(&mut replay)[0].stlb_misses, 8);
}

/// How accesses are cut into batches changes nothing: looking ahead touches no state.
#[test]
fn counts_do_not_depend_on_the_batches() {
    // A walk in large steps through more pages than any TLB holds.
    let pages: Vec<u64> = (0..20_000_u64).map(|n| n * 0x9e37_79b9 % 5_003).collect();
    let run = |length: usize| {
        let mut replay = Replay::new(&server(), &Mode::ALL, &rule(), Settings::default()).unwrap();
        for part in pages.chunks(length) {
            replay.feed(&mut batch(0, part.iter().copied())).unwrap();
        }
        counts(&mut replay)
    };
    let expected = run(1);
    assert!(expected[1].stlb_misses > 10_000);
    for length in [7, 32, 256, 4096] {
        assert_eq!(run(length), expected, "batches of {length}");
    }
}

#[test]
fn modes_are_replayed_side_by_side_as_each_alone() {
    let together = {
        let mut replay = Replay::new(&server(), &Mode::ALL, &rule(), Settings::default()).unwrap();
        replay.feed(&mut batch(0, (0..4000).map(|n| n * 7 % 3001))).unwrap();
        counts(&mut replay)
    };
    for (mode, expected) in Mode::ALL.into_iter().zip(together) {
        let mut replay = Replay::new(&server(), &[mode], &rule(), Settings::default()).unwrap();
        replay.feed(&mut batch(0, (0..4000).map(|n| n * 7 % 3001))).unwrap();
        assert_eq!(counts(&mut replay), [expected]);
    }
}

/// Every combination of page sizes by rule: the translation is as large as the smaller of the two.
#[test]
fn rules_decide_the_page_size_of_each_layer() {
    for guest in PageSize::ALL {
        for host in PageSize::ALL {
            let pages =
                PageRules { guest: PageRule::All(guest), host: PageRule::All(host), ..PageRules::default() };
            let rule = Rule { pages, memory: Bytes::new(1 << 32), ..rule() };
            let mut replay =
                Replay::new(&server(), &[Mode::TwoDimensional], &rule, Settings::default()).unwrap();
            replay.feed(&mut batch(0, [0, 1, 600])).unwrap();
            let counts = counts(&mut replay)[0];
            let by_size = [counts.translations_4k, counts.translations_2m, counts.translations_1g];
            let smaller = guest.min(host);
            assert_eq!(
                by_size.iter().sum::<u64>(),
                by_size[smaller.index()],
                "{guest} on {host}: {by_size:?}"
            );
        }
    }
}

#[test]
fn a_mapping_file_goes_before_the_rule_and_gives_frames() {
    let file = MappingFile::parse(
        "guest 0x10000000000 0x10000200000 2M 0x40000000\nhost 0x40000000 0x40200000 2M 0x80000000",
    );
    let rule = Rule { file: Some(file.unwrap()), ..rule() };
    let mut replay = Replay::new(&server(), &[Mode::TwoDimensional], &rule, Settings::default()).unwrap();
    replay.feed(&mut batch(0, [0, 5, 511, 512])).unwrap();
    let counts = counts(&mut replay)[0];
    assert_eq!(
        (counts.translations_2m, counts.translations_4k),
        (1, 1),
        "the page behind the range is by rule"
    );
}

/// Each mode has a thread of its own, shares one, or all run in the caller's.
#[test]
fn counts_do_not_depend_on_the_number_of_threads() {
    let run = |threads: usize| {
        let mut replay =
            Replay::new(&server(), &Mode::ALL, &rule(), Settings { threads, ..Settings::default() }).unwrap();
        for number in 0..40 {
            let pages = (0..500).map(|n| (number * 500 + n) * 0x9e37_79b9 % 5_003);
            replay.feed(&mut batch(u32::try_from(number % 2).unwrap(), pages)).unwrap();
        }
        (replay.threads(), replay.instructions(), replay.counters().unwrap())
    };
    let expected = run(1);
    assert_eq!(expected.2.len(), Mode::ALL.len());
    assert!(expected.2.iter().all(|(_, counts)| counts.references == 20_000 && counts.stlb_misses > 5_000));
    for threads in [0, 2, 3, 100] {
        assert_eq!(run(threads), expected, "{threads} threads");
    }
}

/// The error is that of the first access that fails, whoever runs the modes, and it stays.
#[test]
fn failures_do_not_depend_on_the_number_of_threads() {
    for threads in [1, 2, 3] {
        let mut replay = Replay::new(
            &server(),
            &Mode::ALL,
            &rule(),
            Settings { kinds: Kinds::Data, threads, ..Settings::default() },
        )
        .unwrap();
        let mut fed = Ok(());
        for number in 0..50 {
            let mut batch = Batch::new();
            batch.start(ThreadIndex::new(0), 0, number * 4);
            for place in 0..4 {
                let (high, kind) =
                    if place == 0 { (1 << 55, AccessKind::Fetch) } else { (1 << 40, AccessKind::Load) };
                // From batch 9 on the last access of each is beyond four levels.
                let high = if number >= 9 && place == 3 { 1 << 55 } else { high };
                batch.push(Access { addr: Addr::new(high + number), size: 1, kind });
            }
            fed = fed.and_then(|()| replay.feed(&mut batch));
        }
        let failure = Failure::NotCanonical { addr: Addr::new((1 << 55) + 9), levels: 4 };
        let expected = ReplayError::Reference { reference: 9 * 4 + 3, failure };
        assert_eq!(replay.counters(), Err(expected.clone()), "{threads} threads");
        if threads == 1 {
            assert_eq!(fed, Err(expected.clone()));
        }
        assert_eq!(replay.feed(&mut batch(0, [0])), Err(expected), "a failure stays");
    }
}
