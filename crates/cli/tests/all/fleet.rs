//! `terrace fleet` as a user runs it.

use crate::run;

use std::fs;
use std::path::Path;

use run::terrace;
use serde_json::Value;

/// A sample trace of the fleet's own tests.
fn sample(name: &str) -> String {
    format!("{}/../fleet/tests/data/{name}", env!("CARGO_MANIFEST_DIR"))
}

fn contains(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "`{part}` in\n{text}");
    }
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// A small synthetic trace on few servers, so that VMs are in parts.
const SMALL: [&str; 7] = ["fleet", "run", "--vms", "20000", "--servers", "150", "--policy=stack,snug"];

fn small(further: &[&str]) -> run::Ran {
    terrace(&SMALL.iter().chain(further).copied().collect::<Vec<_>>())
}

/// A golden file: `TERRACE_ACCEPT=1` writes it anew.
fn is_golden(name: &str, found: &str) {
    let path = format!("{}/tests/fleet/{name}", env!("CARGO_MANIFEST_DIR"));
    if std::env::var_os("TERRACE_ACCEPT").is_some() {
        fs::write(&path, found).unwrap();
    }
    assert_eq!(found, fs::read_to_string(&path).unwrap());
}

#[test]
fn the_tables_are_the_golden_ones() {
    let table = small(&["--walks-per-core-second=1e6", "--ept-cycles=60", "--segment-cycles=20"]).success();
    assert!(table.lines().all(|line| line.chars().count() <= 130), "{table}");
    is_golden("synthetic.txt", &table);
    let figure = terrace(&["reproduce", "compromis-azure", "--reduced"]).success();
    is_golden("compromis-azure.txt", &figure);
}

#[test]
fn every_format_of_traces_runs() {
    for (name, vms) in [
        ("azure_v1.csv", 8),
        ("azure_packing.sqlite", 6),
        ("azure_packing.zip", 6),
        ("bitbrains", 3),
        ("terrace.csv", 4),
    ] {
        let text = terrace(&["fleet", "run", &sample(name), "--servers", "10", "--format", "json"]).success();
        let result: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(result["kind"], "fleet");
        assert_eq!(result["input"]["vms"], vms, "{name}");
        assert_eq!(result["input"]["sha256"].as_str().unwrap().len(), 64);
        for run in result["runs"].as_array().unwrap() {
            assert_eq!((&run["metrics"]["failed"], &run["complete"]), (&Value::from(0), &Value::from(true)));
        }
    }
    let first =
        terrace(&["fleet", "run", &sample("azure_v1.csv"), "--vms", "3", "--format", "csv"]).success();
    contains(&first, &["run,policy,extents,repair,metric,value\n0,contiguity,first-fit,none,arrivals,3\n"]);
}

#[test]
fn a_result_is_the_same_for_any_number_of_threads() {
    let folder = tempfile::tempdir().unwrap();
    let place = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let one = small(&["--threads=1", "--out", &place("one")]).success();
    assert_eq!(one, small(&["--threads=3", "--out", &place("three")]).success());
    for file in ["result.json", "series.parquet"] {
        let read = |name: &str| fs::read(folder.path().join(name).join(file)).unwrap();
        assert!(read("one") == read("three"), "{file}");
    }
    assert_eq!(names(&folder.path().join("one")), ["result.json", "run.json", "series.parquet"]);
    // A result takes the place of an older one, and of nothing else.
    small(&["--threads=1", "--out", &place("one")]).success();
    assert_eq!(names(folder.path()), ["one", "three"]);
    fs::create_dir(folder.path().join("mine")).unwrap();
    fs::write(folder.path().join("mine/thesis.txt"), "").unwrap();
    contains(&small(&["--out", &place("mine")]).failure(1), &["found a folder with other files"]);
}

#[test]
fn results_are_compared_and_reported() {
    let folder = tempfile::tempdir().unwrap();
    let place = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    small(&["--out", &place("none")]).success();
    small(&["--repair=migrate", "--out", &place("repaired")]).success();
    let within = terrace(&["fleet", "compare", &place("none")]).success();
    contains(&within, &["synthetic, 20,000 VMs", "stack/first-fit", "snug/first-fit", "better"]);
    let between = ["fleet", "compare", &place("none"), &place("repaired"), "--metric", "repair_bytes,failed"];
    contains(&terrace(&between).success(), &["stack/first-fit\n", "repair_bytes", "none", "repaired"]);
    let csv = [between.as_slice(), &["--format", "csv"]].concat();
    contains(
        &terrace(&csv).success(),
        &["compared,column,metric,value,ratio\n", "snug/first-fit,none,failed,"],
    );
    let wrong = terrace(&["fleet", "compare", &place("none"), "--metric", "fialed"]).failure(1);
    contains(&wrong, &["found no metric fialed", "did you mean failed?"]);
    let (html, json) = (place("page.html"), format!("{}/result.json", place("repaired")));
    let (printed, said) = terrace(&["fleet", "report", &place("none"), &json, "--out", &html]).ended(0);
    assert!(printed.is_empty() && said.contains("page.html: a page for a browser"), "{printed}{said}");
    let page = fs::read_to_string(&html).unwrap();
    contains(&page, &["class=\"answer\"", "none: snug/first-fit", "repair_bytes (bytes)", "seed 0"]);
    assert_eq!(terrace(&["fleet", "report", &place("none"), &json, "--out", "-"]).success(), page);
    // An older page is replaced, and nothing else; and each kind of result has its own reader.
    terrace(&["fleet", "report", &place("none"), "--out", &html, "--quiet"]).success();
    let mine = terrace(&["fleet", "report", &place("none"), "--out", &json]).failure(1);
    contains(&mine, &["result.json: found a file that is no page", "--force"]);
    contains(&terrace(&["report", &place("none"), "--out", &html]).failure(1), &["terrace fleet report"]);
}

