use proptest::prelude::*;

use super::*;
use crate::{Notation, ResultError};

fn metrics(values: &[(&str, MetricValue)]) -> Metrics {
    let mut metrics = Metrics::new();
    for (name, value) in values {
        metrics.set(name, *value).unwrap();
    }
    metrics
}

fn run(labels: &[(&str, &str)], outcome: Outcome) -> RunResult {
    let walks = metrics(&[("walks", 7.into())]);
    RunResult {
        labels: labels.iter().map(|(axis, value)| ((*axis).to_owned(), (*value).to_owned())).collect(),
        machine: "champsim".into(),
        outcome,
        simulated: Nanos::new(3_000_000_000),
        measured: Nanos::new(1_000_000_000),
        weight: 1,
        matrix: vec![LayerRow {
            vm: "vm0".into(),
            mode: "2d".into(),
            layer: "guest".into(),
            system: "linux".into(),
            parameters: vec![("thp".into(), "always".into()), ("scan".into(), "10 ms".into())],
        }],
        totals: metrics(&[("fmfi", 0.1.into()), ("walks", 7.into()), ("cycles", 2.0.into())]),
        vms: vec![VmMetrics { name: "vm0".into(), metrics: walks.clone() }],
        layers: vec![
            LayerMetrics {
                vm: Some("vm0".into()),
                layer: "guest".into(),
                metrics: walks.clone(),
                counts: [("booked".to_owned(), 3)].into(),
            },
            LayerMetrics { vm: None, layer: "host".into(), metrics: Metrics::new(), counts: [].into() },
        ],
        programs: vec![ProgramMetrics { vm: "vm0".into(), name: "gups".into(), metrics: walks }],
    }
}

fn result() -> RunsResult {
    let at = Nanos::new(5);
    RunsResult {
        kind: RUNS_KIND.into(),
        schema_version: RUNS_SCHEMA_VERSION,
        terrace_version: "0.1.0".into(),
        model_version: 2,
        scenario: ScenarioUsed {
            name: "quickstart".into(),
            description: "A first look.".into(),
            sha256: Sha256::of(b"abc"),
            overrides: vec!["seed=3".into()],
            configurations: vec!["name = \"quickstart\"\n".into()],
        },
        machines: vec![MachineUsed {
            name: "champsim".into(),
            sha256: Sha256::of(b""),
            overrides: Vec::new(),
        }],
        runs: vec![
            run(&[("pages", "base"), ("size", "1")], Outcome::Complete),
            run(&[("pages", "huge, both")], Outcome::Interrupted { at }),
            run(
                &[],
                Outcome::OutOfMemory {
                    at,
                    layer: "host".into(),
                    wanted: "a page, with 0 B of 4 KiB free".into(),
                },
            ),
        ],
    }
}

fn json(result: &RunsResult) -> String {
    let mut bytes = Vec::new();
    result.write(Notation::Json, &mut bytes).unwrap();
    String::from_utf8(bytes).unwrap()
}

#[test]
fn a_result_reads_back_and_its_bytes_are_the_same() {
    let text = json(&result());
    let read = RunsResult::read(&text, "a.json").unwrap();
    assert_eq!(read, result());
    assert_eq!(json(&read), text);
    assert!(text.starts_with("{\n  \"kind\": \"run\",\n  \"schema_version\": 1,\n"));
    assert!(text.ends_with("}\n"));
}

