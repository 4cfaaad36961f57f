//! Isolation under nested virtualization: no guest of a guest hypervisor ever reaches what it was not given, whatever
//! the guest hypervisor writes into its tables and wherever the host moves memory.
//!
//! One host (L0), one guest hypervisor on it (L1), two guests of that (L2). L1 is hostile: it maps its memory in any
//! order, maps one page twice, takes pages and permissions away, clears bits of use, makes and undoes large leaves, puts
//! whole tables in place with one write, and invalidates late. The host's policy is hostile to itself: each page may
//! move at each moment, and pseudo huge pages are asked for everywhere, where they may be and where not. What is cached
//! is the worst: every translation that was ever in EPT02, until a flush is reported that covers it.
//!
//! The reference is as simple as can be: what L1 last wrote into each entry, what it wrote there before since it last
//! invalidated, and a tag for what each page holds. What must hold:
//!
//! - A guest reaches what L1 means, or meant since it last invalidated; where the host moves memory never shows.
//! - A store reaches no page that nothing permitted to store to since then.
//! - Nobody reaches a page of another guest, or of L1, that L1 did not give.
//! - L1 finds in its own memory what was written there last.
//! - A store finds the entry of EPT12 dirty, any use accessed, except for what L1 cleared and has not invalidated.
//! - A pseudo huge page is there if and only if it was asked for and all its parts are as they must be, at every moment.
//!
//! `TERRACE_CASES=100000` runs so many histories (1,000 otherwise). What an API of tables cannot say is not tried: a
//! table of L1 that is linked at two places.

mod accesses;
mod apply;
mod cached;
mod check;
mod contents;
mod guest;
mod history;
mod machine;
mod meaning;
mod places;
mod policy;
mod seen;
#[path = "../world/mod.rs"]
mod world;
mod writes;

use std::cell::RefCell;

use history::{History, history};
use machine::Machine;
use proptest::test_runner::{TestError, TestRunner};
use seen::Seen;

fn run(history: &History) -> Seen {
    let mut machine = Machine::new(history);
    for operation in &history.operations {
        machine.apply(operation);
    }
    for guest in 0..2 {
        machine.invalidate(guest);
    }
    machine.check();
    let compacted = machine.host.counts().compaction_moved;
    Seen { heard: machine.policy.uses, compacted, ..machine.seen }
}

/// How many histories are tried.
fn cases() -> u32 {
    std::env::var("TERRACE_CASES").map_or(1_000, |text| text.parse().expect("a number"))
}

/// Whether a history came to something.
type Holds = fn(&Seen) -> bool;

/// What histories must come to, each some of them.
const SHARES: &[(&str, Holds)] = &[
    ("a pseudo huge page", |seen| seen.joined > 0),
    ("one that was parted", |seen| seen.parted > 0),
    ("one that was refused", |seen| seen.refused > 0),
    ("two over the same frames", |seen| seen.aliased > 0),
    ("an access through one", |seen| seen.through_joined > 0),
    ("an access by what was cached", |seen| seen.cached > 0),
    ("an access to what L1 meant before", |seen| seen.stale > 0),
    ("a leaf that L1 made of base pages", |seen| seen.merged > 0),
    ("a page of which the policy heard", |seen| seen.heard > 0),
    ("a page that compaction moved", |seen| seen.compacted > 0),
    ("a host without memory", |seen| seen.without_memory > 0),
];

#[test]
fn no_guest_reaches_what_it_was_not_given() {
    let config = proptest::test_runner::Config { source_file: Some(file!()), ..world::config(cases()) };
    let all = RefCell::new(Vec::new());
    let came = TestRunner::new(config).run(&history(), |history| {
        all.borrow_mut().push(run(&history));
        Ok(())
    });
    match came {
        Ok(()) => {}
        Err(TestError::Fail(why, history)) => panic!("{why}\nminimal history: {history:#?}"),
        Err(TestError::Abort(why)) => panic!("{why}"),
    }
    let all = all.into_inner();
    let share = |holds: Holds| {
        let those = all.iter().filter(|seen| holds(seen)).count();
        100 * those / all.len()
    };
    let cases = all.len();
    println!("of {cases} histories so many % have");
    for (what, holds) in SHARES {
        println!("{:>4} {what}", share(*holds));
    }
    // In a handful of histories chance has the say.
    if cases >= 1_000 {
        for (what, holds) in SHARES {
            assert!(share(*holds) >= 1, "of {cases} histories nearly none has {what}");
        }
        assert!(share(|seen| seen.joined > 0) >= 25, "few histories have a pseudo huge page");
    }
}
