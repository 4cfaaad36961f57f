//! `terrace run`, and `terrace compare` and `terrace list` of what belongs to it, as a user runs them.

use crate::run;

use std::path::Path;

use run::terrace;
use serde_json::Value;
use tempfile::TempDir;
use terrace_sim::scenarios::BUILTIN_SCENARIOS;

/// A scenario of one run that takes a moment.
const SMALL: &str = r#"
name = "small"
machine = "broadwell-e5-2620v4"
time = { measure = "4 ms", interval = "1 ms" }

[host]
memory = "1 GiB"

[[vm]]
memory = "128 MiB"

[[vm.program]]
workload = "gups"
parameters = { bytes = "16 MiB" }
"#;

/// Two runs: what differs is the guest's system.
const PAGES: &str = "guest.system=base-pages,linux";

fn small() -> (TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("small.toml");
    std::fs::write(&path, SMALL).unwrap();
    let path = path.to_str().unwrap().to_owned();
    (folder, path)
}

fn json(arguments: &[&str]) -> Value {
    let all: Vec<&str> = ["run"].iter().chain(arguments).chain(&["--format", "json"]).copied().collect();
    serde_json::from_str(&terrace(&all).success()).unwrap()
}

fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn contains(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "`{part}` in\n{text}");
    }
}

/// The golden table: a change of any number is a change of the model. `TERRACE_ACCEPT=1` writes it anew.
#[test]
fn the_table_of_quickstart_is_the_golden_one() {
    let quickstart = BUILTIN_SCENARIOS.iter().find(|scenario| scenario.file.name == "quickstart").unwrap();
    let mut arguments = vec!["run", "quickstart"];
    arguments.extend(quickstart.reduced.iter().flat_map(|set| ["--set", set]));
    let found = terrace(&arguments).success();
    let width = found.lines().map(|line| line.chars().count()).max();
    assert!(width.unwrap() <= 160, "{width:?}\n{found}");
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/quickstart.txt");
    if std::env::var_os("TERRACE_ACCEPT").is_some() {
        std::fs::write(path, &found).unwrap();
    }
    assert_eq!(found, std::fs::read_to_string(path).unwrap());
}

/// Every command that the help shows works as shown; built-in scenarios in a reduced form.
#[test]
#[cfg(unix)]
fn the_examples_in_the_help_work() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("mine.toml"), SMALL).unwrap();
    let program = Path::new(env!("CARGO_BIN_EXE_terrace")).parent().unwrap();
    let help = terrace(&["run", "--help"]).success();
    let mut examples = 0;
    for example in help.lines().filter(|line| line.starts_with("  terrace run ")) {
        let few = " --set 'time={ measure = \"1 ms\", interval = \"1 ms\" }'";
        let example = example.replacen("run quickstart", &format!("run quickstart{few} --set vm.mode=2d"), 1);
        let less = " --set vm.program.parameters.bytes='16 MiB'";
        let example = example.replacen("run contiguous", &format!("run contiguous{few}{less}"), 1);
        let ran = std::process::Command::new("sh")
            .args(["-c", &example])
            .env("PATH", format!("{}:{}", program.display(), std::env::var("PATH").unwrap()))
            .current_dir(folder.path())
            .output()
            .unwrap();
        assert!(ran.status.success(), "{example}: {}", String::from_utf8_lossy(&ran.stderr));
        examples += 1;
    }
    assert_eq!(examples, 7);
    assert!(folder.path().join("results/quickstart/result.json").exists());
    assert!(folder.path().join("scenario.schema.json").exists());
}

#[test]
fn a_few_runs_are_columns() {
    let (_folder, small) = small();
    let table = terrace(&["run", &small, "--set", PAGES]).success();
    contains(
        &table,
        &["Cycles of an access", "base-pages", "  translation", "  huge pages, guest", "on broadwell"],
    );
    let one =
        terrace(&["run", &small, "--set", "guest.parameters.thp=never", "--verbose", "--quiet"]).failure(2);
    contains(&one, &["cannot be used with"]);
}

