//! The readers, on small samples in the published layouts, and on what is wrong with them.

use std::fs;
use std::path::{Path, PathBuf};

use rusqlite::Connection;
use tempfile::TempDir;
use terrace_addr::{Bytes, Nanos};
use terrace_fleet::read::{BadRows, Format, Reading, read};
use terrace_fleet::{
    Change, Cores, Demand, FleetError, FleetSpec, ServerPolicy, Setup, THESIS_CORES, THESIS_MEMORY, Trace,
    Unwatched, simulate,
};

fn sample(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(name)
}

fn fleet() -> FleetSpec {
    FleetSpec::alike(10, THESIS_CORES, THESIS_MEMORY)
}

fn readable(path: &Path) -> Reading {
    read(path, None, &fleet(), BadRows::Refuse).unwrap()
}

const SECOND: u64 = 1_000_000_000;

/// (seconds, VM, what), with cores and GiB of a size.
fn events(trace: &Trace, class: usize) -> Vec<(f64, usize, String)> {
    let size = |shape: terrace_fleet::ShapeId| match trace.shapes()[shape.index()].demand(class) {
        Some(Demand { cores, memory }) => {
            format!("{cores} {:.4}", terrace_addr::convert::ratio(memory, 1 << 30))
        }
        None => "-".to_owned(),
    };
    let events = trace.events().iter().map(|event| {
        let what = match event.change {
            Change::Arrive(shape) => format!("+ {}", size(shape)),
            Change::Resize(shape) => format!("= {}", size(shape)),
            Change::Depart => "-".to_owned(),
        };
        (terrace_addr::convert::ratio(event.time.get(), SECOND), event.vm.index(), what)
    });
    events.collect()
}

fn expected(events: &[(f64, usize, &str)]) -> Vec<(f64, usize, String)> {
    events.iter().map(|&(time, vm, what)| (time, vm, what.to_owned())).collect()
}

/// A reading that a policy places whole.
fn runs(reading: &Reading) {
    let setup = Setup::new(reading.fleet.clone(), ServerPolicy::Contiguity);
    let outcome = simulate(&reading.trace, &setup, &mut Unwatched).unwrap();
    assert_eq!(outcome.tally.one_block, u64::from(reading.trace.vms()));
    assert_eq!(outcome.end, reading.trace.end());
}

#[test]
fn azure_v1_is_read() {
    let reading = readable(&sample("azure_v1.csv"));
    assert_eq!((reading.format, reading.trace.vms(), reading.skipped.rows), (Format::Azure, 8, 0));
    let found = events(&reading.trace, 0);
    let expected = expected(&[
        (0.0, 0, "+ 1 1.7500"),
        (0.0, 1, "+ 1 0.7500"),
        (300.0, 2, "+ 2 3.5000"),
        // It was deleted when it was created: it lives for one interval.
        (600.0, 2, "-"),
        (600.0, 3, "+ 4 7.0000"),
        (900.0, 4, "+ 8 56.0000"),
        (3600.0, 5, "+ 16 112.0000"),
        (3600.0, 6, "+ 1 1.7500"),
        (4200.0, 3, "-"),
        (7200.0, 6, "-"),
        (86_400.0, 7, "+ 2 14.0000"),
        (86_700.0, 7, "-"),
        (90_000.0, 5, "-"),
        (1_539_300.0, 1, "-"),
    ]);
    assert_eq!(found, expected);
    // Those of the last time stamp do not leave.
    assert_eq!(reading.trace.end(), Nanos::new(2_592_000 * SECOND));
    runs(&reading);
}

