//! Results with known counts.

use terrace_addr::Nanos;
use terrace_result::{LayerRow, Metrics, RUNS_KIND, RUNS_SCHEMA_VERSION, ScenarioUsed};

use super::*;

/// A run of so many accesses, walks, and cycles of them, in 1000 cycles.
fn run(
    labels: &[(&str, &str)],
    mode: &str,
    segment: u64,
    (accesses, walks, cycles): (u64, u64, f64),
) -> RunResult {
    let mut totals = Metrics::new();
    totals.set("cycles", 1000.0).unwrap();
    totals.set("accesses", accesses).unwrap();
    totals.set("walks", walks).unwrap();
    totals.set("walk_guest_cycles", cycles / 4.0).unwrap();
    totals.set("walk_nested_cycles", cycles * 0.75).unwrap();
    totals.set("segment_bytes", segment).unwrap();
    let labels = labels.iter().map(|(axis, value)| ((*axis).to_owned(), (*value).to_owned()));
    let row = LayerRow {
        vm: "vm".into(),
        mode: mode.into(),
        layer: "guest".into(),
        system: "linux".into(),
        parameters: Vec::new(),
    };
    RunResult {
        labels: labels.collect(),
        machine: "one-gigahertz".into(),
        outcome: Outcome::Complete,
        simulated: Nanos::new(1),
        measured: Nanos::new(1),
        weight: 1,
        matrix: vec![row],
        totals,
        vms: Vec::new(),
        layers: Vec::new(),
        programs: Vec::new(),
    }
}

fn result(runs: Vec<RunResult>) -> RunsResult {
    let scenario = ScenarioUsed {
        name: "made".into(),
        description: String::new(),
        sha256: Sha256::of(b"scenario"),
        overrides: Vec::new(),
        configurations: Vec::new(),
    };
    RunsResult {
        kind: RUNS_KIND.into(),
        schema_version: RUNS_SCHEMA_VERSION,
        terrace_version: "0".into(),
        model_version: 4,
        scenario,
        machines: Vec::new(),
        runs,
    }
}

/// Two programs, each natively, on two kinds of EPT, and in a segment.
fn runs() -> Vec<RunResult> {
    let mut runs = Vec::new();
    for (program, walks) in [("a", 10), ("b", 0)] {
        let of = |value| [("program", program), ("way", value)];
        let cost = |cycles: f64| if walks > 0 { cycles } else { 0.0 };
        runs.push(run(&of("bare"), "native", 0, (200, walks, cost(40.0))));
        runs.push(run(&of("small"), "2d", 0, (100, walks, cost(500.0))));
        runs.push(run(&of("large"), "2d", 0, (100, walks, cost(200.0))));
        runs.push(run(&of("one"), "2d", 4096, (200, walks, cost(60.0))));
    }
    runs
}

fn measured(runs: Vec<RunResult>, selection: &Selection) -> Result<Measured, FleetError> {
    let clock = |machine: &str| (machine == "one-gigahertz").then_some(1_000_000_000);
    Measured::of(&result(runs), ("folder", &Sha256::of(b"text")), selection, 0.5, clock)
}

/// 1000 cycles at 1 GHz are a microsecond: 10 walks in it are 10⁷ a second, and half of that over both programs.
#[test]
fn costs_are_those_of_the_same_work() {
    let Measured { costs, from } = measured(runs(), &Selection::default()).unwrap();
    assert_eq!((from.axis.as_str(), from.ept.as_str(), from.segment.as_str()), ("way", "large", "one"));
    assert_eq!((from.native.as_deref(), from.kinds.len()), (Some("bare"), 2));
    // 60 cycles for 200 accesses are 30 for the 100 that EPT made in its time, of 10 walks; natively 20.
    let expected =
        WalkCosts { walks_per_core_second: 5e6, ept_cycles: 20.0, segment_cycles: 3.0, busy_share: 0.5 };
    assert_eq!(costs, expected);
    assert_eq!(from.kinds[0].native_cycles_per_core_second, Some(2e7));
    let small = Selection { ept: Some("small".into()), ..Selection::default() };
    assert_eq!(measured(runs(), &small).unwrap().costs.ept_cycles.to_bits(), 50_f64.to_bits());
    let only = Selection { only: vec![("program".into(), "a".into())], ..Selection::default() };
    let only = measured(runs(), &only).unwrap();
    assert_eq!((only.costs.walks_per_core_second.to_bits(), only.from.kinds.len()), (1e7_f64.to_bits(), 1));
}

#[test]
fn what_is_missing_is_said_with_what_is_there() {
    let refused = |runs, selection: &Selection, parts: &[&str]| {
        let error = measured(runs, selection).unwrap_err().to_string();
        assert!(parts.iter().all(|part| error.contains(part)), "{parts:?} in {error}");
    };
    let any = Selection::default();
    let without =
        |way: &str| -> Vec<RunResult> { runs().into_iter().filter(|run| run.labels[1].1 != way).collect() };
    refused(
        without("one"),
        &any,
        &["program=a way=bare native", "way=small on EPT", "terrace run contiguous"],
    );
    let only_segments: Vec<_> = runs().into_iter().filter(|run| Way::of(run) == Way::Segment).collect();
    refused(only_segments, &any, &["way=one in segments", "expected runs of the same programs"]);
    refused(Vec::new(), &any, &["found no run that came to its end"]);
    let mut cut = runs();
    for run in &mut cut {
        run.outcome = Outcome::Interrupted { at: Nanos::new(1) };
    }
    refused(cut, &any, &["found no run that came to its end"]);
    let ept = Selection { ept: Some("bare".into()), ..any.clone() };
    refused(runs(), &ept, &["found no such bare", "way whose runs are on EPT: small, large"]);
    let other = Selection { only: vec![("program".into(), "c".into())], ..any.clone() };
    refused(runs(), &other, &["no run with program=c", "program=a, program=b"]);
    let idle = Selection { only: vec![("program".into(), "b".into())], ..any.clone() };
    refused(runs(), &idle, &["without a walk"]);
    let mut elsewhere = runs();
    for run in &mut elsewhere {
        run.machine = "mine".into();
    }
    refused(elsewhere, &any, &["the machine mine, whose clock is not known"]);
}