#[test]
fn results_are_the_same_bytes_for_any_number_of_threads() {
    let (folder, small) = small();
    let files = ["1", "2"].map(|threads| {
        let out = folder.path().join(threads);
        let place = out.to_str().unwrap();
        terrace(&["run", &small, "--set", PAGES, "--set", "seed=1,2", "--out", place, "--threads", threads])
            .success();
        ["result.json", "series.parquet", "config-3.toml"].map(|name| std::fs::read(out.join(name)).unwrap())
    });
    assert!(files[0] == files[1]);
    let [first, second] =
        ["1", "2"].map(|seed| json(&[&small, "--seed", seed])["runs"][0]["totals"].to_string());
    assert_ne!(first, second, "the seed decides which words are updated");
}

#[test]
fn a_result_folder_is_whole_and_its_series_agrees_with_the_totals() {
    let (folder, small) = small();
    let out = folder.path().join("deep/result");
    let place = out.to_str().unwrap();
    terrace(&["run", &small, "--out", place]).success();
    assert_eq!(names(&out), ["config.toml", "result.json", "run.json", "series.parquet"]);
    let printed = terrace(&["run", &small, "--format", "json"]).success();
    assert_eq!(std::fs::read_to_string(out.join("result.json")).unwrap(), printed);
    let result: Value = serde_json::from_str(&printed).unwrap();
    let rows = terrace_result::read_series(&out.join("series.parquet")).unwrap();
    let walks = rows.iter().filter(|row| row.scope == "run" && row.metric.name == "walks");
    let walks: Vec<f64> = walks.map(|row| row.value).collect();
    assert_eq!(walks.len(), 4, "an interval for each ms");
    let total = result["runs"][0]["totals"]["walks"].as_f64().unwrap();
    assert!((walks.iter().sum::<f64>() - total).abs() < 0.5, "{walks:?} {total}");
    let circumstances: Value = serde_json::from_slice(&std::fs::read(out.join("run.json")).unwrap()).unwrap();
    assert_eq!(circumstances["command"][1], "run");
    assert!(circumstances["wall_seconds"].as_f64().unwrap() > 0.0);
    assert!(circumstances["simulated_accesses"].as_u64().unwrap() > 1000);
    // Several runs have a configuration each; without a series there is no file of it.
    terrace(&["run", &small, "--set", PAGES, "--set", "record.series=false", "--out", place]).success();
    assert_eq!(names(&out), ["config-0.toml", "config-1.toml", "result.json", "run.json"]);
    // The configuration of a run is a scenario that finds the same.
    let config = out.join("config-1.toml");
    let again = json(&[config.to_str().unwrap()]);
    let result: Value = serde_json::from_slice(&std::fs::read(out.join("result.json")).unwrap()).unwrap();
    assert_eq!(again["runs"][0]["totals"], result["runs"][1]["totals"]);
}

#[test]
fn the_configuration_reads_back_as_itself() {
    let (folder, small) = small();
    let shown = terrace(&["run", &small, "--set", "vm.memory=256 MiB", "--show-config"]).success();
    contains(&shown, &["memory = \"256 MiB\"", "[guest.parameters]", "thp = \"always\""]);
    let path = folder.path().join("shown.toml");
    std::fs::write(&path, &shown).unwrap();
    assert_eq!(terrace(&["run", path.to_str().unwrap(), "--show-config"]).success(), shown);
    let both = terrace(&["run", &small, "--set", PAGES, "--seed", "7", "--show-config"]).success();
    contains(&both, &["# run 0: system base-pages\n", "# run 1: system linux\n", "seed = 7"]);
}

#[test]
fn the_schema_is_printed() {
    let schema: Value = serde_json::from_str(&terrace(&["run", "--schema"]).success()).unwrap();
    assert!(schema["properties"]["vm"].is_object() && schema["properties"]["sweep"].is_object());
}

