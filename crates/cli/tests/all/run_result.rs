//! The page on results of `terrace run` is what a result has today. `TERRACE_ACCEPT=1` writes it anew.

use crate::pages;
use crate::run;

use std::collections::BTreeSet;
use std::fmt::Write;

use pages::{fields, is_current};
use run::terrace;
use terrace_addr::Nanos;
use terrace_result::{
    EVENT_COLUMNS, Notation, Outcome, RUNS_SCHEMA_VERSION, RunMetric, RunsResult, SERIES_COLUMNS, TableColumn,
};

/// The fields of `result.json` beside the metrics: where, type and unit, meaning.
const FIELDS: [(&str, &str, &str); 39] = [
    ("kind", "text", "always `run`"),
    (
        "schema_version",
        "number",
        "rises when a field or metric changes its meaning or disappears; new ones may be added without",
    ),
    ("terrace_version", "text", "the version of the program"),
    ("model_version", "number", "rises when numbers change for equal input"),
    ("scenario.name", "text", "the scenario"),
    ("scenario.description", "text", "what it shows"),
    ("scenario.sha256", "text", "the digest of its file"),
    ("scenario.overrides", "list of texts", "what `--set` and `--seed` changed, as given"),
    (
        "scenario.configurations",
        "list of texts",
        "the whole configuration of each run, as a scenario file that finds the same",
    ),
    ("machines", "list", "the machines of the runs, in the order in which runs first use them"),
    ("machines[].name", "text", "the machine"),
    ("machines[].sha256", "text", "the digest of its file"),
    ("machines[].overrides", "list of texts", "what the scenario changed in it, as `path=value`"),
    ("runs", "list", "the runs, in the order of the sweeps, those of the last axis changing first"),
    (
        "runs[].labels",
        "list of pairs",
        "for each sweep axis its name, and the name of the value that this run has",
    ),
    ("runs[].machine", "text", "the name of its machine"),
    (
        "runs[].outcome.kind",
        "text",
        "how it ended: `complete`, `interrupted`, `out_of_memory`, `failed` (a program or guest did what it may not)",
    ),
    ("runs[].outcome.at_ns", "ns", "if it was not complete: when it ended, in simulated time"),
    ("runs[].outcome.layer", "text", "out of memory: whose kernel, `host` or `vm0/guest`"),
    ("runs[].outcome.wanted", "text", "out of memory: what it wanted, and what there was"),
    ("runs[].outcome.vm", "text", "failed: the virtual machine"),
    ("runs[].outcome.why", "text", "failed: why"),
    ("runs[].outcome.sentence", "text", "all of that for people"),
    ("runs[].simulated_ns", "ns", "the simulated time, first touch and warm-up included"),
    ("runs[].measured_ns", "ns", "the measured part of it"),
    (
        "runs[].weight",
        "number",
        "how many accesses each simulated access of the measured time stands for; 1: every one is simulated",
    ),
    ("runs[].matrix", "list", "which system ran at which layer of which virtual machine"),
    ("runs[].matrix[].vm", "text", "the virtual machine"),
    ("runs[].matrix[].mode", "text", "how its addresses are translated: `native`, `2d`, `shadow`, `nested`"),
    ("runs[].matrix[].layer", "text", "`guest`, `hypervisor` or `host`"),
    ("runs[].matrix[].system", "text", "the system"),
    (
        "runs[].matrix[].parameters",
        "list of pairs",
        "its parameters and their values, as a scenario file has them",
    ),
    ("runs[].totals", "metrics", "of the whole run; empty if it did not come to its measured time"),
    ("runs[].vms[].name", "text", "a virtual machine, whose `metrics` stand beside it"),
    (
        "runs[].layers[].vm",
        "text or null",
        "a virtual machine; none if it is the host of all of them. What a machine's `host` maps is of its memory alone; faults, collapses, splits, compaction and `fmfi` are those of the whole host",
    ),
    ("runs[].layers[].layer", "text", "one of its layers, whose `metrics` stand beside it"),
    (
        "runs[].layers[].counts",
        "numbers by name",
        "what only its system or its composed tables count, since the run began; where there is nothing, no such field",
    ),
    ("runs[].programs[].vm", "text", "a virtual machine"),
    (
        "runs[].programs[].name",
        "text",
        "one of its programs, whose `metrics` stand beside it: the workload's name, with a number if there are several",
    ),
];

