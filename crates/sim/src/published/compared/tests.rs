use terrace_result::Metrics;

use super::*;
use crate::published::wanted::Key;

/// Three programs under two systems, as a paper would have it.
const TEXT: &str = r#"
name = "made-up"
paper = "a paper"
shows = "throughput"
source = "made up"
campaign = "gemini"
memory = "clean"
metric = "throughput"
baseline = "base"
systems = ["one", "two"]
rows = [
    { program = "a", percent = [110.0, 120.0] },
    { program = "b", percent = [90.0, 140.0] },
    { program = "c", percent = [100.0, 160.0] },
]
means = [{ system = "three", percent = 130.0 }]
"#;

fn comparison() -> Comparison {
    toml::from_str(TEXT).unwrap()
}

fn totals(of: impl IntoIterator<Item = (Key, f64)>) -> Totals {
    let metrics = |value: f64| {
        let mut metrics = Metrics::new();
        metrics.set("accesses_per_second", value).unwrap();
        metrics
    };
    of.into_iter().map(|(key, value)| (key, metrics(value))).collect()
}

/// Base serves 10 a second; `one` 11, 9.9 and 10.02, `two` 12, 14 and 15; twice that in draw 1, thrice in draw 2.
fn measured(comparison: &Comparison) -> Totals {
    let mut all = Vec::new();
    for (program, one, two) in [("a", 11.0, 12.0), ("b", 9.9, 14.0), ("c", 10.02, 15.0)] {
        for (draw, factor) in [(0, 1.0), (1, 2.0), (2, 3.0)] {
            all.push((comparison.key(program, "base", draw), 10.0));
            all.push((comparison.key(program, "one", draw), one * factor));
            all.push((comparison.key(program, "two", draw), two * factor));
        }
    }
    totals(all)
}

fn programs() -> Vec<String> {
    ["a", "b", "c"].map(str::to_owned).to_vec()
}

fn near(found: Option<f64>, expected: f64) {
    let found = found.expect("a value");
    assert!((found - expected).abs() < 1e-9, "{found}, expected {expected}");
}

#[test]
fn values_are_percentages_of_the_baseline_of_their_own_program_and_draw() {
    let comparison = comparison();
    let found = compared(&comparison, &programs(), 2, &measured(&comparison), &[]);
    assert_eq!(found.systems, ["three", "one", "two"]);
    let cell = found.rows[0].cells[1];
    assert_eq!(cell.published, Some(110.0));
    near(cell.simulated, 110.0);
    // A twentieth and nineteen twentieths of the way from 220 to 330.
    near(cell.low, 225.5);
    near(cell.high, 324.5);
    assert_eq!(found.rows[0].cells[0].simulated, None);
    assert_eq!(found.means[0].published, Some(130.0));
    near(found.means[2].published, 140.0);
    near(found.means[2].simulated, 410.0 / 3.0);
}

#[test]
fn agreement_counts_sides_and_distances() {
    let comparison = comparison();
    let found = compared(&comparison, &programs(), 0, &measured(&comparison), &[]);
    let [one, two] = &found.agreement[..] else { panic!("{:?}", found.agreement) };
    assert_eq!((one.system.as_str(), one.programs), ("one", 3));
    // 110 and 110, 90 and 99, 100 and 100.2: the same side each time.
    assert_eq!(one.signs_agree, Some(3));
    assert!((one.mean_absolute_error - (0.0 + 9.0 + 0.2) / 3.0).abs() < 1e-9);
    near(one.rank_correlation, 1.0);
    near(two.rank_correlation, 1.0);
    assert!((two.mean_absolute_error - 10.0 / 3.0).abs() < 1e-9);
}

#[test]
fn only_means_that_are_far_enough_apart_are_ordered() {
    let comparison = comparison();
    let found = compared(&comparison, &programs(), 0, &measured(&comparison), &[]);
    // 130, 100 and 140; three was not measured.
    let pairs = found.order(5.0);
    assert_eq!(pairs, [("three", "one", None), ("two", "three", None), ("two", "one", Some(true))]);
    assert_eq!(found.order(15.0).len(), 2);
}

#[test]
fn a_run_without_a_value_leaves_its_cell_empty() {
    let comparison = comparison();
    let mut totals = measured(&comparison);
    totals.remove(&comparison.key("a", "base", 0));
    let found = compared(&comparison, &programs(), 0, &totals, &[]);
    assert!(found.rows[0].cells.iter().all(|cell| cell.simulated.is_none()));
    assert_eq!(found.agreement[0].programs, 2);
}
