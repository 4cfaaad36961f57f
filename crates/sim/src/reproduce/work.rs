//! The runs of a figure, some at a time.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

use terrace_machine::Machine;
use terrace_result::RunResult;
use terrace_scenario::Run;

use super::Observe;
use crate::run::{self, Next, Passed, Registry, RunError, Watch};

/// Simulates the runs, so many at a time, the last one first: it is the longest. The results are in the order of the
/// runs; none where a run was not begun.
pub(crate) fn all(
    runs: &[Run],
    machine: &Machine,
    registry: &Registry,
    at_a_time: usize,
    observer: &dyn Observe,
) -> Vec<Option<Result<RunResult, RunError>>> {
    let left = AtomicUsize::new(runs.len());
    let stopped = AtomicBool::new(false);
    let results: Vec<Mutex<_>> = runs.iter().map(|_| Mutex::new(None)).collect();
    let worker = || {
        while !stopped.load(Ordering::Relaxed) {
            let next = left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1));
            let Ok(place) = next.map(|left| left - 1) else { break };
            let mut watcher = Watcher { place, observer, stopped: &stopped };
            let result = run::run(&runs[place], machine, registry, &mut watcher);
            stopped.fetch_or(result.is_err(), Ordering::Relaxed);
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
