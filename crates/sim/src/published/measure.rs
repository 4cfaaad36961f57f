//! Runs what comparisons need, and sets it beside what was published.

use std::collections::BTreeMap;

use terrace_result::{Outcome, RunResult, Sha256};
use terrace_scenario::Run;

use super::Comparison;
use super::compared::{Compared, compared};
use super::files::campaign;
use super::found::Found;
use super::kept::{Depends, Kept};
use super::reduced::reduce;
use super::wanted::{Arrivals, Capacity, Key, of_campaign, set_rate, wanted};
use crate::reproduce::{Missing, Observe, ReproduceError, work};
use crate::run::{Next, Passed, Registry};

/// How much of comparisons is measured.
#[derive(Debug, Clone, Default)]
pub struct Extent {
    /// How many draws of the assumed numbers, besides the stated ones.
    pub draws: u64,
    /// Only these programs; all, if there are none.
    pub programs: Vec<String>,
    /// In machines of a part of the size, with programs that are as much smaller and run for less time.
    pub reduced: bool,
    /// Only these systems, and those that values are percentages of; all, if there are none.
    pub systems: Vec<String>,
}

impl Extent {
    /// Whether a program is measured.
    pub(super) fn has_program(&self, program: &str) -> bool {
        self.programs.is_empty() || self.programs.iter().any(|name| name == program)
    }

    fn has_system(&self, system: &str) -> bool {
        self.systems.is_empty() || self.systems.iter().any(|name| name == system)
    }

    /// The systems that have to run for a comparison.
    pub(super) fn systems_to_run<'c>(&self, comparison: &'c Comparison) -> Vec<&'c str> {
        let mut systems = comparison.systems_to_run();
        systems.retain(|system| self.has_system(system) || comparison.is_measure(system));
        systems
    }

    /// The systems that are shown of a comparison.
    pub(super) fn shown<'c>(&self, comparison: &'c Comparison) -> Vec<&'c str> {
        let mut systems = comparison.shown();
        systems.retain(|system| self.has_system(system));
        systems
    }
}

/// What is known of the runs so far.
pub(super) type Totals = BTreeMap<Key, Found>;

/// Measures comparisons, so many runs at a time; no number depends on how many. What several of them need runs once, and
/// what is kept does not run again.
///
/// `begun` is told how many runs there are. If the observer stops them, or memory runs out in one, what was measured
/// is there, and what was not is named.
///
/// # Errors
/// If the registry lacks what a campaign names, or if a run cannot be made.
pub fn measure(
    comparisons: &[&'static Comparison],
    extent: &Extent,
    registry: &Registry,
    threads: usize,
    kept: Option<&Kept>,
    begun: &dyn Fn(usize) -> Box<dyn Observe>,
) -> Result<Vec<Compared>, ReproduceError> {
    let (at_once, at_a_rate) = wanted(comparisons, extent);
    let by = at_once.len();
    let observer = begun(by + at_a_rate.len());
    let (totals, missing) = (Totals::new(), Vec::new());
    let reduced = extent.reduced;
    let mut measuring = Measuring { registry, threads, kept, reduced, observer: &*observer, totals, missing };
    measuring.stage(at_once.into_iter().map(|key| (key, None)).collect(), 0)?;
    let rates = at_a_rate.into_iter().filter_map(|(key, capacity)| {
        let capacity = Capacity::of(measuring.totals.get(&capacity)?)?;
        Some((key, Some(capacity)))
    });
    let second: Vec<_> = rates.collect();
    if measuring.missing.iter().all(|missing| !missing.stopped) {
        measuring.stage(second, by)?;
    }
    let Measuring { totals, missing, .. } = measuring;
    Ok(comparisons.iter().map(|comparison| compared(comparison, extent, &totals, &missing)).collect())
}

/// Runs that are measured.
struct Measuring<'a> {
    registry: &'a Registry,
    threads: usize,
    kept: Option<&'a Kept>,
    reduced: bool,
    observer: &'a dyn Observe,
    totals: Totals,
    missing: Vec<Missing>,
}

/// A run that has a place among all.
struct Placed {
    key: Key,
    /// Its number for the observer.
    number: usize,
    depends: Depends,
}

