//! Which runs comparisons need.

use std::collections::{BTreeMap, BTreeSet};

use terrace_addr::{Nanos, convert};
use terrace_scenario::{Run, Value};

use super::{Comparison, Metric};

/// A run of a campaign.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key {
    pub(super) campaign: String,
    pub(super) program: String,
    pub(super) memory: String,
    /// The draw of the program's assumed numbers; 0 is what is stated.
    pub(super) draw: u64,
    pub(super) arrivals: Arrivals,
    pub(super) system: String,
}

/// How requests come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Arrivals {
    /// The next when the last is done: what a program can do at most.
    AtOnce,
    /// At a rate, at most [`SHARE`] of what the baseline serves at once.
    AtARate,
}

/// The part of what the baseline serves at which requests come where latencies are measured.
pub(super) const SHARE: f64 = 0.7;

/// Requests that are measured, at least, unless it takes longer than [`LONGEST`].
const REQUESTS: f64 = 100_000.0;

/// No latencies are measured longer. `assumed`: of requests of a millisecond these are 1,400.
const LONGEST: Nanos = Nanos::new(2_000_000_000);

impl Key {
    /// The same with the campaign's baseline, when requests come at once: what decides the rate.
    pub(super) fn capacity(&self, baseline: &str) -> Self {
        Self { system: baseline.to_owned(), arrivals: Arrivals::AtOnce, ..self.clone() }
    }
}

impl Comparison {
    /// The run that a value of this comparison comes from.
    pub(super) fn key(&self, program: &str, system: &str, draw: u64) -> Key {
        Key {
            campaign: self.campaign.clone(),
            program: program.to_owned(),
            memory: self.memory.clone(),
            draw,
            arrivals: if self.metric.is_latency() { Arrivals::AtARate } else { Arrivals::AtOnce },
            system: system.to_owned(),
        }
    }
}

/// All runs for comparisons of the programs that `chosen` says, with the draws from 0 on; and those at a rate with the
/// system whose capacity decides it.
pub(super) fn wanted(
    comparisons: &[&Comparison],
    draws: u64,
    chosen: &dyn Fn(&str) -> bool,
) -> (BTreeSet<Key>, BTreeMap<Key, Key>) {
    let (mut at_once, mut at_a_rate) = (BTreeSet::new(), BTreeMap::new());
    for comparison in comparisons {
        for program in comparison.programs().into_iter().filter(|program| chosen(program)) {
            for draw in 0..=draws {
                for system in comparison.systems_to_run() {
                    let key = comparison.key(program, system, draw);
                    if let (Arrivals::AtARate, Some(baseline)) = (key.arrivals, &comparison.baseline) {
                        let capacity = key.capacity(baseline);
                        at_once.insert(capacity.clone());
                        at_a_rate.insert(key, capacity);
                    } else {
                        at_once.insert(key);
                    }
                }
            }
        }
    }
    (at_once, at_a_rate)
}

/// The run of a campaign that a key names; none if the campaign has none.
///
/// Its program is the last of its machine: those before it leave the memory in some state.
pub(super) fn of_campaign(runs: &[Run], key: &Key) -> Option<Run> {
    let wanted = [("program", &key.program), ("memory", &key.memory), ("system", &key.system)];
    let mut run = runs
        .iter()
        .find(|run| {
            wanted
                .iter()
                .all(|(axis, name)| run.labels.iter().any(|(found, value)| found == axis && value == *name))
        })?
        .clone();
    let program = run.scenario.vm.first_mut()?.program.last_mut()?;
    if key.draw > 0 {
        program.parameters.set("draw", Value::Count(key.draw));
        run.labels.push(("draw".to_owned(), key.draw.to_string()));
    }
    Some(run)
}

/// Sets the rate of a run whose baseline serves so many requests a second, and how long it is measured.
pub(super) fn set_rate(run: &mut Run, capacity: f64) {
    let rate = capacity * SHARE;
    if let Some(program) = run.scenario.vm.first_mut().and_then(|vm| vm.program.last_mut()) {
        program.rate = Some(rate);
    }
    let nanos = (REQUESTS / rate * 1e9).min(convert::ratio(LONGEST.get(), 1));
    run.scenario.time.measure = run.scenario.time.measure.max(Nanos::new(convert::floor(nanos)));
    run.labels.push(("requests".to_owned(), format!("{rate:.0}/s")));
}

/// Whether values of a metric are better when they are larger.
pub(super) const fn more_is_better(metric: Metric) -> bool {
    matches!(metric, Metric::Throughput | Metric::WellAligned)
}
