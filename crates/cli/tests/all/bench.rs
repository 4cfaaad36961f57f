//! `terrace bench`, as a user runs it. Speeds are not judged here: a test runs unoptimised and beside others.

use crate::run;

use run::{data, terrace};
use serde_json::Value;

/// The JSON of a quick run of these rows.
fn json(rows: &str, more: &[&str]) -> Value {
    let all: Vec<&str> =
        ["bench", "--quick", "--format", "json", "--row", rows].iter().chain(more).copied().collect();
    serde_json::from_str(&terrace(&all).success()).unwrap()
}

/// The names of a result's rows.
fn names(result: &Value) -> Vec<&str> {
    result["rows"].as_array().unwrap().iter().map(|row| row["row"].as_str().unwrap()).collect()
}

fn measured(result: &Value, name: &str) -> f64 {
    let rows = result["rows"].as_array().unwrap();
    let row = rows.iter().find(|row| row["row"] == name).unwrap();
    let figure = row["measured"].as_f64().unwrap_or_else(|| panic!("{row}"));
    assert!(figure.is_finite() && figure > 0.0 && row["not_measured"].is_null(), "{row}");
    figure
}

#[test]
fn one_row_as_json() {
    let result = json("hits", &[]);
    assert_eq!((&result["schema"], &result["quick"]), (&"terrace.bench".into(), &true.into()));
    assert_eq!(names(&result), ["hits"]);
    assert!(measured(&result, "hits") > 0.0);
    let row = &result["rows"][0];
    assert_eq!(row["unit"], "M accesses/s");
    assert!(row["reached"].is_null(), "a part of the work is not judged");
}

#[test]
fn gups_comes_with_its_first_touch_its_memory_and_the_machine_itself() {
    let result = json("machine,gups", &[]);
    assert_eq!(names(&result), ["gups", "gups-first-touch", "gups-memory", "machine", "gups-ratio"]);
    let ratio = measured(&result, "machine") / measured(&result, "gups");
    assert!((ratio / measured(&result, "gups-ratio") - 1.0).abs() < 1e-6);
    if cfg!(target_os = "linux") {
        // Two tables of 8 bytes a page at least.
        assert!(measured(&result, "gups-memory") > 16.0);
    }
}

/// How often an access walks is a count: the row does what it says, however fast.
#[test]
fn three_of_a_hundred_accesses_walk() {
    let result = json("misses", &[]);
    let work = result["rows"][0]["work"].as_str().unwrap();
    let share: f64 = work.rsplit([';', '%']).nth(1).unwrap().trim().parse().unwrap();
    assert!((2.7..3.3).contains(&share), "{work}");
}

/// Rows that are runs come from a process of their own, with what the run found.
#[test]
fn runs_come_with_their_first_touch_their_memory_and_what_they_found() {
    let result = json("demeter,vm-gups", &[]);
    let of_gups = ["vm-gups", "vm-gups-first-touch", "vm-gups-memory", "vm-gups-found"];
    let of_demeter =
        ["demeter", "demeter-rate", "demeter-peak", "demeter-first-touch", "demeter-memory", "demeter-found"];
    assert_eq!(names(&result), [of_gups.as_slice(), of_demeter.as_slice()].concat());
    for name in
        [of_gups[0], of_gups[1], of_gups[3], of_demeter[0], of_demeter[1], of_demeter[3], of_demeter[5]]
    {
        assert!(measured(&result, name) > 0.0);
    }
    if cfg!(target_os = "linux") {
        assert!(measured(&result, "vm-gups-memory") > 16.0 && measured(&result, "demeter-peak") > 0.0);
    }
    let works = result["rows"].as_array().unwrap().iter().map(|row| row["work"].as_str().unwrap());
    assert_eq!(works.filter(|work| work.contains(" s of simulated time")).count(), 2);
}

