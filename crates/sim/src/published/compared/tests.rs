use terrace_result::Metrics;

use super::*;
use crate::published::found::Found;
use crate::published::gate::{Gate, Rule};
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
    let found = |value: f64| {
        let mut totals = Metrics::new();
        totals.set("accesses_per_second", value).unwrap();
        Found { totals, ..Found::default() }
    };
    of.into_iter().map(|(key, value)| (key, found(value))).collect()
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

fn draws(draws: u64) -> Extent {
    Extent { draws, ..Extent::default() }
}

fn only_a() -> Extent {
    Extent { programs: vec!["a".to_owned()], ..Extent::default() }
}

fn near(found: Option<f64>, expected: f64) {
    let found = found.expect("a value");
    assert!((found - expected).abs() < 1e-9, "{found}, expected {expected}");
}

#[test]
fn values_are_percentages_of_the_baseline_of_their_own_program_and_draw() {
    let comparison = comparison();
    let found = compared(&comparison, &draws(2), &measured(&comparison), &[]);
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

/// What was published of a program that was not measured is no part of the mean beside the measured ones.
#[test]
fn means_are_over_the_programs_that_have_both_values() {
    let comparison = comparison();
    let mut totals = measured(&comparison);
    totals.remove(&comparison.key("b", "one", 0));
    totals.remove(&comparison.key("c", "one", 2));
    let found = compared(&comparison, &draws(2), &totals, &[]);
    let [_, one, two] = &found.means[..] else { panic!("{:?}", found.means) };
    assert_eq!(one.rows, ["a", "c"]);
    near(one.published, f64::midpoint(110.0, 100.0));
    near(one.simulated, f64::midpoint(110.0, 100.2));
    // Draws divide by the baseline of the same draw: the factor is in both.
    assert_eq!(one.draws, 1, "in draw 2 c has no value");
    near(one.low, f64::midpoint(220.0, 200.4));
    assert_eq!((two.rows.len(), two.draws), (3, 2));
    near(two.published, 140.0);
    // Beside each other both are over a and c: 105 and 140, 105.1 and 135.
    assert_eq!(found.order(34.0), [("two", "one", Some(true))], "140 and 105");
    assert_eq!(found.agreement[0].programs, 2);
}

/// What is known of all programs together cannot be told of some.
#[test]
fn a_mean_that_is_known_of_all_programs_only_is_not_set_beside_that_of_some() {
    let comparison = comparison();
    let mut totals = measured(&comparison);
    for program in ["a", "b", "c"] {
        let two = totals[&comparison.key(program, "two", 0)].clone();
        totals.insert(comparison.key(program, "three", 0), two);
    }
    let of_three = |totals: &Totals| compared(&comparison, &draws(0), totals, &[]);
    let all = of_three(&totals);
    assert_eq!((all.means[0].published, all.means[0].published_of_all), (Some(130.0), None));
    assert_eq!(all.order(5.0)[0], ("three", "one", Some(true)));
    totals.remove(&comparison.key("c", "three", 0));
    let some = of_three(&totals);
    assert_eq!((some.means[0].published, some.means[0].published_of_all), (None, Some(130.0)));
    near(some.means[0].simulated, 130.0);
    assert_eq!(some.order(5.0)[0], ("three", "one", None));
}

#[test]
fn outliers_are_shown_and_left_out_of_means() {
    let text = format!("{TEXT}\n[[outliers]]\nprogram = \"b\"\nwhy = \"it is said\"\n");
    let comparison: Comparison = toml::from_str(&text).unwrap();
    let found = compared(&comparison, &draws(2), &measured(&comparison), &[]);
    assert_eq!(found.rows[1].outlier.as_deref(), Some("it is said"));
    near(found.rows[1].cells[1].simulated, 99.0);
    let one = &found.means[1];
    assert_eq!(one.rows, ["a", "c"]);
    near(one.published, 105.0);
    near(one.simulated, 105.1);
    near(one.low, 105.1 * 2.05);
    assert_eq!(found.agreement[0].programs, 2);
}

#[test]
fn of_some_systems_only_what_they_decide_is_known() {
    let mut comparison = comparison();
    let gate = |rule| Gate { says: "so".to_owned(), rule, why: None };
    comparison.gates = vec![
        gate(Rule::Best("two".to_owned())),
        gate(Rule::NoWorse { percent: 90.0, rows: Vec::new() }),
        gate(Rule::NoWorse { percent: 130.0, rows: Vec::new() }),
        gate(Rule::Order(vec!["base".to_owned(), "two".to_owned()])),
        gate(Rule::Order(vec!["one".to_owned(), "two".to_owned()])),
    ];
    let extent = Extent { systems: vec!["two".to_owned()], ..Extent::default() };
    assert_eq!(extent.systems_to_run(&comparison), ["base", "two"]);
    let found = compared(&comparison, &extent, &measured(&comparison), &[]);
    assert_eq!(found.systems, ["two"]);
    near(found.rows[0].cells[0].simulated, 120.0);
    assert_eq!(found.means.len(), 1);
    let holds: Vec<_> = found.gates.iter().map(|gate| gate.holds).collect();
    assert_eq!(holds, [None, None, Some(false), Some(true), None], "{:?}", found.gates);
}

#[test]
fn published_means_are_those_of_the_programs_that_were_measured() {
    let comparison = comparison();
    let published = |extent: &Extent| -> Vec<_> {
        let found = compared(&comparison, extent, &measured(&comparison), &[]);
        found.means.iter().map(|mean| mean.published).collect()
    };
    // Of `three` only the mean over all is known.
    assert_eq!(published(&draws(0)), [Some(130.0), Some(100.0), Some(140.0)]);
    assert_eq!(published(&only_a()), [None, Some(110.0), Some(120.0)]);
}

/// What leaves hardly anything makes ratios to it as large as chance will have it.
#[test]
fn more_than_a_hundred_times_the_baseline_is_taken_for_that() {
    let mut comparison = comparison();
    let of = |comparison: &Comparison, base: f64, one: f64| {
        let all_of = |system| (comparison.key("a", system, 0), if system == "base" { base } else { one });
        let found = compared(comparison, &only_a(), &totals(["base", "one"].map(all_of)), &[]);
        found.rows[0].cells[1].simulated
    };
    near(of(&comparison, 1.0, 99.0), 9_900.0);
    near(of(&comparison, 1.0, 101.0), MOST_PERCENT);
    assert_eq!(of(&comparison, 0.0, 5.0), None, "a throughput of nothing was not measured");
    comparison.metric = Metric::TlbMisses;
    let walks = |walks: u64| {
        let mut totals = Metrics::new();
        totals.set("walks", walks).unwrap();
        totals.set("accesses", 1000_u64).unwrap();
        Found { totals, ..Found::default() }
    };
    for (one, expected) in [(0, None), (3, Some(MOST_PERCENT))] {
        let all_of = [("base", 0), ("one", one)];
        let totals = all_of.map(|(system, count)| (comparison.key("a", system, 0), walks(count)));
        let found = compared(&comparison, &only_a(), &totals.into(), &[]);
        assert_eq!(found.rows[0].cells[1].simulated, expected, "where the baseline has no miss");
    }
}

#[test]
fn agreement_counts_sides_and_distances() {
    let comparison = comparison();
    let found = compared(&comparison, &draws(0), &measured(&comparison), &[]);
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
    let found = compared(&comparison, &draws(0), &measured(&comparison), &[]);
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
    let found = compared(&comparison, &draws(0), &totals, &[]);
    assert!(found.rows[0].cells.iter().all(|cell| cell.simulated.is_none()));
    assert_eq!(found.agreement[0].programs, 2);
}

/// The gains are 10, -1 and 0.2 per cent for `one`, and 20, 40 and 50 for `two`.
#[test]
fn values_are_parts_of_a_whole_s_gain_where_there_is_one() {
    let text = TEXT.replace("baseline = \"base\"", "baseline = \"base\"\nwhole = \"two\"");
    let comparison: Comparison = toml::from_str(&text.replace("\"two\"]", "\"three\"]")).unwrap();
    let found = compared(&comparison, &draws(0), &measured(&comparison), &[]);
    assert_eq!(found.systems, ["three", "one"], "the whole is what parts are told of");
    for (row, part) in [(0, 50.0), (1, -2.5), (2, 0.4)] {
        near(found.rows[row].cells[1].simulated, part);
    }
    // Where the whole gains nothing there are no parts.
    let mut totals = measured(&comparison);
    totals.insert(comparison.key("b", "two", 0), totals[&comparison.key("b", "base", 0)].clone());
    let found = compared(&comparison, &draws(0), &totals, &[]);
    assert_eq!(found.rows[1].cells[1].simulated, None);
}

fn judged(gates: &str) -> Vec<(Option<bool>, String)> {
    let comparison: Comparison = toml::from_str(&format!("{TEXT}\n{gates}")).unwrap();
    let found = compared(&comparison, &draws(0), &measured(&comparison), &[]);
    found.gates.into_iter().map(|gate| (gate.holds, gate.found)).collect()
}

#[test]
fn gates_hold_or_say_what_does_not() {
    let gate = |rule: &str| format!("[[gates]]\nsays = \"it\"\nwhy = \"because\"\nrule = {rule}\n");
    for (rule, holds, said) in [
        (r#"{ order = ["base", "one", "two"] }"#, Some(true), "base 100.0, one 103.1, two 136.7"),
        (r#"{ order = ["one", "base"] }"#, Some(false), "one 103.1, base 100.0"),
        (r#"{ order = ["base", "three"] }"#, None, "nothing"),
        (
            r#"{ ablation = ["base", "two"] }"#,
            Some(true),
            "base to two +36.7 points in the mean, published +40.0; 3 programs have the published sign, 0 the \
             opposite one, 0 none (within 0.5 points, assumed)",
        ),
        (r#"{ ablation = ["one", "two"] }"#, Some(true), "3 programs have the published sign"),
        // In the mean nothing was published: 110, 90 and 100.
        (r#"{ ablation = ["base", "one"] }"#, None, "nothing"),
        (r#"{ ablation = ["base", "three"] }"#, None, "nothing"),
        ("{ published-order = 5.0 }", Some(true), "1 of 1"),
        (r#"{ best = "two" }"#, Some(true), "of 3 programs"),
        (r#"{ best = "one" }"#, Some(false), "two 120.0 against 110.0 (a), two 140.0 against 99.0 (b)"),
        ("{ no-worse = { percent = 99.0 } }", Some(true), "one 99.0 (b)"),
        ("{ no-worse = { percent = 99.5 } }", Some(false), "one 99.0 (b)"),
        (r#"{ no-worse = { percent = 99.5, rows = ["a", "c"] } }"#, Some(true), "one 100.2 (c)"),
        (r#"{ mean-no-worse = { system = "one", percent = 103.0 } }"#, Some(true), "one 103.1"),
        (r#"{ mean-no-worse = { system = "one", percent = 104.0 } }"#, Some(false), "one 103.1"),
    ] {
        let found = judged(&gate(rule));
        let [(found, words)] = &found[..] else { panic!("{found:?}") };
        assert_eq!(*found, holds, "{rule}: {words}");
        assert!(words.contains(said), "{rule}: {words}");
    }
}

/// The mean of `one` is above the baseline for one program's sake.
#[test]
fn a_mean_with_the_published_sign_is_not_enough() {
    let gate = "[[gates]]\nsays = \"it\"\nwhy = \"because\"\nrule = { ablation = [\"base\", \"one\"] }\n";
    let of = |published: &str| {
        let text = TEXT.replace("percent = [100.0, 160.0]", &format!("percent = [{published}, 160.0]"));
        let comparison: Comparison = toml::from_str(&format!("{text}\n{gate}")).unwrap();
        let mut gates = compared(&comparison, &draws(0), &measured(&comparison), &[]).gates;
        let gate = gates.remove(0);
        (gate.holds, gate.found, gate.why)
    };
    let (holds, found, why) = of("130.0");
    assert!(found.contains("one +3.1 points in the mean, published +10.0"), "{found}");
    assert!(found.contains("1 programs have the published sign, 1 the opposite one, 1 none"), "{found}");
    assert_eq!((holds, why.as_deref()), (Some(false), Some("because")));
    let (holds, found, _) = of("70.0");
    assert!(found.contains("+3.1 points in the mean, published -10.0"), "{found}");
    assert_eq!(holds, Some(false));
}

/// The mean of one system is over three programs, and beside another over the one that both have.
#[test]
fn gates_compare_means_over_the_programs_that_all_of_their_systems_have() {
    let comparison: Comparison = toml::from_str(&format!(
        "{TEXT}\n[[gates]]\nsays = \"it\"\nrule = {{ order = [\"base\", \"one\", \"two\"] }}\n"
    ))
    .unwrap();
    let mut totals = measured(&comparison);
    totals.remove(&comparison.key("a", "two", 0));
    totals.remove(&comparison.key("c", "two", 0));
    let found = compared(&comparison, &draws(0), &totals, &[]).gates.remove(0);
    assert_eq!(found.found, "base 100.0, one 99.0, two 140.0, over 1 of 3 programs");
    assert_eq!(found.holds, Some(false));
}

/// Two machines beside each other: each has its own value, and a published one where that is known.
#[test]
fn machines_of_one_run_are_rows_of_their_own() {
    let text = TEXT.replace(
        r#"    { program = "a", percent = [110.0, 120.0] },"#,
        r#"    { program = "a", vm = "left", percent = [110.0, 120.0] },
    { program = "a", vm = "right" },"#,
    );
    let comparison: Comparison = toml::from_str(&text).unwrap();
    let mut totals = measured(&comparison);
    for (system, left, right) in [("base", 10.0, 20.0), ("one", 11.0, 30.0)] {
        let found = totals.get_mut(&comparison.key("a", system, 0)).unwrap();
        for (name, value) in [("left", left), ("right", right)] {
            let mut metrics = Metrics::new();
            metrics.set("accesses_per_second", value).unwrap();
            found.vms.push(terrace_result::VmMetrics { name: name.to_owned(), metrics });
        }
    }
    assert_eq!(comparison.programs(), ["a", "b", "c"]);
    let found = compared(&comparison, &draws(0), &totals, &[]);
    let names: Vec<String> = found.rows.iter().map(Row::name).collect();
    assert_eq!(names, ["a/left", "a/right", "b", "c"]);
    let of = |row: usize| (found.rows[row].cells[1].published, found.rows[row].cells[1].simulated);
    near(of(0).1, 110.0);
    near(of(1).1, 150.0);
    assert_eq!((of(0).0, of(1).0), (Some(110.0), None));
    // The mean of the published bars is over those that are known.
    near(found.means[1].published, 100.0);
}
