//! Runs what comparisons need, and sets it beside what was published.

use std::collections::BTreeMap;

use terrace_result::Outcome;
use terrace_scenario::Run;

use super::Comparison;
use super::compared::{Compared, compared};
use super::files::campaign;
use super::found::Found;
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

/// Measures comparisons, so many runs at a time; no number depends on how many. What several of them need runs once.
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
    begun: &dyn Fn(usize) -> Box<dyn Observe>,
) -> Result<Vec<Compared>, ReproduceError> {
    let (at_once, at_a_rate) = wanted(comparisons, extent);
    let by = at_once.len();
    let observer = begun(by + at_a_rate.len());
    let mut totals = Totals::new();
    let mut missing = Vec::new();
    let first: Vec<_> = at_once.into_iter().map(|key| (key, None)).collect();
    stage(first, registry, threads, &*observer, &mut totals, &mut missing)?;
    let rates = at_a_rate.into_iter().filter_map(|(key, capacity)| {
        let capacity = Capacity::of(totals.get(&capacity)?)?;
        Some((key, Some(capacity)))
    });
    let second: Vec<_> = rates.collect();
    if missing.iter().all(|missing: &Missing| !missing.stopped) {
        stage(second, registry, threads, &Shifted { observer: &*observer, by }, &mut totals, &mut missing)?;
    }
    Ok(comparisons.iter().map(|comparison| compared(comparison, extent, &totals, &missing)).collect())
}

/// An observer of runs whose numbers go on from those of others.
struct Shifted<'a> {
    observer: &'a dyn Observe,
    by: usize,
}

impl Observe for Shifted<'_> {
    fn advance(&self, run: usize, passed: Passed) -> Next {
        self.observer.advance(run + self.by, passed)
    }

    fn finish(&self, run: usize) {
        self.observer.finish(run + self.by);
    }
}

/// Runs these, at the rate that follows from a capacity where one is given.
fn stage(
    keys: Vec<(Key, Option<Capacity>)>,
    registry: &Registry,
    threads: usize,
    observer: &dyn Observe,
    totals: &mut Totals,
    missing: &mut Vec<Missing>,
) -> Result<(), ReproduceError> {
    let mut campaigns: BTreeMap<String, Vec<Run>> = BTreeMap::new();
    let (mut runs, mut places) = (Vec::new(), Vec::new());
    for (key, capacity) in keys {
        if !campaigns.contains_key(&key.campaign)
            && let Some(file) = campaign(&key.campaign)
        {
            let read = terrace_scenario::parse(file.text, file.name, &[], &registry.vocabulary())?;
            campaigns.insert(key.campaign.clone(), read);
        }
        let found = campaigns.get(&key.campaign).and_then(|runs| of_campaign(runs, &key));
        let Some(mut run) = found else {
            missing.push(Missing {
                run: format!("{key:?}"),
                why: "not in its campaign".into(),
                stopped: false,
            });
            continue;
        };
        if let Some(capacity) = capacity {
            set_rate(&mut run, capacity);
        }
        runs.push(run);
        places.push(key);
    }
    let Some(first) = runs.first() else { return Ok(()) };
    let machine = terrace_machine::find(&first.scenario.machine.name, &[])?.machine;
    let results = work::all(&runs, &machine, registry, threads, observer);
    for ((key, run), result) in places.into_iter().zip(&runs).zip(results) {
        let labels = || run.labels.iter().map(|(_, value)| value.as_str()).collect::<Vec<_>>().join(", ");
        let Some(result) = result else {
            missing.push(Missing { run: labels(), why: "not begun".to_owned(), stopped: true });
            continue;
        };
        let failed = |error| ReproduceError::Run {
            figure: key.campaign.clone(),
            run: labels(),
            error: Box::new(error),
        };
        let result = result.map_err(failed)?;
        if result.outcome == Outcome::Complete {
            let found = Found::from(result);
            let saturated = key.arrivals == Arrivals::AtARate && found.metric(None, "saturated") != Some(0.0);
            if saturated {
                let why = "requests came faster than they were served: it has no latency".to_owned();
                missing.push(Missing { run: labels(), why, stopped: false });
            }
            totals.insert(key, found);
        } else {
            let stopped = matches!(result.outcome, Outcome::Interrupted { .. });
            missing.push(Missing { run: labels(), why: result.outcome.to_string(), stopped });
        }
    }
    Ok(())
}
