//! `terrace trace`.

use crate::run;

use std::io::Write;
use std::process::{Command, Stdio};

use run::{data, terrace};

fn info(path: &str) -> serde_json::Value {
    serde_json::from_str(&terrace(&["trace", "info", path, "--format", "json"]).success()).unwrap()
}

/// What the README of the traces says of each.
#[test]
fn info_says_what_is_inside() {
    for (trace, format, fetches, loads, stores) in [
        ("sort.drmemtrace.zip", "drmemtrace", 8_146_614, 1_909_044, 1_098_707),
        ("gups.drmemtrace.zip", "drmemtrace", 715_527, 86_342, 71_468),
        ("mix.champsim.xz", "champsim", 300_000, 100_000, 0),
    ] {
        let info = info(&data(trace));
        assert_eq!(info["input"]["format"], format);
        let counts = ["fetches", "loads", "stores"].map(|kind| info[kind].as_u64().unwrap());
        assert_eq!(counts, [fetches, loads, stores], "{trace}");
        assert_eq!(info["references"], fetches + loads + stores);
        assert_eq!(info["threads"][0]["references"], info["references"]);
    }
    // 60,000 updates over 256 MiB: 65,536 pages of 4K, of which random choices leave some out, in 128 of 2M.
    let pages = &info(&data("gups.drmemtrace.zip"))["pages"];
    let small = pages[0]["pages"].as_u64().unwrap();
    assert!((38_000..41_000).contains(&small), "{small}");
    assert!((128..200).contains(&pages[1]["pages"].as_u64().unwrap()));
    let table = terrace(&["trace", "info", &data("true.lackey.gz")]).success();
    for part in ["lackey", "references", "lines of something else", "touches that 1,024 entries serve"] {
        assert!(table.contains(part), "{part} in\n{table}");
    }
}

#[test]
fn head_prints_lines_that_are_a_trace() {
    let lines = terrace(&["trace", "head", &data("gups.drmemtrace.zip"), "-n", "5000"]).success();
    assert_eq!(lines.lines().count(), 5001);
    let later =
        terrace(&["trace", "head", &data("gups.drmemtrace.zip"), "--skip", "4090", "-n", "20"]).success();
    let expected: Vec<&str> = lines.lines().skip(4091).take(20).collect();
    assert_eq!(later.lines().skip(1).collect::<Vec<_>>(), expected);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("head.csv");
    std::fs::write(&file, &lines).unwrap();
    assert_eq!(info(file.to_str().unwrap())["references"], 5000);
}

/// What can be counted of a trace that was converted, and back.
#[test]
fn converting_keeps_what_the_format_can_hold() {
    let folder = tempfile::tempdir().unwrap();
    let to = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    for trace in ["gups.drmemtrace.zip", "mix.champsim.xz", "true.lackey.gz"] {
        let (own, text) = (to("t.terrace"), to("t.csv"));
        assert_eq!(terrace(&["trace", "convert", &data(trace), &own, "--quiet"]).success(), "");
        assert_eq!(terrace(&["trace", "convert", &own, &text, "--quiet"]).success(), "");
        // Every reference, its size, kind and thread, as without the way through Terrace's format.
        let direct = to("direct.csv");
        assert_eq!(terrace(&["trace", "convert", &data(trace), &direct, "--quiet"]).success(), "");
        assert!(std::fs::read(&direct).unwrap() == std::fs::read(&text).unwrap(), "{trace}");
        let original = info(&data(trace));
        for copy in [&own, &text] {
            let copy = info(copy);
            for field in ["references", "fetches", "loads", "stores", "pages"] {
                assert_eq!(copy[field], original[field], "{trace}: {field}");
            }
        }
    }
    let records = to("t.champsim");
    terrace(&["trace", "convert", &data("mix.champsim.xz"), &records, "--quiet"]).success();
    let original = info(&data("mix.champsim.xz"));
    let copy = info(&records);
    assert_eq!((&copy["references"], &copy["pages"]), (&original["references"], &original["pages"]));
}

