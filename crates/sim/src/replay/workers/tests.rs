//! The threads, with fakes for modes.

use std::time::Duration;

use terrace_addr::{Access, AccessKind, Addr};
use terrace_mmu::Counters;
use terrace_trace::ThreadIndex;

use super::super::world::World;
use super::super::{Failure, Kinds};
use super::*;

/// Counts accesses; fails at one of them, and takes its time for each batch.
struct Fake {
    seen: u64,
    fails_at: u64,
    delay: Duration,
}

impl World for Fake {
    fn run(&mut self, _: usize, accesses: &[Access]) -> Result<(), (usize, Failure)> {
        std::thread::sleep(self.delay);
        for (at, access) in accesses.iter().enumerate() {
            if self.seen == self.fails_at {
                // Which of the fakes it was can be told from the levels.
                let levels = u32::try_from(self.delay.as_micros()).unwrap();
                return Err((at, Failure::NotCanonical { addr: access.addr, levels }));
            }
            self.seen += 1;
        }
        Ok(())
    }

    fn intervals(&self) -> Vec<(usize, crate::time::Interval)> {
        Vec::new()
    }

    fn explain(&mut self, _: Access) -> crate::walk::Explained {
        unreachable!("only replays are tested here")
    }

    fn counters(&self) -> Counters {
        Counters { references: self.seen, ..Counters::default() }
    }
}

/// Fakes, by where they fail and how many microseconds a batch takes them, shared out to so many crews.
fn crews(fakes: &[(u64, u64)], threads: usize) -> Vec<Crew> {
    let mut crews: Vec<_> = (0..threads).map(|_| Crew::new(Kinds::Data)).collect();
    for (place, &(fails_at, micros)) in fakes.iter().enumerate() {
        let delay = Duration::from_micros(micros);
        crews[place % threads].add(place, Box::new(Fake { seen: 0, fails_at, delay }));
    }
    crews
}

/// Feeds 100 batches of a fetch and 7 loads each; what every fake has seen, or the first failure.
fn feed(fakes: &[(u64, u64)], threads: usize) -> Result<Vec<u64>, ReplayError> {
    let mut workers = Workers::start(crews(fakes, threads))?;
    let mut batch = Batch::new();
    for number in 0..100 {
        batch.start(ThreadIndex::new(0), 0, number * 8);
        for place in 0..8 {
            let kind = if place == 0 { AccessKind::Fetch } else { AccessKind::Load };
            batch.push(Access { addr: Addr::new(number * 8 + place), size: 1, kind });
        }
        workers.hand_out(&mut batch);
        if workers.are_failing() {
            break;
        }
    }
    let mut all = Report::default();
    workers.report(&mut all);
    all.counters.sort_by_key(|(place, _)| *place);
    match all.failed {
        Some(failed) => Err(failed.into()),
        None => Ok(all.counters.into_iter().map(|(_, counters)| counters.references).collect()),
    }
}

#[test]
fn every_thread_sees_every_batch() {
    for threads in [1, 2, 3] {
        let seen = feed(&[(u64::MAX, 0), (u64::MAX, 100), (u64::MAX, 0)], threads).unwrap();
        assert_eq!(seen, [700; 3]);
    }
}

/// However the threads race, and also where the slowest mode is the first to fail in the stream.
#[test]
fn the_first_failure_of_the_stream_is_reported() {
    for (fakes, reference, levels) in [
        // Access 40 of those replayed is the sixth load of the sixth batch.
        ([(60, 0), (40, 900), (50, 10)], 5 * 8 + 6, 900),
        ([(690, 0), (u64::MAX, 100), (691, 10)], 98 * 8 + 5, 0),
        // At the same access, the mode that was asked for first.
        ([(70, 20), (40, 500), (40, 10)], 5 * 8 + 6, 500),
    ] {
        for threads in [1, 2, 3] {
            let addr = Addr::new(reference);
            let failure = Failure::NotCanonical { addr, levels };
            let expected = ReplayError::Reference { reference, failure };
            assert_eq!(feed(&fakes, threads), Err(expected), "{threads} threads, {fakes:?}");
        }
    }
}

#[test]
#[should_panic(expected = "sleep")]
fn a_panic_of_a_thread_is_passed_on() {
    struct Panics;
    impl World for Panics {
        fn run(&mut self, _: usize, _: &[Access]) -> Result<(), (usize, Failure)> {
            panic!("no sleep")
        }
        fn intervals(&self) -> Vec<(usize, crate::time::Interval)> {
            Vec::new()
        }

        fn explain(&mut self, _: Access) -> crate::walk::Explained {
            unreachable!("only replays are tested here")
        }

        fn counters(&self) -> Counters {
            Counters::default()
        }
    }
    let mut crews = crews(&[(u64::MAX, 0)], 2);
    crews[1].add(1, Box::new(Panics));
    let mut workers = Workers::start(crews).unwrap();
    workers.hand_out(&mut Batch::new());
    workers.report(&mut Report::default());
}

#[test]
fn batches_are_used_again() {
    let mut workers = Workers::start(crews(&[(u64::MAX, 0), (u64::MAX, 50)], 2)).unwrap();
    let mut batch = Batch::new();
    for _ in 0..1000 {
        workers.hand_out(&mut batch);
    }
    workers.report(&mut Report::default());
    // Those that wait, the one at work, and the one that was handed out while all these were taken.
    assert!(workers.out.len() <= DEPTH + 2, "{} batches", workers.out.len());
}
