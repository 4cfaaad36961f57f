//! Sampled time agrees with exact time within the error that it states.

use terrace_result::MetricValue;
use terrace_sim::scenarios::{BUILTIN_SCENARIOS, BuiltinScenario};

use super::{of_each, one, registry, total};

const RANDOM: &str = r#"
name = "sampled"
[time]
warm_up = "50 ms"
measure = "64 ms"
interval = "4 ms"
[host]
memory = "1 GiB"
[[vm]]
memory = "192 MiB"
vcpus = 2
[[vm.program]]
workload = "gups"
threads = 2
[vm.program.parameters]
bytes = "64 MiB"
"#;

/// A weight and a quarter of it give the same throughput, within what both say: the error that they state together.
fn agree(name: &str, one: &terrace_result::RunResult, quarter: &terrace_result::RunResult) -> f64 {
    let rate = |result| total(result, "accesses_per_second");
    let error = |result: &terrace_result::RunResult| {
        result.totals.get("sampling_error").map_or(0.0, MetricValue::as_f64)
    };
    let difference = (rate(one) / rate(quarter) - 1.0).abs();
    let stated = error(one) + error(quarter);
    assert!(difference <= stated, "{name} {:?}: {difference} beyond {stated}", one.labels);
    stated
}

#[test]
fn a_weight_and_a_quarter_of_it_agree_within_the_stated_error() {
    for (weight, quarter) in [("16", "4"), ("4", "1")] {
        for systems in ["base-pages", "linux"] {
            let overrides = |weight: &str| {
                [
                    format!("time.weight={weight}"),
                    format!("guest.system={systems}"),
                    format!("host.system={systems}"),
                ]
            };
            let run = |weight: &str| {
                let overrides = overrides(weight);
                super::result(RANDOM, &overrides.each_ref().map(String::as_str))
            };
            let stated = agree("random", &run(weight), &run(quarter));
            assert!(stated < 0.5, "an error of {stated} says nothing");
        }
    }
}

/// A run that ends with its programs goes on for the last of their threads, and the fewer accesses stand for what each
/// does, the later that is: that is stated.
#[test]
fn what_the_last_thread_makes_of_a_run_is_stated() {
    const ENDS: [&str; 8] = [
        "time.measure=1 s",
        "time.interval=5 ms",
        "host.memory=2 GiB",
        "vm.memory=640 MiB",
        "vm.vcpus=8",
        "vm.program.workload=chase",
        "vm.program.threads=8",
        "vm.program.parameters.bytes=512 MiB",
    ];
    // Of each thread some 509,000 operations are the warm-up, and 407,000 are measured, or stood for.
    let run = |weight: &str, operations: &str| {
        let operations = format!("vm.program.parameters.operations={operations}");
        super::result(RANDOM, &[&ENDS[..], &[weight, operations.as_str()]].concat())
    };
    let (sampled, exact) = (run("time.weight=32", "522000"), run("time.weight=1", "916000"));
    agree("ends", &sampled, &exact);
    let rate = |result| total(result, "accesses_per_second");
    let later = 1.0 - rate(&sampled) / rate(&exact);
    assert!(later > 0.005, "{later}: found no thread that was late; expected the run to show one");
}

/// What daemons do on a CPU where no program runs is not the time of anybody's accesses.
#[test]
fn a_daemon_on_a_cpu_of_its_own_does_not_make_the_error_larger() {
    let stated = |vcpus: &str| {
        let busy = ["guest.system=ingens", "guest.parameters.scan_sleep=1 ms"];
        let found = super::result(RANDOM, &[busy, ["time.weight=4", vcpus]].concat());
        total(&found, "sampling_error")
    };
    let (least, error) = (stated("vm.vcpus=2"), stated("vm.vcpus=3"));
    assert!(error < least + 0.05, "{error} with a CPU for daemons, {least} without");
}

/// The same for the scenarios that come with the program, in their reduced form. That is too short for some to become
/// steady (what fragmented memory had moved is faulted in again, a trace is in its first touches): they state a large
/// error then.
#[test]
fn builtin_scenarios_agree_with_themselves_at_a_quarter_of_the_weight() {
    // Thirty runs that differ in little take as long as all others.
    let scenarios: Vec<_> =
        BUILTIN_SCENARIOS.iter().filter(|scenario| scenario.file.name != "ablation").collect();
    of_each(&scenarios, |scenario| agrees_with_itself(scenario));
}

fn agrees_with_itself(scenario: &BuiltinScenario) {
    let registry = registry();
    let results = |weight: &str| -> Vec<_> {
        let weight = format!("time.weight={weight}");
        // Caches are warm before anything stands for anything else.
        let overrides = scenario.reduced.iter().copied().chain(["time.warm_up=50 ms", weight.as_str()]);
        let overrides: Vec<_> = overrides.map(|text| text.parse().unwrap()).collect();
        let vocabulary = registry.vocabulary();
        let found =
            terrace_scenario::parse(scenario.file.text, scenario.file.name, &overrides, &vocabulary).unwrap();
        // Of a large one some five runs, of all its axes.
        let step = if found.len() > 8 { found.len().div_ceil(5) | 1 } else { 1 };
        found.iter().step_by(step).map(|run_of| one(run_of, &registry)).collect()
    };
    for (one, quarter) in results("4").iter().zip(&results("1")) {
        if one.measured.get() > 0 {
            agree(scenario.file.name, one, quarter);
        }
    }
}