/// The fields of `run.json`.
const CIRCUMSTANCES: [(&str, &str, &str); 9] = [
    ("command", "list of texts", "the command line"),
    ("started_unix_seconds", "s", "when it was started, since 1970"),
    ("wall_seconds", "s", "how long it took"),
    ("threads", "number", "how many runs were simulated at the same time, at most"),
    ("simulated_accesses", "count", "accesses that were simulated, of all runs"),
    ("host.processor", "text", "the processor, where the system tells"),
    ("host.cpus", "number", "its CPUs that could be used"),
    ("host.system", "text", "the operating system"),
    ("host.architecture", "text", "the instruction set"),
];

/// Everything that can be measured, in a moment: all modes, a program that serves requests, one that does not, sampled
/// time.
const SCENARIO: &str = r#"
name = "everything"
time = { measure = "2 ms", interval = "1 ms", weight = 2 }
record = { events = true }

[host]
memory = "1 GiB"

[guest]
system = "base-pages"

[[vm]]
memory = "64 MiB"

[[vm.program]]
workload = "zipf-store"
rate = 20000.0
parameters = { bytes = "8 MiB" }

[[vm.program]]
workload = "gups"
parameters = { bytes = "8 MiB" }
"#;

fn result(folder: &std::path::Path) -> RunsResult {
    let scenario = folder.join("everything.toml");
    std::fs::write(&scenario, SCENARIO).unwrap();
    let (scenario, out) = (scenario.to_str().unwrap(), folder.join("out"));
    let modes = "vm.mode=native,2d,shadow,nested";
    terrace(&["run", scenario, "--set", modes, "--out", out.to_str().unwrap(), "--quiet"]).success();
    let text = std::fs::read_to_string(out.join("result.json")).unwrap();
    RunsResult::read(&text, "result.json").unwrap()
}

/// Which parts of a run have a metric, in words.
fn parts(result: &RunsResult, metric: &str) -> String {
    let mut parts = BTreeSet::new();
    for run in &result.runs {
        for (scope, metrics) in run.scopes() {
            if metrics.get(metric).is_some() {
                let name = scope.to_string();
                let is_layer = ["host", "guest", "hypervisor"].iter().any(|layer| name.ends_with(layer));
                parts.insert(match name.as_str() {
                    "run" => (0, "run"),
                    name if name.contains("/program/") => (3, "program"),
                    _ if is_layer => (2, "layer"),
                    _ => (1, "VM"),
                });
            }
        }
    }
    let parts: Vec<&str> = parts.into_iter().map(|(_, part)| part).collect();
    if parts.is_empty() { "where it applies".to_owned() } else { parts.join(", ") }
}

fn rows<'r>(
    page: &mut String,
    heads: [&str; 3],
    rows: impl IntoIterator<Item = (&'r str, &'r str, &'r str)>,
) {
    writeln!(page, "\n| {} |\n| --- | --- | --- |", heads.join(" | ")).unwrap();
    for (field, kind, meaning) in rows {
        writeln!(page, "| `{field}` | {kind} | {meaning} |").unwrap();
    }
}

fn columns(page: &mut String, columns: &[TableColumn]) {
    page.push_str("\n| column | type | unit | meaning |\n| --- | --- | --- | --- |\n");
    for column in columns {
        let TableColumn { name, unit, meaning, .. } = column;
        writeln!(page, "| `{name}` | {} | {unit} | {meaning} |", column.physical()).unwrap();
    }
}