#[test]
fn bad_input_is_told_in_a_message() {
    let (folder, small) = small();
    let taken = folder.path().join("taken");
    std::fs::create_dir(&taken).unwrap();
    std::fs::write(taken.join("thesis.txt"), "").unwrap();
    let taken = taken.to_str().unwrap();
    for (arguments, parts) in [
        (vec!["quikstart"], vec!["quikstart", "did you mean quickstart?"]),
        (vec!["/nonexistent/x.toml"], vec!["x.toml", "found no such file"]),
        (vec![&small, "--set", "vm.memoy=1 GiB"], vec!["vm.memoy", "did you mean memory?"]),
        (vec![&small, "--set", "vm.memory=4096"], vec!["vm.memory=4096", "a size with its unit"]),
        (vec![&small, "--set", "guest.system=linus"], vec!["linus", "did you mean linux?"]),
        (vec![&small, "--set", "machine=brodwell-e5-2620v4"], vec!["did you mean broadwell-e5-2620v4?"]),
        (vec![&small, "--set", "host.nodes=dram7"], vec!["host.nodes", "dram7"]),
        (
            vec![&small, "--set", "host.memory=65 GiB"],
            vec!["host.memory", "65 GiB", "at most 64 GiB", "dram0, dram1", "host.nodes"],
        ),
        (vec![&small, "--set", "vm.vcpus=900"], vec!["vm.vcpus=900", "900 vCPUs", "expected"]),
        (vec![&small, "--out", taken], vec!["taken", "found a folder with other files"]),
    ] {
        let all: Vec<&str> = ["run"].into_iter().chain(arguments).collect();
        let error = terrace(&all).failure(1);
        assert!(error.starts_with("error: ") && error.lines().count() <= 3, "one short message:\n{error}");
        contains(&error, &parts);
    }
    assert_eq!(names(Path::new(taken)), ["thesis.txt"]);
    contains(&terrace(&["run"]).failure(2), &["<SCENARIO>"]);
}

/// What only the program or the system itself can tell is in the file, too.
#[test]
fn what_a_run_cannot_be_made_with_is_told_with_its_place() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("wrong.toml");
    let file = path.to_str().unwrap();
    let churn = SMALL.replace("gups", "churn");
    for (text, message) in [
        (
            SMALL.replace("\"gups\"", "\"gups\"\nrate = 100"),
            "14:8: vm.0.program.0.rate: found a rate of gups, which serves no requests; expected no `rate`",
        ),
        (
            churn.replace("{ bytes = \"16 MiB\" }", "{ least_bytes = \"1 GiB\" }"),
            "14:30: vm.0.program.0.parameters.least_bytes: found 1 GiB; expected at most most_bytes, 16777216 bytes",
        ),
        (
            format!(
                "{}\n[guest]\nsystem = \"direct-segment\"\n",
                SMALL.replace("[[vm]]", "[[vm]]\nmode = \"shadow\"")
            ),
            "18:10: guest.system: found direct-segment, which needs what this layer cannot do: direct; expected another \
             system or, if that is what it lacks, another mode",
        ),
    ] {
        std::fs::write(&path, text).unwrap();
        assert_eq!(terrace(&["run", file]).failure(1), format!("error: {file}:{message}\n"));
    }
}

/// That memory runs out is what such a run shows: other runs go on, and there is an error only if none measured.
#[test]
fn a_machine_larger_than_its_host_is_an_outcome() {
    let (_folder, small) = small();
    let large = ["--set", "host.memory=64 MiB", "--set", "vm.program.parameters.bytes=16 MiB,100 MiB"];
    let all: Vec<&str> = [small.as_str()].into_iter().chain(large).collect();
    let result = json(&all);
    assert_eq!(result["runs"][0]["outcome"]["kind"], "complete");
    assert_eq!(result["runs"][1]["outcome"]["kind"], "out_of_memory");
    let all: Vec<&str> = ["run"].into_iter().chain(all).collect();
    contains(&terrace(&all).success(), &["bytes 100 MiB: At ", "had no memory left"]);
    let ran = terrace(&["run", &small, "--set", large[1], "--set", "vm.program.parameters.bytes=100 MiB"]);
    let (printed, error) = ran.ended(1);
    contains(&printed, &["had no memory left"]);
    contains(&error, &["error: found nothing measured, expected"]);
}