#[test]
fn azure_v2_is_read_with_its_classes_of_sizes() {
    let reading = read(
        &sample("azure_v2.csv.gz"),
        None,
        &FleetSpec::alike(10, Cores::whole(40), Bytes::new(256 << 30)),
        BadRows::Refuse,
    )
    .unwrap();
    let found = events(&reading.trace, 0);
    assert!(found.contains(&(900.0, 4, "+ 30 70.0000".to_owned())), "{found:?}");
    assert!(found.contains(&(600.0, 3, "+ 24 64.0000".to_owned())), "{found:?}");
    assert_eq!((reading.format, reading.trace.vms()), (Format::Azure, 6));
    runs(&reading);
    // On servers of 24 cores the largest class fits nowhere.
    let error = read(&sample("azure_v2.csv.gz"), None, &fleet(), BadRows::Refuse).unwrap_err().to_string();
    assert!(
        error.contains("line 5: size: found a VM of 30 cores and 70.00 GiB; expected at most"),
        "{error}"
    );
}

#[test]
fn the_packing_trace_is_read_also_from_its_zip() {
    for name in ["azure_packing.sqlite", "azure_packing.zip"] {
        let reading = readable(&sample(name));
        assert_eq!((reading.format, reading.trace.vms()), (Format::AzurePacking, 6));
        let classes: Vec<_> = reading.fleet.classes.iter().map(|it| (it.name.as_str(), it.count)).collect();
        assert_eq!(classes, [("machine-0", 5), ("machine-1", 5)]);
        let day = 86_400.0;
        let on_first = expected(&[
            (0.0, 0, "+ 3 12.0000"),
            (0.0, 1, "+ 3 12.0000"),
            (0.125 * day, 2, "+ 12 96.0000"),
            (0.375 * day, 2, "-"),
            (0.5 * day, 1, "-"),
            // Its type runs on the second type of machines only.
            (0.5 * day, 3, "+ -"),
            // It leaves after the window.
            (2.0 * day, 4, "+ 12 96.0000"),
            (13.0 * day, 3, "-"),
            (13.5 * day, 5, "+ 3 12.0000"),
            (13.5 * day + 1.0, 5, "-"),
        ]);
        assert_eq!(events(&reading.trace, 0), on_first);
        assert!(events(&reading.trace, 1).contains(&(0.5 * day, 3, "+ 24 192.0000".to_owned())));
        assert_eq!(reading.trace.end(), Nanos::new(14 * 86_400 * SECOND));
        runs(&reading);
    }
}

#[test]
fn bitbrains_is_read_with_its_changes_of_size() {
    let reading = readable(&sample("bitbrains"));
    assert_eq!((reading.format, reading.trace.vms()), (Format::Bitbrains, 3));
    let expected = expected(&[
        (0.0, 0, "+ 4 64.0000"),
        (0.0, 1, "+ 2 8.0000"),
        (600.0, 2, "+ 1 1.0000"),
        (900.0, 1, "= 4 16.0000"),
        (1200.0, 2, "-"),
        (1500.0, 1, "-"),
    ]);
    assert_eq!(events(&reading.trace, 0), expected);
    assert_eq!(reading.trace.end(), Nanos::new(1800 * SECOND));
    runs(&reading);
    let one = read(&sample("bitbrains/1.csv"), None, &fleet(), BadRows::Refuse).unwrap_err().to_string();
    assert!(one.contains("found the file of one VM; expected the folder"), "{one}");
}

#[test]
fn terraces_own_csv_is_read() {
    let reading = readable(&sample("terrace.csv"));
    assert_eq!((reading.format, reading.trace.vms()), (Format::Terrace, 4));
    let expected = expected(&[
        (0.0, 0, "+ 2 3.5000"),
        (0.0, 1, "+ 8 56.0000"),
        (3600.0, 0, "= 4 7.0000"),
        (3_600.000_000_001, 2, "+ 0.5 1.7500"),
        (7200.0, 2, "-"),
        (7200.0, 3, "+ 1 1.7500"),
        (86_400.5, 0, "-"),
    ]);
    assert_eq!(events(&reading.trace, 0), expected);
    assert_eq!(reading.trace.end(), Nanos::new(90_000 * SECOND));
    runs(&reading);
}