/// The same program on EPT and in one block; nothing of it is measured for long.
const WALKS: &str = r#"
name = "walks"
description = "Updates at random on EPT and in one block."
time = { warm_up = "1 ms", measure = "4 ms", interval = "2 ms" }
host = { memory = "256 MiB" }

[guest]
system = "base-pages"

[[vm]]
name = "vm"
memory = "64 MiB"

[[vm.program]]
workload = "gups"
parameters = { bytes = "32 MiB" }

[[sweep]]
name = "way"
value = [
    { name = "bare", set = { vm.mode = "native" } },
    { name = "ept", set = { host.system = "base-pages" } },
    { name = "block", set = { host.system = "contiguous" } },
]
"#;

/// The engine's answer and the fleet's are one result, which says where it comes from.
#[test]
fn what_walks_cost_is_taken_from_a_result_of_the_engine() {
    let folder = tempfile::tempdir().unwrap();
    let place = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    fs::write(place("walks.toml"), WALKS).unwrap();
    terrace(&["run", &place("walks.toml"), "--quiet", "--out", &place("walks")]).success();
    let from = ["--walks-from", &place("walks")];
    let table = small(&from).success();
    let said = table.split_whitespace().collect::<Vec<_>>().join(" ");
    contains(&said, &["measured by walks, SHA-256", "way = ept against block", "natively", "walk cycles"]);
    assert!(table.lines().all(|line| line.chars().count() <= 130), "{table}");
    let result: Value =
        serde_json::from_str(&small(&[&from[..], &["--format=json"]].concat()).success()).unwrap();
    let text = fs::read(folder.path().join("walks/result.json")).unwrap();
    assert_eq!(result["costs_from"]["sha256"], terrace_result::Sha256::of(&text).as_str());
    assert_eq!(result["costs_from"]["machine"], "broadwell-e5-2620v4");
    // What the fleet saves is what the runs' own numbers say of its cores in one block.
    let number = |value: &Value| value.as_f64().unwrap();
    let costs = &result["costs"];
    let metrics = &result["runs"][1]["metrics"];
    let of_walk = number(&costs["ept_cycles"]) - number(&costs["segment_cycles"]);
    let saved =
        number(&metrics["contiguous_core_seconds"]) * number(&costs["walks_per_core_second"]) * of_walk;
    assert!((saved / number(&metrics["walk_cycles_saved"]) - 1.0).abs() < 1e-9 && saved > 0.0, "{saved}");
    let runs: Value = serde_json::from_slice(&text).unwrap();
    let total = |run: usize, name: &str| number(&runs["runs"][run]["totals"][name]);
    let cycles = |run| total(run, "walk_guest_cycles") + total(run, "walk_nested_cycles");
    let ept = number(&costs["ept_cycles"]) / (cycles(1) / total(1, "walks"));
    assert!((ept - 1.0).abs() < 1e-9, "{costs}");
    // The same guest frames, and no second dimension: as natively.
    let in_block = number(&result["costs_from"]["kinds"][0]["segment_cycles_per_core_second"]);
    let native = number(&result["costs_from"]["kinds"][0]["native_cycles_per_core_second"]);
    let on_ept = number(&result["costs_from"]["kinds"][0]["ept_cycles_per_core_second"]);
    assert!((in_block - native).abs() < 0.01 * on_ept, "{in_block} {native} {on_ept}");
    // A page and a comparison have it, too.
    small(&[&from[..], &["--out", &place("fleet")]].concat()).success();
    let page = terrace(&["fleet", "report", &place("fleet"), "--out", "-"]).success();
    contains(&page, &["of what walks would cost on EPT", "What walks cost", "measured by"]);
    // What does not say it is refused, with what is there and what has to be.
    let refused = |arguments: &[&str], parts: &[&str]| contains(&small(arguments).failure(1), parts);
    refused(&[&from[..], &["--walks-block=ept"]].concat(), &["no such ept", "in segments: block"]);
    refused(
        &[&from[..], &["--walks-only=way=thp"]].concat(),
        &["no run with way=thp", "way=bare, way=block"],
    );
    refused(&["--walks-from", &place("fleet")], &["result.json", "a result of runs"]);
    refused(&["--walks-from", &place("nothing")], &["nothing"]);
    let less = WALKS.replace("    { name = \"block\", set = { host.system = \"contiguous\" } },\n", "");
    fs::write(place("less.toml"), less).unwrap();
    terrace(&["run", &place("less.toml"), "--quiet", "--out", &place("less")]).success();
    refused(&["--walks-from", &place("less")], &["way=ept on EPT", "terrace run contiguous --out"]);
    // A result of one kind is not replaced by one of the other.
    refused(&["--out", &place("walks")], &["found a result folder of another kind"]);
    contains(
        &small(&["--walks-from", "a", "--walks-per-core-second=1"]).failure(2),
        &["cannot be used with"],
    );
}