/// Metrics have the registry's order, whatever the order in which they were measured.
#[test]
fn metrics_are_a_map_in_the_order_of_the_registry() {
    let totals = &result().runs[0].totals;
    assert_eq!(serde_json::to_string(totals).unwrap(), r#"{"cycles":2.0,"walks":7,"fmfi":0.1}"#);
    assert_eq!(totals.get("walks"), Some(MetricValue::Count(7)));
    assert_eq!(totals.get("exits"), None);
}

#[test]
fn outcomes_have_a_sentence() {
    let text = json(&result());
    assert!(text.contains(r#""sentence": "All of the measured time was simulated.""#));
    assert!(text.contains(
        r#""sentence": "It was interrupted at 5 ns: the metrics are those of the intervals before.""#
    ));
    assert!(
        text.contains(r#""sentence": "At 5 ns the kernel of host had no memory left: it wanted a page, with 0 B of 4 KiB free.""#)
    );
}

#[test]
fn what_no_metric_can_be_is_refused() {
    let refused = |name: &str, value: MetricValue| Metrics::new().set(name, value).unwrap_err().to_string();
    assert_eq!(
        refused("wlaks", 1.into()),
        "found the metric \"wlaks\"; expected one of `terrace list metrics`"
    );
    for (name, value) in
        [("walks", 1.0), ("resident_bytes", 1.5), ("fmfi", f64::NAN), ("bloat", f64::INFINITY)]
    {
        assert_eq!(
            refused(name, value.into()),
            format!(
                "{name}: found {value:?}; expected a finite number, and a whole one where things or bytes are counted"
            )
        );
    }
    assert!(serde_json::from_str::<Metrics>(r#"{"wlaks":1}"#).is_err());
    assert!(serde_json::from_str::<Metrics>(r#"{"walks":1.5}"#).is_err());
}

#[test]
fn what_is_no_result_is_an_error_that_says_so() {
    let refused = |from: &str, to: &str| {
        let text = json(&result());
        assert!(text.contains(from), "{from}");
        RunsResult::read(&text.replacen(from, to, 1), "a.json").unwrap_err()
    };
    let expected = "expected a result of runs with the schema version 1";
    assert_eq!(
        refused("\"run\"", "\"replay\"").to_string(),
        format!("a.json: found a result of the kind \"replay\"; {expected}")
    );
    assert_eq!(
        refused("\"schema_version\": 1", "\"schema_version\": 2").to_string(),
        format!("a.json: found one with the schema version 2; {expected}")
    );
    assert!(
        refused("\"walks\"", "\"wlaks\"").to_string().starts_with(
            "a.json: found the metric \"wlaks\"; expected one of `terrace list metrics` at line "
        )
    );
    let truncated = RunsResult::read(&json(&result())[..500], "a.json");
    assert!(matches!(truncated, Err(ResultError::Unreadable { .. })));
    let digest = Sha256::of(b"").as_str().to_owned();
    assert!(refused(&digest, "no digest").to_string().contains("expected a SHA-256 digest of 64"));
}

#[test]
fn csv_has_a_row_for_each_run_scope_and_metric() {
    let mut bytes = Vec::new();
    result().write(Notation::Csv, &mut bytes).unwrap();
    let expected = "\
run,pages,size,scope,metric,value
0,base,1,run,cycles,2.0
0,base,1,run,walks,7
0,base,1,run,fmfi,0.1
0,base,1,vm0,walks,7
0,base,1,vm0/guest,walks,7
0,base,1,vm0/program/gups,walks,7
1,\"huge, both\",,run,cycles,2.0
";
    let text = String::from_utf8(bytes).unwrap();
    assert_eq!(&text[..expected.len()], expected);
    assert_eq!(text.lines().count(), 1 + 3 * 6);
}

fn values() -> impl Strategy<Value = Metrics> {
    let value = (any::<u64>(), any::<f64>(), any::<bool>());
    proptest::collection::vec((0..RunMetric::ALL.len(), value), 0..40).prop_map(|values| {
        let mut metrics = Metrics::new();
        for (place, (count, number, whole)) in values {
            let metric = &RunMetric::ALL[place];
            let number = if number.is_finite() { number } else { 0.5 };
            let whole = whole || metric.unit.is_whole();
            let value = if whole { MetricValue::Count(count) } else { MetricValue::Number(number) };
            metrics.set(metric.name, value).unwrap();
        }
        metrics
    })
}

proptest! {
    #[test]
    fn metrics_read_back_to_the_bit(metrics in values()) {
        let text = serde_json::to_string(&metrics).unwrap();
        let read: Metrics = serde_json::from_str(&text).unwrap();
        let bits = |metrics: &Metrics| metrics.iter().map(|(metric, value)| match value {
            MetricValue::Count(count) => (metric.name, true, count),
            MetricValue::Number(number) => (metric.name, false, number.to_bits()),
        }).collect::<Vec<_>>();
        prop_assert_eq!(bits(&read), bits(&metrics));
        prop_assert_eq!(serde_json::to_string(&read).unwrap(), text);
    }
}
