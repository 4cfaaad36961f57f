//! Directories of a file for each thread come out in order of (timestamp, thread id).

use std::fs;
use std::path::Path;

use terrace_addr::AccessKind;
use terrace_trace::{Batch, Format, open};

use crate::build::{
    FETCH, LOAD, MARKER, TIMESTAMP, addresses, drain, gzip, read, record, small_champsim, small_lackey,
    small_trace, trace, xz, zip,
};

/// A thread whose accesses come in segments: each a time and addresses.
fn thread(id: u64, segments: &[(u64, &[u64])]) -> Vec<u8> {
    let mut body = Vec::new();
    for &(time, addresses) in segments {
        body.push(record(MARKER, TIMESTAMP, time));
        body.push(record(MARKER, 3, 0));
        body.extend(addresses.iter().map(|&address| record(LOAD, 8, address)));
    }
    trace(id, &body)
}

fn write(directory: &Path, files: &[(&str, Vec<u8>)]) {
    for (name, content) in files {
        fs::write(directory.join(name), content).unwrap();
    }
}

/// Files in three containers, named in another order than that of their threads.
fn three_threads(directory: &Path) {
    write(
        directory,
        &[
            ("a.zip", zip(&[&thread(30, &[(10, &[0x3000]), (20, &[0x3001, 0x3002]), (50, &[0x3003])])])),
            ("b.gz", gzip(&thread(10, &[(10, &[0x1000, 0x1001]), (30, &[0x1002]), (50, &[0x1003])]))),
            ("c.xz", xz(&thread(20, &[(5, &[0x2000]), (20, &[0x2001]), (20, &[0x2002]), (40, &[])]))),
        ],
    );
}

const MERGED: [(u32, u64); 11] = [
    (1, 0x2000),
    (0, 0x1000),
    (0, 0x1001),
    (2, 0x3000),
    (1, 0x2001),
    (1, 0x2002),
    (2, 0x3001),
    (2, 0x3002),
    (0, 0x1002),
    (0, 0x1003),
    (2, 0x3003),
];

#[test]
fn segments_come_in_order_of_time_then_thread_id() {
    let directory = tempfile::tempdir().unwrap();
    three_threads(directory.path());
    let mut source = open(directory.path()).unwrap();
    assert_eq!(source.format(), Format::DrMemtrace);
    assert_eq!(addresses(&drain(&mut *source).unwrap()), MERGED);
    assert_eq!((source.statistics().records, source.statistics().loads), (3 * 4 + 2 * 10 + 11, 11));
}

#[test]
fn the_folder_trace_inside_a_directory_is_found() {
    let directory = tempfile::tempdir().unwrap();
    for folder in ["trace", "raw"] {
        fs::create_dir(directory.path().join(folder)).unwrap();
    }
    let inner = directory.path().join("trace");
    three_threads(&inner);
    // What DynamoRIO puts beside the traces is no trace, and is known by name.
    write(&inner, &[("cpu_schedule.bin.zip", zip(&[b"x"])), ("serial_schedule.bin.gz", gzip(b"x"))]);
    write(directory.path(), &[("notes.txt", b"not looked at".to_vec())]);
    assert_eq!(addresses(&read(directory.path()).unwrap()), MERGED);
    assert_eq!(addresses(&read(&inner).unwrap()), MERGED);
}

#[test]
fn a_batch_has_the_thread_id_that_the_file_gives() {
    let directory = tempfile::tempdir().unwrap();
    three_threads(directory.path());
    let mut source = open(directory.path()).unwrap();
    let mut batch = Batch::new();
    let mut ids = Vec::new();
    while source.next_batch(&mut batch).unwrap() {
        ids.push((batch.thread().get(), batch.thread_id()));
    }
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids, [(0, 10), (1, 20), (2, 30)]);
}

#[test]
fn a_segment_longer_than_a_batch_stays_together() {
    let directory = tempfile::tempdir().unwrap();
    let long = |id: u64, time| {
        let addresses: Vec<u64> = (0..10_000).map(|i| id * 0x10_0000 + i).collect();
        thread(id, &[(time, &addresses)])
    };
    write(directory.path(), &[("a", long(1, 7)), ("b", long(2, 6))]);
    let seen = read(directory.path()).unwrap();
    assert_eq!(seen.len(), 20_000);
    assert!(seen[..10_000].iter().all(|&(thread, _)| thread == 1));
    assert!(seen[10_000..].iter().all(|&(thread, access)| thread == 0 && access.kind == AccessKind::Load));
    assert!(seen.is_sorted_by_key(|&(thread, access)| (1 - thread, access.addr)));
}

#[test]
fn a_thread_without_references_is_passed_over() {
    let directory = tempfile::tempdir().unwrap();
    write(directory.path(), &[("a", trace(1, &[])), ("b", trace(2, &[record(FETCH, 1, 0x10)]))]);
    assert_eq!(addresses(&read(directory.path()).unwrap()), [(1, 0x10)]);
}

fn refused(directory: &Path) -> String {
    read(directory).unwrap_err().to_string()
}

#[test]
fn a_directory_without_traces_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let error = refused(directory.path());
    assert!(error.contains("found a directory without trace files"), "{error}");
    assert!(error.contains("Give DynamoRIO's output directory"), "{error}");
    fs::create_dir(directory.path().join("raw")).unwrap();
    assert!(refused(directory.path()).contains("drraw2trace"));
}

