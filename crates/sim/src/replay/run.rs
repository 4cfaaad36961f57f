//! A replay in progress.

use core::fmt;

use terrace_machine::Machine;
use terrace_mmu::Counters;
use terrace_trace::Batch;

use super::crew::{Crew, Report};
use super::workers::Workers;
use super::world::build;
use super::{ReplayError, Settings};
use crate::Mode;
use crate::mapping::Rule;
use crate::time::Interval;

/// A machine in some modes, fed with accesses.
pub struct Replay {
    modes: Vec<Mode>,
    /// The modes that the caller's thread runs.
    crew: Crew,
    /// Those that run the others.
    workers: Workers,
    instructions: u64,
    threads: usize,
}

impl fmt::Debug for Replay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(&self.modes).finish()
    }
}

impl Replay {
    /// A replay in these modes, with nothing replayed yet. The modes are shared out to the settings' threads,
    /// at most one for each mode: the caller's, which is one of them, and others that the replay starts.
    ///
    /// # Errors
    /// If the machine cannot be built for the rule's memory, or a thread cannot be started.
    pub fn new(
        machine: &Machine,
        modes: &[Mode],
        rule: &Rule,
        settings: Settings,
    ) -> Result<Self, ReplayError> {
        let Settings { kinds, threads, .. } = settings;
        let mut crews = share_out(modes, threads).into_iter().map(|places| {
            let mut crew = Crew::new(kinds);
            for place in places {
                crew.add(place, build(modes[place], machine, rule, settings)?);
            }
            Ok(crew)
        });
        let crew = crews.next().unwrap_or_else(|| Ok(Crew::new(kinds)))?;
        let workers = Workers::start(crews.collect::<Result<_, ReplayError>>()?)?;
        Ok(Self { modes: modes.to_vec(), crew, workers, instructions: 0, threads: 0 })
    }

    /// Replays a batch in every mode. The batch may be taken and exchanged for another: what it holds
    /// afterwards means nothing, and it is there to be filled anew.
    ///
    /// # Errors
    /// At the first access of the stream that cannot be mapped or translated in some mode; of several modes
    /// that fail at the same one, for the first. With several threads the error may come at a later call; it
    /// is the same error. Every call after it returns it again.
    pub fn feed(&mut self, batch: &mut Batch) -> Result<(), ReplayError> {
        self.threads = self.threads.max(batch.thread().index() + 1);
        self.instructions += batch.instructions();
        let done = if self.workers.are_none() {
            self.crew.run(batch)
        } else {
            let shared = self.workers.hand_out(batch);
            self.crew.run(&shared)
        };
        if done.is_err() || self.workers.are_failing() {
            // Which is the first failure is known when all have come as far.
            self.report().failed.map_or(Ok(()), |failed| Err(failed.into()))
        } else {
            Ok(())
        }
    }

    /// The counts so far, of all CPUs together, for each mode in the order in which they were asked for. What
    /// was fed is replayed to its end first.
    ///
    /// # Errors
    /// That of [`feed`](Self::feed), if an access could not be replayed.
    pub fn counters(&mut self) -> Result<Vec<(Mode, Counters)>, ReplayError> {
        let Report { counters, failed, .. } = self.report();
        if let Some(failed) = failed {
            return Err(failed.into());
        }
        Ok(counters.into_iter().map(|(place, counters)| (self.modes[place], counters)).collect())
    }

    /// What each CPU that ran an access has done so far, with its number, for each mode in the order in which they
    /// were asked for: what a time is made of.
    ///
    /// # Errors
    /// As [`counters`](Self::counters).
    pub fn intervals(&mut self) -> Result<Vec<Vec<(usize, Interval)>>, ReplayError> {
        let Report { intervals, failed, .. } = self.report();
        failed.map_or_else(
            || Ok(intervals.into_iter().map(|(_, intervals)| intervals).collect()),
            |failed| Err(failed.into()),
        )
    }

    /// How far all modes came, with everything that was fed.
    fn report(&mut self) -> Report {
        let mut all = self.crew.report();
        self.workers.report(&mut all);
        all.counters.sort_by_key(|(place, _)| *place);
        all.intervals.sort_by_key(|(place, _)| *place);
        all
    }

    /// Instructions fed so far.
    pub const fn instructions(&self) -> u64 {
        self.instructions
    }

    /// Threads seen so far.
    pub const fn threads(&self) -> usize {
        self.threads
    }
}

/// Shares modes out to threads: the places of each one's modes. Those with more dimensions, which take
/// longer, are shared out first, each to who has least to do.
fn share_out(modes: &[Mode], threads: usize) -> Vec<Vec<usize>> {
    let mut shares = vec![(0, Vec::new()); threads.clamp(1, modes.len().max(1))];
    let mut places: Vec<_> = (0..modes.len()).collect();
    places.sort_by_key(|&place| core::cmp::Reverse(modes[place].dimensions()));
    for place in places {
        if let Some((load, share)) = shares.iter_mut().min_by_key(|(load, _)| *load) {
            *load += modes[place].dimensions();
            share.push(place);
        }
    }
    shares.into_iter().map(|(_, share)| share).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_mode_goes_to_one_thread_and_the_long_ones_apart() {
        let modes = [Mode::Native, Mode::TwoDimensional, Mode::Nested, Mode::Shadow];
        assert_eq!(share_out(&modes, 2), [[1, 0], [2, 3]]);
        assert_eq!(share_out(&modes, 1), [[1, 2, 0, 3]]);
        assert_eq!(share_out(&modes, 9).len(), 4);
        assert_eq!(share_out(&[], 2), [[0; 0]]);
    }
}
