//! Which runs comparisons need.

use std::collections::{BTreeMap, BTreeSet};

use terrace_addr::{Nanos, convert};
use terrace_scenario::{Run, Value};

use super::found::Found;
use super::{Comparison, Extent};

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

/// So many requests are measured: 100,000, and some more, since as many as are expected to come are not those that do
/// (100,000 that come at random are 316 more or less, one time in three).
const REQUESTS: f64 = 102_000.0;

/// Longer requests are divided into ones of about so many accesses: of those of a speech recogniser 100,000 would take
/// minutes. `assumed`: 500 accesses take 10 us and more, of which a single walk is a small part, so that the queue is that
/// of whole requests in smaller units.
const ACCESSES: f64 = 500.0;

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

/// All runs for so much of comparisons, with the draws from 0 on; and those at a rate with the system whose capacity
/// decides it.
pub(super) fn wanted(comparisons: &[&Comparison], extent: &Extent) -> (BTreeSet<Key>, BTreeMap<Key, Key>) {
    let (mut at_once, mut at_a_rate) = (BTreeSet::new(), BTreeMap::new());
    for comparison in comparisons {
        for program in comparison.programs().into_iter().filter(|program| extent.has_program(program)) {
            for draw in 0..=extent.draws {
                for system in extent.systems_to_run(comparison) {
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
    if key.draw > 0 {
        for vm in &mut run.scenario.vm {
            let parameters = &mut vm.program.last_mut()?.parameters;
            parameters.set("draw", Value::Count(key.draw));
            // A campaign gives how much memory a program has. These were filled in, and are to be drawn.
            for name in ["core_cycles", "parallelism", "instructions"] {
                parameters.remove(name);
            }
        }
        run.labels.push(("draw".to_owned(), key.draw.to_string()));
    }
    Some(run)
}

/// What a baseline serves when requests come at once.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Capacity {
    /// Requests a second.
    requests: f64,
    /// Accesses of each.
    accesses: f64,
}

impl Capacity {
    /// Of a run; none if it served nothing.
    pub(super) fn of(found: &Found) -> Option<Self> {
        let requests = found.metric(None, "operations_per_second").filter(|&requests| requests > 0.0)?;
        let accesses = found.metric(None, "accesses_per_second")? / requests;
        Some(Self { requests, accesses })
    }

    /// Into how many a request is divided.
    fn divided(self) -> u64 {
        convert::floor(self.accesses / ACCESSES).max(1)
    }

    /// At which rate requests come, of which each is a part of one of the baseline's.
    fn rate(self) -> f64 {
        self.requests * convert::ratio(self.divided(), 1) * SHARE
    }
}

/// Sets the rate of a run whose baseline has this capacity, and how long it is measured.
pub(super) fn set_rate(run: &mut Run, capacity: Capacity) {
    let rate = capacity.rate();
    if let Some(program) = run.scenario.vm.first_mut().and_then(|vm| vm.program.last_mut()) {
        program.rate = Some(rate);
        if capacity.divided() > 1 {
            program.parameters.set("divided", Value::Count(capacity.divided()));
        }
    }
    run.scenario.time.measure = Nanos::new(convert::floor(REQUESTS / rate * 1e9));
    run.labels.push(("requests".to_owned(), format!("{rate:.0}/s")));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_requests_are_divided_and_come_as_much_more_often() {
        let capacity = |requests, accesses| Capacity { requests, accesses };
        for (found, divided, rate) in [
            (capacity(1_000_000.0, 23.0), 1, 700_000.0),
            (capacity(1000.0, 999.0), 1, 700.0),
            (capacity(1000.0, 24_000.0), 48, 33_600.0),
        ] {
            assert_eq!(found.divided(), divided);
            assert!((found.rate() - rate).abs() < 1e-6, "{}", found.rate());
        }
    }
}