#[test]
fn nothing_half_written() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("t.terrace");
    let to = file.to_str().unwrap();
    let is_empty = || std::fs::read_dir(folder.path()).unwrap().next().is_none();
    // A trace that is damaged in its middle.
    let mut bytes = std::fs::read(data("gups.drmemtrace.zip")).unwrap();
    bytes[300_000] ^= 0x55;
    let damaged = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(damaged.path(), bytes).unwrap();
    terrace(&["trace", "convert", damaged.path().to_str().unwrap(), to]).failure(1);
    assert!(is_empty(), "an error");
    // A file-size limit, as a full disk would be.
    let program = env!("CARGO_BIN_EXE_terrace");
    let limited = format!(
        "ulimit -f 64; trap '' XFSZ; exec {program} trace convert {} {to}",
        data("sort.drmemtrace.zip")
    );
    let output = Command::new("bash").args(["-c", &limited]).stdin(Stdio::null()).output().unwrap();
    let error = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{error}");
    assert!(
        error.contains("t.terrace: found File too large") && error.contains("Nothing was left"),
        "{error}"
    );
    assert!(is_empty(), "a full disk");
    for arguments in [["t.zip", "expected .terrace"], ["/nonexistent/t.terrace", "found No such file"]] {
        let error = terrace(&["trace", "convert", &data("mix.champsim.xz"), arguments[0]]).failure(1);
        assert!(error.contains(arguments[1]), "{error}");
    }
    let error = terrace(&["trace", "convert", &data("mix.champsim.xz"), to, "--thread", "77"]).failure(1);
    assert!(error.contains("no thread with the id 77"), "{error}");
    assert!(is_empty());
}

/// A pipe is a trace too, and several modes see it in one pass.
#[test]
fn standard_input_is_replayed() {
    let mut log = Vec::new();
    let file = std::fs::File::open(data("true.lackey.gz")).unwrap();
    std::io::copy(&mut std::io::BufReader::new(file), &mut log).unwrap();
    let mut child = Command::new(env!("CARGO_BIN_EXE_terrace"))
        .args(["replay", "-", "--format", "json", "--mode", "native,2d,nested"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(&log).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    let mut piped: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let path = data("true.lackey.gz");
    let file = terrace(&["replay", &path, "--format", "json", "--mode", "native,2d,nested"]).success();
    let file: serde_json::Value = serde_json::from_str(&file).unwrap();
    assert_eq!(piped["inputs"][0]["name"], "standard input");
    piped["inputs"][0]["name"] = "true.lackey.gz".into();
    assert_eq!(piped, file);
    let twice = terrace(&["replay", "-", "-"]).failure(1);
    assert!(twice.contains("- twice"), "{twice}");
}

/// Programs that a test lets be found.
#[cfg(unix)]
fn only(programs: &[&str]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for program in programs {
        let found = ["/usr/bin", "/bin"].map(|folder| std::path::Path::new(folder).join(program));
        let found = found.iter().find(|path| path.exists()).unwrap();
        std::os::unix::fs::symlink(found, folder.path().join(program)).unwrap();
    }
    folder
}

#[cfg(unix)]
#[test]
fn capturing_without_valgrind_says_how_to_get_it() {
    let (path, folder) = (only(&["mkfifo"]), tempfile::tempdir().unwrap());
    let mut command = Command::new(env!("CARGO_BIN_EXE_terrace"));
    command.args(["trace", "capture", "--", "true"]).env("PATH", path.path()).current_dir(folder.path());
    let output = command.stdin(Stdio::null()).output().unwrap();
    let error = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{error}");
    assert!(error.contains("found no valgrind") && error.contains("apt install valgrind"), "{error}");
    assert!(std::fs::read_dir(folder.path()).unwrap().next().is_none(), "nothing is left");
}

/// Where Valgrind is installed.
#[cfg(unix)]
#[test]
fn capturing_records_a_program() {
    if Command::new("valgrind").arg("--version").output().is_err() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let run = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_terrace"));
        command.args(["trace", "capture"]).args(arguments).current_dir(folder.path());
        command.stdin(Stdio::null()).output().unwrap()
    };
    let output = run(&["--", "echo", "hello"]);
    assert_eq!(String::from_utf8(output.stdout).unwrap(), "hello\n", "what the program prints is its own");
    assert!(output.status.success());
    let info = info(folder.path().join("echo.terrace").to_str().unwrap());
    assert_eq!(info["input"]["format"], "terrace");
    assert!(info["fetches"].as_u64().unwrap() > 100_000 && info["stores"].as_u64().unwrap() > 10_000);
    let output = run(&["--", "no-such-program"]);
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.code() == Some(1) && error.contains("expected a program that runs"), "{error}");
    assert!(!folder.path().join("no-such-program.terrace").exists());
}
