//! `terrace events`, as a user reads the decisions of a run.

use crate::run;

use run::terrace;

const NESTED: &str = r#"
name = "small"
machine = "broadwell-e5-2620v4"
time = { measure = "1 ms", interval = "1 ms" }
record = { events = true }
guest = { system = "xgemini" }
hypervisor = { system = "base-pages" }
host = { system = "xgemini", memory = "64 MiB" }

[[vm]]
mode = "nested"
memory = "24 MiB"
hypervisor_memory = "32 MiB"

[[vm.program]]
workload = "gups"
parameters = { bytes = "4 MiB" }
"#;

/// A result folder of a run that records events.
fn result() -> (tempfile::TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    let (scenario, out) = (folder.path().join("small.toml"), folder.path().join("out"));
    std::fs::write(&scenario, NESTED).unwrap();
    let out = out.to_str().unwrap().to_owned();
    terrace(&["run", scenario.to_str().unwrap(), "--quiet", "--out", &out]).success();
    (folder, out)
}

#[test]
fn decisions_are_summed_up_and_shown_one_by_one() {
    let (_folder, result) = result();
    let summary = terrace(&["events", &result]).success();
    assert!(summary.contains("why") && summary.contains("a block for a huge page"), "{summary}");
    // A page of the nested guest was moved to where its guest-physical address says.
    let moved =
        terrace(&["events", &result, "--layer", "host", "--kind", "migrate", "--format", "csv"]).success();
    let mut rows = moved.lines();
    assert_eq!(rows.next(), Some("ms,vm,layer,what,size,GVA,GPA,GHPA,HPA,offset,why"));
    let row: Vec<&str> = rows.next().expect("pages were moved").split(',').collect();
    let address = |column: usize| u64::from_str_radix(row[column].trim_start_matches("0x"), 16).unwrap();
    let (nested, memory) = (address(6), address(8));
    assert_eq!(nested % (2 << 20), memory % (2 << 20), "{row:?}");
    let at = format!("{memory:#x}");
    let about = terrace(&["events", &result, "--at", &at]).success();
    assert!(about.contains(&at), "{about}");
    let few = terrace(&["events", &result, "--layer", "guest", "--most", "1"]).success();
    assert!(few.contains("the first 1 of"), "{few}");
}

#[test]
fn what_holds_no_events_is_refused() {
    let (_folder, result) = result();
    let error = terrace(&["events", &result, "--run", "7"]).failure(1);
    assert!(error.contains("found no events of run 7"), "{error}");
    let error = terrace(&["events", &result, "--at", "here"]).failure(2);
    assert!(error.contains("hexadecimal"), "{error}");
}