#[test]
fn results_of_runs_are_compared() {
    let (folder, small) = small();
    let [first, second] =
        ["first", "second"].map(|name| folder.path().join(name).to_str().unwrap().to_owned());
    terrace(&["run", &small, "--set", PAGES, "--out", &first]).success();
    terrace(&["run", &small, "--set", PAGES, "--set", "host.system=base-pages", "--out", &second]).success();
    let table = terrace(&["compare", &first, &second]).success();
    contains(&table, &["small, base-pages", "small, linux", "ratio", "first", "second"]);
    contains(&table, &["worse", "second: host.system \"base-pages\", not \"linux\""]);
    let file = Path::new(&second).join("result.json");
    let csv = ["--metric", "walks", "--format", "csv"];
    let csv = terrace(&[&["compare", &first, file.to_str().unwrap()], csv.as_slice()].concat()).success();
    let result: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
    let walks = format!("second,walks,{},", result["runs"][1]["totals"]["walks"]);
    assert_eq!(csv.lines().count(), 5);
    assert!(csv.lines().last().unwrap().contains(&walks), "{walks} in\n{csv}");
    // One result: the values of an axis.
    let axis = terrace(&["compare", &first, "--by", "system", "--part", "vm0/guest"]).success();
    contains(&axis, &["small, vm0/guest", "base-pages", "linux", "huge_coverage", "better"]);
    for (arguments, parts) in [
        (["--by", "sistem"], ["--by: found sistem", "expected one of system"]),
        (["--part", "vm1"], ["--part: found vm1", "vm0/guest"]),
        (["--metric", "walk_cycles"], ["found walk_cycles", "terrace run"]),
    ] {
        contains(&terrace(&[&["compare", &first], arguments.as_slice()].concat()).failure(1), &parts);
    }
    let golden = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/gups.json");
    let error = terrace(&["compare", &first, golden]).failure(1);
    contains(&error, &["gups.json", "a result of terrace replay", "expected one of terrace run"]);
    contains(
        &terrace(&["compare", folder.path().to_str().unwrap()]).failure(1),
        &["result.json", "No such file"],
    );
}

#[test]
fn registries_are_listed() {
    contains(&terrace(&["list", "systems"]).success(), &["base-pages", "linux", "khugepaged"]);
    contains(
        &terrace(&["list", "systems", "linux"]).success(),
        &["Source: Linux", "scan_sleep = 10 s", "source: "],
    );
    contains(&terrace(&["list", "workloads"]).success(), &["gups", "masstree"]);
    contains(&terrace(&["list", "workloads", "gups"]).success(), &["bytes = ", "size: "]);
    contains(&terrace(&["list", "scenarios"]).success(), &["quickstart"]);
    contains(
        &terrace(&["list", "scenarios", "quickstart"]).success(),
        &["[[sweep]]", "name = \"quickstart\""],
    );
    contains(&terrace(&["list", "metrics"]).success(), &["stlb_misses", "well_aligned_share", "better"]);
    contains(
        &terrace(&["list", "workloads", "gupz"]).failure(1),
        &["found no workload gupz", "did you mean gups?"],
    );
    contains(&terrace(&["list", "modes", "2d"]).failure(1), &["expected none"]);
}