/// Tells an observer of runs that have other numbers for it, and keeps what they found.
struct Watching<'a> {
    observer: &'a dyn Observe,
    kept: Option<&'a Kept>,
    placed: &'a [Placed],
}

impl Observe for Watching<'_> {
    fn advance(&self, run: usize, passed: Passed) -> Next {
        self.observer.advance(self.placed[run].number, passed)
    }

    fn found(&self, run: usize, result: &RunResult) {
        if let Some(kept) = self.kept.filter(|_| result.outcome == Outcome::Complete) {
            kept.keep(self.placed[run].depends.clone(), result.into());
        }
    }

    fn finish(&self, run: usize) {
        self.observer.finish(self.placed[run].number);
    }
}

fn labels(run: &Run) -> String {
    run.labels.iter().map(|(_, value)| value.as_str()).collect::<Vec<_>>().join(", ")
}

impl Measuring<'_> {
    /// Runs these, at the rate that follows from a capacity where one is given; the observer has their numbers from
    /// `first` on.
    fn stage(&mut self, keys: Vec<(Key, Option<Capacity>)>, first: usize) -> Result<(), ReproduceError> {
        let mut campaigns: BTreeMap<String, Vec<Run>> = BTreeMap::new();
        let (mut runs, mut placed, mut machine) = (Vec::new(), Vec::new(), None);
        for (number, (key, capacity)) in (first..).zip(keys) {
            if !campaigns.contains_key(&key.campaign)
                && let Some(file) = campaign(&key.campaign)
            {
                let read = terrace_scenario::parse(file.text, file.name, &[], &self.registry.vocabulary())?;
                campaigns.insert(key.campaign.clone(), read);
            }
            let found = campaigns.get(&key.campaign).and_then(|runs| of_campaign(runs, &key));
            let Some(mut run) = found else {
                let why = "not in its campaign".into();
                self.missing.push(Missing { run: format!("{key:?}"), why, stopped: false });
                continue;
            };
            if let Some(capacity) = capacity {
                set_rate(&mut run, capacity);
            }
            if self.reduced {
                reduce(&mut run);
            }
            let (_, digest) = match &mut machine {
                Some(machine) => machine,
                none => {
                    let found = terrace_machine::find(&run.scenario.machine.name, &[])?;
                    none.insert((found.machine, Sha256::of(found.text.as_bytes())))
                }
            };
            let depends = Depends::on(digest, run.scenario.to_toml());
            if let Some(found) = self.kept.and_then(|kept| kept.find(&depends)) {
                self.observer.finish(number);
                self.take(key, &run, found);
                continue;
            }
            runs.push(run);
            placed.push(Placed { key, number, depends });
        }
        let Some((machine, _)) = machine.filter(|_| !runs.is_empty()) else { return Ok(()) };
        let observer = Watching { observer: self.observer, kept: self.kept, placed: &placed };
        let results = work::all(&runs, &machine, self.registry, self.threads, &observer);
        for ((Placed { key, .. }, run), result) in placed.into_iter().zip(&runs).zip(results) {
            let Some(result) = result else {
                let why = "not begun".to_owned();
                self.missing.push(Missing { run: labels(run), why, stopped: true });
                continue;
            };
            let failed = |error| ReproduceError::Run {
                figure: key.campaign.clone(),
                run: labels(run),
                error: Box::new(error),
            };
            let result = result.map_err(failed)?;
            if result.outcome == Outcome::Complete {
                self.take(key, run, Found::from(&result));
            } else {
                let stopped = matches!(result.outcome, Outcome::Interrupted { .. });
                self.missing.push(Missing { run: labels(run), why: result.outcome.to_string(), stopped });
            }
        }
        Ok(())
    }

    /// Takes what a run found.
    fn take(&mut self, key: Key, run: &Run, found: Found) {
        if key.arrivals == Arrivals::AtARate && found.metric(None, "saturated") != Some(0.0) {
            let why = "requests came faster than they were served: it has no latency".to_owned();
            self.missing.push(Missing { run: labels(run), why, stopped: false });
        }
        self.totals.insert(key, found);
    }
}