/// A sample in which a part was replaced by another one.
fn spoiled(name: &str, from: &str, to: &str) -> (TempDir, PathBuf) {
    let text = fs::read_to_string(sample(name)).unwrap();
    assert!(text.contains(from), "{from}");
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(Path::new(name).file_name().unwrap());
    fs::write(&path, text.replacen(from, to, 1)).unwrap();
    (folder, path)
}

/// What a bad row's error says, and that with `Skip` the row, and what hangs on it, is counted.
#[track_caller]
fn refused(path: &Path, format: Option<Format>, says: &str, skipped: u64, left: u32) {
    let error = read(path, format, &fleet(), BadRows::Refuse).unwrap_err();
    assert!(matches!(error, FleetError::Row { .. }), "{error}");
    let text = error.to_string();
    assert!(text.contains(says) && text.contains("--skip-bad"), "{text}");
    let reading = read(path, format, &fleet(), BadRows::Skip).unwrap();
    assert_eq!((reading.skipped.rows, reading.trace.vms()), (skipped, left));
    assert_eq!(reading.skipped.by_value.values().sum::<u64>(), skipped);
    assert!(text.contains(&reading.skipped.first[0].to_string()), "{text}");
}

#[test]
fn bad_rows_of_azure_are_refused_or_counted() {
    let cases = [
        (",Unknown,2,3.5", ",Unknown,2", "line 3: columns: found 10; expected 11"),
        (",300,300,", ",300,-300,", "line 3: deleted: found `-300`; expected seconds from 0 to 2591700"),
        (",300,300,", ",300,299,", "line 3: deleted: found 299, before it was created at 300"),
        (",300,300,", ",x,300,", "line 3: created: found `x`"),
        (",300,300,", ",300,2591701,", "line 3: deleted: found `2591701`"),
        (",Unknown,2,3.5", ",Unknown,0,3.5", "line 3: cores: found `0`; expected more than 0"),
        (",Unknown,2,3.5", ",Unknown,two,3.5", "line 3: cores: found `two`"),
        (",Unknown,2,3.5", ",Unknown,2,-1", "line 3: memory: found `-1`; expected a number of GB above 0"),
        (",Unknown,2,3.5", ",Unknown,2,NaN", "line 3: memory: found `NaN`"),
        (",Unknown,2,3.5", ",Unknown,2,1e300", "line 3: memory: found `1e300`"),
        (
            ",Unknown,2,3.5",
            ",Unknown,2,193",
            "line 3: size: found a VM of 2 cores and 193.00 GiB; expected at most what",
        ),
        (",Unknown,2,3.5", ",Unknown,25,3.5", "line 3: size: found a VM of 25 cores"),
    ];
    for (from, to, says) in cases {
        let (_folder, path) = spoiled("azure_v1.csv", from, to);
        refused(&path, None, says, 1, 7);
    }
    let text = fs::read_to_string(sample("azure_v1.csv")).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("twice.csv");
    let first = text.lines().next().unwrap();
    fs::write(&path, format!("{text}{first}\n")).unwrap();
    refused(&path, None, "line 9: vm id: found one that an earlier line has", 1, 8);
    // A file that ends within a line.
    fs::write(&path, &text[..text.len() - 20]).unwrap();
    refused(&path, None, "line 8: columns: found", 1, 7);
}

