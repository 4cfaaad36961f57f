use terrace_addr::{Bytes, Nanos};

use super::*;
use crate::place::ServerPolicy;
use crate::server::ExtentPolicy;
use crate::sim::{Means, Repair, Unwatched, simulate};
use crate::spec::{FleetSpec, THESIS_CORES, THESIS_MEMORY};

fn setup() -> Setup {
    let fleet = FleetSpec::alike(60, THESIS_CORES, THESIS_MEMORY);
    let repair = Repair { means: Means::Migrate, budget: Bytes::new(1 << 40) };
    Setup { extents: ExtentPolicy::BestFit, repair, ..Setup::new(fleet, ServerPolicy::Stack) }
}

fn result() -> (FleetResult, Outcome) {
    let synthetic = Synthetic { vms: 3000, days: 2, ..Synthetic::default() };
    let trace = synthetic.trace().unwrap();
    let setup = setup();
    let outcome = simulate(&trace, &setup, &mut Unwatched).unwrap();
    let costs =
        WalkCosts { walks_per_core_second: 1e6, ept_cycles: 61.5, segment_cycles: 20.25, busy_share: 0.5 };
    let result = FleetResult {
        kind: FLEET_KIND.into(),
        schema_version: FLEET_SCHEMA_VERSION,
        terrace_version: "0.1.0".into(),
        model_version: 2,
        input: InputUsed {
            name: "synthetic".into(),
            format: "synthetic".into(),
            sha256: Some(Sha256::of(b"abc")),
            synthetic: Some(synthetic),
            first_vms: Some(3000),
            vms: 3000,
            events: convert::count(trace.events().len()),
            skipped: SkippedUsed {
                rows: 1,
                by_value: vec![("cores".into(), 1)],
                first: vec!["line 3".into()],
            },
        },
        servers: setup.fleet.classes.iter().map(Into::into).collect(),
        granule_bytes: 1,
        interval_ns: setup.interval.get(),
        runs: vec![FleetRun::new(&setup, &outcome, Some(&costs)).unwrap()],
        costs: Some(costs),
        costs_from: None,
    };
    (result, outcome)
}

fn json(result: &FleetResult) -> String {
    let mut bytes = Vec::new();
    result.write(Notation::Json, &mut bytes).unwrap();
    String::from_utf8(bytes).unwrap()
}

#[test]
fn a_result_reads_back_and_its_bytes_are_the_same() {
    let (result, _) = result();
    let text = json(&result);
    let read = FleetResult::read(&text, "a.json").unwrap();
    assert_eq!(read, result);
    assert_eq!(json(&read), text);
    // Every metric of the registry is there.
    assert_eq!(result.runs[0].metrics.iter().count(), FleetMetric::ALL.len());
    assert_eq!(result.runs[0].name(), "stack/best-fit/migrate");
    assert!(FleetMetric::ALL.iter().all(|metric| !metric.meaning.is_empty()));
}

#[test]
fn csv_has_a_row_for_each_run_and_metric() {
    let (result, _) = result();
    let mut bytes = Vec::new();
    result.write(Notation::Csv, &mut bytes).unwrap();
    let text = String::from_utf8(bytes).unwrap();
    assert!(
        text.starts_with("run,policy,extents,repair,metric,value\n0,stack,best-fit,migrate,arrivals,3000\n")
    );
    assert_eq!(text.lines().count(), 1 + FleetMetric::ALL.len());
}

#[test]
fn what_is_no_result_is_an_error_that_says_so() {
    let (result, _) = result();
    let refused = |from: &str, to: &str| {
        let text = json(&result);
        assert!(text.contains(from), "{from}");
        FleetResult::read(&text.replacen(from, to, 1), "a.json").unwrap_err().to_string()
    };
    let expected = "expected a result of fleets with the schema version 1";
    assert!(refused("\"fleet\"", "\"run\"").contains(expected));
    assert!(refused("\"schema_version\": 1", "\"schema_version\": 2").contains(expected));
    assert!(refused("\"failed\"", "\"fialed\"").contains("found the metric \"fialed\""));
    assert!(refused("\"arrivals\": 3000", "\"arrivals\": 0.5").contains("arrivals: found 0.5"));
}

#[test]
fn the_series_has_every_sample() {
    let (_, outcome) = result();
    // 48 hours, and the end.
    assert_eq!(outcome.samples.len(), 49);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("series.parquet");
    let runs = [outcome.samples.as_slice(), outcome.samples.as_slice()];
    let bytes = write_series(Vec::new(), &runs).unwrap();
    assert_eq!(bytes, write_series(Vec::new(), &runs).unwrap());
    std::fs::write(&path, &bytes).unwrap();
    let rows = read_samples(&path).unwrap();
    assert_eq!(rows.len(), 2 * 49 * 8);
    let row = &rows[49 * 8 + 8];
    assert_eq!((row.run, row.end), (1, Nanos::new(7_200_000_000_000)));
    assert_eq!((row.scope.as_str(), row.metric), ("fleet", "vms"));
    let vms = convert::ratio(outcome.samples[1].vms, 1);
    assert_eq!(row.value.to_bits(), vms.to_bits());
}
