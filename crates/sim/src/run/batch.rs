//! Runs of which some begin with the same memory.
//!
//! To fragment memory and to back what was in use takes longer than many a run. It depends on no program, so that runs
//! that differ in their programs only have the layers made once, and each but the last goes on with a copy.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use terrace_machine::Machine;
use terrace_result::RunResult;
use terrace_scenario::{Run, Scenario, Timing};

use super::layers::Layers;
use super::prepare::{Short, prepare};
use super::{Registry, RunError, Watch, run_on};

/// Runs, each on its machine. A run has the same result here as alone.
#[derive(Debug)]
pub struct Batch<'a> {
    runs: &'a [Run],
    machines: Vec<&'a Machine>,
    registry: &'a Registry,
    /// The group of each run, if others begin as it does.
    groups: Vec<Option<usize>>,
    state: Mutex<State>,
}

/// What the runs of a group begin with, once one of them has made it.
type Slot = Arc<Mutex<Option<Result<Layers, Short>>>>;

#[derive(Debug)]
struct State {
    /// How many runs of each group have not begun.
    left: Vec<usize>,
    /// What is kept for those, the oldest first.
    kept: VecDeque<(usize, Slot)>,
    /// So many are kept at most.
    most: usize,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<'a> Batch<'a> {
    /// These runs, with the machine of each, so many at a time: the memory of as many beginnings is kept beside theirs.
    ///
    /// # Panics
    /// If there are not as many machines as runs.
    pub fn new(
        runs: &'a [Run],
        machines: Vec<&'a Machine>,
        registry: &'a Registry,
        at_a_time: usize,
    ) -> Self {
        assert_eq!(runs.len(), machines.len(), "each run has its machine");
        let mut beginnings: Vec<(Scenario, &Machine)> = Vec::new();
        let mut left: Vec<usize> = Vec::new();
        let mut groups = Vec::new();
        for (run, &machine) in runs.iter().zip(&machines) {
            groups.push(beginning(&run.scenario).map(|beginning| {
                let known = beginnings.iter().position(|(known, on)| *known == beginning && *on == machine);
                let group = known.unwrap_or_else(|| {
                    beginnings.push((beginning, machine));
                    left.push(0);
                    left.len() - 1
                });
                left[group] += 1;
                group
            }));
        }
        for group in &mut groups {
            *group = group.filter(|&group| left[group] > 1);
        }
        let state = Mutex::new(State { left, kept: VecDeque::new(), most: at_a_time.max(1) });
        Self { runs, machines, registry, groups, state }
    }

    /// The same runs in an order in which those that begin alike come behind the first of them.
    pub fn together(&self, order: impl Iterator<Item = usize>) -> Vec<usize> {
        let mut first = BTreeMap::new();
        let mut order: Vec<(usize, usize)> = order
            .enumerate()
            .map(|(at, place)| {
                let group = self.groups[place];
                (group.map_or(at, |group| *first.entry(group).or_insert(at)), place)
            })
            .collect();
        order.sort_by_key(|&(at, _)| at);
        order.into_iter().map(|(_, place)| place).collect()
    }

    /// Makes one of the runs, as [`run`](super::run) does.
    ///
    /// # Errors
    /// As [`run`](super::run)'s.
    pub fn run(&self, place: usize, watch: &mut dyn Watch) -> Result<RunResult, RunError> {
        run_on(&self.runs[place], self.machines[place], || self.layers(place), watch)
    }

    /// What a run begins with.
    fn layers(&self, place: usize) -> Result<Result<Layers, Short>, RunError> {
        let prepare = || prepare(&self.runs[place].scenario, self.machines[place], self.registry);
        let Some(group) = self.groups[place] else { return prepare() };
        let (slot, last) = lock(&self.state).slot(group);
        // Whoever comes second waits here for what the first one makes.
        let mut slot = lock(&slot);
        let layers = match slot.take() {
            Some(layers) => layers,
            None => prepare()?,
        };
        if !last {
            *slot = Some(layers.clone());
        }
        Ok(layers)
    }
}

impl State {
    /// Where the layers of a group are kept, or are to be; and whether this is the last run that wants them.
    fn slot(&mut self, group: usize) -> (Slot, bool) {
        self.left[group] -= 1;
        let last = self.left[group] == 0;
        let slot = match self.kept.iter().position(|&(kept, _)| kept == group) {
            Some(at) if last => self.kept.remove(at).map(|(_, slot)| slot),
            Some(at) => Some(Arc::clone(&self.kept[at].1)),
            None => None,
        };
        let slot = slot.unwrap_or_else(|| {
            let slot = Slot::default();
            if !last {
                if self.kept.len() == self.most {
                    self.kept.pop_front();
                }
                self.kept.push_back((group, Arc::clone(&slot)));
            }
            slot
        });
        (slot, last)
    }
}

/// What decides how a scenario's memory is when its programs begin, if it takes work to make it so.
fn beginning(scenario: &Scenario) -> Option<Scenario> {
    let layers = [
        (scenario.guest.fragmentation, scenario.guest.used),
        (scenario.hypervisor.fragmentation, scenario.hypervisor.used),
        (scenario.host.fragmentation, false),
    ];
    let takes_work = layers.iter().any(|&(fragmentation, used)| fragmentation > 0.0 || used);
    takes_work.then(|| {
        let mut beginning = scenario.clone();
        beginning.name.clear();
        beginning.description.clear();
        beginning.time = Timing::default();
        beginning.record.series = false;
        for vm in &mut beginning.vm {
            vm.program.clear();
        }
        beginning
    })
}

#[cfg(test)]
mod tests;