#[test]
fn a_truncated_gzip_is_an_error_with_the_line_that_it_came_to() {
    // Enough rows that some are decompressed before the end is missing.
    let row =
        |number: u32| format!("{:064x},s,d,0,600,1,1,1,Unknown,1,1.75\n", number.wrapping_mul(2_654_435_769));
    let text: String = (0..20_000).map(row).collect();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("vmtable.csv.gz");
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::Write::write_all(&mut gzip, text.as_bytes()).unwrap();
    let whole = gzip.finish().unwrap();
    // A bit that was turned over is found by the checksum at the end, or before.
    for place in [whole.len() / 2, whole.len() - 6] {
        let mut damaged = whole.clone();
        damaged[place] ^= 0x10;
        let path = folder.path().join("damaged.csv.gz");
        fs::write(&path, damaged).unwrap();
        let error = read(&path, None, &fleet(), BadRows::Skip).unwrap_err().to_string();
        assert!(error.contains("damaged.csv.gz: found") && error.contains("expected"), "{error}");
    }
    fs::write(&path, &whole).unwrap();
    assert_eq!(readable(&path).trace.vms(), 20_000);
    for bad in [BadRows::Refuse, BadRows::Skip] {
        for share in [2, 10] {
            fs::write(&path, &whole[..whole.len() / share]).unwrap();
            let error = read(&path, None, &fleet(), bad).unwrap_err();
            let FleetError::Truncated { line, .. } = error else {
                panic!("{error}");
            };
            let share = u64::try_from(share).unwrap();
            assert!((1..=20_000 / share + 2000).contains(&line), "{line}");
        }
    }
    fs::write(&path, &whole[..5]).unwrap();
    let error = read(&path, None, &fleet(), BadRows::Skip).unwrap_err().to_string();
    assert!(error.contains("cut off"), "{error}");
}

#[test]
fn bad_rows_of_bitbrains_are_refused_or_counted() {
    let cases = [
        ("1376315100;\t4;", "1376315100;", "line 3: columns: found 10; expected 11"),
        ("1376315100;", "-5;", "line 3: timestamp: found `-5`"),
        ("1376315100;", "1376314799;", "line 3: timestamp: found `1376314799`, before the line above"),
        ("67108864.0", "0.0", "line 2: memory: found `0.0`"),
        ("1376315100;\t4;", "1376315100;\t40;", "line 3: size: found a VM of 40 cores"),
    ];
    for (from, to, says) in cases {
        let (folder, _) = spoiled("bitbrains/1.csv", from, to);
        refused(folder.path(), None, says, 1, 1);
    }
    let folder = tempfile::tempdir().unwrap();
    let error = read(folder.path(), None, &fleet(), BadRows::Skip).unwrap_err().to_string();
    assert!(error.contains("found a folder without files that end in .csv"), "{error}");
}

#[test]
fn bad_rows_of_terraces_csv_are_refused_or_counted() {
    let cases = [
        (
            "3600,resize,web-1,4,7516192768",
            "3600,resize,web-1,4",
            "line 4: columns: found 4; expected 5",
            1,
            4,
        ),
        (
            "3600,resize",
            "3599,restart",
            "line 4: event: found `restart`; expected create, resize, delete or end",
            1,
            4,
        ),
        ("3600,resize,web-1", "3600,resize,web-2", "line 4: vm: found `web-2`, which does not live", 1, 4),
        ("3600,resize,web-1", "-1,resize,web-1", "line 4: seconds: found `-1`", 1, 4),
        ("0,create,db", "0,create,web-1", "line 3: vm: found `web-1`, which lives", 1, 3),
        ("7200,delete", "7199,delete,,\n7198,delete", "line 6: columns: found 4; expected 5", 1, 4),
        ("7200,create,batch", "60,create,other", "line 7: seconds: found `60`, before the line above", 1, 3),
        ("8,60129542144", "8,601295421440", "line 3: size: found a VM of 8 cores and 560.00 GiB", 1, 3),
        (
            "90000,end,,,",
            "90000,end,,,\n90001,delete,db,,",
            "line 10: event: found a line behind `end`",
            1,
            4,
        ),
        ("0,create,db,8,", "0,create,db,0.0001,", "line 3: cores: found `0.0001`", 1, 3),
    ];
    for (from, to, says, skipped, left) in cases {
        let (_folder, path) = spoiled("terrace.csv", from, to);
        refused(&path, None, says, skipped, left);
    }
}

