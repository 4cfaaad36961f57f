//! Bad input: one clear error that says where, what was found and what was expected, an exit code that is not 0,
//! and nothing half written.

use crate::run;

use std::io::Write;
use std::path::Path;

use run::{data, terrace};
use tempfile::TempDir;

/// A file with these bytes.
fn file(folder: &TempDir, name: &str, bytes: &[u8]) -> String {
    let path = folder.path().join(name);
    std::fs::write(&path, bytes).unwrap();
    path.to_str().unwrap().to_owned()
}

fn folder() -> TempDir {
    tempfile::tempdir().unwrap()
}

/// The message for a trace that cannot be replayed.
fn error_for(path: &str, arguments: &[&str]) -> String {
    let all: Vec<&str> = ["replay", path].iter().chain(arguments).copied().collect();
    let error = terrace(&all).failure(1);
    assert!(error.starts_with("error: ") && error.lines().count() <= 3, "one short message:\n{error}");
    let name = Path::new(path).file_name().unwrap().to_str().unwrap();
    assert!(error.contains(name), "the file is named:\n{error}");
    error
}

fn contains(error: &str, parts: &[&str]) {
    for part in parts {
        assert!(error.contains(part), "`{part}` in\n{error}");
    }
}

fn gups() -> Vec<u8> {
    std::fs::read(data("gups.drmemtrace.zip")).unwrap()
}

#[test]
fn a_truncated_zip() {
    let folder = folder();
    let whole = gups();
    for part in [whole.len() / 2, whole.len() - 1, 30] {
        let path = file(&folder, "cut.zip", &whole[..part]);
        contains(&error_for(&path, &[]), &["found", "expected"]);
    }
}

#[test]
fn a_flipped_byte_inside_a_chunk() {
    let folder = folder();
    for at in [5_000, 300_000, 600_000] {
        let mut bytes = gups();
        bytes[at] ^= 0x55;
        let path = file(&folder, "flipped.zip", &bytes);
        contains(&error_for(&path, &[]), &["chunk.00000000", "found", "expected"]);
    }
}

#[test]
fn a_wrong_magic() {
    let folder = folder();
    for (name, bytes) in
        [("notes.txt", b"once upon a time there was no trace at all".as_slice()), ("empty", b"")]
    {
        let path = file(&folder, name, bytes);
        contains(&error_for(&path, &[]), &["found", "expected"]);
    }
}

/// A `ChampSim` record that loads from `addr`.
fn champsim(addr: u64) -> [u8; 64] {
    let mut record = [0; 64];
    record[..8].copy_from_slice(&0x40_0000_u64.to_le_bytes());
    record[32..40].copy_from_slice(&addr.to_le_bytes());
    record
}

#[test]
fn a_champsim_file_of_odd_length() {
    let folder = folder();
    let mut bytes = champsim(0x1000).repeat(100);
    bytes.truncate(6_399);
    let path = file(&folder, "odd.champsim", &bytes);
    contains(
        &error_for(&path, &["--input-format", "champsim"]),
        &["byte 6336", "63 bytes", "6399", "multiple of 64"],
    );
}

#[test]
fn an_address_that_is_not_canonical() {
    let folder = folder();
    let mut bytes = champsim(0x1000).repeat(100);
    bytes.extend(champsim(0x1234_0000_0000_0000));
    let path = file(&folder, "wild.champsim", &bytes);
    contains(&error_for(&path, &[]), &["0x1234000000000000", "found", "expected", "100"]);
}

#[test]
fn an_address_that_needs_5_levels() {
    let folder = folder();
    let mut bytes = champsim(0x1000).repeat(100);
    bytes.extend(champsim(1 << 50));
    let path = file(&folder, "wide.champsim", &bytes);
    contains(
        &error_for(&path, &[]),
        &["reference 201", "found address 0x4000000000000", "4 levels", "--set paging.levels=5"],
    );
    assert!(!terrace(&["replay", &path, "--set", "paging.levels=5"]).success().is_empty());
    // Where only some accesses are replayed the place is still that in the trace.
    contains(&error_for(&path, &["--accesses", "data"]), &["reference 201"]);
}

/// A machine file with one value of a built-in one replaced.
fn machine_error(from: &str, to: &str) -> String {
    let folder = folder();
    let text = include_str!("../../../machine/machines/drmemtrace.toml");
    assert!(text.contains(from), "{from}");
    let path = file(&folder, "mine.toml", text.replacen(from, to, 1).as_bytes());
    let error = terrace(&["replay", &data("gups.drmemtrace.zip"), "--machine", &path]).failure(1);
    contains(&error, &["mine.toml:", "found", "expected"]);
    error
}

#[test]
fn a_machine_with_0_ways() {
    contains(&machine_error("ways = 8", "ways = 0"), &["tlb.l1i.ways", "found 0 ways"]);
}

#[test]
fn a_tlb_whose_number_of_sets_is_no_power_of_two() {
    contains(&machine_error("entries = 128", "entries = 96"), &["tlb.l1i", "12 sets", "power of two"]);
}

#[test]
fn a_machine_file_with_an_unknown_key() {
    contains(&machine_error("ways = 8", "wayz = 8"), &["wayz", "ways"]);
}

#[test]
fn a_machine_that_does_not_exist() {
    let error =
        terrace(&["replay", &data("gups.drmemtrace.zip"), "--machine", "brodwell-e5-2620v4"]).failure(1);
    contains(&error, &["brodwell-e5-2620v4", "broadwell-e5-2620v4"]);
}

