//! Pages of small simulations.

use terrace_fleet::result::{
    FLEET_KIND, FLEET_SCHEMA_VERSION, FleetResult, FleetRun, InputUsed, SkippedUsed, write_series,
};
use terrace_fleet::synthetic::Synthetic;
use terrace_fleet::{
    FleetSpec, ServerPolicy, Setup, THESIS_CORES, THESIS_MEMORY, Unwatched, WalkCosts, simulate,
};
use terrace_result::Notation;

use super::*;

/// A result folder of a small fleet under these policies.
fn folder(policies: &[ServerPolicy], costs: Option<WalkCosts>) -> (tempfile::TempDir, LoadedFleet) {
    let synthetic = Synthetic { vms: 4000, days: 2, ..Synthetic::default() };
    let trace = synthetic.trace().unwrap();
    let setup = |policy| Setup::new(FleetSpec::alike(60, THESIS_CORES, THESIS_MEMORY), policy);
    let outcomes: Vec<_> =
        policies.iter().map(|policy| simulate(&trace, &setup(*policy), &mut Unwatched).unwrap()).collect();
    let runs = policies.iter().zip(&outcomes);
    let result = FleetResult {
        kind: FLEET_KIND.into(),
        schema_version: FLEET_SCHEMA_VERSION,
        terrace_version: "0".into(),
        model_version: 4,
        input: InputUsed {
            name: "<synthetic>".into(),
            format: "synthetic".into(),
            sha256: None,
            synthetic: Some(synthetic),
            first_vms: None,
            vms: 4000,
            events: 1,
            skipped: SkippedUsed { rows: 1, by_value: Vec::new(), first: vec!["line 3: <b>".into()] },
        },
        servers: setup(ServerPolicy::Stack).fleet.classes.iter().map(Into::into).collect(),
        granule_bytes: 1,
        interval_ns: 3_600_000_000_000,
        costs,
        costs_from: None,
        runs: runs
            .map(|(policy, outcome)| FleetRun::new(&setup(*policy), outcome, costs.as_ref()).unwrap())
            .collect(),
    };
    let folder = tempfile::tempdir().unwrap();
    let mut text = Vec::new();
    result.write(Notation::Json, &mut text).unwrap();
    std::fs::write(folder.path().join("result.json"), text).unwrap();
    let samples: Vec<_> = outcomes.iter().map(|outcome| outcome.samples.as_slice()).collect();
    let series = write_series(Vec::new(), &samples).unwrap();
    std::fs::write(folder.path().join("series.parquet"), series).unwrap();
    let loaded = LoadedFleet::read(folder.path()).unwrap();
    assert_eq!(loaded.result, result);
    (folder, loaded)
}

#[test]
fn the_answer_comes_first_and_every_count_is_there() {
    let costs =
        WalkCosts { walks_per_core_second: 1e6, ept_cycles: 60.0, segment_cycles: 20.0, busy_share: 1.0 };
    let (_folder, loaded) = folder(&[ServerPolicy::Spread, ServerPolicy::Snug], Some(costs));
    let metrics = loaded.result.runs[0].metrics.iter().count();
    let html = fleet_page(std::slice::from_ref(&loaded)).unwrap();
    let answer = html.find("class=\"answer\"").unwrap();
    assert!(answer < html.find("<figure").unwrap() && html.contains("one block of memory, on"), "the answer");
    assert!(html.contains("of what walks would cost on EPT"), "what is saved");
    assert_eq!((html.matches("<svg").count(), html.matches("<script").count()), (4, 0));
    assert_eq!(html.matches("<th scope=\"row\">").count(), metrics);
    assert!(
        html.contains("&lt;synthetic&gt;") && html.contains("line 3: &lt;b&gt;"),
        "what is read is escaped"
    );
    assert!(
        !html.contains("<b>") && !html.contains("NaN") && !html.contains("inf\""),
        "no tags, no empty numbers"
    );
    assert_eq!(html, fleet_page(&[loaded]).unwrap());
}

#[test]
fn results_stand_side_by_side_with_their_names() {
    let (_first, mut one) = folder(&[ServerPolicy::Stack], None);
    let (_second, mut other) = folder(&[ServerPolicy::Stack], None);
    (one.name, other.name) = ("one".into(), "other".into());
    // Only the JSON of the second was kept.
    other.samples.clear();
    let html = fleet_page(&[one, other]).unwrap();
    assert!(html.contains("one: stack/first-fit") && html.contains("other: stack/first-fit"));
    assert!(!html.contains("of what walks would cost"));
}

#[test]
fn what_is_no_result_of_a_fleet_is_refused() {
    let (folder, loaded) = folder(&[ServerPolicy::Stack], None);
    let empty = LoadedFleet { result: FleetResult { runs: Vec::new(), ..loaded.result.clone() }, ..loaded };
    assert!(fleet_page(&[empty]).unwrap_err().to_string().contains("expected at least one"));
    let refused = |file: &str, text: &str| {
        std::fs::write(folder.path().join(file), text).unwrap();
        LoadedFleet::read(folder.path()).unwrap_err().to_string()
    };
    assert!(refused("series.parquet", "no Parquet").contains("series.parquet: found"));
    std::fs::remove_file(folder.path().join("series.parquet")).unwrap();
    assert!(refused("run.json", "{").contains("run.json: found"));
    assert!(refused("result.json", r#"{"kind": "run", "schema_version": 1}"#).contains("terrace report"));
}