#[test]
fn bad_input_is_an_error_or_counted() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("vmtable.csv");
    let text = fs::read_to_string(sample("azure_v1.csv")).unwrap();
    fs::write(&path, text.replacen(",300,300,", ",300,200,", 1)).unwrap();
    let path = path.to_str().unwrap();
    let error = terrace(&["fleet", "run", path]).failure(1);
    contains(
        &error,
        &["vmtable.csv: line 3: deleted: found 200, before it was created at 300", "--skip-bad"],
    );
    let (table, said) = terrace(&["fleet", "run", path, "--skip-bad"]).ended(0);
    contains(&table, &["7 VMs", "Left out 1 rows that cannot be: 1 deleted"]);
    contains(&said, &["1 rows that cannot be were left out", "line 3: deleted"]);
    let quiet = terrace(&["fleet", "run", path, "--skip-bad", "--quiet", "--format", "json"]).success();
    let result: Value = serde_json::from_str(&quiet).unwrap();
    assert_eq!(result["input"]["skipped"]["rows"], 1);
    // A database without the tables, a VM that no server holds, an impossible fleet, a wrong argument.
    contains(&terrace(&["fleet", "run", &sample("none.csv")]).failure(1), &["none.csv"]);
    let large = terrace(&["fleet", "run", &sample("azure_v1.csv"), "--memory", "100 GiB"]).failure(1);
    contains(&large, &["line 6: size: found a VM of 16 cores and 112.00 GiB; expected at most"]);
    let large = terrace(&["fleet", "run", "--vms", "1000", "--cores", "8"]).failure(1);
    contains(&large, &["found a VM of 16 cores", "Give it larger servers"]);
    contains(&terrace(&["fleet", "run", "--running-share", "2"]).failure(1), &["running_share: found 2"]);
    contains(&terrace(&["fleet", "run", "--policy", "best"]).failure(2), &["best", "contiguity"]);
    contains(&terrace(&["fleet", "run", "--kind", "10,x,1 GiB"]).failure(2), &["expected a number of cores"]);
    let costs = ["fleet", "run", "--walks-per-core-second=1", "--ept-cycles=-1", "--segment-cycles=1"];
    contains(&terrace(&costs).failure(1), &["expected numbers from 0"]);
}

#[test]
fn servers_of_several_kinds_are_used() {
    let kinds =
        ["fleet", "run", "--vms=5000", "--kind=100,24,192 GiB", "--kind=50,48,192 GiB", "--format=json"];
    let result: Value = serde_json::from_str(&terrace(&kinds).success()).unwrap();
    assert_eq!(result["servers"].as_array().unwrap().len(), 2);
    assert_eq!(result["servers"][1]["cores"], 48.0);
}

#[test]
fn the_bench_measures_every_policy() {
    let text =
        terrace(&["fleet", "bench", "--quick", "--servers=200,400", "--policy=spread,snug", "--format=json"]);
    let result: Value = serde_json::from_str(&text.success()).unwrap();
    assert_eq!(result["rows"].as_array().unwrap().len(), 6);
}

/// Ctrl-C keeps what was counted until then.
#[test]
#[cfg(unix)]
fn an_interrupted_run_keeps_what_it_has() {
    use std::io::{BufRead, BufReader};
    use std::process::{Command, Stdio};
    let folder = tempfile::tempdir().unwrap();
    let mut child = Command::new(env!("CARGO_BIN_EXE_terrace"))
        .args(["fleet", "run", "--vms", "3000000", "--policy", "stack,spread,tight,snug,contiguity"])
        .args(["--threads", "1", "--out", "result", "--verbose"])
        .current_dir(folder.path())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // Until the trace is made an interrupt ends the program; then it says so.
    let mut said = BufReader::new(child.stderr.take().unwrap()).lines();
    assert!(said.next().unwrap().unwrap().starts_with("synthetic: 3000000 VMs"));
    std::thread::sleep(std::time::Duration::from_millis(300));
    let status = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(status.success());
    let error: Vec<String> = said.map(Result::unwrap).collect();
    let error = error.join("\n");
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130), "{error}");
    contains(&error, &["interrupted: ", "of 5 simulations were finished"]);
    contains(&String::from_utf8(output.stdout).unwrap(), &["interrupted after"]);
    let text = fs::read_to_string(folder.path().join("result/result.json")).unwrap();
    let result: Value = serde_json::from_str(&text).unwrap();
    let runs = result["runs"].as_array().unwrap();
    assert_eq!(runs.last().unwrap()["complete"], false);
}
