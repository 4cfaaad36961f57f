//! All runs of a scenario, some at a time.

use std::sync::atomic::{AtomicBool, Ordering};

use terrace_addr::Nanos;
use terrace_machine::Machine;
use terrace_result::{EventRow, EventWriter, ResultError, RunResult, ScopeName};
use terrace_scenario::{Found, Run};
use terrace_sim::run::{Batch, Next, Passed, Registry, RunError, Watch};

use super::series::Series;
use crate::CliError;
use crate::interrupt::interrupted;
use crate::parallel::in_order;
use crate::progress::RunsBar;

/// Runs to simulate.
pub(super) struct Job<'a> {
    pub(super) scenario: &'a Found,
    /// The machine of each run.
    pub(super) machines: Vec<&'a Machine>,
    pub(super) registry: &'a Registry,
    /// Whether somebody wants what was recorded: series and events.
    pub(super) keeps_records: bool,
}

/// What a run left.
pub(super) struct Done {
    pub(super) result: RunResult,
    pub(super) series: Series,
    /// `events.parquet`, if events were recorded.
    pub(super) events: Option<Vec<u8>>,
    /// Accesses that were simulated.
    pub(super) simulated: u64,
}

impl Job<'_> {
    /// Simulates all runs, so many at a time. If they are interrupted, these are the first of them. Of runs that cannot
    /// be made, the error of the first.
    pub(super) fn all(&self, at_a_time: usize, bar: &RunsBar) -> Result<Vec<Done>, CliError> {
        let runs = &self.scenario.runs;
        let batch = Batch::new(runs, self.machines.clone(), self.registry, at_a_time);
        let failing = AtomicBool::new(false);
        let over = || interrupted() || failing.load(Ordering::Relaxed);
        let work = |place: usize| {
            let run = &runs[place];
            let record = &run.scenario.record;
            let series = (self.keeps_records && record.series).then(Series::default);
            let events = (self.keeps_records && record.events).then(|| EventWriter::new(Vec::new()));
            let events = events.transpose()?;
            let mut watcher =
                Watcher { place, bar, failing: &failing, series, events, lost: None, simulated: 0 };
            let result = batch.run(place, &mut watcher);
            failing.fetch_or(result.is_err(), Ordering::Relaxed);
            bar.finish(place);
            let result = result.map_err(|error| self.placed(run, error))?;
            let Watcher { series, events, lost, simulated, .. } = watcher;
            if let Some(lost) = lost {
                return Err(lost.into());
            }
            let events = events.map(EventWriter::finish).transpose()?;
            Ok(Done { result, series: series.unwrap_or_default(), events, simulated })
        };
        in_order(runs.len(), at_a_time, over, work).into_iter().collect()
    }

    /// Why a run cannot be made, with the place in the scenario's file if something there is the reason.
    fn placed(&self, run: &Run, error: RunError) -> CliError {
        match error.misfit(&run.scenario) {
            Some(misfit) => self.scenario.misfit(run, misfit).into(),
            None => CliError::Run {
                scenario: run.scenario.name.clone(),
                run: super::name(&run.labels),
                error: Box::new(error),
            },
        }
    }
}

/// Watches one run.
struct Watcher<'a> {
    place: usize,
    bar: &'a RunsBar,
    /// Set when another run could not be made: there is no use in going on.
    failing: &'a AtomicBool,
    series: Option<Series>,
    /// Written as they come: there may be as many as faults.
    events: Option<EventWriter<Vec<u8>>>,
    /// Why an event could not be written.
    lost: Option<ResultError>,
    simulated: u64,
}

impl Watch for Watcher<'_> {
    fn advance(&mut self, passed: Passed) -> Next {
        self.bar.advance(self.place, passed.share, passed.simulated - self.simulated);
        self.simulated = passed.simulated;
        if interrupted() || self.failing.load(Ordering::Relaxed) { Next::Stop } else { Next::Go }
    }

    fn value(&mut self, end: Nanos, scope: ScopeName<'_>, metric: &'static str, value: f64) {
        if let Some(series) = &mut self.series {
            series.push(end, scope, metric, value);
        }
    }

    fn event(&mut self, event: EventRow) {
        if let Some(events) = &mut self.events {
            let run = terrace_addr::convert::narrow(self.place);
            if let Err(error) = events.push(&EventRow { run, ..event }) {
                self.lost.get_or_insert(error);
            }
        }
    }
}
