//! Ctrl-C: what was finished is kept, and nothing is half written.
#![cfg(unix)]

use std::io::Write;
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

/// Runs the program on a log that has no end, and interrupts it.
fn interrupted(arguments: &[&str], folder: &std::path::Path) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_terrace"))
        .args(arguments)
        .current_dir(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    let writer = std::thread::spawn(move || {
        let lines = b"I  04000000,3\n L 1ffe000,8\n S 1ffe008,8\n".repeat(1000);
        while input.write_all(&lines).is_ok() {}
    });
    std::thread::sleep(Duration::from_millis(500));
    interrupt(&child);
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    output
}

fn interrupt(child: &Child) {
    let status = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(status.success());
}

#[test]
fn a_replay_prints_what_it_did() {
    let folder = tempfile::tempdir().unwrap();
    let output = interrupted(&["replay", "-", "--format", "json"], folder.path());
    let error = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(130), "{error}");
    let result: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(result["complete"], false);
    assert!(result["modes"][0]["references"].as_u64().unwrap() > 1000);
    assert!(error.contains("interrupted"), "{error}");
}

#[test]
fn a_conversion_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let output = interrupted(&["trace", "convert", "-", "out.terrace"], folder.path());
    let error = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(130), "{error}");
    assert!(error.contains("interrupted: nothing was written"), "{error}");
    let left: Vec<_> = std::fs::read_dir(folder.path()).unwrap().collect();
    assert!(left.is_empty(), "{left:?}");
}

/// Two runs that have no end to speak of, one at a time, behind one that is finished at once.
#[test]
fn a_scenario_keeps_what_was_finished() {
    let folder = tempfile::tempdir().unwrap();
    let scenario = r#"
name = "long"
machine = "broadwell-e5-2620v4"
time = { interval = "1 ms" }
host = { memory = "1 GiB" }
[[vm]]
memory = "128 MiB"
[[vm.program]]
workload = "gups"
parameters = { bytes = "8 MiB" }
"#;
    std::fs::write(folder.path().join("long.toml"), scenario).unwrap();
    let child = Command::new(env!("CARGO_BIN_EXE_terrace"))
        .args(["run", "long.toml", "--set", "time.measure=2 ms,1000 s,2000 s", "--threads", "1"])
        .args(["--out", "result", "--format", "json"])
        .current_dir(folder.path())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    std::thread::sleep(Duration::from_secs(2));
    interrupt(&child);
    let output = child.wait_with_output().unwrap();
    let error = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(130), "{error}");
    assert!(error.contains("interrupted: 1 of 3 runs were finished"), "{error}");
    let result: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let outcomes: Vec<_> =
        result["runs"].as_array().unwrap().iter().map(|run| &run["outcome"]["kind"]).collect();
    assert_eq!(outcomes, ["complete", "interrupted"]);
    assert_eq!(result["scenario"]["configurations"].as_array().unwrap().len(), 2);
    assert!(result["runs"][1]["totals"]["accesses"].as_u64().unwrap() > 1000);
    let series = terrace_result::read_series(&folder.path().join("result/series.parquet")).unwrap();
    let finished =
        series.iter().filter(|row| row.run == 1 && row.scope == "run" && row.metric.name == "walks");
    assert!(finished.count() > 1, "finished intervals");
    let mut left: Vec<_> =
        std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    left.sort();
    assert_eq!(left, ["long.toml", "result"]);
}
