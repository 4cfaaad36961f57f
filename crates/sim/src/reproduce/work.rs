//! The runs of a figure, some at a time.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

use terrace_machine::Machine;
use terrace_result::RunResult;
use terrace_scenario::Run;

use super::Observe;
use crate::run::{Batch, Next, Passed, Registry, RunError, Watch};

/// Simulates the runs, so many at a time, the last one first, since it is the longest, and behind it those that begin as
/// it does. The results are in the order of the runs; none where a run was not begun.
pub(crate) fn all(
    runs: &[Run],
    machine: &Machine,
    registry: &Registry,
    at_a_time: usize,
    observer: &dyn Observe,
) -> Vec<Option<Result<RunResult, RunError>>> {
    let batch = Batch::new(runs, vec![machine; runs.len()], registry, at_a_time);
    let order = batch.together((0..runs.len()).rev());
    let next = AtomicUsize::new(0);
    let stopped = AtomicBool::new(false);
    let results: Vec<Mutex<_>> = runs.iter().map(|_| Mutex::new(None)).collect();
    let worker = || {
        while !stopped.load(Ordering::Relaxed) {
            let Some(&place) = order.get(next.fetch_add(1, Ordering::Relaxed)) else { break };
            let mut watcher = Watcher { place, observer, stopped: &stopped };
            let result = batch.run(place, &mut watcher);
            stopped.fetch_or(result.is_err(), Ordering::Relaxed);
            if let Ok(found) = &result {
                observer.found(place, found);
            }
            observer.finish(place);
            *results[place].lock().unwrap_or_else(PoisonError::into_inner) = Some(result);
        }
    };
    thread::scope(|scope| {
        for _ in 1..at_a_time.min(runs.len()) {
            scope.spawn(worker);
        }
        worker();
    });
    results.into_iter().map(|result| result.into_inner().unwrap_or_else(PoisonError::into_inner)).collect()
}

/// Watches one run.
struct Watcher<'a> {
    place: usize,
    observer: &'a dyn Observe,
    /// Set when the observer wants no more, or a run could not be made.
    stopped: &'a AtomicBool,
}

impl Watch for Watcher<'_> {
    fn advance(&mut self, passed: Passed) -> Next {
        if self.observer.advance(self.place, passed) == Next::Stop {
            self.stopped.store(true, Ordering::Relaxed);
        }
        if self.stopped.load(Ordering::Relaxed) { Next::Stop } else { Next::Go }
    }
}