/// The packing sample after some SQL.
fn altered(sql: &str) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("packing.sqlite");
    fs::copy(sample("azure_packing.sqlite"), &path).unwrap();
    Connection::open(&path).unwrap().execute_batch(sql).unwrap();
    (folder, path)
}

#[test]
fn bad_rows_of_the_packing_trace_are_refused_or_counted() {
    let cases = [
        (
            "UPDATE vm SET vmTypeId = 9 WHERE vmId = 2",
            "table vm, row 3: vmTypeId: found 9; expected a type that the table vmType has",
        ),
        (
            "UPDATE vm SET vmTypeId = NULL WHERE vmId = 2",
            "table vm, row 3: vmTypeId: found nothing; expected a whole number",
        ),
        (
            "UPDATE vm SET endtime = 0.1 WHERE vmId = 2",
            "table vm, row 3: endtime: found 0.1, of a VM that started at 0.125",
        ),
        ("UPDATE vm SET endtime = -0.1 WHERE vmId = 1", "table vm, row 2: endtime: found -0.1"),
        ("UPDATE vm SET starttime = 15 WHERE vmId = 2", "table vm, row 3: starttime: found 15"),
        (
            "UPDATE vm SET starttime = 'x' WHERE vmId = 2",
            "table vm, row 3: starttime: found `x`; expected a number of days",
        ),
        ("UPDATE vm SET vmId = 1 WHERE vmId = 2", "table vm, row 3: vmId: found 1 again"),
    ];
    for (sql, says) in cases {
        let (_folder, path) = altered(sql);
        refused(&path, None, says, 1, 5);
    }
    let (_folder, path) = altered("UPDATE vmType SET core = 1.5 WHERE id = 3");
    refused(&path, None, "table vmType, row 4: core: found 1.5; expected a share of a machine", 2, 5);
}

#[test]
fn a_database_without_the_tables_is_an_error() {
    let error = |sql: &str| {
        let (_folder, path) = altered(sql);
        read(&path, None, &fleet(), BadRows::Skip).unwrap_err().to_string()
    };
    let text = error("DROP TABLE vm");
    assert!(text.contains("found the tables vmType; expected the tables vm and vmType"), "{text}");
    assert!(error("DROP TABLE vm; DROP TABLE vmType").contains("found no tables"));
    let text = error("ALTER TABLE vm DROP COLUMN endtime");
    assert!(text.contains("in the table vm; expected a column endtime"), "{text}");
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("broken.sqlite");
    let bytes = fs::read(sample("azure_packing.sqlite")).unwrap();
    fs::write(&path, &bytes[..700]).unwrap();
    let error = read(&path, None, &fleet(), BadRows::Skip).unwrap_err();
    assert!(matches!(error, FleetError::Database { .. }), "{error}");
}

#[test]
fn what_is_no_trace_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.csv");
    let error = |text: &str, format| {
        fs::write(&path, text).unwrap();
        read(&path, format, &fleet(), BadRows::Skip).unwrap_err().to_string()
    };
    assert!(error("a,b,c\n", None).contains("found the first line `a,b,c`; expected Azure's vmtable.csv"));
    assert!(error("", None).contains("found nothing in its first line; expected"));
    assert!(error("\0\u{1b}[1m\n", None).contains(r"found the first line `\0\u{1b}[1m`"), "no escape codes");
    assert!(
        error("a,b\n", Some(Format::Terrace)).contains("found the first line `a,b`; expected `seconds,event")
    );
    assert!(error("a,b\n", Some(Format::Azure)).contains("found no VM beside 1 rows that cannot be"));
    assert!(error("x", Some(Format::AzurePacking)).contains("x.csv"));
    let missing = read(&folder.path().join("y"), None, &fleet(), BadRows::Skip).unwrap_err();
    assert!(matches!(missing, FleetError::Io { .. }));
}