fn page(result: &RunsResult) -> String {
    let mut page = format!(
        "# The result of `terrace run`\n\
         `--format json` prints one document of the kind `run`, schema version {RUNS_SCHEMA_VERSION}; `--format csv` \
         prints its metrics, a row for each run, part of it and metric. `--out FOLDER` writes a folder:\n\
         - `result.json`: that document;\n\
         - `series.parquet`: each metric at the end of each interval, unless `record.series` is false;\n\
         - `events.parquet` (of several runs `events-0.parquet` and so on), where `record.events` is true: each \
         decision about a page;\n\
         - `config.toml` (`config-0.toml` and so on): the whole configuration of a run, which can be run again;\n\
         - `run.json`: when, where and how fast it ran.\n\n\
         The same scenario, options and versions give the same bytes in all but `run.json`.\n\n\
         ## `result.json`\n"
    );
    rows(&mut page, ["field", "type or unit", "meaning"], FIELDS);
    page.push_str(
        "\nMetrics are by name in `runs[].totals` and in the `metrics` of `vms`, `layers` and `programs`: those that \
         apply. Counts, cycles and bytes are of the measured time; what is a state and no flow is that at its end.\n\n\
         | metric | unit | better | of | meaning |\n| --- | --- | --- | --- | --- |\n",
    );
    for metric in RunMetric::ALL {
        let better = format!("{:?}", metric.better).to_lowercase();
        let parts = parts(result, metric.name);
        let (name, unit, meaning) = (metric.name, metric.unit, metric.meaning);
        writeln!(page, "| `{name}` | {unit} | {better} | {parts} | {meaning} |").unwrap();
    }
    page.push_str("\n## `series.parquet`\nA row for each run, interval, part of the run and metric.\n");
    columns(&mut page, &SERIES_COLUMNS);
    page.push_str("\n## `events.parquet`\nA row for each decision, in their order.\n");
    columns(&mut page, &EVENT_COLUMNS);
    page.push_str("\n## `run.json`\n");
    rows(&mut page, ["field", "type or unit", "meaning"], CIRCUMSTANCES);
    page
}

/// The fields that a document has, without the names of metrics and counts.
fn found(document: &str) -> BTreeSet<String> {
    let mut found = Vec::new();
    fields("", &serde_json::from_str(document).unwrap(), &mut found);
    let metrics =
        |field: &str| RunMetric::ALL.iter().any(|metric| field.ends_with(&format!(".{}", metric.name)));
    let named = |field: String| match field.split_once(".counts.") {
        Some((layers, _)) => format!("{layers}.counts"),
        None => field.trim_end_matches("[]").to_owned(),
    };
    found.into_iter().filter(|field| !metrics(field)).map(named).collect()
}

/// What is on the page: without lists of objects, whose parts stand for them.
fn stated(fields: &[(&str, &str, &str)]) -> BTreeSet<String> {
    let all = || fields.iter().map(|(field, ..)| *field);
    let is_whole = |field: &&str| {
        !all().any(|other| other.starts_with(&format!("{field}[]."))) && *field != "runs[].totals"
    };
    all().filter(is_whole).map(str::to_owned).collect()
}

#[test]
fn the_page_on_results_of_runs_is_current() {
    let folder = tempfile::tempdir().unwrap();
    let mut result = result(folder.path());
    is_current("run-result.md", &page(&result));

    // No field of a real result is missing from the page, and none is on it that is not there.
    let at = Nanos::new(1);
    let text = || "x".to_owned();
    result.scenario.overrides.push(text());
    result.machines[0].overrides.push(text());
    result.runs[0].layers[0].counts.insert(text(), 1);
    for outcome in [
        Outcome::Interrupted { at },
        Outcome::OutOfMemory { at, layer: text(), wanted: text() },
        Outcome::Failed { at, vm: text(), why: text() },
    ] {
        let run = result.runs[0].clone();
        result.runs.push(terrace_result::RunResult { outcome, ..run });
    }
    let mut document = Vec::new();
    result.write(Notation::Json, &mut document).unwrap();
    assert_eq!(found(std::str::from_utf8(&document).unwrap()), stated(&FIELDS));
    let circumstances = std::fs::read_to_string(folder.path().join("out/run.json")).unwrap();
    assert_eq!(found(&circumstances), stated(&CIRCUMSTANCES));
}

/// Every metric that the page calls one of some part was measured; those that were not are few, and rightly so.
#[test]
fn the_scenario_of_the_page_measures_nearly_everything() {
    let folder = tempfile::tempdir().unwrap();
    let result = result(folder.path());
    let unmeasured: Vec<&str> = RunMetric::ALL
        .iter()
        .map(|metric| metric.name)
        .filter(|name| parts(&result, name) == "where it applies")
        .collect();
    assert_eq!(unmeasured, [""; 0]);
}