#[test]
fn a_value_to_set_that_does_not_exist() {
    let error = terrace(&["replay", &data("gups.drmemtrace.zip"), "--set", "tlb.stlb.entrys=8"]).failure(1);
    contains(&error, &["tlb.stlb.entrys", "entries"]);
}

#[test]
fn a_directory_where_a_file_belongs() {
    let folder = folder();
    let path = folder.path().join("trace.zip");
    std::fs::create_dir(&path).unwrap();
    contains(&error_for(path.to_str().unwrap(), &[]), &["directory"]);
    let error =
        terrace(&["replay", &data("gups.drmemtrace.zip"), "--mapping", path.to_str().unwrap()]).failure(1);
    contains(&error, &["trace.zip", "directory"]);
    let error =
        terrace(&["replay", &data("gups.drmemtrace.zip"), "--machine", path.to_str().unwrap()]).failure(1);
    contains(&error, &["trace.zip", "directory"]);
}

#[test]
fn a_file_that_does_not_exist() {
    contains(&error_for("/nonexistent/trace.zip", &[]), &["No such file"]);
}

#[test]
fn a_trace_that_touches_more_than_there_is_memory() {
    let folder = folder();
    let path = folder.path().join("large.champsim");
    let mut writer = std::io::BufWriter::new(std::fs::File::create(&path).unwrap());
    for page in 0..300_000_u64 {
        writer.write_all(&champsim((1 << 40) + page * 4096)).unwrap();
    }
    writer.into_inner().unwrap();
    let error = error_for(path.to_str().unwrap(), &["--memory", "1 GiB", "--mode", "native"]);
    contains(&error, &["HPA memory for 4K is full: 1024 MiB", "--memory"]);
}

#[test]
fn arguments_that_cannot_be_understood() {
    let trace = data("gups.drmemtrace.zip");
    for (arguments, parts) in [
        (["--mode", "3d"], ["3d", "native, 2d, shadow, nested"]),
        (["--pages", "guest=8K"], ["8K", "4K, 2M, 1G"]),
        (["--memory", "3 GiB"], ["3 GiB", "power of two"]),
        (["--accesses", "none"], ["none", "all, data or fetch"]),
        (["--frames", "random"], ["random", "scattered or contiguous"]),
        (
            ["--input-format", "perf"],
            ["perf", "drmemtrace, champsim, cloudsuite, lackey, perf-script, terrace or text"],
        ),
    ] {
        let all: Vec<&str> = ["replay", &trace].into_iter().chain(arguments).collect();
        contains(&terrace(&all).failure(2), &parts);
    }
}

const SCENARIO: &str = r#"name = "bad"
machine = "broadwell-e5-2620v4"

[host]
nodes = ["dram0"]
memory = "1 GiB"

[[vm]]
mode = "2d"
vcpus = 1
memory = "64 MiB"
[[vm.program]]
workload = "gups"
threads = 1
core_cycles = 5
"#;

/// What is wrong only beside the machine, or beyond what the engine can do, is said where it stands.
#[test]
fn values_of_a_scenario_that_its_machine_does_not_have() {
    let folder = folder();
    let host_memory = "found 65 GiB; expected at most 64 GiB, what dram0 has\nname more nodes in host.nodes";
    let piece = "found 4096 TiB; expected at most 1023 GiB of one piece, as much as a kernel can manage";
    for (key, value, place, message) in [
        (
            "machine",
            "\"brodwell-e5-2620v4\"",
            "2:11",
            "found \"brodwell-e5-2620v4\"; expected one of broadwell-",
        ),
        ("machine", "\"brodwell-e5-2620v4\"", "2:11", "did you mean broadwell-e5-2620v4?"),
        (
            "machine",
            "\"./mine.toml\"",
            "2:11",
            "found no such file at \"./mine.toml\"; expected a machine file",
        ),
        (
            "host.nodes",
            "[\"dram7\"]",
            "5:10",
            "found \"dram7\"; expected one of dram0, dram1\ndid you mean dram0?",
        ),
        ("host.memory", "\"65 GiB\"", "6:10", host_memory),
        ("vm.0.vcpus", "900", "10:9", "found 900 vCPUs; expected at most the 32 CPUs of broadwell-e5-2620v4"),
        (
            "vm.0.vcpus",
            "1\ncpus = [999]",
            "11:9",
            "found the CPU 999; expected one of the 32 CPUs of broadwell-",
        ),
        ("vm.0.memory", "\"4096 TiB\"", "11:10", piece),
        ("vm.0.program.0.threads", "100000", "14:11", "found 100000 threads; expected 1 to 1024"),
        ("vm.0.program.0.core_cycles", "1e300", "15:15", "expected a number of cycles from 0 to 4294967296"),
    ] {
        let name = key.rsplit('.').next().unwrap();
        let mut lines = SCENARIO.lines().filter(|line| line.split(" = ").next() == Some(name));
        let line = if key.starts_with("host") { lines.next() } else { lines.next_back() }.unwrap();
        let text = SCENARIO.replacen(&format!("{line}\n"), &format!("{name} = {value}\n"), 1);
        let path = file(&folder, "bad.toml", text.as_bytes());
        let error = terrace(&["run", &path]).failure(1);
        assert!(error.starts_with(&format!("error: {path}:{place}: ")), "{key} at {place}\n{error}");
        contains(&error, &[message]);
        // Of an override that is the place.
        if !value.contains('\n') {
            let good = file(&folder, "good.toml", SCENARIO.as_bytes());
            let given = format!("{key}={value}");
            let error = terrace(&["run", &good, "--set", &given]).failure(1);
            assert!(error.starts_with(&format!("error: --set {given}: found ")), "{error}");
            contains(&error, &[message]);
        }
    }
}
