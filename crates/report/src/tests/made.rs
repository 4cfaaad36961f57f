//! Results made by hand.

use std::collections::BTreeMap;

use terrace_addr::Nanos;
use terrace_result::{
    LayerMetrics, LayerRow, MODEL_VERSION, MachineUsed, Metrics, Outcome, ProgramMetrics, RUNS_KIND,
    RUNS_SCHEMA_VERSION, RunResult, RunsResult, ScenarioUsed, SeriesRow, Sha256, run_metric,
};

use crate::Loaded;

/// What is measured of one run.
#[derive(Clone, Copy)]
pub(super) struct Measured {
    pub(super) rate: f64,
    pub(super) walks: u64,
    pub(super) aligned: f64,
    pub(super) walk_cycles: f64,
    pub(super) error: Option<f64>,
}

pub(super) const BASE: Measured =
    Measured { rate: 1e6, walks: 500_000, aligned: 0.0, walk_cycles: 5e6, error: Some(0.01) };

pub(super) fn run(labels: &[(&str, &str)], system: &str, program: &str, measured: Measured) -> RunResult {
    let mut totals = Metrics::new();
    let Measured { rate, walks, aligned, walk_cycles, error } = measured;
    let zero = [
        "stlb_cycles",
        "walk_nested_cycles",
        "fault_guest_cycles",
        "fault_hypervisor_cycles",
        "fault_host_cycles",
        "exit_cycles",
        "flush_cycles",
        "interrupt_cycles",
        "copy_cycles",
        "clear_cycles",
        "daemon_cycles",
    ];
    for (name, value) in [
        ("accesses_per_second", rate),
        ("core_cycles", 4e6),
        ("data_cycles", 1e6),
        ("walk_guest_cycles", walk_cycles),
        ("cycles", 5e6 + walk_cycles),
        ("well_aligned_share", aligned),
    ]
    .into_iter()
    .chain(zero.map(|name| (name, 0.0)))
    .chain(error.map(|error| ("sampling_error", error)))
    {
        totals.set(name, value).unwrap();
    }
    let well_aligned = terrace_addr::convert::floor(aligned * 1e6);
    for (name, value) in [
        ("accesses", 1_000_000),
        ("walks", walks),
        ("exits", 0),
        ("well_aligned_bytes", well_aligned),
        ("guest_huge_only_bytes", 0),
        ("host_huge_only_bytes", 0),
        ("base_bytes", 1_000_000 - well_aligned),
    ] {
        totals.set(name, value).unwrap();
    }
    let mut layer = Metrics::new();
    layer.set("fmfi", 0.5).unwrap();
    let row = |layer: &str| LayerRow {
        vm: "vm".into(),
        mode: "2d".into(),
        layer: layer.into(),
        system: system.into(),
        parameters: vec![("thp".into(), "<always>".into())],
    };
    RunResult {
        labels: labels.iter().map(|(axis, value)| ((*axis).to_owned(), (*value).to_owned())).collect(),
        machine: "m".into(),
        outcome: Outcome::Complete,
        simulated: Nanos::new(2_000_000),
        measured: Nanos::new(1_000_000),
        weight: if error.is_some() { 8 } else { 1 },
        matrix: vec![row("guest"), row("host")],
        totals,
        vms: Vec::new(),
        layers: vec![LayerMetrics {
            vm: Some("vm".into()),
            layer: "guest".into(),
            metrics: layer,
            counts: BTreeMap::from([("booked".to_owned(), 3)]),
        }],
        programs: vec![ProgramMetrics { vm: "vm".into(), name: program.into(), metrics: Metrics::new() }],
    }
}

pub(super) fn loaded(runs: Vec<(RunResult, u64)>) -> Loaded {
    let configurations =
        runs.iter().map(|(run, seed)| format!("name = \"s\"\nseed = {seed}\n# {:?}\n", run.matrix[0].system));
    let configurations = configurations.collect();
    let result = RunsResult {
        kind: RUNS_KIND.into(),
        schema_version: RUNS_SCHEMA_VERSION,
        terrace_version: "0.1.0".into(),
        model_version: MODEL_VERSION,
        scenario: ScenarioUsed {
            name: "small".into(),
            description: "What </script><script>alert(1)</script> & \"more\" shows.".into(),
            sha256: Sha256::of(b"s"),
            overrides: vec!["seed=1".into()],
            configurations,
        },
        machines: vec![MachineUsed { name: "m".into(), sha256: Sha256::of(b"m"), overrides: Vec::new() }],
        runs: runs.into_iter().map(|(run, _)| run).collect(),
    };
    Loaded {
        name: "small".into(),
        sha256: Sha256::of(b"r"),
        result,
        series: Vec::new(),
        events: Vec::new(),
        circumstances: None,
    }
}

/// Two programs under base pages and two systems, in two states of memory. In clean memory the systems are alike, in
/// fragmented memory `aligned` is clearly faster.
pub(super) fn demo() -> Loaded {
    let mut runs = Vec::new();
    for (program, rate) in [("p", 1e6), ("q", 3e6)] {
        for (system, name) in [("linux", "thp"), ("base-pages", "base"), ("aligned", "aligned")] {
            for memory in ["clean", "fragmented"] {
                let gain = match (name, memory) {
                    ("base", _) => 1.0,
                    (_, "clean") => 1.2,
                    ("thp", _) => 1.05,
                    _ => 1.15,
                };
                let of_base = name == "base";
                let (walks, aligned) = if of_base {
                    (500_000, 0.0)
                } else if gain > 1.1 {
                    (100_000, 0.8)
                } else {
                    (450_000, 0.1)
                };
                let measured = Measured {
                    rate: rate * gain,
                    walks,
                    aligned,
                    walk_cycles: if of_base { 5e6 } else { 1e6 },
                    error: Some(0.01),
                };
                let labels = [("program", program), ("system", name), ("memory", memory)];
                runs.push((run(&labels, system, program, measured), 1));
            }
        }
    }
    loaded(runs)
}

/// The same with a series that has fragmentation, too, and with requests.
pub(super) fn with_requests() -> Loaded {
    let mut result = with_series();
    let fmfi = run_metric("fmfi").unwrap();
    let more: Vec<_> = result.series.iter().map(|row| SeriesRow { metric: fmfi, ..row.clone() }).collect();
    result.series.extend(more);
    for run in &mut result.result.runs {
        for (name, value) in [
            ("requests", 1_000),
            ("latency_p50_ns", 10_000),
            ("latency_p95_ns", 30_000),
            ("latency_p99_ns", 900_000),
            ("saturated", 0),
        ] {
            run.totals.set(name, value).unwrap();
        }
    }
    result
}

/// The same with a series of two intervals.
pub(super) fn with_series() -> Loaded {
    let mut result = demo();
    let metric = run_metric("huge_coverage").unwrap();
    for run in 0..12 {
        for (end, value) in [(500_000, 0.25), (1_000_000, 0.75)] {
            let scope = "vm/guest".to_owned();
            result.series.push(SeriesRow { run, end: Nanos::new(end), scope, metric, value });
        }
    }
    result
}
