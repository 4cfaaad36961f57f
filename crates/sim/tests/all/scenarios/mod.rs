//! Scenarios whose outcome is known: what Linux's daemon promotes, how modes and page sizes compare, how sampled time
//! agrees with exact time.

mod batch;
mod contiguous;
mod events;
mod flushes;
mod follows;
mod gemini;
mod khugepaged;
mod latency;
mod memory;
mod modes;
mod sampled;
mod schemes;
mod used;

use std::sync::atomic::{AtomicUsize, Ordering};

use terrace_machine::builtin;
use terrace_result::RunResult;
use terrace_scenario::Run;
use terrace_sim::run::{Registry, Unwatched, run};

/// The registry of the built-in systems.
fn registry() -> Registry {
    Registry::new(terrace_systems::registry().iter().copied())
}

/// The runs of a scenario file with overrides.
fn runs(text: &str, overrides: &[&str]) -> Vec<Run> {
    let overrides: Vec<_> = overrides.iter().map(|text| text.parse().unwrap()).collect();
    terrace_scenario::parse(text, "test", &overrides, &registry().vocabulary()).unwrap()
}

/// The results of a scenario file with overrides.
fn results(text: &str, overrides: &[&str]) -> Vec<RunResult> {
    let registry = registry();
    let all = runs(text, overrides);
    all.iter().map(|run_of| one(run_of, &registry)).collect()
}

/// The result of a run on its machine.
fn one(run_of: &Run, registry: &Registry) -> RunResult {
    let chosen = &run_of.scenario.machine;
    let machine = builtin(&chosen.name, &chosen.overrides().unwrap()).unwrap();
    run(run_of, &machine, registry, &mut Unwatched).unwrap()
}

/// The only result.
fn result(text: &str, overrides: &[&str]) -> RunResult {
    let mut all = results(text, overrides);
    assert_eq!(all.len(), 1);
    all.remove(0)
}

/// Does something with each, several at a time.
fn of_each<T: Sync>(all: &[T], work: impl Fn(&T) + Sync) {
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from).min(8) {
            scope.spawn(|| {
                while let Some(one) = all.get(next.fetch_add(1, Ordering::Relaxed)) {
                    work(one);
                }
            });
        }
    });
}

/// A metric of the whole run.
fn total(result: &RunResult, name: &str) -> f64 {
    result.totals.get(name).unwrap_or_else(|| panic!("{name} was not measured")).as_f64()
}

/// A metric of a layer of the only machine.
fn of_layer(result: &RunResult, layer: &str, name: &str) -> f64 {
    let found = result.layers.iter().find(|found| found.layer == layer).expect("the layer is measured");
    found.metrics.get(name).unwrap_or_else(|| panic!("{name} was not measured")).as_f64()
}