/// Each decision about a page, where a scenario asks for them: a file for each run, the same bytes every time.
#[test]
fn events_are_written_where_they_are_asked_for() {
    let place = tempfile::tempdir().unwrap();
    let write = |name: &str, threads: &str| {
        let folder = place.path().join(name);
        let settings = [
            "record.events=true",
            "vm.memory=32 MiB",
            "vm.program.parameters.bytes=8 MiB",
            "host.memory=256 MiB",
            "time.warm_up=0 s",
            "time.measure=1 ms",
            "time.interval=1 ms",
        ];
        let mut arguments = vec!["run", "page-sizes", "--quiet", "--threads", threads, "--out"];
        arguments.push(folder.to_str().unwrap());
        arguments.extend(settings.iter().flat_map(|set| ["--set", set]));
        terrace(&arguments).success();
        folder
    };
    let (one, other) = (write("one", "1"), write("other", "2"));
    for number in 0..4 {
        let name = format!("events-{number}.parquet");
        let bytes = std::fs::read(one.join(&name)).unwrap();
        assert!(bytes == std::fs::read(other.join(&name)).unwrap(), "{name}");
        let events = terrace_result::read_events(&one.join(&name)).unwrap();
        assert!(events.iter().all(|event| event.run == number));
        assert!(events.iter().any(|event| event.layer == "guest" && event.kind == "fault"));
        assert!(events.iter().any(|event| event.layer == "host" && event.hpa.is_some()));
    }
}

/// Of a sweep only some runs, as the whole sweep has them.
#[test]
fn some_runs_of_a_sweep_are_those_of_the_whole() {
    let (_folder, small) = small();
    let sweep = [small.as_str(), "--set", PAGES, "--set", "vm.mode=native,2d"];
    let labels = |document: &Value| {
        let runs = document["runs"].as_array().unwrap();
        runs.iter().map(|run| run["labels"].to_string()).collect::<Vec<_>>()
    };
    let all = json(&sweep);
    let one = json(&[&sweep[..], &["--only", "system=linux", "--only", "mode=2d,native"]].concat());
    assert_eq!((labels(&all).len(), labels(&one).len()), (4, 2));
    for run in one["runs"].as_array().unwrap() {
        let same = all["runs"].as_array().unwrap().iter().find(|other| other["labels"] == run["labels"]);
        assert_eq!(same.unwrap()["totals"], run["totals"]);
    }
    for (code, only, expected) in [
        (
            1,
            "mod=2d",
            "--only: found `mod` as an axis; expected one of the axes of the sweep: mode, system; did you mean mode?",
        ),
        (
            1,
            "mode=3d",
            "--only: found `3d` as a value of mode; expected one of the values that are left of it: 2d, native; did you mean 2d?",
        ),
        (2, "mode", "found `mode`; expected AXIS=VALUE, several values with commas between them"),
    ] {
        let error = terrace(&[&["run"], &sweep[..], &["--only", only]].concat()).failure(code);
        assert!(error.contains(expected), "{error}");
    }
    let error = terrace(&["run", &small, "--only", "mode=2d"]).failure(1);
    assert!(error.contains("expected a scenario with a sweep: this one is a single run"), "{error}");
}

/// A draw chooses every number of a program that nobody gave: also those that a scenario fills in otherwise.
#[test]
fn draws_choose_what_is_not_given() {
    let (_folder, small) = small();
    let program = |parameters: &str| {
        let (workload, parameters) = (
            "vm.program.workload=parsec-canneal",
            format!("vm.program.parameters={{ bytes = \"16 MiB\"{parameters} }}"),
        );
        let result = json(&[&small, "--set", workload, "--set", &parameters]);
        let totals = &result["runs"][0]["totals"];
        totals["core_cycles"].as_f64().unwrap() / totals["accesses"].as_f64().unwrap()
    };
    // Six cycles of an access are assumed, 3 to 15.
    assert!((program("") - 6.0).abs() < 1e-9);
    let drawn = ["1", "2", "3"].map(|number| program(&format!(", draw = {number}")));
    assert!(drawn.iter().all(|cycles| (3.0..=15.0).contains(cycles)), "{drawn:?}");
    assert!((drawn[0] - drawn[1]).abs() > 0.01 && (drawn[1] - drawn[2]).abs() > 0.01, "{drawn:?}");
    assert!((program(", draw = 1, core_cycles = 6") - 6.0).abs() < 1e-9);
}
