//! Values of the machine that a scenario changes, as a user changes them.

use crate::run;

use run::terrace;
use serde_json::Value;

const SMALL: &str = r#"
name = "small"
machine = "broadwell-e5-2620v4"
time = { measure = "4 ms", interval = "4 ms" }

[guest]
system = "base-pages"

[host]
memory = "1 GiB"

[[vm]]
memory = "128 MiB"

[[vm.program]]
workload = "gups"
parameters = { bytes = "4 MiB" }
"#;

fn written(text: &str) -> (tempfile::TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("small.toml");
    std::fs::write(&path, text).unwrap();
    let path = path.to_str().unwrap().to_owned();
    (folder, path)
}

fn json(scenario: &str, arguments: &[&str]) -> Value {
    let all = [&["run", scenario, "--format", "json"], arguments].concat();
    serde_json::from_str(&terrace(&all).success()).unwrap()
}

fn walks(result: &Value, run: usize) -> f64 {
    result["runs"][run]["totals"]["walks"].as_f64().unwrap()
}

/// 1,024 pages, which 1,536 entries hold and 96 do not.
#[test]
fn a_smaller_tlb_walks_more_and_the_result_says_whose() {
    let (_folder, small) = written(SMALL);
    let swept = json(&small, &["--set", "machine.tlb.stlb.entries=1536,96"]);
    assert!(
        walks(&swept, 1) > 100.0 * walks(&swept, 0).max(1.0),
        "{} {}",
        walks(&swept, 0),
        walks(&swept, 1)
    );
    assert_eq!(swept["runs"][1]["labels"][0], serde_json::json!(["entries", "96"]));
    let overrides = |machine: usize| swept["machines"][machine]["overrides"].to_string();
    assert_eq!([overrides(0), overrides(1)], [r#"["tlb.stlb.entries=1536"]"#, r#"["tlb.stlb.entries=96"]"#]);
    // The file says the same as the option, and so does the configuration that a result has.
    let table = "[machine]\nname = \"broadwell-e5-2620v4\"\ntlb.stlb.entries = 96\n\n[guest]";
    let text = SMALL.replace("machine = \"broadwell-e5-2620v4\"\n", "").replace("[guest]", table);
    let (_other, file) = written(&text);
    let of_file = json(&file, &[]);
    assert_eq!(of_file["runs"][0]["totals"], swept["runs"][1]["totals"]);
    let (_third, again) = written(of_file["scenario"]["configurations"][0].as_str().unwrap());
    assert_eq!(json(&again, &[])["runs"][0]["totals"], of_file["runs"][0]["totals"]);
}

#[test]
fn what_the_machine_does_not_have_is_told_in_a_message() {
    let (_folder, small) = written(SMALL);
    for (set, parts) in [
        (
            "machine.tlb.stlb.entires=96",
            ["--set machine.tlb.stlb.entires=96: found no key", "did you mean entries?"],
        ),
        ("machine.tlb.slb.entries=96", ["found no key `slb` in tlb", "did you mean stlb?"]),
        ("machine.tlb.stlb.ways=0", ["--set machine.tlb.stlb.ways=0: found 0", "expected at least 1"]),
        ("machine.memory.dram0.latency=90", ["--set machine.memory.dram0.latency=90", "expected a time"]),
        (
            "machine.name=brodwell-e5-2620v4",
            ["--set machine.name=brodwell-e5-2620v4: found \"", "did you mean broadwell-e5-2620v4?"],
        ),
    ] {
        let error = terrace(&["run", &small, "--set", set]).failure(1);
        assert!(error.starts_with("error: ") && error.lines().count() <= 3, "one short message:\n{error}");
        for part in parts {
            assert!(error.contains(part), "`{part}` in\n{error}");
        }
    }
}
