//! The modes that one thread runs.

use terrace_addr::Access;
use terrace_mmu::Counters;
use terrace_trace::Batch;

use super::world::World;
use super::{Failure, Kinds, ReplayError};
use crate::time::Interval;

/// The modes that one thread runs, one after the other for each batch.
pub(super) struct Crew {
    /// With their places in the replay.
    worlds: Vec<(usize, Box<dyn World>)>,
    kinds: Kinds,
    /// The accesses of a batch that are replayed, where they are not all of them.
    chosen: Vec<Access>,
    batches: u64,
    failed: Option<Failed>,
}

/// An access that could not be replayed. The least is the first: of the earliest batch, the earliest access,
/// the mode that was asked for first.
#[derive(Debug, Clone, Copy)]
pub(super) struct Failed {
    batch: u64,
    /// The place among the accesses of the batch that are replayed.
    at: usize,
    /// The place of the mode.
    world: usize,
    /// The place in the stream.
    reference: u64,
    failure: Failure,
}

impl Failed {
    const fn order(&self) -> (u64, usize, usize) {
        (self.batch, self.at, self.world)
    }
}

impl From<Failed> for ReplayError {
    fn from(failed: Failed) -> Self {
        Self::Reference { reference: failed.reference, failure: failed.failure }
    }
}

/// How far some modes came.
#[derive(Debug, Default)]
pub(super) struct Report {
    /// Of each mode, with its place in the replay.
    pub(super) counters: Vec<(usize, Counters)>,
    /// What each CPU that ran did, of each mode with its place.
    pub(super) intervals: Vec<(usize, Vec<(usize, Interval)>)>,
    /// The first access that could not be replayed.
    pub(super) failed: Option<Failed>,
}

impl Report {
    /// Adds what others report.
    pub(super) fn add(&mut self, other: Self) {
        self.counters.extend(other.counters);
        self.intervals.extend(other.intervals);
        self.failed = self.failed.into_iter().chain(other.failed).min_by_key(Failed::order);
    }
}

impl Crew {
    pub(super) const fn new(kinds: Kinds) -> Self {
        Self { worlds: Vec::new(), kinds, chosen: Vec::new(), batches: 0, failed: None }
    }

    /// Adds the mode with this place in the replay.
    pub(super) fn add(&mut self, place: usize, world: Box<dyn World>) {
        self.worlds.push((place, world));
    }

    /// Replays a batch in all modes, unless an earlier one failed: nothing that comes after can be the first
    /// failure.
    pub(super) fn run(&mut self, batch: &Batch) -> Result<(), Failed> {
        if let Some(failed) = self.failed {
            return Err(failed);
        }
        let kinds = self.kinds;
        let accesses = if kinds == Kinds::All {
            batch.accesses()
        } else {
            self.chosen.clear();
            self.chosen.extend(batch.accesses().iter().filter(|access| kinds.includes(access.kind)));
            &self.chosen
        };
        for (place, world) in &mut self.worlds {
            if let Err((at, failure)) = world.run(batch.thread().index(), accesses) {
                let chosen = batch.accesses().iter().zip(batch.first_reference()..);
                let chosen = chosen.filter(|(access, _)| kinds.includes(access.kind)).nth(at);
                let reference = chosen.map_or(batch.first_reference(), |(_, reference)| reference);
                let failed = Failed { batch: self.batches, at, world: *place, reference, failure };
                if self.failed.is_none_or(|first| failed.order() < first.order()) {
                    self.failed = Some(failed);
                }
            }
        }
        self.batches += 1;
        self.failed.map_or(Ok(()), Err)
    }

    /// How far the modes came.
    pub(super) fn report(&self) -> Report {
        let counters = self.worlds.iter().map(|(place, world)| (*place, world.counters())).collect();
        let intervals = self.worlds.iter().map(|(place, world)| (*place, world.intervals())).collect();
        Report { counters, intervals, failed: self.failed }
    }
}
