//! Ctrl-C: what was finished is kept, and nothing is half written.
#![cfg(unix)]

mod run;

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
