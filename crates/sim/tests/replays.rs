//! What a replay promises whatever is replayed.

use terrace_addr::{Access, AccessKind, Addr, Bytes, PageSize};
use terrace_machine::{Machine, builtin};
use terrace_mmu::Counters;
use terrace_result::Metric;
use terrace_sim::Mode;
use terrace_sim::mapping::{MappingFile, PageRule, PageRules, Placement, Rule};
use terrace_sim::replay::{Kinds, Replay};
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

fn counts(replay: &Replay) -> Vec<Counters> {
    replay.counters().into_iter().map(|(_, counters)| counters).collect()
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
    let mut replay = Replay::new(&server(), &Mode::ALL, &rule(), Kinds::All).unwrap();
    for thread in [0, 1, 0, 1] {
        replay.feed(&batch(thread, 0..8)).unwrap();
    }
    assert_eq!(replay.threads(), 2);
    for counts in counts(&replay) {
        assert_eq!((counts.accesses, counts.stlb_misses), (32, 16), "each thread walks once for each page");
        assert_eq!(counts.upgrade_walks, 0, "pages count as used before the program ran");
    }
    // With one core the second thread finds what the first one left.
    let one_core = builtin("drmemtrace", &[]).unwrap();
    let mut replay = Replay::new(&one_core, &[Mode::Native], &rule(), Kinds::All).unwrap();
    for thread in [0, 1] {
        replay.feed(&batch(thread, 0..8)).unwrap();
    }
    assert_eq!(counts(&replay)[0].stlb_misses, 8);
}

/// How accesses are cut into batches changes nothing: looking ahead touches no state.
#[test]
fn counts_do_not_depend_on_the_batches() {
    // A walk in large steps through more pages than any TLB holds.
    let pages: Vec<u64> = (0..20_000_u64).map(|n| n * 0x9e37_79b9 % 5_003).collect();
    let run = |length: usize| {
        let mut replay = Replay::new(&server(), &Mode::ALL, &rule(), Kinds::All).unwrap();
        for part in pages.chunks(length) {
            replay.feed(&batch(0, part.iter().copied())).unwrap();
        }
        counts(&replay)
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
        let mut replay = Replay::new(&server(), &Mode::ALL, &rule(), Kinds::All).unwrap();
        replay.feed(&batch(0, (0..4000).map(|n| n * 7 % 3001))).unwrap();
        counts(&replay)
    };
    for (mode, expected) in Mode::ALL.into_iter().zip(together) {
        let mut replay = Replay::new(&server(), &[mode], &rule(), Kinds::All).unwrap();
        replay.feed(&batch(0, (0..4000).map(|n| n * 7 % 3001))).unwrap();
        assert_eq!(counts(&replay), [expected]);
    }
}

/// Every combination of page sizes by rule: the translation is as large as the smaller of the two.
#[test]
fn rules_decide_the_page_size_of_each_layer() {
    for guest in PageSize::ALL {
        for host in PageSize::ALL {
            let pages = PageRules { guest: PageRule::All(guest), host: PageRule::All(host) };
            let rule = Rule { pages, memory: Bytes::new(1 << 32), ..rule() };
            let mut replay = Replay::new(&server(), &[Mode::TwoDimensional], &rule, Kinds::All).unwrap();
            replay.feed(&batch(0, [0, 1, 600])).unwrap();
            let counts = counts(&replay)[0];
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
    let mut replay = Replay::new(&server(), &[Mode::TwoDimensional], &rule, Kinds::All).unwrap();
    replay.feed(&batch(0, [0, 5, 511, 512])).unwrap();
    let counts = counts(&replay)[0];
    assert_eq!(
        (counts.translations_2m, counts.translations_4k),
        (1, 1),
        "the page behind the range is by rule"
    );
}
