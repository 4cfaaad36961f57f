//! Requests at a rate: who cannot keep up is named, whenever the queue began.

use terrace_addr::Nanos;
use terrace_result::ScopeName;
use terrace_sim::run::{Next, Passed, Watch, run};

use super::{registry, result, runs, total};

const STORE: &str = r#"
name = "latency"
[time]
warm_up = "1 ms"
measure = "4 ms"
interval = "1 ms"
[guest]
system = "base-pages"
[host]
system = "base-pages"
memory = "1 GiB"
[[vm]]
memory = "128 MiB"
[[vm.program]]
workload = "zipf-store"
[vm.program.parameters]
bytes = "32 MiB"
"#;

/// At half of what the store serves nothing waits; at twice of it requests wait ever longer, and one that comes behind
/// all of the warm-up's is as late as they all are, so that no request of the measured time is late among its like.
#[test]
fn requests_that_come_faster_than_they_are_served_saturate_a_store_from_the_beginning() {
    let served = total(&result(STORE, &[]), "operations_per_second");
    for (share, warm_up, saturated) in
        [(0.5, "1 ms", false), (0.5, "40 ms", false), (2.0, "1 ms", true), (2.0, "40 ms", true)]
    {
        let rate = format!("vm.program.rate={}", libm::floor(served * share));
        let warm_up = format!("time.warm_up={warm_up}");
        let found = result(STORE, &[rate.as_str(), warm_up.as_str()]);
        let (flag, p50) = (total(&found, "saturated") > 0.0, total(&found, "latency_p50_ns"));
        assert_eq!(flag, saturated, "{rate} {warm_up}: half of the requests take at most {p50} ns");
    }
}

/// Requests of several programs, the first of the machine not among them, count once each.
#[test]
fn the_mean_of_all_programs_is_that_of_their_requests() {
    let programs = r#"
name = "latency"
time = { warm_up = "2 ms", measure = "10 ms", interval = "5 ms" }
[guest]
system = "base-pages"
[host]
system = "base-pages"
memory = "2 GiB"
[[vm]]
name = "a"
memory = "128 MiB"
[[vm.program]]
workload = "gups"
parameters = { bytes = "8 MiB" }
[[vm]]
name = "b"
memory = "128 MiB"
[[vm.program]]
workload = "zipf-store"
rate = 200000
parameters = { bytes = "8 MiB" }
[[vm]]
name = "c"
memory = "512 MiB"
[[vm.program]]
workload = "zipf-store"
rate = 100000
parameters = { bytes = "256 MiB" }
"#;
    let result = result(programs, &[]);
    let of = |vm: &str, name: &str| {
        let program = result.programs.iter().find(|program| program.vm == vm).unwrap();
        program.metrics.get(name).unwrap().as_f64()
    };
    let time = |vm| of(vm, "requests") * of(vm, "latency_mean_ns");
    let mean = (time("b") + time("c")) / (of("b", "requests") + of("c", "requests"));
    let told = total(&result, "latency_mean_ns");
    assert!((told / mean - 1.0).abs() < 1e-3, "{told} ns, and {mean} of the programs");
}

/// Requests and their times, interval by interval.
#[derive(Default)]
struct Intervals {
    requests: Vec<f64>,
    means: Vec<f64>,
}

impl Watch for Intervals {
    fn advance(&mut self, _: Passed) -> Next {
        Next::Go
    }

    fn value(&mut self, _: Nanos, scope: ScopeName<'_>, metric: &'static str, value: f64) {
        match (scope, metric) {
            (ScopeName::Run, "requests") => self.requests.push(value),
            (ScopeName::Run, "latency_mean_ns") => self.means.push(value),
            _ => {}
        }
    }
}

#[test]
fn the_latencies_of_an_interval_are_those_of_its_requests() {
    let registry = registry();
    let chosen = runs(STORE, &["vm.program.rate=1000000", "time.warm_up=0 s"]);
    let machine = terrace_machine::builtin(&chosen[0].scenario.machine.name, &[]).unwrap();
    let mut seen = Intervals::default();
    let result = run(&chosen[0], &machine, &registry, &mut seen).unwrap();
    assert!(seen.means.len() > 2 && seen.means.len() == seen.requests.len(), "{:?}", seen.means);
    let requests: f64 = seen.requests.iter().sum();
    let time: f64 = seen.requests.iter().zip(&seen.means).map(|(requests, mean)| requests * mean).sum();
    let (told, mean) = (total(&result, "latency_mean_ns"), time / requests);
    assert!((told / mean - 1.0).abs() < 1e-3, "{told} ns, and {mean} of the intervals: {:?}", seen.means);
}