#[test]
fn a_file_of_a_directory_that_is_no_trace_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    write(directory.path(), &[("a", small_trace())]);
    for (content, found) in [
        (small_champsim(), "a champsim trace"),
        (small_lackey(), "a lackey trace"),
        (b"some words\nand more".to_vec(), "text that begins with \"some words\""),
        (Vec::new(), "an empty file"),
        (gzip(b"\x01\x02"), "gzip content that begins with 01 02"),
    ] {
        write(directory.path(), &[("notes", content)]);
        let error = refused(directory.path());
        assert!(error.contains(&format!("/notes: found {found}")), "{error}");
        assert!(error.contains(", expected a drmemtrace trace"), "{error}");
        let advice =
            "Take this file out of the directory, where each file must be the drmemtrace trace of a thread.";
        assert!(error.ends_with(&format!("\n{advice}")), "{error}");
        assert!(error.lines().map(|line| line.chars().count().div_ceil(110)).sum::<usize>() <= 3, "{error}");
    }
}

#[test]
fn two_files_of_one_thread_are_refused() {
    let directory = tempfile::tempdir().unwrap();
    write(directory.path(), &[("a", small_trace()), ("b", small_trace())]);
    let error = refused(directory.path());
    assert!(
        error.contains("thread 77 in ") && error.contains("expected one file for each thread"),
        "{error}"
    );
}

#[test]
fn two_threads_in_a_file_of_a_directory_are_refused() {
    let directory = tempfile::tempdir().unwrap();
    let body = [record(LOAD, 8, 8), record(22, 4, 6), record(LOAD, 8, 16)];
    write(directory.path(), &[("a", trace(5, &body))]);
    let error = refused(directory.path());
    assert!(error.contains("found thread 6 after thread 5"), "{error}");
}

#[test]
fn a_directory_is_no_trace_of_another_format() {
    let directory = tempfile::tempdir().unwrap();
    for format in Format::ALL.into_iter().filter(|&format| format != Format::DrMemtrace) {
        let error = terrace_trace::open_as(directory.path(), format).err().unwrap().to_string();
        assert!(error.contains(&format!("found a directory, expected a {format} file")), "{error}");
    }
}

#[test]
fn a_truncated_file_of_a_directory_is_an_error() {
    let directory = tempfile::tempdir().unwrap();
    let whole = small_trace();
    write(directory.path(), &[("a", whole[..whole.len() - 12].to_vec())]);
    let error = refused(directory.path());
    assert!(error.contains("expected a footer record"), "{error}");
}

#[test]
fn what_lies_beside_the_traces_is_known_by_name() {
    let directory = tempfile::tempdir().unwrap();
    three_threads(directory.path());
    write(
        directory.path(),
        &[
            ("v2p.textproto", b"page_size: 4096".to_vec()),
            ("info.textproto", b"x".to_vec()),
            ("3f.branch_trace.12.csv.gz", gzip(b"x")),
            ("3f.threadstats.csv", b"tid,count".to_vec()),
            ("cpu_schedule.bin.zip", zip(&[b"x"])),
            ("encodings.bin", b"x".to_vec()),
            ("funclist.log", b"x".to_vec()),
            ("modules.log", b"x".to_vec()),
        ],
    );
    fs::create_dir(directory.path().join("aux")).unwrap();
    assert_eq!(addresses(&read(directory.path()).unwrap()), MERGED);
}

#[test]
fn the_top_directory_of_googles_traces_is_read_or_says_which_to_give() {
    let top = tempfile::tempdir().unwrap();
    // Version 2: a folder for each workload, with folders trace and aux.
    let workload = top.path().join("whiskey");
    fs::create_dir_all(workload.join("aux")).unwrap();
    fs::create_dir_all(workload.join("trace")).unwrap();
    write(&workload.join("aux"), &[("v2p.textproto", b"x".to_vec()), ("info.textproto", b"x".to_vec())]);
    write(&workload.join("trace"), &[("163.11.memtrace.zip", zip(&[&small_trace()]))]);
    assert_eq!(read(&workload).unwrap().len(), 4);
    let error = refused(top.path());
    let expected = "found a directory without trace files, expected drmemtrace files, one for each thread\n\
                    Give one of its folders that hold a trace, such as whiskey.";
    assert!(error.ends_with(expected), "{error}");
    // Version 1: a folder for each recording.
    fs::create_dir_all(top.path().join("delta/trace-1")).unwrap();
    fs::create_dir_all(top.path().join("delta/trace-2")).unwrap();
    write(&top.path().join("delta/trace-2"), &[("3f.12.memtrace.gz", gzip(&small_trace()))]);
    let error = refused(&top.path().join("delta"));
    assert!(error.ends_with("\nGive one of its folders that hold a trace, such as trace-2."), "{error}");
}

#[test]
fn a_filtered_recording_has_a_note() {
    let note = "Data accesses that hit a small cache were left out in the recording (drmemtrace's L0 filter): there \
                are more TLB hits, and a higher share of hits, than this trace gives.";
    let filtered = |id| trace(id, &[record(MARKER, 9, 0x140), record(LOAD, 8, 8)]);
    let directory = tempfile::tempdir().unwrap();
    write(directory.path(), &[("a", filtered(1)), ("b", filtered(2)), ("c", thread(3, &[(1, &[8])]))]);
    assert_eq!(open(directory.path()).unwrap().notes(), [note]);
    assert_eq!(open(directory.path().join("a")).unwrap().notes(), [note]);
    assert!(open(directory.path().join("c")).unwrap().notes().is_empty());
}