/// Why a run was not measured is said, and the other rows go on.
#[test]
fn a_run_that_the_machine_has_no_memory_for_is_not_measured() {
    let result =
        json("vm-gups,hits", &["--set", "memory.dram0.size=1 MiB", "--set", "memory.dram1.size=1 MiB"]);
    let rows = result["rows"].as_array().unwrap();
    let row = rows.iter().find(|row| row["row"] == "vm-gups").unwrap();
    assert!(row["measured"].is_null(), "{row}");
    assert!(
        row["not_measured"].as_str().unwrap().contains("host.memory: found 1 GiB; expected at most 2 MiB"),
        "{row}"
    );
    assert!(measured(&result, "hits") > 0.0);
}

/// Whoever began it may be ended by a signal that cannot be noted: its input is at its end then.
#[test]
fn a_run_ends_with_the_process_that_began_it() {
    let said = terrace(&["bench", "--alone", "vm-gups"]).failure(1);
    assert!(said.contains("interrupted"), "{said}");
}

#[test]
fn the_machine_itself_alone() {
    assert_eq!(names(&json("machine", &[])), ["machine"]);
}

#[test]
fn a_trace_that_is_named_or_said_to_be_missing() {
    let result = json("trace", &["--trace", &data("gups.drmemtrace.zip")]);
    assert!(measured(&result, "trace") > 0.0);
    // Tests run in the crate's folder, where the repository's traces are not.
    let row = &json("trace", &[])["rows"][0];
    assert!(row["measured"].is_null());
    assert!(row["not_measured"].as_str().unwrap().contains("--trace FILE"), "{row}");
}

#[test]
fn champsim_records_are_made_and_decoded() {
    assert!(measured(&json("champsim", &[]), "champsim") > 0.0);
}

#[test]
fn vectors_machine_and_data_lines_are_as_asked() {
    let result = json("hits", &["--vectors", "portable", "--machine", "zen4-9554", "--data-lines"]);
    assert_eq!(result["vectors"], "portable");
    assert_eq!(result["machine"], "zen4-9554");
    assert_eq!(result["data_lines"], true);
}

#[test]
fn the_table_says_what_it_ran_on() {
    let table = terrace(&["bench", "--quick", "--row", "hits", "--vectors", "portable"]).success();
    for part in ["broadwell-e5-2620v4", "portable vectors", "TLB hits", "M accesses/s", "no verdicts"] {
        assert!(table.contains(part), "{part} in\n{table}");
    }
}

#[test]
fn arguments_that_cannot_be_understood() {
    for (arguments, parts) in [
        (["--row", "hots"], ["hots", "hits, misses, gups"]),
        (["--vectors", "mmx"], ["mmx", "portable, sse2, avx2 or avx512"]),
        (["--format", "xml"], ["xml", "table, json"]),
    ] {
        let all: Vec<&str> = ["bench", "--quick"].into_iter().chain(arguments).collect();
        let error = terrace(&all).failure(2);
        assert!(parts.iter().all(|part| error.contains(part)), "{parts:?} in\n{error}");
    }
}

#[test]
fn input_that_cannot_be_used() {
    let folder = tempfile::tempdir().unwrap();
    let empty = folder.path().join("empty.champsim");
    std::fs::write(&empty, []).unwrap();
    let empty = empty.to_str().unwrap();
    for (arguments, part) in [
        (["--machine", "broadwall"], "broadwell-e5-2620v4"),
        (["--set", "tlb.stlb.ways=0"], "tlb.stlb"),
        (["--trace", "no.such.zip"], "no.such.zip"),
        (["--trace", empty], "empty.champsim"),
    ] {
        let all: Vec<&str> = ["bench", "--quick", "--row", "trace"].into_iter().chain(arguments).collect();
        let error = terrace(&all).failure(1);
        assert!(error.starts_with("error: ") && error.contains(part), "{part} in\n{error}");
        assert!(error.lines().count() <= 3, "one short message:\n{error}");
    }
}

/// Every command that the help shows works as shown.
#[test]
fn the_examples_in_the_help_work() {
    let help = terrace(&["bench", "--help"]).success();
    let examples: Vec<&str> = help.lines().filter_map(|line| line.strip_prefix("  terrace ")).collect();
    assert!(examples.len() > 1, "{help}");
    for example in examples {
        let words: Vec<&str> = example.split(' ').collect();
        assert!(!terrace(&words).success().is_empty(), "{example}");
    }
}
